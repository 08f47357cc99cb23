"""What a series measures: a number from a list of items, by plain search.

An item is an event of a person that counts for the series, with the time by which it falls into a
bucket (that of its session's first event, for sessions).
"""

import math
from fractions import Fraction

from values import as_number, exact_sum, figure, group, row_key

DAY = 86_400_000
PROPERTY_MEASURES = ("sum", "mean", "min", "max", "median", "percentile", "histogram", "distinct")


class Item:
    def __init__(self, person, event, time, moment=None):
        self.person = person
        self.event = event
        self.time = time
        self.moment = moment  # Of users: the accounts that the event names are looked up in it.


def sessions_of(events, gap):
    """The first event's time for each event of a person, in total order."""
    out, start, latest = [], None, None
    for event in events:
        if latest is None or event.time - latest > gap:
            start = event.time
        latest = event.time
        out.append((event, start))
    return out


def rolling_windows(series, found, end):
    """The windows that rolling users are counted in; the range's is the last."""
    length = series["days"] * DAY
    return [(bucket["end"] - length, bucket["end"]) for bucket in found] + [(end - length, end)]


def items_of(series, scope, found, persons, moment, matches):
    """The items of a series. matches(person, event) is its selector."""
    out = []
    start, end = scope["start"], scope["end"]
    for person in persons:
        events = moment.events_of.get(person, [])
        if series["measure"] == "sessions":
            for event, begun in sessions_of(events, series["gap"] or 1_800_000):
                if start <= event.time < end and begun >= start and matches(person, event):
                    out.append(Item(person, event, begun, moment.owner(person, event)[0]))
            continue
        for event in events:
            counts = start <= event.time < end
            if series["measure"] == "rolling":
                windows = rolling_windows(series, found, end)
                counts = event.time < end and any(a <= event.time < b for a, b in windows)
            if counts and matches(person, event):
                out.append(Item(person, event, event.time, moment.owner(person, event)[0]))
    return out


def values_of(item, series):
    if series.get("key"):
        return item.moment.account_values(item.event, series["key"], series["property"])
    value = item.event.properties.get(series["property"])
    return list(value) if isinstance(value, tuple) else [value]


def numbers_of(items, series):
    found = [as_number(value) for item in items for value in values_of(item, series)]
    return sorted(float(number) for number in found if number is not None)


def percentile(numbers, share):
    """Linear interpolation at rank share * (n - 1), with exact ranks."""
    rank = Fraction(share) / 100 * (len(numbers) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(numbers) - 1)
    return float(
        Fraction(numbers[low]) + (Fraction(numbers[high]) - Fraction(numbers[low])) * (rank - low)
    )


def of_numbers(series, numbers):
    if series["measure"] == "sum":
        return figure(exact_sum(numbers))
    if not numbers:
        return None
    if series["measure"] == "mean":
        return figure(exact_sum(numbers) / len(numbers))
    if series["measure"] == "min":
        return numbers[0]
    if series["measure"] == "max":
        return numbers[-1]
    return percentile(numbers, 50 if series["measure"] == "median" else series["percentile"])


def of_items(series, items):
    """The measure of a list of items; rolling users have their own way."""
    measure = series["measure"]
    if measure == "events":
        return len(items)
    if measure == "unique":
        return len({item.person for item in items})
    if measure == "sessions":
        return len({(item.person, item.time) for item in items})
    if measure in ("per_user", "most"):
        counts = {}
        for item in items:
            counts[item.person] = counts.get(item.person, 0) + 1
        if not counts:
            return None
        return len(items) / len(counts) if measure == "per_user" else max(counts.values())
    if measure == "distinct":
        values = [value for item in items for value in values_of(item, series)]
        return len({row_key(group(value)) for value in values if value is not None})
    if measure == "histogram":
        return None
    return of_numbers(series, numbers_of(items, series))


def range_figure(series, items, scope):
    """The figure of the whole range."""
    if series["measure"] != "rolling":
        return of_items(series, items)
    first = scope["end"] - series["days"] * DAY
    return len({item.person for item in items if first <= item.time < scope["end"]})


def bucket_figures(series, items, found, cumulative):
    """A number a bucket."""
    out = []
    for bucket in found:
        if series["measure"] == "rolling":
            first = bucket["end"] - series["days"] * DAY
            inside = [item for item in items if first <= item.time < bucket["end"]]
            out.append(len({item.person for item in inside}))
            continue
        first = found[0]["start"] if cumulative else bucket["start"]
        out.append(of_items(series, [item for item in items if first <= item.time < bucket["end"]]))
    return out


def edges_of(numbers, count):
    """Bins from the least to the greatest number, as [low, high, closed]."""
    if not numbers:
        return []
    least, greatest = Fraction(min(numbers)), Fraction(max(numbers))
    if least == greatest:
        return [[float(least), float(least), True]]
    edges = [float(least + (greatest - least) * i / count) for i in range(count + 1)]
    return [[edges[i], edges[i + 1], i == count - 1] for i in range(count)]


def bin_of(bins, number):
    """The last bin whose lower end is not above the number."""
    return max(i for i, (low, _, _) in enumerate(bins) if i == 0 or low <= number)


def histogram(series, items, bins):
    numbers = numbers_of(items, series)
    if not numbers:
        return {"bins": [], "counts": []}
    counts = [0] * len(bins)
    for number in numbers:
        counts[bin_of(bins, number)] += 1
    return {"bins": bins, "counts": counts}
