#!/usr/bin/python3
"""The figures of docs/benchmarks.md, taken through gRPC on a generated archive.

    bench/figures.py --build build/release --events 10000000 [--json FILE]

Generates the archive (kept in --work for the next run), starts recountd on a fresh data directory, loads
the archive with `recount load`, and asks each query as a client would: one call at a time over loopback.
Cold: right after the project's cached bitmaps were dropped by a restart (the file cache is warm). Warm: the
median of --repeat calls after the first. Nothing in the server caches results. Ends what it started.
"""

import argparse
import glob
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

DAY_MS = 86_400_000
START_MS = 1_735_689_600_000  # 2025-01-01, where `recount generate` begins.


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Recount:
    """A recountd of our own."""

    def __init__(self, build, data):
        self.build, self.data = build, data
        self.process = self.channel = None
        self.port = free_port()

    def start(self, *words):
        """Starts it (with more options) and waits until it answers; the seconds that took."""
        import grpc
        from recount.v1 import admin_pb2, admin_pb2_grpc

        begun = time.monotonic()
        self.process = subprocess.Popen(
            [f"{self.build}/bin/recountd", f"--listen=127.0.0.1:{self.port}", f"--data={self.data}", *words],
            stdin=subprocess.DEVNULL, stderr=open(f"{self.data}.log", "ab"))
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.port}",
            options=[("grpc.max_receive_message_length", 64 << 20),
                     ("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 50)])
        stub = admin_pb2_grpc.AdminServiceStub(self.channel)
        stub.GetStatistics(admin_pb2.GetStatisticsRequest(), wait_for_ready=True, timeout=600)
        return time.monotonic() - begun

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        self.channel.close()
        self.process.send_signal(how)
        self.process.wait()
        self.process = None

    def memory_bytes(self):
        """Resident memory of the process, mapped file pages included (PSS: a page counted once)."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as rollup:
            for line in rollup:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
        raise RuntimeError("no Pss line in smaps_rollup")


class Questions:
    """Builds requests; each method returns (stub method, request)."""

    def __init__(self, channel, project):
        from recount.v1 import (breakdown_pb2, calendar_pb2, funnel_pb2, predicate_pb2, query_pb2_grpc,
                                retention_pb2, scope_pb2, segment_pb2, segment_pb2_grpc, segment_rule_pb2,
                                selector_pb2, series_pb2, value_pb2)
        self.m = locals()
        self.stub = query_pb2_grpc.QueryServiceStub(channel)
        self.segments = segment_pb2_grpc.SegmentServiceStub(channel)
        self.project = f"projects/{project}"

    def value(self, value):
        v = self.m["value_pb2"].Value
        return v(string_value=value) if isinstance(value, str) else v(int_value=value)

    def leaf(self, name, **test):
        p = self.m["predicate_pb2"]
        v = self.m["value_pb2"]
        tests = {k: self.value(x) if k == "equals" else x for k, x in test.items()}
        return p.Predicate(leaf=p.Leaf(property=v.PropertyRef(event_property=name), **tests))

    def both(self, *parts):
        p = self.m["predicate_pb2"]
        return p.Predicate(all_of=p.PredicateList(predicates=parts))

    def selector(self, predicate):
        s = self.m["selector_pb2"]
        term = s.SelectorTerm(any_event=s.AnyEvent()) if predicate is None else s.SelectorTerm(predicate=predicate)
        return s.Selector(terms=[term])

    def user_leaf(self, name, value):
        p, v = self.m["predicate_pb2"], self.m["value_pb2"]
        return p.Leaf(property=v.PropertyRef(user_property=name), equals=self.value(value))

    def more_than(self, count, predicate):
        """The users with more than so many of these events in the week before as_of."""
        r = self.m["segment_rule_pb2"]
        return r.SegmentRule(behavior=r.Behavior(
            selector=self.selector(predicate), window=r.BehaviorWindow(prior_ms=7 * DAY_MS),
            comparison=r.Comparison(operation=r.COMPARISON_OPERATOR_GREATER, value=count)))

    def scope(self, first_day, days):
        s = self.m["scope_pb2"]
        c = self.m["calendar_pb2"]
        start = START_MS + first_day * DAY_MS
        return s.Scope(project=self.project,
                       range=c.TimeRange(start_ms=start, end_ms=start + days * DAY_MS))

    def bucket(self, unit):
        c = self.m["calendar_pb2"]
        return c.BucketSize(unit=getattr(c, f"TIME_UNIT_{unit}"))

    def series(self, predicate, days, unit="DAY", measure="EVENTS", by=None, first_day=0):
        s = self.m["series_pb2"]
        request = s.SeriesRequest(
            scope=self.scope(first_day, days), bucket=self.bucket(unit),
            series=[s.Series(selector=self.selector(predicate),
                             measure=getattr(s, f"SERIES_MEASURE_{measure}"))])
        if by:
            b, v = self.m["breakdown_pb2"], self.m["value_pb2"]
            request.breakdown.CopyFrom(b.Breakdown(
                dimensions=[b.BreakdownDimension(property=v.PropertyRef(event_property=by))]))
        return self.stub.Series, request

    def series_of_plan(self, predicate, days, plan):
        """The same, of the users with a plan."""
        r = self.m["segment_rule_pb2"]
        method, request = self.series(predicate, days)
        request.scope.segment.CopyFrom(r.SegmentFilter(rule=r.SegmentRule(user_property=self.user_leaf("plan", plan))))
        return method, request

    def prices(self, days):
        s = self.m["series_pb2"]
        stub, request = self.series(None, days)
        del request.series[:]
        for measure, percentile in (("MEAN", 0), ("MEDIAN", 0), ("PERCENTILE", 95)):
            request.series.add(selector=self.selector(None), property="price", percentile=percentile,
                               measure=getattr(s, f"SERIES_MEASURE_PROPERTY_{measure}"))
        return stub, request

    def price_histogram(self, days):
        s = self.m["series_pb2"]
        stub, request = self.series(None, days)
        request.series[0].property, request.series[0].histogram_bins = "price", 20
        request.series[0].measure = s.SERIES_MEASURE_PROPERTY_HISTOGRAM
        return stub, request

    def funnel(self, predicates, days, window_ms, by=None):
        f = self.m["funnel_pb2"]
        request = f.FunnelRequest(
            scope=self.scope(0, days), window_ms=window_ms,
            steps=[f.FunnelStep(selector=self.selector(p)) for p in predicates])
        if by:
            b, v = self.m["breakdown_pb2"], self.m["value_pb2"]
            request.breakdown.CopyFrom(b.Breakdown(
                dimensions=[b.BreakdownDimension(property=v.PropertyRef(event_property=by))]))
        return self.stub.Funnel, request

    def retention(self, start, back, days, periods):
        r = self.m["retention_pb2"]
        return self.stub.Retention, r.RetentionRequest(
            scope=self.scope(0, days), start_event=self.selector(start),
            return_event=self.selector(back), period=self.bucket("WEEK"), last_period=periods)

    def busy(self, often, *either, as_of_day):
        """How many users did one thing more than four times in the week before, and one of two others."""
        r, s, g = self.m["segment_rule_pb2"], self.m["scope_pb2"], self.m["segment_pb2"]
        some = r.SegmentRule(any_of=r.SegmentRuleList(rules=[self.more_than(0, one) for one in either]))
        rule = r.SegmentRule(all_of=r.SegmentRuleList(rules=[self.more_than(4, often), some]))
        return self.segments.CountSegment, g.CountSegmentRequest(
            scope=s.Scope(project=self.project, as_of_ms=START_MS + as_of_day * DAY_MS,
                          segment=r.SegmentFilter(rule=rule)))


def timed(method, request):
    begun = time.perf_counter()
    reply = method(request, timeout=120)
    return reply, (time.perf_counter() - begun) * 1000


def calls(server, options, method, request, count):
    """Each call's milliseconds as a client in C sees it (bench/call_latency.c: grpcio alone costs 0.3), and its reply, packed."""
    with tempfile.NamedTemporaryFile() as file:
        run = subprocess.run([f"{options.build}/bench/call_latency", f"127.0.0.1:{server.port}",
                              method._method.decode(), str(count), file.name],
                             input=request.SerializeToString(), stdout=subprocess.PIPE, check=True)
        packed = file.read()
    replies, at = [], 0
    while at < len(packed):
        end = at + 4 + int.from_bytes(packed[at:at + 4], "little")
        replies.append(packed[at + 4:end])
        at = end
    return [float(line) / 1000 for line in run.stdout.split()], replies


def latencies_ms(server, options, method, request, count):
    return calls(server, options, method, request, count)[0]


def engine_ms(method, replies):
    """The median of what the server says that calls took it, from their arrival to their reply."""
    return statistics.median(method._response_deserializer(reply).info.elapsed_micros for reply in replies) / 1000


def total_of(reply):
    return reply.series[0].rows[-1].total


def questions(ask, days):
    """By name: the call, and the milliseconds that are wanted of it when it is warm (None: it is to be watched)."""
    page = ask.leaf("type", equals="pageview")
    click = ask.leaf("type", equals="click")
    ten = ask.leaf("utm_medium", equals="social")  # 10.8 % of the events
    one = ask.both(click, ask.leaf("target_text", equals="Add to cart"))  # 0.9 %
    rare = ask.both(ask.leaf("type", equals="submit"), ask.leaf("path", equals="/checkout"))  # 0.2 %
    sign_up = ask.both(ask.leaf("type", equals="submit"), ask.leaf("path", equals="/signup"),
                       ask.leaf("target_text", equals="Sign up"))  # 0.03 %
    save = ask.both(click, ask.leaf("path", equals="/"), ask.leaf("target_text", equals="Save label"))  # 0.3 %
    fresh = ask.both(ask.leaf("element_chain", regex=r"button[^;]*\.(group|hero)[^;]*;.*(main|ul)\."),
                     ask.leaf("path", equals="/"), ask.leaf("target_text", equals="Save label"))
    signing = ask.both(page, ask.leaf("path", equals="/signup"))  # 1.7 %
    checkout = ask.both(page, ask.leaf("path", equals="/checkout"))  # 0.4 %
    pricing = ask.both(page, ask.leaf("path", equals="/pricing"))  # 0.6 %
    search = ask.both(page, ask.leaf("path", equals="/search"))  # 0.7 %
    return {
        "count step 1": (ask.series(ten, days), None),
        "count step 2": (ask.series(one, days), None),
        "count step 3": (ask.series(rare, days), None),
        "3-step funnel, 7 days": (ask.funnel([ten, one, rare], days, 7 * DAY_MS), 12),
        "3-step funnel of rare steps, 7 days": (ask.funnel([sign_up, one, rare], days, 7 * DAY_MS), 1.5),
        "5-step funnel by browser, 7 days":
            (ask.funnel([ten, signing, one, checkout, rare], days, 7 * DAY_MS, by="browser"), 25),
        "64-step funnel of the same three, 7 days": (ask.funnel(([ten, one, rare] * 22)[:64], days, 7 * DAY_MS), None),
        "new definition: regex on chain, equality on path and text; count and daily series": (ask.series(fresh, days), 1),
        "count of a defined event in a week": (ask.series(sign_up, 7, unit="WEEK", first_day=33), 0.1),
        "daily count of a rare event, users of one plan": (ask.series_of_plan(sign_up, days, "free"), 0.4),
        "weekly retention, sign-up to any page view, 8 weeks": (ask.retention(sign_up, page, days, 8), 2),
        "weekly retention, any page view to any page view, 8 weeks": (ask.retention(page, page, days, 8), 6),
        "segment: more than 4 of one click in a week and either of two pages":
            (ask.busy(save, pricing, search, as_of_day=60), 1),
        "daily counts by path, 30 days": (ask.series(None, 30, by="path"), 10),
        "count of events whose url contains a text": (ask.series(ask.leaf("url", contains="variant=9&"), days), None),
        "yearly counts by url (millions of values)": (ask.series(None, days, unit="YEAR", by="url"), None),
        "daily unique users, any event, 60 days": (ask.series(None, 60, measure="UNIQUE_USERS"), 9),
        "daily unique users, clicks, 60 days": (ask.series(click, 60, measure="UNIQUE_USERS"), 6),
        "mean, median and p95 of price per day, 30 days": (ask.prices(30), 4.5),
        "histogram of price per day, 30 days": (ask.price_histogram(30), 3.5),
    }


COLUMNS = ["type", "url", "path", "title", "price", "depth", "session", "browser", "browser_version", "os",
           "device", "screen", "city", "country", "language", "timezone", "experiment", "logged_in",
           "referrer", "target_text", "target_tag", "element_chain", "utm_source", "utm_medium",
           "utm_campaign"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--repeat", type=int, default=21)
    parser.add_argument("--work", default="/tmp/recount-figures")
    parser.add_argument("--archive", help="an archive of `recount generate` with --events events")
    parser.add_argument("--json")
    options = parser.parse_args()
    sys.path.insert(0, f"{options.build}/python")
    os.makedirs(options.work, exist_ok=True)
    archive = options.archive or f"{options.work}/events-{options.events}.ndjson"
    if not os.path.exists(archive):
        subprocess.run([f"{options.build}/bin/recount", "generate", "-n", str(options.events), "-o",
                        archive, "--days", str(options.days), "--quiet"], check=True)
    data = f"{options.work}/data"
    shutil.rmtree(data, ignore_errors=True)
    figures = {"events": options.events}
    server = Recount(options.build, data)
    try:
        server.start()
        figures["load"] = load(server, options, archive)
        settle(server)
        figures["queries"] = measure_queries(server, options)
        figures["memory"] = measure_memory(server, options)
        figures["restart"] = measure_restart(server, options)
    finally:
        server.stop(signal.SIGKILL)
    report(figures)
    if options.json:
        with open(options.json, "w") as out:
            json.dump(figures, out, indent=2)


def recount(server, options, *words):
    subprocess.run([f"{options.build}/bin/recount", *words], check=True, stdin=subprocess.DEVNULL,
                   env={**os.environ, "RECOUNT_SERVER": f"127.0.0.1:{server.port}",
                        "RECOUNT_PROJECT": "figures"})


def load(server, options, archive):
    begun = time.monotonic()
    recount(server, options, "load", archive, "--mapping", "recount", "--create-project", "--restart")
    seconds = time.monotonic() - begun
    return {"seconds": seconds, "events_per_second": getattr(options, "events", 0) / seconds,
            "memory_bytes_after": server.memory_bytes()}


def settle(server):
    """Waits until background merging has not changed the number of slabs for twelve seconds: one merge of many may take ten."""
    from recount.v1 import admin_pb2, admin_pb2_grpc
    stub = admin_pb2_grpc.AdminServiceStub(server.channel)
    last, since = None, time.monotonic()
    while time.monotonic() - since < 12:
        stats = stub.GetStatistics(admin_pb2.GetStatisticsRequest(project="projects/figures")).projects[0]
        now = (stats.slab_count, stats.head_event_count, stats.memory.slab_bytes)
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.5)


def measure_queries(server, options):
    rows = {}
    for name, (call, wanted_ms) in questions(Questions(server.channel, "figures"), options.days).items():
        method, request = call
        (first_ms, *runs), (_, *replies) = calls(server, options, method, request, 1 + options.repeat)
        reply = method._response_deserializer(replies[-1])
        rows[name] = {"first_ms": first_ms, "median_ms": statistics.median(runs), "least_ms": min(runs),
                      "engine_ms": engine_ms(method, replies), "wanted_ms": wanted_ms}
        if hasattr(reply, "series"):
            rows[name]["total"] = total_of(reply)
        elif hasattr(reply, "step_names"):
            rows[name]["total"] = list(reply.rows[-1].counts)
        elif hasattr(reply, "user_count"):
            rows[name]["total"] = reply.user_count
    return rows


def measure_memory(server, options):
    ask = Questions(server.channel, "figures")
    for column in COLUMNS:
        timed(*ask.series(None, options.days, unit="YEAR", by=column))
    at_once = server.memory_bytes()
    time.sleep(5)  # The allocator gives scratch back within a second or two.
    used = server.memory_bytes()
    return {"bytes_at_once": at_once, "bytes": used, "bytes_per_event": used / options.events}


def measure_restart(server, options):
    """Kills the server with about 64 MB of log that is in no snapshot, and times the next first answer."""
    from recount.v1 import admin_pb2, admin_pb2_grpc
    stub = admin_pb2_grpc.AdminServiceStub(server.channel)
    snapshot = stub.CreateSnapshot(admin_pb2.CreateSnapshotRequest(), timeout=600)
    disk = {kind: sum(os.path.getsize(path) for path in glob.glob(f"{server.data}/projects/*/{kind}-*"))
            for kind in ("slab", "state")}
    tail = f"{options.work}/tail.ndjson"
    subprocess.run([f"{options.build}/bin/recount", "generate", "-n", "400000", "-o", tail, "--seed", "7",
                    "--quiet"], check=True)
    recount(server, options, "load", tail, "--mapping", "recount", "--restart")
    stats = stub.GetStatistics(admin_pb2.GetStatisticsRequest()).server
    server.stop(signal.SIGKILL)
    first = server.start()
    method, request = Questions(server.channel, "figures").series(None, options.days)
    _, answer_ms = timed(method, request)
    return {"snapshot_seconds": snapshot.elapsed_micros / 1e6, "disk_bytes": disk, "log_bytes": stats.log_bytes,
            "seconds_to_ready": first, "seconds_to_first_answer": first + answer_ms / 1000}


def report(figures):
    print(f"\nevents: {figures['events']:,}")
    load_ = figures["load"]
    print(f"load: {load_['seconds']:.1f} s, {load_['events_per_second']:,.0f} events/s, durable")
    memory = figures["memory"]
    print(f"memory: {memory['bytes_per_event']:.1f} bytes an event 5 s after queries that read every column, "
          f"{memory['bytes_at_once'] / figures['events']:.1f} at once")
    restart = figures["restart"]
    disk = {kind: size / figures["events"] for kind, size in restart["disk_bytes"].items()}
    print(f"disk: {disk['slab']:.1f} bytes an event of slabs, {disk['state']:.1f} of state")
    print(f"restart after kill -9 with {restart['log_bytes'] / 1e6:.0f} MB of log: "
          f"{restart['seconds_to_first_answer']:.2f} s to the first answer")
    print("\n| query | first ms | median ms | engine ms | wanted ms | answer |\n|---|---|---|---|---|---|")
    for name, row in figures["queries"].items():
        print(f"| {name} | {row['first_ms']:.2f} | {row['median_ms']:.2f} | {row['engine_ms']:.2f} | "
              f"{row['wanted_ms'] or ''} | {row.get('total', '')} |")


if __name__ == "__main__":
    main()
