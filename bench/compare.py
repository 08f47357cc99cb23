#!/usr/bin/python3
"""Tells a real change of a benchmark from noise.

    bench/compare.py race OLD NEW                          two programs, by turns: finds 5 %
    bench/compare.py prove                                 one program against itself, as it is and doctored
    bench/compare.py run >run.json                         one program, for later
    bench/compare.py between old.json new.json             two runs of one machine
    bench/compare.py record run.json >bench/baseline.json
    bench/compare.py check run.json                        a run against bench/baseline.json

OLD, NEW and --program are built recount_bench programs; --filter is a regular expression over cases.

A round starts the program anew, since where its memory lies is an accident of each start, runs every case three
times, interleaved, and keeps the least processor time of each. `race` lets both programs run in every round, in an
order that is drawn, and compares them pair by pair. `run` keeps a case's times in ratio to that of BM_Reference in
the same round: ratios outlive a machine's mood, and mostly a change of machine.

A case is called changed if both hold:

  * It is no accident, with p < 0.01 after correction for the number of cases (Holm): pairs by the signs of their
    differences, two runs by their ranks (Mann and Whitney); both are exact.
  * The change is more than 2.5 % of pairs; of two runs more than 5 % and twice the spread of either; of the baseline
    of another machine more than 30 %.

Exit status 1: some case is slower. A person decides what that means; nothing calls this in a test.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
from functools import lru_cache

REFERENCE = "BM_Reference"
PROGRAM = "build/release/bench/recount_bench"
BASELINE = "bench/baseline.json"
P_MAX = 0.01
PAIRS_MIN, RUNS_MIN, MACHINES_MIN = 0.025, 0.05, 0.30
DOCTORED = 1.05
UNITS_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


# ---- Rounds


def least_times(rows):
    """Each case's least processor time, in ns, of the rows of one start of a program."""
    least = {}
    for row in rows:
        if row["run_type"] == "iteration" and not row.get("error_occurred"):
            ns = row["cpu_time"] * UNITS_NS[row["time_unit"]]
            least[row["run_name"]] = min(ns, least.get(row["run_name"], math.inf))
    return least


def start(program, options):
    """One start of a program: Google Benchmark's own JSON."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run(
            [program, f"--benchmark_filter={REFERENCE}|{options.filter}", "--benchmark_repetitions=3",
             "--benchmark_enable_random_interleaving=true", f"--benchmark_min_time={options.seconds}",
             f"--benchmark_out={file.name}", "--benchmark_out_format=json"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.load(open(file.name))


def say(text):
    print(text, end="", file=sys.stderr, flush=True)


def machine():
    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return f"{models[0] if models else os.uname().machine}, {os.cpu_count()} processors"


def run(options):
    rounds = []
    for _ in range(options.rounds):
        rounds.append(start(options.program, options))
        say(".")
    say("\n")
    context = dict(rounds[0]["context"], machine=machine(), executable=os.path.basename(options.program))
    return {"context": context, "rounds": [one["benchmarks"] for one in rounds]}


def race(old, new, options):
    """Each case's (old, new) times, a pair a round."""
    pairs = {}
    for _ in range(options.rounds):
        turns = [0, 1]
        random.shuffle(turns)
        times = [None, None]
        for turn in turns:
            times[turn] = least_times(start((old, new)[turn], options)["benchmarks"])
        for name in times[0].keys() & times[1].keys():
            pairs.setdefault(name, []).append((times[0][name], times[1][name]))
        say(".")
    say("\n")
    return {name: pairs[name] for name in sorted(pairs)}


def ratios_of(content):
    """Each case's ratios to the reference, one a round; a baseline has them already."""
    if "ratios" in content:
        return content["ratios"]
    ratios = {}
    for rows in content["rounds"]:
        times = least_times(rows)
        if REFERENCE not in times:
            sys.exit(f"compare: a round has no {REFERENCE}: make it with `compare.py run`")
        for name, ns in times.items():
            if name != REFERENCE:
                ratios.setdefault(name, []).append(ns / times[REFERENCE])
    return ratios


# ---- Accidents


@lru_cache(maxsize=None)
def orders(n, m, u):
    """How many orders of n and m things have the statistic u."""
    if u < 0:
        return 0
    if n == 0 or m == 0:
        return 1 if u == 0 else 0
    return orders(n - 1, m, u - m) + orders(n, m - 1, u)


def p_of_runs(old, new):
    """Mann and Whitney (1947): two-sided, exact; a tie counts half, rounded away from the extreme."""
    above = sum((a > b) + 0.5 * (a == b) for a in old for b in new)
    extreme = math.ceil(min(above, len(old) * len(new) - above))
    tail = sum(orders(len(old), len(new), u) for u in range(extreme + 1))
    return min(1.0, 2 * tail / math.comb(len(old) + len(new), len(old)))


def p_of_pairs(differences):
    """Fisher's (1935) test of pairs: how many of all choices of signs are as one-sided; two-sided, exact.

    A difference weighs its size, up to their median: noise is on the side of late rounds, which can be far off, and
    then must not outweigh the others. In steps of an eighth, so that choices can be counted.
    """
    middle = statistics.median(map(abs, differences))
    if middle == 0:
        return 1.0
    weights = [min(8, round(8 * abs(d) / middle)) for d in differences]
    counts = [1]
    for weight in weights:
        longer = counts + [0] * weight
        for total, count in enumerate(counts):
            longer[total + weight] += count
        counts = longer
    positive = sum(weight for weight, d in zip(weights, differences) if d > 0)
    extreme = min(positive, len(counts) - 1 - positive)
    return min(1.0, 2 * sum(counts[:extreme + 1]) / 2 ** len(weights))


def holm(p_values):
    """Holm (1979): the names whose p-value stands after correction."""
    kept = set()
    for i, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        if p * (len(p_values) - i) >= P_MAX:
            break
        kept.add(name)
    return kept


# ---- Verdicts


def spread(values):
    """Median absolute deviation, relative."""
    middle = statistics.median(values)
    return statistics.median(abs(v - middle) for v in values) / middle


def judge_pairs(pairs):
    """Each case's (old, new, change, noise, whether the change is real)."""
    logs = {name: [math.log(new / old) for old, new in rows] for name, rows in pairs.items()}
    significant = holm({name: p_of_pairs(row) for name, row in logs.items()})
    verdicts = {}
    for name, row in logs.items():
        middle = statistics.median(row)
        change, noise = math.expm1(middle), statistics.median(abs(d - middle) for d in row)
        was, now = (statistics.median(side) for side in zip(*pairs[name]))
        verdicts[name] = (was, now, change, noise, name in significant and abs(change) > PAIRS_MIN)
    return verdicts


def judge_runs(old, new, change_min):
    common = [name for name in new if name in old]
    significant = holm({name: p_of_runs(old[name], new[name]) for name in common})
    verdicts = {}
    for name in common:
        was, now = statistics.median(old[name]), statistics.median(new[name])
        change, noise = now / was - 1, max(spread(old[name]), spread(new[name]))
        verdicts[name] = (was, now, change, noise, name in significant and abs(change) > max(change_min, 2 * noise))
    return verdicts


def report(verdicts, unit):
    print(f"{'case':64} {'old ' + unit:>12} {'new ' + unit:>12} {'change':>8} {'noise':>7}")
    for name, (was, now, change, noise, real) in verdicts.items():
        verdict = ("SLOWER" if change > 0 else "faster") if real else ""
        print(f"{name:64} {was:12.5g} {now:12.5g} {change:+8.1%} {noise:7.1%} {verdict}")
    slower = sum(1 for _, _, change, _, real in verdicts.values() if real and change > 0)
    faster = sum(1 for _, _, change, _, real in verdicts.values() if real and change < 0)
    print(f"{len(verdicts)} cases, {slower} slower, {faster} faster")
    return slower


def compare_runs(old, new, change_min):
    slower = report(judge_runs(old, new, change_min), "ratio")
    for name in sorted(set(new) ^ set(old)):
        print(f"{name:64} only in the {'new' if name in new else 'old'}")
    return 1 if slower else 0


def prove(options):
    """The program against itself: no case may be called changed, and each that is doctored must be."""
    pairs = race(options.program, options.program, options)
    print("as it is")
    verdicts = judge_pairs(pairs)
    report(verdicts, "ns")
    wrong = [name for name, verdict in verdicts.items() if verdict[-1]]
    print(f"{len(wrong)} of {len(pairs)} called changed; 0 are")
    print(f"\neach case by itself {DOCTORED - 1:.0%} slower")
    missed = []
    for name, rows in pairs.items():
        doctored = dict(pairs, **{name: [(old, new * DOCTORED) for old, new in rows]})
        _, _, change, noise, real = judge_pairs(doctored)[name]
        if not real:
            missed.append(name)
            print(f"missed {name}: {change:+.1%} seen, noise {noise:.1%}")
    print(f"{len(pairs) - len(missed)} of {len(pairs)} found")
    return 1 if wrong or missed else 0


def check(options):
    with open(options.baseline) as file:
        baseline = json.load(file)
    with open(options.run) as file:
        content = json.load(file)
    same = baseline["machine"] == content["context"]["machine"]
    if not same:
        print(f"the baseline is of another machine ({baseline['machine']}): only changes of "
              f"more than {MACHINES_MIN:.0%} count")
    return compare_runs(ratios_of(baseline), ratios_of(content), RUNS_MIN if same else MACHINES_MIN)


def load(path):
    with open(path) as file:
        return ratios_of(json.load(file))


def record(path):
    with open(path) as file:
        content = json.load(file)
    lines = [f'  "{name}": [{", ".join(f"{r:.4g}" for r in row)}]' for name, row in sorted(ratios_of(content).items())]
    print('{"machine": ' + json.dumps(content["context"]["machine"]) + ',\n "ratios": {\n' + ",\n".join(lines) + "}}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = parser.add_subparsers(dest="word", required=True)
    for word in ("race", "prove", "run"):
        one = words.add_parser(word)
        if word == "race":
            one.add_argument("old")
            one.add_argument("new")
        else:
            one.add_argument("--program", default=PROGRAM)
        one.add_argument("--filter", default=".")
        one.add_argument("--rounds", type=int, default=15 if word == "run" else 24)
        one.add_argument("--seconds", type=float, default=0.02, help="least time of one measurement")
    one = words.add_parser("between")
    one.add_argument("old")
    one.add_argument("new")
    words.add_parser("record").add_argument("run")
    one = words.add_parser("check")
    one.add_argument("run")
    one.add_argument("--baseline", default=BASELINE)
    return parser.parse_args()


def main():
    options = arguments()
    if options.word == "race":
        return 1 if report(judge_pairs(race(options.old, options.new, options)), "ns") else 0
    if options.word == "prove":
        return prove(options)
    if options.word == "run":
        json.dump(run(options), sys.stdout, indent=1)
        print()
    elif options.word == "record":
        record(options.run)
    elif options.word == "check":
        return check(options)
    else:
        return compare_runs(load(options.old), load(options.new), RUNS_MIN)
    return 0


if __name__ == "__main__":
    sys.exit(main())
