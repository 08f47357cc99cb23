"""Retention: cohorts by period of the start, cells by period of the return, states at as_of."""

from buckets import bucket_index, buckets
from predicate import selects
from segment import moment_of, persons

YEARS = 366 * 86400 * 1000


def periods_from(query, cohort_count, columns):
    """The calendar periods of the range and enough after it for every cell."""
    scope = query["scope"]
    end = scope["end"]
    while True:
        found = buckets(scope["zone"], scope["start"], end, query["unit"], scope["week_start"])
        if len(found) >= cohort_count + columns:
            return found
        end += {"hour": 2 * 86400 * 1000, "day": 40 * 86400 * 1000}.get(query["unit"], 2 * YEARS)


def starts_of(query, moment, person, events):
    """{period: start event} of one person."""
    scope, periods = query["scope"], query["cohort_periods"]
    starts = [event for event in events if selects(query["start"], moment, person, event)]
    if query["cohorts"] == "first_time":
        starts = starts[:1]
    starts = [event for event in starts if scope["start"] <= event.time < scope["end"]]
    if query["cohorts"] == "first_in_range":
        starts = starts[:1]
    out = {}
    for event in starts:
        out.setdefault(bucket_index(periods, event.time), event)
    return out


def cells_of(query, moment, person, start, period, periods, columns):
    """Which cells one person fills in one cohort."""
    returns = [
        event
        for event in moment.events_of[person]
        if selects(query["return"], moment, person, event)
    ]
    filled = []
    for n in range(columns):
        first, last = periods[period + n]["start"], periods[period + n]["end"]
        if query["or_after"]:
            last = float("inf")
        here = [event for event in returns if first <= event.time < last]
        if n == 0:
            here = [event for event in here if event is not start and event.time >= start.time]
        filled.append(bool(here))
    return filled


def retention_answer(query, data):
    scope = query["scope"]
    moment = moment_of(scope, data)
    cohorts = buckets(
        scope["zone"], scope["start"], scope["end"], query["unit"], scope["week_start"]
    )
    columns = len(cohorts) if query["last_period"] is None else query["last_period"] + 1
    periods = periods_from(query, len(cohorts), columns)
    query = dict(query, cohort_periods=cohorts)
    sizes = [0] * len(cohorts)
    users = [[0] * columns for _ in cohorts]
    for person in persons(scope, moment):
        events = moment.events_of.get(person, [])
        for period, start in starts_of(query, moment, person, events).items():
            sizes[period] += 1
            filled = cells_of(query, moment, person, start, period, periods, columns)
            for n in range(columns):
                users[period][n] += filled[n]
    return answer_of(cohorts, columns, periods, sizes, users, moment.moment, scope["start"])


def state(periods, period, n, as_of, range_start):
    begins = (
        max(periods[period + n]["start"], range_start) if n == 0 else periods[period + n]["start"]
    )
    if as_of < begins:
        return "not_begun"
    return "elapsed" if as_of >= periods[period + n]["end"] else "begun"


def answer_of(cohorts, columns, periods, sizes, users, as_of, range_start):
    out = []
    summary = {"users": [0] * columns, "sizes": [0] * columns}
    for period, size in enumerate(sizes):
        states = [state(periods, period, n, as_of, range_start) for n in range(columns)]
        cells = [None if states[n] == "not_begun" else users[period][n] for n in range(columns)]
        out.append(
            {
                "size": size,
                "users": cells,
                "states": states,
                "rates": [None if cell is None or size == 0 else cell / size for cell in cells],
            }
        )
        for n in range(columns):
            if states[n] == "elapsed":
                summary["users"][n] += users[period][n]
                summary["sizes"][n] += size
    summary["rates"] = [
        part / whole if whole else None for part, whole in zip(summary["users"], summary["sizes"])
    ]
    return {"cohorts": cohorts, "rows": out, "summary": summary}
