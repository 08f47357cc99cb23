#!/usr/bin/python3
"""Suggestions as somebody uses them: each is previewed and defined as it came, label and all, and
means the same then; odd texts, joined users, events without an id, errors.
"""

import sys
import unittest

from harness import Details, options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

import grpc

import shop
from columnar import ndjson
from ingest import ingest_all
from server import Server
from recount.v1 import (
    definition_pb2,
    definition_pb2_grpc,
    event_list_pb2,
    preview_pb2,
    project_pb2,
    project_pb2_grpc,
    property_pb2,
    property_pb2_grpc,
    query_pb2_grpc,
    suggest_pb2,
)

SECONDS = 60
ODD = ['say "hi"', "a\\b", "a'b", "a\nb\t", "ü🙂", "%_*", "/* x */", "]>,", " ", "$^(a|b)[c]{2}?+.", "-", "0"]


def element(tag, name):
    """An element with an odd text as its id, class and an attribute."""
    quoted = "".join(f"\\{ord(c):x} " for c in name)
    return f'{tag}#{quoted}.{quoted}[data-x="{quoted}"]'


def event(user, number, event_id=None, **properties):
    return {
        "kind": "event",
        "user": user,
        "time": shop.START + 1000 * number,
        "id": str(number) if event_id is None else event_id,
        "properties": properties,
    }


class Suggest(unittest.TestCase):
    def setUp(self):
        self.server = Server(OPTIONS.server).start()
        self.addCleanup(self.server.close)
        self.project = "projects/suggest"
        project_pb2_grpc.ProjectServiceStub(self.server.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="suggest"), timeout=SECONDS
        )
        self.defined = 0

    def stub(self):
        return definition_pb2_grpc.DefinitionServiceStub(self.server.channel)

    def load(self, rows):
        (ack,) = ingest_all(self.server.channel, self.project, "rows", [ndjson(rows)])
        self.assertEqual(ack.accepted, len(rows), ack)

    def ask(self, user, event_id, **fields):
        request = suggest_pb2.SuggestDefinitionsRequest(user=user, event_id=event_id, **fields)
        request.scope.project = self.project
        return self.stub().SuggestDefinitions(request, timeout=SECONDS)

    def refused(self, *event, **fields):
        with self.assertRaises(grpc.RpcError) as caught:
            self.ask(*event, **fields)
        return Details(caught.exception)

    def means(self, user, event_id):
        """The definitions that an event means."""
        reply = query_pb2_grpc.QueryServiceStub(self.server.channel).ListEvents(
            event_list_pb2.ListEventsRequest(
                parent=self.project, user=user, with_definitions=True, page_size=1000
            ),
            timeout=SECONDS,
        )
        (one,) = [event for event in reply.events if event.id == event_id and event.user == user]
        return list(one.definitions)

    def use(self, user, event_id, **fields):
        """Previews and defines all that is suggested; asked again, each names its definition."""
        reply = self.ask(user, event_id, **fields)
        names = []
        for one in reply.suggestions:
            request = preview_pb2.PreviewDefinitionRequest(predicate=one.predicate)
            request.scope.project = self.project
            request.scope.range.CopyFrom(reply.info.range)
            preview = self.stub().PreviewDefinition(request, timeout=SECONDS)
            self.assertEqual(
                (preview.event_count, preview.user_count), (one.event_count, one.user_count), one
            )
            self.defined += 1
            request = definition_pb2.CreateDefinitionRequest(
                parent=self.project, definition_id=f"s{self.defined:05}"
            )
            request.definition.display_name = one.label
            request.definition.predicate.CopyFrom(one.predicate)
            names.append(self.stub().CreateDefinition(request, timeout=SECONDS).definition.name)
        again = self.ask(user, event_id, **fields)
        self.assertEqual(
            [list(one.definitions) for one in again.suggestions],
            [list(one.definitions) + [name] for one, name in zip(reply.suggestions, names)],
        )
        self.assertLessEqual(set(names), set(self.means(user, event_id)))
        counts = [one.event_count for one in reply.suggestions]
        self.assertEqual(counts, sorted(counts))
        return reply

    def test_odd_texts(self):
        """Each text is unlike all others, and each suggestion is about the event all the same."""
        rows = []
        for text in ODD:
            for tag in ("i", "i", "a"):
                chain = ";".join([element("i", text), "li", element(tag, text), "html"])
                rows.append(
                    event("u", len(rows), type="click", text=text, path="/" + text, element_chain=chain)
                )
            rows.append(event("u", len(rows), type="view", url=f"https://h.example/1/{text}?{text}"))
            rows.append(event("v", len(rows), type=text, note=text, flag=True))
        rows.append(event("v", len(rows), type="x" * 256, note="ü" * 128))
        self.load(rows)
        for row in rows:
            reply = self.use(row["user"], row["id"])
            self.assertEqual(reply.event.id, row["id"])
            self.assertTrue(reply.suggestions)
            self.assertTrue(all(0 < len(one.label.encode()) <= 256 for one in reply.suggestions))
        labels = [one.label for one in self.ask("v", rows[-1]["id"]).suggestions]
        self.assertEqual(labels, ["x" * 256])

    def test_which_event(self):
        """The user is the one as sent, also of joined ones; an id is made up where none was sent."""
        self.load(
            [
                event("u", 1, type="a"),
                event("v", 1, type="b"),
                event("v", 2, "", type="c"),
                event("v", 2, "", type="c"),
                event("w", 7, 7, type="d"),
                {"kind": "alias", "left": "u", "right": "v"},
            ]
        )
        self.assertEqual([one.label for one in self.use("u", "1").suggestions], ["a"])
        self.assertEqual([one.label for one in self.use("v", "1").suggestions], ["b"])
        self.assertEqual(self.refused("u", "7").fields, ["event_id"])
        listed = query_pb2_grpc.QueryServiceStub(self.server.channel).ListEvents(
            event_list_pb2.ListEventsRequest(parent=self.project, user="u"), timeout=SECONDS
        )
        self.assertEqual(listed.events[-1].id[0], "~")
        (one,) = self.ask("v", listed.events[-1].id).suggestions
        self.assertEqual((one.label, one.event_count, one.user_count), ("c", 2, 1))
        (one,) = self.ask("w", "7").suggestions
        self.assertEqual(one.label, "d")

    def test_derived_name(self):
        """A derived property hides what was stored: suggestions ask for what the name means."""
        request = property_pb2.CreateDerivedPropertyRequest(
            parent=self.project, derived_property_id="type"
        )
        request.derived_property.property.event_property = "type"
        request.derived_property.steps.add().lower_case.SetInParent()
        property_pb2_grpc.PropertyServiceStub(self.server.channel).CreateDerivedProperty(
            request, timeout=SECONDS
        )
        self.load([event("u", 1, type="Buy"), event("v", 2, type="BUY"), event("v", 3, type="sell")])
        (one,) = self.use("u", "1").suggestions
        self.assertEqual((one.label, one.event_count), ("buy", 2))
        self.assertEqual(one.predicate.leaf.equals.string_value, "buy")

    def test_nothing_to_say(self):
        self.load([event("u", 1, price=7), event("u", 2, type="click", element_chain="not a chain")])
        self.assertEqual(len(self.ask("u", "1").suggestions), 0)
        self.assertEqual([one.label for one in self.ask("u", "2").suggestions], ["click"])

    def test_errors(self):
        self.load([event("u", 1, type="a")])
        cases = [
            (("x", "1"), {}, "NOT_FOUND", "user", "x"),
            (("u", "2"), {}, "NOT_FOUND", "event_id", "2"),
            (("", "1"), {}, "INVALID_ARGUMENT", "user", ""),
            (("u", ""), {}, "INVALID_ARGUMENT", "event_id", ""),
            (("u", "1"), {"limit": 33}, "INVALID_ARGUMENT", "limit", ""),
            (("u", "1"), {"facts": {"path": "p" * 257}}, "INVALID_ARGUMENT", "facts.path", ""),
            (("u", "1"), {"scope": {"entity_property": "a"}}, "INVALID_ARGUMENT", "scope.entity_property", ""),
            (("u", "1"), {"scope": {"as_of_ms": shop.START}}, "NOT_FOUND", "event_id", "1"),
        ]
        for asked, fields, code, field, resource in cases:
            found = self.refused(*asked, **fields)
            self.assertEqual((found.code, found.fields), (code, [field]), found)
            self.assertEqual(found.resource, resource)


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
