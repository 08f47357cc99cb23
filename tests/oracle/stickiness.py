"""Stickiness: users by the number of buckets in which they have enough events."""

from buckets import bucket_index, buckets
from formulas import earlier_scope
from lifecycle import matching_times
from segment import moment_of, persons


def active_buckets(times, start, end, found, least):
    """In how many buckets so many of the times lie."""
    indexes = [bucket_index(found, time) for time in times if start <= time < end]
    return len({index for index in indexes if indexes.count(index) >= least})


def of_range(query, moment, start, end):
    """(number of buckets, for each user with an active bucket in how many)."""
    scope = query["scope"]
    found = buckets(scope["zone"], start, end, query["unit"], scope["week_start"])
    counts = [
        active_buckets(
            matching_times(query, moment, person), start, end, found, query["min_events"] or 1
        )
        for person in persons(scope, moment)
    ]
    return found, [count for count in counts if count > 0]


def column(query, counts, places):
    if query["count"] == "at_least":
        users = [sum(count >= k for count in counts) for k in range(1, places + 1)]
    else:
        users = [counts.count(k) for k in range(1, places + 1)]
    return {
        "users": users,
        "rates": [one / len(counts) if counts else None for one in users],
        "active": len(counts),
    }


def stickiness_answer(query, data):
    scope = query["scope"]
    moment = moment_of(scope, data)
    found, counts = of_range(query, moment, scope["start"], scope["end"])
    if query["comparison"] is None:
        return {"buckets": found, "now": column(query, counts, len(found)), "before": None}
    before = earlier_scope(scope, query["comparison"])
    range_before = [before["start"], before["end"]]
    found_before, counts_before = of_range(query, moment, *range_before)
    places = max(len(found), len(found_before))
    return {
        "buckets": found,
        "now": column(query, counts, places),
        "before": dict(column(query, counts_before, places), range=range_before),
    }
