# SPDX-License-Identifier: Apache-2.0
"""sr1.py ADDRESS - scapy sends a packet and receives one answer."""
import sys

from scapy.all import ICMP, IP, sr1

print(sr1(IP(dst=sys.argv[1]) / ICMP(), timeout=10, verbose=False).summary())
