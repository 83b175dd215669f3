#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP client that counts for itself what oddserver.py does to it. Every connection asks for the paths one after the
other, each as "METHOD PATH", until one of them fails; the answers' header "Server" says which version it has met. Prints
JSON, by version: connections, requests by method, answers by status, failures by kind, answers that took long.
Who refused is not told: version "?".

    countclient.py HOST CONNECTIONS LONG_MS "METHOD PATH"...
"""
import collections
import http.client
import json
import sys
import time

BODY = b"What comes behind the header, in a packet of its own."
host, count, long_ms, *requests = sys.argv[1:]
tally = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))


def one_connection():
    """What happened, and to whom."""
    seen, version = collections.defaultdict(collections.Counter), "?"
    connection = http.client.HTTPConnection(host, timeout=2)
    seen["connections"][""] += 1
    try:
        connection.connect()
        for method, path in (request.split() for request in requests):
            begin = time.monotonic()
            seen["requests"][method] += 1
            connection.request(method, path, body=BODY if method == "POST" else None)
            answer = connection.getresponse()
            answer.read()
            version = answer.getheader("Server").split("-")[0]
            seen["answers"][str(answer.status)] += 1
            seen["long"][""] += (time.monotonic() - begin) * 1000 > int(long_ms)
    except ConnectionRefusedError:
        seen["failures"]["refused"] += 1
    except ConnectionResetError:
        seen["failures"]["reset"] += 1
    except TimeoutError:
        seen["failures"]["unanswered"] += 1
    connection.close()
    return version, seen


for _ in range(int(count)):
    met, seen = one_connection()
    for kind, counter in seen.items():
        tally[met][kind].update(counter)
print(json.dumps(tally))
