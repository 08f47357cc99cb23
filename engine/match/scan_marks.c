/*
 * Scan of a marked column: its codes of the block are compared as those of a plain column are, but
 * fewer of them, and what was found is spread over the rows.
 *
 * Hits of a block of runs are led by that of the run that the block begins in, which is the one of
 * the row before; only the first block has none, as its first row is a mark.
 */
#include "engine/match/scan.h"

#include "engine/base/assert.h"
#include "engine/match/scan_marks.h"
#include "engine/match/words.h"
#include "engine/store/marks.h"

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

void
rc_scan_marked(const struct rc_scan *scan,
               const struct rc_scan_kernels *kernels,
               uint32_t begin,
               uint32_t row_count,
               uint64_t *words)
{
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
    kernels->spread(column->marks + begin / 64, word_count, runs, led, hits, words);
    if (row_count % 64 != 0)
        words[word_count - 1] &= rc_word_below(row_count % 64);
}
