# A server that can be started again at once
#
# Running an example several times with too small delay between executions, could lead to this
# error:
#
#   OSError: [Errno 98] Address already in use
#
# This is because the previous execution has left the socket in a TIME_WAIT state, and can't be
# immediately reused. There is a socket flag to set, in order to prevent this.
#
# The three lines are as in the documentation of Python's module socket. They need of the policy
# what the echo server needs.
from sockbroker import socket

HOST = ''
PORT = 50007

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((HOST, PORT))

# Serves one client, and closes first, so that its own end waits.
s.listen(1)
conn, addr = s.accept()
conn.close()
print('Served', addr[0])
