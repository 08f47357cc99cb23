/*
 * Scan kernels: what plain columns, and the codes of marked ones, are scanned with. All are
 * compiled, whatever the build's baseline, and one is chosen at run time; each is tested against
 * the portable ones.
 *
 * Threading: pure.
 */
#ifndef RC_MATCH_ROWS_SCAN_KERNELS_H
#define RC_MATCH_ROWS_SCAN_KERNELS_H

#include <stdint.h>
#include <string.h>

#include "engine/match/rows/scan.h"

/* codes points at the first row; row_count needs no rounding. Words are overwritten. */
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
};

extern const struct rc_scan_kernels rc_scan_kernels_portable;

/* What the others, which make whole words, leave: the rows after the last one, by the portable
 * kernels. */
void
rc_scan_rest(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words);

/* Each NULL where this processor cannot run them. */
const struct rc_scan_kernels *
rc_scan_kernels_avx2(void);

const struct rc_scan_kernels *
rc_scan_kernels_avx512(void);

const struct rc_scan_kernels *
rc_scan_kernels_neon(void);

/* rc_scan_block of a marked column; words are zero. */
void
rc_scan_marked(const struct rc_scan *scan, uint32_t begin, uint32_t row_count, uint64_t *words);

/*
 * Hits of codes become those of rows by the marks: a hit is at its mark, or, of runs, from there to
 * the row before the next one. led: the first hit is of the run that the rows begin in. A word more
 * of hits than there are must be readable.
 */
typedef void (*rc_scan_spread)(const uint64_t *marks,
                               uint32_t word_count,
                               bool runs,
                               bool led,
                               const uint64_t *hits,
                               uint64_t *words);

void
rc_scan_spread_portable(const uint64_t *marks,
                        uint32_t word_count,
                        bool runs,
                        bool led,
                        const uint64_t *hits,
                        uint64_t *words);

rc_scan_spread
rc_scan_spread_best(void);

/* What this processor runs best. */
const struct rc_scan_kernels *
rc_scan_kernels_best(void);

#endif
