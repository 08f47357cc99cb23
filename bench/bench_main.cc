// recount_bench: every suite of this folder in one program; --benchmark_filter chooses.
#include <benchmark/benchmark.h>

#include "call_cases.h"

int
main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    case_calls_end();
    return 0;
}
