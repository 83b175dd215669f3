#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An application that answers every request with 200 and knows itself whether it went well: it tells serin's agent, in batches,
over its Unix socket. Which of its clients fail depends on their addresses alone; so many of them, in percent, as a file says.

    application.py NAME VERSION SERVICE ADDRESS PORT SOCKET PERCENT-FILE

Whatever the agent does not take is said on stderr. A request for /percent is nobody's: its answer is that number as soon as the
agent has been told of all that went by another one.
"""
import hashlib
import http.client
import http.server
import json
import queue
import socket
import sys
import threading
import time

NAME, VERSION, SERVICE, ADDRESS, PORT, SOCKET, PERCENT_FILE = sys.argv[1:]
MOST = 1000  # outcomes that the agent takes at a time
outcomes = queue.SimpleQueue()
percent = settled = 0


def goes_wrong(client):
    return hashlib.sha256(client.encode()).digest()[0] * 100 // 256 < percent


class Order(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one segment for the whole answer

    def log_message(self, *_):
        pass

    def do_GET(self):
        client = self.client_address[0]
        is_probe = self.path == "/percent"
        body = (f"{settled}\n" if is_probe else f"{NAME} {client} 0\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if not is_probe:
            outcomes.put({"version": VERSION, "client": client, "failed": goes_wrong(client)})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


class Agent(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(SOCKET)


def report(batch):
    agent = Agent("localhost")
    agent.request("POST", f"/v1/services/{SERVICE}/outcomes", json.dumps(batch), {"Content-Type": "application/json"})
    answer = agent.getresponse()
    text = answer.read().decode()
    agent.close()
    if answer.status != 200 or json.loads(text)["taken"] != len(batch):
        print(f"{NAME}: {answer.status} {text}", file=sys.stderr, flush=True)


def report_all():
    global percent, settled
    while True:
        before = percent
        with open(PERCENT_FILE, encoding="ascii") as file:
            percent = int(file.read() or percent)
        batch = [outcomes.get() for _ in range(min(outcomes.qsize(), MOST))]
        if batch:
            report(batch)
        if percent == before:
            settled = percent
        time.sleep(0.05)


threading.Thread(target=report_all, daemon=True).start()
Server((ADDRESS, int(PORT)), Order).serve_forever()
