// Query: each fold over a million events, bitmaps cached. The expected cost stands beside each
// case, for one thread; "time_per_event" is that of an event that the fold was fed.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "query_cases.h"

namespace
{

// why: nanoseconds an event, and where they go (of one thread, by samples, on the machine of
// docs/benchmarks.md); shown as the case's label. A core reads 30 GB/s there, so that the times of
// rows (4 bytes) and their bits (1/8) bound any case from below at 0.14 ns a row: all of these are
// instructions, and guesses of branches. An event that is fed is found in 6 to 8 ns where one row
// in ten matches and in 4 where all do, and dealt to its user in 2 to 3. Times of this world are
// random, so that hardly two events of a user share 17 minutes: a spell is one event, where on the
// generated archive it is a visit, and unique users cost 0.9 ns an event.
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

QUERY(funnel_3, CASE_FUNNEL_3, "18: found 8, dealt 3, looked at 4, the rest a user's, who has 6");
QUERY(funnel_rare, CASE_FUNNEL_RARE, "13 us in all: 20 users are sought in 4 slabs");
QUERY(funnel_64,
      CASE_FUNNEL_64,
      "37: found 7, dealt 2, passed through up to 64 entries 13, times listed for medians 8");
QUERY(funnel_strict,
      CASE_FUNNEL_STRICT,
      "34: found 4, dealt 2, the search 25: each event of users with step1 is fed");
QUERY(funnel_by_city, CASE_FUNNEL_BY_CITY, "20: funnel_3 and the city of a user's first event");
QUERY(retention, CASE_RETENTION, "9: spells 6, counted in 64 users at once 2");
QUERY(retention_rare,
      CASE_RETENTION_RARE,
      "30 us in all: 20 users are sought in 4 slabs, 800 returns seen by their periods");
QUERY(counts, CASE_COUNTS, "2.7: bit to row, time to bucket, counter");
QUERY(counts_all, CASE_COUNTS_ALL, "1.2: time to bucket, counter");
QUERY(uniques_all, CASE_UNIQUES_ALL, "3.2: a spell each");
QUERY(uniques_by_city,
      CASE_UNIQUES_BY_CITY,
      "62: found 11, dealt 5, city 10, 20 in a table of (user, city) out of the cache");
QUERY(rare_in_week, CASE_RARE_IN_WEEK, "3 us in all: what a small question costs");
QUERY(segment, CASE_SEGMENT, "9: row listed and counted 5, its user sought 2, compared 1");
QUERY(lifecycle, CASE_LIFECYCLE, "15: found 6, bucket and bit 3, a user's bits counted 5");
QUERY(stickiness, CASE_STICKINESS, "10: found 6, bucket and bit 3");
QUERY(sessions,
      CASE_SESSIONS,
      "23: found 3, dealt 2, cut and measured 9, durations kept for medians 4");
QUERY(paths,
      CASE_PATHS,
      "48: two walks: found and dealt 7, nodes read and cut 26, edges counted 5");

} // namespace
