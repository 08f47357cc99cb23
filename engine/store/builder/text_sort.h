/*
 * Text sort: brings distinct byte strings into ascending order.
 *
 * Ownership: keys are borrowed; scratch is used during the call and not reset.
 * Threading: one call is one thread's.
 * Errors:    RC_NO_MEMORY: the items are in some order.
 */
#ifndef RC_STORE_BUILDER_TEXT_SORT_H
#define RC_STORE_BUILDER_TEXT_SORT_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

struct rc_text_item {
    struct rc_bytes key;
    uint32_t value; /* Goes where its key goes. */
};

RC_MUST_USE enum rc_status
rc_text_sort(struct rc_text_item *items, uint32_t count, struct rc_arena *scratch);

#endif
