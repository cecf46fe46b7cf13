# SPDX-License-Identifier: Apache-2.0
"""Sockets held by a broker: ``from sockbroker import socket`` instead of ``import socket``.

The module has the API of the standard one. The broker is found by the environment
variable SOCKBROKER_ADDRESS. ``python3 -m sockbroker script.py`` runs a program unchanged.
"""
