#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP client on Python's http.client that keeps its connections, with the arguments and the reports of keepalive.js.
Before it uses a connection again it looks whether the other side has ended it, as urllib3 does.

    keepalive.py URL COUNT DIRECTORY PATH...
"""
import collections
import http.client
import json
import os
import select
import sys
import time
import urllib.parse


def dropped(connection):
    """Something to read on an idle connection is its end."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def ask_all(connections, path):
    """All requests first, then all answers."""
    answers, errors = collections.Counter(), []
    asked = []
    for connection in connections:
        try:
            if dropped(connection):
                connection.close()
            connection.request("GET", path)
            asked.append(connection)
        except OSError as error:
            errors.append(type(error).__name__)
            connection.close()
    for connection in asked:
        try:
            answers[connection.getresponse().read().decode().split()[0]] += 1
        except (OSError, http.client.HTTPException) as error:
            errors.append(type(error).__name__)
            connection.close()
    return {"answers": answers, "failed": len(errors), "errors": sorted(set(errors))}


def main():
    url, count, directory, *paths = sys.argv[1:]
    host = urllib.parse.urlsplit(url).netloc
    connections = [http.client.HTTPConnection(host, timeout=20) for _ in range(int(count))]
    for number, path in enumerate(paths):
        while number > 0 and not os.path.exists(f"{directory}/go.{number}"):
            time.sleep(0.01)
        report = ask_all(connections, path)
        with open(f"{directory}/part.{number}", "w", encoding="utf-8") as file:
            json.dump(report, file)
        os.rename(f"{directory}/part.{number}", f"{directory}/done.{number}")


main()
