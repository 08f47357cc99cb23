"""Random funnels over every option and every combination that the rules define."""

import frequent
import series_queries

EVENT_PROPERTIES = ["type", "path", "city", "price", "tags", "flag", "absent", "url", "e1", "f1", "t1"]
ORDERS = ["ordered", "ordered", "ordered", "strict", "strict_steps", "unordered", "unordered"]


def some_window(rng, world):
    return max(rng.choice([0, 1, 2, 3, 6, 24]) * world["grid"] + rng.choice([0, 0, 0, 1, -1]), 0)


def make_exclusion(rng, world, steps, make_selector):
    after = rng.randrange(1, steps)
    return {
        "selector": make_selector(rng, world),
        "after": rng.choice([1, after]),
        "before": rng.choice([steps, rng.randrange(after + 1, steps + 1)]),
    }


def make_hold(rng, steps):
    named = None
    if rng.random() < 0.4:
        named = sorted(rng.sample(range(1, steps + 1), rng.randrange(1, steps + 1)))
    return {"property": rng.choice(EVENT_PROPERTIES), "steps": named}


def add_options(rng, world, query, make_selector):
    """Options of chains, as the order and the count allow."""
    steps = len(query["steps"])
    unordered, totals = query["order"] == "unordered", query["totals"]
    if not unordered and rng.random() < 0.35:
        query["step_windows"] = [None] + [
            some_window(rng, world) if rng.random() < 0.6 else None for _ in range(steps - 1)
        ]
    query["same_local_day"] = rng.random() < 0.15
    query["strict_times"] = rng.random() < 0.2
    if totals:
        return
    query["first_only"] = rng.random() < 0.2
    query["reuse"] = not unordered and rng.random() < 0.25
    if not unordered and steps > 2 and rng.random() < 0.35:
        query["optional"] = (
            [False] + [rng.random() < 0.5 for _ in range(steps - 2)] + [False]
        )
    if steps > 1 and rng.random() < 0.35:
        query["exclusions"] = [
            make_exclusion(rng, world, steps, make_selector) for _ in range(rng.choice([1, 1, 2]))
        ]
        query["attempt_only"] = rng.random() < 0.5
    if rng.random() < 0.25:
        query["hold"] = [make_hold(rng, steps) for _ in range(rng.choice([1, 1, 2]))]


def add_any_options(rng, world, query, make_selector):
    """Of users, in any order."""
    query.update(order=rng.choice(ORDERS), totals=False)
    add_options(rng, world, query, make_selector)


def make_long(rng, world, query, makers):
    """So many steps that a mask of 64 bits does not hold these and what else is asked about."""
    few = [rng.choice(makers)(rng, world) for _ in range(rng.choice([1, 2, 3]))]
    query["steps"] = [rng.choice(few) for _ in range(rng.choice([48, 62, 63, 64]))]
    query["order"] = rng.choice(["ordered", "strict", "strict", "strict_steps"])
    query["reuse"] = rng.random() < 0.5
    query["window"] = None
    query["first_only"] = rng.random() < 0.25
    query["strict_times"] = rng.random() < 0.25
    if rng.random() < 0.8:
        query["exclusions"] = [
            make_exclusion(rng, world, rng.choice([2, 5, len(query["steps"])]), rng.choice(makers))
            for _ in range(rng.choice([1, 2, 16]))
        ]
        query["attempt_only"] = rng.random() < 0.5


def add_count(rng, world, query, make_selector):
    """What is counted, and the options that go with it."""
    query["totals"] = query["order"] in ("ordered", "strict_steps") and rng.random() < 0.25
    if rng.random() < 0.3:
        query["order"] = rng.choice(["ordered", "strict_steps"]) if query["totals"] else "ordered"
        query["first_only"] = not query["totals"] and rng.random() < 0.25
        query["strict_times"] = rng.random() < 0.25
    else:
        add_options(rng, world, query, make_selector)


def make_funnel(rng, world, make_scope, make_selector, units):
    scope = make_scope(rng, world)
    is_long, some_selector = False, make_selector
    if rng.random() < 0.7 and frequent.fits(world):
        scope, some_selector = frequent.widened(rng, world, scope), frequent.some_selector
        is_long = rng.random() < 0.06
    query = {
        "kind": "funnel",
        "scope": scope,
        "steps": [some_selector(rng, world) for _ in range(rng.choice([1, 2, 2, 3, 3, 4, 5]))],
        "window": some_window(rng, world) if rng.random() < 0.7 else None,
        "order": rng.choice(ORDERS),
        "totals": False,
        "breakdown": None,
    }
    if is_long:
        make_long(rng, world, query, [some_selector, some_selector, make_selector])
    elif rng.random() < 0.3:  # The kind that has a short way of its own.
        query |= {"order": "ordered", "strict_times": rng.random() < 0.2}
        if rng.random() < 0.5:
            query["breakdown"] = series_queries.make_breakdown(rng, world)
        if query["breakdown"] is not None:
            query["at"] = rng.choice(["first", "last", "first_in_range"])
        return query
    else:
        add_count(rng, world, query, some_selector)
    if rng.random() < 0.5:
        query["breakdown"] = series_queries.make_breakdown(rng, world)
    if query["breakdown"] is not None:
        places = ["first", "last", "first_in_range", "all"]
        if query["order"] != "unordered":
            places.append("step")
        query["at"] = rng.choice(places)
        if query["at"] == "step":
            query["at_step"] = rng.randrange(1, len(query["steps"]) + 1)
    short = [unit for unit in units(scope) if unit is not None]
    if short and rng.random() < 0.25:
        query["over_time"] = rng.choice(short)
        if rng.random() < 0.4:
            query["multiple"] = rng.choice([0, 1, 2, 2, 3, 5, 12])
    if rng.random() < 0.2:
        query["bins"] = rng.choice([1, 2, 3, 10])
    return query


def tags(query):
    """Names of the options that a funnel uses, for the coverage table."""
    out = {
        "funnel: " + (query["order"] + (" totals" if query.get("totals") else "")),
        "funnel: at " + query.get("at", "first"),
    }
    names = ("step_windows", "same_local_day", "reuse", "attempt_only", "over_time", "multiple", "bins")
    out |= {"funnel: " + name for name in names if query.get(name)}
    if any(query.get("optional") or []):
        out.add("funnel: optional")
    extra = len(query.get("exclusions", [])) + (query["order"] == "strict")
    if len(query["steps"]) + extra > 64:
        out.add("funnel: more than a mask holds")
    for one in query.get("exclusions", []):
        partial = one["after"] > 1 or one["before"] < len(query["steps"])
        out.add("funnel: exclusion " + ("between steps" if partial else "anywhere"))
    for one in query.get("hold", []):
        out.add("funnel: hold " + ("named steps" if one["steps"] else "all steps"))
    if len(query.get("hold", [])) > 1:
        out.add("funnel: hold two")
    return out
