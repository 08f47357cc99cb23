"""Formulas over series, and the earlier time of a comparison."""

import datetime
import math
import re

from buckets import DAY, EPOCH, offset_at, segments

LETTERS = re.compile(r"[A-Z]+")


def letters(number):
    """0 is A, 25 is Z, 26 is AA."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def operands(expression, series_count):
    named = set(LETTERS.findall(expression))
    return [index for index in range(series_count) if letters(index) in named]


def value(expression, figures):
    """figures: by index of a series. Python's own arithmetic reads the same grammar."""
    if any(figure is None for figure in figures.values()):
        return None
    names = {letters(index): float(figure) for index, figure in figures.items()}
    numbers = re.sub(r"(?<![\w.])(\d+)(?![\w.])", r"\1.0", expression)
    try:
        found = eval(numbers, {"__builtins__": {}}, names)  # Of the tests' own texts only.
    except ZeroDivisionError:
        return None
    return found if math.isfinite(found) else None


def shifted(zone, instant, unit, count):
    """An instant moved back by local days, weeks or months."""
    local = instant + offset_at(zone, instant)
    day, rest = local // DAY, local % DAY
    if unit == "month":
        date = EPOCH + datetime.timedelta(days=day)
        months = date.year * 12 + date.month - 1 - count
        first = datetime.date(months // 12, months % 12 + 1, 1)
        following = datetime.date((months + 1) // 12, (months + 1) % 12 + 1, 1)
        day = (first - EPOCH).days + min(date.day, (following - first).days) - 1
    else:
        day -= count * (7 if unit == "week" else 1)
    wanted = day * DAY + rest
    for start, end, offset in segments(zone):
        if wanted - offset < end:
            return max(start, wanted - offset)
    raise ValueError("a day past the years that the oracle knows")


def earlier_scope(scope, comparison):
    if comparison == "previous":
        length = scope["end"] - scope["start"]
        return dict(scope, start=scope["start"] - length, end=scope["start"])
    move = [comparison["unit"], comparison["count"]]
    end = shifted(scope["zone"], scope["end"], *move)
    return dict(scope, start=min(shifted(scope["zone"], scope["start"], *move), end), end=end)
