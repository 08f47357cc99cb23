#!/usr/bin/python3
"""Tells a real change of a benchmark from noise.

    bench/compare.py run [--build build/release] [--filter REGEX] [--repetitions 9] >run.json
    bench/compare.py record run.json >bench/baseline.json
    bench/compare.py check run.json [--baseline bench/baseline.json]
    bench/compare.py between old.json new.json

`run` builds recount_bench and runs every case several times, cases interleaved, so that a slow minute hits all
alike. Each repetition's processor time is divided by that of BM_Reference in the same repetition: ratios outlive a
machine's mood, and mostly a change of machine. `record` keeps them. `check` and `between` call a case changed if

  * the ranks of old and new ratios differ with p < 0.01 (Mann-Whitney, exact, two-sided), Holm's correction over
    all cases, and
  * the medians differ by more than 5 % and by more than twice the spread of either (median absolute deviation).

Exit status 1: some case is slower. A person decides what that means; nothing calls this in a test.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import lru_cache

REFERENCE = "BM_Reference"
P_MAX = 0.01
CHANGE_MIN = 0.05


def run(options):
    subprocess.run(["cmake", "--build", options.build, "--target", "recount_bench"], check=True, stdout=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.json")
        subprocess.run([f"{options.build}/bench/recount_bench", f"--benchmark_filter={REFERENCE}|{options.filter}",
                        f"--benchmark_repetitions={options.repetitions}", "--benchmark_enable_random_interleaving=true",
                        "--benchmark_display_aggregates_only=true", f"--benchmark_out={path}",
                        "--benchmark_out_format=json"], check=True, stdout=sys.stderr)
        with open(path) as file:
            sys.stdout.write(file.read())


def ratios_of(path):
    """Each case's ratios to the reference, one a repetition; a baseline is returned as it is."""
    with open(path) as file:
        content = json.load(file)
    if "ratios" in content:
        return content["ratios"]
    times = {}
    for row in content["benchmarks"]:
        if row["run_type"] == "iteration":
            times.setdefault(row["run_name"], {})[row.get("repetition_index", 0)] = row["cpu_time"] * UNITS_NS[row["time_unit"]]
    reference = times.pop(REFERENCE, None)
    if reference is None:
        sys.exit(f"compare: {path} has no {REFERENCE}: run it with `compare.py run`")
    return {name: [row[i] / reference[i] for i in sorted(row) if i in reference] for name, row in times.items()}


UNITS_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


@lru_cache(maxsize=None)
def ways(n, m, u):
    """How many orders of n and m things have the statistic u."""
    if u < 0:
        return 0
    if n == 0 or m == 0:
        return 1 if u == 0 else 0
    return ways(n - 1, m, u - m) + ways(n, m - 1, u)


def p_value(old, new):
    """Mann and Whitney (1947): two-sided, exact; a tie counts half, rounded away from the extreme."""
    above = sum((a > b) + 0.5 * (a == b) for a in old for b in new)
    extreme = int(min(above, len(old) * len(new) - above) + 0.5)
    total = sum(ways(len(old), len(new), u) for u in range(len(old) * len(new) + 1))
    tail = sum(ways(len(old), len(new), u) for u in range(extreme + 1))
    return min(1.0, 2 * tail / total)


def spread(values):
    middle = statistics.median(values)
    return statistics.median(abs(v - middle) for v in values) / middle


def holm(p_values):
    """Holm (1979): the names whose p-value stands after correction."""
    kept = set()
    for i, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        if p * (len(p_values) - i) >= P_MAX:
            break
        kept.add(name)
    return kept


def compare(old, new):
    common = [name for name in new if name in old]
    p_values = {name: p_value(old[name], new[name]) for name in common}
    significant = holm(p_values)
    slower = 0
    print(f"{'case':60} {'old':>9} {'new':>9} {'change':>8} {'noise':>7}")
    for name in common:
        was, now = statistics.median(old[name]), statistics.median(new[name])
        change, noise = now / was - 1, max(spread(old[name]), spread(new[name]))
        real = name in significant and abs(change) > max(CHANGE_MIN, 2 * noise)
        slower += real and change > 0
        verdict = ("SLOWER" if change > 0 else "faster") if real else ""
        print(f"{name:60} {was:9.4f} {now:9.4f} {change:+8.1%} {noise:7.1%} {verdict}")
    for name in sorted(set(new) ^ set(old)):
        print(f"{name:60} {'only in the ' + ('new' if name in new else 'old')}")
    print(f"{len(common)} cases, {slower} slower")
    return 1 if slower else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = parser.add_subparsers(dest="word", required=True)
    one = words.add_parser("run")
    one.add_argument("--build", default="build/release")
    one.add_argument("--filter", default=".")
    one.add_argument("--repetitions", type=int, default=9)
    words.add_parser("record").add_argument("run")
    one = words.add_parser("check")
    one.add_argument("run")
    one.add_argument("--baseline", default="bench/baseline.json")
    one = words.add_parser("between")
    one.add_argument("old")
    one.add_argument("new")
    options = parser.parse_args()
    if options.word == "run":
        run(options)
    elif options.word == "record":
        ratios = {name: [float(f"{r:.4g}") for r in row] for name, row in ratios_of(options.run).items()}
        json.dump({"ratios": ratios}, sys.stdout, indent=1)
        print()
    elif options.word == "check":
        return compare(ratios_of(options.baseline), ratios_of(options.run))
    else:
        return compare(ratios_of(options.old), ratios_of(options.new))
    return 0


if __name__ == "__main__":
    sys.exit(main())
