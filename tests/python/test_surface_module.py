# SPDX-License-Identifier: Apache-2.0
"""The module's constants, exceptions and functions, a test for each name that Python documents."""
import array
import errno
import os
import socket as standard
import subprocess
import sys
import unittest

from surface import IS_OURS, PATIENCE_S, SurfaceCase, socket


class SurfaceConstants(SurfaceCase):
    """Each constant of the standard module is there, with its value and its kind."""

    def same(self, *prefixes, without=()):
        names = [name for name in dir(standard) if name.startswith(prefixes) and name not in without]
        self.assertTrue(names, f"the standard module has no {prefixes}")
        for name in names:
            self.assertEqual(getattr(socket, name, None), getattr(standard, name), name)
            # An enumeration of that name, if it is one there: each module makes its own.
            self.assertEqual(type(getattr(socket, name)).__name__,
                             type(getattr(standard, name)).__name__, name)

    def test_AF_UNIX_AF_INET_AF_INET6(self):
        self.same("AF_UNIX", "AF_INET", "AF_INET6", "AF_UNSPEC")

    def test_AF_and_PF_of_all_families(self):
        self.same("AF_", "PF_")

    def test_SOCK_of_all_types(self):
        self.same("SOCK_")
        for name in ("STREAM", "DGRAM", "RAW", "RDM", "SEQPACKET"):
            self.assertIsInstance(getattr(socket, "SOCK_" + name), socket.SocketKind)

    def test_SOCK_CLOEXEC_and_SOCK_NONBLOCK_can_be_combined_with_a_type(self):
        s = self.keep(socket.socket(type=socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC))
        self.assertEqual((s.type, s.gettimeout(), s.get_inheritable()), (socket.SOCK_STREAM, 0.0, False))

    def test_SO(self):
        self.same("SO_")

    def test_SOMAXCONN(self):
        self.same("SOMAXCONN")

    def test_MSG(self):
        self.same("MSG_")

    def test_SOL(self):
        self.same("SOL_")

    def test_SCM(self):
        self.same("SCM_")

    def test_IPPROTO(self):
        self.same("IPPROTO_")

    def test_IPPORT(self):
        self.same("IPPORT_")

    def test_INADDR(self):
        self.same("INADDR_")

    def test_IP(self):
        self.same("IP_")

    def test_IPV6(self):
        self.same("IPV6_")

    def test_EAI(self):
        self.same("EAI_")

    def test_AI(self):
        self.same("AI_")

    def test_NI(self):
        self.same("NI_")

    def test_TCP(self):
        self.same("TCP_")

    def test_SHUT(self):
        self.same("SHUT_")

    def test_AF_CAN_PF_CAN_SOL_CAN_and_CAN(self):
        self.same("AF_CAN", "PF_CAN", "SOL_CAN_", "CAN_")

    def test_AF_RDS_PF_RDS_and_SOL_RDS(self):
        self.same("AF_RDS", "PF_RDS", "SOL_RDS")

    @unittest.skipUnless(IS_OURS, "Debian's Python was built without <linux/rds.h>")
    def test_RDS_are_those_of_the_kernel_header(self):
        of_header = {"RDS_CANCEL_SENT_TO": 1, "RDS_GET_MR": 2, "RDS_FREE_MR": 3, "RDS_RECVERR": 5,
                     "RDS_CONG_MONITOR": 6, "RDS_GET_MR_FOR_DEST": 7}
        for name, value in of_header.items():
            self.assertEqual(getattr(socket, name), value, name)

    def test_TIPC(self):
        self.same("AF_TIPC", "SOL_TIPC", "TIPC_")

    def test_PACKET_BT_and_others_that_Python_has(self):
        self.same("PACKET_", "BT", "HCI_", "NETLINK_", "VM", "VMADDR_", "J1939_", "ALG_", "UDPLITE_")

    @unittest.skipUnless(IS_OURS, "Windows has them")
    def test_SIO_and_RCVALL_have_the_values_of_Windows(self):
        of_windows = {"SIO_RCVALL": 0x98000001, "SIO_KEEPALIVE_VALS": 0x98000004,
                      "SIO_LOOPBACK_FAST_PATH": 0x98000010, "RCVALL_OFF": 0, "RCVALL_ON": 1,
                      "RCVALL_SOCKETLEVELONLY": 2, "RCVALL_IPLEVEL": 3}
        for name, value in of_windows.items():
            self.assertEqual(getattr(socket, name), value, name)

    def test_has_ipv6(self):
        self.assertIs(socket.has_ipv6, standard.has_ipv6)

    def test_all_that_is_public_is_there(self):
        self.assertEqual(set(standard.__all__) - set(socket.__all__), set())
        self.assertEqual([name for name in socket.__all__ if not hasattr(socket, name)], [])


class SurfaceExceptions(SurfaceCase):
    def test_error_is_OSError(self):
        self.assertIs(socket.error, OSError)

    def test_herror_is_the_standard_one_with_h_errno_and_a_text(self):
        self.assertIs(socket.herror, standard.herror)
        self.assertTrue(issubclass(socket.herror, OSError))
        with self.assertRaises(socket.herror) as raised:
            socket.gethostbyaddr("192.0.2.99")
        number, text = raised.exception.args
        # HOST_NOT_FOUND; Python's own reads an h_errno that its call did not set.
        self.assertIn(number, (1,) if IS_OURS else (0, 1, 2))
        self.assertTrue(text)

    def test_gaierror_is_the_standard_one_with_an_EAI_number_and_a_text(self):
        self.assertIs(socket.gaierror, standard.gaierror)
        self.assertTrue(issubclass(socket.gaierror, OSError))
        with self.assertRaises(socket.gaierror) as raised:
            socket.getaddrinfo("no address", None, flags=socket.AI_NUMERICHOST)
        self.assertEqual(raised.exception.args, (socket.EAI_NONAME, "Name or service not known"))

    def test_timeout_is_the_standard_one_and_says_timed_out(self):
        self.assertIs(socket.timeout, standard.timeout)
        s, _ = self.datagrams()
        s.settimeout(0.01)
        with self.assertRaises(socket.timeout) as raised:
            s.recv(1)
        self.assertEqual(raised.exception.args, ("timed out",))

    def test_errors_of_sockets_are_OSError_or_its_subclasses(self):
        with self.assertRaises(ConnectionRefusedError) as raised:
            self.make().connect(("127.0.0.1", 1))
        self.assertEqual(raised.exception.errno, errno.ECONNREFUSED)

    def test_wrong_types_are_TypeError(self):
        for wrong in (lambda: socket.socket("inet"), lambda: self.make().bind("127.0.0.1"),
                      lambda: self.make().send("text")):
            self.assertRaises(TypeError, wrong)


class SurfaceFunctions(SurfaceCase):
    def test_socket_is_AF_INET_SOCK_STREAM_by_default(self):
        s = self.keep(socket.socket())
        self.assertEqual((s.family, s.type, s.proto), (socket.AF_INET, socket.SOCK_STREAM, 0))

    def test_socketpair_is_AF_UNIX_by_default_and_has_all_methods(self):
        a, b = (self.keep(s) for s in socket.socketpair())
        self.assertEqual((a.family, type(b)), (socket.AF_UNIX, socket.socket))
        a.sendall(b"x")
        self.assertEqual(b.recvmsg(2)[0], b"x")

    def test_fromfd_is_the_same_socket_by_another_descriptor(self):
        a, b = self.pair()
        again = self.keep(socket.fromfd(a.fileno(), a.family, a.type))
        self.assertNotEqual(again.fileno(), a.fileno())
        a.close()
        again.sendall(b"x")
        self.assertEqual(b.recv(1), b"x")

    def test_create_connection_tries_all_addresses_of_a_name(self):
        listener = self.listener()  # by IPv4; localhost is ::1 too
        s = self.keep(socket.create_connection(("localhost", listener.getsockname()[1]), 10))
        self.assertEqual((s.gettimeout(), s.getpeername()), (10, listener.getsockname()))

    def test_create_connection_binds_to_its_source_address(self):
        listener = self.listener()
        s = self.keep(socket.create_connection(listener.getsockname(), 10, ("127.0.0.2", 0)))
        self.assertEqual(s.getsockname()[0], "127.0.0.2")

    def test_create_connection_has_the_default_timeout(self):
        self.addCleanup(socket.setdefaulttimeout, None)
        socket.setdefaulttimeout(7)
        s = self.keep(socket.create_connection(self.listener().getsockname()))
        self.assertEqual(s.gettimeout(), 7)

    def test_create_connection_can_be_used_by_with(self):
        with socket.create_connection(self.listener().getsockname()) as s:
            self.assertGreaterEqual(s.fileno(), 0)
        self.assertEqual(s.fileno(), -1)

    def test_getaddrinfo_gives_tuples_of_five(self):
        self.assertEqual(
            socket.getaddrinfo("127.0.0.1", 80, proto=socket.SOL_TCP),
            [(socket.AF_INET, socket.SOCK_STREAM, socket.SOL_TCP, "", ("127.0.0.1", 80))])
        (family, kind, _, _, address), = socket.getaddrinfo("::1", 80, type=socket.SOCK_DGRAM)
        self.assertEqual((family, kind, address), (socket.AF_INET6, socket.SOCK_DGRAM, ("::1", 80, 0, 0)))
        self.assertIsInstance(family, socket.AddressFamily)

    def test_getaddrinfo_narrows_by_family_type_and_proto(self):
        found = socket.getaddrinfo("localhost", "http", socket.AF_INET, socket.SOCK_STREAM)
        self.assertEqual({entry[4] for entry in found}, {("127.0.0.1", 80)})
        self.assertGreater(len(socket.getaddrinfo("127.0.0.1", None)), 1)  # each type

    def test_getaddrinfo_of_None_is_the_local_host_or_any(self):
        self.assertEqual(socket.getaddrinfo(None, 80, socket.AF_INET)[0][4], ("127.0.0.1", 80))
        self.assertEqual(socket.getaddrinfo(None, 80, socket.AF_INET, flags=socket.AI_PASSIVE)[0][4],
                         ("0.0.0.0", 80))

    def test_getaddrinfo_with_AI_CANONNAME_names_the_host(self):
        found = socket.getaddrinfo("localhost", None, flags=socket.AI_CANONNAME)
        self.assertEqual(found[0][3], "localhost")

    def test_getaddrinfo_with_AI_NUMERICHOST_resolves_no_name(self):
        with self.assertRaises(socket.gaierror):
            socket.getaddrinfo("localhost", None, flags=socket.AI_NUMERICHOST)

    def test_getnameinfo_gives_numbers_or_names(self):
        numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        self.assertEqual(socket.getnameinfo(("127.0.0.1", 80), numeric), ("127.0.0.1", "80"))
        self.assertEqual(socket.getnameinfo(("127.0.0.1", 80), 0), ("localhost", "http"))
        self.assertEqual(socket.getnameinfo(("::1", 80, 0, 0), numeric), ("::1", "80"))

    def test_getfqdn_is_the_first_name_with_a_dot(self):
        self.assertEqual(socket.getfqdn("four"), "four.surface.test")
        self.assertEqual(socket.getfqdn("127.0.0.4"), "four.surface.test")

    def test_getfqdn_of_nothing_is_of_this_host(self):
        self.assertEqual(socket.getfqdn(), socket.getfqdn(socket.gethostname()))

    def test_gethostbyname_gives_an_address(self):
        self.assertEqual(socket.gethostbyname("localhost"), "127.0.0.1")

    def test_gethostbyname_leaves_an_address_as_it_is(self):
        self.assertEqual(socket.gethostbyname("100.50.200.5"), "100.50.200.5")

    def test_gethostbyname_ex_gives_name_aliases_and_addresses(self):
        self.assertEqual(socket.gethostbyname_ex("four"),
                         ("four.surface.test", ["four"], ["127.0.0.4"]))

    def test_gethostbyaddr_gives_name_aliases_and_addresses(self):
        self.assertEqual(socket.gethostbyaddr("127.0.0.4"),
                         ("four.surface.test", ["four"], ["127.0.0.4"]))

    def test_gethostbyaddr_takes_IPv6(self):
        self.assertEqual(socket.gethostbyaddr("::1")[2], ["::1"])

    def test_gethostname_is_the_brokers_hosts(self):
        self.assertEqual(socket.gethostname(), os.uname().nodename)

    def test_sethostname_sets_it_for_those_who_may(self):
        before = socket.gethostname()
        self.addCleanup(socket.sethostname, before)
        socket.sethostname("surface-test")
        self.assertEqual(os.uname().nodename, "surface-test")

    def test_getprotobyname(self):
        self.assertEqual((socket.getprotobyname("icmp"), socket.getprotobyname("tcp")), (1, 6))
        self.assertRaises(OSError, socket.getprotobyname, "no-such-protocol")

    def test_getservbyname_with_a_protocol_or_any(self):
        self.assertEqual(socket.getservbyname("domain", "udp"), 53)
        self.assertEqual(socket.getservbyname("http"), 80)
        self.assertRaises(OSError, socket.getservbyname, "no-such-service")

    def test_getservbyport_with_a_protocol_or_any(self):
        self.assertEqual(socket.getservbyport(53, "udp"), "domain")
        self.assertEqual(socket.getservbyport(80), "http")
        self.assertRaises(OSError, socket.getservbyport, 1, "no-such-protocol")

    def test_if_nameindex_lists_the_interfaces(self):
        self.assertIn((socket.if_nametoindex("lo"), "lo"), socket.if_nameindex())

    def test_if_nametoindex_of_none_is_OSError(self):
        self.assertEqual(socket.if_nametoindex("lo"), 1)
        self.assertRaises(OSError, socket.if_nametoindex, "no-such-if")

    def test_if_indextoname_of_none_is_OSError(self):
        self.assertEqual(socket.if_indextoname(1), "lo")
        self.assertRaises(OSError, socket.if_indextoname, 987654)

    def test_ntohl_and_htonl_swap_four_bytes(self):
        for swap in (socket.ntohl, socket.htonl):
            self.assertEqual(swap(0x01020304), 0x04030201 if sys.byteorder == "little" else 0x01020304)
            self.assertRaises(OverflowError, swap, 1 << 32)

    def test_ntohs_and_htons_swap_two_bytes(self):
        for swap in (socket.ntohs, socket.htons):
            self.assertEqual(swap(0x0102), 0x0201 if sys.byteorder == "little" else 0x0102)
            self.assertRaises(OverflowError, swap, 1 << 16)

    def test_inet_aton_takes_fewer_dots_too(self):
        self.assertEqual(socket.inet_aton("123.45.67.89"), bytes([123, 45, 67, 89]))
        self.assertEqual(socket.inet_aton("127.1"), bytes([127, 0, 0, 1]))
        self.assertRaises(OSError, socket.inet_aton, "1.2.3.4.5")

    def test_inet_ntoa_takes_four_bytes(self):
        self.assertEqual(socket.inet_ntoa(bytes([123, 45, 67, 89])), "123.45.67.89")
        self.assertRaises(OSError, socket.inet_ntoa, b"12345")

    def test_inet_pton_of_both_families(self):
        self.assertEqual(socket.inet_pton(socket.AF_INET, "1.2.3.4"), bytes([1, 2, 3, 4]))
        self.assertEqual(socket.inet_pton(socket.AF_INET6, "::1"), bytes(15) + b"\1")
        self.assertRaises(OSError, socket.inet_pton, socket.AF_INET, "127.1")

    def test_inet_ntop_of_both_families(self):
        self.assertEqual(socket.inet_ntop(socket.AF_INET, bytes([7, 10, 0, 5])), "7.10.0.5")
        packed = socket.inet_pton(socket.AF_INET6, "5aef:2b::8")
        self.assertEqual(socket.inet_ntop(socket.AF_INET6, packed), "5aef:2b::8")
        self.assertRaises(ValueError, socket.inet_ntop, socket.AF_INET6, b"123")

    def test_CMSG_LEN_is_without_padding(self):
        self.assertEqual(socket.CMSG_LEN(5), standard.CMSG_LEN(5))
        self.assertRaises(OverflowError, socket.CMSG_LEN, -1)

    def test_CMSG_SPACE_is_with_padding(self):
        self.assertEqual(socket.CMSG_SPACE(5), standard.CMSG_SPACE(5))
        self.assertRaises(OverflowError, socket.CMSG_SPACE, -1)

    def test_getdefaulttimeout_and_setdefaulttimeout(self):
        self.addCleanup(socket.setdefaulttimeout, None)
        self.assertIsNone(socket.getdefaulttimeout())
        socket.setdefaulttimeout(2.5)
        self.assertEqual(socket.getdefaulttimeout(), 2.5)
        self.assertEqual(self.keep(socket.socket()).gettimeout(), 2.5)
        self.assertRaises(ValueError, socket.setdefaulttimeout, -1)

    def test_SocketType_is_what_sockets_are(self):
        self.assertTrue(issubclass(socket.socket, socket.SocketType))
        self.assertIsInstance(self.make(), socket.SocketType)

    @unittest.skipUnless(IS_OURS, "Windows has it")
    def test_fromshare_makes_the_socket_of_share_in_another_process(self):
        a, b = self.pair()
        child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE)
        child.stdin.write(a.share(child.pid))
        child.stdin.close()
        a.close()  # it is safe to: the broker has the socket
        self.assertEqual(child.wait(PATIENCE_S), 0)
        self.assertEqual(b.recv(100), b"from the child")

    def test_send_fds_and_recv_fds_pass_sockets(self):
        a, b = self.pair()
        passed, other = self.pair()
        socket.send_fds(a, [b"msg"], [passed.fileno()])
        data, fds, _, _ = socket.recv_fds(b, 10, 1)
        received = self.keep(socket.socket(fileno=fds[0]))
        received.sendall(b"by the passed one")
        self.assertEqual((data, other.recv(100)), (b"msg", b"by the passed one"))
        self.assertEqual(array.array("i", fds).itemsize, 4)


CHILD = """
import sys
from sockbroker import socket
s = socket.fromshare(sys.stdin.buffer.read())
s.sendall(b"from the child")
"""
