/*
 * Quick: an entry is the upper half of its key and a mean, in one word that is read and written as
 * a whole.
 *
 * The mean follows the last few calls. What one takes counts up to CAP_NS only: a call that lost
 * the processor for a while must not outweigh twenty that did not, and after a first call that
 * computed bitmaps the next few, which find them, suffice.
 */
#include "server/quick.h"

/* A mean below this is quick: a few times what handing a call over takes. */
#define QUICK_NS 150000u
#define CAP_NS 400000u
#define WEIGHT 4u /* The last one counts a quarter. */

static uint32_t
tag_of(uint64_t key)
{
    return (uint32_t)(key >> 32);
}

bool
rc_quick_expects(const struct rc_quick *quick, uint64_t key)
{
    const uint64_t entry =
        atomic_load_explicit(&quick->entries[key % RC_QUICK_ENTRIES], memory_order_relaxed);
    const uint32_t mean_ns = (uint32_t)entry;
    return mean_ns != 0 && mean_ns < QUICK_NS && (uint32_t)(entry >> 32) == tag_of(key);
}

void
rc_quick_note(struct rc_quick *quick, uint64_t key, uint64_t elapsed_ns)
{
    _Atomic uint64_t *at = &quick->entries[key % RC_QUICK_ENTRIES];
    const uint64_t entry = atomic_load_explicit(at, memory_order_relaxed);
    const bool known = (uint32_t)entry != 0 && (uint32_t)(entry >> 32) == tag_of(key);
    const uint32_t took_ns = elapsed_ns < CAP_NS ? (uint32_t)elapsed_ns + 1 : CAP_NS;
    const uint32_t before_ns = known ? (uint32_t)entry : took_ns;
    const uint32_t mean_ns = before_ns - before_ns / WEIGHT + took_ns / WEIGHT;
    atomic_store_explicit(at, (uint64_t)tag_of(key) << 32 | mean_ns, memory_order_relaxed);
}
