#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A wire between two hosts that is not faithful to IPv4 TCP: it makes a TAP interface at either end, carries frames
from one to the other, and writes down what it did to them when it ends (SIGTERM), as JSON in LOG.

    wire.py LOG NETNS_A DEV_A NETNS_B DEV_B [WORD...]

    syn             loses the first SYN of each connection from A to B
    request         loses the first segment with data from A to B
    deaf:MS         loses what A sends for so long after the first data from B
    unreachable     answers each SYN from A by ICMP: host unreachable
    syn-ack:MS,...  delays each connection's SYN-ACK by one of these, in turn
"""
import collections
import ctypes
import fcntl
import heapq
import itertools
import json
import os
import select
import signal
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 2, 0x1000, 0x40000000
IPPROTO_TCP, SYN = 6, 2
MODULUS = 1 << 32


def make_tap(netns, device):
    """In that network namespace; it is gone when this process is."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{netns}", "rb") as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {netns}")
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TAP | IFF_NO_PI))
    return tap


class Segment:
    """What a frame with IPv4 TCP says."""

    def __init__(self, frame):
        header = 14 + (frame[14] & 15) * 4
        total = int.from_bytes(frame[16:18], "big")
        self.source = frame[26:30] + frame[header : header + 2]
        self.target = frame[30:34] + frame[header + 2 : header + 4]
        self.seq = int.from_bytes(frame[header + 4 : header + 8], "big")
        self.flags = frame[header + 13]
        self.data = total + 14 - header - (frame[header + 12] >> 4) * 4


def parse(frame):
    if frame[12:14] != b"\x08\x00" or frame[23] != IPPROTO_TCP:
        return None
    return Segment(frame)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", total ^ 0xFFFF)


def icmp_about(frame):
    """What a router would say of it (RFC 792): destination unreachable, host unreachable. The router is the target."""
    about = frame[14:42]
    icmp = b"\x03\x01" + checksum(b"\x03\x01" + bytes(6) + about) + bytes(4) + about
    header = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1)
    addresses = frame[30:34] + frame[26:30]
    header += checksum(header + bytes(2) + addresses) + addresses
    return frame[6:12] + frame[0:6] + frame[12:14] + header + icmp


class Connection:
    def __init__(self):
        self.lost_syn = self.lost_request = False
        self.deaf_until = None
        self.next_seq = None  # that B has not used yet
        self.delay = None  # of the SYN-ACK


class Wire:
    def __init__(self, words):
        self.lose_syn, self.lose_request = "syn" in words, "request" in words
        self.unreachable = "unreachable" in words
        values = dict(word.split(":") for word in words if ":" in word)
        self.deaf = int(values["deaf"]) / 1000 if "deaf" in values else None
        self.delays = [int(delay) / 1000 for delay in values.get("syn-ack", "").split(",") if delay]
        self.connections = collections.defaultdict(Connection)
        self.counts = collections.Counter()
        self.delayed = []

    def from_a(self, segment, now):
        """Seconds to wait with it, or None: it is lost."""
        connection = self.connections[segment.source, segment.target]
        if segment.flags & SYN:
            if self.unreachable:
                return self.lose("unreachable")
            if self.lose_syn and not connection.lost_syn:
                connection.lost_syn = True
                return self.lose("lost_syn")
        elif segment.data > 0 and self.lose_request and not connection.lost_request:
            connection.lost_request = True
            return self.lose("lost_request")
        elif connection.deaf_until is not None and now < connection.deaf_until:
            return self.lose("lost_while_deaf")
        return 0

    def from_b(self, segment, now):
        connection = self.connections[segment.target, segment.source]
        if segment.flags & SYN:
            return self.synack_delay(connection)
        if segment.data > 0:
            self.follow(connection, segment)
            if self.deaf and connection.deaf_until is None:
                connection.deaf_until = now + self.deaf
        return 0

    def lose(self, how):
        self.counts[how] += 1

    def synack_delay(self, connection):
        if not self.delays:
            return 0
        if connection.delay is None:
            connection.delay = self.delays[self.counts["delayed"] % len(self.delays)]
            self.counts["delayed"] += 1
            self.delayed.append(connection.delay)
        return connection.delay

    def follow(self, connection, segment):
        """Count data of B that has been seen before."""
        end = (segment.seq + segment.data) % MODULUS
        if connection.next_seq is not None and (connection.next_seq - end) % MODULUS < MODULUS // 2:
            self.counts["retransmits"] += 1
        else:
            connection.next_seq = end


def carry(wire, tap_a, tap_b):
    later, order = [], itertools.count()
    while True:
        timeout = max(0, later[0][0] - time.monotonic()) if later else None
        for tap in select.select([tap_a, tap_b], [], [], timeout)[0]:
            frame, now = os.read(tap, 65536), time.monotonic()
            segment = parse(frame)
            judge = wire.from_a if tap == tap_a else wire.from_b
            delay = judge(segment, now) if segment else 0
            target = tap_b if tap == tap_a else tap_a
            if delay is None and wire.unreachable:
                delay, target, frame = 0, tap, icmp_about(frame)
            if delay is not None:
                heapq.heappush(later, (now + delay, next(order), target, frame))
        while later and later[0][0] <= time.monotonic():
            _, _, tap, frame = heapq.heappop(later)
            try:
                os.write(tap, frame)
            except OSError:
                pass  # the interface is not up yet


def main():
    log, netns_a, dev_a, netns_b, dev_b, *words = sys.argv[1:]
    wire = Wire(words)

    def end(*_):
        report = {"connections": len(wire.connections), **wire.counts, "delays": sorted(wire.delayed)}
        with open(log, "w", encoding="utf-8") as file:
            json.dump(report, file)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    carry(wire, make_tap(netns_a, dev_a), make_tap(netns_b, dev_b))


main()
