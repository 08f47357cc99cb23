/*
 * Scan: the rows of a column whose code is one of some, block by block, as words.
 *
 * The question arrives as a table with a byte per local code. Preparing looks at it once: when the
 * codes that match are a few ranges (an equality is one; so is a comparison, as dictionaries
 * ascend) the codes of a plain or marked column are compared with these, many an instruction; else
 * each code is looked up.
 *
 * Ownership: a scan borrows the column and the table.
 * Threading: a prepared scan is read-only.
 * Units:     rows of the slab; blocks of RC_BLOCK_ROWS.
 */
#ifndef RC_MATCH_SCAN_H
#define RC_MATCH_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/limits.h"
#include "engine/store/slab.h"

#define RC_SCAN_RANGES_MAX 8u

/* Bytes that a table must have past its last code, for loads that take four at once. */
#define RC_SCAN_TABLE_PADDING 4u

struct rc_scan_range {
    uint32_t first;
    uint32_t width; /* last - first. */
};

struct rc_scan {
    struct rc_column_view column;
    const uint8_t *table;
    uint32_t range_count; /* 0: look codes up. */
    struct rc_scan_range ranges[RC_SCAN_RANGES_MAX];
};

/* table: a 0 or 1 per code of the column, and RC_SCAN_TABLE_PADDING bytes more. */
void
rc_scan_prepare(const struct rc_column_view *column,
                const uint8_t *table,
                struct rc_scan *ret_scan);

/* Writes RC_BLOCK_WORDS words for the rows [begin, begin + row_count), row_count <= RC_BLOCK_ROWS;
 * the rest is zero. begin is a multiple of RC_BLOCK_ROWS. */
void
rc_scan_block(const struct rc_scan *scan, uint32_t begin, uint32_t row_count, uint64_t *words);

/* Takes the rows that do not match out of words; for sets of few rows. */
void
rc_scan_refine(const struct rc_scan *scan, uint32_t begin, uint64_t *words);

/* Kernels of plain and marked columns. codes points at the first row's; row_count needs no
 * rounding. */
struct rc_scan_kernels {
    const char *name;
    void (*ranges)(const struct rc_scan *scan,
                   const void *codes,
                   uint32_t row_count,
                   uint64_t *words);
    void (*lookup)(const struct rc_scan *scan,
                   const void *codes,
                   uint32_t row_count,
                   uint64_t *words);
    /* Hits of codes become those of rows by the marks: a hit is at its mark, or, of runs, from
     * there to the row before the next one. led: the first hit is of the run that the rows begin
     * in. A word more of hits than there are must be readable. */
    void (*spread)(const uint64_t *marks,
                   uint32_t word_count,
                   bool runs,
                   bool led,
                   const uint64_t *hits,
                   uint64_t *words);
};

extern const struct rc_scan_kernels rc_scan_kernels_portable;

/* rc_scan_block of a marked column, by kernels; words are zero. */
void
rc_scan_marked(const struct rc_scan *scan,
               const struct rc_scan_kernels *kernels,
               uint32_t begin,
               uint32_t row_count,
               uint64_t *words);

void
rc_scan_spread_portable(const uint64_t *marks,
                        uint32_t word_count,
                        bool runs,
                        bool led,
                        const uint64_t *hits,
                        uint64_t *words);

/* What this processor runs best. */
const struct rc_scan_kernels *
rc_scan_kernels_best(void);

#endif
