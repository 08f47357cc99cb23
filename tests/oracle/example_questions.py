"""The questions of the examples in docs/semantics.md: text to query, answer to text.

A query has the shape of evaluator.py. An answer is written in one way only, so that what the page
says and what a server says are compared as texts.
"""

import datetime

import funnel_questions
import series_questions
import comparison_questions
import usage_questions
from examples import (
    AS_OF_MS,
    WEEKDAYS,
    Tokens,
    Unreadable,
    duration_ms,
    moment_ms,
    read_rule,
    read_selector,
    show,
)

KINDS = ("buckets", "funnel", "retention", "segment", "events", "user", "shown")
RETENTION_OPTIONS = ("rolling", "in_range", "brackets", "min_occurrences", "value", "same_value")



READERS = usage_questions.READERS | comparison_questions.READERS
WRITERS = usage_questions.WRITERS | comparison_questions.WRITERS

class Question:
    """One question: `query` is what is asked, answer() writes what came back."""

    def __init__(self, source, example):
        self.tokens = Tokens(source)
        self.kind = self.tokens.word("a question")
        self.is_series = series_questions.begins(self.kind)
        self.is_usage = self.kind in READERS
        if self.kind not in KINDS and not self.is_series and not self.is_usage:
            raise Unreadable(f"{self.kind!r} is no question")
        start, end = example.whole_days()
        self.scope = {"zone": "UTC", "as_of": AS_OF_MS}
        self.range = {"start": start, "end": end, "week_start": 0}
        self.options = {"unit": None, "multiple": 1, "with": [], "page_size": 0, "breakdown": None}
        while self.read_option():
            pass
        if self.is_series:
            self.query = series_questions.read(self)
        elif self.is_usage:
            self.query = READERS[self.kind](self)
        else:
            self.query = getattr(self, "read_" + self.kind)()
        if self.tokens.peek()[0] != "end":
            raise Unreadable(f"{self.tokens.peek()[1]!r} is too much, in {source!r}")

    def read_option(self):
        """Reads one word that belongs to the question, with what it takes; False: none comes."""
        kind, name = self.tokens.peek()
        if self.is_series and series_questions.begins(name):
            return False  # The next series of a formula: `rolling` is an option of retention too.
        for options in (usage_questions.OPTIONS, comparison_questions.OPTIONS, funnel_questions.OPTIONS):
            if kind == "word" and name in options:
                self.tokens.next()
                self.options[name] = options[name](self)
                return True
        reader = getattr(self, "option_" + name, None) if kind == "word" else None
        if reader is not None:
            self.tokens.next()
            reader()
        return reader is not None

    def option_per(self):
        unit = self.tokens.word("a unit of time")
        if unit.isdecimal():
            self.options["multiple"] = int(unit)
            unit = self.tokens.word("a unit of time").removesuffix("s")
        self.options["unit"] = unit

    def option_from(self):
        self.options["ranged"] = True
        self.range["start"] = moment_ms(self.tokens.word("a moment"))

    def option_to(self):
        self.options["ranged"] = True
        self.range["end"] = moment_ms(self.tokens.word("a moment"))

    def option_as_of(self):
        self.scope["as_of"] = moment_ms(self.tokens.word("a moment"))

    def option_zone(self):
        self.scope["zone"] = self.tokens.word("a time zone")

    def option_weeks_begin(self):
        self.range["week_start"] = WEEKDAYS.index(self.tokens.word("a day of the week"))

    def option_among(self):
        self.tokens.expect("(")
        self.scope["segment"] = read_rule(self.tokens)
        self.tokens.expect(")")

    def option_entity(self):
        self.scope["entity"] = self.tokens.word("a property")

    def option_by(self):
        dimension = series_questions.read_dimension(self.tokens)
        self.options["latest"] = "breakdown"
        if self.options["breakdown"] is None and "property" in dimension:
            self.options["breakdown"] = dict(dimension, top=9)
            return
        series_questions.add_dimension(self.options, dimension)

    def option_in_bins(self):
        """Of the dimension before."""
        if self.options["latest"] == "breakdown":
            series_questions.add_dimension(self.options, None)
        latest = self.options[self.options["latest"]]
        latest["dimensions"][-1]["bins"] = self.tokens.value()

    def option_across(self):
        """A dimension of the columns; again for the next."""
        self.options["latest"] = "columns"
        columns = self.options.setdefault("columns", {"dimensions": [], "top": 9})
        columns["dimensions"].append(series_questions.read_dimension(self.tokens))

    def option_columns(self):
        self.options["columns"]["top"] = self.tokens.value()

    def option_cumulative(self):
        self.options["cumulative"] = True

    def option_compared(self):
        self.options["comparison"] = series_questions.read_comparison(self.tokens)

    def option_top(self):
        self.options["breakdown"]["top"] = self.tokens.value()

    def option_window(self):
        self.options["window"] = duration_ms(self.tokens.word("a length of time"))

    def option_first_only(self):
        self.options["first_only"] = True

    def option_strict_times(self):
        self.options["strict_times"] = True

    def option_cohorts(self):
        self.options["cohorts"] = self.tokens.word("a kind of cohort")

    def option_on_or_after(self):
        self.options["or_after"] = True

    def option_cells(self):
        self.options["last_period"] = self.tokens.value() - 1

    def option_rolling(self):
        self.options["rolling"] = True

    def option_in_range(self):
        self.options["in_range"] = True

    def option_brackets(self):
        """brackets 0-0,1-3"""
        pairs = [self.tokens.word("a bracket")]
        while self.tokens.take(","):
            pairs.append(self.tokens.word("a bracket"))
        self.options["brackets"] = [[int(end) for end in pair.split("-")] for pair in pairs]

    def option_returns(self):
        self.options["min_occurrences"] = self.tokens.value()

    def option_value(self):
        how = self.tokens.word("sum or mean")
        self.options["value"] = [self.tokens.word("a property"), how]

    def option_same_value(self):
        self.options["same_value"] = True

    def option_latest_first(self):
        self.options["descending"] = True

    def option_labelled(self):
        self.options["labelled"] = True

    def option_pages_of(self):
        self.options["page_size"] = self.tokens.value()

    def option_with(self):
        self.options["with"].append(self.tokens.word("a column"))

    def ranged_scope(self):
        return dict(self.scope, **self.range)

    def read_steps(self):
        steps = [read_selector(self.tokens)]
        while self.tokens.take("|"):
            steps.append(read_selector(self.tokens))
        return steps

    def read_buckets(self):
        return series_questions.question_of(self, [series_questions.ANY_EVENT], [])

    def read_funnel(self):
        return funnel_questions.read(self)

    def read_retention(self):
        steps = self.read_steps()
        return {
            "kind": "retention",
            "scope": self.ranged_scope(),
            "unit": self.options["unit"],
            "multiple": self.options["multiple"],
            "start": steps[0],
            "return": steps[-1],
            "cohorts": self.options.get("cohorts", "default"),
            "or_after": self.options.get("or_after", False),
            "last_period": self.options.get("last_period"),
            "breakdown": self.options["breakdown"],
            **{name: self.options[name] for name in RETENTION_OPTIONS if name in self.options},
        }

    def read_segment(self):
        rule = read_rule(self.tokens)
        return {"kind": "segment", "scope": dict(self.scope, segment=rule), "page_size": 0}

    def read_events(self):
        selector = None
        user = self.tokens.word("a user")
        if self.tokens.peek()[0] != "end":
            selector = read_selector(self.tokens)
        ranged = self.options.get("ranged")
        return {
            "kind": "events",
            "user": user,
            "as_of": self.scope["as_of"],
            "range": [self.range["start"], self.range["end"]] if ranged else None,
            "selector": selector,
            "descending": self.options.get("descending", False),
            "definitions": self.options.get("labelled", False),
            "properties": self.options["with"],
            "page_size": self.options["page_size"],
        }

    read_user = read_events
    read_shown = read_events

    def answer(self, answer):
        """An answer in the shape of evaluator.py, as the page writes it."""
        if self.options.get("columns") is not None:
            return self.table_text(answer["columns"][-1], answer["series"][-1])
        if self.is_series:
            return self.series_text(answer["series"][-1])
        if self.kind == "buckets":
            return "; ".join(map(bucket_text, answer["buckets"]))
        if self.kind == "segment":
            return " ".join(answer["users"]) or "nobody"
        if self.kind == "shown":
            return answer["user"]
        if self.kind == "user":
            found = answer["user_properties"]
            return " ".join(f"{name}={show(value)}" for name, value in found) or "nothing"
        if self.kind in WRITERS:
            return WRITERS[self.kind](answer)
        return getattr(self, self.kind + "_text")(answer)

    def rows_text(self, rows, text_of):
        if self.options["breakdown"] is None:
            return text_of(rows[-1])
        labels = [series_questions.label_text(row["label"]) for row in rows]
        return "; ".join(f"{label}: {text_of(row)}" for label, row in zip(labels, rows))

    def series_text(self, rows):
        def figures(values, total):
            if self.options["unit"] is None:
                return numbers([total])
            return f"{numbers(values)} total {numbers([total])}"

        def text_of(row):
            if "histograms" in row:
                before = ["before", *row["compared_histograms"]] if "compared" in row else []
                return " | ".join(map(series_questions.histogram_text, row["histograms"])) + "".join(
                    f" {one}" if one == "before" else f" {series_questions.histogram_text(one)} |"
                    for one in before
                ).removesuffix(" |")
            text = figures(row["values"], row["total"])
            if "compared" in row:
                text += " before " + figures(row["compared"], row["compared_total"])
            return text

        return self.rows_text(rows, text_of)

    def table_text(self, columns, rows):
        """The names of the columns, then the figures of each row in them."""

        def text_of(row):
            text = numbers(row["by_column"])
            if "compared" in row:
                text += " before " + numbers(row["compared_by_column"])
            return text

        return f"{' | '.join(map(series_questions.label_text, columns))}; " + self.rows_text(rows, text_of)

    def funnel_text(self, answer):
        return funnel_questions.text_of(self, answer, numbers)

    def retention_text(self, answer):
        def text_of(row):
            lines = [f"{one['size']}: {cohort_text(one)}" for one in row["cohorts"]]
            if "summary" in self.options["with"]:
                lines.append("summary: " + summary_text(row["summary"]))
            return "; ".join(lines)

        if self.options["breakdown"] is None:
            return text_of(answer["rows"][-1])
        labels = [series_questions.label_text(row["label"]) for row in answer["rows"]]
        return " | ".join(f"{name}: {text_of(row)}" for name, row in zip(labels, answer["rows"]))

    def events_text(self, answer):
        ids = [
            " ".join(
                [event["id"], *("@" + name for name in event.get("definitions", []))]
                + [f"{name}={show(value)}" for name, value in event["properties"]]
                * bool(self.options["with"])
            )
            for event in answer["events"]
        ]
        size = self.options["page_size"] or max(len(ids), 1)
        pages = [" ".join(ids[at : at + size]) for at in range(0, len(ids), size)]
        return " | ".join(pages) or "none"


def cohort_text(one):
    """A cell: users, a star if it may still grow, and in brackets its value."""
    values = one.get("values") or [None] * len(one["users"])
    cells = []
    for users, state, value in zip(one["users"], one["states"], values):
        text = number(users) + ("*" if state == "begun" else "")
        with_value = "values" in one and users is not None
        cells.append(f"{text} ({number(value)})" if with_value else text)
    return " ".join(cells)


def summary_text(summary):
    parts = [f"{users}/{size}" for users, size in zip(summary["users"], summary["sizes"])]
    if "values" in summary:
        parts = [f"{part} ({number(value)})" for part, value in zip(parts, summary["values"])]
    return " ".join(parts)


def number(value):
    return "null" if value is None else f"{value:.6g}"


def numbers(values):
    return " ".join(map(number, values))


def bucket_text(bucket):
    """Local time at the start with its offset, the length in hours, whether the range cuts it."""
    zone = datetime.timezone(datetime.timedelta(seconds=bucket["offset"]))
    start = datetime.datetime.fromtimestamp(bucket["start"] / 1000, zone)
    length = (bucket["end"] - bucket["start"]) / 3_600_000
    text = f"{start.isoformat(timespec='minutes')} {length:.6g}h"
    return text + (" partial" if bucket["partial"] else "")
