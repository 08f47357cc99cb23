/* Encode: the parts that replies share. */
#include "server/encode/encode.h"

#include <math.h>
#include <stdio.h>

#include "engine/base/clock.h"
#include "server/decode/fields.h"

void
rc_encode_fit_page(const void *messages, size_t *count, bool *more)
{
    const ProtobufCMessage *const *items = messages;
    size_t bytes = 0;
    for (size_t i = 0; i < *count; i++) {
        bytes += protobuf_c_message_get_packed_size(items[i]);
        if (i == 0 || bytes <= RC_PAGE_BYTES)
            continue;
        *count = i;
        *more = true;
    }
}

enum rc_status
rc_encode_format(struct rc_arena *arena, char **ret_text, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const size_t size = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;
    RC_NEW_TEXT(arena, *ret_text, ((struct rc_bytes){text, size}));
    return RC_OK;
}

static enum rc_status
encode_list(struct rc_arena *arena, struct rc_value value, Recount__V1__StringList **ret_list)
{
    Recount__V1__StringList *list;
    RC_NEW(arena, list, recount__v1__string_list__descriptor);
    RC_NEW_ARRAY(arena, list->values, char *, value.item_count);
    list->n_values = value.item_count;
    for (uint32_t i = 0; i < value.item_count; i++)
        RC_NEW_TEXT(arena, list->values[i], value.items[i]);
    *ret_list = list;
    return RC_OK;
}

enum rc_status
rc_encode_value(struct rc_arena *arena, struct rc_value value, Recount__V1__Value **ret_value)
{
    Recount__V1__Value *out;
    RC_NEW(arena, out, recount__v1__value__descriptor);
    switch (value.kind) {
    case RC_VALUE_NULL:
        break;
    case RC_VALUE_BOOL:
        out->kind_case = RECOUNT__V1__VALUE__KIND_BOOL_VALUE;
        out->bool_value = value.boolean;
        break;
    case RC_VALUE_INT:
        out->kind_case = RECOUNT__V1__VALUE__KIND_INT_VALUE;
        out->int_value = value.integer;
        break;
    case RC_VALUE_DOUBLE:
        out->kind_case = RECOUNT__V1__VALUE__KIND_DOUBLE_VALUE;
        out->double_value = value.real;
        break;
    case RC_VALUE_STRING:
        out->kind_case = RECOUNT__V1__VALUE__KIND_STRING_VALUE;
        RC_NEW_TEXT(arena, out->string_value, value.string);
        break;
    case RC_VALUE_LIST:
        out->kind_case = RECOUNT__V1__VALUE__KIND_LIST_VALUE;
        RC_TRY(encode_list(arena, value, &out->list_value));
        break;
    }
    *ret_value = out;
    return RC_OK;
}

enum rc_status
rc_encode_property(struct rc_arena *arena,
                   const struct rc_event_property *property,
                   Recount__V1__Property **ret_property)
{
    Recount__V1__Property *out;
    RC_NEW(arena, out, recount__v1__property__descriptor);
    RC_NEW_TEXT(arena, out->name, property->name);
    RC_TRY(rc_encode_value(arena, property->value, &out->value));
    *ret_property = out;
    return RC_OK;
}

enum rc_status
rc_encode_properties(struct rc_arena *arena,
                     const struct rc_event_property *properties,
                     uint32_t count,
                     Recount__V1__Property ***ret_list,
                     size_t *ret_count)
{
    Recount__V1__Property **list;
    RC_NEW_ARRAY(arena, list, Recount__V1__Property *, count);
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(rc_encode_property(arena, &properties[i], &list[i]));
    *ret_list = list;
    *ret_count = count;
    return RC_OK;
}

/* The value of a row in one dimension. */
static enum rc_status
encode_part(struct rc_arena *arena,
            const struct rc_label_value *part,
            Recount__V1__DimensionValue *out)
{
    switch (part->kind) {
    case RC_LABEL_VALUE:
        out->kind_case = RECOUNT__V1__DIMENSION_VALUE__KIND_VALUE;
        return rc_encode_value(arena, part->value, &out->value);
    case RC_LABEL_BIN:
        out->kind_case = RECOUNT__V1__DIMENSION_VALUE__KIND_BIN;
        RC_NEW(arena, out->bin, recount__v1__bin__descriptor);
        out->bin->low = part->low;
        out->bin->high = part->high;
        out->bin->high_included = part->closed;
        return RC_OK;
    case RC_LABEL_SEGMENT:
        out->kind_case = RECOUNT__V1__DIMENSION_VALUE__KIND_SEGMENT;
        RC_NEW_TEXT(arena, out->segment, part->name);
        return RC_OK;
    case RC_LABEL_NO_SEGMENT:
        out->kind_case = RECOUNT__V1__DIMENSION_VALUE__KIND_NO_SEGMENT;
        RC_NEW(arena, out->no_segment, recount__v1__no_segment__descriptor);
        return RC_OK;
    }
    return RC_OK;
}

static bool
is_named(char *const *names, size_t count, struct rc_bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (rc_bytes_equal(rc_bytes_of(names[i]), name))
            return true;
    return count == 0;
}

enum rc_status
rc_encode_event(struct rc_arena *arena,
                const struct rc_event *event,
                char *const *names,
                size_t name_count,
                Recount__V1__Event **ret_event)
{
    Recount__V1__Event *out;
    RC_NEW(arena, out, recount__v1__event__descriptor);
    RC_NEW_TEXT(arena, out->user, event->place.user_id);
    RC_NEW_TEXT(arena, out->id, event->place.event_id);
    out->time_ms = event->place.time_ms;
    RC_NEW_ARRAY(arena, out->properties, Recount__V1__Property *, event->property_count);
    for (uint32_t i = 0; i < event->property_count; i++)
        if (is_named(names, name_count, event->properties[i].name))
            RC_TRY(rc_encode_property(arena, &event->properties[i],
                                      &out->properties[out->n_properties++]));
    *ret_event = out;
    return RC_OK;
}

enum rc_status
rc_encode_label(struct rc_arena *arena,
                const struct rc_row_label *label,
                Recount__V1__RowLabel **ret_label)
{
    Recount__V1__RowLabel *out;
    RC_NEW(arena, out, recount__v1__row_label__descriptor);
    *ret_label = out;
    switch (label->kind) {
    case RC_ROW_TOTAL:
        out->kind = RECOUNT__V1__ROW_KIND__ROW_KIND_TOTAL;
        return RC_OK;
    case RC_ROW_OTHER:
        out->kind = RECOUNT__V1__ROW_KIND__ROW_KIND_OTHER;
        return RC_OK;
    case RC_ROW_NOT_REACHED:
        out->kind = RECOUNT__V1__ROW_KIND__ROW_KIND_NOT_REACHED;
        return RC_OK;
    case RC_ROW_VALUE:
        break;
    }
    out->kind = RECOUNT__V1__ROW_KIND__ROW_KIND_VALUES;
    const struct rc_label_value only = {.kind = RC_LABEL_VALUE, .value = label->value};
    const struct rc_label_value *parts = label->part_count == 0 ? &only : label->parts;
    out->n_values = label->part_count == 0 ? 1 : label->part_count;
    RC_NEW_ARRAY(arena, out->values, Recount__V1__DimensionValue *, out->n_values);
    for (size_t i = 0; i < out->n_values; i++) {
        RC_NEW(arena, out->values[i], recount__v1__dimension_value__descriptor);
        RC_TRY(encode_part(arena, &parts[i], out->values[i]));
    }
    return RC_OK;
}

enum rc_status
rc_encode_bucket(struct rc_arena *arena,
                 const struct rc_bucket *bucket,
                 Recount__V1__Bucket **ret_bucket)
{
    Recount__V1__Bucket *out;
    RC_NEW(arena, out, recount__v1__bucket__descriptor);
    out->start_ms = bucket->start_ms;
    out->end_ms = bucket->end_ms;
    out->utc_offset_seconds = bucket->offset_s;
    out->partial = bucket->partial;
    *ret_bucket = out;
    return RC_OK;
}

enum rc_status
rc_encode_column(struct rc_arena *arena,
                 double *values,
                 uint32_t count,
                 Recount__V1__NumberColumn **ret_column)
{
    Recount__V1__NumberColumn *column;
    uint32_t missing = 0;
    RC_NEW(arena, column, recount__v1__number_column__descriptor);
    column->values = values;
    column->n_values = count;
    for (uint32_t i = 0; i < count; i++)
        missing += isnan(values[i]) != 0;
    if (missing > 0) {
        RC_NEW_ARRAY(arena, column->null_at, uint32_t, missing);
        for (uint32_t i = 0; i < count; i++)
            if (isnan(values[i])) {
                column->null_at[column->n_null_at++] = i;
                values[i] = 0;
            }
    }
    *ret_column = column;
    return RC_OK;
}

/* What the session used of one catalog, into the field of that name. */
static enum rc_status
encode_uses(const struct rc_request *request,
            enum rc_catalog_kind kind,
            const char *collection,
            const ProtobufCMessageDescriptor *descriptor,
            Recount__V1__QueryInfo *info,
            const char *field)
{
    struct rc_arena *arena = request->arena;
    const struct rc_name_uses *uses =
        rc_query_uses(rc_query_session_context(request->session), kind);
    const struct rc_bytes project = rc_query_session_settings(request->session)->id;
    ProtobufCMessage **list;
    if (uses->count == 0)
        return RC_OK;
    RC_NEW_ARRAY(arena, list, ProtobufCMessage *, uses->count);
    for (uint32_t i = 0; i < uses->count; i++) {
        const struct rc_catalog_entry *entry = &uses->entries[i];
        RC_NEW(arena, list[i], *descriptor);
        RC_TRY(rc_encode_format(arena, rc_field(list[i], "name"), "projects/%.*s/%s/%.*s",
                                (int)project.size, project.data, collection, (int)entry->name.size,
                                entry->name.data));
        RC_TRY(rc_encode_format(arena, rc_field(list[i], "etag"), "%llu",
                                (unsigned long long)entry->version));
        *(uint64_t *)rc_field(list[i], "version") = entry->version;
    }
    *(ProtobufCMessage ***)rc_field(&info->base, field) = list;
    *rc_field_count(&info->base, field) = uses->count;
    return RC_OK;
}

static enum rc_status
encode_all_uses(const struct rc_request *request, Recount__V1__QueryInfo *info)
{
    RC_TRY(encode_uses(request, RC_CATALOG_DEFINITIONS, "definitions",
                       &recount__v1__definition_use__descriptor, info, "definitions"));
    RC_TRY(encode_uses(request, RC_CATALOG_SEGMENTS, "segments",
                       &recount__v1__segment_use__descriptor, info, "segments"));
    return encode_uses(request, RC_CATALOG_PROPERTIES, "derivedProperties",
                       &recount__v1__derived_property_use__descriptor, info, "derived_properties");
}

enum rc_status
rc_encode_info(struct rc_request *request,
               const struct rc_scope *scope,
               bool with_range,
               const struct rc_query_stats *stats,
               Recount__V1__QueryInfo **ret_info)
{
    struct rc_arena *arena = request->arena;
    Recount__V1__QueryInfo *info;
    RC_NEW(arena, info, recount__v1__query_info__descriptor);
    RC_TRY(rc_encode_format(arena, &info->data_version, "%llu",
                            (unsigned long long)stats->data_version));
    info->as_of_ms = scope->as_of_ms;
    const struct rc_bytes zone = scope->zone.size > 0 ? scope->zone : RC_BYTES_LITERAL("UTC");
    RC_NEW_TEXT(arena, info->time_zone, zone);
    if (with_range) {
        RC_NEW(arena, info->range, recount__v1__time_range__descriptor);
        info->range->start_ms = scope->start_ms;
        info->range->end_ms = scope->end_ms;
    }
    info->elapsed_micros = (rc_clock_monotonic_ns() - request->received_ns) / 1000;
    RC_NEW(arena, info->statistics, recount__v1__query_statistics__descriptor);
    info->statistics->events_matched = stats->matched_events;
    info->statistics->slabs_read = stats->slabs_read;
    info->statistics->slabs_pruned = stats->slabs_pruned;
    info->statistics->bitmaps_cached = stats->rowsets_cached;
    info->statistics->bitmaps_computed = stats->rowsets_built;
    request->used = *stats;
    RC_TRY(encode_all_uses(request, info));
    *ret_info = info;
    /* What is explained is asked by its own call (service_explain.c), which wants no reply. */
    if (request->explain_mode != RC_EXPLAIN_ANALYZE)
        return RC_OK;
    return rc_encode_plan(arena, rc_request_explained(request), "query", &info->plan);
}
