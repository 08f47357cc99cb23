"""Funnels: rows, buckets and figures from the attempts of each user (funnel_attempts.py)."""

from breakdown_rows import Rows
from buckets import buckets
from funnel_attempts import User
from measures import bin_of, edges_of
from predicate import selects
from segment import moment_of, persons

DEFAULTS = {
    "step_windows": None,
    "same_local_day": False,
    "order": "ordered",
    "first_only": False,
    "strict_times": False,
    "reuse": False,
    "optional": None,
    "exclusions": [],
    "attempt_only": False,
    "hold": [],
    "totals": False,
    "at": "first",
    "at_step": None,
    "over_time": None,
    "multiple": 1,
    "bins": 0,
}


def complete(query):
    """A query with every option."""
    out = dict(DEFAULTS, **query)
    out["step_windows"] = out["step_windows"] or [None] * len(query["steps"])
    out["optional"] = out["optional"] or [False] * len(query["steps"])
    return out


def median(numbers):
    numbers = sorted(numbers)
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


class Attempt:
    """A chosen attempt (or one of those that are counted), with the times of its steps."""

    def __init__(self, person, user, chain):
        self.person = person
        self.chain = chain
        self.depth = max(chain)
        self.times = {step: user.times[index] for step, index in chain.items()}
        self.rank = (-self.depth, chain[self.depth], -chain[0], -len(chain), sorted(chain.values()))


class Funnel:
    def __init__(self, query, data):
        self.query = complete(query)
        self.scope = query["scope"]
        self.moment = moment_of(self.scope, data)
        self.spans = [(self.scope["start"], self.scope["end"])]
        self.buckets = []
        if self.query["over_time"] is not None:
            self.buckets = buckets(
                self.scope["zone"],
                self.scope["start"],
                self.scope["end"],
                self.query["over_time"],
                self.scope["week_start"],
                self.query["multiple"] or 1,
            )
            self.spans += [
                (max(one["start"], self.scope["start"]), min(one["end"], self.scope["end"]))
                for one in self.buckets
            ]
        self.users = [self.user_of(person) for person in persons(self.scope, self.moment)]
        self.rows = None
        if query["breakdown"] is not None:
            self.rows = Rows(query["breakdown"], self.scope, self.moment)

    def user_of(self, person):
        events = self.moment.events_of.get(person, [])

        def means(selector, event):
            return selects(selector, self.moment, person, event)

        masks = [
            {step for step, one in enumerate(self.query["steps"]) if means(one, event)}
            for event in events
        ]
        excluded = [
            [event.time for event in events if means(one["selector"], event)]
            for one in self.query["exclusions"]
        ]
        return person, events, User(events, masks, excluded, self.query)

    def attempts(self, person, user, span):
        if self.query["totals"]:
            found = user.totals(*span)
        else:
            chain = user.chosen(*span)
            found = [] if chain is None else [chain]
        return [Attempt(person, user, chain) for chain in found]

    def narrowed_rows(self, person, events, user):
        """The user narrowed to each row of the breakdown."""
        place = self.query["at_step"] - 1 if self.query["at"] == "step" else None
        rows = [self.rows.of(person, event) for event in events]
        named = {}
        for index in range(len(events)):
            if user.masks[index] if place is None else place in user.masks[index]:
                for row in rows[index]:
                    named[row] = None
        for row in named:

            def allowed(index, step, row=row):
                return (place is not None and step != place) or row in rows[index]

            yield row, user.narrowed(allowed)

    def place_of(self, user, attempt, span):
        """The event that a row is read from."""
        if self.query["at"] == "last":
            return attempt.chain[attempt.depth]
        return user.first_in_range(*span) if self.query["at"] == "first_in_range" else attempt.chain[0]

    def of_span(self, span):
        """([(row, attempt)], [attempts of the plain funnel], [those that are in no row])."""
        in_rows, plain, not_reached = [], [], []
        for person, events, user in self.users:
            own = self.attempts(person, user, span)
            plain += own
            if self.rows is None:
                continue
            if self.query["at"] not in ("step", "all"):
                for attempt in own:
                    event = events[self.place_of(user, attempt, span)]
                    in_rows += [(row, attempt) for row in self.rows.of(person, event)]
                continue
            found = set()  # Of attempts that are counted by themselves: their entries.
            for row, narrowed in self.narrowed_rows(person, events, user):
                for attempt in self.attempts(person, narrowed, span):
                    if self.query["at"] == "all" or self.query["at_step"] - 1 in attempt.chain:
                        in_rows.append((row, attempt))
                        found.add(self.counted(attempt))
            not_reached += [attempt for attempt in own if self.counted(attempt) not in found]
        return in_rows, plain, not_reached

    def counted(self, attempt):
        """What an attempt counts for: its user, or of totals its entry."""
        return (attempt.person, attempt.chain[0]) if self.query["totals"] else attempt.person

    def other(self, hidden):
        """Attempts of rows that are not shown; each user (of totals: each entry) once, the best."""
        best = {}
        for attempt in hidden:
            known = best.get(self.counted(attempt))
            if known is None or attempt.rank < known.rank:
                best[self.counted(attempt)] = attempt
        return list(best.values())

    def answer(self):
        if self.rows is not None and self.rows.wants_bins():
            spans = map(self.of_span, self.spans)
            self.rows.make_bins({row for in_rows, _, _ in spans for row, _ in in_rows})
        spans = [self.of_span(span) for span in self.spans]
        if self.rows is None:
            tables = [[(["total"], plain)] for _, plain, _ in spans]
        else:
            figures = {row: 0 for in_rows, _, _ in spans for row, _ in in_rows}
            for row, _ in spans[0][0]:
                figures[row] += 1
            shown, rest = self.rows.ranked(figures)
            tables = [self.table(span, shown, rest) for span in spans]
        times = Times(self.query, tables)
        shown_tables = [
            [times.row(label, attempts) for label, attempts in table] for table in tables
        ]
        out = {"rows": shown_tables[0]}
        if self.query["over_time"] is not None:
            out["buckets"] = [
                {"bucket": bucket, "rows": rows}
                for bucket, rows in zip(self.buckets, shown_tables[1:])
            ]
        return out

    def table(self, span, shown, rest):
        in_rows, plain, not_reached = span
        out = [
            (self.rows.label(row), [attempt for of, attempt in in_rows if of == row])
            for row in shown
        ]
        if rest:
            hidden = [attempt for of, attempt in in_rows if of in rest]
            out.append((["other"], self.other(hidden)))
        if self.query["at"] == "step":
            out.append((["not_reached"], not_reached))
        return out + [(["total"], plain)]


class Times:
    """The figures of rows. Bins of a step are the same in all tables."""

    def __init__(self, query, tables):
        self.count = len(query["steps"])
        optional = query["optional"]
        self.previous = [
            max((one for one in range(step) if not optional[one]), default=0)
            for step in range(self.count)
        ]
        self.edges = None
        if query["bins"]:
            everything = [one for table in tables for _, attempts in table for one in attempts]
            self.edges = [
                [
                    edges_of(self.seconds(everything, step, since(step)), query["bins"])
                    for step in range(self.count)
                ]
                for since in (lambda step: self.previous[step], lambda step: 0)
            ]

    def seconds(self, attempts, step, since):
        return [
            (one.times[step] - one.times[since]) / 1000
            for one in attempts
            if step in one.chain and step > 0
        ]

    @staticmethod
    def histogram(numbers, edges):
        if not numbers:
            return {"bins": [], "counts": []}
        counts = [0] * len(edges)
        for number in numbers:
            counts[bin_of(edges, number)] += 1
        return {"bins": edges, "counts": counts}

    def row(self, label, attempts):
        counts = [sum(step in one.chain for one in attempts) for step in range(self.count)]

        def share(step, whole):
            return counts[step] / counts[whole] if counts[whole] else None

        out = {
            "label": list(label),
            "counts": counts,
            "from_previous": [share(step, self.previous[step]) for step in range(self.count)],
            "from_first": [share(step, 0) for step in range(self.count)],
        }
        for place, name in enumerate(("previous", "first")):
            lists = [
                self.seconds(attempts, step, 0 if name == "first" else self.previous[step])
                for step in range(self.count)
            ]
            out["mean_" + name] = [sum(one) / len(one) if one else None for one in lists]
            out["median_" + name] = [median(one) if one else None for one in lists]
            if self.edges is not None:
                out["histogram_" + name] = [
                    self.histogram(one, self.edges[place][step]) for step, one in enumerate(lists)
                ]
        return out


def funnel_answer(query, data):
    return Funnel(query, data).answer()
