"""Starts the real server for a test and speaks to it over loopback, with Python's grpcio.

The environment names what is tested: RECOUNTD is the program, RECOUNT_PYTHON the folder of the modules that
the build makes from the contract.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.environ["RECOUNT_PYTHON"])

import grpc  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from recount.v1 import (  # noqa: E402
    admin_pb2,
    admin_pb2_grpc,
    definition_pb2,
    definition_pb2_grpc,
    ingest_pb2,
    ingest_pb2_grpc,
    project_pb2,
    project_pb2_grpc,
    query_pb2_grpc,
    segment_pb2,
    segment_pb2_grpc,
    series_pb2,
)
from rc_standard.health.v1 import health_pb2, health_pb2_grpc  # noqa: E402

START_SECONDS = 60


class Server:
    """A server with a data directory of its own, on a free port."""

    def __init__(self, *flags, data=None):
        self.data = data or tempfile.mkdtemp(prefix="recount-test-")
        self.flags = flags
        self.starts = 0
        self.log = tempfile.NamedTemporaryFile("w+", prefix="recount-log-", suffix=".json")
        self.start()

    def start(self):
        command = [
            os.environ["RECOUNTD"],
            "--listen=127.0.0.1:0",
            "--data=" + os.path.join(self.data, "data"),
            *self.flags,
        ]
        self.process = subprocess.Popen(command, stderr=self.log)
        self.port = self.wait_for_port()
        self.connect()

    def wait_for_port(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError("the server ended: " + self.log_text())
            ports = [one["port"] for one in self.log_entries() if one["msg"] == "listening"]
            if len(ports) > self.starts:
                self.starts = len(ports)
                return int(ports[-1])
            time.sleep(0.02)
        raise RuntimeError("the server does not listen: " + self.log_text())

    def log_text(self):
        with open(self.log.name, encoding="utf-8") as log:
            return log.read()

    def log_entries(self):
        """The whole lines of the log so far, each of which is an object."""
        whole, _, _ = self.log_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def connect(self):
        self.channel = grpc.insecure_channel(
            "127.0.0.1:%d" % self.port,
            options=[
                ("grpc.max_receive_message_length", 64 << 20),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )
        self.projects = project_pb2_grpc.ProjectServiceStub(self.channel)
        self.ingests = ingest_pb2_grpc.IngestServiceStub(self.channel)
        self.definitions = definition_pb2_grpc.DefinitionServiceStub(self.channel)
        self.segments = segment_pb2_grpc.SegmentServiceStub(self.channel)
        self.queries = query_pb2_grpc.QueryServiceStub(self.channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)

    def stop(self, how=signal.SIGTERM):
        """Ends the server; the data stays. Returns its exit code."""
        self.channel.close()
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(60)

    def close(self):
        code = self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.log.close()
        return code

    def ingest(self, project, stream, batches):
        """Sends batches (id, payload as keyword arguments) and returns all replies."""
        requests = [ingest_pb2.IngestRequest(project="projects/" + project, client_stream=stream)]
        for number, payload in batches:
            requests.append(ingest_pb2.IngestRequest(batch_id=number, **payload))
        return list(self.ingests.Ingest(iter(requests), timeout=60))

    def ingest_lines(self, project, stream, number, lines):
        """Sends one batch of NDJSON and returns its acknowledgement."""
        text = "\n".join(lines).encode()
        payload = {"ndjson": ingest_pb2.NdjsonBatch(lines=text)}
        return self.ingest(project, stream, [(number, payload)])[-1].ack


def details_of(error):
    """The messages of grpc-status-details-bin by name."""
    found = {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            assert status.code == error.code().value[0]
            for detail in status.details:
                name = detail.type_url.rpartition("/google.rpc.")[2]
                found[name] = getattr(error_details_pb2, name).FromString(detail.value)
    return found
