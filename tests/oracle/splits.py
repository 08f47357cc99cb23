"""Rows of a breakdown by several dimensions. A dimension is one of

    {"scope": "event" | "user", "property": name}
    {"count": selector, "range": None | [start, end]}     a user's count of events
    {"segments": [rule, ...]}

and may have "bins". A row is a tuple of values; a value of a bin is ("bin", low, high, closed), of a
segment ("segment", name), of the users in none ("no_segment",).
"""

import itertools

from measures import bin_of, edges_of
from predicate import selects
from segment import segment_test
from values import group, groups, is_number, order_key, row_key


def in_bins(bins, number):
    """Numbers of an earlier time may lie outside of the range's bins, and then are themselves."""
    return bins[0][0] <= number <= bins[-1][1]


class Split:
    def __init__(self, breakdown, scope, moment, project_segments):
        self.dimensions = breakdown["dimensions"]
        self.scope = scope
        self.moment = moment
        self.names = project_segments
        self.bins = [None] * len(self.dimensions)
        self.known = {}

    def raw(self, dimension, person, event):
        # What is said of a user is said of the one who did the event.
        moment, person = self.moment.owner(person, event)
        if "segments" in dimension:
            found = self.segments_of(dimension["segments"], moment, person)
            return found or [("no_segment",)]
        if "count" in dimension:
            return [self.count_of(dimension, moment, person)]
        if dimension["scope"] == "account":
            found = moment.account_values(event, dimension["key"], dimension["property"])
            return list(map(group, found)) or [None]  # A set would take true for 1.
        user = dimension["scope"] == "user"
        properties = moment.user_properties(person) if user else event.properties
        return groups(properties.get(dimension["property"]))

    def segments_of(self, rules, moment, person):
        key = (id(rules), person)
        if key not in self.known:
            self.known[key] = [
                ("segment", self.names(rule, place))
                for place, rule in enumerate(rules)
                if segment_test(rule, moment, person, self.scope["zone"])
            ]
        return self.known[key]

    def count_of(self, dimension, moment, person):
        start, end = dimension["range"] or (self.scope["start"], self.scope["end"])
        events = moment.events_of.get(person, [])
        return sum(
            start <= event.time < end and selects(dimension["count"], moment, person, event)
            for event in events
        )

    def make_bins(self, items):
        """items: everything that makes rows."""
        for at, dimension in enumerate(self.dimensions):
            if dimension.get("bins"):
                raw = [
                    value
                    for item in items
                    for value in self.raw(dimension, item.person, item.event)
                    if is_number(value)
                ]
                self.bins[at] = edges_of([float(value) for value in raw], dimension["bins"])

    def values(self, at, item):
        out = []
        for value in self.raw(self.dimensions[at], item.person, item.event):
            if self.bins[at] and is_number(value) and in_bins(self.bins[at], float(value)):
                value = ("bin", *self.bins[at][bin_of(self.bins[at], float(value))])
            if row_key(value) not in map(row_key, out):
                out.append(value)
        return out

    def rows(self, item):
        """Keys of the rows in which an item counts."""
        of_dimensions = [self.values(at, item) for at in range(len(self.dimensions))]
        return [tuple(map(row_key, row)) for row in itertools.product(*of_dimensions)]

    def order(self, row):
        return tuple(self.place(at, key[1]) for at, key in enumerate(row))

    def place(self, at, value):
        if not isinstance(value, tuple):
            return order_key(value)
        if value[0] == "bin":
            return order_key(value[1])
        rules = self.dimensions[at]["segments"]
        names = [self.names(rule, place) for place, rule in enumerate(rules)]
        return names.index(value[1]) if value[0] == "segment" else len(names)


def label_of(row):
    values = [list(key[1]) if isinstance(key[1], tuple) else key[1] for key in row]
    return ["value", values[0] if len(values) == 1 else values]


def ranked(split, figures):
    """Rows by figure, those without one last, ties by value."""

    def key(row):
        missing = figures[row] is None
        return (missing, 0 if missing else -figures[row], split.order(row))

    return sorted(figures, key=key)
