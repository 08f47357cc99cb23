"""Random CSS selectors and random element chains in both forms, from one small vocabulary, so that
they meet often; some chains are broken.
"""

TAGS = ["a", "div", "li", "DIV", "x-y", "ü", "Button"]
CLASSES = ["b", "B", "btn", "md:flex", "w-[3px]", "1st", "-", "ü", "\x0bv", "²"]
IDS = ["save", "1", "a b", "app"]
ATTRIBUTES = ["href", "data-x", "HREF", "class", "id", "x:y", "text", "role", "Name", "data-x:y"]
ATTRIBUTES += ["@click", ":class", "x-on:click.away", "[x]"]
POSTHOG_NAMES = ["attr__href", "href", "text", "attr__data-x", "attr__", "attr__@click"]
POSTHOG_NAMES += ["attr__:class", "attr__x-on:click.away", "attr__[x]", "attr__id", "attr__class"]
VALUES = ["", "b", "B", "btn b", "/p?x=1", 'say "hi;"', "a\\b", "ü", "save", "a]b", "1"]
PLAIN_VALUES = ["b", "B", "ü", "save", "btn", "button", "link"]
BROKEN = ["", ";", "a;;b", "a;b[x", 'a[x="y', "a.", "a;b:hover;div", "a;div:nth-child();li", "a b;c"]
BROKEN += ['a:x="1"y;b', "a\\", "a;b\\;c", "12;a", '.b:attr_id="save";div', "a[=x]", "a;b.;div"]
BROKEN += ['a.b.:x="1";div', "a#\\61 pp;div.\\62", 'a:x="1\\";b']


def escaped(name):
    """A name with the escapes that it needs, as CSS.escape of a browser makes them."""
    out = ""
    for i, char in enumerate(name):
        if char < " " or char == "\x7f" or (char in "0123456789" and (i == 0 or (i == 1 and name[0] == "-"))):
            out += f"\\{ord(char):x} "
        elif char.isalnum() or char in "_" or (char == "-" and name != "-") or char >= "\x80":
            out += char
        else:
            out += "\\" + char
    return out


def quoted(value, quote='"'):
    return quote + value.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def own_element(rng):
    out = rng.choice(TAGS) if rng.random() < 0.9 else ""
    if rng.random() < 0.3:
        out += "#" + escaped(rng.choice(IDS))
    for _ in range(rng.choice([0, 1, 1, 2])):
        out += "." + escaped(rng.choice(CLASSES))
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        out += "[" + rng.choice(ATTRIBUTES)
        kind = rng.random()
        if kind < 0.6:
            out += "=" + quoted(rng.choice(VALUES))
        elif kind < 0.8:
            out += "=" + rng.choice(PLAIN_VALUES + ["/p?x=1", ""])
        out += "]"
    if rng.random() < 0.3:
        out += f":nth-child({rng.randrange(4)})"
    if rng.random() < 0.2:
        out += ":nth-of-type(1)"
    return out or "a"


def posthog_element(rng):
    out = rng.choice(TAGS) if rng.random() < 0.9 else ""
    names = [rng.choice(CLASSES) for _ in range(rng.choice([0, 1, 2]))]
    out += "".join("." + name for name in sorted(names)) + ":"
    pairs = {"nth-child": "1", "nth-of-type": "2"}
    if names and rng.random() < 0.8:
        pairs["attr__class"] = " ".join(names)
    if rng.random() < 0.3:
        pairs["attr_id"] = rng.choice(IDS)
    for _ in range(rng.choice([0, 1, 2])):
        name = rng.choice(POSTHOG_NAMES)
        pairs[name] = rng.choice(VALUES)
    return out + "".join(
        '{}="{}"'.format(name, value.replace('"', '\\"')) for name, value in sorted(pairs.items())
    )


def chain(rng):
    if rng.random() < 0.1:
        return rng.choice(BROKEN)
    element = own_element if rng.random() < 0.7 else posthog_element
    return ";".join(element(rng) for _ in range(rng.choice([1, 2, 3, 4, 5, 8])))


def compound(rng):
    out = rng.choice(TAGS + ["*", "A"]) if rng.random() < 0.6 else ""
    for _ in range(rng.choice([0, 0, 1, 1, 2]) if out else 1):
        kind = rng.random()
        if kind < 0.2:
            out += "#" + escaped(rng.choice(IDS))
        elif kind < 0.65:
            out += "." + escaped(rng.choice(CLASSES))
        else:
            out += attribute(rng)
        if rng.random() < 0.03:
            out += "/* b */"
    return out


def attribute(rng):
    gap = rng.choice(["", "", "", " ", "/**/\n"])
    name = escaped(rng.choice(ATTRIBUTES))
    if rng.random() < 0.25:
        return f"[{gap}{name}{gap}]"
    if rng.random() < 0.4:
        value = rng.choice(PLAIN_VALUES)
    else:
        value = quoted(rng.choice(VALUES), rng.choice("\"'"))
    flag = rng.choice(["", "", "", " i", " s", "\ti "])
    return f"[{name}{gap}{rng.choice(['=', '^=', '$=', '*=', '~='])}{gap}{value}{flag}]"


def alternative(rng):
    out = compound(rng)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        out += rng.choice([" ", " ", " > ", ">", "\n", " /* > */ "]) + compound(rng)
    return out


def selector(rng):
    return rng.choice([",", " , "]).join(alternative(rng) for _ in range(rng.choice([1, 1, 1, 2])))
