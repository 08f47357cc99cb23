"""What the SQL of the peers shares: predicates as conditions, and rows as plain answers.

Every statement selects the same columns in every dialect, so one function a question makes the plain form of
questions.py out of rows. A week is a whole number from MONDAY_MS, a day one from START_MS.
"""

import questions as q


class Dialect:
    """How one system writes what differs."""

    def __init__(self, column, regex):
        self.column, self.regex = column, regex

    def condition(self, predicate):
        kind, body = next(iter(predicate.items()))
        if kind in ("allOf", "anyOf"):
            word = " AND " if kind == "allOf" else " OR "
            return "(" + word.join(self.condition(p) for p in body["predicates"]) + ")"
        column = self.column(body["property"]["eventProperty"])
        if "equals" in body:
            return f"{column} = {text(body['equals']['stringValue'])}"
        if "like" in body:
            return f"{column} LIKE {text(body['like'])}"
        return self.regex(column, text(body["regex"]))


def text(value):
    return "'" + value.replace("'", "''") + "'"


def between(days, first_day=0):
    start = q.START_MS + first_day * q.DAY_MS
    return f"time >= {start} AND time < {start + days * q.DAY_MS}"


RANGE = between(q.DAYS)
PRIOR_WEEK = f"time > {q.AS_OF_MS - q.WEEK_MS} AND time <= {q.AS_OF_MS}"

FUNNELS = {
    "funnel_3": (q.LANDING, q.ADD_TO_CART, q.ORDER),
    "funnel_3_rare": (q.SIGN_UP, q.SAVE_LABEL, q.ORDER),
    "funnel_5_by_browser": (q.HOME, q.PRODUCT, q.ADD_TO_CART, q.CART, q.ORDER),
}
RETENTIONS = {"retention_rare": (q.SIGN_UP, q.PAGEVIEW), "retention_dense": (q.PAGEVIEW, q.PAGEVIEW)}


# ---- Rows to plain answers -------------------------------------------------------------------------------------------


def one_row(rows):
    return tuple(int(n) for n in rows[0])


def by_first(rows):
    return {row[0]: tuple(int(n) for n in row[1:]) for row in rows}


def cohorts(rows):
    """Rows: week, size, the columns; weeks ascending."""
    return [tuple(int(n) for n in row[1:]) for row in sorted(rows)]


def daily(days):
    """Rows: day or None for the total, number."""
    def make(rows):
        values = {row[0]: float(row[1]) for row in rows}
        return (tuple(values.get(day, 0.0) for day in range(days)), values.get(None, 0.0))
    return make


def daily_by_value(rows):
    """Rows: value or None for Other, day, number."""
    answer = {}
    for value, day, number in rows:
        answer.setdefault(value, [0.0] * 30)[int(day)] += float(number)
    return {value: tuple(numbers) for value, numbers in answer.items()}


def daily_prices(rows):
    values = {int(row[0]): tuple(float(n) for n in row[1:]) for row in rows}
    return [values.get(day, (None, None, None)) for day in range(30)]


def daily_histogram(rows):
    """Rows: day, bin, number."""
    counts = [[0] * q.BINS for _ in range(30)]
    for day, place, number in rows:
        counts[int(day)][int(place)] += int(number)
    return [tuple(day) if any(day) else () for day in counts]  # Of nothing there is no histogram.


ANSWERS = {
    "funnel_3": one_row, "funnel_3_rare": one_row, "funnel_5_by_browser": by_first,
    "retention_rare": cohorts, "retention_dense": cohorts,
    "segment": lambda rows: int(rows[0][0]),
    "by_path": daily_by_value, "uniques": daily(60), "uniques_clicks": daily(60),
    "prices": daily_prices, "price_histogram": daily_histogram,
    "rare_of_plan": daily(q.DAYS), "rare_in_week": lambda rows: float(rows[0][0]), "new_definition": daily(q.DAYS),
}
