"""The list of users: all of them; pages are cut where they are compared."""

from derived import columns
from lifecycle import matching_times
from segment import persons


def user_list_answer(query, data):
    scope = query["scope"]
    moment = data.as_of(scope["as_of"])
    selector = query["selector"] or {"terms": [{"any": True}]}
    out = []
    for person in persons(scope, moment):
        times = matching_times({"selector": selector}, moment, person)
        times = [time for time in times if scope["start"] <= time < scope["end"]]
        stored, values = moment.stored_user_properties(person), moment.user_properties(person)
        out.append(
            {
                "user": person,
                "events": len(times),
                "first": min(times, default=None),
                "last": max(times, default=None),
                "properties": columns(stored, values, query["properties"]),
            }
        )
    return {"users": out, "count": len(out)}
