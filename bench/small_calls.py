#!/usr/bin/python3
"""How many small calls the server takes, and how long each: beside a server that does nothing.

    bench/small_calls.py --build build/release [--data DIRECTORY] [--rate 20000] [--seconds 5]

DIRECTORY is the data directory of a closed recountd with the project "figures" of bench/figures.py; it is
copied. Without one, --events are generated and loaded. Each question is asked one call after the other
(bench/call_latency.c), then at --rate and as fast as replies come by one thread over --connections with
--in-flight calls on each (bench/call_rush.c). The same against bench/call_echo.c, whose replies are as long:
what is left is the core's own. Processor time is of the server's and the client's process a call; both share
the machine.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys

import figures


def processor_us(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


class Echo:
    """The server that does nothing."""

    def __init__(self, options, method, size):
        self.process = subprocess.Popen([f"{options.build}/bench/call_echo", method, str(size)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def rush(options, server, method, request, rate):
    """A line of the table: the name of the rate is put before it."""
    before = processor_us(server.process.pid)
    run = subprocess.run([f"{options.build}/bench/call_rush", f"127.0.0.1:{server.port}", method,
                          str(options.connections), str(options.in_flight), str(options.seconds), str(rate)],
                         input=request.SerializeToString(), stdout=subprocess.PIPE, check=True)
    calls, a_second, median, p99, most, client = run.stdout.split()
    used = (processor_us(server.process.pid) - before) / int(calls)
    return (f"{int(a_second):,} | {int(median)} | {int(p99)} | {int(most)} | {used:.1f} | {float(client):.1f}")


def measure(options, name, server, stub, request, is_ours):
    """Calls one after the other, without the first thousand, and many at once. How long a reply is."""
    took_ms, replies = figures.calls(server, options, stub, request, 3000)
    took, replies = sorted(ms * 1000 for ms in took_ms[1000:]), replies[1000:]
    engine = f"{figures.engine_ms(stub, replies) * 1000:.0f}" if is_ours else ""
    print(f"| {name} | one at a time | | {took[len(took) // 2]:.0f} | {took[len(took) * 99 // 100]:.0f} | "
          f"{took[-1]:.0f} | | | {engine} |", flush=True)
    for rate in (options.rate, 0):
        how = f"{rate:,} a second" if rate else "as fast as replies come"
        print(f"| {name} | {how} | {rush(options, server, stub._method.decode(), request, rate)} | |", flush=True)
    return len(replies[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--data", help="of a closed server")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--work", default="/tmp/recount-small-calls")
    options = parser.parse_args()
    sys.path.insert(0, f"{options.build}/python")

    shutil.rmtree(options.work, ignore_errors=True)
    os.makedirs(options.work)
    if options.data:
        shutil.copytree(options.data, f"{options.work}/data")
    server = figures.Recount(options.build, f"{options.work}/data")
    try:
        server.start()
        if not options.data:
            archive = f"{options.work}/events.ndjson"
            subprocess.run([f"{options.build}/bin/recount", "generate", "-n", str(options.events), "-o", archive,
                            "--days", str(options.days), "--quiet"], check=True)
            figures.load(server, options, archive)
            figures.settle(server)
        asked = figures.questions(figures.Questions(server.channel, "figures"), options.days)
        print("| call | how | calls/s | median us | p99 | most | server us a call | client us a call | "
              "engine us |\n|---|---|---|---|---|---|---|---|---|")
        for name in ("count of a defined event in a week",):
            (stub, request), _ = asked[name]
            reply_bytes = measure(options, name, server, stub, request, True)
            echo = Echo(options, stub._method.decode(), reply_bytes)
            try:
                measure(options, "a server that does nothing", echo, stub, request, False)
            finally:
                echo.close()
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(options.work, ignore_errors=True)


if __name__ == "__main__":
    main()
