/* Times below, and step ends: of each step, which times are below it; where a bit differs from the
 * next one the step was passed. */
#include "engine/query/slab/times_below.h"

#include <stdbool.h>
#include <stddef.h>

#include "engine/query/slab/wide_masks.h"

uint64_t
rc_times_below_portable(const uint32_t *times, uint32_t limit)
{
    uint64_t below = 0;
    for (uint32_t i = 0; i < 64; i++)
        below |= (uint64_t)(times[i] < limit) << i;
    return below;
}

/* The bits that differ from the next one; the one behind the last is behind. */
static inline uint64_t
changes(uint64_t below, bool behind)
{
    return below ^ (below >> 1 | (uint64_t)behind << 63);
}

uint64_t
rc_step_ends_portable(const uint32_t *times, const uint32_t *steps, uint32_t step_count)
{
    uint64_t ends = 0;
    for (uint32_t s = 0; s < step_count; s++)
        ends |= changes(rc_times_below_portable(times, steps[s]), times[64] < steps[s]);
    return ends;
}

#if defined(__x86_64__)

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

__attribute__((target("avx2"))) static uint64_t
steps_avx2(const uint32_t *times, const uint32_t *steps, uint32_t step_count)
{
    uint64_t ends = 0;
    for (uint32_t s = 0; s < step_count; s++)
        ends |= changes(below_avx2(times, steps[s]), times[64] < steps[s]);
    return ends;
}

/* Which of 64 times are below. */
RC_WIDE_MASKS static inline uint64_t
below_all(__m512i a, __m512i b, __m512i c, __m512i d, __m512i edge)
{
    return rc_join_masks(_mm512_cmplt_epu32_mask(a, edge), _mm512_cmplt_epu32_mask(b, edge),
                         _mm512_cmplt_epu32_mask(c, edge), _mm512_cmplt_epu32_mask(d, edge));
}

RC_WIDE_MASKS static uint64_t
below_avx512(const uint32_t *times, uint32_t limit)
{
    return below_all(_mm512_loadu_si512(times), _mm512_loadu_si512(times + 16),
                     _mm512_loadu_si512(times + 32), _mm512_loadu_si512(times + 48),
                     _mm512_set1_epi32((int32_t)limit));
}

RC_WIDE_MASKS static uint64_t
steps_avx512(const uint32_t *times, const uint32_t *steps, uint32_t step_count)
{
    const __m512i a = _mm512_loadu_si512(times);
    const __m512i b = _mm512_loadu_si512(times + 16);
    const __m512i c = _mm512_loadu_si512(times + 32);
    const __m512i d = _mm512_loadu_si512(times + 48);
    uint64_t ends = 0;
    for (uint32_t s = 0; s < step_count; s++) {
        const __m512i step = _mm512_set1_epi32((int32_t)steps[s]);
        ends |= changes(below_all(a, b, c, d, step), times[64] < steps[s]);
    }
    return ends;
}

rc_times_below
rc_times_below_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? below_avx2 : NULL;
}

rc_times_below
rc_times_below_avx512(void)
{
    return RC_RUNS_WIDE_MASKS ? below_avx512 : NULL;
}

rc_step_ends
rc_step_ends_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? steps_avx2 : NULL;
}

rc_step_ends
rc_step_ends_avx512(void)
{
    return RC_RUNS_WIDE_MASKS ? steps_avx512 : NULL;
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

rc_step_ends
rc_step_ends_avx2(void)
{
    return NULL;
}

rc_step_ends
rc_step_ends_avx512(void)
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

rc_step_ends
rc_step_ends_best(void)
{
    const rc_step_ends wide = rc_step_ends_avx512();
    const rc_step_ends narrow = rc_step_ends_avx2();
    return wide != NULL ? wide : narrow != NULL ? narrow : rc_step_ends_portable;
}
