/*
 * Slab find: where a slab holds an event, by what it was sent with.
 *
 * Threading: reads only.
 */
#ifndef RC_STORE_SLAB_SLAB_FIND_H
#define RC_STORE_SLAB_SLAB_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/store/slab/slab.h"

/* The row of a sent user's sent event id at a time; false when there is none, even if there is one
 * at another time. O(log of the user's rows). */
bool
rc_slab_find_event_at(const struct rc_slab *slab,
                      uint32_t user,
                      int64_t time_ms,
                      const struct rc_event_id *id,
                      uint32_t *ret_row);

#endif
