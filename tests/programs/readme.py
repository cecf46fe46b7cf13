# SPDX-License-Identifier: Apache-2.0
"""What README.md promises in its first example: a policy, and commands that work with it."""
import pathlib
import re

README = pathlib.Path(__file__).resolve().parent.parent.parent / "README.md"
RUN = "$ sockbroker run -- "


def block(language):
    """The first one of that language."""
    return re.search(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.S | re.M)[1]


def commands():
    return [line.removeprefix(RUN) for line in block("console").splitlines() if line.startswith(RUN)]
