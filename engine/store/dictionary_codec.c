/*
 * Stored form of a dictionary: varint count, then the keys (varint size, bytes) in code order.
 * Codes are not stored: they are the order. Runs of holes are stored as one.
 */
#include "engine/base/assert.h"
#include "engine/store/dictionary.h"

#define ENTRIES_MAX (UINT32_MAX - 1)

static bool
is_hole(const struct rc_dictionary *dictionary, const uint64_t *live, uint32_t code)
{
    return (live != NULL && (live[code / 64] >> (code % 64) & 1) == 0) ||
           rc_dictionary_is_hole(dictionary, code);
}

void
rc_dictionary_write_live(const struct rc_dictionary *dictionary,
                         uint32_t count,
                         const uint64_t *live,
                         struct rc_writer *writer)
{
    RC_ASSERT(count <= rc_dictionary_count(dictionary));
    rc_write_varint(writer, count);
    for (uint32_t code = 0; code < count;) {
        uint32_t end = code;
        while (end < count && is_hole(dictionary, live, end))
            end++;
        if (end > code) {
            rc_write_varint(writer, RC_DICTIONARY_HOLES);
            rc_write_varint(writer, end - code);
            code = end;
        } else {
            rc_write_bytes(writer, rc_dictionary_key(dictionary, code++));
        }
    }
}

void
rc_dictionary_write(const struct rc_dictionary *dictionary,
                    uint32_t count,
                    struct rc_writer *writer)
{
    rc_dictionary_write_live(dictionary, count, NULL, writer);
}

/* Reads one key or one run of holes at code *at, and steps past it. */
static enum rc_status
read_piece(struct rc_dictionary *dictionary,
           struct rc_reader *reader,
           uint32_t count,
           uint32_t *at,
           struct rc_error *reterr_error)
{
    const uint64_t size = rc_read_varint(reader);
    uint32_t code = 0;
    if (size == RC_DICTIONARY_HOLES) {
        const uint32_t holes = (uint32_t)rc_read_count(reader, count - *at);
        if (reader->bad || holes == 0)
            return rc_error_set(reterr_error, RC_CORRUPT, "the holes of a dictionary are damaged");
        RC_TRY_OR(reterr_error, rc_dictionary_add_holes(dictionary, holes));
        *at += holes;
        return RC_OK;
    }
    const struct rc_bytes key = rc_read_raw(reader, size);
    if (reader->bad)
        return rc_error_set(reterr_error, RC_CORRUPT, "the bytes of a dictionary end early");
    RC_TRY_OR(reterr_error, rc_dictionary_intern(dictionary, key, &code));
    if (code != *at)
        return rc_error_set(reterr_error, RC_CORRUPT, "key %u of a dictionary is there twice", *at);
    (*at)++;
    return RC_OK;
}

enum rc_status
rc_dictionary_read(struct rc_dictionary *dictionary,
                   struct rc_reader *reader,
                   struct rc_error *reterr_error)
{
    RC_ASSERT(rc_dictionary_count(dictionary) == 0);
    const uint32_t count = (uint32_t)rc_read_count(reader, ENTRIES_MAX);
    for (uint32_t at = 0; at < count && !reader->bad;)
        RC_TRY(read_piece(dictionary, reader, count, &at, reterr_error));
    if (reader->bad)
        return rc_error_set(reterr_error, RC_CORRUPT, "the bytes of a dictionary end early");
    return RC_OK;
}
