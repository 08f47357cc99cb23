// Batches on their way in: from the wire, checked, to the log and from it. The expected cost stands
// beside each case, for one core. It is counted: what is looked through (codes, texts) takes 0.05
// to 0.1 ns a byte, the speed of the second cache; a distinct value takes 6 ns to decode (its end
// is compared with the one before, 24 bytes are written), 10 to 15 ns to check (whether its text is
// UTF-8), to write or to read.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "batch_cases.h"

namespace
{

void
report(benchmark::State &state, const case_batch *batch)
{
    state.counters["time_per_event"] = benchmark::Counter(
        static_cast<double>(CASE_BATCH_EVENTS),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.counters["wire_bytes"] = static_cast<double>(case_batch_wire_bytes(batch));
    state.counters["log_bytes"] = static_cast<double>(case_batch_log_bytes(batch));
}

struct Expected {
    const char *name;
    case_encoding encoding;
    const char *why; // Microseconds of a decode, and where they go. Shown as the case's label.
};

// Codes are compared with the greatest that there may be; where values are few this is what counts.
const Expected kExpected[] = {
    {"codes_1", CASE_CODES_1, "decode 25: 2,000 values, 164 kB of codes"},
    {"codes_2", CASE_CODES_2, "decode 620: 100,000 values, 328 kB of codes"},
    {"codes_4", CASE_CODES_4, "decode 1,000: 164,000 values, 655 kB of codes"},
    {"sparse", CASE_SPARSE, "decode 25: 2,000 values, 16 kB of rows that must ascend"},
    {"numbers", CASE_NUMBERS, "decode 280: 40,000 values, 328 kB of codes"},
    {"lists", CASE_LISTS, "decode 340: 20,000 texts, as many lists of three"},
    {"text_ids", CASE_TEXT_IDS, "decode 40: codes_1, and 8,192 ends and texts of 16 bytes"},
    {"web", CASE_WEB, "decode 250: 38,000 values"},
    {"ndjson", CASE_NDJSON, "decode 10,000: 3.9 MB read at 0.5 GB/s, 110,000 texts looked up"},
};

template <typename Step>
void
add(const char *step_name, const Expected &expected, Step step)
{
    benchmark::RegisterBenchmark(
        (std::string("BM_Batch") + step_name + "/" + expected.name).c_str(),
        [expected, step](benchmark::State &state) {
            case_batch *batch = case_batch_make(1, expected.encoding);
            for (auto _ : state)
                benchmark::DoNotOptimize(step(batch));
            state.SetLabel(expected.why);
            report(state, batch);
            case_batch_free(batch);
        })
        ->Unit(benchmark::kMicrosecond);
}

const int kRegistered = [] {
    for (const Expected &expected : kExpected) {
        add("Decode", expected, case_batch_decode);
        add("Check", expected, case_batch_check);
        add("Write", expected, case_batch_write);
        add("Read", expected, case_batch_read);
    }
    return 0;
}();

} // namespace
