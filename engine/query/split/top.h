/*
 * Top: the first few of many candidates by an order, without sorting the rest.
 *
 * Threading: one thread.
 */
#ifndef RC_QUERY_SPLIT_TOP_H
#define RC_QUERY_SPLIT_TOP_H

#include <stdbool.h>
#include <stdint.h>

struct rc_top {
    uint32_t top_n;
    uint32_t *first; /* Room for top_n; the caller's. */
    void *context;
    bool (*before)(void *context, uint32_t a, uint32_t b); /* A strict order. */
    uint32_t count;                                        /* Of first. */
    bool more;                                             /* Some were left out. */
};

/* Offers a candidate; each once. */
void
rc_top_offer(struct rc_top *top, uint32_t candidate);

/* Puts first in order. Nothing is offered after. */
void
rc_top_finish(struct rc_top *top);

#endif
