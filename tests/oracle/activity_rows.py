"""Rows of a breakdown of what users do by bucket: lifecycle, stickiness.

The answer of a row is that of the events in it; an item is a matching event of a person (or of an
entity), at any time.
"""

from measures import Item
from predicate import selects
from segment import persons
from series import normal_breakdown, segment_name
from splits import Split, label_of, ranked


def matching_items(query, scope, moment, start=float("-inf")):
    """Those that the answer reads: up to the range's end."""
    return [
        Item(person, event, event.time)
        for person in persons(scope, moment)
        for event in moment.events_of.get(person, [])
        if start <= event.time < scope["end"]
        and selects(query["selector"], moment, person, event)
    ]


def times_by_person(items):
    out = {}
    for item in items:
        out.setdefault(item.person, []).append(item.time)
    return out


class Rows:
    """The rows of a split over one range: keys of rows to items. bins_of: rows with their bins."""

    def __init__(self, query, scope, moment, items, bins_of=None):
        self.items = items
        self.split = Split(normal_breakdown(query["breakdown"]), scope, moment, segment_name)
        if bins_of is None:
            self.split.make_bins(items)
        else:
            self.split.bins = bins_of.split.bins
        self.keys = {id(item): set(self.split.rows(item)) for item in items}

    def of(self, key):
        return [item for item in self.items if key in self.keys[id(item)]]

    def others(self, shown):
        return [item for item in self.items if self.keys[id(item)] - set(shown)]

    def present(self, start, end):
        """Rows with an item in a time."""
        inside = [item for item in self.items if start <= item.time < end]
        return {key for item in inside for key in self.keys[id(item)]}

    def shown(self, top, present, figure):
        """The keys of the first rows by figure(items of the row)."""
        figures = {key: figure(self.of(key)) for key in present}
        return ranked(self.split, figures)[:top]


def label(key):
    return label_of(key)
