/* Times below. */
#include "engine/query/walk/times_below.h"

#include <stddef.h>

uint64_t
rc_times_below_portable(const uint32_t *times, uint32_t limit)
{
    uint64_t below = 0;
    for (uint32_t i = 0; i < 64; i++)
        below |= (uint64_t)(times[i] < limit) << i;
    return below;
}

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("avx2"))) static uint64_t
below_avx2(const uint32_t *times, uint32_t limit)
{
    const __m256i edge = _mm256_set1_epi32((int32_t)limit);
    uint64_t others = 0; /* The greater of a time and the limit is the time. */
    for (uint32_t i = 0; i < 64; i += 8) {
        const __m256i some = _mm256_loadu_si256((const __m256i *)(times + i));
        const __m256i other = _mm256_cmpeq_epi32(_mm256_max_epu32(some, edge), some);
        others |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(other)) << i;
    }
    return ~others;
}

/* Which of 16 times are below. */
__attribute__((target("avx512f,avx512bw"))) static inline __mmask16
below_of(const uint32_t *times, __m512i edge)
{
    return _mm512_cmplt_epu32_mask(_mm512_loadu_si512(times), edge);
}

/* Written out: a loop of four is left as one by the compiler, with shifts by what it counts. */
__attribute__((target("avx512f,avx512bw"))) static uint64_t
below_avx512(const uint32_t *times, uint32_t limit)
{
    const __m512i edge = _mm512_set1_epi32((int32_t)limit);
    const __mmask32 low = _mm512_kunpackw(below_of(times + 16, edge), below_of(times, edge));
    const __mmask32 high = _mm512_kunpackw(below_of(times + 48, edge), below_of(times + 32, edge));
    return _mm512_kunpackd(high, low);
}

rc_times_below
rc_times_below_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? below_avx2 : NULL;
}

rc_times_below
rc_times_below_avx512(void)
{
    /* Those before Ice Lake and Zen 4 slow down for wide vectors. */
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vbmi")
               ? below_avx512
               : NULL;
}

#else

rc_times_below
rc_times_below_avx2(void)
{
    return NULL;
}

rc_times_below
rc_times_below_avx512(void)
{
    return NULL;
}

#endif

rc_times_below
rc_times_below_best(void)
{
    const rc_times_below wide = rc_times_below_avx512();
    const rc_times_below narrow = rc_times_below_avx2();
    return wide != NULL ? wide : narrow != NULL ? narrow : rc_times_below_portable;
}
