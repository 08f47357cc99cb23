/*
 * Entity list. What is an entity is known from the values of the property on all events, numbered
 * once; the cell's question is asked with these numbers, so that the bits it sets mean the same
 * here. A page is cut from the bits by the order of values, and one walk counts its events; all of
 * them are counted in one walk before the first is given.
 */
#include "engine/query/list/entity_list.h"

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"
#include "engine/query/list/account_columns.h"
#include "engine/query/list/entity_events.h"
#include "engine/query/list/entity_order.h"
#include "engine/query/list/event_read.h"
#include "engine/query/scope.h"
#include "engine/query/segment/chart_cell.h"
#include "engine/query/too_slow.h"
#include "engine/query/walk/entities.h"

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
    struct rc_entity_order *order;  /* Of those that are left of all; NULL: all are not wanted. */
    bool counted;                   /* The events of all were counted, */
    struct rc_person_events events; /* and these are they. */
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
        RC_TRY_OR(reterr_error, rc_entity_events_find(list->counting, list->groups, list->words,
                                                      stats, &list->events, &list->counted));
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
    rc_entity_order_close(list->order);
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

static enum rc_status
read_row(const struct rc_entity_list *list,
         const struct rc_person_events *events,
         uint32_t group,
         struct rc_arena *arena,
         struct rc_entity_row *row)
{
    row->events = *rc_person_events_of(events, group);
    const enum rc_status status = rc_account_columns_read(list->columns, row->value, arena,
                                                          &row->properties, &row->property_count);
    return rc_too_slow_note(list->context, status, "properties");
}

/* The entities of a page, whose rows have their values. */
struct page {
    uint32_t *groups;
    struct rc_entity_row *rows;
    uint32_t count;
    bool more;
};

/* Room for page_rows. */
static enum rc_status
cut_page(const struct rc_entity_list *list,
         const struct rc_value *after,
         uint32_t page_rows,
         struct page *page)
{
    RC_CLEANUP(rc_entity_order_closep) struct rc_entity_order *order = NULL;
    RC_TRY(rc_entity_order_open(list->context, list->groups, list->words, after, &order));
    for (;;) {
        uint32_t group;
        struct rc_value value;
        RC_TRY(rc_entity_order_next(order, &group, &value, &page->more));
        if (!page->more || page->count == page_rows)
            return RC_OK;
        page->groups[page->count] = group;
        RC_TRY(rc_value_copy(list->context->arena, value, &page->rows[page->count++].value));
    }
}

static enum rc_status
fill_page(const struct rc_entity_list *list, struct page *page, struct rc_query_stats *stats)
{
    struct rc_arena *arena = list->context->arena;
    struct rc_person_events events;
    uint64_t *words = RC_ARENA_ARRAY(arena, uint64_t, list->word_count);
    if (words == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < page->count; i++)
        words[page->groups[i] / 64] |= (uint64_t)1 << (page->groups[i] % 64);
    RC_TRY(
        rc_entity_events_count(list->counting, list->groups, words, page->count, stats, &events));
    for (uint32_t i = 0; i < page->count; i++)
        RC_TRY(read_row(list, &events, page->groups[i], arena, &page->rows[i]));
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
    struct page page = {.groups = RC_ARENA_ARRAY(arena, uint32_t, page_rows),
                        .rows = RC_ARENA_ARRAY(arena, struct rc_entity_row, page_rows)};
    if (page.groups == NULL || page.rows == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a list of entities");
    RC_TRY_OR(reterr_error, cut_page(list, after, page_rows, &page));
    RC_TRY_OR(reterr_error, fill_page(list, &page, stats));
    *ret_page =
        (struct rc_entity_page){.row_count = page.count, .rows = page.rows, .more = page.more};
    return RC_OK;
}

/* ---- All of them ----------------------------------------------------------------------------- */

enum rc_status
rc_entity_list_count_all(struct rc_entity_list *list,
                         struct rc_query_stats *stats,
                         struct rc_error *reterr_error)
{
    RC_ASSERT(list->order == NULL);
    if (!list->counted)
        RC_TRY_OR(reterr_error, rc_entity_events_count(list->counting, list->groups, list->words,
                                                       list->count, stats, &list->events));
    list->counted = true;
    RC_TRY_OR(reterr_error,
              rc_entity_order_open(list->context, list->groups, list->words, NULL, &list->order));
    return RC_OK;
}

enum rc_status
rc_entity_list_next(struct rc_entity_list *list,
                    struct rc_arena *arena,
                    struct rc_entity_row *ret_row,
                    bool *ret_more,
                    struct rc_error *reterr_error)
{
    uint32_t group;
    struct rc_entity_row row;
    const _Atomic(bool) *cancel = list->context->cancel;
    if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed))
        return rc_error_set(reterr_error, RC_CANCELLED, "the export was cancelled");
    RC_TRY_OR(reterr_error, rc_entity_order_next(list->order, &group, &row.value, ret_more));
    if (!*ret_more)
        return RC_OK;
    RC_TRY_OR(reterr_error, read_row(list, &list->events, group, arena, &row));
    *ret_row = row;
    return RC_OK;
}

uint32_t
rc_entity_list_property_count(const struct rc_entity_list *list)
{
    return rc_account_columns_count(list->columns);
}

struct rc_bytes
rc_entity_list_property(const struct rc_entity_list *list, uint32_t index)
{
    return rc_account_columns_name(list->columns, index);
}
