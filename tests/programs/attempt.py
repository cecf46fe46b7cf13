# SPDX-License-Identifier: Apache-2.0
"""Runs one line of programs.txt in its world: as nobody without us, then under `sockbroker run`
with the world's policy, then with the one that --suggest-policy made of that."""
import dataclasses
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import readme
from world import Missing, World, arrange_host

NOBODY = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
          "--inh-caps=-all", "--"]
SHELL = set("&;|<>$")
PAUSE_S = 0.1
REFUSED = " is refused `"  # as sockbroker run says it


@dataclasses.dataclass
class Line:
    name: str
    mode: str
    world: str
    command: str
    meanwhile: str
    without: str
    with_us: str

    def argv(self):
        if SHELL & set(self.command):
            return ["sh", "-c", self.command]
        return shlex.split(self.command)


@dataclasses.dataclass
class Tools:
    """Where things are, and how patient we are."""
    daemon: str
    folder: str  # sockbroker and its library, for everybody to read
    programs: str
    patience_s: int
    trace: bool


@dataclasses.dataclass
class Result:
    line: Line
    outcome: str = "passed"
    text: str = ""
    seconds: float = 0


class Failure(Exception):
    pass


class Attempt:
    """The command of a line, running. `said` is all that it and what ran meanwhile said."""

    def __init__(self, world, line, tools, launcher):
        self.world, self.line, self.end = world, line, time.monotonic() + tools.patience_s
        environment = {"PATH": f"{world.home}:{os.environ['PATH']}", "HOME": str(world.home),
                       "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1",
                       "SOCKBROKER_ADDRESS": world.broker.address}
        if launcher:  # its library: the build folder may be one that nobody cannot enter
            environment["LD_LIBRARY_PATH"] = tools.folder
        self.output = open(world.top / "output", "w+b")
        self.process = subprocess.Popen(
            NOBODY + launcher + line.argv(), stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=subprocess.STDOUT, cwd=world.home, env=environment, start_new_session=True,
            preexec_fn=world.own.enter)
        self.besides = ""

    def said(self):
        self.output.flush()
        text = (self.world.top / "output").read_bytes().decode(errors="replace")
        return text + self.besides

    def run(self, expected):
        """Until it ends, or until, with what runs meanwhile, it has said what is expected.
        Returns its exit status; None if it had to be told to end."""
        try:
            while self.process.poll() is None:
                if time.monotonic() > self.end:
                    raise Failure(f"not done in time:\n{self.said()}\n{self.state()}")
                if self.line.meanwhile != "-" and re.search(expected, self.said(), re.S):
                    return self.stop()
                self.meanwhile()
                time.sleep(PAUSE_S)
            return self.process.returncode
        finally:
            self.kill()

    def state(self):
        """What its processes are at."""
        ps = ["ps", "-L", "-s", str(self.process.pid), "-o", "pid,lwp,stat,time,wchan:24,args"]
        return subprocess.run(ps, capture_output=True, text=True, errors="replace").stdout

    def meanwhile(self):
        if self.line.meanwhile == "-":
            return
        try:
            done = subprocess.run(
                ["sh", "-c", self.line.meanwhile], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace",
                preexec_fn=self.world.far.enter, timeout=self.end - time.monotonic())
            self.besides = "\nmeanwhile:\n" + done.stdout
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode(errors="replace")
            self.besides = "\nmeanwhile, not done in time:\n" + said

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(max(1, self.end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failure("told to end by SIGTERM, it did not:\n"
                          f"{self.said()}\n{self.state()}") from None
        return None

    def kill(self):
        """Its whole session, which has the number of the process that we started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def fail_without(world, line, tools):
    attempt = Attempt(world, line, tools, [])
    status = attempt.run(line.without)
    said = attempt.said()
    if status == 0 or re.search(line.with_us, said, re.S):
        raise Failure(f"it works without us:\n{said}")
    if not re.search(line.without, said, re.S):
        raise Failure(f"without us it failed for another reason (status {status}):\n{said}")


def work_with(world, line, tools):
    """What was said."""
    options = ["--suggest-policy", world.suggested] + (["--trace"] if tools.trace else [])
    attempt = Attempt(world, line, tools,
                      [f"{tools.folder}/sockbroker", *shlex.split(line.mode), *options, "--"])
    status = attempt.run(line.with_us)
    said = attempt.said()
    if not re.search(line.with_us, said, re.S) or status not in (0, None):
        raise Failure(f"under sockbroker {line.mode} (status {status}):\n{said}\n"
                      f"the broker's log:\n{world.broker.log()[-4000:]}")
    if REFUSED in said:
        raise Failure(f"the policy of {line.world} lacks what it asks for:\n{said}")
    return said


def work_as_suggested(world, line, tools, policy):
    try:
        work_with(world, line, tools)
    except Failure as failure:
        raise Failure(f"with the policy that was suggested:\n{policy}\n{failure}") from None


def missing_program(line, tools):
    """What is not installed; sh finds the rest."""
    first = line.command.removeprefix("exec ").split()[0]
    return None if first.startswith("./") or shutil.which(first) else first


def run(line, tools):
    """A Result. In a process of its own, since it goes to other networks."""
    start = time.monotonic()
    result = Result(line)
    try:
        if missing := missing_program(line, tools):
            raise Missing(f"{missing} is not installed")
        if line.world == "readme" and line.command not in readme.commands():
            raise Failure("README.md does not have this command")
        arrange_host()
        with World(line.world, tools.daemon, tools.programs) as world:
            fail_without(world, line, tools)
            result.text = work_with(world, line, tools)
            suggested = world.suggested.read_text(encoding="utf-8")
        with World(line.world, tools.daemon, tools.programs, suggested) as world:
            work_as_suggested(world, line, tools, suggested)
    except Missing as missing:
        result.outcome, result.text = "skipped", str(missing)
    except (Failure, RuntimeError, OSError, subprocess.SubprocessError) as failure:
        result.outcome, result.text = "failed", str(failure)
        if isinstance(failure, subprocess.CalledProcessError):
            result.text += f"\n{failure.stderr}"
    result.seconds = time.monotonic() - start
    return result
