#!/usr/bin/python3
"""What thousands of small projects cost: memory and idle processor time of a server that holds them,
and how long a small project's query takes while a large one loads.

    bench/small_projects.py --server build/release/bin/recountd --recount build/release/bin/recount \\
        --python build/release/python [--archive events.ndjson]
"""

import argparse
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default=os.environ.get("RECOUNTD"))
    parser.add_argument("--python", default=os.environ.get("RECOUNT_PYTHON"))
    parser.add_argument("--recount", help="the command, to load --archive with")
    parser.add_argument("--archive", help="events for the large project")
    parser.add_argument("--projects", type=int, default=2000)
    parser.add_argument("--events", type=int, default=100, help="in each project")
    parser.add_argument("--idle-seconds", type=int, default=10)
    return parser.parse_args()


OPTIONS = arguments()
sys.path.insert(0, os.path.join(HERE, "..", "tests", "system"))
sys.path.insert(0, OPTIONS.python)

from ingest import ingest_all
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


def ask(server, number):
    request = series_pb2.SeriesRequest()
    request.scope.project = f"projects/small-{number}"
    request.scope.range.start_ms = 1700000000000
    request.scope.range.end_ms = 1700100000000
    series = request.series.add()
    series.selector.terms.add().any_event.SetInParent()
    begun = time.monotonic()
    query_pb2_grpc.QueryServiceStub(server.channel).Series(request, timeout=60)
    return time.monotonic() - begun


def waits(server, seconds, while_running=None):
    """Milliseconds of a query of one small project after the other: median, p99, greatest."""
    taken = []
    end = time.monotonic() + seconds
    while time.monotonic() < end if while_running is None else while_running.poll() is None:
        taken.append(ask(server, len(taken) % OPTIONS.projects) * 1e3)
    taken.sort()
    return f"median {taken[len(taken) // 2]:.2f} ms, p99 {taken[len(taken) * 99 // 100]:.2f} ms, " \
           f"greatest {taken[-1]:.2f} ms of {len(taken)} queries"


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
        begun = time.monotonic()
        admin_pb2_grpc.AdminServiceStub(server.channel).CreateSnapshot(
            admin_pb2.CreateSnapshotRequest(), timeout=600
        )
        print(f"snapshot of all: {time.monotonic() - begun:.2f} s")
        print("a small project's query, idle server:", waits(server, 5))
        if OPTIONS.archive:
            project_pb2_grpc.ProjectServiceStub(server.channel).CreateProject(
                project_pb2.CreateProjectRequest(project_id="large"), timeout=60
            )
            archive = os.path.join(server.folder, "archive.ndjson")
            os.symlink(os.path.abspath(OPTIONS.archive), archive)
            load = subprocess.Popen(
                [OPTIONS.recount, "load", archive],
                env=dict(os.environ, RECOUNT_SERVER=server.address, RECOUNT_PROJECT="large"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            print("while a large one loads:", waits(server, 0, load))
            print(f"the load ended with {load.wait()}")
        server.stop()
        begun = time.monotonic()
        server.start()
        print(f"restart: {time.monotonic() - begun:.2f} s")


if __name__ == "__main__":
    main()
