#!/usr/bin/python3
"""More than the server can hold, as fast as it can be sent: pushed back without loss, and caught up with.

Several streams send against a small memory limit until they are refused. What was acknowledged is there and
nothing else, memory stays under the limit and what docs/operations.md states for what is not counted, queries
go on; and with room again every stream goes on where it stood.
"""

import threading
import unittest

from recountd import Server, admin_pb2, details_of, grpc, ingest_pb2, project_pb2, segment_pb2

STREAMS = 5
BATCHES = 120
ROWS = 1000
LIMIT = 64 << 20
# docs/operations.md: the program, its threads and gRPC, the log's buffer, 48 MiB a stream.
UNCOUNTED = (128 + 48 * STREAMS) << 20


def lines_of(stream, number):
    """A batch of users of its own, so that users tell which batches there are."""
    filler = "%064x" % (stream * 1000003 + number * 7919)
    return "\n".join(
        '{"user":"u-%d-%d-%d","id":"%d","time":%d,"properties":{"name":"n%d","text":"%s%d"}}'
        % (stream, number, row, row, 1700000000000 + row, row % 7, filler, row)
        for row in range(ROWS)
    ).encode()


class Sender(threading.Thread):
    """One stream: sends what it was not told to be taken, until all is or the call fails."""

    def __init__(self, server, stream):
        super().__init__()
        self.server, self.stream = server, stream
        self.acknowledged = 0
        self.error = None

    def requests(self):
        yield ingest_pb2.IngestRequest(
            project="projects/spike", client_stream="s%d" % self.stream
        )
        for number in range(self.acknowledged + 1, BATCHES + 1):
            yield ingest_pb2.IngestRequest(
                batch_id=number,
                ndjson=ingest_pb2.NdjsonBatch(lines=lines_of(self.stream, number)),
            )

    def run(self):
        self.error = None
        try:
            for reply in self.server.ingests.Ingest(self.requests(), timeout=240):
                if reply.WhichOneof("kind") == "ack":
                    assert reply.ack.batch_id == self.acknowledged + 1
                    self.acknowledged = reply.ack.batch_id
        except grpc.RpcError as error:
            self.error = error


def peak_bytes(server):
    with open("/proc/%d/status" % server.process.pid, encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))


class Spike(unittest.TestCase):
    def users(self, server):
        request = segment_pb2.CountSegmentRequest(scope={"project": "projects/spike"})
        return server.segments.CountSegment(request, timeout=60).user_count

    def run_all(self, server, before=None):
        senders = [Sender(server, stream) for stream in range(STREAMS)]
        for sender, old in zip(senders, before or []):
            sender.acknowledged = old.acknowledged
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(300)
            self.assertFalse(sender.is_alive())
        return senders

    def expect(self, server, senders):
        """All that was acknowledged is there, and whole batches in order. Acknowledgements that were under
        way when a call failed are lost to the client (gRPC drops them): it asks where it stands."""
        for sender in senders:
            stood = server.ingest("spike", "s%d" % sender.stream, [])[0].opened.last_batch_id
            self.assertGreaterEqual(stood, sender.acknowledged)
            self.assertLessEqual(stood, BATCHES)
            sender.acknowledged = stood
        acknowledged = sum(sender.acknowledged for sender in senders)
        self.assertEqual(self.users(server), acknowledged * ROWS)
        found = server.admin.GetStatistics(
            admin_pb2.GetStatisticsRequest(project="projects/spike"), timeout=60
        )
        self.assertEqual(found.projects[0].event_count, acknowledged * ROWS)

    def test_spike(self):
        server = Server("--memory-max=%d" % LIMIT)
        self.addCleanup(lambda: server.close())
        server.projects.CreateProject(
            project_pb2.CreateProjectRequest(project_id="spike"), timeout=30
        )
        senders = self.run_all(server)
        for sender in senders:
            if sender.error is None:  # Quick enough to be through before memory was full.
                self.assertEqual(sender.acknowledged, BATCHES)
                continue
            self.assertEqual(sender.error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertIn("RetryInfo", details_of(sender.error))
        acknowledged = sum(sender.acknowledged for sender in senders)
        print("acknowledged %d of %d batches" % (acknowledged, STREAMS * BATCHES))
        print("peak %d MiB, limit %d MiB" % (peak_bytes(server) >> 20, LIMIT >> 20))
        self.assertGreater(acknowledged, 0)
        self.assertLess(acknowledged, STREAMS * BATCHES)
        self.assertLess(peak_bytes(server), LIMIT + UNCOUNTED)
        self.expect(server, senders)
        senders = self.run_all(server, senders)
        self.expect(server, senders)
        server.stop()
        server.flags = ("--memory-max=2g",)
        server.start()
        self.expect(server, senders)
        senders = self.run_all(server, senders)
        for sender in senders:
            self.assertIsNone(sender.error)
            self.assertEqual(sender.acknowledged, BATCHES)
        self.expect(server, senders)


if __name__ == "__main__":
    unittest.main()
