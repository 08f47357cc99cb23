/*
 * Hits: a growing list of hits with a slot each, and the total order.
 *
 * Ownership: owns its arrays, charged to the account given.
 * Threading: one thread at a time.
 */
#ifndef RC_QUERY_WALK_HITS_H
#define RC_QUERY_WALK_HITS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"
#include "engine/query/walk/walk.h"

struct rc_hits {
    struct rc_account *account;
    uint32_t count;
    uint32_t capacity;
    struct rc_hit *hits;
    uint32_t *slots;
};

/* For RC_CLEANUP on the struct itself. */
void
rc_hits_close(struct rc_hits *hits);

/* Room for more hits behind count. RC_LIMIT_EXCEEDED past 2^31 hits in one block. */
RC_MUST_USE enum rc_status
rc_hits_reserve(struct rc_hits *hits, uint32_t more);

/* Whether hits are in total order already, as far as times tell, and rows of one slab when they are
 * all of one sent user. */
bool
rc_hits_are_sorted(const struct rc_hit *hits, uint32_t count, bool one_user);

/* Whether b may stand right behind a in total order. */
bool
rc_hits_in_order(struct rc_view *view, const struct rc_hit *a, const struct rc_hit *b);

/* Sorts into total order: time, event id, user as sent. Linear times the logarithm of the number of
 * ascending runs. scratch: room for count hits. */
void
rc_hits_sort(struct rc_view *view, struct rc_hit *hits, uint32_t count, struct rc_hit *scratch);

#endif
