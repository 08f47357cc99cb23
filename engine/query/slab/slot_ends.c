/* Slot ends: two times are of one slot if the bits above a slot's are the same. */
#include "engine/query/slab/slot_ends.h"

#include <stddef.h>

#include "engine/query/slab/wide_masks.h"
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

#if defined(__x86_64__)

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

/* Which of 16 times leave their slot. */
RC_WIDE_MASKS static inline __mmask16
leave_slot(const uint32_t *times, __m512i slot)
{
    return _mm512_test_epi32_mask(
        _mm512_xor_si512(_mm512_loadu_si512(times), _mm512_loadu_si512(times + 1)), slot);
}

RC_WIDE_MASKS static uint64_t
ends_avx512(const uint32_t *times)
{
    const __m512i slot = _mm512_set1_epi32((int32_t)SLOT_BITS);
    return rc_join_masks(leave_slot(times, slot), leave_slot(times + 16, slot),
                         leave_slot(times + 32, slot), leave_slot(times + 48, slot));
}

rc_slot_ends
rc_slot_ends_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? ends_avx2 : NULL;
}

rc_slot_ends
rc_slot_ends_avx512(void)
{
    return RC_RUNS_WIDE_MASKS ? ends_avx512 : NULL;
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

#endif

rc_slot_ends
rc_slot_ends_best(void)
{
    const rc_slot_ends wide = rc_slot_ends_avx512();
    const rc_slot_ends narrow = rc_slot_ends_avx2();
    return wide != NULL ? wide : narrow != NULL ? narrow : rc_slot_ends_portable;
}
