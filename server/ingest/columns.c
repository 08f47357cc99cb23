/*
 * Columns. A column keeps (row, code) pairs, so that rare properties cost only the rows that have
 * them; it becomes dense at the end if every row has it.
 *
 * Lines of one source name their properties in the same order. So the column after the last one
 * that was used is tried first, and the hash of a name is only made when that fails.
 *
 * A set of distinct values is an open-addressed table of codes with the hashes beside it; a code is
 * the place of the value plus one, as in a batch. Growing copies in the arena: at most as much is
 * lost as is kept.
 */
#include "server/ingest/columns.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define SLOTS_FIRST 16u

/* Distinct values; a slot is 0 (free) or a code. */
struct value_set {
    struct rc_value *values;
    uint64_t *hashes;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots;
    uint32_t slot_count; /* A power of two, or 0. */
};

struct column {
    struct rc_bytes name;
    struct value_set set;
    uint32_t *rows;
    uint32_t *codes;
    uint32_t entry_count;
    uint32_t entry_capacity;
};

struct rc_columns {
    struct rc_arena *arena;
    struct column **columns;
    uint32_t column_count;
    uint32_t column_capacity;
    uint32_t *name_slots; /* 0 or a column's place plus one. */
    uint32_t name_slot_count;
    uint32_t predicted; /* The column that is tried first. */
    struct value_set users;
    uint32_t *user_codes;
    int64_t *times_ms;
    uint32_t row_count;
    uint32_t row_capacity;
    uint32_t *touched; /* Columns that the open row has put. */
    uint32_t touched_count;
    uint32_t touched_capacity;
};

/* Grows an array in the arena to hold at least needed elements. */
static enum rc_status
grow(struct rc_arena *arena, void *array, uint32_t *capacity, uint32_t needed, size_t element)
{
    void *old;
    if (needed <= *capacity)
        return RC_OK;
    uint32_t larger = *capacity == 0 ? 8 : *capacity;
    while (larger < needed)
        larger *= 2;
    void *block = rc_arena_alloc(arena, larger * element);
    if (block == NULL)
        return RC_NO_MEMORY;
    memcpy(&old, array, sizeof(old));
    if (*capacity > 0)
        memcpy(block, old, *capacity * element);
    memcpy(array, &block, sizeof(block));
    *capacity = larger;
    return RC_OK;
}

/* ---- Distinct values ------------------------------------------------------------------------- */

static uint64_t
value_hash(struct rc_value value)
{
    uint64_t hash = (uint64_t)value.kind * 0x9e3779b97f4a7c15u;
    switch (value.kind) {
    case RC_VALUE_NULL:
        return hash;
    case RC_VALUE_BOOL:
        return rc_hash_u64(hash + value.boolean);
    case RC_VALUE_INT:
        return rc_hash_u64(hash ^ (uint64_t)value.integer);
    case RC_VALUE_DOUBLE:
        return rc_hash_seeded(&value.real, sizeof(value.real), hash);
    case RC_VALUE_STRING:
        return rc_hash(value.string.data, value.string.size);
    case RC_VALUE_LIST:
        for (uint32_t i = 0; i < value.item_count; i++)
            hash = rc_hash_seeded(value.items[i].data, value.items[i].size, hash);
        return hash;
    }
    return hash;
}

static enum rc_status
copy_text(struct rc_arena *arena, struct rc_bytes text, struct rc_bytes *ret_copy)
{
    char *copy = rc_arena_string(arena, text.data, text.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    *ret_copy = (struct rc_bytes){copy, text.size};
    return RC_OK;
}

static enum rc_status
value_copy(struct rc_arena *arena, struct rc_value *value)
{
    if (value->kind == RC_VALUE_STRING)
        return copy_text(arena, value->string, &value->string);
    if (value->kind != RC_VALUE_LIST)
        return RC_OK;
    struct rc_bytes *items = RC_ARENA_ARRAY(arena, struct rc_bytes, value->item_count + (size_t)1);
    if (items == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < value->item_count; i++)
        RC_TRY(copy_text(arena, value->items[i], &items[i]));
    value->items = items;
    return RC_OK;
}

static enum rc_status
set_rehash(struct rc_arena *arena, struct value_set *set)
{
    const uint32_t count = set->slot_count == 0 ? SLOTS_FIRST : set->slot_count * 2;
    uint32_t *slots = RC_ARENA_ARRAY(arena, uint32_t, count);
    if (slots == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t at = (uint32_t)set->hashes[i] & (count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (count - 1);
        slots[at] = i + 1;
    }
    set->slots = slots;
    set->slot_count = count;
    return RC_OK;
}

/* The code of a value, which is added when it is new. */
static enum rc_status
set_code(struct rc_arena *arena, struct value_set *set, struct rc_value value, uint32_t *ret_code)
{
    const uint64_t hash = value_hash(value);
    if (set->count * 2 >= set->slot_count)
        RC_TRY(set_rehash(arena, set));
    uint32_t at = (uint32_t)hash & (set->slot_count - 1);
    for (; set->slots[at] != 0; at = (at + 1) & (set->slot_count - 1)) {
        const uint32_t place = set->slots[at] - 1;
        if (set->hashes[place] == hash && rc_value_same(set->values[place], value)) {
            *ret_code = place + 1;
            return RC_OK;
        }
    }
    uint32_t capacity = set->capacity;
    RC_TRY(grow(arena, &set->values, &capacity, set->count + 1, sizeof(*set->values)));
    RC_TRY(grow(arena, &set->hashes, &set->capacity, set->count + 1, sizeof(*set->hashes)));
    RC_TRY(value_copy(arena, &value));
    set->values[set->count] = value;
    set->hashes[set->count] = hash;
    set->slots[at] = ++set->count;
    *ret_code = set->count;
    return RC_OK;
}

/* ---- Columns --------------------------------------------------------------------------------- */

struct rc_columns *
rc_columns_new(struct rc_arena *arena)
{
    struct rc_columns *columns = rc_arena_zero(arena, sizeof(*columns));
    if (columns != NULL)
        columns->arena = arena;
    return columns;
}

static enum rc_status
names_rehash(struct rc_columns *columns)
{
    const uint32_t count =
        columns->name_slot_count == 0 ? SLOTS_FIRST * 4 : columns->name_slot_count * 2;
    uint32_t *slots = RC_ARENA_ARRAY(columns->arena, uint32_t, count);
    if (slots == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < columns->column_count; i++) {
        const struct rc_bytes name = columns->columns[i]->name;
        uint32_t at = (uint32_t)rc_hash(name.data, name.size) & (count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (count - 1);
        slots[at] = i + 1;
    }
    columns->name_slots = slots;
    columns->name_slot_count = count;
    return RC_OK;
}

static enum rc_status
column_add(struct rc_columns *columns, struct rc_bytes name, uint32_t slot, uint32_t *ret_place)
{
    struct column *column = rc_arena_zero(columns->arena, sizeof(*column));
    if (column == NULL)
        return RC_NO_MEMORY;
    RC_TRY(copy_text(columns->arena, name, &column->name));
    RC_TRY(grow(columns->arena, &columns->columns, &columns->column_capacity,
                columns->column_count + 1, sizeof(*columns->columns)));
    *ret_place = columns->column_count;
    columns->columns[columns->column_count++] = column;
    columns->name_slots[slot] = columns->column_count;
    return RC_OK;
}

static enum rc_status
column_find(struct rc_columns *columns, struct rc_bytes name, uint32_t *ret_place)
{
    if (columns->predicted < columns->column_count &&
        rc_bytes_equal(columns->columns[columns->predicted]->name, name)) {
        *ret_place = columns->predicted;
        return RC_OK;
    }
    if (columns->column_count * 2 >= columns->name_slot_count)
        RC_TRY(names_rehash(columns));
    const uint32_t mask = columns->name_slot_count - 1;
    uint32_t at = (uint32_t)rc_hash(name.data, name.size) & mask;
    for (; columns->name_slots[at] != 0; at = (at + 1) & mask) {
        *ret_place = columns->name_slots[at] - 1;
        if (rc_bytes_equal(columns->columns[*ret_place]->name, name))
            return RC_OK;
    }
    return column_add(columns, name, at, ret_place);
}

enum rc_status
rc_columns_put(struct rc_columns *columns, struct rc_bytes name, struct rc_value value)
{
    uint32_t place = 0;
    uint32_t code = 0;
    RC_TRY(column_find(columns, name, &place));
    columns->predicted = place + 1;
    struct column *column = columns->columns[place];
    if (column->entry_count > 0 && column->rows[column->entry_count - 1] == columns->row_count)
        return RC_EXISTS;
    RC_TRY(set_code(columns->arena, &column->set, value, &code));
    uint32_t capacity = column->entry_capacity;
    RC_TRY(grow(columns->arena, &column->rows, &capacity, column->entry_count + 1,
                sizeof(*column->rows)));
    RC_TRY(grow(columns->arena, &column->codes, &column->entry_capacity, column->entry_count + 1,
                sizeof(*column->codes)));
    RC_TRY(grow(columns->arena, &columns->touched, &columns->touched_capacity,
                columns->touched_count + 1, sizeof(*columns->touched)));
    column->rows[column->entry_count] = columns->row_count;
    column->codes[column->entry_count++] = code;
    columns->touched[columns->touched_count++] = place;
    return RC_OK;
}

enum rc_status
rc_columns_commit(struct rc_columns *columns, struct rc_bytes user, int64_t time_ms)
{
    uint32_t code = 0;
    RC_TRY(set_code(columns->arena, &columns->users, rc_value_string(user), &code));
    uint32_t capacity = columns->row_capacity;
    RC_TRY(grow(columns->arena, &columns->user_codes, &capacity, columns->row_count + 1,
                sizeof(*columns->user_codes)));
    RC_TRY(grow(columns->arena, &columns->times_ms, &columns->row_capacity, columns->row_count + 1,
                sizeof(*columns->times_ms)));
    columns->user_codes[columns->row_count] = code - 1;
    columns->times_ms[columns->row_count++] = time_ms;
    columns->touched_count = 0;
    columns->predicted = 0;
    return RC_OK;
}

void
rc_columns_rollback(struct rc_columns *columns)
{
    for (uint32_t i = 0; i < columns->touched_count; i++)
        columns->columns[columns->touched[i]]->entry_count--;
    columns->touched_count = 0;
    columns->predicted = 0;
}

enum rc_status
rc_columns_move(struct rc_columns *from, struct rc_columns *into)
{
    RC_ASSERT(into->touched_count == 0);
    for (uint32_t i = 0; i < from->touched_count; i++) {
        const struct column *column = from->columns[from->touched[i]];
        const uint32_t code = column->codes[column->entry_count - 1];
        RC_TRY(rc_columns_put(into, column->name, column->set.values[code - 1]));
    }
    rc_columns_rollback(from);
    return RC_OK;
}

/* Columns that only rolled back rows have put are left out. */
static uint32_t
finish_columns(const struct rc_columns *columns, struct rc_batch_column *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < columns->column_count; i++) {
        const struct column *column = columns->columns[i];
        const bool dense = column->entry_count == columns->row_count;
        if (column->entry_count == 0)
            continue;
        out[count++] =
            (struct rc_batch_column){.name = column->name,
                                     .value_count = column->set.count,
                                     .values = column->set.values,
                                     .code_width = 4,
                                     .codes = (const unsigned char *)column->codes,
                                     .sparse_count = dense ? 0 : column->entry_count,
                                     .rows = dense ? NULL : (const unsigned char *)column->rows};
    }
    return count;
}

enum rc_status
rc_columns_finish(struct rc_columns *columns, struct rc_batch_table *ret_table)
{
    RC_ASSERT(columns->touched_count == 0);
    struct rc_batch_column *out =
        RC_ARENA_ARRAY(columns->arena, struct rc_batch_column, columns->column_count + (size_t)1);
    struct rc_bytes *users =
        RC_ARENA_ARRAY(columns->arena, struct rc_bytes, columns->users.count + (size_t)1);
    if (out == NULL || users == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < columns->users.count; i++)
        users[i] = columns->users.values[i].string;
    *ret_table = (struct rc_batch_table){
        .row_count = columns->row_count,
        .user_count = columns->users.count,
        .users = users,
        .user_codes = (const unsigned char *)columns->user_codes,
        .times_ms = (const unsigned char *)columns->times_ms,
        .column_count = finish_columns(columns, out),
        .columns = out,
    };
    return RC_OK;
}
