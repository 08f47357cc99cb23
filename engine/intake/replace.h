/*
 * Replacement: finds the earlier copies of events that are sent again and marks them dead in a
 * draft.
 *
 * An earlier copy is in a slab (found through the slabs' filters, decided by their ids), in a head
 * that waits to be sealed, or in the newest head (which reports what a commit replaces by itself).
 *
 * Ownership: borrows everything.
 * Threading: the project's writer.
 */
#ifndef RC_INTAKE_REPLACE_H
#define RC_INTAKE_REPLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/store/project/version.h"
#include "engine/store/slab/event_index.h"

/* Events on their way in, in order of arrival. */
struct rc_arrivals {
    uint32_t count;
    const uint32_t *users;
    const struct rc_event_id *ids;
    const uint64_t *hashes;        /* rc_event_id_hash; of a derived id anything. */
    const unsigned char *times_ms; /* i64 each. */
};

/* The hashes of users and ids. */
RC_MUST_USE enum rc_status
rc_arrivals_hash(uint32_t count,
                 const uint32_t *users,
                 const struct rc_event_id *ids,
                 struct rc_arena *arena,
                 const uint64_t **ret_hashes);

/*
 * Kills the live copies of the arrivals that lie in cold slabs, or in those in memory. *draft is
 * made from version when the first is found (NULL: none yet). *replaced grows by the rows killed;
 * found, one an arrival, says whose copy is dead now: there is no second one, and it is not looked
 * for again. O(arrivals * slabs) filter probes, then for each candidate the logarithm of its user's
 * rows, and where it was sent with another time before, constant time by index. All of it happens
 * on the draft: on an error nothing else has changed.
 *   RC_UNAVAILABLE, RC_CORRUPT  a cold slab that may hold a copy could not be read.
 */
RC_MUST_USE enum rc_status
rc_replace_in_slabs(const struct rc_version *version,
                    bool cold,
                    const struct rc_arrivals *arrivals,
                    struct rc_event_index *index,
                    struct rc_arena *arena,
                    struct rc_version **draft,
                    bool *found,
                    uint64_t *replaced,
                    struct rc_error *reterr_error);

/* The same for all heads but the newest, and for the arrivals that are not found yet. */
RC_MUST_USE enum rc_status
rc_replace_in_heads(const struct rc_version *version,
                    const struct rc_arrivals *arrivals,
                    const bool *found,
                    struct rc_version **draft,
                    uint64_t *replaced);

/* Whether all that the arrivals need of cold slabs can be read now, as for rc_replace_in_slabs; of
 * any version, on any thread. */
RC_MUST_USE enum rc_status
rc_replace_probe(const struct rc_version *version,
                 const struct rc_arrivals *arrivals,
                 struct rc_arena *arena,
                 struct rc_error *reterr_error);

#endif
