/*
 * QueryService.Explain: the call that is asked about is made by its own function, which decodes,
 * begins and asks as ever; the request says that plans are to be written down, and whether to run
 * them. Its reply is thrown away.
 */
#include <recount/v1/explain.pb-c.h>

#include "server/decode/decode.h"
#include "server/encode/encode.h"
#include "server/query/service_query.h"

/* The call of a query, as a title. */
static const char *
title_of(Recount__V1__ExplainRequest__QueryCase query)
{
    switch (query) {
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_FUNNEL:
        return "funnel";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_RETENTION:
        return "retention";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_SERIES:
        return "series";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_LIFECYCLE:
        return "lifecycle";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_STICKINESS:
        return "stickiness";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_SESSIONS:
        return "sessions";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_PATHS:
        return "paths";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_LIST_USERS:
        return "list_users";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_LIST_ENTITIES:
        return "list_entities";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_LIST_EVENTS:
        return "list_events";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_EXPERIMENT:
        return "experiment";
    case RECOUNT__V1__EXPLAIN_REQUEST__QUERY_CORRELATION:
        return "correlation";
    default:
        return NULL;
    }
}

enum rc_status
rc_call_explain(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ExplainRequest *in = message;
    Recount__V1__ExplainResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    const char *title = title_of(in->query_case);
    if (title == NULL)
        return rc_decode_fail(&decode, RC_INVALID, "query", "the query is missing");
    const struct rc_service_method *method = rc_query_method_of(in->funnel->base.descriptor);
    void *answer = rc_message_new(request->arena, method->output);
    if (answer == NULL)
        return rc_decode_no_memory(&decode);
    request->explain_mode = in->analyze ? RC_EXPLAIN_ANALYZE : RC_EXPLAIN_PLAN;
    request->explain_slabs = in->slabs;
    const enum rc_status status =
        rc_request_place(request, method->call(request, in->funnel, answer));
    if (status != RC_OK && request->error->field[0] != '\0')
        rc_error_prefix(request->error, "%s", title);
    RC_TRY(status);
    return rc_encode_plan(request->arena, rc_request_explained(request), title, &out->plan);
}
