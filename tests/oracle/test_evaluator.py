#!/usr/bin/python3
"""The oracle against the worked examples of docs/semantics.md. No server is needed."""

import os
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import css
from buckets import buckets
from data import Data
from evaluator import evaluate
from predicate import leaf_test, predicate_test
from values import as_number, groups, order_key

DAY = 86_400_000
ANY = {"terms": [{"any": True}]}


def leaf(op, operand=None, ci=False, negated=False, scope="event"):
    return {
        "scope": scope,
        "property": "p",
        "op": op,
        "operand": operand,
        "ci": ci,
        "negated": negated,
    }


def selector(name, value="x"):
    return {
        "terms": [
            {
                "predicate": {
                    "leaf": {"scope": "event", "property": name, "op": "equals", "operand": value}
                }
            }
        ]
    }


def event(user, time, event_id, **properties):
    return {"kind": "event", "user": user, "time": time, "id": event_id, "properties": properties}


def data_of(*rows):
    data = Data()
    for row in rows:
        data.apply(row)
    return data


def scope(start=0, end=10**15, as_of=10**15, zone="UTC", **more):
    return dict(start=start, end=end, as_of=as_of, zone=zone, week_start=0, **more)


def funnel(
    data, *names, window=None, first_only=False, strict_times=False, breakdown=None, where=None
):
    query = {
        "kind": "funnel",
        "scope": where or scope(),
        "steps": [selector(name) for name in names],
        "window": window,
        "first_only": first_only,
        "strict_times": strict_times,
        "breakdown": breakdown,
    }
    return evaluate(query, data)["rows"]


def counts(data, *names, **options):
    return funnel(data, *names, **options)[-1]["counts"]


class Leaves(unittest.TestCase):
    def test_numbers(self):
        table = [
            ("equals", 1, "1", True),
            ("equals", "1", 1.0, True),
            ("equals", "1.0", "1", True),
            ("equals", 1, True, False),
            ("equals", True, True, True),
            ("equals", "true", True, False),
            ("equals", "abc", "1", False),
            ("less", "10", "9", True),
            ("less", "9a", "10", False),
            ("less", "b", "a", True),
            ("less", 5, "abc", False),
            ("between", [1, 3], "3", True),
            ("between", [1, 3], 3.5, False),
            ("in_set", [1, "x"], "1.0", True),
            ("contains", ".5", 2.5, True),
            ("like", "1", 1.0, True),
            ("starts_with", "1", True, False),
        ]
        for op, operand, value, expected in table:
            self.assertEqual(leaf_test(leaf(op, operand), value), expected, (op, operand, value))

    def test_null_and_negation(self):
        for op, operand in (("equals", 1), ("is_set", None), ("contains", ""), ("less", 5)):
            self.assertFalse(leaf_test(leaf(op, operand), None))
            self.assertTrue(leaf_test(leaf(op, operand, negated=True), None))
        self.assertTrue(leaf_test(leaf("is_set"), ""))

    def test_lists(self):
        self.assertTrue(leaf_test(leaf("equals", "b"), ("a", "b")))
        self.assertFalse(leaf_test(leaf("equals", "b", negated=True), ("a", "b")))
        self.assertTrue(leaf_test(leaf("equals", 1), ("x", "1.0")))

    def test_texts(self):
        table = [
            ("like", "a%", "abc", False, True),
            ("like", "a%", "xabc", False, False),
            ("like", "a\\%", "a%", False, True),
            ("like", "a\\%", "ab", False, False),
            ("like", "_", "東", False, True),
            ("like", "A_", "ab", True, True),
            ("regex", "b$", "ab", False, True),
            ("regex", "^b", "ab", False, False),
            ("regex", "B", "ab", True, True),
            ("equals", "ZÜRICH", "Zürich", True, True),
            ("equals", "ZÜRICH", "Zürich", False, False),
        ]
        for op, operand, value, ci, expected in table:
            self.assertEqual(
                leaf_test(leaf(op, operand, ci), value), expected, (op, operand, value)
            )

    def test_trees(self):
        self.assertTrue(predicate_test({"all_of": []}, {}, {}, {}))
        self.assertFalse(predicate_test({"any_of": []}, {}, {}, {}))
        self.assertTrue(predicate_test({"not": {"definition": "d"}}, {}, {}, {"d": {"any_of": []}}))

    def test_order_and_groups(self):
        values = [None, False, True, -1, 0.5, 2, 10, "", "10a", "a", "ä"]
        self.assertEqual(sorted(reversed(values), key=order_key), values)
        self.assertEqual(groups(("1", "1.0", "x")), {1, "x"})
        self.assertIsNone(as_number("01"))
        self.assertIsNone(as_number("1e999"))
        self.assertEqual(as_number("1E2"), 100)


class Selectors(unittest.TestCase):
    """The cases of tests/match/test_css_selector.c, and some more."""

    def test_refused(self):
        table = ["", "  ", "a,", ",a", "a > ", "> a", "a > > b", "a + b", "a~b", "a ~ b", "a || b"]
        table += ["svg|a", "*|a", "a:hover", "ü:hover", "a::before", "a:nth-child(2)", "a*"]
        table += [".b a.c*", "a/**/b", "a /* b", ".", ".1a", "#1", "#", "#-", "1", "-->", "a(b)", "@a"]
        table += ["!a", "&", "a\\", "a\\\nb", "[", "[]", "[a", "[a=", "[a=]", "[a=1]", "[a=b", '[a="b]']
        table += ["[a='b\n']", '[a="b\\', "[a|=b]", "[x|a]", "[a!=b]", "[a^ =b]", "[a=b x]"]
        table += ["[a=b i s]", "[a i]", '[a="b""c"]', "[a/**/b*/]"]
        for text in table:
            with self.subTest(text), self.assertRaises(ValueError):
                css.parse(text)

    def test_taken(self):
        table = [
            (" *.a ", "*.a"),
            ("a b,  .c ,a b", "a b,.c,a b"),
            ("/* x */ a /* y */ > /* z */ b", "a>b"),
            ("a/**/.b", "a.b"),
            ("[ b = 'C d' \\69 ]", '[b="C d"i]'),
            ("[a='b\\\nc\\\r\nd']", "[a=bcd]"),
            ("[a='\\6\\\n1']", "[a='\\6 1']"),
            ("\\61 b", "ab"),
            ("-- > -\\-", "-\\->-\\-"),
        ]
        for text, same in table:
            self.assertEqual(css.parse(text), css.parse(same), text)
        self.assertEqual(css.parse("*.a"), [[("", (None, [(".", "a", None, False)]))]])


class Buckets(unittest.TestCase):
    def lengths(self, zone, start, end, unit):
        return [(one["end"] - one["start"]) / 3_600_000 for one in buckets(zone, start, end, unit)]

    def test_days_of_23_and_25_hours(self):
        self.assertEqual(self.lengths("Europe/Berlin", 1711839600000, 1711922400000, "day"), [23])
        self.assertEqual(self.lengths("Europe/Berlin", 1729980000000, 1730070000000, "day"), [25])

    def test_repeated_hour_is_two_buckets(self):
        found = buckets("Europe/Berlin", 1729987200000, 1729994400000, "hour")
        self.assertEqual([one["offset"] for one in found], [7200, 3600])

    def test_day_that_does_not_exist(self):
        found = buckets("Pacific/Apia", 1325152800000, 1325325600000, "day")
        self.assertEqual([one["start"] for one in found], [1325152800000, 1325239200000])
        self.assertEqual(found[0]["end"], found[1]["start"])

    def test_weeks_and_partial(self):
        found = buckets("UTC", 1700000000000, 1700600000000, "week")
        self.assertEqual([one["start"] for one in found], [1699833600000, 1700438400000])
        self.assertEqual([one["partial"] for one in found], [True, True])
        found = buckets("UTC", 1700000000000, 1700600000000, "week", 6)
        self.assertEqual(found[0]["start"], 1699747200000)


class Funnels(unittest.TestCase):
    def test_equal_times_go_deepest(self):
        # Events at 1, 2, 2 that match {1,3}, {2,3}, {2} reach step 3.
        data = data_of(
            event("u", 1, "a", s1="x", s3="x"),
            event("u", 2, "b", s2="x", s3="x"),
            event("u", 2, "c", s2="x"),
        )
        self.assertEqual(counts(data, "s1", "s2", "s3"), [1, 1, 1])
        self.assertEqual(counts(data, "s1", "s2", "s3", strict_times=True), [1, 1, 0])

    def test_an_event_fills_one_step(self):
        data = data_of(event("u", 1, "a", s1="x", s2="x"))
        self.assertEqual(counts(data, "s1", "s2"), [1, 0])

    def test_window_end_is_inclusive(self):
        data = data_of(event("u", 0, "a", s1="x"), event("u", 10, "b", s2="x"))
        self.assertEqual(counts(data, "s1", "s2", window=10), [1, 1])
        self.assertEqual(counts(data, "s1", "s2", window=9), [1, 0])

    def test_any_entry_may_start(self):
        data = data_of(
            event("u", 0, "a", s1="x"), event("u", 50, "b", s1="x"), event("u", 60, "c", s2="x")
        )
        self.assertEqual(counts(data, "s1", "s2", window=20), [1, 1])
        self.assertEqual(counts(data, "s1", "s2", window=20, first_only=True), [1, 0])

    def test_later_steps_past_the_range(self):
        data = data_of(event("u", 5, "a", s1="x"), event("u", 50, "b", s2="x"))
        self.assertEqual(counts(data, "s1", "s2", where=scope(0, 10)), [1, 1])
        self.assertEqual(counts(data, "s1", "s2", where=scope(0, 10, as_of=49)), [1, 0])
        self.assertEqual(counts(data, "s1", "s2", where=scope(0, 10, as_of=50)), [1, 1])
        self.assertEqual(counts(data, "s1", "s2", where=scope(6, 10)), [0, 0])

    def test_chosen_attempt(self):
        # Both entries reach step 2 by the same last event; the later entry is chosen.
        data = data_of(
            event("u", 0, "a", s1="x", v=1),
            event("u", 1000, "b", s1="x", v=2),
            event("u", 3000, "c", s2="x"),
            event("u", 9000, "d", s2="x"),
        )
        rows = funnel(data, "s1", "s2", breakdown={"scope": "event", "property": "v", "top": 9})
        self.assertEqual([row["label"] for row in rows], [["value", 2], ["total"]])
        self.assertEqual(rows[-1]["mean_previous"], [None, 2.0])

    def test_times(self):
        data = data_of(
            event("u", 0, "a", s1="x"),
            event("u", 1000, "b", s2="x"),
            event("v", 0, "a", s1="x"),
            event("v", 4000, "b", s2="x"),
            event("w", 0, "a", s1="x"),
        )
        row = funnel(data, "s1", "s2")[-1]
        self.assertEqual((row["counts"], row["from_previous"]), ([3, 2], [1, 2 / 3]))
        self.assertEqual((row["mean_first"], row["median_first"]), ([None, 2.5], [None, 2.5]))


class Retention(unittest.TestCase):
    def ask(self, data, as_of, end=3 * DAY, **options):
        query = {
            "kind": "retention",
            "scope": scope(0, end, as_of),
            "unit": "day",
            "start": ANY,
            "return": ANY,
            "cohorts": "recurring",
            "or_after": False,
            "last_period": None,
        }
        query.update(options)
        (row,) = evaluate(query, data)["rows"]
        return row

    def test_the_guide(self):
        # The example of docs/api.md: three users over three days, asked on the third at noon.
        hour = DAY // 24
        data = data_of(
            event("u1", 9 * hour, "e1"),
            event("u1", 9 * hour + 1, "e2"),
            event("u1", DAY, "e3"),
            event("u2", 11 * hour, "e1"),
            event("u2", DAY + 1, "e2"),
            event("u3", DAY + 2, "e1"),
        )
        answer = self.ask(data, 2 * DAY + 12 * hour)
        self.assertEqual([row["size"] for row in answer["cohorts"]], [2, 3, 0])
        self.assertEqual(
            [row["users"] for row in answer["cohorts"]], [[1, 2, 0], [0, 0, None], [0, None, None]]
        )
        self.assertEqual(answer["cohorts"][0]["states"], ["elapsed", "elapsed", "begun"])
        self.assertEqual(answer["summary"]["users"], [1, 2, 0])
        self.assertEqual(answer["summary"]["sizes"], [5, 2, 0])
        self.assertEqual(answer["summary"]["rates"], [0.2, 1, None])

    def test_cohort_kinds(self):
        data = data_of(event("u", 1, "a"), event("u", DAY + 1, "b"), event("u", 2 * DAY + 1, "c"))
        later = {"scope": scope(DAY, 3 * DAY, 10 * DAY)}
        sizes = [
            [row["size"] for row in self.ask(data, 0, **dict(later, cohorts=kind))["cohorts"]]
            for kind in ("recurring", "first_time", "first_in_range")
        ]
        self.assertEqual(sizes, [[1, 1], [0, 0], [1, 0]])

    def test_on_or_after(self):
        data = data_of(event("u", 1, "a"), event("u", 2 * DAY + 1, "c"))
        self.assertEqual(self.ask(data, 10 * DAY)["cohorts"][0]["users"], [0, 0, 1])
        self.assertEqual(self.ask(data, 10 * DAY, or_after=True)["cohorts"][0]["users"], [1, 1, 1])

    def test_cell_zero_needs_another_event(self):
        data = data_of(event("u", 1, "a"), event("v", 1, "a"), event("v", 1, "b"))
        self.assertEqual(self.ask(data, 10 * DAY)["cohorts"][0]["users"][0], 1)


class Identity(unittest.TestCase):
    def test_replacement_comes_before_as_of(self):
        data = data_of(event("u", 1, "a"), event("u", 100, "a"))
        self.assertEqual(data.as_of(50).events_of, {})
        self.assertEqual(len(data.as_of(100).events_of["u"]), 1)

    def test_ids_of_joined_users_do_not_collide(self):
        data = data_of(
            event("u", 1, "a"), event("b", 1, "a"), {"kind": "alias", "left": "u", "right": "b"}
        )
        self.assertEqual([one.user for one in data.as_of(5).events_of["b"]], ["b", "u"])

    def test_latest_write_of_any_member(self):
        data = data_of(
            {"kind": "set", "user": "u", "time": 5, "set": {"p": 1}},
            {"kind": "set", "user": "v", "time": 7, "set": {"p": 2}},
            {"kind": "set", "user": "u", "time": 7, "set": {"p": 3, "q": None}},
            {"kind": "alias", "left": "v", "right": "u"},
        )
        self.assertEqual(data.as_of(10).user_properties("u"), {"p": 3})
        self.assertEqual(data.as_of(6).user_properties("u"), {"p": 1})
        self.assertEqual(data.as_of(4).known, [])

    def test_zero_is_seen(self):
        data = data_of({"kind": "set", "user": "u", "time": 5, "set": {"p": 1}}, event("v", 1, "a"))
        rule = {
            "behavior": {
                "selector": ANY,
                "measure": "count",
                "comparison": ["<=", 0],
                "window": None,
            }
        }
        query = {"kind": "segment", "scope": {"as_of": 10, "zone": "UTC", "segment": rule}}
        self.assertEqual(evaluate(query, data), {"count": 1, "known": 2, "users": ["u"]})

    def test_prior_window(self):
        data = data_of(event("v", 10, "a"))
        for prior, expected in ((5, []), (6, ["v"])):
            rule = {
                "behavior": {
                    "selector": ANY,
                    "measure": "count",
                    "comparison": None,
                    "window": {"prior": prior},
                }
            }
            query = {"kind": "segment", "scope": {"as_of": 15, "zone": "UTC", "segment": rule}}
            self.assertEqual(evaluate(query, data)["users"], expected)


class Series(unittest.TestCase):
    def test_breakdown_and_other(self):
        data = data_of(
            event("u", 1, "a", t=("p", "q")),
            event("u", 2, "b", t="q"),
            event("v", 3, "c", t="r"),
            event("v", 4, "d"),
        )
        query = {
            "kind": "series",
            "scope": scope(0, DAY),
            "unit": "day",
            "series": [{"selector": ANY, "measure": "events"}],
            "breakdown": {"scope": "event", "property": "t", "top": 1},
        }
        (rows,) = evaluate(query, data)["series"]
        self.assertEqual(
            [(row["label"], row["total"]) for row in rows],
            [(["value", "q"], 2), (["other"], 3), (["total"], 4)],
        )


if __name__ == "__main__":
    result = unittest.TextTestRunner(verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    )
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)
