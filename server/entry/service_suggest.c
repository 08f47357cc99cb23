/* DefinitionService.SuggestDefinitions. */
#include <recount/v1/suggest.pb-c.h>

#include "engine/base/limits.h"
#include "engine/query/suggest/suggest.h"
#include "server/encode/encode.h"
#include "server/query/service_query.h"

static enum rc_status
decode_facts(struct rc_decode *decode,
             const Recount__V1__EventFacts *in,
             struct rc_suggest_request *question)
{
    if (in == NULL)
        return RC_OK;
    const struct {
        const char *field;
        const char *name;
    } facts[RC_FACTS] = {
        [RC_FACT_TYPE] = {"type", in->type}, [RC_FACT_CHAIN] = {"element_chain", in->element_chain},
        [RC_FACT_TEXT] = {"text", in->text}, [RC_FACT_PATH] = {"path", in->path},
        [RC_FACT_URL] = {"url", in->url},    [RC_FACT_HOST] = {"host", in->host},
    };
    const size_t mark = rc_decode_enter(decode, "facts");
    for (uint32_t fact = 0; fact < RC_FACTS; fact++) {
        question->facts[fact] = rc_bytes_of(facts[fact].name);
        if (question->facts[fact].size > RC_PROPERTY_NAME_BYTES_MAX)
            return rc_decode_fail(decode, RC_INVALID, facts[fact].field,
                                  "the name of a property has at most %u bytes",
                                  RC_PROPERTY_NAME_BYTES_MAX);
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_request(struct rc_decode *decode,
               const Recount__V1__SuggestDefinitionsRequest *in,
               int64_t now_ms,
               struct rc_suggest_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_OPTIONAL, now_ms, &question->scope));
    RC_TRY(
        rc_decode_no_entity(decode, &question->scope, "a suggestion is about one event of a user"));
    question->has_range = in->scope->range != NULL;
    question->user_id = rc_bytes_of(in->user);
    question->event_id = rc_bytes_of(in->event_id);
    if (question->user_id.size == 0)
        return rc_decode_fail(decode, RC_INVALID, "user", "the user is missing");
    if (question->event_id.size == 0)
        return rc_decode_fail(decode, RC_INVALID, "event_id", "the event's id is missing");
    RC_TRY(decode_facts(decode, in->facts, question));
    if (in->limit > RC_SUGGESTIONS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "limit", "there are at most %u suggestions",
                              RC_SUGGESTIONS_MAX);
    question->limit = in->limit == 0 ? RC_SUGGESTIONS_MAX : in->limit;
    return RC_OK;
}

static enum rc_status
encode_suggestion(struct rc_request *request,
                  struct rc_bytes project,
                  const struct rc_suggestion *suggestion,
                  Recount__V1__Suggestion **ret_suggestion)
{
    struct rc_arena *arena = request->arena;
    const struct rc_catalog *catalog = rc_query_session_context(request->session)->definitions;
    Recount__V1__Suggestion *out;
    RC_NEW(arena, out, recount__v1__suggestion__descriptor);
    RC_TRY(rc_encode_predicate(arena, project, suggestion->predicate, &out->predicate));
    RC_NEW_TEXT(arena, out->label, suggestion->label);
    out->event_count = suggestion->events;
    out->user_count = suggestion->users;
    RC_NEW_ARRAY(arena, out->definitions, char *, suggestion->definition_count);
    out->n_definitions = suggestion->definition_count;
    for (uint32_t i = 0; i < suggestion->definition_count; i++) {
        const struct rc_bytes id = rc_catalog_at(catalog, suggestion->definitions[i]).name;
        RC_TRY(rc_encode_format(arena, &out->definitions[i], "projects/%.*s/definitions/%.*s",
                                (int)project.size, project.data, (int)id.size, id.data));
    }
    *ret_suggestion = out;
    return RC_OK;
}

enum rc_status
rc_call_suggest_definitions(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__SuggestDefinitionsRequest *in = message;
    Recount__V1__SuggestDefinitionsResponse *out = reply;
    struct rc_arena *arena = request->arena;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_suggest_request question = {.limit = 0};
    struct rc_suggest_reply answer;
    RC_TRY(decode_request(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    const enum rc_status status = rc_query_suggest(rc_query_session_context(request->session),
                                                   &question, &answer, request->error);
    if (status == RC_NOT_FOUND && strcmp(request->error->field, "user") == 0)
        rc_request_resource(request, "recount.v1.User", "%s", in->user);
    if (status == RC_NOT_FOUND && strcmp(request->error->field, "event_id") == 0)
        rc_request_resource(request, "recount.v1.Event", "%s", in->event_id);
    RC_TRY(status);
    RC_TRY(rc_encode_event(arena, &answer.event, NULL, 0, &out->event));
    RC_NEW_ARRAY(arena, out->suggestions, Recount__V1__Suggestion *, answer.suggestion_count);
    out->n_suggestions = answer.suggestion_count;
    for (uint32_t i = 0; i < answer.suggestion_count; i++)
        RC_TRY(encode_suggestion(request, decode.project, &answer.suggestions[i],
                                 &out->suggestions[i]));
    question.scope.start_ms = answer.start_ms;
    question.scope.end_ms = answer.end_ms;
    return rc_encode_info(request, &question.scope, true, &answer.stats, &out->info);
}
