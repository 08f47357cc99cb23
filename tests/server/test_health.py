#!/usr/bin/python3
"""What health says of each service: while all is well, once the log is broken, and while it stops."""

import os
import resource
import signal
import subprocess
import unittest

from recountd import Server, admin_pb2, grpc, health_pb2, project_pb2
from rc_standard.reflection.v1 import reflection_pb2, reflection_pb2_grpc
from recount.v1 import event_list_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
INGEST = "recount.v1.IngestService"
QUERY = "recount.v1.QueryService"
LINE = '{"user":"u","time":1,"id":%d}'


class Health(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.server.projects.CreateProject(
            project_pb2.CreateProjectRequest(project_id="p"), timeout=30
        )

    def check(self, service):
        request = health_pb2.HealthCheckRequest(service=service)
        return self.server.health.Check(request, timeout=30).status

    def watch(self, service):
        request = health_pb2.HealthCheckRequest(service=service)
        return self.server.health.Watch(request, timeout=120)

    def services(self):
        stub = reflection_pb2_grpc.ServerReflectionStub(self.server.channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        reply = next(stub.ServerReflectionInfo(iter([request]), timeout=30))
        return [one.name for one in reply.list_services_response.service]

    def events(self):
        request = event_list_pb2.ListEventsRequest(parent="projects/p", user="u")
        return self.server.queries.ListEvents(request, timeout=30).events

    def break_log(self):
        """Lets no file grow past what the log's has, so that its next write fails."""
        limits = (4096, 4096)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, limits)
        with self.assertRaises(grpc.RpcError) as caught:
            self.server.ingest_lines("p", "s", 2, [LINE % 2])
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_every_service_is_known(self):
        names = self.services()
        self.assertIn(QUERY, names)
        for name in ["", *names]:
            self.assertEqual(self.check(name), SERVING, name)
        with self.assertRaises(grpc.RpcError) as caught:
            self.check("recount.v1.NoService")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_a_broken_log_stops_ingestion_alone(self):
        self.assertEqual(self.server.ingest_lines("p", "s", 1, [LINE % 1]).accepted, 1)
        watches = {name: self.watch(name) for name in ("", INGEST, QUERY, "recount.v1.NoService")}
        first = {name: next(watch).status for name, watch in watches.items()}
        self.assertEqual(
            first,
            {"": SERVING, INGEST: SERVING, QUERY: SERVING, "recount.v1.NoService": SERVICE_UNKNOWN},
        )
        self.break_log()
        self.assertEqual(self.check(INGEST), NOT_SERVING)
        self.assertEqual(next(watches[INGEST]).status, NOT_SERVING)
        for name in ["", *self.services()]:
            if name != INGEST:
                self.assertEqual(self.check(name), SERVING, name)
        self.assertEqual(next(self.watch(INGEST)).status, NOT_SERVING)
        self.assertEqual(len(self.events()), 1)

        reply = self.server.admin.GetStatistics(admin_pb2.GetStatisticsRequest(), timeout=30)
        self.assertIn("wal", reply.server.log_error)
        lines = [one for one in self.server.log_entries() if one["msg"] == "log broken"]
        self.assertEqual([one["level"] for one in lines], ["error"])
        self.assertEqual(lines[0]["error"], reply.server.log_error)

        recount = os.path.join(os.path.dirname(os.environ["RECOUNTD"]), "recount")
        command = [recount, "project", "create", "q", f"--server=127.0.0.1:{self.server.port}"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60).stderr
        self.assertIn("(UNAVAILABLE)", said)
        self.assertNotIn("no server", said)

        self.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(next(watches[""]).status, NOT_SERVING)
        self.assertEqual(next(watches[QUERY]).status, NOT_SERVING)
        for watch in watches.values():  # Nothing is said twice, nor of what there is not.
            with self.assertRaises(grpc.RpcError) as caught:
                next(watch)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_a_restart_mends_it(self):
        self.assertEqual(self.server.ingest_lines("p", "s", 1, [LINE % 1]).accepted, 1)
        self.break_log()
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.assertEqual(self.check(INGEST), SERVING)
        self.assertEqual(self.server.ingest_lines("p", "s", 2, [LINE % 2]).accepted, 1)

    def test_no_more_files_may_be_open(self):
        """The log cannot begin a file: batches are refused until it can, and no longer."""
        server = Server("--wal-file-bytes=1m")
        self.addCleanup(server.close)
        server.projects.CreateProject(project_pb2.CreateProjectRequest(project_id="p"), timeout=30)
        lines = ['{"user":"u%d","time":1,"id":%d}' % (i, i) for i in range(8000)]
        self.assertEqual(server.ingest_lines("p", "s", 1, lines).accepted, 8000)
        pid = server.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir("/proc/%d/fd" % pid))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, limits[1]))
        number = 2
        with self.assertRaises(grpc.RpcError) as caught:
            for number in range(2, 100):
                server.ingest_lines("p", "s", number, lines)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        self.assertEqual(server.ingest_lines("p", "s", number, lines).accepted, 8000)
        reply = server.admin.GetStatistics(admin_pb2.GetStatisticsRequest(), timeout=30)
        self.assertEqual(reply.server.log_error, "")

    def test_a_watch_that_is_gone_is_not_told(self):
        for _ in range(50):
            watch = self.watch(INGEST)
            self.assertEqual(next(watch).status, SERVING)
            watch.cancel()
        self.break_log()
        self.assertEqual(self.check(INGEST), NOT_SERVING)


if __name__ == "__main__":
    unittest.main()
