# SPDX-License-Identifier: Apache-2.0
"""Makes "import socket" mean sockbroker.socket, for the rest of this process."""

import sys

import _sockbroker
from sockbroker import socket


def replace():
    """Call it before anything else imports socket: who has it already keeps the kernel's."""
    sys.modules["socket"] = socket
    sys.modules["_socket"] = _sockbroker
