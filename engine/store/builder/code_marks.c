/* With vectors four codes are compared at once, and a comparison is -1 where it holds: counts come
 * by subtracting it, marks by its signs. */
#include "engine/store/builder/code_marks.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LANES 4u

static uint64_t
marks_of_few(const uint32_t *codes, uint32_t count, bool runs, uint32_t before)
{
    uint64_t marks = 0;
    for (uint32_t i = 0; i < count; i++) {
        marks |= (uint64_t)(codes[i] != (runs ? before : 0)) << i;
        before = codes[i];
    }
    return marks;
}

#ifdef __SSE2__

static inline __m128i
four_at(const uint32_t *codes)
{
    return _mm_loadu_si128((const __m128i *)(const void *)codes);
}

uint64_t
rc_code_marks(const uint32_t *codes, uint32_t count, bool runs, uint32_t before)
{
    if (count != RC_CODE_MARKS_ROWS)
        return marks_of_few(codes, count, runs, before);
    uint64_t same = 0;
    __m128i last = _mm_set1_epi32((int)before);
    for (uint32_t i = 0; i < RC_CODE_MARKS_ROWS; i += LANES) {
        const __m128i four = four_at(codes + i);
        const __m128i other = runs ? _mm_or_si128(_mm_slli_si128(four, 4), _mm_srli_si128(last, 12))
                                   : _mm_setzero_si128();
        const __m128i equal = _mm_cmpeq_epi32(four, other);
        same |= (uint64_t)(unsigned)_mm_movemask_ps(_mm_castsi128_ps(equal)) << i;
        last = four;
    }
    return ~same;
}

/* Of 64 rows behind another one. */
static void
count_rows(const uint32_t *codes, uint32_t *runs, uint32_t *values)
{
    uint32_t same[LANES];
    uint32_t null[LANES];
    __m128i same_sums = _mm_setzero_si128();
    __m128i null_sums = _mm_setzero_si128();
    for (uint32_t i = 0; i < RC_CODE_MARKS_ROWS; i += LANES) {
        const __m128i four = four_at(codes + i);
        same_sums = _mm_sub_epi32(same_sums, _mm_cmpeq_epi32(four, four_at(codes + i - 1)));
        null_sums = _mm_sub_epi32(null_sums, _mm_cmpeq_epi32(four, _mm_setzero_si128()));
    }
    _mm_storeu_si128((__m128i *)(void *)same, same_sums);
    _mm_storeu_si128((__m128i *)(void *)null, null_sums);
    *runs += RC_CODE_MARKS_ROWS - (same[0] + same[1] + same[2] + same[3]);
    *values += RC_CODE_MARKS_ROWS - (null[0] + null[1] + null[2] + null[3]);
}

#else

uint64_t
rc_code_marks(const uint32_t *codes, uint32_t count, bool runs, uint32_t before)
{
    return marks_of_few(codes, count, runs, before);
}

static void
count_rows(const uint32_t *codes, uint32_t *runs, uint32_t *values)
{
    for (uint32_t i = 0; i < RC_CODE_MARKS_ROWS; i++) {
        *runs += codes[i] != codes[i - 1];
        *values += codes[i] != 0;
    }
}

#endif

void
rc_code_marks_count(const uint32_t *codes,
                    uint32_t count,
                    uint32_t before,
                    uint32_t *runs,
                    uint32_t *values)
{
    uint32_t row = 1;
    *runs += codes[0] != before;
    *values += codes[0] != 0;
    for (; count - row >= RC_CODE_MARKS_ROWS; row += RC_CODE_MARKS_ROWS)
        count_rows(codes + row, runs, values);
    for (; row < count; row++) {
        *runs += codes[row] != codes[row - 1];
        *values += codes[row] != 0;
    }
}
