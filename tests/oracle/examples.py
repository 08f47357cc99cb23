"""The examples of docs/semantics.md as data: blocks in, rows and questions out.

The page itself says how an example is written ("How to read the examples"). Predicates and rules
are those of the `recount` command: `type = click and not (price in (1, 2))`, `count(any) <= 1 in
prior 7d`. A question becomes a dict for evaluator.py and wire.py, with the answer as it is written
on the page.
"""

import datetime
import json
import re

EPOCH_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z: second 0 of every example.
AS_OF_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, unless a question says otherwise.
DAY_MS = 86_400_000
UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY_MS, "w": 7 * DAY_MS}
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TOKEN = re.compile(
    r"""\s*(?: "(?P<text>(?:[^"\\]|\\.)*)"
             | (?P<symbol><=|>=|!=|!~|[=<>~(),|;])
             | @(?P<reference>[\w.-]+(?:@[0-9]+)?)
             | (?P<word>[^\s"=<>~(),|;]+) )""",
    re.VERBOSE,
)
FIELD = re.compile(r'([\w.$-]+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^\s"]+)\Z')
RESERVED = ("true", "false", "null", "other", "total")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z")


class Unreadable(Exception):
    """An example that does not follow the page's own rules."""


def duration_ms(text):
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)?", text)
    if match is None:
        raise Unreadable(f"{text!r} is no length of time")
    return round(float(match.group(1)) * UNITS_MS[match.group(2) or "s"])


def moment_ms(text):
    """A moment: RFC 3339, or how long after the beginning of 2025."""
    if "T" not in text:
        return EPOCH_MS + duration_ms(text)
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise Unreadable(f"{text!r} has no offset")
    return round(moment.timestamp() * 1000)


def unquoted(text):
    """A backslash hides a quote or a backslash; before anything else it stands for itself."""
    return re.sub(r'\\(["\\])', r"\1", text)


def plain_value(text):
    """A value without quotes."""
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    if NUMBER.match(text):
        return float(text) if "." in text else int(text)
    return text


def field(text):
    match = FIELD.match(text)
    if match is None:
        raise Unreadable(f"{text!r} is not NAME=VALUE")
    name, value = match.groups()
    if value.startswith('"'):
        return name, unquoted(value[1:-1])
    if value.startswith("["):
        return name, [unquoted(one) for one in re.findall(r'"((?:[^"\\]|\\.)*)"', value)]
    return name, plain_value(value)


def split_fields(text):
    return re.findall(r'(?:[^\s"\[]|"(?:[^"\\]|\\.)*"|\[[^\]]*\])+', text)


class Tokens:
    """A question's tokens: (kind, text)."""

    def __init__(self, source):
        self.source = source
        self.tokens = []
        at = 0
        while source[at:].strip():
            match = TOKEN.match(source, at)
            if match is None:
                raise Unreadable(f"what is {source[at:]!r}?")
            kind = match.lastgroup
            text = match.group(kind)
            self.tokens.append((kind, unquoted(text) if kind == "text" else text))
            at = match.end()
        self.at = 0

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else ("end", "")

    def next(self):
        token = self.peek()
        self.at += 1
        return token

    def take(self, text):
        """Takes a word or symbol if it comes next."""
        kind, found = self.peek()
        if kind in ("word", "symbol") and found == text:
            self.at += 1
            return True
        return False

    def expect(self, text):
        if not self.take(text):
            raise Unreadable(f"{text!r} expected, not {self.peek()[1]!r}, in {self.source!r}")

    def word(self, what):
        kind, text = self.next()
        if kind != "word":
            raise Unreadable(f"{what} expected, not {text!r}, in {self.source!r}")
        return text

    def value(self):
        kind, text = self.next()
        if kind == "text":
            return text
        if kind == "word":
            return plain_value(text)
        raise Unreadable(f"a value expected, not {text!r}, in {self.source!r}")


SYMBOLS = {
    "=": ("equals", False),
    "!=": ("equals", True),
    "<": ("less", False),
    "<=": ("less_or_equal", False),
    ">": ("greater", False),
    ">=": ("greater_or_equal", False),
    "~": ("regex", False),
    "!~": ("regex", True),
}


def read_leaf(tokens, name):
    scope, _, rest = name.partition(".")
    leaf = {"scope": "event", "property": name}
    if scope == "user":
        leaf = {"scope": "user", "property": rest}
    if scope == "account" and rest:
        key, _, rest = rest.partition(".")
        leaf = {"scope": "account", "key": key, "property": rest}
    if name in ("event", "user") and tokens.take("id"):
        leaf = {"scope": name + "_id"}
    if tokens.take("is"):
        leaf["negated"] = tokens.take("not")
        tokens.expect("set")
        return dict(leaf, op="is_set")
    kind, text = tokens.peek()
    if kind == "symbol" and text in SYMBOLS:
        tokens.next()
        leaf["op"], leaf["negated"] = SYMBOLS[text]
        leaf["operand"] = tokens.value()
    else:
        leaf["negated"] = tokens.take("not")
        read_word_test(tokens, leaf)
    if tokens.take("ignoring"):
        tokens.expect("case")
        leaf["ci"] = True
    return leaf


def read_word_test(tokens, leaf):
    test = tokens.word("a test")
    if test in ("starts", "ends"):
        tokens.expect("with")
        test += "_with"
    if test == "in":
        tokens.expect("(")
        values = [tokens.value()]
        while tokens.take(","):
            values.append(tokens.value())
        tokens.expect(")")
        leaf.update(op="in_set", operand=values)
    elif test == "between":
        low = tokens.value()
        tokens.expect("and")
        leaf.update(op="between", operand=[low, tokens.value()])
    elif test == "matches":
        tokens.expect("selector")
        leaf.update(op="css_selector", operand=tokens.value())
    elif test in ("contains", "starts_with", "ends_with", "like"):
        leaf.update(op=test, operand=tokens.value())
    else:
        raise Unreadable(f"{test!r} is no test, in {tokens.source!r}")


def read_tree(tokens, read_one, operators=("or", "and")):
    """OR over AND over NOT over whatever read_one reads."""
    if not operators:
        if tokens.take("not"):
            return {"not": read_tree(tokens, read_one, ())}
        if tokens.take("("):
            inner = read_tree(tokens, read_one)
            tokens.expect(")")
            return inner
        return read_one(tokens)
    children = [read_tree(tokens, read_one, operators[1:])]
    while tokens.take(operators[0]):
        children.append(read_tree(tokens, read_one, operators[1:]))
    if len(children) == 1:
        return children[0]
    return {"any_of" if operators[0] == "or" else "all_of": children}


def read_event_test(tokens):
    if tokens.peek()[0] == "reference":
        return {"definition": tokens.next()[1]}
    return {"leaf": read_leaf(tokens, tokens.word("a property"))}


def read_predicate(tokens):
    return read_tree(tokens, read_event_test)


def read_selector(tokens):
    """`any`, a predicate, `first(PREDICATE)`, `first(PREDICATE) where PREDICATE`."""
    if tokens.take("any"):
        return {"terms": [{"any": True}]}
    if tokens.peek() == ("word", "first") and tokens.peek(1) == ("symbol", "("):
        tokens.next()
        tokens.next()
        selector = dict(read_selector(tokens), first=True)
        tokens.expect(")")
        if tokens.take("where"):
            selector["first"] = read_predicate(tokens)
        return selector
    return {"terms": [{"predicate": read_predicate(tokens)}]}


def read_user_test(tokens):
    if tokens.peek()[0] == "reference":
        return {"segment": tokens.next()[1]}
    name = tokens.word("a test of a user")
    if name == "sequence":
        return {"behavior": read_sequence(tokens)}
    if name not in ("count", "days", "did", "sum"):
        if not name.startswith("user.") and name != "user":
            raise Unreadable(f"{name!r} is no property of a user, in {tokens.source!r}")
        return {"user": read_leaf(tokens, name)}
    tokens.expect("(")
    behavior = {"measure": "count" if name == "did" else name}
    if name == "sum":
        behavior["property"] = tokens.word("a property")
        tokens.expect(",")
    behavior["selector"] = read_selector(tokens)
    tokens.expect(")")
    return {"behavior": read_condition(tokens, behavior)}


def read_sequence(tokens):
    """sequence(A then next B then after 5m C within 1h) >= 2"""
    tokens.expect("(")
    behavior = {"steps": [], "within": None}
    while not behavior["steps"] or tokens.take("then"):
        step = {"adjacent": bool(tokens.take("next")), "least": 0}
        if tokens.take("after"):
            step["least"] = duration_ms(tokens.word("a length of time"))
        step["selector"] = read_selector(tokens)
        behavior["steps"].append(step)
    if tokens.take("within"):
        behavior["within"] = duration_ms(tokens.word("a length of time"))
    tokens.expect(")")
    return read_condition(tokens, behavior)


def read_condition(tokens, behavior):
    """A comparison and a window, where they are."""
    behavior.update(comparison=None, window=None)
    kind, text = tokens.peek()
    if kind == "symbol" and text in ("=", "!=", "<", "<=", ">", ">="):
        tokens.next()
        behavior["comparison"] = [text, tokens.value()]
    if tokens.take("in"):
        tokens.expect("prior")
        behavior["window"] = {"prior": duration_ms(tokens.word("a length of time"))}
    elif tokens.take("from"):
        start = moment_ms(tokens.word("a moment"))
        tokens.expect("to")
        behavior["window"] = {"absolute": [start, moment_ms(tokens.word("a moment"))]}
    return behavior


def read_rule(tokens):
    return read_tree(tokens, read_user_test)


def read_whole(source, read):
    tokens = Tokens(source)
    result = read(tokens)
    if tokens.peek()[0] != "end":
        raise Unreadable(f"{tokens.peek()[1]!r} is too much, in {source!r}")
    return result


def row_of(line):
    """A line of data as a row of data.py."""
    kind, *fields = split_fields(line)
    if kind == "alias":
        left, right = fields
        return {"kind": "alias", "left": left, "right": right}
    if kind == "account":
        key, account, time, *fields = fields
        row = {"kind": kind, "key": key, "account": account, "time": moment_ms(time)}
        return dict(row, set=dict(map(field, fields)))
    user, time, *fields = fields
    row = {"kind": kind, "user": user, "time": moment_ms(time)}
    if kind == "event":
        row["id"] = fields.pop(0)[1:] if fields and fields[0].startswith("#") else ""
    row["properties" if kind == "event" else "set"] = dict(map(field, fields))
    return row


TIME_WORDS = ["year", "quarter", "month", "week", "day_of_year", "day", "weekday", "hour", "minute"]
OPERATION_WORDS = {
    "plus": "add",
    "minus": "subtract",
    "times": "multiply",
    "divided": "divide",
    "floor": "floor",
    "round": "round",
}


def read_map(tokens):
    tokens.expect("(")
    pairs = []
    while True:
        source = tokens.value()
        tokens.expect("=")
        pairs.append([source, tokens.value()])
        if not tokens.take(","):
            break
    tokens.expect(")")
    if not tokens.take("else"):
        return ["map", pairs, "keep"]
    if tokens.take("null"):
        return ["map", pairs, "null"]
    return ["map", pairs, "value", tokens.value()]


def read_step(tokens):
    word = tokens.word("a step")
    if word == "capture":
        regex = tokens.value()
        group = tokens.value() if tokens.take("group") else 1
        ignoring = tokens.take("ignoring") and (tokens.expect("case") or True)
        return ["capture", regex, group, ignoring]
    if word in ("number", "lower"):
        return [word]
    if word == "fold":
        tokens.expect("ids")
        return ["fold_ids"]
    if word == "map":
        return read_map(tokens)
    if word == "parameter":
        return ["url", "parameter", tokens.value()]
    if word in ("scheme", "host", "path", "query", "fragment"):
        return ["url", word, None]
    if word in TIME_WORDS:
        return ["time", word, tokens.value() if tokens.take("in") else "UTC"]
    if word not in OPERATION_WORDS:
        raise Unreadable(f"{word!r} is no step, in {tokens.source!r}")
    if word == "divided":
        tokens.expect("by")
    return ["arithmetic", OPERATION_WORDS[word], tokens.value()]


def read_property(name):
    """What a word names, as a source."""
    if name.startswith("user."):
        return {"source": "user", "property": name[5:]}
    if name.startswith("account."):
        _, key, below = name.split(".", 2)
        return {"source": "account", "key": key, "property": below}
    return {"source": "event", "property": name}


def read_source(tokens):
    """A property, the event's time, or arithmetic over properties, which get letters."""
    words, names = [], []
    while tokens.peek()[0] != "end" and tokens.peek()[1] != ",":
        words.append(tokens.next()[1])
    if words == ["event", "time"]:
        return {"source": "time"}
    if len(words) == 1:
        return read_property(words[0])
    text = []
    for word in words:
        if not NUMBER.match(word) and word not in list("+-*/()"):
            if word not in names:
                names.append(word)
            word = "ABCDEFGH"[names.index(word)]
        text.append(word)
    properties = [read_property(name) for name in names]
    out = {"source": "formula", "of": properties[0]["source"], "formula": " ".join(text)}
    out["operands"] = [one["property"] for one in properties]
    out["key"] = properties[0].get("key")
    return out


def read_derivation(source):
    """As `recount derive` takes it: a source, then steps between commas."""
    tokens = Tokens(source)
    out = read_source(tokens) | {"steps": []}
    while tokens.take(","):
        out["steps"].append(read_step(tokens))
    if tokens.peek()[0] != "end":
        raise Unreadable(f"what is {tokens.peek()[1]!r}, in {source!r}?")
    return out


class Example:
    """One block: its rows in order of arrival, definitions, saved segments, questions."""

    def __init__(self, lines):
        self.rows, self.definitions, self.segments, self.questions = [], {}, {}, []
        self.derived, self.shown_ids = {}, ""
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind in ("event", "set", "alias", "account"):
                self.rows.append(row_of(line))
            elif kind == "define":
                name, _, source = rest.partition(" ")
                self.definitions[name] = read_whole(source, read_predicate)
            elif kind == "derive":
                name, _, source = rest.partition(" ")
                self.derived[name] = read_derivation(source)
            elif kind == "segment":
                name, _, source = rest.partition(" ")
                self.save(name, read_whole(source, read_rule))
            elif kind == "show_ids":
                self.shown_ids = rest
            elif kind == "list":
                name, *users = rest.split()
                self.save(name, {"users": users})
            elif kind == "=>":
                asked, arrow, answer = rest.rpartition(" => ")
                if not arrow:
                    raise Unreadable(f"no answer in {line!r}")
                self.questions.append((asked.strip(), answer.strip()))
            else:
                raise Unreadable(f"what is {line!r}?")
        if not self.questions:
            raise Unreadable("an example without a question")

    def save(self, name, rule):
        """What a name meant before is its version "name@1", and so on."""
        if name in self.segments:
            number = sum(one.startswith(f"{name}@") for one in self.segments) + 1
            was = f"{name}@{number}"
            self.segments = {was if one == name else one: old for one, old in self.segments.items()}
        self.segments[name] = rule

    def whole_days(self):
        """The days (UTC) from the first to the last event."""
        times = [row["time"] for row in self.rows if row["kind"] == "event"] or [EPOCH_MS]
        return min(times) // DAY_MS * DAY_MS, max(times) // DAY_MS * DAY_MS + DAY_MS


def blocks(page):
    """(kind, first line's number, lines) of the fenced blocks."""
    found, inside = [], False
    for number, line in enumerate(page.splitlines(), 1):
        if line.startswith("```"):
            if not inside:
                found.append((line[3:], number + 1, []))
            inside = not inside
        elif inside and line.strip():
            found[-1][2].append(line.strip())
    return found


def show(value):
    """A value of a property as the page writes it; quotes where it could be taken for a word."""
    if isinstance(value, str) and re.fullmatch(r"[a-z_][\w.-]*", value):
        return json.dumps(value) if value in RESERVED else value
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(show, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
