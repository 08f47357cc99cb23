#!/usr/bin/python3
"""What an operator does: check, backup, restore, repair, and a disk that is full and has room again."""

import errno
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from recountd import Server, admin_pb2, details_of, grpc, project_pb2


def recountd(*flags):
    """Runs recountd on a directory instead of serving; (exit status, what it printed)."""
    done = subprocess.run([os.environ["RECOUNTD"], *flags], capture_output=True, text=True, timeout=120,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def lines_of(number, rows, width=10):
    return ['{"user":"u%d","time":%d,"id":"%d-%d","properties":{"t":"%s"}}'
            % (row % 50, row, number, row, ("%d-%d-" % (number, row)).ljust(width, "x"))
            for row in range(rows)]


def create(server, project="p"):
    server.projects.CreateProject(project_pb2.CreateProjectRequest(project_id=project), timeout=30)


def event_count(server, project="p"):
    reply = server.admin.GetStatistics(
        admin_pb2.GetStatisticsRequest(project="projects/" + project), timeout=30)
    return reply.projects[0].event_count


class Upkeep(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="recount-upkeep-")

    def tearDown(self):
        shutil.rmtree(self.place, ignore_errors=True)

    def refused(self, code, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        return caught.exception

    def test_a_snapshot_that_is_asked_for_again(self):
        server = Server()
        try:
            create(server)

            def snapshot(request_id):
                return server.admin.CreateSnapshot(
                    admin_pb2.CreateSnapshotRequest(request_id=request_id), timeout=60)

            def made():
                return server.admin.GetStatistics(admin_pb2.GetStatisticsRequest(), timeout=30).server.snapshot_count

            server.ingest_lines("p", "s", 1, lines_of(1, 200))
            first = snapshot("a")
            server.ingest_lines("p", "s", 2, lines_of(2, 200))
            self.assertEqual(snapshot("a"), first)
            self.assertEqual(made(), 1)
            second = snapshot("b")
            self.assertGreater(second.durable_position, first.durable_position)
            self.assertEqual(snapshot("a"), first)
            self.assertEqual(made(), 2)
            for _ in range(2):  # Without an id each is one of its own.
                snapshot("")
            self.assertEqual(made(), 4)
            for number in range(64):
                snapshot("n-%d" % number)
            self.assertEqual(snapshot("n-0").elapsed_micros, snapshot("n-0").elapsed_micros)
            self.assertEqual(made(), 68)
            snapshot("b")  # Forgotten.
            self.assertEqual(made(), 69)
            error = self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: snapshot("x" * 129))
            self.assertIn("request_id", str(details_of(error)))
        finally:
            server.stop()

    def test_check_backup_and_restore(self):
        backups = os.path.join(self.place, "backups")
        os.mkdir(backups)
        server = Server("--backup-directory=" + backups)
        try:
            create(server)
            for number in range(1, 6):
                server.ingest_lines("p", "s", number, lines_of(number, 200))
            server.ingest_lines("p", "s", 6, lines_of(1, 200))  # Replaces those of the first batch.
            checked = server.admin.Check(admin_pb2.CheckRequest(), timeout=60)
            self.assertEqual(checked.problem_count, 0)
            self.assertEqual(len(checked.findings), 0)
            self.assertEqual(checked.checked_projects, 1)
            self.assertGreaterEqual(checked.checked_events, 1000)
            self.assertEqual(checked.checked_users, 50)
            one = server.admin.Check(admin_pb2.CheckRequest(parent="projects/p"), timeout=60)
            self.assertEqual(one.checked_users, 50)
            self.refused(grpc.StatusCode.NOT_FOUND,
                         lambda: server.admin.Check(admin_pb2.CheckRequest(parent="projects/none"), timeout=60))

            def back_up(name, copy=False):
                return server.admin.CreateBackup(
                    admin_pb2.CreateBackupRequest(backup_id=name, copy=copy), timeout=60)

            made = back_up("2026-11-22")
            self.assertEqual(made.directory, os.path.join(backups, "2026-11-22"))
            self.assertGreaterEqual(made.file_count, 3)
            copied = back_up("copied", copy=True)
            self.assertEqual(copied.copied_bytes, copied.file_bytes)
            self.refused(grpc.StatusCode.ALREADY_EXISTS, lambda: back_up("copied"))
            for bad in ("", "../x", "a/b", ".hidden", "x" * 65, "A"):
                error = self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda bad=bad: back_up(bad))
                self.assertEqual(details_of(error)["BadRequest"].field_violations[0].field, "backup_id")
            server.ingest_lines("p", "s", 7, lines_of(7, 300))
            self.assertEqual(event_count(server), 1300)
        finally:
            server.close()

        for name in ("2026-11-22", "copied"):
            code, said = recountd("--check", os.path.join(backups, name))
            self.assertEqual(code, 0, said)
            restored = os.path.join(self.place, "restored-" + name)
            os.mkdir(restored)
            data = os.path.join(restored, "data")
            code, said = recountd("--restore", os.path.join(backups, name), "--data", data)
            self.assertEqual(code, 0, said)
            self.assertIn("restored", said)
            again, said = recountd("--restore", os.path.join(backups, name), "--data", data)
            self.assertEqual(again, 2)
            self.assertIn("not empty", said)
            server = Server(data=restored)
            try:
                self.assertEqual(event_count(server), 1000)
                server.ingest_lines("p", "s", 7, lines_of(7, 300))
                self.assertEqual(event_count(server), 1300)
                self.assertEqual(server.stop(signal.SIGKILL), -signal.SIGKILL)
                server.start()
                self.assertEqual(event_count(server), 1300)
            finally:
                server.close()

    def test_no_backups_without_the_setting(self):
        server = Server()
        try:
            error = self.refused(
                grpc.StatusCode.UNIMPLEMENTED,
                lambda: server.admin.CreateBackup(admin_pb2.CreateBackupRequest(backup_id="x"), timeout=30))
            self.assertIn("backup-directory", error.details())
        finally:
            server.close()

    def test_damage_and_repair(self):
        server = Server()
        data = os.path.join(server.data, "data")
        try:
            create(server)
            for number in range(1, 9):
                server.ingest_lines("p", "s", number, lines_of(number, 100))
            self.assertEqual(recountd("--check", data)[0], 2)  # Somebody uses it.
            server.stop(signal.SIGKILL)
            self.assertEqual(recountd("--check", data)[0], 0)
            name = [one for one in os.listdir(os.path.join(data, "wal")) if one.startswith("wal-")][0]
            path = os.path.join(data, "wal", name)
            with open(path, "r+b") as log:
                place = log.read().index(b"5-50-xxxx")
                log.seek(place)
                log.write(b"Q")
            code, said = recountd("--check", data)
            self.assertEqual(code, 1)
            self.assertIn(name, said)
            self.assertIn("offset", said)
            with self.assertRaises(RuntimeError) as caught:
                server.start()
            self.assertIn(name, str(caught.exception))
            self.assertIn("recountd --repair", str(caught.exception))
            self.assertEqual(server.process.wait(30), 1)
            code, said = recountd("--repair", data)
            self.assertEqual(code, 1)
            self.assertIn("lost: 4 records, of which 1 cannot be read", said)
            self.assertIn("project p: 3 batches with 300 events", said)
            self.assertIn("nothing was changed", said)
            code, said = recountd("--repair", data, "--yes")
            self.assertEqual(code, 0, said)
            self.assertIn("repaired", said)
            aside = [one for one in os.listdir(os.path.join(data, "wal")) if one.startswith("damaged-")]
            self.assertEqual(len(aside), 1)
            code, said = recountd("--check", data)
            self.assertEqual(code, 0, said)
            self.assertIn("set aside by a repair", said)
            server.start()
            self.assertEqual(event_count(server), 400)
            for number in range(5, 9):
                server.ingest_lines("p", "s", number, lines_of(number, 100))
            self.assertEqual(event_count(server), 800)
            server.stop(signal.SIGKILL)
            server.start()
            self.assertEqual(event_count(server), 800)
        finally:
            server.close()

    def test_a_damaged_slab_stops_the_start(self):
        server = Server()
        data = os.path.join(server.data, "data")
        try:
            create(server)
            server.ingest_lines("p", "s", 1, lines_of(1, 2000))
            server.stop()
            (project,) = os.listdir(os.path.join(data, "projects"))
            folder = os.path.join(data, "projects", project)
            slab = sorted(one for one in os.listdir(folder) if one.startswith("slab-"))[0]
            path = os.path.join(folder, slab)
            for place in (100, os.path.getsize(path) // 2, os.path.getsize(path) - 70):
                with open(path, "r+b") as file:
                    file.seek(place)
                    byte = file.read(1)
                    file.seek(place)
                    file.write(bytes([byte[0] ^ 4]))
                with self.assertRaises(RuntimeError) as caught:
                    server.start()
                self.assertIn(slab, str(caught.exception))
                code, said = recountd("--check", data)
                self.assertEqual(code, 1)
                self.assertIn(slab, said)
                with open(path, "r+b") as file:
                    file.seek(place)
                    file.write(byte)
            server.start()
            self.assertEqual(event_count(server), 2000)
        finally:
            server.close()


class FullDisk(unittest.TestCase):
    """A file system of 64 MiB of its own."""

    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="recount-full-")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", self.place],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            os.rmdir(self.place)
            self.skipTest("no file system can be mounted here")

    def tearDown(self):
        subprocess.run(["umount", self.place], check=True)
        os.rmdir(self.place)

    def fill(self, path):
        """Takes what room there is."""
        with open(path, "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)

    def test_ingestion_is_refused_and_resumes(self):
        filler = os.path.join(self.place, "filler")
        with open(filler, "wb") as file:
            file.write(bytes(40 << 20))
        server = Server("--wal-file-bytes=1m", "--snapshot-interval=0", data=self.place)
        try:
            create(server)
            number = 0
            refusal = None
            while refusal is None and number < 400:
                number += 1
                try:
                    server.ingest_lines("p", "s", number, lines_of(number, 500, 100))
                except grpc.RpcError as error:
                    refusal = error
            self.assertEqual(refusal.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, refusal.details())
            self.assertEqual(details_of(refusal)["ErrorInfo"].reason, "DISK_FULL")
            for _ in range(3):  # It stays so, and questions are answered.
                with self.assertRaises(grpc.RpcError) as caught:
                    server.ingest_lines("p", "s", number, lines_of(number, 500, 100))
                self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                self.assertEqual(event_count(server), (number - 1) * 500)
            self.fill(os.path.join(self.place, "more"))
            with self.assertRaises(grpc.RpcError) as caught:
                server.admin.CreateSnapshot(admin_pb2.CreateSnapshotRequest(), timeout=60)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            figures = server.admin.GetStatistics(admin_pb2.GetStatisticsRequest(), timeout=30).server
            self.assertGreaterEqual(figures.snapshot_failures, 1)
            self.assertIn("No space left", figures.snapshot_error)
            self.assertEqual(event_count(server), (number - 1) * 500)
            os.remove(filler)  # Now there is room, and nobody is told.
            os.remove(os.path.join(self.place, "more"))
            server.ingest_lines("p", "s", number, lines_of(number, 500, 100))
            self.assertEqual(event_count(server), number * 500)
            server.admin.CreateSnapshot(admin_pb2.CreateSnapshotRequest(), timeout=60)
            figures = server.admin.GetStatistics(admin_pb2.GetStatisticsRequest(), timeout=30).server
            self.assertEqual(figures.snapshot_failures, 0)
            server.stop(signal.SIGKILL)
            server.start()
            self.assertEqual(event_count(server), number * 500)
        finally:
            server.stop()
            server.log.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
