#include "engine/store/project/streams.h"

#include <string.h>

enum rc_status
rc_streams_open(struct rc_streams *streams, struct rc_account *account)
{
    *streams = (struct rc_streams){.account = account};
    return rc_dictionary_new(account, &streams->names);
}

void
rc_streams_close(struct rc_streams *streams)
{
    streams->names = rc_dictionary_free(streams->names);
    streams->highest = rc_alloc_free(streams->highest);
    streams->capacity = 0;
}

uint64_t
rc_streams_highest(const struct rc_streams *streams, struct rc_bytes name)
{
    const uint32_t code = rc_dictionary_find(streams->names, name);
    return code == RC_CODE_NONE || code >= streams->capacity ? 0 : streams->highest[code];
}

enum rc_status
rc_streams_set(struct rc_streams *streams, struct rc_bytes name, uint64_t batch_id)
{
    uint32_t code = 0;
    RC_TRY(rc_dictionary_intern(streams->names, name, &code));
    const size_t before = streams->capacity;
    RC_TRY(RC_GROW_IN(streams->account, streams->highest, streams->capacity, (size_t)code + 1));
    for (size_t i = before; i < streams->capacity; i++)
        streams->highest[i] = 0;
    streams->highest[code] = batch_id;
    return RC_OK;
}

enum rc_status
rc_streams_copy(const struct rc_streams *streams,
                struct rc_arena *arena,
                struct rc_streams_copy *ret_copy)
{
    const uint32_t count = rc_dictionary_count(streams->names);
    const size_t known = count < streams->capacity ? count : streams->capacity;
    uint64_t *highest = RC_ARENA_ARRAY(arena, uint64_t, (size_t)count + 1);
    if (highest == NULL)
        return RC_NO_MEMORY;
    if (known > 0)
        memcpy(highest, streams->highest, known * sizeof(highest[0]));
    *ret_copy = (struct rc_streams_copy){streams->names, count, highest};
    return RC_OK;
}

void
rc_streams_write(const struct rc_streams_copy *copy, struct rc_writer *writer)
{
    rc_write_varint(writer, copy->count);
    for (uint32_t i = 0; i < copy->count; i++) {
        rc_write_bytes(writer, rc_dictionary_key(copy->names, i));
        rc_write_u64(writer, copy->highest[i]);
    }
}

enum rc_status
rc_streams_read(struct rc_streams *streams, struct rc_reader *reader, struct rc_error *reterr_error)
{
    const uint64_t count = rc_read_count(reader, UINT32_MAX);
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        const struct rc_bytes name = rc_read_bytes(reader);
        const uint64_t highest = rc_read_u64(reader);
        if (!reader->bad)
            RC_TRY_OR(reterr_error, rc_streams_set(streams, name, highest));
    }
    return reader->bad ? rc_error_set(reterr_error, RC_CORRUPT, "the client streams are cut short")
                       : RC_OK;
}
