"""Questions that find much: selectors of types that most events have, and scopes that leave little out.

Random selectors and scopes mostly leave a user one or two events that match. What an option does shows where
a user has many ways, so most of the funnels and retentions are asked so.
"""

import collections

from generator import TYPES

EVENTS_MAX = 60  # Of a user: the oracle tries all of its ways.


def fits(world):
    counts = collections.Counter(row["user"] for row in world["rows"] if row["kind"] == "event")
    return max(counts.values(), default=0) <= EVENTS_MAX


def some_selector(rng, world):
    del world
    if rng.random() < 0.1:
        return {"terms": [{"any": True}]}
    types = rng.sample(TYPES, rng.choice([1, 1, 2]))
    leaf = {"scope": "event", "property": "type", "op": "in_set", "operand": types}
    out = {"terms": [{"predicate": {"leaf": leaf}}]}
    if rng.random() < 0.05:
        out["first"] = True
    return out


def widened(rng, world, scope):
    """Mostly over all that there is, and of all users."""
    out = dict(scope)
    if rng.random() < 0.7:
        out.update(start=world["first"] - world["grid"], end=world["first"] + world["length"] + world["grid"])
        out["as_of"] = out["end"] + world["length"]
    if rng.random() < 0.7:
        out.pop("segment", None)
    return out
