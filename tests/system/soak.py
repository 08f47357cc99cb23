#!/usr/bin/python3
"""Everything at once, for as long as it is told to, then the answers must be exact.

    soak.py --seconds 300 --seed 7

Beside each other: worlds of the oracle arrive in batches; a project of which users are deleted and
whose old events go; queries of every kind by several clients, some of which are cancelled;
definitions and segments that come, change and go; projects that are made and deleted; snapshots,
backups, checks, purges; heads of 64 rows and windows that are cold at once, so that seals, merges,
cooling and reads from disk never rest. Every few seconds all of that pauses: each world answers as
the oracle does, nothing is wrong in what is stored, and the server ends (in order, or killed) and
starts again. A server that was built with the thread sanitizer ends at the first race.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "oracle")]

ROUND_SECONDS = 7
CALL_SECONDS = 60
QUERIES_OF_A_WORLD = 6
SETTINGS = {
    "head-rows-max": 64,
    "window-rows-max": 100,
    "cold-after": "1ms",
    "cold-cache-bytes": "64k",
    "wal-file-bytes": "256k",
    "wal-checkpoint-bytes": "512k",
    "snapshot-interval": "3s",
    "purge-after": "5s",
    "workers": 4,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default=os.environ.get("RECOUNTD"), help="path of recountd")
    parser.add_argument(
        "--python",
        default=os.environ.get("RECOUNT_PYTHON"),
        help="folder of the contract's modules",
    )
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=None)
    return parser.parse_args()


class Soak:
    def __init__(self, options, server):
        self.server = server
        self.client = Client(server)
        self.seed = options.seed if options.seed is not None else random.randrange(10**9)
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.faults = []
        self.counts = {}
        self.number = 0
        self.worlds = []  # That have arrived as a whole in this round.
        self.asked_of = []  # Projects that queries may ask.

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fault(self, text):
        with self.lock:
            self.faults.append(text)
        print(f"FAULT (seed {self.seed}): {text}", flush=True)
        self.stop.set()

    def next_number(self):
        with self.lock:
            self.number += 1
            return self.number

    # ---- what goes on beside each other: each is called again and again ----

    def bring_world(self, rng):
        """A world arrives in parts, and its definitions change meanwhile."""
        world = make_world(rng, make_predicate, make_rule, make_list)
        project = Project(self.client, f"w{self.next_number()}", world)
        project.define()
        with self.lock:
            self.asked_of.append((project.name, dict(world)))
        rows = world["rows"]
        while rows:
            size = rng.randrange(1, 200)
            project.ingest(rows[:size], rng)
            rows = rows[size:]
            if rng.random() < 0.5:
                plain = dict(world, definitions={})
                project.redefine("d1", make_predicate(rng, plain))
            self.count("batches of worlds")
        for fault in project.faults:
            self.fault(f"{project.name}: {fault}")
        with self.lock:
            self.worlds.append(project)

    def churn(self, rng):
        """Rows of a project that loses users and old events all the while."""
        name = "projects/churn"
        now = int(time.time() * 1000)
        rows = []
        for _ in range(rng.choice([10, 100, 1000])):
            rows.append(
                {
                    "kind": "event",
                    "user": f"u{rng.randrange(60)}",
                    "time": now - rng.randrange(300 * 86_400_000),
                    "id": str(rng.randrange(20_000)),
                    "properties": event_properties(rng),
                }
            )
        rows.append({"kind": "set", "user": f"u{rng.randrange(60)}", "time": now, "set": user_set(rng)})
        if rng.random() < 0.1:
            pair = rng.sample(range(60), 2)
            rows.append({"kind": "alias", "left": f"u{pair[0]}", "right": f"u{pair[1]}"})
        with Stream(self.client.channel, name, f"churn-{self.next_number()}") as stream:
            stream.send(1, columnar(rows, False))
            stream.wait_acks(1, CALL_SECONDS)
        if stream.error is not None:
            raise stream.error
        self.count("batches of the churn")

    def remove(self, rng):
        ingest = ingest_pb2_grpc.IngestServiceStub(self.client.channel)
        user = f"u{rng.randrange(60)}"
        if rng.random() < 0.8:
            ingest.DeleteUser(
                ingest_pb2.DeleteUserRequest(
                    parent="projects/churn", user=user, allow_missing=True
                ),
                timeout=CALL_SECONDS,
            )
            self.count("users deleted")
        elif rng.random() < 0.5:
            request = project_pb2.UpdateProjectRequest()
            request.project.name = "projects/churn"
            request.project.retention_days = rng.choice([30, 100, 200, 0])
            request.update_mask.paths.append("retention_days")
            self.client.projects.UpdateProject(request, timeout=CALL_SECONDS)
            self.count("retentions changed")
        else:
            try:
                request = ingest_pb2.ExportUserRequest(parent="projects/churn", user=user)
                for _ in ingest.ExportUser(request, timeout=CALL_SECONDS):
                    pass
                self.count("users exported")
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.NOT_FOUND:
                    raise
        time.sleep(rng.random() / 10)

    def ask(self, rng):
        """A query of any kind; one in four is cancelled at some moment by its deadline."""
        with self.lock:
            name, world = rng.choice(self.asked_of)
        query = make_query(rng, world)
        hasty = rng.random() < 0.25
        seconds = rng.random() * 0.02 if hasty else CALL_SECONDS
        try:
            asking(self.client, name, world, seconds).ask(query)
            self.count(query["kind"])
        except grpc.RpcError as error:
            # Nobody by that name yet; or the pages of an answer that grew between two of them.
            allowed = [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.ABORTED]
            if hasty:
                allowed += [grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED]
            if error.code() not in allowed:
                raise
            self.count("queries cancelled" if hasty else "queries of nobody, or overtaken")

    def define(self, rng):
        """Definitions and segments that no world's query names come, change and go."""
        with self.lock:
            name, world = rng.choice(self.asked_of)
        number = self.next_number()
        request = definition_pb2.CreateDefinitionRequest(parent=name, definition_id=f"x{number}")
        request.definition.predicate.CopyFrom(
            wire.predicate_message(make_predicate(rng, world), name)
        )
        self.client.definitions.CreateDefinition(request, timeout=CALL_SECONDS)
        update = definition_pb2.UpdateDefinitionRequest()
        update.definition.name = f"{name}/definitions/x{number}"
        update.definition.predicate.CopyFrom(
            wire.predicate_message(make_predicate(rng, world), name)
        )
        self.client.definitions.UpdateDefinition(update, timeout=CALL_SECONDS)
        request = segment_pb2.CreateSegmentRequest(parent=name, segment_id=f"x{number}")
        request.segment.CopyFrom(wire.segment_message(make_rule(rng, world), name))
        self.client.segments.CreateSegment(request, timeout=CALL_SECONDS)
        self.client.segments.DeleteSegment(
            segment_pb2.DeleteSegmentRequest(name=f"{name}/segments/x{number}"),
            timeout=CALL_SECONDS,
        )
        self.client.definitions.DeleteDefinition(
            definition_pb2.DeleteDefinitionRequest(name=f"{name}/definitions/x{number}"),
            timeout=CALL_SECONDS,
        )
        self.count("definitions and segments")

    def come_and_go(self, rng):
        """A project is made, takes a batch, and is deleted."""
        number = self.next_number()
        project = f"projects/gone{number}"
        self.client.projects.CreateProject(
            project_pb2.CreateProjectRequest(project_id=f"gone{number}"), timeout=CALL_SECONDS
        )
        rows = [
            {"kind": "event", "user": "u", "time": k, "id": "", "properties": event_properties(rng)}
            for k in range(rng.randrange(200))
        ]
        with Stream(self.client.channel, project, "one") as stream:
            if rows:
                stream.send(1, columnar(rows, False))
                stream.wait_acks(1, CALL_SECONDS)
        self.client.projects.DeleteProject(
            project_pb2.DeleteProjectRequest(name=project), timeout=CALL_SECONDS
        )
        self.count("projects made and deleted")

    def keep(self, rng):
        """What an operator asks for."""
        admin = self.client.admin
        what = rng.randrange(6)
        if what == 0:
            self.client.snapshot()
            self.count("snapshots")
        elif what == 1:
            backup = f"b{self.next_number()}"
            reply = admin.CreateBackup(
                admin_pb2.CreateBackupRequest(backup_id=backup, copy=rng.random() < 0.5),
                timeout=CALL_SECONDS,
            )
            self.check_directory(reply.directory)
            subprocess.run(["rm", "-rf", reply.directory], check=True)
            self.count("backups made and checked")
        elif what == 2:
            self.check_running()
        elif what == 3:
            admin.Purge(admin_pb2.PurgeRequest(), timeout=CALL_SECONDS)
            self.count("purges")
        else:
            admin.GetStatistics(admin_pb2.GetStatisticsRequest(), timeout=CALL_SECONDS)
            self.count("statistics")

    def check_running(self):
        reply = self.client.admin.Check(admin_pb2.CheckRequest(), timeout=CALL_SECONDS)
        if reply.problem_count:
            self.fault(f"check: {reply.findings}")
        self.count("checks")

    def check_directory(self, directory):
        run = subprocess.run(
            [self.server.program, "--check", directory],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if run.returncode != 0:
            self.fault(f"check of {directory}: {run.stdout.decode(errors='replace')[-2000:]}")

    # ---- a round ----

    def repeat(self, what, name):
        rng = random.Random(f"{self.seed}/{name}/{self.next_number()}")
        while not self.stop.is_set():
            try:
                what(rng)
            except Exception as error:  # Whatever it is, it is a fault: nothing was to go wrong.
                detail = f"{error.code().name}: {error.details()}" if isinstance(
                    error, grpc.RpcError
                ) else traceback.format_exc()
                self.fault(f"{name}: {detail}")

    def round(self, number, seconds):
        self.stop.clear()
        crew = [self.bring_world, self.bring_world, self.churn, self.remove, self.define]
        crew += [self.come_and_go, self.keep, self.ask, self.ask, self.ask]
        threads = [
            threading.Thread(target=self.repeat, args=(what, f"{what.__name__}-{number}-{k}"))
            for k, what in enumerate(crew)
        ]
        for thread in threads:
            thread.start()
        self.stop.wait(seconds)
        self.stop.set()
        for thread in threads:
            thread.join()

    def verify(self, rng, when):
        for project in self.worlds:
            world = dict(project.world, rows=project.applied)
            for _ in range(QUERIES_OF_A_WORLD if project.applied else 0):
                query = make_query(rng, world)
                found = project.differ(query, evaluate(query, project.data)) + project.faults
                project.faults = []
                self.count("answers verified")
                if found:
                    self.fault(f"{project.name}, {when}: {found[:8]}, query {query}")

    def restart(self, kill):
        if kill:
            self.server.kill()
        elif self.server.stop() != 0:
            self.fault(f"SIGTERM: recountd ended with {self.server.process.returncode}")
        self.check_directory(os.path.join(self.server.folder, "data"))
        self.server.start()
        self.client.connect()

    def forget(self):
        """Room for the next round's worlds; a few stay and grow old."""
        for project in self.worlds[:-2]:
            self.client.projects.DeleteProject(
                project_pb2.DeleteProjectRequest(name=project.name), timeout=CALL_SECONDS
            )
        self.worlds = self.worlds[-2:]
        self.asked_of = [(project.name, dict(project.world)) for project in self.worlds]

    def run(self, seconds):
        print(f"seed {self.seed}", flush=True)
        end = time.monotonic() + seconds
        rng = random.Random(self.seed)
        self.client.projects.CreateProject(
            project_pb2.CreateProjectRequest(project_id="churn"), timeout=CALL_SECONDS
        )
        empty = make_world(rng, make_predicate, make_rule, make_list)
        first = Project(self.client, "first", empty)
        first.define()
        if empty["rows"]:
            first.ingest(empty["rows"], rng)
        self.worlds.append(first)
        self.asked_of.append((first.name, dict(empty)))
        rounds = 0
        while time.monotonic() < end and not self.faults:
            self.round(rounds, min(ROUND_SECONDS, max(end - time.monotonic(), 1)))
            rounds += 1
            if self.faults:
                break
            self.verify(rng, "while it runs")
            self.check_running()
            self.restart(rounds % 2 == 0)
            self.verify(rng, "after a start")
            self.forget()
        for what, count in sorted(self.counts.items()):
            print(f"{count:8} {what}")
        print(f"seed {self.seed}: {rounds} rounds, {len(self.faults)} faults", flush=True)


class Hasty:
    """A stub whose calls end after so many seconds, whatever they are told."""

    def __init__(self, stub, seconds):
        self.stub = stub
        self.seconds = seconds

    def __getattr__(self, name):
        return lambda request, timeout: getattr(self.stub, name)(request, timeout=self.seconds)


def asking(client, name, world, seconds):
    """A Project that is there already and only asks."""
    project = Project.__new__(Project)
    project.client = types.SimpleNamespace(
        queries=Hasty(client.queries, seconds),
        segments=Hasty(client.segments, seconds),
        definitions=Hasty(client.definitions, seconds),
        properties=Hasty(client.properties, seconds),
        server=client.server,
    )
    project.name = name
    project.world = world
    project.applied = world["rows"]
    project.faults = []
    return project


def main(options):
    with tempfile.TemporaryDirectory(prefix="recount-soak-") as backups:
        settings = dict(SETTINGS, **{"backup-directory": backups})
        with Server(options.server, settings) as server:
            soak = Soak(options, server)
            soak.run(options.seconds)
            with open(server.log_path, "rb") as log:
                text = log.read()
            at = text.find(b"WARNING: ThreadSanitizer")
            if at >= 0:
                print(text[at : at + 6000].decode(errors="replace"))
                return 1
            return 1 if soak.faults else 0


if __name__ == "__main__":
    chosen = arguments()
    if chosen.python:
        sys.path.insert(0, chosen.python)
    import grpc
    import wire
    from client import Client, Project
    from columnar import columnar
    from evaluator import evaluate
    from generator import event_properties, make_world, user_set
    from ingest import Stream
    from queries import make_list, make_predicate, make_query, make_rule
    from recount.v1 import (
        admin_pb2,
        definition_pb2,
        ingest_pb2,
        ingest_pb2_grpc,
        project_pb2,
        segment_pb2,
    )
    from server import Server

    sys.exit(main(chosen))
