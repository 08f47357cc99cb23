"""The questions of docs/semantics.md about how users use the product: text to query, answer to
text.

Each kind has a reader (from the question's options and tokens to a query) and a writer (from an
answer to the text of the page).
"""

from examples import duration_ms, read_selector, show


def read_lifecycle(question):
    return {
        "kind": "lifecycle",
        "scope": question.ranged_scope(),
        "unit": question.options["unit"],
        "selector": read_selector(question.tokens),
    }


def read_stickiness(question):
    return {
        "kind": "stickiness",
        "scope": question.ranged_scope(),
        "unit": question.options["unit"],
        "selector": read_selector(question.tokens),
        "min_events": question.options.get("min_events", 0),
        "count": "at_least" if question.options.get("at_least") else "default",
        "compare": question.options.get("compare", False),
    }


def read_sessions(question):
    options = question.options
    some = question.tokens.peek()[0] != "end"
    return {
        "kind": "sessions",
        "scope": question.ranged_scope(),
        "unit": options["unit"],
        "selector": read_selector(question.tokens) if some else None,
        "gap": duration_ms(options["gap"]) if "gap" in options else None,
        "property": options.get("ends"),
        "top": options.get("show", 9),
    }


def number(value):
    return "null" if value is None else f"{value:.6g}"


def numbers(values):
    return " ".join(map(number, values))


def lifecycle_text(answer):
    names = ("new", "returning", "resurrecting", "dormant")
    return "; ".join(f"{name} {numbers(answer[name])}" for name in names)


def stickiness_text(answer):
    text = numbers(answer["now"]["users"]) + f" of {answer['now']['active']}"
    if answer["before"] is not None:
        before = answer["before"]
        text += f"; before {numbers(before['users'])} of {before['active']}"
    return text


def figures_text(figures):
    text = f"{number(figures['sessions'])} of {number(figures['users'])}"
    text += f", {number(figures['bounces'])} bounced"
    if figures["mean_events"] is None:
        return text
    lengths = [number(figures[name]) + "s" for name in ("mean_seconds", "median_seconds")]
    return text + f", {number(figures['mean_events'])} events, {' '.join(lengths)}"


def ends_text(ends):
    rows = []
    for row in ends:
        label = show(row["label"][1]) if row["label"][1:] else row["label"][0]
        rows.append(f"{label} {row['sessions']}/{row['bounces']}")
    return ", ".join(rows)


def sessions_text(answer):
    parts = [number(one["sessions"]) for one in answer["figures"]]
    text = f"{' '.join(parts)} total " if parts else ""
    text += figures_text(answer["total"])
    for name in ("entries", "exits"):
        if answer[name]:
            text += f"; {name} {ends_text(answer[name])}"
    return text


READERS = {"lifecycle": read_lifecycle, "stickiness": read_stickiness, "sessions": read_sessions}
WRITERS = {"lifecycle": lifecycle_text, "stickiness": stickiness_text, "sessions": sessions_text}
# Words that a question may have before what it asks about; what each takes.
OPTIONS = {
    "min_events": ("value",),
    "at_least": (),
    "compare": (),
    "gap": ("word", "a length of time"),
    "ends": ("word", "a property"),
    "show": ("value",),
}
