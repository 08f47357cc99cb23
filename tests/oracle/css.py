"""CSS selectors over element chains, by plain recursion over every way to place the ancestors.

A selector is a list of alternatives; an alternative is a list of (combinator, compound) from the
root to the clicked element; a compound is (tag or None, [test]). A chain is a list of elements,
the clicked one first: {"tag", "classes", "attributes"}.

What the server refuses as a selector is refused here too, with ValueError (but not what is only too
large).
"""

import functools
import re

SPACE = " \t\n\r\f"
ESCAPE = r"\\(?:[0-9a-fA-F]{1,6}(?:\r\n|[ \t\n\r\f])?|[^0-9a-fA-F\n\r\f])"
NAME_CHAR = rf"(?:[a-zA-Z0-9_\-\u0080-\U0010ffff]|{ESCAPE})"
NAME = rf"(?:--|-?(?:[a-zA-Z_\u0080-\U0010ffff]|{ESCAPE})){NAME_CHAR}*"
CONTINUED = r"\\(?:\r\n|[\n\r\f])"
STRING = rf"\"(?:[^\"\\\n\r\f]|{ESCAPE}|{CONTINUED})*\"|'(?:[^'\\\n\r\f]|{ESCAPE}|{CONTINUED})*'"
COMMENT = r"/\*(?:[^*]|\*(?!/))*\*/"
GAP = rf"(?:[ \t\n\r\f]|{COMMENT})*"
ATTRIBUTE = re.compile(
    rf"\[{GAP}(?P<name>{NAME}){GAP}"
    rf"(?:(?P<op>[~^$*]?=){GAP}(?P<value>{NAME}|{STRING}){GAP}(?:(?P<flag>{NAME}){GAP})?)?\]"
)
TAG = re.compile(rf"\*|(?!-->){NAME}")
SIMPLE = re.compile(rf"(?P<sign>[#.])(?P<name>{NAME})")


def unescape(text):
    def character(match):
        digits = match.group(0)[1:].strip(SPACE)
        if not re.fullmatch("[0-9a-fA-F]{1,6}", digits):
            return match.group(0)[1:]
        point = int(digits, 16)
        return chr(point) if 0 < point <= 0x10FFFF and not 0xD800 <= point < 0xE000 else "\ufffd"

    return re.sub(ESCAPE, character, text)


def lower(text):
    """ASCII letters alone."""
    return re.sub("[A-Z]", lambda match: match.group(0).lower(), text)


@functools.lru_cache(maxsize=4096)
def parse(text):
    alternatives, at = [], 0
    while True:
        alternative, at = read_alternative(text, at)
        alternatives.append(alternative)
        if at == len(text):
            return alternatives
        at += 1  # The comma.


def skip(text, at):
    return re.compile(GAP).match(text, at).end()


def refuse(text, at):
    raise ValueError(f"at character {at + 1}: no selector goes on like this: {text!r}")


def read_alternative(text, at):
    """Up to the end or a comma, and where that is."""
    alternative, combinator = [], ""
    at = skip(text, at)
    while True:
        compound, end = read_compound(text, at)
        alternative.append((combinator, compound))
        at = skip(text, end)
        if at == len(text) or text[at] == ",":
            return alternative, at
        if text[at] == ">":
            combinator, at = ">", skip(text, at + 1)
        elif at > end:  # White space: a comment alone belongs to the compound.
            combinator = " "
        else:
            refuse(text, at)


def read_compound(text, at):
    tag, tests = None, []
    if tagged := TAG.match(text, at):
        tag = None if tagged.group(0) == "*" else lower(unescape(tagged.group(0)))
        at = tagged.end()
    while True:
        if match := re.compile(COMMENT).match(text, at):
            pass
        elif match := ATTRIBUTE.match(text, at):
            tests.append(attribute_test(text, at, match))
        elif match := SIMPLE.match(text, at):
            tests.append((match.group("sign"), unescape(match.group("name")), None, False))
        elif at < len(text) and text[at] in "[#." or not (tagged or tests):
            refuse(text, at)
        else:
            return (tag, tests), at
        at = match.end()


def attribute_test(text, at, match):
    value, flag = match.group("value"), lower(unescape(match.group("flag") or "s"))
    if flag not in ("i", "s"):
        refuse(text, at)
    if value is not None:
        inner = value[1:-1] if value[0] in "\"'" else value
        value = "".join(unescape(part) for part in re.split(CONTINUED, inner))
    return (match.group("op"), lower(unescape(match.group("name"))), value, flag == "i")


# ---- Chains -------------------------------------------------------------------------------------

OWN_NAME = r"(?:[^#.:=\[\];\" \t\n\r\f\\]|" + ESCAPE + ")+"
OWN_ATTRIBUTE = r"(?:[^=\[\];\" \t\n\r\f\\]|" + ESCAPE + ")+"
BARE = r"(?:[^\[\];\" \t\n\r\f\\]|" + ESCAPE + ")*"
QUOTED = r"\"((?:[^\"\\]|" + ESCAPE + r"|\\[\n\r\f])*)\""
OWN_PART = re.compile(
    rf"(?P<sign>[#.])(?P<name>{OWN_NAME})"
    rf"|\[(?P<attribute>{OWN_ATTRIBUTE})(?:=(?:{QUOTED}|(?P<bare>{BARE})))?\]"
    r"|:nth-child\([0-9]+\)|:nth-of-type\([0-9]+\)"
)
PAIR = re.compile(r"(?P<name>[^=;\" \t\n\r\f]*)=\"(?P<value>(?:\\\"|[^\"])*?)(?<!\\)\"")
FIRST_PAIR = re.compile(r":(?:attr__[^=;\" \t\n\r\f]*|[a-zA-Z0-9_-]+)=\"")


def element():
    return {"tag": "", "classes": [], "attributes": {}}


def set_attribute(out, name, value):
    name = lower(name)
    if name in out["attributes"]:
        return
    out["attributes"][name] = value
    if name == "class":
        out["classes"] = [word for word in re.split(f"[{SPACE}]+", value) if word]


def own_element(text, at):
    """The element at a place and where it ends, or None."""
    out, joined, begin = element(), [], at
    match = re.compile(OWN_NAME).match(text, at)
    if match:
        out["tag"] = unescape(match.group(0))
        at = match.end()
    named = match is not None
    while match := OWN_PART.match(text, at):
        at = match.end()
        if match.group("sign") == "#":
            set_attribute(out, "id", unescape(match.group("name")))
        elif match.group("sign") == ".":
            joined.append(unescape(match.group("name")))
        elif match.group("attribute"):
            value = match.group(4) if match.group(4) is not None else match.group("bare") or ""
            set_attribute(out, unescape(match.group("attribute")), unescape(value))
        named = named or not match.group(0).startswith(":nth")
    finish(out, joined)
    return (out, at) if named and at > begin else None


def finish(out, joined):
    if joined and "class" not in out["attributes"]:
        out["classes"] = joined
        out["attributes"]["class"] = " ".join(joined)


def posthog_element(text, at, colon):
    head, out = text[at:colon].split("."), element()
    out["tag"] = head[0]
    joined = [name for name in head[1:] if name]
    named = bool(out["tag"] or joined)
    at = colon + 1
    while match := PAIR.match(text, at):
        name, value = match.group("name"), match.group("value").replace('\\"', '"')
        if name == "attr_id":
            name = "id"
        elif name.startswith("attr__") and len(name) > 6:
            name = name[6:]
        elif name in ("nth-child", "nth-of-type"):
            name = ""
        if name:
            set_attribute(out, name, value)
            named = True
        at = match.end()
    finish(out, joined)
    return (out, at) if named else None


def posthog_colon(text, at):
    """Where the attributes of Posthog's form begin, if the element at a place is of that form."""
    skip = re.compile(r"\\.|\"(?:\\.|[^\"\\])*(?:\"|\\?$)|\[(?:\\.|\"(?:\\.|[^\"\\])*\"|[^\]\";])*", re.S)
    while at < len(text) and text[at] != ";":
        if text[at] == ":" and FIRST_PAIR.match(text, at):
            return at
        match = skip.match(text, at)
        at = match.end() if match and match.end() > at else at + 1
    return None


@functools.lru_cache(maxsize=65536)
def read_chain(text):
    out, at = [], 0
    while at < len(text):
        colon = posthog_colon(text, at)
        found = own_element(text, at) if colon is None else posthog_element(text, at, colon)
        if found is None or found[1] < len(text) and text[found[1]] != ";":
            break
        out.append(found[0])
        at = found[1] + 1
    return out


# ---- Matching -----------------------------------------------------------------------------------


def test_passes(test, one):
    op, name, value, ignore_case = test
    if op == "#":
        return name == one["attributes"].get("id")
    if op == ".":
        return name in one["classes"]
    if name not in one["attributes"]:
        return False
    if op is None:
        return True
    found = one["attributes"][name]
    if ignore_case:
        found, value = lower(found), lower(value)
    if op == "=":
        return found == value
    if op == "~=":
        return value != "" and value in re.split(f"[{SPACE}]+", found)
    if value == "":
        return False
    if op == "^=":
        return found.startswith(value)
    return found.endswith(value) if op == "$=" else value in found


def compound_passes(compound, one):
    tag, tests = compound
    return (tag is None or tag == lower(one["tag"])) and all(test_passes(t, one) for t in tests)


def matches(selector, text):
    chain = read_chain(text)

    def from_here(alternative, step, at):
        """Whether the alternative up to a step can end at an element."""
        combinator, compound = alternative[step]
        if at >= len(chain) or not compound_passes(compound, chain[at]):
            return False
        if step == 0:
            return True
        places = [at + 1] if combinator == ">" else range(at + 1, len(chain))
        return any(from_here(alternative, step - 1, place) for place in places)

    return any(from_here(alt, len(alt) - 1, 0) for alt in parse(selector))
