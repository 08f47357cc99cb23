// Calls: a request on its way through client, loopback, server and back. Times are of the process,
// which is both sides; the expected cost stands beside each case.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "call_cases.h"

namespace
{

// why: microseconds of processor time, and where they go; shown as the case's label.
void
BM_Call(benchmark::State &state, case_call call, const char *why)
{
    case_call_begin(call);
    uint64_t bytes = case_call_run(call); // Bitmaps are made here.
    for (auto _ : state)
        bytes = case_call_run(call);
    case_call_end(call);
    state.SetLabel(why);
    state.counters["reply_bytes"] = static_cast<double>(bytes);
}

#define CALL(name, call, why)                   \
    BENCHMARK_CAPTURE(BM_Call, name, call, why) \
        ->Unit(benchmark::kMicrosecond)         \
        ->MeasureProcessCPUTime()

CALL(health,
     CASE_CALL_HEALTH,
     "120: four messages over a socket of 5 us each, six threads woken at 10 us "
     "each, the rest gRPC");
CALL(project, CASE_CALL_PROJECT, "120: as health");
CALL(count, CASE_CALL_COUNT, "150: health, 5 us of decoding and encoding, 15 of the query");
CALL(series,
     CASE_CALL_SERIES,
     "900: 41 kB encoded and copied four times, 2,000 events in 100 rows");
CALL(funnel, CASE_CALL_FUNNEL, "250: health, and 6,100 hits of 15 ns");
CALL(events, CASE_CALL_EVENTS, "500: 100 events of 18 values, 200 ns each to find and to encode");
CALL(ingest_event,
     CASE_CALL_INGEST_EVENT,
     "250: health, a thread of the log more, a sync of memory");
CALL(ingest_batch,
     CASE_CALL_INGEST_BATCH,
     "9,000: 1.1 us an event: decode 0.03, check 0.07, write 0.1, apply "
     "0.3, sealed and merged 0.6");

} // namespace
