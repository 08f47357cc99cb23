"""The questions for PostgreSQL: one JSONB column, and a partial index for each definition (as the systems did that
kept millions of them). Conditions are written as in the indexes, so that the planner takes these."""

import questions as q
from sql import FUNNELS, PRIOR_WEEK, RANGE, RETENTIONS, Dialect, between

DIALECT = Dialect(lambda name: f"(data->>'{name}')", lambda column, pattern: f"{column} ~ {pattern}")
IF = DIALECT.condition
DAY = f"(time - {q.START_MS}) / {q.DAY_MS}"
WEEK = f"(time - {q.MONDAY_MS}) / {q.WEEK_MS}"

# By user, for funnels, retention and segments; by time, for series.
BY_USER = [q.LANDING, q.ADD_TO_CART, q.ORDER, q.SIGN_UP, q.SAVE_LABEL, q.HOME, q.PRODUCT, q.CART, q.PAGEVIEW]
BY_TIME = [q.SIGN_UP, q.CLICK, q.SAVE_LABEL, q.PRICING, q.SEARCH]
INDEXES = [f"(user_id, time) WHERE {IF(p)}" for p in BY_USER] + [f"(time, user_id) WHERE {IF(p)}" for p in BY_TIME] + [
    "(time, user_id)", "(time) WHERE data ? 'price'"]


def rows_of_steps(predicates, first_columns=""):
    parts = [f"SELECT user_id, time, {k + 1} AS step{first_columns if k == 0 else first_columns and ', NULL, NULL'} FROM {{t}} "
             f"WHERE {IF(p)} AND {RANGE if k == 0 else f'time >= {q.START_MS}'}" for k, p in enumerate(predicates)]
    return " UNION ALL ".join(parts)


def window_funnel(predicates, rows_of):
    """As in sql_duckdb.py."""
    text = f"WITH w1 AS MATERIALIZED ({rows_of})"
    for k in range(1, len(predicates)):
        entry = "CASE WHEN step = 1 THEN time END" if k == 1 else \
            f"CASE WHEN step = {k} AND time - e{k - 1} <= {q.WEEK_MS} THEN e{k - 1} END"
        text += (f", w{k + 1} AS (SELECT *, max({entry}) OVER (PARTITION BY user_id ORDER BY time, step "
                 f"ROWS UNBOUNDED PRECEDING) AS e{k} FROM w{k})")
    reached = ["count(DISTINCT user_id) FILTER (WHERE step = 1)"]
    reached += [f"count(DISTINCT user_id) FILTER (WHERE step = {k + 1} AND time - e{k} <= {q.WEEK_MS})"
                for k in range(1, len(predicates))]
    return text, reached


def funnel(key):
    text, reached = window_funnel(FUNNELS[key], rows_of_steps(FUNNELS[key]))
    return f"{text} SELECT {', '.join(reached)} FROM w{len(FUNNELS[key])}"


def funnel_by_browser(key):
    rows = rows_of_steps(FUNNELS[key], ", data->>'browser' AS browser, id::text COLLATE \"C\" AS id")
    text, reached = window_funnel(FUNNELS[key], rows)
    text += (", firsts AS (SELECT DISTINCT ON (user_id) user_id, browser AS value FROM w1 WHERE step = 1 "
             "ORDER BY user_id, time, id)")
    return f"{text} SELECT value, {', '.join(reached)} FROM w{len(FUNNELS[key])} JOIN firsts USING (user_id) GROUP BY value"


def retention(key):
    start, back = (IF(p) for p in RETENTIONS[key])
    cells = ", ".join(f"count(*) FILTER (WHERE (returns >> (week + {n})) & 1 = 1)" for n in range(1, q.COLUMNS + 1))
    return (f"WITH starts AS (SELECT user_id, bit_or(1 << ({WEEK})::int) AS starts FROM {{t}} WHERE {start} AND {RANGE} "
            f"GROUP BY user_id), returns AS (SELECT user_id, bit_or(1 << ({WEEK})::int) AS returns FROM {{t}} WHERE {back} "
            f"AND time >= {q.START_MS} AND user_id IN (SELECT user_id FROM starts) GROUP BY user_id) "
            f"SELECT week, count(*), {cells} FROM (SELECT starts, coalesce(returns, 0) AS returns FROM starts LEFT JOIN returns "
            f"USING (user_id)) u, generate_series(0, {q.WEEKS - 1}) AS week WHERE (starts >> week) & 1 = 1 GROUP BY week")


def grouped_daily(measure, condition, days):
    where = between(days) + (f" AND {condition}" if condition else "")
    return (f"SELECT day, {measure} FROM (SELECT {DAY} AS day, user_id FROM {{t}} WHERE {where}) d "
            f"GROUP BY GROUPING SETS ((day), ())")


# The bin by division, mended where that rounds across an edge: edges decide.
QUOTIENT = f"least(floor((price - low) * {q.BINS} / (high - low)), {q.BINS - 1})"
BIN = (f"({QUOTIENT} - CASE WHEN price < low + (high - low) * {QUOTIENT} / {q.BINS} THEN 1 ELSE 0 END + CASE WHEN {QUOTIENT} < {q.BINS - 1} "
       f"AND price >= low + (high - low) * ({QUOTIENT} + 1) / {q.BINS} THEN 1 ELSE 0 END)::INTEGER")

PRICE = "(data->>'price')::float8"

STATEMENTS = {
    "funnel_3": funnel("funnel_3"),
    "funnel_3_rare": funnel("funnel_3_rare"),
    "funnel_5_by_browser": funnel_by_browser("funnel_5_by_browser"),
    "retention_rare": retention("retention_rare"),
    "retention_dense": retention("retention_dense"),
    "segment": f"SELECT count(*) FROM (SELECT user_id FROM {{t}} WHERE {IF(q.SAVE_LABEL)} AND {PRIOR_WEEK} GROUP BY user_id "
               f"HAVING count(*) > 4) busy WHERE EXISTS (SELECT 1 FROM {{t}} e WHERE e.user_id = busy.user_id AND "
               f"{IF(q.PRICING)} AND {PRIOR_WEEK}) OR EXISTS (SELECT 1 FROM {{t}} e WHERE e.user_id = busy.user_id AND "
               f"{IF(q.SEARCH)} AND {PRIOR_WEEK})",
    "by_path": f"WITH counted AS MATERIALIZED (SELECT data->>'path' AS path, {DAY} AS day, count(*) AS n FROM {{t}} "
               f"WHERE {between(30)} GROUP BY 1, 2), best AS (SELECT path FROM counted GROUP BY path "
               f"ORDER BY sum(n) DESC, path COLLATE \"C\" LIMIT {q.TOP}) "
               f"SELECT best.path, day, sum(n) FROM counted LEFT JOIN best USING (path) GROUP BY 1, 2",
    "uniques": grouped_daily("count(DISTINCT user_id)", None, 60),
    "uniques_clicks": grouped_daily("count(DISTINCT user_id)", IF(q.CLICK), 60),
    "prices": f"SELECT {DAY} AS day, avg({PRICE}), percentile_cont(0.5) WITHIN GROUP (ORDER BY {PRICE}), "
              f"percentile_cont(0.95) WITHIN GROUP (ORDER BY {PRICE}) FROM {{t}} WHERE {between(30)} AND data ? 'price' GROUP BY 1",
    "price_histogram": f"WITH prices AS MATERIALIZED (SELECT {DAY} AS day, {PRICE} AS price FROM {{t}} WHERE {between(30)} AND "
                       f"data ? 'price'), ends AS (SELECT min(price) AS low, max(price) AS high FROM prices) "
                       f"SELECT day, {BIN} AS bin, count(*) "
                       f"FROM prices, ends GROUP BY 1, 2",
    "rare_of_plan": grouped_daily("count(*)", f"{IF(q.SIGN_UP)} AND user_id IN (SELECT user_id FROM users WHERE plan = 'free')", q.DAYS),
    "rare_in_week": f"SELECT count(*) FROM {{t}} WHERE {IF(q.SIGN_UP)} AND {between(7, 33)}",
    "new_definition": grouped_daily("count(*)", IF(q.FRESH), q.DAYS),
}
