// Match: what a definition that was never seen before costs: leaves over a dictionary's texts,
// expressions, selectors, scans of codes, rowsets built and read. The expected cost stands beside
// each case, for one core.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "match_cases.h"

namespace
{

void
per_item(benchmark::State &state, const char *name, uint64_t items)
{
    state.counters[name] = benchmark::Counter(static_cast<double>(items),
                                              benchmark::Counter::kIsIterationInvariantRate |
                                                  benchmark::Counter::kInvert);
}

// Arguments: bytes of a code, codes, every how many one passes (0: one code; 1: a random half),
// kernels (case_kernels). Expected a row: one code at most 0.15 ns (2 bytes) with AVX2, 0.1 with
// AVX-512; a table at most 0.5 ns (1 byte) or 1 ns (2 bytes).
void
BM_Scan(benchmark::State &state)
{
    const auto kernels = static_cast<case_kernels>(state.range(3));
    if (!case_scan_can(kernels)) {
        state.SkipWithError("this processor cannot run them");
        return;
    }
    case_scan *scan = case_scan_make(1, static_cast<uint32_t>(state.range(0)),
                                     static_cast<uint32_t>(state.range(1)),
                                     static_cast<uint32_t>(state.range(2)));
    for (auto _ : state)
        benchmark::DoNotOptimize(case_scan_run(scan, kernels));
    per_item(state, "time_per_row", CASE_MATCH_ROWS);
    case_scan_free(scan);
}
BENCHMARK(BM_Scan)
    ->ArgsProduct({{1}, {200}, {0, 1}, {1, 2, 3, 4}})
    ->ArgsProduct({{2}, {5000, 60000}, {0, 1}, {1, 2, 3, 4}})
    ->ArgsProduct({{4}, {100000}, {0, 1}, {1, 2, 3, 4}})
    ->Unit(benchmark::kMicrosecond);

// Arguments: runs (1) or single rows (0), a mark every so many rows, one range compared (1) or
// codes looked up (0). Expected a row of a million: the codes of a plain column, of which there are
// fewer (0.03 ns each compared, 0.6 looked up), and spreading: a word of 64 rows takes two deposits
// of bits and a count, 3 to 4 ns, so 0.06 ns a row.
void
BM_ScanMarked(benchmark::State &state)
{
    case_marked *marked = case_marked_make(
        6, state.range(0) != 0, static_cast<uint32_t>(state.range(1)), state.range(2) != 0);
    for (auto _ : state)
        benchmark::DoNotOptimize(case_marked_run(marked));
    per_item(state, "time_per_row", CASE_MATCH_ROWS);
    case_marked_free(marked);
}
BENCHMARK(BM_ScanMarked)
    ->ArgNames({"runs", "every", "compared"})
    ->ArgsProduct({{0, 1}, {2, 8, 50}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

// One row in range(0), ranges of range(1) rows. Expected a row of the set: at most 3 ns dense, 2 ns
// sparse in long ranges; at most 0.3 us a range besides. A dense set is read as words by the walk.
void
BM_RowsetRead(benchmark::State &state)
{
    case_rowset *set =
        case_rowset_make(2, static_cast<uint32_t>(state.range(0)), 1, CASE_FORM_ROWSET);
    for (auto _ : state)
        benchmark::DoNotOptimize(case_rowset_read(set, static_cast<uint32_t>(state.range(1))));
    per_item(state, "time_per_row", case_rowset_cardinality(set));
    state.counters["bytes"] = static_cast<double>(case_rowset_memory_bytes(set));
    case_rowset_free(set);
}
BENCHMARK(BM_RowsetRead)
    ->ArgsProduct({{2, 10, 100, 1000, 10000}, {1000, 1000000}})
    ->Unit(benchmark::kMicrosecond);

// One row in range(0), in runs of range(1), as a rowset (0), as words (1), as Roaring (2): fetching
// the words of all blocks, and the bytes. Expected a block of 64 Ki rows: nothing but a look for
// words (0.1 us), 0.1 us and 1 ns a row for lists, 3 ns a row for Roaring.
void
BM_RowsetBlocks(benchmark::State &state)
{
    case_rowset *set = case_rowset_make(3, static_cast<uint32_t>(state.range(0)),
                                        static_cast<uint32_t>(state.range(1)),
                                        static_cast<case_form>(state.range(2)));
    for (auto _ : state)
        benchmark::DoNotOptimize(case_rowset_blocks(set));
    state.counters["bytes_per_row"] = static_cast<double>(case_rowset_memory_bytes(set)) /
                                      static_cast<double>(case_rowset_cardinality(set));
    case_rowset_free(set);
}
BENCHMARK(BM_RowsetBlocks)
    ->ArgsProduct({{4, 20, 50, 200, 1000, 10000}, {1, 30}, {0, 1, 2}})
    ->Unit(benchmark::kMicrosecond);

// Expected: 0.1 ns a row of the slab, and 10 ns a row of a sparse set.
void
BM_RowsetBuild(benchmark::State &state)
{
    case_rowset *set =
        case_rowset_make(4, static_cast<uint32_t>(state.range(0)), 1, CASE_FORM_ROWSET);
    for (auto _ : state)
        benchmark::DoNotOptimize(case_rowset_build(set));
    case_rowset_free(set);
}
BENCHMARK(BM_RowsetBuild)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

// Expected a text of 90 bytes: 25 ns equal, 60 ns contains and LIKE, 150 ns expression; without
// case 100 ns more, but for the expression.
void
BM_Leaf(benchmark::State &state)
{
    case_leaf *leaf =
        case_leaf_make(5, static_cast<case_leaf_kind>(state.range(0)), state.range(1) != 0);
    for (auto _ : state)
        benchmark::DoNotOptimize(case_leaf_run(leaf));
    per_item(state, "time_per_text", CASE_LEAF_TEXTS);
    case_leaf_free(leaf);
}
BENCHMARK(BM_Leaf)
    ->ArgsProduct({{CASE_LEAF_EQUAL, CASE_LEAF_CONTAINS, CASE_LEAF_LIKE, CASE_LEAF_REGEX}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

// why: nanoseconds a text, and where they go; shown as the case's label.
void
BM_Regex(benchmark::State &state, const char *expression, const char *why)
{
    case_leaf *leaf = case_leaf_make_regex(7, expression);
    for (auto _ : state)
        benchmark::DoNotOptimize(case_leaf_run(leaf));
    state.SetLabel(why);
    per_item(state, "time_per_text", CASE_LEAF_TEXTS);
    case_leaf_free(leaf);
}

void
BM_CssSelector(benchmark::State &state, const char *selector, const char *why)
{
    case_css *css = case_css_make(8, selector);
    for (auto _ : state)
        benchmark::DoNotOptimize(case_css_run(css));
    state.SetLabel(why);
    per_item(state, "time_per_text", CASE_LEAF_TEXTS);
    case_css_free(css);
}

#define PATTERN(function, name, text, why) \
    BENCHMARK_CAPTURE(function, name, text, why)->Unit(benchmark::kMicrosecond)

PATTERN(BM_Regex,
        literal,
        "button\\.btn-7",
        "65: memchr to the first letter of the literal, some false ones");
PATTERN(BM_Regex,
        alternatives,
        "form\\.(checkout|signup) > div",
        "75: the common beginning sought, then an automaton of 1 ns a byte");
PATTERN(BM_Regex,
        anchored,
        "^html > body.*section\\.s1.*btn-[0-9]+$",
        "120: an automaton over all 90 bytes, 1.3 ns each");
PATTERN(BM_Regex,
        classes,
        "label\\.c[0-9]+ > [a-z]+\\.btn-[0-9]{3}$",
        "60: the common beginning is rare");
PATTERN(BM_Regex,
        without_match,
        "nav\\.menu > (a|li)+",
        "60: the common beginning is sought through all 90 bytes");
PATTERN(BM_CssSelector,
        tag_and_class,
        "button.btn-primary",
        "250: one element of 75 bytes, 3 ns a byte");
PATTERN(BM_CssSelector,
        descendant,
        "form.form button",
        "400: two elements, or all seven where there is no form");
PATTERN(BM_CssSelector,
        children,
        "main > section > form#checkout > div > a",
        "400: the element is read, for its attributes too; half are no a");
PATTERN(BM_CssSelector,
        attribute,
        "form[action^=\"/p/s\"] input[data-test*=\"-1\"]",
        "300: one element of four is an input; then the form, with values");
PATTERN(BM_CssSelector,
        alternatives,
        "#checkout .btn-primary, #login a.btn, nav a",
        "500: all seven elements against six compounds");

} // namespace
