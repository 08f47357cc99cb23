"""The questions about funnels in the examples of docs/semantics.md: text to query, answer to text."""

import series_questions
from examples import duration_ms, read_selector

COLUMNS = {
    "share": "from_first",
    "share_of_previous": "from_previous",
    "mean": "mean_previous",
    "median": "median_previous",
    "mean_from_first": "mean_first",
    "median_from_first": "median_first",
}
HISTOGRAMS = {"histogram": "histogram_previous", "histogram_from_first": "histogram_first"}


def read_exclusion(question):
    """`unless (PREDICATE)`, and behind it `after N`, `before N`."""
    tokens = question.tokens
    tokens.expect("(")
    out = {"selector": read_selector(tokens), "after": 0, "before": 0}
    tokens.expect(")")
    for name in ("after", "before"):
        if tokens.take(name):
            out[name] = tokens.value()
    question.options.setdefault("exclusions", []).append(out)
    return question.options["exclusions"]


def read_hold(question):
    """`holding PROPERTY`, and behind it `in 1 in 3` for named steps."""
    tokens = question.tokens
    out = {"property": tokens.word("a property"), "steps": []}
    while tokens.take("in"):
        out["steps"].append(tokens.value())
    question.options.setdefault("hold", []).append(out)
    return question.options["hold"]


def read_place(question):
    place = question.tokens.word("a place")
    question.options["at_step"] = question.tokens.value() if place == "step" else None
    return place


def read_bucket(question):
    """`day` or `2 days`."""
    unit = question.tokens.word("a unit of time")
    if unit.isdecimal():
        question.options["multiple"] = int(unit)
        unit = question.tokens.word("a unit of time").removesuffix("s")
    return unit


OPTIONS = {
    "order": lambda question: question.tokens.word("an order"),
    "same_day": lambda question: True,
    "reuse": lambda question: True,
    "unless": read_exclusion,
    "attempt_only": lambda question: True,
    "holding": read_hold,
    "totals": lambda question: True,
    "at": read_place,
    "over": read_bucket,
    "spread": lambda question: question.tokens.value(),
}


def read_steps(question, query):
    tokens = question.tokens
    while True:
        query["steps"].append(read_selector(tokens))
        within = tokens.take("within")
        query["step_windows"].append(
            duration_ms(tokens.word("a length of time")) if within else None
        )
        query["optional"].append(bool(tokens.take("optional")))
        if not tokens.take("|"):
            return


def read(question):
    options = question.options
    query = {
        "kind": "funnel",
        "scope": question.ranged_scope(),
        "steps": [],
        "step_windows": [],
        "optional": [],
        "window": options.get("window"),
        "same_local_day": options.get("same_day", False),
        "order": options.get("order", "ordered"),
        "first_only": options.get("first_only", False),
        "reuse": options.get("reuse", False),
        "strict_times": options.get("strict_times", False),
        "attempt_only": options.get("attempt_only", False),
        "hold": options.get("hold", []),
        "totals": options.get("totals", False),
        "breakdown": options["breakdown"],
        "at": options.get("at", "first"),
        "at_step": options.get("at_step"),
        "over_time": options.get("over"),
        "multiple": options["multiple"],
        "bins": options.get("spread", 0),
    }
    read_steps(question, query)
    query["exclusions"] = [
        dict(one, after=one["after"] or 1, before=one["before"] or len(query["steps"]))
        for one in options.get("exclusions", [])
    ]
    return query


def text_of(question, answer, numbers):
    def row_text(row):
        out = numbers(row["counts"])
        for name in question.options["with"]:
            if name in HISTOGRAMS:
                shown = row[HISTOGRAMS[name]][1:]
                out += f" {name} " + " | ".join(map(series_questions.histogram_text, shown))
            else:
                out += f" {name} {numbers(row[COLUMNS[name]])}"
        return out

    text = question.rows_text(answer["rows"], row_text)
    for bucket in answer.get("buckets", []):
        text += " / " + question.rows_text(bucket["rows"], row_text)
    return text
