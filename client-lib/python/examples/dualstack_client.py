# Echo client program
#
# As in the documentation of Python's module socket, but for the import line and HOST, which
# is 'daring.cwi.nl' there. It tries all addresses of the name. It needs of the policy:
#
#   may: [socket, connect], family: [inet, inet6], type: stream, protocol: tcp,
#   to: [127.0.0.1, "::1"], to_ports: 50007
#   may: resolve, names: localhost
from sockbroker import socket
import sys

HOST = 'localhost'        # The remote host
PORT = 50007              # The same port as used by the server
s = None
for res in socket.getaddrinfo(HOST, PORT, socket.AF_UNSPEC, socket.SOCK_STREAM):
    af, socktype, proto, canonname, sa = res
    try:
        s = socket.socket(af, socktype, proto)
    except OSError as msg:
        s = None
        continue
    try:
        s.connect(sa)
    except OSError as msg:
        s.close()
        s = None
        continue
    break
if s is None:
    print('could not open socket')
    sys.exit(1)
s.sendall(b'Hello, world')
data = s.recv(1024)
s.close()
print('Received', repr(data))
