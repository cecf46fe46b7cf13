# SPDX-License-Identifier: Apache-2.0
"""Fits the standard ssl module to our sockets, when and if a program imports it."""

import sys
from importlib.machinery import PathFinder


def _fit(module):
    from sockbroker import tls
    tls.fit(module)


class _Finder:
    """Finds ssl as ever."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = PathFinder.find_spec(name) if name == "ssl" else None
        if spec is not None:
            load = spec.loader.exec_module

            def load_and_fit(module):
                load(module)
                _fit(module)
            spec.loader.exec_module = load_and_fit
        return spec


def install():
    if "ssl" in sys.modules:
        _fit(sys.modules["ssl"])
    else:
        sys.meta_path.insert(0, _Finder)
