"""The questions of docs/semantics.md about how users use the product: text to query, answer to
text.

Each kind has a reader (from the question's options and tokens to a query) and a writer (from an
answer to the text of the page).
"""

from examples import read_selector


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


READERS = {"lifecycle": read_lifecycle, "stickiness": read_stickiness}
WRITERS = {"lifecycle": lifecycle_text, "stickiness": stickiness_text}
# Words that a question may have before what it asks about; what each takes.
OPTIONS = {"min_events": "value", "at_least": None, "compare": None}
