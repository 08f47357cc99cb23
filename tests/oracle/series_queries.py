"""Random series queries, and their tags for the coverage table."""

import frequent
import queries
from measures import PROPERTY_MEASURES

DAY = 86_400_000
MEASURES = ["events", "unique", "sessions", "per_user", "most", "rolling", *PROPERTY_MEASURES]
WEIGHTS = [6, 6, 2, 2, 2, 3, 2, 2, 1, 1, 2, 2, 2, 2]
PROPERTIES = ["price", "price", "price", "mixed", "tags", "path", "city", "absent"]
PROPERTIES += ["url", "e1", "e3", "f1", "f2", "t1"]
TEXTS = ["url", "url", "url", "chain", "path", "city"]
PERCENTILES = [0, 1, 25, 50, 75, 90, 95, 99.9, 100, 33.3]
WITH_COLUMNS = ("formulas", "comparison", "cumulative")
FORMULAS = [
    "A / B",
    "A - B",
    "(A + B) / 2",
    "A / (A - B)",
    "-A * 1.5",
    "B",
    "A / A",
    "2 * (A - 3) / B",
    "A*B - -A",
]
OF_THREE = ["A + B * C", "C / A - B", "(A - C) / (B - C)", "C", "B / -C"]


def make_one(rng, world):
    measure = rng.choices(MEASURES, WEIGHTS)[0]
    out = {"selector": queries.make_selector(rng, world), "measure": measure}
    if measure in PROPERTY_MEASURES:
        out["property"] = rng.choice(PROPERTIES)
        if rng.random() < 0.2:
            of = queries.some_account_property(rng, rng.choice(list(queries.USER_VALUES)))
            out.update(property=of["property"], key=of["key"])
    if measure == "percentile":
        out["percentile"] = rng.choice(PERCENTILES)
    if measure == "histogram":
        out["bins"] = rng.choice([1, 2, 3, 4, 10])
    if measure == "rolling":
        out["days"] = rng.choice([1, 1, 2, 7, 28, 30])
    if measure == "sessions":
        out["gap"] = rng.choice([None, world["grid"], 2 * world["grid"], 1, DAY])
    return out


def make_dimension(rng, world):
    kind = rng.random()
    if kind < 0.15:
        rules = [queries.make_rule(rng, world) for _ in range(rng.choice([1, 2, 3]))]
        # A saved segment shown twice is one name: that would not tell the rows apart.
        saved = [rule["segment"] for rule in rules if "segment" in rule]
        return {"segments": rules if len(set(saved)) == len(saved) else rules[:1]}
    if kind < 0.3:
        out = {"count": queries.make_selector(rng, world), "range": None}
        if rng.random() < 0.4:
            start, end = sorted([queries.some_time(rng, world), queries.some_time(rng, world)])
            out["range"] = [start, max(end, start + 1)]
    else:
        scope = "event" if rng.random() < 0.7 else "user"
        values = queries.EVENT_VALUES if scope == "event" else queries.USER_VALUES
        names = [*values, "price" if scope == "event" else "score"]
        out = {"scope": scope, "property": rng.choice(names)}
        if scope == "user" and rng.random() < 0.5:
            out = queries.some_account_property(rng, out["property"])
    if rng.random() < 0.25:
        out["bins"] = rng.choice([1, 2, 3, 5])
    return out


def make_breakdown(rng, world):
    if rng.random() < 0.45:
        return queries.make_breakdown(rng)
    out = {
        "dimensions": [make_dimension(rng, world) for _ in range(rng.choice([1, 1, 2, 2, 3]))],
        "top": rng.choice([0, 1, 2, 3, 9, 9, 100]),
    }
    out["default"] = out["top"] == 9 and rng.random() < 0.5
    return out


def has_bins(query):
    splits = [query["breakdown"] or {}, query.get("columns") or {}]
    return any(one.get("bins") for split in splits for one in split.get("dimensions", []))


def make_comparison(rng):
    if rng.random() < 0.5:
        return "previous"
    return {"unit": rng.choice(["day", "week", "month"]), "count": rng.choice([1, 1, 2, 3])}


def make_text_counts(rng, world, scope, units):
    """Events by one property of many texts, of which the greatest are shown."""
    one = {"measure": "events"}
    return {
        "kind": "series",
        "scope": frequent.widened(rng, world, scope),
        "unit": None if rng.random() < 0.3 else rng.choice(units),
        "series": [
            one | {"selector": frequent.some_selector(rng, world)} for _ in range(rng.choice([1, 1, 2]))
        ],
        "breakdown": {
            "scope": "event",
            "property": rng.choice(TEXTS),
            "top": rng.choice([0, 1, 1, 2, 3, 5, 9]),
        },
        "cumulative": rng.random() < 0.2,
    }


def make_series(rng, world, scope, units):
    if rng.random() < 0.1:
        return make_text_counts(rng, world, scope, units)
    query = {
        "kind": "series",
        "scope": scope,
        "unit": None if rng.random() < 0.15 else rng.choice(units),
        "series": [make_one(rng, world) for _ in range(rng.choice([1, 1, 1, 2, 3]))],
        "breakdown": make_breakdown(rng, world),
    }
    if query["breakdown"] is not None and rng.random() < 0.35:
        query["columns"] = make_breakdown(rng, world)
    if rng.random() < 0.15:
        query["multiple"] = rng.choice([0, 1, 2, 2, 3, 5, 12])
    if len(query["series"]) > 1 and rng.random() < 0.3:
        query["series"][1]["selector"] = query["series"][0]["selector"]
    measures = [one["measure"] for one in query["series"]]
    if set(measures) <= {"events", "unique"} and rng.random() < 0.4:
        query["cumulative"] = True
    if len(measures) > 1 and "histogram" not in measures and rng.random() < 0.5:
        known = FORMULAS + OF_THREE * (len(measures) > 2)
        query["formulas"] = [rng.choice(known) for _ in range(rng.choice([1, 1, 2]))]
    if rng.random() < 0.25:
        query["comparison"] = make_comparison(rng)
    return query


def counted_property(query):
    """The event property whose values are only counted, and ranked by that; or None."""
    measures = {one["measure"] for one in query["series"]}
    if measures != {"events"} or any(query.get(name) for name in ("columns", "formulas", "comparison")):
        return None
    breakdown = query["breakdown"] or {}
    (one, *more) = breakdown.get("dimensions", [breakdown])
    is_plain = not more and one.get("scope") == "event" and not one.get("bins")
    return one["property"] if is_plain else None


def tags(node):
    """Of one dict of a query."""
    out = set()
    if "dimensions" in node:
        out.add(f"series: {len(node['dimensions'])} dimensions")
    if "segments" in node and "count" not in node and isinstance(node["segments"], list):
        out.add("series: by segments")
    if "count" in node and "range" in node:
        out.add("series: by a user's count")
    if node.get("bins") and "measure" not in node:
        out.add("series: in bins")
    if node.get("multiple"):
        out.add("series: buckets of several units")
    if node.get("formulas"):
        out.add("series: formulas")
    if node.get("columns"):
        out.add("series: columns")
        out.update(f"series: columns of {one['measure']}" for one in node["series"])
        out.update(f"series: columns with {name}" for name in WITH_COLUMNS if node.get(name))
    if node.get("series") and node.get("comparison") and has_bins(node):
        out.add("series: compared in bins")
    if node.get("comparison") and any(one["measure"] == "histogram" for one in node.get("series", [])):
        out.add("series: compared histograms")
    if isinstance(node.get("comparison"), dict):
        out.add(f"series: shifted by {node['comparison']['unit']}")
    return out
