/*
 * Entity list. What is an entity is known from the values of the property on all events, numbered
 * once; the cell's question is asked with these numbers, so that the bits it sets mean the same
 * here. A page is cut from the bits by the order of values, and one walk counts its events.
 */
#include "engine/query/list/entity_list.h"

#include "engine/match/rows/words.h"
#include "engine/query/list/account_columns.h"
#include "engine/query/list/event_read.h"
#include "engine/query/scope.h"
#include "engine/query/segment/chart_cell.h"
#include "engine/query/split/groups.h"
#include "engine/query/split/top.h"
#include "engine/query/walk/entities.h"
#include "engine/query/walk/walk.h"

struct rc_entity_list {
    const struct rc_query_context *context;
    const struct rc_entity_list_request *request;
    struct rc_all_entities all;
    const struct rc_groups *groups; /* Of them. */
    struct rc_plan *counting;       /* Over the events that count. */
    struct rc_account_columns *columns;
    size_t word_count;
    uint64_t *words; /* A bit for each that is listed. */
    uint64_t count;
};

/* ---- Which ----------------------------------------------------------------------------------- */

static enum rc_status
plan_counting(struct rc_entity_list *list,
              struct rc_query_stats *stats,
              struct rc_error *reterr_error)
{
    const struct rc_scope *scope = &list->request->scope;
    const struct rc_plan_selector planned = {.predicate = list->request->selector,
                                             .field = "selector",
                                             .from_ms = scope->start_ms,
                                             .until_ms = rc_scope_until(scope, scope->end_ms)};
    struct rc_counted counted;
    RC_TRY(rc_scope_counted(list->context, scope, stats, &counted, reterr_error));
    RC_TRY(rc_plan_new(list->context, scope->as_of_ms, counted.persons, &planned, 1,
                       &list->counting, reterr_error));
    rc_plan_add_stats(list->counting, stats);
    return RC_OK;
}

static enum rc_status
mark_hits(void *lane,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    const struct rc_entity_list *list = lane;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t group_count;
        const uint32_t set = rc_groups_of(list->groups, 0, &hits[i]);
        const uint32_t *groups = rc_groups_list(list->groups, &set, &group_count);
        for (uint32_t g = 0; g < group_count; g++)
            rc_walk_mark(list->words, groups[g]);
    }
    return RC_OK;
}

/* Walks over the events that count, by lane. */
static enum rc_status
walk(const struct rc_entity_list *list,
     void **lanes,
     enum rc_status (*hits)(void *lane,
                            const struct rc_walk_block *block,
                            const struct rc_hit *hits,
                            const uint32_t *slots,
                            uint32_t count),
     struct rc_query_stats *stats)
{
    const struct rc_fold fold = {
        .anonymous = true, .lane_count = list->context->parallel_max, .lanes = lanes, .hits = hits};
    return rc_walk(list->counting, &fold, &stats->matched_events);
}

static enum rc_status
mark_counting(struct rc_entity_list *list, struct rc_query_stats *stats)
{
    void **lanes = RC_ARENA_ARRAY(list->context->arena, void *, list->context->parallel_max);
    if (lanes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < list->context->parallel_max; i++)
        lanes[i] = list;
    RC_TRY(walk(list, lanes, mark_hits, stats));
    list->words[RC_GROUP_NULL / 64] &= ~((uint64_t)1 << (RC_GROUP_NULL % 64));
    return RC_OK;
}

static enum rc_status
mark_cell(struct rc_entity_list *list, struct rc_query_stats *stats, struct rc_error *reterr_error)
{
    struct rc_query_context asked = *list->context;
    asked.entities = list->all.entities;
    const enum rc_status status =
        rc_chart_cell_persons(&asked, list->request->cell, stats, list->words, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "cell");
    return status;
}

static enum rc_status
open_list(struct rc_entity_list *list, struct rc_query_stats *stats, struct rc_error *reterr_error)
{
    const struct rc_entity_list_request *request = list->request;
    const struct rc_query_context *context = list->context;
    struct rc_calendar calendar;
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    if (request->scope.entity.size == 0)
        return rc_error_field(reterr_error, RC_INVALID, "scope.entity_property",
                              "the property whose values are listed is missing");
    RC_TRY(rc_all_entities_open(context, request->scope.entity, &list->all, reterr_error));
    list->groups = rc_entities_groups(list->all.entities);
    RC_TRY(plan_counting(list, stats, reterr_error));
    RC_TRY(rc_account_columns_open(context, request->scope.entity, request->scope.as_of_ms,
                                   request->properties, request->property_count, &list->columns,
                                   reterr_error));
    list->word_count = (size_t)rc_groups_count(list->groups) / 64 + 1;
    list->words = RC_ARENA_ARRAY(context->arena, uint64_t, list->word_count);
    if (list->words == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a list of entities");
    if (request->cell != NULL)
        RC_TRY(mark_cell(list, stats, reterr_error));
    else
        RC_TRY_OR(reterr_error, mark_counting(list, stats));
    list->count = rc_words_count(list->words, (uint32_t)list->word_count);
    return RC_OK;
}

enum rc_status
rc_entity_list_open(const struct rc_query_context *context,
                    const struct rc_entity_list_request *request,
                    struct rc_query_stats *ret_stats,
                    struct rc_entity_list **ret_list,
                    struct rc_error *reterr_error)
{
    struct rc_query_stats stats = {.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(rc_entity_list_closep)
    struct rc_entity_list *list = rc_arena_zero(context->arena, sizeof(*list));
    if (list == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a list of entities");
    list->context = context;
    list->request = request;
    RC_TRY(open_list(list, &stats, reterr_error));
    *ret_stats = stats;
    *ret_list = RC_TAKE(list);
    return RC_OK;
}

void
rc_entity_list_close(struct rc_entity_list *list)
{
    if (list == NULL)
        return;
    rc_account_columns_close(list->columns);
    list->counting = rc_plan_free(list->counting);
    rc_all_entities_close(&list->all);
}

uint64_t
rc_entity_list_count(const struct rc_entity_list *list)
{
    return list->count;
}

/* ---- Pages ----------------------------------------------------------------------------------- */

/* The entities of a page. */
struct page {
    uint32_t *groups;
    uint32_t count;
    bool more;
};

/* How values are ordered, and the first error of it. */
struct order {
    const struct rc_groups *groups;
    struct rc_arena *scratch;
    enum rc_status status;
};

static bool
is_before(void *context, uint32_t a, uint32_t b)
{
    struct order *order = context;
    int compared = 0;
    const enum rc_status status = rc_groups_compare(order->groups, a, b, order->scratch, &compared);
    if (status != RC_OK)
        order->status = status;
    rc_arena_reset(order->scratch);
    return compared < 0;
}

static enum rc_status
is_behind(struct order *order, uint32_t group, const struct rc_value *after, bool *ret_is)
{
    struct rc_value value;
    *ret_is = true;
    if (after == NULL)
        return RC_OK;
    RC_TRY(rc_groups_value(order->groups, group, order->scratch, &value));
    *ret_is = rc_value_compare(value, *after) > 0;
    rc_arena_reset(order->scratch);
    return RC_OK;
}

/* Offers the entities behind a value. */
static enum rc_status
offer_all(const struct rc_entity_list *list,
          struct order *order,
          const struct rc_value *after,
          struct rc_top *top)
{
    const _Atomic(bool) *cancel = list->context->cancel;
    for (size_t word = 0; word < list->word_count; word++) {
        if (word % 16 == 0 && cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed))
            return RC_CANCELLED;
        for (uint64_t bits = list->words[word]; bits != 0; bits &= bits - 1) {
            const uint32_t group = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);
            bool behind;
            RC_TRY(is_behind(order, group, after, &behind));
            if (behind)
                rc_top_offer(top, group);
        }
    }
    rc_top_finish(top);
    return order->status;
}

/* The groups of a page, by value: room for page_rows. */
static enum rc_status
cut_page(const struct rc_entity_list *list,
         const struct rc_value *after,
         uint32_t page_rows,
         struct page *page)
{
    RC_CLEANUP(rc_arena_freep)
    struct rc_arena *scratch = rc_arena_new(list->context->account, 0);
    if (scratch == NULL)
        return RC_NO_MEMORY;
    struct order order = {.groups = list->groups, .scratch = scratch};
    struct rc_top top = {
        .top_n = page_rows, .first = page->groups, .context = &order, .before = is_before};
    RC_TRY(offer_all(list, &order, after, &top));
    page->count = top.count;
    page->more = top.more;
    return RC_OK;
}

/* A lane that counts the events of a page. */
struct lane {
    const struct rc_groups *groups;
    struct rc_person_events events;
};

static enum rc_status
count_hits(void *state,
           const struct rc_walk_block *block,
           const struct rc_hit *hits,
           const uint32_t *slots,
           uint32_t count)
{
    const struct lane *lane = state;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t group_count;
        const uint32_t set = rc_groups_of(lane->groups, 0, &hits[i]);
        const uint32_t *groups = rc_groups_list(lane->groups, &set, &group_count);
        for (uint32_t g = 0; g < group_count; g++)
            if (rc_words_has(lane->events.persons, groups[g]))
                rc_person_event_add(rc_person_events_of(&lane->events, groups[g]), hits[i].time_ms);
    }
    return RC_OK;
}

static void
add_counts(struct rc_person_event_count *to, const struct rc_person_event_count *of)
{
    if (of->event_count == 0)
        return;
    if (to->event_count == 0 || of->first_ms < to->first_ms)
        to->first_ms = of->first_ms;
    if (to->event_count == 0 || of->last_ms > to->last_ms)
        to->last_ms = of->last_ms;
    to->event_count += of->event_count;
}

/* Counts the events of the page's entities; the lanes add up to the first. */
static enum rc_status
count_page(const struct rc_entity_list *list,
           const struct page *page,
           struct rc_query_stats *stats,
           struct rc_person_events *ret_events)
{
    struct rc_arena *arena = list->context->arena;
    const uint32_t lane_count = list->context->parallel_max;
    uint64_t *words = RC_ARENA_ARRAY(arena, uint64_t, list->word_count);
    struct lane *lanes = RC_ARENA_ARRAY(arena, struct lane, lane_count);
    void **states = RC_ARENA_ARRAY(arena, void *, lane_count);
    if (words == NULL || lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < page->count; i++)
        words[page->groups[i] / 64] |= (uint64_t)1 << (page->groups[i] % 64);
    for (uint32_t i = 0; i < lane_count; i++) {
        lanes[i].groups = list->groups;
        RC_TRY(rc_person_events_open(arena, words, list->word_count, &lanes[i].events));
        states[i] = &lanes[i];
    }
    RC_TRY(walk(list, states, count_hits, stats));
    for (uint32_t i = 1; i < lane_count; i++)
        for (uint32_t k = 0; k < page->count; k++)
            add_counts(&lanes[0].events.counts[k], &lanes[i].events.counts[k]);
    *ret_events = lanes[0].events;
    return RC_OK;
}

static enum rc_status
fill_rows(const struct rc_entity_list *list,
          const struct page *page,
          const struct rc_person_events *events,
          struct rc_entity_row *rows)
{
    struct rc_arena *arena = list->context->arena;
    for (uint32_t i = 0; i < page->count; i++) {
        struct rc_value value;
        RC_TRY(rc_groups_value(list->groups, page->groups[i], arena, &value));
        RC_TRY(rc_value_copy(arena, value, &rows[i].value));
        rows[i].events = *rc_person_events_of(events, page->groups[i]);
        RC_TRY(rc_account_columns_read(list->columns, rows[i].value, arena, &rows[i].properties,
                                       &rows[i].property_count));
    }
    return RC_OK;
}

enum rc_status
rc_entity_list_page(struct rc_entity_list *list,
                    const struct rc_value *after,
                    uint32_t page_rows,
                    struct rc_query_stats *stats,
                    struct rc_entity_page *ret_page,
                    struct rc_error *reterr_error)
{
    struct rc_arena *arena = list->context->arena;
    if (page_rows == 0 || page_rows > RC_PAGE_ROWS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "page_size", "a page has 1 to %u entities",
                              RC_PAGE_ROWS_MAX);
    struct page page = {.groups = RC_ARENA_ARRAY(arena, uint32_t, page_rows)};
    struct rc_entity_row *rows = RC_ARENA_ARRAY(arena, struct rc_entity_row, page_rows);
    struct rc_person_events events;
    if (page.groups == NULL || rows == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a list of entities");
    RC_TRY_OR(reterr_error, cut_page(list, after, page_rows, &page));
    RC_TRY_OR(reterr_error, count_page(list, &page, stats, &events));
    RC_TRY_OR(reterr_error, fill_rows(list, &page, &events, rows));
    *ret_page = (struct rc_entity_page){.row_count = page.count, .rows = rows, .more = page.more};
    return RC_OK;
}
