#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What tests/peers/run has measured: tables of ratios with their spread, and build/peers.json with every figure.

    report.py rate RAW                                       half of what the slowest peer does with connections that stay
    report.py tables RAW TITLES JSON [NAME=VALUE...]         the tables; the settings go into the file

A ratio is formed within one round, serin's figure by the peer's; a table has the median of the rounds, the lowest and the
highest. RAW has a line of JSON for each measurement.
"""
import datetime
import json
import os
import re
import statistics
import subprocess
import sys

SERIN = "serin-xdp"
# measure, its figure, what is printed, digits, which is better
TABLES = [
    ("packets", "net_packets_per_s", "small UDP packets per second on one processor, the generator's own time taken off", 0, "more"),
    ("keep_alive", "per_s", "requests per second, connections that stay", 0, "more"),
    ("new_connections", "per_s", "requests per second, a new connection for each", 0, "more"),
    ("latency", "p50_us", "p50 at a fixed rate, us", 0, "less"),
    ("latency", "p99_us", "p99 at a fixed rate, us", 0, "less"),
    ("cpu", "direct_us", "CPU of the load balancer per request, softirqs of its devices and its processes, us", 2, "less"),
    ("cpu", "softirqs_us", "  of that in softirqs", 2, "less"),
    ("cpu", "processes_us", "  of that in processes", 2, "less"),
    ("cpu", "added_us", "CPU of the whole machine per request above the floor's in the same round, us", 2, "less"),
]


def read(path):
    """{measure: {peer: {round: figures}}}"""
    measures = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            measures.setdefault(entry["measure"], {}).setdefault(entry["peer"], {})[entry["round"]] = entry["figures"]
    return measures


def rate(measures):
    slowest = min(
        statistics.median(figures["per_s"] for figures in rounds.values())
        for rounds in measures["keep_alive"].values()
    )
    return int(slowest / 2)


def add_what_is_added(measures):
    """What all processors do for a request beyond the floor's in that round; nothing is known where they had no rest."""
    floor = measures.get("cpu", {}).get("kernel", {})
    for peer, rounds in measures.get("cpu", {}).items():
        for number, figures in rounds.items():
            if peer != "kernel" and number in floor and max(figures["busy"], floor[number]["busy"]) < 0.95:
                figures["added_us"] = figures["all_us"] - floor[number]["all_us"]


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)} if values else None


def row(rounds, of_serin, figure):
    """A peer's figures, and serin's by them, round by round. Nothing can be said by a difference that is not above zero."""
    own = [figures[figure] for figures in rounds.values() if figure in figures]
    ratios = [
        of_serin[number][figure] / figures[figure]
        for number, figures in rounds.items()
        if figures.get(figure, 0) > 0 and of_serin.get(number, {}).get(figure, 0) > 0
    ]
    return {"figure": spread(own), "serin_by_peer": spread(ratios), "ratios": len(ratios)}


def ratio_text(ratios):
    return f"{ratios['median']:8.2f}  {ratios['min']:.2f} - {ratios['max']:.2f}" if ratios else f"{'-':>8}"


def print_table(title, better, digits, rows, titles):
    print(f"\n{title} ({better} is better)")
    print(f"  {'':30} {'median':>10} {'min':>10} {'max':>10}   {titles[SERIN]} : this one")
    for peer, cells in rows.items():
        figure = cells["figure"]
        figures = " ".join(f"{figure[key]:10.{digits}f}" for key in ("median", "min", "max"))
        ratio = "" if peer == SERIN else ratio_text(cells["serin_by_peer"])
        print(f"  {titles[peer]:30} {figures} {ratio}".rstrip())


def print_remarks(measures, titles):
    """What a reader of the tables has to know: requests that failed, and where processors stood idle at full speed."""
    for measure, peers in measures.items():
        for peer, rounds in peers.items():
            failed = sum(figures.get("failed", 0) for figures in rounds.values())
            if failed and measure != "change":
                print(f"{titles[peer]}: {failed} requests of {measure} failed")
            idle = 1 - statistics.median(figures.get("busy", 1) for figures in rounds.values())
            if idle > 0.05 and measure in ("keep_alive", "new_connections"):
                print(f"{titles[peer]}: the processors were idle for {idle:.0%} of {measure}")


def tables(measures, titles):
    summary = []
    for measure, figure, title, digits, better in TABLES:
        peers = measures.get(measure, {})
        rows = {
            peer: row(peers[peer], peers.get(SERIN, {}), figure)
            for peer in titles
            if any(figure in figures for figures in peers.get(peer, {}).values())
        }
        if rows:
            print_table(title, better, digits, rows, titles)
            summary.append({"measure": measure, "figure": figure, "title": title, "better": better, "peers": rows})
    return summary


def print_changes(measures, titles):
    changes = measures.get("change", {})
    if not changes:
        return
    print("\nthe canary's share goes from 10 to 50 and to 0 % under load")
    print(f"  {'':30} {'requests':>9} {'failed':>7} {'needless moves':>15} {'of moves':>9}   shares met, %")
    for peer in titles:
        for figures in changes.get(peer, {}).values():
            needless = f"{figures['up']['needless']} + {figures['down']['needless']}"
            moved = figures["up"]["moved"] + figures["down"]["moved"]
            shares = "  ".join(f"{share:.1f}" for share in figures["shares"])
            print(f"  {titles[peer]:30} {figures['requests']:9} {figures['failed']:7} {needless:>15} {moved:9}   {shares}")


def say(*command):
    """The first line that the command says, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return None
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines else None


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return {
        "cpu": model.group(1) if model else None,
        "processors": os.cpu_count(),
        "kernel": os.uname().release,
        "versions": {
            "serin": say("build/serin", "--version"),
            "commit": say("git", "-c", "safe.directory=*", "describe", "--always", "--dirty"),
            "nftables": say("nft", "--version"),
            "haproxy": say("haproxy", "-v"),
            "nginx": say("nginx", "-v"),
            "wrk": say("wrk", "-v"),
        },
    }


def main():
    raw = sys.argv[2]
    measures = read(raw)
    if sys.argv[1] == "rate":
        print(rate(measures))
        return
    with open(sys.argv[3], encoding="utf-8") as file:
        titles = dict(line.rstrip("\n").split("\t") for line in file)
    settings = dict(setting.split("=", 1) for setting in sys.argv[5:])
    add_what_is_added(measures)
    about = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": "make bench-peers",
        "settings": settings,
        "machine": machine(),
    }
    print(f"\n{about['machine']['processors']} processors, {about['machine']['cpu']}, kernel {about['machine']['kernel']}")
    summary = tables(measures, titles)
    print_changes(measures, titles)
    print()
    print_remarks(measures, titles)
    with open(sys.argv[4], "w", encoding="utf-8") as file:
        json.dump({**about, "tables": summary, "raw": measures}, file, indent=1)
    print(f"{settings.get('rounds')} rounds, {settings.get('took_s')} s; every figure is in {os.path.relpath(sys.argv[4])}")


main()
