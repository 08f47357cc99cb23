/*
 * Slots are shared out by weight 2^32 / (index + offset), rounded down, after one slot for each
 * index; the slots that rounding leaves over go to the first indexes, one each in turn.
 */
#include "cli/generate/generate_zipf.h"

#include "engine/base/assert.h"

void
rc_zipf_init(struct rc_zipf *zipf, uint32_t count, uint32_t offset)
{
    RC_ASSERT(count >= 1 && count <= RC_ZIPF_SLOTS / 2 && offset >= 1);
    const uint64_t spare = RC_ZIPF_SLOTS - count;
    uint64_t weight_sum = 0;
    for (uint32_t i = 0; i < count; i++)
        weight_sum += (UINT64_C(1) << 32) / (i + offset);
    uint64_t shared = 0;
    for (uint32_t i = 0; i < count; i++)
        shared += spare * ((UINT64_C(1) << 32) / (i + offset)) / weight_sum;
    uint64_t left = spare - shared; /* Less than count: each share lost less than one slot. */
    RC_ASSERT(left <= count);
    uint32_t slot = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t share = 1 + spare * ((UINT64_C(1) << 32) / (i + offset)) / weight_sum;
        if (left > 0) {
            share++;
            left--;
        }
        for (; share > 0; share--)
            zipf->slots[slot++] = (uint16_t)i;
    }
    RC_ASSERT(slot == RC_ZIPF_SLOTS);
}
