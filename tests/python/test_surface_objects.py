# SPDX-License-Identifier: Apache-2.0
"""Socket objects: methods, attributes, forms of addresses, and the rules of timeouts."""
import array
import errno
import fcntl
import io
import os
import pickle
import select
import struct
import tempfile
import threading
import unittest

from surface import IS_OURS, PATIENCE_S, SurfaceCase, socket


class SurfaceMethods(SurfaceCase):
    def test_accept_gives_a_connection_and_its_address(self):
        listener, client = self.listener(), self.make()
        client.connect(listener.getsockname())
        connection, address = listener.accept()
        self.keep(connection)
        self.assertEqual((type(connection), address), (socket.socket, client.getsockname()))

    def test_bind_gives_the_address(self):
        s = self.make()
        s.bind(("127.0.0.1", 0))
        self.assertEqual(s.getsockname()[0], "127.0.0.1")
        with self.assertRaises(OSError) as raised:
            s.bind(("127.0.0.1", 0))  # it is bound
        self.assertEqual(raised.exception.errno, errno.EINVAL)

    def test_close_ends_the_stream_and_further_operations(self):
        a, b = self.pair()
        a.sendall(b"last")
        a.close()
        self.assertEqual((b.recv(10), b.recv(10)), (b"last", b""))
        self.assertRaises(OSError, a.send, b"x")

    def test_sockets_are_closed_when_they_are_collected(self):
        a, b = socket.socketpair()
        self.keep(b)
        with self.assertWarns(ResourceWarning):
            del a
        b.settimeout(PATIENCE_S)
        self.assertEqual(b.recv(1), b"")

    def test_connect_reaches_a_listener(self):
        client, server = self.connection()
        self.assertEqual(client.getpeername(), server.getsockname())

    def test_connect_ex_gives_the_errno(self):
        self.assertEqual(self.make().connect_ex(("127.0.0.1", 1)), errno.ECONNREFUSED)
        self.assertEqual(self.make().connect_ex(self.listener().getsockname()), 0)
        self.assertRaises(socket.gaierror, self.make().connect_ex, ("no-such-host.invalid", 1))

    def test_detach_leaves_the_descriptor_open(self):
        a, b = self.pair()
        fd = a.detach()
        self.assertEqual(a.fileno(), -1)
        again = self.keep(socket.socket(fileno=fd))
        again.sendall(b"x")
        self.assertEqual(b.recv(1), b"x")

    def test_fileno_is_good_for_select(self):
        a, b = self.pair()
        self.assertEqual(select.select([b], [b], [], PATIENCE_S)[:2], ([], [b]))
        a.sendall(b"x")
        self.assertEqual(select.select([b.fileno()], [], [], PATIENCE_S)[0], [b.fileno()])

    def test_getpeername_before_connect_is_ENOTCONN(self):
        with self.assertRaises(OSError) as raised:
            self.make().getpeername()
        self.assertEqual(raised.exception.errno, errno.ENOTCONN)

    def test_getsockname_tells_the_port(self):
        self.assertGreater(self.listener().getsockname()[1], 0)

    def test_getsockopt_gives_an_integer_or_bytes(self):
        s = self.make()
        self.assertEqual(s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE), socket.SOCK_STREAM)
        packed = s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        self.assertEqual(packed, struct.pack("ii", 0, 0))

    def test_setsockopt_takes_an_integer_or_bytes(self):
        s = self.make()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3))
        self.assertEqual(s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
        self.assertEqual(s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8), struct.pack("ii", 1, 3))

    def test_gettimeout_tells_what_was_set_last(self):
        s = self.keep(socket.socket())
        told = [s.gettimeout()]
        for change in (lambda: s.settimeout(1.5), lambda: s.setblocking(False),
                       lambda: s.setblocking(True)):
            change()
            told.append(s.gettimeout())
        self.assertEqual(told, [None, 1.5, 0.0, None])

    @unittest.skipUnless(IS_OURS, "Windows has it")
    def test_ioctl_with_SIO_RCVALL_hears_the_interface_both_ways(self):
        s = self.make(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IP)
        s.bind(("127.0.0.1", 0))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
        s.ioctl(socket.SIO_RCVALL, socket.RCVALL_ON)
        a, b = self.datagrams()
        a.sendto(b"overheard", b.getsockname())
        while True:
            datagram, (host, _) = s.recvfrom(65565)
            if datagram.endswith(b"overheard"):
                break
        self.assertEqual((datagram[0] >> 4, datagram[9], host), (4, socket.IPPROTO_UDP, "127.0.0.1"))
        s.ioctl(socket.SIO_RCVALL, socket.RCVALL_OFF)

    @unittest.skipUnless(IS_OURS, "Windows has it")
    def test_ioctl_with_SIO_KEEPALIVE_VALS_sets_the_keepalive(self):
        s, _ = self.connection()
        s.ioctl(socket.SIO_KEEPALIVE_VALS, (1, 60000, 5000))
        self.assertEqual(s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
        self.assertEqual(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 60)
        self.assertEqual(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL), 5)

    @unittest.skipUnless(IS_OURS, "Windows has it")
    def test_ioctl_with_SIO_LOOPBACK_FAST_PATH_is_accepted(self):
        self.make().ioctl(socket.SIO_LOOPBACK_FAST_PATH, True)

    def test_listen_may_be_called_without_a_backlog(self):
        s = self.make()
        s.bind(("127.0.0.1", 0))
        s.listen()
        s.listen(-1)  # as 0
        self.assertEqual(s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), 1)

    def test_makefile_reads_and_writes_text(self):
        a, b = self.pair()
        with a.makefile("w", encoding="utf-8", newline="\n") as f:
            f.write("größer\nals\n")
        with b.makefile("r", encoding="utf-8") as f:
            self.assertEqual((f.readline(), f.readline()), ("größer\n", "als\n"))
        self.assertIsInstance(b.makefile("rwb", buffering=0), socket.SocketIO)
        self.assertIsInstance(b.makefile("rb"), io.BufferedReader)

    def test_makefile_keeps_the_socket_open(self):
        a, b = self.pair()
        with a.makefile("wb") as f:
            a.close()
            f.write(b"x")
        self.assertEqual((b.recv(1), b.recv(1)), (b"x", b""))

    def test_recv_gives_at_most_bufsize(self):
        a, b = self.pair()
        a.sendall(b"12345")
        self.assertEqual((b.recv(2), b.recv(10, socket.MSG_PEEK), b.recv(10)), (b"12", b"345", b"345"))

    def test_recvfrom_gives_data_and_address(self):
        a, b = self.datagrams()
        a.sendto(b"x", b.getsockname())
        self.assertEqual(b.recvfrom(10), (b"x", a.getsockname()))

    def test_recvfrom_into_fills_a_buffer(self):
        a, b = self.datagrams()
        a.sendto(b"xyz", b.getsockname())
        buffer = bytearray(b"-----")
        self.assertEqual(b.recvfrom_into(buffer, 4), (3, a.getsockname()))
        self.assertEqual(buffer, b"xyz--")

    def test_recv_into_fills_a_buffer(self):
        a, b = self.pair()
        a.sendall(b"123456")
        buffer = array.array("b", b"-----")
        self.assertEqual((b.recv_into(buffer, 2), b.recv_into(memoryview(buffer)[2:])), (2, 3))
        self.assertEqual(buffer.tobytes(), b"12345")

    def test_recvmsg_gives_data_control_messages_flags_and_address(self):
        a, b = self.datagrams()
        b.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        a.sendto(b"xyz", b.getsockname())
        data, control, flags, address = b.recvmsg(2, socket.CMSG_SPACE(1))
        self.assertEqual((data, flags, address), (b"xy", socket.MSG_TRUNC, a.getsockname()))
        self.assertEqual(control, [(socket.IPPROTO_IP, socket.IP_TOS, b"\0")])

    def test_recvmsg_marks_control_messages_that_were_cut(self):
        a, b = self.pair()
        fds = array.array("i", [a.fileno(), b.fileno()])
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        self.assertTrue(b.recvmsg(1, 0)[2] & socket.MSG_CTRUNC)

    def test_recvmsg_into_scatters_into_buffers(self):
        s1, s2 = self.pair()
        b1, b2, b3 = bytearray(b"----"), bytearray(b"0123456789"), bytearray(b"--------------")
        self.assertEqual(s1.send(b"Mary had a little lamb"), 22)
        self.assertEqual(s2.recvmsg_into([b1, memoryview(b2)[2:9], b3]), (22, [], 0, None))
        self.assertEqual([b1, b2, b3], [b"Mary", b"01 had a 9", b"little lamb---"])

    def test_send_gives_the_number_of_bytes(self):
        a, b = self.pair()
        self.assertEqual((a.send(b"xyz"), b.recv(10)), (3, b"xyz"))

    def test_sendall_sends_all_and_gives_None(self):
        a, b = self.connection()
        data = os.urandom(3_000_000)
        sender = threading.Thread(target=lambda: self.assertIsNone(a.sendall(data)))
        sender.start()
        with b.makefile("rb") as f:
            got = f.read(len(data))
        sender.join()
        self.assertEqual(got, data)

    def test_sendto_with_and_without_flags(self):
        a, b = self.datagrams()
        self.assertEqual(a.sendto(b"xy", b.getsockname()), 2)
        self.assertEqual(a.sendto(b"z", socket.MSG_DONTWAIT, b.getsockname()), 1)
        self.assertEqual((b.recv(5), b.recv(5)), (b"xy", b"z"))

    def test_sendmsg_gathers_buffers(self):
        a, b = self.datagrams()
        self.assertEqual(a.sendmsg([b"ab", bytearray(b"cd"), memoryview(b"e")], [], 0, b.getsockname()), 5)
        self.assertEqual(b.recv(10), b"abcde")

    def test_sendmsg_takes_control_messages(self):
        a, b = self.datagrams()
        b.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        a.sendmsg([b"x"], [(socket.IPPROTO_IP, socket.IP_TOS, struct.pack("i", 0x10))], 0, b.getsockname())
        self.assertEqual(b.recvmsg(1, 100)[1], [(socket.IPPROTO_IP, socket.IP_TOS, b"\x10")])

    def test_sendmsg_and_recvmsg_into_take_as_many_buffers_as_the_system(self):
        a, b = self.pair()
        most = os.sysconf("SC_IOV_MAX")
        self.assertEqual(a.sendmsg([b"x"] * most), most)
        buffers = [bytearray(1) for _ in range(most)]
        self.assertEqual(b.recvmsg_into(buffers)[0], most)
        with self.assertRaises(OSError) as raised:
            a.sendmsg([b"x"] * (most + 1))
        self.assertEqual(raised.exception.errno, errno.EMSGSIZE)

    def test_sendfile_sends_a_file(self):
        a, b = self.connection()
        with tempfile.TemporaryFile() as f:
            f.write(b"from a file")
            f.flush()
            self.assertEqual(a.sendfile(f, 5), 6)
        self.assertEqual(b.recv(100), b"a file")

    def test_setblocking_is_settimeout_of_None_or_0(self):
        s = self.keep(socket.socket())
        s.setblocking(False)
        self.assertEqual((s.gettimeout(), s.getblocking()), (0.0, False))
        s.setblocking(True)
        self.assertEqual((s.gettimeout(), s.getblocking()), (None, True))

    def test_settimeout_ends_a_wait(self):
        a, _ = self.pair()
        a.settimeout(0.01)
        self.assertRaises(socket.timeout, a.recv, 1)
        self.assertRaises(ValueError, a.settimeout, -1)

    def test_shutdown_of_each_half(self):
        a, b = self.pair()
        a.shutdown(socket.SHUT_WR)
        self.assertEqual(b.recv(1), b"")
        self.assertRaises(BrokenPipeError, a.send, b"x")
        b.sendall(b"still")
        self.assertEqual(a.recv(10), b"still")
        b.shutdown(socket.SHUT_RDWR)
        self.assertEqual(a.recv(1), b"")

    @unittest.skipUnless(IS_OURS, "Windows has it")
    def test_share_gives_bytes_that_are_good_once(self):
        a, b = self.pair()
        token = a.share(os.getpid())
        self.assertIsInstance(token, bytes)
        again = self.keep(socket.fromshare(token))
        again.sendall(b"x")
        self.assertEqual(b.recv(1), b"x")
        self.assertRaises(OSError, socket.fromshare, token)

    def test_there_is_no_read_and_no_write(self):
        self.assertFalse(hasattr(socket.socket, "read") or hasattr(socket.socket, "write"))

    def test_family_type_and_proto_are_those_of_the_constructor(self):
        s = self.make(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
        self.assertEqual((s.family, s.type, s.proto),
                         (socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_UDP))
        for name in ("family", "type", "proto"):
            self.assertRaises(AttributeError, setattr, s, name, 1)

    def test_with_closes_it(self):
        with socket.socket() as s:
            self.assertGreaterEqual(s.fileno(), 0)
        self.assertEqual(s.fileno(), -1)

    def test_it_cannot_be_pickled(self):
        self.assertRaises(TypeError, pickle.dumps, self.make())


class SurfaceAddresses(SurfaceCase):
    def unix(self, address):
        s = self.make(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(address)
        return s

    def test_a_unix_path_is_text_of_the_file_systems_encoding(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            raw = os.fsencode(folder) + b"/\xff\xfe"  # not UTF-8
            self.assertEqual(self.unix(raw).getsockname(), os.fsdecode(raw))
            os.unlink(raw)
            self.assertEqual(self.unix(os.fsdecode(raw)).getsockname(), os.fsdecode(raw))
            os.unlink(raw)

    def test_an_abstract_name_is_bytes_that_begin_with_0(self):
        name = b"\0surface-%d" % os.getpid()
        self.assertEqual(self.unix(name).getsockname(), name)
        self.assertEqual(self.unix(os.fsdecode(name + b"-2")).getsockname(), name + b"-2")

    def test_an_unnamed_unix_socket_has_the_empty_name(self):
        self.assertEqual(self.pair()[0].getsockname(), "")

    def test_inet_is_a_pair_of_host_and_port(self):
        host, port = self.listener().getsockname()
        self.assertEqual((host, type(port)), ("127.0.0.1", int))
        self.assertRaises(OverflowError, self.make().bind, ("127.0.0.1", 65536))

    def test_the_host_may_be_a_name(self):
        s = self.make()
        s.bind(("localhost", 0))
        self.assertEqual(s.getsockname()[0], "127.0.0.1")

    def test_the_empty_host_is_INADDR_ANY(self):
        s = self.make()
        s.bind(("", 0))
        self.assertEqual(s.getsockname()[0], "0.0.0.0")

    def test_the_host_broadcast_in_angle_brackets_is_INADDR_BROADCAST(self):
        s = self.make(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("<broadcast>", 0))
        self.assertEqual(s.getsockname()[0], "255.255.255.255")

    def test_inet6_is_host_port_flowinfo_and_scope(self):
        s = self.make(socket.AF_INET6, socket.SOCK_DGRAM)
        s.bind(("::1", 0, 0, 0))
        self.assertEqual(s.getsockname(), ("::1", s.getsockname()[1], 0, 0))

    def test_flowinfo_and_scope_may_be_left_out(self):
        s = self.make(socket.AF_INET6, socket.SOCK_DGRAM)
        s.bind(("::1", 0))
        self.assertEqual(s.getsockname()[2:], (0, 0))

    def test_netlink_is_pid_and_groups(self):
        s = self.make(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        s.bind((0, 0))
        pid, groups = s.getsockname()
        self.assertEqual((pid > 0, groups), (True, 0))

    def test_packet_tells_interface_protocol_type_hardware_and_address(self):
        s = self.make(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        s.bind(("lo", 0x0800))
        self.assertEqual(s.getsockname(), ("lo", 0x0800, 0, 772, bytes(6)))
        a, b = self.datagrams()
        a.sendto(b"overheard", b.getsockname())
        frame, (interface, protocol, kind, hardware, address) = s.recvfrom(2000)
        self.assertTrue(frame.endswith(b"overheard"))
        self.assertEqual((interface, protocol, hardware, address), ("lo", 0x0800, 772, bytes(6)))
        self.assertIn(kind, (socket.PACKET_HOST, socket.PACKET_OUTGOING))

    @unittest.skipUnless(IS_OURS, "macOS has it")
    def test_a_system_socket_is_EAFNOSUPPORT(self):
        with self.assertRaises(OSError) as raised:
            socket.socket(socket.PF_SYSTEM, socket.SOCK_DGRAM, socket.SYSPROTO_CONTROL)
        self.assertEqual(raised.exception.errno, errno.EAFNOSUPPORT)


class SurfaceTimeouts(SurfaceCase):
    def test_sockets_are_made_in_blocking_mode(self):
        self.assertIsNone(self.keep(socket.socket()).gettimeout())

    def test_in_blocking_mode_an_operation_waits_until_it_is_done(self):
        a, b = self.pair()
        b.settimeout(None)
        timer = threading.Timer(0.05, a.sendall, [b"late"])
        timer.start()
        self.assertEqual(b.recv(10), b"late")
        timer.join()

    def test_in_non_blocking_mode_an_operation_fails_at_once(self):
        a, _ = self.pair()
        a.setblocking(False)
        self.assertRaises(BlockingIOError, a.recv, 1)
        s = self.keep(socket.socket())
        s.setblocking(False)
        self.assertIn(s.connect_ex(self.listener().getsockname()), (0, errno.EINPROGRESS))

    def test_in_timeout_mode_an_operation_fails_when_the_time_is_up(self):
        a, _ = self.pair()
        a.settimeout(0.02)
        self.assertRaises(socket.timeout, a.recv, 1)
        self.assertEqual(a.gettimeout(), 0.02)

    def test_in_timeout_mode_the_descriptor_is_non_blocking(self):
        a, _ = self.pair()
        a.settimeout(5)
        self.assertTrue(fcntl.fcntl(a.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK)
        a.settimeout(None)
        self.assertFalse(fcntl.fcntl(a.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK)

    def test_connect_is_subject_to_the_timeout(self):
        listener = self.listener(socket.AF_UNIX, b"\0surface-full-%d" % os.getpid())
        listener.listen(0)
        name = listener.getsockname()
        self.make(socket.AF_UNIX).connect(name)  # fills its queue
        s = self.make(socket.AF_UNIX)
        s.settimeout(0.05)
        self.assertRaises(OSError, s.connect, name)  # the kernel says EAGAIN, in time

    def test_create_connection_is_subject_to_its_timeout(self):
        s = self.keep(socket.create_connection(self.listener().getsockname(), timeout=3))
        self.assertEqual(s.gettimeout(), 3)

    def test_accept_inherits_the_default_timeout(self):
        self.addCleanup(socket.setdefaulttimeout, None)
        listener, client = self.listener(), self.make()
        socket.setdefaulttimeout(11)
        client.connect(listener.getsockname())
        self.assertEqual(self.keep(listener.accept()[0]).gettimeout(), 11)

    def test_accept_of_a_listener_with_a_timeout_gives_a_blocking_socket(self):
        listener, client = self.listener(), self.make()
        client.connect(listener.getsockname())
        self.assertIsNotNone(listener.gettimeout())
        self.assertIsNone(self.keep(listener.accept()[0]).gettimeout())

    def test_accept_of_a_non_blocking_listener_does_not_wait(self):
        listener = self.listener()
        listener.setblocking(False)
        self.assertRaises(BlockingIOError, listener.accept)

    def test_the_wait_of_accept_ends_with_the_timeout(self):
        listener = self.listener()
        listener.settimeout(0.02)
        self.assertRaises(socket.timeout, listener.accept)

    def test_fcntl_takes_a_socket(self):
        a, _ = self.pair()
        fcntl.fcntl(a, fcntl.F_SETFL, os.O_NONBLOCK)
        a.settimeout(None)
        self.assertFalse(fcntl.fcntl(a, fcntl.F_GETFL) & os.O_NONBLOCK)
