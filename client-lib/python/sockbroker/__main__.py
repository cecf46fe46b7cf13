# SPDX-License-Identifier: Apache-2.0
"""Run an unchanged Python program whose sockets a broker holds.

    python3 -m sockbroker script.py [argument ...]
    python3 -m sockbroker -m module [argument ...]
    python3 -m sockbroker -c command [argument ...]

"import socket" gives it sockbroker.socket, in its own modules and in the standard library's.
"""

import io
import os
import runpy
import sys
import types

import sockbroker.replace


def _main_module(path):
    """A fresh __main__, which stays when the program ends: its exit handlers need it."""
    module = types.ModuleType("__main__")
    module.__builtins__ = __builtins__
    if path is not None:
        module.__file__ = path
    sys.modules["__main__"] = module
    return module.__dict__


def _run_script(path):
    if os.path.isdir(path) or not _is_source(path):
        runpy.run_path(path, run_name="__main__")  # it sets sys.path[0] itself
        return
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec")
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    exec(code, _main_module(path))


def _is_source(path):
    with open(path, "rb") as file:
        return b"\0" not in file.read(512)


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.exit(__doc__.strip() if not arguments else print(__doc__.strip()))
    option, rest = arguments[0], arguments[1:]
    if option in ("-c", "-m") and not rest:
        sys.exit(f"sockbroker: what follows {option}?")
    if option.startswith("-") and option not in ("-c", "-m"):
        sys.exit(f"sockbroker: no option {option}; options of Python's own stand before -m sockbroker.")

    sockbroker.replace.replace()
    if option == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.path[0] = ""
        exec(compile(rest[0], "<string>", "exec"), _main_module(None))
    elif option == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        _run_script(option)


if __name__ == "__main__":
    main(sys.argv[1:])
