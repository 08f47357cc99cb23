// Query: each fold over a million events, bitmaps cached. The expected cost stands beside each
// case, for one thread; "time_per_event" is that of an event that the fold was fed.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "query_cases.h"

namespace
{

// A hit that is fed user by user costs 8 ns: words to rows, time, dealing to its user (24 bytes
// written twice), and 2 to 4 ns of the fold. Rows that are read as columns cost 1 to 2 ns. why:
// nanoseconds an event, and where they go; shown as the case's label.
void
BM_Query(benchmark::State &state, case_question question, const char *why)
{
    const auto threads = static_cast<uint32_t>(state.range(0));
    uint64_t events = case_question_run(question, threads); // Bitmaps are made here.
    for (auto _ : state)
        events = case_question_run(question, threads);
    state.SetLabel(why);
    state.counters["events"] = static_cast<double>(events);
    if (events > 0)
        state.counters["time_per_event"] = benchmark::Counter(
            static_cast<double>(events),
            benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

#define QUERY(name, question, why)                   \
    BENCHMARK_CAPTURE(BM_Query, name, question, why) \
        ->ArgName("threads")                         \
        ->Arg(1)                                     \
        ->Arg(2)                                     \
        ->Unit(benchmark::kMicrosecond)              \
        ->UseRealTime()                              \
        ->MeasureProcessCPUTime()

QUERY(funnel_3, CASE_FUNNEL_3, "15: hit 8, state machine 4, half of the rows start an attempt");
QUERY(funnel_rare, CASE_FUNNEL_RARE, "fixed cost: 20 users are looked at");
QUERY(funnel_64, CASE_FUNNEL_64, "25: as funnel_3, an event may be any of 64 steps");
QUERY(funnel_strict, CASE_FUNNEL_STRICT, "25: every event of users with step1 is fed");
QUERY(funnel_by_city, CASE_FUNNEL_BY_CITY, "25: funnel_3 and a table of 800 rows");
QUERY(retention, CASE_RETENTION, "14: hit 8, week of a time, bits");
QUERY(retention_rare, CASE_RETENTION_RARE, "fixed cost: 20 users are looked at");
QUERY(counts, CASE_COUNTS, "2: time to bucket");
QUERY(counts_all, CASE_COUNTS_ALL, "1.5: time to bucket, no bits");
QUERY(uniques_all, CASE_UNIQUES_ALL, "1.5: user run, day bits");
QUERY(uniques_by_city, CASE_UNIQUES_BY_CITY, "30: hit 8, code, table of (user, row) pairs");
QUERY(rare_in_week, CASE_RARE_IN_WEEK, "fixed cost of a small question: 15 us");
QUERY(segment, CASE_SEGMENT, "9: hit 8, a counter");
QUERY(lifecycle, CASE_LIFECYCLE, "12: hit 8, bits of weeks");
QUERY(stickiness, CASE_STICKINESS, "12: hit 8, bits of days");
QUERY(sessions, CASE_SESSIONS, "14: hit 8, gap, figures");
QUERY(paths, CASE_PATHS, "40: hit 8, two walks, tables of edges");

} // namespace
