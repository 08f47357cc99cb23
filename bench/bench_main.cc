// recount_bench: every suite of this folder in one program; --benchmark_filter chooses.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
