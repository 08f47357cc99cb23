/*
 * QueryService.ListEvents.
 *
 * A page token holds the place of the last event seen: time, id, user as sent, and how many equal
 * events came before it.
 */
#include <recount/v1/event_list.pb-c.h>

#include "engine/base/limits.h"
#include "server/decode/decode.h"
#include "server/decode/token.h"
#include "server/encode/encode.h"
#include "server/query/service_query.h"

static enum rc_status
write_token(struct rc_arena *arena,
            uint64_t binding,
            const struct rc_event_place *place,
            char **ret_token)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    rc_write_u64(&writer, (uint64_t)place->time_ms);
    rc_write_u32(&writer, place->repeat);
    rc_write_bytes(&writer, place->event_id);
    rc_write_bytes(&writer, place->user_id);
    if (writer.failed)
        return RC_NO_MEMORY;
    *ret_token =
        rc_token_write(arena, binding, (struct rc_bytes){(const char *)writer.data, writer.size});
    return *ret_token == NULL ? RC_NO_MEMORY : RC_OK;
}

static enum rc_status
read_token(struct rc_request *request,
           uint64_t binding,
           const char *token,
           struct rc_event_place *place,
           const struct rc_event_place **ret_after)
{
    struct rc_bytes bytes;
    RC_TRY(rc_token_read(request->arena, binding, token, &bytes, request->error));
    if (bytes.size == 0)
        return RC_OK;
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    place->time_ms = (int64_t)rc_read_u64(&reader);
    place->repeat = rc_read_u32(&reader);
    place->event_id = rc_read_bytes(&reader);
    place->user_id = rc_read_bytes(&reader);
    if (reader.bad || rc_reader_left(&reader) > 0)
        return rc_error_field(request->error, RC_INVALID, "page_token",
                              "the page token is not one of this list");
    *ret_after = place;
    return RC_OK;
}

static enum rc_status
decode_request(struct rc_decode *decode,
               const Recount__V1__ListEventsRequest *in,
               int64_t now_ms,
               struct rc_events_request *question)
{
    RC_TRY(rc_decode_project(decode, "parent", in->parent, &decode->project));
    question->scope = (struct rc_scope){.start_ms = RC_TIME_MS_MIN,
                                        .end_ms = RC_TIME_MS_MAX + 1,
                                        .as_of_ms = now_ms,
                                        .week_start = RC_WEEK_START_DEFAULT};
    question->user_id = rc_bytes_of(in->user);
    if (question->user_id.size == 0)
        return rc_decode_fail(decode, RC_INVALID, "user", "the user is missing");
    if (in->range != NULL) {
        const size_t mark = rc_decode_enter(decode, "range");
        RC_TRY(
            rc_decode_range(decode, in->range, &question->scope.start_ms, &question->scope.end_ms));
        rc_decode_leave(decode, mark);
    }
    if (in->optional_as_of_ms_case == RECOUNT__V1__LIST_EVENTS_REQUEST__OPTIONAL_AS_OF_MS_AS_OF_MS)
        question->scope.as_of_ms = in->as_of_ms;
    RC_TRY(rc_decode_selector_or_any(decode, "selector", in->selector, &question->selector));
    question->descending = in->descending;
    question->with_definitions = in->with_definitions != 0;
    RC_TRY(rc_decode_properties(decode, in->properties, in->n_properties, &question->columns,
                                &question->column_count));
    return rc_decode_hints(decode, in->hints);
}

/* The names of the definitions that an event means. */
static enum rc_status
encode_definitions(struct rc_arena *arena,
                   const struct rc_catalog *catalog,
                   struct rc_bytes project,
                   const struct rc_event *event,
                   Recount__V1__Event *out)
{
    RC_NEW_ARRAY(arena, out->definitions, char *, event->definition_count);
    out->n_definitions = event->definition_count;
    for (uint32_t i = 0; i < event->definition_count; i++) {
        const struct rc_bytes id = rc_catalog_at(catalog, event->definitions[i]).name;
        RC_TRY(rc_encode_format(arena, &out->definitions[i], "projects/%.*s/definitions/%.*s",
                                (int)project.size, project.data, (int)id.size, id.data));
    }
    return RC_OK;
}

static enum rc_status
encode_reply(struct rc_arena *arena,
             const Recount__V1__ListEventsRequest *in,
             const struct rc_events_reply *answer,
             Recount__V1__ListEventsResponse *out)
{
    RC_NEW_TEXT(arena, out->user, answer->person_id);
    RC_NEW_ARRAY(arena, out->events, Recount__V1__Event *, answer->event_count);
    out->n_events = answer->event_count;
    for (uint32_t i = 0; i < answer->event_count; i++)
        RC_TRY(rc_encode_event(arena, &answer->events[i], in->properties, in->n_properties,
                               &out->events[i]));
    if (in->page_token[0] != '\0')
        return RC_OK; /* The user's properties are on the first page. */
    return rc_encode_properties(arena, answer->user_properties, answer->user_property_count,
                                &out->user_properties, &out->n_user_properties);
}

enum rc_status
rc_call_list_events(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListEventsRequest *in = message;
    Recount__V1__ListEventsResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    uint64_t hash;
    struct rc_events_request question = {.after = NULL};
    struct rc_event_place place;
    struct rc_events_reply answer;
    RC_TRY(decode_request(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &question.page_rows));
    RC_TRY(rc_request_list_hash(request, &in->base, &hash));
    RC_TRY(read_token(request, hash, in->page_token, &place, &question.after));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    const enum rc_status status = rc_query_events(rc_query_session_context(request->session),
                                                  &question, &answer, request->error);
    if (status == RC_NOT_FOUND)
        rc_request_resource(request, "recount.v1.User", "%s", in->user);
    RC_TRY(status);
    RC_TRY(encode_reply(request->arena, in, &answer, out));
    for (uint32_t i = 0; i < answer.event_count; i++)
        RC_TRY(encode_definitions(request->arena,
                                  rc_query_session_context(request->session)->definitions,
                                  decode.project, &answer.events[i], out->events[i]));
    rc_encode_fit_page(out->events, &out->n_events, &answer.more);
    if (answer.more && out->n_events > 0)
        RC_TRY(write_token(request->arena, hash, &answer.events[out->n_events - 1].place,
                           &out->next_page_token));
    return rc_encode_info(request, &question.scope, in->range != NULL, &answer.stats, &out->info);
}
