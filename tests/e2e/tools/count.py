#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP/1.1 client that counts for itself what became of its connections and requests. It prints that as JSON: for
all of them, and by the version that answered on the connection ("" where none did).

    count.py -t ADDRESS:PORT -s SOURCE [-n SOURCES] [-c CONNECTIONS] [-p PARALLEL] [-T SECONDS] STEP...

Each of the SOURCES, counted up from SOURCE, makes CONNECTIONS, one after the other, and takes the steps on each:

    [METHOD:]/PATH[*TIMES]  ask, and read the answer (EXPECT: a POST with "Expect: 100-continue")
    [METHOD:]/PATH!         ask, and go on at once                  greeting   read a line that nobody asked for
    sleep:MS                say nothing for so long                 shut       end the own half: shutdown(SHUT_WR)
    hold:MS                 wait so long for the other side's end   read       the answer that is still to come
    slow:/PATH              ask in two segments, 50 ms apart        abort      end by a RST
    pipe:/PATH*TIMES        ask so often at once, then read all the answers

What takes longer than -T (5 s) has failed, as has what ends early; then the connection is closed. `begun` are answers
whose status came, `answered` those that came whole.
"""
import argparse
import collections
import concurrent.futures
import ipaddress
import json
import math
import os
import socket
import struct
import threading
import time

COUNTERS = (
    "connections established refused connect_timeouts unreachable requests begun answered resets unanswered fins cut "
    "idle_resets idle_fins"
).split()
IPV6_FREEBIND = 78
FAILURES = set("refused connect_timeouts unreachable resets unanswered fins cut".split())


class Failed(Exception):
    """One of FAILURES."""


class Tally:
    def __init__(self):
        self.counts = collections.Counter()
        self.codes, self.methods = collections.Counter(), collections.Counter()
        self.handshakes, self.responses = [], []
        self.failed, self.failed_http = set(), set()

    def add(self, other):
        for name, value in vars(self).items():
            value.extend(getattr(other, name)) if isinstance(value, list) else value.update(getattr(other, name))

    def report(self):
        classes = collections.Counter()
        for code, count in self.codes.items():
            classes[code[0] + "xx"] += count
        return {
            **{name: self.counts[name] for name in COUNTERS},
            "codes": self.codes,
            "classes": classes,
            "methods": self.methods,
            "clients_failed": len(self.failed),
            "clients_failed_http": len(self.failed | self.failed_http),
            "handshake": quantiles(self.handshakes),
            "response": quantiles(self.responses),
            "responses": sorted(round(seconds, 6) for seconds in self.responses),
        }


def quantiles(samples):
    """By nearest rank, in seconds."""
    samples = sorted(samples)
    if not samples:
        return None
    result = {f"p{q}": round(samples[math.ceil(q / 100 * len(samples)) - 1], 6) for q in (50, 95, 99)}
    return {**result, "samples": len(samples), "sum": round(sum(samples), 6)}


class Conversation:
    """One connection and what is done on it."""

    def __init__(self, source, options):
        self.source, self.options = source, options
        self.tally, self.version = Tally(), ""
        self.buffer, self.asked = b"", collections.deque()
        self.sock = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET)
        self.sock.settimeout(options.timeout)

    def count(self, what):
        self.tally.counts[what] += 1

    def run(self):
        try:
            self.connect()
            for step in self.options.steps:
                self.take(step)
        except Failed as failure:
            self.count(str(failure))
            self.tally.failed.add(self.source)
        finally:
            self.sock.close()
        return self

    def connect(self):
        if ":" in self.source:
            self.sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)  # routed here, but on no interface
        self.sock.bind((self.source, 0))
        self.count("connections")
        begin = time.monotonic()
        try:
            self.sock.connect(self.options.target)
        except ConnectionRefusedError as error:
            raise Failed("refused") from error
        except TimeoutError as error:
            raise Failed("connect_timeouts") from error
        except OSError as error:
            raise Failed("unreachable") from error
        self.tally.handshakes.append(time.monotonic() - begin)
        self.count("established")
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def take(self, step):
        word, _, argument = step.partition(":")
        if "/" in word:
            word, argument = "GET", step
        if word.isupper():
            self.ask(word, argument)
        else:
            getattr(self, "take_" + word)(argument)

    def ask(self, method, path):
        if path.endswith("!"):
            self.send(method, path[:-1])
            return
        path, _, times = path.partition("*")
        for _ in range(int(times or 1)):
            self.send(method, path)
            self.take_read()

    def send(self, method, path, pause=0.0):
        body = b"x" * 100 if method in ("POST", "PUT", "PATCH", "EXPECT") else b""
        fields = f"Host: test\r\nContent-Length: {len(body)}\r\n"
        if method == "EXPECT":
            method, fields = "POST", fields + "Expect: 100-continue\r\n"
        text = f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode()
        self.count("requests")
        self.tally.methods[method] += 1
        if "Expect" in fields:
            self.write(text)
            if self.read_head()[0] != "100":
                raise Failed("cut")
            text = b""
        if pause:
            first = text.index(b" HTTP/")
            self.write(text[:first])
            time.sleep(pause)
            text = text[first:]
        # Before it leaves: a thread that has to wait for its turn afterwards would take the answer for earlier than it is.
        self.asked.append((method, time.monotonic()))
        self.write(text + body)

    def write(self, text):
        try:
            self.sock.sendall(text)
        except OSError as error:
            raise Failed("resets") from error

    def fill(self):
        """More from the other side; its end, or none, is a failure while something is asked."""
        try:
            piece = self.sock.recv(65536)
        except TimeoutError as error:
            raise Failed("unanswered") from error
        except OSError as error:
            raise Failed("resets") from error
        if not piece:
            raise Failed("cut" if self.buffer else "fins")
        self.buffer += piece

    def read_head(self):
        """Code and length of the body; and when it began to come."""
        if not self.buffer:
            self.fill()
        began = time.monotonic()
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines)
        return first.split(" ")[1], int(fields.get("Content-Length", 0)), began

    def take_read(self, _=""):
        """The first answer that is due; what is 1xx is none."""
        method, asked = self.asked.popleft()
        while True:
            code, length, began = self.read_head()
            if code[0] != "1":
                break
        self.count("begun")
        self.tally.codes[code] += 1
        self.tally.responses.append(began - asked)
        if code[0] == "5":
            self.tally.failed_http.add(self.source)
        length = 0 if method == "HEAD" else length
        while len(self.buffer) < length:
            self.fill()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        if body:
            self.version = body.decode().split("\n", maxsplit=1)[0].split("-")[0]
        self.count("answered")

    def take_slow(self, path):
        self.send("GET", path, 0.05)
        self.take_read()

    def take_pipe(self, path):
        path, _, times = path.partition("*")
        for _ in range(int(times)):
            self.send("GET", path)
        for _ in range(int(times)):
            self.take_read()

    def take_greeting(self, _):
        while b"\r\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        self.version = line.decode().split(" ")[1].split("-")[0]

    def take_sleep(self, milliseconds):
        time.sleep(int(milliseconds) / 1000)

    def take_shut(self, _):
        self.sock.shutdown(socket.SHUT_WR)

    def take_abort(self, _):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def take_hold(self, milliseconds):
        self.sock.settimeout(int(milliseconds) / 1000)
        try:
            self.count("cut" if self.sock.recv(1) else "idle_fins")
        except TimeoutError:
            pass
        except OSError:
            self.count("idle_resets")
        self.sock.settimeout(self.options.timeout)


def parse():
    parser = argparse.ArgumentParser(usage=__doc__)
    for name, kind, default in (("n", int, 1), ("c", int, 1), ("p", int, 16)):
        parser.add_argument("-" + name, type=kind, default=default)
    parser.add_argument("-T", dest="timeout", type=float, default=5)
    parser.add_argument("-t", dest="target", required=True)
    parser.add_argument("-s", dest="source", required=True)
    parser.add_argument("steps", nargs="*")
    options = parser.parse_args()
    address, port = options.target.rsplit(":", 1)
    options.target = (address.strip("[]"), int(port))
    return options


def main():
    options = parse()
    first = ipaddress.ip_address(options.source)
    total, versions = Tally(), collections.defaultdict(Tally)
    lock = threading.Lock()

    def converse(source):
        for _ in range(options.c):
            done = Conversation(source, options).run()
            with lock:
                total.add(done.tally)
                versions[done.version].add(done.tally)

    with concurrent.futures.ThreadPoolExecutor(options.p) as pool:
        for result in [pool.submit(converse, str(first + i)) for i in range(options.n)]:
            result.result()
    report = {**total.report(), "versions": {name: tally.report() for name, tally in versions.items()}}
    print(json.dumps(report), flush=True)
    os._exit(0)


main()
