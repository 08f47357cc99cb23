/*
 * Event ids are kept as numbers until the first one in the batch that is not; from then on all ids
 * of the batch are texts, those before it included. Archives have one kind or the other, so this
 * happens once a batch at most.
 */
#include "loaders/pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/arena.h"
#include "engine/base/assert.h"
#include "loaders/wire.h"

/* Field numbers of IngestRequest, ColumnarBatch, EventTable, UserPropertyTable, AliasTable and
 * AccountPropertyTable. */
enum { REQUEST_BATCH_ID = 3, REQUEST_COLUMNAR };
enum { BATCH_EVENTS = 1, BATCH_USER_PROPERTIES, BATCH_ALIASES, BATCH_ACCOUNT_PROPERTIES };
enum {
    EVENTS_COUNT = 1,
    EVENTS_USERS,
    EVENTS_CODES,
    EVENTS_TIMES,
    EVENTS_TEXT_IDS,
    EVENTS_INT_IDS,
    EVENTS_PROPERTIES
};
/* The first four are those of EventTable; the keys are only of accounts. */
enum { WRITES_PROPERTIES = 5, WRITES_KEYS };
enum { ALIASES_LEFT = 1, ALIASES_RIGHT };

static const uint32_t batch_fields[RC_PACK_TABLE_COUNT] = {
    [RC_PACK_EVENTS] = BATCH_EVENTS,
    [RC_PACK_USER_PROPERTIES] = BATCH_USER_PROPERTIES,
    [RC_PACK_ACCOUNT_PROPERTIES] = BATCH_ACCOUNT_PROPERTIES,
};

struct table {
    struct rc_pack_texts users;
    uint32_t *user_codes;
    size_t user_code_capacity;
    int64_t *times_ms;
    size_t time_capacity;
    uint32_t *last_rows; /* Of each user. */
    size_t last_row_capacity;
    uint32_t row_before; /* Of the same user as the last row, or that row. */
    uint32_t row_count;
    struct rc_pack_column *columns;
    size_t column_capacity;
    uint32_t column_count;
    struct rc_pack_texts names; /* The dictionary of the columns' names: code = number. */
};

struct rc_pack {
    struct table tables[RC_PACK_TABLE_COUNT];
    uint64_t *int_ids;
    size_t int_id_capacity;
    struct rc_pack_texts text_ids;
    bool ids_are_text;
    uint32_t id_count;                 /* Events that have an id. */
    struct rc_pack_texts account_keys; /* One a row of the accounts, as are their ids. */
    struct rc_pack_texts aliases[2];
    struct rc_arena *arena; /* Names of columns. */
    uint64_t batch;
    unsigned char *request;
    size_t request_capacity;
};

struct rc_pack *
rc_pack_new(void)
{
    RC_CLEANUP(rc_pack_freep) struct rc_pack *pack = rc_alloc_zero(sizeof(*pack));
    if (pack == NULL)
        return NULL;
    pack->batch = 1;
    pack->arena = rc_arena_new(NULL, 0);
    return pack->arena == NULL ? NULL : RC_TAKE(pack);
}

static void
table_close(struct table *table)
{
    rc_pack_texts_close(&table->users);
    rc_pack_texts_close(&table->names);
    for (uint32_t i = 0; i < table->column_count; i++)
        rc_pack_column_close(&table->columns[i]);
    rc_alloc_free(table->columns);
    rc_alloc_free(table->user_codes);
    rc_alloc_free(table->times_ms);
    rc_alloc_free(table->last_rows);
}

struct rc_pack *
rc_pack_free(struct rc_pack *pack)
{
    if (pack == NULL)
        return NULL;
    for (uint32_t t = 0; t < RC_PACK_TABLE_COUNT; t++)
        table_close(&pack->tables[t]);
    rc_alloc_free(pack->int_ids);
    rc_pack_texts_close(&pack->text_ids);
    rc_pack_texts_close(&pack->account_keys);
    rc_pack_texts_close(&pack->aliases[0]);
    rc_pack_texts_close(&pack->aliases[1]);
    rc_arena_free(pack->arena);
    rc_alloc_free(pack->request);
    rc_alloc_free(pack);
    return NULL;
}

enum rc_status
rc_pack_column_find(struct rc_pack *pack,
                    enum rc_pack_table table_of,
                    struct rc_bytes name,
                    uint32_t *ret_column)
{
    struct table *table = &pack->tables[table_of];
    RC_TRY(RC_GROW(table->columns, table->column_capacity, (size_t)table->column_count + 1));
    const char *copy = rc_arena_copy(pack->arena, name.data, name.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    uint32_t code;
    RC_TRY(rc_pack_texts_code(&table->names, name, &code));
    if (code == table->column_count) {
        table->columns[code] = (struct rc_pack_column){.name = {copy, name.size}};
        table->column_count++;
    }
    *ret_column = code;
    return RC_OK;
}

uint32_t
rc_pack_column_count(const struct rc_pack *pack, enum rc_pack_table table)
{
    return pack->tables[table].column_count;
}

struct rc_pack_column *
rc_pack_columns(struct rc_pack *pack, enum rc_pack_table table)
{
    return pack->tables[table].columns;
}

static enum rc_status
row_add(struct table *table, struct rc_bytes user, int64_t time_ms)
{
    const size_t needed = (size_t)table->row_count + 1;
    RC_TRY(RC_GROW(table->user_codes, table->user_code_capacity, needed));
    RC_TRY(RC_GROW(table->times_ms, table->time_capacity, needed));
    RC_TRY(RC_GROW(table->last_rows, table->last_row_capacity, needed));
    const uint32_t users_before = table->users.count;
    uint32_t code;
    RC_TRY(rc_pack_texts_code(&table->users, user, &code));
    table->row_before = code < users_before ? table->last_rows[code] : table->row_count;
    table->last_rows[code] = table->row_count;
    table->user_codes[table->row_count] = code;
    table->times_ms[table->row_count++] = time_ms;
    return RC_OK;
}

static enum rc_status
text_id_add(struct rc_pack *pack, struct rc_pack_id id)
{
    char digits[24];
    if (id.kind == RC_PACK_ID_NONE)
        return rc_pack_texts_append(&pack->text_ids, RC_BYTES_LITERAL(""));
    if (id.kind == RC_PACK_ID_TEXT)
        return rc_pack_texts_append(&pack->text_ids, id.text);
    const int size = snprintf(digits, sizeof(digits), "%" PRIu64, id.number);
    return rc_pack_texts_append(&pack->text_ids, (struct rc_bytes){digits, (size_t)size});
}

/* Turns the ids of the rows before the one under way into texts. */
static enum rc_status
ids_to_text(struct rc_pack *pack, uint32_t count)
{
    const bool had_ids = pack->id_count > 0;
    for (uint32_t i = 0; i < count; i++) {
        const enum rc_pack_id_kind kind = had_ids ? RC_PACK_ID_INT : RC_PACK_ID_NONE;
        RC_TRY(text_id_add(pack, (struct rc_pack_id){kind, had_ids ? pack->int_ids[i] : 0, {0}}));
    }
    pack->ids_are_text = true;
    return RC_OK;
}

enum rc_status
rc_pack_add_event(struct rc_pack *pack, struct rc_bytes user, int64_t time_ms, struct rc_pack_id id)
{
    const uint32_t row = pack->tables[RC_PACK_EVENTS].row_count;
    RC_TRY(row_add(&pack->tables[RC_PACK_EVENTS], user, time_ms));
    /* All ints, or none at all: anything else needs texts, where an empty one means none. */
    const bool uniform = id.kind == RC_PACK_ID_NONE
                             ? pack->id_count == 0
                             : id.kind == RC_PACK_ID_INT && pack->id_count == row;
    if (!pack->ids_are_text && !uniform)
        RC_TRY(ids_to_text(pack, row));
    pack->id_count += id.kind != RC_PACK_ID_NONE;
    if (pack->ids_are_text)
        return text_id_add(pack, id);
    if (id.kind == RC_PACK_ID_NONE)
        return RC_OK;
    RC_TRY(RC_GROW(pack->int_ids, pack->int_id_capacity, (size_t)row + 1));
    pack->int_ids[row] = id.number;
    return RC_OK;
}

uint64_t
rc_pack_batch(const struct rc_pack *pack)
{
    return pack->batch;
}

uint32_t
rc_pack_event_before(const struct rc_pack *pack, uint32_t row)
{
    RC_ASSERT(row + 1 == pack->tables[RC_PACK_EVENTS].row_count);
    return pack->tables[RC_PACK_EVENTS].row_before;
}

enum rc_status
rc_pack_add_user_write(struct rc_pack *pack, struct rc_bytes user, int64_t time_ms)
{
    return row_add(&pack->tables[RC_PACK_USER_PROPERTIES], user, time_ms);
}

/* Equal ids of two keys are two accounts, so ids are not a dictionary: a text for each row. Rows of
 * accounts are few. */
enum rc_status
rc_pack_add_account_write(struct rc_pack *pack,
                          struct rc_bytes key,
                          struct rc_bytes account,
                          int64_t time_ms)
{
    struct table *table = &pack->tables[RC_PACK_ACCOUNT_PROPERTIES];
    const size_t needed = (size_t)table->row_count + 1;
    RC_TRY(RC_GROW(table->user_codes, table->user_code_capacity, needed));
    RC_TRY(RC_GROW(table->times_ms, table->time_capacity, needed));
    RC_TRY(rc_pack_texts_append(&table->users, account));
    RC_TRY(rc_pack_texts_append(&pack->account_keys, key));
    table->user_codes[table->row_count] = table->row_count;
    table->times_ms[table->row_count++] = time_ms;
    return RC_OK;
}

enum rc_status
rc_pack_add_alias(struct rc_pack *pack, struct rc_bytes left, struct rc_bytes right)
{
    RC_TRY(rc_pack_texts_append(&pack->aliases[0], left));
    return rc_pack_texts_append(&pack->aliases[1], right);
}

uint32_t
rc_pack_row_count(const struct rc_pack *pack, enum rc_pack_table table)
{
    return pack->tables[table].row_count;
}

size_t
rc_pack_bytes(const struct rc_pack *pack)
{
    size_t bytes =
        pack->aliases[0].text_size + pack->aliases[1].text_size + pack->account_keys.text_size;
    for (uint32_t t = 0; t < RC_PACK_TABLE_COUNT; t++) {
        const struct table *table = &pack->tables[t];
        bytes += table->users.text_size + (size_t)table->row_count * 20;
        for (uint32_t i = 0; i < table->column_count; i++)
            bytes += rc_pack_column_bytes(&table->columns[i]) + table->columns[i].row_end;
    }
    return bytes;
}

static size_t
ids_size(const struct rc_pack *pack)
{
    if (pack->id_count == 0)
        return 0;
    return rc_wire_bytes_size(pack->ids_are_text
                                  ? rc_pack_texts_size(&pack->text_ids)
                                  : 8 * (size_t)pack->tables[RC_PACK_EVENTS].row_count);
}

static unsigned char *
ids_put(const struct rc_pack *pack, unsigned char *at)
{
    if (pack->id_count == 0)
        return at;
    if (!pack->ids_are_text)
        return rc_wire_put_bytes(at, EVENTS_INT_IDS, pack->int_ids,
                                 8 * (size_t)pack->tables[RC_PACK_EVENTS].row_count);
    at = rc_wire_put_head(at, EVENTS_TEXT_IDS, rc_pack_texts_size(&pack->text_ids));
    return rc_pack_texts_put(&pack->text_ids, at);
}

static size_t
table_size(const struct rc_pack *pack, enum rc_pack_table table_of)
{
    const struct table *table = &pack->tables[table_of];
    size_t size = rc_wire_number_size(table->row_count) +
                  rc_wire_bytes_size(rc_pack_texts_size(&table->users)) +
                  rc_wire_bytes_size(4 * (size_t)table->row_count) +
                  rc_wire_bytes_size(8 * (size_t)table->row_count);
    if (table_of == RC_PACK_EVENTS)
        size += ids_size(pack);
    if (table_of == RC_PACK_ACCOUNT_PROPERTIES)
        size += rc_wire_bytes_size(rc_pack_texts_size(&pack->account_keys));
    for (uint32_t i = 0; i < table->column_count; i++)
        if (table->columns[i].set_count > 0)
            size += rc_wire_bytes_size(rc_pack_column_size(&table->columns[i], table->row_count));
    return size;
}

static unsigned char *
table_put(const struct rc_pack *pack, enum rc_pack_table table_of, unsigned char *at)
{
    const struct table *table = &pack->tables[table_of];
    const uint32_t rows = table->row_count;
    at = rc_wire_put_number(at, EVENTS_COUNT, rows);
    at = rc_wire_put_head(at, EVENTS_USERS, rc_pack_texts_size(&table->users));
    at = rc_pack_texts_put(&table->users, at);
    at = rc_wire_put_bytes(at, EVENTS_CODES, table->user_codes, 4 * (size_t)rows);
    at = rc_wire_put_bytes(at, EVENTS_TIMES, table->times_ms, 8 * (size_t)rows);
    if (table_of == RC_PACK_EVENTS)
        at = ids_put(pack, at);
    const uint32_t field = table_of == RC_PACK_EVENTS ? EVENTS_PROPERTIES : WRITES_PROPERTIES;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct rc_pack_column *column = &table->columns[i];
        if (column->set_count == 0)
            continue;
        at = rc_wire_put_head(at, field, rc_pack_column_size(column, rows));
        at = rc_pack_column_put(column, rows, at);
    }
    if (table_of == RC_PACK_ACCOUNT_PROPERTIES) {
        at = rc_wire_put_head(at, WRITES_KEYS, rc_pack_texts_size(&pack->account_keys));
        at = rc_pack_texts_put(&pack->account_keys, at);
    }
    return at;
}

static size_t
aliases_size(const struct rc_pack *pack)
{
    return rc_wire_bytes_size(rc_pack_texts_size(&pack->aliases[0])) +
           rc_wire_bytes_size(rc_pack_texts_size(&pack->aliases[1]));
}

static unsigned char *
aliases_put(const struct rc_pack *pack, unsigned char *at)
{
    at = rc_wire_put_head(at, ALIASES_LEFT, rc_pack_texts_size(&pack->aliases[0]));
    at = rc_pack_texts_put(&pack->aliases[0], at);
    at = rc_wire_put_head(at, ALIASES_RIGHT, rc_pack_texts_size(&pack->aliases[1]));
    return rc_pack_texts_put(&pack->aliases[1], at);
}

enum rc_status
rc_pack_request(struct rc_pack *pack, uint64_t batch_id, struct rc_bytes *ret_request)
{
    size_t sizes[RC_PACK_TABLE_COUNT] = {0};
    size_t batch_size = 0;
    for (uint32_t t = 0; t < RC_PACK_TABLE_COUNT; t++) {
        if (pack->tables[t].row_count == 0)
            continue;
        sizes[t] = table_size(pack, t);
        batch_size += rc_wire_bytes_size(sizes[t]);
    }
    const bool has_aliases = pack->aliases[0].count > 0;
    if (has_aliases)
        batch_size += rc_wire_bytes_size(aliases_size(pack));
    const size_t size = rc_wire_number_size(batch_id) + rc_wire_bytes_size(batch_size);
    RC_TRY(RC_GROW(pack->request, pack->request_capacity, size));
    unsigned char *at = rc_wire_put_number(pack->request, REQUEST_BATCH_ID, batch_id);
    at = rc_wire_put_head(at, REQUEST_COLUMNAR, batch_size);
    for (uint32_t t = 0; t < RC_PACK_TABLE_COUNT; t++) {
        if (pack->tables[t].row_count == 0)
            continue;
        at = rc_wire_put_head(at, batch_fields[t], sizes[t]);
        at = table_put(pack, t, at);
    }
    if (has_aliases) {
        at = rc_wire_put_head(at, BATCH_ALIASES, aliases_size(pack));
        at = aliases_put(pack, at);
    }
    RC_ASSERT(at == pack->request + size);
    *ret_request = (struct rc_bytes){(const char *)pack->request, size};
    return RC_OK;
}

void
rc_pack_reset(struct rc_pack *pack)
{
    for (uint32_t t = 0; t < RC_PACK_TABLE_COUNT; t++) {
        struct table *table = &pack->tables[t];
        rc_pack_texts_reset(&table->users);
        table->row_count = 0;
        for (uint32_t i = 0; i < table->column_count; i++)
            rc_pack_column_reset(&table->columns[i]);
    }
    pack->batch++;
    rc_pack_texts_reset(&pack->text_ids);
    pack->ids_are_text = false;
    pack->id_count = 0;
    rc_pack_texts_reset(&pack->account_keys);
    rc_pack_texts_reset(&pack->aliases[0]);
    rc_pack_texts_reset(&pack->aliases[1]);
}
