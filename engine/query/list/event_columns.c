/* Event columns. All of them are derived before the first takes its place, since they read what is
 * stored. */
#include "engine/query/list/event_columns.h"

#include <stdlib.h>

#include "engine/match/derived/derived.h"

static bool
has_column(const struct rc_event_columns *columns, struct rc_bytes name)
{
    for (uint32_t i = 0; i < columns->count; i++)
        if (rc_bytes_equal(columns->list[i].name, name))
            return true;
    return false;
}

static enum rc_status
add_column(const struct rc_query_context *context,
           struct rc_bytes name,
           struct rc_event_columns *columns,
           struct rc_error *reterr_error)
{
    const struct rc_property_name wanted = {.scope = RC_LEAF_EVENT, .name = name};
    const struct rc_derivation *derivation;
    if (has_column(columns, name))
        return RC_OK;
    RC_TRY(rc_derived_find(context->derived, &wanted, context->arena,
                           rc_query_uses(context, RC_CATALOG_PROPERTIES), &derivation,
                           reterr_error));
    if (derivation == NULL)
        return RC_OK;
    struct rc_event_column *column = &columns->list[columns->count];
    column->name = name;
    RC_TRY_OR(reterr_error,
              rc_row_deriver_new(derivation, context->account, context->arena, &column->deriver));
    columns->count++;
    return RC_OK;
}

enum rc_status
rc_event_columns_open(const struct rc_query_context *context,
                      const struct rc_bytes *names,
                      uint32_t name_count,
                      struct rc_event_columns *ret_columns,
                      struct rc_error *reterr_error)
{
    struct rc_event_columns columns = {
        .list = RC_ARENA_ARRAY(context->arena, struct rc_event_column, (size_t)name_count + 1)};
    enum rc_status status = RC_OK;
    if (columns.list == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the columns of events");
    for (uint32_t i = 0; i < name_count && status == RC_OK; i++)
        status = add_column(context, names[i], &columns, reterr_error);
    if (status == RC_OK)
        *ret_columns = columns;
    else
        rc_event_columns_close(&columns);
    return status;
}

void
rc_event_columns_close(struct rc_event_columns *columns)
{
    for (uint32_t i = 0; i < columns->count; i++)
        columns->list[i].deriver = rc_row_deriver_free(columns->list[i].deriver);
}

struct rc_value
rc_event_stored_value(const struct rc_event *event, struct rc_bytes name)
{
    for (uint32_t i = 0; i < event->property_count; i++)
        if (rc_bytes_equal(event->properties[i].name, name))
            return event->properties[i].value;
    return rc_value_null();
}

/* Where a derivation begins, of the event. */
static enum rc_status
source_value(const void *context,
             const struct rc_derivation *source,
             struct rc_arena *arena,
             struct rc_value *ret_value)
{
    const struct rc_event *event = context;
    (void)arena;
    *ret_value = source->source == RC_DERIVATION_TIME
                     ? rc_value_int(event->place.time_ms)
                     : rc_event_stored_value(event, source->property);
    return RC_OK;
}

enum rc_status
rc_event_derive(struct rc_row_deriver *deriver,
                const struct rc_event *event,
                struct rc_arena *arena,
                struct rc_value *ret_value)
{
    return rc_row_derive(deriver, source_value, event, arena, ret_value);
}

static int
compare_names(const void *a, const void *b)
{
    const struct rc_event_property *x = a;
    const struct rc_event_property *y = b;
    return rc_bytes_compare(x->name, y->name);
}

enum rc_status
rc_event_columns_add(const struct rc_event_columns *columns,
                     struct rc_arena *arena,
                     struct rc_event *event)
{
    uint32_t count = 0;
    if (columns->count == 0)
        return RC_OK;
    struct rc_event_property *all = RC_ARENA_ARRAY(arena, struct rc_event_property,
                                                   (size_t)event->property_count + columns->count);
    if (all == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < columns->count; i++) {
        struct rc_value value;
        RC_TRY(rc_event_derive(columns->list[i].deriver, event, arena, &value));
        if (value.kind != RC_VALUE_NULL)
            all[count++] =
                (struct rc_event_property){.name = columns->list[i].name, .value = value};
    }
    for (uint32_t i = 0; i < event->property_count; i++)
        if (!has_column(columns, event->properties[i].name))
            all[count++] = event->properties[i];
    qsort(all, count, sizeof(*all), compare_names);
    event->properties = all;
    event->property_count = count;
    return RC_OK;
}
