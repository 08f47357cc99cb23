// Slabs: seal and merge, the two builds that every event goes through, and the filter and
// dictionary on the way in. The expected cost stands beside each case, for one core.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "slab_cases.h"

namespace
{

void
run_build(benchmark::State &state, case_build *build)
{
    const uint64_t rows = case_build_rows(build);
    uint64_t size_bytes = 0;
    for (auto _ : state)
        size_bytes = case_build_run(build);
    state.counters["time_per_row"] = benchmark::Counter(
        static_cast<double>(rows),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.counters["bytes_per_row"] = static_cast<double>(size_bytes) / static_cast<double>(rows);
    case_build_free(build);
}

// Expected: at most 1 us a row of 21 columns.
void
BM_SealHead(benchmark::State &state)
{
    run_build(state, case_seal_make(1, false));
}
BENCHMARK(BM_SealHead)->Unit(benchmark::kMillisecond);

// Expected: at most 1.3 us a row more than without texts: two columns of 64 Ki distinct texts are
// sorted, coded once to be merged, and merged twice. Nearly all of it is cache misses on the keys.
void
BM_SealHeadOfTexts(benchmark::State &state)
{
    run_build(state, case_seal_make(1, true));
}
BENCHMARK(BM_SealHeadOfTexts)->Unit(benchmark::kMillisecond);

// Expected: at most 0.5 us a row of 21 columns.
void
BM_MergeEightDays(benchmark::State &state)
{
    run_build(state, case_merge_make(1, true, false));
}
BENCHMARK(BM_MergeEightDays)->Unit(benchmark::kMillisecond);

// Expected: at most 0.4 us a row more than without texts: each of two texts a row goes through the
// heap of eight cursors twice.
void
BM_MergeEightDaysOfTexts(benchmark::State &state)
{
    run_build(state, case_merge_make(1, true, true));
}
BENCHMARK(BM_MergeEightDaysOfTexts)->Unit(benchmark::kMillisecond);

// Expected: at most 1 us a row: every user's rows of eight slabs interleave one by one.
void
BM_MergeEightInterleaved(benchmark::State &state)
{
    run_build(state, case_merge_make(1, false, false));
}
BENCHMARK(BM_MergeEightInterleaved)->Unit(benchmark::kMillisecond);

// Expected: at most 20 ns a text: two varints and a copy of what differs.
void
BM_TextsWalk(benchmark::State &state)
{
    case_texts *texts = case_texts_make(1u << 19);
    int64_t walked = 0;
    for (auto _ : state)
        walked += case_texts_walk(texts);
    state.SetItemsProcessed(walked);
    case_texts_free(texts);
}
BENCHMARK(BM_TextsWalk)->Unit(benchmark::kMillisecond);

// Expected: about a microsecond: some fifteen whole keys, which miss the caches, and half a block.
void
BM_TextsFind(benchmark::State &state)
{
    case_texts *texts = case_texts_make(1u << 19);
    for (auto _ : state)
        benchmark::DoNotOptimize(case_texts_find(texts));
    case_texts_free(texts);
}
BENCHMARK(BM_TextsFind);

// Expected: about 20 ns a lookup among ten million keys (25 MB).
void
BM_FilterMany(benchmark::State &state)
{
    case_filter *filter = case_filter_make(10000000);
    int64_t lookups = 0;
    for (auto _ : state)
        lookups += case_filter_run(filter);
    state.SetItemsProcessed(lookups);
    case_filter_free(filter);
}
BENCHMARK(BM_FilterMany);

// Expected: about 30 ns while table and keys are in the caches; a million keys (45 MB) miss three
// times.
void
BM_DictionaryInternKnown(benchmark::State &state)
{
    case_dictionary *dictionary = case_dictionary_make(static_cast<uint32_t>(state.range(0)));
    for (auto _ : state)
        benchmark::DoNotOptimize(case_dictionary_run(dictionary));
    case_dictionary_free(dictionary);
}
BENCHMARK(BM_DictionaryInternKnown)->Arg(100)->Arg(10000)->Arg(1000000);

// Expected a new key: 40 ns (a hash, a probe, a record of 40 bytes and its place, the table moved
// once) while all is in the second cache; with 65,536 keys (4.5 MB) a line that misses it, 80 ns;
// with a million (70 MB) two that miss all caches, 170 ns.
void
BM_DictionaryGrow(benchmark::State &state)
{
    case_dictionary *dictionary = case_dictionary_make(static_cast<uint32_t>(state.range(0)));
    for (auto _ : state)
        benchmark::DoNotOptimize(case_dictionary_grow(dictionary));
    state.counters["time_per_key"] = benchmark::Counter(
        static_cast<double>(state.range(0)),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    case_dictionary_free(dictionary);
}
BENCHMARK(BM_DictionaryGrow)->Arg(1000)->Arg(65536)->Arg(1000000)->Unit(benchmark::kMicrosecond);

} // namespace
