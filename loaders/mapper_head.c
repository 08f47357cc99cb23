/*
 * Slots hold the few fields that the mapping needs by name; everything here reads them and nothing
 * else of the record, but for the hashes over its bytes.
 */
#include "loaders/mapper_head.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "loaders/text_value.h"

_Static_assert(RC_MAPPING_SLOTS_MAX <= 64, "the set of slots has a bit for each");

enum rc_status
rc_mapper_bad(struct rc_error *reterr_error, struct rc_bytes field, const char *what)
{
    char name[RC_ERROR_FIELD_BYTES];
    snprintf(name, sizeof(name), "%.*s", (int)(field.size < 120 ? field.size : 120), field.data);
    return rc_error_field(reterr_error, RC_INVALID, name, "%s %s", name, what);
}

static const struct rc_field_value *
slot_value(const struct rc_mapper_slots *slots, uint32_t slot)
{
    static const struct rc_field_value null_value = {.type = RC_FIELD_NULL};
    return slots->set >> slot & 1 ? slots->values[slot] : &null_value;
}

/* The text of a scalar for tests and hashes; numbers go to digits (24 bytes). */
static struct rc_bytes
value_text(const struct rc_field_value *value, char *digits)
{
    int size = 0;
    switch (value->type) {
    case RC_FIELD_TEXT:
        return value->text;
    case RC_FIELD_TRUE:
        return RC_BYTES_LITERAL("true");
    case RC_FIELD_FALSE:
        return RC_BYTES_LITERAL("false");
    case RC_FIELD_INT:
        size = snprintf(digits, 24, "%" PRId64, value->integer);
        break;
    case RC_FIELD_UNSIGNED:
        size = snprintf(digits, 24, "%" PRIu64, value->whole);
        break;
    case RC_FIELD_DOUBLE:
        size = snprintf(digits, 24, "%.15g", value->number);
        break;
    case RC_FIELD_NULL:
    case RC_FIELD_LIST:
    case RC_FIELD_BAD_LIST:
    case RC_FIELD_ROOT:
        break;
    }
    return (struct rc_bytes){digits, (size_t)size};
}

bool
rc_mapper_test_passes(const struct rc_mapper_slots *slots, const struct rc_mapping_test *test)
{
    const struct rc_field_value *value = slot_value(slots, test->slot);
    char digits[24];
    const struct rc_bytes text = value_text(value, digits);
    bool passes = test->values == NULL && value->type != RC_FIELD_NULL;
    for (uint32_t i = 0; i < test->value_count && !passes; i++)
        passes = rc_bytes_equal(test->values[i], text);
    return passes != test->negated;
}

/* Writes a number below 10^8 with its zeros, all digits at once: halves of it in the halves of a
 * word, and so on. */
static void
eight_digits_put(uint32_t number, char digits[8])
{
    uint64_t word = number / 10000 | (uint64_t)(number % 10000) << 32;
    const uint64_t hundreds = (word * 10486 >> 20) & 0x0000007f0000007f;
    word = hundreds | (word - 100 * hundreds) << 16;
    const uint64_t tens = (word * 103 >> 10) & 0x000f000f000f000f;
    word = (tens | (word - 10 * tens) << 8) + 0x3030303030303030;
    memcpy(digits, &word, sizeof(word));
}

/* A number of an id, quicker than printf: 20 digits at most, in 24 bytes. */
static struct rc_bytes
number_text(uint64_t number, bool negative, char *digits)
{
    char *const end = digits + 24;
    char *at = end;
    for (; number >= 100000000; number /= 100000000)
        eight_digits_put((uint32_t)(number % 100000000), at -= 8);
    eight_digits_put((uint32_t)number, at -= 8);
    while (*at == '0' && at < end - 1)
        at++;
    if (negative)
        *--at = '-';
    return (struct rc_bytes){at, (size_t)(end - at)};
}

/* The text of an id: a text or a whole number. *ret_text is empty for null. */
static enum rc_status
id_text(const struct rc_field_value *value,
        struct rc_bytes field,
        size_t bytes_max,
        char *digits,
        struct rc_bytes *ret_text,
        struct rc_error *reterr_error)
{
    switch (value->type) {
    case RC_FIELD_TEXT:
        *ret_text = value->text;
        break;
    case RC_FIELD_INT:
        *ret_text = number_text(value->integer < 0 ? 0 - (uint64_t)value->integer
                                                   : (uint64_t)value->integer,
                                value->integer < 0, digits);
        break;
    case RC_FIELD_UNSIGNED:
        *ret_text = number_text(value->whole, false, digits);
        break;
    case RC_FIELD_NULL:
        *ret_text = (struct rc_bytes){0};
        break;
    default:
        return rc_mapper_bad(reterr_error, field, "must be a text or a whole number");
    }
    return ret_text->size <= bytes_max ? RC_OK : rc_mapper_bad(reterr_error, field, "is too long");
}

static uint64_t
hash_fields(const struct rc_mapper_slots *slots, const struct rc_mapping_source *source)
{
    uint64_t hash = 0;
    char digits[24];
    for (uint32_t i = 0; i < source->slot_count; i++) {
        const struct rc_bytes text = value_text(slot_value(slots, source->slots[i]), digits);
        hash = rc_hash_seeded(text.data, text.size, hash + 1);
    }
    return hash;
}

static uint64_t
hash_row(const struct rc_record *record, bool with_offset)
{
    return rc_hash_seeded(record->raw.data, record->raw.size, with_offset ? record->offset + 1 : 0);
}

static struct rc_bytes
source_name(const struct rc_mapper_slots *slots, const struct rc_mapping_source *source)
{
    return slots->mapping->slots[source->slots[0]].field.name;
}

/* The value of a field, or of one element of it. */
static enum rc_status
user_text(const struct rc_mapper_slots *slots,
          const struct rc_record *record,
          const struct rc_mapping_source *source,
          char *digits,
          struct rc_bytes *ret_text,
          struct rc_error *reterr_error)
{
    const struct rc_field_value *value = slot_value(slots, source->slots[0]);
    struct rc_field_value element = {.type = RC_FIELD_TEXT};
    if (source->is_element && value->type != RC_FIELD_NULL) {
        if (value->type != RC_FIELD_LIST || source->element >= value->list_count)
            return rc_mapper_bad(reterr_error, source_name(slots, source),
                                 "is not a list of as many texts as the mapping wants");
        element.text = record->elements[value->list_begin + source->element];
        value = &element;
    }
    return id_text(value, source_name(slots, source), RC_USER_ID_BYTES_MAX, digits, ret_text,
                   reterr_error);
}

/* The first source with a value; an empty text when none has one. */
static enum rc_status
user_find(const struct rc_mapper_slots *slots,
          const struct rc_record *record,
          const struct rc_mapping_sources *sources,
          char *digits,
          struct rc_bytes *ret_text,
          struct rc_error *reterr_error)
{
    *ret_text = (struct rc_bytes){0};
    for (uint32_t i = 0; i < sources->count && ret_text->size == 0; i++) {
        const struct rc_mapping_source *source = &sources->items[i];
        if (source->kind == RC_SOURCE_FIELD)
            RC_TRY(user_text(slots, record, source, digits, ret_text, reterr_error));
        else if (source->kind == RC_SOURCE_HASH_FIELDS)
            *ret_text = number_text(hash_fields(slots, source), false, digits);
        else
            *ret_text =
                number_text(hash_row(record, source->kind == RC_SOURCE_HASH_OFFSET), false, digits);
    }
    return RC_OK;
}

static enum rc_status
id_prefixed(const struct rc_mapper_slots *slots,
            const struct rc_record *record,
            struct rc_bytes text,
            struct rc_pack_id *ret_id,
            struct rc_error *reterr_error)
{
    const struct rc_bytes prefix = slots->mapping->id_prefix;
    if (prefix.size + text.size > RC_EVENT_ID_BYTES_MAX)
        return rc_mapper_bad(reterr_error, RC_BYTES_LITERAL("id"), "is too long with its prefix");
    char *joined = rc_arena_alloc(record->arena, prefix.size + text.size);
    if (joined == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a row");
    memcpy(joined, prefix.data, prefix.size);
    memcpy(joined + prefix.size, text.data, text.size);
    *ret_id =
        (struct rc_pack_id){.kind = RC_PACK_ID_TEXT, .text = {joined, prefix.size + text.size}};
    return RC_OK;
}

static enum rc_status
id_find(const struct rc_mapper_slots *slots,
        const struct rc_record *record,
        struct rc_pack_id *ret_id,
        struct rc_error *reterr_error)
{
    const struct rc_mapping_sources *sources = &slots->mapping->id;
    const bool prefixed = slots->mapping->id_prefix.size > 0;
    *ret_id = (struct rc_pack_id){.kind = RC_PACK_ID_NONE};
    for (uint32_t i = 0; i < sources->count && ret_id->kind == RC_PACK_ID_NONE; i++) {
        const struct rc_mapping_source *source = &sources->items[i];
        char digits[24];
        struct rc_bytes text = {0};
        uint64_t number = 0;
        bool is_number = true;
        if (source->kind == RC_SOURCE_FIELD) {
            const struct rc_field_value *value = slot_value(slots, source->slots[0]);
            if (!prefixed && value->type == RC_FIELD_INT && value->integer >= 0) {
                *ret_id =
                    (struct rc_pack_id){.kind = RC_PACK_ID_INT, .number = (uint64_t)value->integer};
                return RC_OK; /* Most archives: no text is needed. */
            }
            RC_TRY(id_text(value, source_name(slots, source), RC_EVENT_ID_BYTES_MAX, digits, &text,
                           reterr_error));
            if (text.size == 0)
                continue;
            number = value->type == RC_FIELD_TEXT ? 0 : (uint64_t)value->integer;
            is_number = value->type == RC_FIELD_UNSIGNED ||
                        (value->type == RC_FIELD_INT && value->integer >= 0) ||
                        rc_text_is_unsigned(text, &number);
        } else {
            number = source->kind == RC_SOURCE_HASH_FIELDS
                         ? hash_fields(slots, source)
                         : hash_row(record, source->kind == RC_SOURCE_HASH_OFFSET);
            text = number_text(number, false, digits);
        }
        if (prefixed)
            return id_prefixed(slots, record, text, ret_id, reterr_error);
        *ret_id = is_number ? (struct rc_pack_id){.kind = RC_PACK_ID_INT, .number = number}
                            : (struct rc_pack_id){.kind = RC_PACK_ID_TEXT, .text = text};
        if (!is_number && source->kind == RC_SOURCE_FIELD &&
            slot_value(slots, source->slots[0])->type != RC_FIELD_TEXT) {
            const char *copy = rc_arena_copy(record->arena, text.data, text.size);
            if (copy == NULL)
                return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a row");
            ret_id->text.data = copy; /* The digits of a negative number. */
        }
    }
    return RC_OK;
}

static enum rc_status
time_find(const struct rc_mapper_slots *slots,
          const struct rc_mapping_sources *sources,
          int64_t *ret_time_ms,
          struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < sources->count; i++) {
        const struct rc_field_value *value = slot_value(slots, sources->items[i].slots[0]);
        if (value->type == RC_FIELD_NULL || (value->type == RC_FIELD_TEXT && value->text.size == 0))
            continue;
        if (rc_time_parse(value, slots->mapping->unit, slots->mapping->zone_ms, ret_time_ms))
            return RC_OK;
        return rc_mapper_bad(reterr_error, source_name(slots, &sources->items[i]),
                             "is not a time between the years 1 and 9999");
    }
    return rc_mapper_bad(reterr_error, RC_BYTES_LITERAL("time"), "is missing");
}

uint32_t
rc_mapper_kinds_of(const struct rc_mapper_slots *slots)
{
    const struct rc_mapping *mapping = slots->mapping;
    if (mapping->alias_when.set && rc_mapper_test_passes(slots, &mapping->alias_when))
        return RC_ROW_ALIAS;
    if (mapping->account_when.set && rc_mapper_test_passes(slots, &mapping->account_when))
        return RC_ROW_ACCOUNT;
    if (mapping->user_when.set && rc_mapper_test_passes(slots, &mapping->user_when))
        return RC_ROW_USER;
    if (mapping->event_when.set && !rc_mapper_test_passes(slots, &mapping->event_when))
        return 0;
    if (mapping->user.count == 0)
        return 0;
    const bool writes = mapping->has_user_section && !mapping->user_when.set;
    return RC_ROW_EVENT | (writes ? RC_ROW_USER : 0U);
}

static enum rc_status
account_find(const struct rc_mapper_slots *slots,
             const struct rc_record *record,
             struct rc_mapped_row *row,
             struct rc_error *reterr_error)
{
    const struct rc_mapping *mapping = slots->mapping;
    row->account_key = mapping->account_key;
    if (mapping->account_key_in.count > 0)
        RC_TRY(user_find(slots, record, &mapping->account_key_in, row->account_digits[0],
                         &row->account_key, reterr_error));
    if (row->account_key.size == 0 || row->account_key.size > RC_PROPERTY_NAME_BYTES_MAX)
        return rc_mapper_bad(reterr_error, RC_BYTES_LITERAL("account key"),
                             "is not a name of 1 to 256 bytes");
    RC_TRY(user_find(slots, record, &mapping->account_id, row->account_digits[1], &row->account,
                     reterr_error));
    if (row->account.size == 0)
        return rc_mapper_bad(reterr_error, RC_BYTES_LITERAL("account"), "is missing");
    return time_find(slots,
                     mapping->account_time.count > 0 ? &mapping->account_time : &mapping->time,
                     &row->time_ms, reterr_error);
}

enum rc_status
rc_mapper_head_find(const struct rc_mapper_slots *slots,
                    const struct rc_record *record,
                    struct rc_mapped_row *row,
                    struct rc_error *reterr_error)
{
    const struct rc_mapping *mapping = slots->mapping;
    if (row->kinds == RC_ROW_ALIAS) {
        RC_TRY(user_find(slots, record, &mapping->alias_from, row->alias_digits[0], &row->alias[0],
                         reterr_error));
        RC_TRY(user_find(slots, record, &mapping->alias_to, row->alias_digits[1], &row->alias[1],
                         reterr_error));
        return row->alias[0].size > 0 && row->alias[1].size > 0
                   ? RC_OK
                   : rc_mapper_bad(reterr_error, RC_BYTES_LITERAL("alias"), "needs two ids");
    }
    if (row->kinds == RC_ROW_ACCOUNT)
        return account_find(slots, record, row, reterr_error);
    RC_TRY(user_find(slots, record, &mapping->user, row->user_digits, &row->user, reterr_error));
    if (row->user.size == 0)
        return mapping->skip_without_user
                   ? RC_NOT_FOUND
                   : rc_mapper_bad(reterr_error, RC_BYTES_LITERAL("user"), "is missing");
    if (row->kinds & RC_ROW_EVENT || mapping->user_time.count == 0)
        RC_TRY(time_find(slots, &mapping->time, &row->time_ms, reterr_error));
    row->user_time_ms = row->time_ms;
    if (row->kinds & RC_ROW_USER && mapping->user_time.count > 0)
        RC_TRY(time_find(slots, &mapping->user_time, &row->user_time_ms, reterr_error));
    return row->kinds & RC_ROW_EVENT ? id_find(slots, record, &row->id, reterr_error) : RC_OK;
}
