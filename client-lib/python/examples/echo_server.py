# Echo server program
#
# As in the documentation of Python's module socket, but for the import line. It needs of
# the policy (policy.yaml has the rules of all examples):
#
#   may: [socket, bind, listen], family: inet, type: stream, protocol: tcp,
#   from: wildcard, from_ports: 50007
from sockbroker import socket

HOST = ''                 # Symbolic name meaning all available interfaces
PORT = 50007              # Arbitrary non-privileged port
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind((HOST, PORT))
s.listen(1)
conn, addr = s.accept()
print('Connected by', addr)
while True:
    data = conn.recv(1024)
    if not data: break
    conn.sendall(data)
conn.close()
