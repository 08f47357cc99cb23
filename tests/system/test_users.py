#!/usr/bin/python3
"""Deletion and export of users, pages of lists, retention by age and times ahead, from outside."""

import json
import os
import random
import sys
import time
import unittest

from harness import Details, options, run_unittests

OPTIONS = options(
    __doc__,
    (["--seed"], {"type": int, "default": 20150101}),
)

import grpc

from ingest import ingest_all
from server import Server
from recount.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    event_list_pb2,
    ingest_pb2,
    ingest_pb2_grpc,
    project_pb2,
    project_pb2_grpc,
    query_pb2_grpc,
    user_list_pb2,
)

SERVER = None
DAY_MS = 86400000
START_MS = 1700000000000


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server, {"head-rows-max": 200, "wal-file-bytes": 4 << 20}).start()
    print(f"seed {OPTIONS.seed}")


def tearDownModule():
    status = SERVER.stop()
    SERVER.close()
    if status != 0:
        raise RuntimeError(f"recountd ended with {status}")


def restart(kill):
    if kill:
        SERVER.kill()
    else:
        SERVER.stop()
    SERVER.start()


def create(project, **settings):
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(
            project_id=project, project=project_pb2.Project(**settings)
        ),
        timeout=30,
    )


def send(project, rows, stream="rows"):
    """Sends rows as lines of JSON; returns the acknowledgements."""
    if isinstance(rows, list):
        rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    batch = ingest_pb2.NdjsonBatch(lines=rows)
    return ingest_all(SERVER.channel, f"projects/{project}", stream, [batch])


def users():
    return ingest_pb2_grpc.IngestServiceStub(SERVER.channel)


def export(project, user):
    request = ingest_pb2.ExportUserRequest(parent=f"projects/{project}", user=user)
    return b"".join(piece.lines for piece in users().ExportUser(request, timeout=60))


def delete(project, user, **more):
    request = ingest_pb2.DeleteUserRequest(parent=f"projects/{project}", user=user, **more)
    return users().DeleteUser(request, timeout=60)


def events(project, user):
    """A user's events and properties, all pages, as plain data."""
    request = event_list_pb2.ListEventsRequest(
        parent=f"projects/{project}", user=user, page_size=1000
    )
    found = []
    stub = query_pb2_grpc.QueryServiceStub(SERVER.channel)
    while True:
        reply = stub.ListEvents(request, timeout=60)
        if not request.page_token:
            found.append([reply.user] + [str(one) for one in reply.user_properties])
        found += [
            (one.user, one.time_ms, one.id, [str(p) for p in one.properties])
            for one in reply.events
        ]
        if not reply.next_page_token:
            return found
        request.page_token = reply.next_page_token


def statistics(project):
    stub = admin_pb2_grpc.AdminServiceStub(SERVER.channel)
    request = admin_pb2.GetStatisticsRequest(project=f"projects/{project}")
    return stub.GetStatistics(request, timeout=30).projects[0]


def purge():
    return admin_pb2_grpc.AdminServiceStub(SERVER.channel).Purge(
        admin_pb2.PurgeRequest(), timeout=60
    )


def holders(text):
    """Files of the data directory that hold a text, or have it in their name."""
    found = []
    for folder, _, names in os.walk(os.path.join(SERVER.folder, "data")):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                if text.encode() in file.read() or text in path:
                    found.append(path)
    return found


TEXTS = ["", "plain", "Zürich", "a\"b\\c", "tab\tnew\nline", "\u0001\u001f", "😀", "null", "42", "~"]


def random_value(chance):
    return chance.choice(
        [
            lambda: chance.choice(TEXTS),
            lambda: chance.randrange(-(1 << 63), 1 << 63),
            lambda: chance.choice([0.1, -2.5e-300, 1e300, 3.0, 1 / 3]),
            lambda: chance.choice([True, False, None]),
            lambda: [chance.choice(TEXTS) for _ in range(chance.randrange(4))],
            lambda: {"deep": {"er": chance.choice(TEXTS)}},
        ]
    )()


def random_rows(chance, names, count):
    rows = []
    for i in range(count):
        user = chance.choice(names)
        at = START_MS + chance.randrange(80) * DAY_MS + chance.randrange(5)
        kind = chance.random()
        if kind < 0.1:
            rows.append({"alias": [user, chance.choice(names)]})
        elif kind < 0.25:
            values = {chance.choice("pqr"): random_value(chance) for _ in range(2)}
            rows.append({"user": user, "time": at, "set": values})
        else:
            event = {"user": user, "time": at, "properties": {"n": i % 3}}
            event["properties"][chance.choice(["x", "y.z", "Ü \"q\""])] = random_value(chance)
            if chance.random() < 0.7:
                event["id"] = chance.choice([i, f"id-{i}", chance.randrange(50)])
            rows.append(event)
            if chance.random() < 0.1:
                rows.append(event)
    return rows


class Export(unittest.TestCase):
    def test_what_is_exported_can_be_loaded_again(self):
        chance = random.Random(OPTIONS.seed)
        names = [f"user-{i}" for i in range(12)] + ["Ünï \"c\"", "7"]
        create("from")
        create("to")
        for part in range(4):
            send("from", random_rows(chance, names, 300), f"part-{part}")
        whole = {}
        for user in names:
            whole[user] = export("from", user)
        for number, lines in enumerate(sorted(set(whole.values()))):
            for ack in send("to", lines, f"export-{number}"):
                self.assertEqual(ack.rejected_count, 0, ack)
        for user in names:
            back = events("to", user)
            for was, now in zip(events("from", user), back):
                # An event without an id has one now: the same, or with the number of its repeat.
                if isinstance(was, tuple) and was[2].startswith("~"):
                    now = now[:2] + (now[2].split("#")[0],) + now[3:]
                self.assertEqual(was, now)
            self.assertEqual(len(events("from", user)), len(back))
            self.assertEqual(
                sorted(whole[user].split(b"\n")), sorted(export("to", user).split(b"\n"))
            )
        self.assertEqual(statistics("from").event_count, statistics("to").event_count)
        before = statistics("to").event_count
        for number, lines in enumerate(sorted(set(whole.values()))):
            send("to", lines, f"again-{number}")
        self.assertEqual(statistics("to").event_count, before)

    def test_a_user_of_many_events_comes_in_pieces(self):
        create("many")
        rows = [
            {"user": "bot", "time": START_MS + i, "id": i, "properties": {"u": f"/page/{i}" * 5}}
            for i in range(30000)
        ]
        send("many", rows)
        request = ingest_pb2.ExportUserRequest(parent="projects/many", user="bot")
        pieces = []
        for piece in users().ExportUser(request, timeout=60):
            pieces.append(piece.lines)
            if len(pieces) < 4:
                time.sleep(0.05)
        self.assertGreater(len(pieces), 5)
        self.assertTrue(all(piece.endswith(b"\n") for piece in pieces))
        times = [json.loads(line)["time"] for line in b"".join(pieces).splitlines()]
        self.assertEqual(times, [START_MS + i for i in range(30000)])
        call = users().ExportUser(request, timeout=60)
        next(call)
        call.cancel()  # The server goes on.
        self.assertEqual(len(export("many", "bot")), sum(len(piece) for piece in pieces))

    def test_errors(self):
        create("few")
        for parent, user, code in [
            ("projects/few", "nobody", "NOT_FOUND"),
            ("projects/none", "nobody", "NOT_FOUND"),
            ("projects/few", "", "INVALID_ARGUMENT"),
            ("few", "nobody", "INVALID_ARGUMENT"),
            ("projects/few", "x" * 513, "INVALID_ARGUMENT"),
        ]:
            request = ingest_pb2.ExportUserRequest(parent=parent, user=user)
            with self.assertRaises(grpc.RpcError) as caught:
                list(users().ExportUser(request, timeout=30))
            self.assertEqual(Details(caught.exception).code, code)
            if user == "x" * 513:
                continue
            request = ingest_pb2.DeleteUserRequest(parent=parent, user=user)
            with self.assertRaises(grpc.RpcError) as caught:
                users().DeleteUser(request, timeout=30)
            self.assertEqual(Details(caught.exception).code, code)
        self.assertEqual(delete("few", "nobody", allow_missing=True).deleted_ids, 0)


class Pages(unittest.TestCase):
    """A token names the last row seen: a page is what stands behind it by now."""

    def rows(self, chance, names, first):
        """New users and events, events without an id, copies that move, joins."""
        rows = []
        for i in range(first, first + 45):
            user = chance.choice(names)
            event = {"user": user, "time": START_MS + chance.randrange(60) * DAY_MS, "properties": {"n": i % 3}}
            if chance.random() < 0.8:
                event["id"] = chance.choice([i, chance.randrange(i + 1)])
            rows.append(event)
        rows.append({"user": f"user-{first}", "time": START_MS, "set": {"p": first}})
        if chance.random() < 0.3:
            rows.append({"alias": [chance.choice(names), chance.choice(names)]})
        return rows

    def between(self, chance, number):
        """What happens to the data between two pages."""
        send("pages", self.rows(chance, self.names, 1000 + 100 * number), f"part-{number}")
        if number % 4 == 1:
            admin_pb2_grpc.AdminServiceStub(SERVER.channel).CreateSnapshot(
                admin_pb2.CreateSnapshotRequest(), timeout=60
            )
        if number in (6, 11):
            restart(kill=number == 6)

    def behind(self, rows, seen):
        """Several rows of one key are events of one content; one that was seen may have moved."""
        last = seen[-1]
        if last in rows:
            return rows[rows.index(last) + seen.count(last) :]
        return [row for row in rows if (row < last if self.falling else row > last)]

    def read(self, chance, call, request, key):
        """Every page is the next rows of the whole list, as it is when the page is read."""
        seen, field = [], "events" if call == "ListEvents" else "users"
        while not seen or request.page_token:
            whole = type(request)()
            whole.CopyFrom(request)
            whole.page_size, whole.page_token = 1000, ""
            stub = query_pb2_grpc.QueryServiceStub(SERVER.channel)
            rows = [key(one) for one in getattr(getattr(stub, call)(whole, timeout=60), field)]
            behind = self.behind(rows, seen) if seen else rows
            request.page_size = chance.choice([1, 7, 20, 60])
            page = getattr(stub, call)(request, timeout=60)
            found = [key(one) for one in getattr(page, field)]
            self.assertEqual(found, behind[: request.page_size])
            self.assertEqual(bool(page.next_page_token), len(behind) > request.page_size)
            seen += found
            request.page_token = page.next_page_token
            self.number += 1
            if self.number < 16:
                self.between(chance, self.number)

    def test_pages_survive_arrivals_seals_and_restarts(self):
        chance = random.Random(OPTIONS.seed)
        self.names = [f"user-{i}" for i in range(5)]
        self.number = 0
        create("pages")
        send("pages", self.rows(chance, self.names, 0) + self.rows(chance, self.names, 500))
        event_key = lambda one: (one.time_ms, one.id.encode(), one.user.encode())
        for self.falling in (False, True):
            request = event_list_pb2.ListEventsRequest(
                parent="projects/pages", user="user-1", descending=self.falling
            )
            self.read(chance, "ListEvents", request, event_key)
        self.falling, self.number = False, 10
        self.names = [f"user-{i}" for i in range(20, 200)]
        request = user_list_pb2.ListUsersRequest()
        request.scope.project = "projects/pages"
        self.read(chance, "ListUsers", request, lambda one: one.user.encode())


class Deletion(unittest.TestCase):
    def test_nothing_is_left(self):
        create("gone")
        secret = "zx81-unique"
        rows = []
        for i in range(500):
            user = secret if i % 5 == 0 else f"other-{i % 7}"
            text = f"{secret}-{i}" if user == secret else f"value {i}"
            event = {"user": user, "time": START_MS + i, "id": i, "properties": {"mail": text}}
            if i % 2 == 0:
                event["id"] = f"{user}/{i}"
            rows.append(event)
        rows.append({"user": secret, "time": START_MS, "set": {"mail": f"{secret}@example.com"}})
        rows.append({"user": "other-1", "time": START_MS, "set": {"mail": "other@example.com"}})
        rows.append({"alias": [secret, f"{secret}-phone"]})
        send("gone", rows[:300])
        admin_pb2_grpc.AdminServiceStub(SERVER.channel).CreateSnapshot(
            admin_pb2.CreateSnapshotRequest(), timeout=60
        )
        send("gone", rows[300:], "more")
        self.assertTrue(holders(secret))
        before = int(time.time() * 1000)
        reply = delete("gone", f"{secret}-phone")
        self.assertEqual((reply.deleted_ids, reply.deleted_events), (2, 100))
        self.assertGreaterEqual(reply.purge_due_time_ms, before + DAY_MS)
        self.assertEqual(statistics("gone").event_count, 400)
        self.assertEqual(statistics("gone").user_count, 7)
        with self.assertRaises(grpc.RpcError) as caught:
            events("gone", secret)
        self.assertEqual(Details(caught.exception).code, "NOT_FOUND")
        restart(kill=True)
        self.assertEqual(statistics("gone").event_count, 400)
        self.assertTrue(holders(secret))
        self.assertEqual(purge().purged_projects, 1)
        self.assertEqual(holders(secret), [])
        self.assertTrue(holders("other@example.com"))
        self.assertEqual(purge().purged_projects, 0)
        checked = admin_pb2_grpc.AdminServiceStub(SERVER.channel).Check(
            admin_pb2.CheckRequest(), timeout=60
        )
        self.assertEqual(len(checked.findings), 0, checked)
        restart(kill=True)
        self.assertEqual(statistics("gone").event_count, 400)
        send("gone", [{"user": secret, "time": START_MS, "id": 1, "properties": {}}], "back")
        self.assertEqual(len(events("gone", secret)), 2)
        self.assertEqual(statistics("gone").event_count, 401)


class Ages(unittest.TestCase):
    def rejects(self, acks):
        return [
            (one.index, one.field, ingest_pb2.RejectReason.Name(one.reason)[14:])
            for ack in acks
            for one in ack.rejected
        ]

    def test_times_ahead(self):
        create("near")
        create("far", future_limit_seconds=10**12)
        create("strict", future_limit_seconds=60)
        now = int(time.time() * 1000)
        rows = [
            {"user": "a", "time": now + 3600000, "properties": {}},
            {"user": "a", "time": now + 2 * DAY_MS, "properties": {}},
            {"user": "a", "time": now + 2 * DAY_MS, "set": {"p": 1}},
            {"user": "a", "time": 253402300799999, "properties": {}},
        ]
        late = [(i, "time", "FUTURE") for i in range(4)]
        self.assertEqual(self.rejects(send("near", rows)), late[1:])
        self.assertEqual(self.rejects(send("far", rows)), [])
        self.assertEqual(self.rejects(send("strict", rows)), late)

    def test_which_id_is_shown(self):
        create("ids")
        send(
            "ids",
            [
                {"user": user, "time": START_MS, "properties": {}} for user in ("z@x.org", "a1", "a2")
            ]
            + [{"alias": ["a1", "z@x.org"]}, {"alias": ["a2", "a1"]}],
        )
        self.assertEqual(events("ids", "a2")[0][0], "a1")

        def update(**settings):
            project = project_pb2.Project(name="projects/ids", **settings)
            request = project_pb2.UpdateProjectRequest(project=project)
            if not settings["shown_ids"]:
                request.update_mask.paths.append("shown_ids")
            stub = project_pb2_grpc.ProjectServiceStub(SERVER.channel)
            return stub.UpdateProject(request, timeout=30).project

        for bad in ("(", "a(?=b)", "x" * 1025):
            with self.assertRaises(grpc.RpcError) as caught:
                update(shown_ids=bad)
            self.assertEqual(Details(caught.exception).fields, ["project.shown_ids"])
        self.assertEqual(update(shown_ids="@").shown_ids, "@")
        self.assertEqual(events("ids", "a2")[0][0], "z@x.org")
        restart(kill=True)
        self.assertEqual(events("ids", "a2")[0][0], "z@x.org")
        restart(kill=False)
        self.assertEqual(events("ids", "a2")[0][0], "z@x.org")
        self.assertEqual(update(shown_ids="").shown_ids, "")
        self.assertEqual(events("ids", "a2")[0][0], "a1")

    def test_old_events_go_and_stay_out(self):
        create("old")
        now = int(time.time() * 1000)
        rows = [
            {"user": f"u{i}", "time": now - i * DAY_MS, "id": i, "properties": {"i": i}}
            for i in range(200)
        ]
        send("old", rows)
        self.assertEqual(statistics("old").event_count, 200)
        stub = project_pb2_grpc.ProjectServiceStub(SERVER.channel)
        with self.assertRaises(grpc.RpcError) as caught:
            stub.UpdateProject(
                project_pb2.UpdateProjectRequest(
                    project=project_pb2.Project(name="projects/old", retention_days=99999)
                )
            )
        self.assertEqual(Details(caught.exception).fields, ["project.retention_days"])
        stub.UpdateProject(
            project_pb2.UpdateProjectRequest(
                project=project_pb2.Project(name="projects/old", retention_days=100)
            )
        )
        self.assertEqual(self.rejects(send("old", rows[99:103], "late")), [
            (i, "time", "EXPIRED") for i in (1, 2, 3)
        ])
        count = self.wait_for_count("old", 100)
        restart(kill=True)
        self.assertEqual(statistics("old").event_count, count)
        restart(kill=False)
        self.assertEqual(statistics("old").event_count, count)

    def wait_for_count(self, project, count):
        """The keeper looks every ten seconds. The event of day 100 goes with the hour."""
        end = time.monotonic() + 60
        while statistics(project).event_count not in (count, count + 1):
            self.assertLess(time.monotonic(), end, "old events are still there")
            time.sleep(0.2)
        return statistics(project).event_count


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
