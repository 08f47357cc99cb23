#!/usr/bin/python3
"""Random worlds, random queries: the server must agree with the oracle in every storage state.

    run.py --server build/release/bin/recountd --python build/release/python --queries 5000
    --seed 7

Each world is a project of its own. Its rows arrive in six parts; after each, and after seals,
merges and restarts in between, new queries are asked, and a few standing ones are asked again and
again. A difference prints the world and the query with fewer rows, and writes them to a file for
--replay. Much of a group is waiting for its server to write and to start: --jobs takes several groups at
once, the same ones as without.
"""

import argparse
import copy
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "system")]

STATES = [
    "head",
    "slabs",
    "head over slabs",
    "more slabs",
    "merged",
    "restarted",
    "deleted",
    "purged",
    "recovered",
    "kept after recovery",
    "cold",
]
KINDS = [
    "correlation",
    "entity_list",
    "events",
    "experiment",
    "funnel",
    "lifecycle",
    "overlap",
    "paths",
    "preview",
    "properties",
    "retention",
    "segment",
    "series",
    "sessions",
    "stickiness",
    "suggest",
    "user_list",
    "values",
]
STANDING = 3
PROGRESS_SECONDS = 60
# Entries of a dictionary, by server: so few that a world fills them at once, and as they are (0).
DICTIONARIES = [3, 8, 0, 1]
# Events of a window beyond which it is divided, by two servers: some, and none at all (0).
WINDOW_ROWS = [10, 0, 80]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default=os.environ.get("RECOUNTD"), help="path of recountd")
    parser.add_argument(
        "--python",
        default=os.environ.get("RECOUNT_PYTHON"),
        help="folder of the contract's modules",
    )
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kind", choices=KINDS, help="only queries of this kind")
    parser.add_argument("--worlds-at-once", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=1, help="this many processes, each with its server")
    parser.add_argument(
        "--differences-max", type=int, default=5, help="stop after this many (of a process)"
    )
    parser.add_argument(
        "--head-rows-max", type=int, default=48, help="of every second server; 0: never small"
    )
    parser.add_argument(
        "--dictionary-entries-max", type=int, default=None, help="of every server; 0: its own"
    )
    parser.add_argument(
        "--plans", action="store_true", help="run every query in every way that plans.py knows"
    )
    parser.add_argument(
        "--way", action="append", help="ask every query in this way of plans.py too"
    )
    parser.add_argument("--no-minimise", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="no coverage table")
    parser.add_argument("--replay", help="a file that an earlier run wrote")
    return parser.parse_args()


class Campaign:
    def __init__(self, options):
        self.options = options
        self.asked = 0
        self.differing = 0
        self.coverage = {}
        self.of_state = dict.fromkeys(STATES, 0)
        self.slabs_max = 0
        self.cold_max = 0
        self.entries_max = 0
        self.followed = {}
        self.seed = (
            options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
        )

    def over(self):
        return self.asked >= self.options.queries or self.differing >= self.options.differences_max

    def run(self, first=0, step=1):
        """Groups first, first + step and so on."""
        number, told = first, time.monotonic()
        while not self.over():
            rng = random.Random(f"{self.seed}/{number}")
            settings = {}
            if number % 2 and self.options.head_rows_max:
                settings["head-rows-max"] = self.options.head_rows_max
            bound = WINDOW_ROWS[number // 2 % len(WINDOW_ROWS)]
            if bound:
                settings["window-rows-max"] = bound
            if number % 3 == 1:
                # On disk from the first snapshot on, and next to nothing of it kept in memory.
                settings |= {"cold-after": "1ms", "cold-cache-bytes": "64k"}
            self.entries_max = self.options.dictionary_entries_max
            if self.entries_max is None:
                self.entries_max = DICTIONARIES[number % len(DICTIONARIES)]
            settings["dictionary-entries-max"] = self.entries_max
            with Server(self.options.server, settings) as server:
                self.run_group(server, rng, number)
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                print(
                    f"group {number}: {self.asked} queries, {self.differing} differences", flush=True
                )
            number += step

    def run_beside(self, jobs):
        """The same groups dealt to processes, each of which asks its share of the queries."""
        share = copy.copy(self.options)
        share.seed, share.queries = self.seed, -(-self.options.queries // jobs)
        parts = []
        for first in range(jobs):
            ours, theirs = multiprocessing.Pipe(duplex=False)
            process = multiprocessing.Process(target=run_part, args=(share, first, jobs, theirs))
            process.start()
            theirs.close()
            parts.append((process, ours))
        for process, ours in parts:
            try:
                self.add(*ours.recv())
            except EOFError:
                self.differing += 1
                print(f"DIFFERENCE: a process ended: {process.name}")
            process.join()

    def add(self, part, listed):
        self.asked += part.asked
        self.differing += part.differing
        self.slabs_max = max(self.slabs_max, part.slabs_max)
        self.cold_max = max(self.cold_max, part.cold_max)
        for state, count in part.of_state.items():
            self.of_state[state] += count
        for tag, counts in part.coverage.items():
            of_tag = self.coverage.setdefault(tag, dict.fromkeys(STATES, 0))
            for state, count in counts.items():
                of_tag[state] += count
        for way, counts in part.followed.items():
            of_way = self.followed.setdefault(way, [0, 0])
            self.followed[way] = [of_way[0] + counts[0], of_way[1] + counts[1]]
        for kind, count in listed.items():
            cells.TALLY[kind] = cells.TALLY.get(kind, 0) + count

    def run_group(self, server, rng, number):
        group = Group(self, server, rng, number)
        try:
            group.run()
        except (ServerDied, grpc.RpcError, TimeoutError) as error:
            group.difference(f"group {number}: {type(error).__name__}: {error}")

    def count(self, query, state, rows):
        self.asked += 1
        self.of_state[state] += 1
        found = tags(query) | data_tags(rows) | text_tags(query, rows, self.entries_max)
        for tag in found:
            self.coverage.setdefault(tag, dict.fromkeys(STATES, 0))[state] += 1

    def ways(self, rng):
        """Ways in which a query is run besides its own."""
        if self.options.plans:
            return list(plans.WAYS)
        if self.options.way:
            return self.options.way
        return [rng.choice(list(plans.WAYS))] if rng.random() < 0.5 else []

    def count_ways(self, ways):
        for way, followed in ways:
            self.followed.setdefault(way, [0, 0])[0 if followed else 1] += 1

    def report(self):
        if self.of_state["cold"] and self.cold_max == 0:
            self.differing += 1
            print("DIFFERENCE: nothing was cold")
        if not self.options.quiet:
            width = max(map(len, self.coverage), default=0)
            heads = [state[:9] for state in STATES]
            print(f"{'queries with':{width}}  " + " ".join(f"{head:>9}" for head in heads))
            for tag, counts in sorted(self.coverage.items()):
                print(f"{tag:{width}}  " + " ".join(f"{counts[state]:9}" for state in STATES))
            print("plans forced: followed, refused")
            for way, (followed, refused) in sorted(self.followed.items()):
                print(f"  {way:20} {followed:6} {refused:6}")
        print(
            "by state: "
            + ", ".join(f"{state} {count}" for state, count in self.of_state.items())
            + f"; most slabs of a project: {self.slabs_max}, cold {self.cold_max}"
        )
        listed = ", ".join(f"{kind} {count}" for kind, count in sorted(cells.TALLY.items()))
        print(f"cells whose users were listed: {listed or 'none'}")
        print(f"seed {self.seed}: {self.asked} queries, {self.differing} differences")


def run_part(options, first, step, out):
    campaign = Campaign(options)
    campaign.run(first, step)
    out.send((campaign, cells.TALLY))


class Group:
    """Some worlds that go through all states on one server."""

    def __init__(self, campaign, server, rng, number):
        self.campaign = campaign
        self.server = server
        self.rng = rng
        self.number = number
        self.client = Client(server)
        self.projects = []
        self.minimised = 0

    def run(self):
        for index in range(self.campaign.options.worlds_at_once):
            world = make_world(self.rng, make_predicate, make_rule, make_list)
            project = Project(self.client, f"w{self.number}-{index}", world)
            project.parts = self.cut(world["rows"])
            project.standing = make_queries(self.rng, world, STANDING, self.campaign.options.kind)
            project.define()
            self.projects.append(project)
        self.states()

    def cut(self, rows):
        """Six parts; the first is the largest."""
        at = (
            sorted(self.rng.randrange(len(rows) // 3, len(rows) + 1) for _ in range(5))
            if rows
            else [0] * 5
        )
        return [rows[a:b] for a, b in zip([0] + at, at + [len(rows)])]

    def states(self):
        self.ingest(0)
        self.ask("head")
        self.client.snapshot()
        self.crash()
        self.ask("slabs")
        self.ingest(1)
        self.ask("head over slabs")
        self.redefine()
        self.stop()
        self.ask("more slabs")
        for part in (2, 3):
            self.ingest(part)
            self.client.snapshot()
            self.crash()
        self.settle()
        self.ask("merged")
        self.stop()
        self.ask("restarted")
        self.delete()
        self.ask("deleted")
        self.client.purge()
        self.ask("purged")
        self.ingest(4)
        self.crash()
        self.ask("recovered")
        self.ingest(5)
        self.client.snapshot()
        self.crash()
        self.ask("kept after recovery")
        self.server.settings["cold-after"] = "1ms"
        self.stop()
        self.ask("cold")

    def stop(self):
        """An orderly end (which takes a snapshot) and a new start: what was a head is a slab."""
        status = self.server.stop()
        if status != 0:
            self.difference(f"SIGTERM: recountd ended with {status}\n{self.server.log_end()}")
        self.restart()

    def crash(self):
        self.server.kill()
        self.restart()

    def restart(self):
        self.server.start()
        self.client.connect()

    def ingest(self, part):
        for project in self.projects:
            if project.parts[part]:
                project.ingest(project.parts[part], self.rng)
            self.faults(project, f"ingestion of part {part}")

    def delete(self):
        """Some users go; later rows may bring them back as new ones."""
        for project in self.projects:
            for _ in range(self.rng.randrange(3)):
                users = sorted(project.data.parent)
                if users:
                    project.delete(self.rng.choice(users))
            self.faults(project, "deletion")

    def redefine(self):
        for project in self.projects:
            if self.rng.random() < 0.5:
                # Only plain leaves: a new predicate must not name a definition that names this one.
                project.redefine(
                    "d1", make_predicate(self.rng, dict(project.world, definitions={}))
                )

    def settle(self):
        """Waits until the number of slabs has stopped to change: merging runs in the background."""
        before, same = None, 0
        for _ in range(50):
            now = [self.client.statistics(project.name).slab_count for project in self.projects]
            same = same + 1 if now == before else 0
            if same == 3:
                return
            before = now
            time.sleep(0.1)

    def ask(self, state):
        for project in self.projects:
            events = len(project.data.events)
            statistics = self.client.statistics(project.name)
            counted = statistics.event_count
            self.campaign.slabs_max = max(self.campaign.slabs_max, statistics.slab_count)
            self.campaign.cold_max = max(self.campaign.cold_max, statistics.cold_slab_count)
            if events != counted:
                self.difference(
                    f"{project.name}, {state}: {events} events, statistics say {counted}"
                )
            usable = dict(project.world, rows=project.applied)
            queries = list(project.standing)
            queries += make_queries(self.rng, usable, 7, self.campaign.options.kind)
            for query in queries:
                if self.campaign.over():
                    return
                self.one_query(project, query, state)
            self.faults(project, state)

    def one_query(self, project, query, state):
        if query["kind"] == "events" and query["user"] not in {
            row.get("user") for row in project.applied
        }:
            return  # A standing query about a user who has not arrived yet.
        expected = evaluate(query, project.data)
        self.campaign.count(query, state, project.applied)
        found = project.differ(query, expected)
        if found:
            self.explain(project, query, state, found)
            return
        ways = []
        for way in self.campaign.ways(self.rng):
            found = project.differ(query, expected, way, ways)
            if found:
                self.explain(project, query, f"{state}, {way}", found)
                break
        self.campaign.count_ways(ways)

    def faults(self, project, where):
        for fault in project.faults:
            self.difference(f"{project.name}, {where}: {fault}")
        project.faults = []

    def difference(self, text):
        self.campaign.differing += 1
        print(
            f"DIFFERENCE {self.campaign.differing} (seed {self.campaign.seed}): {text}", flush=True
        )

    def explain(self, project, query, state, found):
        self.difference(
            f"{project.name} ({project.world['theme']}), {state}\n  " + "\n  ".join(found[:12])
        )
        rows, how = project.applied, None
        world = dict(project.world, definitions=project.data.definitions)
        if not self.campaign.options.no_minimise:
            self.minimised += 1
            how, rows = minimise(
                self.client, world, query, rows, f"m{self.number}-{self.minimised}"
            )
            print(
                f"  {len(project.applied)} rows, {len(rows)} are enough "
                f"{how or '(not found in a fresh project: the way matters)'}"
            )
        case = {
            "query": query,
            "rows": rows,
            "definitions": project.data.definitions,
            "segments": project.data.segments,
            "settings": self.server.settings,
        }
        path = os.path.join(
            tempfile.gettempdir(),
            f"recount-difference-{self.campaign.seed}-{self.number}-{self.campaign.differing}.json",
        )
        with open(path, "w", encoding="utf-8") as out:
            json.dump(case, out, ensure_ascii=False, indent=1)
        print(f"  query: {json.dumps(query, ensure_ascii=False)}")
        print(f"  definitions: {json.dumps(project.data.definitions, ensure_ascii=False)}")
        print(f"  segments: {json.dumps(project.data.segments, ensure_ascii=False)}")
        for row in rows[:40]:
            print(f"  row: {json.dumps(row, ensure_ascii=False)}")
        print(f"  again: run.py --replay {path}", flush=True)


def replay(options):
    with open(options.replay, encoding="utf-8") as file:
        case = json.load(file)
    case["theme"] = "replay"
    with Server(options.server, case.get("settings")) as server:
        client = Client(server)
        failed = 0
        for number in (1, 2):
            project = Project(client, f"replay-{number}", case)
            project.define()
            if case["rows"]:
                project.ingest(case["rows"], random.Random(number))
            if number == 2:
                client.snapshot()
            expected = evaluate(case["query"], project.data)
            found = project.differ(case["query"], expected) + project.faults
            print(
                f"{'after a snapshot' if number == 2 else 'in the head'}: {len(found)} differences"
            )
            print("  oracle: " + json.dumps(expected, ensure_ascii=False))
            for one in found:
                print("  " + one)
            failed += bool(found)
        return failed


if __name__ == "__main__":
    chosen = arguments()
    if chosen.python:
        sys.path.insert(0, chosen.python)
    import grpc
    import plans
    from client import Client, Project
    from evaluator import evaluate
    import cells
    from generator import make_world
    from minimise import minimise
    from queries import data_tags, make_list, make_predicate, make_queries, make_rule, tags, text_tags
    from server import Server, ServerDied

    if chosen.replay:
        sys.exit(1 if replay(chosen) else 0)
    campaign = Campaign(chosen)
    print(f"seed {campaign.seed}", flush=True)
    if chosen.jobs > 1:
        campaign.run_beside(chosen.jobs)
    else:
        campaign.run()
    campaign.report()
    sys.exit(1 if campaign.differing else 0)
