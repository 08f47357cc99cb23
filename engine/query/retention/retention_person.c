/*
 * Retention, one person. One pass over the hits gives the cohorts that the person is in, and the
 * returns; cells are the pairs of them.
 *
 * Of periods of the calendar the returns are kept as periods with a count, so that a user with a
 * million events costs what the events cost, and then pairs of periods. What must see each return
 * (periods that roll from each start, values, rows that must be equal) looks at the returns of the
 * columns once for each start.
 *
 * Cell 0 wants a return other than the start event, not earlier in time, in the same period. Seen
 * in total order: any return behind the start event in its period, or one before it at the very
 * same time.
 *
 * on_or_after with plain columns: a person fills 0 .. m where m is the last period with enough
 * returns; so only m is noted, and summed up in the reply.
 */
#include <stdatomic.h>

#include "engine/query/retention/retention_frame.h"

#define LOOK_EVERY 4096u /* Returns between looks at whether the query was cancelled. */

static bool
is_start(const struct rc_retention *retention, const struct rc_hit *hit)
{
    return (hit->mask & retention->start_bit) != 0 && hit->time_ms < retention->starts_end_ms;
}

static void
note_start(struct rc_retention_lane *lane, uint32_t cohort, const struct rc_hit *hits, uint32_t hit)
{
    const struct rc_retention *retention = lane->retention;
    const bool once = retention->request->cohort != RC_COHORT_RECURRING;
    if (lane->start_count > 0 && (once || lane->starts[lane->start_count - 1].cohort == cohort))
        return;
    uint32_t zero_count = 0;
    for (uint32_t i = hit; i > 0 && hits[i - 1].time_ms == hits[hit].time_ms; i--)
        zero_count += (hits[i - 1].mask & retention->return_bit) != 0;
    lane->starts[lane->start_count++] =
        (struct rc_retention_start){.cohort = cohort, .hit = hit, .zero_count = zero_count};
}

static enum rc_status
note_return(struct rc_retention_lane *lane, uint32_t period, uint32_t hit)
{
    if (lane->retention->by_hits) {
        RC_TRY(RC_GROW_IN(lane->retention->context->account, lane->hits, lane->hit_capacity,
                          (size_t)lane->hit_count + 1));
        lane->hits[lane->hit_count++] = hit;
        return RC_OK;
    }
    if (lane->return_count == 0 || lane->returns[lane->return_count - 1].period != period) {
        RC_TRY(RC_GROW_IN(lane->retention->context->account, lane->returns, lane->return_capacity,
                          (size_t)lane->return_count + 1));
        lane->returns[lane->return_count++] = (struct rc_retention_period){.period = period};
    }
    lane->returns[lane->return_count - 1].count++;
    struct rc_retention_start *last =
        lane->start_count == 0 ? NULL : &lane->starts[lane->start_count - 1];
    if (last != NULL && last->cohort == period && last->hit != hit)
        last->zero_count++;
    return RC_OK;
}

static uint32_t
period_of(const struct rc_retention *retention, int64_t time_ms)
{
    return time_ms < retention->periods_end_ms ? rc_bucket_map_find(&retention->map, time_ms)
                                               : retention->period_count;
}

/* The starts and the returns of a person; none of either: it is in no cohort. */
static enum rc_status
read_person(struct rc_retention_lane *lane,
            const struct rc_hit *hits,
            uint32_t count,
            bool with_returns)
{
    const struct rc_retention *retention = lane->retention;
    const int64_t start_ms = retention->request->scope.start_ms;
    uint32_t period = 0; /* Of the event before: that of the next one too, mostly. */
    int64_t period_end_ms = INT64_MIN;
    lane->start_count = 0;
    lane->return_count = 0;
    lane->hit_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t time_ms = hits[i].time_ms;
        const bool starts = is_start(retention, &hits[i]);
        /* Only first_time reads starts before the range: such a person has no cohort. */
        if (time_ms < start_ms && starts)
            return RC_OK;
        if (time_ms < start_ms)
            continue;
        if (time_ms >= period_end_ms) {
            period = period_of(retention, time_ms);
            period_end_ms =
                period < retention->period_count ? retention->periods[period].end_ms : INT64_MAX;
        }
        if (starts)
            note_start(lane, period, hits, i);
        if (with_returns && (hits[i].mask & retention->return_bit) != 0)
            RC_TRY(note_return(lane, period, i));
    }
    return RC_OK;
}

/* ---- Where a person counts ------------------------------------------------------------------- */

/* A start, the rows of the reply in which it counts, and which returns count for it there. */
struct target {
    const struct rc_retention_start *start;
    const struct rc_hit *hits;
    uint32_t from; /* In lane->hits: the first return at the time of the start. */
    const uint32_t *rows;
    uint32_t row_count;
    uint32_t wanted_row;        /* Of the reply. */
    const uint32_t *start_rows; /* Of the split; NULL: all returns count. */
    uint32_t start_row_count;
};

#define NO_PERIOD UINT32_MAX

/* Whether a user who fills what stands in column (up_to: all columns up to it) is asked for. */
static void
mark(struct rc_retention_lane *lane, uint32_t row, uint32_t cohort, uint32_t column, bool up_to)
{
    const struct rc_retention_request *request = lane->retention->request;
    if (request->persons == NULL || row != request->at.row || cohort != request->at.cohort)
        return;
    if (column == request->at.column || (up_to && request->at.column < column))
        rc_walk_mark(request->persons, lane->person);
}

static size_t
cell_at(const struct rc_retention *retention, uint32_t row, uint32_t cohort, uint32_t column)
{
    return ((size_t)row * retention->cohort_count + cohort) * retention->column_count + column;
}

static void
add_cell(struct rc_retention_lane *lane, const struct target *target, uint32_t column, bool up_to)
{
    const uint32_t cohort = target->start->cohort;
    lane->stamps[column] = lane->stamp;
    for (uint32_t i = 0; i < target->row_count; i++) {
        lane->cells[cell_at(lane->retention, target->rows[i], cohort, column)]++;
        mark(lane, target->rows[i], cohort, column, up_to);
    }
}

/* Period n after the start (of or_after: the last such) has enough returns. */
static void
fill(struct rc_retention_lane *lane, const struct target *target, uint32_t n)
{
    const struct rc_retention *retention = lane->retention;
    const bool or_after = retention->request->on_or_after;
    if (retention->plain_columns) {
        if (n <= retention->last || or_after)
            add_cell(lane, target, n > retention->last ? retention->last : n, or_after);
        return;
    }
    for (uint32_t column = 0; column < retention->column_count; column++) {
        const struct rc_retention_bracket *bracket = &retention->columns[column];
        if (n >= bracket->first && (or_after || n <= bracket->last) &&
            lane->stamps[column] != lane->stamp)
            add_cell(lane, target, column, false);
    }
}

/* ---- Returns as periods ---------------------------------------------------------------------- */

/* *behind: the first return period after that of the start before. */
static void
fill_of_periods(struct rc_retention_lane *lane, const struct target *target, uint32_t *behind)
{
    const struct rc_retention *retention = lane->retention;
    const struct rc_retention_start *start = target->start;
    const uint32_t least = retention->occurrences_min;
    lane->stamp++;
    while (*behind < lane->return_count && lane->returns[*behind].period <= start->cohort)
        (*behind)++;
    if (retention->request->on_or_after) {
        uint32_t last = lane->return_count;
        while (last > *behind && lane->returns[last - 1].count < least)
            last--;
        if (last > *behind)
            fill(lane, target, lane->returns[last - 1].period - start->cohort);
        else if (start->zero_count >= least)
            fill(lane, target, 0);
        return;
    }
    if (start->zero_count >= least)
        fill(lane, target, 0);
    for (uint32_t i = *behind; i < lane->return_count; i++) {
        const uint32_t n = lane->returns[i].period - start->cohort;
        if (n > retention->last || lane->returns[i].period == retention->period_count)
            return;
        if (lane->returns[i].count >= least)
            fill(lane, target, n);
    }
}

/* ---- Returns one by one ---------------------------------------------------------------------- */

static enum rc_status
return_counts(struct rc_retention_lane *lane,
              const struct target *target,
              const struct rc_hit *hit,
              bool *ret_counts)
{
    const struct rc_retention *retention = lane->retention;
    const uint32_t *rows;
    uint32_t row_count;
    *ret_counts = target->start_rows == NULL;
    if (*ret_counts)
        return RC_OK;
    RC_TRY(
        rc_split_rows(retention->split, lane->person, hit, &lane->return_rows, &rows, &row_count));
    for (uint32_t i = 0; i < row_count && !*ret_counts; i++)
        for (uint32_t s = 0; s < target->start_row_count && !*ret_counts; s++)
            *ret_counts = rows[i] == target->start_rows[s] &&
                          (target->wanted_row + 1 == retention->row_count ||
                           retention->ranking.row_of[rows[i]] == target->wanted_row);
    return RC_OK;
}

/* How many periods after the start a return is that is not before it. */
static uint32_t
distance(const struct rc_retention *retention, const struct target *target, uint32_t hit)
{
    const int64_t time_ms = target->hits[hit].time_ms;
    if (retention->rolling_ms == 0)
        return period_of(retention, time_ms) - target->start->cohort;
    const uint64_t n = (uint64_t)(time_ms - target->hits[target->start->hit].time_ms) /
                       (uint64_t)retention->rolling_ms;
    return n < NO_PERIOD ? (uint32_t)n : NO_PERIOD - 1;
}

static enum rc_status
add_sums(struct rc_retention_lane *lane,
         const struct target *target,
         uint32_t column,
         const uint32_t *codes,
         uint32_t count)
{
    const struct rc_retention *retention = lane->retention;
    const double *all = rc_numbers_all(retention->numbers);
    for (uint32_t i = 0; i < target->row_count; i++) {
        struct rc_exact_sum *sum =
            &lane->sums[cell_at(retention, target->rows[i], target->start->cohort, column)];
        for (uint32_t c = 0; c < count; c++)
            RC_TRY(rc_exact_sum_add(retention->context->account, sum, all[codes[c]]));
    }
    return RC_OK;
}

/* Adds the numbers of a return, n periods after the start, to the filled cells that it is in. last:
 * of or_after, the last period with enough returns. */
static enum rc_status
add_numbers(struct rc_retention_lane *lane,
            const struct target *target,
            const struct rc_hit *hit,
            uint32_t n,
            uint32_t last)
{
    const struct rc_retention *retention = lane->retention;
    const bool or_after = retention->request->on_or_after;
    uint32_t count;
    const uint32_t *codes = rc_numbers_of(retention->numbers, hit, &count);
    if (count == 0 || (or_after && last == NO_PERIOD))
        return RC_OK;
    if (retention->plain_columns) {
        uint32_t column = or_after && last < n ? last : n;
        column = or_after && retention->last < column ? retention->last : column;
        return or_after || lane->stamps[column] == lane->stamp
                   ? add_sums(lane, target, column, codes, count)
                   : RC_OK;
    }
    for (uint32_t column = 0; column < retention->column_count; column++) {
        const struct rc_retention_bracket *bracket = &retention->columns[column];
        if (lane->stamps[column] == lane->stamp && n >= bracket->first &&
            (or_after || n <= bracket->last))
            RC_TRY(add_sums(lane, target, column, codes, count));
    }
    return RC_OK;
}

/* Looks at each return that counts: first to find the periods with enough of them (the last one
 * goes to *last), then, with add, to add their numbers. */
static enum rc_status
look(struct rc_retention_lane *lane, const struct target *target, bool add, uint32_t *last)
{
    const struct rc_retention *retention = lane->retention;
    const _Atomic(bool) *cancel = retention->context->cancel;
    const bool or_after = retention->request->on_or_after;
    uint32_t at_n = 0;
    uint32_t at_count = 0;
    for (uint32_t i = target->from; i < lane->hit_count; i++) {
        const uint32_t hit = lane->hits[i];
        bool does_count;
        if (i % LOOK_EVERY == 0 && cancel != NULL &&
            atomic_load_explicit(cancel, memory_order_relaxed))
            return RC_CANCELLED;
        if (hit == target->start->hit)
            continue;
        const uint32_t n = distance(retention, target, hit);
        if (n > retention->last && !or_after)
            return RC_OK;
        RC_TRY(return_counts(lane, target, &target->hits[hit], &does_count));
        if (!does_count)
            continue;
        at_count = n == at_n ? at_count + 1 : 1;
        at_n = n;
        if (add)
            RC_TRY(add_numbers(lane, target, &target->hits[hit], n, *last));
        if (add || at_count != retention->occurrences_min)
            continue;
        *last = n;
        if (!or_after)
            fill(lane, target, n);
    }
    return RC_OK;
}

static enum rc_status
fill_of_hits(struct rc_retention_lane *lane, const struct target *target)
{
    const struct rc_retention *retention = lane->retention;
    uint32_t last = NO_PERIOD;
    lane->stamp++;
    RC_TRY(look(lane, target, false, &last));
    if (retention->request->on_or_after && last != NO_PERIOD)
        fill(lane, target, last);
    return retention->request->aggregate == RC_RETENTION_NO_VALUE ? RC_OK
                                                                  : look(lane, target, true, &last);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The rows of the reply in which a start counts, each once; the total is the last. */
static enum rc_status
rows_of(struct rc_retention_lane *lane, const struct rc_hit *hit, struct target *target)
{
    const struct rc_retention *retention = lane->retention;
    static const uint32_t total = 0;
    target->rows = &total;
    target->row_count = 1;
    if (retention->split == NULL)
        return RC_OK;
    RC_TRY(rc_split_rows(retention->split, lane->person, hit, &lane->start_rows,
                         &target->start_rows, &target->start_row_count));
    RC_TRY(RC_GROW_IN(retention->context->account, lane->rows, lane->row_capacity,
                      (size_t)target->start_row_count + 1));
    target->row_count = 0;
    bool other = false;
    for (uint32_t i = 0; i < target->start_row_count; i++) {
        const uint32_t row = retention->ranking.row_of[target->start_rows[i]];
        const bool is_other = row == retention->ranking.row_count;
        if (!is_other || !other)
            lane->rows[target->row_count++] = row;
        other = other || is_other;
    }
    lane->rows[target->row_count++] = retention->row_count - 1;
    target->rows = lane->rows;
    return RC_OK;
}

/* With same_value, a start of several values counts in each row with other returns. */
static enum rc_status
fill_rows_alone(struct rc_retention_lane *lane, const struct target *target)
{
    for (uint32_t i = 0; i < target->row_count; i++) {
        struct target alone = *target;
        alone.rows = &target->rows[i];
        alone.row_count = 1;
        alone.wanted_row = target->rows[i];
        RC_TRY(fill_of_hits(lane, &alone));
    }
    return RC_OK;
}

enum rc_status
rc_retention_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct rc_retention_lane *lane = state;
    const struct rc_retention *retention = lane->retention;
    uint32_t behind = 0;
    uint32_t from = 0;
    lane->person = person;
    RC_TRY(read_person(lane, hits, count, true));
    for (uint32_t i = 0; i < lane->start_count; i++) {
        const struct rc_retention_start *start = &lane->starts[i];
        struct target target = {
            .start = start, .hits = hits, .wanted_row = retention->row_count - 1};
        RC_TRY(rows_of(lane, &hits[start->hit], &target));
        for (uint32_t r = 0; r < target.row_count; r++) {
            lane->sizes[(size_t)target.rows[r] * retention->cohort_count + start->cohort]++;
            mark(lane, target.rows[r], start->cohort, RC_RETENTION_SIZE, false);
        }
        if (!retention->by_hits) {
            fill_of_periods(lane, &target, &behind);
            continue;
        }
        while (from < lane->hit_count && hits[lane->hits[from]].time_ms < hits[start->hit].time_ms)
            from++;
        target.from = from;
        const bool alone = retention->request->same_value && target.start_row_count != 1;
        if (!retention->request->same_value)
            target.start_rows = NULL;
        RC_TRY(alone ? fill_rows_alone(lane, &target) : fill_of_hits(lane, &target));
    }
    return RC_OK;
}

enum rc_status
rc_retention_person_starts(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct rc_retention_lane *lane = state;
    RC_TRY(read_person(lane, hits, count, false));
    for (uint32_t i = 0; i < lane->start_count; i++) {
        RC_TRY(RC_GROW_IN(lane->retention->context->account, lane->items, lane->item_capacity,
                          (size_t)lane->item_count + 1));
        lane->items[lane->item_count++] =
            (struct rc_split_item){.person = person, .hit = hits[lane->starts[i].hit]};
    }
    return RC_OK;
}
