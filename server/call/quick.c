/*
 * Quick: an entry is the upper half of its key and a mean, in one word that is read and written as
 * a whole.
 *
 * The mean follows the last few calls. What one takes counts up to CAP_NS only: a call that lost
 * the processor for a while must not outweigh twenty that did not, and after a first call that
 * computed bitmaps the next few, which find them, suffice.
 */
#include "server/call/quick.h"

#include <sys/resource.h>

#include "engine/base/clock.h"

/* A mean below this is quick: a few times what handing a call over takes. */
#define QUICK_NS 150000u
#define CAP_NS 400000u
#define WEIGHT 4u /* The last one counts a quarter. */

struct rc_quick_watch
rc_quick_watch(void)
{
    struct rusage use = {.ru_nivcsw = 0};
    (void)getrusage(RUSAGE_THREAD, &use);
    return (struct rc_quick_watch){
        .begin_ns = rc_clock_monotonic_ns(),
        .processor_ns = (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000 +
                        (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000,
        .preempted = use.ru_nivcsw,
    };
}

uint64_t
rc_quick_took_ns(const struct rc_quick_watch *watch)
{
    const uint64_t elapsed_ns = rc_clock_monotonic_ns() - watch->begin_ns;
    if (elapsed_ns < QUICK_NS)
        return elapsed_ns;
    const struct rc_quick_watch now = rc_quick_watch();
    const uint64_t processor_ns = now.processor_ns - watch->processor_ns;
    return now.preempted != watch->preempted && processor_ns < elapsed_ns ? processor_ns
                                                                          : elapsed_ns;
}

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
