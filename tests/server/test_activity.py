#!/usr/bin/python3
"""What queries do: their plans, hints, statements, the list of those that run, and an end to one."""

import threading
import time
import unittest

from recountd import Server, admin_pb2, details_of, grpc, project_pb2

from recount.v1 import (  # noqa: E402  (after recountd, which sets the path)
    activity_pb2,
    entity_list_pb2,
    event_list_pb2,
    explain_pb2,
    funnel_pb2,
    lifecycle_pb2,
    paths_pb2,
    property_pb2,
    property_pb2_grpc,
    retention_pb2,
    scope_pb2,
    segment_pb2,
    series_pb2,
    sessions_pb2,
    stickiness_pb2,
    user_list_pb2,
)

PROJECT = "projects/p"
ROWS = 40000
DAY_MS = 86400000
END_MS = 60 * DAY_MS
SECONDS = 60
NAMES = ("view", "click", "buy")


def selector(message, name):
    leaf = message.terms.add().predicate.leaf
    leaf.property.event_property = "name"
    leaf.equals.string_value = name


def scope(message, **hints):
    message.project = PROJECT
    message.range.end_ms = END_MS
    if hints:
        message.hints.CopyFrom(scope_pb2.QueryHints(**hints))


def funnel(*names, **hints):
    request = funnel_pb2.FunnelRequest(window_ms=7 * DAY_MS)
    scope(request.scope, **hints)
    for name in names or NAMES:
        selector(request.steps.add().selector, name)
    return request


def series(name="view", **hints):
    request = series_pb2.SeriesRequest()
    scope(request.scope, **hints)
    request.bucket.unit = 4
    one = request.series.add()
    selector(one.selector, name)
    return request


def all_kinds():
    """A request of every call, by its field in ExplainRequest."""
    retention = retention_pb2.RetentionRequest()
    scope(retention.scope)
    retention.period.unit = 5
    selector(retention.start_event, "view")
    selector(retention.return_event, "buy")
    lifecycle = lifecycle_pb2.LifecycleRequest()
    stickiness = stickiness_pb2.StickinessRequest()
    for request in (lifecycle, stickiness):
        scope(request.scope)
        request.bucket.unit = 5
        selector(request.selector, "view")
    sessions = sessions_pb2.SessionsRequest()
    scope(sessions.scope)
    sessions.bucket.unit = 5
    paths = paths_pb2.PathsRequest(property="name")
    scope(paths.scope)
    users = user_list_pb2.ListUsersRequest()
    scope(users.scope)
    selector(users.selector, "buy")
    entities = entity_list_pb2.ListEntitiesRequest()
    scope(entities.scope)
    entities.scope.entity_property = "name"
    events = event_list_pb2.ListEventsRequest(parent=PROJECT, user="u7")
    return {
        "funnel": funnel(),
        "retention": retention,
        "series": series(),
        "lifecycle": lifecycle,
        "stickiness": stickiness,
        "sessions": sessions,
        "paths": paths,
        "list_users": users,
        "list_entities": entities,
        "list_events": events,
    }


class Activity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--slow-query-ms=1", "--slow-batch-ms=1")
        cls.server.projects.CreateProject(
            project_pb2.CreateProjectRequest(project_id="p"), timeout=SECONDS)
        lines = [
            '{"user":"u%d","time":%d,"id":"%d","properties":{"name":"%s","n":%d,"count":%d,"url":"/%d/%s"}}'
            % (i % 997, i * (END_MS // ROWS), i, NAMES[i * i % 7 % 3], i % 50, i % 7, i, "x" * 60)
            for i in range(ROWS)
        ]
        for at in range(0, ROWS, 10000):
            cls.server.ingest_lines("p", "s", at // 10000 + 1, lines[at:at + 10000])
        cls.server.admin.CreateSnapshot(admin_pb2.CreateSnapshotRequest(), timeout=SECONDS)
        # The snapshot's slabs are what the next start has.
        cls.server.stop()
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def explain(self, kind, request, **options):
        asked = explain_pb2.ExplainRequest(**options)
        getattr(asked, kind).CopyFrom(request)
        return self.server.queries.Explain(asked, timeout=SECONDS).plan

    def refused(self, code, field, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        violations = details_of(caught.exception)["BadRequest"].field_violations
        self.assertEqual([one.field for one in violations], [field])

    def test_every_kind_is_explained(self):
        for kind, request in all_kinds().items():
            for analyze in (False, True):
                with self.subTest(kind=kind, analyze=analyze):
                    plan = self.explain(kind, request, analyze=analyze, slabs=True)
                    self.assertEqual(plan.executed, analyze)
                    self.assertTrue(plan.text.startswith(kind))
                    self.assertEqual("actual" in plan.text, analyze)
                    self.assertGreater(len(plan.parts), 0)
                    for part in plan.parts:
                        for one in part.selectors:
                            self.assertEqual(sum(way.slabs_chosen for way in one.ways), one.slabs)
                            self.assertEqual(len(one.slab_plans), one.slabs)
                            for way in one.ways:
                                lost = sum(reason.slabs for reason in way.lost)
                                self.assertEqual(way.slabs_chosen + lost, one.slabs)

    def test_a_plan_that_is_not_run_keeps_nothing(self):
        name = "never asked"
        for _ in range(2):
            plan = self.explain("funnel", funnel(name))
            ways = {way.access_path: way for way in plan.parts[0].selectors[0].ways}
            self.assertEqual(ways[scope_pb2.ACCESS_PATH_BITMAP].slabs_possible, 0)

    def test_info_has_the_plan(self):
        reply = self.server.queries.Funnel(funnel(explain=True), timeout=SECONDS)
        self.assertTrue(reply.info.plan.executed)
        self.assertIn("steps[2].selector", reply.info.plan.text)
        again = self.server.queries.Funnel(funnel(explain=True), timeout=SECONDS)
        for one in again.info.plan.parts[0].selectors:
            self.assertEqual(one.bitmaps_built, 0)
            self.assertEqual(one.events_estimate, one.events_actual)
        plain = self.server.queries.Funnel(funnel(), timeout=SECONDS)
        self.assertFalse(plain.info.HasField("plan"))

    def test_a_walk_says_how_many_events_it_was_fed_or_read(self):
        for feed in (scope_pb2.FEED_HINT_EVENTS, scope_pb2.FEED_HINT_ROWS):
            for measure in (series_pb2.SERIES_MEASURE_EVENTS, series_pb2.SERIES_MEASURE_UNIQUE_USERS):
                with self.subTest(feed=feed, measure=measure):
                    request = series(explain=True, feed=feed)
                    request.series[0].measure = measure
                    info = self.server.queries.Series(request, timeout=SECONDS).info
                    walks = [walk for part in info.plan.parts for walk in part.walks]
                    self.assertEqual(sum(walk.events_actual for walk in walks), info.statistics.events_matched)

    def test_a_histogram_beside_an_earlier_one_reads_rows(self):
        replies = {}
        for feed in (scope_pb2.FEED_HINT_EVENTS, scope_pb2.FEED_HINT_ROWS):
            request = series(explain=True, feed=feed)
            request.scope.range.start_ms = END_MS // 2
            request.comparison.previous_period.SetInParent()
            request.series[0].measure = series_pb2.SERIES_MEASURE_PROPERTY_HISTOGRAM
            request.series[0].property, request.series[0].histogram_bins = "n", 7
            reply = self.server.queries.Series(request, timeout=SECONDS)
            replies[feed] = reply.series
            walks = [walk for part in reply.info.plan.parts for walk in part.walks]
            feeds = [one.rows for part in reply.info.plan.parts for one in part.feeds]
            self.assertEqual(set(feeds), {feed == scope_pb2.FEED_HINT_ROWS})
            spread = [walk for walk in walks if walk.purpose == "the spread of a property"]
            self.assertEqual(spread == [], feed == scope_pb2.FEED_HINT_ROWS, [w.purpose for w in walks])
        self.assertEqual(*replies.values())
        self.assertEqual(len(replies[feed][0].rows[0].histograms), 30)

    def test_a_plan_sums_up_the_time_of_its_parts(self):
        plan = self.server.queries.Funnel(funnel(explain=True), timeout=SECONDS).info.plan
        walks = [walk for part in plan.parts for walk in part.walks]
        selectors = [selector for part in plan.parts for selector in part.selectors]
        self.assertAlmostEqual(plan.estimate_nanos, sum(one.estimate_nanos for one in walks + selectors))
        self.assertEqual(plan.actual_nanos, sum(one.actual_nanos for one in selectors)
                         + sum(sum(walk.thread_nanos) for walk in walks))
        self.assertTrue(all(walk.purpose for walk in walks))

    def test_a_plan_that_is_run_is_the_one_without_explain(self):
        """Many selectors that have no bitmap are found together, whether somebody wants to see it or not."""
        request = funnel(*["all new %d" % i for i in range(9)], "view", explain=True)
        for i in range(9):
            leaf = request.steps[i].selector.terms[0].predicate.leaf
            leaf.property.event_property = "name"
            leaf.regex = "^(v.*|together %d)$" % i
        first, again = (self.server.queries.Funnel(request, timeout=SECONDS) for _ in range(2))
        self.assertEqual(first.rows, again.rows)
        for one, found in zip(first.info.plan.parts[0].selectors[:9], again.info.plan.parts[0].selectors):
            self.assertGreater(one.bitmaps_built, 0)
            self.assertEqual(one.bitmaps_built_together, one.bitmaps_built)
            self.assertEqual(one.bitmaps_reused, 0)
            self.assertGreater(one.actual_nanos, 0)
            self.assertEqual(found.bitmaps_reused, one.bitmaps_built)
            self.assertEqual(found.bitmaps_built, 0)
        self.assertIn("in one pass with others", first.info.plan.text)

    def test_hints_are_followed_or_refused(self):
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        call = self.server.queries.Funnel
        self.refused(invalid, "scope.hints.access_path", lambda: call(
            funnel("not kept", access_path=scope_pb2.ACCESS_PATH_BITMAP), timeout=SECONDS))
        self.refused(invalid, "scope.hints.parallel", lambda: call(
            funnel(parallel=10000), timeout=SECONDS))
        by_rows = funnel(feed=scope_pb2.FEED_HINT_ROWS)
        self.assertEqual(call(by_rows, timeout=SECONDS).rows, call(funnel(), timeout=SECONDS).rows)
        by_rows.order = funnel_pb2.FUNNEL_ORDER_UNORDERED
        self.refused(invalid, "scope.hints.feed", lambda: call(by_rows, timeout=SECONDS))
        self.refused(invalid, "scope.hints.selectors[0].selector", lambda: call(
            funnel(selectors=[scope_pb2.SelectorHint(selector="steps[9].selector")]),
            timeout=SECONDS))
        self.refused(invalid, "scope.hints.selectors", lambda: call(
            funnel(selectors=[scope_pb2.SelectorHint(selector="x")] * 65), timeout=SECONDS))
        self.refused(invalid, "scope.hints.forbidden_access_paths", lambda: call(
            funnel(forbidden_access_paths=[1, 2, 3, 4, 5]), timeout=SECONDS))
        call(funnel(selectors=[scope_pb2.SelectorHint(
            selector="steps[1].selector", access_path=scope_pb2.ACCESS_PATH_SCAN)] * 64),
            timeout=SECONDS)
        one = funnel("scan me", explain=True, access_path=scope_pb2.ACCESS_PATH_SCAN_ONCE)
        for _ in range(2):
            plan = call(one, timeout=SECONDS).info.plan
            self.assertEqual(plan.parts[0].selectors[0].bitmaps_kept, 0)
            self.assertGreater(plan.parts[0].selectors[0].bitmaps_built, 0)
        self.refused(invalid, "funnel.scope.hints.parallel", lambda: self.explain(
            "funnel", funnel(parallel=10000)))
        self.refused(invalid, "query", lambda: self.server.queries.Explain(
            explain_pb2.ExplainRequest(), timeout=SECONDS))

    def test_columns_of_derived_properties_are_kept_as_hints_say(self):
        derived = property_pb2.DerivedProperty()
        derived.formula.expression = "A * B"
        for name in ("n", "count"):
            derived.formula.properties.add(event_property=name)
        def properties():
            return property_pb2_grpc.PropertyServiceStub(self.server.channel)

        properties().CreateDerivedProperty(property_pb2.CreateDerivedPropertyRequest(
            parent=PROJECT, derived_property_id="revenue", derived_property=derived), timeout=SECONDS)

        def ask(least=None, **hints):
            request = series(explain=True, **hints)
            one = request.series[0]
            if least is None:
                one.property = "revenue"
                one.measure = series_pb2.SERIES_MEASURE_PROPERTY_SUM
            else:
                leaf = one.selector.terms[0].predicate.leaf
                leaf.Clear()
                leaf.property.event_property = "revenue"
                leaf.greater_or_equal.int_value = least
            reply = self.server.queries.Series(request, timeout=SECONDS)
            parts = reply.info.plan.parts
            built = sum(part.derived_columns_built for part in parts)
            reused = sum(part.derived_columns_reused for part in parts)
            if len(parts) == 1 and built + reused > 0:
                self.assertIn("columns of derived properties: %d reused, %d built" % (reused, built),
                              reply.info.plan.text)
            return built, reused, reply.series

        def kept_bytes():
            return self.server.admin.GetStatistics(admin_pb2.GetStatisticsRequest(project=PROJECT), timeout=SECONDS
                                                   ).projects[0].memory.derived_column_bytes

        nothing = scope_pb2.CACHE_HINT_KEEP_NOTHING
        for least in (None, 11):
            with self.subTest(least=least):
                for _ in range(2):
                    built, reused, first = ask(least, cache=nothing)
                    self.assertEqual((built > 0, reused), (True, 0))
                self.assertEqual(kept_bytes(), 0)
                once = scope_pb2.ACCESS_PATH_SCAN_ONCE
                if least is not None:
                    for _ in range(2):
                        self.assertEqual(ask(least, access_path=once), (built, 0, first))
                    self.assertEqual(kept_bytes(), 0)
                self.assertEqual(ask(least), (built, 0, first))
                self.assertGreaterEqual(kept_bytes(), ROWS)
                self.assertLess(kept_bytes(), 4 * ROWS)
                # What there is is used, whatever is to be kept; another leaf finds it too.
                self.assertEqual(ask(least, cache=nothing, access_path=scope_pb2.ACCESS_PATH_SCAN if least else 0),
                                 (0, built, first))
                self.assertEqual(ask(12)[:2], (0, built))
                # Changed, the property is another one.
                derived.name = PROJECT + "/derivedProperties/revenue"
                derived.formula.expression = "A * B + 1"
                properties().UpdateDerivedProperty(property_pb2.UpdateDerivedPropertyRequest(
                    derived_property=derived), timeout=SECONDS)
                changed = ask(least)
                self.assertEqual(changed[:2], (built, 0))
                self.assertNotEqual(changed[2], first)
                derived.formula.expression = "A * B"
                properties().UpdateDerivedProperty(property_pb2.UpdateDerivedPropertyRequest(
                    derived_property=derived), timeout=SECONDS)
                self.assertEqual(ask(least)[2], first)
                # A restart stores none of it, as with all that can be made again.
                self.server.stop()
                self.server.start()

    def statements(self, **options):
        return self.server.admin.ListStatements(
            activity_pb2.ListStatementsRequest(**options), timeout=SECONDS).statements

    def test_statements_are_counted_by_shape(self):
        self.server.admin.ResetStatements(
            activity_pb2.ResetStatementsRequest(), timeout=SECONDS)
        self.assertEqual(len(self.statements()), 0)
        for names in (NAMES, ("click", "buy", "view"), ("a", "b", "c")):
            self.server.queries.Funnel(funnel(*names), timeout=SECONDS)
        self.server.queries.Funnel(funnel("view", "buy"), timeout=SECONDS)
        with self.assertRaises(grpc.RpcError):
            self.server.queries.Funnel(funnel(parallel=10000), timeout=SECONDS)
        found = self.statements(project=PROJECT, order=activity_pb2.STATEMENT_ORDER_CALLS)
        self.assertEqual([one.calls for one in found], [4, 1])
        first = found[0]
        self.assertEqual(first.call, "QueryService.Funnel")
        self.assertEqual(first.failed_calls, 1)
        self.assertIn('event_property: name', first.shape)
        self.assertNotIn("click", first.shape)
        self.assertGreater(first.events_matched, 0)
        self.assertLessEqual(first.p50_micros, first.p95_micros)
        self.assertLessEqual(first.p95_micros, first.p99_micros)
        self.assertLessEqual(first.p99_micros, first.max_micros + 1)
        self.assertAlmostEqual(first.mean_micros * first.calls, first.total_micros, delta=4)
        self.assertEqual(len(self.statements(project="projects/none")), 0)
        self.assertEqual(len(self.statements(page_size=1)), 1)
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "page_size",
                     lambda: self.statements(page_size=-1))
        self.assertEqual(self.server.admin.ResetStatements(
            activity_pb2.ResetStatementsRequest(), timeout=SECONDS).forgotten_statements, 2)

    def test_a_running_query_is_listed_and_cancelled(self):
        """Queries are asked until one of them is caught in the act."""
        over = threading.Event()
        codes = []

        def ask():
            number = 0
            while not over.is_set():
                number += 1
                request = funnel(access_path=scope_pb2.ACCESS_PATH_SCAN_ONCE)
                for step in range(40):
                    one = request.steps.add().selector.terms.add().predicate.leaf
                    one.property.event_property = "url"
                    one.regex = "x{%d}.*%d" % (step + 1, number)
                try:
                    self.server.queries.Funnel(request, timeout=SECONDS)
                except grpc.RpcError as error:
                    codes.append(error.code())

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        seen = []
        until = time.monotonic() + SECONDS
        while not codes and time.monotonic() < until:
            for one in self.server.admin.ListQueries(
                    activity_pb2.ListQueriesRequest(project=PROJECT), timeout=SECONDS).queries:
                seen.append(one)
                try:
                    self.server.admin.CancelQuery(
                        activity_pb2.CancelQueryRequest(query_id=one.query_id), timeout=SECONDS)
                except grpc.RpcError as error:  # It ended by itself meanwhile.
                    self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(set(codes), {grpc.StatusCode.CANCELLED})
        self.assertTrue(all(one.project == PROJECT for one in seen))
        self.assertTrue(all(one.call == "QueryService.Funnel" for one in seen))
        self.assertTrue(all(one.steps_done <= one.steps_all for one in seen))
        with self.assertRaises(grpc.RpcError) as caught:
            self.server.admin.CancelQuery(
                activity_pb2.CancelQueryRequest(query_id=1 << 60), timeout=SECONDS)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_a_query_whose_client_is_gone_ends(self):
        """Queries are asked and given up until one of them was cut short."""
        self.server.admin.ResetStatements(
            activity_pb2.ResetStatementsRequest(), timeout=SECONDS)
        number = 0
        until = time.monotonic() + SECONDS
        while not any(one.failed_calls for one in self.statements(project=PROJECT)):
            self.assertLess(time.monotonic(), until)
            number += 1
            request = funnel(access_path=scope_pb2.ACCESS_PATH_SCAN_ONCE)
            for step in range(40):
                one = request.steps.add().selector.terms.add().predicate.leaf
                one.property.event_property = "url"
                one.regex = "z{%d}.*%d" % (step + 1, number)
            call = self.server.queries.Funnel.future(request, timeout=SECONDS)
            while not call.done() and not self.running():
                pass
            call.cancel()
            while self.running():
                time.sleep(0.001)

    def running(self):
        return self.server.admin.ListQueries(
            activity_pb2.ListQueriesRequest(project=PROJECT), timeout=SECONDS).queries

    def test_slow_queries_are_logged_with_their_plan(self):
        for number in range(1000):
            request = funnel(access_path=scope_pb2.ACCESS_PATH_SCAN_ONCE)
            for step in range(20):
                one = request.steps.add().selector.terms.add().predicate.leaf
                one.property.event_property = "url"
                one.regex = "y{%d}.*%d" % (step + 1, number)
            self.server.queries.Funnel(request, timeout=SECONDS)
            slow = [one for one in self.server.log_entries() if one["msg"] == "slow query"]
            if slow:
                break
        self.assertEqual(slow[-1]["rpc"], "QueryService.Funnel")
        self.assertIn("steps[0].selector", slow[-1]["plan"])
        self.assertGreaterEqual(slow[-1]["dur_ms"], 1)

    def test_slow_batches_are_logged_with_what_they_waited_for(self):
        slow = [one for one in self.server.log_entries() if one["msg"] == "slow batch"]
        self.assertEqual({(one["project"], one["stream"]) for one in slow}, {("p", "s")})
        self.assertLessEqual({one["batch"] for one in slow}, set(range(1, ROWS // 10000 + 1)))
        parts = ("thread_ms", "decode_ms", "room_ms", "log_ms", "sync_ms", "queue_ms", "apply_ms", "reply_ms")
        for one in slow:
            self.assertGreaterEqual(one["dur_ms"], 1)
            self.assertGreater(one["bytes"], 10000)
            self.assertAlmostEqual(one["dur_ms"], sum(one[part] for part in parts), places=3)
            self.assertTrue(all(one[part] >= 0 for part in parts), one)
            for part in ("decode_ms", "sync_ms", "apply_ms"):
                self.assertGreater(one[part], 0)

    def test_segments_have_plans_too(self):
        request = segment_pb2.CountSegmentRequest()
        request.scope.project = PROJECT
        behavior = request.scope.segment.rule.behavior
        selector(behavior.selector, "buy")
        request.scope.hints.explain = True
        plan = self.server.segments.CountSegment(request, timeout=SECONDS).info.plan
        self.assertIn("behavior.selector", plan.text)


if __name__ == "__main__":
    unittest.main()
