#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A receiver of notifications, on loopback. It writes each that it gets into LOG, a line of JSON with path, headers and body,
before it answers; a body that is no JSON is written as text.

    webhook.py PORT LOG
"""
import http.server
import json
import sys

port, log = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            body = json.loads(text)
        except ValueError:
            body = text
        headers = {name.lower(): value for name, value in self.headers.items()}
        with open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps({"path": self.path, "headers": headers, "body": body}) + "\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
