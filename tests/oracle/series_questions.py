"""The questions about series in the examples of docs/semantics.md.

A question begins with a measure (count, uniques, sum price, percentile 95 price, rolling 7, ...); a
formula is `formula "A / B"` and its series, parted by |.
"""

from examples import Unreadable, duration_ms, moment_ms, read_rule, read_selector, show

PLAIN = {"count": "events", "uniques": "unique", "per_user": "per_user", "most": "most"}
OF_PROPERTY = ("sum", "mean", "min", "max", "median", "distinct")
OTHERS = ("percentile", "histogram", "rolling", "session_count", "formula")
ANY_EVENT = {"selector": {"terms": [{"any": True}]}, "measure": "events"}


def begins(kind):
    return kind in PLAIN or kind in OF_PROPERTY or kind in OTHERS


def read_options(question):
    while question.read_option():
        pass


def read_series(question, kind):
    """What is measured, up to its selector. Options of the question may stand in between."""
    tokens = question.tokens
    out = {"measure": PLAIN.get(kind, kind)}
    if kind == "percentile":
        out["percentile"] = tokens.value()
    if kind == "histogram":
        out["bins"] = tokens.value()
    if kind == "rolling":
        out["days"] = tokens.value()
    if kind in OF_PROPERTY or kind in ("percentile", "histogram"):
        out["property"] = tokens.word("a property")
        if out["property"].startswith("account."):
            _, out["key"], out["property"] = out["property"].split(".", 2)
    read_options(question)
    if kind == "session_count":
        out["measure"] = "sessions"
        out["gap"] = duration_ms(question.options["gap"]) if "gap" in question.options else None
    out["selector"] = read_selector(tokens)
    return out


def read(question):
    tokens = question.tokens
    if question.kind != "formula":
        return question_of(question, [read_series(question, question.kind)], [])
    kind, expression = tokens.next()
    if kind != "text":
        raise Unreadable(f"a formula in quotes expected, not {expression!r}")
    series = []
    while not series or tokens.take("|"):
        read_options(question)
        series.append(read_series(question, tokens.word("a measure")))
    return question_of(question, series, [expression])


def question_of(of, series, formulas):
    return {
        "kind": "series",
        "scope": of.ranged_scope(),
        "unit": of.options["unit"],
        "multiple": of.options["multiple"],
        "series": series,
        "breakdown": of.options["breakdown"],
        "columns": of.options.get("columns"),
        "formulas": formulas,
        "cumulative": of.options.get("cumulative", False),
        "comparison": of.options.get("comparison"),
    }





def read_dimension(tokens):
    name = tokens.word("a property, a user's count or segments")
    if name == "count" and tokens.take("("):
        selector = read_selector(tokens)
        out = {"count": selector, "range": None}
        if tokens.take("from"):
            start = moment_ms(tokens.word("a moment"))
            tokens.expect("to")
            out["range"] = [start, moment_ms(tokens.word("a moment"))]
        tokens.expect(")")
        return out
    if name == "segments" and tokens.take("("):
        rules = [read_rule(tokens)]
        while tokens.take("|"):
            rules.append(read_rule(tokens))
        tokens.expect(")")
        return {"segments": rules}
    if name.startswith("account."):
        _, key, rest = name.split(".", 2)
        return {"scope": "account", "key": key, "property": rest}
    scope = "user" if name.startswith("user.") else "event"
    return {"scope": scope, "property": name.removeprefix("user.")}


def add_dimension(options, dimension):
    """Makes the breakdown one of dimensions, and adds one if it is not None."""
    breakdown = options["breakdown"] or {"dimensions": [], "top": 9}
    if "dimensions" not in breakdown:
        first = {name: one for name, one in breakdown.items() if name != "top"}
        breakdown = {"dimensions": [first], "top": breakdown["top"]}
    if dimension is not None:
        breakdown["dimensions"].append(dimension)
    options["breakdown"] = breakdown


def read_comparison(tokens):
    if tokens.take("previous"):
        return "previous"
    count = tokens.value()
    return {"unit": tokens.word("a unit of time").removesuffix("s"), "count": count}


def bin_text(low, high, closed):
    return f"[{low:.6g}, {high:.6g}{']' if closed else ')'}"


def value_text(value):
    if isinstance(value, list) and value[0] == "bin":
        return bin_text(*value[1:])
    if isinstance(value, list) and value[0] == "segment":
        return "@" + value[1]
    return "no segment" if value == ["no_segment"] else show(value)


def is_part(value):
    return isinstance(value, list) and value[:1] and value[0] in ("bin", "segment", "no_segment")


def label_text(label):
    if len(label) == 1:
        return label[0]
    value = label[1]
    if isinstance(value, list) and not is_part(value):
        return ", ".join(map(value_text, value))
    return value_text(value)


def histogram_text(found):
    if not found["bins"]:
        return "null"
    pairs = zip(found["bins"], found["counts"])
    return " ".join(f"{bin_text(*one)} {count}" for one, count in pairs)
