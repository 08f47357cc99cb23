#!/usr/bin/python3
"""Ingest streams: order, flow control, many at once, clients that do not read or that vanish."""

import threading
import time
import unittest

from recountd import Server, admin_pb2, details_of, grpc, ingest_pb2, project_pb2


def batch(number, rows, width=0):
    lines = b"".join(
        b'{"user":"u%d","time":%d,"id":"%d-%d","properties":{"t":"%s"}}\n'
        % (row % 50, row, number, row, b"x" * width)
        for row in range(rows)
    )
    return ingest_pb2.IngestRequest(batch_id=number, ndjson={"lines": lines})


def opening(stream, project="p"):
    return ingest_pb2.IngestRequest(project="projects/" + project, client_stream=stream)


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        for project in ("p", "many"):
            cls.server.projects.CreateProject(
                project_pb2.CreateProjectRequest(project_id=project), timeout=30
            )

    @classmethod
    def tearDownClass(cls):
        code = cls.server.close()
        assert code == 0, code

    def send(self, stream, requests, project="p"):
        requests = iter([opening(stream, project), *requests])
        return list(self.server.ingests.Ingest(requests, timeout=120))

    def test_many_streams_at_once(self):
        results = {}

        def run(name):
            batches = [batch(number, 20) for number in range(1, 101)]
            results[name] = self.send(name, batches, "many")

        threads = [threading.Thread(target=run, args=("many-%d" % i,)) for i in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        for replies in results.values():
            self.assertEqual([one.ack.batch_id for one in replies[1:]], list(range(1, 101)))
            positions = [one.ack.durable_position for one in replies[1:]]
            self.assertEqual(positions, sorted(set(positions)))
            replaced = sum(one.ack.replaced for one in replies[1:])
            self.assertEqual(sum(one.ack.accepted for one in replies[1:]), 2000)
            self.assertLessEqual(replaced, 2000)
        self.assertEqual(len(results), 12)
        reply = self.server.admin.GetStatistics(
            admin_pb2.GetStatisticsRequest(project="projects/many"), timeout=30
        )
        self.assertEqual(reply.projects[0].event_count, 2000, "all streams sent the same events")

    def test_client_that_does_not_read(self):
        """Acknowledgements that nobody fetches stop the reading; fetching them lets it go on."""
        count = 3000
        sent = []

        def requests():
            yield opening("lazy")
            for number in range(1, count + 1):
                sent.append(number)
                yield batch(number, 1, 4000)

        stream = self.server.ingests.Ingest(requests(), timeout=120)
        self.assertEqual(next(stream).opened.last_batch_id, 0)
        time.sleep(1)
        acks = [reply.ack.batch_id for reply in stream]
        self.assertEqual(acks, list(range(1, count + 1)))

    def test_vanishing_clients_leave_nothing(self):
        for i in range(30):
            stream = self.server.ingests.Ingest(
                iter([opening("gone-%d" % i)] + [batch(n, 50) for n in range(1, 20)]), timeout=60
            )
            next(stream)
            stream.cancel()
        self.assertEqual(self.send("after", [batch(1, 3)])[1].ack.accepted, 3)

    def test_broken_batch_ends_the_call_behind_good_ones(self):
        requests = [opening("broken"), batch(1, 5), batch(2, 5)]
        requests.append(
            ingest_pb2.IngestRequest(
                batch_id=3, columnar={"events": {"event_count": 2, "times_ms": b"1"}}
            )
        )
        replies = []
        with self.assertRaises(grpc.RpcError) as caught:
            for reply in self.server.ingests.Ingest(iter(requests), timeout=60):
                replies.append(reply)
        self.assertEqual([one.ack.batch_id for one in replies[1:]], [1, 2])
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        violations = details_of(caught.exception)["BadRequest"].field_violations
        self.assertEqual(violations[0].field, "columnar.events.user_codes")

    def test_names_stay_the_same(self):
        for change, field in (
            ({"project": "projects/q"}, "project"),
            ({"client_stream": "other"}, "client_stream"),
        ):
            second = ingest_pb2.IngestRequest(batch_id=1, ndjson={"lines": b""}, **change)
            with self.assertRaises(grpc.RpcError) as caught:
                self.send("names", [second])
            violations = details_of(caught.exception)["BadRequest"].field_violations
            self.assertEqual(violations[0].field, field)

    def test_duplicates_are_told(self):
        first = self.send("twice", [batch(5, 4)])[1].ack
        again = self.send("twice", [batch(4, 9), batch(5, 4), batch(6, 1)])
        self.assertFalse(first.duplicate)
        self.assertEqual(again[0].opened.last_batch_id, 5)
        self.assertEqual([one.ack.duplicate for one in again[1:]], [True, True, False])
        self.assertEqual([one.ack.accepted for one in again[1:]], [0, 0, 1])


if __name__ == "__main__":
    unittest.main()
