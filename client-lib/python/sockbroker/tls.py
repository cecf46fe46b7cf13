# SPDX-License-Identifier: Apache-2.0
"""TLS over brokered sockets, for the standard ssl module.

Its SSLSocket gives a descriptor of the kernel's to OpenSSL, which a stand-in is not. So what it
makes of a socket is exchanged for an object with the same methods, that lets OpenSSL work on
memory and carries the bytes from and to the socket itself.
"""

import threading
import weakref

import _sockbroker

PIECE = 65536


class Connection:
    """What ssl.SSLSocket calls its _sslobj.

    One lock guards OpenSSL's state and is never held while a call waits; the other keeps what
    leaves in order. A thread that finds that one taken need not wait: who has it sends all there is.
    """

    def __init__(self, ssl, context, sock, server_side, server_hostname, owner, session):
        self._ssl, self._sock = ssl, weakref.ref(sock)
        self._incoming, self._outgoing, self._unsent = ssl.MemoryBIO(), ssl.MemoryBIO(), b""
        self._tls = context._wrap_bio(self._incoming, self._outgoing, server_side, server_hostname,
                                      owner=owner, session=session)
        self._state, self._sending = threading.Lock(), threading.Lock()

    def __getattr__(self, name):
        return getattr(self._tls, name)

    context = property(lambda self: self._tls.context, lambda self, value: setattr(self._tls, "context", value))
    session = property(lambda self: self._tls.session, lambda self, value: setattr(self._tls, "session", value))

    def _to_send(self):
        with self._state:
            return bool(self._unsent or self._outgoing.pending)

    def _flush(self):
        while self._to_send() and self._sending.acquire(blocking=False):
            try:
                if not self._unsent:
                    with self._state:
                        self._unsent = self._outgoing.read()
                sent = _sockbroker.socket.send(self._sock(), self._unsent)
                self._unsent = self._unsent[sent:]
            except BlockingIOError:
                raise self._ssl.SSLWantWriteError(self._ssl.SSL_ERROR_WANT_WRITE,
                                                  "The operation did not complete (write)") from None
            finally:
                self._sending.release()

    def _receive(self):
        try:
            data = _sockbroker.socket.recv(self._sock(), PIECE)
        except BlockingIOError:
            raise self._ssl.SSLWantReadError(self._ssl.SSL_ERROR_WANT_READ,
                                             "The operation did not complete (read)") from None
        with self._state:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _flush_if_possible(self):
        """What was taken from the caller is sent now, or with the next call."""
        try:
            self._flush()
        except self._ssl.SSLWantWriteError:
            pass

    def _run(self, function, *arguments):
        while True:
            self._flush()
            try:
                with self._state:
                    result = function(*arguments)
            except self._ssl.SSLWantReadError:
                self._flush()
                self._receive()
            except self._ssl.SSLError:
                self._flush_if_possible()  # it tells the peer why
                raise
            else:
                self._flush_if_possible()
                return result

    def do_handshake(self):
        return self._run(self._tls.do_handshake)

    def read(self, *arguments):
        return self._run(self._tls.read, *arguments)

    def write(self, data):
        return self._run(self._tls.write, data)

    def shutdown(self):
        self._run(self._tls.shutdown)
        return self._sock()


def fit(ssl):
    """Makes the module's contexts take our sockets, or say why they can't: where its SSLSocket is
    the standard socket's child, it would take a stand-in for a socket of the kernel."""
    standard = ssl.SSLContext._wrap_socket
    standard_create = ssl.SSLSocket._create.__func__

    def _create(cls, sock, *arguments, **options):
        if isinstance(sock, _sockbroker.socket) and not issubclass(cls, _sockbroker.socket):
            raise TypeError("ssl was imported with the kernel's sockets, and cannot wrap the broker's. Run the "
                            "program by python3 -m sockbroker, or call sockbroker.replace.replace() before "
                            "anything imports socket")
        return standard_create(cls, sock, *arguments, **options)
    ssl.SSLSocket._create = classmethod(_create)

    def _wrap_socket(self, sock, server_side, server_hostname=None, *, owner=None, session=None):
        if not isinstance(sock, _sockbroker.socket):
            return standard(self, sock, server_side, server_hostname, owner=owner, session=session)
        return Connection(ssl, self, sock, server_side, server_hostname, owner, session)
    ssl.SSLContext._wrap_socket = _wrap_socket
