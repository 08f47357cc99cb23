"""The questions in DuckDB's dialect. {t} is the table. Funnels twice: with windows, as one would write them
first (PLAIN), and as chains of ASOF joins (TUNED)."""

import questions as q
from sql import FUNNELS, PRIOR_WEEK, RANGE, RETENTIONS, Dialect, between

DIALECT = Dialect(lambda name: name, lambda column, pattern: f"regexp_matches({column}, {pattern})")
IF = DIALECT.condition
DAY = f"(time - {q.START_MS}) // {q.DAY_MS}"
WEEK = f"(time - {q.MONDAY_MS}) // {q.WEEK_MS}"


def window_funnel(predicates, rows_of, value="NULL"):
    """Rows of (user, time, step, value), then a window a step: the latest entry from which a step was reached.
    Entries only grow, so the maximum is the latest; events of equal time take steps in their order."""
    steps = len(predicates)
    text = f"WITH w1 AS (SELECT *, NULL::BIGINT AS e0 FROM ({rows_of}))"
    for k in range(1, steps):
        entry = f"CASE WHEN step = 1 AND {RANGE} THEN time END" if k == 1 else \
            f"CASE WHEN step = {k} AND time - e{k - 1} <= {q.WEEK_MS} THEN e{k - 1} END"
        text += (f", w{k + 1} AS (SELECT *, max({entry}) OVER (PARTITION BY \"user\" ORDER BY time, step "
                 f"ROWS UNBOUNDED PRECEDING) AS e{k} FROM w{k})")
    reached = [f"count(DISTINCT \"user\") FILTER (step = 1 AND {RANGE})"]
    reached += [f"count(DISTINCT \"user\") FILTER (step = {k + 1} AND time - e{k} <= {q.WEEK_MS})" for k in range(1, steps)]
    return text, reached


def rows_of_steps(predicates, columns="\"user\", time"):
    cases = " ".join(f"WHEN {IF(p)} THEN {k + 1}" for k, p in enumerate(predicates))
    return (f"SELECT {columns}, CASE {cases} END AS step FROM {{t}} WHERE time >= {q.START_MS} AND "
            f"({' OR '.join(IF(p) for p in predicates)})")


def plain_funnel(key):
    text, reached = window_funnel(FUNNELS[key], rows_of_steps(FUNNELS[key]))
    return f"{text} SELECT {', '.join(reached)} FROM w{len(FUNNELS[key])}"


def plain_funnel_by_browser(key):
    steps = FUNNELS[key]
    text, reached = window_funnel(steps, rows_of_steps(steps, "\"user\", time, id, browser"))
    first = (f"firsts AS (SELECT \"user\", arg_min(browser, (time, id::VARCHAR)) AS value FROM w1 WHERE step = 1 AND {RANGE} "
             f"GROUP BY \"user\")")
    return f"{text}, {first} SELECT value, {', '.join(reached)} FROM w{len(steps)} JOIN firsts USING (\"user\") GROUP BY value"


def asof_chain(predicates, columns=""):
    first, *rest = predicates
    text = f"WITH s1 AS (SELECT \"user\", time, time AS entry{columns} FROM {{t}} WHERE {RANGE} AND {IF(first)})"
    for k, predicate in enumerate(rest, 2):
        text += (f", s{k} AS (SELECT b.\"user\", b.time, a.entry FROM (SELECT \"user\", time FROM {{t}} WHERE "
                 f"time >= {q.START_MS} AND {IF(predicate)}) b ASOF JOIN s{k - 1} a ON b.\"user\" = a.\"user\" AND b.time >= a.time "
                 f"WHERE b.time - a.entry <= {q.WEEK_MS})")
    return text


def tuned_funnel(key):
    counts = ", ".join(f"(SELECT count(DISTINCT \"user\") FROM s{k + 1})" for k in range(len(FUNNELS[key])))
    return f"{asof_chain(FUNNELS[key])} SELECT {counts}"


def tuned_funnel_by_browser(key):
    steps = len(FUNNELS[key])
    text = asof_chain(FUNNELS[key], ", id, browser")
    text += (", firsts AS (SELECT \"user\", arg_min(browser, (time, id::VARCHAR)) AS value, 1 AS level FROM s1 GROUP BY \"user\")")
    levels = " UNION ALL ".join(f"SELECT DISTINCT \"user\", {k} AS level FROM s{k}" for k in range(2, steps + 1))
    text += f", levels AS (SELECT \"user\", max(level) AS level FROM ({levels}) GROUP BY \"user\")"
    counts = ", ".join(f"count(*) FILTER (coalesce(levels.level, 1) >= {k + 1})" for k in range(steps))
    return f"{text} SELECT value, {counts} FROM firsts LEFT JOIN levels USING (\"user\") GROUP BY value"


def retention(key):
    start, back = (IF(p) for p in RETENTIONS[key])
    cells = ", ".join(f"count(*) FILTER ((returns >> (week + {n})) & 1 = 1)" for n in range(1, q.COLUMNS + 1))
    return (f"WITH users_ AS (SELECT bit_or(1 << ({WEEK})::INTEGER) FILTER ({start} AND {RANGE}) AS starts, "
            f"coalesce(bit_or(1 << ({WEEK})::INTEGER) FILTER ({back}), 0) AS returns FROM {{t}} "
            f"WHERE time >= {q.START_MS} AND ({start} OR {back}) GROUP BY \"user\" HAVING starts IS NOT NULL) "
            f"SELECT week, count(*), {cells} FROM users_, (SELECT unnest(range({q.WEEKS}))::INTEGER AS week) "
            f"WHERE (starts >> week) & 1 = 1 GROUP BY week ORDER BY week")


def grouped_daily(measure, condition, days):
    where = between(days) + (f" AND {condition}" if condition else "")
    return (f"SELECT day, {measure} FROM (SELECT {DAY} AS day, \"user\" FROM {{t}} WHERE {where}) "
            f"GROUP BY GROUPING SETS ((day), ())")


# The bin by division, mended where that rounds across an edge: edges decide.
QUOTIENT = f"least(floor((price - low) * {q.BINS} / (high - low)), {q.BINS - 1})"
BIN = (f"({QUOTIENT} - CASE WHEN price < low + (high - low) * {QUOTIENT} / {q.BINS} THEN 1 ELSE 0 END + CASE WHEN {QUOTIENT} < {q.BINS - 1} "
       f"AND price >= low + (high - low) * ({QUOTIENT} + 1) / {q.BINS} THEN 1 ELSE 0 END)::INTEGER")

PLAIN = {
    "funnel_3": plain_funnel("funnel_3"),
    "funnel_3_rare": plain_funnel("funnel_3_rare"),
    "funnel_5_by_browser": plain_funnel_by_browser("funnel_5_by_browser"),
    "retention_rare": retention("retention_rare"),
    "retention_dense": retention("retention_dense"),
    "segment": f"SELECT count(*) FROM (SELECT \"user\" FROM {{t}} WHERE {PRIOR_WEEK} AND "
               f"({IF(q.SAVE_LABEL)} OR {IF(q.PRICING)} OR {IF(q.SEARCH)}) GROUP BY \"user\" "
               f"HAVING count(*) FILTER ({IF(q.SAVE_LABEL)}) > 4 AND count(*) FILTER ({IF(q.PRICING)} OR {IF(q.SEARCH)}) > 0)",
    "by_path": f"WITH counted AS (SELECT path, {DAY} AS day, count(*) AS n FROM {{t}} WHERE {between(30)} GROUP BY ALL), "
               f"best AS (SELECT path FROM counted GROUP BY path ORDER BY sum(n) DESC, path LIMIT {q.TOP}) "
               f"SELECT CASE WHEN path IN (SELECT path FROM best) THEN path END AS value, day, sum(n) FROM counted GROUP BY value, day",
    "uniques": grouped_daily("count(DISTINCT \"user\")", None, 60),
    "uniques_clicks": grouped_daily("count(DISTINCT \"user\")", IF(q.CLICK), 60),
    "prices": f"SELECT {DAY} AS day, avg(price), quantile_cont(price, 0.5), quantile_cont(price, 0.95) FROM {{t}} "
              f"WHERE {between(30)} AND price IS NOT NULL GROUP BY day",
    "price_histogram": f"WITH ends AS (SELECT min(price) AS low, max(price) AS high FROM {{t}} WHERE {between(30)}) "
                       f"SELECT {DAY} AS day, {BIN} AS bin, "
                       f"count(*) FROM {{t}}, ends WHERE {between(30)} AND price IS NOT NULL GROUP BY day, bin",
    "rare_of_plan": grouped_daily("count(*)", f"{IF(q.SIGN_UP)} AND \"user\" IN (SELECT \"user\" FROM users WHERE plan = 'free')", q.DAYS),
    "rare_in_week": f"SELECT count(*) FROM {{t}} WHERE {between(7, 33)} AND {IF(q.SIGN_UP)}",
    "new_definition": grouped_daily("count(*)", IF(q.FRESH), q.DAYS),
}

TUNED = {
    **PLAIN,
    "funnel_3": tuned_funnel("funnel_3"),
    "funnel_3_rare": tuned_funnel("funnel_3_rare"),
    "funnel_5_by_browser": tuned_funnel_by_browser("funnel_5_by_browser"),
}
