/*
 * Three passes over the fields of a row. The first finds each name's entry and puts the fields that
 * the mapping needs into slots. Then the row's kind, user, time and id are known. The second checks
 * every field that will become a property, so that the third, which fills the pack, cannot refuse;
 * it is left out where the first saw only fields that it would have nothing to say about.
 *
 * A property that occurs twice in a row is found by a stamp per column.
 */
#include "loaders/mapper.h"

#include "engine/base/alloc.h"
#include "engine/base/limits.h"
#include "loaders/echo.h"
#include "loaders/mapper_head.h"
#include "loaders/mapper_names.h"
#include "loaders/text_value.h"

#define BEGUN_MAX 64 /* Fields of a row whose texts are looked up all at once. */

struct rc_mapper {
    const struct rc_mapping *mapping; /* Borrowed. */
    struct rc_pack *pack;             /* Borrowed. */
    struct rc_mapper_names names;
    uint64_t row; /* Number of the row, for stamps. */
    uint64_t *stamps[RC_PACK_TABLE_COUNT];
    size_t stamp_capacities[RC_PACK_TABLE_COUNT];
    struct rc_mapper_slots slots;
    uint32_t *constant_columns; /* Of events, by constant. */
    bool needs_check;           /* The mapping wants the second pass for every row. */
};

enum rc_status
rc_mapper_new(const struct rc_mapping *mapping,
              struct rc_pack *pack,
              struct rc_mapper **ret_mapper,
              struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_mapper_freep) struct rc_mapper *mapper = rc_alloc_zero(sizeof(*mapper));
    if (mapper == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to apply the mapping");
    mapper->mapping = mapping;
    mapper->slots.mapping = mapping;
    mapper->pack = pack;
    mapper->needs_check = mapping->format == RC_MAPPING_COPY || mapping->constants.count > 0;
    mapper->constant_columns = rc_alloc((mapping->constants.count + 1) * sizeof(uint32_t));
    if (!rc_mapper_names_init(&mapper->names, mapping, pack) || mapper->constant_columns == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to apply the mapping");
    for (uint32_t i = 0; i < mapping->constants.count; i++)
        RC_TRY_OR(reterr_error,
                  rc_pack_column_find(pack, RC_PACK_EVENTS, mapping->constants.items[i].name,
                                      &mapper->constant_columns[i]));
    *ret_mapper = RC_TAKE(mapper);
    return RC_OK;
}

struct rc_mapper *
rc_mapper_free(struct rc_mapper *mapper)
{
    if (mapper == NULL)
        return NULL;
    rc_mapper_names_close(&mapper->names);
    for (uint32_t table = 0; table < RC_PACK_TABLE_COUNT; table++)
        rc_alloc_free(mapper->stamps[table]);
    rc_alloc_free(mapper->constant_columns);
    rc_alloc_free(mapper);
    return NULL;
}

/* Makes sure that every column has a stamp. */
static enum rc_status
stamps_grow(struct rc_mapper *mapper, enum rc_pack_table table)
{
    const size_t before = mapper->stamp_capacities[table];
    const uint32_t count = rc_pack_column_count(mapper->pack, table);
    if (count <= before)
        return RC_OK;
    RC_TRY(RC_GROW(mapper->stamps[table], mapper->stamp_capacities[table], count));
    memset(mapper->stamps[table] + before, 0,
           (mapper->stamp_capacities[table] - before) * sizeof(uint64_t));
    return RC_OK;
}

/* Whether the column has a value in this row already; it has one from now on. */
static inline bool
is_second(struct rc_mapper *mapper, enum rc_pack_table table, uint32_t column)
{
    const uint64_t stamp = mapper->stamps[table][column];
    mapper->stamps[table][column] = mapper->row;
    return stamp == mapper->row;
}

/* Whether value_check has nothing to say. */
static inline bool
value_is_plain(const struct rc_field_value *value)
{
    return value->type == RC_FIELD_TEXT
               ? value->text.size <= RC_VALUE_BYTES_MAX
               : value->type < RC_FIELD_UNSIGNED || value->type == RC_FIELD_DOUBLE;
}

/* Whether the second pass has nothing to say about a field of an event. */
static inline bool
is_good(struct rc_mapper *mapper, const struct rc_field *field)
{
    const struct rc_field_entry *entry = field->entry;
    if (!entry->echoes)
        return entry->is_idle;
    return value_is_plain(&field->value) &&
           entry->event_column < mapper->stamp_capacities[RC_PACK_EVENTS] &&
           !is_second(mapper, RC_PACK_EVENTS, entry->event_column);
}

/* The first pass. *ret_good: the second one can be left out if the row turns out to be an event. */
static enum rc_status
fields_look_up(struct rc_mapper *mapper,
               struct rc_record *record,
               bool *ret_good,
               struct rc_error *reterr_error)
{
    uint32_t run = 0;
    bool good = true;
    mapper->row++;
    mapper->slots.set = 0;
    rc_mapper_names_restart(&mapper->names);
    for (size_t i = 0; i < record->field_count; i++) {
        struct rc_field *field = &record->fields[i];
        struct rc_field_entry *entry = field->entry;
        if (entry == NULL) {
            for (; run < record->run_count && record->runs[run].field <= i; run++)
                if (record->runs[run].field == i)
                    mapper->names.before = rc_echo_run_last(record, run)->entry;
            entry = rc_mapper_names_get(&mapper->names, field->name, field->root);
        }
        mapper->names.before = entry;
        if (entry == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the field names");
        field->entry = entry;
        field->column = entry->echoes ? entry->event_column : RC_FIELD_NO_COLUMN;
        if (entry->is_unknown)
            return rc_mapper_bad(reterr_error, field->name, "is not a field of this schema");
        if (entry->is_root && field->value.type != RC_FIELD_ROOT &&
            field->value.type != RC_FIELD_NULL)
            return rc_mapper_bad(reterr_error, field->name, "must be an object");
        good = is_good(mapper, field) && good;
        if (entry->slot == RC_ENTRY_NO_SLOT)
            continue;
        if (mapper->slots.set >> entry->slot & 1)
            return rc_mapper_bad(reterr_error, field->name, "occurs twice");
        mapper->slots.set |= UINT64_C(1) << entry->slot;
        mapper->slots.values[entry->slot] = &field->value;
    }
    *ret_good = good;
    return RC_OK;
}

static enum rc_status
value_check(const struct rc_record *record,
            const struct rc_field *field,
            struct rc_error *reterr_error)
{
    const struct rc_field_value *value = &field->value;
    size_t bytes = value->type == RC_FIELD_TEXT ? value->text.size : 0;
    switch (value->type) {
    case RC_FIELD_UNSIGNED:
        return rc_mapper_bad(reterr_error, field->name, "is a whole number beyond 64 bits");
    case RC_FIELD_BAD_LIST:
        return rc_mapper_bad(reterr_error, field->name, "is a list of something other than texts");
    case RC_FIELD_LIST:
        for (uint32_t i = 0; i < value->list_count; i++)
            bytes += record->elements[value->list_begin + i].size;
        if (value->list_count > RC_LIST_ITEMS_MAX)
            return rc_mapper_bad(reterr_error, field->name, "has too many texts in its list");
        break;
    default:
        break;
    }
    return bytes <= RC_VALUE_BYTES_MAX ? RC_OK
                                       : rc_mapper_bad(reterr_error, field->name, "is too long");
}

/* The second pass. */
static enum rc_status
fields_check(struct rc_mapper *mapper,
             struct rc_record *record,
             uint32_t kinds,
             struct rc_error *reterr_error)
{
    const bool strict = mapper->mapping->others == RC_OTHERS_REJECT;
    const bool unescaped = mapper->mapping->format == RC_MAPPING_COPY; /* \xHH may be any byte. */
    const bool events_only = kinds == RC_ROW_EVENT && !unescaped;
    for (uint32_t table = 0; table < RC_PACK_TABLE_COUNT; table++)
        RC_TRY_OR(reterr_error, stamps_grow(mapper, table));
    mapper->row++;
    for (size_t i = 0; i < record->field_count; i++) {
        struct rc_field *field = &record->fields[i];
        const struct rc_field_entry *entry = field->entry;
        if (entry->is_plain && events_only && value_is_plain(&field->value)) {
            if (is_second(mapper, RC_PACK_EVENTS, entry->event_column))
                return rc_mapper_bad(reterr_error, field->name, "occurs twice");
            continue;
        }
        if (strict && (entry->belongs & kinds) == 0)
            return rc_mapper_bad(reterr_error, field->name, "does not belong to this kind of row");
        const bool is_event = kinds & RC_ROW_EVENT && entry->event_column != RC_ENTRY_NO_COLUMN;
        const bool is_user = kinds & RC_ROW_USER && entry->user_column != RC_ENTRY_NO_COLUMN;
        const bool is_account =
            kinds & RC_ROW_ACCOUNT && entry->account_column != RC_ENTRY_NO_COLUMN;
        if (entry->name_is_wrong)
            return rc_mapper_bad(reterr_error, field->name, "is not a name of 1 to 256 bytes");
        if (!is_event && !is_user && !is_account)
            continue;
        if (entry->type != RC_TYPE_TEXT && !rc_text_value_convert(&field->value, entry->type))
            return rc_mapper_bad(reterr_error, field->name,
                                 "is not of the type that the mapping wants");
        if (!value_is_plain(&field->value))
            RC_TRY(value_check(record, field, reterr_error));
        if (unescaped && field->value.type == RC_FIELD_TEXT && !rc_bytes_is_text(field->value.text))
            return rc_mapper_bad(reterr_error, field->name, "is not UTF-8 or holds a NUL");
        if ((is_event && is_second(mapper, RC_PACK_EVENTS, entry->event_column)) ||
            (is_user && is_second(mapper, RC_PACK_USER_PROPERTIES, entry->user_column)) ||
            (is_account && is_second(mapper, RC_PACK_ACCOUNT_PROPERTIES, entry->account_column)))
            return rc_mapper_bad(reterr_error, field->name, "occurs twice");
    }
    for (uint32_t i = 0; i < mapper->mapping->constants.count && kinds & RC_ROW_EVENT; i++) {
        if (is_second(mapper, RC_PACK_EVENTS, mapper->constant_columns[i]))
            return rc_mapper_bad(reterr_error, mapper->mapping->constants.items[i].name,
                                 "is a constant and a field");
    }
    return RC_OK;
}

/* The second pass for what is taken over: it is good, but for being there twice. */
static enum rc_status
runs_check(struct rc_mapper *mapper, const struct rc_record *record, struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < record->run_count; i++) {
        const struct rc_echo_field *const end = rc_echo_run_last(record, i) + 1;
        for (const struct rc_echo_field *echo = end - record->runs[i].count; echo < end; echo++)
            if (is_second(mapper, RC_PACK_EVENTS, echo->column))
                return rc_mapper_bad(reterr_error, rc_echo_name(echo, record->raw.data),
                                     "occurs twice");
    }
    return RC_OK;
}

enum rc_status
rc_mapper_map(struct rc_mapper *mapper,
              struct rc_record *record,
              struct rc_mapped_row *ret_row,
              struct rc_error *reterr_error)
{
    const struct rc_mapping *mapping = mapper->mapping;
    bool good = false;
    RC_TRY(fields_look_up(mapper, record, &good, reterr_error));
    for (uint32_t i = 0; i < mapping->skip_count; i++)
        if (rc_mapper_test_passes(&mapper->slots, &mapping->skips[i]))
            return RC_NOT_FOUND;
    ret_row->kinds = rc_mapper_kinds_of(&mapper->slots);
    if (ret_row->kinds == 0)
        return RC_NOT_FOUND;
    RC_TRY(rc_mapper_head_find(&mapper->slots, record, ret_row, reterr_error));
    if (record->run_count > 0 && ret_row->kinds != RC_ROW_EVENT)
        RC_TRY_OR(reterr_error, rc_echo_spread(record));
    if (!good || ret_row->kinds != RC_ROW_EVENT || mapper->needs_check)
        RC_TRY(fields_check(mapper, record, ret_row->kinds, reterr_error));
    return runs_check(mapper, record, reterr_error);
}

static enum rc_status
value_set(struct rc_pack_column *column,
          uint32_t row,
          const struct rc_record *record,
          const struct rc_field_value *value,
          bool null_is_written)
{
    switch (value->type) {
    case RC_FIELD_TEXT:
        return rc_pack_column_set_text(column, row, row, value->text);
    case RC_FIELD_INT:
        return rc_pack_column_set_int(column, row, value->integer);
    case RC_FIELD_DOUBLE:
        return rc_pack_column_set_double(column, row, value->number);
    case RC_FIELD_TRUE:
    case RC_FIELD_FALSE:
        return rc_pack_column_set_bool(column, row, value->type == RC_FIELD_TRUE);
    case RC_FIELD_LIST:
        return rc_pack_column_set_list(column, row, record->elements + value->list_begin,
                                       value->list_count);
    case RC_FIELD_NULL:
        return null_is_written ? rc_pack_column_set_null(column, row) : RC_OK;
    case RC_FIELD_UNSIGNED:
    case RC_FIELD_BAD_LIST:
    case RC_FIELD_ROOT:
        break;
    }
    return RC_OK; /* Refused by the second pass. */
}

/* same: the row of the batch that has the same echoes, or number when that is elsewhere. */
static enum rc_status
run_add(struct rc_pack_column *columns,
        uint32_t number,
        const struct rc_record *record,
        const struct rc_echo_run *run,
        uint32_t same)
{
    const struct rc_echo_field *const end = record->echoes + run->first + run->count;
    for (const struct rc_echo_field *echo = end - run->count; echo < end; echo++) {
        struct rc_pack_column *column = &columns[echo->column];
        if (rc_pack_column_set_same(column, number, same))
            continue;
        const struct rc_field_value value = rc_echo_value(echo, record->raw.data);
        RC_TRY(value_set(column, number, record, &value, false));
    }
    return RC_OK;
}

static enum rc_status
event_add(struct rc_mapper *mapper, const struct rc_record *record, const struct rc_mapped_row *row)
{
    struct rc_pack *pack = mapper->pack;
    const uint32_t number = rc_pack_row_count(pack, RC_PACK_EVENTS);
    RC_TRY(rc_pack_add_event(pack, row->user, row->time_ms, row->id));
    const uint64_t batch = rc_pack_batch(pack);
    const bool compared = record->echo.batch == batch; /* What is a field still is not the same. */
    const uint32_t same = compared ? record->echo.row : number;
    const uint32_t hint = compared ? number : rc_pack_event_before(pack, number);
    struct rc_pack_column *columns = rc_pack_columns(pack, RC_PACK_EVENTS);
    uint64_t begun[BEGUN_MAX];
    for (size_t i = 0; compared && i < record->field_count && i < BEGUN_MAX; i++) {
        const struct rc_field *field = &record->fields[i];
        const uint32_t at = field->entry->event_column;
        if (at != RC_ENTRY_NO_COLUMN && field->value.type == RC_FIELD_TEXT)
            begun[i] = rc_pack_column_begin_text(&columns[at], field->value.text);
    }
    for (size_t i = 0; i < record->field_count; i++) {
        const struct rc_field *field = &record->fields[i];
        const uint32_t at = field->entry->event_column;
        if (at == RC_ENTRY_NO_COLUMN)
            continue;
        if (field->value.type != RC_FIELD_TEXT)
            RC_TRY(value_set(&columns[at], number, record, &field->value, false));
        else if (compared && i < BEGUN_MAX)
            RC_TRY(rc_pack_column_end_text(&columns[at], number, field->value.text, begun[i]));
        else
            RC_TRY(rc_pack_column_set_text(&columns[at], number, hint, field->value.text));
    }
    for (uint32_t i = 0; i < record->run_count; i++)
        RC_TRY(run_add(columns, number, record, &record->runs[i], same));
    const struct rc_mapping_rules *constants = &mapper->mapping->constants;
    for (uint32_t i = 0; i < constants->count; i++)
        RC_TRY(value_set(&columns[mapper->constant_columns[i]], number, record,
                         &constants->items[i].value, false));
    if (record->place != NULL)
        *record->place = (struct rc_row_place){batch, number};
    return RC_OK;
}

static enum rc_status
user_write_add(struct rc_mapper *mapper,
               const struct rc_record *record,
               const struct rc_mapped_row *row)
{
    struct rc_pack *pack = mapper->pack;
    const uint32_t number = rc_pack_row_count(pack, RC_PACK_USER_PROPERTIES);
    RC_TRY(rc_pack_add_user_write(pack, row->user, row->user_time_ms));
    struct rc_pack_column *columns = rc_pack_columns(pack, RC_PACK_USER_PROPERTIES);
    for (size_t i = 0; i < record->field_count; i++) {
        const uint32_t at = record->fields[i].entry->user_column;
        if (at != RC_ENTRY_NO_COLUMN)
            RC_TRY(value_set(&columns[at], number, record, &record->fields[i].value, true));
    }
    return RC_OK;
}

static enum rc_status
account_write_add(struct rc_mapper *mapper,
                  const struct rc_record *record,
                  const struct rc_mapped_row *row)
{
    struct rc_pack *pack = mapper->pack;
    const uint32_t number = rc_pack_row_count(pack, RC_PACK_ACCOUNT_PROPERTIES);
    RC_TRY(rc_pack_add_account_write(pack, row->account_key, row->account, row->time_ms));
    struct rc_pack_column *columns = rc_pack_columns(pack, RC_PACK_ACCOUNT_PROPERTIES);
    for (size_t i = 0; i < record->field_count; i++) {
        const uint32_t at = record->fields[i].entry->account_column;
        if (at != RC_ENTRY_NO_COLUMN)
            RC_TRY(value_set(&columns[at], number, record, &record->fields[i].value, true));
    }
    return RC_OK;
}

enum rc_status
rc_mapper_add(struct rc_mapper *mapper,
              const struct rc_record *record,
              const struct rc_mapped_row *row)
{
    if (row->kinds & RC_ROW_ALIAS)
        return rc_pack_add_alias(mapper->pack, row->alias[0], row->alias[1]);
    if (row->kinds & RC_ROW_ACCOUNT)
        return account_write_add(mapper, record, row);
    if (row->kinds & RC_ROW_EVENT)
        RC_TRY(event_add(mapper, record, row));
    return row->kinds & RC_ROW_USER ? user_write_add(mapper, record, row) : RC_OK;
}
