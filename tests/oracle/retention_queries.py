"""Random options of retention queries, and their tags for the coverage table."""

import series_queries

FLAGS = ("multiple", "rolling", "in_range", "same_value", "min_occurrences", "value", "brackets")
YEAR = 366 * 86_400_000
UNIT_MS = {"quarter": YEAR // 4, "year": YEAR}


def make_brackets(rng):
    out = []
    for _ in range(rng.choice([1, 2, 2, 3])):
        first = rng.choice([0, 0, 1, 2, 4])
        out.append([first, first + rng.choice([0, 0, 1, 2, 5])])
    return out


def make_multiple(rng, query):
    """Several units, while the last period stays within the years that the oracle knows."""
    scope, many = query["scope"], rng.choice([2, 2, 3, 5])
    columns = 1 + (query["last_period"] or 0) + max((last for _, last in query.get("brackets") or []), default=0)
    unit_ms = UNIT_MS.get(query["unit"], YEAR // 12)
    cohorts = 1 + (scope["end"] - scope["start"]) // unit_ms
    return many if (2 * cohorts + columns) * many * unit_ms < 15 * YEAR else 0


def add_options(rng, world, query):
    if query["unit"] in ("day", "week", "month") and rng.random() < 0.3:
        query["rolling"] = True
    if rng.random() < 0.2:
        query["in_range"] = True
    if rng.random() < 0.2:
        query["brackets"] = make_brackets(rng)
        query["last_period"] = None
    if rng.random() < 0.2:
        query["multiple"] = make_multiple(rng, query)
    if rng.random() < 0.25:
        query["min_occurrences"] = rng.choice([1, 2, 2, 3])
    if rng.random() < 0.25:
        name = rng.choice(series_queries.PROPERTIES)
        query["value"] = [name, rng.choice(["sum", "mean"])]
    if rng.random() < 0.35:
        query["breakdown"] = series_queries.make_breakdown(rng, world)
        if query["breakdown"] and rng.random() < 0.5:
            query["same_value"] = True
    return query


def tags(node):
    """Of one dict of a query."""
    out = {f"retention: {name}" for name in FLAGS if node.get(name)}
    if "dimensions" in node:
        out.add(f"retention: {len(node['dimensions'])} dimensions")
    if node.get("bins"):
        out.add("retention: in bins")
    return out
