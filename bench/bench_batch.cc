// Batches on their way in: from the wire, checked, to the log and from it. The expected cost stands
// beside each case, for one core. It is counted: what is looked through (codes, texts) takes 0.05
// to 0.1 ns a byte, the speed of the second cache; a distinct value takes 6 ns to decode (its end
// is compared with the one before, 24 bytes are written), 10 to 15 ns to check (whether its text is
// UTF-8), to write or to read.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "batch_cases.h"

namespace
{

// why: microseconds of a decode, and where they go; shown as the case's label.
template <typename Step>
void
run(benchmark::State &state, Step step, case_encoding encoding, const char *why)
{
    case_batch *batch = case_batch_make(1, encoding);
    for (auto _ : state)
        benchmark::DoNotOptimize(step(batch));
    state.SetLabel(why);
    state.counters["time_per_event"] = benchmark::Counter(
        static_cast<double>(CASE_BATCH_EVENTS),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.counters["wire_bytes"] = static_cast<double>(case_batch_wire_bytes(batch));
    state.counters["log_bytes"] = static_cast<double>(case_batch_log_bytes(batch));
    case_batch_free(batch);
}

void
BM_BatchDecode(benchmark::State &state, case_encoding encoding, const char *why)
{
    run(state, case_batch_decode, encoding, why);
}

void
BM_BatchCheck(benchmark::State &state, case_encoding encoding, const char *why)
{
    run(state, case_batch_check, encoding, why);
}

void
BM_BatchWrite(benchmark::State &state, case_encoding encoding, const char *why)
{
    run(state, case_batch_write, encoding, why);
}

void
BM_BatchRead(benchmark::State &state, case_encoding encoding, const char *why)
{
    run(state, case_batch_read, encoding, why);
}

#define BATCH(name, encoding, why)                                                         \
    BENCHMARK_CAPTURE(BM_BatchDecode, name, encoding, why)->Unit(benchmark::kMicrosecond); \
    BENCHMARK_CAPTURE(BM_BatchCheck, name, encoding, why)->Unit(benchmark::kMicrosecond);  \
    BENCHMARK_CAPTURE(BM_BatchWrite, name, encoding, why)->Unit(benchmark::kMicrosecond);  \
    BENCHMARK_CAPTURE(BM_BatchRead, name, encoding, why)->Unit(benchmark::kMicrosecond)

// Codes are compared with the greatest that there may be; where values are few this is what counts.
BATCH(codes_1, CASE_CODES_1, "decode 25: 2,000 values, 164 kB of codes");
BATCH(codes_2, CASE_CODES_2, "decode 620: 100,000 values, 328 kB of codes");
BATCH(codes_4, CASE_CODES_4, "decode 1,000: 164,000 values, 655 kB of codes");
BATCH(sparse, CASE_SPARSE, "decode 25: 2,000 values, 16 kB of rows that must ascend");
BATCH(numbers, CASE_NUMBERS, "decode 280: 40,000 values, 328 kB of codes");
BATCH(lists, CASE_LISTS, "decode 340: 20,000 texts, as many lists of three");
BATCH(text_ids, CASE_TEXT_IDS, "decode 40: codes_1, and 8,192 ends and texts of 16 bytes");
BATCH(web, CASE_WEB, "decode 250: 38,000 values");
BATCH(ndjson, CASE_NDJSON, "decode 10,000: 3.9 MB read at 0.5 GB/s, 110,000 texts looked up");

} // namespace
