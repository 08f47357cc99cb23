#!/usr/bin/python3
"""How time and memory grow with the number of events, with one worker and with two.

    bench/growth.py --build build/release --events 1000000,10000000,30000000 [--workers 1,2] [--json FILE]

For each size: generates an archive (removed afterwards unless --keep), loads it into a server of its own, waits
until merging is done, then asks the questions of bench/peers with each number of workers (a restart in between).
Prints curves as tables, for each question a straight line fitted to them (least squares of the relative error),
and what the line says of ten billion events: a projection and not a measurement. The archive grows in users and
not in days, as a product does: 90 days, a user for each fifty events.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))

import ours  # noqa: E402
import questions as q  # noqa: E402
from report import number  # noqa: E402

PROJECTED_EVENTS = 10_000_000_000
PROJECTED_PROCESSORS = 64


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--events", default="1000000,10000000,30000000")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--work", default="/tmp/recount-growth")
    parser.add_argument("--archive", help="an archive with as many events as one of the sizes, as SIZE=FILE")
    parser.add_argument("--keep", action="store_true", help="keep the archives")
    parser.add_argument("--json")
    return parser.parse_args()


def archive_of(options, events):
    if options.archive and options.archive.startswith(f"{events}="):
        return options.archive.split("=", 1)[1], True
    path = f"{options.work}/events-{events}.ndjson"
    subprocess.run([f"{options.build}/bin/recount", "generate", "-n", str(events), "-o", path, "--days", str(q.DAYS), "--quiet"],
                   check=True)
    return path, options.keep


def ask_all(system, options):
    times = {}
    for question in q.QUESTIONS:
        _, *warm = system.times(question.key, 1 + options.repeat)
        times[question.key] = statistics.median(warm)
    return times


def measure(options, events, workers):
    """Load, memory and the questions' times at one size."""
    options.archive_now, keep = archive_of(options, events)
    system = ours.Recount(argparse.Namespace(**{**vars(options), "archive": options.archive_now}))
    row = {"events": events, "times": {}}
    try:
        system.open()
        row["load"] = system.load()["Recount"]
        for count in workers:
            system.server.stop(signal.SIGTERM)
            system.server.start(f"--workers={count}")
            row["times"][count] = ask_all(system, options)
        row["bytes_at_once"] = system.server.memory_bytes()
        time.sleep(5)  # As bench/figures.py: without the questions' scratch.
        row["bytes"] = system.server.memory_bytes()
    finally:
        system.close()
        shutil.rmtree(system.data, ignore_errors=True)
        if not keep:
            os.remove(options.archive_now)
    return row


def fit(points):
    """Intercept and slope of a line, each point weighted by 1 / y squared: the relative error counts."""
    weights = [1 / (y * y) for _, y in points]
    total = sum(weights)
    mean_x = sum(w * x for w, (x, _) in zip(weights, points)) / total
    mean_y = sum(w * y for w, (_, y) in zip(weights, points)) / total
    spread = sum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weights, points))
    slope = sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in zip(weights, points)) / spread if spread else 0.0
    return mean_y - slope * mean_x, slope


def report(rows, workers):
    sizes = [row["events"] for row in rows]
    print("| | " + " | ".join(f"{n / 1e6:g} M" for n in sizes) + " |\n|---" * 1 + "|---" * len(sizes) + "|")
    print("| load to query-ready, s | " + " | ".join(f"{row['load']['ready_seconds']:.1f}" for row in rows) + " |")
    print("| events/s | " + " | ".join(f"{row['events'] / row['load']['ready_seconds']:,.0f}" for row in rows) + " |")
    print("| memory, bytes an event, 5 s after all questions (at once) | " +
          " | ".join(f"{row['bytes'] / row['events']:.1f} ({row['bytes_at_once'] / row['events']:.1f})" for row in rows) + " |")
    most = max(workers)
    head = [f"{n / 1e6:g} M, {w} worker{'s' if w > 1 else ''}" for w in workers for n in sizes]
    print("\n| question, median ms | " + " | ".join(head) + f" | ms = a + b · M events ({most} workers) | speed-up at the largest | "
          f"projection: {PROJECTED_EVENTS:.0e} events, {PROJECTED_PROCESSORS} processors, ms |")
    print("|---" * (len(head) + 4) + "|")
    for question in q.QUESTIONS:
        cells = [number(row["times"][w][question.key] * 1000) for w in workers for row in rows]
        a, b = fit([(row["events"] / 1e6, row["times"][most][question.key] * 1000) for row in rows])
        speed_up = rows[-1]["times"][workers[0]][question.key] / rows[-1]["times"][most][question.key]
        projected = max(a, 0) + b * PROJECTED_EVENTS / 1e6 * most / PROJECTED_PROCESSORS
        print(f"| {question.title} | " + " | ".join(cells) + f" | {a:.2f} + {b:.3f} · M | {speed_up:.2f} | {projected:,.0f} |")
    print("\nThe projection takes the fitted line for granted, divides its slope by the processors (that is, perfect scaling up to "
          "memory bandwidth), and was not measured.")


def main():
    options = arguments()
    sys.path.insert(0, f"{options.build}/python")
    os.makedirs(options.work, exist_ok=True)
    workers = [int(n) for n in options.workers.split(",")]
    rows = []
    for events in (int(n) for n in options.events.split(",")):
        rows.append(measure(options, events, workers))
        print(f"{events:,} events done", file=sys.stderr, flush=True)
        if options.json:
            with open(options.json, "w") as out:
                json.dump(rows, out, indent=1)
    report(rows, workers)


if __name__ == "__main__":
    main()
