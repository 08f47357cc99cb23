"""What is known after some rows have arrived: the oracle's whole store.

Rows arrive in order and are dicts:

    {"kind": "event", "user": str, "time": ms, "id": str (or ""), "properties": {name: value}}
    {"kind": "set", "user": str, "time": ms, "set": {name: value}}      None removes
    {"kind": "alias", "left": str, "right": str}
    {"kind": "account", "key": event property, "account": str, "time": ms, "set": {name: value}}

Nothing is indexed: every question walks over all rows again.
"""

import re

from derived import with_derived
from values import group, groups, normal, row_key


class Event:
    """One live event. `key` is its place in the total order."""

    __slots__ = ("user", "time", "id", "stored", "arrival", "sent_id", "derived", "known")

    def __init__(self, row, arrival, derived=None):
        self.user = row["user"]
        self.time = row["time"]
        self.id = row["id"]
        self.sent_id = row["id"] != ""
        self.stored = {}
        self.derived, self.known = derived or {}, None
        for name, value in row["properties"].items():
            value = normal(value)
            if value is not None:
                self.stored[name] = value
        self.arrival = arrival

    @property
    def properties(self):
        """As queries read them: with those that are derived."""
        if self.known is None:
            self.known = with_derived(self.derived, "event", self.stored, self.time)
        return self.known

    @property
    def key(self):
        return (self.time, self.id.encode(), self.user.encode(), self.arrival)


class Data:
    """Live events, writes of user properties, joins. See as_of() for what a query reads."""

    def __init__(self, definitions=None, saved_segments=None, derived=None, shown_ids=""):
        self.events = {}
        self.writes = []
        self.account_writes = []
        self.parent = {}
        self.arrivals = 0
        self.derived = {} if derived is None else derived
        self.shown_ids = re.compile(shown_ids)
        self.definitions = {} if definitions is None else definitions
        self.segments = {} if saved_segments is None else saved_segments

    def apply(self, row):
        """Takes a row; returns True if it replaced an earlier event."""
        self.arrivals += 1
        if row["kind"] == "alias":
            self.join(row["left"], row["right"])
            return False
        if row["kind"] == "account":
            name = (row["key"], row_key(group(row["account"])))
            self.account_writes.append((row["time"], self.arrivals, name, row["set"]))
            return False
        self.parent.setdefault(row["user"], row["user"])
        if row["kind"] == "set":
            self.writes.append((row["time"], self.arrivals, row["user"], row["set"]))
            return False
        key = (row["user"], row["id"]) if row["id"] else self.arrivals
        replaced = key in self.events
        self.events[key] = Event(row, self.arrivals, self.derived)
        return replaced

    def forget(self, user):
        """A user is deleted, with every id that is joined with it: as if they had never been.
        Returns how many ids and events went."""
        gone = set(self.members(user))
        events = {key: event for key, event in self.events.items() if event.user not in gone}
        went = len(gone), len(self.events) - len(events)
        self.events = events
        self.writes = [write for write in self.writes if write[2] not in gone]
        self.parent = {one: up for one, up in self.parent.items() if one not in gone}
        return went

    def root(self, user):
        while self.parent[user] != user:
            user = self.parent[user]
        return user

    def join(self, left, right):
        for user in (left, right):
            self.parent.setdefault(user, user)
        left, right = self.root(left), self.root(right)
        if left != right:
            self.parent[left] = right

    def members(self, user):
        """All sent ids of the person whom a sent id belongs to."""
        root = self.root(user)
        return [one for one in self.parent if self.root(one) == root]

    def shown(self, user):
        return min(self.members(user), key=self.rank)

    def rank(self, user):
        """The least of the ids of a person is the one that the person is shown under."""
        return self.shown_ids.search(user) is None, user.encode()

    def as_of(self, moment):
        return Moment(self, moment)


class Moment:
    """The data as one moment sees it: events and writes after it do not exist."""

    def __init__(self, data, moment):
        self.data = data
        self.moment = moment
        shown = {}
        for user in data.parent:
            root = data.root(user)
            if root not in shown or data.rank(user) < data.rank(shown[root]):
                shown[root] = user
        self.person_of = {user: shown[data.root(user)] for user in data.parent}
        self.members_of = {}
        for user, person in self.person_of.items():
            self.members_of.setdefault(person, []).append(user)
        self.events_of = {}
        for event in data.events.values():
            if event.time <= moment:
                self.events_of.setdefault(self.person_of[event.user], []).append(event)
        for events in self.events_of.values():
            events.sort(key=lambda event: event.key)
        self.properties_of = self.latest_writes()
        self.accounts = self.latest(data.account_writes)
        self.known = sorted(set(self.events_of) | set(self.properties_of), key=str.encode)
        self.with_derived_of = {}

    def latest_writes(self):
        return self.latest(
            (time, arrival, self.person_of[user], names)
            for time, arrival, user, names in self.data.writes
        )

    def latest(self, writes):
        latest = {}
        for time, arrival, owner, names in writes:
            if time > self.moment:
                continue
            of_person = latest.setdefault(owner, {})
            for name, value in names.items():
                if name not in of_person or of_person[name][:2] <= (time, arrival):
                    of_person[name] = (time, arrival, normal(value))
        return {
            person: {name: write[2] for name, write in names.items() if write[2] is not None}
            for person, names in latest.items()
        }

    def user_properties(self, person):
        if person not in self.with_derived_of:
            stored = self.stored_user_properties(person)
            self.with_derived_of[person] = with_derived(self.data.derived, "user", stored)
        return self.with_derived_of[person]

    def stored_user_properties(self, person):
        return self.properties_of.get(person, {})

    def account_values(self, event, key, name):
        """The values of a property of the accounts that an event names in another, as stored."""
        out = []
        for one in groups(event.stored.get(key)):
            stored = self.accounts.get((key, row_key(one)), {})
            value = with_derived(self.data.derived, ("account", key), stored).get(name)
            out += [] if value is None else value if isinstance(value, tuple) else [value]
        return out

    def owner(self, person, event):
        """The moment and the person that what is said of users is read of."""
        del event
        return self, person


class EntityMoment:
    """A moment in which the values of an event property stand where persons do: each has the events
    that name it, of some persons.
    """

    def __init__(self, moment, name, persons):
        self.data, self.moment, self.base = moment.data, moment.moment, moment
        self.events_of = {}
        for person in persons:
            for event in moment.events_of.get(person, []):
                for value in groups(event.properties.get(name)) - {None}:
                    self.events_of.setdefault(row_key(value), []).append(event)
        for events in self.events_of.values():
            events.sort(key=lambda event: event.key)
        self.known = list(self.events_of)

    def owner(self, person, event):
        del person
        return self.base, self.base.person_of[event.user]
