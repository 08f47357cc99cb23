"""Random queries about how users use the product: lifecycle, stickiness. And their tags for the
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
OPTIONS = ("unit", "count", "min_events", "compare")


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


MAKERS = {"lifecycle": make_lifecycle, "stickiness": make_stickiness}


def usage_tags(query):
    """Names of the options that a query of this file uses."""
    if query["kind"] not in MAKERS:
        return set()
    return {
        f"{query['kind']}: {name} {query[name]}"
        for name in OPTIONS
        if isinstance(query.get(name), (str, int)) and query[name]
    }
