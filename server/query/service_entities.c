/* QueryService.ListEntities. A page token holds the key of the last value seen. */
#include "engine/store/value/value_key.h"
#include "server/decode/decode.h"
#include "server/decode/token.h"
#include "server/encode/encode.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

enum rc_status
rc_decode_entities(struct rc_decode *decode,
                   const struct rc_entities_message *in,
                   int64_t now_ms,
                   struct rc_entity_list_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_OPTIONAL, now_ms, &question->scope));
    if (in->cell != NULL) {
        const size_t mark = rc_decode_enter(decode, "cell");
        RC_TRY(rc_decode_cell(decode, in->cell, question->scope.entity, &question->cell));
        rc_decode_leave(decode, mark);
    }
    RC_TRY(rc_decode_selector_or_any(decode, "selector", in->selector, &question->selector));
    return rc_decode_properties(decode, in->properties, in->property_count, &question->properties,
                                &question->property_count);
}

static enum rc_status
read_token(struct rc_request *request,
           uint64_t binding,
           const char *token,
           struct rc_value *value,
           const struct rc_value **ret_after)
{
    struct rc_bytes key;
    RC_TRY(rc_token_read(request->arena, binding, token, &key, request->error));
    if (key.size == 0)
        return RC_OK;
    if (rc_value_of_key(key, request->arena, value) != RC_OK || value->kind == RC_VALUE_LIST)
        return rc_error_field(request->error, RC_INVALID, "page_token",
                              "the page token is not one of this list");
    *ret_after = value;
    return RC_OK;
}

static enum rc_status
write_token(struct rc_arena *arena, uint64_t binding, struct rc_value last, char **ret_token)
{
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    const enum rc_status status = rc_value_key_open(&key, last);
    RC_TRY(status);
    *ret_token = rc_token_write(arena, binding, key.bytes);
    return *ret_token == NULL ? RC_NO_MEMORY : RC_OK;
}

enum rc_status
rc_encode_entity(struct rc_arena *arena,
                 const struct rc_entity_row *row,
                 Recount__V1__EntitySummary **ret_entity)
{
    Recount__V1__EntitySummary *out;
    RC_NEW(arena, out, recount__v1__entity_summary__descriptor);
    RC_TRY(rc_encode_value(arena, row->value, &out->entity));
    out->event_count = row->events.event_count;
    if (row->events.event_count > 0) {
        out->optional_first_event_ms_case =
            RECOUNT__V1__ENTITY_SUMMARY__OPTIONAL_FIRST_EVENT_MS_FIRST_EVENT_MS;
        out->first_event_ms = row->events.first_ms;
        out->optional_last_event_ms_case =
            RECOUNT__V1__ENTITY_SUMMARY__OPTIONAL_LAST_EVENT_MS_LAST_EVENT_MS;
        out->last_event_ms = row->events.last_ms;
    }
    RC_TRY(rc_encode_properties(arena, row->properties, row->property_count, &out->properties,
                                &out->n_properties));
    *ret_entity = out;
    return RC_OK;
}

enum rc_status
rc_call_list_entities(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListEntitiesRequest *in = message;
    Recount__V1__ListEntitiesResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_arena *arena = request->arena;
    uint64_t hash;
    struct rc_entity_list_request question = {.selector = NULL};
    struct rc_value last;
    const struct rc_value *after = NULL;
    struct rc_query_stats stats;
    struct rc_entity_page page;
    uint32_t page_rows;
    const struct rc_entities_message asked = {.scope = in->scope,
                                              .cell = in->cell,
                                              .selector = in->selector,
                                              .property_count = in->n_properties,
                                              .properties = in->properties};
    RC_CLEANUP(rc_entity_list_closep) struct rc_entity_list *list = NULL;
    RC_TRY(rc_decode_entities(&decode, &asked, request->received_ms, &question));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &page_rows));
    RC_TRY(rc_request_list_hash(request, &in->base, &hash));
    RC_TRY(read_token(request, hash, in->page_token, &last, &after));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_entity_list_open(rc_query_session_context(request->session), &question, &stats, &list,
                               request->error));
    RC_TRY(rc_entity_list_page(list, after, page_rows, &stats, &page, request->error));
    RC_NEW_ARRAY(arena, out->entities, Recount__V1__EntitySummary *, page.row_count);
    out->n_entities = page.row_count;
    for (uint32_t i = 0; i < page.row_count; i++)
        RC_TRY(rc_encode_entity(arena, &page.rows[i], &out->entities[i]));
    out->entity_count = rc_entity_list_count(list);
    rc_encode_fit_page(out->entities, &out->n_entities, &page.more);
    if (page.more && out->n_entities > 0)
        RC_TRY(
            write_token(arena, hash, page.rows[out->n_entities - 1].value, &out->next_page_token));
    return rc_encode_info(request, &question.scope, in->scope->range != NULL, &stats, &out->info);
}
