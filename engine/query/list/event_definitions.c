/*
 * Definitions are taken as the selectors of plans for the one person, as many at a time as a hit
 * has bits, and only over the time of the events. So a definition means here what it means in every
 * other query, whatever it reads, and slabs without a row of the person are not looked at. A hit is
 * known again by its place: source and row are those of the view.
 */
#include "engine/query/list/event_definitions.h"

#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/match/predicate/definitions.h"
#include "engine/query/plan/plan.h"

struct page_row {
    uint64_t place; /* Source and row. */
    uint32_t event;
};

struct marking {
    const struct page_row *rows; /* By place. */
    uint32_t count;
    uint64_t *masks; /* By event: of the definitions of this turn. */
};

static uint64_t
place_of(const struct rc_hit *hit)
{
    return (uint64_t)hit->source << 32 | hit->row;
}

static int
compare_rows(const void *a, const void *b)
{
    const struct page_row *x = a;
    const struct page_row *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

static enum rc_status
mark_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    (void)person;
    const struct marking *marking = state;
    for (uint32_t i = 0; i < count; i++) {
        const struct page_row wanted = {.place = place_of(&hits[i])};
        const struct page_row *row =
            bsearch(&wanted, marking->rows, marking->count, sizeof(wanted), compare_rows);
        if (row != NULL)
            marking->masks[row->event] |= hits[i].mask;
    }
    return RC_OK;
}

/* One turn: these definitions. */
static enum rc_status
mark(const struct rc_query_context *context,
     int64_t as_of_ms,
     uint32_t person,
     const int64_t range_ms[2],
     const uint32_t *definitions,
     uint32_t count,
     struct marking *marking,
     struct rc_query_stats *stats,
     struct rc_error *reterr_error)
{
    struct rc_plan_selector *selectors =
        RC_ARENA_ARRAY(context->arena, struct rc_plan_selector, count);
    struct rc_predicate *predicates = RC_ARENA_ARRAY(context->arena, struct rc_predicate, count);
    if (selectors == NULL || predicates == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the definitions of events");
    for (uint32_t i = 0; i < count; i++) {
        predicates[i].kind = RC_PREDICATE_DEFINITION;
        predicates[i].definition = rc_catalog_at(context->definitions, definitions[i]).name;
        selectors[i] = (struct rc_plan_selector){.predicate = &predicates[i],
                                                 .field = "with_definitions",
                                                 .from_ms = range_ms[0],
                                                 .until_ms = range_ms[1]};
    }
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(
        rc_plan_new_for_person(context, as_of_ms, person, selectors, count, &plan, reterr_error));
    void *lanes[1] = {marking};
    const struct rc_fold fold = {.purpose = "definitions of the events",
                                 .ordered = true,
                                 .lane_count = 1,
                                 .lanes = lanes,
                                 .person = mark_person};
    RC_TRY_OR(reterr_error, rc_walk_one(plan, &fold, person, &stats->matched_events));
    rc_plan_add_stats(plan, stats);
    return RC_OK;
}

/* From masks, those of every turn behind those of the turn before, to lists. */
static enum rc_status
list(struct rc_arena *arena,
     const uint32_t *asked,
     const uint64_t *masks,
     uint32_t turn_count,
     uint32_t count,
     struct rc_event *events)
{
    for (uint32_t event = 0; event < count; event++) {
        uint32_t found = 0;
        for (uint32_t turn = 0; turn < turn_count; turn++)
            found += (uint32_t)__builtin_popcountll(masks[(size_t)turn * count + event]);
        uint32_t *definitions = RC_ARENA_ARRAY(arena, uint32_t, (size_t)found + 1);
        if (definitions == NULL)
            return RC_NO_MEMORY;
        events[event].definitions = definitions;
        events[event].definition_count = found;
        for (uint32_t turn = 0; turn < turn_count; turn++)
            for (uint64_t left = masks[(size_t)turn * count + event]; left != 0; left &= left - 1)
                *definitions++ = asked[turn * RC_SELECTORS_MAX + (uint32_t)__builtin_ctzll(left)];
    }
    return RC_OK;
}

enum rc_status
rc_event_definitions(const struct rc_query_context *context,
                     int64_t as_of_ms,
                     uint32_t person,
                     const struct rc_hit *hits,
                     uint32_t count,
                     struct rc_event *events,
                     struct rc_query_stats *stats,
                     struct rc_error *reterr_error)
{
    /* Wishes are about the query's own selector. */
    struct rc_query_context plain = *context;
    uint32_t *asked = NULL;
    uint32_t all = 0;
    if (count == 0)
        return RC_OK;
    RC_TRY_OR(reterr_error,
              rc_definitions_list_whole(context->definitions, context->arena, &asked, &all));
    const uint32_t turn_count = (all + RC_SELECTORS_MAX - 1) / RC_SELECTORS_MAX;
    if (all == 0)
        return RC_OK;
    plain.hints = NULL;
    plain.explain = NULL;
    struct page_row *rows = RC_ARENA_ARRAY(context->arena, struct page_row, count);
    uint64_t *masks = RC_ARENA_ARRAY(context->arena, uint64_t, (size_t)turn_count * count);
    if (rows == NULL || masks == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the definitions of events");
    int64_t range_ms[2] = {hits[0].time_ms, hits[0].time_ms + 1};
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = (struct page_row){.place = place_of(&hits[i]), .event = i};
        range_ms[0] = hits[i].time_ms < range_ms[0] ? hits[i].time_ms : range_ms[0];
        range_ms[1] = hits[i].time_ms >= range_ms[1] ? hits[i].time_ms + 1 : range_ms[1];
    }
    qsort(rows, count, sizeof(*rows), compare_rows);
    for (uint32_t turn = 0; turn < turn_count; turn++) {
        const uint32_t first = turn * RC_SELECTORS_MAX;
        const uint32_t left = all - first;
        struct marking marking = {
            .rows = rows, .count = count, .masks = masks + (size_t)turn * count};
        RC_TRY(mark(&plain, as_of_ms, person, range_ms, asked + first,
                    left < RC_SELECTORS_MAX ? left : RC_SELECTORS_MAX, &marking, stats,
                    reterr_error));
    }
    RC_TRY_OR(reterr_error, list(context->arena, asked, masks, turn_count, count, events));
    return RC_OK;
}
