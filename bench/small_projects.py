#!/usr/bin/python3
"""What thousands of small projects cost: memory, idle processor time, snapshots and a start of a
server that holds them; and what they feel of a large one: how long a small project's query and a
small project's batch (until it is acknowledged) take while the server is idle, while a large project
loads at full speed, while it is asked heavy questions by several clients, and while both go on.

    bench/small_projects.py --server build/release/bin/recountd --recount build/release/bin/recount \\
        --python build/release/python [--archive events.ndjson --archive-events 1000000]

Of the archive the first --archive-events are loaded as the large project before, and the next while
it is measured. Clients, loader and server share the machine.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default=os.environ.get("RECOUNTD"))
    parser.add_argument("--python", default=os.environ.get("RECOUNT_PYTHON"))
    parser.add_argument("--recount", help="the command, to load --archive with")
    parser.add_argument("--archive", help="events for the large project")
    parser.add_argument("--archive-events", type=int, default=1_000_000)
    parser.add_argument("--heavy-clients", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement")
    parser.add_argument("--projects", type=int, default=2000)
    parser.add_argument("--events", type=int, default=100, help="in each project")
    parser.add_argument("--idle-seconds", type=int, default=10)
    return parser.parse_args()


OPTIONS = arguments()
sys.path.insert(0, os.path.join(HERE, "..", "tests", "system"))
sys.path.insert(0, OPTIONS.python)

from ingest import Stream, ingest_all
from server import Server
from recount.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    ingest_pb2,
    project_pb2,
    project_pb2_grpc,
    query_pb2_grpc,
    series_pb2,
)


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def rows(number, count):
    for i in range(count):
        row = {
            "user": f"user-{i % 20}",
            "time": 1700000000000 + i * 60000,
            "id": i,
            "properties": {"type": "view", "path": f"/{number}/{i % 10}", "price": i / 4},
        }
        yield json.dumps(row)


def fill(server):
    stub = project_pb2_grpc.ProjectServiceStub(server.channel)
    for number in range(OPTIONS.projects):
        name = f"small-{number}"
        stub.CreateProject(project_pb2.CreateProjectRequest(project_id=name), timeout=60)
        lines = "\n".join(rows(number, OPTIONS.events)).encode()
        batch = ingest_pb2.NdjsonBatch(lines=lines)
        ingest_all(server.channel, f"projects/{name}", "rows", [batch])


def series_of(project, start_ms, end_ms):
    request = series_pb2.SeriesRequest()
    request.scope.project = f"projects/{project}"
    request.scope.range.start_ms = start_ms
    request.scope.range.end_ms = end_ms
    series = request.series.add()
    series.selector.terms.add().any_event.SetInParent()
    return request


def ask_small(server, number):
    request = series_of(f"small-{number % OPTIONS.projects}", 1700000000000, 1700100000000)
    query_pb2_grpc.QueryServiceStub(server.channel).Series(request, timeout=60)


class Batches:
    """A batch of one row to one small project after the other; a stream for each of a few."""

    def __init__(self, server):
        self.streams = []
        for number in range(min(OPTIONS.projects, 20)):
            stream = Stream(server.channel, f"projects/small-{number}", "fairness")
            self.streams.append([stream, stream.wait_opened(), 0])

    def send(self, number):
        one = self.streams[number % len(self.streams)]
        one[1] += 1
        one[2] += 1
        line = json.dumps({"user": "someone", "time": 1700000000000 + one[1]}).encode()
        one[0].send(one[1], ingest_pb2.NdjsonBatch(lines=line))
        one[0].wait_acks(one[2])

    def close(self):
        for stream, _, _ in self.streams:
            stream.finish()


def times_of(call, seconds, pause):
    """Milliseconds of calls one after the other, in order of size."""
    taken = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        call(len(taken))
        taken.append((time.monotonic() - begun) * 1e3)
        time.sleep(pause)
    return sorted(taken)


def show(taken):
    return (
        f"{len(taken)} | {taken[len(taken) // 2]:.2f} | {taken[len(taken) * 99 // 100]:.2f} | "
        f"{taken[-1]:.2f}"
    )


def measure_small(server, what):
    """Queries and batches of small projects side by side, by a client each."""
    batches = Batches(server)
    found = {}

    def note(name, call, pause):
        found[name] = times_of(call, OPTIONS.seconds, pause)

    threads = [
        threading.Thread(target=note, args=("q", lambda n: ask_small(server, n), 0.002)),
        threading.Thread(target=note, args=("b", batches.send, 0.01)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batches.close()
    print(f"| {what} | {show(found['q'])} | {show(found['b'])} |", flush=True)


class Heavy:
    """Clients that ask the large project for what takes long, without pause."""

    def __init__(self, server):
        self.stop = False
        self.calls = itertools.count()
        self.server = server
        self.threads = [
            threading.Thread(target=self.ask) for _ in range(OPTIONS.heavy_clients)
        ]
        for thread in self.threads:
            thread.start()

    def ask(self):
        request = series_of("large", 0, 4102444800000)
        request.series[0].measure = series_pb2.SERIES_MEASURE_UNIQUE_USERS
        request.breakdown.dimensions.add().property.event_property = "url"
        request.breakdown.top = 100
        while not self.stop:
            query_pb2_grpc.QueryServiceStub(self.server.channel).Series(request, timeout=60)
            next(self.calls)

    def end(self):
        self.stop = True
        for thread in self.threads:
            thread.join()
        print(f"(heavy queries answered meanwhile: {next(self.calls)})")


class Load:
    """`recount load` of lines of the archive at full speed, again and again from there."""

    def __init__(self, server, first, count):
        self.server = server
        self.stop = False
        self.process = subprocess.Popen(
            [OPTIONS.recount, "load", "-", "--mapping", "recount", "--stream", f"l{first}", "--quiet"],
            env=dict(os.environ, RECOUNT_SERVER=server.address, RECOUNT_PROJECT="large"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        self.thread = threading.Thread(target=self.feed, args=(first, count))
        self.thread.start()

    def feed(self, first, count):
        with open(OPTIONS.archive, "rb") as archive:
            for line in itertools.islice(archive, first, None if count is None else first + count):
                if self.stop:
                    break
                self.process.stdin.write(line)
        self.process.stdin.close()

    def end(self, at_once):
        self.stop = at_once
        self.thread.join()
        if self.process.wait() != 0:
            raise RuntimeError("the loader failed")


def fairness(server):
    print("| while | queries | median ms | p99 ms | latest | batches | median ms | p99 ms | latest |")
    print("|---|---|---|---|---|---|---|---|---|")
    measure_small(server, "idle")
    if not OPTIONS.archive:
        return
    project_pb2_grpc.ProjectServiceStub(server.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id="large"), timeout=60
    )
    Load(server, 0, OPTIONS.archive_events).end(False)
    time.sleep(3)
    load = Load(server, OPTIONS.archive_events, None)
    time.sleep(1)
    measure_small(server, "the large one loads")
    heavy = Heavy(server)
    measure_small(server, "it loads and is asked")
    load.end(True)
    measure_small(server, "it is asked")
    heavy.end()


def snapshot(server, what):
    begun = time.monotonic()
    admin_pb2_grpc.AdminServiceStub(server.channel).CreateSnapshot(
        admin_pb2.CreateSnapshotRequest(), timeout=600
    )
    print(f"snapshot {what}: {time.monotonic() - begun:.2f} s")


def main():
    with Server(OPTIONS.server) as server:
        pid = server.process.pid
        empty = resident_kb(pid)
        begun = time.monotonic()
        fill(server)
        count = OPTIONS.projects
        print(f"{count} projects of {OPTIONS.events} events in {time.monotonic() - begun:.1f} s")
        time.sleep(4)
        full = resident_kb(pid)
        stats = admin_pb2_grpc.AdminServiceStub(server.channel).GetStatistics(
            admin_pb2.GetStatisticsRequest(project="projects/small-0"), timeout=60
        )
        print(f"resident: {(full - empty) / count:.1f} kB a project; counted in one: "
              f"{stats.projects[0].memory}".replace("\n", " "))
        before = processor_seconds(pid)
        time.sleep(OPTIONS.idle_seconds)
        used = processor_seconds(pid) - before
        print(f"idle: {used / OPTIONS.idle_seconds * 100:.2f} % of a processor")
        snapshot(server, "of all")
        snapshot(server, "of nothing new")
        batches = Batches(server)
        for number in range(10):
            batches.send(number)
        batches.close()
        snapshot(server, "of ten changed ones")
        fairness(server)
        server.stop()
        begun = time.monotonic()
        server.start()
        print(f"restart: {time.monotonic() - begun:.2f} s")


if __name__ == "__main__":
    main()
