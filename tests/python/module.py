# SPDX-License-Identifier: Apache-2.0
"""Where the Python module of a build is, and how users other than root get at it."""
import pathlib
import shutil
import subprocess

PYTHON = "/usr/bin/python3"
TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def copy(build, folder, *more):
    """The module, the library, and what else is named, for everybody to read: the build folder
    may be one that they cannot enter. `folder` is what PYTHONPATH and LD_LIBRARY_PATH need."""
    shutil.copytree(pathlib.Path(build) / "python", folder, dirs_exist_ok=True)
    for source in [*(pathlib.Path(build) / "client-lib").glob("libsockbroker.so*"), *more]:
        if source.is_dir():
            shutil.copytree(source, pathlib.Path(folder) / source.name)
        else:
            shutil.copy(source, folder)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
