/*
 * Retention scan. Start and return event are one, so that a person is three words with a bit a
 * period: those with a start, those with an event, and those with two of them, in whatever order
 * they come. All events of a period but its first are what cell 0 asks for: none is earlier than
 * the first, and one that is no start (behind the range's end in the last period) is later.
 *
 * The rows of a user in one period are a spell (walk/spells.h): what it adds to the words is done
 * once for all of them. Where starts end inside a period, there are two kinds of spells of it. When
 * a block is over, the words of 64 persons are turned on their side: a word a period with a bit a
 * person, so that a cell's users are the bits of one "and". Words that fit side by side into one
 * are turned together.
 *
 * The last bit of the words of events stands for all that is later than the periods (or_after).
 */
#include "engine/query/retention/retention_scan.h"

#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/plan/explain.h"
#include "engine/query/plan/planner.h"
#include "engine/query/time/bucket_table.h"
#include "engine/query/time/view_times.h"
#include "engine/query/walk/spells.h"

#define PERIODS_MAX 63u
#define LATE PERIODS_MAX
#define STATE_BYTES ((size_t)192 * 1024) /* Of a block's users: within a core's second cache. */
#define GROUP 64u
#define KINDS_MAX (PERIODS_MAX + 2) /* A period may be cut in two, and one is late. */

struct person {
    uint64_t starts;
    uint64_t events;
    uint64_t twice;
};

/* What a spell adds to its person, by place. */
struct kind {
    uint64_t bit;    /* Of the period. */
    uint64_t starts; /* The same, or 0. */
};

struct scan {
    const struct rc_retention *retention;
    uint32_t stream;
    int64_t until_ms;         /* Rows are before it. */
    struct rc_bucket_map map; /* Of times to kinds. */
    struct kind kinds[KINDS_MAX];
    const struct rc_bucket_table *tables;
    /* Where the three words of a person lie when they are turned. */
    bool packed;
    uint32_t starts_at;
    uint32_t events_at;
    uint32_t twice_at;
    uint32_t late_at;
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct scan *scan;
    struct rc_retention_lane *counts;
    struct rc_spells spells;
    uint32_t slot_count; /* Of the block at hand, rounded up to whole groups. */
    struct person *persons;
    uint64_t planes[3 * GROUP]; /* Of the group at hand. */
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_spells_close(&scan->lanes[i].spells);
        rc_alloc_free(scan->lanes[i].persons);
    }
}

/* ---- Counting -------------------------------------------------------------------------------- */

/* Turns a group of persons; false: none of them has a start. */
static bool
turn_group(struct lane *lane, const struct person *persons)
{
    const struct scan *scan = lane->scan;
    const bool first_only = scan->retention->request->cohort != RC_COHORT_RECURRING;
    uint64_t *planes = lane->planes;
    uint64_t any = 0;
    for (uint32_t i = 0; i < GROUP; i++) {
        uint64_t starts = persons[i].starts;
        starts = first_only ? starts & -starts : starts;
        any |= starts;
        if (scan->packed) {
            const uint64_t late = persons[i].events >> LATE;
            planes[i] = starts << scan->starts_at |
                        (persons[i].events & ~((uint64_t)1 << LATE)) << scan->events_at |
                        late << scan->late_at | persons[i].twice << scan->twice_at;
            continue;
        }
        planes[scan->starts_at + i] = starts;
        planes[scan->events_at + i] = persons[i].events;
        planes[scan->twice_at + i] = persons[i].twice;
    }
    if (any == 0)
        return false;
    for (uint32_t at = 0; at < (scan->packed ? GROUP : 3 * GROUP); at += GROUP)
        rc_words_turn(planes + at);
    return true;
}

/* The persons who have a return n periods after a start in a cohort. */
static inline uint64_t
returned(const struct lane *lane, uint32_t cohort, uint32_t n)
{
    const struct scan *scan = lane->scan;
    return n == 0 ? lane->planes[scan->twice_at + cohort]
                  : lane->planes[scan->events_at + cohort + n];
}

/* on_or_after: each person in the column of its last return. */
static inline __attribute__((always_inline)) void
count_last(const struct lane *lane, uint32_t cohort, uint64_t starts, uint32_t *cells)
{
    const struct rc_retention *retention = lane->scan->retention;
    uint64_t left = starts & ~lane->planes[lane->scan->late_at];
    cells[retention->last] +=
        (uint32_t)__builtin_popcountll(starts & lane->planes[lane->scan->late_at]);
    for (uint32_t n = retention->period_count - cohort; n-- > 0 && left != 0;) {
        const uint64_t found = left & returned(lane, cohort, n);
        cells[n < retention->last ? n : retention->last] += (uint32_t)__builtin_popcountll(found);
        left &= ~found;
    }
}

static inline __attribute__((always_inline)) void
count_brackets(const struct lane *lane, uint32_t cohort, uint64_t starts, uint32_t *cells)
{
    const struct rc_retention *retention = lane->scan->retention;
    const bool or_after = retention->request->on_or_after;
    const uint32_t end = retention->period_count - cohort;
    for (uint32_t column = 0; column < retention->column_count; column++) {
        const struct rc_retention_bracket *bracket = &retention->columns[column];
        const uint32_t stop = or_after || bracket->last >= end ? end : bracket->last + 1;
        uint64_t found = or_after ? lane->planes[lane->scan->late_at] : 0;
        for (uint32_t n = bracket->first; n < stop; n++)
            found |= returned(lane, cohort, n);
        cells[column] += (uint32_t)__builtin_popcountll(starts & found);
    }
}

static inline __attribute__((always_inline)) void
count_turned(struct lane *lane)
{
    const struct scan *scan = lane->scan;
    const struct rc_retention *retention = scan->retention;
    for (uint32_t cohort = 0; cohort < retention->cohort_count; cohort++) {
        const uint64_t starts = lane->planes[scan->starts_at + cohort];
        uint32_t *cells = lane->counts->cells + (size_t)cohort * retention->column_count;
        if (starts == 0)
            continue;
        lane->counts->sizes[cohort] += (uint32_t)__builtin_popcountll(starts);
        if (!retention->plain_columns)
            count_brackets(lane, cohort, starts, cells);
        else if (retention->request->on_or_after)
            count_last(lane, cohort, starts, cells);
        else
            for (uint32_t n = 0; n <= retention->last; n++)
                cells[n] += (uint32_t)__builtin_popcountll(starts & returned(lane, cohort, n));
    }
}

#if defined(__x86_64__)

/* The build's baseline has no instruction that counts bits. */
__attribute__((target("popcnt"))) static void
count_popcnt(struct lane *lane)
{
    count_turned(lane);
}

#define HAS_POPCNT __builtin_cpu_supports("popcnt")

#else

#define count_popcnt count_turned
#define HAS_POPCNT false

#endif

/* Counts the persons of the block that is over. */
static void
count_block(struct lane *lane)
{
    const bool popcnt = HAS_POPCNT;
    for (uint32_t slot = 0; slot < lane->slot_count; slot += GROUP) {
        if (!turn_group(lane, lane->persons + slot))
            continue;
        if (popcnt)
            count_popcnt(lane);
        else
            count_turned(lane);
    }
    lane->slot_count = 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct lane *lane = state;
    count_block(lane);
    lane->slot_count = (block->slot_count + GROUP - 1) / GROUP * GROUP;
    memset(lane->persons, 0, lane->slot_count * sizeof(*lane->persons));
    return RC_OK;
}

static inline void
add_spell(struct person *person, const struct kind *kind, uint32_t twice)
{
    person->twice |= kind->bit & (person->events | -(uint64_t)twice);
    person->events |= kind->bit;
    person->starts |= kind->starts;
}

/* Heads and joined persons. */
static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    const struct scan *scan = lane->scan;
    (void)block;
    for (uint32_t i = 0; i < count; i++)
        add_spell(&lane->persons[slots[i]],
                  &scan->kinds[rc_bucket_map_find(&scan->map, hits[i].time_ms)], 0);
    return RC_OK;
}

static void
take_spells(void *state, const struct rc_spell *spells, uint32_t count)
{
    struct lane *lane = state;
    const struct kind *kinds = lane->scan->kinds;
    for (uint32_t i = 0; i < count; i++)
        add_spell(&lane->persons[spells[i].slot], &kinds[spells[i].place], spells[i].twice);
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

/* ---- The scan -------------------------------------------------------------------------------- */

/* Appends the stretch of time from the last one to end_ms. */
static void
add_kind(struct scan *scan,
         struct rc_bucket *stretches,
         uint32_t *count,
         int64_t end_ms,
         uint32_t period)
{
    const int64_t start_ms =
        *count == 0 ? scan->retention->periods[0].start_ms : stretches[*count - 1].end_ms;
    const uint64_t bit = (uint64_t)1 << period;
    if (end_ms <= start_ms)
        return;
    stretches[*count] = (struct rc_bucket){.start_ms = start_ms, .end_ms = end_ms};
    scan->kinds[(*count)++] =
        (struct kind){.bit = bit, .starts = start_ms < scan->retention->starts_end_ms ? bit : 0};
}

/* The stretches of time whose spells are alike. */
static enum rc_status
make_kinds(struct scan *scan)
{
    const struct rc_retention *retention = scan->retention;
    struct rc_bucket stretches[KINDS_MAX];
    uint32_t count = 0;
    int64_t least_ms;
    int64_t most_ms;
    scan->until_ms = retention->plan->streams[scan->stream].until_ms;
    if (rc_view_times(retention->context->view, &least_ms, &most_ms) && most_ms < scan->until_ms)
        scan->until_ms = most_ms + 1;
    for (uint32_t i = 0; i < retention->period_count; i++) {
        const struct rc_bucket *period = &retention->periods[i];
        if (retention->starts_end_ms < period->end_ms)
            add_kind(scan, stretches, &count, retention->starts_end_ms, i);
        add_kind(scan, stretches, &count, period->end_ms, i);
    }
    add_kind(scan, stretches, &count, scan->until_ms, LATE);
    return rc_bucket_map_make(stretches, count, retention->context->arena, &scan->map);
}

static enum rc_status
make_tables(struct scan *scan)
{
    uint32_t count;
    const struct rc_retention *retention = scan->retention;
    const struct rc_plan *plan = retention->plan;
    const struct rc_view_slab *slabs = rc_view_slabs(retention->context->view, &count);
    const struct rc_stream *stream = &plan->streams[scan->stream];
    struct rc_bucket_table *tables =
        RC_ARENA_ARRAY(retention->context->arena, struct rc_bucket_table, plan->slab_count);
    if (tables == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(slabs[plan->slabs[i].index].slab);
        tables[i] = (struct rc_bucket_table){
            .window_start_ms = info->window_start_ms,
            .time_min_ms = info->time_min_ms,
            .time_max_ms = info->time_max_ms,
            .from_ms = stream->from_ms,
            .until_ms = scan->until_ms,
            .bucket_count = scan->map.count,
            .map = &scan->map,
        };
        RC_TRY(rc_bucket_table_make(&tables[i], retention->context->arena));
    }
    scan->tables = tables;
    return RC_OK;
}

/* Where words lie when they are turned: side by side if there is room. */
static void
lay_out(struct scan *scan)
{
    const uint32_t cohorts = scan->retention->cohort_count;
    const uint32_t periods = scan->retention->period_count;
    scan->packed = 2 * cohorts + periods + 1 <= GROUP;
    scan->starts_at = 0;
    scan->events_at = scan->packed ? cohorts : GROUP;
    scan->late_at = scan->packed ? cohorts + periods : GROUP + LATE;
    scan->twice_at = scan->packed ? cohorts + periods + 1 : 2 * GROUP;
}

static enum rc_status
scan_open(struct scan *scan, uint32_t slots)
{
    const struct rc_query_context *context = scan->retention->context;
    RC_TRY(make_kinds(scan));
    RC_TRY(make_tables(scan));
    lay_out(scan);
    scan->lanes = RC_ARENA_ARRAY(context->arena, struct lane, scan->retention->lane_count);
    if (scan->lanes == NULL)
        return RC_NO_MEMORY;
    scan->lane_count = scan->retention->lane_count;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        struct lane *lane = &scan->lanes[i];
        lane->scan = scan;
        lane->counts = &scan->retention->lanes[i];
        RC_TRY(rc_spells_open(&lane->spells, scan->retention->plan, scan->stream, scan->tables));
        lane->persons = rc_alloc_in(context->account, slots * sizeof(*lane->persons));
        if (lane->persons == NULL)
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

/* Whether the answer is one of the periods of each person's events. */
static bool
asks_periods(const struct rc_retention *retention)
{
    const struct rc_retention_request *request = retention->request;
    return retention->same_event && !retention->by_hits && retention->occurrences_min == 1 &&
           request->breakdown == NULL && request->persons == NULL &&
           request->cohort != RC_COHORT_FIRST_TIME && retention->period_count <= PERIODS_MAX;
}

enum rc_status
rc_retention_scan(const struct rc_retention *retention, uint64_t *hit_count, bool *ret_done)
{
    const uint32_t slots = (uint32_t)(STATE_BYTES / sizeof(struct person) / GROUP * GROUP);
    RC_CLEANUP(scan_close) struct scan scan = {.retention = retention};
    *ret_done = false;
    if (!asks_periods(retention))
        return RC_OK;
    scan.stream = rc_slab_rows_stream(retention->plan, retention->return_bit);
    if (scan.stream == UINT32_MAX ||
        !rc_planner_reads_rows(retention->plan, scan.stream, RC_EXPLAIN_NO_SERIES, RC_ROWS_TIMES))
        return RC_OK;
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
