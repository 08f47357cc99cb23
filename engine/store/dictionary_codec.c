/*
 * Stored form of a dictionary: varint count, then the keys (varint size, bytes) in code order.
 * Codes are not stored: they are the order.
 */
#include "engine/base/assert.h"
#include "engine/store/dictionary.h"

#define ENTRIES_MAX (UINT32_MAX - 1)

void
rc_dictionary_write(const struct rc_dictionary *dictionary,
                    uint32_t count,
                    struct rc_writer *writer)
{
    RC_ASSERT(count <= rc_dictionary_count(dictionary));
    rc_write_varint(writer, count);
    for (uint32_t code = 0; code < count; code++)
        rc_write_bytes(writer, rc_dictionary_key(dictionary, code));
}

enum rc_status
rc_dictionary_read(struct rc_dictionary *dictionary,
                   struct rc_reader *reader,
                   struct rc_error *reterr_error)
{
    RC_ASSERT(rc_dictionary_count(dictionary) == 0);
    const uint32_t count = (uint32_t)rc_read_count(reader, ENTRIES_MAX);
    for (uint32_t expected = 0; expected < count; expected++) {
        const struct rc_bytes key = rc_read_bytes(reader);
        uint32_t code;
        if (reader->bad)
            break;
        RC_TRY_OR(reterr_error, rc_dictionary_intern(dictionary, key, &code));
        if (code != expected)
            return rc_error_set(reterr_error, RC_CORRUPT, "key %u of a dictionary is there twice",
                                expected);
    }
    if (reader->bad)
        return rc_error_set(reterr_error, RC_CORRUPT, "the bytes of a dictionary end early");
    return RC_OK;
}
