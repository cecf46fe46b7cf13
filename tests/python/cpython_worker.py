# SPDX-License-Identifier: Apache-2.0
"""cpython_worker.py standard|sockbroker [TEST...] - run some of test.test_socket.

With `sockbroker`, the module `socket` is ours, and `_socket` what is behind it. Writes a JSON
line to descriptor 3 when a test starts and when it ends. Without TEST, lists them all.
"""
import json
import os
import sys

REPORT = 3


def report(**fields):
    os.write(REPORT, (json.dumps(fields) + "\n").encode())


def short(test):
    return ".".join(test.id().split(".")[-2:])


def make_result_class(unittest):
    class Result(unittest.TestResult):
        """Tells what becomes of each test; the worst that is said of one counts."""

        def startTest(self, test):
            super().startTest(test)
            self.outcome, self.text = "passed", ""
            report(start=short(test))

        def say(self, outcome, text):
            if self.outcome != "failed":
                self.outcome, self.text = outcome, text

        def addError(self, test, err):
            super().addError(test, err)
            if not hasattr(test, "_testMethodName"):  # setUpClass, setUpModule
                report(broken=self.errors[-1][1])
            else:
                self.say("failed", self.errors[-1][1])

        def addFailure(self, test, err):
            super().addFailure(test, err)
            self.say("failed", self.failures[-1][1])

        def addSubTest(self, test, subtest, err):
            super().addSubTest(test, subtest, err)
            if err is not None:
                self.say("failed", self._exc_info_to_string(err, test))

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
            self.say("skipped", reason)

        def addExpectedFailure(self, test, err):
            super().addExpectedFailure(test, err)
            self.say("skipped", "expected to fail")

        def stopTest(self, test):
            super().stopTest(test)
            report(end=short(test), outcome=self.outcome, text=self.text)

    return Result


def all_tests(suite):
    for test in suite:
        if hasattr(test, "_testMethodName"):
            yield test
        else:
            yield from all_tests(test)


def main(way, names):
    if way == "sockbroker":  # before anything imports it
        import sockbroker.replace
        sockbroker.replace.replace()
    import unittest
    from test import support
    support.use_resources = []  # above all: no network
    from test import test_socket

    load = unittest.defaultTestLoader
    if not names:
        for test in all_tests(load.loadTestsFromModule(test_socket)):
            report(test=short(test))
        return
    suite = load.loadTestsFromNames(names, test_socket)
    suite.run(make_result_class(unittest)())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
