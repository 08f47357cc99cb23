#!/usr/bin/python3
"""kill -9 in a loop while loading, judged by the client's own ledger of acknowledgements.

Each round starts recountd over the same folder, checks what is there against the ledgers, streams
batches from several clients at once, and kills the process at a random moment. Small files and
heads and frequent snapshots make seals, merges and checkpoints happen all the time. Every
acknowledged event must be there exactly once; of a batch that was not acknowledged, all or nothing.
"""

import random
import sys
import threading
import time

from harness import options

OPTIONS = options(
    __doc__.split("\n")[0],
    (["--rounds"], {"type": int, "default": 25}),
    (["--seed"], {"type": int, "default": None}),
)

import grpc

from columnar import columnar, ndjson
from ingest import Stream
from ledger import Broken, Ledger
from server import Server, ServerDied
from recount.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    event_list_pb2,
    project_pb2,
    project_pb2_grpc,
    query_pb2_grpc,
    series_pb2,
)

SETTINGS = {
    "head-rows-max": 512,
    "window-rows-max": 4000,
    "wal-file-bytes": 262144,
    "wal-checkpoint-bytes": 1048576,
    "snapshot-interval": "300ms",
}
START = 1_700_000_000_000
SPAN = 100 * 86_400_000
PROJECTS = ["crash-a", "crash-b"]
IN_FLIGHT = 12
USERS = 25
FULL_EVERY = 20


def value_of(message):
    return getattr(message, message.WhichOneof("kind"))


class Client:
    """One client stream: a thread that sends until the server dies."""

    def __init__(self, project, number, seed):
        self.project = "projects/" + project
        self.rng = random.Random(f"{seed}/{project}/{number}")
        self.ledger = Ledger(f"{project}/stream{number}", [f"c{number}-u{n}" for n in range(USERS)])
        self.counter = 0
        self.writes = 0
        self.touched = set()
        self.broken = None

    def event(self):
        self.counter += 1
        event_id, user = f"e{self.counter}", self.rng.choice(self.ledger.users)
        if self.counter % 2:
            event_id = str(self.counter)
        chance = self.rng.random()
        if chance < 0.2 and self.ledger.sent_keys:
            user, event_id = self.rng.choice(self.ledger.sent_keys)
        elif chance < 0.25:
            event_id = ""
        if event_id:
            self.ledger.sent_keys.append((user, event_id))
        self.touched.add(user)
        return {
            "kind": "event",
            "user": user,
            "time": START + self.rng.randrange(SPAN),
            "id": event_id,
            "properties": {
                "n": self.counter,
                "kind": self.rng.choice(["view", "click", "buy"]),
                "text": "x" * self.rng.randrange(60),
            },
        }

    def batch(self):
        rows = [self.event() for _ in range(self.rng.choice([1, 2, 5, 20, 60, 150]))]
        if self.rng.random() < 0.3:
            self.writes += 1
            rows.append(
                {
                    "kind": "set",
                    "user": self.rng.choice(self.ledger.users),
                    "time": START + self.writes,
                    "set": {"last": self.counter},
                }
            )
        return rows

    def stream(self, channel):
        """Sends until the call ends. The server's death is the normal end."""
        try:
            self.send_until_dead(channel)
        except (grpc.RpcError, TimeoutError):
            pass
        except Broken as error:
            self.broken = error

    def send_until_dead(self, channel):
        broken = []

        def on_ack(ack):
            try:
                self.ledger.acknowledge(ack)
            except Broken as error:
                broken.append(error)

        stream = Stream(channel, self.project, self.ledger.stream, on_ack)
        stream.wait_opened()
        sent = 0
        try:
            while stream.error is None and stream.reader.is_alive() and not broken:
                stream.wait(lambda: sent - len(stream.acks) < IN_FLIGHT, 60)
                rows = self.batch()
                number = self.ledger.plan(rows)
                stream.send(
                    number, ndjson(rows) if number % 3 == 0 else columnar(rows, number % 2 == 0)
                )
                sent += 1
        finally:
            stream.finish()
            if broken:
                raise broken[0]
        if stream.error is not None and stream.error.code() not in (
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.CANCELLED,
        ):
            raise Broken(
                f"{self.ledger.stream}: {stream.error.code().name}: {stream.error.details()}"
            )


class Judge:
    """Compares what the server has with the ledgers."""

    def __init__(self, channel, rng):
        self.queries = query_pb2_grpc.QueryServiceStub(channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(channel)
        self.channel = channel
        self.rng = rng
        self.users_checked = 0

    def settle(self, client):
        """Asks how far the server has the stream; a retry of that batch must be known as a
        duplicate.
        """
        with Stream(self.channel, client.project, client.ledger.stream) as stream:
            last = stream.wait_opened()
            rows = client.ledger.pending.get(last)
            if rows is not None:
                stream.send(last, columnar(rows))
                (ack,) = stream.wait_acks(1)
                if not ack.duplicate or ack.accepted:
                    raise Broken(f"{client.ledger.stream}: batch {last} was taken twice: {ack}")
        return client.ledger.settle(last)

    def counts(self, project, clients):
        expected = sum(client.ledger.event_count() for client in clients)
        reply = self.admin.GetStatistics(
            admin_pb2.GetStatisticsRequest(project=project), timeout=60
        )
        request = series_pb2.SeriesRequest()
        request.scope.project = project
        request.scope.range.start_ms, request.scope.range.end_ms = START, START + SPAN
        request.series.add().selector.terms.add().any_event.SetInParent()
        total = self.queries.Series(request, timeout=60).series[0].rows[-1].total
        counted = (reply.projects[0].event_count, int(total))
        if counted != (expected, expected):
            raise Broken(
                f"{project}: {expected} events by the ledger, {counted} by statistics and series"
            )
        return reply.projects[0]

    def user(self, client, user):
        events, properties, token = [], None, ""
        try:
            while True:
                reply = self.queries.ListEvents(
                    event_list_pb2.ListEventsRequest(
                        parent=client.project, user=user, page_size=1000, page_token=token
                    ),
                    timeout=60,
                )
                if properties is None:
                    properties = {one.name: value_of(one.value) for one in reply.user_properties}
                events += [
                    (
                        one.time_ms,
                        "" if one.id.startswith("~") else one.id,
                        {p.name: value_of(p.value) for p in one.properties},
                    )
                    for one in reply.events
                ]
                token = reply.next_page_token
                if not token:
                    break
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.NOT_FOUND:
                raise
            properties = {}
        expected = client.ledger.expected(user)
        key = lambda one: (one[0], one[1], one[2]["n"])  # noqa: E731
        if sorted(events, key=key) != sorted(expected, key=key):
            missing = [one for one in expected if one not in events]
            extra = [one for one in events if one not in expected]
            raise Broken(
                f"{client.ledger.stream} {user}: {len(expected)} events by the ledger, "
                f"{len(events)} are there; "
                f"missing {missing[:3]}, extra {extra[:3]}"
            )
        if properties != client.ledger.properties[user]:
            raise Broken(
                f"{client.ledger.stream} {user}: properties {properties}, by the ledger "
                f"{client.ledger.properties[user]}"
            )
        self.users_checked += 1

    def users(self, client, everybody):
        for user in client.ledger.users:
            if everybody or user in client.touched or self.rng.random() < 0.1:
                self.user(client, user)
        client.touched = set()


class Rounds:
    def __init__(self, seed):
        self.seed = seed
        self.rng = random.Random(seed)
        self.server = Server(OPTIONS.server, SETTINGS)
        self.clients = [
            Client(project, number, seed) for project in PROJECTS for number in range(2)
        ]
        self.silent = self.lost = self.slabs_max = self.snapshots = self.users_checked = 0

    def judge(self, everybody):
        judge = Judge(self.server.channel, self.rng)
        for client in self.clients:
            silent, lost = judge.settle(client)
            self.silent += silent
            self.lost += lost
        for project in PROJECTS:
            name = "projects/" + project
            clients = [client for client in self.clients if client.project == name]
            statistics = judge.counts(name, clients)
            self.slabs_max = max(self.slabs_max, statistics.slab_count)
            for client in clients:
                judge.users(client, everybody)
        self.users_checked += judge.users_checked

    def load_and_kill(self):
        threads = [
            threading.Thread(target=client.stream, args=(self.server.channel,), daemon=True)
            for client in self.clients
        ]
        for thread in threads:
            thread.start()
        time.sleep(self.rng.choice([0.02, 0.1, 0.3, 0.6, 1.0]) * self.rng.random())
        kind = self.rng.random()
        if kind < 0.15:
            snapshot = threading.Thread(target=self.ask_snapshot, daemon=True)
            snapshot.start()
            time.sleep(0.02 * self.rng.random())
        self.server.check_alive()
        if kind > 0.93:
            status = self.server.stop(hang_up=False)
            if status != 0:
                raise Broken(f"SIGTERM: recountd ended with {status}\n{self.server.log_end()}")
        else:
            self.server.process.kill()
            self.server.process.wait()
        for thread in threads:
            thread.join(60)
        self.server.close_channel()
        for client in self.clients:
            if client.broken is not None:
                raise client.broken

    def ask_snapshot(self):
        try:
            admin_pb2_grpc.AdminServiceStub(self.server.channel).CreateSnapshot(
                admin_pb2.CreateSnapshotRequest(), timeout=60
            )
        except (grpc.RpcError, ValueError):
            pass

    def start(self):
        """Starts the server; now and then it is killed while it starts."""
        while self.rng.random() < 0.15:
            self.server.start_only()
            time.sleep(0.05 * self.rng.random())
            self.server.kill()
        self.server.start()

    def one(self, number):
        self.start()
        if number == 0:
            for project in PROJECTS:
                project_pb2_grpc.ProjectServiceStub(self.server.channel).CreateProject(
                    project_pb2.CreateProjectRequest(project_id=project), timeout=60
                )
        self.judge(everybody=number % FULL_EVERY == FULL_EVERY - 1)
        self.load_and_kill()

    def finish(self):
        self.server.start()
        self.judge(everybody=True)

    def report(self):
        events = sum(client.ledger.event_count() for client in self.clients)
        acked = sum(client.ledger.acked_batches for client in self.clients)
        print(
            f"{acked} batches acknowledged, {events} events stand, "
            f"{self.silent} batches were there without "
            f"acknowledgement, {self.lost} were not there; "
            f"{self.users_checked} lists of users compared, "
            f"at most {self.slabs_max} slabs"
        )


def main():
    seed = OPTIONS.seed if OPTIONS.seed is not None else random.SystemRandom().randrange(10**9)
    print(f"seed {seed}", flush=True)
    rounds = Rounds(seed)
    passed = failed = 0
    try:
        for number in range(OPTIONS.rounds):
            rounds.one(number)
            passed += 1
        rounds.finish()
    except (Broken, ServerDied, grpc.RpcError, TimeoutError) as error:
        failed = 1
        print(f"round {passed}, seed {seed}: {type(error).__name__}: {error}")
        print(rounds.server.log_end())
    rounds.report()
    rounds.server.close()
    print(f"{passed} passed, {failed} failed, {max(OPTIONS.rounds - passed - failed, 0)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
