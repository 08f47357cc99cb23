/*
 * Retention scan. Start and return event are one, so that of 64 persons three words a period say it
 * all, with a bit a person: those with a start in it, those with an event, and those with two of
 * them, in whatever order they come. All events of a period but its first are what cell 0 asks for:
 * none is earlier than the first, and one that is no start (behind the range's end in the last
 * period) is later.
 *
 * The rows of a user in one period are a spell (slab/spells.h): what it adds to the words is done
 * once for all of them. Where starts end inside a period, there are two kinds of spells of it.
 */
#include "engine/query/retention/retention_scan.h"

#include <string.h>

#include "engine/query/plan/explain.h"
#include "engine/query/plan/planner.h"
#include "engine/query/retention/retention_words.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/slab/spells.h"

#define STATE_BYTES ((size_t)32 * 1024) /* Of a block's users: within a core's first cache. */
#define GROUP RC_RETENTION_GROUP

/* The words of a group in which a spell sets its person's bit. */
struct place {
    uint16_t starts;
    uint16_t events;
    uint16_t again;
};

struct scan {
    const struct rc_retention *retention;
    uint32_t stream;
    struct rc_retention_times times;
    struct rc_retention_planes planes;
    struct place places[RC_RETENTION_KINDS_MAX];
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct scan *scan;
    struct rc_retention_lane *counts;
    struct rc_spells spells;
    uint32_t group_count; /* Of the block at hand. */
    uint64_t *words;      /* By group. */
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_spells_close(&scan->lanes[i].spells);
        rc_alloc_free(scan->lanes[i].words);
    }
}

/* Counts the persons of the block that is over. */
static void
count_block(struct lane *lane)
{
    for (uint32_t group = 0; group < lane->group_count; group++)
        rc_retention_count_group(&lane->scan->planes,
                                 lane->words + (size_t)group * lane->scan->planes.width,
                                 lane->counts);
    lane->group_count = 0;
}

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct lane *lane = state;
    count_block(lane);
    lane->group_count = (block->slot_count + GROUP - 1) / GROUP;
    memset(lane->words, 0,
           (size_t)lane->group_count * lane->scan->planes.width * sizeof(*lane->words));
    return RC_OK;
}

static inline void
add_spell(const struct lane *lane, uint32_t slot, const struct place *place, uint32_t twice)
{
    uint64_t *words = lane->words + (size_t)(slot / GROUP) * lane->scan->planes.width;
    const uint64_t bit = (uint64_t)1 << (slot % GROUP);
    words[place->again] |= bit & (words[place->events] | -(uint64_t)twice);
    words[place->events] |= bit;
    words[place->starts] |= bit;
}

/* Heads and joined persons. */
static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    const struct lane *lane = state;
    const struct rc_bucket_map *map = &lane->scan->times.map;
    (void)block;
    for (uint32_t i = 0; i < count; i++)
        add_spell(lane, slots[i], &lane->scan->places[rc_bucket_map_find(map, hits[i].time_ms)], 0);
    return RC_OK;
}

static void
take_spells(void *state, const struct rc_spell *spells, uint32_t count)
{
    const struct lane *lane = state;
    for (uint32_t i = 0; i < count; i++)
        add_spell(lane, spells[i].slot, &lane->scan->places[spells[i].place], spells[i].twice);
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    struct lane *lane = state;
    return rc_spells_read(&lane->spells, block, plan_slab, begin, end, take_spells, lane,
                          hit_count);
}

/* Where the spells of each place go. */
static void
find_places(struct scan *scan)
{
    const struct rc_retention_planes *planes = &scan->planes;
    for (uint32_t i = 0; i < scan->times.map.count; i++) {
        const struct rc_retention_kind *kind = &scan->times.kinds[i];
        const uint32_t period = (uint32_t)__builtin_ctzll(kind->bit);
        const bool is_cohort = period < scan->retention->cohort_count;
        scan->places[i] = (struct place){
            .starts = (uint16_t)(kind->starts != 0 ? planes->starts_at + period : planes->unread),
            .events = (uint16_t)(period == RC_RETENTION_LATE ? planes->late_at
                                                             : planes->events_at + period),
            .again = (uint16_t)(is_cohort ? planes->again_at + period : planes->unread)};
    }
}

static enum rc_status
scan_open(struct scan *scan, uint32_t slots)
{
    const struct rc_retention *retention = scan->retention;
    const struct rc_query_context *context = retention->context;
    RC_TRY(rc_retention_times_make(retention, retention->plan, scan->stream, &scan->times));
    find_places(scan);
    scan->lanes = RC_ARENA_ARRAY(context->arena, struct lane, retention->lane_count);
    if (scan->lanes == NULL)
        return RC_NO_MEMORY;
    scan->lane_count = retention->lane_count;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        struct lane *lane = &scan->lanes[i];
        lane->scan = scan;
        lane->counts = &retention->lanes[i];
        RC_TRY(rc_spells_open(&lane->spells, retention->plan, scan->stream, scan->times.tables));
        lane->words = rc_alloc_in(context->account,
                                  slots / GROUP * scan->planes.width * sizeof(*lane->words));
        if (lane->words == NULL)
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

enum rc_status
rc_retention_scan(const struct rc_retention *retention, uint64_t *hit_count, bool *ret_done)
{
    RC_CLEANUP(scan_close) struct scan scan = {.retention = retention};
    *ret_done = false;
    if (!rc_retention_asks_periods(retention) || !retention->same_event ||
        retention->request->cohort == RC_COHORT_FIRST_TIME)
        return RC_OK;
    scan.stream = rc_slab_rows_stream(retention->plan, retention->return_bit);
    if (scan.stream == UINT32_MAX ||
        !rc_planner_reads_rows(retention->plan, scan.stream, RC_EXPLAIN_NO_SERIES, RC_ROWS_TIMES))
        return RC_OK;
    rc_retention_planes_open(retention, &scan.planes);
    const uint32_t slots = (uint32_t)(STATE_BYTES / (scan.planes.width * sizeof(uint64_t)) * GROUP);
    RC_TRY(scan_open(&scan, slots));
    void **states = RC_ARENA_ARRAY(retention->context->arena, void *, scan.lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < scan.lane_count; i++)
        states[i] = &scan.lanes[i];
    const struct rc_fold fold = {
        .purpose = "cohorts and returns",
        .slots_max = slots,
        .lane_count = scan.lane_count,
        .lanes = states,
        .begin = fold_begin,
        .hits = fold_hits,
        .rows = fold_rows,
    };
    RC_TRY(rc_walk(retention->plan, &fold, hit_count));
    for (uint32_t i = 0; i < scan.lane_count; i++)
        count_block(&scan.lanes[i]);
    *ret_done = true;
    return RC_OK;
}
