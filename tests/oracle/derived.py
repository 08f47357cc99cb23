"""Derived properties: a source and steps, written from docs/semantics.md.

A derivation is {"source": "event" | "user" | "account" | "time", "property": name, "key": event
property that names the account, "steps": [step, ...]}; a step is a list whose first element says
what it does:

    ["capture", regex, group, ignore case]  ["number"]  ["lower"]  ["url", part or "parameter", name]
    ["fold_ids"]  ["map", [[from, to], ...], "keep" | "null" | "value", value]
    ["time", part, zone]  ["arithmetic", operation, operand]

Or {"source": "formula", "of": "event" | "user" | "account", "key": as above, "formula": text with
letters, "operands": [name, ...], "steps": [...]}.
"""

import datetime
import fractions
import math
import re
import zoneinfo
from urllib.parse import unquote_to_bytes

import formulas
from predicate import equal
from values import as_number, is_number, normal, number_text, without_case

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
ID = re.compile(
    r"[0-9]+|(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{8,}"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
)
URL = re.compile(
    r"(?:(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]*):(?=//))?(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.S,
)
NUMBER = re.compile(r"-?(?:\.(?=[0-9]))?[0-9]")
TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(?:[.,]([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?)?"
)


def text_of(value):
    if isinstance(value, bool) or value is None:
        return None
    return number_text(value) if is_number(value) else value


def lower_ascii(text):
    return re.sub("[A-Z]", lambda match: match.group(0).lower(), text)


def capture(text, regex, group, ignore_case):
    if regex.endswith("$") and not regex.endswith("\\$"):
        regex = regex[:-1] + r"\Z"
    match = re.search(regex, text, re.IGNORECASE if ignore_case else 0)
    return match.group(group) if match else None


def first_number(text):
    match = NUMBER.search(text)
    if match is None:
        return None
    at = match.start()
    sign = text[at] == "-"
    rest = text[at + sign :]
    whole = re.match(r"[0-9]*", rest).group(0)
    end = len(whole)
    while True:
        more = re.match(r",[0-9]{3}(?![0-9])", rest[end:])
        if end == 0 or more is None:
            break
        whole += more.group(0)[1:]
        end += 4
    decimals = re.match(r"\.[0-9]+", rest[end:])
    return as_number(
        ("-" if sign else "")
        + (whole.lstrip("0") or "0")
        + (decimals.group(0) if decimals else "")
    )


def decoded(text):
    raw = unquote_to_bytes(text.replace("+", " "))
    try:
        out = raw.decode()
    except UnicodeDecodeError:
        return text
    return text if "\0" in out else out


def url_part(text, part, parameter):
    match = URL.match(text)
    if part == "parameter":
        for pair in (match.group("query") or "").split("&") if match.group("query") is not None else []:
            name, _, value = pair.partition("=")
            if decoded(name) == parameter:
                return decoded(value)
        return None
    authority = match.group("authority")
    if part == "host":
        if authority is None:
            return None
        host = authority.rpartition("@")[2]
        if host.startswith("["):
            host = host.partition("]")[0] + ("]" if "]" in host else "")
        else:
            host = host.partition(":")[0]
        return lower_ascii(host) or None
    if part == "path" and authority is not None and match.group("path") == "":
        return "/"
    found = match.group(part)
    return lower_ascii(found) if part == "scheme" and found is not None else found


def fold_ids(text):
    match = URL.match(text)
    begin, end = match.span("path")
    path = "/".join(":id" if ID.fullmatch(one) else one for one in text[begin:end].split("/"))
    return text[:begin] + path + text[end:]


def instant(value):
    number = as_number(value)
    if number is not None:
        whole = math.floor(number)
        return whole if -62135596800000 <= whole <= 253402300799999 else None
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    try:
        day = datetime.datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0),
            tzinfo=datetime.timezone.utc,
        )
    except ValueError:
        return None
    if int(second or 0) > 60 or int(hours or 0) > 23 or int(minutes or 0) > 59:
        return None
    out = (day - EPOCH) // datetime.timedelta(milliseconds=1) + 1000 * int(second or 0)
    out += int(((fraction or "") + "000")[:3])
    offset = (60 * int(hours or 0) + int(minutes or 0)) * 60_000
    return out + offset if sign == "-" else out - offset


def time_part(value, part, zone):
    time = instant(value)
    if time is None:
        return None
    local = (EPOCH + datetime.timedelta(milliseconds=time)).astimezone(zoneinfo.ZoneInfo(zone))
    return {
        "year": local.year,
        "quarter": (local.month + 2) // 3,
        "month": local.month,
        "week": local.isocalendar()[1],
        "day_of_year": local.timetuple().tm_yday,
        "day": local.day,
        "weekday": local.isoweekday(),
        "hour": local.hour,
        "minute": local.minute,
    }[part]


def written(number):
    """Of a multiple's unit: exactly the decimals that it is shown as."""
    return abs(fractions.Fraction(repr(number)))


def units_below(number, unit):
    """How many units the greatest multiple is that is, as a double, at or below the number."""
    whole = math.floor(fractions.Fraction(number) / written(unit))
    while float((whole + 1) * written(unit)) <= number:
        whole += 1
    return whole


def arithmetic(value, operation, operand):
    number = as_number(value)
    if number is None:
        return None
    number = float(number)
    try:
        if operation == "add":
            number += operand
        elif operation == "subtract":
            number -= operand
        elif operation == "multiply":
            number *= operand
        elif operation == "divide":
            number /= operand
        elif abs(number / operand) >= 2.0**53:
            pass
        elif operation == "floor":
            number = float(units_below(number, operand) * written(operand))
        else:
            whole = units_below(abs(number), operand)
            whole += float((whole + fractions.Fraction(1, 2)) * written(operand)) <= abs(number)
            number = math.copysign(float(whole * written(operand)), number)
    except OverflowError:
        return None
    return normal(number) if math.isfinite(number) else None


def apply(step, value):
    kind, *rest = step
    if value is None:
        return None
    if kind == "map":
        pairs, otherwise, *default = rest
        for source, target in pairs:
            if equal(value, source, False):
                return normal(target)
        return {"keep": value, "null": None}.get(otherwise, normal(default[0]) if default else None)
    if kind == "time":
        return None if isinstance(value, bool) else time_part(value, *rest)
    if kind == "arithmetic":
        return None if isinstance(value, bool) else arithmetic(value, *rest)
    text = text_of(value)
    if text is None:
        return None
    if kind == "number":
        number = as_number(value)
        return first_number(text) if number is None else number
    if kind == "capture":
        return capture(text, *rest)
    if kind == "lower":
        return without_case(text)
    return url_part(text, *rest) if kind == "url" else fold_ids(text)


def derive_one(steps, value):
    for step in steps:
        value = apply(step, value)
    return value


def derive(steps, value):
    if not isinstance(value, tuple):
        return derive_one(steps, value)
    out = []
    for one in value:
        one = derive_one(steps, one)
        if isinstance(one, bool):
            one = "true" if one else "false"
        elif one is not None:
            one = text_of(one)
        if one is not None:
            out.append(one)
    return tuple(out) or None


def owner(one):
    """Whose properties a derivation makes: "event", "user", or the accounts of a key."""
    source = one["of"] if one["source"] == "formula" else one["source"]
    if source == "account":
        return "account", one["key"]
    return "user" if source == "user" else "event"


def is_derived(derived, name, of):
    """Whether a property that the derived one named of reads is derived itself."""
    return name != of and name in derived and owner(derived[name]) == owner(derived[of])


def number_of(value):
    """As a formula reads a value: a number, or None."""
    if value is None or isinstance(value, (bool, tuple)):
        return None
    return as_number(value)


def formula_value(derived, name, stored, time):
    figures = {}
    for index, operand in enumerate(derived[name]["operands"]):
        value = stored.get(operand)
        if is_derived(derived, operand, name):
            value = derived_value(derived, operand, stored, time)
        figures[index] = number_of(value)
    result = formulas.value(derived[name]["formula"], figures)
    return normal(result) if result is not None and math.isfinite(result) else None


def derived_value(derived, name, stored, time):
    """All steps from what is stored, or from a formula, are taken as one row."""
    steps = []
    while True:
        one = derived[name]
        steps = one["steps"] + steps
        if one["source"] == "time":
            return derive(steps, time)
        if one["source"] == "formula":
            return derive(steps, formula_value(derived, name, stored, time))
        below = one["property"]
        if not is_derived(derived, below, name):
            return derive(steps, stored.get(below))
        name = below


def resolve(derived, name):
    """What a name means, to be compared: the stored source (of a formula, itself and what its
    operands mean) and all steps."""
    steps = []
    while True:
        one = derived[name]
        steps = one["steps"] + steps
        if one["source"] == "formula":
            operands = [
                resolve(derived, below)
                if is_derived(derived, below, name)
                else (one["of"], below, [])
                for below in one["operands"]
            ]
            return "formula", (one["formula"], operands), steps
        below = one.get("property")
        if one["source"] == "time" or not is_derived(derived, below, name):
            return one["source"], below, steps
        name = below


def columns(stored, values, names):
    """What a list shows: what is stored, or of the names what queries read (with_derived)."""
    shown = {name: values[name] for name in names if name in values} if names else stored
    return [[name, shown[name]] for name in sorted(shown, key=str.encode)]


def with_derived(derived, of, stored, time=None):
    """Properties as a query reads them, of an owner()."""
    out = dict(stored)
    for name in derived:
        if owner(derived[name]) != of:
            continue
        value = derived_value(derived, name, stored, time)
        out.pop(name, None)
        if value is not None:
            out[name] = value
    return out
