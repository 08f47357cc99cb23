/*
 * Scan kernels: what plain columns are scanned with. All are compiled, whatever the build's
 * baseline, and one is chosen at run time; each is tested against the portable ones.
 *
 * Threading: pure.
 */
#ifndef RC_MATCH_SCAN_KERNELS_H
#define RC_MATCH_SCAN_KERNELS_H

#include <stdint.h>
#include <string.h>

#include "engine/match/scan.h"

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

/* Each NULL where this processor cannot run them. */
const struct rc_scan_kernels *
rc_scan_kernels_avx2(void);

const struct rc_scan_kernels *
rc_scan_kernels_avx512(void);

const struct rc_scan_kernels *
rc_scan_kernels_neon(void);

/* What this processor runs best. */
const struct rc_scan_kernels *
rc_scan_kernels_best(void);

#endif
