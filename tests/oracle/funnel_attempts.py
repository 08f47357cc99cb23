"""The attempts of one user at a funnel, by plain search, from the words of docs/semantics.md.

An attempt is one entry with its deepest chain. A chain is a dict from steps (from 0) to the indexes
of the events that fill them; of an unordered funnel from places.
"""

import bisect

from buckets import day_of
from values import groups, row_key


class User:
    """What a funnel reads of one user: all events in total order, and which steps each matches."""

    def __init__(self, events, masks, excluded, query):
        self.times = [event.time for event in events]
        self.masks = masks
        self.raw = masks
        self.excluded = excluded  # By exclusion: the times of its events.
        self.query = query
        self.count = len(query["steps"])
        self.held = [
            ([self.values(event, hold) for event in events], hold["steps"] or range(1, 65))
            for hold in query["hold"]
        ]
        self.memo = {}

    @staticmethod
    def values(event, hold):
        found = groups(event.properties.get(hold["property"]))
        return frozenset(map(row_key, found)) - {row_key(None)}

    def narrowed(self, allowed):
        """The same user with the steps of each event cut down to allowed(index, step)."""
        out = object.__new__(User)
        out.__dict__.update(self.__dict__, memo={})
        out.masks = [
            {step for step in steps if allowed(index, step)} for index, steps in enumerate(self.masks)
        ]
        out.raw = out.masks
        return out

    def can_fill(self, index, step):
        """An event without the value of a held property fills none of its steps."""
        return step in self.masks[index] and all(
            values[index] or step + 1 not in steps for values, steps in self.held
        )

    def shared(self, index, step, before):
        """What the held properties may still be once an event fills a step; None: they differ."""
        out = []
        for (values, steps), known in zip(self.held, before):
            if step + 1 in steps:
                known = values[index] if known is None else known & values[index]
                if not known:
                    return None
            out.append(known)
        return tuple(out)

    def entries(self, start, end):
        steps = range(self.count) if self.query["order"] == "unordered" else [0]
        found = [
            index
            for index, time in enumerate(self.times)
            if start <= time < end and any(self.can_fill(index, step) for step in steps)
        ]
        if self.query["first_only"] and found:
            found = [index for index in found if self.times[index] == self.times[found[0]]]
        return found

    def first_in_range(self, start, end):
        steps = range(self.count) if self.query["order"] == "unordered" else [0]
        for index, time in enumerate(self.times):
            if start <= time < end and any(self.can_fill(index, step) for step in steps):
                return index
        return None

    def deadline(self, entry):
        """The last moment of an attempt; None: there is none."""
        limits = []
        if self.query["window"] is not None:
            limits.append(self.times[entry] + self.query["window"])
        if self.query["same_local_day"]:
            limits.append(day_of(self.query["scope"]["zone"], self.times[entry])[1] - 1)
        return min(limits, default=None)

    # ---- Ordered

    def between(self, first, second):
        """The indexes of the events strictly between two events in time."""
        return range(
            bisect.bisect_right(self.times, self.times[first]),
            bisect.bisect_left(self.times, self.times[second]),
        )

    def may_follow(self, last, step, index, behind):
        """Whether event index may fill step behind right after event last filled step."""
        query = self.query
        elapsed = self.times[index] - self.times[last]
        if elapsed < 0 or (query["strict_times"] and elapsed == 0):
            return False
        if query["step_windows"][behind] is not None and elapsed > query["step_windows"][behind]:
            return False
        if query["order"] == "strict":
            return len(self.between(last, index)) == 0
        if query["order"] == "strict_steps":
            return not any(self.raw[k] - {step, behind} for k in self.between(last, index))
        return True

    def best(self, step, last, used, held, deadline):
        """The best way on: (-depth, -optional steps, events, steps). used: events of this time."""
        key = (step, last, used, held, deadline)
        if key in self.memo:
            return self.memo[key]
        best = (-(step + 1), 0, (), ())
        for behind in range(step + 1, self.count):
            optional = self.query["optional"][behind]
            for index in range(bisect.bisect_left(self.times, self.times[last]), len(self.times)):
                if deadline is not None and self.times[index] > deadline:
                    break
                if not self.can_fill(index, behind):
                    continue
                if index in used and not (self.query["reuse"] and index == last):
                    continue
                shared = self.shared(index, behind, held)
                if shared is None or not self.may_follow(last, step, index, behind):
                    continue
                now = frozenset([index])
                if self.times[index] == self.times[last]:
                    now |= used
                depth, count, events, steps = self.best(behind, index, now, shared, deadline)
                way = (depth, count - optional, (index,) + events, (behind,) + steps)
                best = min(best, way)
            if not optional:
                break
        self.memo[key] = best
        return best

    def chain(self, entry):
        """The attempt of an entry."""
        if self.query["order"] == "unordered":
            return self.unordered_chain(entry)
        held = self.shared(entry, 0, (None,) * len(self.held))
        way = self.best(0, entry, frozenset([entry]), held, self.deadline(entry))
        return dict(zip((0,) + way[3], (entry,) + way[2]))

    def is_excluded(self, chain):
        """Of an ordered funnel."""
        depth = max(chain) + 1
        for exclusion, times in zip(self.query["exclusions"], self.excluded):
            after, before = exclusion["after"] - 1, exclusion["before"] - 1
            if after >= depth:
                continue
            begin = self.times[chain[max(step for step in chain if step <= after)]]
            if before < depth:
                end = self.times[chain[min(step for step in chain if step >= before)]]
                if any(begin < time < end for time in times):
                    return True
                continue
            window = self.query["window"]
            end = None if window is None else self.times[chain[0]] + window
            if any(begin < time and (end is None or time <= end) for time in times):
                return True
        return False

    # ---- Unordered

    def void(self, place, begin, end):
        """By exclusion whether it lies strictly between the times of two events."""
        return any(begin < time < end for time in self.excluded[place])

    def unordered_chain(self, entry):
        start = bisect.bisect_left(self.times, self.times[entry])
        deadline = self.deadline(entry)
        order = [
            index
            for index in range(start, len(self.times))
            if index != entry
            and self.masks[index]
            and (deadline is None or self.times[index] <= deadline)
        ]
        memo = {}
        exclusions = self.query["exclusions"]

        def add(index, step, state):
            """The state with one event more; None: it cannot be."""
            filled, last, begins, held = state
            held = self.shared(index, step, held)
            if step in filled or held is None or not self.can_fill(index, step):
                return None
            if last is not None and self.query["strict_times"] and self.times[index] == last:
                return None
            count = len(filled) + 1
            now = list(begins)
            for place, exclusion in enumerate(exclusions):
                if count == exclusion["after"]:
                    now[place] = self.times[index]
                if count == exclusion["before"] and self.void(place, now[place], self.times[index]):
                    return None
            # Only what an exclusion that is still open, or equal times, will ask again: states that
            # differ in nothing else are one.
            open_now = [one["after"] <= count < one["before"] for one in exclusions]
            now = tuple(begin if is_open else None for begin, is_open in zip(now, open_now))
            asked = self.query["strict_times"] or any(open_now)
            return (filled | {step}, self.times[index] if asked else None, now, held)

        def stops(state):
            filled, last, begins, _ = state
            return not any(
                exclusion["after"] <= len(filled) < exclusion["before"]
                and self.void(place, begins[place], last)
                for place, exclusion in enumerate(exclusions)
            )

        def best(at, state):
            """(-events, events) from the place at of order on; None: no way is allowed."""
            key = (at, state)
            if key in memo:
                return memo[key]
            found = (0, ()) if stops(state) else None
            if at < len(order) and len(state[0]) < self.count:
                ways = [best(at + 1, state)]
                for step in self.masks[order[at]]:
                    after = add(order[at], step, state)
                    rest = None if after is None else best(at + 1, after)
                    if rest is not None:
                        ways.append((rest[0] - 1, (order[at],) + rest[1]))
                found = min([way for way in ways + [found] if way is not None], default=None)
            memo[key] = found
            return found

        empty = (frozenset(), None, (None,) * len(exclusions), (None,) * len(self.held))
        firsts = [add(entry, step, empty) for step in self.masks[entry]]
        ways = [best(0, state) for state in firsts if state is not None]
        events = (entry,) + min(way for way in ways if way is not None)[1]
        return dict(enumerate(events))

    # ---- What is chosen

    def chosen(self, start, end):
        """The chosen attempt among those entered in [start, end), or None."""
        attempts = [(entry, self.chain(entry)) for entry in self.entries(start, end)]
        ordered = self.query["order"] != "unordered"
        free = [one for one in attempts if not (ordered and self.is_excluded(one[1]))]
        if not free:
            return None
        if not self.query["attempt_only"]:
            deepest = max(max(chain) for _, chain in attempts)
            free = [one for one in free if max(one[1]) == deepest]
        return min(free, key=lambda one: (-max(one[1]), one[1][max(one[1])], -one[0]), default=(0, None))[1]

    def totals(self, start, end):
        """All attempts entered in [start, end), each event advancing at most one."""
        attempts = []
        for index, time in enumerate(self.times):
            able = [
                (-len(chain), number)
                for number, chain in enumerate(attempts)
                if len(chain) < self.count
                and len(chain) in self.masks[index]
                and self.may_follow(chain[len(chain) - 1], len(chain) - 1, index, len(chain))
                and (self.deadline(chain[0]) is None or time <= self.deadline(chain[0]))
            ]
            if able:
                chain = attempts[min(able)[1]]
                chain[len(chain)] = index
            elif 0 in self.masks[index] and start <= time < end:
                attempts.append({0: index})
        return attempts
