#!/usr/bin/python3
"""Queries without pause from several clients, without and with ingestion beside them.

    bench/crowd.py --build build/release --events 10000000 [--clients 8] [--rate 50000] [--seconds 30]

Loads the archive of bench/figures.py, warms every question once, and lets --clients clients (bench/call_crowd.c)
ask for --seconds: first alone, then while `recount load` brings --rate events a second of another archive, and
one more stream (bench/call_pings.c) sends a batch of one event 20 times a second and waits for its acknowledgement. Prints, for each
question and for all, calls and percentiles of both, and the acknowledgements' times. Wanted: the 99th percentile
of all at most 1.5 times the one without ingestion; no acknowledgement later than 100 ms. Clients, loader and
server share the machine. Ends what it started.
"""

import argparse
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

import figures

CHUNK_SECONDS = 0.05


def packed(method, request):
    name, body = method._method, request.SerializeToString()
    return struct.pack("<I", len(name)) + name + struct.pack("<I", len(body)) + body


def crowd(server, options, asked):
    run = subprocess.run([f"{options.build}/bench/call_crowd", f"127.0.0.1:{server.port}",
                          str(options.clients), str(options.seconds)],
                         input=b"".join(packed(*one) for one in asked.values()), stdout=subprocess.PIPE, check=True)
    rows = {}
    for line in run.stdout.decode().splitlines():
        number, *figures_ = line.split()
        name = "all" if number == "all" else list(asked)[int(number)]
        rows[name] = [int(one) for one in figures_]
    return rows


class PacedLoad:
    """`recount load -` of an archive, fed at a rate of lines a second."""

    def __init__(self, server, options, archive):
        self.stop = False
        self.sent = 0
        self.loader = subprocess.Popen(
            [f"{options.build}/bin/recount", "load", "-", "--mapping", "recount", "--stream", "paced", "--quiet"],
            stdin=subprocess.PIPE,
            env={**os.environ, "RECOUNT_SERVER": f"127.0.0.1:{server.port}", "RECOUNT_PROJECT": "figures"})
        self.thread = threading.Thread(target=self.feed, args=(archive, options.rate), daemon=True)
        self.thread.start()

    def feed(self, archive, rate):
        due = time.monotonic()
        lines = int(rate * CHUNK_SECONDS)
        with open(archive, "rb") as source:
            while not self.stop:
                chunk = [line for _, line in zip(range(lines), source)]
                if not chunk:
                    break
                self.loader.stdin.write(b"".join(chunk))
                self.sent += len(chunk)
                due += CHUNK_SECONDS
                time.sleep(max(0, due - time.monotonic()))
        self.loader.stdin.close()

    def end(self):
        self.stop = True
        self.thread.join()
        if self.loader.wait() != 0:
            raise RuntimeError("the loader failed")


class Pings:
    """bench/call_pings.c: batches of one event, and how long each acknowledgement took, in ms."""

    def __init__(self, server):
        self.ms = []
        self.process = subprocess.Popen(
            [f"{server.build}/bench/call_pings", f"127.0.0.1:{server.port}", "figures", "20"],
            stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.ms.append(int(line) / 1000)

    def end(self):
        self.process.terminate()
        self.thread.join()
        if self.process.wait() != 0:
            raise RuntimeError("the pings failed")
        return sorted(self.ms)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rate", type=int, default=50_000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--work", default="/tmp/recount-figures")
    parser.add_argument("--archive", help="an archive of `recount generate` with --events events")
    options = parser.parse_args()
    sys.path.insert(0, f"{options.build}/python")
    os.makedirs(options.work, exist_ok=True)
    generate = [f"{options.build}/bin/recount", "generate", "--days", str(options.days), "--quiet"]
    archive = options.archive or f"{options.work}/events-{options.events}.ndjson"
    if not os.path.exists(archive):
        subprocess.run([*generate, "-n", str(options.events), "-o", archive], check=True)
    second = f"{options.work}/crowd.ndjson"
    subprocess.run([*generate, "-n", str(options.rate * (options.seconds + 10)), "--seed", "9", "-o", second],
                   check=True)
    data = f"{options.work}/data"
    shutil.rmtree(data, ignore_errors=True)
    server = figures.Recount(options.build, data)
    try:
        server.start()
        figures.load(server, options, archive)
        figures.settle(server)
        all_questions = figures.questions(figures.Questions(server.channel, "figures"), options.days)
        asked = {name: call for name, (call, _) in all_questions.items()}
        for one in asked.values():
            figures.latencies_ms(server, options, *one, 2)
        alone = crowd(server, options, asked)
        paced, pings = PacedLoad(server, options, second), Pings(server)
        time.sleep(2)
        beside = crowd(server, options, asked)
        acks = pings.end()
        sent = paced.sent
        paced.end()
    finally:
        server.stop(signal.SIGKILL)
    print(f"\n{options.clients} clients, {options.seconds} s; beside it {sent:,} lines were sent\n")
    print("| question | calls | median ms | p99 ms | calls | median ms | p99 ms | p99 ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (calls, median, p99, _) in alone.items():
        calls2, median2, p99_2, _ = beside[name]
        print(f"| {name} | {calls} | {median / 1000:.2f} | {p99 / 1000:.2f} | {calls2} | {median2 / 1000:.2f} | "
              f"{p99_2 / 1000:.2f} | {p99_2 / p99:.2f} |")
    print(f"\nacknowledgements: {len(acks)}, median {acks[len(acks) // 2]:.1f} ms, "
          f"p99 {acks[len(acks) * 99 // 100]:.1f} ms, latest {acks[-1]:.1f} ms")


if __name__ == "__main__":
    main()
