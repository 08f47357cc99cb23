/*
 * A user's events. The person's hits are gathered in total order, a page is cut out by binary
 * search for the place to go on from, and only the page's events are read whole.
 *
 * A place is (time, event id, user as sent); events that are equal in all three (none had an id,
 * and their contents are equal) are told apart by how many of them came before.
 */
#include "engine/base/limits.h"
#include "engine/query/list/event_columns.h"
#include "engine/query/list/event_definitions.h"
#include "engine/query/list/event_read.h"
#include "engine/query/list/person_properties.h"
#include "engine/query/list/shown_id.h"
#include "engine/query/plan/plan.h"
#include "engine/query/query.h"
#include "engine/query/scope.h"
#include "engine/query/too_slow.h"
#include "engine/query/walk/walk.h"

struct listing {
    const struct rc_query_context *context;
    const struct rc_events_request *request;
    struct rc_view *view;
    struct rc_events_reply *reply;
    struct rc_event_reader reader;
    struct rc_event_columns columns;
    struct rc_event *events; /* The page, */
    struct rc_hit *hits;     /* and where each was found. */
};

/* The first hit at or above a key (above: behind all equal ones). */
static uint32_t
bound(const struct listing *listing,
      const struct rc_hit *hits,
      uint32_t count,
      const struct rc_event_key *key,
      bool above)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct rc_event_key mine = rc_event_key_of(listing->view, &hits[middle]);
        const int order = rc_event_key_compare(&mine, key);
        if (order < 0 || (above && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Narrows [begin, end) to what lies behind the place to go on from. */
static void
go_on(const struct listing *listing,
      const struct rc_hit *hits,
      uint32_t count,
      uint32_t *begin,
      uint32_t *end)
{
    const struct rc_event_place *after = listing->request->after;
    if (after == NULL)
        return;
    const struct rc_event_key key = {.time_ms = after->time_ms,
                                     .id = rc_event_id_of_text(after->event_id),
                                     .user_id = after->user_id};
    const uint32_t low = bound(listing, hits, count, &key, false);
    const uint32_t high = bound(listing, hits, count, &key, true);
    const uint32_t equal = high - low;
    if (listing->request->descending)
        *end = low + (after->repeat < equal ? after->repeat : equal);
    else
        *begin = low + (after->repeat < equal ? after->repeat + 1 : equal);
}

static enum rc_status
fill_event(struct listing *listing,
           const struct rc_hit *hits,
           uint32_t count,
           uint32_t index,
           struct rc_event *event)
{
    const struct rc_event_key key = rc_event_key_of(listing->view, &hits[index]);
    RC_TRY(rc_event_read(&listing->reader, &hits[index], event));
    RC_TRY(rc_too_slow_note(listing->context,
                            rc_event_columns_add(&listing->columns, listing->context->arena, event),
                            "properties"));
    event->place.repeat = index - bound(listing, hits, count, &key, false);
    return RC_OK;
}

static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    (void)person;
    struct listing *listing = state;
    const struct rc_events_request *request = listing->request;
    struct rc_events_reply *reply = listing->reply;
    uint32_t begin = 0;
    uint32_t end = count;
    go_on(listing, hits, count, &begin, &end);
    const uint32_t left = begin < end ? end - begin : 0;
    reply->more = left > request->page_rows;
    reply->event_count = reply->more ? request->page_rows : left;
    struct rc_arena *arena = listing->context->arena;
    listing->events = RC_ARENA_ARRAY(arena, struct rc_event, reply->event_count + 1);
    listing->hits = RC_ARENA_ARRAY(arena, struct rc_hit, reply->event_count + 1);
    if (listing->events == NULL || listing->hits == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < reply->event_count; i++) {
        const uint32_t index = request->descending ? end - 1 - i : begin + i;
        RC_TRY(fill_event(listing, hits, count, index, &listing->events[i]));
        listing->hits[i] = hits[index];
    }
    reply->events = listing->events;
    return RC_OK;
}

static enum rc_status
fill_user(const struct listing *listing, uint32_t person)
{
    const struct rc_query_context *context = listing->context;
    struct rc_events_reply *reply = listing->reply;
    RC_CLEANUP(rc_person_properties_close) struct rc_person_properties properties = {0};
    struct rc_bytes id;
    RC_TRY(rc_shown_id(context, person, &id));
    RC_TRY(rc_bytes_copy(context->arena, id, &reply->person_id));
    RC_TRY(rc_person_properties_open(context, listing->request->scope.as_of_ms, NULL, 0,
                                     &properties, NULL));
    return rc_person_properties_read(&properties, person, context->arena, &reply->user_properties,
                                     &reply->user_property_count);
}

static enum rc_status
check_request(const struct rc_events_request *request, struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    struct rc_scope scope = request->scope;
    scope.zone = (struct rc_bytes){0};
    scope.week_start = 0;
    RC_TRY(rc_scope_check(&scope, &calendar, reterr_error));
    if (request->page_rows == 0 || request->page_rows > RC_PAGE_ROWS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "page_size", "a page has 1 to %u events",
                              RC_PAGE_ROWS_MAX);
    return RC_OK;
}

static void
close_listing(struct listing *listing)
{
    rc_event_columns_close(&listing->columns);
}

/* The selector, with the times narrowed to the page's side of the place to go on from. */
static struct rc_plan_selector
selector_of(const struct rc_events_request *request)
{
    const struct rc_scope *scope = &request->scope;
    struct rc_plan_selector selector = {
        .predicate = request->selector,
        .field = "selector",
        .from_ms = scope->start_ms,
        .until_ms = rc_scope_until(scope, scope->end_ms),
    };
    if (request->after != NULL) {
        const int64_t time_ms = request->after->time_ms;
        if (!request->descending && time_ms > selector.from_ms)
            selector.from_ms = time_ms;
        if (request->descending && time_ms < selector.until_ms)
            selector.until_ms = time_ms + 1;
    }
    return selector;
}

enum rc_status
rc_query_events(const struct rc_query_context *context,
                const struct rc_events_request *request,
                struct rc_events_reply *ret_reply,
                struct rc_error *reterr_error)
{
    struct rc_events_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_TRY(check_request(request, reterr_error));
    const uint32_t user = rc_view_find_user(context->view, request->user_id);
    if (user == RC_CODE_NONE)
        return rc_error_field(reterr_error, RC_NOT_FOUND, "user", "there is no such user");
    const uint32_t person = rc_view_person_of(context->view, user);
    const struct rc_plan_selector selector = selector_of(request);
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(rc_plan_new_for_person(context, request->scope.as_of_ms, person, &selector, 1, &plan,
                                  reterr_error));
    RC_CLEANUP(close_listing)
    struct listing listing = {
        .context = context, .request = request, .view = context->view, .reply = &reply};
    RC_TRY(rc_event_columns_open(context, request->columns, request->column_count, &listing.columns,
                                 reterr_error));
    RC_TRY_OR(reterr_error, rc_event_reader_open(context->view, context->arena, &listing.reader));
    void *lanes[1] = {&listing};
    const struct rc_fold fold = {.purpose = "events of the user",
                                 .ordered = true,
                                 .lane_count = 1,
                                 .lanes = lanes,
                                 .person = fold_person};
    RC_TRY_OR(reterr_error, rc_walk_one(plan, &fold, person, &reply.stats.matched_events));
    if (request->with_definitions)
        RC_TRY(rc_event_definitions(context, request->scope.as_of_ms, person, listing.hits,
                                    reply.event_count, listing.events, &reply.stats, reterr_error));
    RC_TRY_OR(reterr_error, fill_user(&listing, person));
    rc_plan_add_stats(plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
