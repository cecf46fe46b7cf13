# SPDX-License-Identifier: Apache-2.0
# To a type checker this is the standard module.
from socket import *
from socket import SocketType as SocketType, socket as socket
