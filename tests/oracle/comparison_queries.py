"""Random experiments and correlations, and their messages."""

from recount.v1 import cell_pb2, correlation_pb2, experiment_pb2, series_pb2

import wire_funnel
from generator import ACCOUNT_KEYS
from wire import fill_filter, property_message, scope_message, selector_message, value_message, value_of

EVENT_PROPERTIES = ["type", "city", "price", "tags", "mixed", "absent"]
USER_PROPERTIES = ["plan", "score", "labels", "absent"]
ACCOUNT_PROPERTIES = ["plan", "score", "a1", "absent"]
DERIVED = ["e1", "f1", "t1", "url"]  # An experiment has too few variants for them.
NUMBERS = ["price", "mixed", "city", "f1", "e3", "t1"]
CONFIDENCES = [0, 0, 0.9, 0.99, 0.5]


SECONDS = 60


def some_property(rng, more=()):
    kind = rng.random()
    if kind < 0.5:
        return {"scope": "event", "property": rng.choice([*EVENT_PROPERTIES, *more])}
    if kind < 0.9:
        return {"scope": "user", "property": rng.choice(USER_PROPERTIES)}
    return {
        "scope": "account",
        "property": rng.choice(ACCOUNT_PROPERTIES),
        "key": rng.choice(ACCOUNT_KEYS),
    }


def make_experiment(rng, world, make_scope, make_selector, add_options):
    scope = make_scope(rng, world)
    query = {
        "kind": "experiment",
        "scope": scope,
        "funnel": None,
        "mean": None,
        "variant": dict(some_property(rng), kind="property"),
        "control": rng.choice([[None], [1], ["free"], ["x"]]) if rng.random() < 0.25 else None,
        "confidence": rng.choice(CONFIDENCES),
    }
    if rng.random() < 0.5:
        query["funnel"] = {
            "kind": "funnel",
            "steps": [make_selector(rng, world) for _ in range(rng.choice([2, 2, 3]))],
            "window": rng.choice([0, 1, 3, 10]) * world["grid"] if rng.random() < 0.7 else None,
            "order": rng.choice(["ordered", "ordered", "strict_steps"]),
            "first_only": rng.random() < 0.2,
        }
        if rng.random() < 0.5:
            add_options(rng, world, query["funnel"], make_selector)
    else:
        query["mean"] = {
            "exposure": make_selector(rng, world),
            "metric": make_selector(rng, world),
            "property": rng.choice(NUMBERS) if rng.random() < 0.6 else None,
        }
    return query


def make_cell(rng, world, scope, make_scope, make_selector):
    """A number of another answer that counts the same entities: {"question", and of a funnel "step"
    and "dropped"}."""
    other = dict(make_scope(rng, world) if rng.random() < 0.4 else scope)
    other.update(entity=scope["entity"], as_of=scope["as_of"])
    if rng.random() < 0.4:
        return {"question": {"kind": "unique", "scope": other, "selector": make_selector(rng, world)}}
    question = {
        "kind": "funnel",
        "scope": other,
        "steps": [make_selector(rng, world) for _ in range(rng.choice([1, 2, 2, 3]))],
        "window": rng.choice([None, 1, 3, 10]),
        "order": rng.choice(["ordered", "ordered", "unordered", "strict"]),
        "first_only": rng.random() < 0.2,
        "breakdown": None,
    }
    question["window"] = question["window"] and question["window"] * world["grid"]
    step = rng.randrange(len(question["steps"])) + 1
    return {"question": question, "step": step, "dropped": rng.random() < 0.3}


def make_correlation(rng, world, make_scope, make_selector, make_rule):
    scope = make_scope(rng, world)
    of_users = scope.get("entity") is None
    events = [make_selector(rng, world) for _ in range(rng.choice([0, 1, 3, 5]))]
    properties = [some_property(rng, DERIVED) for _ in range(rng.choice([0, 1, 2, 3]))]
    query = {
        "kind": "correlation",
        "scope": scope,
        "converted": make_rule(rng, world) if of_users else None,
        "events": events if events or properties else [make_selector(rng, world)],
        "properties": properties,
        "among": make_selector(rng, world) if properties and rng.random() < 0.3 else None,
        "least": rng.choice([0, 0, 1, 2, 3]),
        "top": rng.choice([0, 1, 3, 10, 1000]),
        "confidence": rng.choice(CONFIDENCES),
    }
    if not of_users:
        query["converted_of"] = make_cell(rng, world, scope, make_scope, make_selector)
        query["population_of"] = None
        if rng.random() < 0.6:
            query["population_of"] = make_cell(rng, world, scope, make_scope, make_selector)
    return query


def ref_message(ref):
    return property_message(ref["scope"], ref["property"], ref.get("key"))


def experiment_request(query, project):
    out = experiment_pb2.ExperimentRequest(
        variant=ref_message(query["variant"]),
        confidence=query["confidence"],
    )
    if query["funnel"] is not None:
        asked = dict(query["funnel"], scope=query["scope"], breakdown=None)
        out.funnel.CopyFrom(wire_funnel.funnel_request(asked, project))
    else:
        mean = query["mean"]
        out.mean.scope.CopyFrom(scope_message(query["scope"], project))
        out.mean.exposure.CopyFrom(selector_message(mean["exposure"], project))
        out.mean.metric.CopyFrom(selector_message(mean["metric"], project))
        out.mean.property = mean["property"] or ""
    if query["control"] is not None:
        out.control.CopyFrom(value_message(query["control"][0]))
    return out


def interval(message):
    return [message.interval.low, message.interval.high] if message.HasField("interval") else None


def experiment_reply(reply):
    rows = []
    for place, one in enumerate(reply.variants):
        beside = None
        if one.is_control != (place == 0):
            raise ValueError("the control is not the first")
        if one.HasField("beside_control"):
            beside = {
                "difference": one.beside_control.difference,
                "interval": interval(one.beside_control),
                "p": one.beside_control.p_value,
                "corrected": one.beside_control.p_value_corrected,
            }
        rows.append(
            {
                "users": one.users,
                "converted": one.converted_users,
                "figure": one.figure,
                "variance": one.variance if one.WhichOneof("optional_variance") else None,
                "interval": interval(one),
                "beside": beside,
                "value": value_of(one.value),
            }
        )
    overall = None
    if reply.HasField("overall"):
        test = reply.overall
        overall = [test.chi_square, test.degrees_of_freedom, test.p_value]
    return {"variants": rows, "overall": overall, "few": reply.has_few_users}


def correlation_request(query, project):
    out = correlation_pb2.CorrelationRequest(
        scope=scope_message(query["scope"], project),
        events=[selector_message(one, project) for one in query["events"]],
        properties=[ref_message(one) for one in query["properties"]],
        least_users=query["least"],
        top=query["top"],
        confidence=query["confidence"],
    )
    if query["converted"] is not None:  # Of entities fill_cells says it.
        fill_filter(out.converted, query["converted"], project)
    if query["among"] is not None:
        out.among.CopyFrom(selector_message(query["among"], project))
    return out


def ask_cell(cell, project, stub):
    """Asks the question that a cell is of."""
    question = cell["question"]
    if question["kind"] == "funnel":
        handle = stub.Funnel(
            wire_funnel.funnel_request(question, project), timeout=SECONDS
        ).info.cell_handle
        place = cell_pb2.FunnelCell(step=cell["step"], dropped=cell["dropped"])
        return cell_pb2.Cell(handle=handle, funnel=place)
    request = series_pb2.SeriesRequest(scope=scope_message(question["scope"], project))
    request.series.add(
        selector=selector_message(question["selector"], project),
        measure=series_pb2.SERIES_MEASURE_UNIQUE_USERS,
    )
    handle = stub.Series(request, timeout=SECONDS).info.cell_handle
    return cell_pb2.Cell(handle=handle, series=cell_pb2.SeriesCell())


def fill_cells(query, project, stub, request):
    """Puts the cells into a question that names some."""
    if query.get("converted_of") is not None:
        request.converted_cell.CopyFrom(ask_cell(query["converted_of"], project, stub))
    if query.get("population_of") is not None:
        request.population_cell.CopyFrom(ask_cell(query["population_of"], project, stub))
    return request


def correlation_reply(reply):
    rows = []
    for one in reply.candidates:
        is_event = one.WhichOneof("kind") == "event"
        rows.append(
            {
                "which": ["event", one.event] if is_event else ["value", one.property.property],
                "value": None if is_event else value_of(one.property.value),
                "counts": [one.converted_users, one.other_users],
                "ratio": one.odds_ratio if one.WhichOneof("optional_odds_ratio") else None,
                "interval": interval(one),
                "p": one.p_value if one.WhichOneof("optional_p_value") else None,
            }
        )
    return {
        "users": reply.users,
        "converted": reply.converted_users,
        "candidates": reply.candidate_count,
        "rows": rows,
    }


# kind: (method of QueryService, query to request, reply to answer)
CALLS = {
    "experiment": ("Experiment", experiment_request, experiment_reply),
    "correlation": ("Correlation", correlation_request, correlation_reply),
}


def tags(query):
    """Names of the options that a query uses, for the coverage table."""
    if query["kind"] == "experiment":
        kind = "funnel" if query["funnel"] else "sum" if query["mean"]["property"] else "events"
        out = {"experiment: " + kind, "experiment: by " + query["variant"]["scope"]}
        return out | ({"experiment: control"} if query["control"] is not None else set())
    if query["kind"] == "correlation":
        out = {"correlation: " + one["scope"] + " property" for one in query["properties"]}
        if query.get("converted_of") is not None:
            out.add("correlation: of entities by " + query["converted_of"]["question"]["kind"])
        if query.get("population_of") is not None:
            out.add("correlation: population by " + query["population_of"]["question"]["kind"])
        return out | ({"correlation: events"} if query["events"] else set())
    return set()
