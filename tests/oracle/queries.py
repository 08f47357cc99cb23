"""Random queries over every option that the server supports, and the tags by which coverage is
counted.
"""

import comparison_queries
import css_random
import frequent
import funnel_queries
import retention_queries
import series_queries
import usage_queries
from buckets import buckets
from generator import (
    ACCOUNT_KEYS,
    CHAINS,
    CITIES,
    DAY,
    FLAGS,
    HOUR,
    NUMBERS,
    PATHS,
    PLANS,
    SCORES,
    TAGS,
    TYPES,
    URLS,
    ZONES,
)

DERIVED_VALUES = ["a", "/", "/a", "shop.example", "x", "view", "li", "b", "p", "", "https", "/p/:id"]
DERIVED_VALUES += [1, 2, 9, 0, 10, 20, 0.5, 100, 2.5, True, "1", "paid"]
FORMULA_VALUES = [0, 1, 2, 3, 4, 6, 10, 12, 0.5, 2.5, 1.25, 19.99, 100, -3, -1, "1", "2.5", 1000, "x"]
EVENT_VALUES = {
    "type": TYPES,
    "path": PATHS,
    "url": URLS + ["https://shop.example/p/1", "https://shop.example/p/8", "https://z"],
    "price": NUMBERS,
    "city": CITIES,
    "tags": [t for ts in TAGS for t in ts],
    "flag": FLAGS,
    "device.os": ["mac", "win", "linux"],
    "mixed": [1, "x", 2.5, True, "1"],
    "chain": CHAINS,
    "e1": DERIVED_VALUES,
    "e2": DERIVED_VALUES,
    "e3": DERIVED_VALUES,
    "t1": list(range(13)) + [2023, 2024, 30, 52],
    "t2": [1700000000000, 1710000000000.5, 3, "x"],
    "absent": ["x", 1],
    "f1": FORMULA_VALUES,
    "f2": FORMULA_VALUES,
    "f3": FORMULA_VALUES,
}
USER_VALUES = {
    "plan": PLANS,
    "score": SCORES,
    "labels": ["a", "b", "1", "ä"],
    "home": CITIES,
    "u1": DERIVED_VALUES,
    "absent": ["x", 1],
    "uf": FORMULA_VALUES,
}
EVENT_WEIGHTS = [8, 5, 6, 5, 3, 3, 2, 2, 1, 1, 2, 2, 2, 2, 1, 1, 3, 2, 2]
USER_WEIGHTS = [4, 4, 2, 2, 2, 1, 3]
REGEXES = [
    "a",
    "^/a",
    "b$",
    "^$",
    "[a-z]+",
    "(a|b)/?",
    "^/(a|b)?$",
    "z.rich",
    "[^a-z]",
    "^1(\\.0)?$",
    "li.k|buy",
    "x{1,2}",
    "^.$",
    "u+s?",
    "ü",
    "a.b",
    "\\?x=",
    "/p/[0-9]+\\?ref=a$",
    "^https://shop.example/cart/2",
    ".",
]
LIKES = [
    "%",
    "/a%",
    "%b",
    "/_",
    "_",
    "/a\\%b",
    "/a\\_b",
    "/a\\\\b",
    "",
    "%i%",
    "z_rich",
    "1%",
    "%.%",
    "a%b",
    "Z%",
    "https://%/p/1_",
    "https://shop.example/P/2%",
    "%?ref=a",
]
PIECES = ["a", "/", "A", "ü", "Ü", "1", ".5", "", "b", "i", "京", "li", "PAID"]
PIECES += ["https://shop.example/p/1", "https://shop.example/P/2", "=ab", "t/3"]
ORDERED = ["less", "less_or_equal", "greater", "greater_or_equal"]
TEXTS = ["contains", "starts_with", "ends_with"]
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


def comparable(rng, values):
    """Something to compare with: neither null nor a list nor a boolean."""
    found = [value for value in values if value is not None and not isinstance(value, bool)]
    return rng.choice(found or [1, "x"])


def make_leaf(rng, scope=None):
    account = scope is None and rng.random() < 0.1
    scope = "user" if account else scope or ("event" if rng.random() < 0.8 else "user")
    values, weights = (
        (EVENT_VALUES, EVENT_WEIGHTS) if scope == "event" else (USER_VALUES, USER_WEIGHTS)
    )
    name = rng.choices(list(values), weights)[0]
    pool = [value for value in values[name] if value is not None]
    op = rng.choices(
        ["equals", "in_set", "ordered", "between", "is_set", "text", "like", "regex", "css_selector"],
        [8, 3, 3, 2, 2, 3, 2, 3, 2],
    )[0]
    if op == "css_selector" and scope == "event" and rng.random() < 0.9:
        name = "chain"
    leaf = {"scope": scope, "property": name, "op": op}
    if account:
        leaf.update(some_account_property(rng, name))
    if op == "ordered":
        leaf["op"] = rng.choice(ORDERED)
        leaf["operand"] = comparable(rng, pool)
    elif op == "text":
        leaf["op"] = rng.choice(TEXTS)
        leaf["operand"] = rng.choice(PIECES)
    elif op == "equals":
        leaf["operand"] = rng.choice(pool)
    elif op == "in_set":
        leaf["operand"] = [rng.choice(pool) for _ in range(rng.choice([1, 2, 2, 3, 5]))]
    elif op == "between":
        leaf["operand"] = [comparable(rng, pool), comparable(rng, pool)]
    elif op == "like":
        leaf["operand"] = rng.choice(LIKES)
    elif op == "regex":
        leaf["operand"] = rng.choice(REGEXES)
    elif op == "css_selector":
        leaf["operand"] = css_random.selector(rng)
    if leaf["op"] not in ORDERED + ["between", "is_set", "css_selector"] and rng.random() < 0.25:
        leaf["ci"] = True
    if rng.random() < 0.2:
        leaf["negated"] = True
    return leaf


def id_leaf(rng, world, scope):
    """Ids that are there, one that is not, numbers as numbers or as texts."""
    if scope == "event_id":
        ids = [row["id"] for row in world["rows"] if row.get("id")]
    else:
        ids = [row["user"] for row in world["rows"] if row["kind"] in ("event", "set")]
    some = [rng.choice(ids) if ids else "x" for _ in range(rng.choice([1, 1, 2, 5]))] + ["nobody"]
    some = [int(one) if str(int_of(one)) == one and rng.random() < 0.5 else one for one in some]
    out = {"scope": scope, "op": "in_set", "operand": some, "negated": rng.random() < 0.3}
    if rng.random() < 0.3:
        out.update(op="equals", operand=some[0])
    return out


def int_of(text):
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def make_predicate(rng, world, depth=0):
    if rng.random() < 0.06:
        return {"leaf": id_leaf(rng, world, rng.choice(["event_id", "user_id"]))}
    if depth >= 2 or rng.random() < 0.6:
        # Mostly plain equality of the type, so that funnels and retention find something.
        if rng.random() < 0.4:
            return {
                "leaf": {
                    "scope": "event",
                    "property": "type",
                    "op": "equals",
                    "operand": rng.choice(TYPES),
                }
            }
        return {"leaf": make_leaf(rng)}
    kind = rng.choices(["all_of", "any_of", "not", "definition"], [4, 4, 2, 2])[0]
    if kind == "definition" and world["definitions"]:
        return {"definition": rng.choice(sorted(world["definitions"]))}
    if kind in ("not", "definition"):
        return {"not": make_predicate(rng, world, depth + 1)}
    return {
        kind: [make_predicate(rng, world, depth + 1) for _ in range(rng.choice([0, 1, 2, 2, 3]))]
    }


def make_selector(rng, world):
    terms = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.random()
        if kind < 0.12:
            terms.append({"any": True})
        elif kind < 0.35 and world["definitions"]:
            terms.append({"definition": rng.choice(sorted(world["definitions"]))})
        else:
            terms.append({"predicate": make_predicate(rng, world)})
    out = {"terms": terms}
    if rng.random() < 0.15:
        out["first"] = True if rng.random() < 0.6 else make_predicate(rng, world)
    return out


def some_time(rng, world):
    """An instant near the world's events, often exactly on their grid."""
    instant = world["first"] + rng.randrange(-world["length"] // 4, world["length"] * 5 // 4)
    if rng.random() < 0.7:
        instant = instant // world["grid"] * world["grid"]
    if rng.random() < 0.5 and world["rows"]:
        instant = rng.choice(world["rows"]).get("time", instant)
    return instant + rng.choice([0, 0, 0, 1, -1])


def make_rule(rng, world, depth=0):
    if depth >= 2 or rng.random() < 0.55:
        if rng.random() < 0.4:
            by_id = rng.random() < 0.1
            return {"user": id_leaf(rng, world, "user_id") if by_id else make_leaf(rng, "user")}
        return {"behavior": make_behavior(rng, world)}
    kind = rng.choices(["all_of", "any_of", "not", "segment"], [4, 4, 3, 2])[0]
    if kind == "segment" and world["segments"]:
        return {"segment": rng.choice(sorted(world["segments"]))}
    if kind in ("not", "segment"):
        return {"not": make_rule(rng, world, depth + 1)}
    return {kind: [make_rule(rng, world, depth + 1) for _ in range(rng.choice([0, 1, 2, 3]))]}


def make_step(rng, world, is_first):
    out = {"selector": make_selector(rng, world), "adjacent": False, "least": 0}
    if not is_first:
        out["adjacent"] = rng.random() < 0.25
        if rng.random() < 0.25:
            out["least"] = max(rng.choice([0, 1, 1, 2]) * world["grid"] + rng.choice([0, 1, -1]), 0)
    return out


def make_list(rng, world):
    """A static list of users, some of whom nobody has heard of."""
    users = sorted({row["user"] for row in world["rows"] if row["kind"] in ("event", "set")})
    return {"users": rng.sample(users, min(len(users), rng.choice([0, 1, 2, 5]))) + ["nobody yet"]}


def make_behavior(rng, world):
    out = {"comparison": None, "window": None}
    if rng.random() < 0.25:
        count = rng.choice([2, 2, 3, 4, 6])
        out["steps"] = [make_step(rng, world, place == 0) for place in range(count)]
        out["within"] = rng.choice([None, None, 0, 1, 2, 6])
        if out["within"] is not None:
            out["within"] = max(out["within"] * world["grid"] + rng.choice([0, 0, 1, -1]), 0)
    else:
        out["selector"] = make_selector(rng, world)
        out["measure"] = rng.choice(["count", "count", "days", "sum"])
        if out["measure"] == "sum":
            out["property"] = rng.choice(["price", "price", "mixed", "tags", "path", "e1", "f1", "t1"])
    if rng.random() < 0.8:
        out["comparison"] = [
            rng.choice(["=", "!=", "<", "<=", ">", ">="]),
            rng.choice([1, 1, 2, 2, 3, 4, 0, 0.5, 10.5, -1]),
        ]
    kind = rng.random()
    if kind < 0.35:
        out["window"] = {"prior": max(rng.choice([1, 2, 5, 10]) * world["grid"], 1)}
    elif kind < 0.6:
        start, end = sorted([some_time(rng, world), some_time(rng, world)])
        out["window"] = {"absolute": [start, max(end, start + 1)]}
    return out


def make_scope(rng, world, ranged=True):
    out = {
        "zone": world["zone"] if rng.random() < 0.6 else rng.choice(ZONES),
        "as_of": world["first"] + 4 * world["length"] + 400 * DAY,
    }
    if rng.random() < 0.35:
        out["as_of"] = some_time(rng, world)
        writes = [row["time"] for row in world["rows"] if row["kind"] == "set"]
        if writes and rng.random() < 0.4:
            out["as_of"] = rng.choice(writes) - rng.choice([0, 0, 1])
    if ranged:
        start, end = sorted([some_time(rng, world), some_time(rng, world)])
        if rng.random() < 0.5:
            start, end = (
                world["first"] - world["grid"],
                world["first"] + world["length"] + world["grid"],
            )
        out.update(start=start, end=max(end, start + 1), week_start=rng.choice([0, 0, 0, 6, 3]))
        if rng.random() < 0.12:
            out["entity"] = rng.choices(list(EVENT_VALUES), EVENT_WEIGHTS)[0]
    if rng.random() < 0.2:
        out["segment"] = make_rule(rng, world)
        aim_windows(rng, world, out["segment"], out["as_of"])
    return out


def aim_windows(rng, world, rule, as_of):
    """Makes windows before as_of begin exactly at an event, or a millisecond beside it."""
    ((kind, content),) = rule.items()
    if kind in ("all_of", "any_of"):
        for child in content:
            aim_windows(rng, world, child, as_of)
    elif kind == "not":
        aim_windows(rng, world, content, as_of)
    elif kind == "behavior" and content["window"] and "prior" in content["window"]:
        times = [row["time"] for row in world["rows"] if row["kind"] == "event"]
        if times and rng.random() < 0.7:
            prior = as_of - rng.choice(times) + rng.choice([0, 0, 0, 1, -1])
            content["window"]["prior"] = max(prior, 1)


def make_breakdown(rng):
    if rng.random() < 0.55:
        return None
    scope = "event" if rng.random() < 0.7 else "user"
    values = EVENT_VALUES if scope == "event" else USER_VALUES
    out = {
        "scope": scope,
        "property": rng.choice(list(values)),
        "top": rng.choice([0, 1, 2, 3, 9, 9, 100]),
    }
    out["default"] = out["top"] == 9 and rng.random() < 0.5
    return out


def make_wide_funnel(rng, world):
    def units(scope):
        length = scope["end"] - scope["start"]
        return [unit for unit, one in UNIT_MS.items() if length // one < 40]

    return funnel_queries.make_funnel(rng, world, make_scope, make_selector, units)


def make_retention(rng, world):
    scope, some_selector = make_scope(rng, world), make_selector
    if rng.random() < 0.7 and frequent.fits(world):
        scope, some_selector = frequent.widened(rng, world, scope), frequent.some_selector
    units = [
        unit
        for unit, length in UNIT_MS.items()
        if (scope["end"] - scope["start"]) // length < 40
        and (unit not in ("second", "minute") or world["length"] < DAY)
    ]
    unit = rng.choice(units)
    if rng.random() < 0.3:
        # Cells begin and elapse at the ends of periods: ask exactly there, and just before.
        periods = buckets(scope["zone"], scope["start"], scope["end"], unit, scope["week_start"])
        scope["as_of"] = rng.choice(periods)["end"] - rng.choice([0, 0, 1])
    start = some_selector(rng, world)
    return retention_queries.add_options(
        rng,
        world,
        {
            "kind": "retention",
            "scope": scope,
            "unit": unit,
            "start": start,
            "return": start if rng.random() < 0.4 else some_selector(rng, world),
            "cohorts": rng.choice(["default", "recurring", "first_time", "first_in_range"]),
            "or_after": rng.random() < 0.35,
            "last_period": None if rng.random() < 0.4 else rng.choice([0, 1, 2, 5, 12]),
        },
    )


def make_segment(rng, world):
    scope = make_scope(rng, world, ranged=False)
    if rng.random() < 0.9:
        scope["segment"] = make_rule(rng, world)
        aim_windows(rng, world, scope["segment"], scope["as_of"])
    return {"kind": "segment", "scope": scope, "page_size": rng.choice([0, 1, 2, 3, 7, 1000])}


def make_overlap(rng, world):
    scope = make_scope(rng, world, ranged=False)
    rules = [make_rule(rng, world) for _ in range(rng.choice([1, 2, 2, 3, 5]))]
    for rule in rules:
        aim_windows(rng, world, rule, scope["as_of"])
    return {"kind": "overlap", "scope": scope, "rules": rules}


def some_columns(rng, world, values):
    """Names of stored and of derived properties, of events and users alike."""
    return rng.sample(sorted({*values, *world["derived"]}), 3)


def make_events(rng, world):
    users = sorted({row["user"] for row in world["rows"] if row["kind"] in ("event", "set")})
    scope = make_scope(rng, world)
    return {
        "kind": "events",
        "user": rng.choice(users),
        "as_of": scope["as_of"],
        "range": None if rng.random() < 0.5 else [scope["start"], scope["end"]],
        "selector": None if rng.random() < 0.5 else make_selector(rng, world),
        "descending": rng.random() < 0.5,
        "definitions": rng.random() < 0.4,
        "properties": None if rng.random() < 0.5 else some_columns(rng, world, EVENT_VALUES),
        "page_size": rng.choice([0, 1, 2, 3, 7, 1000]),
    }


def make_preview(rng, world):
    """Often of the fourteen days before as_of, which then ends near the world's events."""
    scope = make_scope(rng, world)
    default = rng.random() < 0.4
    if default:
        scope["as_of"] = world["first"] + world["length"] + rng.choice([-1, 0, 1]) * DAY
        scope.update(start=scope["as_of"] - 14 * DAY, end=scope["as_of"])
    target = {"predicate": make_predicate(rng, world)}
    if world["definitions"] and rng.random() < 0.3:
        target = {"definition": rng.choice(sorted(world["definitions"]))}
    return {
        "kind": "preview",
        "scope": scope,
        "default_range": default,
        "target": target,
        "compared": None if rng.random() < 0.4 else make_selector(rng, world),
        "properties": [some_property(rng) for _ in range(rng.choice([0, 0, 1, 2, 3]))],
        "top": rng.choice([0, 1, 2, 3, 100]),
        "sample": rng.choice([None, 0, 1, 2, 5, 100]),
    }


FACTS = {
    "type": ["type", "mixed", "flag", "absent", "e1"],
    "element_chain": ["chain", "chain", "chain", "tags", "e2"],
    "text": ["city", "price", "mixed", "tags", "device.os"],
    "path": ["path", "url", "e1", "absent", "tags"],
    "url": ["url", "path", "e3", "absent"],
    "host": ["device.os", "e2", "type", "absent"],
}


def make_suggest(rng, world):
    """Of an event that is there, nearly always; often of the fourteen days before as_of."""
    scope = make_scope(rng, world)
    scope.pop("entity", None)
    if rng.random() < 0.6:
        scope["as_of"] = world["first"] + world["length"] + rng.choice([-1, 0, 0, 1]) * DAY
    events = [row for row in world["rows"] if row["kind"] == "event"]
    users = {}
    for row in events:
        users.setdefault(row["id"], set()).add(row["user"])
    # Now and then an event whose id another user has as well, who may be joined.
    shared = [row for row in events if row["id"] and len(users[row["id"]]) > 1]
    some = shared if shared and rng.random() < 0.3 else [row for row in events if row["id"]]
    row = rng.choice(some or events)
    return {
        "kind": "suggest",
        "scope": scope,
        "default_range": rng.random() < 0.4,
        "user": row["user"] if rng.random() < 0.97 else "nobody",
        "event": row["id"] if row["id"] and rng.random() < 0.97 else "none",
        "facts": {
            fact: rng.choice(names)
            for fact, names in FACTS.items()
            if rng.random() < (0.8 if fact == "element_chain" else 0.4)
        },
        "limit": rng.choice([0, 0, 0, 32, 1, 3, 8]),
    }


def make_properties(rng, world):
    scope = make_scope(rng, world)
    scope.pop("entity", None)
    return {
        "kind": "properties",
        "scope": scope,
        "selector": None if rng.random() < 0.5 else make_selector(rng, world),
        "prefix": rng.choice(["", "", "", "p", "t", "device."]),
        "page_size": rng.choice([0, 1, 2, 3, 7]),
    }


def make_values(rng, world):
    return make_properties(rng, world) | {
        "kind": "values",
        "property": some_property(rng),
        "prefix": rng.choice(["", "", *PIECES]),
        "ci": rng.random() < 0.3,
    }


def some_account_property(rng, name):
    """Of that name, or a derived one, most often of the key that such are made of."""
    key = rng.choice(ACCOUNT_KEYS)
    if rng.random() < 0.4:
        name = rng.choice(["a1", "a2", "af"])
        key = rng.choice([key, ACCOUNT_KEYS[0]])
    return {"scope": "account", "property": name, "key": key}


def some_property(rng):
    if rng.random() < 0.15:
        return some_account_property(rng, rng.choice(list(USER_VALUES)))
    scope = "event" if rng.random() < 0.7 else "user"
    return {
        "scope": scope,
        "property": rng.choice(list(EVENT_VALUES if scope == "event" else USER_VALUES)),
    }


def make_wide_series(rng, world):
    scope = make_scope(rng, world)
    units = [
        unit for unit, length in UNIT_MS.items() if (scope["end"] - scope["start"]) // length < 600
    ]
    return series_queries.make_series(rng, world, scope, units)


def make_queries(rng, world, count, only=None):
    """So many queries; only: of this kind, of which there are none where nobody is who could be asked about."""
    if only == "events" and not has_users(world) or only == "suggest" and not has_events(world):
        return []
    return [make_query(rng, world, only) for _ in range(count)]


def make_query(rng, world, only=None):
    query = make_any(rng, world)
    while only and query["kind"] != only:
        query = make_any(rng, world)
    return query


def has_users(world):
    return any(row["kind"] in ("event", "set") for row in world["rows"])


def has_events(world):
    return any(row["kind"] == "event" for row in world["rows"])


def make_any(rng, world):
    kinds = [make_wide_series, make_wide_funnel, make_retention, make_segment, make_preview]
    kinds += [make_properties, make_values, make_overlap]
    weights = [5, 5, 4, 3, 1, 1, 1, 1]
    if has_users(world):
        kinds.append(make_events)
        weights.append(2)
    if has_events(world):
        kinds.append(make_suggest)
        weights.append(2)
    kinds += [make_usage, make_comparison]
    weights += [6, 2]
    return rng.choices(kinds, weights)[0](rng, world)


def some_makers(rng, world):
    """Of scopes and of selectors; half of them find much."""
    if rng.random() < 0.5 or not frequent.fits(world):
        return make_scope, make_selector
    return lambda *of: frequent.widened(*of, make_scope(*of)), frequent.some_selector


def make_usage(rng, world):
    make = usage_queries.MAKERS[rng.choice(sorted(usage_queries.MAKERS))]
    return make(rng, world, *some_makers(rng, world))


def make_comparison(rng, world):
    if rng.random() < 0.5:
        makers = some_makers(rng, world)
        return comparison_queries.make_experiment(rng, world, *makers, funnel_queries.add_any_options)
    return comparison_queries.make_correlation(rng, world, make_scope, make_selector, make_rule)


def tags(query):
    """Names of the options that a query uses, for the coverage table."""
    out = {query["kind"]}
    walk_tags(query, out, query["kind"])
    if query["kind"] == "funnel":
        out |= funnel_queries.tags(query)
    if query["kind"] == "experiment" and query["funnel"] is not None:
        out |= {tag.replace("funnel", "experiment") for tag in funnel_queries.tags(query["funnel"])}
    if query["kind"] == "overlap":
        out.add(f"overlap of {len(query['rules'])}")
    if query["kind"] in ("properties", "values"):
        out.update(f"{query['kind']}: {name}" for name in ("prefix", "ci") if query.get(name))
    if query["kind"] == "suggest":
        out.update(f"suggest: {name}" for name in ("default_range", "limit") if query[name])
        out.update(f"suggest: {fact}" for fact in query["facts"])
    if query["kind"] == "preview":
        out.update(
            f"preview: {name}" for name in ("default_range", "compared", "properties") if query[name]
        )
        out.update(f"preview: of a {name}" for name in query["target"])
    return out | usage_queries.usage_tags(query) | comparison_queries.tags(query)


def data_tags(rows):
    """Names of what is special about a world's rows."""
    events = [row for row in rows if row["kind"] == "event"]
    keys = [(row["user"], row["id"]) for row in events if row["id"]]
    found = {
        "none": not events,
        "joined users": any(row["kind"] == "alias" for row in rows),
        "property writes": any(row["kind"] == "set" for row in rows),
        "account writes": any(row["kind"] == "account" for row in rows),
        "events without id": len(keys) < len(events),
        "replaced events": len(set(keys)) < len(keys),
    }
    return {"data: " + name for name, there in found.items() if there}


def text_tags(query, rows, entries_max):
    """Names of what a query asks of properties whose dictionaries are full; 0: they never are."""
    values = {}
    for row in rows if entries_max else []:
        for name, value in row.get("properties", {}).items():
            if isinstance(value, (str, list)):
                values.setdefault(name, set()).add(str(value))
    full = {name for name, texts in values.items() if len(texts) > entries_max}
    out = {"data: dictionaries that are full"} if full else set()
    if query["kind"] == "events" and full:
        out.add("texts: events")
    if query["kind"] == "series" and series_queries.counted_property(query) in full:
        out.add("texts: counted where they stand")
    walk_text_tags(query, full, out)
    return out


def walk_text_tags(node, full, out):
    children = node if isinstance(node, list) else []
    if isinstance(node, dict):
        children = node.values()
        if node.get("scope") == "event" and node.get("property") in full:
            out.add("texts: leaf " + node["op"] if "op" in node else "texts: breakdown")
    for child in children:
        walk_text_tags(child, full, out)


def walk_tags(node, out, kind):
    if isinstance(node, list):
        for child in node:
            walk_tags(child, out, kind)
        return
    if not isinstance(node, dict):
        return
    if "op" in node:
        out.add("leaf " + node["op"])
        out.update("leaf " + flag for flag in ("ci", "negated") if node.get(flag))
        out.add("leaf over " + node["scope"])
    elif node.get("scope") == "account":
        out.add(f"{kind}: by a property of accounts")
    for name in (
        "any",
        "definition",
        "all_of",
        "any_of",
        "not",
        "segment",
        "user",
        "behavior",
        "breakdown",
    ):
        if isinstance(node.get(name), (dict, list, str, bool)) and node.get(name):
            out.add(f"{kind}: {name}" if name in ("segment", "breakdown") else f"node {name}")
    for name in (
        "unit",
        "cohorts",
        "or_after",
        "first_only",
        "strict_times",
        "descending",
        "definitions",
        "measure",
        "comparison",
        "cumulative",
    ):
        if node.get(name) and not isinstance(node[name], (dict, list)):
            out.add(f"{kind}: {name} {node[name]}")
    if "window" in node and kind == "funnel" and "steps" in node:
        out.add("funnel: window" if node["window"] is not None else "funnel: no window")
    if "within" in node:
        flags = [name for name in ("adjacent", "least") if any(one[name] for one in node["steps"])]
        out.update(["sequence", *("sequence " + name for name in flags)])
    if isinstance(node.get("window"), dict):
        out.add("behavior window " + next(iter(node["window"])))
    if node.get("first") and "terms" in node:
        out.add(f"{kind}: first_time" if node["first"] is True else f"{kind}: first_then_filter")
    if node.get("entity"):
        out.add(f"{kind}: entity")
    if "zone" in node:
        out.add("zone " + node["zone"])
    if kind == "series":
        out.update(series_queries.tags(node))
    if kind == "retention":
        out.update(retention_queries.tags(node))
    for child in node.values():
        walk_tags(child, out, kind)
