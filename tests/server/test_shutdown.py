#!/usr/bin/python3
"""How the server stops and starts: in order, with open streams, at once, and with the same data again."""

import json
import queue
import signal
import subprocess
import threading
import time
import unittest

from recountd import (
    Server,
    admin_pb2,
    details_of,
    grpc,
    health_pb2,
    ingest_pb2,
    os,
    project_pb2,
)


class Shutdown(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.server.projects.CreateProject(
            project_pb2.CreateProjectRequest(project_id="p"), timeout=30
        )

    def event_count(self):
        reply = self.server.admin.GetStatistics(
            admin_pb2.GetStatisticsRequest(project="projects/p"), timeout=30
        )
        return reply.projects[0].event_count

    def test_term_leaves_a_snapshot(self):
        lines = ['{"user":"u%d","time":%d,"id":%d}' % (i % 7, i, i) for i in range(1000)]
        self.assertEqual(self.server.ingest_lines("p", "s", 1, lines).accepted, 1000)
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.assertEqual(self.event_count(), 1000)
        reply = self.server.admin.GetStatistics(admin_pb2.GetStatisticsRequest(), timeout=30)
        self.assertEqual(reply.server.replayed_records, 0)
        self.assertTrue(self.server.ingest_lines("p", "s", 1, lines).duplicate)

    def test_kill_loses_nothing_acknowledged(self):
        lines = ['{"user":"u","time":%d,"id":%d}' % (i, i) for i in range(500)]
        self.assertEqual(self.server.ingest_lines("p", "s", 7, lines).accepted, 500)
        self.assertEqual(self.server.stop(signal.SIGKILL), -signal.SIGKILL)
        self.server.start()
        self.assertEqual(self.event_count(), 500)
        self.assertEqual(self.server.ingest("p", "s", [])[0].opened.last_batch_id, 7)

    def test_open_streams_are_told(self):
        outgoing = queue.Queue()
        outgoing.put(ingest_pb2.IngestRequest(project="projects/p", client_stream="s"))
        stream = self.server.ingests.Ingest(iter(outgoing.get, None), timeout=60)
        self.assertEqual(next(stream).opened.last_batch_id, 0)
        watch = self.server.health.Watch(health_pb2.HealthCheckRequest(), timeout=60)
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
        started = time.monotonic()
        self.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.NOT_SERVING)
        for open_call in (watch, stream):
            with self.assertRaises(grpc.RpcError) as caught:
                next(open_call)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertIn("RetryInfo", details_of(caught.exception))
        outgoing.put(None)
        self.assertEqual(self.server.process.wait(60), 0)
        self.assertLess(time.monotonic() - started, 9, "the grace period was waited for")

    def test_batches_in_flight_are_acknowledged(self):
        """What was sent before the signal is acknowledged or not in the data: never both missing."""
        acknowledged = []

        def send():
            def requests():
                yield ingest_pb2.IngestRequest(project="projects/p", client_stream="s")
                for number in range(1, 100000):
                    line = b'{"user":"u","time":%d,"id":%d}' % (number, number)
                    yield ingest_pb2.IngestRequest(batch_id=number, ndjson={"lines": line})

            try:
                for reply in self.server.ingests.Ingest(requests(), timeout=60):
                    if reply.HasField("ack"):
                        acknowledged.append(reply.ack.batch_id)
            except grpc.RpcError as error:
                self.code = error.code()

        sender = threading.Thread(target=send)
        sender.start()
        while len(acknowledged) < 50:
            time.sleep(0.01)
        self.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.process.wait(60), 0)
        sender.join(60)
        self.assertEqual(self.code, grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(acknowledged, list(range(1, len(acknowledged) + 1)))
        self.server.start()
        self.assertGreaterEqual(self.event_count(), len(acknowledged))

    def test_second_server_is_refused(self):
        for listen, field in (("127.0.0.1:0", "data"), (None, "listen")):
            data = os.path.join(self.server.data, "data" if listen else "other")
            command = [
                os.environ["RECOUNTD"],
                "--data=" + data,
                "--listen=" + (listen or "127.0.0.1:%d" % self.server.port),
            ]
            ended = subprocess.run(
                command, stderr=subprocess.PIPE, timeout=60, check=False, text=True
            )
            self.assertEqual(ended.returncode, 1, field)
            last = json.loads(ended.stderr.splitlines()[-1])
            self.assertEqual((last["level"], last["msg"]), ("error", "cannot start"))

    def test_settings_are_checked_before_anything(self):
        program = os.environ["RECOUNTD"]
        bad = subprocess.run(
            [program, "--workers=many"], stderr=subprocess.PIPE, check=False, text=True
        )
        self.assertEqual(bad.returncode, 2)
        self.assertIn("workers", bad.stderr)
        good = subprocess.run(
            [program, "--check-config", "--print-config"], stdout=subprocess.PIPE, check=False, text=True
        )
        self.assertEqual(good.returncode, 0)
        self.assertIn("listen = 127.0.0.1:7040", good.stdout)
        version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, check=False, text=True)
        self.assertRegex(version.stdout, r"^recountd \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
