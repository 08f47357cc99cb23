/*
 * Users. The page is cut first; then one walk over the events of its users alone, in any order,
 * and one look at each property.
 */
#include "engine/query/list/person_events.h"
#include "engine/query/list/person_page.h"
#include "engine/query/list/person_properties.h"
#include "engine/query/list/users.h"
#include "engine/query/scope.h"
#include "engine/query/segment/segment_persons.h"
#include "engine/query/too_slow.h"

static enum rc_status
set_page(const struct rc_query_context *context,
         const struct rc_person_page *page,
         const uint64_t **ret_persons)
{
    const size_t word_count = (size_t)rc_view_user_count(context->view) / 64 + 1;
    uint64_t *persons = RC_ARENA_ARRAY(context->arena, uint64_t, word_count);
    if (persons == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < page->count; i++) {
        const uint32_t person = page->persons[i].person;
        persons[person / 64] |= (uint64_t)1 << (person % 64);
    }
    *ret_persons = persons;
    return RC_OK;
}

static enum rc_status
fill_rows(const struct rc_query_context *context,
          const struct rc_users_request *request,
          const struct rc_person_page *page,
          const struct rc_person_events *events,
          struct rc_users_reply *reply,
          struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_person_properties_close) struct rc_person_properties properties = {0};
    struct rc_user_row *rows = RC_ARENA_ARRAY(context->arena, struct rc_user_row, page->count);
    if (rows == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a list of users");
    RC_TRY(rc_person_properties_open(context, request->scope.as_of_ms, request->properties,
                                     request->property_count, &properties, reterr_error));
    for (uint32_t i = 0; i < page->count; i++) {
        const uint32_t person = page->persons[i].person;
        rows[i].id = page->persons[i].id;
        rows[i].events = *rc_person_events_of(events, person);
        const enum rc_status status = rc_person_properties_read(
            &properties, person, context->arena, &rows[i].properties, &rows[i].property_count);
        RC_TRY_OR(reterr_error, rc_too_slow_note(context, status, "properties"));
    }
    reply->row_count = page->count;
    reply->rows = rows;
    reply->more = page->more;
    return RC_OK;
}

enum rc_status
rc_users_persons(const struct rc_query_context *context,
                 const struct rc_users_request *request,
                 struct rc_query_stats *stats,
                 const uint64_t **ret_persons,
                 struct rc_error *reterr_error)
{
    static const struct rc_segment everybody = {.kind = RC_SEGMENT_ALL_OF};
    const struct rc_scope *scope = &request->scope;
    struct rc_calendar calendar;
    RC_TRY(rc_scope_check(scope, &calendar, reterr_error));
    const enum rc_status status =
        rc_segment_persons(context, scope->segment == NULL ? &everybody : scope->segment, &calendar,
                           scope->as_of_ms, stats, ret_persons, NULL, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "scope.segment");
    return status;
}

enum rc_status
rc_query_users(const struct rc_query_context *context,
               const struct rc_users_request *request,
               struct rc_users_reply *ret_reply,
               struct rc_error *reterr_error)
{
    struct rc_users_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    struct rc_person_page page;
    struct rc_person_events events;
    const uint64_t *persons;
    const uint64_t *listed;
    if (request->page_rows == 0 || request->page_rows > RC_PAGE_ROWS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "page_size", "a page has 1 to %u users",
                              RC_PAGE_ROWS_MAX);
    RC_TRY(rc_users_persons(context, request, &reply.stats, &persons, reterr_error));
    for (size_t word = 0; word <= rc_view_user_count(context->view) / 64; word++)
        reply.users += (uint64_t)__builtin_popcountll(persons[word]);
    RC_TRY_OR(reterr_error,
              rc_person_page(context, persons, request->after, request->page_rows, &page));
    RC_TRY_OR(reterr_error, set_page(context, &page, &listed));
    RC_TRY(rc_person_events_count(context, &request->scope, request->selector, listed, &reply.stats,
                                  &events, reterr_error));
    RC_TRY(fill_rows(context, request, &page, &events, &reply, reterr_error));
    *ret_reply = reply;
    return RC_OK;
}
