#!/usr/bin/env python3
"""The recount command against a real server: answers counted by hand, exit codes, output for programs,
and loads that are killed again and again and still end with every row exactly once.
"""

import csv
import io
import json
import os
import random
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from harness import options, run_unittests  # noqa: E402

OPTIONS = options(
    __doc__,
    (["--recount"], {"default": os.environ.get("RECOUNT"), "help": "path of recount"}),
    (["--seed"], {"type": int, "default": int(time.time()), "help": "moments of the kills"}),
)

from server import Server  # noqa: E402

SERVER = None
DAY = 86400000
START = 1735689600000  # 2025-01-01T00:00:00Z


MAPPING_WITHOUT_IDS = """
[source]
format = ndjson

[event]
user = user
time = time
properties = properties

[time]
unit = ms

[user]
when = set
properties = set
"""


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server).start()


def tearDownModule():
    SERVER.close()


def start_recount(*words):
    environment = dict(os.environ, RECOUNT_SERVER=SERVER.address, LC_ALL="C.UTF-8")
    environment.pop("RECOUNT_PROJECT", None)
    return subprocess.Popen(
        [OPTIONS.recount, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def recount(*words, code=0):
    """Runs the command; returns what it printed to standard output and to standard error."""
    process = start_recount(*words)
    out, err = process.communicate(timeout=120)
    if process.returncode != code:
        raise AssertionError(f"{words} ended with {process.returncode}\n{out}\n{err}")
    return out, err


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def path(name):
    return os.path.join(SERVER.folder, name)


def write_archive(name, lines):
    with open(path(name), "w", encoding="utf-8") as file:
        for line in lines:
            file.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
    return path(name)


def event(user, day, event_id, **properties):
    return {"user": user, "time": START + day * DAY, "id": event_id, "properties": properties}


class Shop(unittest.TestCase):
    """Three users: a views, adds and buys; b views and adds; c views."""

    @classmethod
    def setUpClass(cls):
        cls.archive = write_archive(
            "shop.ndjson",
            [
                event("a", 0, "1", type="view", path="/p/1", city="Köln"),
                event("a", 1, "2", type="add", path="/p/1", price=5),
                event("a", 2, "3", type="buy", price=5),
                event("b", 0, "4", type="view", path="/p/2", city="京都"),
                event("b", 8, "5", type="add", price=2.5),
                "this is no JSON",
                event("c", 9, "6", type="view", path="/about"),
                {"user": "a", "time": START, "set": {"plan": "paid"}},
                {"time": START, "properties": {"type": "view"}},
            ],
        )
        cls.summary = recount("load", cls.archive)[1]
        recount("define", "viewed", "type = view")
        recount("define", "added", "type = add")

    def test_rejects_are_counted_and_written(self):
        self.assertIn("7 rows", self.summary)
        self.assertIn("2 rejected", self.summary)
        with open(self.archive + ".rejects", encoding="utf-8") as file:
            lines = [line.rstrip("\n").split("\t") for line in file]
        self.assertEqual([line[1] for line in lines], ["6", "9"])
        self.assertEqual(lines[0][3], "this is no JSON")

    def test_a_budget_of_rejects(self):
        other = write_archive("bad.ndjson", ["no", event("z", 0, "1"), "no"])
        words = ["load", other, "--project", "budget", "--create-project"]
        recount(*words, "--max-rejects", "1", code=1)
        recount(*words, "--max-rejects", "2", "--restart")

    def test_accounts_of_an_archive(self):
        lines = [
            {"account_key": "company", "account": "acme", "time": START, "set": {"plan": "pro"}},
            {"account_key": "company", "account": 7, "time": START, "set": {"plan": "free"}},
            {"account_key": "company", "account": "x" * 600, "time": START, "set": {"plan": "x"}},
            event("a", 0, "1", company="acme"),
            event("b", 0, "2", company="acme"),
            event("c", 0, "3", company=7),
        ]
        archive = write_archive("accounts.ndjson", lines)
        summary = recount("load", archive, "--project", "accounts", "--create-project")[1]
        self.assertIn("5 rows", summary)
        self.assertIn("1 rejected", summary)
        out, _ = recount("query", "series", "any", "--total", "--by", "account.company.plan",
                         "--project", "accounts", "--csv")
        found = [(row["row"], row["value"]) for row in rows(out)]
        self.assertEqual(found, [("pro", "2"), ("free", "1"), ("total", "3")])

    def test_a_missing_project_leaves_nothing_behind(self):
        other = write_archive("nowhere.ndjson", [event("z", 0, "1")])
        words = ["load", other, "--project", "nowhere"]
        before = set(os.listdir(os.path.dirname(other)))
        for _ in range(2):  # The second one is told the same, and nothing of an unfinished load.
            recount(*words, code=4)
            self.assertEqual(set(os.listdir(os.path.dirname(other))), before)
        self.assertIn("1 rows", recount(*words, "--create-project")[1])

    def test_funnel(self):
        out, _ = recount("query", "funnel", "viewed", "added", "type = buy", "--csv")
        self.assertEqual([row["count"] for row in rows(out)], ["3", "2", "1"])
        self.assertEqual(rows(out)[1]["median_seconds_from_previous"], str((86400 + 8 * 86400) // 2))
        out, _ = recount("query", "funnel", "viewed", "added", "--window", "7d", "--json")
        self.assertEqual(json.loads(out)["rows"][0]["counts"], [3, 1])

        days = ["--from", "2025-01-01", "--to", "2025-01-11", "--over-time", "2 days", "--json"]
        out, _ = recount("query", "funnel", "viewed", "added", *days)
        self.assertEqual([bucket["rows"][-1]["counts"] for bucket in json.loads(out)["buckets"]],
                         [[2, 2], [0, 0], [0, 0], [0, 0], [1, 0]])

    def test_funnel_options(self):
        out, _ = recount("query", "funnel", "viewed", "added", "type = buy", "--csv", "--order",
                         "unordered", "--totals", code=3)
        for options in (
            ["--step-window", "2=7d", "--optional", "2", "--same-day"],
            ["--exclude", "type = refund", "--exclude", "1-2: type = refund", "--exclude-attempts"],
            ["--hold", "city", "--hold", "city@1,2", "--reuse-event"],
            ["--totals", "--over-time", "day", "--histogram", "3"],
            ["--by", "city", "--by-count", "any", "--at", "2", "--top", "3"],
        ):
            with self.subTest(options=options):
                out, _ = recount("query", "funnel", "viewed", "added", "type = buy", *options)
                self.assertIn("added", out)
        out, _ = recount("query", "funnel", "viewed", "added", "--over-time", "day", "--csv")
        self.assertTrue(out.startswith("bucket,start_ms,row,step"))
        for options in (["--optional", "9"], ["--at", "nowhere"], ["--hold", "city@7"]):
            with self.subTest(options=options):
                recount("query", "funnel", "viewed", "added", "type = buy", *options, code=2)

    def test_funnel_by_a_property(self):
        out, _ = recount("query", "funnel", "viewed", "added", "--by", "city", "--csv")
        first = {row["row"]: row["count"] for row in rows(out) if row["step"] == "1"}
        self.assertEqual(first, {"Köln": "1", "京都": "1", "(not set)": "1", "total": "3"})

    def test_series(self):
        out, _ = recount(
            "query", "series", "any", "--unit", "day", "--from", "2025-01-01", "--to", "2025-01-11",
            "--measure", "users", "--csv",
        )
        self.assertEqual(
            [row["value"] for row in rows(out)],
            ["2", "1", "1", "0", "0", "0", "0", "0", "1", "1", "3"],
        )

    def test_series_of_several_measures(self):
        span = ["--unit", "day", "--from", "2025-01-01", "--to", "2025-01-03", "--csv"]
        out, _ = recount(
            "query", "series", "any", "any", "-m", "events", "-m", "users", "--formula", "A / B",
            "--compare", "previous", *span,
        )
        of_range = [row for row in rows(out) if row["bucket"] == "range"]
        numbers = [float(row["value"]) for row in of_range]
        self.assertEqual(numbers[2], numbers[0] / numbers[1])
        self.assertEqual([row["compared_value"] for row in of_range], ["0", "0", ""])
        out, _ = recount("query", "series", "--by", "city", "--by-count", "any", "--total", *span[2:])
        self.assertIn(", ", rows(out)[0]["row"])
        out, _ = recount("query", "series", "-m", "rolling", "--days", "1", *span)
        self.assertEqual([row["bucket"] for row in rows(out)][-1], "range")
        out, _ = recount("query", "series", "--by", "city", "--columns", "type", "--total", *span[2:])
        cells = {(row["row"], row["column"]): row["value"] for row in rows(out)}
        self.assertEqual(cells["total", ""], cells["total", "total"])
        self.assertEqual(cells["(not set)", ""], cells["(not set)", "total"])
        self.assertEqual(sum(int(value) for (_, column), value in cells.items()
                             if column not in ("", "total")), 2 * int(cells["total", ""]))
        drawn, _ = recount("query", "series", "--by", "city", "--columns", "type", "--columns-top", "1",
                           "--total", *span[2:-1])
        self.assertRegex(drawn, r"(?m)^ +\S+ +\(other\) +total *$")
        recount("query", "series", "--columns", "type", *span, code=3)
        recount("query", "series", "--formula", "A +", *span, code=3)
        recount("query", "series", "--compare", "tomorrow", *span, code=2)

    def test_retention(self):
        out, _ = recount(
            "query", "retention", "viewed", "any", "--unit", "week", "--cohorts", "first-in-range",
            "--from", "2024-12-30", "--to", "2025-01-13", "--as-of", "2025-01-10", "--csv",
        )
        cells = {(r["cohort"], r["first_period"]): (r["users"], r["state"]) for r in rows(out)}
        self.assertEqual(cells["2024-12-30", "0"], ("1", "elapsed"))
        self.assertEqual(cells["2024-12-30", "1"], ("1", "begun"))
        self.assertEqual(cells["2025-01-06", "1"], ("", "not_begun"))

        span = ["--unit", "day", "--from", "2025-01-01", "--to", "2025-01-04", "--csv"]
        out, _ = recount(
            "query", "retention", "any", "--rolling", "--brackets", "0,1-2", "--at-least", "1",
            "--sum", "price", "--by", "user.plan", "--in-range", *span,
        )
        self.assertEqual({(r["first_period"], r["last_period"]) for r in rows(out)},
                         {("0", "0"), ("1", "2")})
        of_two = ["--unit", "2 days", *span[2:], "--last", "1"]
        found = rows(recount("query", "retention", "any", *of_two)[0])
        self.assertEqual([(row["cohort"], row["size"]) for row in found],
                         [("2025-01-01", "2"), ("2025-01-01", "2"), ("2025-01-03", "1"), ("2025-01-03", "1")])
        recount("query", "retention", "any", "--brackets", "1-", *span, code=2)
        recount("query", "retention", "any", "--same-value", *span, code=3)

    def test_lifecycle_and_stickiness(self):
        days = ["--unit", "day", "--from", "2025-01-01", "--to", "2025-01-04", "--csv"]
        found = rows(recount("query", "lifecycle", *days)[0])
        self.assertEqual([row["new"] for row in found], ["2", "0", "0"])
        self.assertEqual([row["returning"] for row in found], ["0", "1", "1"])
        self.assertEqual([row["dormant"] for row in found], ["0", "1", "0"])
        found = rows(recount("query", "stickiness", "any", *days, "--at-least", "--compare", "3 days")[0])
        self.assertEqual([row["users"] for row in found], ["2", "1", "1"])
        self.assertEqual([row["compared_users"] for row in found], ["0", "0", "0"])
        recount("query", "lifecycle", "any", "any", code=2)
        recount("query", "stickiness", "--min-events", "0", code=2)
        recount("query", "stickiness", "--compare", "1 eon", code=2)

    def test_experiment_and_correlation(self):
        span = ["--from", "2025-01-01", "--to", "2025-01-04", "--csv"]
        found = rows(recount("query", "experiment", "any", "any", "--variant", "user.plan", *span)[0])
        self.assertEqual(found[0]["is_control"], "true")
        self.assertEqual({row["is_control"] for row in found[1:]} - {"false"}, set())
        recount("query", "experiment", "any", "--mean", "any", "--variant", "user.plan", *span)
        recount("query", "experiment", "any", "--variant", "user.plan", *span, code=2)
        recount("query", "experiment", "any", "any", *span, code=2)
        recount("query", "experiment", "any", "any", "--variant", "user.plan", "--control", "nobody's", *span, code=4)
        found = rows(recount("query", "correlation", "any", "--converted", "count(any) >= 2", "--property", "user.plan", *span)[0])
        self.assertIn("any event", {row["candidate"] for row in found})
        recount("query", "correlation", "any", *span, code=2)
        recount("query", "correlation", "--converted", "count(any) >= 2", *span, code=2)
        recount("query", "correlation", "any", "--converted", "count(any) >= 2", "--step", "any", *span, code=2)
        recount("query", "correlation", "any", "--converted", "count(any) >= 2", "--window", "1d", *span, code=2)

    def test_correlation_by_steps(self):
        span = ["--from", "2025-01-01", "--to", "2025-01-05"]
        asked = ["query", "correlation", "type = buy", "--property", "type", *span, "--json"]

        def counts(*words):
            found = json.loads(recount(*asked, *words)[0])
            return found["users"], found["converted_users"]

        funnel = ["query", "funnel", *span, "--json"]
        for entity in ([], ["--entity", "path"]):
            for window in ([], ["--window", "1h"]):
                steps = json.loads(recount(*funnel, "viewed", "added", *entity, *window)[0])["rows"][0]["counts"]
                self.assertEqual(counts("--step", "viewed", "--step", "added", *entity, *window), tuple(steps))
        self.assertEqual(counts("--step", "added")[0], 3)  # One step: of everybody who is known.

    def test_sessions_and_paths(self):
        words = ["--gap", "2d", "--from", "2025-01-01", "--to", "2025-01-04", "--csv"]
        found = rows(recount("query", "sessions", "--unit", "day", *words)[0])
        self.assertEqual([row["sessions"] for row in found], ["2", "0", "0", "2"])
        self.assertEqual(found[-1]["bounces"], "1")
        found = rows(recount("query", "sessions", "--property", "type", "--ends", *words)[0])
        self.assertIn({"end": "exit", "value": "buy", "sessions": "1", "bounces": "0"}, found)
        found = rows(recount("query", "paths", "--property", "type", *words)[0])
        self.assertEqual(
            [list(row.values()) for row in found],
            [
                ["1", "view", "add", "1", "1"],
                ["2", "add", "buy", "1", "1"],
                ["1", "view", "", "1", "1"],
                ["3", "buy", "", "1", "1"],
            ],
        )
        out, _ = recount("query", "paths", "viewed", "added", "--start", "added", *words)
        self.assertEqual(list(rows(out)[0].values()), ["1", "added", "", "1", "1"])
        found = rows(recount("query", "paths", "--property", "type", "--by", "type", *words)[0])
        self.assertEqual([row["row"] for row in found], ["view"] * 4 + ["total"] * 4)
        self.assertEqual(list(found[0].values()), ["view", "1", "view", "add", "1", "1"])
        out, _ = recount("query", "paths", "--property", "type", "--by", "type", *words[:-1])
        self.assertIn("total\nlevel 1", out)
        recount("query", "paths", code=2)
        recount("query", "paths", "viewed", "--property", "type", code=2)

    def test_users(self):
        found = rows(recount("query", "users", "--csv", "--limit", "2")[0])
        self.assertEqual([row["user"] for row in found], ["a", "b"])
        self.assertEqual(found[0]["properties"], "plan=paid")
        found = rows(recount("query", "users", "type = add", "--csv", "--all")[0])
        self.assertEqual([row["event_count"] for row in found], ["1", "1", "0"])
        self.assertEqual(found[2]["first_event_ms"], "")
        self.assertIn("2 of 3 users", recount("query", "users", "--limit", "2")[0])

    def test_entities(self):
        found = rows(recount("query", "entities", "--entity", "path", "--csv", "--limit", "2")[0])
        self.assertEqual([(row["entity"], row["event_count"]) for row in found], [("/about", "1"), ("/p/1", "2")])
        self.assertIn("1 of 2 entities", recount("query", "entities", "--entity", "type", "--limit", "1",
                                                 "type = add or type = buy")[0])
        recount("query", "entities", code=3)
        asked = ["query", "funnel", "viewed", "added", "--entity", "path", "--users-of"]
        self.assertEqual([row["entity"] for row in rows(recount(*asked, "step=2", "--csv")[0])], ["/p/1"])
        self.assertIn("2 of 2 entities", recount(*asked, "step=2,dropped")[0])
        recount(*asked, "step=2", "--save-users", "paths", code=2)

    def test_segment(self):
        recount("segment", "create", "payers", "user.plan = paid and count(@added) >= 1")
        out, _ = recount("query", "segment", "payers", "--json")
        reply = json.loads(out)
        self.assertEqual((reply["user_count"], reply["known_user_count"]), (1, 3))
        self.assertEqual(recount("query", "segment", "not @payers", "--users")[0], "b\nc\n")
        out, _ = recount("query", "funnel", "viewed", "added", "--segment", "payers", "--csv")
        self.assertEqual([row["count"] for row in rows(out)], ["1", "1"])
        recount("segment", "delete", "payers")
        recount("query", "segment", "payers", code=4)

    def test_events(self):
        out, _ = recount("query", "events", "a", "--json", "--property", "price")
        reply = json.loads(out)
        self.assertEqual([one["id"] for one in reply["events"]], ["1", "2", "3"])
        self.assertEqual(reply["events"][1]["properties"], [{"name": "price", "value": 5}])
        self.assertEqual(reply["user_properties"], [{"name": "plan", "value": "paid"}])

    def test_events_with_definitions(self):
        reply = json.loads(recount("query", "events", "a", "--definitions", "--json")[0])
        ids = [[name.split("/")[-1] for name in one.get("definitions", [])] for one in reply["events"]]
        self.assertEqual(ids, [["viewed"], ["added"], []])
        self.assertIn("    @viewed\n", recount("query", "events", "a", "--definitions")[0])

    def test_definitions(self):
        recount("define", "temporary", 'path like "/p/%" and not @added')
        out, _ = recount("define", "show", "temporary", "--csv")
        self.assertEqual(rows(out)[0]["expression"], 'path like "/p/%" and not @added')
        recount("define", "temporary", "a = 1", code=5)
        recount("define", "--replace", "temporary", "a = 1")
        self.assertIn("a = 1", recount("define", "list")[0])
        recount("define", "delete", "temporary")
        recount("define", "show", "temporary", code=4)

    def test_delete_by_force(self):
        """What others use goes if it is meant, and they say what is missing."""
        recount("derive", "forced-path", "path, lower")
        recount("define", "forced", 'forced-path = "/p/1"')
        recount("define", "forced-not", "not @forced")
        recount("segment", "create", "forced", "did(@forced)")
        recount("segment", "create", "forced-too", "not @forced")
        for command, user in (("derive", "forced"), ("define", "forced"), ("segment", "forced-too")):
            name = "forced-path" if command == "derive" else "forced"
            with self.subTest(command=command):
                self.assertIn("is used by", recount(command, "delete", name, code=5)[1])
                recount(command, "delete", name, "--force")
                recount(command, "show", name, code=4)
        recount("query", "segment", "@forced-too", code=4)
        recount("query", "series", "@forced-not", "--from", "2025-01-01", "--to", "2025-01-11", code=4)
        self.assertNotIn("forced-not", recount("define", "build")[0])
        for command, name in (("segment", "forced-too"), ("define", "forced-not")):
            recount(command, "delete", name)

    def test_definitions_of_a_file(self):
        with open(path("definitions.txt"), "w") as file:
            file.write("# What we count.\n\nloaded-1 type = view\nloaded-2\tnot @loaded-1\r\n")
        recount("define", "load", path("definitions.txt"), "--label", "from=file", "--author", "ada")
        listed = rows(recount("define", "list", "--label", "from=file", "--csv")[0])
        self.assertEqual([(row["name"], row["expression"]) for row in listed],
                         [("loaded-1", 'type = "view"'), ("loaded-2", "not @loaded-1")])
        _, err = recount("define", "load", path("definitions.txt"), code=5)
        self.assertIn("nothing of lines 3 to 4 is defined", err)
        with open(path("definitions.txt"), "w") as file:
            file.write("loaded-3 type = view\nloaded-4 type =\n")
        _, err = recount("define", "load", path("definitions.txt"), code=2)
        self.assertIn("definitions.txt:2: loaded-4", err)
        recount("define", "show", "loaded-3", code=4)
        recount("define", "load", path("none.txt"), code=2)
        for name in ("loaded-2", "loaded-1"):
            recount("define", "delete", name)

    def test_histories(self):
        """What things were, for all three kinds alike."""
        kinds = [
            (["define"], ["define", "was"], ["a = 1", "a = 2"], "expression"),
            (["derive"], ["derive", "was"], ["path, lower", "path, query"], "expression"),
            (["derive"], ["derive", "tier"], ["account.a.plan, lower", "account.b.`a b`"], "expression"),
            (["derive"], ["derive", "net"], ["(price - `a-b c`) * -2 / price, round 0.01", "user.a * user.b"], "expression"),
            (["derive"], ["derive", "rate"], ["1 - -account.a.won / account.a.all", "x-y * 2.5 + `event`"], "expression"),
            (["segment"], ["segment", "create", "was"], ["count(any) > 1", "count(any) > 2"], "rule"),
        ]
        for command, save, (first, second), column in kinds:
            with self.subTest(command=command):
                recount(*save, first, "--author", "ada", "--description", "old")
                recount(*save, second, "--replace", "--author", "grace")
                found = rows(recount(*command, "history", save[-1], "--csv")[0])
                self.assertEqual([(row["version"], row["author"], row[column]) for row in found],
                                 [("2", "grace", second), ("1", "ada", first)])
                self.assertTrue(all(row["since"].endswith("Z") for row in found))
                self.assertNotIn("name", found[0])
                table = recount(*command, "history", save[-1])[0].splitlines()
                self.assertEqual(table[0].split()[:3], ["version", "since", "author"])
                self.assertEqual(len(table), 3)
                reply = json.loads(recount(*command, "history", save[-1], "--json")[0])
                self.assertEqual([one["etag"] for one in reply["versions"]], ["2", "1"])
                shown = rows(recount(*command, "show", save[-1], "1", "--csv")[0])
                self.assertEqual(shown[0][column], first)
                recount(*command, "show", save[-1], "3", code=4)
                recount(*command, "show", save[-1], "x", code=2)
                recount(*command, "restore", save[-1], code=2)
                recount(*command, "restore", save[-1], "3", code=4)
                recount(*command, "restore", save[-1], "0", code=2)
                recount(*command, "restore", save[-1], "1", "--author", "eve")
                found = rows(recount(*command, "history", save[-1], "--csv")[0])
                self.assertEqual([(row["version"], row["author"], row[column]) for row in found[:2]],
                                 [("3", "eve", first), ("2", "grace", second)])
                recount(*command, "delete", save[-1])
                recount(*command, "history", save[-1], code=4)

    def test_preview(self):
        words = ("define", "preview", "viewed", "--from", "2020-01-01", "--to", "2040-01-01")
        preview = json.loads(recount(*words, "--sample", "1", "--json")[0])
        self.assertEqual([preview["event_count"], preview["compared_event_count"]], [3, 6])
        self.assertEqual([event["id"] for event in preview["sample_events"]], ["6"])
        out = rows(recount(*words, "--by", "path", "--top", "1", "--of", "added", "--csv")[0])
        self.assertEqual([row["events"] for row in out], ["3", "3", "2", "2", "1", "2", "3"])
        self.assertIn("3 users of 2 (150 %)", recount(*words, "--of", "added")[0])
        recount("define", "preview", "type = (", code=2)

    def test_suggest(self):
        words = ("define", "suggest", "c", "6", "--from", "2020-01-01", "--to", "2040-01-01")
        out = rows(recount(*words, "--csv")[0])
        self.assertEqual(list(out[0]), ["events", "users", "label", "expression", "definitions"])
        for row in out:
            options = ("define", "preview", row["expression"], *words[4:])
            preview = json.loads(recount(*options, "--json")[0])
            self.assertEqual([str(preview["event_count"]), str(preview["user_count"])],
                             [row["events"], row["users"]])
        self.assertIn("@viewed", recount(*words)[0])
        one = json.loads(recount(*words, "--limit", "1", "--json")[0])
        self.assertEqual([one["label"] for one in one["suggestions"]], [out[0]["label"]])
        facts = ("--fact", "type=path", "--fact", "path=absent")
        self.assertEqual(rows(recount(*words, *facts, "--csv")[0])[-1]["label"], "/about")
        recount("define", "suggest", "c", code=2)
        recount(*words, "--fact", "path", code=2)
        recount(*words, "--fact", "price=x", code=2)
        recount(*words, "--limit", "0", code=2)
        recount("define", "suggest", "c", "none", code=4)

    def test_properties(self):
        out = {row["property"]: row for row in rows(recount("properties", "--csv")[0])}
        self.assertEqual(sorted(out), ["city", "path", "price", "type", "user.plan"])
        self.assertEqual([out["price"][name] for name in ("count", "distinct_values")], ["3", "2"])
        self.assertIn("number", recount("properties", "--events", "added")[0])
        values = rows(recount("properties", "path", "--prefix", "/P/", "--ignore-case", "--csv")[0])
        self.assertEqual([list(row.values()) for row in values], [["/p/1", "2"], ["/p/2", "1"]])
        self.assertIn("paid", recount("properties", "user.plan")[0])
        reply = json.loads(recount("properties", "--limit", "1", "--json")[0])
        self.assertEqual(reply["event_count"], 6)

    def test_labels(self):
        def names(*words):
            return [row["name"] for row in rows(recount("define", "list", *words, "--csv")[0])]

        recount("define", "l-1", "a = 1", "--label", "team=web", "--label", "area=x", "--eager")
        recount("define", "l-2", "a = 2", "--label", "team=app", "--display-name", "Ärger")
        self.assertEqual(names("--prefix", "l-"), ["l-1", "l-2"])
        self.assertEqual(names("--label", "team"), ["l-1", "l-2"])
        self.assertEqual(names("--label", "team=web"), ["l-1"])
        self.assertEqual(names("--label", "team=web", "--label", "area=y"), [])
        self.assertEqual(names("--containing", "äR"), ["l-2"])
        recount("define", "--replace", "l-2", "a = 3")
        shown = json.loads(recount("define", "show", "l-2", "--json")[0])
        self.assertEqual(shown["labels"], [{"key": "team", "value": "app"}])
        recount("define", "bad", "a = 1", "--label", "Team=x", code=3)
        for name in ("l-1", "l-2"):
            recount("define", "delete", name)

    def test_lists(self):
        names = [row["name"] for row in rows(recount("define", "list", "--csv")[0])]
        self.assertEqual(names, sorted(names))
        self.assertLessEqual({"added", "viewed"}, set(names))
        reply = json.loads(recount("define", "list", "--json")[0])
        self.assertEqual([one["name"].rsplit("/", 1)[1] for one in reply["definitions"]], names)
        self.assertIn('type = "view"', recount("define", "show", "viewed")[0])
        shown = json.loads(recount("define", "show", "viewed", "--json")[0])
        self.assertEqual(shown["name"], "projects/default/definitions/viewed")

    def test_segments(self):
        recount("segment", "create", "busy", "count(any) > 2", "--description", "many events")
        recount("segment", "create", "busy", "count(any) > 1", code=5)
        recount("segment", "create", "--replace", "busy", "count(any) > 1")
        self.assertEqual(rows(recount("segment", "list", "--csv")[0])[0]["rule"], "count(any) > 1")
        self.assertIn("busy", recount("segment", "show", "busy")[0])
        shown = json.loads(recount("segment", "show", "busy", "--json")[0])
        self.assertEqual(shown["description"], "many events")
        self.assertEqual(recount("query", "segment", "busy", "--users")[0], "a\nb\n")
        self.assertIn("2 of 3 users", recount("query", "segment", "busy")[0])
        recount("segment", "delete", "busy")
        recount("segment", "show", "busy", code=4)
        self.assertIn("write create", recount("segment", "create", "busy", code=2)[1])

    def test_overlap(self):
        recount("segment", "create", "adders", "did(@added)")
        words = ["query", "overlap", "adders", "user.plan = paid"]
        found = [list(row.values()) for row in rows(recount(*words, "--csv")[0])]
        self.assertEqual(found, [["adders", "2", "1"], ["user.plan = paid", "1", "0"],
                                 ["adders and user.plan = paid", "1", "1"], ["", "3", "1"]])
        reply = json.loads(recount(*words, "--json")[0])
        self.assertEqual([one["user_count"] for one in reply["overlaps"]], [2, 1, 1])
        found = rows(recount(*words, "--segment", "@adders", "--csv")[0])
        self.assertEqual(found[-1]["user_count"], "2")
        self.assertIn("(none)", recount(*words)[0])
        recount("query", "overlap", code=2)
        recount("query", "overlap", "user.plan = (", code=2)
        recount("query", "overlap", *["adders"] * 6, code=3)
        recount("segment", "delete", "adders")

    def test_projects(self):
        recount("project", "create", "second", "--zone", "Europe/Berlin", "--display-name", "Second")
        recount("project", "create", "second", code=5)
        listed = {row["project"]: row for row in rows(recount("project", "list", "--csv")[0])}
        self.assertEqual(listed["second"]["time_zone"], "Europe/Berlin")
        self.assertEqual(listed["second"]["display_name"], "Second")
        self.assertIn("Europe/Berlin", recount("project", "list")[0])
        recount("project", "update", "second", "--shown-ids", "@")
        recount("project", "update", "second", "--shown-ids", "(", code=3)
        reply = json.loads(recount("project", "list", "--json")[0])
        shown = {one["name"]: one.get("shown_ids") for one in reply["projects"]}
        self.assertEqual(shown["projects/second"], "@")
        self.assertIn("--yes", recount("project", "delete", "second", code=2)[1])
        recount("project", "delete", "second", "--yes")
        recount("project", "delete", "second", "--yes", code=4)
        recount("project", "create", "second", "--zone", "Mars/Olympus", code=3)

    def test_drawings(self):
        drawn = recount("query", "events", "a", "--property", "price")[0]
        self.assertIn("plan", drawn)
        self.assertEqual(drawn.count("2025-01-0"), 3)
        drawn = recount("query", "retention", "viewed", "any", "--unit", "week")[0]
        self.assertIn("2  50.0   50.0", drawn)
        drawn = recount("query", "series", "any", "--unit", "day", "--by", "city")[0]
        self.assertIn("京都", drawn)

    def test_administration(self):
        self.assertIn("snapshot", recount("snapshot")[1] + recount("snapshot")[0])
        self.assertIn("6 events of 3 users", recount("stats", "default")[0])
        projects = json.loads(recount("stats", "--json")[0])["projects"]
        counts = {one["project"].rsplit("/", 1)[-1]: one["event_count"] for one in projects}
        self.assertEqual(counts["default"], 6)
        recount("health")
        recount("health", "recount.v1.IngestService")
        recount("health", "recount.v1.NoService", code=4)

    def test_plans(self):
        question = ("funnel", "type = view", "type = buy")
        planned = recount("explain", *question)[0]
        self.assertIn('steps[1].selector: type = "buy"', planned)
        self.assertNotIn("actual", planned)
        for words in (("query", *question, "--analyze"), ("explain", *question, "--analyze")):
            self.assertIn("actual", recount(*words)[0])
        self.assertIn("recount explain COMMAND --analyze", recount("explain", "--analyze", *question, code=2)[1])
        self.assertRegex(planned, r"(?s)^funnel.*all threads together: time.*walk over \d+ slabs for entrants:")
        plan = json.loads(recount("explain", *question, "--slabs", "--json")[0])
        self.assertEqual(len(plan["plan"]["parts"][0]["selectors"]), 2)
        answer = recount("query", *question, "--csv")[0]
        for way in (
            ("--path", "scan"),
            ("--path", "steps[0].selector:scan-once"),
            ("--no-path", "bitmap"),
            ("--threads", "1"),
            ("--keep", "nothing"),
            ("--feed", "events"),
            ("--feed", "rows"),
        ):
            self.assertEqual(recount("query", *question, "--csv", *way)[0], answer)
        recount("query", *question, "--order", "unordered", "--feed", "rows", code=3)
        recount("query", *question, "--path", "slowly", code=2)
        rule = "count(@added) >= 1"
        self.assertIn("behavior.selector", recount("query", "segment", rule, "--analyze")[0])
        recount("query", "segment", rule, "--explain", code=2)

    def test_activity(self):
        recount("query", "funnel", "type = view")
        self.assertIn("QueryService.Funnel", recount("statements", "default", "--by", "calls")[0])
        self.assertIn("fingerprint", recount("statements", "--csv")[0])
        recount("queries")
        recount("cancel", "123456789", code=4)
        recount("cancel", "x", code=2)
        self.assertIn("forgotten", recount("statements", "--reset")[0])

    def test_mistakes(self):
        self.assertIn("column 8", recount("define", "x", "type = (", code=2)[1])
        self.assertIn("regex", recount("define", "x", 'type ~ "("', code=3)[1])
        self.assertIn("nowhere", recount("query", "funnel", "nowhere", code=4)[1])
        recount("query", "funnel", *["any"] * 65, code=3)
        recount("query", "series", "any", "--zone", "Mars/Olympus", code=3)
        recount("query", "series", "any", "--from", "someday", code=2)
        recount("query", "nothing", code=2)
        recount("stats", "unknown", code=4)
        recount("health", "--server", "127.0.0.1:1", code=6)

    def test_check_and_backup(self):
        out, _ = recount("check")
        self.assertIn("all is in order", out)
        counts = json.loads(recount("check", "default", "--json")[0])
        self.assertEqual(counts["checked_projects"], 1)
        recount("check", "unknown", code=4)
        recount("backup", code=2)
        _, err = recount("backup", "one", code=3)
        self.assertIn("backup-directory", err)

    def test_drawings_have_no_colours_outside_a_terminal(self):
        out, _ = recount("query", "funnel", "viewed", "added")
        self.assertNotIn("\033", out)
        out, _ = recount("query", "funnel", "viewed", "added", "--color", "always")
        self.assertIn("\033", out)


class Killed(unittest.TestCase):
    ROUNDS = 8
    EVENTS = 60000

    def test_each_row_is_there_once(self):
        print(f"seed {OPTIONS.seed}")
        dice = random.Random(OPTIONS.seed)
        archive = path("long.ndjson")
        recount("generate", "--quiet", "-n", str(self.EVENTS), "-o", archive)
        with open(archive, "a", encoding="utf-8") as file:
            file.write("bad row\n")
        # Events without an id are events of their own each time they are sent: so a row that is applied
        # twice is seen.
        plain = path("plain.ndjson")
        with open(archive, encoding="utf-8") as source, open(plain, "w", encoding="utf-8") as target:
            for line in source:
                head, found, tail = line.partition(',"id":')
                target.write(head + tail[tail.index(",") :] if found else line)
        with open(path("plain.ini"), "w", encoding="utf-8") as file:
            file.write(MAPPING_WITHOUT_IDS)
        words = ["load", plain, "--mapping", path("plain.ini"), "--project", "killed"]
        words += ["--create-project", "--resume", "--quiet"]
        for number in range(self.ROUNDS):
            loader = start_recount(*words)
            time.sleep(dice.random() * 0.4)
            if number % 2:
                SERVER.kill()
                SERVER.start()
                # The server comes back on another port: a loader that looks for it at the old one
                # must be ended too.
            loader.kill()
            loader.communicate()
        recount(*words)
        out, _ = recount("query", "series", "any", "--total", "--project", "killed", "--csv")
        self.assertEqual(rows(out)[0]["value"], str(self.EVENTS))
        with open(plain + ".rejects", encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 1)
        self.assertIn("loaded completely", recount(*words)[1])


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
