# SPDX-License-Identifier: Apache-2.0
"""The worlds of programs.txt: networks of our own, a broker in them, and services beyond it.

A process has one World at a time, is root, and has one thread: it goes from network to network.
"""
import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))
from broker import CLONE_NEWNET, CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_REC, Broker, check, \
    end_with_parent, libc

import readme

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 20
NEAR, FAR, BEHIND = "192.0.2.1", "192.0.2.2", "198.51.100.2"


class Missing(Exception):
    """What this machine lacks for a world."""


class Net:
    """A network namespace."""

    def __init__(self):
        check(libc.unshare(CLONE_NEWNET), "unshare")
        self.fd = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"
        # What a host begins with, whatever the one that we run on was set to.
        for name, value in ("ping_group_range", "1 0"), ("ip_unprivileged_port_start", "1024"):
            pathlib.Path(f"/proc/sys/net/ipv4/{name}").write_text(value, encoding="ascii")

    def enter(self):
        check(libc.setns(self.fd, CLONE_NEWNET), "setns")

    def ip(self, *commands):
        self.enter()
        for command in commands:
            subprocess.run(["ip", *command.split()], check=True, capture_output=True, text=True)


class Service:
    """A program of root's at the other end: its command, and the port where it listens once it is up."""

    def __init__(self, command, port, kind="tcp"):
        self.command, self.port, self.kind = command.split(), port, kind

    def start(self, folder):
        with open(folder / "log", "a", encoding="utf-8") as log:
            process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       cwd=folder, preexec_fn=end_with_parent)
        end = time.monotonic() + PATIENCE_S
        while not self.is_up(process.pid):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.command[0]} did not start: " +
                                   (folder / "log").read_text(encoding="utf-8"))
            time.sleep(0.05)
        return process

    def is_up(self, pid):
        """Of TCP, 0A is the state of what listens."""
        wanted = f":{self.port:04X}"
        for table in self.kind, self.kind + "6":
            for line in open(f"/proc/{pid}/net/{table}", encoding="ascii").readlines()[1:]:
                _, local, _, state, *_ = line.split()
                if local.endswith(wanted) and (state == "0A" or self.kind == "udp"):
                    return True
        return False


SERVICES = {
    "web": Service("busybox httpd -f -p 80 -h .", 80),
    "names": Service("dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file "
                     f"--no-resolv --no-hosts --address=/web.test/{FAR}", 53, "udp"),
    "dhcp": Service("dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file "
                    "--port=0 --no-ping --dhcp-authoritative --dhcp-leasefile=leases "
                    "--dhcp-range=192.0.2.50,192.0.2.50", 67, "udp"),
    "ssh": Service("/usr/sbin/sshd -D -e -f sshd_config", 22),
    "redis": Service(f"redis-server --bind {FAR} --protected-mode no", 6379),
    "iperf3": Service("iperf3 -s", 5201),
}


def wire(address=True):
    """(near, far): the two ends of a pair."""
    far, near = Net(), Net()
    near.ip("link set lo up", f"link add wire0 type veth peer name wire1 netns {far.path}",
            "link set wire0 up")
    far.ip("link set lo up", f"addr add {FAR}/24 dev wire1", "link set wire1 up")
    if address:
        near.ip(f"addr add {NEAR}/24 dev wire0")
    return near, far


def path():
    """As wire; the far end is a router, and behind it is one more host."""
    near, far = wire()
    behind = Net()
    behind.ip("link set lo up", f"link add path1 type veth peer name path0 netns {far.path}",
              f"addr add {BEHIND}/24 dev path1", "link set path1 up",
              "route add default via 198.51.100.1")
    far.ip("addr add 198.51.100.1/24 dev path0", "link set path0 up")
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")
    near.ip(f"route add default via {FAR}")
    return near, far


def loopback():
    near = Net()
    near.ip("link set lo up")
    return near, near


def can():
    near = Net()
    try:
        near.ip("link set lo up", "link add dev vcan0 type vcan", "link set vcan0 up")
    except subprocess.CalledProcessError:
        raise Missing("the kernel has no CAN") from None
    return near, near


# How the networks are made; whether the program is in another one, that has nothing.
WORLDS = {
    "loopback": (loopback, False),
    "wire": (wire, False),
    "path": (path, False),
    "dhcp": (lambda: wire(address=False), False),
    "empty": (wire, True),
    "can": (can, True),
    "readme": (wire, False),
}


def policy_of(world):
    if world == "readme":
        return readme.block("yaml")
    return (HERE / f"{world}.yaml").read_text(encoding="utf-8")


def arrange_host():
    """What programs look for at fixed places of the host's, for this process and its children
    alone: a name server, and an empty /run with the folder that sshd wants. Once in a process."""
    resolv = pathlib.Path(os.path.realpath("/etc/resolv.conf"))
    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "mount")
    check(libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755"), "mount")
    os.mkdir("/run/sshd")
    ours = pathlib.Path("/run/ours.conf")
    ours.write_text(f"nameserver {FAR}\n", encoding="ascii")
    resolv.parent.mkdir(parents=True, exist_ok=True)  # if it was in /run
    if not resolv.exists():
        resolv.touch()
    check(libc.mount(os.fsencode(ours), os.fsencode(resolv), None, MS_BIND, None), "mount")


class World:
    """arrange_host() comes first. `spec` is as in programs.txt; `programs` a folder whose files the
    program finds in its own; `policy` the text of another policy than the world's."""

    def __init__(self, spec, daemon, programs, policy=None):
        name, *services = spec.split(" + ")
        if name == "dhcp":
            services.append("dhcp")
        check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl")
        self.processes, self.broker = [], None
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="sockbroker-programs."))
        try:
            self.lay_out(programs, "ssh" in services)
            make, is_apart = WORLDS[name]
            self.near, self.far = make()
            self.own = Net() if is_apart else self.near
            self.far.enter()
            for service in services:
                self.processes.append(SERVICES[service].start(self.top / "far"))
            self.near.enter()
            self.broker = Broker(daemon, policy or policy_of(name), user="daemon")
        except BaseException:
            self.end()
            raise

    @staticmethod
    def make_keys(*files):
        for file in files:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)

    def lay_out(self, programs, with_ssh):
        """Two folders: `home`, nobody's, and `far`, root's."""
        self.top.chmod(0o755)
        self.home, far = self.top / "home", self.top / "far"
        self.suggested = self.home / "suggested.yaml"
        shutil.copytree(programs, self.home)
        far.mkdir()
        shutil.copy(self.home / "index.html", far)
        if with_ssh:
            self.make_keys(self.home / "key", far / "host")
            (far / "sshd_config").write_text(
                f"HostKey {far}/host\nAuthorizedKeysFile {self.home}/key.pub\nStrictModes no\n"
                f"UsePAM no\nPidFile none\nListenAddress {FAR}\n", encoding="utf-8")
        nobody = pwd.getpwnam("nobody")
        for file in self.home, *self.home.iterdir():
            os.chown(file, nobody.pw_uid, nobody.pw_gid)

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()
        if self.broker:
            self.broker.stop()
        end_children()
        shutil.rmtree(self.top, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def end_children():
    """Ends what the programs left, which has come to be our own child."""
    end = time.monotonic() + PATIENCE_S
    own = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
    while (children := own.read_text(encoding="ascii").split()) and time.monotonic() < end:
        for child in map(int, children):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
