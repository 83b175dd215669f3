#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads the state file again and again and prints a line of JSON for every other state of a service's rollout: when it was
written (seconds), number, state, step (from 1), weight, how many notices there were, and what the weights are. A file
that is not whole is printed as "torn".

    statewatch.py FILE SERVICE
"""
import json
import os
import sys
import time

path, service = sys.argv[1:]
last = None
while True:
    try:
        with open(path, encoding="utf-8") as file:
            text, written = file.read(), os.fstat(file.fileno()).st_mtime
        try:
            state = json.loads(text)["services"][service]
            rollout = state.get("trial", {}).get("rollout", {})
            now = {name: rollout.get(name) for name in ("number", "state", "pause", "weight", "notices")}
            now["step"] = rollout.get("step", -1) + 1
            now["weights"] = state["weights"]
        except (ValueError, KeyError):
            now = {"torn": text[-100:]}
        if now != last:
            last = now
            print(json.dumps({"at": written, **now}), flush=True)
    except FileNotFoundError:
        pass
    time.sleep(0.003)
