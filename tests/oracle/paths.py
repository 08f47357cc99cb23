"""Paths: every session's list of nodes, and then counting over the lists.

Of the walks of all users each level's nodes are ranked; what is not shown is renamed to Other, and
then nodes, edges and ends are counted by their new names. A row of a breakdown counts those of its
walks by the same names.
"""

from activity_rows import Rows, label
from measures import Item
from predicate import selects
from segment import moment_of, persons
from sessions import HALF_AN_HOUR, runs
from splits import ranked as ranked_rows
from values import group, order_key, row_key

OTHER = ("other",)


def node_of(query, event, test):
    """The node of an event: a key of row_key; None: it is none."""
    if query["excluded"] is not None and test(query["excluded"], event):
        return None
    if query["property"] is not None:
        value = event.properties.get(query["property"])
        return row_key(group(value[0] if isinstance(value, tuple) else value))
    for one in query["selectors"]:
        if test(one["selector"], event):
            return row_key(one["name"])
    return None


def walk_of(query, nodes):
    """(where the nodes shown begin, behind which they end, whether the session does), or None."""
    begin, start = 0, [row_key(group(value)) for value in query["start"]]
    if query["selectors"] is not None:
        start = [row_key(value) for value in query["start"]]
    if start:
        places = [i for i in range(len(nodes)) if nodes[i : i + len(start)] == start]
        if not places:
            return None
        begin = places[0]
    if query["end"] is None:
        end = min(begin + query["depth"], len(nodes))
        return (begin, end, end == len(nodes)) if nodes else None
    (end,) = query["end"]
    end = row_key(end if query["selectors"] is not None else group(end))
    behind = begin + len(start)
    if end not in nodes[behind:]:
        return None
    last = nodes.index(end, behind) + 1
    return max(begin, last - query["depth"]), last, False


def walks_of(query, moment, person):
    scope = query["scope"]

    def test(selector, event):
        return selects(selector, moment, person, event)

    events = [
        event
        for event in moment.events_of.get(person, [])
        if scope["start"] <= event.time < scope["end"]
    ]
    for run in runs(events, HALF_AN_HOUR if query["gap"] is None else query["gap"]):
        nodes, first = [], []
        for event in run:
            node = node_of(query, event, test)
            if node is not None and nodes[-1:] != [node]:
                nodes.append(node)
                first.append(event)
        walk = walk_of(query, nodes)
        if walk is not None:
            begin, end, ends = walk
            yield person, nodes[begin:end], ends, first[begin]


def count(names, found):
    """[name, walks, users] of every name that some walk has, in the order of names."""
    return [
        (name, len(of_name), len(set(of_name)))
        for name, of_name in ((name, [who for who, one in found if one == name]) for name in names)
    ]


def shown_nodes(query, walks, level):
    """The names of a level's nodes, ranked."""
    here = [nodes[level] for _, nodes, *_ in walks if len(nodes) > level]
    ranked = sorted(set(here), key=lambda node: (-here.count(node), order_key(node[1])))
    return ranked[: query["top"]], len(ranked) > query["top"]


def flow(names, walks):
    """Walks counted by the names of each level's nodes."""
    levels, edges = [], []
    renamed = [
        (
            person,
            [node if node in names[i] else OTHER for i, node in enumerate(nodes)],
            ends,
        )
        for person, nodes, ends, _ in walks
    ]
    for level, here in enumerate(names):
        reached = [(who, nodes[level]) for who, nodes, _ in renamed if len(nodes) > level]
        ended = [
            (who, nodes[level]) for who, nodes, ends in renamed if ends and len(nodes) == level + 1
        ]
        drop_offs = {name: rest for name, *rest in count(here, ended)}
        levels.append(
            [
                {
                    "label": ["other"] if name == OTHER else ["value", name[1]],
                    "walks": of_name,
                    "users": users,
                    "drop_off": drop_offs[name],
                }
                for name, of_name, users in count(here, reached)
            ]
        )
        if level + 1 == len(names):
            break
        steps = [
            (who, (nodes[level], nodes[level + 1]))
            for who, nodes, _ in renamed
            if len(nodes) > level + 1
        ]
        pairs = [(source, target) for source in here for target in names[level + 1]]
        for (source, target), of_pair, users in count(pairs, steps):
            if of_pair:
                edges.append(
                    [level + 1, here.index(source), names[level + 1].index(target), of_pair, users]
                )
    return {
        "levels": levels,
        "edges": edges,
        "walks": len(walks),
        "users": len({who for who, *_ in walks}),
    }


def rows_of(query, moment, names, walks):
    """A walk is in each row of the event of its first shown node."""
    if query.get("breakdown") is None:
        return []
    scope = query["scope"]
    items = [
        Item(person, event, event.time)
        for person in persons(scope, moment)
        for event in moment.events_of.get(person, [])
        if scope["start"] <= event.time < scope["end"]
    ]
    split = Rows(query, scope, moment, items).split
    keys = [set(split.rows(Item(who, event, event.time))) for who, _, _, event in walks]
    there = set().union(*keys)
    counts = {key: sum(key in of_walk for of_walk in keys) for key in there}
    shown = ranked_rows(split, counts)[: query["breakdown"]["top"]]
    out = []
    for key in shown:
        picked = [walk for walk, of_walk in zip(walks, keys) if key in of_walk]
        out.append({"label": label(key), **flow(names, picked)})
    if there - set(shown):
        picked = [walk for walk, of_walk in zip(walks, keys) if of_walk - set(shown)]
        out.append({"label": ["other"], **flow(names, picked)})
    return out


def paths_answer(query, data):
    scope = query["scope"]
    moment = moment_of(scope, data)
    walks = [
        walk for person in persons(scope, moment) for walk in walks_of(query, moment, person)
    ]
    names = []
    for level in range(query["depth"]):
        shown, has_other = shown_nodes(query, walks, level)
        if not shown and not has_other:
            break
        names.append(shown + [OTHER] * has_other)
    return {**flow(names, walks), "rows": rows_of(query, moment, names, walks)}
