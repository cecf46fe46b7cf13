# SPDX-License-Identifier: Apache-2.0
"""The standard socket module, over a broker.

This is the standard library's own socket.py, of the interpreter in use, over _sockbroker
where that has _socket: so makefile(), create_connection(), the enums and all else are
what the program knows, and there is nothing to keep in step.
"""

from importlib.machinery import PathFinder

import _sockbroker as _socket


def _rename(code, old, new):
    return code.replace(co_names=tuple(new if name == old else name for name in code.co_names))


_code = PathFinder.find_spec("socket").loader.get_code("socket")
exec(_rename(_code, "_socket", "_sockbroker"))

# fileno() makes the stand-in show readiness, which costs. These only want the number.
for _name in ("__repr__", "dup", "get_inheritable", "set_inheritable"):
    _method = getattr(socket, _name)
    _method.__code__ = _rename(_method.__code__, "fileno", "_fileno")
# It makes objects anew of the numbers of others.
socketpair.__code__ = _rename(socketpair.__code__, "detach", "_detach")
del _code, _method, _name, PathFinder


def _sendfile_use_sendfile(self, file, offset=0, count=None):
    """The standard one uses sendfile(2), which cannot write to a stand-in: here the bytes go
    through this process."""
    self._check_sendfile_params(file, offset, count)
    try:
        number = file.fileno()
        if not os.fstat(number).st_size:
            return 0
    except (AttributeError, OSError) as error:
        raise _GiveupOnSendfile(error)
    if self.gettimeout() == 0:
        raise ValueError("non-blocking sockets are not supported")
    sent = 0
    try:
        while count is None or sent < count:
            data = _read_piece(number, offset + sent, count and count - sent, sent == 0)
            if not data:
                break
            sent += self.send(data)
        return sent
    finally:
        if sent and hasattr(file, "seek"):
            file.seek(offset + sent)


def _read_piece(number, offset, left, is_first):
    most = 1 << 20
    try:
        return os.pread(number, min(left or most, most), offset)
    except OSError as error:
        if is_first:  # a pipe, for instance
            raise _GiveupOnSendfile(error)
        raise


socket._sendfile_use_sendfile = _sendfile_use_sendfile

from sockbroker import hook

hook.install()
del hook
