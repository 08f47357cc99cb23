"""Predicates over one event and its user: leaves, trees, selectors.

A predicate is a dict with one key:

    {"all_of": [...]}  {"any_of": [...]}  {"not": p}  {"definition": name}
    {"leaf": {"scope": "event" | "user" | "account", "property": name, "op": ..., "operand": ...,
              "ci": bool, "negated": bool}}    "account" has the event property that names it: "key"
    {"leaf": {"scope": "event_id" | "user_id", "op": "equals" | "in_set", "operand": ..., ...}}

A selector is {"terms": [{"any": True} | {"definition": name} | {"predicate": p}, ...]}, with
"first": True for only the user's first ever event that matches, or "first": p for that event if it
passes p too.
"""

import functools
import re

import css
from values import as_number, is_number, number_text, without_case

TEXT_OPS = ("contains", "starts_with", "ends_with", "like", "regex", "css_selector")


def fold(text, ci):
    return without_case(text) if ci else text


def equal(value, operand, ci):
    if isinstance(value, bool) or isinstance(operand, bool):
        return isinstance(value, bool) and isinstance(operand, bool) and value == operand
    order = compare(value, operand)
    if order is not None:
        return order == 0 or (
            ci and not_numbers(value, operand) and fold(value, True) == fold(operand, True)
        )
    return False


def not_numbers(value, operand):
    return as_number(value) is None and as_number(operand) is None


def compare(value, operand):
    """-1, 0 or 1, or None where the two cannot be compared."""
    if isinstance(value, bool) or isinstance(operand, bool):
        return None
    left, right = as_number(value), as_number(operand)
    if left is None and right is None:
        left, right = value.encode(), operand.encode()
    if left is None or right is None:
        return None
    return (left > right) - (left < right)


@functools.lru_cache(maxsize=4096)
def like_pattern(pattern, ci):
    out, index = [], 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\":
            index += 1
            out.append(re.escape(fold(pattern[index], ci)))
        elif char == "%":
            out.append("(?s:.*)")
        elif char == "_":
            out.append("(?s:.)")
        else:
            out.append(re.escape(fold(char, ci)))
        index += 1
    return re.compile("".join(out) + r"\Z")


@functools.lru_cache(maxsize=4096)
def regex_pattern(pattern, ci):
    """The generator writes a final $ only in the sense of "end of the text", which Python spells
    \\Z.
    """
    if pattern.endswith("$") and not pattern.endswith("\\$"):
        pattern = pattern[:-1] + r"\Z"
    return re.compile(pattern, re.IGNORECASE if ci else re.ASCII)


def text_test(op, value, operand, ci):
    if is_number(value):
        value = number_text(value)
    if not isinstance(value, str):
        return False
    if op == "like":
        return like_pattern(operand, ci).match(fold(value, ci)) is not None
    if op == "regex":
        return regex_pattern(operand, ci).search(value) is not None
    if op == "css_selector":
        return css.matches(operand, value)
    value, operand = fold(value, ci), fold(operand, ci)
    if op == "contains":
        return operand in value
    return value.startswith(operand) if op == "starts_with" else value.endswith(operand)


def single_test(op, value, operand, ci):
    if op == "equals":
        return equal(value, operand, ci)
    if op == "in_set":
        return any(equal(value, one, ci) for one in operand)
    if op in TEXT_OPS:
        return text_test(op, value, operand, ci)
    if op == "between":
        low, high = compare(value, operand[0]), compare(value, operand[1])
        return low is not None and high is not None and low >= 0 and high <= 0
    order = compare(value, operand)
    if order is None:
        return False
    return {
        "less": order < 0,
        "less_or_equal": order <= 0,
        "greater": order > 0,
        "greater_or_equal": order >= 0,
    }[op]


def leaf_test(leaf, value):
    """Whether a value of the leaf's property passes; None is a property that is not set."""
    if value is None:
        passes = False
    elif leaf["op"] == "is_set":
        passes = True
    else:
        elements = value if isinstance(value, tuple) else (value,)
        passes = any(
            single_test(leaf["op"], one, leaf.get("operand"), leaf.get("ci", False))
            for one in elements
        )
    return passes != leaf.get("negated", False)


def id_test(leaf, ids):
    """Whether one of some ids is asked for: texts, and whole numbers as they are written."""
    operand = leaf["operand"] if leaf["op"] == "in_set" else [leaf["operand"]]
    return any(one in ids for one in map(str, operand)) != leaf.get("negated", False)


def predicate_test(
    predicate, event_properties, user_properties, definitions, accounts=None, ids=None
):
    """accounts(key, name): the values of what the event names. ids: those of the
    event and of its user, by the scope of a leaf.
    """

    def test(one):
        return predicate_test(one, event_properties, user_properties, definitions, accounts, ids)

    ((kind, content),) = predicate.items()
    if kind == "all_of":
        return all(map(test, content))
    if kind == "any_of":
        return any(map(test, content))
    if kind == "not":
        return not test(content)
    if kind == "definition":
        return test(definitions[content])
    if content["scope"] in ("event_id", "user_id"):
        return id_test(content, ids[content["scope"]])
    if content["scope"] == "account":
        values = accounts(content["key"], content["property"])
        return leaf_test(content, tuple(values) or None)
    properties = event_properties if content["scope"] == "event" else user_properties
    return leaf_test(content, properties.get(content["property"]))


def selector_test(selector, test):
    for term in selector["terms"]:
        if "any" in term:
            return True
        if test(term.get("predicate") or {"definition": term["definition"]}):
            return True
    return False


def selects(selector, moment, person, event):
    """Whether a selector means this event of a person (or of an entity), at a moment."""
    moment, person = moment.owner(person, event)

    def test(predicate, one):
        return predicate_test(
            predicate,
            one.properties,
            moment.user_properties(person),
            moment.data.definitions,
            lambda key, name: moment.account_values(one, key, name),
            {"event_id": [one.id], "user_id": moment.members_of[moment.person_of[one.user]]},
        )

    def matches(one):
        return selector_test(selector, lambda predicate: test(predicate, one))

    first = selector.get("first")
    if not first:
        return matches(event)
    ever = next((one for one in moment.events_of.get(person, []) if matches(one)), None)
    return event is ever and (first is True or test(first, event))
