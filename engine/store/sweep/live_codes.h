/*
 * Live codes: which codes of a dictionary anything still uses. A checkpoint writes holes in the
 * place of the others, so that the text of a deleted user leaves the disk with it.
 *
 * Ownership: from the arena given.
 * Threading: reads only what a view pins.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_STORE_SWEEP_LIVE_CODES_H
#define RC_STORE_SWEEP_LIVE_CODES_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/users/gone.h"
#include "engine/store/users/people.h"

/* The codes of the dictionaries of properties, as they were when they were counted. */
struct rc_live_codes {
    uint32_t property_count;
    struct rc_live_property {
        uint32_t count;  /* Codes below this are told apart; later ones were not looked at. */
        uint64_t *words; /* A bit a code: it is in use. */
    } * of;
};

/* Of user properties: those that a write of a user who is not gone holds. */
RC_MUST_USE enum rc_status
rc_live_codes_of_writes(const struct rc_people *people,
                        const struct rc_people_counts *counts,
                        const struct rc_gone *gone,
                        struct rc_arena *arena,
                        struct rc_live_codes *ret_codes);

/* The stored form of properties (rc_properties_write) with holes for the codes that are not in use;
 * codes NULL: without. */
void
rc_live_codes_write(const struct rc_live_codes *codes,
                    const struct rc_properties *properties,
                    struct rc_writer *writer);

#endif
