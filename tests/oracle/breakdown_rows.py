"""Rows of a breakdown whose bins reach over the rows that there are without bins (funnels)."""

from measures import edges_of
from series import normal_breakdown, segment_name
from splits import Split, label_of, ranked
from measures import Item
from values import is_number, row_key


class Inside(Split):
    """A split that leaves numbers outside of its bins as they are."""

    def values(self, at, item):
        edges = self.bins[at]
        if edges is None:
            return super().values(at, item)
        inside, outside = [], []
        for value in self.raw(self.dimensions[at], item.person, item.event):
            fits = not is_number(value) or (
                edges and edges[0][0] <= float(value) <= edges[-1][1]
            )
            (inside if fits else outside).append(value)
        plain, self.raw = self.raw, lambda *_: inside
        try:
            return super().values(at, item) + outside
        finally:
            self.raw = plain


class Rows:
    def __init__(self, breakdown, scope, moment):
        self.breakdown = normal_breakdown(breakdown)
        self.split = Inside(self.breakdown, scope, moment, segment_name)
        self.known = {}

    def of(self, person, event):
        key = (person, event.key)
        if key not in self.known:
            self.known[key] = self.split.rows(Item(person, event, event.time))
        return self.known[key]

    def wants_bins(self):
        return any(one.get("bins") for one in self.breakdown["dimensions"])

    def make_bins(self, rows):
        for at, dimension in enumerate(self.breakdown["dimensions"]):
            if dimension.get("bins"):
                values = [row[at][1] for row in rows]
                numbers = [float(value) for value in values if is_number(value)]
                self.split.bins[at] = edges_of(numbers, dimension["bins"])
        self.known = {}

    def ranked(self, figures):
        order = ranked(self.split, figures)
        top = self.breakdown["top"]
        return order[:top], set(order[top:])

    @staticmethod
    def label(row):
        return label_of(row)
