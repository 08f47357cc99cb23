/*
 * Measuring lines that need one pass and have no short way.
 *
 * Users and sessions are told apart by order: hits come person by person, so the last one counted
 * in a place is all that it must remember. Lines of plain counts and numbers take hits as they
 * come.
 *
 * A session is told by its serial number in the lane: a new one begins where the user changes or
 * pauses.
 */
#include <math.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/series/series_held.h"
#include "engine/query/series/series_scan.h"
#include "engine/query/series/series_windows.h"

#define NO_BUCKET UINT32_MAX

/* The session of the user at hand. */
struct session {
    uint64_t serial;
    int64_t start_ms;
    int64_t latest_ms;
};

/* What of a line is the same for all hits. */
struct constants {
    enum rc_measure measure;
    uint32_t bit; /* Of its selector, in the mask of a hit. */
    uint32_t places;
    bool is_undivided; /* Every hit counts in the row of the total alone, */
    bool is_counted;   /* and counting it is all there is to it. */
};

struct walk {
    const struct rc_series_frame *frame;
    const struct rc_series_line *lines;
    const struct constants *constants; /* By line. */
    uint32_t line_count;
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct walk *walk;
    struct rc_held *held; /* By line. */
    struct rc_series_rows rows;
    struct session sessions[RC_SERIES_MAX];
};

static const struct rc_series *
series_of(const struct walk *walk, const struct rc_series_line *line)
{
    return &walk->frame->request->series[line->series];
}

static void
walk_close(struct walk *walk)
{
    for (uint32_t i = 0; i < walk->lane_count; i++) {
        for (uint32_t l = 0; walk->lanes[i].held != NULL && l < walk->line_count; l++)
            rc_held_close(walk->frame, &walk->lines[l], &walk->lanes[i].held[l]);
        rc_series_rows_close(&walk->lanes[i].rows);
    }
}

static enum rc_status
make_constants(struct walk *walk)
{
    const struct rc_series_frame *frame = walk->frame;
    struct constants *constants =
        RC_ARENA_ARRAY(frame->context->arena, struct constants, walk->line_count);
    if (constants == NULL)
        return RC_NO_MEMORY;
    for (uint32_t l = 0; l < walk->line_count; l++) {
        const struct rc_series_line *line = &walk->lines[l];
        const enum rc_measure measure = series_of(walk, line)->measure;
        const bool is_undivided = frame->splits[line->side] == NULL && line->columns == NULL &&
                                  line->total != RC_LINE_NO_ROW;
        constants[l] = (struct constants){
            .measure = measure,
            .bit = frame->bit_of[line->series],
            .places = rc_line_places(frame, line),
            .is_undivided = is_undivided,
            .is_counted = is_undivided && measure == RC_MEASURE_COUNT,
        };
    }
    walk->constants = constants;
    return RC_OK;
}

static enum rc_status
walk_open(struct walk *walk)
{
    const struct rc_query_context *context = walk->frame->context;
    RC_TRY(make_constants(walk));
    walk->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    if (walk->lanes == NULL)
        return RC_NO_MEMORY;
    walk->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < walk->lane_count; i++) {
        struct lane *lane = &walk->lanes[i];
        lane->walk = walk;
        lane->rows.account = context->account;
        lane->held = RC_ARENA_ARRAY(context->arena, struct rc_held, walk->line_count);
        if (lane->held == NULL)
            return RC_NO_MEMORY;
        for (uint32_t l = 0; l < walk->line_count; l++)
            RC_TRY(rc_held_open(walk->frame, &walk->lines[l], &lane->held[l]));
    }
    return RC_OK;
}

/* ---- Adding a hit ---------------------------------------------------------------------------- */

static inline void
count_user(struct rc_held *held, uint64_t place, uint32_t person)
{
    held->counts[place] += held->marks[place] != (uint64_t)person + 1;
    held->marks[place] = (uint64_t)person + 1;
}

static inline void
count_user_event(struct rc_held_user_events *users, uint32_t person)
{
    if (users->mark != person + 1) {
        users->mark = person + 1;
        users->users++;
        users->current = 0;
    }
    users->events++;
    users->current++;
    if (users->current > users->most)
        users->most = users->current;
}

static enum rc_status
add_number(struct rc_account *account, struct rc_held_numbers *numbers, double number)
{
    numbers->least = numbers->count == 0 ? number : fmin(numbers->least, number);
    numbers->greatest = numbers->count == 0 ? number : fmax(numbers->greatest, number);
    numbers->count++;
    return rc_exact_sum_add(account, &numbers->sum, number);
}

static enum rc_status
add_numbers(const struct walk *walk,
            const struct rc_series_line *line,
            struct rc_held *held,
            const struct rc_hit *hit,
            uint64_t bucket_place,
            uint64_t range_place)
{
    uint32_t count;
    const struct rc_numbers *numbers = walk->frame->numbers[line->series];
    struct rc_account *account = walk->frame->context->account;
    const uint32_t *codes = rc_numbers_of(numbers, hit, &count);
    for (uint32_t i = 0; i < count; i++) {
        const double number = rc_numbers_all(numbers)[codes[i]];
        RC_TRY(add_number(account, &held->numbers[range_place], number));
        if (bucket_place != range_place)
            RC_TRY(add_number(account, &held->numbers[bucket_place], number));
    }
    return RC_OK;
}

/* An event counts its user in the buckets that end after it and at most so many days later. */
static void
add_rolling(const struct walk *walk,
            const struct rc_series_line *line,
            struct rc_held *held,
            uint32_t row,
            uint32_t person,
            int64_t time_ms)
{
    const struct rc_series_frame *frame = walk->frame;
    const uint32_t places = rc_line_places(frame, line);
    const int64_t length_ms = series_of(walk, line)->rolling_days * RC_ROLLING_DAY_MS;
    uint64_t *changes = held->counts + (uint64_t)row * places;
    if (frame->scope.end_ms - length_ms <= time_ms) {
        held->present[row] = 1;
        changes[places - 1] += held->in_range[row] != person + 1;
        held->in_range[row] = person + 1;
    }
    uint32_t first = rc_series_buckets_ended(frame, time_ms);
    const uint32_t end = rc_series_buckets_ended(frame, time_ms + length_ms);
    held->present[row] |= first < end; /* Also where only the range is measured. */
    if (places == 1)
        return;
    if (held->marks[row] != (uint64_t)person + 1) {
        held->marks[row] = (uint64_t)person + 1;
        held->covered[row] = 0;
    }
    first = first > held->covered[row] ? first : held->covered[row];
    if (first >= end)
        return;
    held->covered[row] = end;
    changes[first]++;
    if (end < places - 1)
        changes[end]--;
}

/* A hit in one row of a line. */
static enum rc_status
add_to_row(struct lane *lane,
           uint32_t at,
           uint32_t row,
           uint32_t bucket,
           uint32_t person,
           const struct rc_hit *hit)
{
    const struct walk *walk = lane->walk;
    const struct rc_series_line *line = &walk->lines[at];
    struct rc_held *held = &lane->held[at];
    const uint32_t places = walk->constants[at].places;
    const uint64_t begin = (uint64_t)row * places;
    const uint64_t range_place = begin + places - 1;
    const uint64_t bucket_place = places > 1 ? begin + bucket : range_place;
    const enum rc_measure measure = walk->constants[at].measure;
    if (measure == RC_MEASURE_ROLLING) {
        add_rolling(walk, line, held, row, person, hit->time_ms);
        return RC_OK;
    }
    held->present[row] = 1;
    switch (measure) {
    case RC_MEASURE_SESSIONS:
        if (held->marks[row] == lane->sessions[line->series].serial)
            return RC_OK;
        held->marks[row] = lane->sessions[line->series].serial;
        __attribute__((fallthrough));
    case RC_MEASURE_COUNT:
        held->counts[range_place]++;
        held->counts[bucket_place] += bucket_place != range_place;
        return RC_OK;
    case RC_MEASURE_UNIQUE:
        /* Running sums count a user where he was first seen. */
        if (bucket_place != range_place &&
            (!walk->frame->request->cumulative || held->marks[range_place] != (uint64_t)person + 1))
            count_user(held, bucket_place, person);
        count_user(held, range_place, person);
        return RC_OK;
    case RC_MEASURE_PER_USER:
    case RC_MEASURE_MOST:
        count_user_event(&held->users[range_place], person);
        if (bucket_place != range_place)
            count_user_event(&held->users[bucket_place], person);
        return RC_OK;
    default:
        return held->numbers == NULL
                   ? RC_OK
                   : add_numbers(walk, line, held, hit, bucket_place, range_place);
    }
}

/* The bucket of a hit for a line; false: it does not count. */
static inline bool
bucket_of(const struct lane *lane, uint32_t at, int64_t time_ms, uint32_t *ret_bucket)
{
    const struct rc_series_frame *frame = lane->walk->frame;
    const struct rc_series_line *line = &lane->walk->lines[at];
    const enum rc_measure measure = lane->walk->constants[at].measure;
    *ret_bucket = NO_BUCKET;
    if (measure == RC_MEASURE_ROLLING)
        return true;
    if (measure == RC_MEASURE_SESSIONS)
        time_ms = lane->sessions[line->series].start_ms;
    if (time_ms < frame->scope.start_ms)
        return false; /* A session begun before the range. */
    if (line->bucketed && frame->bucket_count > 0)
        *ret_bucket = rc_bucket_map_find(&frame->map, time_ms);
    return true;
}

static inline void
count_hit(struct lane *lane, uint32_t at, uint32_t bucket)
{
    const uint32_t places = lane->walk->constants[at].places;
    const uint32_t row = lane->walk->lines[at].total;
    uint64_t *counts = lane->held[at].counts + (uint64_t)row * places;
    lane->held[at].present[row] = 1;
    counts[places - 1]++;
    if (places > 1)
        counts[bucket]++;
}

static inline enum rc_status
add_hit(struct lane *lane, uint32_t person, const struct rc_hit *hit)
{
    const struct walk *walk = lane->walk;
    if ((hit->mask & ~walk->frame->any_bit) == 0)
        return RC_OK;
    rc_series_rows_turn(&lane->rows, person, hit);
    for (uint32_t l = 0; l < walk->line_count; l++) {
        uint32_t bucket;
        uint32_t count;
        const struct rc_series_line *line = &walk->lines[l];
        if (((hit->mask >> walk->constants[l].bit) & 1) == 0 ||
            !bucket_of(lane, l, hit->time_ms, &bucket))
            continue;
        if (walk->constants[l].is_counted) {
            count_hit(lane, l, bucket);
            continue;
        }
        if (walk->constants[l].is_undivided) {
            RC_TRY(add_to_row(lane, l, line->total, bucket, person, hit));
            continue;
        }
        RC_TRY(rc_line_rows(walk->frame, line, &lane->rows, &count));
        for (uint32_t i = 0; i < count; i++)
            RC_TRY(add_to_row(lane, l, lane->rows.rows[i], bucket, person, hit));
    }
    return RC_OK;
}

/* ---- The walk -------------------------------------------------------------------------------- */

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(add_hit(state, rc_walk_person(block, slots[i]), &hits[i]));
    return RC_OK;
}

/* Tells the sessions of a user's next event. */
static void
step_sessions(struct lane *lane, const struct rc_hit *hit, bool first)
{
    const struct rc_series_request *request = lane->walk->frame->request;
    for (uint32_t i = 0; i < request->series_count; i++) {
        struct session *session = &lane->sessions[i];
        if (request->series[i].measure != RC_MEASURE_SESSIONS)
            continue;
        if (first || hit->time_ms - session->latest_ms > request->series[i].session_gap_ms) {
            session->serial++;
            session->start_ms = hit->time_ms;
        }
        session->latest_ms = hit->time_ms;
    }
}

static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    for (uint32_t i = 0; i < count; i++) {
        if (lane->walk->frame->any_bit != 0)
            step_sessions(lane, &hits[i], i == 0);
        RC_TRY(add_hit(lane, person, &hits[i]));
    }
    return RC_OK;
}

static enum rc_status
run(struct walk *walk)
{
    const struct rc_series_frame *frame = walk->frame;
    void **states = RC_ARENA_ARRAY(frame->context->arena, void *, walk->lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    bool ordered = false;
    for (uint32_t l = 0; l < walk->line_count; l++) {
        const enum rc_holds holds = rc_holds_of(series_of(walk, &walk->lines[l])->measure);
        ordered = ordered || holds == RC_HOLDS_USERS || holds == RC_HOLDS_USER_EVENTS;
    }
    for (uint32_t i = 0; i < walk->lane_count; i++)
        states[i] = &walk->lanes[i];
    const struct rc_fold fold = {
        .purpose = "the measure",
        .ordered = ordered,
        .anonymous = !ordered && !rc_series_frame_reads_person(frame),
        .lane_count = walk->lane_count,
        .lanes = states,
        .hits = ordered ? NULL : fold_hits,
        .person = ordered ? fold_person : NULL,
    };
    return rc_walk(frame->plan, &fold, &frame->stats->matched_events);
}

static enum rc_status
finish_line(const struct walk *walk, uint32_t at)
{
    const struct rc_series_line *line = &walk->lines[at];
    struct rc_held **held =
        RC_ARENA_ARRAY(walk->frame->context->arena, struct rc_held *, walk->lane_count);
    if (held == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < walk->lane_count; i++)
        held[i] = &walk->lanes[i].held[at];
    RC_TRY(rc_held_finish(walk->frame, line, held, walk->lane_count));
    return rc_holds_of(series_of(walk, line)->measure) == RC_HOLDS_NOTHING
               ? rc_series_spread(walk->frame, line)
               : RC_OK;
}

bool rc_series_short_ways = true;

/* Fills the lines that have a short way. */
static enum rc_status
measure_short(const struct rc_series_frame *frame,
              const struct rc_series_line *lines,
              uint32_t line_count,
              bool *done)
{
    for (uint32_t l = 0; l < line_count && rc_series_short_ways; l++) {
        if (!done[l])
            RC_TRY(rc_series_scan_codes(frame, &lines[l], &done[l]));
        if (!done[l])
            RC_TRY(rc_series_scan_events(frame, &lines[l], &done[l]));
        if (!done[l])
            RC_TRY(rc_series_scan_users(frame, &lines[l], &done[l]));
        if (!done[l])
            RC_TRY(rc_series_scan_numbers(frame, lines, line_count, l, done));
    }
    return RC_OK;
}

enum rc_status
rc_series_measure(const struct rc_series_frame *frame,
                  const struct rc_series_line *lines,
                  uint32_t line_count)
{
    RC_CLEANUP(walk_close) struct walk walk = {.frame = frame};
    struct rc_series_line *left =
        RC_ARENA_ARRAY(frame->context->arena, struct rc_series_line, line_count);
    bool *done = RC_ARENA_ARRAY(frame->context->arena, bool, line_count);
    if (left == NULL || done == NULL)
        return RC_NO_MEMORY;
    RC_TRY(measure_short(frame, lines, line_count, done));
    for (uint32_t l = 0; l < line_count; l++)
        if (!done[l])
            left[walk.line_count++] = lines[l];
    if (walk.line_count == 0)
        return RC_OK;
    walk.lines = left;
    RC_TRY(walk_open(&walk));
    RC_TRY(run(&walk));
    for (uint32_t l = 0; l < walk.line_count; l++)
        RC_TRY(finish_line(&walk, l));
    return RC_OK;
}
