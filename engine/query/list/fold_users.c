/*
 * Users. The page is cut first; then one walk over the events of its users alone, in any order,
 * and one look at each property.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/query/list/person_page.h"
#include "engine/query/list/users.h"
#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/segment/segment_persons.h"
#include "engine/query/walk/walk.h"

struct place {
    uint32_t person;
    uint32_t row;
};

struct users {
    const struct rc_query_context *context;
    const struct rc_users_request *request;
    struct rc_plan *plan;
    struct rc_person_page page;
    struct place *places; /* By person. */
    uint64_t *bits;       /* The page's persons. */
    struct rc_user_row *rows;
};

struct lane {
    const struct users *users;
    struct rc_user_row *rows; /* Counts and times. */
};

static void
users_close(struct users *users)
{
    users->plan = rc_plan_free(users->plan);
}

static int
compare_places(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    return (x->person > y->person) - (x->person < y->person);
}

static uint32_t
row_of(const struct users *users, uint32_t person)
{
    uint32_t low = 0;
    uint32_t high = users->page.count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (users->places[middle].person <= person)
            low = middle;
        else
            high = middle;
    }
    return users->places[low].row;
}

static void
add_events(struct rc_user_row *row, uint64_t count, int64_t first_ms, int64_t last_ms)
{
    if (row->event_count == 0 || first_ms < row->first_ms)
        row->first_ms = first_ms;
    if (row->event_count == 0 || last_ms > row->last_ms)
        row->last_ms = last_ms;
    row->event_count += count;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = row_of(lane->users, rc_walk_person(block, slots[i]));
        add_events(&lane->rows[row], 1, hits[i].time_ms, hits[i].time_ms);
    }
    return RC_OK;
}

static enum rc_status
count_events(struct users *users, uint64_t *hit_count)
{
    const struct rc_query_context *context = users->context;
    const uint32_t lane_count = context->parallel_max;
    struct lane *lanes = RC_ARENA_ARRAY(context->arena, struct lane, lane_count);
    void **states = RC_ARENA_ARRAY(context->arena, void *, lane_count);
    if (lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++) {
        states[i] = &lanes[i];
        lanes[i].users = users;
        lanes[i].rows = RC_ARENA_ARRAY(context->arena, struct rc_user_row, users->page.count);
        if (lanes[i].rows == NULL)
            return RC_NO_MEMORY;
    }
    const struct rc_fold fold = {.lane_count = lane_count, .lanes = states, .hits = fold_hits};
    RC_TRY(rc_walk(users->plan, &fold, hit_count));
    for (uint32_t row = 0; row < users->page.count; row++)
        for (uint32_t i = 0; i < lane_count; i++) {
            const struct rc_user_row *of_lane = &lanes[i].rows[row];
            if (of_lane->event_count > 0)
                add_events(&users->rows[row], of_lane->event_count, of_lane->first_ms,
                           of_lane->last_ms);
        }
    return RC_OK;
}

/* ---- Properties ------------------------------------------------------------------------------ */

struct named_property {
    struct rc_bytes name;
    uint32_t property;
};

static int
compare_names(const void *a, const void *b)
{
    const struct named_property *x = a;
    const struct named_property *y = b;
    return rc_bytes_compare(x->name, y->name);
}

static enum rc_status
copy_bytes(struct rc_arena *arena, struct rc_bytes *bytes)
{
    bytes->data = rc_arena_copy(arena, bytes->data, bytes->size);
    return bytes->data == NULL ? RC_NO_MEMORY : RC_OK;
}

/* Copies the texts of a value: the reply may outlive the view. */
static enum rc_status
copy_texts(struct rc_arena *arena, struct rc_value *value)
{
    if (value->kind == RC_VALUE_STRING)
        return copy_bytes(arena, &value->string);
    if (value->kind != RC_VALUE_LIST)
        return RC_OK;
    struct rc_bytes *items = rc_arena_copy(arena, value->items, value->item_count * sizeof(*items));
    if (items == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < value->item_count; i++)
        RC_TRY(copy_bytes(arena, &items[i]));
    value->items = items;
    return RC_OK;
}

/* Adds a property to the rows that have it. Each has room. */
static enum rc_status
add_property(struct users *users,
             const struct named_property *named,
             struct rc_event_property *lists,
             uint32_t width)
{
    struct rc_arena *arena = users->context->arena;
    struct rc_view *view = users->context->view;
    const struct rc_dictionary *values =
        rc_properties_dictionary(rc_view_user_properties(view), named->property);
    const rc_cell *cells;
    RC_TRY(rc_view_user_cells(view, named->property, users->request->scope.as_of_ms, &cells));
    for (uint32_t row = 0; row < users->page.count; row++) {
        const rc_cell cell = cells[users->page.persons[row].person];
        if (cell == 0)
            continue;
        struct rc_user_row *user = &users->rows[row];
        struct rc_event_property *property = &lists[(size_t)row * width + user->property_count++];
        property->name = named->name;
        RC_TRY(rc_cell_value(values, cell, arena, &property->value));
        RC_TRY(copy_texts(arena, &property->value));
    }
    return RC_OK;
}

static enum rc_status
fill_properties(struct users *users)
{
    struct rc_arena *arena = users->context->arena;
    const struct rc_properties *properties = rc_view_user_properties(users->context->view);
    const uint32_t width = rc_properties_count(properties);
    struct named_property *names = RC_ARENA_ARRAY(arena, struct named_property, width);
    struct rc_event_property *lists =
        RC_ARENA_ARRAY(arena, struct rc_event_property, (size_t)users->page.count * width);
    if (names == NULL || lists == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < width; i++) {
        names[i] =
            (struct named_property){.name = rc_properties_name(properties, i), .property = i};
        RC_TRY(copy_bytes(arena, &names[i].name));
    }
    qsort(names, width, sizeof(*names), compare_names);
    for (uint32_t row = 0; row < users->page.count; row++)
        users->rows[row].properties = lists + (size_t)row * width;
    for (uint32_t i = 0; i < width; i++)
        RC_TRY(add_property(users, &names[i], lists, width));
    return RC_OK;
}

/* ---- The page -------------------------------------------------------------------------------- */

static enum rc_status
cut_page(struct users *users, const uint64_t *persons, struct rc_users_reply *reply)
{
    struct rc_arena *arena = users->context->arena;
    const struct rc_users_request *request = users->request;
    const size_t word_count = (size_t)rc_view_user_count(users->context->view) / 64 + 1;
    for (size_t word = 0; word < word_count; word++)
        reply->users += (uint64_t)__builtin_popcountll(persons[word]);
    RC_TRY(
        rc_person_page(users->context, persons, request->after, request->page_rows, &users->page));
    users->places = RC_ARENA_ARRAY(arena, struct place, users->page.count + 1);
    users->bits = RC_ARENA_ARRAY(arena, uint64_t, word_count);
    users->rows = RC_ARENA_ARRAY(arena, struct rc_user_row, users->page.count);
    if (users->places == NULL || users->bits == NULL || users->rows == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < users->page.count; row++) {
        const uint32_t person = users->page.persons[row].person;
        users->places[row] = (struct place){.person = person, .row = row};
        users->bits[person / 64] |= (uint64_t)1 << (person % 64);
        users->rows[row].id = users->page.persons[row].id;
    }
    qsort(users->places, users->page.count, sizeof(*users->places), compare_places);
    reply->row_count = users->page.count;
    reply->rows = users->rows;
    reply->more = users->page.more;
    return RC_OK;
}

enum rc_status
rc_query_users(const struct rc_query_context *context,
               const struct rc_users_request *request,
               struct rc_users_reply *ret_reply,
               struct rc_error *reterr_error)
{
    static const struct rc_segment everybody = {.kind = RC_SEGMENT_ALL_OF};
    struct rc_calendar calendar;
    struct rc_users_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    const struct rc_scope *scope = &request->scope;
    const uint64_t *persons;
    RC_CLEANUP(users_close) struct users users = {.context = context, .request = request};
    RC_TRY(rc_scope_check(scope, &calendar, reterr_error));
    if (request->page_rows == 0 || request->page_rows > RC_PAGE_ROWS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "page_size", "a page has 1 to %u users",
                              RC_PAGE_ROWS_MAX);
    const enum rc_status status =
        rc_segment_persons(context, scope->segment == NULL ? &everybody : scope->segment, &calendar,
                           scope->as_of_ms, &reply.stats, &persons, NULL, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "scope.segment");
    RC_TRY(status);
    RC_TRY_OR(reterr_error, cut_page(&users, persons, &reply));
    const struct rc_plan_selector selector = {
        .predicate = request->selector,
        .field = "selector",
        .from_ms = scope->start_ms,
        .until_ms = rc_scope_until(scope, scope->end_ms),
    };
    RC_TRY(
        rc_plan_new(context, scope->as_of_ms, users.bits, &selector, 1, &users.plan, reterr_error));
    RC_TRY_OR(reterr_error, count_events(&users, &reply.stats.matched_events));
    RC_TRY_OR(reterr_error, fill_properties(&users));
    rc_plan_add_stats(users.plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
