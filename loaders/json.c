/*
 * A line is first tried as a plain one, with the help of an echo; only what is not plain goes
 * through the shim. All give the same fields, so which one read a line can be seen from the time
 * alone.
 *
 * The shim writes into the record's own fields: an item is laid out as a field is, which is
 * asserted.
 */
#include "loaders/json.h"

#include "engine/base/alloc.h"
#include "loaders/echo.h"
#include "loaders/json_plain.h"
#include "loaders/json_shim.h"

#define SAME_PLACE(item_member, field_member)                    \
    _Static_assert(offsetof(struct rc_json_item, item_member) == \
                       offsetof(struct rc_field, field_member),  \
                   "an item is laid out as a field is")

_Static_assert(sizeof(struct rc_json_item) == sizeof(struct rc_field), "an item is a field");
_Static_assert(sizeof(enum rc_field_type) == sizeof(uint32_t), "a type is 32 bits");
SAME_PLACE(name, name.data);
SAME_PLACE(name_size, name.size);
SAME_PLACE(type, value.type);
SAME_PLACE(list_count, value.list_count);
SAME_PLACE(integer, value.integer);
SAME_PLACE(text, value.text.data);
SAME_PLACE(text_size, value.text.size);
SAME_PLACE(list_begin, value.list_begin);
SAME_PLACE(root, root);
SAME_PLACE(column, column);
SAME_PLACE(entry, entry);
_Static_assert((int)RC_JSON_NULL == (int)RC_FIELD_NULL && (int)RC_JSON_TRUE == (int)RC_FIELD_TRUE &&
                   (int)RC_JSON_FALSE == (int)RC_FIELD_FALSE &&
                   (int)RC_JSON_INT == (int)RC_FIELD_INT &&
                   (int)RC_JSON_UNSIGNED == (int)RC_FIELD_UNSIGNED &&
                   (int)RC_JSON_DOUBLE == (int)RC_FIELD_DOUBLE &&
                   (int)RC_JSON_TEXT == (int)RC_FIELD_TEXT &&
                   (int)RC_JSON_LIST == (int)RC_FIELD_LIST &&
                   (int)RC_JSON_BAD_LIST == (int)RC_FIELD_BAD_LIST &&
                   (int)RC_JSON_ROOT == (int)RC_FIELD_ROOT,
               "the types have the same numbers");

struct rc_json {
    struct rc_json_shim *shim;
    struct rc_echo *echo;
    struct rc_bytes roots[2]; /* In the arena. */
    struct rc_arena *arena;
    bool was_plain; /* The last line. */
};

RC_DEFINE_CLEANUP(struct rc_json *, rc_json_free)

struct rc_json *
rc_json_new(const char *root_1, const char *root_2, struct rc_bytes user, uint32_t user_root)
{
    const char *const names[2] = {root_1, root_2};
    RC_CLEANUP(rc_json_freep) struct rc_json *parser = rc_alloc_zero(sizeof(*parser));
    if (parser == NULL)
        return NULL;
    parser->shim = rc_json_shim_new(names);
    parser->arena = rc_arena_new(NULL, 0);
    if (parser->shim == NULL || parser->arena == NULL)
        return NULL;
    for (size_t i = 0; i < 2; i++) {
        const size_t size = strlen(names[i]);
        parser->roots[i] = (struct rc_bytes){rc_arena_copy(parser->arena, names[i], size), size};
        if (parser->roots[i].data == NULL)
            return NULL;
    }
    const char *key = rc_arena_copy(parser->arena, user.data, user.size);
    parser->echo = key == NULL ? NULL : rc_echo_new((struct rc_bytes){key, user.size}, user_root);
    return parser->echo == NULL ? NULL : RC_TAKE(parser);
}

struct rc_json *
rc_json_free(struct rc_json *parser)
{
    if (parser == NULL)
        return NULL;
    rc_json_shim_free(parser->shim);
    rc_echo_free(parser->echo);
    rc_arena_free(parser->arena);
    return rc_alloc_free(parser);
}

enum rc_status
rc_json_parse(struct rc_json *parser, struct rc_record *record, struct rc_error *reterr_error)
{
    rc_record_clear(record);
    const enum rc_status plain = rc_json_plain_parse(parser->roots, parser->echo, record);
    parser->was_plain = plain == RC_OK;
    if (plain == RC_NO_MEMORY)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to parse a line");
    if (plain == RC_OK)
        return RC_OK;
    rc_record_clear(record); /* Of what the line seemed to be. */
    struct rc_json_items items = {.items = (struct rc_json_item *)(void *)record->fields,
                                  .capacity = record->field_capacity,
                                  .context = record};
    const char *failure =
        rc_json_shim_parse(parser->shim, record->raw.data, record->raw.size, &items);
    record->field_count = items.count;
    if (failure == NULL)
        return RC_OK;
    if (failure[0] == '\0')
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to parse a line");
    return rc_error_set(reterr_error, RC_INVALID, "not JSON: %s", failure);
}

enum rc_status
rc_json_keep(struct rc_json *parser, struct rc_record *record)
{
    return parser->was_plain ? rc_echo_keep(parser->echo, record) : RC_OK;
}

bool
rc_json_grow(struct rc_json_items *items)
{
    struct rc_record *record = items->context;
    record->field_count = items->count;
    if (!rc_record_grow(record))
        return false;
    items->items = (struct rc_json_item *)(void *)record->fields;
    items->capacity = record->field_capacity;
    return true;
}

const char *
rc_json_name_copy(struct rc_json_items *items, const char *name, size_t size)
{
    struct rc_record *record = items->context;
    return rc_arena_copy(record->arena, name, size);
}

bool
rc_json_list_item(struct rc_json_items *items, const char *text, size_t size)
{
    struct rc_record *record = items->context;
    if (RC_GROW(record->elements, record->element_capacity, record->element_count + 1) != RC_OK)
        return false;
    record->elements[record->element_count++] = (struct rc_bytes){text, size};
    items->list_item_count = record->element_count;
    return true;
}
