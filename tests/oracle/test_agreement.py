#!/usr/bin/python3
"""Answers agree with each other: one question, asked in several ways of the same random data.

Nothing here knows what an answer should be; what is checked is that totals, rows, buckets, lists
and different analyses of the same events fit together as docs/semantics.md says.
"""

import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "system")]

from harness import options

OPTIONS = options(
    __doc__.split("\n")[0],
    (["--worlds"], {"type": int, "default": 60}),
    (["--rounds"], {"type": int, "default": 6}),
    (["--seed"], {"type": int, "default": int(os.environ.get("RC_TEST_SEED", "1"))}),
)

import math

from client import Client, Project
from generator import make_world
from queries import make_list, make_predicate, make_rule, make_scope, make_selector
from server import Server

UNITS = ["hour", "day", "week", "month"]
SINGLE = ["type", "path", "price", "city", "flag", "device.os"]  # One value an event.


class Round:
    """A selector and a scope, and the questions about them."""

    def __init__(self, tally, project, rng, world):
        self.tally, self.project, self.rng = tally, project, rng
        self.scope = make_scope(rng, world)
        self.selector = make_selector(rng, world)
        length = self.scope["end"] - self.scope["start"]
        self.unit = rng.choice([unit for unit in UNITS if length < 400 * 3_600_000 or unit != "hour"])

    def ask(self, kind, **fields):
        query = {"kind": kind, "scope": self.scope, "selector": self.selector, "unit": self.unit}
        return self.project.ask(query | fields)

    def series(self, measure, **fields):
        one = {"selector": self.selector, "measure": measure, "gap": None}
        query = {"kind": "series", "scope": self.scope, "unit": self.unit, "series": [one]}
        return self.project.ask(query | {"breakdown": None} | fields)["series"][0]

    def equal(self, what, left, right):
        self.tally.check(left == right, f"{what}: {left} and {right}", self)

    def run(self):
        self.count, self.unique = self.series("events")[-1], self.series("unique")[-1]
        self.buckets()
        self.rows()
        self.analyses()
        if self.scope.get("entity"):
            self.entities()
        else:
            self.users()

    def buckets(self):
        """Events add up over buckets; users lie between the greatest bucket and their sum."""
        self.equal("events over buckets", sum(self.count["values"]), self.count["total"])
        union = self.unique["values"] or [0]
        fits = max(union) <= self.unique["total"] <= sum(union)
        self.tally.check(fits, f"users over buckets: {self.unique}", self)
        for name, whole in (("events", self.count), ("unique", self.unique)):
            running = self.series(name, cumulative=True)[-1]
            self.equal(f"cumulative {name}", running["values"][-1], whole["total"])
            whole_range = self.series(name, unit=None)[-1]["total"]
            self.equal(f"{name} without buckets", whole_range, whole["total"])

    def rows(self):
        """Rows and Other add up for counts; for users they cover the total."""
        dimension = {"scope": "event", "property": self.rng.choice(SINGLE)}
        for dimensions in ([dimension], [dimension, {"scope": "user", "property": "plan"}]):
            breakdown = {"dimensions": dimensions, "top": self.rng.choice([0, 1, 2, 9])}
            for name, whole in (("events", self.count), ("unique", self.unique)):
                parts = self.series(name, breakdown=breakdown)
                self.equal(f"the total of {name} by rows", parts[-1], whole)
                sums = [sum(one["values"][at] for one in parts[:-1]) for at in range(len(whole["values"]))]
                if name == "events":
                    self.equal("events over rows", sums, whole["values"])
                    self.equal("all events over rows", sum(p["total"] for p in parts[:-1]), whole["total"])
                covered = all(total <= one for total, one in zip(whole["values"], sums))
                self.tally.check(covered, f"rows of {name} leave some out: {parts}", self)

    def analyses(self):
        """Users of a series are those of a funnel, a lifecycle, a stickiness; sessions are sessions."""
        funnel = self.project.ask(self.funnel([self.selector]))
        self.equal("users of one step", funnel["rows"][-1]["counts"][0], self.unique["total"])
        twice = self.project.ask(self.funnel([self.selector, self.selector]))["rows"][-1]["counts"]
        self.equal("users of the first step", twice[0], self.unique["total"])
        sticky = self.ask("stickiness", min_events=0, count="at_least", comparison=None)["now"]
        self.equal("users of some bucket", sticky["active"], self.unique["total"])
        self.equal("users of at least one", (sticky["users"] or [0])[0], self.unique["total"])
        self.equal("user-buckets", sum(sticky["users"]), sum(self.unique["values"]))
        life = self.ask("lifecycle")
        places = zip(life["new"], life["returning"], life["resurrecting"], self.unique["values"])
        for at, (new, returning, resurrecting, active) in enumerate(places):
            if new is not None:
                self.equal(f"active users of bucket {at}", new + returning + resurrecting, active)
            if new is not None and at > 0:
                left = life["returning"][at] + life["dormant"][at]
                self.equal(f"users before bucket {at}", left, self.unique["values"][at - 1])
        gap = self.rng.choice([None, 60_000, 86_400_000])
        measured = {"selector": self.selector, "measure": "sessions", "gap": gap}
        series = self.series("sessions", series=[measured])[-1]
        sessions = self.ask("sessions", gap=gap, property=None, top=9)
        figures = [one["sessions"] for one in sessions["figures"]]
        self.equal("sessions by bucket", figures, series["values"])
        self.equal("sessions", sessions["total"]["sessions"], series["total"])

    def users(self):
        """A segment of those who did it holds them, and lists count their events."""
        window = {"absolute": [self.scope["start"], self.scope["end"]]}
        behavior = {"selector": self.selector, "measure": "count", "comparison": None, "window": window}
        rule = {"behavior": behavior}
        if self.scope.get("segment"):
            rule = {"all_of": [rule, self.scope["segment"]]}
        scope = {name: self.scope[name] for name in ("zone", "as_of")} | {"segment": rule}
        segment = self.project.ask({"kind": "segment", "scope": scope, "page_size": 3})
        self.equal("users of a segment", segment["count"], self.unique["total"])
        self.equal("users listed", len(segment["users"]), self.unique["total"])
        listed = self.ask("user_list", properties=None, page_size=0)["users"]
        self.equal("events of users listed", sum(one["events"] for one in listed), self.count["total"])
        self.equal("users with events", sum(one["events"] > 0 for one in listed), self.unique["total"])
        for one in listed[:3]:
            events = self.project.ask(self.events(one["user"]))["events"]
            self.equal(f"events of {one['user']}", len(events), one["events"])

    def entities(self):
        """The list of entities of the events that count: as many as a series says, with its events."""
        listed = self.ask("entity_list", properties=None, page_size=self.rng.choice([0, 1, 3]))
        self.equal("entities counted", listed["count"], self.unique["total"])
        self.equal("entities listed", len(listed["entities"]), self.unique["total"])
        self.equal("events of entities", sum(one["events"] for one in listed["entities"]), self.count["total"])
        times = [one[end] for one in listed["entities"] for end in ("first", "last")]
        inside = all(self.scope["start"] <= time < self.scope["end"] for time in times)
        self.tally.check(inside, f"entities were seen outside of the range: {listed}", self)

    def funnel(self, steps):
        return {
            "kind": "funnel",
            "scope": self.scope,
            "steps": steps,
            "window": None,
            "first_only": False,
            "strict_times": False,
            "breakdown": None,
        }

    def events(self, user):
        return {
            "kind": "events",
            "user": user,
            "as_of": self.scope["as_of"],
            "range": [self.scope["start"], self.scope["end"]],
            "selector": self.selector,
            "descending": False,
            "properties": None,
            "page_size": 0,
        }


class Tally:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, fits, what, one):
        self.passed += fits
        self.failed += not fits
        if not fits and self.failed <= 10:
            print(f"FAILED {what}\n  {one.project.name} {one.unit} {one.scope}\n  {one.selector}")


def main():
    tally = Tally()
    print(f"seed {OPTIONS.seed}", flush=True)
    for number in range(math.ceil(OPTIONS.worlds / 20)):
        with Server(OPTIONS.server, {"head-rows-max": 64, "window-rows-max": 100} if number % 2 else {}) as server:
            client = Client(server)
            for index in range(20):
                rng = random.Random(f"{OPTIONS.seed}/{number}/{index}")
                world = make_world(rng, make_predicate, make_rule, make_list)
                project = Project(client, f"w{number}-{index}", world)
                project.define()
                if world["rows"]:
                    project.ingest(world["rows"], rng)
                for _ in range(OPTIONS.rounds):
                    Round(tally, project, rng, world).run()
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
