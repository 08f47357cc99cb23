"""The comparison: `bench/peers/run` starts it in its own environment. See README.md.

Everybody gets the same archive and the same questions, and must give the same answers; a difference ends the
run with status 1. Systems are loaded and asked one after the other, so that none has the others' memory or
threads beside it; each question is asked --repeat times, the medians count.
"""

import argparse
import json
import os
import subprocess
import sys

import peers
import questions as q
import ours
import report


def arguments():
    parser = argparse.ArgumentParser(prog="bench/peers/run", description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--archive", help="an archive of `recount generate` with --events events")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--work", default="/tmp/recount-peers", help="folder for data; emptied of it at the end")
    parser.add_argument("--only", help="these systems: recount,clickhouse,duckdb,postgresql")
    parser.add_argument("--questions", help="these questions, by key")
    parser.add_argument("--json", help="write the figures here too")
    return parser.parse_args()


def prepare(options):
    """The archive, and its lines about users in a file of their own."""
    os.makedirs(options.work, exist_ok=True)
    if options.archive is None:
        options.archive = f"{options.work}/events-{options.events}.ndjson"
        if not os.path.exists(options.archive):
            subprocess.run([f"{options.build}/bin/recount", "generate", "-n", str(options.events), "-o", options.archive,
                            "--days", str(q.DAYS), "--quiet"], check=True)
    options.users = f"{options.work}/users-{options.events}.ndjson"
    if not os.path.exists(options.users):
        with open(options.users, "wb") as out:
            subprocess.run(["grep", "-F", "\"set\":", options.archive], stdout=out, check=True)


def measure(system, options, results, answers):
    """Loads one system and asks it everything."""
    name = type(system).__name__
    print(f"{name}: loading", file=sys.stderr, flush=True)
    system.open()
    results["versions"].append(system.version())
    results["load"].update(system.load())
    for question in options.chosen:
        for variant in system.variants:
            print(f"{variant}: {question.key}", file=sys.stderr, flush=True)
            if isinstance(system, ours.Recount):
                first, *times = system.times(question.key, 1 + 3 * options.repeat)
                answer = system.ask(variant, question.key)[1]
            else:
                first, answer = system.ask(variant, question.key)
                times = [system.ask(variant, question.key)[0] for _ in range(options.repeat if first < 5 else 2)]
            results["times"].setdefault(question.key, {})[variant] = {"first": first, "times": times}
            answers.setdefault(question.key, {})[variant] = answer
    results["bytes"].update(system.bytes())


def compare(answers):
    """Names of the questions on which somebody differs from the first system asked."""
    bad = []
    for key, given in answers.items():
        (first, mine), *others = given.items()
        for variant, theirs in others:
            if q.differs(mine, theirs):
                bad.append(key)
                print(f"DIFFERENT {key}: {first} says {str(mine)[:300]}\n  {variant} says {str(theirs)[:300]}", file=sys.stderr)
    return bad


def main():
    options = arguments()
    sys.path.insert(0, f"{options.build}/python")
    prepare(options)
    options.chosen = [one for one in q.QUESTIONS if options.questions is None or one.key in options.questions.split(",")]
    wanted = options.only.split(",") if options.only else ["recount", "clickhouse", "duckdb", "postgresql"]
    kinds = {"recount": ours.Recount, "clickhouse": peers.ClickHouse, "duckdb": peers.DuckDB, "postgresql": peers.PostgreSQL}
    results = {"events": options.events, "versions": [], "load": {}, "times": {}, "bytes": {}, "machine": report.machine()}
    answers = {}
    for name in wanted:
        system = kinds[name](options)
        try:
            measure(system, options, results, answers)
        finally:
            system.close()
        if options.json:  # What is known so far: a run takes half an hour.
            with open(options.json, "w") as out:
                json.dump(results, out, indent=1)
    bad = compare(answers)
    results["answers_equal"] = not bad
    results["asked_alike"] = {key: len(given) for key, given in answers.items()}
    print(report.markdown(results, options.chosen))
    if options.json:
        with open(options.json, "w") as out:
            json.dump(results, out, indent=1)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
