// The write-ahead log without a disk: its files are in memory. The expected cost stands beside each
// case and is counted in copies: a core copies about 10 GB/s, 0.1 ns a byte, and sums up 20 GB/s.
// Times are of all threads.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "wal_cases.h"

namespace
{

void
run(benchmark::State &state, uint64_t (*step)(case_wal *))
{
    case_wal *wal = case_wal_make(static_cast<uint32_t>(state.range(0)));
    uint64_t records = 0;
    for (auto _ : state)
        records = step(wal);
    const auto inverse =
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert;
    state.counters["time_per_byte"] =
        benchmark::Counter(static_cast<double>(CASE_WAL_BYTES), inverse);
    state.counters["time_per_record"] = benchmark::Counter(static_cast<double>(records), inverse);
    case_wal_free(wal);
}

// Expected: 0.25 ns a byte (a copy into the buffer, the checksum, the system's copy into the file)
// and 100 ns a record (a lock, a frame, the call that it is durable).
void
BM_WalAppend(benchmark::State &state)
{
    run(state, case_wal_append);
}
BENCHMARK(BM_WalAppend)
    ->Arg(256)
    ->Arg(4096)
    ->Arg(65536)
    ->Arg(1 << 20)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();

// Expected: 0.7 ns a byte and 30 ns a record. Files are read to their end, for what was written
// last might be anywhere in them: two files of 32 MiB for 16 MiB of records, each byte copied and
// looked at, and the system's share of that.
void
BM_WalReplay(benchmark::State &state)
{
    run(state, case_wal_reopen);
}
BENCHMARK(BM_WalReplay)
    ->Arg(256)
    ->Arg(4096)
    ->Arg(65536)
    ->Arg(1 << 20)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();

} // namespace
