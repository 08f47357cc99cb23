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

/* The marks before a row, and its own; the words up to its count are all looked at, since how many
 * they are would be a wrong guess of the processor half of the time. */
static inline uint32_t
marks_up_to(const struct rc_column_view *column, uint32_t row)
{
    const uint64_t *words =
        column->marks + row / RC_MARKS_RANK_ROWS * (size_t)(RC_MARKS_RANK_ROWS / 64);
    const uint64_t last = row % RC_MARKS_RANK_ROWS / 64;
    const uint64_t up_to = UINT64_MAX >> (63 - row % 64);
    uint32_t count = column->ranks[row / RC_MARKS_RANK_ROWS];
    for (uint64_t i = 0; i < RC_MARKS_RANK_ROWS / 64; i++) {
        const uint64_t before = 0 - (uint64_t)(i < last);
        const uint64_t own = (0 - (uint64_t)(i == last)) & up_to;
        const uint64_t word = words[last ^ ((i ^ last) & before)];
        count += (uint32_t)__builtin_popcountll(word & (before | own));
    }
    return count;
}

static inline uint32_t
code_at(const struct rc_column_view *column, uint32_t index)
{
    if (column->code_width == 1)
        return ((const uint8_t *)column->codes)[index];
    return column->code_width == 2 ? ((const uint16_t *)column->codes)[index]
                                   : ((const uint32_t *)column->codes)[index];
}

/* In steps, each of which asks for what the next one reads: rows far apart wait for memory, and so
 * they wait together. */
__attribute__((always_inline)) static inline void
codes_of(const struct rc_column_view *column, const uint32_t *rows, uint32_t count, uint32_t *codes)
{
    const bool runs = column->form == RC_COLUMN_MARKED_RUNS;
    const char *bytes = column->codes;
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(&column->marks[rows[i] / 64]);
        __builtin_prefetch(&column->ranks[rows[i] / RC_MARKS_RANK_ROWS]);
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = rows[i];
        const bool present = runs || (column->marks[row / 64] >> (row % 64) & 1) != 0;
        const uint32_t index = marks_up_to(column, row) - 1;
        codes[i] = present ? index : RC_CODE_NONE;
        __builtin_prefetch(bytes + (size_t)(present ? index : 0) * column->code_width);
    }
    for (uint32_t i = 0; i < count; i++)
        if (codes[i] != RC_CODE_NONE)
            codes[i] = code_at(column, codes[i]);
}

static void
portable_codes_of(const struct rc_column_view *column,
                  const uint32_t *rows,
                  uint32_t count,
                  uint32_t *codes)
{
    codes_of(column, rows, count, codes);
}

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("popcnt"))) static void
popcnt_codes_of(const struct rc_column_view *column,
                const uint32_t *rows,
                uint32_t count,
                uint32_t *codes)
{
    codes_of(column, rows, count, codes);
}

void
rc_marks_codes_of(const struct rc_column_view *column,
                  const uint32_t *rows,
                  uint32_t count,
                  uint32_t *codes)
{
    if (__builtin_cpu_supports("popcnt"))
        popcnt_codes_of(column, rows, count, codes);
    else
        portable_codes_of(column, rows, count, codes);
}

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

void
rc_marks_codes_of(const struct rc_column_view *column,
                  const uint32_t *rows,
                  uint32_t count,
                  uint32_t *codes)
{
    portable_codes_of(column, rows, count, codes);
}

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
