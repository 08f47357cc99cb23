/*
 * Slab rows, owners of many: a binary search for each row, all of them a step at a time.
 *
 * Without wide vectors a step costs as much as its rows, so the last row's owner is sought before,
 * and the others between. With them three more steps cost less than to wait for the dozen lines,
 * one after the other, that lead to him; and the first ones find what the rows before have read.
 */
#include "engine/query/slab/slab_rows.h"
#include "engine/query/slab/wide_masks.h"

/* All are between user and last; step is a power of two, and twice it passes that. */
static void
seek_portable(const uint32_t *starts,
              uint32_t user,
              uint32_t last,
              uint32_t step,
              const uint32_t *rows,
              uint32_t count,
              uint32_t *owners)
{
    for (uint32_t i = 0; i < count; i++)
        owners[i] = user;
    for (; step > 0; step /= 2) {
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t at = owners[i] + step <= last ? owners[i] + step : last;
            owners[i] = starts[at] <= rows[i] ? at : owners[i];
        }
    }
}

#if defined(__x86_64__)

/* A step of sixteen rows. */
RC_WIDE_MASKS static inline __m512i
go_on(const uint32_t *starts, __m512i owners, __m512i step, __m512i last, __m512i rows)
{
    const __m512i at = _mm512_min_epu32(_mm512_add_epi32(owners, step), last);
    const __m512i start = _mm512_i32gather_epi32(at, (const int *)starts, 4);
    return _mm512_mask_mov_epi32(owners, _mm512_cmple_epu32_mask(start, rows), at);
}

/* The rows of a part, of sixty-four at most. Those that are not there are 0, which costs nothing
 * more. */
RC_WIDE_MASKS static void
seek_part_avx512(const uint32_t *starts,
                 uint32_t user,
                 uint32_t last,
                 uint32_t step,
                 const uint32_t *rows,
                 uint32_t count,
                 uint32_t *owners)
{
    const __m512i most = _mm512_set1_epi32((int32_t)last);
    const uint64_t there = count == 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
    const __mmask16 in[4] = {(__mmask16)there, (__mmask16)(there >> 16), (__mmask16)(there >> 32),
                             (__mmask16)(there >> 48)};
    const __m512i rows_a = _mm512_maskz_loadu_epi32(in[0], rows);
    const __m512i rows_b = _mm512_maskz_loadu_epi32(in[1], rows + 16);
    const __m512i rows_c = _mm512_maskz_loadu_epi32(in[2], rows + 32);
    const __m512i rows_d = _mm512_maskz_loadu_epi32(in[3], rows + 48);
    __m512i a = _mm512_set1_epi32((int32_t)user);
    __m512i b = a;
    __m512i c = a;
    __m512i d = a;
    for (; step > 0; step /= 2) {
        const __m512i far = _mm512_set1_epi32((int32_t)step);
        a = go_on(starts, a, far, most, rows_a);
        b = go_on(starts, b, far, most, rows_b);
        c = go_on(starts, c, far, most, rows_c);
        d = go_on(starts, d, far, most, rows_d);
    }
    _mm512_mask_storeu_epi32(owners, in[0], a);
    _mm512_mask_storeu_epi32(owners + 16, in[1], b);
    _mm512_mask_storeu_epi32(owners + 32, in[2], c);
    _mm512_mask_storeu_epi32(owners + 48, in[3], d);
}

static bool
seek_avx512(const uint32_t *starts,
            uint32_t user,
            uint32_t last,
            uint32_t step,
            const uint32_t *rows,
            uint32_t count,
            uint32_t *owners)
{
    if (!RC_RUNS_WIDE_MASKS || last > INT32_MAX) /* Places are signed. */
        return false;
    for (uint32_t at = 0; at < count; at += 64)
        seek_part_avx512(starts, user, last, step, rows + at, count - at < 64 ? count - at : 64,
                         owners + at);
    return true;
}

#else

static bool
seek_avx512(const uint32_t *starts,
            uint32_t user,
            uint32_t last,
            uint32_t step,
            const uint32_t *rows,
            uint32_t count,
            uint32_t *owners)
{
    (void)starts, (void)user, (void)last, (void)step, (void)rows, (void)count, (void)owners;
    return false;
}

#endif

bool rc_slab_rows_wide = true;

/* Fewer rows are sought by themselves. */
#define WIDE_MIN 8u

/* The first step of a search from user to last. */
static uint32_t
first_step(uint32_t user, uint32_t last)
{
    uint32_t step = 1;
    while (step <= (last - user) / 2)
        step *= 2;
    return step;
}

void
rc_slab_rows_owners(const uint32_t *starts,
                    uint32_t user_count,
                    uint32_t user,
                    const uint32_t *rows,
                    uint32_t count,
                    uint32_t *owners)
{
    uint32_t last = user_count - 1;
    if (rc_slab_rows_wide && count >= WIDE_MIN &&
        seek_avx512(starts, user, last, first_step(user, last), rows, count, owners))
        return;
    last = rc_slab_rows_owner(starts, user_count, user, rows[count - 1]);
    seek_portable(starts, user, last, first_step(user, last), rows, count, owners);
}
