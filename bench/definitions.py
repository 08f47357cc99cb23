#!/usr/bin/python3
"""The figures of definitions: new ones, many at once, eager ones beside ingestion, their bytes.

    bench/definitions.py --build build/release --archive events-10000000.ndjson [--json FILE]

Loads the archive into a recountd of its own (or starts one on --data, a directory that was loaded before),
makes definitions as a product team would from what the archive holds, and asks as a client would. The
definitions are drawn with --seed; each matches 1.1 of a thousand events on average. Ends what it started.
"""

import argparse
import collections
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures  # noqa: E402

EVENTS_SAMPLED = 30_000
SHARE = 0.0011  # Of all events that a definition matches, on average.
DAYS = 90


class Sample:
    """Distinct (type, path, text, chain) of the archive's first events, with how often each came."""

    def __init__(self, archive):
        self.rows = collections.Counter()
        with open(archive) as lines:
            for line in lines:
                event = json.loads(line).get("properties")
                if event:
                    self.rows[(event["type"], event.get("path", ""), event.get("target_text"),
                               event.get("element_chain"))] += 1
                if self.rows.total() >= EVENTS_SAMPLED:
                    break
        self.total = self.rows.total()
        self.actions = [row for row in self.rows if row[3] and row[2]]
        self.weights = [self.rows[row] for row in self.actions]

    def share(self, tests):
        """The share of events that pass all tests: (field, kind, operand)."""
        passes = [(FIELDS.index(field), test_of(kind, operand)) for field, kind, operand in tests]
        hits = sum(count for row, count in self.rows.items()
                   if all(row[at] is not None and test(row[at]) for at, test in passes))
        return hits / self.total


FIELDS = ["type", "path", "target_text", "element_chain"]


def test_of(kind, operand):
    if kind == "equals":
        return lambda text: text == operand
    if kind == "like":
        whole = re.compile(".*".join(re.escape(part) for part in operand.split("%")) + r"\Z", re.S)
        return lambda text: whole.match(text) is not None
    return lambda text, found=re.compile(operand).search: found(text) is not None


def chain_pattern(draw, chain):
    """A regular expression as people write them for a click: the element, then something around it."""
    elements = chain.split(";")
    own = re.match(r"[a-z0-9]+(?:\.[A-Za-z0-9_-]+)?", elements[0]).group(0)
    names = [name for element in elements[1:5] for name in re.findall(r"[.#][A-Za-z0-9_-]+", element)]
    around = draw.choice(names) if names else "html"
    shape = draw.randrange(3)
    if shape == 0:
        return f"^{re.escape(own)}[^;]*;.*{re.escape(around)}"
    if shape == 1:
        return f"{re.escape(own)}([.:#\\[][^;]*)?;.*({re.escape(around)}|#never-there)"
    return f"(^|;){re.escape(own)}.*{re.escape(around)}[^;]*;"


def path_like(draw, path):
    parts = path.strip("/").split("/")
    if len(parts) > 1 and draw.random() < 0.7:
        return f"/{parts[0]}/%"
    return path if draw.random() < 0.5 else path[:max(2, len(path) - 2)] + "%"


def candidate(draw, sample):
    kind, path, text, chain = draw.choices(sample.actions, sample.weights)[0]
    pattern = ("element_chain", "regex", chain_pattern(draw, chain))
    like = ("path", "like", path_like(draw, path))
    same = ("target_text", "equals", text)
    shape = draw.random()
    if shape < 0.5:
        return [pattern, like, same]
    if shape < 0.7:
        return [pattern, like]
    if shape < 0.85:
        return [pattern, same]
    return [("type", "equals", kind), like, same]


def generate(sample, count, seed):
    """count different definitions; their mean share stays next to SHARE."""
    draw = random.Random(seed)
    found, seen, total = [], set(), 0.0
    while len(found) < count:
        tests = candidate(draw, sample)
        if str(tests) in seen:
            continue
        share = sample.share(tests)
        if share == 0 or share > 0.03 or (share > SHARE) == (total > SHARE * len(found)):
            continue
        seen.add(str(tests))
        found.append(tests)
        total += share
    return found


def predicate_of(ask, tests):
    return ask.both(*[ask.leaf(field, **{kind: operand}) for field, kind, operand in tests])


class Desk:
    """What a client needs to work with definitions of one project."""

    def __init__(self, server):
        from recount.v1 import admin_pb2, admin_pb2_grpc, definition_pb2, definition_pb2_grpc
        self.server, self.admin_pb2, self.definition_pb2 = server, admin_pb2, definition_pb2
        self.ask = figures.Questions(server.channel, "figures")
        self.definitions = definition_pb2_grpc.DefinitionServiceStub(server.channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(server.channel)

    def statistics(self):
        request = self.admin_pb2.GetStatisticsRequest(project="projects/figures")
        return self.admin.GetStatistics(request, timeout=60).projects[0]

    def log_syncs(self):
        return self.admin.GetStatistics(self.admin_pb2.GetStatisticsRequest(), timeout=60).server.log_syncs

    def create(self, prefix, all_tests, mode="LAZY"):
        d = self.definition_pb2
        names = []
        for number, tests in enumerate(all_tests):
            name = f"{prefix}-{number}"
            self.definitions.CreateDefinition(d.CreateDefinitionRequest(
                parent="projects/figures", definition_id=name,
                definition=d.Definition(predicate=predicate_of(self.ask, tests),
                                        index_mode=getattr(d, f"INDEX_MODE_{mode}"))), timeout=60)
            names.append(f"projects/figures/definitions/{name}")
        return names

    def build(self, names):
        request = self.definition_pb2.BuildDefinitionsRequest(parent="projects/figures", names=names)
        before = cpu_ms(self.server)
        begun = time.monotonic()
        reply = self.definitions.BuildDefinitions(request, timeout=600)
        return {"seconds": time.monotonic() - begun, "cpu_ms": cpu_ms(self.server) - before,
                "bitmaps": reply.bitmaps_computed,
                "mean_events": statistics.mean(c.event_count for c in reply.counts)}


def cpu_ms(server):
    """Processor time of the server so far."""
    with open(f"/proc/{server.process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def measure_first(desk, options, all_tests):
    """Each definition's daily series, once and five times again."""
    firsts, agains = [], []
    for tests in all_tests:
        method, request = desk.ask.series(predicate_of(desk.ask, tests), DAYS)
        first, *again = figures.latencies_ms(desk.server, options, method, request, 6)
        firsts.append(first)
        agains.append(statistics.median(again))
    return {"count": len(firsts), "first_ms": statistics.median(firsts), "first_least_ms": min(firsts),
            "again_ms": statistics.median(agains), "again_least_ms": min(agains)}


def measure_bytes(desk, names):
    built = desk.build(names)
    memory = desk.statistics()
    events = memory.event_count
    return {**built, "share_permille": 1000 * built["mean_events"] / events,
            "bytes_per_event": (memory.memory.bitmap_bytes - memory.memory.test_bytes) / events,
            "test_bytes_per_event": memory.memory.test_bytes / events}


def measure_ingestion(options, all_tests, mode):
    """Processor time of the server for an archive's beginning, until nothing is left to do."""
    data = f"{options.work}/ingest"
    shutil.rmtree(data, ignore_errors=True)
    part = f"{options.work}/part-{options.ingest}.ndjson"
    if not os.path.exists(part):
        with open(part, "wb") as out:
            subprocess.run(["head", "-n", str(options.ingest), options.archive], stdout=out, check=True)
    server = figures.Recount(options.build, data)
    try:
        server.start()
        figures.recount(server, options, "project", "create", "figures")
        desk = Desk(server)
        desk.create("d", all_tests if mode == "EAGER" else [], mode)
        before = cpu_ms(server)
        figures.recount(server, options, "load", part, "--mapping", "recount", "--restart")
        figures.settle(server)
        return cpu_ms(server) - before
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(data, ignore_errors=True)


def measure_kept(options, all_tests, count):
    """Memory of definitions that nobody asks for."""
    data = f"{options.work}/kept"
    shutil.rmtree(data, ignore_errors=True)
    server = figures.Recount(options.build, data)
    try:
        server.start()
        figures.recount(server, options, "project", "create", "figures")
        desk = Desk(server)
        desk.create("warm", all_tests[:100])
        resident, counted = server.memory_bytes(), desk.statistics().memory.total_bytes
        desk.create("kept", (all_tests * (count // len(all_tests) + 1))[:count])
        time.sleep(3)
        busy = cpu_ms(server)
        time.sleep(5)
        return {"count": count, "counted_bytes": (desk.statistics().memory.total_bytes - counted) / count,
                "resident_bytes": (server.memory_bytes() - resident) / count,
                "idle_ms_a_second": (cpu_ms(server) - busy) / 5}
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(data, ignore_errors=True)


def many_of(desk, sample, count, draw):
    """Requests for so many definitions of one project: a selector, a text and a path, all different."""
    d, ask = desk.definition_pb2, desk.ask
    requests = []
    for number, (_, path, text, chain) in enumerate(draw.choices(sample.actions, sample.weights, k=count)):
        own = re.match(r"[a-z0-9]+(?:\.[A-Za-z0-9_-]+)?", chain).group(0)
        tests = [("path", "like", path_like(draw, path)), ("target_text", "equals", f"{text[:20]} {number}")]
        predicate = predicate_of(ask, tests)
        leaf = predicate.all_of.predicates.add().leaf
        leaf.property.event_property, leaf.css_selector = "element_chain", f"{own}[data-n=\"{number % 9}\"]"
        requests.append(d.CreateDefinitionRequest(
            definition_id=f"clicked-{draw.getrandbits(40):010x}-{number}", definition=d.Definition(predicate=predicate)))
    return requests


def create_many(desk, project, requests):
    """Creates them a thousand at a time; returns the seconds that the calls took."""
    seconds = 0
    for first in range(0, len(requests), 1000):
        request = desk.definition_pb2.BatchCreateDefinitionsRequest(
            parent=f"projects/{project}", requests=requests[first:first + 1000])
        begun = time.monotonic()
        desk.definitions.BatchCreateDefinitions(request, timeout=60)
        seconds += time.monotonic() - begun
    return seconds


def measure_calls(desk, project, names, draw, times=300):
    """Medians of what people do with one of many, in milliseconds."""
    d, stub = desk.definition_pb2, desk.definitions
    parent = f"projects/{project}"
    chosen = draw.sample(names, times)

    def median_ms(call):
        taken = []
        for name in chosen:
            begun = time.monotonic()
            call(name)
            taken.append(1000 * (time.monotonic() - begun))
        return statistics.median(taken)

    one = stub.GetDefinition(d.GetDefinitionRequest(name=f"{parent}/definitions/{chosen[0]}")).definition
    return {
        "get_ms": median_ms(lambda name: stub.GetDefinition(
            d.GetDefinitionRequest(name=f"{parent}/definitions/{name}"))),
        "page_ms": median_ms(lambda name: stub.ListDefinitions(
            d.ListDefinitionsRequest(parent=parent, id_prefix=name[:10]))),
        "create_ms": median_ms(lambda name: stub.CreateDefinition(d.CreateDefinitionRequest(
            parent=parent, definition_id=f"one-{name}", definition=d.Definition(predicate=one.predicate)))),
        "delete_ms": median_ms(lambda name: stub.DeleteDefinition(
            d.DeleteDefinitionRequest(name=f"{parent}/definitions/one-{name}"))),
    }


def measure_many(options, sample):
    """Many definitions over many projects and in one: making them, their memory, snapshot, start, calls."""
    data = f"{options.work}/many"
    shutil.rmtree(data, ignore_errors=True)
    draw = random.Random(options.seed)
    server = figures.Recount(options.build, data)
    found = {"projects": options.many_projects, "each": options.many_each, "large": options.many_large}
    try:
        server.start()
        from recount.v1 import project_pb2, project_pb2_grpc
        projects = project_pb2_grpc.ProjectServiceStub(server.channel)
        for project in [f"p{number}" for number in range(options.many_projects)] + ["large"]:
            projects.CreateProject(project_pb2.CreateProjectRequest(project_id=project), timeout=60)
        desk = Desk(server)
        empty = server.memory_bytes()
        seconds, each = 0, many_of(desk, sample, options.many_each, draw)
        for number in range(options.many_projects):
            seconds += create_many(desk, f"p{number}", each)
        names = []
        large_seconds = 0
        for first in range(0, options.many_large, 50_000):  # So many at a time in this process.
            requests = many_of(desk, sample, min(50_000, options.many_large - first), draw)
            large_seconds += create_many(desk, "large", requests)
            names += [request.definition_id for request in requests]
        count = options.many_projects * options.many_each + options.many_large
        found.update(count=count, created_per_second=options.many_projects * options.many_each / seconds,
                     created_large_per_second=options.many_large / large_seconds,
                     text_bytes=statistics.mean(len(request.definition_id) + request.definition.predicate.ByteSize()
                                                for request in each))
        time.sleep(3)
        found["resident_bytes"] = (server.memory_bytes() - empty) / count
        found["calls"] = measure_calls(desk, "large", names, draw)
        begun = time.monotonic()
        desk.admin.CreateSnapshot(desk.admin_pb2.CreateSnapshotRequest(), timeout=600)
        found["snapshot_seconds"] = time.monotonic() - begun
        server.stop(signal.SIGTERM)
        found["stored_bytes"] = sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in
                                    os.walk(f"{data}/projects") for name in names) / count
        begun = time.monotonic()
        server.start()
        found["start_seconds"] = time.monotonic() - begun
        time.sleep(3)
        found["resident_after_start_bytes"] = (server.memory_bytes() - empty) / count
        busy = cpu_ms(server)
        time.sleep(5)
        found["idle_ms_a_second"] = (cpu_ms(server) - busy) / 5
        return found
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(data, ignore_errors=True)


def create_beside(desk, prefix, clients, count):
    """Creates so many definitions, one a call, with so many calls under way at any time."""
    d, ask = desk.definition_pb2, desk.ask
    predicate = ask.leaf("path", like="/cart/%")
    under_way = collections.deque()
    before, syncs, begun = cpu_ms(desk.server), desk.log_syncs(), time.monotonic()
    for number in range(count):
        if len(under_way) == clients:
            under_way.popleft().result()
        under_way.append(desk.definitions.CreateDefinition.future(d.CreateDefinitionRequest(
            parent="projects/figures", definition_id=f"{prefix}-{number}",
            definition=d.Definition(predicate=predicate)), timeout=60))
    while under_way:
        under_way.popleft().result()
    seconds = time.monotonic() - begun
    return {"clients": clients, "count": count, "a_second": count / seconds,
            "calls_a_sync": count / max(1, desk.log_syncs() - syncs),
            "cpu_us": 1000 * (cpu_ms(desk.server) - before) / count}


def measure_beside(options):
    """Single creates by one client, and by many at once."""
    data = f"{options.work}/beside"
    shutil.rmtree(data, ignore_errors=True)
    server = figures.Recount(options.build, data)
    try:
        server.start()
        figures.recount(server, options, "project", "create", "figures")
        desk = Desk(server)
        create_beside(desk, "warm", 1, 200)
        return [create_beside(desk, f"c{clients}", clients, 200 * min(clients, 20)) for clients in (1, 8, 32)]
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(data, ignore_errors=True)


def report_many(many):
    calls = many["calls"]
    print(f"| {many['count']:,} definitions: {many['each']:,} in each of {many['projects']:,} projects, and "
          f"{many['large']:,} in one | {many['created_per_second']:,.0f} and {many['created_large_per_second']:,.0f} "
          f"a second created; {many['resident_bytes']:.0f} bytes resident each, "
          f"{many['resident_after_start_bytes']:.0f} after a start; snapshot {many['snapshot_seconds']:.1f} s, "
          f"{many['stored_bytes']:.0f} bytes each; start {many['start_seconds']:.1f} s; "
          f"{many['idle_ms_a_second']:.1f} ms of processor time a second |")
    print(f"| one of {many['large']:,}, with the call, ms | get {calls['get_ms']:.2f}, list by prefix "
          f"{calls['page_ms']:.2f}, create {calls['create_ms']:.2f}, delete {calls['delete_ms']:.2f} |")


def report(found):
    print("\n| figure | reached |\n|---|---|")
    if "first" in found:
        first = found["first"]
        print(f"| new definition, daily series, median of {first['count']}, ms | {first['first_ms']:.2f} first "
              f"(least {first['first_least_ms']:.2f}), {first['again_ms']:.2f} again |")
    for count in (100, 1000):
        if f"build_{count}" in found:
            built = found[f"build_{count}"]
            print(f"| {count} definitions built together | {built['seconds']:.2f} s, {built['cpu_ms']:.0f} ms of "
                  f"processor time, {built['bytes_per_event']:.2f} bytes an event in all (and {built['test_bytes_per_event']:.2f} "
                  f"of tests of strings), each "
                  f"{built['share_permille']:.2f} of a thousand events |")
    if "ingestion" in found:
        one = found["ingestion"]
        print(f"| ingestion with {one['definitions']} eager definitions | {one['ratio']:.3f} times the processor time "
              f"({one['none_ms']:.0f} and {one['eager_ms']:.0f} ms for {one['events']:,} events) |")
    for one in found.get("beside", ()):
        print(f"| single creates by {one['clients']} clients | {one['a_second']:,.0f} a second, "
              f"{one['calls_a_sync']:.1f} a sync of the log, {one['cpu_us']:.0f} us of processor time each |")
    if "many" in found:
        report_many(found["many"])
    if "kept" in found:
        kept = found["kept"]
        print(f"| a definition that nobody asks for | {kept['counted_bytes']:.0f} bytes counted, "
              f"{kept['resident_bytes']:.0f} resident ({kept['count']:,}); {kept['idle_ms_a_second']:.1f} ms of processor "
              f"time a second |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--archive", required=True, help="an archive of `recount generate`")
    parser.add_argument("--data", help="a data directory with the archive in project figures; it is copied")
    parser.add_argument("--work", default="/tmp/recount-definitions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ingest", type=int, default=10_000_000, help="events of the ingestion figure")
    parser.add_argument("--kept", type=int, default=20_000, help="definitions of the memory figure")
    parser.add_argument("--many-projects", type=int, default=4_000, help="projects of the figure of many")
    parser.add_argument("--many-each", type=int, default=2_500, help="definitions in each of them")
    parser.add_argument("--many-large", type=int, default=990_000, help="definitions of a project beside them")
    parser.add_argument("--only", default="first,build,ingestion,kept", help="of these, many and beside")
    parser.add_argument("--json")
    options = parser.parse_args()
    sys.path.insert(0, f"{options.build}/python")
    os.makedirs(options.work, exist_ok=True)
    wanted = options.only.split(",")
    sample = Sample(options.archive)
    thousand = generate(sample, 1000, options.seed) if set(wanted) - {"many", "beside"} else []
    found = {"seed": options.seed}
    if "first" in wanted or "build" in wanted:
        measure_queries(options, sample, thousand, wanted, found)
    if "ingestion" in wanted:
        none_ms = measure_ingestion(options, thousand, "LAZY")
        eager_ms = measure_ingestion(options, thousand, "EAGER")
        found["ingestion"] = {"definitions": len(thousand), "events": options.ingest, "none_ms": none_ms,
                              "eager_ms": eager_ms, "ratio": eager_ms / none_ms}
    if "kept" in wanted:
        found["kept"] = measure_kept(options, thousand, options.kept)
    if "beside" in wanted:
        found["beside"] = measure_beside(options)
    if "many" in wanted:
        found["many"] = measure_many(options, sample)
    report(found)
    if options.json:
        with open(options.json, "w") as out:
            json.dump(found, out, indent=2)


def measure_queries(options, sample, thousand, wanted, found):
    data = f"{options.work}/data"
    shutil.rmtree(data, ignore_errors=True)
    if options.data:
        shutil.copytree(options.data, data)
    server = figures.Recount(options.build, data)
    try:
        server.start()
        if not options.data:
            figures.load(server, options, options.archive)
            figures.settle(server)
        if "first" in wanted:
            # As the figure has it: an expression on the chain, LIKE on the path, equality on the text.
            shaped = [tests for tests in generate(sample, 120, options.seed + 1)
                      if [kind for _, kind, _ in tests] == ["regex", "like", "equals"]][:40]
            found["first"] = measure_first(Desk(server), options, shaped)
        for count, prefix in ((100, "h"), (1000, "t")) if "build" in wanted else ():
            server.stop(signal.SIGTERM)  # The cache of bitmaps begins empty.
            server.start()
            desk = Desk(server)
            names = desk.create(prefix, thousand[:count])
            found[f"build_{count}"] = measure_bytes(desk, names)
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
