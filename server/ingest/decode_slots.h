/*
 * Slots: where the fields of a message of columns are, and lists of texts in it. Shared by the
 * decoders of tables and of columns.
 *
 * Ownership: everything borrows from the received bytes.
 * Threading: pure functions.
 * Errors:    RC_INVALID and RC_UNSUPPORTED, as in decode.h.
 */
#ifndef RC_SERVER_INGEST_DECODE_SLOTS_H
#define RC_SERVER_INGEST_DECODE_SLOTS_H

#include "server/decode/decode.h"

/* Where the fields of a message are. Index is the field's number. */
#define RC_SLOTS 9u

struct rc_slots {
    struct rc_bytes bytes[RC_SLOTS];
    uint64_t numbers[RC_SLOTS];
    bool there[RC_SLOTS];
    uint32_t repeated_count; /* Of the repeated field. */
};

struct rc_layout {
    const char *message;
    uint32_t field_count;
    uint32_t number_field;   /* The one that is a varint; 0: none. */
    uint32_t repeated_field; /* 0: none. */
    const char *names[RC_SLOTS];
};

/* Notes where each field is. A field that is unknown, sent twice or of the wrong wire type is
 * refused. */
RC_MUST_USE enum rc_status
rc_slots_read(struct rc_decode *decode,
              const struct rc_layout *layout,
              struct rc_bytes bytes,
              struct rc_slots *ret_slots);

/* A StringTable whose ends are checked. */
struct rc_strings {
    const char *text;
    const unsigned char *ends;
    uint32_t count;
};

RC_MUST_USE enum rc_status
rc_strings_read(struct rc_decode *decode,
                const char *field,
                struct rc_bytes bytes,
                struct rc_strings *ret_strings);

struct rc_bytes
rc_strings_at(const struct rc_strings *strings, uint32_t index);

/* All texts as an array in the arena. */
RC_MUST_USE enum rc_status
rc_strings_array(struct rc_decode *decode,
                 const struct rc_strings *strings,
                 const struct rc_bytes **ret_array);

/* Checks that ends never fall and that the last one is last; *ret_count is how many there are. */
RC_MUST_USE enum rc_status
rc_ends_check(struct rc_decode *decode, struct rc_bytes ends, size_t last, uint32_t *ret_count);

static inline uint32_t
rc_u32_at(const unsigned char *array, size_t index)
{
    uint32_t value;
    memcpy(&value, array + 4 * index, 4);
    return value;
}

static inline const unsigned char *
rc_raw(struct rc_bytes bytes)
{
    return (const unsigned char *)bytes.data;
}

#endif
