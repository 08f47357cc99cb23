/*
 * Retention scan. Start and return event are one, so that a person is three words with a bit a
 * period: those with a start, those with an event, and those with two of them, in whatever order
 * they come. All events of a period but its first are what cell 0 asks for: none is earlier than
 * the first, and one that is no start (behind the range's end in the last period) is later.
 *
 * The rows of a user in a slab are one run in order of time, so a period is a stretch of it: its
 * end is sought by its time and its events are counted as bits, and few times are read. When a
 * block is over, the words of 64 persons are turned on their side: a word a period with a bit a
 * person, so that a cell's users are the bits of one "and". Words that fit side by side into one
 * are turned together.
 *
 * The last bit of the words of events stands for all that is later than the periods (or_after).
 */
#include "engine/query/retention/retention_scan.h"

#include <string.h>

#include "engine/query/plan/explain.h"
#include "engine/query/plan/planner.h"
#include "engine/query/time/bucket_table.h"
#include "engine/query/walk/slab_rows.h"

#define PERIODS_MAX 63u
#define LATE PERIODS_MAX
#define STATE_BYTES ((size_t)192 * 1024) /* Of a block's users: within a core's second cache. */
#define GROUP 64u
#define LINE_ROWS 16u   /* Whose times share a line of the cache. */
#define AHEAD_ROWS 512u /* Times are asked for so early: seeking waits for one after the other. */

struct person {
    uint64_t starts;
    uint64_t events;
    uint64_t twice;
};

struct scan {
    const struct rc_retention *retention;
    uint32_t stream;
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
    struct rc_slab_rows rows;
    uint32_t slot_count; /* Of the block at hand, rounded up to whole groups. */
    struct person *persons;
    uint64_t planes[3 * GROUP]; /* Of the group at hand. */
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_slab_rows_close(&scan->lanes[i].rows);
        rc_alloc_free(scan->lanes[i].persons);
    }
}

/* ---- Counting -------------------------------------------------------------------------------- */

/* Bit j of word i becomes bit i of word j: halves of halves change places. */
static void
turn(uint64_t *words)
{
    uint64_t mask = UINT32_MAX;
    for (uint32_t width = GROUP / 2; width != 0; width /= 2, mask ^= mask << width) {
        for (uint32_t begin = 0; begin < GROUP; begin += 2 * width) {
            for (uint32_t i = begin; i < begin + width; i++) {
                const uint64_t other = ((words[i] >> width) ^ words[i + width]) & mask;
                words[i] ^= other << width;
                words[i + width] ^= other;
            }
        }
    }
}

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
        turn(planes + at);
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

__attribute__((target("popcnt"))) static void
count_popcnt(struct lane *lane)
{
    count_turned(lane);
}

/* Counts the persons of the block that is over. */
static void
count_block(struct lane *lane)
{
    const bool popcnt = __builtin_cpu_supports("popcnt");
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

/* Some events of one period (LATE: of none), the first of which may be a start. */
static inline void
add_events(struct person *person, uint32_t period, uint32_t count, bool starts)
{
    const uint64_t bit = (uint64_t)1 << period;
    person->twice |= count > 1 ? bit : person->events & bit;
    person->events |= bit;
    person->starts |= starts ? bit : 0;
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
    const struct rc_retention *retention = lane->scan->retention;
    (void)block;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t time_ms = hits[i].time_ms;
        struct person *person = &lane->persons[slots[i]];
        const bool late = time_ms >= retention->periods_end_ms;
        add_events(person, late ? LATE : rc_bucket_map_find(&retention->map, time_ms), 1,
                   time_ms < retention->starts_end_ms);
    }
    return RC_OK;
}

/* What tells the times of a slab's rows, as offsets from its window's start. No row is as late as
 * UINT32_MAX. */
struct times {
    const struct rc_bucket_table *table;
    const uint32_t *offsets;
    const struct rc_bucket *periods;
    uint32_t from; /* Hits are in [from, until). */
    uint32_t until;
    uint32_t starts_end; /* Starts are before it. */
};

static inline uint32_t
offset_of(const struct rc_bucket_table *table, int64_t time_ms)
{
    if (time_ms <= table->window_start_ms)
        return 0;
    const uint64_t offset = (uint64_t)time_ms - (uint64_t)table->window_start_ms;
    return offset < UINT32_MAX ? (uint32_t)offset : UINT32_MAX;
}

/* The first row of [row, end) that matches, or end. */
static inline __attribute__((always_inline)) uint32_t
next_row(const uint64_t *words, uint32_t row, uint32_t end)
{
    while (words != NULL && row < end) {
        const uint64_t left = words[row % RC_PIECE_ROWS / 64] >> (row % 64);
        if (left != 0) {
            row += (uint32_t)__builtin_ctzll(left);
            return row < end ? row : end;
        }
        row = (row | 63) + 1;
    }
    return row < end ? row : end;
}

/* How many rows of [begin, end), which is not empty, match. */
static inline __attribute__((always_inline)) uint32_t
count_rows(const uint64_t *words, uint32_t begin, uint32_t end)
{
    if (words == NULL)
        return end - begin;
    uint32_t word = begin % RC_PIECE_ROWS / 64;
    const uint32_t last = (end - 1) % RC_PIECE_ROWS / 64;
    const uint64_t last_mask = UINT64_MAX >> (63 - (end - 1) % 64);
    uint64_t left = words[word] & UINT64_MAX << (begin % 64);
    uint32_t count = 0;
    for (; word < last; left = words[++word])
        count += (uint32_t)__builtin_popcountll(left);
    return count + (uint32_t)__builtin_popcountll(left & last_mask);
}

/* The first of a user's rows [row, end) that is not before an offset. Runs are short and their ends
 * not to be foretold, so there is no branch but the loop's. */
static inline __attribute__((always_inline)) uint32_t
seek(const uint32_t *offsets, uint32_t row, uint32_t end, uint32_t offset)
{
    if (offsets[end - 1] < offset)
        return end;
    for (uint32_t left = end - row; left > 1;) {
        const uint32_t half = left / 2;
        row += half & -(uint32_t)(offsets[row + half - 1] < offset);
        left -= half;
    }
    return row;
}

/* The rows of one user, [begin, end) within a piece, a period at a time; returns how many are
 * hits. */
static inline __attribute__((always_inline)) uint32_t
add_run(const struct times *times,
        const uint64_t *words,
        uint32_t begin,
        uint32_t end,
        struct person *person)
{
    uint32_t all = 0;
    uint32_t stop;
    for (uint32_t row = next_row(words, begin, end); row < end; row = next_row(words, stop, end)) {
        const uint32_t offset = times->offsets[row];
        const uint32_t place = rc_bucket_table_find(times->table, offset);
        if (offset >= times->until)
            return all;
        if (offset < times->from) {
            stop = seek(times->offsets, row, end, times->from);
            continue;
        }
        const bool late = place == times->table->bucket_count;
        uint32_t until = late ? UINT32_MAX : offset_of(times->table, times->periods[place].end_ms);
        until = until < times->until ? until : times->until;
        stop = seek(times->offsets, row, end, until);
        const uint32_t count = count_rows(words, row, stop);
        add_events(person, late ? LATE : place, count, offset < times->starts_end);
        all += count;
    }
    return all;
}

static inline __attribute__((always_inline)) enum rc_status
read_rows(struct lane *lane,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    uint32_t count;
    const struct scan *scan = lane->scan;
    const struct rc_retention *retention = scan->retention;
    const struct rc_bucket_table *table = &scan->tables[plan_slab];
    const uint32_t index = retention->plan->slabs[plan_slab].index;
    const struct rc_slab *slab = rc_view_slabs(retention->context->view, &count)[index].slab;
    const uint32_t *starts = rc_slab_starts(slab);
    const uint32_t *users = rc_slab_users(slab);
    const struct rc_stream *stream = &retention->plan->streams[scan->stream];
    const struct times times = {
        .table = table,
        .offsets = rc_slab_times(slab),
        .periods = retention->periods,
        .from = offset_of(table, stream->from_ms),
        .until = offset_of(table, stream->until_ms),
        .starts_end = offset_of(table, retention->starts_end_ms),
    };
    uint32_t user = rc_slab_user_index_of_row(slab, begin);
    RC_TRY(rc_slab_rows_open(&lane->rows, retention->plan, plan_slab, scan->stream));
    while (begin < end) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        const uint32_t stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        const bool any = rc_slab_rows_piece(&lane->rows, base, &words);
        while (begin < stop) {
            const uint32_t run_end = starts[user + 1] < stop ? starts[user + 1] : stop;
            const uint32_t ordinal = users[user];
            const bool skipped =
                block->skip != NULL && ((block->skip[ordinal / 64] >> (ordinal % 64)) & 1) != 0;
            for (uint32_t row = begin; row < run_end; row += LINE_ROWS)
                __builtin_prefetch(times.offsets + row + AHEAD_ROWS);
            if (any && !skipped)
                *hit_count +=
                    add_run(&times, words, begin, run_end, &lane->persons[ordinal - block->first]);
            user += run_end == starts[user + 1];
            begin = run_end;
        }
    }
    return RC_OK;
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    return read_rows(state, block, plan_slab, begin, end, hit_count);
}

__attribute__((target("popcnt"))) static enum rc_status
fold_rows_popcnt(void *state,
                 const struct rc_walk_block *block,
                 uint32_t plan_slab,
                 uint32_t begin,
                 uint32_t end,
                 uint64_t *hit_count)
{
    return read_rows(state, block, plan_slab, begin, end, hit_count);
}

/* ---- The scan -------------------------------------------------------------------------------- */

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
            .until_ms = stream->until_ms < retention->periods_end_ms ? stream->until_ms
                                                                     : retention->periods_end_ms,
            .bucket_count = retention->period_count,
            .map = &retention->map,
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
        lane->rows.account = context->account;
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
        !rc_planner_reads_rows(retention->plan, scan.stream, RC_EXPLAIN_NO_SERIES, false))
        return RC_OK;
    RC_TRY(scan_open(&scan, slots));
    void **states = RC_ARENA_ARRAY(retention->context->arena, void *, scan.lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < scan.lane_count; i++)
        states[i] = &scan.lanes[i];
    const struct rc_fold fold = {
        .slots_max = slots,
        .lane_count = scan.lane_count,
        .lanes = states,
        .begin = fold_begin,
        .hits = fold_hits,
        .rows = __builtin_cpu_supports("popcnt") ? fold_rows_popcnt : fold_rows,
    };
    RC_TRY(rc_walk(retention->plan, &fold, hit_count));
    for (uint32_t i = 0; i < scan.lane_count; i++)
        count_block(&scan.lanes[i]);
    *ret_done = true;
    return RC_OK;
}
