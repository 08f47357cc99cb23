/* Retention, beginners: the starts are dealt to persons by counting, and sorted where a person has
 * several. */
#include "engine/query/retention/retention_beginners.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"
#include "engine/query/walk/hits.h"

/* A start as it was found. */
struct found {
    struct rc_hit hit;
    uint32_t person;
};

struct lane {
    struct rc_account *account;
    struct found *found;
    uint32_t count;
    size_t capacity;
};

struct lanes {
    uint32_t count;
    struct lane *lanes;
};

static void
lanes_close(struct lanes *lanes)
{
    for (uint32_t i = 0; i < lanes->count; i++)
        rc_alloc_free(lanes->lanes[i].found);
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    RC_TRY(RC_GROW_IN(lane->account, lane->found, lane->capacity, (size_t)lane->count + count));
    for (uint32_t i = 0; i < count; i++)
        lane->found[lane->count++] =
            (struct found){.hit = hits[i], .person = rc_walk_person(block, slots[i])};
    return RC_OK;
}

static enum rc_status
walk_starts(const struct rc_retention *retention, struct lanes *lanes, uint64_t *hit_count)
{
    struct rc_plan plan;
    struct rc_arena *arena = retention->context->arena;
    RC_TRY(rc_plan_narrow(retention->plan, retention->start_bit, &plan));
    lanes->lanes = RC_ARENA_ARRAY(arena, struct lane, retention->lane_count);
    void **states = RC_ARENA_ARRAY(arena, void *, retention->lane_count);
    if (lanes->lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    lanes->count = retention->lane_count;
    for (uint32_t i = 0; i < lanes->count; i++) {
        lanes->lanes[i].account = retention->context->account;
        states[i] = &lanes->lanes[i];
    }
    const struct rc_fold fold = {
        .purpose = "users who begin",
        .lane_count = lanes->count,
        .lanes = states,
        .hits = fold_hits,
    };
    return rc_walk(&plan, &fold, hit_count);
}

/* Marks the persons and numbers them. */
static enum rc_status
number_persons(struct rc_retention_beginners *beginners, const struct lanes *lanes)
{
    const struct rc_query_context *context = beginners->retention->context;
    const size_t word_count = (size_t)rc_view_user_count(context->view) / 64 + 1;
    beginners->marked = RC_ARENA_ARRAY(context->arena, uint64_t, word_count);
    beginners->ranks = rc_alloc_in(context->account, word_count * sizeof(*beginners->ranks));
    if (beginners->marked == NULL || beginners->ranks == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lanes->count; i++)
        for (uint32_t k = 0; k < lanes->lanes[i].count; k++) {
            const uint32_t person = lanes->lanes[i].found[k].person;
            beginners->marked[person / 64] |= (uint64_t)1 << (person % 64);
        }
    beginners->count = rc_words_rank(beginners->marked, word_count, beginners->ranks);
    return RC_OK;
}

static enum rc_status
open_persons(struct rc_retention_beginners *beginners, size_t start_count)
{
    struct rc_account *account = beginners->retention->context->account;
    const uint32_t group = RC_RETENTION_GROUP;
    beginners->slot_count = (beginners->count + group - 1) / group * group;
    const size_t slots = (size_t)beginners->slot_count + 1;
    beginners->persons = rc_alloc_in(account, slots * sizeof(*beginners->persons));
    beginners->spans = rc_alloc_in(account, slots * sizeof(*beginners->spans));
    beginners->begins = rc_alloc_in(account, slots * sizeof(*beginners->begins));
    beginners->starts = rc_alloc_in(account, (start_count + 1) * sizeof(*beginners->starts));
    if (beginners->persons == NULL || beginners->spans == NULL || beginners->begins == NULL ||
        beginners->starts == NULL)
        return RC_NO_MEMORY;
    memset(beginners->persons, 0, slots * sizeof(*beginners->persons));
    memset(beginners->begins, 0, slots * sizeof(*beginners->begins));
    return RC_OK;
}

/* Deals the starts to their persons; begins then are the ends of what a person has. */
static enum rc_status
deal(struct rc_retention_beginners *beginners, const struct lanes *lanes, size_t start_count)
{
    uint32_t sum = 0;
    RC_TRY(open_persons(beginners, start_count));
    for (uint32_t i = 0; i < lanes->count; i++)
        for (uint32_t k = 0; k < lanes->lanes[i].count; k++)
            beginners->begins[rc_retention_beginners_index(beginners,
                                                           lanes->lanes[i].found[k].person)]++;
    for (uint32_t i = 0; i < beginners->count; i++) {
        const uint32_t count = beginners->begins[i];
        beginners->begins[i] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < lanes->count; i++)
        for (uint32_t k = 0; k < lanes->lanes[i].count; k++) {
            const struct found *found = &lanes->lanes[i].found[k];
            const uint32_t beginner = rc_retention_beginners_index(beginners, found->person);
            beginners->starts[beginners->begins[beginner]++] = found->hit;
        }
    return RC_OK;
}

/* Leaves the first start of each cohort that a person is in; how many. */
static uint32_t
choose_starts(const struct rc_retention *retention,
              struct rc_retention_person *person,
              struct rc_hit *starts,
              uint32_t count,
              struct rc_hit *scratch)
{
    const bool once = retention->request->cohort != RC_COHORT_RECURRING;
    uint32_t chosen = 0;
    if (count > 1)
        rc_hits_sort(retention->context->view, starts, count, scratch);
    /* Only first_time reads starts before the range: such a person has no cohort. */
    if (starts[0].time_ms < retention->request->scope.start_ms)
        return 0;
    for (uint32_t i = 0; i < count && (i == 0 || !once); i++) {
        const uint64_t bit = (uint64_t)1 << rc_bucket_map_find(&retention->map, starts[i].time_ms);
        if ((person->starts & bit) != 0)
            continue;
        person->starts |= bit;
        starts[chosen++] = starts[i];
    }
    return chosen;
}

static enum rc_status
choose_all(struct rc_retention_beginners *beginners, size_t start_count)
{
    RC_CLEANUP(rc_alloc_freep)
    struct rc_hit *scratch =
        rc_alloc_in(beginners->retention->context->account, (start_count + 1) * sizeof(*scratch));
    uint32_t begin = 0;
    if (scratch == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < beginners->count; i++) {
        const uint32_t end = beginners->begins[i];
        beginners->begins[i] = begin;
        (void)choose_starts(beginners->retention, &beginners->persons[i], beginners->starts + begin,
                            end - begin, scratch);
        begin = end;
    }
    return RC_OK;
}

enum rc_status
rc_retention_beginners_find(const struct rc_retention *retention,
                            struct rc_retention_beginners *ret_beginners,
                            uint64_t *hit_count)
{
    RC_CLEANUP(lanes_close) struct lanes lanes = {0};
    struct rc_retention_beginners *beginners = ret_beginners;
    size_t start_count = 0;
    *beginners = (struct rc_retention_beginners){.retention = retention};
    RC_TRY(walk_starts(retention, &lanes, hit_count));
    for (uint32_t i = 0; i < lanes.count; i++)
        start_count += lanes.lanes[i].count;
    RC_TRY(number_persons(beginners, &lanes));
    RC_TRY(deal(beginners, &lanes, start_count));
    return choose_all(beginners, start_count);
}

void
rc_retention_beginners_span(struct rc_retention_beginners *beginners,
                            const struct rc_retention_times *times)
{
    const struct rc_retention *retention = beginners->retention;
    for (uint32_t i = 0; i < beginners->count; i++) {
        const uint64_t starts = beginners->persons[i].starts;
        struct rc_retention_span *span = &beginners->spans[i];
        *span = (struct rc_retention_span){.from_ms = INT64_MAX, .until_ms = INT64_MIN};
        if (starts == 0)
            continue;
        const uint32_t last = 63 - (uint32_t)__builtin_clzll(starts) + retention->last;
        span->from_ms = beginners->starts[beginners->begins[i]].time_ms;
        span->until_ms = times->until_ms;
        if (!retention->request->on_or_after && last < retention->period_count &&
            retention->periods[last].end_ms < times->until_ms)
            span->until_ms = retention->periods[last].end_ms;
    }
}

void
rc_retention_beginners_close(struct rc_retention_beginners *beginners)
{
    rc_alloc_free(beginners->ranks);
    rc_alloc_free(beginners->persons);
    rc_alloc_free(beginners->spans);
    rc_alloc_free(beginners->begins);
    rc_alloc_free(beginners->starts);
}
