#!/usr/bin/python3
"""A real server over a directory whose log is gone, or its end: it does not start, says what is the
matter, and a repair says what would be lost and carries it out. A restored backup starts.
"""

import os
import shutil
import subprocess
import sys
import unittest

from harness import options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

from columnar import columnar
from ingest import ingest_all
from server import Server
from recount.v1 import admin_pb2, admin_pb2_grpc, project_pb2, project_pb2_grpc

SETTINGS = {"wal-file-bytes": 262144, "snapshot-interval": 0}
PROJECT = "projects/shop"
ROWS = 200
START = 1_700_000_000_000


def batch(number):
    return columnar(
        [
            {
                "kind": "event",
                "user": f"u{row % 17}",
                "time": START + number * 1000 + row,
                "id": f"e{number}-{row}",
                "properties": {"text": f"{number}-{row} " + "x" * 40},
            }
            for row in range(ROWS)
        ]
    )


class LostLog(unittest.TestCase):
    def setUp(self):
        self.server = Server(OPTIONS.server, dict(SETTINGS))
        self.backups = os.path.join(self.server.folder, "backups")
        os.mkdir(self.backups)
        self.server.settings["backup-directory"] = self.backups
        self.data = os.path.join(self.server.folder, "data")
        self.wal = os.path.join(self.data, "wal")
        self.server.start()
        project_pb2_grpc.ProjectServiceStub(self.server.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="shop"), timeout=60
        )
        self.sent = 0
        self.send(10)
        admin_pb2_grpc.AdminServiceStub(self.server.channel).CreateBackup(
            admin_pb2.CreateBackupRequest(backup_id="one"), timeout=60
        )
        self.kept = self.sent
        self.send(40)

    def tearDown(self):
        self.server.close()

    def send(self, count):
        first = self.sent + 1
        batches = [batch(number) for number in range(first, first + count)]
        ingest_all(self.server.channel, PROJECT, "s", batches, first)
        self.sent += count

    def expect(self, batches):
        reply = admin_pb2_grpc.AdminServiceStub(self.server.channel).GetStatistics(
            admin_pb2.GetStatisticsRequest(project=PROJECT), timeout=60
        )
        self.assertEqual(reply.projects[0].event_count, batches * ROWS)

    def run_server(self, *arguments):
        """A recountd that ends by itself: its status, and what it says."""
        done = subprocess.run(
            [self.server.program, "--listen=127.0.0.1:0", f"--data={self.data}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout

    def expect_stopped(self, words):
        status, text = self.run_server()
        self.assertEqual(status, 1, text)
        self.assertIn(words, text)
        self.assertIn("recountd --repair", text)
        status, text = self.run_server(f"--check={self.data}")
        self.assertEqual(status, 1, text)
        status, text = self.run_server(f"--repair={self.data}")
        self.assertEqual(status, 1, text)
        self.assertIn("damage: ", text)
        self.assertIn("nothing was changed", text)
        return text

    def live_files(self):
        return sorted(name for name in os.listdir(self.wal) if name.startswith("wal-"))

    def test_newest_file(self):
        self.server.kill()
        names = self.live_files()
        self.assertGreater(len(names), 2)
        aside = os.path.join(self.server.folder, "aside")
        stopped = 0
        for name in names:
            os.rename(os.path.join(self.wal, name), aside)
            with open(aside, "rb") as file:
                used = file.read(32)[24:32] != bytes(8)
            if used:
                self.expect_stopped("log")
                stopped += 1
            os.rename(aside, os.path.join(self.wal, name))
        self.assertGreater(stopped, 1)
        self.server.start()
        self.expect(self.sent)
        self.assertEqual(self.server.stop(), 0)
        status, text = self.run_server(f"--check={self.data}")
        self.assertEqual(status, 0, text)

    def test_whole_folder(self):
        self.server.kill()
        shutil.rmtree(self.wal)
        text = self.expect_stopped("is missing")
        self.assertIn("nobody can count", text)
        status, text = self.run_server(f"--repair={self.data}", "--yes")
        self.assertEqual(status, 0, text)
        self.server.start()
        self.expect(self.kept)
        self.sent = self.kept
        self.send(3)
        self.server.kill()
        self.server.start()
        self.expect(self.sent)

    def test_restored_backup(self):
        self.server.kill()
        shutil.rmtree(self.data)
        status, text = self.run_server(f"--restore={os.path.join(self.backups, 'one')}")
        self.assertEqual(status, 0, text)
        for _ in range(2):
            self.server.start()
            self.expect(self.kept)
            self.server.kill()


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
