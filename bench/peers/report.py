"""The comparison as Markdown: what everybody needed, and the ratio of the fastest peer to Recount."""

import math
import statistics


def machine():
    """Processor, processors, memory."""
    with open("/proc/cpuinfo") as info:
        lines = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
    with open("/proc/meminfo") as info:
        memory = int(next(info).split()[1]) >> 20
    return f"{lines[0]}, {len(lines)} processors, {memory} GiB"


def median_ms(entry):
    return statistics.median(entry["times"]) * 1000


def spread(entry):
    times = [t * 1000 for t in entry["times"]]
    return f"{number(min(times))}–{number(max(times))}"


def number(ms):
    return f"{ms:.2f}" if ms < 10 else f"{ms:.1f}" if ms < 100 else f"{ms:.0f}"


def geometric(values):
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else float("nan")


def markdown(results, questions):
    variants = sorted({v for times in results["times"].values() for v in times}, key=lambda v: (v != "Recount", v))
    peers = [v for v in variants if v != "Recount"]
    lines = [f"{results['events']:,} events; {results['machine']}; {', '.join(results['versions'])}. "
             f"Medians, ms, with least and most; answers {'equal' if results['answers_equal'] else 'NOT EQUAL'}.", "",
             "| question | " + " | ".join(variants) + " | fastest peer / Recount |",
             "|---" * (len(variants) + 2) + "|"]
    ratios, merge_tree = [], []
    for question in questions:
        times = results["times"][question.key]
        cells = [f"{number(median_ms(times[v]))} ({spread(times[v])})" if v in times else "" for v in variants]
        ratio = ""
        if "Recount" in times and peers:
            mine = median_ms(times["Recount"])
            if question.cold:
                mine = times["Recount"]["first"] * 1000
                cells[0] = f"{number(mine)} first, {number(median_ms(times['Recount']))} again"
            fastest = min(median_ms(times[v]) for v in peers if v in times)
            ratios.append(fastest / mine)
            ratio = f"{ratios[-1]:.1f}"
            trees = [median_ms(times[v]) for v in peers if "MergeTree" in v and v in times]
            if trees:
                merge_tree.append(min(trees) / mine)
        lines.append(f"| {question.title} | " + " | ".join(cells) + f" | {ratio} |")
    if ratios:
        lines += ["", f"Geometric mean: {geometric(ratios):.1f} times the fastest peer"
                  + (f", {geometric(merge_tree):.1f} times ClickHouse MergeTree in its better order." if merge_tree else ".")]
    lines += ["", "| load | seconds to query-ready | events/s | bytes an event |", "|---|---|---|---|"]
    for variant in variants:
        load = results["load"].get(variant)
        size = results["bytes"].get(variant)
        ready = f"{load['ready_seconds']:.1f}" if load else ""
        rate = f"{results['events'] / load['ready_seconds']:,.0f}" if load else ""
        more = f" (indexes {load['index_seconds']:.0f} s more)" if load and "index_seconds" in load else ""
        lines.append(f"| {variant} | {ready}{more} | {rate} | {size / results['events']:.1f} |" if size else
                     f"| {variant} | {ready}{more} | {rate} | |")
    lines += ["", *chart(results, questions, variants)]
    return "\n".join(lines)


def chart(results, questions, variants):
    """Bars on a logarithmic scale, one character a quarter of a doubling from 0.05 ms."""
    lines = ["```"]
    for question in questions:
        lines.append(question.title)
        for variant in variants:
            entry = results["times"][question.key].get(variant)
            if entry is not None:
                ms = entry["first"] * 1000 if question.cold and variant == "Recount" else median_ms(entry)
                lines.append(f"  {variant:30} {'█' * max(1, round(4 * math.log2(ms / 0.05)))} {number(ms)}")
    return [*lines, "```"]
