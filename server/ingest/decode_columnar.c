/*
 * Decode: columnar batches, by hand.
 *
 * A table is read in two turns: the first notes where each field is and counts the columns, the
 * second decodes the columns into an array of that size. All arrays of numbers stay in the message.
 *
 * A field that is sent twice is a broken structure: merging would copy.
 */
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/intake/packed.h"
#include "engine/store/value/account_id.h"
#include "server/decode/wire.h"
#include "server/ingest/decode_batch.h"
#include "server/ingest/decode_column.h"
#include "server/ingest/decode_slots.h"

static const struct rc_layout batch_layout = {
    .message = "ColumnarBatch",
    .field_count = 4,
    .names = {"", "events", "user_properties", "aliases", "account_properties"},
};
static const struct rc_layout events_layout = {
    .message = "EventTable",
    .field_count = 7,
    .number_field = 1,
    .repeated_field = 7,
    .names = {"", "event_count", "users", "user_codes", "times_ms", "text_ids", "int_ids",
              "properties"},
};
static const struct rc_layout writes_layout = {
    .message = "UserPropertyTable",
    .field_count = 5,
    .number_field = 1,
    .repeated_field = 5,
    .names = {"", "row_count", "users", "user_codes", "times_ms", "properties"},
};
static const struct rc_layout accounts_layout = {
    .message = "AccountPropertyTable",
    .field_count = 6,
    .number_field = 1,
    .repeated_field = 5,
    .names = {"", "row_count", "accounts", "account_codes", "times_ms", "properties",
              "account_keys"},
};
static const struct rc_layout aliases_layout = {
    .message = "AliasTable",
    .field_count = 2,
    .names = {"", "left", "right"},
};

static int
compare_names(const void *a, const void *b)
{
    const struct rc_batch_column *const *left = a;
    const struct rc_batch_column *const *right = b;
    return rc_bytes_compare((*left)->name, (*right)->name);
}

static enum rc_status
names_check(struct rc_decode *decode, const struct rc_batch_column *columns, uint32_t count)
{
    const struct rc_batch_column **sorted =
        RC_ARENA_ARRAY(decode->arena, const struct rc_batch_column *, count + 1);
    if (sorted == NULL)
        return rc_decode_no_memory(decode);
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = &columns[i];
    qsort(sorted, count, sizeof(*sorted), compare_names);
    for (uint32_t i = 1; i < count; i++)
        if (rc_bytes_equal(sorted[i - 1]->name, sorted[i]->name))
            return rc_decode_fail(decode, RC_INVALID, "properties",
                                  "the name \"%.*s\" occurs twice",
                                  (int)(sorted[i]->name.size < 100 ? sorted[i]->name.size : 100),
                                  sorted[i]->name.data);
    return RC_OK;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static enum rc_status
columns_read(struct rc_decode *decode,
             struct rc_bytes bytes,
             uint32_t field_number,
             uint32_t count,
             struct rc_batch_table *table)
{
    struct rc_batch_column *columns =
        RC_ARENA_ARRAY(decode->arena, struct rc_batch_column, (size_t)count + 1);
    if (columns == NULL)
        return rc_decode_no_memory(decode);
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    uint32_t at = 0;
    while (rc_reader_left(&reader) > 0) {
        struct rc_wire_field field;
        if (!rc_wire_next(&reader, &field) || field.number != field_number)
            continue; /* Whole and known: the first turn has seen all fields. */
        const size_t mark = rc_decode_enter_item(decode, "properties", at);
        RC_TRY(rc_column_read(decode, field.bytes, table->row_count, &columns[at++]));
        rc_decode_leave(decode, mark);
    }
    table->column_count = count;
    table->columns = columns;
    return names_check(decode, columns, count);
}

/* The fields that three tables have: count, users, user_codes, times_ms, columns. */
static enum rc_status
table_read(struct rc_decode *decode,
           const struct rc_layout *layout,
           struct rc_bytes bytes,
           struct rc_slots *slots,
           struct rc_batch_table *table)
{
    RC_TRY(rc_slots_read(decode, layout, bytes, slots));
    if (slots->numbers[1] > RC_BATCH_ROWS_MAX)
        return rc_decode_fail(decode, RC_INVALID, layout->names[1], "a table has at most %u rows",
                              RC_BATCH_ROWS_MAX);
    table->row_count = (uint32_t)slots->numbers[1];
    struct rc_strings users;
    RC_TRY(rc_strings_read(decode, layout->names[2], slots->bytes[2], &users));
    if (users.count > table->row_count)
        return rc_decode_fail(decode, RC_INVALID, layout->names[2],
                              "%u %s are more than the table's %u rows", users.count,
                              layout->names[2], table->row_count);
    RC_TRY(rc_strings_array(decode, &users, &table->users));
    table->user_count = users.count;
    if (slots->bytes[3].size != (size_t)table->row_count * 4)
        return rc_decode_fail(decode, RC_INVALID, layout->names[3],
                              "%zu bytes are not %u 32-bit numbers", slots->bytes[3].size,
                              table->row_count);
    table->user_codes = rc_raw(slots->bytes[3]);
    if (table->row_count > 0 &&
        rc_packed_greatest(table->user_codes, 4, table->row_count) >= users.count)
        return rc_decode_fail(decode, RC_INVALID, layout->names[3],
                              "a code is past the %u %s of the table", users.count,
                              layout->names[2]);
    if (slots->bytes[4].size != (size_t)table->row_count * 8)
        return rc_decode_fail(decode, RC_INVALID, "times_ms", "%zu bytes are not %u 64-bit numbers",
                              slots->bytes[4].size, table->row_count);
    table->times_ms = rc_raw(slots->bytes[4]);
    return columns_read(decode, bytes, layout->repeated_field, slots->repeated_count, table);
}

static enum rc_status
events_read(struct rc_decode *decode, struct rc_bytes bytes, struct rc_batch *batch)
{
    const size_t mark = rc_decode_enter(decode, "events");
    struct rc_slots slots;
    RC_TRY(table_read(decode, &events_layout, bytes, &slots, &batch->events));
    const uint32_t rows = batch->events.row_count;
    if (slots.there[5] && slots.there[6])
        return rc_decode_fail(decode, RC_INVALID, "int_ids",
                              "ids are either texts or numbers, not both");
    if (slots.there[6]) {
        if (slots.bytes[6].size != (size_t)rows * 8)
            return rc_decode_fail(decode, RC_INVALID, "int_ids",
                                  "%zu bytes are not %u 64-bit numbers", slots.bytes[6].size, rows);
        batch->int_ids = rows == 0 ? NULL : rc_raw(slots.bytes[6]);
    }
    if (slots.there[5]) {
        struct rc_strings ids;
        RC_TRY(rc_strings_read(decode, "text_ids", slots.bytes[5], &ids));
        if (ids.count != rows)
            return rc_decode_fail(decode, RC_INVALID, "text_ids",
                                  "%u ids are not one for each "
                                  "of %u events",
                                  ids.count, rows);
        RC_TRY(rc_strings_array(decode, &ids, &batch->text_ids));
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
aliases_read(struct rc_decode *decode, struct rc_bytes bytes, struct rc_batch *batch)
{
    const size_t mark = rc_decode_enter(decode, "aliases");
    struct rc_slots slots;
    struct rc_strings left;
    struct rc_strings right;
    RC_TRY(rc_slots_read(decode, &aliases_layout, bytes, &slots));
    RC_TRY(rc_strings_read(decode, "left", slots.bytes[1], &left));
    RC_TRY(rc_strings_read(decode, "right", slots.bytes[2], &right));
    if (left.count != right.count)
        return rc_decode_fail(decode, RC_INVALID, "right",
                              "%u ids are not as many as the %u in "
                              "left",
                              right.count, left.count);
    if (left.count > RC_BATCH_ROWS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "left", "a table has at most %u rows",
                              RC_BATCH_ROWS_MAX);
    RC_TRY(rc_strings_array(decode, &left, &batch->alias_left));
    RC_TRY(rc_strings_array(decode, &right, &batch->alias_right));
    batch->alias_count = left.count;
    rc_decode_leave(decode, mark);
    return RC_OK;
}

/* Ids and the keys beside them become names of accounts. */
static enum rc_status
accounts_read(struct rc_decode *decode, struct rc_bytes bytes, struct rc_batch_table *table)
{
    const size_t mark = rc_decode_enter(decode, "account_properties");
    struct rc_slots slots;
    struct rc_strings keys;
    const struct rc_bytes *key_of;
    RC_TRY(table_read(decode, &accounts_layout, bytes, &slots, table));
    RC_TRY(rc_strings_read(decode, "account_keys", slots.bytes[6], &keys));
    if (keys.count != table->user_count)
        return rc_decode_fail(decode, RC_INVALID, "account_keys",
                              "%u names are not one for each of %u accounts", keys.count,
                              table->user_count);
    RC_TRY(rc_strings_array(decode, &keys, &key_of));
    struct rc_bytes *names = RC_ARENA_ARRAY(decode->arena, struct rc_bytes, table->user_count);
    if (names == NULL)
        return rc_decode_no_memory(decode);
    for (uint32_t i = 0; i < table->user_count; i++) {
        names[i] = rc_account_id_make(decode->arena, key_of[i], table->users[i]);
        if (names[i].size == 0)
            return rc_decode_no_memory(decode);
    }
    table->users = names;
    rc_decode_leave(decode, mark);
    return RC_OK;
}

enum rc_status
rc_decode_columnar(struct rc_decode *decode, struct rc_bytes bytes, struct rc_batch *ret_batch)
{
    struct rc_batch batch = {.alias_count = 0};
    struct rc_slots slots;
    RC_TRY(rc_slots_read(decode, &batch_layout, bytes, &slots));
    if (slots.there[1])
        RC_TRY(events_read(decode, slots.bytes[1], &batch));
    if (slots.there[2]) {
        const size_t mark = rc_decode_enter(decode, "user_properties");
        struct rc_slots writes;
        RC_TRY(table_read(decode, &writes_layout, slots.bytes[2], &writes, &batch.writes));
        rc_decode_leave(decode, mark);
    }
    if (slots.there[3])
        RC_TRY(aliases_read(decode, slots.bytes[3], &batch));
    if (slots.there[4])
        RC_TRY(accounts_read(decode, slots.bytes[4], &batch.accounts));
    *ret_batch = batch;
    return RC_OK;
}
