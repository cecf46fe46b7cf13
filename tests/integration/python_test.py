#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The module sockbroker.socket against a daemon: what CPython's own tests do not look at.

    python_test.py DAEMON [unittest's arguments]
"""

import asyncio
import errno
import fcntl
import gc
import os
import pathlib
import pickle
import select
import selectors
import shutil
import signal
import socket as kernels
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "python"))
from broker import Broker

from sockbroker import socket

SOON, LATE = 0.2, 30  # seconds; LATE is never waited for

POLICY = """version: 1
rules:
  - { name: loopback, who: { uid: UID }, may: [socket, bind, listen, connect, send],
      family: [inet, inet6], type: [stream, dgram], protocol: any,
      to: [127.0.0.0/8, "::1"], to_ports: any, from: [127.0.0.0/8, "::1"], from_ports: [ephemeral, 0, 1024-65535] }
  - { name: paths, who: { uid: UID }, may: [socket, bind, listen, connect, send], family: unix,
      type: [stream, dgram, seqpacket], unix: { paths: ["/tmp/*/*"], abstract: any, autobind: true } }
  - { name: real, who: { uid: UID }, may: direct, family: [inet, inet6], type: [stream, dgram], protocol: any,
      to: any, to_ports: any }
  - { name: real streams, who: { uid: UID }, may: direct, family: unix, type: stream }
  - { name: files, who: { uid: UID }, may: files }
"""


def setUpModule():
    global broker
    broker = Broker(DAEMON, POLICY.replace("UID", str(os.geteuid())))
    os.environ["SOCKBROKER_ADDRESS"] = broker.address


def tearDownModule():
    broker.stop()


def python(*arguments, **options):
    """Another interpreter; what it says is in stdout and stderr."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=LATE,
                          **options)


def program(text, *arguments, **options):
    return python("-c", textwrap.dedent(text), *arguments, **options)


class Case(unittest.TestCase):
    def setUp(self):
        signal.alarm(2 * LATE)  # nothing here may hang
        self.addCleanup(signal.alarm, 0)

    def pair(self):
        a, b = socket.socketpair()
        self.addCleanup(a.close)
        self.addCleanup(b.close)
        return a, b

    def listener(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        return listener

    def said(self, result, text):
        self.assertEqual((result.stdout, result.stderr, result.returncode), (text, "", 0))


class Errors(Case):
    def test_without_a_broker_the_errno_is_connects_and_the_text_says_what_to_do(self):
        result = program("""
            from sockbroker import socket
            try:
                socket.socket()
            except FileNotFoundError as e:
                print(e.strerror)
            """, env={**os.environ, "SOCKBROKER_ADDRESS": "unix:/nowhere/broker.sock"})
        self.assertIn("there is no broker at unix:/nowhere/broker.sock. Start sockbrokerd", result.stdout)

    def test_what_the_policy_refuses_is_a_permission_error_that_names_the_policy(self):
        with socket.socket() as s, self.assertRaisesRegex(PermissionError, "policy explain"):
            s.connect(("192.0.2.1", 80))

    def test_an_error_of_the_kernel_has_its_plain_text(self):
        with socket.socket() as s, self.assertRaises(OSError) as caught:
            s.getpeername()
        self.assertEqual(caught.exception.strerror, os.strerror(errno.ENOTCONN))

    def test_a_file_of_this_process_cannot_be_adopted(self):
        with open("/dev/null", "rb") as file, self.assertRaisesRegex(OSError, "not one of sb_socket") as caught:
            socket.socket(fileno=file.fileno())
        self.assertEqual(caught.exception.errno, errno.ENOTSOCK)

    def test_the_exceptions_are_the_standard_modules(self):
        result = program("""
            import socket as standard
            from sockbroker import socket
            for name in ("error", "gaierror", "herror", "timeout"):
                print(getattr(standard, name) is getattr(socket, name))
            """)
        self.said(result, "True\n" * 4)

    def test_ssl_that_has_the_kernels_sockets_refuses_ours_whenever_it_was_imported(self):
        for first, second in (("import ssl", "from sockbroker import socket"),
                              ("from sockbroker import socket", "import ssl")):
            result = python("-c", f"{first}\n{second}\n" + textwrap.dedent("""
                a, b = socket.socketpair()
                try:
                    ssl._create_unverified_context().wrap_socket(a)
                except TypeError as e:
                    print(e)
                a.close()
                b.close()
                """))
            self.assertIn("python3 -m sockbroker", result.stdout)

    def test_pickling_is_refused(self):
        a, _ = self.pair()
        with self.assertRaisesRegex(TypeError, "cannot pickle"):
            pickle.dumps(a)

    def test_when_the_broker_goes_its_sockets_say_so_and_can_be_closed(self):
        result = program("""
            import os, signal, sys
            from sockbroker import socket
            a, b = socket.socketpair()
            os.kill(int(sys.argv[1]), signal.SIGKILL)
            try:
                while True:
                    a.recv(1)
            except BrokenPipeError as e:
                print("the broker has gone" in e.strerror)
            a.close()
            b.close()
            """, str(self.second_broker().process.pid), env={**os.environ, "SOCKBROKER_ADDRESS": self.second})
        self.said(result, "True\n")

    def second_broker(self):
        second = Broker(DAEMON, POLICY.replace("UID", str(os.geteuid())))
        self.addCleanup(second.stop)
        self.second = second.address
        return second


class Signals(Case):
    def alarm(self, handler):
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.signal(signal.SIGUSR1, handler))
        stop = threading.Event()

        def send():
            while not stop.wait(SOON):
                os.kill(os.getpid(), signal.SIGUSR1)
        thread = threading.Thread(target=send)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)

    class Raised(Exception):
        pass

    def raise_it(self, *_):
        raise self.Raised

    def test_a_handler_that_raises_ends_recv(self):
        a, _ = self.pair()
        self.alarm(self.raise_it)
        self.assertRaises(self.Raised, a.recv, 1)

    def test_a_handler_that_raises_ends_accept(self):
        listener = self.listener()
        self.alarm(self.raise_it)
        self.assertRaises(self.Raised, listener.accept)

    def test_a_handler_that_raises_ends_sendall(self):
        a, _ = self.pair()
        self.alarm(self.raise_it)
        self.assertRaises(self.Raised, a.sendall, bytes(1 << 24))

    def test_a_handler_that_returns_leaves_the_time_as_it_was(self):
        a, _ = self.pair()
        count = []
        self.alarm(lambda *_: count.append(1))
        a.settimeout(3 * SOON)
        begin = time.monotonic()
        self.assertRaises(TimeoutError, a.recv, 1)
        self.assertGreaterEqual(time.monotonic() - begin, 3 * SOON)
        self.assertTrue(count)

    def test_control_c_ends_a_program_that_waits(self):
        with subprocess.Popen([sys.executable, "-c", "from sockbroker import socket\n"
                               "a, b = socket.socketpair()\nprint('waits', flush=True)\na.recv(1)"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            self.assertIn("KeyboardInterrupt", process.communicate(timeout=LATE)[1])
            self.assertEqual(process.returncode, -signal.SIGINT)


class Readiness(Case):
    def readable(self, s, seconds=0):
        return bool(select.select([s], [], [], seconds)[0])

    def test_select_shows_bytes_that_come_and_no_more_when_they_are_taken(self):
        a, b = self.pair()
        self.assertFalse(self.readable(b, SOON))
        a.send(b"x")
        self.assertTrue(self.readable(b, LATE))
        b.recv(1)
        self.assertFalse(self.readable(b, SOON))

    def test_select_shows_a_connection_and_the_end_of_one(self):
        listener = self.listener()
        with socket.create_connection(listener.getsockname()) as client:
            self.assertTrue(self.readable(listener, LATE))
            server, _ = listener.accept()
            server.close()
            self.assertTrue(self.readable(client, LATE))
            self.assertEqual(client.recv(1), b"")

    def test_a_connect_that_does_not_wait_becomes_writable_and_so_error_tells(self):
        closed = socket.create_server(("127.0.0.1", 0))
        address = closed.getsockname()
        closed.close()
        with socket.socket() as s:
            s.setblocking(False)
            self.assertIn(s.connect_ex(address), (errno.EINPROGRESS, errno.ECONNREFUSED))
            self.assertTrue(select.select([], [s], [], LATE)[1])
            self.assertEqual(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), errno.ECONNREFUSED)

    def test_selectors_wait_for_a_full_socket_to_drain(self):
        a, b = self.pair()
        a.setblocking(False)
        with self.assertRaises(BlockingIOError):
            while True:
                a.send(bytes(65536))
        with selectors.DefaultSelector() as selector:
            selector.register(a, selectors.EVENT_WRITE)
            b.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while True:
                    b.recv(1 << 20)
            self.assertTrue(selector.select(LATE))
            self.assertGreater(a.send(b"x"), 0)

    def test_fcntl_sees_whether_the_socket_is_non_blocking(self):
        a, _ = self.pair()
        seen = []
        for value in (None, 0, 1.5, None):
            a.settimeout(value)
            seen.append(bool(fcntl.fcntl(a.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK))
        self.assertEqual(seen, [False, True, True, False])

    def test_a_descriptor_that_was_made_non_blocking_is_taken_so(self):
        a, b = self.pair()
        os.set_blocking(a.fileno(), False)
        self.assertRaises(BlockingIOError, a.recv, 1)
        os.set_blocking(a.fileno(), True)
        b.send(b"x")
        self.assertEqual(a.recv(1), b"x")
        listener = self.listener()
        os.set_blocking(listener.fileno(), False)
        self.assertRaises(BlockingIOError, listener.accept)

    def test_what_only_wants_the_number_does_not_make_it_ready(self):
        a, b = self.pair()
        b.send(b"x")
        number = a._fileno()
        repr(a)
        a.dup().close()
        a.get_inheritable()
        self.assertFalse(self.readable(number, SOON))
        self.assertEqual(a.fileno(), number)
        self.assertTrue(self.readable(number, LATE))

    def test_sendfile_sends_to_the_peer_and_not_into_the_stand_in(self):
        a, b = self.pair()
        with tempfile.TemporaryFile() as file:
            file.write(b"content")
            file.flush()
            with self.assertRaises(OSError):
                os.sendfile(a.fileno(), file.fileno(), 0, 7)
            file.seek(0)
            self.assertEqual(a.sendfile(file), 7)
        self.assertEqual(b.recv(100), b"content")


class Descriptors(Case):
    def not_direct(self):
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(a.close)
        self.addCleanup(b.close)
        return a, b

    def test_a_detached_stand_in_can_be_adopted_with_what_it_is(self):
        a, b = self.not_direct()
        with socket.socket(fileno=a.detach()) as again:
            self.assertEqual((a.fileno(), again.family, again.type, again.proto),
                             (-1, socket.AF_UNIX, socket.SOCK_DGRAM, 0))
            again.send(b"x")
            self.assertEqual(b.recv(5), b"x")

    def test_a_detached_socket_keeps_its_mode(self):
        a, _ = self.not_direct()
        a.setblocking(False)
        with socket.socket(fileno=a.detach()) as again:
            self.assertRaises(BlockingIOError, again.recv, 1)

    def test_dup_and_fromfd_share_the_socket(self):
        a, b = self.pair()
        with a.dup() as copy, socket.fromfd(a.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as other:
            copy.send(b"1")
            other.send(b"2")
            self.assertEqual(b.recv(1) + b.recv(1), b"12")

    def test_sockets_travel_as_stand_ins(self):
        a, b = self.pair()
        c, d = self.pair()
        socket.send_fds(a, [b"take"], [c._fileno()])
        data, (received,), flags, _ = socket.recv_fds(b, 10, 4)
        with socket.socket(fileno=received) as got:
            got.send(b"through")
        self.assertEqual((data, flags & socket.MSG_CTRUNC, d.recv(10)), (b"take", 0, b"through"))

    def test_a_forked_child_has_no_sockets_and_leaves_its_parents_alone(self):
        result = program("""
            import os
            from sockbroker import socket
            a, b = socket.socketpair()
            if os.fork() == 0:
                try:
                    a.send(b"x")
                except OSError as e:
                    print(e.errno, flush=True)
                number = a._fileno()
                a.close()
                print(os.path.exists(f"/proc/self/fd/{number}"), flush=True)
                os._exit(0)
            os.wait()
            a.send(b"still")
            print(b.recv(10))
            a.close()
            b.close()
            """)
        self.said(result, f"{errno.EBADF}\nFalse\nb'still'\n")


class RealDescriptors(Case):
    """Sockets for which the policy says `direct`."""

    def connection(self):
        listener = self.listener()
        a = socket.create_connection(listener.getsockname())
        self.addCleanup(a.close)
        b, _ = listener.accept()
        self.addCleanup(b.close)
        return a, b

    def test_a_detached_number_is_the_kernels(self):
        a, b = self.connection()
        number = a.fileno()
        self.assertEqual(a.detach(), number)
        os.write(number, b"natively")
        self.assertEqual(b.recv(100), b"natively")
        b.send(b"and back")
        self.assertEqual(os.read(number, 100), b"and back")
        os.close(number)
        self.assertEqual(b.recv(1), b"")

    def test_it_goes_to_another_program(self):
        a, b = self.connection()
        number = a.detach()
        subprocess.run(["echo", "hello"], stdout=number, timeout=LATE, check=True)
        os.close(number)
        self.assertEqual(b.makefile().read(), "hello\n")

    def test_it_can_be_adopted_again(self):
        a, b = self.connection()
        with socket.socket(fileno=a.detach()) as again:
            self.assertEqual((again.family, again.type, again.getpeername()),
                             (socket.AF_INET, socket.SOCK_STREAM, b.getsockname()))
            again.sendall(b"x")
            self.assertEqual(b.recv(5), b"x")
            again.settimeout(SOON)
            self.assertRaises(TimeoutError, again.recv, 1)
            again.setblocking(False)
            self.assertRaises(BlockingIOError, again.recv, 1)
        self.assertEqual(b.recv(5), b"")

    def test_its_mode_is_the_kernels(self):
        a, _ = self.connection()
        a.settimeout(LATE)
        number = a.detach()
        self.assertFalse(os.get_blocking(number))
        with socket.socket(fileno=number) as again:
            self.assertRaises(BlockingIOError, again.recv, 1)

    def test_a_number_that_another_object_has_stays_a_stand_in(self):
        a, b = self.connection()
        with socket.socket(fileno=a.fileno()) as other:
            self.assertEqual(a.detach(), other.fileno())
            other.send(b"x")
            self.assertEqual(b.recv(5), b"x")

    def test_a_listener_of_the_kernels_is_adopted_and_accepts(self):
        with kernels.create_server(("127.0.0.1", 0)) as theirs:
            ours = socket.fromfd(theirs.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        with ours, kernels.create_connection(ours.getsockname()) as client:
            ours.settimeout(LATE)
            server, address = ours.accept()
            with server:
                self.assertEqual(address, client.getsockname())
                client.sendall(b"hello")
                self.assertEqual(server.recv(10), b"hello")

    def test_event_loops_wait_for_it(self):
        a, b = self.connection()
        with socket.socket(fileno=a.detach()) as again:
            self.assertFalse(select.select([again], [], [], SOON)[0])
            b.send(b"x")
            self.assertTrue(select.select([again], [], [], LATE)[0])

    def test_connections_of_multiprocessing_work_with_what_it_opens_itself(self):
        result = python("-m", "sockbroker", "-c", textwrap.dedent("""
            import threading
            from multiprocessing.connection import Client, Listener
            with Listener(("127.0.0.1", 0)) as listener:
                def serve():
                    with listener.accept() as connection:
                        connection.send(connection.recv() * 2)
                thread = threading.Thread(target=serve)
                thread.start()
                with Client(listener.address) as client:
                    client.send([1, "a"])
                    print(client.recv())
                thread.join()
            """))
        self.said(result, "[1, 'a', 1, 'a']\n")

    def test_closing_and_duplicating_by_number_knows_both(self):
        a, b = self.connection()
        number = a.detach()
        copy = socket.dup(number)
        socket.close(number)
        os.write(copy, b"x")
        self.assertEqual(b.recv(5), b"x")
        socket.close(copy)
        self.assertEqual(b.recv(5), b"")

    def test_a_pair_is_of_stand_ins_until_it_is_detached(self):
        a, b = self.pair()
        b.send(b"x")
        self.assertFalse(select.select([a._fileno()], [], [], 0)[0])
        number = a.detach()
        self.assertEqual(os.read(number, 5), b"x")
        os.close(number)

    def test_in_direct_mode_all_are(self):
        result = program("""
            import os, select
            from sockbroker import socket
            listener = socket.create_server(("127.0.0.1", 0))
            with socket.create_connection(listener.getsockname(), timeout=30) as a:
                b, _ = listener.accept()
                os.write(a.fileno(), b"natively")
                print(b.recv(10))
                b.settimeout(0.1)
                try:
                    b.recv(1)
                except TimeoutError:
                    print("in time")
            b.close()
            listener.close()
            """, env={**os.environ, "SOCKBROKER_DIRECT": "1"})
        self.said(result, "b'natively'\nin time\n")


class Files(Case):
    def passed(self, *numbers, most=10):
        a, b = self.pair()
        socket.send_fds(a, [b"x"], numbers)
        _, received, flags, _ = socket.recv_fds(b, 1, most)
        for number in received:
            self.addCleanup(os.close, number)
        return received, flags & socket.MSG_CTRUNC

    def test_files_travel_both_ways_and_are_the_same_files(self):
        with tempfile.TemporaryFile() as file:
            (got,), cut = self.passed(file.fileno())
            os.write(got, b"content")
            self.assertEqual((cut, os.pread(file.fileno(), 10, 0)), (0, b"content"))
            self.assertNotEqual(got, file.fileno())

    def test_a_pipe_has_an_end_when_the_received_one_is_closed(self):
        reader, writer = os.pipe()
        (got,), _ = self.passed(writer)
        os.close(writer)
        os.write(got, b"x")
        self.assertEqual(os.read(reader, 5), b"x")
        os.close(os.dup2(reader, got))
        self._cleanups.pop()
        self.assertEqual(os.read(reader, 5), b"")
        os.close(reader)

    def test_a_terminal_and_a_folder_travel(self):
        master, slave = os.openpty()
        folder = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        received, cut = self.passed(slave, folder)
        self.assertEqual((cut, os.isatty(received[0]), "proc" in os.listdir(received[1])), (0, True, True))
        for number in (master, slave, folder):
            os.close(number)

    def test_they_are_inherited_as_those_that_the_kernel_passes(self):
        with open("/dev/null", "rb") as file:
            (got,), _ = self.passed(file.fileno())
            self.assertTrue(os.get_inheritable(got))

    def test_sockets_and_files_travel_together_in_order(self):
        c, d = self.pair()
        with open("/dev/zero", "rb") as file:
            received, cut = self.passed(file.fileno(), c._fileno(), file.fileno())
        self._cleanups.pop(-2)
        self.assertEqual((cut, os.read(received[0], 2), os.read(received[2], 1)), (0, b"\0\0", b"\0"))
        with socket.socket(fileno=received[1]) as got:
            got.send(b"through")
        self.assertEqual(d.recv(10), b"through")

    def test_what_does_not_fit_is_closed_and_said(self):
        reader, writer = os.pipe()
        a, b = self.pair()
        socket.send_fds(a, [b"x"], [0, writer])
        os.close(writer)
        control = b.recvmsg(1, socket.CMSG_LEN(4))
        os.close(int.from_bytes(control[1][0][2], sys.byteorder))
        self.assertTrue(control[2] & socket.MSG_CTRUNC)
        self.assertEqual(os.read(reader, 1), b"")
        os.close(reader)

    def test_what_is_neither_is_refused(self):
        a, _ = self.pair()
        with kernels.socket(kernels.AF_UNIX) as theirs, self.assertRaises(OSError) as caught:
            socket.send_fds(a, [b"x"], [theirs.fileno()])
        self.assertEqual(caught.exception.errno, errno.EOPNOTSUPP)
        with select.epoll() as poll, self.assertRaises(OSError) as caught:
            socket.send_fds(a, [b"x"], [poll.fileno()])
        self.assertEqual(caught.exception.errno, errno.ENOTSOCK)


class Sharing(Case):
    TAKE = """
        import sys
        from sockbroker import socket
        s = socket.fromshare(bytes.fromhex(sys.argv[1]))
        print(s.family == socket.AF_UNIX, s.type == socket.SOCK_STREAM, s.proto)
        s.sendall(b"from another process")
        s.close()
        """

    def test_another_process_takes_a_socket_by_its_token(self):
        a, b = self.pair()
        self.said(program(self.TAKE, a.share(0).hex()), "True True 0\n")
        self.assertEqual(b.recv(100), b"from another process")

    def test_a_token_is_good_once_and_for_who_it_was_made(self):
        a, _ = self.pair()
        token = a.share(os.getpid())
        self.assertIn("PermissionError", program(self.TAKE, token.hex()).stderr)
        socket.fromshare(token).close()
        with self.assertRaises(FileNotFoundError):
            socket.fromshare(token)
        with self.assertRaises(ValueError):
            socket.fromshare(bytes(100))


class Threads(Case):
    def test_a_thread_that_waits_does_not_hold_up_another(self):
        a, b = self.pair()
        got = []
        thread = threading.Thread(target=lambda: got.append(b.recv(1)))
        thread.start()
        a.send(b"x")
        thread.join()
        self.assertEqual(got, [b"x"])

    def test_many_threads_echo_at_once(self):
        listener = self.listener()

        def serve():
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(100):
                    connection.sendall(data)

        def ask(number):
            with socket.create_connection(listener.getsockname()) as s:
                for i in range(20):
                    question = f"{number}-{i}".encode()
                    s.sendall(question)
                    answers.append(s.recv(100) == question)
        answers = []
        threads = [threading.Thread(target=serve) for _ in range(10)]
        threads += [threading.Thread(target=ask, args=(i,)) for i in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [True] * 200)

    def test_the_interpreter_ends_though_a_thread_waits(self):
        result = program("""
            import threading, time
            from sockbroker import socket
            a, b = socket.socketpair()
            a.fileno()
            threading.Thread(target=b.recv, args=(1,), daemon=True).start()
            print("end")
            """)
        self.assertEqual((result.stdout, result.returncode), ("end\n", 0))


class Garbage(Case):
    def test_a_socket_that_is_not_closed_is_told_and_closed(self):
        a, b = socket.socketpair()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            del a
            gc.collect()
        self.assertIn("unclosed <sockbroker.socket.socket", str(told[0].message))
        self.assertEqual((told[0].category, b.recv(1)), (ResourceWarning, b""))
        b.close()

    def test_sockets_leave_no_descriptors_behind(self):
        def few():
            for _ in range(20):
                a, b = socket.socketpair()
                a.fileno()
                a.close()
                b.close()
        few()
        before = len(os.listdir("/proc/self/fd"))
        few()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class AsynchronousStreams(unittest.IsolatedAsyncioTestCase):
    """asyncio takes its sockets from the standard module, so they are made here and handed to it."""

    async def echo(self, reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(self):
        listener = socket.create_server(("127.0.0.1", 0))
        server = await asyncio.start_server(self.echo, sock=listener)
        self.addAsyncCleanup(server.wait_closed)
        self.addCleanup(server.close)
        return listener.getsockname()

    async def connect(self, address):
        s = socket.socket()
        self.addCleanup(s.close)
        s.setblocking(False)
        await asyncio.get_running_loop().sock_connect(s, address)
        return s

    async def test_streams_echo_and_end(self):
        s = await self.connect(await self.serve())
        reader, writer = await asyncio.open_connection(sock=s)
        data = os.urandom(3 << 20)

        async def send():
            writer.write(data)
            await writer.drain()
            writer.write_eof()
        _, got = await asyncio.gather(send(), reader.read(-1))
        self.assertTrue(got == data)
        writer.close()
        await writer.wait_closed()

    async def test_many_connections_are_served_at_once(self):
        address = await self.serve()

        async def ask(number):
            reader, writer = await asyncio.open_connection(sock=await self.connect(address))
            for i in range(5):
                writer.write(b"%d-%d\n" % (number, i))
                self.assertEqual(await reader.readline(), b"%d-%d\n" % (number, i))
            writer.close()
            await writer.wait_closed()
        await asyncio.gather(*map(ask, range(20)))

    async def test_a_refused_connection_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            address = closed.getsockname()
        with self.assertRaises(ConnectionRefusedError):
            await self.connect(address)

    async def test_a_wait_can_be_given_up(self):
        reader, writer = await asyncio.open_connection(sock=await self.connect(await self.serve()))
        with self.assertRaises(TimeoutError):
            await asyncio.wait_for(reader.read(1), SOON)
        writer.close()

    async def test_sendfile_falls_back_to_sending(self):
        loop = asyncio.get_running_loop()
        with await self.connect(await self.serve()) as s, tempfile.TemporaryFile() as file:
            file.write(b"content")
            file.seek(0)
            self.assertEqual(await loop.sock_sendfile(s, file), 7)
            self.assertEqual(await loop.sock_recv(s, 100), b"content")


class Scripts(Case):
    def script(self, text, name="script.py"):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        return path


class Program(Scripts):
    """python3 -m sockbroker"""

    def test_a_script_gets_its_arguments_and_our_sockets(self):
        path = self.script("""
            import socket, sys
            print(socket.socket.__module__, __name__, sys.argv[1:], __file__ == sys.argv[0])
            """)
        self.said(python("-m", "sockbroker", path, "a", "-b"),
                  "sockbroker.socket __main__ ['a', '-b'] True\n")

    def test_a_script_finds_its_neighbours(self):
        path = self.script("import neighbour; print(neighbour.value)")
        pathlib.Path(path).with_name("neighbour.py").write_text("value = 1")
        self.said(python("-m", "sockbroker", path), "1\n")

    def test_a_command_and_a_module_can_be_run(self):
        self.said(python("-m", "sockbroker", "-c", "import socket, sys; print(socket.__name__, sys.argv)", "x"),
                  "sockbroker.socket ['-c', 'x']\n")
        path = self.script("import socket, sys; print(socket.__name__, sys.argv[1:])")
        self.said(python("-m", "sockbroker", "-m", "script", "x", cwd=os.path.dirname(path)),
                  "sockbroker.socket ['x']\n")

    def test_the_exit_status_is_the_programs(self):
        self.assertEqual(python("-m", "sockbroker", "-c", "raise SystemExit(3)").returncode, 3)

    def test_the_standard_library_uses_our_sockets(self):
        path = self.script("""
            import http.server, threading, urllib.request
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(type(self.connection).__module__.encode())
                def log_message(self, *_):
                    pass
            with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
                threading.Thread(target=server.serve_forever).start()
                with urllib.request.urlopen("http://127.0.0.1:%d/" % server.server_port) as reply:
                    print(reply.read())
                server.shutdown()
            """)
        self.said(python("-m", "sockbroker", path), "b'sockbroker.socket'\n")

    def test_asyncio_uses_our_sockets(self):
        path = self.script("""
            import asyncio
            async def echo(reader, writer):
                writer.write(await reader.readline())
                writer.close()
            async def main():
                server = await asyncio.start_server(echo, "127.0.0.1", 0)
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                writer.write(b"hello\\n")
                print(await reader.readline(), type(server.sockets[0]._sock).__module__)
                writer.close()
                server.close()
            asyncio.run(main())
            """)
        self.said(python("-m", "sockbroker", path), "b'hello\\n' sockbroker.socket\n")


@unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate with")
class Tls(Scripts):
    """The standard ssl module, under -m sockbroker."""

    PRELUDE = """
        import os, select, socket, ssl, sys, threading
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_context.load_cert_chain("cert", "key")
        context = ssl.create_default_context(cafile="cert")
        listener = socket.create_server(("127.0.0.1", 0))
        address = listener.getsockname()
        def echo():
            connection, _ = listener.accept()
            with server_context.wrap_socket(connection, server_side=True) as tls:
                while data := tls.recv(65536):
                    tls.sendall(data)
                tls.unwrap().close()
        def serve(function=echo):
            thread = threading.Thread(target=function)
            thread.start()
            return thread
        def connect():
            return context.wrap_socket(socket.create_connection(address), server_hostname="127.0.0.1")
        """

    def run_tls(self, text):
        path = self.script(textwrap.dedent(self.PRELUDE) + textwrap.dedent(text))
        folder = os.path.dirname(path)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "cert",
                        "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"], cwd=folder, check=True,
                       stderr=subprocess.DEVNULL, env={**os.environ, "LD_PRELOAD": ""})
        return python("-m", "sockbroker", path, cwd=folder)

    def test_much_goes_both_ways_at_once_and_the_end_is_told(self):
        self.said(self.run_tls("""
            thread = serve()
            client = connect()
            data, got = os.urandom(3 << 20), bytearray()
            writer = threading.Thread(target=client.sendall, args=(data,))
            writer.start()
            while len(got) < len(data):
                got += client.recv(65536)
            writer.join()
            client.unwrap().close()
            thread.join()
            print(got == data, type(client).__mro__[1].__module__)
            listener.close()
            """), "True sockbroker.socket\n")

    def test_a_time_limit_and_non_blocking_mode_hold(self):
        self.said(self.run_tls("""
            thread = serve()
            client = connect()
            client.settimeout(0.1)
            try:
                client.recv(1)
            except TimeoutError:
                print("timeout")
            client.setblocking(False)
            try:
                client.recv(1)
            except ssl.SSLWantReadError:
                print("would block")
            client.send(b"x")
            while True:
                select.select([client], [], [])
                try:
                    print(client.recv(10))
                    break
                except ssl.SSLWantReadError:
                    pass
            client.setblocking(True)
            client.unwrap().close()
            thread.join()
            listener.close()
            """), "timeout\nwould block\nb'x'\n")

    def test_a_certificate_that_is_not_trusted_is_refused_on_both_sides(self):
        self.said(self.run_tls("""
            heard = []
            def refused():
                connection, _ = listener.accept()
                try:
                    server_context.wrap_socket(connection, server_side=True)
                except ssl.SSLError as e:
                    heard.append(e.reason)
            thread = serve(refused)
            try:
                context = ssl.create_default_context()
                connect()
            except ssl.SSLCertVerificationError as e:
                print(e.verify_message)
            thread.join()
            print(*heard)
            listener.close()
            """), "self-signed certificate\nTLSV1_ALERT_UNKNOWN_CA\n")


if __name__ == "__main__":
    DAEMON = sys.argv.pop(1)
    unittest.main()
