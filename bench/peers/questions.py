"""The questions of the comparison: what is asked of everybody, and what an answer looks like.

A question has a request of `recount.v1` and, for each dialect, a statement (sql_*.py, by key). Answers are
brought into one plain form (tuples, numbers, dicts) and must be equal; figures that are no whole numbers may
differ in the twelfth digit. Times are milliseconds, UTC since 1970.
"""

from dataclasses import dataclass

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
START_MS = 1_735_689_600_000  # 2025-01-01, a Wednesday: where `recount generate` begins.
MONDAY_MS = START_MS - 2 * DAY_MS  # The week that holds it.
DAYS = 90
END_MS = START_MS + DAYS * DAY_MS
WEEKS = 14  # Of the range, the first and the last cut.
COLUMNS = 8  # Of retention, behind the cohort's own week.
AS_OF_MS = START_MS + 60 * DAY_MS  # Of the segment.
BINS = 20
TOP = 9


def leaf(name, value, test="equals"):
    if test == "equals":
        value = {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
    return {"leaf": {"property": {"eventProperty": name}, test: value}}


def both(*parts):
    return {"allOf": {"predicates": list(parts)}}


def either(*parts):
    return {"anyOf": {"predicates": list(parts)}}


def action(kind, path=None, text=None):
    parts = [leaf("type", kind)]
    if path is not None:
        parts.append(leaf("path", path))
    if text is not None:
        parts.append(leaf("target_text", text))
    return both(*parts) if len(parts) > 1 else parts[0]


# What happens, by the name that the statements use too. Shares are of all events.
PAGEVIEW = action("pageview")  # 40 %
CLICK = action("click")  # 48 %
LANDING = both(action("pageview"), either(*(leaf("path", p) for p in ("/", "/signup", "/search"))))  # 9.5 %
ADD_TO_CART = action("click", text="Add to cart")  # 0.9 %
ORDER = action("submit", "/checkout", "Place order")  # 0.17 %
SIGN_UP = action("submit", "/signup", "Sign up")  # 0.03 %
SAVE_LABEL = action("click", "/", "Save label")  # 0.3 %
HOME = action("pageview", "/")  # 7 %
PRODUCT = both(action("pageview"), leaf("path", "/p/%", "like"))
CART = action("pageview", "/cart")  # 0.7 %
SEARCH = action("pageview", "/search")  # 0.7 %
PRICING = action("pageview", "/pricing")  # 0.6 %
FRESH = both(leaf("element_chain", r"button[^;]*\.(group|hero)[^;]*;.*(main|ul)\.", "regex"),
             leaf("path", "/c%", "like"), leaf("target_text", "Filter select"))


@dataclass(frozen=True)
class Question:
    key: str
    title: str
    method: str  # Of QueryService or SegmentService.
    request: dict
    answer: object  # The reply's form: reply -> plain.
    cold: bool = False  # Also asked with nothing cached, for a definition that is new.


def scope(first_day=0, days=DAYS, **more):
    start = START_MS + first_day * DAY_MS
    return {"project": "projects/peers", "range": {"startMs": start, "endMs": start + days * DAY_MS}, **more}


def selector(predicate):
    return {"terms": [{"anyEvent": {}} if predicate is None else {"predicate": predicate}]}


def series(predicate, days, measure="EVENTS", unit="DAY", first_day=0, breakdown=None, segment=None, **more):
    request = {"scope": scope(first_day, days), "bucket": {"unit": f"TIME_UNIT_{unit}"},
               "series": [{"selector": selector(predicate), "measure": f"SERIES_MEASURE_{measure}", **more}]}
    if breakdown is not None:
        request["breakdown"] = {"dimensions": [{"property": {"eventProperty": breakdown}}], "top": TOP}
    if segment is not None:
        request["scope"]["segment"] = {"rule": segment}
    return request


def funnel(*steps, **more):
    return {"scope": scope(), "windowMs": WEEK_MS, "steps": [{"selector": selector(s)} for s in steps], **more}


def retention(start, back):
    return {"scope": scope(), "startEvent": selector(start), "returnEvent": selector(back),
            "period": {"unit": "TIME_UNIT_WEEK"}, "lastPeriod": COLUMNS}


def prices():
    request = series(None, 30)
    request["series"] = [{"selector": selector(None), "property": "price", "measure": f"SERIES_MEASURE_PROPERTY_{m}",
                          **({"percentile": 95} if m == "PERCENTILE" else {})} for m in ("MEAN", "MEDIAN", "PERCENTILE")]
    return request


def behavior(predicate, operation, value):
    return {"behavior": {"selector": selector(predicate), "window": {"priorMs": WEEK_MS},
                         "comparison": {"operation": f"COMPARISON_OPERATOR_{operation}", "value": value}}}


def busy_and_curious():
    rule = {"allOf": {"rules": [behavior(SAVE_LABEL, "GREATER", 4),
                                {"anyOf": {"rules": [behavior(PRICING, "GREATER", 0), behavior(SEARCH, "GREATER", 0)]}}]}}
    return {"scope": {"project": "projects/peers", "asOfMs": AS_OF_MS, "segment": {"rule": rule}}}


# ---- What comes back ---------------------------------------------------------------------------------------------


def funnel_answer(reply):
    return tuple(reply.rows[-1].counts)


def funnel_by_value(reply):
    return {row.label.values[0].value.string_value: tuple(row.counts) for row in reply.rows if row.label.values}


def retention_answer(reply):
    """Each cohort with users: its size and the columns behind its own week."""
    return [(c.size, *(int(n) for n in c.users.values[1:])) for c in reply.rows[-1].cohorts if c.size > 0]


def segment_answer(reply):
    return reply.user_count


def buckets(row):
    nulls = set(row.values.null_at)
    return tuple(None if i in nulls else v for i, v in enumerate(row.values.values))


def series_answer(reply):
    row = reply.series[0].rows[-1]
    return (buckets(row), row.total)


def series_by_value(reply):
    """The top rows by value, Other as None."""
    rows = reply.series[0].rows[:-1]
    return {row.label.values[0].value.string_value if row.label.values else None: buckets(row) for row in rows}


def prices_answer(reply):
    return [tuple(day) for day in zip(*(buckets(line.rows[-1]) for line in reply.series))]


def histogram_answer(reply):
    return [tuple(one.counts) for one in reply.series[0].rows[-1].histograms][:30]


QUESTIONS = [
    Question("funnel_3", "3-step funnel, first step 10 % of the events, 7 days", "Funnel",
             funnel(LANDING, ADD_TO_CART, ORDER), funnel_answer),
    Question("funnel_3_rare", "3-step funnel, rare steps, 7 days", "Funnel",
             funnel(SIGN_UP, SAVE_LABEL, ORDER), funnel_answer),
    Question("funnel_5_by_browser", "5-step funnel by browser (of the first event of step 1), 7 days", "Funnel",
             funnel(HOME, PRODUCT, ADD_TO_CART, CART, ORDER,
                    breakdown={"dimensions": [{"property": {"eventProperty": "browser"}}], "top": 100},
                    breakdownAt="FUNNEL_BREAKDOWN_AT_FIRST_IN_RANGE"), funnel_by_value),
    Question("retention_rare", "weekly retention, sign-up to any page view, 8 weeks", "Retention",
             retention(SIGN_UP, PAGEVIEW), retention_answer),
    Question("retention_dense", "weekly retention, any page view to any page view, 8 weeks", "Retention",
             retention(PAGEVIEW, PAGEVIEW), retention_answer),
    Question("segment", "segment: more than 4 of one click in the prior week and (one page or another)", "CountSegment",
             busy_and_curious(), segment_answer),
    Question("by_path", "daily counts of 30 days by path, top 9 and Other", "Series",
             series(None, 30, breakdown="path"), series_by_value),
    Question("uniques", "daily unique users over 60 days, any event", "Series",
             series(None, 60, "UNIQUE_USERS"), series_answer),
    Question("uniques_clicks", "daily unique users over 60 days, clicks", "Series",
             series(CLICK, 60, "UNIQUE_USERS"), series_answer),
    Question("prices", "mean, median and p95 of a price per day, 30 days", "Series", prices(), prices_answer),
    Question("price_histogram", "histogram of a price per day, 30 days, 20 bins", "Series",
             series(None, 30, "PROPERTY_HISTOGRAM", property="price", histogramBins=BINS), histogram_answer),
    Question("rare_of_plan", "daily count of a rare event for users of one plan, 90 days", "Series",
             series(SIGN_UP, DAYS, segment={"userProperty": {"property": {"userProperty": "plan"},
                                                             "equals": {"stringValue": "free"}}}), series_answer),
    Question("rare_in_week", "count of a rare event in a week", "Series",
             series(SIGN_UP, 7, unit="WEEK", first_day=33), lambda reply: series_answer(reply)[1]),
    Question("new_definition", "a new definition (regular expression on chains, LIKE on path, text): daily series",
             "Series", series(FRESH, DAYS), series_answer, cold=True),
]


def differs(mine, theirs):
    """Whether two answers differ."""
    if isinstance(mine, dict) or isinstance(theirs, dict):
        return set(mine) != set(theirs) or any(differs(mine[k], theirs[k]) for k in mine)
    if isinstance(mine, (list, tuple)) or isinstance(theirs, (list, tuple)):
        return len(mine) != len(theirs) or any(differs(a, b) for a, b in zip(mine, theirs))
    if mine is None or theirs is None:
        return mine is not theirs
    return abs(float(mine) - float(theirs)) > 1e-12 * max(1.0, abs(float(mine)))
