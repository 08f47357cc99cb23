/*
 * Series broken down. Two walks: the first counts per series and value over the range and so ranks
 * the values; the second counts per row (top values, Other, total) and bucket. Two, because a
 * property may have a million values and a range twenty thousand buckets, but only rows that are
 * shown need buckets.
 *
 * Both go person by person. A place (series and value, or series, row and bucket) remembers the
 * last person counted in it, so a person is counted once without any set. An event whose values are
 * several counts in each of their rows, and once in Other however many of them are there.
 */
#include <string.h>

#include "engine/query/fold_series.h"

/* Numbers of a reply, all series, rows and buckets: 8 bytes a lane and as many in the reply. */
#define PLACES_MAX ((uint64_t)4 << 20)

struct rows {
    const struct rc_series_walk *walk;
    struct rc_groups *groups;
    uint32_t group_count;
    struct rc_ranking rankings[RC_SERIES_MAX];
    uint32_t row_counts[RC_SERIES_MAX]; /* Values, Other, total. */
    uint64_t row_places[RC_SERIES_MAX]; /* Where a series begins in figures. */
    uint64_t place_count;
    uint32_t lane_count;
    struct lane *lanes;
    void **states;
};

struct lane {
    const struct rows *rows;
    uint64_t *figures;
    uint32_t *marks; /* Person + 1 of the last one counted there. */
};

static void
drop_lanes(struct rows *rows)
{
    for (uint32_t i = 0; i < rows->lane_count; i++) {
        rows->lanes[i].figures = rc_alloc_free(rows->lanes[i].figures);
        rows->lanes[i].marks = rc_alloc_free(rows->lanes[i].marks);
    }
}

static void
rows_close(struct rows *rows)
{
    drop_lanes(rows);
    rc_groups_free(rows->groups);
}

/* Gives every lane places, all zero. */
static enum rc_status
open_lanes(struct rows *rows, uint64_t place_count)
{
    struct rc_account *account = rows->walk->context->account;
    rows->place_count = place_count;
    for (uint32_t i = 0; i < rows->lane_count; i++) {
        struct lane *lane = &rows->lanes[i];
        lane->rows = rows;
        lane->figures = rc_alloc_in(account, place_count * sizeof(*lane->figures));
        lane->marks = rc_alloc_in(account, place_count * sizeof(*lane->marks));
        if (lane->figures == NULL || lane->marks == NULL)
            return RC_NO_MEMORY;
        memset(lane->figures, 0, place_count * sizeof(*lane->figures));
        memset(lane->marks, 0, place_count * sizeof(*lane->marks));
    }
    return RC_OK;
}

/* Counts one event of a person in a place. */
static inline void
count(struct lane *lane, enum rc_measure measure, uint64_t place, uint32_t person)
{
    if (measure == RC_MEASURE_UNIQUE) {
        if (lane->marks[place] == person + 1)
            return;
        lane->marks[place] = person + 1;
    }
    lane->figures[place]++;
}

/* First walk: per series and group. */
static enum rc_status
fold_rank(void *state, uint32_t person, const struct rc_hit *hits, uint32_t hit_count)
{
    struct lane *lane = state;
    const struct rows *rows = lane->rows;
    for (uint32_t i = 0; i < hit_count; i++) {
        uint32_t list_count;
        const uint32_t set = rc_groups_of(rows->groups, person, &hits[i]);
        const uint32_t *list = rc_groups_list(rows->groups, &set, &list_count);
        for (uint64_t mask = hits[i].mask; mask != 0; mask &= mask - 1) {
            const uint32_t series = (uint32_t)__builtin_ctzll(mask);
            const enum rc_measure measure = rows->walk->request->series[series].measure;
            for (uint32_t g = 0; g < list_count; g++)
                count(lane, measure, (uint64_t)series * rows->group_count + list[g], person);
        }
    }
    return RC_OK;
}

/* Counts an event in a row: in its bucket and in the range. */
static inline void
count_row(struct lane *lane, uint32_t series, uint32_t row, uint32_t bucket, uint32_t person)
{
    const struct rows *rows = lane->rows;
    const uint32_t buckets = rows->walk->bucket_count;
    const enum rc_measure measure = rows->walk->request->series[series].measure;
    const uint64_t begin = rows->row_places[series] + (uint64_t)row * (buckets + 1);
    if (buckets > 0)
        count(lane, measure, begin + bucket, person);
    count(lane, measure, begin + buckets, person);
}

/* Second walk: per series, row and bucket. */
static enum rc_status
fold_rows(void *state, uint32_t person, const struct rc_hit *hits, uint32_t hit_count)
{
    struct lane *lane = state;
    const struct rows *rows = lane->rows;
    const struct rc_series_walk *walk = rows->walk;
    for (uint32_t i = 0; i < hit_count; i++) {
        uint32_t list_count;
        const uint32_t set = rc_groups_of(rows->groups, person, &hits[i]);
        const uint32_t *list = rc_groups_list(rows->groups, &set, &list_count);
        const uint32_t bucket =
            walk->bucket_count == 0 ? 0 : rc_bucket_map_find(&walk->map, hits[i].time_ms);
        for (uint64_t mask = hits[i].mask; mask != 0; mask &= mask - 1) {
            const uint32_t series = (uint32_t)__builtin_ctzll(mask);
            const struct rc_ranking *ranking = &rows->rankings[series];
            bool other = false;
            for (uint32_t g = 0; g < list_count; g++) {
                const uint32_t row = ranking->row_of[list[g]];
                if (row < ranking->row_count)
                    count_row(lane, series, row, bucket, person);
                other = other || row == ranking->row_count;
            }
            if (other)
                count_row(lane, series, ranking->row_count, bucket, person);
            count_row(lane, series, rows->row_counts[series] - 1, bucket, person);
        }
    }
    return RC_OK;
}

static enum rc_status
run(struct rows *rows,
    enum rc_status (
        *person)(void *lane, uint32_t person, const struct rc_hit *hits, uint32_t count),
    uint64_t *hit_count)
{
    const struct rc_fold fold = {
        .ordered = true,
        .lane_count = rows->lane_count,
        .lanes = rows->states,
        .person = person,
    };
    return rc_walk(rows->walk->plan, &fold, hit_count);
}

/* Ranks the values of every series; the lanes' figures are those of the first walk. */
static enum rc_status
rank(struct rows *rows)
{
    for (uint32_t i = 1; i < rows->lane_count; i++)
        for (uint64_t place = 0; place < rows->place_count; place++)
            rows->lanes[0].figures[place] += rows->lanes[i].figures[place];
    uint64_t places = 0;
    for (uint32_t series = 0; series < rows->walk->request->series_count; series++) {
        const uint64_t *figures = rows->lanes[0].figures + (uint64_t)series * rows->group_count;
        struct rc_ranking *ranking = &rows->rankings[series];
        RC_TRY(rc_groups_rank(rows->groups, figures, rows->walk->request->top_n,
                              rows->walk->context->arena, ranking));
        rows->row_counts[series] = ranking->row_count + (ranking->has_other ? 2 : 1);
        rows->row_places[series] = places;
        places += (uint64_t)rows->row_counts[series] * (rows->walk->bucket_count + 1);
    }
    rows->place_count = places;
    return RC_OK;
}

static enum rc_status
fill_reply(const struct rows *rows, struct rc_series_reply *reply)
{
    struct rc_arena *arena = rows->walk->context->arena;
    const uint32_t series_count = rows->walk->request->series_count;
    uint32_t total_rows = 0;
    for (uint32_t series = 0; series < series_count; series++)
        total_rows += rows->row_counts[series];
    struct rc_series_row *result = RC_ARENA_ARRAY(arena, struct rc_series_row, total_rows);
    const uint64_t **figures = RC_ARENA_ARRAY(arena, const uint64_t *, rows->lane_count);
    if (result == NULL || figures == NULL)
        return RC_NO_MEMORY;
    uint32_t at = 0;
    for (uint32_t series = 0; series < series_count; series++) {
        const struct rc_ranking *ranking = &rows->rankings[series];
        for (uint32_t row = 0; row < rows->row_counts[series]; row++, at++) {
            struct rc_row_label label = {.kind = RC_ROW_OTHER};
            if (row + 1 == rows->row_counts[series])
                label.kind = RC_ROW_TOTAL;
            else if (row < ranking->row_count)
                label = (struct rc_row_label){.kind = RC_ROW_VALUE, .value = ranking->values[row]};
            for (uint32_t i = 0; i < rows->lane_count; i++)
                figures[i] = rows->lanes[i].figures + rows->row_places[series] +
                             (uint64_t)row * (rows->walk->bucket_count + 1);
            RC_TRY(rc_series_add_row(rows->walk, series, label, figures, rows->lane_count,
                                     &result[at]));
        }
    }
    reply->row_count = total_rows;
    reply->rows = result;
    return RC_OK;
}

enum rc_status
rc_series_answer_rows(const struct rc_series_walk *walk,
                      struct rc_series_reply *reply,
                      struct rc_error *reterr_error)
{
    const struct rc_query_context *context = walk->context;
    RC_CLEANUP(rows_close) struct rows rows = {.walk = walk};
    uint64_t hits_ranked = 0;
    RC_TRY(rc_groups_new(walk->plan, walk->request->breakdown, walk->request->scope.as_of_ms,
                         &rows.groups, reterr_error));
    rows.lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    rows.states = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (rows.lanes == NULL || rows.states == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a breakdown");
    rows.lane_count = context->parallel_max;
    for (uint32_t i = 0; i < rows.lane_count; i++)
        rows.states[i] = &rows.lanes[i];
    rows.group_count = rc_groups_count(rows.groups);
    RC_TRY_OR(reterr_error,
              open_lanes(&rows, (uint64_t)walk->request->series_count * rows.group_count));
    RC_TRY_OR(reterr_error, run(&rows, fold_rank, &hits_ranked));
    RC_TRY_OR(reterr_error, rank(&rows));
    drop_lanes(&rows);
    if (rows.place_count > PLACES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "breakdown.top",
                              "series, rows and buckets make %llu numbers, more than %llu",
                              (unsigned long long)rows.place_count, (unsigned long long)PLACES_MAX);
    RC_TRY_OR(reterr_error, open_lanes(&rows, rows.place_count));
    RC_TRY_OR(reterr_error, run(&rows, fold_rows, &reply->stats.matched_events));
    RC_TRY_OR(reterr_error, fill_reply(&rows, reply));
    return RC_OK;
}
