"""Calendar buckets of a time zone, from Python's own zoneinfo.

All instants are milliseconds UTC since 1970. A zone is cut into segments of constant offset; every
bucket is found from those segments by the rules of docs/semantics.md, "Buckets".
"""

import bisect
import datetime
import functools
import zoneinfo

SECOND, DAY = 1000, 86400 * 1000
FIRST = int(datetime.datetime(1930, 1, 1, tzinfo=datetime.timezone.utc).timestamp()) * 1000
LAST = int(datetime.datetime(2060, 1, 1, tzinfo=datetime.timezone.utc).timestamp()) * 1000
SHORT_UNITS = {"second": 1000, "minute": 60_000, "hour": 3_600_000}
EPOCH = datetime.date(1970, 1, 1)


def offset_ms(zone, instant):
    moment = datetime.datetime.fromtimestamp(instant / 1000, datetime.timezone.utc)
    return int(moment.astimezone(zone).utcoffset().total_seconds()) * 1000


@functools.lru_cache(maxsize=None)
def segments(zone_name):
    """[(start, end, offset)] over the time that the tests use."""
    zone = zoneinfo.ZoneInfo(zone_name)
    out, start, offset = [], FIRST, offset_ms(zone, FIRST)
    for instant in range(FIRST + DAY, LAST + DAY, DAY):
        if offset_ms(zone, instant) == offset:
            continue
        low, high = instant - DAY, instant
        while high - low > SECOND:
            middle = (low + high) // (2 * SECOND) * SECOND
            low, high = (middle, high) if offset_ms(zone, middle) == offset else (low, middle)
        out.append((start, high, offset))
        start, offset = high, offset_ms(zone, instant)
    out.append((start, LAST, offset))
    return out


def offset_at(zone_name, instant):
    for start, end, offset in segments(zone_name):
        if start <= instant < end:
            return offset
    raise ValueError(f"{instant} is outside the years that the oracle knows")


def local_day(zone_name, instant):
    """The number of the local day, from 1970-01-01."""
    return (instant + offset_at(zone_name, instant)) // DAY


def day_of(zone_name, instant):
    """The bounds of the local day that holds an instant: of its bucket."""
    day = local_day(zone_name, instant) + 1
    while instant_of_day(zone_name, day) > instant:
        day -= 1
    while instant_of_day(zone_name, day + 1) <= instant:
        day += 1
    return instant_of_day(zone_name, day), instant_of_day(zone_name, day + 1)


def unit_start(day, unit, week_start):
    """The first local day of the unit that holds a local day."""
    date = EPOCH + datetime.timedelta(days=day)
    if unit == "day":
        return day
    if unit == "week":
        return day - (date.weekday() - week_start) % 7
    month = {"month": date.month, "quarter": (date.month - 1) // 3 * 3 + 1, "year": 1}[unit]
    return (datetime.date(date.year, month, 1) - EPOCH).days


def unit_next(day, unit):
    """The first local day of the next unit."""
    if unit in ("day", "week"):
        return day + (1 if unit == "day" else 7)
    date = EPOCH + datetime.timedelta(days=day)
    months = date.year * 12 + date.month - 1 + {"month": 1, "quarter": 3, "year": 12}[unit]
    return (datetime.date(months // 12, months % 12 + 1, 1) - EPOCH).days


@functools.lru_cache(maxsize=200_000)
def instant_of_day(zone_name, day):
    """The first instant whose local time is not before the day's midnight."""
    for start, end, offset in segments(zone_name):
        if day * DAY - offset < end:
            return max(start, day * DAY - offset)
    raise ValueError("a day past the years that the oracle knows")


def short_buckets(zone_name, start, end, length, multiple=1):
    """Several units are a bucket inside one segment, counted from the unit that holds the start."""
    found = list(unit_buckets(zone_name, start, end + multiple * length, length))
    while found and found[0][0] < end:
        of_offset = [one for one in found[:multiple] if one[2:] == found[0][2:]]
        yield of_offset[0][0], of_offset[-1][1], of_offset[0][2]
        found = found[len(of_offset) :]


def unit_buckets(zone_name, start, end, length):
    for seg_start, seg_end, offset in segments(zone_name):
        if seg_end <= start or seg_start >= end:
            continue
        instant = (max(start, seg_start) + offset) // length * length - offset
        while instant < min(end, seg_end):
            yield max(instant, seg_start), min(instant + length, seg_end), offset, seg_start
            instant += length


def long_buckets(zone_name, start, end, unit, week_start, multiple=1):
    day = unit_start(local_day(zone_name, start), unit, week_start)
    while instant_of_day(zone_name, day) < end:
        next_day = day
        for _ in range(multiple):
            next_day = unit_next(next_day, unit)
        first, last = instant_of_day(zone_name, day), instant_of_day(zone_name, next_day)
        if first < last and last > start:
            yield first, last, offset_at(zone_name, first)
        day = next_day


def bucket_before(zone_name, first, unit, week_start=0, multiple=1):
    """(start, end) of the bucket that ends where the first one of a range begins."""
    if unit in SHORT_UNITS:
        length = SHORT_UNITS[unit]
        units = list(unit_buckets(zone_name, first - multiple * length, first, length))
        units = [one for one in units if one[2:] == units[-1][2:]][-multiple:]
        return units[0][0], first
    day = unit_start(local_day(zone_name, first), unit, week_start)
    while instant_of_day(zone_name, day) >= first:
        for _ in range(multiple):
            day = unit_start(day - 1, unit, week_start)
    return instant_of_day(zone_name, day), first


def buckets(zone_name, start, end, unit, week_start=0, multiple=1):
    """The buckets of a range: dicts with start, end, offset (seconds) and partial."""
    if start >= end:
        return []
    if unit in SHORT_UNITS:
        found = short_buckets(zone_name, start, end, SHORT_UNITS[unit], multiple)
    else:
        found = long_buckets(zone_name, start, end, unit, week_start, multiple)
    return [
        {"start": a, "end": b, "offset": offset // 1000, "partial": a < start or b > end}
        for a, b, offset in found
    ]


def bucket_index(found, instant):
    index = bisect.bisect_right(found, instant, key=lambda bucket: bucket["start"]) - 1
    return index if index >= 0 and instant < found[index]["end"] else None
