"""The list of entities: all of them; pages are cut where they are compared."""

from derived import columns, owner, with_derived
from lifecycle import matching_times
from segment import moment_of
from values import group, order_key, row_key


def account_properties(scope, moment, value, names):
    """Of the account that a value names; values of a derived property name none."""
    key = scope["entity"]
    if key in moment.data.derived and owner(moment.data.derived[key]) == "event":
        return []
    stored = moment.accounts.get((key, row_key(group(value))), {})
    return columns(stored, with_derived(moment.data.derived, ("account", key), stored), names)


def entity_list_answer(query, data):
    scope = query["scope"]
    entities, base = moment_of(scope, data), data.as_of(scope["as_of"])
    selector = query["selector"] or {"terms": [{"any": True}]}
    out = []
    for entity in entities.known:
        times = matching_times({"selector": selector}, entities, entity)
        times = [time for time in times if scope["start"] <= time < scope["end"]]
        if times:
            value = entity[1]
            out.append(
                {
                    "entity": value,
                    "events": len(times),
                    "first": min(times),
                    "last": max(times),
                    "properties": account_properties(scope, base, value, query["properties"]),
                }
            )
    out.sort(key=lambda one: order_key(one["entity"]))
    return {"entities": out, "count": len(out)}
