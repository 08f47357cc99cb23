"""Random queries about how users use the product: lifecycle, stickiness, sessions, paths, lists of
users. And their tags for the coverage table.

The parts that all queries share (selectors, scopes) come from queries.py as callbacks, so that
queries.py can list the makers of this file.
"""

from generator import DAY, HOUR, PATHS, TYPES, URLS
from series_queries import make_breakdown, make_comparison

UNIT_MS = {
    "second": 1000,
    "minute": 60_000,
    "hour": HOUR,
    "day": DAY,
    "week": 7 * DAY,
    "month": 30 * DAY,
    "quarter": 91 * DAY,
    "year": 365 * DAY,
}
PROPERTIES = ["type", "path", "price", "city", "tags", "mixed", "absent", "url", "e1", "t1"]
OPTIONS = ("unit", "multiple", "count", "min_events", "property")


def some_unit(rng, scope, most):
    length = scope["end"] - scope["start"]
    return rng.choice([unit for unit, unit_ms in UNIT_MS.items() if length // unit_ms < most])


def some_multiple(rng):
    return {"multiple": rng.choice([0, 1, 2, 2, 3, 5, 12])} if rng.random() < 0.2 else {}


def make_lifecycle(rng, world, make_scope, make_selector):
    scope = make_scope(rng, world)
    return some_multiple(rng) | {
        "kind": "lifecycle",
        "scope": scope,
        "selector": make_selector(rng, world),
        "unit": some_unit(rng, scope, 200),
        "breakdown": some_breakdown(rng, world),
    }


def some_breakdown(rng, world):
    """Of every dimension."""
    return None if rng.random() < 0.5 else make_breakdown(rng, world)


def make_stickiness(rng, world, make_scope, make_selector):
    scope = make_scope(rng, world)
    comparison = None
    if rng.random() < 0.5:
        comparison = make_comparison(rng)
    return some_multiple(rng) | {
        "kind": "stickiness",
        "scope": scope,
        "selector": make_selector(rng, world),
        "unit": some_unit(rng, scope, 200),
        "min_events": rng.choice([0, 1, 1, 2, 2, 3]),
        "count": rng.choice(["default", "exactly", "at_least"]),
        "comparison": comparison,
        "breakdown": some_breakdown(rng, world),
    }


def some_gap(rng, world):
    """Often one of the world's own pauses, or a millisecond beside it."""
    if rng.random() < 0.2:
        return None
    return max(rng.choice([0, 1, 1, 2, 3, 10]) * world["grid"] + rng.choice([0, 0, 0, 1, -1]), 0)


def make_sessions(rng, world, make_scope, make_selector):
    scope = make_scope(rng, world)
    out = some_multiple(rng) | {
        "kind": "sessions",
        "scope": scope,
        "selector": None if rng.random() < 0.5 else make_selector(rng, world),
        "unit": None if rng.random() < 0.25 else some_unit(rng, scope, 200),
        "gap": some_gap(rng, world),
        "property": None,
        "top": 9,
        "breakdown": some_breakdown(rng, world),
    }
    if rng.random() < 0.6:
        out["property"] = rng.choice(PROPERTIES)
        out["top"] = rng.choice([0, 1, 2, 3, 9, 100])
    return out


NODE_VALUES = {
    "type": TYPES,
    "path": PATHS,
    "price": [1, 2, "1", 2.5, True, None],
    "tags": ["a", "b", "1", None],
    "mixed": [None, 1, "x"],
    "absent": [None, "x"],
    "url": [None, *URLS[:3]],
    "e1": [None, "a", "/", "view", "shop.example", 1],
    "f1": [None, 0, 1, 2, 2.5],
    "t1": [1, 2, 5, 12, 30],
}


def make_paths(rng, world, make_scope, make_selector):
    scope = make_scope(rng, world)
    out = {
        "kind": "paths",
        "scope": scope,
        "property": None,
        "selectors": None,
        "excluded": None if rng.random() < 0.6 else make_selector(rng, world),
        "gap": some_gap(rng, world),
        "depth": rng.choice([1, 2, 3, 4, 5, 5, 8, 20]),
        "start": [],
        "end": None,
        "top": rng.choice([0, 1, 2, 3, 9, 9, 100]),
        "breakdown": some_breakdown(rng, world),
    }
    if rng.random() < 0.3:
        names = rng.sample(["home", "cart", "10", "9", "pay", "Ü"], rng.choice([1, 2, 3, 4]))
        out["selectors"] = [
            {"name": name, "selector": make_selector(rng, world)} for name in names
        ]
        values = names + ["nothing"] * (rng.random() < 0.2)
    else:
        out["property"] = rng.choice(["type", "type", "type", *NODE_VALUES])
        values = NODE_VALUES[out["property"]]
    if rng.random() < 0.4:
        count = min(rng.choice([1, 1, 1, 2, 2, 3]), out["depth"])
        out["start"] = [rng.choice(values) for _ in range(count)]
    if rng.random() < 0.35:
        out["end"] = [rng.choice(values)]
    return out


def make_user_list(rng, world, make_scope, make_selector):
    scope = make_scope(rng, world)
    scope.pop("entity", None)  # A list is of users.
    return {
        "kind": "user_list",
        "scope": scope,
        "selector": None if rng.random() < 0.5 else make_selector(rng, world),
        "properties": rng.choice([None, ["plan", "home"], ["plan", *sorted(world["derived"])]]),
        "page_size": rng.choice([0, 1, 2, 3, 7, 1000]),
    }


def make_entity_list(rng, world, make_scope, make_selector):
    scope = make_scope(rng, world)
    if not scope.get("entity"):
        scope["entity"] = rng.choice(["type", "path", "price", "city", "tags", "mixed"])
    return {
        "kind": "entity_list",
        "scope": scope,
        "selector": None if rng.random() < 0.5 else make_selector(rng, world),
        "properties": rng.choice([None, None, ["plan", "home"], ["plan", *sorted(world["derived"])]]),
        "page_size": rng.choice([0, 1, 2, 3, 7, 1000]),
    }


MAKERS = {
    "user_list": make_user_list,
    "entity_list": make_entity_list,
    "paths": make_paths,
    "lifecycle": make_lifecycle,
    "stickiness": make_stickiness,
    "sessions": make_sessions,
}


def usage_tags(query):
    """Names of the options that a query of this file uses."""
    if query["kind"] not in MAKERS:
        return set()
    found = set()
    for name in ("selector", "gap", "excluded", "end", "selectors"):
        if name in query:
            given = query[name] is not None
            found.add(f"{query['kind']}: {name if given else 'no ' + name}")
    if query.get("comparison") is not None:
        kind = query["comparison"]
        found.add("stickiness: compared " + (kind if kind == "previous" else "by " + kind["unit"]))
    if query["kind"] == "paths":
        found.add(f"paths: start of {len(query['start'])}")
        if query["start"] and query["end"] is not None:
            found.add("paths: start and end")
    return found | {
        f"{query['kind']}: {name} {query[name]}"
        for name in OPTIONS
        if isinstance(query.get(name), (str, int)) and query[name]
    }
