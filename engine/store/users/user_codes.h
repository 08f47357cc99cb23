/*
 * User codes: the values of a property by person, a byte each, where there are few values: so that
 * a test of all persons is one of each value, and then a scan of bytes.
 *
 * Ownership: one block, freed with rc_alloc_free.
 * Threading: one writer, before anybody reads.
 */
#ifndef RC_STORE_USERS_USER_CODES_H
#define RC_STORE_USERS_USER_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/store/value/cell.h"

#define RC_USER_CODES_MAX 256u
#define RC_USER_CODES_SLOTS 1024u

struct rc_user_codes {
    uint32_t cell_count;
    rc_cell cells[RC_USER_CODES_MAX];    /* By code; the first is null. */
    uint16_t slots[RC_USER_CODES_SLOTS]; /* By the hash of a cell: its code and 1; 0: free. */
    uint8_t codes[];                     /* By person. */
};

/* All null, but for what base (may be NULL) has of its base_count persons. NULL: no memory. */
struct rc_user_codes *
rc_user_codes_new(uint32_t person_count,
                  const struct rc_user_codes *base,
                  uint32_t base_count,
                  struct rc_account *account);

/* Sets a person's value; false: that is one too many. */
bool
rc_user_codes_set(struct rc_user_codes *codes, uint32_t person, rc_cell cell);

#endif
