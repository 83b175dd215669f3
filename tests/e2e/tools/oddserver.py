#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP server that answers as its path says, and names itself in the header "Server" and in the answer's first word:

    /CODE         with that status (200)      /wait/MS      with 200 after so many milliseconds
    /reset        with a RST, instead         /hang         never

    oddserver.py NAME ADDRESS PORT
"""
import http.server
import socket
import struct
import sys
import time


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one segment for the whole answer

    def version_string(self):
        return sys.argv[1]

    def log_message(self, *_):
        pass

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def do_GET(self):
        _, what, *more = self.path.split("/")
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if what == "reset":
            self.reset()
            return
        if what == "hang":
            time.sleep(3600)
        if what == "wait":
            time.sleep(int(more[0]) / 1000)
        body = f"{sys.argv[1]} {self.client_address[0]} 0\n".encode()
        self.send_response(int(what) if what.isdigit() else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def shutdown_request(self, request):
        """Without the FIN that the base class sends first: a connection that is to be reset is."""
        self.close_request(request)


Server((sys.argv[2], int(sys.argv[3])), Answer).serve_forever()
