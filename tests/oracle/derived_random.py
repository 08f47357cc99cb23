"""Random derived properties, and the words of docs/semantics.md and of the wire for their steps."""

CAPTURES = [
    ["([a-z]+)", 1],
    ["^/([^/?]*)", 1],
    ["([0-9]+)\\.?", 1],
    ["(a)|(b)", 2],
    ["p/([0-9])", 0],
    ["ref=(.)", 1],
    ["x*", 0],
    ["z(.)rich", 1],
]
PARTS = ["scheme", "host", "path", "query", "fragment"]
PARAMETERS = ["ref", "x", "a"]
TIME_PARTS = ["year", "quarter", "month", "week", "day_of_year", "day", "weekday", "hour", "minute"]
OPERATIONS = ["add", "subtract", "multiply", "divide", "floor", "round"]
OPERANDS = [1, 2, 10, 100, 0.5, -3, 0.1]
CONSTANTS = ["0", "1", "2", "3", "10", "0.5", "100"]
MAPPED = [1, 2, "a", "/a", "x", "view", "click", True, "li", 9, "1", "free", ""]


def time_step(rng, zones):
    return ["time", rng.choice(TIME_PARTS), rng.choice(zones)]


def step(rng, zones):
    kind = rng.choice(["capture", "capture", "number", "lower", "url", "fold", "map", "time", "sum"])
    if kind == "capture":
        return ["capture", *rng.choice(CAPTURES), rng.random() < 0.3]
    if kind == "number":
        return ["number"]
    if kind == "lower":
        return ["lower"]
    if kind == "url":
        if rng.random() < 0.3:
            return ["url", "parameter", rng.choice(PARAMETERS)]
        return ["url", rng.choice(PARTS), None]
    if kind == "fold":
        return ["fold_ids"]
    if kind == "map":
        pairs = [
            [rng.choice(MAPPED), rng.choice(MAPPED + [None])] for _ in range(rng.choice([1, 2, 4]))
        ]
        rest = rng.choice(["keep", "keep", "null", "value"])
        return ["map", pairs, rest] + ([rng.choice(MAPPED + [None])] if rest == "value" else [])
    if kind == "time":
        return time_step(rng, zones)
    return ["arithmetic", rng.choice(OPERATIONS), rng.choice(OPERANDS)]


def sum_text(rng, operands, depth=0):
    """A random expression over letters, all of which are to be in it."""
    if len(operands) < 2 and (depth > 3 or rng.random() < 0.6):
        one = operands[0] if operands else rng.choice(CONSTANTS)
        return rng.choice(["", "", "", "-"]) + one
    cut = rng.randrange(len(operands) + 1)
    left, right = (sum_text(rng, part, depth + 1) for part in (operands[:cut], operands[cut:]))
    text = f"{left} {rng.choice('+-**//')} {right}"
    return f"({text})" if rng.random() < 0.5 else text


def formula(rng, names, counts=(1, 2, 2)):
    operands = [rng.choice(names) for _ in range(rng.choice(counts))]
    letters = ["ABCDEFGH"[index] for index in range(len(operands))]
    rng.shuffle(letters)
    return {"source": "formula", "formula": sum_text(rng, letters), "operands": operands}


def make_derived(rng, zones, account_keys):
    """The same names in every world, each with steps of its own."""
    steps = lambda *counts: [step(rng, zones) for _ in range(rng.choice(counts))]
    event = lambda name, *counts: {"source": "event", "property": name, "steps": steps(*counts)}
    some = ["path", "url", "type", "price", "tags", "mixed", "city"]
    key = rng.choice([account_keys[0], rng.choice(account_keys)])
    account = lambda *names: {
        "source": "account", "key": key, "property": rng.choice(names), "steps": steps(1, 2)
    }
    hidden = rng.choice(account_keys)
    over = lambda of, names, *counts: (
        formula(rng, names) | {"of": of, "key": key, "steps": steps(*counts)}
    )
    hides = rng.choice([event(hidden, 1), over("event", [hidden, "price", "t1"], 0, 1)])
    # At most seven formulas lead to f2.
    numbers = ["price", "price", "price", "t1", "t1", "mixed", "e2", "t2", "absent", "tags", "u1"]
    out = {
        **({hidden: hides} if rng.random() < 0.3 else {}),
        "f1": over("event", numbers, 0, 0, 1),
        "f2": over("event", ["f1", "price", "e3", "f3"], 0, 0, 1),
        "f3": over("event", ["price", "t1"], 0, 0, 1, 2),
        "uf": over("user", ["score", "score", "u1", "plan"], 0, 0, 1),
        "af": over("account", ["score", "score", "a1", "uf"], 0, 0, 1),
        "e1": event(rng.choice(some), 1, 1, 2),
        "e2": event(rng.choice(some), 1, 2, 3),
        "e3": event(rng.choice(["e1", "e2", "t1", "u1", "absent", "f1"]), 0, 1),
        "device.os": event("device.os", 1),
        "t1": {"source": "time", "steps": [time_step(rng, zones)] + steps(0, 0, 1)},
        "t2": {"source": "time", "steps": steps(0, 0, 1)},
        "u1": {"source": "user", "property": rng.choice(["plan", "score", "score", "labels"]), "steps": steps(1, 2)},
        "a1": account("plan", "score", "labels"),
        "a2": account("a1", "u1", "score", "a2", "af"),
    }
    # What suggestions look for: the page of an address, with its ids folded.
    page = [["url", "path", None], ["fold_ids"], ["url", "host", None]]
    some = [page[:1], page[:2], page[1:2], page[2:]]
    for name in ("e1", "e3"):
        if rng.random() < 0.25:
            out[name] = {
                "source": "event",
                "property": rng.choice(["url", "url", "path"]),
                "steps": rng.choice(some),
            }
    return out
