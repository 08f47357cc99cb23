#!/usr/bin/python3
"""Entities from outside: pages that survive arrivals, whose handles go where; that as many are behind
a number as it says is asserted by the oracle."""

import random
import sys
import time
import unittest

from harness import Details, options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

import grpc

import shop
from columnar import ndjson
from ingest import ingest_all
from server import Server
from recount.v1 import (
    cell_pb2,
    correlation_pb2,
    entity_list_pb2,
    event_list_pb2,
    funnel_pb2,
    project_pb2,
    project_pb2_grpc,
    property_list_pb2,
    property_pb2_grpc,
    property_list_pb2,
    property_pb2_grpc,
    query_pb2_grpc,
    scope_pb2,
    segment_pb2,
    segment_pb2_grpc,
    segment_rule_pb2,
    series_pb2,
    user_list_pb2,
)

PROJECT = "projects/entities"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
SERVER = None


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server).start()
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id="entities"), timeout=30
    )
    ingest_all(SERVER.channel, PROJECT, "rows", [ndjson([event(user, user % 7) for user in range(20)])])


def tearDownModule():
    SERVER.stop()


def event(user, org, **properties):
    return {
        "kind": "event",
        "user": f"u{user}",
        "time": shop.START + user,
        "id": f"{user}/{org}",
        "properties": {"org": org, "type": f"t{user % 2}"} | properties,
    }


def queries():
    return query_pb2_grpc.QueryServiceStub(SERVER.channel)


class LargePages(unittest.TestCase):
    """Pages of what is large fit what clients take unless they are told otherwise."""

    COUNT = 80

    @classmethod
    def setUpClass(cls):
        projects = project_pb2_grpc.ProjectServiceStub(SERVER.channel)
        projects.CreateProject(project_pb2.CreateProjectRequest(project_id="large"), timeout=30)
        rows = []
        for number in range(cls.COUNT):
            text = {"note": f"{number}" + "x" * 60_000}
            time = shop.START + number
            rows += [
                event(0, number, **text) | {"time": time},
                {"kind": "set", "user": f"v{number:02}", "time": time, "set": text},
                {"kind": "account", "key": "org", "account": number, "time": time, "set": text},
            ]
        ingest_all(SERVER.channel, "projects/large", "rows", [ndjson(rows)])

    def pages(self, method, field, request):
        """The names or ids of what is listed, page by page, to a client that takes 4 MiB."""
        pages = []
        with grpc.insecure_channel(SERVER.address) as channel:
            while not pages or request.page_token:
                reply = getattr(query_pb2_grpc.QueryServiceStub(channel), method)(request, timeout=60)
                pages.append(list(getattr(reply, field)))
                request.page_token = reply.next_page_token
        self.assertGreater(len(pages), 2)
        return [one for page in pages for one in page]

    def test_events(self):
        request = event_list_pb2.ListEventsRequest(parent="projects/large", user="u0")
        found = self.pages("ListEvents", "events", request)
        self.assertEqual([one.id for one in found], [f"0/{number}" for number in range(self.COUNT)])

    def test_values(self):
        request = property_list_pb2.ListPropertyValuesRequest(
            scope={"project": "projects/large"}, property={"event_property": "note"})
        with grpc.insecure_channel(SERVER.address) as channel:
            stub = property_pb2_grpc.PropertyServiceStub(channel)
            reply = stub.ListPropertyValues(request, timeout=60)
        texts = sorted(str(number) + "x" * 60_000 for number in range(self.COUNT))
        self.assertTrue(reply.has_more)
        self.assertGreater(len(reply.values), 30)
        self.assertEqual([one.value.string_value for one in reply.values], texts[: len(reply.values)])

    def test_users(self):
        request = user_list_pb2.ListUsersRequest(scope=scope_pb2.Scope(project="projects/large"))
        found = self.pages("ListUsers", "users", request)
        names = ["u0"] + [f"v{number:02}" for number in range(self.COUNT)]
        self.assertEqual([one.user for one in found], names)

    def test_entities(self):
        scope = scope_pb2.Scope(project="projects/large", entity_property="org")
        request = entity_list_pb2.ListEntitiesRequest(scope=scope)
        found = self.pages("ListEntities", "entities", request)
        self.assertEqual([one.entity.int_value for one in found], list(range(self.COUNT)))


class Entities(unittest.TestCase):
    def series(self, entity="org", by=None):
        request = series_pb2.SeriesRequest(scope=shop.scope(PROJECT, shop.START + 30 * shop.DAY))
        request.scope.entity_property = entity
        request.series.add(selector=shop.of_type("t1"), measure=series_pb2.SERIES_MEASURE_UNIQUE_USERS)
        if by is not None:
            request.breakdown.dimensions.add().property.event_property = by
        return queries().Series(request, timeout=30)

    def cell(self, reply):
        return cell_pb2.Cell(handle=reply.info.cell_handle, series=cell_pb2.SeriesCell())

    def list(self, **fields):
        scope = scope_pb2.Scope(project=PROJECT, entity_property="org")
        return queries().ListEntities(
            entity_list_pb2.ListEntitiesRequest(scope=scope, **fields), timeout=30
        )

    def refused(self, code, field, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        self.assertEqual(Details(caught.exception).fields, [field])

    def test_behind_a_number(self):
        reply = self.series()
        found = self.list(cell=self.cell(reply))
        self.assertEqual(found.entity_count, reply.series[0].rows[-1].total)
        self.assertEqual([one.entity.int_value for one in found.entities], list(range(7)))
        # Those that are behind it are listed whatever counts: of t0 the organisations have others.
        counted = self.list(cell=self.cell(reply), selector=shop.of_type("t0"))
        self.assertEqual(len(counted.entities), 7)
        self.assertEqual(sum(one.event_count for one in counted.entities), 10)

    def test_whose_handle_goes_where(self):
        of_orgs, of_users = self.series(), self.series(entity="")
        rule = segment_rule_pb2.SegmentRule(cell=self.cell(of_orgs))
        scope = scope_pb2.Scope(project=PROJECT)
        scope.segment.rule.CopyFrom(rule)
        segments = segment_pb2_grpc.SegmentServiceStub(SERVER.channel)
        self.refused(INVALID, "scope.segment.rule.cell.handle", lambda: segments.CountSegment(
            segment_pb2.CountSegmentRequest(scope=scope), timeout=30))
        saved = segment_pb2.CreateSegmentRequest(
            parent=PROJECT, segment_id="orgs", segment=segment_pb2.Segment(rule=rule))
        self.refused(INVALID, "segment.rule.cell.handle", lambda: segments.CreateSegment(saved, timeout=30))
        for reply in (of_users, self.series(entity="type")):
            self.refused(INVALID, "cell.handle", lambda reply=reply: self.list(cell=self.cell(reply)))
        beyond = self.cell(of_orgs)
        beyond.row = 1
        self.refused(INVALID, "cell.row", lambda: self.list(cell=beyond))

    def test_pages_survive_arrivals(self):
        first = self.list(page_size=3)
        self.assertEqual([one.entity.int_value for one in first.entities], [0, 1, 2])
        other = {"selector": shop.of_type("t1"), "page_token": first.next_page_token}
        self.refused(INVALID, "page_token", lambda: self.list(**other))
        rows = [event(50, 1.5), event(51, 4.5), event(52, 2), event(53, "x"), event(54, True)]
        ingest_all(SERVER.channel, PROJECT, "more", [ndjson(rows)])
        second = self.list(page_size=3, page_token=first.next_page_token)
        third = self.list(page_size=9, page_token=second.next_page_token)
        found = [one.entity for one in [*second.entities, *third.entities]]
        self.assertEqual([one.WhichOneof("kind") for one in found][-1], "string_value")
        numbers = [one.int_value or one.double_value for one in found[:-1]]
        self.assertEqual(numbers, [3, 4, 4.5, 5, 6])
        self.assertEqual(third.next_page_token, "")

    def test_pages_of_one_moment(self):
        """The moment of the first page's reply, sent with the next ones: of each list."""
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="moment"), timeout=30
        )
        project = "projects/moment"
        rows = [event(user, user, **{f"p{user}": 1}) for user in range(4)] + [event(0, 9), event(0, 10)]
        ingest_all(SERVER.channel, project, "rows", [ndjson(rows)])
        scope = scope_pb2.Scope(project=project)
        segments = segment_pb2_grpc.SegmentServiceStub(SERVER.channel)
        properties = property_pb2_grpc.PropertyServiceStub(SERVER.channel)
        of_orgs = scope_pb2.Scope(project=project, entity_property="org")
        lists = (
            (queries().ListUsers, user_list_pb2.ListUsersRequest(scope=scope), "users"),
            (segments.ListSegmentUsers, segment_pb2.ListSegmentUsersRequest(scope=scope), "users"),
            (queries().ListEntities, entity_list_pb2.ListEntitiesRequest(scope=of_orgs), "entities"),
            (queries().ListEvents, event_list_pb2.ListEventsRequest(parent=project, user="u0"), "events"),
            (properties.ListProperties, property_list_pb2.ListPropertiesRequest(scope=scope), "properties"),
        )
        pages = []
        for call, request, field in lists:
            request.page_size = 2
            pages.append(call(request, timeout=30))
        later = int(time.time() * 1000) + shop.DAY // 2
        more = [dict(event(user, 20 + user, **{f"q{user}": 1}), time=later) for user in (0, 7, 8)]
        ingest_all(SERVER.channel, project, "more", [ndjson(more)])
        for (call, request, field), page in zip(lists, pages):
            with self.subTest(call=field):
                moment = getattr(request, "scope", request)
                moment.as_of_ms = page.info.as_of_ms
                found, whole = list(getattr(page, field)), type(request)()
                whole.CopyFrom(request)
                whole.page_size = 100
                while page.next_page_token:
                    request.page_token = page.next_page_token
                    page = call(request, timeout=30)
                    found += getattr(page, field)
                self.assertEqual(found, list(getattr(call(whole, timeout=30), field)))
                self.assertLess(len(found), 10)

    def test_late_events(self):
        reply = self.series(by="odd")
        ingest_all(SERVER.channel, PROJECT, "late", [ndjson([event(61, 3, odd="o", type="t1")])])
        self.refused(grpc.StatusCode.ABORTED, "cell.handle", lambda: self.list(cell=self.cell(reply)))


class Correlations(unittest.TestCase):
    """Of entities: where each user is an entity, what goes with converting is what it is of users."""

    PROJECT = "projects/correlation"

    @classmethod
    def setUpClass(cls):
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="correlation"), timeout=30)
        rng = random.Random(7)
        rows = [
            event(user, user % 5, me=f"m{user}", type=rng.choice(["in", "buy", "look", "help"]),
                  tags=rng.choice([["a", "b"], ["b"], "c", None])) | {"id": str(at)}
            for at, user in enumerate(rng.choices(range(40), k=150))
        ]
        rows += [{"kind": "set", "user": f"u{user}", "time": shop.START, "set": {"plan": user % 3}}
                 for user in range(0, 40, 2)]
        ingest_all(SERVER.channel, cls.PROJECT, "rows", [ndjson(rows)])

    def scope(self, entity):
        scope = shop.scope(self.PROJECT, shop.START + 30 * shop.DAY)
        scope.entity_property = entity
        return scope

    def funnel_cells(self, entity):
        """Who came in, and who bought afterwards."""
        request = funnel_pb2.FunnelRequest(scope=self.scope(entity))
        for name in ("in", "buy"):
            request.steps.add(selector=shop.of_type(name))
        handle = queries().Funnel(request, timeout=30).info.cell_handle
        return [cell_pb2.Cell(handle=handle, funnel=cell_pb2.FunnelCell(step=step)) for step in (1, 2)]

    def request(self, entity):
        request = correlation_pb2.CorrelationRequest(scope=self.scope(entity), top=1000)
        for name in ("look", "help"):
            request.events.append(shop.of_type(name))
        for name in ("org", "tags", "type"):
            request.properties.add().event_property = name
        entered, bought = self.funnel_cells(entity)
        if entity:
            request.population_cell.CopyFrom(entered)
            request.converted_cell.CopyFrom(bought)
        else:
            request.scope.segment.rule.cell.CopyFrom(entered)
            request.converted.rule.cell.CopyFrom(bought)
        return request

    def test_as_of_users(self):
        of_users, of_entities = [
            queries().Correlation(self.request(entity), timeout=30) for entity in ("", "me")
        ]
        self.assertGreater(of_users.converted_users, 3)
        self.assertGreater(len(of_users.candidates), 8)
        for reply in (of_users, of_entities):
            reply.ClearField("info")
        self.assertEqual(of_users, of_entities)

    def test_by_hand(self):
        """Organisations: each has all kinds of events, so all of them convert or none is left."""
        request = self.request("org")
        request.ClearField("population_cell")
        reply = queries().Correlation(request, timeout=30)
        self.assertEqual((reply.users, reply.converted_users), (5, 5))
        request.properties.add().user_property = "plan"
        request.scope.segment.rule.user_property.property.user_property = "plan"
        request.scope.segment.rule.user_property.equals.int_value = 0
        reply = queries().Correlation(request, timeout=30)
        plans = {one.property.value.int_value: one.converted_users
                 for one in reply.candidates if one.property.property == 3}
        self.assertEqual(plans, {0: 5})  # Of the events that count everybody has this plan.

    def test_who_they_are(self):
        reply = queries().Correlation(self.request("me"), timeout=30)
        scope = scope_pb2.Scope(project=self.PROJECT, entity_property="me")
        parts = [(cell_pb2.COMPARED_USERS_CONVERTED, "converted_users"),
                 (cell_pb2.COMPARED_USERS_OTHERS, "other_users")]
        for place, candidate in enumerate(reply.candidates):
            for users, name in parts:
                cell = cell_pb2.Cell(handle=reply.info.cell_handle, row=place)
                cell.correlation.users = users
                listed = queries().ListEntities(
                    entity_list_pb2.ListEntitiesRequest(scope=scope, cell=cell), timeout=30)
                self.assertEqual(listed.entity_count, getattr(candidate, name), candidate)

    def test_what_is_refused(self):
        def refused(field, change, entity="me"):
            request = self.request(entity)
            change(request)
            with self.assertRaises(grpc.RpcError) as caught:
                queries().Correlation(request, timeout=30)
            self.assertEqual(caught.exception.code(), INVALID, caught.exception.details())
            self.assertEqual(Details(caught.exception).fields, [field])

        refused("converted_cell", lambda request: request.ClearField("converted_cell"))
        refused("converted", lambda request: request.converted.rule.all_of.SetInParent())
        refused("population_cell", lambda request: request.population_cell.CopyFrom(
            self.funnel_cells("org")[0]), entity="")
        refused("converted_cell.handle", lambda request: request.converted_cell.CopyFrom(
            self.funnel_cells("org")[1]))
        refused("converted_cell.step", lambda request: setattr(
            request.converted_cell.funnel, "step", 9))


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
