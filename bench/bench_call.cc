// Calls: a request on its way through client, loopback, server and back. Times are of the process,
// which is both sides; the expected cost stands beside each case.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "call_cases.h"

namespace
{

struct Expected {
    case_call call;
    const char *why; // Microseconds of processor time, and where they go. Shown as the label.
};

const Expected kExpected[] = {
    {CASE_CALL_HEALTH, "120: four messages over a socket of 5 us each, six threads woken at 10 us "
                       "each, the rest gRPC"},
    {CASE_CALL_PROJECT, "120: as health"},
    {CASE_CALL_COUNT, "150: health, 5 us of decoding and encoding, 15 of the query"},
    {CASE_CALL_SERIES, "900: 41 kB encoded and copied four times, 2,000 events in 100 rows"},
    {CASE_CALL_FUNNEL, "250: health, and 6,100 hits of 15 ns"},
    {CASE_CALL_EVENTS, "500: 100 events of 18 values, 200 ns each to find and to encode"},
    {CASE_CALL_INGEST_EVENT, "250: health, a thread of the log more, a sync of memory"},
    {CASE_CALL_INGEST_BATCH, "9,000: 1.1 us an event: decode 0.03, check 0.07, write 0.1, apply "
                             "0.3, sealed and merged 0.6"},
};

void
run(benchmark::State &state, Expected expected)
{
    case_call_begin(expected.call);
    uint64_t bytes = case_call_run(expected.call); // Bitmaps are made here.
    for (auto _ : state)
        bytes = case_call_run(expected.call);
    case_call_end(expected.call);
    state.SetLabel(expected.why);
    state.counters["reply_bytes"] = static_cast<double>(bytes);
}

const int kRegistered = [] {
    for (const Expected &expected : kExpected)
        benchmark::RegisterBenchmark(
            (std::string("BM_Call/") + case_call_name(expected.call)).c_str(),
            [expected](benchmark::State &state) { run(state, expected); })
            ->Unit(benchmark::kMicrosecond)
            ->MeasureProcessCPUTime();
    return 0;
}();

} // namespace
