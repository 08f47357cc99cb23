"""Retention: cohorts by period of the start, cells by periods of the return, states at as_of.

A query may name "brackets" (a list of [first, last], in place of last_period), "rolling", "in_range",
"min_occurrences", "value" ([property, "sum" | "mean"]), "breakdown" and "same_value".
"""

import math

from buckets import bucket_index, buckets
from measures import Item, numbers_of
from predicate import selects
from segment import moment_of, persons
from series import normal_breakdown, segment_name
from splits import Split, label_of, ranked
from values import exact_sum, figure

DAY = 86400 * 1000
YEARS = 366 * DAY
SEARCHED = {"second": DAY // 240, "minute": DAY // 4, "hour": 2 * DAY, "day": 40 * DAY}
ROLLING = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}


class Start(Item):
    """A person in a cohort, with its start event."""

    def __init__(self, person, event, cohort):
        super().__init__(person, event, event.time)
        self.cohort = cohort


class Question:
    def __init__(self, query, data):
        self.query, self.scope = query, query["scope"]
        scope = self.scope
        self.moment = moment_of(scope, data)
        self.multiple = query.get("multiple") or 1
        self.cohorts = self.periods_until(scope["end"])
        brackets = query.get("brackets")
        if not brackets:
            last = query["last_period"]
            count = len(self.cohorts) if last is None else last + 1
            brackets = [[n, n] for n in range(count)]
        self.columns = brackets
        self.rolling = self.multiple * ROLLING[query["unit"]] if query.get("rolling") else None
        self.least = query.get("min_occurrences") or 1
        self.periods = None if self.rolling else self.enough_periods()
        self.split = None
        breakdown = normal_breakdown(query.get("breakdown"))
        if breakdown is not None:
            self.split = Split(breakdown, scope, self.moment, segment_name)
        self.starts = [
            start for person in persons(scope, self.moment) for start in self.starts_of(person)
        ]
        if self.split is not None:
            self.split.make_bins(self.starts)

    def periods_until(self, end):
        scope = self.scope
        unit = self.query["unit"], scope["week_start"], self.multiple
        return buckets(scope["zone"], scope["start"], end, *unit)

    def enough_periods(self):
        """The periods of the range, and those after it for every cell and every event."""
        wanted = len(self.cohorts) + max(last for _, last in self.columns) + 1
        end = self.scope["end"]
        if self.query["or_after"] and self.least > 1:
            times = [event.time for events in self.moment.events_of.values() for event in events]
            end = max([end] + [time + 1 for time in times])
        while True:
            found = self.periods_until(end)
            if len(found) >= wanted:
                return found
            end += self.multiple * SEARCHED.get(self.query["unit"], 2 * YEARS)

    def matches(self, selector, person, event):
        return selects(selector, self.moment, person, event)

    def starts_of(self, person):
        events = self.moment.events_of.get(person, [])
        starts = [event for event in events if self.matches(self.query["start"], person, event)]
        if self.query["cohorts"] == "first_time":
            starts = starts[:1]
        first, end = self.scope["start"], self.scope["end"]
        starts = [event for event in starts if first <= event.time < end]
        if self.query["cohorts"] == "first_in_range":
            starts = starts[:1]
        out = {}
        for event in starts:
            out.setdefault(bucket_index(self.cohorts, event.time), event)
        return [Start(person, event, cohort) for cohort, event in out.items()]

    def returns_of(self, start, keys):
        """(n, event) of each return; keys: the rows of which a return must share one, or None."""
        out = []
        for event in self.moment.events_of[start.person]:
            if event is start.event or event.time < start.time:
                continue
            if self.query.get("in_range") and event.time >= self.scope["end"]:
                continue
            if not self.matches(self.query["return"], start.person, event):
                continue
            if keys is not None:
                rows = self.split.rows(Item(start.person, event, event.time))
                if not set(rows) & set(keys):
                    continue
            out.append((self.distance(start, event), event))
        return out

    def distance(self, start, event):
        if self.rolling:
            return (event.time - start.time) // self.rolling
        index = bucket_index(self.periods, event.time)
        return (len(self.periods) if index is None else index) - start.cohort

    def cells_of(self, start, keys):
        """By column: None, or the events of the cell that the person fills."""
        returns = self.returns_of(start, keys)
        counts = {}
        for n, _ in returns:
            counts[n] = counts.get(n, 0) + 1
        enough = {n for n, count in counts.items() if count >= self.least}
        out = []
        for first, last in self.columns:
            last = math.inf if self.query["or_after"] else last
            filled = any(first <= n <= last for n in enough)
            inside = [event for n, event in returns if first <= n <= last]
            out.append(inside if filled else None)
        return out

    def state(self, cohort, column):
        as_of = self.scope["as_of"]
        if self.query.get("in_range"):
            as_of = min(as_of, self.scope["end"])
        period = self.cohorts[cohort]
        earliest = max(period["start"], self.scope["start"])
        latest = min(period["end"], self.scope["end"]) - 1
        first, last = column
        if self.rolling:
            begins, ends = earliest + first * self.rolling, latest + (last + 1) * self.rolling
        else:
            begins = self.periods[cohort + first]["start"] if first else earliest
            ends = self.periods[cohort + last]["end"]
        if as_of < begins:
            return "not_begun"
        return "elapsed" if as_of >= ends else "begun"

    def row(self, label, starts, keys_of):
        """One triangle. keys_of(start): see returns_of."""
        sizes = [0] * len(self.cohorts)
        users = [[0] * len(self.columns) for _ in self.cohorts]
        events = [[[] for _ in self.columns] for _ in self.cohorts]
        for start in starts:
            sizes[start.cohort] += 1
            for n, inside in enumerate(self.cells_of(start, keys_of(start))):
                if inside is not None:
                    users[start.cohort][n] += 1
                    events[start.cohort][n] += inside
        states = [
            [self.state(cohort, column) for column in self.columns]
            for cohort in range(len(self.cohorts))
        ]
        out = {"label": label, "cohorts": []}
        for cohort, size in enumerate(sizes):
            cells = [
                None if state == "not_begun" else count
                for state, count in zip(states[cohort], users[cohort])
            ]
            one = {
                "size": size,
                "users": cells,
                "states": states[cohort],
                "rates": [None if cell is None or not size else cell / size for cell in cells],
            }
            if self.query.get("value"):
                one["values"] = [
                    None if cell is None else self.value(found, cell)
                    for cell, found in zip(cells, events[cohort])
                ]
            out["cohorts"].append(one)
        out["summary"] = self.summary(sizes, users, events, states)
        return out

    def value(self, events, users):
        name, how = self.query["value"]
        items = [Item(None, event, event.time) for event in events]
        total = exact_sum(numbers_of(items, {"property": name}))
        if how == "sum":
            return figure(total)
        return figure(total / users) if users else None

    def summary(self, sizes, users, events, states):
        out = {"users": [], "sizes": [], "rates": []}
        if self.query.get("value"):
            out["values"] = []
        for n in range(len(self.columns)):
            over = [cohort for cohort in range(len(sizes)) if states[cohort][n] == "elapsed"]
            part = sum(users[cohort][n] for cohort in over)
            whole = sum(sizes[cohort] for cohort in over)
            out["users"].append(part)
            out["sizes"].append(whole)
            out["rates"].append(part / whole if whole else None)
            if self.query.get("value"):
                found = [event for cohort in over for event in events[cohort][n]]
                out["values"].append(self.value(found, part) if over else None)
        return out

    def rows(self):
        same = self.query.get("same_value")
        if self.split is None:
            return [self.row(["total"], self.starts, lambda start: None)]
        of_row = {}
        for start in self.starts:
            for key in self.split.rows(start):
                of_row.setdefault(key, []).append(start)
        figures = {key: len(starts) for key, starts in of_row.items()}
        top = normal_breakdown(self.query["breakdown"])["top"]
        shown = ranked(self.split, figures)[:top]
        out = []
        for key in shown:
            out.append(
                self.row(label_of(key), of_row[key], lambda start, key=key: [key] if same else None)
            )
        rest = set(of_row) - set(shown)

        def others(start):
            return set(self.split.rows(start)) & rest

        if rest:
            starts = [start for start in self.starts if others(start)]
            out.append(self.row(["other"], starts, others if same else lambda start: None))
        every = self.split.rows if same else lambda start: None
        return out + [self.row(["total"], self.starts, every)]


def retention_answer(query, data):
    question = Question(query, data)
    return {
        "cohorts": question.cohorts,
        "columns": [list(one) for one in question.columns],
        "rows": question.rows(),
    }
