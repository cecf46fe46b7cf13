# SPDX-License-Identifier: Apache-2.0
"""What README.md promises in its first example: a policy, and commands that work with it."""
import pathlib
import re

README = pathlib.Path(__file__).resolve().parent.parent.parent / "README.md"
RUN = "$ sockbroker run -- "


def block(language):
    """The first one of that language."""
    text = README.read_text(encoding="utf-8")
    return re.search(rf"^```{language}\n(.*?)^```$", text, re.S | re.M)[1]


def commands():
    return [line.removeprefix(RUN) for line in block("console").splitlines() if line.startswith(RUN)]
