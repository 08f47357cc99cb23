/*
 * Retention words. Of 64 persons there is a word a period with a bit a person, so that a cell's
 * users are the bits of one "and". Words with a bit a period are turned on their side for that,
 * those that fit side by side into one together.
 *
 * The last bit of the words of events stands for all that is later than the periods (or_after).
 */
#include "engine/query/retention/retention_words.h"

#include "engine/match/rows/words.h"
#include "engine/query/time/view_times.h"

#define GROUP RC_RETENTION_GROUP
#define LATE RC_RETENTION_LATE
#define WORDS_MAX (3 * GROUP)

bool
rc_retention_asks_periods(const struct rc_retention *retention)
{
    const struct rc_retention_request *request = retention->request;
    return !retention->by_hits && retention->occurrences_min == 1 && request->breakdown == NULL &&
           request->persons == NULL && retention->period_count <= RC_RETENTION_PERIODS_MAX;
}

/* ---- Times ----------------------------------------------------------------------------------- */

/* Appends the stretch of time from the last one to end_ms. */
static void
add_kind(const struct rc_retention *retention,
         struct rc_retention_times *times,
         struct rc_bucket *stretches,
         uint32_t *count,
         int64_t end_ms,
         uint32_t period)
{
    const int64_t start_ms =
        *count == 0 ? retention->periods[0].start_ms : stretches[*count - 1].end_ms;
    const uint64_t bit = (uint64_t)1 << period;
    if (end_ms <= start_ms)
        return;
    stretches[*count] = (struct rc_bucket){.start_ms = start_ms, .end_ms = end_ms};
    times->kinds[(*count)++] = (struct rc_retention_kind){
        .bit = bit, .starts = start_ms < retention->starts_end_ms ? bit : 0};
}

/* The stretches of time that add the same. */
static enum rc_status
make_kinds(const struct rc_retention *retention,
           const struct rc_stream *stream,
           struct rc_retention_times *times)
{
    struct rc_bucket stretches[RC_RETENTION_KINDS_MAX];
    uint32_t count = 0;
    int64_t least_ms;
    int64_t most_ms;
    times->until_ms = stream->until_ms;
    if (rc_view_times(retention->context->view, &least_ms, &most_ms) && most_ms < times->until_ms)
        times->until_ms = most_ms + 1;
    for (uint32_t i = 0; i < retention->period_count; i++) {
        const struct rc_bucket *period = &retention->periods[i];
        if (retention->starts_end_ms < period->end_ms)
            add_kind(retention, times, stretches, &count, retention->starts_end_ms, i);
        add_kind(retention, times, stretches, &count, period->end_ms, i);
    }
    add_kind(retention, times, stretches, &count, times->until_ms, LATE);
    return rc_bucket_map_make(stretches, count, retention->context->arena, &times->map);
}

enum rc_status
rc_retention_times_make(const struct rc_retention *retention,
                        const struct rc_plan *plan,
                        uint32_t stream,
                        struct rc_retention_times *ret_times)
{
    uint32_t count;
    struct rc_arena *arena = retention->context->arena;
    const struct rc_view_slab *slabs = rc_view_slabs(retention->context->view, &count);
    struct rc_bucket_table *tables =
        RC_ARENA_ARRAY(arena, struct rc_bucket_table, plan->slab_count);
    if (tables == NULL)
        return RC_NO_MEMORY;
    RC_TRY(make_kinds(retention, &plan->streams[stream], ret_times));
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(slabs[plan->slabs[i].index].slab);
        tables[i] = (struct rc_bucket_table){
            .window_start_ms = info->window_start_ms,
            .time_min_ms = info->time_min_ms,
            .time_max_ms = info->time_max_ms,
            .from_ms = plan->streams[stream].from_ms,
            .until_ms = ret_times->until_ms,
            .bucket_count = ret_times->map.count,
            .map = &ret_times->map,
        };
        RC_TRY(rc_bucket_table_make(&tables[i], arena));
    }
    ret_times->tables = tables;
    return RC_OK;
}

/* ---- Counting -------------------------------------------------------------------------------- */

void
rc_retention_planes_open(const struct rc_retention *retention, struct rc_retention_planes *planes)
{
    const uint32_t cohorts = retention->cohort_count;
    const uint32_t periods = retention->period_count;
    planes->retention = retention;
    planes->packed = 2 * cohorts + periods + 1 <= GROUP;
    planes->starts_at = 0;
    planes->events_at = planes->packed ? cohorts : GROUP;
    planes->late_at = planes->packed ? cohorts + periods : GROUP + LATE;
    planes->again_at = planes->packed ? cohorts + periods + 1 : 2 * GROUP;
    planes->unread = planes->packed ? planes->again_at + cohorts : WORDS_MAX - 1;
    planes->width = planes->unread + 1;
}

/* Turns the words of a group of persons. */
static void
turn_group(const struct rc_retention_planes *planes,
           const struct rc_retention_person *persons,
           uint64_t words[WORDS_MAX])
{
    for (uint32_t i = 0; i < GROUP; i++) {
        if (planes->packed) {
            const uint64_t late = persons[i].events >> LATE;
            words[i] = persons[i].starts << planes->starts_at |
                       (persons[i].events & ~((uint64_t)1 << LATE)) << planes->events_at |
                       late << planes->late_at | persons[i].again << planes->again_at;
            continue;
        }
        words[planes->starts_at + i] = persons[i].starts;
        words[planes->events_at + i] = persons[i].events;
        words[planes->again_at + i] = persons[i].again;
    }
    for (uint32_t at = 0; at < (planes->packed ? GROUP : WORDS_MAX); at += GROUP)
        rc_words_turn(words + at);
}

/* Leaves each person the first cohort. */
static void
leave_first(const struct rc_retention_planes *planes, uint64_t *words)
{
    uint64_t seen = 0;
    for (uint32_t cohort = 0; cohort < planes->retention->cohort_count; cohort++) {
        uint64_t *starts = &words[planes->starts_at + cohort];
        const uint64_t here = *starts;
        *starts &= ~seen;
        seen |= here;
    }
}

/* The persons who have a return n periods after a start in a cohort. */
static inline uint64_t
returned(const struct rc_retention_planes *planes,
         const uint64_t *words,
         uint32_t cohort,
         uint32_t n)
{
    return n == 0 ? words[planes->again_at + cohort] : words[planes->events_at + cohort + n];
}

/* on_or_after: each person in the column of its last return. */
static inline __attribute__((always_inline)) void
count_last(const struct rc_retention_planes *planes,
           const uint64_t *words,
           uint32_t cohort,
           uint64_t starts,
           uint32_t *cells)
{
    const struct rc_retention *retention = planes->retention;
    uint64_t left = starts & ~words[planes->late_at];
    cells[retention->last] += (uint32_t)__builtin_popcountll(starts & words[planes->late_at]);
    for (uint32_t n = retention->period_count - cohort; n-- > 0 && left != 0;) {
        const uint64_t found = left & returned(planes, words, cohort, n);
        cells[n < retention->last ? n : retention->last] += (uint32_t)__builtin_popcountll(found);
        left &= ~found;
    }
}

static inline __attribute__((always_inline)) void
count_brackets(const struct rc_retention_planes *planes,
               const uint64_t *words,
               uint32_t cohort,
               uint64_t starts,
               uint32_t *cells)
{
    const struct rc_retention *retention = planes->retention;
    const bool or_after = retention->request->on_or_after;
    const uint32_t end = retention->period_count - cohort;
    for (uint32_t column = 0; column < retention->column_count; column++) {
        const struct rc_retention_bracket *bracket = &retention->columns[column];
        const uint32_t stop = or_after || bracket->last >= end ? end : bracket->last + 1;
        uint64_t found = or_after ? words[planes->late_at] : 0;
        for (uint32_t n = bracket->first; n < stop; n++)
            found |= returned(planes, words, cohort, n);
        cells[column] += (uint32_t)__builtin_popcountll(starts & found);
    }
}

static inline __attribute__((always_inline)) void
count_words(const struct rc_retention_planes *planes,
            const uint64_t *words,
            struct rc_retention_lane *lane)
{
    const struct rc_retention *retention = planes->retention;
    for (uint32_t cohort = 0; cohort < retention->cohort_count; cohort++) {
        const uint64_t starts = words[planes->starts_at + cohort];
        uint32_t *cells = lane->cells + (size_t)cohort * retention->column_count;
        if (starts == 0)
            continue;
        lane->sizes[cohort] += (uint32_t)__builtin_popcountll(starts);
        if (!retention->plain_columns)
            count_brackets(planes, words, cohort, starts, cells);
        else if (retention->request->on_or_after)
            count_last(planes, words, cohort, starts, cells);
        else
            for (uint32_t n = 0; n <= retention->last; n++)
                cells[n] +=
                    (uint32_t)__builtin_popcountll(starts & returned(planes, words, cohort, n));
    }
}

#if defined(__x86_64__)

/* The build's baseline has no instruction that counts bits. */
__attribute__((target("popcnt"))) static void
count_popcnt(const struct rc_retention_planes *planes,
             const uint64_t *words,
             struct rc_retention_lane *lane)
{
    count_words(planes, words, lane);
}

#define HAS_POPCNT __builtin_cpu_supports("popcnt")

#else

#define count_popcnt count_words
#define HAS_POPCNT false

#endif

void
rc_retention_count_group(const struct rc_retention_planes *planes,
                         uint64_t *words,
                         struct rc_retention_lane *lane)
{
    if (!rc_words_any(words + planes->starts_at, planes->retention->cohort_count))
        return;
    if (planes->retention->request->cohort != RC_COHORT_RECURRING)
        leave_first(planes, words);
    if (HAS_POPCNT)
        count_popcnt(planes, words, lane);
    else
        count_words(planes, words, lane);
}

void
rc_retention_count(const struct rc_retention_planes *planes,
                   const struct rc_retention_person *persons,
                   uint32_t count,
                   struct rc_retention_lane *lane)
{
    for (uint32_t at = 0; at < count; at += GROUP) {
        uint64_t words[WORDS_MAX];
        turn_group(planes, persons + at, words);
        rc_retention_count_group(planes, words, lane);
    }
}
