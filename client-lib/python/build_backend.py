# SPDX-License-Identifier: Apache-2.0
"""Builds the wheel: compiles src/*.c against libsockbroker, and zips it up with sockbroker/.

pip calls the functions that PEP 517 names. From the environment: CC, CFLAGS, LDFLAGS;
PKG_CONFIG_PATH, where sockbroker.pc is; or SOCKBROKER_BUILD, a build tree of the project,
whose library is then used in place.
"""

import base64
import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
EXTENSION = "_sockbroker.abi3.so"
COMPILE = ["-std=c17", "-D_GNU_SOURCE", "-DNDEBUG", "-O2", "-g", "-fPIC", "-fvisibility=hidden", "-Wall"]
TAG = "cp311-abi3-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")


def _project():
    with open(HERE / "pyproject.toml", "rb") as file:
        return tomllib.load(file)["project"]


# ---- compiling ------------------------------------------------------------------------


def _words(variable):
    return shlex.split(os.environ.get(variable, ""))


def _compiler():
    words = _words("CC") or ["cc"]
    if not shutil.which(words[0]):
        sys.exit(f"sockbroker: there is no C compiler ({words[0]}). On Debian: apt install gcc")
    return words


def _python_flags():
    folder = sysconfig.get_config_var("INCLUDEPY")
    if not os.path.exists(f"{folder}/Python.h"):
        sys.exit(f"sockbroker: there is no {folder}/Python.h. On Debian: apt install python3-dev")
    return ["-isystem", folder]


def _library_flags():
    """What to compile with, and what to link with."""
    tree = os.environ.get("SOCKBROKER_BUILD")
    if tree:
        library = os.path.join(os.path.abspath(tree), "client-lib")
        if not os.path.exists(f"{library}/libsockbroker.so"):
            sys.exit(f"sockbroker: SOCKBROKER_BUILD={tree} has no client-lib/libsockbroker.so.")
        return [f"-I{HERE.parent / 'include'}"], [f"-L{library}", "-lsockbroker", f"-Wl,-rpath,{library}"]
    if not shutil.which("pkg-config"):
        sys.exit("sockbroker: there is no pkg-config. On Debian: apt install pkg-config")
    if subprocess.run(["pkg-config", "--exists", "sockbroker"]).returncode:
        sys.exit("sockbroker: pkg-config does not find libsockbroker. Install it, or say where its "
                 "sockbroker.pc is with PKG_CONFIG_PATH.")
    return [shlex.split(subprocess.check_output(["pkg-config", what, "sockbroker"], text=True))
            for what in ("--cflags", "--libs")]


def _compile(folder):
    compiler, python, (library, link) = _compiler(), _python_flags(), _library_flags()
    sources = sorted(str(path) for path in (HERE / "src").glob("*.c"))
    target = os.path.join(folder, EXTENSION)
    command = [*compiler, *COMPILE, *_words("CFLAGS"), *python, *library, "-shared", "-o", target,
               *sources, *_words("LDFLAGS"), *link, "-lm"]
    print(shlex.join(command), flush=True)
    if subprocess.run(command).returncode:
        sys.exit("sockbroker: the compiler refuses it; what it says stands above.")
    return target


# ---- the wheel ------------------------------------------------------------------------


def _metadata(project):
    return (f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
            f"Summary: {project['description']}\nLicense: {project['license']}\n"
            f"Requires-Python: {project['requires-python']}\n")


def _wheel_text():
    return f"Wheel-Version: 1.0\nGenerator: sockbroker\nRoot-Is-Purelib: false\nTag: {TAG}\n"


class _Wheel:
    """A zip file that keeps the record of what is in it."""

    def __init__(self, path):
        self.zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self.record = []

    def add(self, name, data, mode=0o644):
        if isinstance(data, str):
            data = data.encode()
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (0o100000 | mode) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        self.zip.writestr(entry, data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        self.record.append(f"{name},sha256={digest},{len(data)}\n")

    def finish(self, info):
        self.record.append(f"{info}/RECORD,,\n")
        self.zip.writestr(f"{info}/RECORD", "".join(self.record))
        self.zip.close()


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    project = _project()
    info = f"{project['name']}-{project['version']}.dist-info"
    folder = pathlib.Path(metadata_directory, info)
    folder.mkdir()
    (folder / "METADATA").write_text(_metadata(project))
    (folder / "WHEEL").write_text(_wheel_text())
    return info


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    project = _project()
    stem = f"{project['name']}-{project['version']}"
    name = f"{stem}-{TAG}.whl"
    with tempfile.TemporaryDirectory() as folder:
        extension = pathlib.Path(_compile(folder)).read_bytes()
    wheel = _Wheel(os.path.join(wheel_directory, name))
    wheel.add(EXTENSION, extension, 0o755)
    for path in sorted((HERE / "sockbroker").iterdir()):
        if path.is_file():
            wheel.add(f"sockbroker/{path.name}", path.read_bytes())
    info = f"{stem}.dist-info"
    wheel.add(f"{info}/METADATA", _metadata(project))
    wheel.add(f"{info}/WHEEL", _wheel_text())
    wheel.finish(info)
    return name


def build_sdist(sdist_directory, config_settings=None):
    project = _project()
    stem = f"{project['name']}-{project['version']}"
    with tarfile.open(os.path.join(sdist_directory, f"{stem}.tar.gz"), "w:gz") as tar:
        for pattern in ("pyproject.toml", "build_backend.py", "src/*.[ch]", "sockbroker/*.*"):
            for path in sorted(HERE.glob(pattern)):
                tar.add(path, f"{stem}/{path.relative_to(HERE)}")
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(_metadata(project))
            file.flush()
            tar.add(file.name, f"{stem}/PKG-INFO")
    return f"{stem}.tar.gz"
