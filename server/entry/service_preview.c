/*
 * DefinitionService.PreviewDefinition: several queries of one session, and so of one state.
 *
 * The numbers are one question with four series (events and users of what is previewed and of what
 * it is compared with), by day; every property is a question with one series broken down; the
 * events are a sample. After the first of them the bitmaps of the predicate are there for the
 * others.
 */
#include <recount/v1/preview.pb-c.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/query/list/sample.h"
#include "engine/query/scope.h"
#include "server/encode/encode.h"
#include "server/query/service_query.h"

#define PROPERTIES_MAX 16u
#define TOP_DEFAULT 10u
#define TOP_MAX 1000u
#define SAMPLE_DEFAULT 10u

struct preview {
    struct rc_request *request;
    struct rc_scope scope;
    const char *target_field; /* As errors name it. */
    const struct rc_predicate *target;
    const struct rc_predicate *compared;
    struct rc_breakdown properties[PROPERTIES_MAX];
    uint32_t top;
    uint32_t sample_size;
    struct rc_query_stats stats; /* Of all questions. */
};

enum { TARGET_EVENTS = 0, TARGET_USERS, COMPARED_EVENTS, COMPARED_USERS, SERIES_COUNT };

/* ---- The request ----------------------------------------------------------------------------- */

static enum rc_status
decode_target(struct rc_decode *decode,
              const Recount__V1__PreviewDefinitionRequest *in,
              struct preview *preview)
{
    if (in->target_case == RECOUNT__V1__PREVIEW_DEFINITION_REQUEST__TARGET_PREDICATE) {
        const size_t mark = rc_decode_enter(decode, "predicate");
        preview->target_field = "predicate";
        RC_TRY(rc_decode_predicate(decode, in->predicate, &preview->target));
        rc_decode_leave(decode, mark);
        return RC_OK;
    }
    if (in->target_case != RECOUNT__V1__PREVIEW_DEFINITION_REQUEST__TARGET_DEFINITION)
        return rc_decode_fail(decode, RC_INVALID, "predicate",
                              "neither a predicate nor a definition is given");
    struct rc_predicate *predicate = rc_arena_zero(decode->arena, sizeof(*predicate));
    if (predicate == NULL)
        return rc_decode_no_memory(decode);
    preview->target_field = "definition";
    predicate->kind = RC_PREDICATE_DEFINITION;
    RC_TRY(rc_decode_reference(decode, "definition", in->definition, RC_REFERENCE_DEFINITION,
                               &predicate->definition));
    predicate->place = "";
    preview->target = predicate;
    return RC_OK;
}

static enum rc_status
decode_properties(struct rc_decode *decode,
                  const Recount__V1__PreviewDefinitionRequest *in,
                  struct preview *preview)
{
    if (in->n_properties > PROPERTIES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "properties",
                              "at most %u properties can be counted by", PROPERTIES_MAX);
    for (size_t i = 0; i < in->n_properties; i++) {
        struct rc_breakdown *one = &preview->properties[i];
        const size_t mark = rc_decode_enter_item(decode, "properties", i);
        RC_TRY(rc_decode_property_here(decode, in->properties[i], &one->scope, &one->property,
                                       &one->account_key));
        rc_decode_leave(decode, mark);
    }
    if (in->top > TOP_MAX)
        return rc_decode_fail(decode, RC_INVALID, "top", "at most %u values can be shown", TOP_MAX);
    preview->top = in->top == 0 ? TOP_DEFAULT : in->top;
    return RC_OK;
}

static enum rc_status
decode_request(struct rc_decode *decode,
               const Recount__V1__PreviewDefinitionRequest *in,
               struct preview *preview)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_OPTIONAL, preview->request->received_ms,
                           &preview->scope));
    if (in->scope->range == NULL)
        rc_scope_set_recent(&preview->scope, preview->scope.as_of_ms);
    RC_TRY(decode_target(decode, in, preview));
    RC_TRY(
        rc_decode_selector_or_any(decode, "compared_with", in->compared_with, &preview->compared));
    RC_TRY(decode_properties(decode, in, preview));
    preview->sample_size = SAMPLE_DEFAULT;
    if (in->optional_sample_size_case ==
        RECOUNT__V1__PREVIEW_DEFINITION_REQUEST__OPTIONAL_SAMPLE_SIZE_SAMPLE_SIZE)
        preview->sample_size = in->sample_size;
    if (preview->sample_size > RC_SAMPLE_EVENTS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "sample_size", "a sample has at most %u events",
                              RC_SAMPLE_EVENTS_MAX);
    return RC_OK;
}

/* ---- The questions --------------------------------------------------------------------------- */

static void
add_stats(struct preview *preview, const struct rc_query_stats *stats)
{
    preview->stats.data_version = stats->data_version;
    preview->stats.matched_events += stats->matched_events;
    preview->stats.rowsets_built += stats->rowsets_built;
    preview->stats.rowsets_cached += stats->rowsets_cached;
    preview->stats.slabs_read += stats->slabs_read;
    preview->stats.slabs_pruned += stats->slabs_pruned;
}

static enum rc_status
ask(struct preview *preview,
    const struct rc_series_request *question,
    struct rc_series_reply *reply)
{
    struct rc_error *error = preview->request->error;
    const enum rc_status status = rc_query_series(
        rc_query_session_context(preview->request->session), question, reply, error);
    RC_TRY(rc_error_rename(error, status, "bucket.unit", "scope.range")); /* Days: not asked for. */
    add_stats(preview, &reply->stats);
    return RC_OK;
}

static enum rc_status
encode_days(struct preview *preview,
            const struct rc_series_reply *answer,
            Recount__V1__PreviewDefinitionResponse *out)
{
    struct rc_arena *arena = preview->request->arena;
    const uint32_t count = answer->bucket_count;
    RC_NEW_ARRAY(arena, out->days, Recount__V1__Bucket *, count);
    RC_NEW_ARRAY(arena, out->events_by_day, uint64_t, count);
    RC_NEW_ARRAY(arena, out->users_by_day, uint64_t, count);
    out->n_days = out->n_events_by_day = out->n_users_by_day = count;
    for (uint32_t i = 0; i < count; i++) {
        RC_TRY(rc_encode_bucket(arena, &answer->buckets[i], &out->days[i]));
        out->events_by_day[i] = (uint64_t)answer->rows[TARGET_EVENTS].values[i];
        out->users_by_day[i] = (uint64_t)answer->rows[TARGET_USERS].values[i];
    }
    return RC_OK;
}

/* Without a breakdown a series has one row. */
static enum rc_status
count(struct preview *preview, Recount__V1__PreviewDefinitionResponse *out)
{
    const struct rc_series series[SERIES_COUNT] = {
        [TARGET_EVENTS] = {.selector = preview->target,
                           .field = preview->target_field,
                           .measure = RC_MEASURE_COUNT},
        [TARGET_USERS] = {.selector = preview->target,
                          .field = preview->target_field,
                          .measure = RC_MEASURE_UNIQUE},
        [COMPARED_EVENTS] = {.selector = preview->compared,
                             .field = "compared_with",
                             .measure = RC_MEASURE_COUNT},
        [COMPARED_USERS] = {.selector = preview->compared,
                            .field = "compared_with",
                            .measure = RC_MEASURE_UNIQUE},
    };
    const struct rc_series_request question = {.scope = preview->scope,
                                               .unit = RC_UNIT_DAY,
                                               .series_count = SERIES_COUNT,
                                               .series = series};
    struct rc_series_reply answer;
    RC_TRY(ask(preview, &question, &answer));
    out->event_count = (uint64_t)answer.rows[TARGET_EVENTS].total;
    out->user_count = (uint64_t)answer.rows[TARGET_USERS].total;
    out->compared_event_count = (uint64_t)answer.rows[COMPARED_EVENTS].total;
    out->compared_user_count = (uint64_t)answer.rows[COMPARED_USERS].total;
    if (out->compared_event_count > 0) {
        out->optional_event_share_case =
            RECOUNT__V1__PREVIEW_DEFINITION_RESPONSE__OPTIONAL_EVENT_SHARE_EVENT_SHARE;
        out->event_share = (double)out->event_count / (double)out->compared_event_count;
    }
    if (out->compared_user_count > 0) {
        out->optional_user_share_case =
            RECOUNT__V1__PREVIEW_DEFINITION_RESPONSE__OPTIONAL_USER_SHARE_USER_SHARE;
        out->user_share = (double)out->user_count / (double)out->compared_user_count;
    }
    return encode_days(preview, &answer, out);
}

static enum rc_status
count_by(struct preview *preview, size_t place, Recount__V1__PropertyPreview *out)
{
    struct rc_arena *arena = preview->request->arena;
    const struct rc_series series = {
        .selector = preview->target, .field = preview->target_field, .measure = RC_MEASURE_COUNT};
    const struct rc_series_request question = {.scope = preview->scope,
                                               .series_count = 1,
                                               .series = &series,
                                               .breakdown = &preview->properties[place],
                                               .dimension_count = 1,
                                               .top_n = preview->top};
    struct rc_series_reply answer;
    char field[40];
    const enum rc_status status = ask(preview, &question, &answer);
    (void)snprintf(field, sizeof(field), "properties[%zu]", place);
    RC_TRY(rc_error_rename(preview->request->error, status, "breakdown", field));
    RC_NEW_ARRAY(arena, out->rows, Recount__V1__PropertyPreviewRow *, answer.row_count);
    out->n_rows = answer.row_count;
    for (uint32_t i = 0; i < answer.row_count; i++) {
        RC_NEW(arena, out->rows[i], recount__v1__property_preview_row__descriptor);
        RC_TRY(rc_encode_label(arena, &answer.rows[i].label, &out->rows[i]->label));
        out->rows[i]->event_count = (uint64_t)answer.rows[i].total;
    }
    return RC_OK;
}

static enum rc_status
count_by_all(struct preview *preview,
             const Recount__V1__PreviewDefinitionRequest *in,
             Recount__V1__PreviewDefinitionResponse *out)
{
    struct rc_arena *arena = preview->request->arena;
    RC_NEW_ARRAY(arena, out->properties, Recount__V1__PropertyPreview *, in->n_properties);
    out->n_properties = in->n_properties;
    for (size_t i = 0; i < in->n_properties; i++) {
        RC_NEW(arena, out->properties[i], recount__v1__property_preview__descriptor);
        out->properties[i]->property = in->properties[i];
        RC_TRY(count_by(preview, i, out->properties[i]));
    }
    return RC_OK;
}

/* Where entities are counted: leaves the events out that name none. */
static enum rc_status
sampled(struct preview *preview, struct rc_sample_request *question)
{
    struct rc_arena *arena = preview->request->arena;
    const struct rc_bytes entity = preview->scope.entity;
    struct rc_predicate *nodes = RC_ARENA_ARRAY(arena, struct rc_predicate, 2);
    const struct rc_predicate **children = RC_ARENA_ARRAY(arena, const struct rc_predicate *, 2);
    if (nodes == NULL || children == NULL)
        return RC_NO_MEMORY;
    children[0] = preview->target;
    children[1] = &nodes[1];
    nodes[0] =
        (struct rc_predicate){.kind = RC_PREDICATE_ALL_OF, .child_count = 2, .children = children};
    nodes[1] = (struct rc_predicate){
        .kind = RC_PREDICATE_LEAF,
        .leaf = {.scope = RC_LEAF_EVENT, .operator= RC_LEAF_IS_SET, .property = entity}};
    question->scope.entity = RC_BYTES_LITERAL("");
    if (entity.size > 0)
        question->selector = &nodes[0];
    return RC_OK;
}

static enum rc_status
show_sample(struct preview *preview, Recount__V1__PreviewDefinitionResponse *out)
{
    struct rc_request *request = preview->request;
    struct rc_sample_request question = {.scope = preview->scope,
                                         .selector = preview->target,
                                         .field = preview->target_field,
                                         .event_count = preview->sample_size};
    struct rc_sample_reply answer;
    if (preview->sample_size == 0)
        return RC_OK;
    RC_TRY(sampled(preview, &question));
    RC_TRY(rc_query_sample(rc_query_session_context(request->session), &question, &answer,
                           request->error));
    add_stats(preview, &answer.stats);
    RC_NEW_ARRAY(request->arena, out->sample_events, Recount__V1__Event *, answer.event_count);
    out->n_sample_events = answer.event_count;
    for (uint32_t i = 0; i < answer.event_count; i++)
        RC_TRY(rc_encode_event(request->arena, &answer.events[i], NULL, 0, &out->sample_events[i]));
    return RC_OK;
}

enum rc_status
rc_call_preview_definition(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__PreviewDefinitionRequest *in = message;
    Recount__V1__PreviewDefinitionResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct preview preview = {.request = request};
    RC_TRY(decode_request(&decode, in, &preview));
    RC_TRY(rc_request_begin(request, &decode, &preview.scope));
    RC_TRY(count(&preview, out));
    RC_TRY(count_by_all(&preview, in, out));
    RC_TRY(show_sample(&preview, out));
    return rc_encode_info(request, &preview.scope, true, &preview.stats, &out->info);
}
