"""Derived properties as messages of recount.v1."""

from wire import property_message, value_message


URL_PARTS = {"scheme": 1, "host": 2, "path": 3, "query": 4, "fragment": 5}
TIME_PARTS = {
    "year": 1,
    "quarter": 2,
    "month": 3,
    "week": 4,
    "day_of_year": 5,
    "day": 6,
    "weekday": 7,
    "hour": 8,
    "minute": 9,
}
OPERATIONS = {"add": 1, "subtract": 2, "multiply": 3, "divide": 4, "floor": 5, "round": 6}


def fill_step(out, step):
    kind, *rest = step
    if kind == "capture":
        out.capture.regex, out.capture.group, out.capture.case_insensitive = rest
    elif kind == "number":
        out.number.SetInParent()
    elif kind == "lower":
        out.lower_case.SetInParent()
    elif kind == "fold_ids":
        out.fold_ids.SetInParent()
    elif kind == "url" and rest[0] == "parameter":
        out.url_part.parameter = rest[1]
    elif kind == "url":
        out.url_part.part = URL_PARTS[rest[0]]
    elif kind == "time":
        out.time_part.part, out.time_part.time_zone = TIME_PARTS[rest[0]], rest[1]
    elif kind == "arithmetic":
        out.arithmetic.operation, out.arithmetic.operand = OPERATIONS[rest[0]], rest[1]
    else:
        fill_map(out.map, *rest)


def fill_map(out, pairs, rest, default=None):
    for source, target in pairs:
        entry = out.entries.add()
        getattr(entry, "from").CopyFrom(value_message(source))
        if target is not None:
            entry.to.CopyFrom(value_message(target))
    if rest == "null":
        out.null_rest.SetInParent()
    elif rest == "value":
        out.value_rest.SetInParent()
        if default is not None:
            out.value_rest.CopyFrom(value_message(default))


def fill_derived(out, derivation):
    if derivation["source"] == "time":
        out.event_time.SetInParent()
    elif derivation["source"] == "formula":
        out.formula.expression = derivation["formula"]
        for name in derivation["operands"]:
            out.formula.properties.append(
                property_message(derivation["of"], name, derivation.get("key"))
            )
    else:
        out.property.CopyFrom(
            property_message(derivation["source"], derivation["property"], derivation.get("key"))
        )
    for step in derivation["steps"]:
        fill_step(out.steps.add(), step)


