// Query: each fold over a million events, bitmaps cached. The expected cost stands beside each
// case, for one thread; "time_per_event" is that of an event that the fold was fed.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "query_cases.h"

namespace
{

struct Expected {
    case_question question;
    const char *why; // Nanoseconds an event, and where they go. Shown as the case's label.
};

// A hit that is fed user by user costs 8 ns: words to rows, time, dealing to its user (24 bytes
// written twice), and 2 to 4 ns of the fold. Rows that are read as columns cost 1 to 2 ns.
const Expected kExpected[] = {
    {CASE_FUNNEL_3, "15: hit 8, state machine 4, half of the rows start an attempt"},
    {CASE_FUNNEL_RARE, "fixed cost: 20 users are looked at"},
    {CASE_FUNNEL_64, "25: as funnel_3, an event may be any of 64 steps"},
    {CASE_FUNNEL_STRICT, "25: every event of users with step1 is fed"},
    {CASE_FUNNEL_BY_CITY, "25: funnel_3 and a table of 800 rows"},
    {CASE_RETENTION, "14: hit 8, week of a time, bits"},
    {CASE_RETENTION_RARE, "fixed cost: 20 users are looked at"},
    {CASE_COUNTS, "2: time to bucket"},
    {CASE_COUNTS_ALL, "1.5: time to bucket, no bits"},
    {CASE_UNIQUES_ALL, "1.5: user run, day bits"},
    {CASE_UNIQUES_BY_CITY, "30: hit 8, code, table of (user, row) pairs"},
    {CASE_RARE_IN_WEEK, "fixed cost of a small question: 15 us"},
    {CASE_SEGMENT, "9: hit 8, a counter"},
    {CASE_LIFECYCLE, "12: hit 8, bits of weeks"},
    {CASE_STICKINESS, "12: hit 8, bits of days"},
    {CASE_SESSIONS, "14: hit 8, gap, figures"},
    {CASE_PATHS, "40: hit 8, two walks, tables of edges"},
};

void
run(benchmark::State &state, Expected expected, uint32_t threads)
{
    uint64_t events = case_question_run(expected.question, threads); // Bitmaps are made here.
    for (auto _ : state)
        events = case_question_run(expected.question, threads);
    state.SetLabel(expected.why);
    state.counters["events"] = static_cast<double>(events);
    if (events > 0)
        state.counters["time_per_event"] = benchmark::Counter(
            static_cast<double>(events),
            benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

const int kRegistered = [] {
    for (const Expected &expected : kExpected)
        for (const uint32_t threads : {1U, 2U})
            benchmark::RegisterBenchmark(
                (std::string("BM_Query/") + case_question_name(expected.question) +
                 "/threads:" + std::to_string(threads))
                    .c_str(),
                [expected, threads](benchmark::State &state) { run(state, expected, threads); })
                ->Unit(benchmark::kMicrosecond)
                ->UseRealTime()
                ->MeasureProcessCPUTime();
    return 0;
}();

} // namespace
