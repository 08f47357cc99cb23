"""What one raw event may mean, from docs/semantics.md: predicates about its type, its element, its
page, and how many events each of them selects.
"""

import css
from css_random import escaped, quoted
from derived import ID, URL, fold_ids, owner, resolve
from predicate import selects
from segment import persons
from values import as_number, is_number, number_text, without_case

HALF_MS = 7 * 86_400_000
TEXT_BYTES = LABEL_BYTES = 256
NAMES = {
    "type": ["type", "event"],
    "element_chain": ["element_chain", "elements_chain", "$elements_chain"],
    "text": ["text", "target_text", "$el_text"],
    "path": ["path", "$pathname"],
    "url": ["url", "$current_url"],
    "host": ["host", "$host"],
}
MARKS = ["name", "aria-label", "href"]


def suggest_answer(query, data):
    scope = query["scope"]
    moment = data.as_of(scope["as_of"])
    if query["user"] not in moment.person_of:
        return {"missing": "user"}
    own = moment.events_of.get(moment.person_of[query["user"]], [])
    event = next((e for e in own if (e.user, e.id) == (query["user"], query["event"])), None)
    if event is None:
        return {"missing": "event_id"}
    start, end = event_range(query, event)
    counted = [
        (person, one)
        for person in persons(scope, moment)
        for one in moment.events_of.get(person, [])
        if start <= one.time < end
    ]
    found = []
    for rank, label, predicate in sorted(candidates(query, data, event), key=lambda one: one[0]):
        selector = {"terms": [{"predicate": predicate}]}
        assert selects(selector, moment, moment.person_of[event.user], event), label
        events = {id(one): person for person, one in counted if selects(selector, moment, person, one)}
        if not any(set(events) == set(other) for *_, other in found):
            found.append((rank, label, predicate, events))
    found.sort(key=lambda one: (len(one[3]), [-part for part in one[0]]))
    return {
        "range": [start, end],
        "event": {
            "user": event.user,
            "time": event.time,
            "id": event.id,
            "properties": [[n, event.stored[n]] for n in sorted(event.stored, key=str.encode)],
        },
        "suggestions": [
            {
                "predicate": spelled(predicate),
                "label": label,
                "events": len(events),
                "users": len(set(events.values())),
                "definitions": [
                    name
                    for name in sorted(data.definitions, key=str.encode)
                    if canonical(data.definitions[name], data) == canonical(predicate, data)
                ],
            }
            for _, label, predicate, events in found[: query["limit"] or None]
        ],
    }


def event_range(query, event):
    scope = query["scope"]
    if not query["default_range"]:
        return scope["start"], scope["end"]
    end = scope["as_of"]
    if not end - 2 * HALF_MS <= event.time < end:
        end = event.time + HALF_MS
    return end - 2 * HALF_MS, end


# ---- Candidates ---------------------------------------------------------------------------------


def leaf(name, op, operand):
    return {"leaf": {"scope": "event", "property": name, "op": op, "operand": operand}}


def cut(label):
    raw = label.encode()
    if len(raw) <= LABEL_BYTES:
        return label
    return raw[: LABEL_BYTES - 3].decode(errors="ignore") + "…"


def shown(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if is_number(value) else value


def candidates(query, data, event):
    """(rank, label, predicate) of every one; a rank that is less is simpler."""
    facts = {fact: known(event, query["facts"].get(fact), fact) for fact in NAMES}
    kind = [("event", [])]
    if facts["type"]:
        name, value = facts["type"]
        kind = [(cut(shown(value)), [leaf(name, "equals", value)])]
    chain = css.read_chain(facts["element_chain"][1])[:32] if facts["element_chain"] else []
    wheres = places(data, event, facts, not chain)
    whats = [("", [])]
    if chain:
        whats += elements(facts, chain)
    else:
        if facts["text"]:
            whats.append(about_text(facts["text"], (" on", [])))
        if len(wheres) == 1:
            whats += own_properties(event, facts)
    for at, (place, where) in enumerate(wheres):
        for which, (thing, what) in enumerate(whats):
            leaves = kind[0][1] + what + where
            if leaves:
                predicate = leaves[0] if len(leaves) == 1 else {"all_of": leaves}
                yield (len(leaves), at, which), cut(kind[0][0] + thing + place), predicate


def known(event, asked, fact):
    """(name, value) of the property that says something, or None."""
    for name in [asked] if asked else NAMES[fact]:
        value = event.properties.get(name)
        if isinstance(value, tuple):
            value = value[0]
        if usable(value, fact):
            return name, value
    return None


def usable(value, fact):
    if isinstance(value, bool):
        return fact == "type"
    if is_number(value):
        return fact in ("type", "text")
    return bool(value) and (fact == "element_chain" or len(value.encode()) <= TEXT_BYTES)


def about_text(text, thing):
    label, leaves = thing
    return cut(f'{label} "{shown(text[1])}"'), leaves + [leaf(text[0], "equals", text[1])]


def own_properties(event, facts):
    names = {fact[0] for fact in facts.values() if fact}
    found = []
    for name in sorted(event.stored, key=str.encode):
        value = event.properties.get(name)
        short = isinstance(value, str) and 0 < len(value.encode()) <= TEXT_BYTES
        if name not in names and (isinstance(value, bool) or short):
            found.append((cut(f" with {name} = {shown(value)}"), [leaf(name, "equals", value)]))
    return found[:16]


# ---- The element --------------------------------------------------------------------------------


def telling(text):
    return 0 < len(text.encode()) <= TEXT_BYTES and not any(c in "0123456789" for c in text)


def tag_of(one):
    return escaped(css.lower(one["tag"])) if len(one["tag"].encode()) <= TEXT_BYTES else ""


def classes_of(one):
    names = sorted(set(filter(telling, one["classes"])), key=str.encode)[:8]
    return "".join("." + escaped(name) for name in names)


def plain(one):
    return tag_of(one) + classes_of(one) or "*"


def mark(one):
    """An element by what it is known by, or None."""
    if telling(one["attributes"].get("id", "")):
        return tag_of(one) + "#" + escaped(one["attributes"]["id"])
    data = [name for name in one["attributes"] if name.startswith("data-") and len(name) > 5]
    for name in data + MARKS:
        value = one["attributes"].get(name, "")
        if telling(value):
            return f"{tag_of(one)}[{escaped(name)}={quoted(value)}]"
    return None


def is_button(one):
    return css.lower(one["tag"]) in ("a", "button") or one["attributes"].get("role") in ("button", "link")


def button(one):
    role = one["attributes"].get("role")
    named = css.lower(one["tag"]) in ("a", "button")
    return mark(one) or plain(one) + ("" if named else f'[role="{role}"]')


def elements(facts, chain):
    name = facts["element_chain"][0]

    def selected(word, selector, label=None):
        if len(selector.encode()) > 1024:
            return []
        return [(cut(f" {word} {label or selector}"), [leaf(name, "css_selector", selector)])]

    pressed = next((i for i, one in enumerate(chain) if is_button(one)), None)
    marked = next((i for i, one in enumerate(chain) if mark(one)), None)
    out, inside, itself = [], [], selected("on", plain(chain[0]))
    if marked == 0:
        out += selected("on", mark(chain[0]))
    elif marked is not None and marked != pressed:
        out += selected("on", mark(chain[marked]) + " " + plain(chain[0]))
    if pressed is not None:
        one = button(chain[pressed])
        inside = selected("in", f"{one}, {one} *", one)
    out += itself + inside if pressed == 0 else inside + itself
    best = out[0]
    if facts["text"]:
        out.append(about_text(facts["text"], (" on", [])))
    if len(chain) > 1:
        out += selected("on", " > ".join(map(plain, reversed(chain[:3]))))
    if facts["text"]:
        out.append(about_text(facts["text"], best))
    return out


# ---- The page -----------------------------------------------------------------------------------


def meaning(data, name, steps):
    if name in data.derived and owner(data.derived[name]) == "event":
        source, below, before = resolve(data.derived, name)
        return source, below, before + steps
    return "event", name, steps


def part(data, event, name, steps):
    """(name, value) of the first derived property that is this of another one."""
    for other in sorted(data.derived, key=str.encode):
        is_of_events = owner(data.derived[other]) == "event"
        if is_of_events and resolve(data.derived, other) == meaning(data, name, steps):
            return known(event, other, "path")
    return None


def quote(text):
    return "".join("\\" + c if c in "\\.+*?()[]{}^$|" else c for c in text)


def id_pattern(segment):
    if "-" in segment:
        digit = "[0-9a-fA-F]"
        return digit + "{8}(?:-" + digit + "{4}){3}-" + digit + "{12}"
    return "[0-9]+" if segment.isdigit() else "[0-9a-fA-F]{8,}"


def folded_pattern(text):
    begin, end = URL.match(text).span("path")
    path = "/".join(
        id_pattern(one) if ID.fullmatch(one) else quote(one) for one in text[begin:end].split("/")
    )
    return quote(text[:begin]) + path + quote(text[end:])


def places(data, event, facts, with_host):
    """Anywhere, then each place from the least to the most exact."""
    path, url, folder, page = facts["path"], facts["url"], None, facts["path"]
    path_step, fold_step = ["url", "path", None], ["fold_ids"]
    if path:
        folder = part(data, event, path[0], [fold_step])
        (name, text), end = path, "$"
    elif url:
        page = part(data, event, url[0], [path_step])
        folder = part(data, event, url[0], [path_step, fold_step])
        name, text, end = url[0], url[1].partition("#")[0].partition("?")[0], "(?:[?#]|$)"
    if not (path or url) or not text:
        return [("", [])]

    def place(found, pattern, label):
        if found:
            return cut(f" at {found[1]}"), [leaf(found[0], "equals", found[1])]
        return cut(f" at {label}"), [leaf(name, "regex", f"^{pattern}{end}")]

    exact = place(page, quote(text), text)
    folded = place(folder, folded_pattern(text), fold_ids(text)) if fold_ids(text) != text else None
    host = host_of(data, event, facts) if with_host else None
    wheres = [("", []), host, folded, exact]
    for one in (folded, exact):
        if host and one and (path or one[1][0]["leaf"]["op"] == "equals"):
            wheres.append((cut(one[0] + host[0]), one[1] + host[1]))
    return [one for one in wheres if one]


def host_of(data, event, facts):
    url = facts["url"]
    found = facts["host"] or (part(data, event, url[0], [["url", "host", None]]) if url else None)
    if found:
        return cut(f" of {found[1]}"), [leaf(found[0], "equals", found[1])]
    match = URL.match(url[1]) if url else None
    if match is None or not match.group("authority"):
        return None
    origin = url[1][: match.end("authority")]
    return cut(f" of {origin}"), [leaf(url[0], "regex", f"^{quote(origin)}(?:[/?#]|$)")]


# ---- One form for predicates of one meaning -----------------------------------------------------


def one_spelling(selector):
    return tuple(
        sorted(
            {
                tuple((combinator, tag, tuple(sorted(set(tests), key=repr))) for combinator, (tag, tests) in steps)
                for steps in css.parse(selector)
            },
            key=repr,
        )
    )


def spelled(predicate):
    """With CSS selectors in one spelling, so that only what they mean is compared."""
    ((kind, content),) = predicate.items()
    if kind == "all_of":
        return {kind: [spelled(one) for one in content]}
    if content["op"] == "css_selector":
        return {kind: dict(content, operand=repr(one_spelling(content["operand"])))}
    return predicate


def plain_value(value, ci):
    number = as_number(value) if not isinstance(value, bool) else None
    if number is not None:
        return ("number", number)
    return ("bool", value) if isinstance(value, bool) else ("text", without_case(value) if ci else value)


def canonical_leaf(content):
    op, operand, ci = content["op"], content.get("operand"), content.get("ci", False)
    place = (content["scope"], content.get("property"), content.get("key"))
    if op in ("equals", "in_set"):
        values = [operand] if op == "equals" else operand
        if content["scope"] in ("event_id", "user_id"):
            values = frozenset(("text", str(one)) for one in values)
        else:
            values = frozenset(plain_value(one, ci) for one in values)
        return ("leaf", place, "in", values, ci and any(kind == "text" for kind, _ in values))
    if op == "css_selector":
        return ("leaf", place, op, one_spelling(operand), False)
    return ("leaf", place, op, repr(operand), ci)


def canonical(predicate, data):
    """Equal for predicates that differ only in how they are written."""
    ((kind, content),) = predicate.items()
    if kind == "definition":
        return canonical(data.definitions[content], data)
    if kind == "leaf":
        out = canonical_leaf(content)
        return negation(out) if content.get("negated") else out
    if kind == "not":
        return negation(canonical(content, data))
    children = set()
    for one in (canonical(child, data) for child in content):
        children |= one[1] if one[0] == kind else {one}
    other = "any_of" if kind == "all_of" else "all_of"
    if (other, frozenset()) in children:
        return (other, frozenset())
    return next(iter(children)) if len(children) == 1 else (kind, frozenset(children))


def negation(one):
    if one[0] == "not":
        return one[1]
    if one in (("all_of", frozenset()), ("any_of", frozenset())):
        return ("any_of" if one[0] == "all_of" else "all_of", frozenset())
    return ("not", one)
