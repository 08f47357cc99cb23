"""The questions in ClickHouse's dialect. {t} is the table."""

import questions as q
from sql import FUNNELS, PRIOR_WEEK, RANGE, RETENTIONS, Dialect, between

DIALECT = Dialect(lambda name: name, lambda column, pattern: f"match({column}, {pattern})")
IF = DIALECT.condition
DAY = f"intDiv(time - {q.START_MS}, {q.DAY_MS})"
WEEK = f"intDiv(time - {q.MONDAY_MS}, {q.WEEK_MS})"


def steps(predicates):
    """The conditions of a funnel, the first inside the range; a level for each user."""
    first, *rest = [IF(p) for p in predicates]
    conditions = ", ".join([f"{first} AND {RANGE}", *rest])
    return f"windowFunnel({q.WEEK_MS})(time, {conditions})", " OR ".join([first, *rest])


def funnel(key):
    level, any_step = steps(FUNNELS[key])
    counts = ", ".join(f"countIf(level >= {k + 1})" for k in range(len(FUNNELS[key])))
    return (f"SELECT {counts} FROM (SELECT {level} AS level FROM {{t}} "
            f"WHERE time >= {q.START_MS} AND ({any_step}) GROUP BY user)")


def funnel_by_browser(key):
    level, any_step = steps(FUNNELS[key])
    counts = ", ".join(f"countIf(level >= {k + 1})" for k in range(len(FUNNELS[key])))
    first = IF(FUNNELS[key][0])
    return (f"SELECT value, {counts} FROM (SELECT argMinIf(browser, (time, toString(id)), {first} AND {RANGE}) AS value, "
            f"{level} AS level FROM {{t}} WHERE time >= {q.START_MS} AND ({any_step}) GROUP BY user HAVING level >= 1) "
            f"GROUP BY value")


def retention(key):
    """The weeks of a user as bits: 22 are enough."""
    start, back = (IF(p) for p in RETENTIONS[key])
    cells = ", ".join(f"countIf(bitTest(returns, week + {n}))" for n in range(1, q.COLUMNS + 1))
    bit = f"bitShiftLeft(toUInt32(1), {WEEK})"
    return (f"SELECT week, count(), {cells} FROM (SELECT arrayJoin(range({q.WEEKS})) AS week, starts, returns FROM ("
            f"SELECT groupBitOrIf({bit}, {start} AND {RANGE}) AS starts, groupBitOrIf({bit}, {back}) AS returns "
            f"FROM {{t}} WHERE time >= {q.START_MS} AND ({start} OR {back}) GROUP BY user HAVING starts > 0)) "
            f"WHERE bitTest(starts, week) GROUP BY week ORDER BY week")


def grouped_daily(measure, condition, days):
    where = between(days) + (f" AND {condition}" if condition else "")
    return (f"SELECT if(grouping(day) = 1, NULL, day), {measure} FROM (SELECT {DAY} AS day, user FROM {{t}} WHERE {where}) "
            f"GROUP BY GROUPING SETS ((day), ())")


# The bin by division, mended where that rounds across an edge: edges decide.
WIDTH = "(ends.2 - ends.1)"
QUOTIENT = f"least(floor((price - ends.1) * {q.BINS} / {WIDTH}), {q.BINS - 1})"
BIN = (f"toUInt32({QUOTIENT} - (price < ends.1 + {WIDTH} * {QUOTIENT} / {q.BINS}) + ({QUOTIENT} < {q.BINS - 1} "
       f"AND price >= ends.1 + {WIDTH} * ({QUOTIENT} + 1) / {q.BINS}))")

STATEMENTS = {
    "funnel_3": funnel("funnel_3"),
    "funnel_3_rare": funnel("funnel_3_rare"),
    "funnel_5_by_browser": funnel_by_browser("funnel_5_by_browser"),
    "retention_rare": retention("retention_rare"),
    "retention_dense": retention("retention_dense"),
    "segment": f"SELECT count() FROM (SELECT user FROM {{t}} WHERE {PRIOR_WEEK} AND "
               f"({IF(q.SAVE_LABEL)} OR {IF(q.PRICING)} OR {IF(q.SEARCH)}) GROUP BY user "
               f"HAVING countIf({IF(q.SAVE_LABEL)}) > 4 AND countIf({IF(q.PRICING)} OR {IF(q.SEARCH)}) > 0)",
    "by_path": f"WITH best AS (SELECT path FROM {{t}} WHERE {between(30)} GROUP BY path ORDER BY count() DESC, path LIMIT {q.TOP}) "
               f"SELECT if(path IN best, path, NULL) AS value, {DAY} AS day, count() FROM {{t}} WHERE {between(30)} "
               f"GROUP BY value, day",
    "uniques": grouped_daily("uniqExact(user)", None, 60),
    "uniques_clicks": grouped_daily("uniqExact(user)", IF(q.CLICK), 60),
    "prices": f"SELECT {DAY} AS day, avg(price), quantileExactInclusive(0.5)(price), quantileExactInclusive(0.95)(price) "
              f"FROM {{t}} WHERE {between(30)} AND price IS NOT NULL GROUP BY day",
    "price_histogram": f"WITH (SELECT (min(price), max(price)) FROM {{t}} WHERE {between(30)}) AS ends SELECT {DAY} AS day, "
                       f"{BIN} AS bin, count() "
                       f"FROM {{t}} WHERE {between(30)} AND price IS NOT NULL GROUP BY day, bin",
    "rare_of_plan": grouped_daily("count()", f"{IF(q.SIGN_UP)} AND user IN (SELECT user FROM users WHERE plan = 'free')", q.DAYS),
    "rare_in_week": f"SELECT count() FROM {{t}} WHERE {between(7, 33)} AND {IF(q.SIGN_UP)}",
    "new_definition": grouped_daily("count()", IF(q.FRESH), q.DAYS),
}
