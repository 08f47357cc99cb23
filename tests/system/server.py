"""A recountd for tests: started on a free port over a folder of its own, stopped by its process id.

    with Server(program) as server:
        server.channel ...
        server.kill()      # SIGKILL
        server.start()     # again, over the same data

The program is the argument, else the environment's RECOUNTD. The folder goes when the last test is
done, unless the environment says RECOUNT_TEST_KEEP=1.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import grpc

from rc_standard.health.v1 import health_pb2, health_pb2_grpc

START_SECONDS = 60
MESSAGE_BYTES_MAX = 64 << 20


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class ServerDied(Exception):
    """The server ended by itself; the message holds the end of its log."""


class Server:
    def __init__(self, program=None, settings=None, folder=None):
        self.program = program or os.environ.get("RECOUNTD")
        if not self.program or not os.access(self.program, os.X_OK):
            raise SystemExit(f"no recountd to run: {self.program!r} (--server or RECOUNTD)")
        self.settings = dict(settings or {})
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="recount-test-")
        self.log_path = os.path.join(self.folder, "server.log")
        self.process = None
        self.port = 0
        self.channel = None
        atexit.register(self.close)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.start_only()
        self.open_channel()
        self.wait_until_serving()
        return self

    def start_only(self):
        """Starts the process and does not wait for anything."""
        self.port = free_port()
        command = [
            self.program,
            f"--listen={self.address}",
            f"--data={os.path.join(self.folder, 'data')}",
        ]
        command += [f"--{name}={value}" for name, value in self.settings.items()]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def open_channel(self):
        self.close_channel()
        self.channel = grpc.insecure_channel(
            self.address,
            options=[
                ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
                ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
                ("grpc.initial_reconnect_backoff_ms", 20),
                ("grpc.max_reconnect_backoff_ms", 50),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )

    def close_channel(self):
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def wait_until_serving(self):
        """Waits inside calls: a channel of grpcio makes no progress while none is running."""
        health = health_pb2_grpc.HealthStub(self.channel)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            self.check_alive()
            try:
                request = health_pb2.HealthCheckRequest()
                reply = health.Check(request, timeout=1, wait_for_ready=True)
                if reply.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.RpcError as error:
                waits = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
                if error.code() not in waits:
                    raise
            time.sleep(0.02)
        raise ServerDied(f"not serving after {START_SECONDS} s\n{self.log_end()}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def check_alive(self):
        if not self.alive():
            raise ServerDied(f"recountd ended with {self.process.returncode}\n{self.log_end()}")

    def log_end(self):
        try:
            with open(self.log_path, "rb") as log:
                return log.read()[-4000:].decode(errors="replace")
        except OSError:
            return ""

    def kill(self):
        """SIGKILL: nothing more is written."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.close_channel()

    def stop(self, seconds=60, hang_up=True):
        """SIGTERM: an orderly end. Returns the exit status. hang_up ends our own calls at once."""
        self.process.send_signal(signal.SIGTERM)
        if hang_up:
            self.close_channel()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServerDied(
                f"SIGTERM was not obeyed within {seconds} s\n{self.log_end()}"
            ) from None
        finally:
            self.close_channel()
        return self.process.returncode

    def close(self):
        self.kill()
        if self.own_folder and os.environ.get("RECOUNT_TEST_KEEP") != "1":
            shutil.rmtree(self.folder, ignore_errors=True)
