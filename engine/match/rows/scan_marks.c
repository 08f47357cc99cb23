/*
 * Scan of a marked column: its codes of the block are compared as those of a plain column are, but
 * fewer of them, and what was found is spread over the rows.
 *
 * Hits of a block of runs are led by that of the run that the block begins in, which is the one of
 * the row before; only the first block has none, as its first row is a mark.
 */
#include "engine/match/rows/scan_kernels.h"

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"
#include "engine/store/slab/marks.h"

void
rc_scan_spread_portable(const uint64_t *marks,
                        uint32_t word_count,
                        bool runs,
                        bool led,
                        const uint64_t *hits,
                        uint64_t *words)
{
    uint64_t at = led ? 1 : 0;
    uint64_t carry = led ? hits[0] & 1 : 0;
    for (uint32_t i = 0; i < word_count; i++) {
        uint64_t word = carry != 0 ? UINT64_MAX : 0; /* Rows that match unless a later mark says. */
        for (uint64_t left = marks[i]; left != 0; left &= left - 1, at++) {
            const uint64_t mark = left & (0 - left);
            const uint64_t hit = hits[at / 64] >> (at % 64) & 1;
            const uint64_t rows = runs ? 0 - mark : mark; /* From the mark on. */
            word = (word & ~rows) | (rows & (0 - hit));
        }
        words[i] = word;
        carry = runs ? word >> 63 : 0;
    }
}

#if defined(__x86_64__)

#include <immintrin.h>

/* 64 hits from a bit on. */
static inline uint64_t
hits_at(const uint64_t *hits, uint64_t at)
{
    return hits[at / 64] >> (at % 64) | (hits[at / 64 + 1] << 1) << (63 - at % 64);
}

/* The bits of hits go to the marks in one instruction. A run's rows are from its mark up to before
 * the next one: as numbers, the next mark less this one. The next marks of all hits are what hits
 * moved on by one bit go to, and the run that began in an earlier word begins this one. */
__attribute__((target("bmi2,popcnt"))) static void
bmi2_spread(const uint64_t *marks,
            uint32_t word_count,
            bool runs,
            bool led,
            const uint64_t *hits,
            uint64_t *words)
{
    uint64_t at = led ? 1 : 0;
    uint64_t carry = led ? hits[0] & 1 : 0;
    for (uint32_t i = 0; i < word_count; i++) {
        const uint64_t mark = marks[i];
        const uint64_t next = hits_at(hits, at);
        uint64_t word = _pdep_u64(next, mark);
        if (runs) {
            word = _pdep_u64(next << 1 | carry, mark) - word - carry;
            carry = word >> 63;
        }
        words[i] = word;
        at += (uint64_t)_mm_popcnt_u64(mark);
    }
}

rc_scan_spread
rc_scan_spread_best(void)
{
    return __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt")
               ? bmi2_spread
               : rc_scan_spread_portable;
}

#else

rc_scan_spread
rc_scan_spread_best(void)
{
    return rc_scan_spread_portable;
}

#endif

void
rc_scan_marked(const struct rc_scan *scan, uint32_t begin, uint32_t row_count, uint64_t *words)
{
    const struct rc_scan_kernels *kernels = rc_scan_kernels_best();
    uint64_t hits[RC_BLOCK_WORDS + 2];
    const struct rc_column_view *column = &scan->column;
    const bool runs = column->form == RC_COLUMN_MARKED_RUNS;
    const bool led = runs && begin > 0;
    const uint32_t first = rc_marks_before(column, begin) - (led ? 1 : 0);
    const uint32_t count = rc_marks_before(column, begin + row_count) - first;
    RC_ASSERT(count <= RC_BLOCK_ROWS + 1);
    if (count == 0)
        return;
    const void *codes = (const uint8_t *)column->codes + (size_t)first * column->code_width;
    if (scan->range_count > 0)
        kernels->ranges(scan, codes, count, hits);
    else
        kernels->lookup(scan, codes, count, hits);
    hits[(count + 63) / 64] = 0;
    const uint32_t word_count = (row_count + 63) / 64;
    rc_scan_spread_best()(column->marks + begin / 64, word_count, runs, led, hits, words);
    if (row_count % 64 != 0)
        words[word_count - 1] &= rc_word_below(row_count % 64);
}
