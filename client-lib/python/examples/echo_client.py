# Echo client program
#
# As in the documentation of Python's module socket, but for the import line and HOST, which
# is 'daring.cwi.nl' there. It needs of the policy:
#
#   may: [socket, connect], family: inet, type: stream, protocol: tcp,
#   to: 127.0.0.1, to_ports: 50007
#   may: resolve, names: localhost
from sockbroker import socket

HOST = 'localhost'        # The remote host
PORT = 50007              # The same port as used by the server
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.connect((HOST, PORT))
s.sendall(b'Hello, world')
data = s.recv(1024)
s.close()
print('Received', repr(data))
