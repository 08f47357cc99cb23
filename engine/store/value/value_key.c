#include "engine/store/value/value_key.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/store/value/cell.h"

enum rc_status
rc_value_key_open(struct rc_value_key *key, struct rc_value value)
{
    key->heap = (struct rc_writer){0};
    if (value.kind == RC_VALUE_STRING && value.string.size < sizeof(key->stack)) {
        key->stack[0] = (char)RC_VALUE_STRING;
        if (value.string.size != 0)
            memcpy(key->stack + 1, value.string.data, value.string.size);
        key->bytes = (struct rc_bytes){key->stack, value.string.size + 1};
        return RC_OK;
    }
    if (value.kind == RC_VALUE_STRING) {
        rc_write_u8(&key->heap, RC_VALUE_STRING);
        rc_write_raw(&key->heap, value.string.data, value.string.size);
    } else {
        rc_value_write(&key->heap, value);
    }
    key->bytes = (struct rc_bytes){(const char *)key->heap.data, key->heap.size};
    return key->heap.failed ? RC_NO_MEMORY : RC_OK;
}

void
rc_value_key_close(struct rc_value_key *key)
{
    rc_writer_close(&key->heap);
}

/* A list of which only the count is wanted. */
static enum rc_status
read_list_count(struct rc_bytes key, struct rc_value *ret_value)
{
    struct rc_reader reader = rc_reader_of(key.data + 1, key.size - 1);
    const uint64_t count = rc_read_count(&reader, RC_LIST_ITEMS_MAX);
    if (reader.bad)
        return RC_CORRUPT;
    *ret_value = (struct rc_value){.kind = RC_VALUE_LIST, .item_count = (uint32_t)count};
    return RC_OK;
}

enum rc_status
rc_value_of_key(struct rc_bytes key, struct rc_arena *arena, struct rc_value *ret_value)
{
    if (key.size == 0)
        return RC_CORRUPT;
    if (key.data[0] == RC_VALUE_STRING) {
        *ret_value = rc_value_string((struct rc_bytes){key.data + 1, key.size - 1});
        return RC_OK;
    }
    if (key.data[0] == RC_VALUE_LIST && arena == NULL)
        return read_list_count(key, ret_value);
    struct rc_reader reader = rc_reader_of(key.data, key.size);
    return rc_value_read(&reader, arena, ret_value);
}

enum rc_status
rc_value_key_check(struct rc_bytes key, struct rc_arena *arena)
{
    struct rc_value value = rc_value_null();
    if (key.size == 0)
        return RC_CORRUPT;
    if (key.data[0] == RC_VALUE_STRING)
        return rc_bytes_is_text((struct rc_bytes){key.data + 1, key.size - 1}) ? RC_OK : RC_CORRUPT;
    struct rc_reader reader = rc_reader_of(key.data, key.size);
    RC_TRY(rc_value_read(&reader, arena, &value));
    rc_cell cell;
    if (rc_reader_left(&reader) != 0 || rc_cell_inline(value, &cell))
        return RC_CORRUPT;
    RC_CLEANUP(rc_value_key_close) struct rc_value_key again;
    const enum rc_status opened = rc_value_key_open(&again, value);
    RC_TRY(opened);
    return rc_bytes_equal(again.bytes, key) ? RC_OK : RC_CORRUPT;
}
