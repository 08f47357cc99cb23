/* QueryService.Correlation. */
#include <math.h>

#include "server/decode/decode.h"
#include "server/encode/encode.h"
#include "server/encode/encode_inference.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

#define CONFIDENCE_DEFAULT 0.95
#define TOP_DEFAULT 20u

static enum rc_status
decode_events(struct rc_decode *decode,
              const Recount__V1__CorrelationRequest *in,
              struct rc_correlation_request *question)
{
    if (in->n_events > RC_CORRELATION_EVENTS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "events", "at most %u of them",
                              RC_CORRELATION_EVENTS_MAX);
    const struct rc_predicate **events =
        RC_ARENA_ARRAY(decode->arena, const struct rc_predicate *, in->n_events);
    if (events == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_events; i++) {
        const size_t mark = rc_decode_enter_item(decode, "events", i);
        RC_TRY(rc_decode_selector(decode, in->events[i], &events[i]));
        rc_decode_leave(decode, mark);
    }
    question->event_count = (uint32_t)in->n_events;
    question->events = events;
    return RC_OK;
}

static enum rc_status
decode_properties(struct rc_decode *decode,
                  const Recount__V1__CorrelationRequest *in,
                  struct rc_correlation_request *question)
{
    if (in->n_properties > RC_CORRELATION_PROPERTIES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "properties", "at most %u of them",
                              RC_CORRELATION_PROPERTIES_MAX);
    struct rc_breakdown *properties =
        RC_ARENA_ARRAY(decode->arena, struct rc_breakdown, in->n_properties);
    if (properties == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_properties; i++) {
        const size_t mark = rc_decode_enter_item(decode, "properties", i);
        RC_TRY(rc_decode_property_here(decode, in->properties[i], &properties[i].scope,
                                       &properties[i].property, &properties[i].account_key));
        rc_decode_leave(decode, mark);
    }
    question->property_count = (uint32_t)in->n_properties;
    question->properties = properties;
    return RC_OK;
}

/* Who converted: a segment of users, or the entities behind a number. */
static enum rc_status
decode_converted(struct rc_decode *decode,
                 const Recount__V1__CorrelationRequest *in,
                 struct rc_correlation_request *question)
{
    const struct rc_bytes entity = question->scope.entity;
    const struct {
        const char *field;
        const Recount__V1__Cell *in;
        const struct rc_chart_cell **cell;
    } cells[] = {{"converted_cell", in->converted_cell, &question->converted_cell},
                 {"population_cell", in->population_cell, &question->population_cell}};
    size_t mark = rc_decode_enter(decode, "converted");
    if (entity.size > 0 && in->converted != NULL)
        return rc_decode_fail(decode, RC_INVALID, "",
                              "a segment is a set of users, not of entities");
    if (entity.size == 0 && in->converted == NULL)
        return rc_decode_fail(decode, RC_INVALID, "", "the segment is missing");
    if (in->converted != NULL)
        RC_TRY(rc_decode_segment_filter(decode, in->converted, &question->converted));
    rc_decode_leave(decode, mark);
    for (size_t i = 0; i < 2; i++) {
        mark = rc_decode_enter(decode, cells[i].field);
        if (entity.size == 0 && cells[i].in != NULL)
            return rc_decode_fail(decode, RC_INVALID, "", "users are counted: name a segment");
        if (entity.size > 0 && i == 0 && cells[i].in == NULL)
            return rc_decode_fail(decode, RC_INVALID, "",
                                  "the entities that converted are missing");
        if (cells[i].in != NULL)
            RC_TRY(rc_decode_cell(decode, cells[i].in, entity, cells[i].cell));
        rc_decode_leave(decode, mark);
    }
    return RC_OK;
}

enum rc_status
rc_decode_correlation(struct rc_decode *decode,
                      const Recount__V1__CorrelationRequest *in,
                      int64_t now_ms,
                      struct rc_correlation_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    RC_TRY(decode_converted(decode, in, question));
    if (in->n_events == 0 && in->n_properties == 0)
        return rc_decode_fail(decode, RC_INVALID, "events",
                              "there are neither events nor properties to look at");
    RC_TRY(decode_events(decode, in, question));
    RC_TRY(decode_properties(decode, in, question));
    if (in->among != NULL && in->n_properties == 0)
        return rc_decode_fail(decode, RC_INVALID, "among",
                              "there are no properties to read of these events");
    const size_t mark = rc_decode_enter(decode, "among");
    if (in->among != NULL)
        RC_TRY(rc_decode_selector(decode, in->among, &question->among));
    rc_decode_leave(decode, mark);
    question->least_users = in->least_users;
    question->top_n = in->top == 0 ? TOP_DEFAULT : in->top;
    question->confidence = in->confidence == 0 ? CONFIDENCE_DEFAULT : in->confidence;
    return RC_OK;
}

/* Name of a property, as charts show it. */
static const char *
property_label(const Recount__V1__PropertyRef *property)
{
    switch (property->source_case) {
    case RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY:
        return property->user_property;
    case RECOUNT__V1__PROPERTY_REF__SOURCE_ACCOUNT_PROPERTY:
        return property->account_property->name;
    default:
        return property->event_property;
    }
}

static enum rc_status
encode_which(struct rc_request *request,
             const Recount__V1__CorrelationRequest *in,
             const struct rc_correlation_row *row,
             Recount__V1__CorrelationCandidate *out)
{
    if (row->is_event) {
        out->kind_case = RECOUNT__V1__CORRELATION_CANDIDATE__KIND_EVENT;
        out->event = row->place;
        return rc_selector_label(request, "", in->events[row->place], &out->label);
    }
    out->kind_case = RECOUNT__V1__CORRELATION_CANDIDATE__KIND_PROPERTY;
    RC_NEW(request->arena, out->property, recount__v1__correlation_value__descriptor);
    out->property->property = row->place;
    RC_TRY(rc_encode_value(request->arena, row->value, &out->property->value));
    RC_NEW_TEXT(request->arena, out->label,
                rc_bytes_of(property_label(in->properties[row->place])));
    return RC_OK;
}

static enum rc_status
encode_candidate(struct rc_request *request,
                 const Recount__V1__CorrelationRequest *in,
                 const struct rc_correlation_row *row,
                 Recount__V1__CorrelationCandidate **ret_candidate)
{
    Recount__V1__CorrelationCandidate *out;
    RC_NEW(request->arena, out, recount__v1__correlation_candidate__descriptor);
    RC_TRY(encode_which(request, in, row, out));
    out->converted_users = row->converted.count;
    out->other_users = row->others.count;
    RC_TRY(rc_encode_interval(request->arena, row->odds.interval, &out->interval));
    if (!isnan(row->odds.ratio)) {
        out->optional_odds_ratio_case =
            RECOUNT__V1__CORRELATION_CANDIDATE__OPTIONAL_ODDS_RATIO_ODDS_RATIO;
        out->odds_ratio = row->odds.ratio;
    }
    if (!isnan(row->odds.p)) {
        out->optional_p_value_case = RECOUNT__V1__CORRELATION_CANDIDATE__OPTIONAL_P_VALUE_P_VALUE;
        out->p_value = row->odds.p;
    }
    *ret_candidate = out;
    return RC_OK;
}

enum rc_status
rc_call_correlation(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CorrelationRequest *in = message;
    Recount__V1__CorrelationResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_correlation_request question = {.event_count = 0};
    struct rc_correlation_reply answer;
    RC_TRY(rc_decode_correlation(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_correlation(rc_query_session_context(request->session), &question, &answer,
                                request->error));
    out->users = answer.users;
    out->converted_users = answer.converted_users;
    out->candidate_count = answer.candidate_count;
    RC_NEW_ARRAY(request->arena, out->candidates, Recount__V1__CorrelationCandidate *,
                 answer.row_count);
    out->n_candidates = answer.row_count;
    for (uint32_t i = 0; i < answer.row_count; i++)
        RC_TRY(encode_candidate(request, in, &answer.rows[i], &out->candidates[i]));
    RC_TRY(rc_encode_info(request, &question.scope, true, &answer.stats, &out->info));
    return rc_cell_handle(request, RC_CHART_CORRELATION, message, &question.scope,
                          rc_correlation_label_hash(&answer), &out->info->cell_handle);
}
