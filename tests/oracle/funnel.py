"""Funnels by plain search: every entry, every chain.

A user reaches step k if there are k distinct events, the i-th matching step i, in non-decreasing
time, the last within the window of the first, the first inside the range.
"""

from breakdown import rows_of, split
from predicate import selects
from segment import moment_of, persons


def median(numbers):
    numbers = sorted(numbers)
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


class Search:
    """The deepest chains of one person. events are all events in total order."""

    def __init__(self, events, masks, query):
        self.events = events
        self.masks = masks
        self.steps = len(query["steps"])
        self.window = query["window"]
        self.strict = query["strict_times"]
        self.memo = {}

    def chain_from(self, entry):
        """The deepest chain that begins at an entry; of equally deep ones the earliest in total
        order.
        """
        self.memo = {}
        limit = None if self.window is None else self.events[entry].time + self.window
        return (entry,) + self.rest(1, self.events[entry].time, frozenset([entry]), limit)

    def rest(self, step, time, used, limit):
        """The best continuation from a step on; used: the events taken at this very time."""
        if step == self.steps:
            return ()
        key = (step, time, used)
        if key in self.memo:
            return self.memo[key]
        best = ()
        for index, event in enumerate(self.events):
            if not self.masks[index] >> step & 1 or index in used:
                continue
            if event.time < time or (self.strict and event.time == time):
                continue
            if limit is not None and event.time > limit:
                break
            now_used = (used if event.time == time else frozenset()) | {index}
            chain = (index,) + self.rest(step + 1, event.time, now_used, limit)
            if len(chain) > len(best) or (len(chain) == len(best) and chain < best):
                best = chain
            if len(best) == self.steps - step:
                break  # Later candidates can neither go deeper nor begin earlier.
        self.memo[key] = best
        return best


def chosen_attempt(events, masks, query):
    """The events of the chosen attempt, or None: the deepest; of those the one whose last step is
    earliest; of those the one entered last."""
    scope = query["scope"]
    entries = [
        index
        for index, event in enumerate(events)
        if masks[index] & 1 and scope["start"] <= event.time < scope["end"]
    ]
    if query["first_only"] and entries:
        first = events[entries[0]].time
        entries = [index for index in entries if events[index].time == first]
    search = Search(events, masks, query)
    best = None
    for entry in entries:
        chain = search.chain_from(entry)
        rank = (-len(chain), chain[-1], -entry)
        if best is None or rank < best[0]:
            best = (rank, chain)
    return None if best is None else [events[index] for index in best[1]]


def properties_of(moment, person, chain):
    """Those of the user who entered."""
    moment, person = moment.owner(person, chain[0])
    return moment.user_properties(person)


def funnel_answer(query, data):
    scope = query["scope"]
    moment = moment_of(scope, data)
    attempts = []
    for person in persons(scope, moment):
        events, masks = [], []
        for event in moment.events_of.get(person, []):
            mask = sum(
                1 << step
                for step, selector in enumerate(query["steps"])
                if selects(selector, moment, person, event)
            )
            if mask:
                events.append(event)
                masks.append(mask)
        chain = chosen_attempt(events, masks, query)
        if chain is not None:
            attempts.append((person, chain))
    rows = []
    if query["breakdown"] is not None:
        rows = split(
            query["breakdown"],
            attempts,
            lambda one: rows_of(query["breakdown"], one[1][0], properties_of(moment, *one)),
            len,
        )
    rows.append((("total",), attempts))
    return {"rows": [one_row(label, of_row, len(query["steps"])) for label, of_row in rows]}


def share(part, whole):
    return part / whole if whole else None


def one_row(label, attempts, steps):
    chains = [chain for _, chain in attempts]
    counts = [sum(len(chain) > step for chain in chains) for step in range(steps)]
    row = {
        "label": list(label),
        "counts": counts,
        "from_previous": [share(counts[step], counts[max(step - 1, 0)]) for step in range(steps)],
        "from_first": [share(counts[step], counts[0]) for step in range(steps)],
    }
    for name, back in (("previous", lambda step: step - 1), ("first", lambda step: 0)):
        mean_seconds, median_seconds = [None], [None]
        for step in range(1, steps):
            seconds = [
                (chain[step].time - chain[back(step)].time) / 1000
                for chain in chains
                if len(chain) > step
            ]
            mean_seconds.append(sum(seconds) / len(seconds) if seconds else None)
            median_seconds.append(median(seconds) if seconds else None)
        row["mean_" + name] = mean_seconds
        row["median_" + name] = median_seconds
    return row
