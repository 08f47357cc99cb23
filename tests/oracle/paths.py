"""Paths: every session's list of nodes, and then counting over the lists.

Of the walks of all users each level's nodes are ranked; what is not shown is renamed to Other, and
then nodes, edges and ends are counted by their new names.
"""

from predicate import selects
from segment import moment_of, persons
from sessions import HALF_AN_HOUR, runs
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
    """(the nodes shown, whether the session ends behind them), or None."""
    begin, start = 0, [row_key(group(value)) for value in query["start"]]
    if query["selectors"] is not None:
        start = [row_key(value) for value in query["start"]]
    if start:
        places = [i for i in range(len(nodes)) if nodes[i : i + len(start)] == start]
        if not places:
            return None
        begin = places[0]
    if query["end"] is None:
        nodes = nodes[begin:]
        return (nodes[: query["depth"]], len(nodes) <= query["depth"]) if nodes else None
    end = row_key(query["end"] if query["selectors"] is not None else group(query["end"]))
    behind = begin + len(start)
    if end not in nodes[behind:]:
        return None
    return nodes[begin : nodes.index(end, behind) + 1][-query["depth"] :], False


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
        nodes = []
        for event in run:
            node = node_of(query, event, test)
            if node is not None and nodes[-1:] != [node]:
                nodes.append(node)
        walk = walk_of(query, nodes)
        if walk is not None:
            yield walk


def count(names, found):
    """[name, walks, users] of every name that some walk has, in the order of names."""
    return [
        (name, len(of_name), len(set(of_name)))
        for name, of_name in ((name, [who for who, one in found if one == name]) for name in names)
    ]


def shown_nodes(query, walks, level):
    """The names of a level's nodes, ranked."""
    here = [nodes[level] for _, nodes, _ in walks if len(nodes) > level]
    ranked = sorted(set(here), key=lambda node: (-here.count(node), order_key(node[1])))
    return ranked[: query["top"]], len(ranked) > query["top"]


def paths_answer(query, data):
    scope = query["scope"]
    moment = moment_of(scope, data)
    walks = [
        (person, nodes, ends)
        for person in persons(scope, moment)
        for nodes, ends in walks_of(query, moment, person)
    ]
    levels, edges, names = [], [], []
    for level in range(query["depth"]):
        shown, has_other = shown_nodes(query, walks, level)
        if not shown and not has_other:
            break
        names.append(shown + [OTHER] * has_other)
    renamed = [
        (
            person,
            [node if node in names[i] else OTHER for i, node in enumerate(nodes)],
            ends,
        )
        for person, nodes, ends in walks
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
        "users": len({who for who, _, _ in walks}),
    }
