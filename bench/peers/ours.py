"""Recount as one of the compared: through gRPC, asked by bench/call_latency.c as a client in C would ask."""

import os
import shutil
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))

import figures  # noqa: E402  (the server of our own, and the client)
import questions as q  # noqa: E402


class Recount:
    variants = {"Recount": None}

    def __init__(self, options):
        self.options, self.data = options, f"{options.work}/recount"
        self.server = None

    def open(self):
        shutil.rmtree(self.data, ignore_errors=True)
        self.server = figures.Recount(self.options.build, self.data)
        self.server.start()

    def version(self):
        return "Recount " + (figures.subprocess.run([f"{self.options.build}/bin/recountd", "--version"], capture_output=True,
                                                    text=True, check=True).stdout.split() or ["?"])[-1]

    def load(self):
        begun = time.monotonic()
        figures.subprocess.run([f"{self.options.build}/bin/recount", "load", self.options.archive, "--mapping", "recount",
                                "--create-project", "--restart", "--quiet"], check=True, stdin=figures.subprocess.DEVNULL,
                               env={**os.environ, "RECOUNT_SERVER": f"127.0.0.1:{self.server.port}",
                                    "RECOUNT_PROJECT": "peers"})
        loaded = time.monotonic() - begun
        merged = self.settled() - begun
        return {"Recount": {"insert_seconds": loaded, "ready_seconds": max(loaded, merged)}}

    def settled(self):
        """When the number of slabs changed last: twelve seconds without a change end the waiting."""
        from recount.v1 import admin_pb2, admin_pb2_grpc
        stub = admin_pb2_grpc.AdminServiceStub(self.server.channel)
        last, since = None, time.monotonic()
        while time.monotonic() - since < 12:
            stats = stub.GetStatistics(admin_pb2.GetStatisticsRequest(project="projects/peers")).projects[0]
            now = (stats.slab_count, stats.head_event_count, stats.memory.slab_bytes)
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.1)
        return since

    def bytes(self):
        return {"Recount": self.server.memory_bytes()}

    def method(self, question):
        from recount.v1 import query_pb2_grpc, segment_pb2_grpc
        service = segment_pb2_grpc.SegmentServiceStub if question.method == "CountSegment" else query_pb2_grpc.QueryServiceStub
        return getattr(service(self.server.channel), question.method)

    def request(self, question):
        from google.protobuf import json_format
        from recount.v1 import funnel_pb2, retention_pb2, segment_pb2, series_pb2
        kind = {"Funnel": funnel_pb2.FunnelRequest, "Retention": retention_pb2.RetentionRequest,
                "Series": series_pb2.SeriesRequest, "CountSegment": segment_pb2.CountSegmentRequest}[question.method]
        return json_format.ParseDict(question.request, kind())

    def ask(self, _, key):
        question = next(one for one in q.QUESTIONS if one.key == key)
        method, request = self.method(question), self.request(question)
        reply = method(request, timeout=120)
        return None, question.answer(reply)

    def times(self, key, count):
        """Seconds of count calls, the first with nothing cached if the question was never asked."""
        question = next(one for one in q.QUESTIONS if one.key == key)
        return [ms / 1000 for ms in figures.latencies_ms(self.server, self.options, self.method(question), self.request(question),
                                                         count)]

    def close(self):
        if self.server is not None:
            self.server.stop(signal.SIGKILL)
