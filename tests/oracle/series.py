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


SIDES = ("breakdown", "columns")


class Frame:
    """One stretch of time: buckets, the items of each series, their rows and columns. bins_of: the
    one whose bins these are too."""

    def __init__(self, query, scope, moment, bins_of=None):
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
        self.splits = {
            side: Split(normal_breakdown(query[side]), scope, moment, segment_name)
            for side in SIDES
            if query.get(side) is not None
        }
        self.read(moment, bins_of)

    def read(self, moment, bins_of):
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
        for side, split in self.splits.items():
            if bins_of is None:
                split.make_bins(of_rows)
            else:
                split.bins = bins_of.splits[side].bins
        self.known = {side: {} for side in self.splits}

    def rows(self, side, item):
        """The rows (or columns) of an item."""
        known = self.known[side]
        if id(item) not in known:
            known[id(item)] = set(self.splits[side].rows(item))
        return known[id(item)]

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
    frames = [Frame(query, scope, moment)]
    if query.get("comparison"):
        earlier = formulas.earlier_scope(scope, query["comparison"])
        frames.append(Frame(query, earlier, moment, frames[0]))
    count = len(query["series"]) + len(query.get("formulas", []))
    results = [Result(query, index) for index in range(count)]
    columns = [shown_of(result, frames, "columns") for result in results]
    answers = [
        [
            one_row(result, frames, row, of_result)
            for row in shown_of(result, frames, "breakdown")
        ]
        for result, of_result in zip(results, columns)
    ]
    out = {"buckets": frames[0].buckets, "series": answers}
    if query.get("columns") is not None:
        out["columns"] = [[label for label, _ in of_result] for of_result in columns]
    return out


def shown_of(result, frames, side):
    """Label, and test of a frame and an item, of each row (column) that is shown."""
    out, main = [], frames[0]
    if side in main.splits:
        there = [
            {
                row
                for index in result.operands
                for item in frame.items[index]
                for row in frame.rows(side, item)
            }
            for frame in frames
        ]
        figures = {row: figure_of(result, main, side, row) for row in there[0]}
        top = normal_breakdown(main.query[side])["top"]
        shown = ranked(main.splits[side], figures)[:top]
        for row in shown:
            out.append((label_of(row), lambda frame, item, row=row: row in frame.rows(side, item)))
        if any(rows - set(shown) for rows in there):
            out.append((["other"], lambda frame, item: frame.rows(side, item) - set(shown)))
    return out + [(["total"], lambda frame, item: True)]


def figure_of(result, frame, side, row):
    """The figure of the range by which a row is ranked."""
    series = frame.query["series"]
    return result.combine(
        {
            index: range_figure(
                series[index],
                [item for item in frame.items[index] if row in frame.rows(side, item)],
                frame.scope,
            )
            for index in result.operands
        }
    )


def picked_by(result, frame, tests):
    """By operand, the items of a frame that pass the tests."""
    return {
        index: [item for item in frame.items[index] if all(test(frame, item) for test in tests)]
        for index in result.operands
    }


def one_row(result, frames, row, columns):
    label, test = row
    main = frames[0]
    picked = [picked_by(result, frame, [test]) for frame in frames]
    numbers = result.numbers(main, picked[0])
    out = {"label": label, "values": numbers[:-1], "total": numbers[-1]}
    if len(frames) > 1:
        compared = result.numbers(frames[1], picked[1])
        values = compared[:-1][: len(main.buckets)]
        out["compared"] = values + [None] * (len(main.buckets) - len(values))
        out["compared_total"] = compared[-1]
    if main.query.get("columns") is not None:
        for name, frame in zip(("by_column", "compared_by_column"), frames):
            cells = [picked_by(result, frame, [test, other]) for _, other in columns]
            out[name] = [result.numbers(frame, cell)[-1] for cell in cells]
    series = main.query["series"][result.index] if result.expression is None else None
    if series is not None and series["measure"] == "histogram":
        everything = [n for one in frames for n in numbers_of(one.items[result.index], series)]
        bins = edges_of(everything, series["bins"])
        for name, frame, chosen in zip(("histograms", "compared_histograms"), frames, picked):
            items = chosen[result.index]
            of_buckets = [
                [item for item in items if bucket["start"] <= item.time < bucket["end"]]
                for bucket in frame.buckets
            ][: len(main.buckets)]
            of_buckets += [[]] * (len(main.buckets) - len(of_buckets))
            out[name] = [histogram(series, one, bins) for one in [*of_buckets, items]]
    return out
