# Descriptors that travel through a socket
#
# send_fds and recv_fds are as in the documentation of Python's module socket, but for the
# import line and for array.fromstring, which later Pythons call frombytes. What travels are
# sockets of the same broker. It needs of the policy:
#
#   may: socket, family: unix, type: stream
from sockbroker import socket
import array

def recv_fds(sock, msglen, maxfds):
    fds = array.array("i")   # Array of ints
    msg, ancdata, flags, addr = sock.recvmsg(msglen, socket.CMSG_LEN(maxfds * fds.itemsize))
    for cmsg_level, cmsg_type, cmsg_data in ancdata:
        if (cmsg_level == socket.SOL_SOCKET and cmsg_type == socket.SCM_RIGHTS):
            # Append data, ignoring any truncated integers at the end.
            fds.frombytes(cmsg_data[:len(cmsg_data) - (len(cmsg_data) % fds.itemsize)])
    return msg, list(fds)

def send_fds(sock, msg, fds):
    return sock.sendmsg([msg], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


# What uses them: the end of a pair goes through another pair, and speaks there.
way_out, way_in = socket.socketpair()
here, travels = socket.socketpair()
send_fds(way_out, b'one comes', [travels.fileno()])
travels.close()
msg, fds = recv_fds(way_in, 100, 4)
print(msg, len(fds))
arrived = socket.socket(fileno=fds[0])
arrived.sendall(b'Hello from afar')
print(here.recv(100))
for s in (way_out, way_in, here, arrived):
    s.close()
