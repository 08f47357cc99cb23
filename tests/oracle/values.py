"""Values of properties: normal form, numbers in texts, the order of all values.

A value is None, bool, int, float, str, or a tuple of str (a multi-valued property). Everything here
follows docs/semantics.md, "Values, selectors, predicates", word by word and without regard for
speed.
"""

import decimal
import math
import re
from fractions import Fraction

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1
NUMBER_TEXT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")


def normal(value):
    """The one form of a value: whole doubles are integers, an empty list is null."""
    if isinstance(value, float) and value.is_integer() and INT_MIN <= value <= INT_MAX:
        return int(value)
    if isinstance(value, (list, tuple)):
        return tuple(value) if value else None
    return value


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_number(value):
    """A number itself, or a text whose whole content is a JSON number; else None."""
    if is_number(value):
        return value
    if not isinstance(value, str):
        return None
    match = NUMBER_TEXT.match(value)
    if match is None:
        return None
    if match.group(2) is None and match.group(3) is None and INT_MIN <= int(value) <= INT_MAX:
        return int(value)
    number = float(value)
    return normal(number) if number not in (float("inf"), float("-inf")) else None


def number_text(value):
    """The shortest decimal form of a number, as JavaScript writes it but without a + in exponents."""
    value = normal(value)
    if isinstance(value, int):
        return str(value)
    sign, digits, exponent = decimal.Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + exponent
    text = text.rstrip("0")
    if point > 21 or point < -5:
        out = text[0] + ("." + text[1:] if len(text) > 1 else "") + f"e{point - 1}"
    elif point <= 0:
        out = "0." + "0" * -point + text
    else:
        out = text[:point].ljust(point, "0") + ("." + text[point:] if len(text) > point else "")
    return "-" * sign + out


def without_case(text):
    """Unicode's simple case folding: a character for a character."""
    return "".join(
        next((one for one in (char.casefold(), char.lower()) if len(one) == 1), char)
        for char in text
    )


def order_key(value):
    """Ascending: null, false, true, numbers, strings by bytes."""
    if value is None:
        return (0, 0)
    if isinstance(value, bool):
        return (1, int(value))
    if is_number(value):
        return (2, value)
    return (3, value.encode())


def group(value):
    """The row of a breakdown that a single value counts in: a numeric text is its number."""
    number = as_number(value)
    return value if number is None else number


def groups(value):
    """All rows that a property counts in: one, or one for each element of a list."""
    if isinstance(value, tuple):
        return {group(element) for element in value}
    return {group(value)}


def row_key(value):
    """A dictionary key under which true and 1 differ."""
    return (isinstance(value, bool), value)


def exact_sum(numbers):
    """Of doubles: one, or where the sum or a part of it is too great for one, a fraction."""
    numbers = list(numbers)
    try:
        return math.fsum(numbers)
    except OverflowError:
        return sum(map(Fraction, numbers))


def figure(number):
    """A number as an answer has it, a double; None: it is too great for one."""
    try:
        return float(number)
    except OverflowError:
        return None
