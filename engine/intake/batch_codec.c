/*
 * Batch codec: the logged form of a batch.
 *
 *   part      part      part                                                part
 *   events    writes    aliases: varint n, then n times left, right (bytes)   accounts, if any
 *
 *   events, writes and accounts:
 *     varint rows, varint users, the users (bytes)
 *     rows x u32 place of the user, rows x i64 time
 *     events only: u8 form of ids: 0 none; 1 rows x u64; 2 rows x bytes (empty: none)
 *     varint columns, each: name (bytes), varint values, the values, u8 code width,
 *       varint s: 0 dense, rows codes follow; else s - 1 sparse rows: u32 rows, then codes
 *
 * Only what kept rows use is written, in order of first use, so that what the dictionaries learn is
 * a function of the rows and not of how a client packed them. Values are in normal form. What came
 * in that order, with no row rejected, is copied and not collected (batch_straight.h).
 */
#include "engine/intake/batch.h"

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/intake/batch_straight.h"
#include "engine/intake/packed.h"

enum id_form { IDS_NONE = 0, IDS_INT = 1, IDS_TEXT = 2 };

/* The kept rows of a table, ascending. */
struct kept {
    uint32_t count;
    bool all; /* All rows of the table are. */
    uint32_t *rows;
};

static bool
collect_kept(struct rc_arena *arena,
             const uint64_t *mask,
             uint32_t row_count,
             struct kept *ret_kept)
{
    struct kept kept = {.all = mask == NULL, .rows = RC_ARENA_ARRAY(arena, uint32_t, row_count)};
    if (kept.rows == NULL)
        return false;
    for (uint32_t row = 0; row < row_count; row++)
        if (mask == NULL || (mask[row / 64] >> (row % 64) & 1) != 0)
            kept.rows[kept.count++] = row;
    *ret_kept = kept;
    return true;
}

static uint32_t
width_for(uint32_t code_max)
{
    return code_max <= UINT8_MAX ? 1 : code_max <= UINT16_MAX ? 2 : 4;
}

static void
write_codes(struct rc_writer *writer, const uint32_t *codes, uint32_t count, uint32_t width)
{
    unsigned char *room = rc_write_room(writer, (size_t)count * width);
    if (room == NULL)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (width == 1)
            room[i] = (unsigned char)codes[i];
        else
            memcpy(room + (size_t)i * width, &codes[i], width); /* Little-endian: the low bytes. */
    }
}

/* Whether the users are in order of first use already, with none unused. */
static bool
users_are_straight(const struct rc_batch_table *table)
{
    uint32_t next = 0;
    for (uint32_t row = 0; row < table->row_count; row++) {
        const uint32_t user = rc_packed_u32(table->user_codes, row);
        if (user > next)
            return false;
        next += user == next;
    }
    return next == table->user_count;
}

/* Users in order of first use, and the rows' places among them. */
static void
write_users(struct rc_writer *writer,
            const struct rc_batch_table *table,
            const struct kept *kept,
            struct rc_arena *arena)
{
    if (kept->all && users_are_straight(table)) {
        rc_write_varint(writer, table->user_count);
        for (uint32_t i = 0; i < table->user_count; i++)
            rc_write_bytes(writer, table->users[i]);
        rc_write_raw(writer, table->user_codes, (size_t)table->row_count * sizeof(uint32_t));
        return;
    }
    uint32_t *place = RC_ARENA_ARRAY(arena, uint32_t, table->user_count); /* + 1; 0: unused. */
    uint32_t *order = RC_ARENA_ARRAY(arena, uint32_t, table->user_count);
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, kept->count);
    if (place == NULL || order == NULL || codes == NULL) {
        writer->failed = true;
        return;
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < kept->count; i++) {
        const uint32_t user = rc_packed_u32(table->user_codes, kept->rows[i]);
        if (place[user] == 0) {
            order[used++] = user;
            place[user] = used;
        }
        codes[i] = place[user] - 1;
    }
    rc_write_varint(writer, used);
    for (uint32_t i = 0; i < used; i++)
        rc_write_bytes(writer, table->users[order[i]]);
    rc_write_raw(writer, codes, (size_t)kept->count * sizeof(codes[0]));
}

/* A column's codes by kept row, renumbered from 1 in order of first use; 0: not set. */
struct used_column {
    uint32_t *codes; /* NULL: the column is straight. */
    uint32_t *order; /* The value of each new code, from 0. */
    uint32_t used;
    uint32_t set_count;
    struct rc_straight straight;
};

static bool
is_null(const struct rc_value *value)
{
    return value->kind == RC_VALUE_NULL || (value->kind == RC_VALUE_LIST && value->item_count == 0);
}

static bool
is_sparse(uint32_t set_count, uint32_t width, uint32_t row_count)
{
    return (uint64_t)set_count * (width + 4) < (uint64_t)row_count * width;
}

/* Fills *ret_column if the column can be written straight, in the form that it has. */
static bool
column_is_straight(const struct rc_batch_column *column,
                   uint32_t row_count,
                   bool keep_null,
                   struct used_column *ret_column)
{
    struct rc_straight straight;
    const bool sparse = column->rows != NULL;
    const uint32_t count = sparse ? column->sparse_count : row_count;
    RC_AUDIT(rc_packed_greatest(column->codes, column->code_width, count) <= column->value_count);
    if (!rc_straight_measure(column->codes, column->code_width, count, column->value_count,
                             &straight) ||
        straight.first == 0 || (sparse && straight.set_count < count))
        return false;
    for (uint32_t code = straight.first; !keep_null && code <= straight.last; code++)
        if (is_null(&column->values[code - 1]))
            return false;
    const uint32_t used = straight.last - straight.first + 1;
    if (is_sparse(straight.set_count, width_for(used), row_count) != sparse)
        return false;
    *ret_column =
        (struct used_column){.used = used, .set_count = straight.set_count, .straight = straight};
    return true;
}

static bool
collect_column(const struct rc_batch_column *column,
               uint32_t row_count,
               const struct kept *kept,
               bool keep_null,
               struct rc_arena *arena,
               struct used_column *ret_column)
{
    uint32_t *dense = RC_ARENA_ARRAY(arena, uint32_t, row_count);
    uint32_t *place = RC_ARENA_ARRAY(arena, uint32_t, column->value_count);
    struct used_column result = {
        .codes = RC_ARENA_ARRAY(arena, uint32_t, kept->count),
        .order = RC_ARENA_ARRAY(arena, uint32_t, column->value_count),
    };
    if (dense == NULL || place == NULL || result.codes == NULL || result.order == NULL)
        return false;
    const uint32_t count = column->rows == NULL ? row_count : column->sparse_count;
    for (uint32_t i = 0; i < count; i++)
        dense[column->rows == NULL ? i : rc_packed_u32(column->rows, i)] =
            rc_packed_code(column->codes, column->code_width, i);
    for (uint32_t i = 0; i < kept->count; i++) {
        const uint32_t code = dense[kept->rows[i]];
        RC_ASSERT(code <= column->value_count);
        const struct rc_value *value = code == 0 ? NULL : &column->values[code - 1];
        if (value == NULL || (!keep_null && is_null(value)))
            continue;
        if (place[code - 1] == 0) {
            result.order[result.used++] = code - 1;
            place[code - 1] = result.used;
        }
        result.codes[i] = place[code - 1];
        result.set_count++;
    }
    *ret_column = result;
    return true;
}

static void
write_value(struct rc_writer *writer, struct rc_value value)
{
    if (is_null(&value))
        value = rc_value_null();
    if (value.kind == RC_VALUE_DOUBLE && rc_value_of_double(value.real, &value) != RC_OK)
        writer->failed = true; /* rc_batch_check lets only finite numbers pass. */
    rc_value_write(writer, value);
}

/* The rows of a sparse column, and the codes. */
static void
write_straight(struct rc_writer *writer,
               const struct rc_batch_column *column,
               const struct rc_straight *straight,
               uint32_t count,
               uint32_t width)
{
    if (column->rows != NULL)
        rc_write_raw(writer, column->rows, (size_t)count * sizeof(uint32_t));
    unsigned char *room = rc_write_room(writer, (size_t)count * width);
    if (room != NULL)
        rc_straight_write(column->codes, column->code_width, count, straight, width, room);
}

static void
write_column(struct rc_writer *writer,
             const struct rc_batch_column *column,
             const struct used_column *used,
             uint32_t row_count,
             struct rc_arena *arena)
{
    const uint32_t width = width_for(used->used);
    rc_write_bytes(writer, column->name);
    rc_write_varint(writer, used->used);
    for (uint32_t i = 0; i < used->used; i++)
        write_value(
            writer,
            column->values[used->codes == NULL ? used->straight.first - 1 + i : used->order[i]]);
    rc_write_u8(writer, (uint8_t)width);
    const bool sparse = is_sparse(used->set_count, width, row_count);
    rc_write_varint(writer, sparse ? (uint64_t)used->set_count + 1 : 0);
    if (used->codes == NULL) {
        write_straight(writer, column, &used->straight, sparse ? used->set_count : row_count,
                       width);
        return;
    }
    if (!sparse) {
        write_codes(writer, used->codes, row_count, width);
        return;
    }
    uint32_t *rows = RC_ARENA_ARRAY(arena, uint32_t, used->set_count);
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, used->set_count);
    if (rows == NULL || codes == NULL) {
        writer->failed = true;
        return;
    }
    uint32_t count = 0;
    for (uint32_t row = 0; row < row_count; row++) {
        if (used->codes[row] == 0)
            continue;
        rows[count] = row;
        codes[count++] = used->codes[row];
    }
    rc_write_raw(writer, rows, (size_t)count * sizeof(rows[0]));
    write_codes(writer, codes, count, width);
}

static void
write_ids(struct rc_writer *writer, const struct rc_batch *batch, const struct kept *kept)
{
    const enum id_form form = batch->int_ids != NULL    ? IDS_INT
                              : batch->text_ids != NULL ? IDS_TEXT
                                                        : IDS_NONE;
    rc_write_u8(writer, (uint8_t)form);
    if (form == IDS_INT && kept->all) {
        rc_write_raw(writer, batch->int_ids, (size_t)kept->count * sizeof(uint64_t));
        return;
    }
    for (uint32_t i = 0; form != IDS_NONE && i < kept->count; i++) {
        if (form == IDS_INT)
            rc_write_u64(writer, rc_packed_u64(batch->int_ids, kept->rows[i]));
        else
            rc_write_bytes(writer, batch->text_ids[kept->rows[i]]);
    }
}

static void
write_table(struct rc_writer *writer,
            const struct rc_batch_table *table,
            const struct rc_batch *ids, /* NULL: a table without ids. */
            const uint64_t *mask,
            struct rc_arena *arena)
{
    struct kept kept;
    if (!collect_kept(arena, mask, table->row_count, &kept)) {
        writer->failed = true;
        return;
    }
    rc_write_varint(writer, kept.count);
    write_users(writer, table, &kept, arena);
    if (kept.all)
        rc_write_raw(writer, table->times_ms, (size_t)kept.count * sizeof(int64_t));
    for (uint32_t i = 0; !kept.all && i < kept.count; i++)
        rc_write_u64(writer, (uint64_t)rc_packed_i64(table->times_ms, kept.rows[i]));
    if (ids != NULL)
        write_ids(writer, ids, &kept);
    uint32_t count = 0;
    struct used_column *used = RC_ARENA_ARRAY(arena, struct used_column, table->column_count);
    writer->failed = writer->failed || used == NULL;
    for (uint32_t i = 0; !writer->failed && i < table->column_count; i++) {
        const struct rc_batch_column *column = &table->columns[i];
        const bool keep_null = ids == NULL;
        if ((!kept.all || !column_is_straight(column, table->row_count, keep_null, &used[i])) &&
            !collect_column(column, table->row_count, &kept, keep_null, arena, &used[i]))
            writer->failed = true;
        else
            count += used[i].used > 0;
    }
    rc_write_varint(writer, count);
    for (uint32_t i = 0; !writer->failed && i < table->column_count; i++)
        if (used[i].used > 0)
            write_column(writer, &table->columns[i], &used[i], kept.count, arena);
}

void
rc_batch_write(struct rc_writer *writer,
               const struct rc_batch *batch,
               const struct rc_batch_keep *keep,
               struct rc_arena *arena)
{
    write_table(writer, &batch->events, batch, keep->events, arena);
    write_table(writer, &batch->writes, NULL, keep->writes, arena);
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->alias_count; i++)
        count += keep->aliases == NULL || (keep->aliases[i / 64] >> (i % 64) & 1) != 0;
    rc_write_varint(writer, count);
    for (uint32_t i = 0; i < batch->alias_count; i++) {
        if (keep->aliases != NULL && (keep->aliases[i / 64] >> (i % 64) & 1) == 0)
            continue;
        rc_write_bytes(writer, batch->alias_left[i]);
        rc_write_bytes(writer, batch->alias_right[i]);
    }
    bool any = false;
    for (uint32_t row = 0; row < batch->accounts.row_count && !any; row++)
        any = keep->accounts == NULL || (keep->accounts[row / 64] >> (row % 64) & 1) != 0;
    if (any)
        write_table(writer, &batch->accounts, NULL, keep->accounts, arena);
}

static struct rc_bytes *
read_texts(struct rc_reader *reader, struct rc_arena *arena, uint32_t count)
{
    struct rc_bytes *texts = RC_ARENA_ARRAY(arena, struct rc_bytes, count);
    for (uint32_t i = 0; texts != NULL && i < count; i++)
        texts[i] = rc_read_bytes(reader);
    return texts;
}

static const unsigned char *
read_packed(struct rc_reader *reader, uint64_t count, uint32_t width)
{
    return (const unsigned char *)rc_read_raw(reader, (size_t)(count * width)).data;
}

/* Codes are at most value_count, sparse rows ascend below row_count. */
static bool
column_is_sound(const struct rc_batch_column *column, uint32_t row_count)
{
    const uint32_t count = column->rows == NULL ? row_count : column->sparse_count;
    if (rc_packed_greatest(column->codes, column->code_width, count) > column->value_count)
        return false;
    for (uint32_t i = 0; column->rows != NULL && i < count; i++) {
        const uint32_t row = rc_packed_u32(column->rows, i);
        if (row >= row_count || (i > 0 && rc_packed_u32(column->rows, i - 1) >= row))
            return false;
    }
    return true;
}

static enum rc_status
read_column(struct rc_reader *reader,
            struct rc_arena *arena,
            uint32_t row_count,
            struct rc_batch_column *ret_column)
{
    struct rc_batch_column column = {.name = rc_read_bytes(reader)};
    column.value_count = (uint32_t)rc_read_count(reader, rc_reader_left(reader));
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, column.value_count);
    if (values == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < column.value_count; i++)
        RC_TRY(rc_value_read(reader, arena, &values[i]));
    column.values = values;
    column.code_width = rc_read_u8(reader);
    if (column.code_width != 1 && column.code_width != 2 && column.code_width != 4)
        return RC_CORRUPT;
    const uint64_t sparse = rc_read_count(reader, (uint64_t)row_count + 1);
    if (sparse > 0) {
        column.sparse_count = (uint32_t)(sparse - 1);
        column.rows = read_packed(reader, column.sparse_count, 4);
    }
    column.codes =
        read_packed(reader, sparse > 0 ? column.sparse_count : row_count, column.code_width);
    if (reader->bad || !column_is_sound(&column, row_count))
        return RC_CORRUPT;
    *ret_column = column;
    return RC_OK;
}

static enum rc_status
read_table(struct rc_reader *reader,
           struct rc_arena *arena,
           struct rc_batch *ids, /* NULL: a table without ids. */
           struct rc_batch_table *ret_table)
{
    struct rc_batch_table table = {0};
    table.row_count = (uint32_t)rc_read_count(reader, RC_BATCH_ROWS_MAX);
    table.user_count = (uint32_t)rc_read_count(reader, table.row_count);
    table.users = read_texts(reader, arena, table.user_count);
    table.user_codes = read_packed(reader, table.row_count, 4);
    table.times_ms = read_packed(reader, table.row_count, 8);
    if (table.users == NULL)
        return RC_NO_MEMORY;
    if (!reader->bad && table.row_count > 0 &&
        rc_packed_greatest(table.user_codes, 4, table.row_count) >= table.user_count)
        return RC_CORRUPT;
    if (ids != NULL) {
        const uint8_t form = rc_read_u8(reader);
        if (form > IDS_TEXT)
            return RC_CORRUPT;
        if (form == IDS_INT)
            ids->int_ids = read_packed(reader, table.row_count, 8);
        if (form == IDS_TEXT &&
            (ids->text_ids = read_texts(reader, arena, table.row_count)) == NULL)
            return RC_NO_MEMORY;
    }
    table.column_count = (uint32_t)rc_read_count(reader, rc_reader_left(reader));
    struct rc_batch_column *columns =
        RC_ARENA_ARRAY(arena, struct rc_batch_column, table.column_count);
    if (columns == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < table.column_count; i++)
        RC_TRY(read_column(reader, arena, table.row_count, &columns[i]));
    table.columns = columns;
    *ret_table = table;
    return reader->bad ? RC_CORRUPT : RC_OK;
}

static enum rc_status
read_batch(struct rc_reader *reader, struct rc_arena *arena, struct rc_batch *ret_batch)
{
    struct rc_batch batch = {0};
    RC_TRY(read_table(reader, arena, &batch, &batch.events));
    RC_TRY(read_table(reader, arena, NULL, &batch.writes));
    batch.alias_count = (uint32_t)rc_read_count(reader, RC_BATCH_ROWS_MAX);
    struct rc_bytes *left = RC_ARENA_ARRAY(arena, struct rc_bytes, batch.alias_count);
    struct rc_bytes *right = RC_ARENA_ARRAY(arena, struct rc_bytes, batch.alias_count);
    if (left == NULL || right == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < batch.alias_count; i++) {
        left[i] = rc_read_bytes(reader);
        right[i] = rc_read_bytes(reader);
    }
    batch.alias_left = left;
    batch.alias_right = right;
    if (!reader->bad && rc_reader_left(reader) > 0)
        RC_TRY(read_table(reader, arena, NULL, &batch.accounts));
    if (reader->bad || rc_reader_left(reader) != 0)
        return RC_CORRUPT;
    *ret_batch = batch;
    return RC_OK;
}

enum rc_status
rc_batch_read(struct rc_reader *reader,
              struct rc_arena *arena,
              struct rc_batch *ret_batch,
              struct rc_error *reterr_error)
{
    const enum rc_status status = read_batch(reader, arena, ret_batch);
    if (status == RC_OK)
        return RC_OK;
    return rc_error_set(reterr_error, status, "a logged batch cannot be read: %s",
                        rc_status_sentence(status));
}
