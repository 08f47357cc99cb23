"""Random small worlds: rows as they arrive, definitions, saved segments. One seed makes one world.

A world is a dict, fit for JSON. Values and times are drawn from small sets on purpose: equal times,
equal values of different types, events exactly at the end of a window, at midnight, on both sides
of a change of clocks and of the engine's 28-day windows.
"""

import datetime
import random

import css_random
import derived_random

HOUR, DAY = 3_600_000, 86_400_000
SLAB_WINDOW = 28 * DAY


def utc(*fields):
    return int(datetime.datetime(*fields, tzinfo=datetime.timezone.utc).timestamp()) * 1000


# name: (zone of interest, first instant, length, grid)
THEMES = {
    "ties": ("UTC", utc(2023, 5, 3, 12), 20_000, 1000),
    "minutes": ("Asia/Kathmandu", utc(2023, 5, 3, 17), 2 * HOUR, 60_000),
    "berlin-spring": ("Europe/Berlin", utc(2024, 3, 30), 3 * DAY, HOUR // 2),
    "berlin-autumn": ("Europe/Berlin", utc(2024, 10, 26), 3 * DAY, HOUR // 2),
    "lord-howe": ("Australia/Lord_Howe", utc(2024, 4, 5), 3 * DAY, HOUR // 2),
    "apia": ("Pacific/Apia", utc(2011, 12, 28), 5 * DAY, HOUR),
    "sao-paulo": ("America/Sao_Paulo", utc(2018, 11, 2), 4 * DAY, HOUR),
    "amsterdam": ("Europe/Amsterdam", utc(1937, 6, 29, 12), 4 * DAY, HOUR // 3),
    "st-johns": ("America/St_Johns", utc(2010, 11, 5, 12), 3 * DAY, HOUR // 4),
    "troll": ("Antarctica/Troll", utc(2024, 3, 30), 3 * DAY, HOUR),
    "casablanca": ("Africa/Casablanca", utc(2024, 3, 1), 60 * DAY, 8 * HOUR),
    "weeks": ("America/New_York", utc(2024, 2, 20), 40 * DAY, 6 * HOUR),
    "months": ("Europe/Berlin", utc(2023, 11, 1), 200 * DAY, DAY),
    "years": ("America/New_York", utc(2012, 1, 1), 11 * 365 * DAY, 30 * DAY),
    "slab-edge": ("UTC", 700 * SLAB_WINDOW - 2 * DAY, 4 * DAY, 4 * HOUR),
}
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Europe/Amsterdam",
    "America/St_Johns",
    "Antarctica/Troll",
    "Africa/Casablanca",
]

TYPES = ["view", "click", "submit", "buy"]
PATHS = ["/", "/a", "/a/b", "/A", "/b?x=1", "/a%b", "/a_b", "/a\\b", ""]
# Many, and alike: more than a small dictionary takes, and more than one block of a slab's texts.
URLS = [f"https://shop.example/{kind}/{n}" for kind in ("p", "P", "cart") for n in range(9, 41)]
URLS += [url + "?ref=" + ref for url in URLS[::3] for ref in ("a", "ab", "ü")]
NUMBERS = [
    0,
    1,
    2,
    3,
    -3,
    1.0,
    2.5,
    0.5,
    19.99,
    "1",
    "1.0",
    "2.50",
    "-3",
    "0",
    "1e0",
    "01",
    "abc",
    "",
    True,
    False,
    9007199254740993,
    "9007199254740993",
]
CITIES = ["Zürich", "zürich", "ZÜRICH", "東京", "Łódź", "łódź", "", "null", "Other", "🙂"]
CITIES += ["a\nb"]
TAGS = [["a"], ["a", "b"], ["b", "a", "b"], ["1"], ["1", "01", "1.0"], ["Ä", "ä"]]
TAGS += [["/a", "/b"], []]
FLAGS = [True, False, "true", "false", None, 1]
ACCOUNT_KEYS = ["path", "price", "city", "tags", "mixed"]
PLANS = ["free", "paid", "Paid", None]
CHAINS = [css_random.chain(random.Random(n)) for n in range(200)]
SCORES = [0, 1, 5, 7.5, "5", "7.50", "high", True, -1]


def some_url(rng, popular):
    """Few addresses that many events have, and many that hardly any has; or all alike."""
    return URLS[min(int(rng.expovariate(0.15)), len(URLS) - 1)] if popular else rng.choice(URLS)


def event_properties(rng, popular=False):
    out = {}
    if rng.random() < 0.9:
        out["type"] = rng.choice(TYPES)
    if rng.random() < 0.6:
        out["path"] = rng.choice(PATHS)
    if rng.random() < 0.6:
        out["url"] = some_url(rng, popular)
    if rng.random() < 0.5:
        out["price"] = rng.choice(NUMBERS)
    if rng.random() < 0.3:
        out["city"] = rng.choice(CITIES)
    if rng.random() < 0.3:
        out["tags"] = rng.choice(TAGS)
    if rng.random() < 0.2:
        out["flag"] = rng.choice(FLAGS)
    if rng.random() < 0.2:
        out["device.os"] = rng.choice(["mac", "win", "Linux"])
    if rng.random() < 0.4:
        out["chain"] = rng.choice(CHAINS)
    if rng.random() < 0.05:
        out["mixed"] = rng.choice([1, "x", 2.5, True, ["x", "y"], None, "1"])
    return out


def user_set(rng):
    out = {}
    while not out:
        if rng.random() < 0.5:
            out["plan"] = rng.choice(PLANS)
        if rng.random() < 0.5:
            out["score"] = rng.choice(SCORES)
        if rng.random() < 0.3:
            out["labels"] = rng.choice(TAGS[:-1])
        if rng.random() < 0.2:
            out["home"] = rng.choice(CITIES)
    return out


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.theme = rng.choice(sorted(THEMES))
        self.zone, self.first, self.length, self.grid = THEMES[self.theme]
        count = rng.choice([1, 2, 5, 5, 8, 12, 20, 60])
        self.users = self.user_ids(count)
        self.next_id = 0
        self.text_ids = rng.random() < 0.5
        self.fine = rng.random() < 0.3  # Hardly any two events of one time.
        self.popular = rng.random() < 0.5  # Some addresses more than others.

    def user_ids(self, count):
        kinds = [
            lambda i: f"u{i}",
            lambda i: str(i + 8),
            lambda i: str(2**53 + i),
            lambda i: "Ü" * (i % 3) + f"x{i}",
            lambda i: f"user {i}@example.com",
        ]
        kind = self.rng.choice(kinds)
        return [kind(i) for i in range(count)]

    def time(self):
        instant = self.first + self.rng.randrange(self.length)
        if self.fine:
            return instant
        instant -= (instant - self.first) % self.grid
        jitter = self.rng.random()
        return instant + (1 if jitter < 0.05 else -1 if jitter < 0.1 else 0)

    def event_id(self):
        if self.rng.random() < 0.12:
            return ""
        self.next_id += 1
        if self.text_ids and self.rng.random() < 0.7:
            return f"e-{self.rng.randrange(10**6)}-{self.next_id}"
        return str(self.rng.choice([1, 10, 1000]) * 1000 + self.next_id)

    def event(self):
        # A few users are much busier than the rest.
        index = min(int(self.rng.expovariate(3 / len(self.users))), len(self.users) - 1)
        return {
            "kind": "event",
            "user": self.users[index],
            "time": self.time(),
            "id": self.event_id(),
            "properties": event_properties(self.rng, self.popular),
        }

    def account(self):
        rng = self.rng
        key = rng.choice(ACCOUNT_KEYS)
        pool = {
            "path": PATHS,
            "price": NUMBERS,
            "city": CITIES,
            "tags": [tag for tags in TAGS for tag in tags],
            "mixed": [1, "x", 2.5, "y"],
        }[key]
        ids = [one for one in pool if one not in ("", None) and not isinstance(one, bool)]
        return {
            "kind": "account",
            "key": key,
            "account": str(rng.choice(ids)),
            "time": self.time(),
            "set": user_set(rng),
        }

    def again(self, rows):
        """An earlier event with its id: moved, changed, or the same; now and then another user's
        id.
        """
        old = self.rng.choice(rows)
        new = dict(old)
        if self.rng.random() < 0.6:
            new["time"] = self.time()
        if self.rng.random() < 0.6:
            new["properties"] = event_properties(self.rng, self.popular)
        if self.rng.random() < 0.15:
            new["user"] = self.rng.choice(self.users)
        return new

    def rows(self):
        rng = self.rng
        events = [self.event() for _ in range(rng.choice([0, 10, 30, 60, 60, 100, 150, 250, 400]))]
        out = list(events)
        with_id = [row for row in events if row["id"]]
        for _ in range(len(events) // 12 if with_id else 0):
            out.append(self.again(with_id))
        for _ in range(len(events) // 20 if events else 0):
            out.append(dict(rng.choice(events)))
        for _ in range(rng.randrange(3 * len(self.users))):
            user = rng.choice(self.users) if rng.random() < 0.9 else f"quiet{rng.randrange(4)}"
            out.append({"kind": "set", "user": user, "time": self.time(), "set": user_set(rng)})
        if rng.random() < 0.6:
            out += [self.account() for _ in range(rng.randrange(25))]
        if rng.random() < 0.5:
            for _ in range(rng.randrange(1 + len(self.users) // 2)):
                left = rng.choice(self.users)
                right = rng.choice(self.users) if rng.random() < 0.7 else f"anon{rng.randrange(5)}"
                out.append({"kind": "alias", "left": left, "right": right})
                own = [row for row in with_id if row["user"] == left]
                if own and rng.random() < 0.4:  # One id of two users who are one.
                    out.append(dict(rng.choice(own), user=right, time=self.time()))
        order = rng.choice(["shuffled", "by time", "nearly by time"])
        if order == "shuffled":
            rng.shuffle(out)
        else:
            spread = 1 if order == "by time" else max(self.length // 10, 1)
            out.sort(key=lambda row: row.get("time", self.first) + rng.randrange(spread))
        return out


def make_world(rng, make_predicate, make_rule, make_list):
    """A world; the callbacks (see queries.py) write its definitions and saved segments."""
    maker = Maker(rng)
    rows = maker.rows()
    # Several copies of one event without an id at one time are one content: nothing tells them
    # apart.
    world = {
        "theme": maker.theme,
        "zone": maker.zone,
        "first": maker.first,
        "length": maker.length,
        "grid": maker.grid,
        "rows": rows,
        "definitions": {},
        "segments": {},
    }
    world["shown_ids"] = rng.choice(["", "", "[0-9]$", "^[^a]"])
    world["derived"] = derived_random.make_derived(rng, ZONES, ACCOUNT_KEYS)
    for name in ("d1", "d2", "d3"):
        world["definitions"][name] = make_predicate(rng, world)
    for name in ("s1@1", "s1", "s2"):  # s1 was another one before.
        world["segments"][name] = make_rule(rng, world)
    world["segments"]["list"] = make_list(rng, world)
    return world
