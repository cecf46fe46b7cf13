# SPDX-License-Identifier: Apache-2.0
"""Makes "import socket" mean sockbroker.socket, for the rest of this process."""

import sys
from importlib.machinery import PathFinder

import _sockbroker
from sockbroker import socket


class _SslFinder:
    """Finds the standard ssl module as ever, and fits it to our sockets once it is loaded."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "ssl":
            return None
        spec = PathFinder.find_spec(name)
        load = spec.loader.exec_module

        def load_and_fit(module):
            load(module)
            from sockbroker import tls
            tls.fit(module)
        spec.loader.exec_module = load_and_fit
        return spec


def replace():
    """Call it before anything else imports socket: who has it already keeps the kernel's."""
    sys.modules["socket"] = socket
    sys.modules["_socket"] = _sockbroker
    sys.meta_path.insert(0, _SslFinder)
