# A very simple network sniffer with raw sockets, written for Windows
#
# As in the documentation of Python's module socket, but for the import line: on Linux the
# broker does what SIO_RCVALL means. It needs of the policy:
#
#   may: [socket, bind, option, ioctl], lends: CAP_NET_RAW, family: inet, type: raw,
#   protocol: [ip, raw], from: ADDRESS-OF-THE-HOST, interface: ITS-INTERFACE,
#   options: IP_HDRINCL, ioctls: SIO_RCVALL
#   may: resolve, names: NAME-OF-THE-HOST
from sockbroker import socket

# the public network interface
HOST = socket.gethostbyname(socket.gethostname())

# create a raw socket and bind it to the public interface
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IP)
s.bind((HOST, 0))

# Include IP headers
s.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)

# receive all packages
s.ioctl(socket.SIO_RCVALL, socket.RCVALL_ON)

# receive a package
print(s.recvfrom(65565))

# disabled promiscuous mode
s.ioctl(socket.SIO_RCVALL, socket.RCVALL_OFF)
