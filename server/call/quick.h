/*
 * Quick: which calls took so little lately that whoever received one serves it at once.
 *
 * What a call will take is not known before it was planned, but calls come again with other
 * constants: a mean of the last few of one shape in one project is the guess, and one that was
 * wrong costs no more than what the transport does about it.
 *
 * Threading: any thread; no lock. Of two that note at the same time one may be forgotten.
 * Units:     ns.
 */
#ifndef RC_SERVER_CALL_QUICK_H
#define RC_SERVER_CALL_QUICK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Shapes that are remembered; one more takes another's place. */
#define RC_QUICK_ENTRIES 4096u

/* All zero: nothing is known. */
struct rc_quick {
    _Atomic uint64_t entries[RC_QUICK_ENTRIES];
};

/* A call that is being served, by the thread that began it. */
struct rc_quick_watch {
    uint64_t begin_ns;
    uint64_t processor_ns; /* Of the thread until then, */
    long preempted;        /* and how often it lost the processor to another. */
};

struct rc_quick_watch
rc_quick_watch(void);

/* What the call took: without what others had of the processor meanwhile, since that says nothing
 * of the next one; with what it waited for. */
uint64_t
rc_quick_took_ns(const struct rc_quick_watch *watch);

/* Whether calls of this key have come and took little. */
bool
rc_quick_expects(const struct rc_quick *quick, uint64_t key);

/* What one took. */
void
rc_quick_note(struct rc_quick *quick, uint64_t key, uint64_t elapsed_ns);

#endif
