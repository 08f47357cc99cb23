"""Breakdowns: ranked rows, the top n, Other. A breakdown is {"scope": ..., "property": ..., "top":
n}.
"""

from values import groups, order_key, row_key


def rows_of(breakdown, event, user_properties):
    """The rows in which an event (or its user) counts."""
    properties = event.properties if breakdown["scope"] == "event" else user_properties
    return groups(properties.get(breakdown["property"]))


def split(breakdown, items, values_of, measure):
    """Labels and items of each row but the total.

    items are whatever is counted, values_of(item) the rows that an item is in, measure(items) what
    ranks the rows. Other is made of the items themselves: those in some row that is not shown.
    """
    rows = {}
    for item in items:
        for value in values_of(item):
            rows.setdefault(row_key(value), []).append(item)
    ranked = sorted(rows, key=lambda key: (-measure(rows[key]), order_key(key[1])))
    shown, rest = ranked[: breakdown["top"]], set(ranked[breakdown["top"] :])
    out = [(("value", key[1]), rows[key]) for key in shown]
    if rest:
        out.append(
            (
                ("other",),
                [
                    item
                    for item in items
                    if any(row_key(value) in rest for value in values_of(item))
                ],
            )
        )
    return out
