"""Series requests and replies between the oracle's dicts and recount.v1."""

import wire
from recount.v1 import series_pb2

MEASURES = {
    "events": series_pb2.SERIES_MEASURE_EVENTS,
    "unique": series_pb2.SERIES_MEASURE_UNIQUE_USERS,
    "sessions": series_pb2.SERIES_MEASURE_SESSIONS,
    "per_user": series_pb2.SERIES_MEASURE_MEAN_EVENTS_PER_USER,
    "most": series_pb2.SERIES_MEASURE_MAX_EVENTS_PER_USER,
    "sum": series_pb2.SERIES_MEASURE_PROPERTY_SUM,
    "mean": series_pb2.SERIES_MEASURE_PROPERTY_MEAN,
    "min": series_pb2.SERIES_MEASURE_PROPERTY_MIN,
    "max": series_pb2.SERIES_MEASURE_PROPERTY_MAX,
    "median": series_pb2.SERIES_MEASURE_PROPERTY_MEDIAN,
    "percentile": series_pb2.SERIES_MEASURE_PROPERTY_PERCENTILE,
    "histogram": series_pb2.SERIES_MEASURE_PROPERTY_HISTOGRAM,
    "distinct": series_pb2.SERIES_MEASURE_PROPERTY_DISTINCT_VALUES,
    "rolling": series_pb2.SERIES_MEASURE_ROLLING_ACTIVE_USERS,
}


def fill_dimension(out, dimension, project):
    if "segments" in dimension:
        for rule in dimension["segments"]:
            wire.fill_filter(out.segments.segments.add(), rule, project)
    elif "count" in dimension:
        out.user_count.selector.CopyFrom(wire.selector_message(dimension["count"], project))
        if dimension["range"] is not None:
            out.user_count.range.start_ms, out.user_count.range.end_ms = dimension["range"]
    else:
        out.property.CopyFrom(
            wire.property_message(dimension["scope"], dimension["property"], dimension.get("key"))
        )
    if dimension.get("bins"):
        out.bins.count = dimension["bins"]


def fill_breakdown(out, breakdown, project):
    if "dimensions" not in breakdown:
        wire.fill_breakdown(out, breakdown)
        return
    for dimension in breakdown["dimensions"]:
        fill_dimension(out.dimensions.add(), dimension, project)
    if not (breakdown["top"] == 9 and breakdown.get("default")):
        out.top = breakdown["top"]


def add_series(out, one, project):
    series = out.series.add(
        selector=wire.selector_message(one["selector"], project), measure=MEASURES[one["measure"]]
    )
    if one.get("key"):
        series.account_property.account_key = one["key"]
        series.account_property.name = one["property"]
    else:
        series.property = one.get("property") or ""
    series.percentile = one.get("percentile") or 0
    series.histogram_bins = one.get("bins") or 0
    series.rolling_days = one.get("days") or 0
    series.session_gap_ms = one.get("gap") or 0


def series_request(query, project):
    out = series_pb2.SeriesRequest(scope=wire.scope_message(query["scope"], project))
    for one in query["series"]:
        add_series(out, one, project)
    if query["unit"] is not None:
        out.bucket.unit = wire.UNITS[query["unit"]]
        out.bucket.multiple = query.get("multiple", 0)
    if query["breakdown"] is not None:
        fill_breakdown(out.breakdown, query["breakdown"], project)
    if query.get("columns") is not None:
        fill_breakdown(out.columns, query["columns"], project)
    for expression in query.get("formulas", []):
        out.formulas.add(expression=expression)
    out.cumulative = query.get("cumulative", False)
    comparison = query.get("comparison")
    if comparison == "previous":
        out.comparison.previous_period.SetInParent()
    elif comparison:
        out.comparison.shift.unit = wire.UNITS[comparison["unit"]]
        out.comparison.shift.count = comparison["count"]
    return out


def histogram(message):
    return {
        "bins": [[one.low, one.high, one.high_included] for one in message.bins],
        "counts": list(message.counts),
    }


def row(message, compared):
    out = {
        "label": wire.label(message.label),
        "values": wire.column(message.values),
        "total": message.total if message.WhichOneof("optional_total") else None,
    }
    if compared:
        there = message.WhichOneof("optional_compared_total")
        out["compared"] = wire.column(message.compared_values)
        out["compared_total"] = message.compared_total if there else None
    for name in ("by_column", "compared_by_column"):
        if message.HasField(name):
            out[name] = wire.column(getattr(message, name))
    if message.HasField("total_histogram"):
        found = [*message.histograms, message.total_histogram]
        out["histograms"] = list(map(histogram, found))
    if message.HasField("compared_total_histogram"):
        found = [*message.compared_histograms, message.compared_total_histogram]
        out["compared_histograms"] = list(map(histogram, found))
    return out


def series_reply(reply):
    columns = [list(map(wire.label, series.columns)) for series in reply.series]
    return ({"columns": columns} if any(columns) else {}) | {
        "buckets": wire.bucket_list(reply.buckets),
        "series": [
            [row(one, one.HasField("compared_values")) for one in series.rows]
            for series in reply.series
        ],
    }
