#!/usr/bin/python3
"""bench/compare.py over rounds that are drawn: equal programs do not differ, 5 % are found, p-values are exact."""

import importlib.util
import itertools
import os
import random
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = importlib.util.spec_from_file_location("compare", os.path.join(HERE, "..", "..", "bench", "compare.py"))
compare = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(compare)

CASES, PAIRS, ROUNDS, WORLDS = 100, 24, 15, 30


def noisy(chance, ns):
    """The least of three times on a busy machine: each a few percent late, one in ten by up to a third; and one start
    in thirty is late as a whole."""
    lates = [abs(chance.gauss(0, 0.03)) + (chance.uniform(0, 0.35) if chance.random() < 0.1 else 0) for _ in range(3)]
    start = chance.gauss(0, 0.01) + (chance.uniform(0, 0.35) if chance.random() < 1 / 30 else 0)
    return ns * (1 + min(lates)) * (1 + start)


def drawn_pairs(seed, factors):
    """Rounds of cases whose new program takes factors[case] times as long (1 where there is none)."""
    chance = random.Random(seed)
    pairs = {}
    for case in range(CASES):
        true_ns = 10 ** chance.uniform(3, 8)
        moods = [chance.uniform(1, 1.5) for _ in range(PAIRS)]
        pairs[f"case{case}"] = [(noisy(chance, true_ns * mood), noisy(chance, true_ns * mood * factors.get(case, 1)))
                                for mood in moods]
    return pairs


def changed(verdicts):
    return {name: change for name, (_, _, change, _, real) in verdicts.items() if real}


class Pairs(unittest.TestCase):
    def test_equal_programs_do_not_differ(self):
        alarms = sum(bool(changed(compare.judge_pairs(drawn_pairs(seed, {})))) for seed in range(WORLDS))
        self.assertLessEqual(alarms, 1, "of 30 worlds; one in a hundred may")

    def test_five_percent_are_found_and_nothing_else(self):
        for factor in (1.05, 1 / 1.05):
            found = 0
            for seed in range(WORLDS):
                names = changed(compare.judge_pairs(drawn_pairs(seed, {17: factor, 71: factor})))
                self.assertLessEqual(set(names), {"case17", "case71"}, f"seed {seed}")
                self.assertTrue(all((change > 0) == (factor > 1) for change in names.values()))
                found += len(names)
            self.assertGreaterEqual(found, 2 * WORLDS - 3, "of sixty")

    def test_one_percent_is_too_little(self):
        self.assertEqual({}, changed(compare.judge_pairs(drawn_pairs(1, {3: 1.01}))))

    def test_two_rounds_say_nothing(self):
        self.assertEqual({}, changed(compare.judge_pairs({"a": [(1.0, 2.0), (1.0, 2.0)]})))


class Runs(unittest.TestCase):
    def ratios(self, seed, factor):
        chance = random.Random(seed)
        return {f"case{case}": [noisy(chance, 5.0) * (factor if case == 17 else 1) for _ in range(ROUNDS)]
                for case in range(CASES)}

    def test_a_tenth_is_found_and_nothing_else(self):
        for seed in range(WORLDS):
            old, new = self.ratios(2 * seed, 1), self.ratios(2 * seed + 1, 1.12)
            self.assertEqual({"case17"}, set(changed(compare.judge_runs(old, new, compare.RUNS_MIN))), f"seed {seed}")

    def test_another_machine_is_given_room(self):
        old, new = self.ratios(1, 1), self.ratios(2, 1.12)
        self.assertEqual({}, changed(compare.judge_runs(old, new, compare.MACHINES_MIN)))

    def test_ratios_are_of_the_least_times_of_a_round(self):
        def row(name, time, unit="ns", kind="iteration"):
            return {"run_name": name, "run_type": kind, "cpu_time": time, "time_unit": unit}

        rows = [row("BM_Reference", 200), row("BM_Reference", 100), row("BM_A", 3, "us"), row("BM_A", 2, "us"),
                row("BM_A", 1, "us", "aggregate"), dict(row("BM_B", 1), error_occurred=True)]
        self.assertEqual({"BM_A": [20.0, 20.0]}, compare.ratios_of({"rounds": [rows, rows]}))


class Accidents(unittest.TestCase):
    def test_signs_are_counted_exactly(self):
        for differences in ([1.0, -2.0, 3.0, 4.0], [1.0, 2.0, 3.0], [-0.5, 0.25, 0.125, -4.0, 3.0]):
            middle = sorted(map(abs, differences))[len(differences) // 2]
            if len(differences) % 2 == 0:
                middle = (middle + sorted(map(abs, differences))[len(differences) // 2 - 1]) / 2
            weights = [min(8, round(8 * abs(d) / middle)) for d in differences]

            def extreme(signs):
                positive = sum(weight for weight, sign in zip(weights, signs) if sign > 0)
                return min(positive, sum(weights) - positive)

            seen = extreme([d > 0 for d in differences])
            every = list(itertools.product([1, -1], repeat=len(weights)))
            self.assertAlmostEqual(sum(extreme(signs) <= seen for signs in every) / len(every),
                                   compare.p_of_pairs(differences))

    def test_no_difference_is_no_change(self):
        self.assertEqual(1.0, compare.p_of_pairs([0.0] * 20))

    def test_ranks_of_runs_are_counted_exactly(self):
        for old, new in (([1, 2, 3], [4, 5, 6]), ([1, 4, 6], [2, 3, 5, 7]), ([1, 2], [3, 4, 5])):
            every = sorted(old + new)

            def extreme(chosen):
                rest = [v for v in every if v not in chosen]
                above = sum(a > b for a in chosen for b in rest)
                return min(above, len(chosen) * len(rest) - above)

            ways = list(itertools.combinations(every, len(old)))
            wanted = sum(extreme(chosen) <= extreme(old) for chosen in ways) / len(ways)
            self.assertAlmostEqual(min(1.0, wanted), compare.p_of_runs(old, new))

    def test_holm_stops_at_the_first_that_falls(self):
        self.assertEqual({"a", "b"}, compare.holm({"a": 0.001, "b": 0.003, "c": 0.006, "d": 0.007}))
        self.assertEqual(set(), compare.holm({"a": 0.004, "b": 0.004, "c": 0.004}))


if __name__ == "__main__":
    unittest.main()
