"""The questions of docs/semantics.md about how users use the product: text to query, answer to
text.

Each kind has a reader (from the question's options and tokens to a query) and a writer (from an
answer to the text of the page).
"""

from examples import EPOCH_MS, duration_ms, read_selector, show
from series_questions import label_text


def read_lifecycle(question):
    return {
        "kind": "lifecycle",
        "scope": question.ranged_scope(),
        "unit": question.options["unit"],
        "multiple": question.options["multiple"],
        "selector": read_selector(question.tokens),
        "breakdown": question.options["breakdown"],
    }


def read_stickiness(question):
    return {
        "kind": "stickiness",
        "scope": question.ranged_scope(),
        "unit": question.options["unit"],
        "multiple": question.options["multiple"],
        "selector": read_selector(question.tokens),
        "min_events": question.options.get("min_events", 0),
        "count": "at_least" if question.options.get("at_least") else "default",
        "comparison": question.options.get("comparison"),
        "breakdown": question.options["breakdown"],
    }


def read_sessions(question):
    options = question.options
    some = question.tokens.peek()[0] != "end"
    return {
        "kind": "sessions",
        "scope": question.ranged_scope(),
        "unit": options["unit"],
        "multiple": options["multiple"],
        "selector": read_selector(question.tokens) if some else None,
        "gap": duration_ms(options["gap"]) if "gap" in options else None,
        "property": options.get("ends"),
        "top": options.get("show", 9),
        "breakdown": options["breakdown"],
    }


def read_nodes(question):
    """`page` alone: a property; `NAME PREDICATE | ...`: selectors."""
    tokens = question.tokens
    first = tokens.word("a property or a node's name")
    if tokens.peek()[0] == "end":
        return first, None
    selectors = [{"name": first, "selector": read_selector(tokens)}]
    while tokens.take("|"):
        name = tokens.word("a node's name")
        selectors.append({"name": name, "selector": read_selector(tokens)})
    return None, selectors


def read_chain(question):
    nodes = [question.tokens.value()]
    while question.tokens.take(">"):
        nodes.append(question.tokens.value())
    return nodes


def read_excluded(question):
    question.tokens.expect("(")
    excluded = read_selector(question.tokens)
    question.tokens.expect(")")
    return excluded


def read_paths(question):
    options = question.options
    name, selectors = read_nodes(question)
    return {
        "kind": "paths",
        "scope": question.ranged_scope(),
        "property": name,
        "selectors": selectors,
        "excluded": options.get("excluding"),
        "gap": duration_ms(options["gap"]) if "gap" in options else None,
        "depth": options.get("depth", 5),
        "start": options.get("start", []),
        "end": options.get("end"),
        "top": options.get("show", 9),
        "breakdown": options["breakdown"],
    }


def read_users(question):
    some = question.tokens.peek()[0] != "end"
    return {
        "kind": "user_list",
        "scope": question.ranged_scope(),
        "selector": read_selector(question.tokens) if some else None,
        "properties": question.options["with"],
        "page_size": question.options["page_size"],
    }


def read_entities(question):
    return read_users(question) | {"kind": "entity_list"}


def read_preview(question):
    """preview PREDICATE [| PREDICATE to compare with]"""
    options, tokens = question.options, question.tokens
    scope = question.ranged_scope()
    ranged = options.get("ranged", False)
    if not ranged:
        scope.update(start=scope["as_of"] - 14 * 86_400_000, end=scope["as_of"])
    selector = read_selector(tokens)
    if selector["terms"] == [{"any": True}]:
        selector = {"terms": [{"predicate": {"all_of": []}}]}
    breakdown = options["breakdown"]
    properties = [{"scope": breakdown["scope"], "property": breakdown["property"]}] if breakdown else []
    return {
        "kind": "preview",
        "scope": scope,
        "default_range": not ranged,
        "target": selector["terms"][0],
        "compared": read_selector(tokens) if tokens.take("|") else None,
        "properties": properties,
        "top": breakdown["top"] if breakdown else 0,
        "sample": options.get("show"),
    }


def read_suggest(question):
    """suggest USER EVENT-ID"""
    scope = question.ranged_scope()
    return {
        "kind": "suggest",
        "scope": scope,
        "default_range": not question.options.get("ranged", False),
        "user": str(question.tokens.value()),
        "event": str(question.tokens.value()),
        "facts": question.options.get("facts", {}),
        "limit": question.options.get("show", 0),
    }


def read_fact(question):
    """fact type NAME: may stand several times."""
    facts = question.options.get("facts", {})
    fact = question.tokens.word("type, element_chain, text, path, url or host")
    return facts | {fact: question.tokens.word("a property")}


def read_properties(question):
    some = question.tokens.peek()[0] != "end"
    return {
        "kind": "properties",
        "scope": question.ranged_scope(),
        "selector": read_selector(question.tokens) if some else None,
        "prefix": question.options.get("prefix", ""),
        "page_size": question.options["page_size"],
    }


def read_values(question):
    scope, _, name = question.tokens.word("a property").rpartition(".")
    one = {"scope": "user" if scope == "user" else "event", "property": name}
    if scope.startswith("account."):
        one |= {"scope": "account", "key": scope.removeprefix("account.")}
    return read_properties(question) | {
        "kind": "values",
        "property": one,
        "ci": question.options.get("ignoring_case", False),
    }


def properties_text(answer):
    texts = []
    for one in answer["properties"]:
        of = {"event": "", "user": "user.", "account": f"account.{one.get('key')}."}
        name = of[one["scope"]] + one["name"]
        kinds = ", ".join(f"{kind} {count}" for kind, count in one["counts"].items() if count)
        first, last = map(moment_text, one["seen"])
        texts.append(
            f"{name} {kinds}; share {number(one['share'])}, {number(one['distinct'])} values, "
            f"{first} to {last}"
        )
    return " | ".join(texts) or "none"


def values_text(answer):
    texts = [f"{show(value)} {count}" for value, count in answer["values"]]
    return ", ".join(texts + ["more"] * answer["more"]) or "none"


def preview_text(answer):
    events, users, all_events, all_users = map(number, answer["counts"])
    text = f"{events} events of {all_events}, {users} users of {all_users}"
    text += ", shares " + numbers(answer["shares"])
    days = [number(value) for value in answer["by_day"][0]]
    text += f"; days {len(days)}, events on {sum(one != '0' for one in days)}"
    for rows in answer["properties"]:
        text += "; " + ", ".join(f"{label_text(label)} {number(count)}" for label, count in rows)
    return text + "; latest " + (" ".join(event["id"] for event in answer["sample"]) or "none")


def suggest_text(answer):
    if "missing" in answer:
        return "no " + answer["missing"]
    texts = []
    for one in answer["suggestions"]:
        names = "".join(f" @{name}" for name in one["definitions"])
        texts.append(f"{one['label']}: {one['events']}/{one['users']}{names}")
    return " | ".join(texts) or "none"


def number(value):
    return "null" if value is None else f"{value:.6g}"


def numbers(values):
    return " ".join(map(number, values))


def rows_text(answer, text_of):
    """Each row of a breakdown and the total; without one the total alone."""
    if not answer["rows"]:
        return text_of(answer)
    texts = [f"{label_text(row['label'])}: {text_of(row)}" for row in answer["rows"]]
    return " | ".join([*texts, "total: " + text_of(answer)])


def lifecycle_text(answer):
    return rows_text(answer, lifecycle_row)


def lifecycle_row(answer):
    names = ("new", "returning", "resurrecting", "dormant")
    return "; ".join(f"{name} {numbers(answer[name])}" for name in names)


def stickiness_text(answer):
    return rows_text(answer, stickiness_row)


def stickiness_row(answer):
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


def sessions_row(answer):
    parts = [number(one["sessions"]) for one in answer["figures"]]
    text = f"{' '.join(parts)} total " if parts else ""
    return text + figures_text(answer["total"])


def sessions_text(answer):
    text = rows_text(answer, sessions_row)
    for name in ("entries", "exits"):
        if answer[name]:
            text += f"; {name} {ends_text(answer[name])}"
    return text


def node_text(node):
    return show(node["label"][1]) if node["label"][1:] else node["label"][0]


def paths_text(answer):
    return rows_text(answer, paths_row)


def paths_row(answer):
    """Level by level: each node with walks/users, its targets, and what drops off."""
    levels = []
    for level, nodes in enumerate(answer["levels"], 1):
        texts = []
        for source, node in enumerate(nodes):
            text = f"{node_text(node)} {node['walks']}/{node['users']}"
            targets = [
                f"{node_text(answer['levels'][level][target])} {walks}/{users}"
                for at, of, target, walks, users in answer["edges"]
                if (at, of) == (level, source)
            ]
            if node["drop_off"][0]:
                targets.append("off {}/{}".format(*node["drop_off"]))
            texts.append(text + (f" > {' + '.join(targets)}" if targets else ""))
        levels.append(", ".join(texts))
    return "; ".join(levels) or "none"


def moment_text(time):
    return "never" if time is None else f"{(time - EPOCH_MS) / 1000:.6g}"


def listed_text(name, one):
    """What a list says of a user or of an entity."""
    text = f"{name} {one['events']}"
    if one["events"]:
        text += f" ({moment_text(one['first'])} to {moment_text(one['last'])})"
    return " ".join([text] + [f"{of}={show(value)}" for of, value in one["properties"]])


def users_text(answer):
    return "; ".join(listed_text(one["user"], one) for one in answer["users"]) or "nobody"


def entities_text(answer):
    return "; ".join(listed_text(show(one["entity"]), one) for one in answer["entities"]) or "none"


READERS = {
    "lifecycle": read_lifecycle,
    "stickiness": read_stickiness,
    "sessions": read_sessions,
    "paths": read_paths,
    "preview": read_preview,
    "suggest": read_suggest,
    "properties": read_properties,
    "values": read_values,
    "users": read_users,
    "entities": read_entities,
}
WRITERS = {
    "lifecycle": lifecycle_text,
    "stickiness": stickiness_text,
    "sessions": sessions_text,
    "paths": paths_text,
    "preview": preview_text,
    "suggest": suggest_text,
    "properties": properties_text,
    "values": values_text,
    "users": users_text,
    "entities": entities_text,
}
# Words that a question may have before what it asks about, and what reads the rest of each.
OPTIONS = {
    "min_events": lambda question: question.tokens.value(),
    "at_least": lambda question: True,
    "facts": read_fact,
    "prefix": lambda question: question.tokens.value(),
    "ignoring_case": lambda question: True,
    "gap": lambda question: question.tokens.word("a length of time"),
    "ends": lambda question: question.tokens.word("a property"),
    "show": lambda question: question.tokens.value(),
    "depth": lambda question: question.tokens.value(),
    "start": read_chain,
    "end": lambda question: [question.tokens.value()],
    "excluding": read_excluded,
}
