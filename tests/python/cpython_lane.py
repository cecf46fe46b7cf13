# SPDX-License-Identifier: Apache-2.0
"""Runs classes of test.test_socket, one after another, in a network of their own.

A lane is a process of a pool. With our module it has a broker, started as root, and the tests
run as nobody; with the standard module they run as root. So both may do the same.
"""
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

import broker
import module

EXIT_S = 20

lane = None


class Lane:
    def __init__(self, way, library, daemon, policy, patience_s, verbose):
        self.way, self.library, self.patience_s = way, library, patience_s
        self.verbose = verbose
        # Where the tests make their files: of a name without links, that nobody may write.
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="sb-cpython."))
        self.broker = None
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": self.folder, "TMPDIR": self.folder,
                            "LC_ALL": "C.UTF-8", "PYTHONPATH": library,
                            "LD_LIBRARY_PATH": library, "PYTHONDONTWRITEBYTECODE": "1"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        if way == "sockbroker":
            os.chown(self.folder, broker.NOBODY, broker.NOBODY)
            text = pathlib.Path(policy).read_text(encoding="utf-8")
            self.broker = broker.Broker(daemon, text.replace("FOLDER", self.folder))
            self.environment["SOCKBROKER_ADDRESS"] = self.broker.address

    def end(self):
        if self.broker is not None:
            self.broker.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return "" if self.broker is None else self.broker.log()

    def start(self, tests):
        """The worker's process, and the descriptor that its reports come by."""
        reports, given = os.pipe()
        user = {}
        if self.broker is not None:
            user = {"user": broker.NOBODY, "group": broker.NOBODY, "extra_groups": []}

        def in_child():
            broker.end_with_parent()
            os.dup2(given, 3)
        output = tempfile.TemporaryFile()
        process = subprocess.Popen(
            [module.PYTHON, f"{self.library}/cpython_worker.py", self.way, *tests], cwd=self.folder,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, pass_fds=[3], preexec_fn=in_child, **user)
        os.close(given)
        return process, reports, output

    def lines(self, process, reports):
        """Yields what the worker reports; ends it when it says nothing for too long."""
        rest = b""
        while select.select([reports], [], [], self.patience_s)[0]:
            piece = os.read(reports, 65536)
            if not piece:
                return
            *whole, rest = (rest + piece).split(b"\n")
            yield from map(json.loads, whole)
        process.kill()
        yield {"silent": True}

    def run_some(self, tests):
        """Runs until the first test that takes the worker with it. Returns {test: (outcome,
        text, seconds)}; what is not in it has not been run."""
        process, reports, output = self.start(tests)
        results, current, why = {}, tests[0], ""
        begun = time.monotonic()
        log = len(self.log())
        for line in self.lines(process, reports):
            if "start" in line:
                current, begun = line["start"], time.monotonic()
            elif "end" in line:
                results[line["end"]] = (line["outcome"], line["text"], time.monotonic() - begun)
                if self.verbose:
                    print(f"  {self.way}: {line['end']} {line['outcome']}", flush=True)
            elif "broken" in line:
                why = line["broken"]
            else:
                why = f"it hung for {self.patience_s} s\n"
        os.close(reports)
        why += self.how_it_ended(process)
        if why:  # the test that ran; if it had ended well, what it left behind
            output.seek(0)
            text = why + output.read().decode(errors="replace") + self.log()[log:]
            results[current] = ("failed", text, time.monotonic() - begun)
        output.close()
        return results

    @staticmethod
    def how_it_ended(process):
        try:
            status = process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return f"its process had not ended after {EXIT_S} s\n"
        return f"its process ended with status {status}\n" if status else ""

    def run(self, tests):
        results = {}
        while tests:
            new = self.run_some(tests)
            results.update(new)
            left = [test for test in tests if test not in results]
            if left == tests:
                break
            tests = left
        return results


def begin(*arguments):
    """In each process of the pool, once."""
    global lane
    import multiprocessing.util
    if "VMTEST" not in os.environ:  # the machine is nobody else's, and some families know one network
        broker.enter_namespace()
    broker.open_vsock_device()
    lane = Lane(*arguments)
    multiprocessing.util.Finalize(None, lane.end, exitpriority=10)


def run(tests):
    return lane.run(tests)


def list_tests(library):
    here = Lane("standard", library, None, None, 60, False)
    try:
        process, reports, output = here.start([])
        tests = [line["test"] for line in here.lines(process, reports)]
        os.close(reports)
        if here.how_it_ended(process) or not tests:
            output.seek(0)
            raise RuntimeError("test.test_socket cannot be loaded:\n" +
                               output.read().decode(errors="replace"))
        return tests
    finally:
        here.end()
