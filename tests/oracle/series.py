"""Series: numbers by bucket of time, split or not, computed from each other, compared."""

import formulas
from buckets import buckets
from measures import bucket_figures, edges_of, histogram, items_of, numbers_of, range_figure
from predicate import selects
from segment import moment_of, persons
from splits import Split, label_of, ranked


def segment_name(rule, place):
    return rule["segment"] if "segment" in rule else str(place + 1)


def normal_breakdown(breakdown):
    """A breakdown with a list of dimensions; the funnel's form is one dimension."""
    if breakdown is None or "dimensions" in breakdown:
        return breakdown
    dimension = {name: one for name, one in breakdown.items() if name not in ("top", "default")}
    return {"dimensions": [dimension], "top": breakdown["top"]}


class Frame:
    """One stretch of time: buckets, the items of each series, their rows."""

    def __init__(self, query, scope, moment):
        self.query, self.scope = query, scope
        self.cumulative = query.get("cumulative", False)
        self.buckets = []
        if query["unit"] is not None:
            self.buckets = buckets(
                scope["zone"],
                scope["start"],
                scope["end"],
                query["unit"],
                scope["week_start"],
                (query.get("multiple") or 1),
            )
        self.split = None
        breakdown = normal_breakdown(query["breakdown"])
        if breakdown is not None:
            self.split = Split(breakdown, scope, moment, segment_name)
        self.read(moment)

    def read(self, moment):
        self.items, of_rows = [], []
        who = persons(self.scope, moment)
        for series in self.query["series"]:

            def matches(person, event, selector=series["selector"]):
                return selects(selector, moment, person, event)

            made = (series, self.scope, self.buckets, who, moment, matches)
            self.items.append(items_of(*made))
            # Bins reach over the events of the range, also those whose session is not counted.
            plain = dict(series, measure="events") if series["measure"] == "sessions" else series
            of_rows += items_of(plain, *made[1:])
        if self.split is not None:
            self.split.make_bins(of_rows)

    def rows(self, index):
        """The items of each row of a series."""
        out = {}
        for item in self.items[index]:
            for row in self.split.rows(item):
                out.setdefault(row, []).append(item)
        return out

    def figures(self, index, items):
        series = self.query["series"][index]
        of_buckets = bucket_figures(series, items, self.buckets, self.cumulative)
        return of_buckets + [range_figure(series, items, self.scope)]


class Result:
    """A series or a formula: what it is computed from and how."""

    def __init__(self, query, index):
        count = len(query["series"])
        self.index = index
        self.expression = None if index < count else query["formulas"][index - count]
        if self.expression is None:
            self.operands = [index]
        else:
            self.operands = formulas.operands(self.expression, count)

    def combine(self, figures):
        """figures: by operand."""
        if self.expression is None:
            return figures[self.index]
        return formulas.value(self.expression, figures)

    def numbers(self, frame, items):
        """A number a bucket, and the range's last. items: by operand."""
        of_operands = {index: frame.figures(index, items[index]) for index in self.operands}
        places = range(len(frame.buckets) + 1)
        return [
            self.combine({index: of_operands[index][place] for index in self.operands})
            for place in places
        ]


def series_answer(query, data):
    scope = query["scope"]
    moment = moment_of(scope, data)
    main, earlier = Frame(query, scope, moment), None
    if query.get("comparison"):
        earlier = Frame(query, formulas.earlier_scope(scope, query["comparison"]), moment)
    count = len(query["series"]) + len(query.get("formulas", []))
    answers = [answer_result(Result(query, index), main, earlier) for index in range(count)]
    return {"buckets": main.buckets, "series": answers}


def answer_result(result, main, earlier):
    frames = [main] if earlier is None else [main, earlier]
    return [one_row(result, frames, label, picked) for label, picked in rows_of(result, frames)]


def rows_of(result, frames):
    """Label, and by frame and operand the items, of each row that is shown."""
    everything = [{index: frame.items[index] for index in result.operands} for frame in frames]
    if frames[0].split is None:
        return [(["total"], everything)]
    top = normal_breakdown(frames[0].query["breakdown"])["top"]
    split = [{index: frame.rows(index) for index in result.operands} for frame in frames]
    there = [{row for index in result.operands for row in of[index]} for of in split]
    figures = {}
    for row in there[0]:
        items = {index: split[0][index].get(row, []) for index in result.operands}
        scope, series = frames[0].scope, frames[0].query["series"]
        figures[row] = result.combine(
            {index: range_figure(series[index], items[index], scope) for index in result.operands}
        )
    shown = ranked(frames[0].split, figures)[:top]
    out = [
        (
            label_of(row),
            [{index: of[index].get(row, []) for index in result.operands} for of in split],
        )
        for row in shown
    ]
    if any(rows - set(shown) for rows in there):
        out.append((["other"], [others(result, frame, set(shown)) for frame in frames]))
    return out + [(["total"], everything)]


def others(result, frame, shown):
    """Items in some row that is not shown, each once."""
    return {
        index: [item for item in frame.items[index] if set(frame.split.rows(item)) - shown]
        for index in result.operands
    }


def one_row(result, frames, label, picked):
    main = frames[0]
    numbers = result.numbers(main, picked[0])
    out = {"label": label, "values": numbers[:-1], "total": numbers[-1]}
    if len(frames) > 1:
        compared = result.numbers(frames[1], picked[1])
        values = compared[:-1][: len(main.buckets)]
        out["compared"] = values + [None] * (len(main.buckets) - len(values))
        out["compared_total"] = compared[-1]
    series = main.query["series"][result.index] if result.expression is None else None
    if series is not None and series["measure"] == "histogram":
        everything = numbers_of(main.items[result.index], series["property"])
        bins = edges_of(everything, series["bins"])
        items = picked[0][result.index]
        of_buckets = [
            [item for item in items if bucket["start"] <= item.time < bucket["end"]]
            for bucket in main.buckets
        ]
        out["histograms"] = [histogram(series, one, bins) for one in [*of_buckets, items]]
    return out
