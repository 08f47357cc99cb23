"""Experiments and correlations: users counted by variant or by what they have, then chance.py."""

import math

import chance
from funnel import Funnel, funnel_answer
from predicate import selects
from segment import moment_of, persons, segment_test
from values import as_number, group, groups, order_key, row_key

CONFIDENCE = 0.95
TOP = 20


def in_range(scope, event):
    return scope["start"] <= event.time < scope["end"]


def values_of(moment, person, event, ref):
    """The rows in which an event (or its user) is."""
    base, owner = moment.owner(person, event)
    if ref["scope"] == "user":
        return groups(base.user_properties(owner).get(ref["property"]))
    if ref["scope"] == "account":
        found = base.account_values(event, ref["key"], ref["property"])
        return list(map(group, found)) or [None]
    return groups(event.properties.get(ref["property"]))


# ---- Experiments


def funnel_variants(query, data):
    """{row key: (value, users, converted)}"""
    asked = dict(query["funnel"], scope=query["scope"], at="first_in_range")
    asked["breakdown"] = {"dimensions": [query["variant"]], "top": 10_000}
    out = {}
    for row in funnel_answer(asked, data)["rows"]:
        if row["label"][0] == "value":
            value = row["label"][1]
            out[row_key(value)] = (value, row["counts"][0], row["counts"][-1])
    return out


def numbers_of(query, event):
    name = query["mean"]["property"]
    if not name:
        return [1]
    raw = event.properties.get(name)
    found = [as_number(one) for one in (raw if isinstance(raw, tuple) else (raw,))]
    return [one for one in found if one is not None]


def mean_variants(query, data):
    """{row key: (value, numbers of its users)}"""
    scope, mean = query["scope"], query["mean"]
    moment = moment_of(scope, data)
    out = {}
    for person in persons(scope, moment):
        events = [event for event in moment.events_of.get(person, []) if in_range(scope, event)]
        exposed = [event for event in events if selects(mean["exposure"], moment, person, event)]
        if not exposed:
            continue
        counted = [
            event
            for event in events
            if event.time >= exposed[0].time and selects(mean["metric"], moment, person, event)
        ]
        number = math.fsum(float(one) for event in counted for one in numbers_of(query, event))
        for value in values_of(moment, person, exposed[0], query["variant"]):
            out.setdefault(row_key(value), (value, []))[1].append(number)
    return out


def figures(numbers):
    mean = math.fsum(numbers) / len(numbers)
    off = math.fsum((one - mean) * (one - mean) for one in numbers)
    return len(numbers), mean, off / (len(numbers) - 1) if len(numbers) > 1 else None


def experiment_answer(query, data):
    confidence = query["confidence"] or CONFIDENCE
    if query["funnel"] is not None:
        found = funnel_variants(query, data)
        sizes = {key: users for key, (_, users, _) in found.items()}
    else:
        found = mean_variants(query, data)
        sizes = {key: len(numbers) for key, (_, numbers) in found.items()}
    ranked = sorted(found, key=lambda key: (-sizes[key], order_key(key[1])))
    if query["control"] is not None:
        control = row_key(group(query["control"][0]))
        if control not in ranked:
            return {"error": "NOT_FOUND"}
        ranked.remove(control)
        ranked.insert(0, control)
    if query["funnel"] is not None:
        rates = [found[key][2:0:-1] for key in ranked]
        rows = [rate_row(rates[0], rate, confidence) for rate in rates]
        statistic, used = chance.chi_square(rates) if rates else (None, 0)
        overall = None
        if statistic is not None:
            overall = [statistic, used - 1, chance.chi_square_tail(statistic, used - 1)]
        few = bool(rates) and too_few(rates)
    else:
        samples = [figures(found[key][1]) for key in ranked]
        rows = [mean_row(samples[0], sample, confidence) for sample in samples]
        overall, few = None, False
    corrected = chance.holm([None] + [(row["beside"] or {}).get("p") for row in rows[1:]])
    for place, (key, row) in enumerate(zip(ranked, rows)):
        row["value"] = found[key][0]
        row["beside"] = row["beside"] and dict(row["beside"], corrected=corrected[place])
        if place == 0:
            row["beside"] = None
    return {"variants": rows, "overall": overall, "few": few}


def too_few(rates):
    users = sum(n for _, n in rates)
    p = sum(count for count, _ in rates) / users
    return any(n > 0 and n * min(p, 1 - p) < 5 for _, n in rates)


def rate_row(control, rate, confidence):
    count, users = rate
    return {
        "users": users,
        "converted": count,
        "figure": count / users,
        "variance": None,
        "interval": chance.wilson(count, users, confidence),
        "beside": chance.rate_difference(control, rate, confidence),
    }


def mean_row(control, sample, confidence):
    users, mean, variance = sample
    return {
        "users": users,
        "converted": 0,
        "figure": mean,
        "variance": variance,
        "interval": chance.mean_interval(users, mean, variance, confidence),
        "beside": chance.mean_difference(control, sample, confidence),
    }


# ---- Correlations


def behind(cell, data):
    """The entities behind a number of another answer: of a funnel's step, or of unique users."""
    question = cell["question"]
    scope = question["scope"]
    if question["kind"] == "funnel":
        funnel = Funnel(question, data)
        found = {person: user.chosen(scope["start"], scope["end"]) for person, _, user in funnel.users}
        return {
            person
            for person, chain in found.items()
            if chain is not None and (max(chain) + 1 < cell["step"]) == cell["dropped"]
        }
    moment = moment_of(scope, data)
    return {
        person
        for person in persons(scope, moment)
        for event in moment.events_of[person]
        if in_range(scope, event) and selects(question["selector"], moment, person, event)
    }


def who(query, moment, data):
    """The population, and those of it who converted."""
    scope = query["scope"]
    if scope.get("entity") is None:
        population = persons(scope, moment)
        return population, {
            person
            for person in population
            if segment_test(query["converted"], moment, person, scope["zone"])
        }
    if query["population_of"] is not None:
        population = behind(query["population_of"], data)
    else:
        population = {
            entity
            for entity, events in moment.events_of.items()
            if any(in_range(scope, event) for event in events)
        }
    return population, population & behind(query["converted_of"], data)


def candidates(query, moment, population):
    """(order, kind, value, persons who have it) of everything that somebody has."""
    scope = query["scope"]
    of_users = scope.get("entity") is None
    events_of = {
        person: [event for event in moment.events_of.get(person, []) if in_range(scope, event)]
        for person in population
    }
    for place, selector in enumerate(query["events"]):
        having = [
            person
            for person in population
            if any(selects(selector, moment, person, event) for event in events_of[person])
        ]
        yield (0, place, (0,)), ["event", place], None, having
    among = query["among"] or {"terms": [{"any": True}]}
    for place, ref in enumerate(query["properties"]):
        having = {}
        for person in population:
            if ref["scope"] == "user" and of_users:
                found = list(groups(moment.user_properties(person).get(ref["property"])))
            else:
                read = [one for one in events_of[person] if selects(among, moment, person, one)]
                found = [v for one in read for v in values_of(moment, person, one, ref)]
                found = [value for value in found if value is not None]
            for key, value in {row_key(value): value for value in found}.items():
                having.setdefault(key, (value, []))[1].append(person)
        for key, (value, users) in having.items():
            yield (1, place, order_key(key[1])), ["value", place], value, users


def correlation_answer(query, data):
    scope = query["scope"]
    confidence = query["confidence"] or CONFIDENCE
    moment = moment_of(scope, data)
    population, converted = who(query, moment, data)
    found = []
    for order, which, value, having in candidates(query, moment, population):
        if not having or len(having) < query["least"]:
            continue
        first = sum(person in converted for person in having)
        second = len(having) - first
        rates = [(first, len(converted)), (second, len(population) - len(converted))]
        odds = chance.odds(*rates, confidence)
        rank = (-odds["distance"], -odds["effect"]) if odds else (float("inf"), 0)
        row = {
            "which": which,
            "value": value,
            "counts": [first, second],
            "ratio": odds and odds["ratio"],
            "interval": odds and odds["interval"],
            "p": chance.score_p(*rates),
        }
        found.append((rank + order, row))
    found.sort(key=lambda one: one[0])
    return {
        "users": len(population),
        "converted": len(converted),
        "candidates": len(found),
        "rows": [row for _, row in found[: query["top"] or TOP]],
    }
