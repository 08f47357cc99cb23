/*
 * Marks. Runs are two or three rows long where they are marked at all, so going from one to the
 * next would be a wrong guess of the processor for each: every row counts its mark instead, and
 * reads the code that it then is at.
 *
 * With AVX2 eight rows are counted by one multiplication and fetch their codes by a permutation. It
 * reads eight codes, so the last ones of a column are left to the portable way. What is compiled
 * for AVX2 is chosen at run time, whatever the build's baseline.
 */
#include "engine/store/slab/marks.h"

#include <stdbool.h>
#include <string.h>

#define DEFINE_CODES(suffix, type)                                                     \
    static uint32_t runs_##suffix(const struct rc_column_view *column, uint32_t index, \
                                  uint32_t begin, uint32_t count, uint32_t *codes)     \
    {                                                                                  \
        const type *from = column->codes;                                              \
        while (count > 0) {                                                            \
            uint32_t rows;                                                             \
            uint64_t marks = rc_marks_from(column, begin, count, &rows);               \
            for (uint32_t i = 0; i < rows; i++, marks >>= 1) {                         \
                index += (uint32_t)(marks & 1);                                        \
                codes[i] = from[index - 1];                                            \
            }                                                                          \
            begin += rows;                                                             \
            count -= rows;                                                             \
            codes += rows;                                                             \
        }                                                                              \
        return index;                                                                  \
    }                                                                                  \
    static uint32_t rows_##suffix(const struct rc_column_view *column, uint32_t index, \
                                  uint32_t begin, uint32_t count, uint32_t *codes)     \
    {                                                                                  \
        const type *from = column->codes;                                              \
        memset(codes, 0xff, count * sizeof(*codes)); /* RC_CODE_NONE. */               \
        while (count > 0) {                                                            \
            uint32_t rows;                                                             \
            uint64_t marks = rc_marks_from(column, begin, count, &rows);               \
            for (; marks != 0; marks &= marks - 1)                                     \
                codes[__builtin_ctzll(marks)] = from[index++];                         \
            begin += rows;                                                             \
            count -= rows;                                                             \
            codes += rows;                                                             \
        }                                                                              \
        return index;                                                                  \
    }

DEFINE_CODES(u8, uint8_t)
DEFINE_CODES(u16, uint16_t)
DEFINE_CODES(u32, uint32_t)

static uint32_t
portable_codes(const struct rc_column_view *column,
               uint32_t index,
               uint32_t begin,
               uint32_t count,
               uint32_t *codes)
{
    const bool runs = column->form == RC_COLUMN_MARKED_RUNS;
    if (column->code_width == 1)
        return (runs ? runs_u8 : rows_u8)(column, index, begin, count, codes);
    if (column->code_width == 2)
        return (runs ? runs_u16 : rows_u16)(column, index, begin, count, codes);
    return (runs ? runs_u32 : rows_u32)(column, index, begin, count, codes);
}

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define ONES UINT64_C(0x0101010101010101)

/* Eight codes from an index on. */
AVX2 static inline __m256i
eight_codes(const struct rc_column_view *column, uint32_t width, uint32_t index)
{
    const char *at = (const char *)column->codes + (size_t)index * width;
    if (width == 1)
        return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)at));
    if (width == 2)
        return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)at));
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

/*
 * The codes of rows from begin on, eight at a time, while these and the codes last; *done is the
 * count of rows. Eight marks become eight bytes of 0 or 1; times ONES, each byte is the sum of
 * those up to it. Of runs the first code is that of the row before, unless the first row has a
 * mark.
 */
AVX2 static inline uint32_t
avx2_eights(const struct rc_column_view *column,
            uint32_t width,
            bool runs,
            uint32_t index,
            uint32_t begin,
            uint32_t count,
            uint32_t *codes,
            uint32_t *done)
{
    const unsigned char *marks = (const unsigned char *)column->marks;
    uint32_t row = 0;
    for (; row + 8 <= count && index + 8 <= column->code_count; row += 8) {
        const uint64_t bits = (uint64_t)marks[(begin + row) / 8] * ONES;
        const uint64_t marked = ((bits & UINT64_C(0x8040201008040201)) + ONES * 0x7f) >> 7 & ONES;
        const uint64_t sums = marked * ONES;
        const uint32_t first = runs ? index - 1 + (uint32_t)(marked & 1) : index;
        const uint64_t places = sums - (runs ? (marked & 1) * ONES : marked);
        __m256i eight =
            _mm256_permutevar8x32_epi32(eight_codes(column, width, first),
                                        _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)places)));
        if (!runs) /* RC_CODE_NONE where there is no mark. */
            eight = _mm256_or_si256(
                eight,
                _mm256_cmpeq_epi32(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)marked)),
                                   _mm256_setzero_si256()));
        _mm256_storeu_si256((__m256i *)(void *)(codes + row), eight);
        index += (uint32_t)(sums >> 56);
    }
    *done = row;
    return index;
}

#define DEFINE_EIGHTS(name, width, runs)                                                           \
    AVX2 static uint32_t name(const struct rc_column_view *column, uint32_t index, uint32_t begin, \
                              uint32_t count, uint32_t *codes, uint32_t *done)                     \
    {                                                                                              \
        return avx2_eights(column, width, runs, index, begin, count, codes, done);                 \
    }

DEFINE_EIGHTS(runs_eights_u8, 1, true)
DEFINE_EIGHTS(runs_eights_u16, 2, true)
DEFINE_EIGHTS(runs_eights_u32, 4, true)
DEFINE_EIGHTS(rows_eights_u8, 1, false)
DEFINE_EIGHTS(rows_eights_u16, 2, false)
DEFINE_EIGHTS(rows_eights_u32, 4, false)

static uint32_t
eights(const struct rc_column_view *column,
       uint32_t index,
       uint32_t begin,
       uint32_t count,
       uint32_t *codes,
       uint32_t *done)
{
    const bool runs = column->form == RC_COLUMN_MARKED_RUNS;
    if (column->code_width == 1)
        return (runs ? runs_eights_u8 : rows_eights_u8)(column, index, begin, count, codes, done);
    if (column->code_width == 2)
        return (runs ? runs_eights_u16 : rows_eights_u16)(column, index, begin, count, codes, done);
    return (runs ? runs_eights_u32 : rows_eights_u32)(column, index, begin, count, codes, done);
}

uint32_t
rc_marks_codes(const struct rc_column_view *column,
               uint32_t index,
               uint32_t begin,
               uint32_t count,
               uint32_t *codes)
{
    uint32_t done = (8 - begin % 8) % 8; /* To a whole byte of marks. */
    if (count < done + 8 || !__builtin_cpu_supports("avx2"))
        return portable_codes(column, index, begin, count, codes);
    index = portable_codes(column, index, begin, done, codes);
    uint32_t more = 0;
    index = eights(column, index, begin + done, count - done, codes + done, &more);
    done += more;
    return portable_codes(column, index, begin + done, count - done, codes + done);
}

#else

uint32_t
rc_marks_codes(const struct rc_column_view *column,
               uint32_t index,
               uint32_t begin,
               uint32_t count,
               uint32_t *codes)
{
    return portable_codes(column, index, begin, count, codes);
}

#endif
