# SPDX-License-Identifier: Apache-2.0
"""A network of one's own, and a sockbrokerd in it, for tests in Python.

    enter_namespace()                      # root: lo alone, up; a host name of its own
    with Broker(daemon, policy) as broker: # started as root, runs as `user`
        ... broker.address ...
"""
import ctypes
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile

import fcntl
import select

NOBODY = 65534
CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWNS = 0x40000000, 0x04000000, 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_SET_PDEATHSIG = 1
PATIENCE_S = 60

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def open_vsock_device():
    """/dev/vsock, by which a program asks for its address, is everybody's where udev runs; for
    this process and those that it starts it is so now."""
    if not os.path.exists("/dev/vsock") or os.stat("/dev/vsock").st_mode & 0o004:
        return
    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "mount")
    with tempfile.TemporaryDirectory() as folder:
        device = f"{folder}/vsock"
        os.mknod(device, 0o600 | stat.S_IFCHR, os.stat("/dev/vsock").st_rdev)
        os.chmod(device, 0o666)
        check(libc.mount(device.encode(), b"/dev/vsock", None, MS_BIND, None), "mount")


def enter_namespace():
    """Moves this process, and those it starts from now on, to a network with `lo` alone."""
    check(libc.unshare(CLONE_NEWNET | CLONE_NEWUTS), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sH14x", b"lo", 0)
        flags, = struct.unpack_from("H", fcntl.ioctl(s, SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def end_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Broker:
    """A daemon on a UNIX path in a folder of its own, with its log beside it."""

    def __init__(self, daemon, policy, user="nobody", arguments=()):
        self.folder = tempfile.mkdtemp(prefix="sockbroker-test.")
        os.chmod(self.folder, 0o755)  # clients of other users come in
        self.address = f"unix:{self.folder}/broker.sock"
        policy_path = f"{self.folder}/policy.yaml"
        with open(policy_path, "w", encoding="utf-8") as f:
            f.write(policy)
        ready, told = os.pipe()
        with open(f"{self.folder}/log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [daemon, "--listen", self.address, "--ready-fd", str(told), "--user", user,
                 "--policy", policy_path, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[told],
                preexec_fn=end_with_parent)
        os.close(told)
        # A newline: it listens. End of file: it ended.
        listens = select.select([ready], [], [], PATIENCE_S)[0] and os.read(ready, 1) == b"\n"
        os.close(ready)
        if not listens:
            said = self.log()
            self.stop()
            raise RuntimeError(f"the broker did not start:\n{said}")

    def log(self):
        with open(f"{self.folder}/log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        """Ends it. True: with exit status 0, by itself, within the time."""
        self.process.terminate()
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        return status == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
