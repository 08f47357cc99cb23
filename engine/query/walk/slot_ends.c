/*
 * Slot ends: two times are of one slot if the bits above a slot's are the same. Step ends: of each
 * step, which times are below it; where a bit differs from the next one the step was passed.
 */
#include "engine/query/walk/slot_ends.h"

#include <stdbool.h>
#include <stddef.h>

#include "engine/query/time/bucket_table.h"

#define SLOT_BITS (UINT32_MAX << RC_BUCKET_SHIFT)

uint64_t
rc_slot_ends_portable(const uint32_t *times)
{
    uint64_t ends = 0;
    for (uint32_t i = 0; i < 64; i++)
        ends |= (uint64_t)(((times[i] ^ times[i + 1]) & SLOT_BITS) != 0) << i;
    return ends;
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
    for (uint32_t s = 0; s < step_count; s++) {
        uint64_t below = 0;
        for (uint32_t i = 0; i < 64; i++)
            below |= (uint64_t)(times[i] < steps[s]) << i;
        ends |= changes(below, times[64] < steps[s]);
    }
    return ends;
}

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("avx2"))) static uint64_t
ends_avx2(const uint32_t *times)
{
    const __m256i slot = _mm256_set1_epi32((int32_t)SLOT_BITS);
    uint64_t same = 0;
    for (uint32_t i = 0; i < 64; i += 8) {
        const __m256i here = _mm256_loadu_si256((const __m256i *)(times + i));
        const __m256i next = _mm256_loadu_si256((const __m256i *)(times + i + 1));
        const __m256i apart = _mm256_and_si256(_mm256_xor_si256(here, next), slot);
        const __m256i equal = _mm256_cmpeq_epi32(apart, _mm256_setzero_si256());
        same |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal)) << i;
    }
    return ~same;
}

/* Four masks in one word, the first lowest. Written out, as is what makes them: the compiler leaves
 * loops of four as they are, with shifts by what they count and the times on the stack. */
__attribute__((target("avx512f,avx512bw"))) static inline uint64_t
join_masks(__mmask16 a, __mmask16 b, __mmask16 c, __mmask16 d)
{
    return _mm512_kunpackd(_mm512_kunpackw(d, c), _mm512_kunpackw(b, a));
}

/* Which of 16 times leave their slot. */
__attribute__((target("avx512f,avx512bw"))) static inline __mmask16
leave_slot(const uint32_t *times, __m512i slot)
{
    return _mm512_test_epi32_mask(
        _mm512_xor_si512(_mm512_loadu_si512(times), _mm512_loadu_si512(times + 1)), slot);
}

__attribute__((target("avx512f,avx512bw"))) static uint64_t
ends_avx512(const uint32_t *times)
{
    const __m512i slot = _mm512_set1_epi32((int32_t)SLOT_BITS);
    return join_masks(leave_slot(times, slot), leave_slot(times + 16, slot),
                      leave_slot(times + 32, slot), leave_slot(times + 48, slot));
}

__attribute__((target("avx2"))) static uint64_t
steps_avx2(const uint32_t *times, const uint32_t *steps, uint32_t step_count)
{
    uint64_t ends = 0;
    for (uint32_t s = 0; s < step_count; s++) {
        const __m256i step = _mm256_set1_epi32((int32_t)steps[s]);
        uint64_t behind = 0; /* The greater of a time and the step is the time. */
        for (uint32_t i = 0; i < 64; i += 8) {
            const __m256i some = _mm256_loadu_si256((const __m256i *)(times + i));
            const __m256i is = _mm256_cmpeq_epi32(_mm256_max_epu32(some, step), some);
            behind |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(is)) << i;
        }
        ends |= changes(~behind, times[64] < steps[s]);
    }
    return ends;
}

__attribute__((target("avx512f,avx512bw"))) static uint64_t
steps_avx512(const uint32_t *times, const uint32_t *steps, uint32_t step_count)
{
    const __m512i a = _mm512_loadu_si512(times);
    const __m512i b = _mm512_loadu_si512(times + 16);
    const __m512i c = _mm512_loadu_si512(times + 32);
    const __m512i d = _mm512_loadu_si512(times + 48);
    uint64_t ends = 0;
    for (uint32_t s = 0; s < step_count; s++) {
        const __m512i step = _mm512_set1_epi32((int32_t)steps[s]);
        const uint64_t below =
            join_masks(_mm512_cmplt_epu32_mask(a, step), _mm512_cmplt_epu32_mask(b, step),
                       _mm512_cmplt_epu32_mask(c, step), _mm512_cmplt_epu32_mask(d, step));
        ends |= changes(below, times[64] < steps[s]);
    }
    return ends;
}

/* Those before Ice Lake and Zen 4 slow down for wide vectors. */
#define HAS_AVX512                                                              \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && \
     __builtin_cpu_supports("avx512vbmi"))

rc_slot_ends
rc_slot_ends_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? ends_avx2 : NULL;
}

rc_slot_ends
rc_slot_ends_avx512(void)
{
    return HAS_AVX512 ? ends_avx512 : NULL;
}

rc_step_ends
rc_step_ends_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? steps_avx2 : NULL;
}

rc_step_ends
rc_step_ends_avx512(void)
{
    return HAS_AVX512 ? steps_avx512 : NULL;
}

#else

rc_slot_ends
rc_slot_ends_avx2(void)
{
    return NULL;
}

rc_slot_ends
rc_slot_ends_avx512(void)
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

rc_slot_ends
rc_slot_ends_best(void)
{
    const rc_slot_ends wide = rc_slot_ends_avx512();
    const rc_slot_ends narrow = rc_slot_ends_avx2();
    return wide != NULL ? wide : narrow != NULL ? narrow : rc_slot_ends_portable;
}

rc_step_ends
rc_step_ends_best(void)
{
    const rc_step_ends wide = rc_step_ends_avx512();
    const rc_step_ends narrow = rc_step_ends_avx2();
    return wide != NULL ? wide : narrow != NULL ? narrow : rc_step_ends_portable;
}
