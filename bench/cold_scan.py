#!/usr/bin/python3
"""How fast windows that are on disk only are scanned.

    bench/cold_scan.py --build build/release --data DIRECTORY [--from-disk]

DIRECTORY is the data directory of a closed recountd with the project "figures" of bench/figures.py; its
files are linked into --work, and not changed. The server starts with every window cold and keeps nothing of
what it reads, so each question reads its columns from the files again: from the system's file cache, or with
--from-disk, which has the cache forget these files before each, from the disk. Prints for each question the bytes that were read and verified, the time to
the answer, and how fast that is, by the clock and by the server's processor time. Wanted: 1 GB/s, or the
disk's speed, over all.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys

import figures


# Millions of values: what takes long is not the scan.
MANY_VALUES = ("url", "session")


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forget(directory):
    """Has the system drop what it caches of the files below."""
    for path, _, names in os.walk(directory):
        for name in names:
            with open(f"{path}/{name}", "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--data", required=True, help="of a closed server")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", default="/tmp/recount-cold")
    parser.add_argument("--from-disk", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, f"{options.build}/python")
    from recount.v1 import admin_pb2, admin_pb2_grpc

    shutil.rmtree(options.work, ignore_errors=True)
    os.makedirs(options.work)
    subprocess.run(["cp", "-rl", options.data, f"{options.work}/data"], check=True)
    # What a server writes into: the log, its mark and the lock are copies.
    for name in ("wal", "MARK", "LOCK"):
        path = f"{options.work}/data/{name}"
        subprocess.run(["rm", "-rf", path], check=True)
        subprocess.run(["cp", "-r", f"{options.data}/{name}", path], check=True)
    os.environ |= {"RECOUNT_COLD_AFTER": "1ms", "RECOUNT_COLD_CACHE_BYTES": "1"}
    server = figures.Recount(options.build, f"{options.work}/data")
    try:
        server.start()
        figures.settle(server)
        admin = admin_pb2_grpc.AdminServiceStub(server.channel)
        ask = figures.Questions(server.channel, "figures")

        def read_bytes():
            reply = admin.GetStatistics(admin_pb2.GetStatisticsRequest(), timeout=60)
            return reply.server.cold_read_bytes

        asked = {f"by {column}": ask.series(None, options.days, unit="YEAR", by=column)
                 for column in figures.COLUMNS if column not in MANY_VALUES}
        asked["unique users"] = ask.series(None, options.days, unit="YEAR", measure="UNIQUE_USERS")
        print("| question | MB read | ms | GB/s | GB/s of processor time |\n|---|---|---|---|---|")
        totals = [0, 0.0, 0.0]
        for name, (method, request) in asked.items():
            best = None
            for _ in range(options.rounds):
                if options.from_disk:
                    forget(f"{options.work}/data/projects")
                before, used = read_bytes(), processor_seconds(server.process.pid)
                _, ms = figures.timed(method, request)
                one = (ms / 1e3, processor_seconds(server.process.pid) - used, read_bytes() - before)
                best = one if best is None or one < best else best
            seconds, processor, size = best
            totals = [totals[0] + size, totals[1] + seconds, totals[2] + processor]
            print(f"| {name} | {size / 1e6:.1f} | {seconds * 1e3:.1f} | {size / seconds / 1e9:.2f} | "
                  f"{size / max(processor, 0.01) / 1e9:.2f} |", flush=True)
        size, seconds, processor = totals
        print(f"| all | {size / 1e6:.1f} | {seconds * 1e3:.1f} | {size / seconds / 1e9:.2f} | "
              f"{size / max(processor, 0.01) / 1e9:.2f} |")
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(options.work, ignore_errors=True)


if __name__ == "__main__":
    main()
