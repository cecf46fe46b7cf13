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
del _code, _method, _name, PathFinder

# sendfile(2) cannot write to a stand-in: the bytes go through this process.
socket._sendfile_use_sendfile = socket._sendfile_use_send
