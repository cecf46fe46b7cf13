# SPDX-License-Identifier: Apache-2.0
"""echo.py ADDRESS - an ICMP echo by a raw socket: what is needed for it, and no more."""
import socket
import struct
import sys


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


def echo(kind, checksum=0):
    return struct.pack("!BBHHH", kind, 0, checksum, 7, 1) + b"hello!"


with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
    s.settimeout(10)
    s.sendto(echo(8, checksum(echo(8))), (sys.argv[1], 0))
    while (reply := s.recvfrom(1500))[0][20:] != echo(0, checksum(echo(0))):
        pass
    print(reply[1][0], "echoes hello")
