/*
 * Event id: what makes an event replaceable, and the second key of the total order.
 *
 * Ids are strings that compare by bytes. Most are the decimal text of a 64-bit integer and are kept
 * as such. An event sent without an id has a derived one: a hash of its content. Derived ids
 * replace nothing: two events of equal content are two events. Their text is "~" and 16 hexadecimal
 * digits.
 */
#ifndef RC_STORE_VALUE_EVENT_ID_H
#define RC_STORE_VALUE_EVENT_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

enum rc_event_id_kind {
    RC_EVENT_ID_INT = 0, /* Sent; its text is the canonical decimal of an unsigned 64-bit number. */
    RC_EVENT_ID_TEXT = 1,    /* Sent; any other text. */
    RC_EVENT_ID_DERIVED = 2, /* Not sent; number is a hash of the content. */
};

struct rc_event_id {
    enum rc_event_id_kind kind;
    uint64_t number;      /* INT, DERIVED. */
    struct rc_bytes text; /* TEXT only; borrowed. */
};

/* The id of a sent text: INT when it is "0" or digits without a leading zero below 2^64. */
struct rc_event_id
rc_event_id_of_text(struct rc_bytes text);

/* Writes the id's text into buffer (INT, DERIVED) or returns the borrowed text (TEXT). */
struct rc_bytes
rc_event_id_text(const struct rc_event_id *id, char buffer[24]);

/* By the bytes of the texts: <0, 0, >0. */
int
rc_event_id_compare(const struct rc_event_id *a, const struct rc_event_id *b);

/* Whether b replaces a when both are of one sent user: both sent, and equal. */
bool
rc_event_id_replaces(const struct rc_event_id *a, const struct rc_event_id *b);

/* Hash of (sent user's ordinal, id), for the filters and tables of replacement. */
static inline uint64_t
rc_event_id_hash(uint32_t user, const struct rc_event_id *id)
{
    const uint64_t seed = rc_hash_u64((uint64_t)user + 1);
    if (id->kind == RC_EVENT_ID_TEXT)
        return rc_hash_seeded(id->text.data, id->text.size, seed);
    return rc_hash_u64(id->number ^ seed);
}

#endif
