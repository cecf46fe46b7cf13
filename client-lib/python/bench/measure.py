#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ways for a Python program to reach its sockets, side by side.

    measure.py              a table; SOCKBROKER_ADDRESS is a broker that allows UNIX socket pairs
    measure.py side NAME    one way, for who measures: answers each line on stdin ("latency",
                            "threads", "bulk") with a number

The ways: kernel (the standard module), binding (sockbroker.socket, over libsockbroker), unary
and stream (stubs generated from the .proto files, one RPC a call, or one message on the session
stream).
"""

import os
import pathlib
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SMALL, PIECE = bytes(64), bytes(1 << 20)
PAIRS, THREADS, PIECES = 1000, 16, 64
PROTO = pathlib.Path(__file__).resolve().parents[3] / "proto"
NAMES = ("kernel", "binding", "unary", "stream")


def generate(folder):
    """They are a package `sockbroker` too: of the two, an interpreter has the first in its path."""
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("sockbroker/v1/*.proto"))
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", PROTO, f"--python_out={folder}",
                    f"--grpc_python_out={folder}", *files], check=True)
    pathlib.Path(folder, "sockbroker", "__init__.py").touch()


# ---- the ways ---------------------------------------------------------------------------


class Module:
    """The API of the socket module."""

    def __init__(self, module):
        self.ends = [self.end(s) for s in module.socketpair()]
        s = self.socket = module.socket(module.AF_UNIX)
        self.option = lambda: s.getsockopt(module.SOL_SOCKET, module.SO_RCVBUF)

    @staticmethod
    def end(s):
        return s.send, s.recv


class Stubs:
    """What a program would write that takes the .proto files alone."""

    def __init__(self, in_stream):
        folder = tempfile.TemporaryDirectory()
        generate(folder.name)
        sys.path.insert(0, folder.name)
        import grpc
        from sockbroker.v1 import broker_pb2, broker_pb2_grpc, types_pb2
        self.pb, self.types = broker_pb2, types_pb2
        options = [("grpc.max_receive_message_length", -1)]
        channel = grpc.insecure_channel(os.environ["SOCKBROKER_ADDRESS"], options)
        self.stub = broker_pb2_grpc.BrokerStub(channel)
        self.requests, self.last, self.waiting, self.lock = queue.SimpleQueue(), 0, {}, threading.Lock()
        self.replies = self.stub.Session(iter(self.requests.get, None))
        threading.Thread(target=self.listen, daemon=True).start()
        welcome = self.in_stream("hello", self.pb.Hello(version=1, client="measure"))
        self.metadata = [("sockbroker-session", welcome.token)]
        self.call = self.in_stream if in_stream else self.unary
        self.open()

    def listen(self):
        for batch in self.replies:
            for reply in batch.replies:
                self.waiting.pop(reply.id).put(getattr(reply, reply.WhichOneof("op")))

    def in_stream(self, name, request):
        answer = queue.SimpleQueue()
        with self.lock:
            self.last += 1
            number = self.last
        self.waiting[number] = answer
        self.requests.put(self.pb.RequestBatch(requests=[self.pb.Request(id=number, **{name: request})]))
        return self.check(answer.get())

    METHODS = {"socket_pair": "SocketPair", "send": "Send", "recv": "Recv", "get_option": "GetOption"}

    def unary(self, name, request):
        return self.check(getattr(self.stub, self.METHODS[name])(request, metadata=self.metadata))

    @staticmethod
    def check(reply):
        if getattr(reply, "error", 0):
            raise OSError(reply.error, os.strerror(reply.error))
        return reply

    def open(self):
        types = self.types
        made = self.call("socket_pair", self.pb.SocketPairRequest(
            family=types.FAMILY_AF_UNIX, type=types.SOCKET_TYPE_SOCK_STREAM))
        self.ends = [self.end(made.handle), self.end(made.handle2)]
        option = self.pb.GetOptionRequest(handle=made.handle, level=1, name=8, length=4)
        self.option = lambda: self.call("get_option", option).value

    def end(self, handle):
        def send(data):
            return self.call("send", self.pb.SendRequest(handle=handle, data=data)).sent

        def recv(length):
            return self.call("recv", self.pb.RecvRequest(handle=handle, length=length)).data
        return send, recv


def way(name):
    if name == "kernel":
        import socket
        return Module(socket)
    if name == "binding":
        from sockbroker import socket
        return Module(socket)
    return Stubs(name == "stream")


# ---- what is measured -------------------------------------------------------------------


def latency(reached):
    """Microseconds for the send of 64 bytes and their recv; the middle of many."""
    (send, _), (_, recv) = reached.ends
    times = []
    for _ in range(PAIRS):
        begin = time.perf_counter()
        send(SMALL)
        recv(64)
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e6


def threads(reached):
    """Calls of getsockopt() a second, by 16 threads."""
    def work():
        for _ in range(PAIRS // 10):
            reached.option()
    crowd = [threading.Thread(target=work) for _ in range(THREADS)]
    begin = time.perf_counter()
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return THREADS * (PAIRS // 10) / (time.perf_counter() - begin)


def bulk(reached):
    """Megabytes a second, sent and received in pieces of 1 MiB."""
    (send, _), (_, recv) = reached.ends

    def fill():
        for _ in range(PIECES):
            at = 0
            while at < len(PIECE):
                at += send(PIECE[at:] if at else PIECE)
    left = PIECES * len(PIECE)
    begin = time.perf_counter()
    thread = threading.Thread(target=fill)
    thread.start()
    while left:
        left -= len(recv(len(PIECE)))
    thread.join()
    return PIECES * len(PIECE) / 1e6 / (time.perf_counter() - begin)


MEASURES = {"latency": latency, "threads": threads, "bulk": bulk}


def side(name):
    reached = way(name)
    latency(reached)
    print("ready", flush=True)
    for line in sys.stdin:
        print(MEASURES[line.strip()](reached), flush=True)
    os._exit(0)  # no thread of gRPC's is waited for


# ---- the table --------------------------------------------------------------------------


def import_ms(command, path, runs=9):
    def once(text):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", text], check=True, env={**os.environ, "PYTHONPATH": path})
        return time.perf_counter() - begin
    return (statistics.median(once(command) for _ in range(runs)) -
            statistics.median(once("pass") for _ in range(runs))) * 1e3


IMPORTS = {"kernel": "import socket", "binding": "from sockbroker import socket",
           "unary": "import grpc; from sockbroker.v1 import broker_pb2_grpc",
           "stream": "import grpc; from sockbroker.v1 import broker_pb2_grpc"}


def table(rounds=5):
    own_path = os.environ.get("PYTHONPATH", "")
    with tempfile.TemporaryDirectory() as stubs:
        generate(stubs)
        sides = {name: subprocess.Popen([sys.executable, __file__, "side", name], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE) for name in NAMES}
        for process in sides.values():
            process.stdout.readline()
        figures = {(name, what): [] for name in NAMES for what in MEASURES}
        for _ in range(rounds):
            for (name, what), values in figures.items():
                print(what, file=sides[name].stdin, flush=True)
                values.append(float(sides[name].stdout.readline()))
        for process in sides.values():
            process.stdin.close()
            process.wait()
        print(f"{'':10}{'64 B send+recv':>16}{'16 threads':>16}{'1 MiB pieces':>16}{'import':>12}")
        for name in NAMES:
            us, calls, mb = (statistics.median(figures[name, what]) for what in MEASURES)
            ms = import_ms(IMPORTS[name], f"{stubs if 'pb2' in IMPORTS[name] else ''}:{own_path}")
            print(f"{name:10}{us:13.1f} us{calls:11.0f} op/s{mb:11.0f} MB/s{ms:9.1f} ms")


if __name__ == "__main__":
    side(sys.argv[2]) if sys.argv[1:2] == ["side"] else table()
