// Reference: what this machine does just now, to which every other case is set in ratio. It has a
// half that waits for memory (a chase through 32 MB) and one that computes (a hash over 64 kB),
// since a shared machine loses speed in both ways. It does not change: a change here changes every
// ratio.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace
{

constexpr uint32_t kPlaces = 8u << 20; // Of four bytes.
constexpr uint32_t kSteps = 4096;
constexpr uint32_t kWords = 8192;
constexpr uint32_t kRounds = 32;

// One cycle through all places, so that each step depends on the one before.
std::vector<uint32_t>
chain()
{
    std::vector<uint32_t> next(kPlaces);
    for (uint32_t i = 0; i < kPlaces; i++)
        next[i] = i;
    uint64_t state = 1;
    for (uint32_t i = kPlaces - 1; i > 0; i--) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        std::swap(next[i], next[(state >> 33) % i]);
    }
    return next;
}

void
BM_Reference(benchmark::State &state)
{
    const std::vector<uint32_t> next = chain();
    std::vector<uint64_t> words(kWords);
    for (uint32_t i = 0; i < kWords; i++)
        words[i] = i * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t place = 0;
    uint64_t hash = 0;
    for (auto _ : state) {
        for (uint32_t i = 0; i < kSteps; i++)
            place = next[place];
        for (uint32_t round = 0; round < kRounds; round++)
            for (uint32_t i = 0; i < kWords; i++)
                hash = (hash ^ words[i]) * UINT64_C(0xff51afd7ed558ccd);
        benchmark::DoNotOptimize(place);
        benchmark::DoNotOptimize(hash);
    }
}
BENCHMARK(BM_Reference)->Unit(benchmark::kMicrosecond);

} // namespace
