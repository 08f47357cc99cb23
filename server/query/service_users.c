/* QueryService.ListUsers. A page token holds the id of the last user seen. */
#include "server/decode/decode.h"
#include "server/decode/token.h"
#include "server/encode/encode.h"
#include "server/query/service_query.h"

enum rc_status
rc_decode_users(struct rc_decode *decode,
                const struct rc_users_message *in,
                int64_t now_ms,
                struct rc_users_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_OPTIONAL, now_ms, &question->scope));
    RC_TRY(rc_decode_no_entity(decode, &question->scope,
                               "users are listed; ListEntities lists the values of a property"));
    RC_TRY(rc_decode_selector_or_any(decode, "selector", in->selector, &question->selector));
    return rc_decode_properties(decode, in->properties, in->property_count, &question->properties,
                                &question->property_count);
}

enum rc_status
rc_encode_user(struct rc_arena *arena,
               const struct rc_user_row *row,
               Recount__V1__UserSummary **ret_user)
{
    Recount__V1__UserSummary *out;
    RC_NEW(arena, out, recount__v1__user_summary__descriptor);
    RC_NEW_TEXT(arena, out->user, row->id);
    out->event_count = row->events.event_count;
    if (row->events.event_count > 0) {
        out->optional_first_event_ms_case =
            RECOUNT__V1__USER_SUMMARY__OPTIONAL_FIRST_EVENT_MS_FIRST_EVENT_MS;
        out->first_event_ms = row->events.first_ms;
        out->optional_last_event_ms_case =
            RECOUNT__V1__USER_SUMMARY__OPTIONAL_LAST_EVENT_MS_LAST_EVENT_MS;
        out->last_event_ms = row->events.last_ms;
    }
    RC_TRY(rc_encode_properties(arena, row->properties, row->property_count, &out->properties,
                                &out->n_properties));
    *ret_user = out;
    return RC_OK;
}

enum rc_status
rc_call_list_users(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListUsersRequest *in = message;
    Recount__V1__ListUsersResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_arena *arena = request->arena;
    uint64_t hash;
    struct rc_users_request question = {.selector = NULL};
    struct rc_users_reply answer;
    const struct rc_users_message asked = {.scope = in->scope,
                                           .selector = in->selector,
                                           .property_count = in->n_properties,
                                           .properties = in->properties};
    RC_TRY(rc_decode_users(&decode, &asked, request->received_ms, &question));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &question.page_rows));
    RC_TRY(rc_request_list_hash(request, &in->base, &hash));
    RC_TRY(rc_token_read(arena, hash, in->page_token, &question.after, request->error));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_users(rc_query_session_context(request->session), &question, &answer,
                          request->error));
    RC_NEW_ARRAY(arena, out->users, Recount__V1__UserSummary *, answer.row_count);
    out->n_users = answer.row_count;
    for (uint32_t i = 0; i < answer.row_count; i++)
        RC_TRY(rc_encode_user(arena, &answer.rows[i], &out->users[i]));
    out->user_count = answer.users;
    rc_encode_fit_page(out->users, &out->n_users, &answer.more);
    if (answer.more && out->n_users > 0) {
        out->next_page_token = rc_token_write(arena, hash, answer.rows[out->n_users - 1].id);
        if (out->next_page_token == NULL)
            return RC_NO_MEMORY;
    }
    return rc_encode_info(request, &question.scope, in->scope->range != NULL, &answer.stats,
                          &out->info);
}
