/*
 * Zipf sampler: draws an index with a chance near 1 / (index + offset).
 *
 * A table of 2^16 slots, each naming an index: one random number, one load. Every index owns at
 * least one slot, so even the last of 5,000 is drawn once in 65,536.
 *
 * Ownership: plain memory of the caller.
 * Threading: read-only once made.
 */
#ifndef RC_CLI_GENERATE_GENERATE_ZIPF_H
#define RC_CLI_GENERATE_GENERATE_ZIPF_H

#include <stdint.h>

#include "cli/generate/generate_random.h"

#define RC_ZIPF_SLOTS 65536

struct rc_zipf {
    uint16_t slots[RC_ZIPF_SLOTS];
};

/* count in [1, 32768], offset at least 1: a larger offset flattens the head. */
void
rc_zipf_init(struct rc_zipf *zipf, uint32_t count, uint32_t offset);

static inline uint32_t
rc_zipf_draw(const struct rc_zipf *zipf, struct rc_random *random)
{
    return zipf->slots[rc_random_next(random) >> 48];
}

#endif
