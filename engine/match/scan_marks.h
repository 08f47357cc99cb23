/* Scan of marked columns: what its kernels share. */
#ifndef RC_MATCH_SCAN_MARKS_H
#define RC_MATCH_SCAN_MARKS_H

#include <stdint.h>

/* 64 hits from a bit on. */
static inline uint64_t
rc_scan_hits_at(const uint64_t *hits, uint64_t at)
{
    return hits[at / 64] >> (at % 64) | (hits[at / 64 + 1] << 1) << (63 - at % 64);
}

#endif
