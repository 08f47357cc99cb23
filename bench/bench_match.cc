// Match: what a definition that was never seen before costs: leaves over a dictionary's texts,
// scans of codes, rowsets built and read. The expected cost stands beside each case, for one core.
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

} // namespace
