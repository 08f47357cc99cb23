/*
 * Entity events. The events of an entity lie anywhere, so lanes that count do it for themselves and
 * are added up; there are fewer of them where the entities are so many that their counters would be
 * what a query takes most. Where nobody asks whose the events are, the rows of slabs are read as
 * they are: a row is one look at its code and one at the table from codes to entities.
 */
#include "engine/query/list/entity_events.h"

#include <string.h>

#include "engine/match/rows/row_codes.h"
#include "engine/match/rows/words.h"
#include "engine/query/plan/planner.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/walk/walk.h"

#define COUNTERS_MAX ((uint64_t)4 << 20) /* Of more lanes than one: 96 MiB. */
#define AT_ONCE_MAX ((uint64_t)1 << 20)  /* Counters of everything that there is: 24 MiB. */

struct walk {
    struct rc_plan *plan;
    const struct rc_groups *groups;
    uint32_t stream;  /* Whose rows are read. */
    uint64_t *marked; /* A set to add to; NULL: events are counted. */
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct walk *walk;
    struct rc_person_events events;
    struct rc_slab_rows rows;
    uint32_t codes[RC_PIECE_ROWS];
};

/* ---- One event ------------------------------------------------------------------------------- */

static inline void
add(const struct lane *lane, uint32_t set, int64_t time_ms)
{
    uint32_t count;
    const struct walk *walk = lane->walk;
    const uint32_t *groups = rc_groups_list(walk->groups, &set, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (walk->marked != NULL)
            rc_walk_mark(walk->marked, groups[i]);
        else if (rc_words_has(lane->events.persons, groups[i]))
            rc_person_event_add(rc_person_events_of(&lane->events, groups[i]), time_ms);
    }
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    const struct lane *lane = state;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++)
        add(lane, rc_groups_of(lane->walk->groups, 0, &hits[i]), hits[i].time_ms);
    return RC_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The rows [begin, end) of a piece, whose codes were read. Their number. */
static uint64_t
add_rows(const struct lane *lane,
         const struct rc_slab *slab,
         const uint32_t *sets,
         const uint64_t *words,
         uint32_t begin,
         uint32_t end)
{
    uint64_t added = 0;
    const struct rc_stream *stream = &lane->walk->plan->streams[lane->walk->stream];
    const int64_t start_ms = rc_slab_get_info(slab)->window_start_ms;
    const uint32_t *times = rc_slab_times(slab);
    for (uint32_t row = begin; row < end; row++) {
        const uint32_t code = lane->codes[row - begin];
        const int64_t time_ms = start_ms + times[row];
        if ((words != NULL && !rc_words_has(words, row % RC_PIECE_ROWS)) ||
            time_ms < stream->from_ms || time_ms >= stream->until_ms)
            continue;
        added++;
        if (code != RC_CODE_NONE && sets[code] != RC_GROUP_NULL)
            add(lane, sets[code], time_ms);
    }
    return added;
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    uint32_t slab_count;
    uint32_t position = 0;
    struct lane *lane = state;
    const struct walk *walk = lane->walk;
    const struct rc_column_view *column;
    const uint32_t index = walk->plan->slabs[plan_slab].index;
    const struct rc_slab *slab = rc_view_slabs(walk->plan->context->view, &slab_count)[index].slab;
    const uint32_t *sets = rc_groups_of_slab(walk->groups, index, &column);
    (void)block;
    if (sets == NULL)
        return RC_OK;
    RC_TRY(rc_slab_rows_open(&lane->rows, walk->plan, plan_slab, walk->stream));
    while (begin < end) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        const uint32_t stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (rc_slab_rows_piece(&lane->rows, base, &words)) {
            rc_row_codes(column, begin, stop - begin, &position, lane->codes);
            *hit_count += add_rows(lane, slab, sets, words, begin, stop);
        }
        begin = stop;
    }
    return RC_OK;
}

/* ---- Walks ----------------------------------------------------------------------------------- */

static void
walk_close(struct walk *walk)
{
    for (uint32_t i = 0; i < walk->lane_count; i++)
        rc_slab_rows_close(&walk->lanes[i].rows);
}

static enum rc_status
walk_open(struct walk *walk, uint32_t lane_count)
{
    const struct rc_query_context *context = walk->plan->context;
    walk->lanes = RC_ARENA_ARRAY(context->arena, struct lane, lane_count);
    if (walk->lanes == NULL)
        return RC_NO_MEMORY;
    walk->lane_count = lane_count;
    for (uint32_t i = 0; i < lane_count; i++) {
        walk->lanes[i].walk = walk;
        walk->lanes[i].rows.account = context->account;
    }
    return RC_OK;
}

static enum rc_status
run(struct walk *walk, struct rc_query_stats *stats)
{
    struct rc_plan *plan = walk->plan;
    void **states = RC_ARENA_ARRAY(plan->context->arena, void *, walk->lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < walk->lane_count; i++)
        states[i] = &walk->lanes[i];
    walk->stream = rc_slab_rows_stream(plan, 1);
    const bool rows =
        walk->stream != UINT32_MAX && rc_planner_reads_rows(plan, walk->stream, 0, RC_ROWS_VALUES);
    const struct rc_fold fold = {.purpose = "events of the entities listed",
                                 .anonymous = true,
                                 .lane_count = walk->lane_count,
                                 .lanes = states,
                                 .hits = fold_hits,
                                 .rows = rows ? fold_rows : NULL,
                                 .reading = RC_ROWS_VALUES};
    return rc_walk(plan, &fold, &stats->matched_events);
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

enum rc_status
rc_entity_events_count(struct rc_plan *plan,
                       const struct rc_groups *groups,
                       const uint64_t *set,
                       uint64_t count,
                       struct rc_query_stats *stats,
                       struct rc_person_events *ret_events)
{
    RC_CLEANUP(walk_close) struct walk walk = {.plan = plan, .groups = groups};
    uint32_t lane_count = plan->context->parallel_max;
    while (lane_count > 1 && lane_count * count > COUNTERS_MAX)
        lane_count--;
    RC_TRY(walk_open(&walk, lane_count));
    for (uint32_t i = 0; i < lane_count; i++)
        RC_TRY(rc_person_events_open(plan->context->arena, set,
                                     (size_t)rc_groups_count(groups) / 64 + 1,
                                     &walk.lanes[i].events));
    RC_TRY(run(&walk, stats));
    for (uint32_t i = 1; i < lane_count; i++)
        for (uint64_t k = 0; k < count; k++)
            add_counts(&walk.lanes[0].events.counts[k], &walk.lanes[i].events.counts[k]);
    *ret_events = walk.lanes[0].events;
    return RC_OK;
}

static enum rc_status
mark(struct rc_plan *plan,
     const struct rc_groups *groups,
     uint64_t *set,
     struct rc_query_stats *stats)
{
    RC_CLEANUP(walk_close)
    struct walk walk = {.plan = plan, .groups = groups, .marked = set};
    RC_TRY(walk_open(&walk, plan->context->parallel_max));
    return run(&walk, stats);
}

enum rc_status
rc_entity_events_find(struct rc_plan *plan,
                      const struct rc_groups *groups,
                      uint64_t *set,
                      struct rc_query_stats *stats,
                      struct rc_person_events *ret_events,
                      bool *ret_counted)
{
    const uint32_t count = rc_groups_count(groups);
    const size_t word_count = (size_t)count / 64 + 1;
    *ret_counted = (uint64_t)count * plan->context->parallel_max <= AT_ONCE_MAX;
    if (!*ret_counted) {
        RC_TRY(mark(plan, groups, set, stats));
    } else {
        uint64_t *all = RC_ARENA_ARRAY(plan->context->arena, uint64_t, word_count);
        if (all == NULL)
            return RC_NO_MEMORY;
        for (uint32_t group = 0; group < count; group++)
            all[group / 64] |= (uint64_t)1 << (group % 64);
        RC_TRY(rc_entity_events_count(plan, groups, all, count, stats, ret_events));
        for (uint32_t group = 0; group < count; group++)
            if (rc_person_events_of(ret_events, group)->event_count > 0)
                set[group / 64] |= (uint64_t)1 << (group % 64);
    }
    set[RC_GROUP_NULL / 64] &= ~((uint64_t)1 << (RC_GROUP_NULL % 64));
    return RC_OK;
}
