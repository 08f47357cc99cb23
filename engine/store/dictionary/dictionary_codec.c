/*
 * Stored form of a dictionary: varint count, then the keys (varint size, bytes) in code order.
 * Codes are not stored: they are the order, in which holes take their places: an empty key says
 * that there are some, and a varint behind it how many.
 */
#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/dictionary/dictionary.h"

#define ENTRIES_MAX (UINT32_MAX - 1)
#define HOLES_MAX RC_DICTIONARY_CODES_MAX

static bool
is_written(const struct rc_dictionary *dictionary, const uint64_t *live, uint32_t code)
{
    return (live == NULL || (live[code / 64] >> (code % 64) & 1) != 0) &&
           rc_dictionary_has(dictionary, code);
}

void
rc_dictionary_write(const struct rc_dictionary *dictionary,
                    uint32_t count,
                    const uint64_t *live,
                    struct rc_writer *writer)
{
    RC_ASSERT(count <= rc_dictionary_count(dictionary));
    rc_write_varint(writer, count);
    for (uint32_t code = 0; code < count;) {
        const uint32_t first = code;
        while (code < count && !is_written(dictionary, live, code))
            code++;
        if (code > first) {
            rc_write_bytes(writer, (struct rc_bytes){NULL, 0});
            rc_write_varint(writer, code - first);
            continue;
        }
        const struct rc_bytes key = rc_dictionary_key(dictionary, code++);
        RC_ASSERT(key.size > 0);
        rc_write_bytes(writer, key);
    }
}

static enum rc_status
read_key(struct rc_dictionary *dictionary,
         struct rc_bytes key,
         uint32_t expected,
         struct rc_error *reterr_error)
{
    uint32_t code;
    RC_TRY_OR(reterr_error, rc_dictionary_intern(dictionary, key, &code));
    if (code != expected)
        return rc_error_set(reterr_error, RC_CORRUPT, "key %u of a dictionary is there twice",
                            expected);
    return RC_OK;
}

/* Room for what is to come, as far as the bytes that are left may hold it, and for some more. */
static enum rc_status
expect(struct rc_dictionary *dictionary, const struct rc_reader *reader, uint32_t count)
{
    const size_t keys_max = rc_reader_left(reader) / 2; /* A key takes two bytes at least. */
    const uint32_t likely = keys_max < count ? (uint32_t)keys_max : count;
    return rc_dictionary_expect(dictionary, likely + likely / 8);
}

enum rc_status
rc_dictionary_read(struct rc_dictionary *dictionary,
                   struct rc_reader *reader,
                   struct rc_error *reterr_error)
{
    RC_ASSERT(rc_dictionary_count(dictionary) == 0);
    const uint32_t count = (uint32_t)rc_read_count(reader, ENTRIES_MAX);
    uint32_t holes_left = HOLES_MAX;
    RC_TRY_OR(reterr_error, expect(dictionary, reader, count));
    for (uint32_t code = 0; code < count;) {
        const struct rc_bytes key = rc_read_bytes(reader);
        uint32_t taken = 1;
        if (!reader->bad && key.size == 0) {
            const uint32_t room = count - code;
            taken = (uint32_t)rc_read_count(reader, room < holes_left ? room : holes_left);
            holes_left -= taken;
            if (!reader->bad && taken == 0)
                return rc_error_set(reterr_error, RC_CORRUPT, "key %u of a dictionary is empty",
                                    code);
        }
        if (reader->bad)
            return rc_error_set(reterr_error, RC_CORRUPT, "the bytes of a dictionary end early");
        if (key.size == 0)
            RC_TRY_OR(reterr_error, rc_dictionary_skip(dictionary, taken));
        else
            RC_TRY(read_key(dictionary, key, code, reterr_error));
        code += taken;
    }
    return reader->bad
               ? rc_error_set(reterr_error, RC_CORRUPT, "the bytes of a dictionary end early")
               : RC_OK;
}
