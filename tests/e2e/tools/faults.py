#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP/1.1 server that goes wrong when it is asked to, and writes down what it did: a line of JSON in LOG per
connection and per request.

    faults.py NAME LOG [healthy] [greeting] [times:N] ADDRESS:PORT...

    /               200, at once                        /hang           never
    /code/N         that status                         /reset          a RST instead of an answer
    /delay/MS       200, so much later                  /half           half of the answer, then a RST
    /mix            3 % are 5xx, 2 % 40 ms late         /fin            a FIN instead of an answer
    /some-time      200, log-normally later (30 ms)     /early/MS       103, and so much later 200
    /split/N[/CODE] in two segments, N bytes first      /idle-reset/MS  200, and a RST when so long was silence
    /bytes          each byte in a segment of its own   /idle-fin/MS    200, and a FIN then
                                                        /last           200, and a FIN at once

`healthy`: every path is /. `greeting`: the server speaks first. `times`: so many times as late. What is asked with
"Expect: 100-continue" gets that.
"""
import json
import math
import random
import socket
import struct
import sys
import threading
import time


class Over(Exception):
    """The connection is at its end, by whomever."""


class Server:
    def __init__(self, name, log, words):
        self.name = name
        self.healthy = "healthy" in words
        self.greeting = "greeting" in words
        self.times = sum(float(word[6:]) for word in words if word.startswith("times:")) or 1
        self.random = random.Random(name)
        self.log_file = open(log, "a", encoding="utf-8")  # pylint: disable=consider-using-with
        self.lock = threading.Lock()

    def log(self, **what):
        with self.lock:
            print(json.dumps({"at": time.monotonic(), **what}), file=self.log_file, flush=True)

    def draw(self):
        with self.lock:
            code = self.random.choice((500, 502, 503, 504)) if self.random.random() < 0.03 else 200
            return code, 40 if self.random.random() < 0.02 else 0

    def serve(self, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, port), family=family, backlog=4096)
        while True:
            sock, peer = listener.accept()
            threading.Thread(target=Connection(self, sock, peer).run, daemon=True).start()


class Connection:
    def __init__(self, server, sock, peer):
        self.server, self.sock, self.peer = server, sock, peer[0]
        self.buffer = b""
        self.method = self.path = None
        self.asked = 0.0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self):
        self.server.log(did="accept", peer=self.peer)
        try:
            if self.server.greeting:
                self.sock.sendall(b"220 " + self.server.name.encode() + b"\r\n")
            while True:
                self.read_request()
                word, *arguments = self.path.strip("/").split("/")
                word = "" if self.server.healthy else word
                getattr(self, "do_" + word.replace("-", "_"))(*map(int, arguments))
        except (Over, OSError):
            self.sock.close()

    def fill(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise Over
        self.buffer += piece

    def read_request(self):
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        self.method, self.path, _ = first.split(" ")
        fields = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
        if fields.get("expect") == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(fields.get("content-length", 0))
        while len(self.buffer) < length:
            self.fill()
        self.buffer = self.buffer[length:]
        self.asked = time.monotonic()

    def log(self, did, **more):
        late = round((time.monotonic() - self.asked) * 1000, 3)
        self.server.log(did=did, method=self.method, path=self.path, peer=self.peer, late=late, **more)

    def text(self, code=200, filler=0):
        body = self.server.name + "\n" + "." * filler
        head = f"HTTP/1.1 {code} Because\r\nContent-Length: {len(body)}\r\n\r\n"
        return (head if self.method == "HEAD" else head + body).encode()

    def answer(self, code=200):
        """Written down first: who has the answer can rely on it."""
        self.log("answer", code=code)
        self.sock.sendall(self.text(code))

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Over

    def do_(self, *_):
        self.answer()

    def do_code(self, code):
        self.answer(code)

    def do_delay(self, milliseconds):
        time.sleep(milliseconds / 1000 * self.server.times)
        self.answer()

    def do_some_time(self):
        with self.server.lock:
            seconds = self.server.random.lognormvariate(math.log(0.03), 0.7)
        time.sleep(seconds * self.server.times)
        self.answer()

    def do_mix(self):
        code, milliseconds = self.server.draw()
        time.sleep(milliseconds / 1000)
        self.answer(code)

    def do_early(self, milliseconds):
        self.sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\n")
        time.sleep(milliseconds / 1000)
        self.answer()

    def do_split(self, first, code=200):
        text = self.text(code)
        self.log("split", code=code)
        self.sock.sendall(text[:first])
        time.sleep(0.02)
        self.sock.sendall(text[first:])

    def do_bytes(self):
        self.log("bytes", code=200)
        for byte in self.text():
            self.sock.sendall(bytes([byte]))
            time.sleep(0.001)

    def do_hang(self):
        self.log("hang")
        while True:
            self.fill()

    def do_reset(self):
        self.log("reset")
        self.reset()

    def do_half(self):
        text = self.text(filler=1000)
        self.log("half", code=200)
        self.sock.sendall(text[: len(text) // 2])
        time.sleep(0.05)
        self.reset()

    def do_fin(self):
        self.log("fin")
        raise Over

    def do_idle_reset(self, milliseconds):
        self.answer()
        time.sleep(milliseconds / 1000)
        self.log("idle-reset")
        self.reset()

    def do_idle_fin(self, milliseconds):
        self.answer()
        time.sleep(milliseconds / 1000)
        self.log("idle-fin")
        raise Over

    def do_last(self):
        self.answer()
        raise Over


def main():
    name, log, *rest = sys.argv[1:]
    places = [word for word in rest if word.count(":") and not word.startswith("times:")]
    server = Server(name, log, rest)
    threading.stack_size(256 * 1024)
    for place in places:
        address, port = place.rsplit(":", 1)
        threading.Thread(target=server.serve, args=(address.strip("[]"), int(port))).start()


main()
