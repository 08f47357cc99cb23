"""A user's events, a segment's users, how segments overlap: all of them; pages are cut where they are compared."""

import itertools

from derived import columns
from predicate import selects
from segment import persons, segment_test


def events_answer(query, data):
    moment = data.as_of(query["as_of"])
    person = moment.person_of[query["user"]]
    properties = moment.stored_user_properties(person)
    events, listed = [], []
    for event in moment.events_of.get(person, []):
        if query["range"] is not None and not query["range"][0] <= event.time < query["range"][1]:
            continue
        if query["selector"] is not None and not selects(
            query["selector"], moment, person, event
        ):
            continue
        listed.append(event)
        events.append(
            {
                "user": event.user,
                "time": event.time,
                "id": event.id,
                "properties": columns(event.stored, event.properties, query["properties"]),
            }
        )
    if query.get("definitions"):
        for one, event in zip(events, listed):
            one["definitions"] = [
                name
                for name in sorted(data.definitions, key=str.encode)
                if selects({"terms": [{"definition": name}]}, moment, person, event)
            ]
    if query["descending"]:
        events.reverse()
    return {
        "user": person,
        "events": events,
        "user_properties": [
            [name, properties[name]] for name in sorted(properties, key=str.encode)
        ],
    }


def users_answer(query, data):
    moment = data.as_of(query["scope"]["as_of"])
    users = persons(query["scope"], moment)
    return {"count": len(users), "known": len(moment.known), "users": users}


def overlap_answer(query, data):
    """Of every combination of segments its users, and those who are in no other of them."""
    scope, rules = query["scope"], query["rules"]
    moment = data.as_of(scope["as_of"])
    places = range(len(rules))
    inside = [
        {place for place in places if segment_test(rules[place], moment, person, scope["zone"])}
        for person in persons(scope, moment)
    ]
    some = [
        set(chosen)
        for size in range(1, len(rules) + 1)
        for chosen in itertools.combinations(places, size)
    ]
    return {
        "overlaps": [
            [sorted(one), sum(one <= of_user for of_user in inside), inside.count(one)] for one in some
        ],
        "none": inside.count(set()),
        "users": len(inside),
    }
