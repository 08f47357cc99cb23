"""The questions of docs/semantics.md that compare users: text to query, answer to text."""

from examples import read_rule, read_selector, show


def read_selectors(question):
    out = [read_selector(question.tokens)]
    while question.tokens.take("|"):
        out.append(read_selector(question.tokens))
    return out


def read_experiment(question):
    """STEP | STEP ..., or with `mean_of`: EXPOSURE | METRIC."""
    options = question.options
    variant = {"kind": "property"} | {
        key: options["breakdown"][key] for key in ("scope", "property")
    }
    selectors = read_selectors(question)
    query = {
        "kind": "experiment",
        "scope": question.ranged_scope(),
        "funnel": None,
        "mean": None,
        "variant": variant,
        "control": options.get("control"),
        "confidence": options.get("confidence", 0),
    }
    if "mean_of" in options:
        name = None if options["mean_of"] == "events" else options["mean_of"]
        query["mean"] = {"exposure": selectors[0], "metric": selectors[1], "property": name}
    else:
        query["funnel"] = {"kind": "funnel", "steps": selectors, "window": options.get("window")}
    return query


def read_correlation(question):
    options = question.options
    some = question.tokens.peek()[0] != "end"
    scope = question.ranged_scope()
    cells = {}
    if scope.get("entity") is not None:
        for name in ("converted", "population"):
            steps = options.get(name + "_by")
            cells[name + "_of"] = steps and cell_of(steps, scope)
    return {
        "kind": "correlation",
        "scope": scope,
        "converted": options.get("converted"),
        "events": read_selectors(question) if some else [],
        "properties": options.get("values", []),
        "among": None,
        "least": options.get("least", 0),
        "top": options.get("show", 0),
        "confidence": options.get("confidence", 0),
    } | cells


def cell_of(steps, scope):
    """Those who reach the last of the steps."""
    question = {"kind": "funnel", "scope": scope, "steps": steps, "window": None, "breakdown": None}
    return {"question": question, "step": len(steps), "dropped": False}


def number(value):
    return f"{value:.4g}"


def interval(ends):
    return "no interval" if ends is None else f"[{number(ends[0])}, {number(ends[1])}]"


def experiment_text(answer):
    if "error" in answer:
        return "refused"
    parts = []
    for row in answer["variants"]:
        text = f"{show(row['value'])} {number(row['figure'])} {interval(row['interval'])} of {row['users']}"
        beside = row["beside"]
        if beside is not None:
            text += f" {beside['difference']:+.4g} {interval(beside['interval'])}"
            text += f" p {number(beside['p'])}"
            if beside["corrected"] != beside["p"]:
                text += f" corrected {number(beside['corrected'])}"
        parts.append(text)
    if answer["overall"] is not None and len(answer["variants"]) > 2:
        parts.append("all p " + number(answer["overall"][2]))
    return "; ".join(parts + (["few users"] if answer["few"] else [])) or "nobody"


def correlation_text(answer):
    parts = [f"{answer['converted']} of {answer['users']}"]
    for row in answer["rows"]:
        kind, place = row["which"]
        name = f"event {place + 1}" if kind == "event" else show(row["value"])
        parts.append(f"{name} {row['counts'][0]}/{row['counts'][1]} "
                     + ("no ratio" if row["ratio"] is None else number(row["ratio"]))
                     + f" {interval(row['interval'])}")
    return "; ".join(parts)


def read_converted(question):
    question.tokens.expect("(")
    rule = read_rule(question.tokens)
    question.tokens.expect(")")
    return rule


def read_reached(question):
    question.tokens.expect("(")
    steps = read_selectors(question)
    question.tokens.expect(")")
    return steps


def read_values(question):
    """A property; `user.NAME` is the user's, `account.KEY.NAME` an account's. May stand several
    times."""
    name = question.tokens.word("a property")
    scope, _, rest = name.partition(".")
    ref = {"scope": "event", "property": name}
    if scope == "user":
        ref = {"scope": "user", "property": rest}
    if scope == "account":
        key, _, rest = rest.partition(".")
        ref = {"scope": "account", "property": rest, "key": key}
    return question.options.get("values", []) + [ref]


READERS = {"experiment": read_experiment, "correlation": read_correlation}
WRITERS = {"experiment": experiment_text, "correlation": correlation_text}
OPTIONS = {
    "converted": read_converted,
    "converted_by": read_reached,
    "population_by": read_reached,
    "values": read_values,
    "mean_of": lambda question: question.tokens.word("a property, or events"),
    "control": lambda question: [question.tokens.value()],
    "confidence": lambda question: question.tokens.value(),
    "least": lambda question: question.tokens.value(),
}
