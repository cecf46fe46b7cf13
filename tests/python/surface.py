# SPDX-License-Identifier: Apache-2.0
"""What the test_surface_* modules share: the module under test, and small helpers.

SURFACE=standard names Python's own module: what these tests say of ours must be true of it.
"""
import os
import unittest

if os.environ.get("SURFACE") == "standard":
    import socket
else:
    from sockbroker import socket

IS_OURS = socket.__name__ != "socket"
PATIENCE_S = 20  # for what must come; nothing waits that long when all is well


class SurfaceCase(unittest.TestCase):
    """Sockets that are made here are closed at the end."""

    def keep(self, s):
        self.addCleanup(s.close)
        return s

    def make(self, *arguments):
        s = self.keep(socket.socket(*arguments))
        s.settimeout(PATIENCE_S)
        return s

    def listener(self, family=socket.AF_INET, address=("127.0.0.1", 0)):
        s = self.make(family, socket.SOCK_STREAM)
        s.bind(address)
        s.listen(5)
        return s

    def connection(self):
        """(client, server), connected by TCP."""
        listener = self.listener()
        client = self.make()
        client.connect(listener.getsockname())
        server = self.keep(listener.accept()[0])
        server.settimeout(PATIENCE_S)
        return client, server

    def datagrams(self):
        """Two UDP sockets, bound."""
        pair = [self.make(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for s in pair:
            s.bind(("127.0.0.1", 0))
        return pair

    def pair(self, kind=socket.SOCK_STREAM):
        both = [self.keep(s) for s in socket.socketpair(socket.AF_UNIX, kind)]
        for s in both:
            s.settimeout(PATIENCE_S)
        return both
