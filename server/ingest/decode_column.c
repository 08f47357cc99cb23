/*
 * Column. The contract numbers the codes of a column as the engine does (0 not set, then null,
 * false, true, strings, ints, doubles, lists), so codes stay as they are and are only checked to be
 * in range.
 */
#include "server/ingest/decode_column.h"

#include "engine/intake/packed.h"
#include "server/ingest/decode_slots.h"

/* Values that every column has before its own: null, false, true. */
#define VALUES_FIXED 3u

static const struct rc_layout column_layout = {
    .message = "PropertyColumn",
    .field_count = 8,
    .number_field = 6,
    .names = {"", "name", "strings", "ints", "doubles", "lists", "code_width", "codes", "rows"},
};
static const struct rc_layout lists_layout = {
    .message = "StringLists",
    .field_count = 2,
    .names = {"", "elements", "ends"},
};
/* ---- Columns --------------------------------------------------------------------------------- */

static enum rc_status
lists_read(struct rc_decode *decode,
           struct rc_bytes bytes,
           const struct rc_strings *strings,
           uint32_t *ret_count,
           struct rc_value **ret_values)
{
    const size_t mark = rc_decode_enter(decode, "lists");
    struct rc_slots slots;
    RC_TRY(rc_slots_read(decode, &lists_layout, bytes, &slots));
    const struct rc_bytes elements = slots.bytes[1];
    if (elements.size % 4 != 0)
        return rc_decode_fail(decode, RC_INVALID, "elements", "%zu bytes are no 32-bit numbers",
                              elements.size);
    const size_t element_count = elements.size / 4;
    RC_TRY(rc_ends_check(decode, slots.bytes[2], element_count, ret_count));
    struct rc_bytes *items = rc_arena_alloc(decode->arena, (element_count + 1) * sizeof(*items));
    struct rc_value *values =
        rc_arena_alloc(decode->arena, (*ret_count + (size_t)1) * sizeof(*values));
    if (items == NULL || values == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < element_count; i++) {
        const uint32_t place = rc_u32_at(rc_raw(elements), i);
        if (place >= strings->count)
            return rc_decode_fail(decode, RC_INVALID, "elements",
                                  "element %zu is %u, but there are %u strings", i, place,
                                  strings->count);
        items[i] = rc_strings_at(strings, place);
    }
    uint32_t start = 0;
    for (uint32_t i = 0; i < *ret_count; i++) {
        const uint32_t end = rc_u32_at(rc_raw(slots.bytes[2]), i);
        values[i] = end == start ? rc_value_null()
                                 : (struct rc_value){.kind = RC_VALUE_LIST,
                                                     .item_count = end - start,
                                                     .items = items + start};
        start = end;
    }
    *ret_values = values;
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
values_read(struct rc_decode *decode, const struct rc_slots *slots, struct rc_batch_column *column)
{
    struct rc_strings strings;
    RC_TRY(rc_strings_read(decode, "strings", slots->bytes[2], &strings));
    for (uint32_t field = 3; field <= 4; field++)
        if (slots->bytes[field].size % 8 != 0)
            return rc_decode_fail(decode, RC_INVALID, column_layout.names[field],
                                  "%zu bytes are no 64-bit numbers", slots->bytes[field].size);
    const size_t ints = slots->bytes[3].size / 8;
    const size_t doubles = slots->bytes[4].size / 8;
    uint32_t list_count = 0;
    struct rc_value *lists = NULL;
    RC_TRY(lists_read(decode, slots->bytes[5], &strings, &list_count, &lists));
    const size_t count = VALUES_FIXED + strings.count + ints + doubles + list_count;
    struct rc_value *values = rc_arena_alloc(decode->arena, count * sizeof(*values));
    if (values == NULL)
        return rc_decode_no_memory(decode);
    values[0] = rc_value_null();
    values[1] = rc_value_bool(false);
    values[2] = rc_value_bool(true);
    struct rc_value *value = values + VALUES_FIXED;
    for (uint32_t i = 0; i < strings.count; i++)
        *value++ = rc_value_string(rc_strings_at(&strings, i));
    for (size_t i = 0; i < ints; i++, value++) {
        *value = rc_value_int(0);
        memcpy(&value->integer, slots->bytes[3].data + 8 * i, 8);
    }
    for (size_t i = 0; i < doubles; i++, value++) {
        *value = (struct rc_value){.kind = RC_VALUE_DOUBLE};
        memcpy(&value->real, slots->bytes[4].data + 8 * i, 8);
    }
    for (uint32_t i = 0; i < list_count; i++)
        *value++ = lists[i];
    column->value_count = (uint32_t)count;
    column->values = values;
    return RC_OK;
}

static enum rc_status
rows_read(struct rc_decode *decode,
          struct rc_bytes rows,
          uint32_t row_count,
          struct rc_batch_column *column)
{
    if (rows.size % 4 != 0)
        return rc_decode_fail(decode, RC_INVALID, "rows", "%zu bytes are no 32-bit numbers",
                              rows.size);
    const size_t count = rows.size / 4;
    uint64_t least = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t row = rc_u32_at(rc_raw(rows), i);
        if (row < least || row >= row_count)
            return rc_decode_fail(decode, RC_INVALID, "rows",
                                  row >= row_count ? "row %u is past the %u rows of the table"
                                                   : "row %u does not ascend",
                                  row, row_count);
        least = (uint64_t)row + 1;
    }
    column->sparse_count = (uint32_t)count;
    column->rows = count == 0 ? NULL : rc_raw(rows);
    return RC_OK;
}

enum rc_status
rc_column_read(struct rc_decode *decode,
               struct rc_bytes bytes,
               uint32_t row_count,
               struct rc_batch_column *column)
{
    struct rc_slots slots;
    RC_TRY(rc_slots_read(decode, &column_layout, bytes, &slots));
    column->name = slots.bytes[1];
    const uint64_t width = slots.numbers[6] == 0 ? 4 : slots.numbers[6];
    if (width != 1 && width != 2 && width != 4)
        return rc_decode_fail(decode, RC_INVALID, "code_width",
                              "a code has 1, 2 or 4 bytes, not %llu", (unsigned long long)width);
    column->code_width = (uint32_t)width;
    RC_TRY(values_read(decode, &slots, column));
    RC_TRY(rows_read(decode, slots.bytes[8], row_count, column));
    const size_t count = column->rows == NULL ? row_count : column->sparse_count;
    column->codes = rc_raw(slots.bytes[7]);
    if (slots.bytes[7].size != count * width)
        return rc_decode_fail(decode, RC_INVALID, "codes",
                              "%zu bytes are not %zu codes of %llu bytes", slots.bytes[7].size,
                              count, (unsigned long long)width);
    const uint32_t greatest = rc_packed_greatest(column->codes, column->code_width, count);
    if (greatest > column->value_count)
        return rc_decode_fail(decode, RC_INVALID, "codes",
                              "code %u is past the %u values of the column", greatest,
                              column->value_count);
    return RC_OK;
}
