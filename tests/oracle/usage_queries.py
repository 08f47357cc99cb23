"""Random queries about how users use the product: lifecycle, stickiness, sessions. And their tags for the
coverage table.

The parts that all queries share (selectors, scopes) come from queries.py as callbacks, so that
queries.py can list the makers of this file.
"""

from generator import DAY, HOUR

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
PROPERTIES = ["type", "path", "price", "city", "tags", "mixed", "absent"]
OPTIONS = ("unit", "count", "min_events", "compare", "property")


def some_unit(rng, scope, most):
    length = scope["end"] - scope["start"]
    return rng.choice([unit for unit, unit_ms in UNIT_MS.items() if length // unit_ms < most])


def make_lifecycle(rng, world, make_scope, make_selector):
    scope = make_scope(rng, world)
    return {
        "kind": "lifecycle",
        "scope": scope,
        "selector": make_selector(rng, world),
        "unit": some_unit(rng, scope, 200),
    }


def make_stickiness(rng, world, make_scope, make_selector):
    scope = make_scope(rng, world)
    return {
        "kind": "stickiness",
        "scope": scope,
        "selector": make_selector(rng, world),
        "unit": some_unit(rng, scope, 200),
        "min_events": rng.choice([0, 1, 1, 2, 2, 3]),
        "count": rng.choice(["default", "exactly", "at_least"]),
        "compare": rng.random() < 0.4,
    }


def some_gap(rng, world):
    """Often one of the world's own pauses, or a millisecond beside it."""
    if rng.random() < 0.2:
        return None
    return max(rng.choice([0, 1, 1, 2, 3, 10]) * world["grid"] + rng.choice([0, 0, 0, 1, -1]), 0)


def make_sessions(rng, world, make_scope, make_selector):
    scope = make_scope(rng, world)
    out = {
        "kind": "sessions",
        "scope": scope,
        "selector": None if rng.random() < 0.5 else make_selector(rng, world),
        "unit": None if rng.random() < 0.25 else some_unit(rng, scope, 200),
        "gap": some_gap(rng, world),
        "property": None,
        "top": 9,
    }
    if rng.random() < 0.6:
        out["property"] = rng.choice(PROPERTIES)
        out["top"] = rng.choice([0, 1, 2, 3, 9, 100])
    return out


MAKERS = {
    "lifecycle": make_lifecycle,
    "stickiness": make_stickiness,
    "sessions": make_sessions,
}


def usage_tags(query):
    """Names of the options that a query of this file uses."""
    if query["kind"] not in MAKERS:
        return set()
    found = set()
    for name in ("selector", "gap"):
        if name in query:
            given = query[name] is not None
            found.add(f"{query['kind']}: {name if given else 'no ' + name}")
    return found | {
        f"{query['kind']}: {name} {query[name]}"
        for name in OPTIONS
        if isinstance(query.get(name), (str, int)) and query[name]
    }
