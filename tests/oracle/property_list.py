"""Which properties there are, and the values of one: all of them; pages are cut where they are
compared.
"""

import collections

from predicate import fold, selects
from segment import persons
from values import groups, is_number, normal, number_text, order_key, row_key

KINDS = ("boolean", "number", "text", "list")


def kind_of(value):
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "number"
    return "list" if isinstance(value, tuple) else "text"


def matching(query, data):
    """(person, event) of all that match."""
    scope = query["scope"]
    moment = data.as_of(scope["as_of"])
    selector = query["selector"] or {"terms": [{"any": True}]}
    return moment, [
        (person, event)
        for person in persons(scope, moment)
        for event in moment.events_of.get(person, [])
        if scope["start"] <= event.time < scope["end"] and selects(selector, moment, person, event)
    ]


def summary(scope, name, values, times, whole):
    counts = dict.fromkeys(KINDS, 0)
    for value in values:
        counts[kind_of(value)] += 1
    distinct = {row_key(one) for value in values for one in groups(value)}
    return {
        "scope": scope,
        "name": name,
        "counts": counts,
        "share": len(values) / whole,
        "distinct": len(distinct),
        "seen": [min(times), max(times)],
    }


def properties_answer(query, data):
    moment, events = matching(query, data)
    found = {}
    for _, event in events:
        for name, value in event.stored.items():
            found.setdefault(name, []).append((value, event.time))
    names = sorted(found, key=str.encode)
    out = [summary("event", name, *zip(*found[name]), len(events)) for name in names]
    for one in out:
        if one["name"] in data.derived:
            one["distinct"] = None
    users = persons(query["scope"], moment)
    found, times = {}, {}
    for user in users:
        for name, value in moment.stored_user_properties(user).items():
            found.setdefault(name, []).append(value)
    for time, _, user, written in data.writes:
        if time <= query["scope"]["as_of"] and moment.person_of[user] in users:
            for name, value in written.items():
                if normal(value) is not None:
                    times.setdefault(name, []).append(time)
    for name in sorted(found, key=str.encode):
        out.append(summary("user", name, found[name], times[name], len(users)))
    accounts, more = account_properties(query["scope"]["as_of"], moment)
    out = [one for one in out + more if one["name"].startswith(query["prefix"])]
    counts = {"events": len(events), "users": len(users), "accounts": accounts}
    return counts | {"properties": out}


def account_properties(as_of, moment):
    """How many accounts there are of each key, and their properties."""
    found, times, out = {}, {}, []
    accounts = collections.Counter(key for key, _ in moment.accounts)
    for (key, _), stored in moment.accounts.items():
        for name, value in stored.items():
            found.setdefault((key, name), []).append(value)
    for time, _, (key, _), written in moment.data.account_writes:
        for name, value in written.items():
            if time <= as_of and normal(value) is not None:
                times.setdefault((key, name), []).append(time)
    for key, name in sorted(found, key=lambda one: (one[0].encode(), one[1].encode())):
        one = summary("account", name, found[key, name], times[key, name], accounts[key])
        out.append(one | {"key": key})
    return [[key, accounts[key]] for key in sorted(accounts, key=str.encode)], out


def text_of(value):
    """As text, or None: a boolean has none."""
    if isinstance(value, bool):
        return None
    return number_text(value) if is_number(value) else value


def values_answer(query, data):
    moment, events = matching(query, data)
    one, prefix, ci = query["property"], query["prefix"], query["ci"]

    def begins(value):
        text = text_of(value)
        return text is not None and fold(text, ci).startswith(fold(prefix, ci))

    counts = {}
    for person, event in events:
        if one["scope"] == "account":
            raw = moment.account_values(event, one["key"], one["property"])
        else:
            of = moment.user_properties(person) if one["scope"] == "user" else event.properties
            raw = of.get(one["property"])
            raw = [] if raw is None else list(raw) if isinstance(raw, tuple) else [raw]
        if prefix and not any(begins(value) for value in raw):
            continue
        rows = {row_key(row): row for value in raw for row in groups(value)}
        for key, row in rows.items():
            if not prefix or begins(row):
                counts.setdefault(key, [row, 0])[1] += 1
    found = sorted(counts.values(), key=lambda row: (-row[1], order_key(row[0])))
    size = query["page_size"] or 100
    return {"values": found[:size], "more": len(found) > size}
