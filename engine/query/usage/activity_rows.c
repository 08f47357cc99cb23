/*
 * Activity rows. Persons come in order, so a row remembers whom it saw last and in which bucket,
 * and counts a person once, when a bucket has enough events.
 */
#include "engine/query/usage/activity_rows.h"

#include <string.h>

#define NO_PLACE UINT32_MAX

/* A row of the split, in one lane. */
struct tally {
    uint32_t last_person; /* Plus 1; 0: nobody. */
    uint32_t place;       /* Of the last person: the bucket at hand, */
    uint32_t events;      /* and its events. */
    bool counted;
    bool present;
    uint64_t users;
};

struct lane {
    const struct rc_activity *activity;
    const struct rc_split *split;
    uint32_t first_place;
    struct rc_split_list list;
    struct tally *tallies;
};

void
rc_activity_rows_close(struct rc_activity_rows *rows)
{
    rows->split = rc_split_free(rows->split);
}

static void
take(struct lane *lane, struct tally *tally, uint32_t person, uint32_t place)
{
    tally->present = true;
    if (place < lane->first_place)
        return;
    if (tally->last_person != person + 1) {
        tally->last_person = person + 1;
        tally->place = NO_PLACE;
        tally->counted = false;
    }
    if (tally->place != place) {
        tally->place = place;
        tally->events = 0;
    }
    if (++tally->events == lane->activity->min_events && !tally->counted) {
        tally->counted = true;
        tally->users++;
    }
}

static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    const struct rc_activity *activity = lane->activity;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t time_ms = hits[i].time_ms;
        const uint32_t *rows;
        uint32_t row_count;
        if (time_ms < activity->map->base_ms ||
            (time_ms >= activity->skip_from_ms && time_ms < activity->skip_until_ms))
            continue;
        const uint32_t place = rc_bucket_map_find(activity->map, time_ms);
        RC_TRY(rc_split_rows(lane->split, person, &hits[i], &lane->list, &rows, &row_count));
        for (uint32_t k = 0; k < row_count; k++)
            take(lane, &lane->tallies[rows[k]], person, place);
    }
    return RC_OK;
}

struct lanes {
    uint32_t count;
    struct lane *lanes;
};

static void
lanes_close(struct lanes *lanes)
{
    for (uint32_t i = 0; i < lanes->count; i++) {
        rc_split_list_close(&lanes->lanes[i].list);
        rc_alloc_free(lanes->lanes[i].tallies);
    }
}

static enum rc_status
rank(struct rc_activity_rows *rows,
     const struct rc_activity *activity,
     uint32_t first_place,
     uint32_t top_n)
{
    const struct rc_query_context *context = activity->plan->context;
    const uint32_t count = rc_split_count(rows->split);
    uint64_t hit_count = 0;
    RC_CLEANUP(lanes_close)
    struct lanes lanes = {.lanes =
                              RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max)};
    void **states = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    double *figures = RC_ARENA_ARRAY(context->arena, double, count);
    rows->present = RC_ARENA_ARRAY(context->arena, uint8_t, count);
    if (lanes.lanes == NULL || states == NULL || figures == NULL || rows->present == NULL)
        return RC_NO_MEMORY;
    lanes.count = context->parallel_max;
    for (uint32_t i = 0; i < lanes.count; i++) {
        struct lane *lane = &lanes.lanes[i];
        const size_t bytes = ((size_t)count + 1) * sizeof(*lane->tallies);
        *lane = (struct lane){.activity = activity,
                              .split = rows->split,
                              .first_place = first_place,
                              .list = {.account = context->account},
                              .tallies = rc_alloc_in(context->account, bytes)};
        states[i] = lane;
        if (lane->tallies == NULL)
            return RC_NO_MEMORY;
        memset(lane->tallies, 0, bytes);
    }
    const struct rc_fold fold = {.purpose = "users of each row",
                                 .ordered = true,
                                 .lane_count = lanes.count,
                                 .lanes = states,
                                 .person = fold_person};
    RC_TRY(rc_walk(activity->plan, &fold, &hit_count));
    for (uint32_t i = 0; i < lanes.count; i++)
        for (uint32_t row = 0; row < count; row++) {
            figures[row] += (double)lanes.lanes[i].tallies[row].users;
            rows->present[row] |= lanes.lanes[i].tallies[row].present;
        }
    return rc_series_rank(rows->split, figures, rows->present, top_n, context->arena,
                          &rows->ranking);
}

enum rc_status
rc_activity_rows_open(struct rc_activity_rows *rows,
                      const struct rc_activity *activity,
                      const struct rc_activity_breakdown *breakdown,
                      uint32_t first_place,
                      const struct rc_scope *scope,
                      const struct rc_calendar *calendar,
                      struct rc_query_stats *stats,
                      struct rc_error *reterr_error)
{
    if (breakdown->dimensions == NULL)
        return RC_OK;
    const struct rc_split_request split = {
        .plan = activity->plan,
        .dimensions = breakdown->dimensions,
        .dimension_count = breakdown->dimension_count,
        .scope = scope,
        .calendar = calendar,
        .mask = UINT64_MAX,
        .bins_of = breakdown->bins_of,
        .stats = stats,
    };
    RC_TRY(rc_split_check(breakdown->dimensions, breakdown->dimension_count, breakdown->top_n,
                          reterr_error));
    RC_TRY(rc_split_new(&split, &rows->split, reterr_error));
    RC_TRY_OR(reterr_error, rank(rows, activity, first_place, breakdown->top_n));
    rows->row_count = rows->ranking.row_count + (rows->ranking.has_other ? 1 : 0);
    return RC_OK;
}

struct rc_row_label
rc_activity_rows_label(const struct rc_activity_rows *rows, uint32_t row)
{
    if (row == rows->ranking.row_count)
        return (struct rc_row_label){.kind = RC_ROW_OTHER};
    struct rc_row_label label = {.kind = RC_ROW_VALUE,
                                 .part_count = rc_split_dimension_count(rows->split),
                                 .parts = rows->ranking.labels[row]};
    if (label.part_count == 1 && label.parts[0].kind == RC_LABEL_VALUE)
        label.value = label.parts[0].value;
    return label;
}
