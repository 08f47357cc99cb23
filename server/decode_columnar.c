/*
 * Decode: columnar batches, by hand.
 *
 * A table is read in two turns: the first notes where each field is and counts the columns, the
 * second decodes the columns into an array of that size. All arrays of numbers stay in the message.
 * The contract numbers the codes of a column as the engine does (0 not set, then null, false, true,
 * strings, ints, doubles, lists), so codes are only checked to be in range.
 *
 * A field that is sent twice is a broken structure: merging would copy.
 */
#include <stdlib.h>

#include "engine/base/limits.h"
#include "server/decode_batch.h"
#include "server/wire.h"

/* Values that every column has before its own: null, false, true. */
#define VALUES_FIXED 3u

/* Where the fields of a message are. Index is the field's number. */
#define SLOTS 9u

struct slots {
    struct rc_bytes bytes[SLOTS];
    uint64_t numbers[SLOTS];
    bool there[SLOTS];
    uint32_t repeated_count; /* Of the repeated field. */
};

struct layout {
    const char *message;
    uint32_t field_count;
    uint32_t number_field;   /* The one that is a varint; 0: none. */
    uint32_t repeated_field; /* 0: none. */
    const char *names[SLOTS];
};

static const struct layout batch_layout = {
    .message = "ColumnarBatch",
    .field_count = 3,
    .names = {"", "events", "user_properties", "aliases"},
};
static const struct layout events_layout = {
    .message = "EventTable",
    .field_count = 7,
    .number_field = 1,
    .repeated_field = 7,
    .names = {"", "event_count", "users", "user_codes", "times_ms", "text_ids", "int_ids",
              "properties"},
};
static const struct layout writes_layout = {
    .message = "UserPropertyTable",
    .field_count = 5,
    .number_field = 1,
    .repeated_field = 5,
    .names = {"", "row_count", "users", "user_codes", "times_ms", "properties"},
};
static const struct layout column_layout = {
    .message = "PropertyColumn",
    .field_count = 8,
    .number_field = 6,
    .names = {"", "name", "strings", "ints", "doubles", "lists", "code_width", "codes", "rows"},
};
static const struct layout strings_layout = {
    .message = "StringTable",
    .field_count = 2,
    .names = {"", "text", "ends"},
};
static const struct layout lists_layout = {
    .message = "StringLists",
    .field_count = 2,
    .names = {"", "elements", "ends"},
};
static const struct layout aliases_layout = {
    .message = "AliasTable",
    .field_count = 2,
    .names = {"", "left", "right"},
};

static uint32_t
u32_at(const unsigned char *array, size_t index)
{
    uint32_t value;
    memcpy(&value, array + 4 * index, 4);
    return value;
}

static const unsigned char *
raw(struct rc_bytes bytes)
{
    return (const unsigned char *)bytes.data;
}

static enum rc_status
slot_take(struct rc_decode *decode,
          const struct layout *layout,
          const struct rc_wire_field *field,
          struct slots *slots)
{
    if (field->number > layout->field_count)
        return rc_decode_fail(decode, RC_UNSUPPORTED, "",
                              "field %u of %s is not known to this server", field->number,
                              layout->message);
    const char *name = layout->names[field->number];
    const uint32_t wire = field->number == layout->number_field ? RC_WIRE_VARINT : RC_WIRE_BYTES;
    if (field->wire != wire)
        return rc_decode_fail(decode, RC_INVALID, name, "the field has the wrong wire type");
    if (field->number == layout->repeated_field) {
        slots->repeated_count++;
        return RC_OK;
    }
    if (slots->there[field->number])
        return rc_decode_fail(decode, RC_INVALID, name, "the field is sent twice");
    slots->there[field->number] = true;
    slots->bytes[field->number] = field->bytes;
    slots->numbers[field->number] = field->varint;
    return RC_OK;
}

static enum rc_status
slots_read(struct rc_decode *decode,
           const struct layout *layout,
           struct rc_bytes bytes,
           struct slots *ret_slots)
{
    *ret_slots = (struct slots){.repeated_count = 0};
    for (uint32_t i = 0; i < SLOTS; i++)
        ret_slots->bytes[i] = (struct rc_bytes){"", 0};
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    while (rc_reader_left(&reader) > 0) {
        struct rc_wire_field field;
        if (!rc_wire_next(&reader, &field))
            return rc_decode_fail(decode, RC_INVALID, "", "the bytes are no %s message",
                                  layout->message);
        RC_TRY(slot_take(decode, layout, &field, ret_slots));
    }
    return RC_OK;
}

/* ---- Lists of texts ----------------------------------------------------------------------------
 */

/* A StringTable whose ends are checked. */
struct strings {
    const char *text;
    const unsigned char *ends;
    uint32_t count;
};

static struct rc_bytes
strings_at(const struct strings *strings, uint32_t index)
{
    const uint32_t start = index == 0 ? 0 : u32_at(strings->ends, index - 1);
    return (struct rc_bytes){strings->text + start, u32_at(strings->ends, index) - start};
}

/* Checks that ends never fall and end at last; *ret_count is how many there are. */
static enum rc_status
ends_check(struct rc_decode *decode, struct rc_bytes ends, size_t last, uint32_t *ret_count)
{
    if (ends.size % 4 != 0)
        return rc_decode_fail(decode, RC_INVALID, "ends", "%zu bytes are no 32-bit numbers",
                              ends.size);
    const size_t count = ends.size / 4;
    uint32_t previous = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t end = u32_at(raw(ends), i);
        if (end < previous)
            return rc_decode_fail(decode, RC_INVALID, "ends", "end %zu is below the one before it",
                                  i);
        previous = end;
    }
    if (previous != last)
        return rc_decode_fail(decode, RC_INVALID, "ends", "the last end is %u and not %zu",
                              previous, last);
    *ret_count = (uint32_t)count;
    return RC_OK;
}

static enum rc_status
strings_read(struct rc_decode *decode,
             const char *field,
             struct rc_bytes bytes,
             struct strings *ret_strings)
{
    const size_t mark = rc_decode_enter(decode, "%s", field);
    struct slots slots;
    RC_TRY(slots_read(decode, &strings_layout, bytes, &slots));
    ret_strings->text = slots.bytes[1].data;
    ret_strings->ends = raw(slots.bytes[2]);
    RC_TRY(ends_check(decode, slots.bytes[2], slots.bytes[1].size, &ret_strings->count));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

/* All texts as an array. */
static enum rc_status
strings_array(struct rc_decode *decode,
              const struct strings *strings,
              const struct rc_bytes **ret_array)
{
    struct rc_bytes *array =
        rc_arena_alloc(decode->arena, (strings->count + (size_t)1) * sizeof(*array));
    if (array == NULL)
        return rc_decode_no_memory(decode);
    for (uint32_t i = 0; i < strings->count; i++)
        array[i] = strings_at(strings, i);
    *ret_array = array;
    return RC_OK;
}

/* ---- Columns ----------------------------------------------------------------------------------
 */

static enum rc_status
lists_read(struct rc_decode *decode,
           struct rc_bytes bytes,
           const struct strings *strings,
           uint32_t *ret_count,
           struct rc_value **ret_values)
{
    const size_t mark = rc_decode_enter(decode, "lists");
    struct slots slots;
    RC_TRY(slots_read(decode, &lists_layout, bytes, &slots));
    const struct rc_bytes elements = slots.bytes[1];
    if (elements.size % 4 != 0)
        return rc_decode_fail(decode, RC_INVALID, "elements", "%zu bytes are no 32-bit numbers",
                              elements.size);
    const size_t element_count = elements.size / 4;
    RC_TRY(ends_check(decode, slots.bytes[2], element_count, ret_count));
    struct rc_bytes *items = rc_arena_alloc(decode->arena, (element_count + 1) * sizeof(*items));
    struct rc_value *values =
        rc_arena_alloc(decode->arena, (*ret_count + (size_t)1) * sizeof(*values));
    if (items == NULL || values == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < element_count; i++) {
        const uint32_t place = u32_at(raw(elements), i);
        if (place >= strings->count)
            return rc_decode_fail(decode, RC_INVALID, "elements",
                                  "element %zu is %u, but there are %u strings", i, place,
                                  strings->count);
        items[i] = strings_at(strings, place);
    }
    uint32_t start = 0;
    for (uint32_t i = 0; i < *ret_count; i++) {
        const uint32_t end = u32_at(raw(slots.bytes[2]), i);
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
values_read(struct rc_decode *decode, const struct slots *slots, struct rc_batch_column *column)
{
    struct strings strings;
    RC_TRY(strings_read(decode, "strings", slots->bytes[2], &strings));
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
        *value++ = rc_value_string(strings_at(&strings, i));
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

/* The greatest of count codes. */
static uint32_t
codes_max(const unsigned char *codes, uint32_t width, size_t count)
{
    uint32_t greatest = 0;
    if (width == 1) {
        for (size_t i = 0; i < count; i++)
            greatest = codes[i] > greatest ? codes[i] : greatest;
    } else if (width == 2) {
        for (size_t i = 0; i < count; i++) {
            uint16_t code;
            memcpy(&code, codes + 2 * i, 2);
            greatest = code > greatest ? code : greatest;
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            const uint32_t code = u32_at(codes, i);
            greatest = code > greatest ? code : greatest;
        }
    }
    return greatest;
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
        const uint32_t row = u32_at(raw(rows), i);
        if (row < least || row >= row_count)
            return rc_decode_fail(decode, RC_INVALID, "rows",
                                  row >= row_count ? "row %u is past the %u rows of the table"
                                                   : "row %u does not ascend",
                                  row, row_count);
        least = (uint64_t)row + 1;
    }
    column->sparse_count = (uint32_t)count;
    column->rows = count == 0 ? NULL : raw(rows);
    return RC_OK;
}

static enum rc_status
column_read(struct rc_decode *decode,
            struct rc_bytes bytes,
            uint32_t row_count,
            struct rc_batch_column *column)
{
    struct slots slots;
    RC_TRY(slots_read(decode, &column_layout, bytes, &slots));
    column->name = slots.bytes[1];
    const uint64_t width = slots.numbers[6] == 0 ? 4 : slots.numbers[6];
    if (width != 1 && width != 2 && width != 4)
        return rc_decode_fail(decode, RC_INVALID, "code_width",
                              "a code has 1, 2 or 4 bytes, not %llu", (unsigned long long)width);
    column->code_width = (uint32_t)width;
    RC_TRY(values_read(decode, &slots, column));
    RC_TRY(rows_read(decode, slots.bytes[8], row_count, column));
    const size_t count = column->rows == NULL ? row_count : column->sparse_count;
    column->codes = raw(slots.bytes[7]);
    if (slots.bytes[7].size != count * width)
        return rc_decode_fail(decode, RC_INVALID, "codes",
                              "%zu bytes are not %zu codes of %llu bytes", slots.bytes[7].size,
                              count, (unsigned long long)width);
    const uint32_t greatest = codes_max(column->codes, column->code_width, count);
    if (greatest > column->value_count)
        return rc_decode_fail(decode, RC_INVALID, "codes",
                              "code %u is past the %u values of the column", greatest,
                              column->value_count);
    return RC_OK;
}

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

/* ---- Tables -----------------------------------------------------------------------------------
 */

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
        const size_t mark = rc_decode_enter(decode, "properties[%u]", at);
        RC_TRY(column_read(decode, field.bytes, table->row_count, &columns[at++]));
        rc_decode_leave(decode, mark);
    }
    table->column_count = count;
    table->columns = columns;
    return names_check(decode, columns, count);
}

/* The fields that both tables have: count, users, user_codes, times_ms, columns. */
static enum rc_status
table_read(struct rc_decode *decode,
           const struct layout *layout,
           struct rc_bytes bytes,
           struct slots *slots,
           struct rc_batch_table *table)
{
    RC_TRY(slots_read(decode, layout, bytes, slots));
    if (slots->numbers[1] > RC_BATCH_ROWS_MAX)
        return rc_decode_fail(decode, RC_INVALID, layout->names[1], "a table has at most %u rows",
                              RC_BATCH_ROWS_MAX);
    table->row_count = (uint32_t)slots->numbers[1];
    struct strings users;
    RC_TRY(strings_read(decode, "users", slots->bytes[2], &users));
    if (users.count > table->row_count)
        return rc_decode_fail(decode, RC_INVALID, "users",
                              "%u users are more than the table's %u rows", users.count,
                              table->row_count);
    RC_TRY(strings_array(decode, &users, &table->users));
    table->user_count = users.count;
    if (slots->bytes[3].size != (size_t)table->row_count * 4)
        return rc_decode_fail(decode, RC_INVALID, "user_codes",
                              "%zu bytes are not %u 32-bit numbers", slots->bytes[3].size,
                              table->row_count);
    table->user_codes = raw(slots->bytes[3]);
    if (table->row_count > 0 && codes_max(table->user_codes, 4, table->row_count) >= users.count)
        return rc_decode_fail(decode, RC_INVALID, "user_codes",
                              "a code is past the %u users of the table", users.count);
    if (slots->bytes[4].size != (size_t)table->row_count * 8)
        return rc_decode_fail(decode, RC_INVALID, "times_ms", "%zu bytes are not %u 64-bit numbers",
                              slots->bytes[4].size, table->row_count);
    table->times_ms = raw(slots->bytes[4]);
    return columns_read(decode, bytes, layout->repeated_field, slots->repeated_count, table);
}

static enum rc_status
events_read(struct rc_decode *decode, struct rc_bytes bytes, struct rc_batch *batch)
{
    const size_t mark = rc_decode_enter(decode, "events");
    struct slots slots;
    RC_TRY(table_read(decode, &events_layout, bytes, &slots, &batch->events));
    const uint32_t rows = batch->events.row_count;
    if (slots.there[5] && slots.there[6])
        return rc_decode_fail(decode, RC_INVALID, "int_ids",
                              "ids are either texts or numbers, not both");
    if (slots.there[6]) {
        if (slots.bytes[6].size != (size_t)rows * 8)
            return rc_decode_fail(decode, RC_INVALID, "int_ids",
                                  "%zu bytes are not %u 64-bit numbers", slots.bytes[6].size, rows);
        batch->int_ids = rows == 0 ? NULL : raw(slots.bytes[6]);
    }
    if (slots.there[5]) {
        struct strings ids;
        RC_TRY(strings_read(decode, "text_ids", slots.bytes[5], &ids));
        if (ids.count != rows)
            return rc_decode_fail(decode, RC_INVALID, "text_ids",
                                  "%u ids are not one for each "
                                  "of %u events",
                                  ids.count, rows);
        RC_TRY(strings_array(decode, &ids, &batch->text_ids));
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
aliases_read(struct rc_decode *decode, struct rc_bytes bytes, struct rc_batch *batch)
{
    const size_t mark = rc_decode_enter(decode, "aliases");
    struct slots slots;
    struct strings left;
    struct strings right;
    RC_TRY(slots_read(decode, &aliases_layout, bytes, &slots));
    RC_TRY(strings_read(decode, "left", slots.bytes[1], &left));
    RC_TRY(strings_read(decode, "right", slots.bytes[2], &right));
    if (left.count != right.count)
        return rc_decode_fail(decode, RC_INVALID, "right",
                              "%u ids are not as many as the %u in "
                              "left",
                              right.count, left.count);
    if (left.count > RC_BATCH_ROWS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "left", "a table has at most %u rows",
                              RC_BATCH_ROWS_MAX);
    RC_TRY(strings_array(decode, &left, &batch->alias_left));
    RC_TRY(strings_array(decode, &right, &batch->alias_right));
    batch->alias_count = left.count;
    rc_decode_leave(decode, mark);
    return RC_OK;
}

enum rc_status
rc_decode_columnar(struct rc_decode *decode, struct rc_bytes bytes, struct rc_batch *ret_batch)
{
    struct rc_batch batch = {.alias_count = 0};
    struct slots slots;
    RC_TRY(slots_read(decode, &batch_layout, bytes, &slots));
    if (slots.there[1])
        RC_TRY(events_read(decode, slots.bytes[1], &batch));
    if (slots.there[2]) {
        const size_t mark = rc_decode_enter(decode, "user_properties");
        struct slots writes;
        RC_TRY(table_read(decode, &writes_layout, slots.bytes[2], &writes, &batch.writes));
        rc_decode_leave(decode, mark);
    }
    if (slots.there[3])
        RC_TRY(aliases_read(decode, slots.bytes[3], &batch));
    *ret_batch = batch;
    return RC_OK;
}
