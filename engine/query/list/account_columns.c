/* Account columns: a reader (account_values.h) a property. */
#include "engine/query/list/account_columns.h"

#include <stdlib.h>

#include "engine/match/derived/derived.h"
#include "engine/query/list/event_read.h"
#include "engine/query/number/account_values.h"

struct column {
    struct rc_bytes name;
    struct rc_account_values *values;
};

struct rc_account_columns {
    uint32_t count;
    struct column *list; /* By the bytes of their names. */
};

/* Where a value goes that was read. */
struct place {
    struct rc_arena *arena;
    struct rc_value value;
};

static int
compare_names(const void *a, const void *b)
{
    const struct rc_bytes *x = a;
    const struct rc_bytes *y = b;
    return rc_bytes_compare(*x, *y);
}

/* The names to open, each once, by their bytes. */
static enum rc_status
find_names(const struct rc_query_context *context,
           const struct rc_bytes *names,
           uint32_t name_count,
           struct rc_bytes **ret_names,
           uint32_t *ret_count)
{
    struct rc_named_property *known = NULL;
    uint32_t known_count = 0;
    uint32_t count = 0;
    if (name_count == 0)
        RC_TRY(rc_property_names(rc_view_account_properties(context->view), context->arena, &known,
                                 &known_count));
    struct rc_bytes *list =
        RC_ARENA_ARRAY(context->arena, struct rc_bytes, (size_t)name_count + known_count + 1);
    if (list == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < name_count; i++)
        list[i] = names[i];
    for (uint32_t i = 0; i < known_count; i++)
        list[i] = known[i].name;
    qsort(list, (size_t)name_count + known_count, sizeof(*list), compare_names);
    for (uint32_t i = 0; i < name_count + known_count; i++)
        if (i == 0 || !rc_bytes_equal(list[i], list[i - 1]))
            list[count++] = list[i];
    *ret_names = list;
    *ret_count = count;
    return RC_OK;
}

/* Whether what is called account_key is derived: events name accounts by what was stored. */
static enum rc_status
find_derived(const struct rc_query_context *context,
             struct rc_bytes account_key,
             bool *ret_is,
             struct rc_error *reterr_error)
{
    const struct rc_property_name wanted = {.scope = RC_LEAF_EVENT, .name = account_key};
    const struct rc_derivation *derivation;
    RC_TRY(rc_derived_find(context->derived, &wanted, context->arena, NULL, &derivation,
                           reterr_error));
    *ret_is = derivation != NULL;
    return RC_OK;
}

enum rc_status
rc_account_columns_open(const struct rc_query_context *context,
                        struct rc_bytes account_key,
                        int64_t as_of_ms,
                        const struct rc_bytes *names,
                        uint32_t name_count,
                        struct rc_account_columns **ret_columns,
                        struct rc_error *reterr_error)
{
    struct rc_bytes *wanted;
    uint32_t count = 0;
    bool derived;
    struct rc_account_columns *columns = rc_arena_zero(context->arena, sizeof(*columns));
    if (columns == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for properties");
    *ret_columns = columns; /* To be closed whatever comes. */
    RC_TRY(find_derived(context, account_key, &derived, reterr_error));
    if (!derived && rc_view_account_count(context->view) > 0)
        RC_TRY_OR(reterr_error, find_names(context, names, name_count, &wanted, &count));
    columns->list = RC_ARENA_ARRAY(context->arena, struct column, (size_t)count + 1);
    if (columns->list == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for properties");
    for (uint32_t i = 0; i < count; i++) {
        struct column *column = &columns->list[columns->count];
        column->name = wanted[i];
        RC_TRY_OR(reterr_error, rc_account_values_new(context, account_key, wanted[i], as_of_ms,
                                                      &column->values));
        columns->count++;
    }
    return RC_OK;
}

void
rc_account_columns_close(struct rc_account_columns *columns)
{
    for (uint32_t i = 0; columns != NULL && i < columns->count; i++)
        columns->list[i].values = rc_account_values_free(columns->list[i].values);
}

uint32_t
rc_account_columns_count(const struct rc_account_columns *columns)
{
    return columns->count;
}

struct rc_bytes
rc_account_columns_name(const struct rc_account_columns *columns, uint32_t index)
{
    return columns->list[index].name;
}

static enum rc_status
take_value(void *argument, struct rc_value value)
{
    struct place *place = argument;
    return rc_value_copy(place->arena, value, &place->value);
}

enum rc_status
rc_account_columns_read(struct rc_account_columns *columns,
                        struct rc_value id,
                        struct rc_arena *arena,
                        const struct rc_event_property **ret_list,
                        uint32_t *ret_count)
{
    uint32_t count = 0;
    struct rc_event_property *list =
        RC_ARENA_ARRAY(arena, struct rc_event_property, (size_t)columns->count + 1);
    if (list == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < columns->count; i++) {
        struct place place = {.arena = arena, .value = rc_value_null()};
        RC_TRY(rc_account_values_visit(columns->list[i].values, id, arena, take_value, &place));
        if (place.value.kind != RC_VALUE_NULL)
            list[count++] =
                (struct rc_event_property){.name = columns->list[i].name, .value = place.value};
    }
    *ret_list = list;
    *ret_count = count;
    return RC_OK;
}
