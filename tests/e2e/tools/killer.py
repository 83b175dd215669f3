#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Kills a process with SIGKILL at a random moment: a quarter of the times at any within the next second, else at one that
is up to 20 ms after it has begun to write in DIRECTORY, so that many fall into a write or between two of them. Says which.

    killer.py PID DIRECTORY
"""
import os
import random
import signal
import sys
import time

pid, directory = int(sys.argv[1]), sys.argv[2]
patience = time.monotonic() + random.uniform(0, 1)
if random.random() < 0.75:
    patience += 2
before = os.stat(directory).st_mtime_ns
while time.monotonic() < patience and os.stat(directory).st_mtime_ns == before:
    time.sleep(0.0002)
written = os.stat(directory).st_mtime_ns != before
if written:
    time.sleep(random.choice([0, 0.005, 0.02]) * random.random())
os.kill(pid, signal.SIGKILL)
half = [name for name in os.listdir(directory) if name.endswith(".new")]
print("write" if half else "after" if written else "any")
