"""The list of users: all of them; pages are cut where they are compared."""

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
        properties = moment.stored_user_properties(person)
        names = sorted(properties, key=str.encode)
        if query["properties"]:
            names = [name for name in names if name in query["properties"]]
        out.append(
            {
                "user": person,
                "events": len(times),
                "first": min(times, default=None),
                "last": max(times, default=None),
                "properties": [[name, properties[name]] for name in names],
            }
        )
    return {"users": out, "count": len(out)}
