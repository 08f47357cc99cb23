#!/usr/bin/python3
"""A load spike: a sustained rate, then ten times that for a minute, then the sustained rate again.

    bench/crowd_spike.py --build build/release --archive events.ndjson [--rate 50000] [--factor 10] [--seconds 60]

`recount load` of lines of the archive is fed at --rate, then at --factor times that (or as fast as it takes
them: what is not taken waits in the pipe, which is the server's back-pressure), then again at --rate until what
waited is sent. Beside it one stream sends a batch of one event 20 times a second. Prints for each part the
lines that were due, taken and how far behind it ended, and the acknowledgements' times; at the end it counts:
all lines must be there, once.
"""

import argparse
import os
import shutil
import signal
import sys
import threading
import time

import crowd
import figures

CHUNK_SECONDS = 0.05


class SteppedLoad(crowd.PacedLoad):
    """A load whose rate changes; behind says how many lines are due and not taken."""

    def feed(self, archive, rate):
        self.rate, self.due, self.events = rate, 0.0, 0
        last = time.monotonic()
        with open(archive, "rb") as source:
            while not (self.stop and self.due < 1):
                now = time.monotonic()
                if not self.stop:
                    self.due += (now - last) * self.rate
                last = now
                lines = min(int(self.due), 20_000)
                chunk = [line for _, line in zip(range(lines), source)]
                self.loader.stdin.write(b"".join(chunk))
                self.sent += len(chunk)
                self.events += sum(b'"properties"' in line for line in chunk)
                self.due -= len(chunk)
                if len(chunk) < lines:
                    break
                if lines < 20_000:
                    time.sleep(CHUNK_SECONDS)
        self.loader.stdin.close()


def part(name, load, pings, seconds, rate):
    load.rate = rate
    sent, count, begun = load.sent, len(pings.ms), time.monotonic()
    while time.monotonic() - begun < seconds:
        time.sleep(0.1)
    acks = sorted(pings.ms[count:]) or [0]
    took = time.monotonic() - begun
    print(f"| {name} | {rate:,} | {(load.sent - sent) / took:,.0f} | {load.due:,.0f} | "
          f"{acks[len(acks) // 2]:.1f} | {acks[len(acks) * 99 // 100]:.1f} | {acks[-1]:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--archive", required=True)
    parser.add_argument("--rate", type=int, default=50_000)
    parser.add_argument("--factor", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--work", default="/tmp/recount-spike")
    options = parser.parse_args()
    sys.path.insert(0, f"{options.build}/python")
    shutil.rmtree(options.work, ignore_errors=True)
    os.makedirs(options.work)
    server = figures.Recount(options.build, f"{options.work}/data")
    try:
        server.start()
        figures.recount(server, options, "project", "create", "figures")
        load, pings = SteppedLoad(server, options, options.archive), crowd.Pings(server)
        print("| part | lines/s due | taken | behind at its end | acks: median ms | p99 | latest |\n"
              "|---|---|---|---|---|---|---|")
        part("sustained", load, pings, 10, options.rate)
        part("spike", load, pings, options.seconds, options.rate * options.factor)
        begun = time.monotonic()
        load.rate = options.rate
        while load.due > options.rate and load.thread.is_alive():
            time.sleep(0.1)
        how = "caught up" if load.thread.is_alive() else "all of the archive was taken"
        print(f"{how} {time.monotonic() - begun:.1f} s after the spike")
        part("after", load, pings, 10, options.rate)
        acks = pings.end()
        load.end()
        figures.settle(server)
        _, request = figures.Questions(server.channel, "figures").series(None, 36500, unit="YEAR")
        reply = figures.Questions(server.channel, "figures").stub.Series(request, timeout=60)
        found, sent = figures.total_of(reply), load.events + len(acks)
        print(f"{load.events:,} events and {len(acks)} pings were sent, {found:,.0f} are there: "
              f"{'none lost, none twice' if found == sent else 'WRONG'}; {server.memory_bytes() / 1e6:.0f} MB")
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(options.work, ignore_errors=True)


if __name__ == "__main__":
    main()
