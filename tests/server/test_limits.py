#!/usr/bin/python3
"""Limits of the server: message size, queries at once, memory; and TLS with and without client certificates."""

import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from recountd import Server, details_of, grpc, health_pb2, project_pb2, segment_pb2, series_pb2


class Limits(unittest.TestCase):
    def test_messages_above_the_limit(self):
        server = Server("--max-message-bytes=64k")
        self.addCleanup(server.close)
        server.projects.CreateProject(project_pb2.CreateProjectRequest(project_id="p"), timeout=30)
        lines = ['{"user":"u","time":1,"properties":{"t":"%s"}}' % ("x" * 70000)]
        with self.assertRaises(grpc.RpcError) as caught:
            server.ingest_lines("p", "s", 1, lines)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertEqual(server.ingest_lines("p", "s", 1, ['{"user":"u","time":1}']).accepted, 1)

    def test_queries_at_once(self):
        server = Server("--queries-max=1", "--workers=1")
        self.addCleanup(server.close)
        server.projects.CreateProject(project_pb2.CreateProjectRequest(project_id="p"), timeout=30)
        request = segment_pb2.CountSegmentRequest(scope={"project": "projects/p"})
        refused = []
        answered = []

        def ask():
            for _ in range(200):
                try:
                    server.segments.CountSegment(request, timeout=30)
                    answered.append(1)
                except grpc.RpcError as error:
                    refused.append(error)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(len(refused) + len(answered), 1600)
        self.assertTrue(answered)
        for error in refused:
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertIn("RetryInfo", details_of(error))
        server.segments.CountSegment(request, timeout=30)

    def test_a_share_is_left_for_other_projects(self):
        server = Server("--queries-max=4", "--workers=1")
        self.addCleanup(server.close)
        for name in ("many", "few"):
            server.projects.CreateProject(
                project_pb2.CreateProjectRequest(project_id=name), timeout=30
            )
        stop = threading.Event()
        refused = []

        def ask_much():
            request = segment_pb2.CountSegmentRequest(scope={"project": "projects/many"})
            while not stop.is_set():
                try:
                    server.segments.CountSegment(request, timeout=30)
                except grpc.RpcError as error:
                    refused.append(error.code())

        threads = [threading.Thread(target=ask_much) for _ in range(8)]
        for thread in threads:
            thread.start()
        request = segment_pb2.CountSegmentRequest(scope={"project": "projects/few"})
        try:
            for _ in range(300):
                server.segments.CountSegment(request, timeout=30)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        self.assertLessEqual(set(refused), {grpc.StatusCode.RESOURCE_EXHAUSTED})

    def test_project_memory(self):
        server = Server("--query-memory-max=1m")
        self.addCleanup(server.close)
        server.projects.CreateProject(
            project_pb2.CreateProjectRequest(
                project_id="small", project={"limits": {"memory_bytes_max": 4 << 20}}
            ),
            timeout=30,
        )
        with self.assertRaises(grpc.RpcError) as caught:
            for number in range(1, 200):
                lines = [
                    '{"user":"%d-%d","time":1,"properties":{"t":"%d-%d"}}' % (number, i, number, i)
                    for i in range(2000)
                ]
                server.ingest_lines("small", "s", number, lines)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("RetryInfo", details_of(caught.exception))
        self.assertIn("project is at its memory limit of 4194304", caught.exception.details())
        request = series_pb2.SeriesRequest(
            scope={"project": "projects/small", "range": {"end_ms": 2}},
            series=[{"selector": {"terms": [{"any_event": {}}]}}],
            breakdown={"dimensions": [{"property": {"event_property": "t"}}]},
        )
        with self.assertRaises(grpc.RpcError) as caught:
            server.queries.Series(request, timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("query is at its memory limit of 1048576", caught.exception.details())
        self.assertNotIn("RetryInfo", details_of(caught.exception))  # It would not help.
        request = segment_pb2.CountSegmentRequest(scope={"project": "projects/small"})
        self.assertGreater(server.segments.CountSegment(request, timeout=30).user_count, 2000)
        reply = server.health.Check(health_pb2.HealthCheckRequest(), timeout=30)
        self.assertEqual(reply.status, health_pb2.HealthCheckResponse.SERVING)


@unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificates")
class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="recount-tls-")
        for name in ("server", "client", "stranger"):
            command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
            command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
            command += ["-keyout", cls.path(name + ".key"), "-out", cls.path(name + ".pem")]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def check(self, server, client=None):
        pair = {}
        if client is not None:
            pair = {
                "private_key": self.read(client + ".key"),
                "certificate_chain": self.read(client + ".pem"),
            }
        credentials = grpc.ssl_channel_credentials(self.read("server.pem"), **pair)
        with grpc.secure_channel("localhost:%d" % server.port, credentials) as channel:
            call = channel.unary_unary("/grpc.health.v1.Health/Check")
            return call(b"", timeout=10)

    def test_tls(self):
        server = Server("--tls-cert=" + self.path("server.pem"), "--tls-key=" + self.path("server.key"))
        self.addCleanup(server.close)
        self.assertEqual(self.check(server), b"\x08\x01")
        with self.assertRaises(grpc.RpcError):
            server.health.Check(health_pb2.HealthCheckRequest(), timeout=5)

    def test_client_certificates(self):
        server = Server(
            "--tls-cert=" + self.path("server.pem"),
            "--tls-key=" + self.path("server.key"),
            "--tls-client-ca=" + self.path("client.pem"),
        )
        self.addCleanup(server.close)
        self.assertEqual(self.check(server, "client"), b"\x08\x01")
        for client in (None, "stranger"):
            with self.assertRaises(grpc.RpcError) as caught:
                self.check(server, client)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)


if __name__ == "__main__":
    unittest.main()
