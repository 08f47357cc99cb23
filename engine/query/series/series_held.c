/* Series held. */
#include "engine/query/series/series_held.h"

#include <math.h>
#include <string.h>

/* The lanes' parts of one line. */
struct parts {
    const struct rc_series_frame *frame;
    const struct rc_series_line *line;
    enum rc_measure measure;
    struct rc_held *const *held;
    uint32_t count;
};

enum rc_holds
rc_holds_of(enum rc_measure measure)
{
    switch (measure) {
    case RC_MEASURE_COUNT:
        return RC_HOLDS_COUNT;
    case RC_MEASURE_UNIQUE:
    case RC_MEASURE_SESSIONS:
    case RC_MEASURE_ROLLING:
        return RC_HOLDS_USERS;
    case RC_MEASURE_PER_USER:
    case RC_MEASURE_MOST:
        return RC_HOLDS_USER_EVENTS;
    case RC_MEASURE_SUM:
    case RC_MEASURE_MEAN:
    case RC_MEASURE_MIN:
    case RC_MEASURE_MAX:
        return RC_HOLDS_NUMBERS;
    default:
        return RC_HOLDS_NOTHING;
    }
}

static uint64_t
place_count(const struct rc_series_frame *frame, const struct rc_series_line *line)
{
    return (uint64_t)line->row_count * rc_line_places(frame, line);
}

static void *
zeroed(struct rc_account *account, uint64_t count, size_t bytes, bool *failed)
{
    void *block = rc_alloc_in(account, (size_t)count * bytes + 1);
    if (block != NULL)
        memset(block, 0, (size_t)count * bytes);
    *failed = *failed || block == NULL;
    return block;
}

enum rc_status
rc_held_open(const struct rc_series_frame *frame,
             const struct rc_series_line *line,
             struct rc_held *held)
{
    struct rc_account *account = frame->context->account;
    const enum rc_measure measure = frame->request->series[line->series].measure;
    const uint64_t places = place_count(frame, line);
    const enum rc_holds holds = rc_holds_of(measure);
    bool failed = false;
    held->present = zeroed(account, line->row_count, 1, &failed);
    if (holds == RC_HOLDS_COUNT || holds == RC_HOLDS_USERS)
        held->counts = zeroed(account, places, sizeof(*held->counts), &failed);
    if (holds == RC_HOLDS_USERS)
        held->marks = zeroed(account, places, sizeof(*held->marks), &failed);
    if (measure == RC_MEASURE_ROLLING) {
        held->covered = zeroed(account, line->row_count, sizeof(*held->covered), &failed);
        held->in_range = zeroed(account, line->row_count, sizeof(*held->in_range), &failed);
    }
    if (holds == RC_HOLDS_USER_EVENTS)
        held->users = zeroed(account, places, sizeof(*held->users), &failed);
    if (holds == RC_HOLDS_NUMBERS)
        held->numbers = zeroed(account, places, sizeof(*held->numbers), &failed);
    return failed ? RC_NO_MEMORY : RC_OK;
}

void
rc_held_close(const struct rc_series_frame *frame,
              const struct rc_series_line *line,
              struct rc_held *held)
{
    for (uint64_t i = 0; held->numbers != NULL && i < place_count(frame, line); i++)
        rc_exact_sum_close(&held->numbers[i].sum);
    rc_alloc_free(held->counts);
    rc_alloc_free(held->marks);
    rc_alloc_free(held->covered);
    rc_alloc_free(held->in_range);
    rc_alloc_free(held->users);
    rc_alloc_free(held->numbers);
    rc_alloc_free(held->present);
}

static double
value_of_users(const struct parts *parts, uint64_t place)
{
    uint64_t events = 0;
    uint64_t users = 0;
    uint64_t most = 0;
    for (uint32_t i = 0; i < parts->count; i++) {
        const struct rc_held_user_events *part = &parts->held[i]->users[place];
        events += part->events;
        users += part->users;
        most = part->most > most ? part->most : most;
    }
    if (users == 0)
        return NAN;
    return parts->measure == RC_MEASURE_MOST ? (double)most : (double)events / (double)users;
}

static enum rc_status
value_of_numbers(const struct parts *parts, uint64_t place, double *ret_value)
{
    struct rc_held_numbers *all = &parts->held[0]->numbers[place];
    for (uint32_t i = 1; i < parts->count; i++) {
        const struct rc_held_numbers *part = &parts->held[i]->numbers[place];
        if (part->count == 0)
            continue;
        all->least = all->count == 0 ? part->least : fmin(all->least, part->least);
        all->greatest = all->count == 0 ? part->greatest : fmax(all->greatest, part->greatest);
        all->count += part->count;
        RC_TRY(rc_exact_sum_join(parts->frame->context->account, &all->sum, &part->sum));
    }
    *ret_value = NAN;
    if (parts->measure == RC_MEASURE_SUM)
        *ret_value = rc_exact_sum_figure(&all->sum);
    else if (all->count > 0)
        *ret_value = parts->measure == RC_MEASURE_MEAN  ? rc_exact_sum_mean(&all->sum, all->count)
                     : parts->measure == RC_MEASURE_MIN ? all->least
                                                        : all->greatest;
    return RC_OK;
}

static uint64_t
count_of(const struct parts *parts, uint64_t place)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < parts->count; i++)
        count += parts->held[i]->counts[place];
    return count;
}

/* One row of counts; running sums where they are asked for, and for changes. */
static void
finish_counts(const struct parts *parts, uint32_t row)
{
    const struct rc_series_line *line = parts->line;
    const uint32_t places = rc_line_places(parts->frame, line);
    const uint64_t begin = (uint64_t)row * places;
    const bool running = parts->frame->request->cumulative || parts->measure == RC_MEASURE_ROLLING;
    uint64_t sum = 0;
    for (uint32_t place = 0; place + 1 < places; place++) {
        const uint64_t count = count_of(parts, begin + place);
        sum = running ? sum + count : count;
        line->values[begin + place] = (double)sum;
    }
    line->values[begin + places - 1] = (double)count_of(parts, begin + places - 1);
}

enum rc_status
rc_held_finish(const struct rc_series_frame *frame,
               const struct rc_series_line *line,
               struct rc_held *const *held,
               uint32_t count)
{
    const struct parts parts = {.frame = frame,
                                .line = line,
                                .measure = frame->request->series[line->series].measure,
                                .held = held,
                                .count = count};
    const enum rc_holds holds = rc_holds_of(parts.measure);
    for (uint32_t row = 0; row < line->row_count; row++)
        for (uint32_t i = 0; i < count; i++)
            line->present[row] |= held[i]->present[row];
    if (holds == RC_HOLDS_COUNT || holds == RC_HOLDS_USERS) {
        for (uint32_t row = 0; row < line->row_count; row++)
            finish_counts(&parts, row);
        return RC_OK;
    }
    for (uint64_t place = 0; place < place_count(frame, line); place++) {
        if (holds == RC_HOLDS_USER_EVENTS)
            line->values[place] = value_of_users(&parts, place);
        else if (holds == RC_HOLDS_NUMBERS)
            RC_TRY(value_of_numbers(&parts, place, &line->values[place]));
    }
    return RC_OK;
}
