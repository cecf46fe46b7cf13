# SPDX-License-Identifier: Apache-2.0
"""The calls of the contract's table, made by the methods of a module with the API of `socket`.

What the table passes as sockaddr and control bytes becomes tuples here, and back. A call returns
its value, or -errno. What cannot be said in that API raises NotInPython: the behaviours that need
it are named in python_left_out.cc.
"""
import errno
import fcntl
import functools
import os
import select
import socket as standard
import struct
import sys
import termios

INET, INET6, UNIX = standard.AF_INET, standard.AF_INET6, standard.AF_UNIX
NETLINK, PACKET, VSOCK = standard.AF_NETLINK, standard.AF_PACKET, standard.AF_VSOCK
CMSG_HEADER = struct.Struct("@Nii")
FLAGS = standard.SOCK_NONBLOCK | standard.SOCK_CLOEXEC


class NotInPython(Exception):
    pass


def family_of(raw):
    return struct.unpack_from("H", raw)[0] if len(raw) >= 2 else None


def exactly(raw, size):
    if len(raw) != size:
        raise NotInPython(f"an address of {len(raw)} bytes")


def from_inet(raw):
    exactly(raw, 16)
    return standard.inet_ntop(INET, raw[4:8]), struct.unpack_from("!H", raw, 2)[0]


def to_inet(address):
    host, port = address
    return struct.pack("!H4s8x", port, standard.inet_pton(INET, host))


def from_inet6(raw):
    exactly(raw, 28)
    port, flow = struct.unpack_from("!HI", raw, 2)
    scope, = struct.unpack_from("=I", raw, 24)
    return standard.inet_ntop(INET6, raw[8:24]), port, flow, scope


def to_inet6(address):
    host, port, flow, scope = address
    return struct.pack("!HI16s", port, flow, standard.inet_pton(INET6, host.partition("%")[0])) + \
        struct.pack("=I", scope)


def from_unix(raw):
    name = raw[2:]
    if name[:1] == b"\0":
        return name
    return os.fsdecode(name.partition(b"\0")[0])


def to_unix(address):
    if isinstance(address, bytes):  # abstract
        return address
    return os.fsencode(address) + b"\0" if address else b""


def from_netlink(raw):
    exactly(raw, 12)
    return struct.unpack_from("=II", raw, 4)


def to_netlink(address):
    return struct.pack("=HII", 0, *address)


def from_packet(raw):
    protocol, = struct.unpack_from("!H", raw, 2)
    index, hardware, kind, size = struct.unpack_from("=iHBB", raw, 4)
    return standard.if_indextoname(index), protocol, kind, hardware, raw[12:12 + size]


def to_packet(address):
    name, protocol, kind, hardware, place = address
    index = standard.if_nametoindex(name) if name else 0
    return struct.pack("!H", protocol) + \
        struct.pack("=iHBB8s", index, hardware, kind, len(place), place)


def from_vsock(raw):
    exactly(raw, 16)
    port, cid = struct.unpack_from("=II", raw, 4)
    return cid, port


def to_vsock(address):
    cid, port = address
    return struct.pack("=HII4x", 0, port, cid)


# family: (from a sockaddr, to what follows the family in one)
FORMS = {INET: (from_inet, to_inet), INET6: (from_inet6, to_inet6), UNIX: (from_unix, to_unix),
         NETLINK: (from_netlink, to_netlink), PACKET: (from_packet, to_packet),
         VSOCK: (from_vsock, to_vsock)}


def to_address(sock, raw):
    """A tuple of Python's, of the socket's family: another cannot be told it."""
    if family_of(raw) != sock.family or sock.family not in FORMS:
        raise NotInPython(f"an address of family {family_of(raw)} to one of {sock.family}")
    return FORMS[sock.family][0](raw)


def to_sockaddr(sock, address):
    """b"" where there is none."""
    if address is None or sock.family not in FORMS:
        return b""
    return struct.pack("H", sock.family) + FORMS[sock.family][1](address)


def from_control(raw):
    """Control bytes to (level, type, data)s."""
    messages, at = [], 0
    while at < len(raw):
        if len(raw) - at < CMSG_HEADER.size:
            raise NotInPython("control bytes that are too few")
        size, level, kind = struct.unpack_from("@Nii", raw, at)
        if size < CMSG_HEADER.size or at + size > len(raw):
            raise NotInPython("a control message of a wrong length")
        messages.append((level, kind, raw[at + CMSG_HEADER.size:at + size]))
        at += standard.CMSG_SPACE(size - CMSG_HEADER.size)
    return messages


def to_control(messages, room):
    raw = b""
    for level, kind, data in messages:
        one = CMSG_HEADER.pack(CMSG_HEADER.size + len(data), level, kind) + data
        raw += one.ljust(standard.CMSG_SPACE(len(data)), b"\0")
    return raw[:room]


def call(function):
    """A call of the table: -errno instead of an OSError."""
    @functools.wraps(function)
    def wrapped(*arguments):
        try:
            result = function(*arguments)
        except OSError as error:
            if error.errno is None:
                raise
            return -error.errno
        return 0 if result is None else result
    return wrapped


class Way:
    def __init__(self, name, paths):
        sys.path[:0] = paths
        if name == "sockbroker":
            from sockbroker import socket as module
        else:
            module = standard
        self.module = module
        self.sockets = {}

    def keep(self, sock):
        fd = sock.fileno()
        self.sockets[fd] = sock
        return fd

    def sock(self, fd):
        # One that is not ours: let the module say what is wrong with it.
        found = self.sockets.get(fd)
        if found is not None:
            return found
        if fd < 0:
            raise OSError(errno.EBADF, "a negative number")
        unknown = self.module.socket(fileno=fd)
        unknown.detach()
        raise NotInPython(f"the descriptor {fd}, of nobody knows whom")

    @call
    def socket(self, family, kind, protocol):
        return self.keep(self.module.socket(family, kind, protocol))

    @call
    def socketpair(self, family, kind, protocol):
        a, b = self.module.socketpair(family, kind, protocol)
        return self.keep(a), self.keep(b)

    @call
    def close(self, fd):
        self.sock(fd)
        self.sockets.pop(fd).close()

    @call
    def dup(self, fd):
        return self.keep(self.sock(fd).dup())

    @call
    def fcntl(self, fd, command, argument):
        s = self.sock(fd)
        if command == fcntl.F_GETFL:
            return os.O_RDWR | (0 if s.getblocking() else os.O_NONBLOCK)
        if command == fcntl.F_SETFL:
            return s.setblocking(not argument & os.O_NONBLOCK)
        if command == fcntl.F_GETFD:
            return 0 if s.get_inheritable() else fcntl.FD_CLOEXEC
        raise NotInPython(f"fcntl command {command}")

    @call
    def ioctl(self, fd, request, value):
        s = self.sock(fd)
        if request != termios.FIONBIO:
            raise NotInPython(f"ioctl {request:#x}")
        s.setblocking(not value)

    @call
    def bind(self, fd, raw):
        s = self.sock(fd)
        s.bind(to_address(s, raw))

    @call
    def listen(self, fd, backlog):
        self.sock(fd).listen(backlog)

    @call
    def accept(self, fd, flags):
        if flags & ~FLAGS:
            raise NotInPython("flags of accept4")
        s = self.sock(fd)
        other, address = s.accept()
        if flags & standard.SOCK_NONBLOCK:
            other.setblocking(False)
        return self.keep(other), to_sockaddr(s, address)

    @call
    def connect(self, fd, raw):
        s = self.sock(fd)
        s.connect(to_address(s, raw))

    @call
    def shutdown(self, fd, how):
        self.sock(fd).shutdown(how)

    @call
    def getsockname(self, fd):
        s = self.sock(fd)
        return to_sockaddr(s, s.getsockname())

    @call
    def getpeername(self, fd):
        s = self.sock(fd)
        return to_sockaddr(s, s.getpeername())

    @call
    def send(self, fd, data, flags, to):
        s = self.sock(fd)
        return s.sendto(data, flags, to_address(s, to)) if to else s.send(data, flags)

    @call
    def sendmsg(self, fd, pieces, control, flags, to):
        s = self.sock(fd)
        return s.sendmsg(pieces, from_control(control), flags, to_address(s, to) if to else None)

    @call
    def recv(self, fd, room, flags):
        return self.sock(fd).recv_into(room, len(room), flags)

    @call
    def recvfrom(self, fd, room, flags):
        s = self.sock(fd)
        n, address = s.recvfrom_into(room, len(room), flags)
        return n, to_sockaddr(s, address)

    @call
    def recvmsg(self, fd, pieces, control_room, flags):
        s = self.sock(fd)
        n, messages, flags, address = s.recvmsg_into(pieces, control_room, flags)
        for level, kind, data in messages:
            if (level, kind) == (standard.SOL_SOCKET, standard.SCM_RIGHTS):
                for number, in struct.iter_unpack("@i", data[:len(data) // 4 * 4]):
                    self.keep(self.module.socket(fileno=number))
        return n, to_control(messages, control_room), flags, to_sockaddr(s, address)

    @call
    def getsockopt(self, fd, level, name, size):
        return self.sock(fd).getsockopt(level, name, size)

    @call
    def setsockopt(self, fd, level, name, value):
        self.sock(fd).setsockopt(level, name, value)

    @call
    def poll(self, wanted, timeout):
        """[(descriptor, events)] to [events]."""
        poll = select.poll()
        for fd, events in wanted:
            poll.register(self.sockets.get(fd, fd), events)
        ready = dict(poll.poll(timeout))
        return [ready.get(fd, 0) for fd, _ in wanted]
