/*
 * Entity events. The events of an entity lie anywhere, so lanes that count do it for themselves and
 * are added up; there are fewer of them where the entities are so many that their counters would be
 * what a query takes most.
 */
#include "engine/query/list/entity_events.h"

#include "engine/match/rows/words.h"
#include "engine/query/walk/walk.h"

#define COUNTERS_MAX ((uint64_t)4 << 20) /* Of more lanes than one: 96 MiB. */

struct lane {
    const struct rc_groups *groups;
    uint64_t *set;                  /* Of those who mark: of all lanes. */
    struct rc_person_events events; /* Of those who count. */
};

static enum rc_status
mark_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    const struct lane *lane = state;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t group_count;
        const uint32_t set = rc_groups_of(lane->groups, 0, &hits[i]);
        const uint32_t *groups = rc_groups_list(lane->groups, &set, &group_count);
        for (uint32_t g = 0; g < group_count; g++)
            rc_walk_mark(lane->set, groups[g]);
    }
    return RC_OK;
}

static enum rc_status
count_hits(void *state,
           const struct rc_walk_block *block,
           const struct rc_hit *hits,
           const uint32_t *slots,
           uint32_t count)
{
    const struct lane *lane = state;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t group_count;
        const uint32_t set = rc_groups_of(lane->groups, 0, &hits[i]);
        const uint32_t *groups = rc_groups_list(lane->groups, &set, &group_count);
        for (uint32_t g = 0; g < group_count; g++)
            if (rc_words_has(lane->events.persons, groups[g]))
                rc_person_event_add(rc_person_events_of(&lane->events, groups[g]), hits[i].time_ms);
    }
    return RC_OK;
}

/* A walk with so many lanes. */
static enum rc_status
walk(struct rc_plan *plan,
     struct lane *lanes,
     uint32_t lane_count,
     enum rc_status (*hits)(void *lane,
                            const struct rc_walk_block *block,
                            const struct rc_hit *hits,
                            const uint32_t *slots,
                            uint32_t count),
     struct rc_query_stats *stats)
{
    void **states = RC_ARENA_ARRAY(plan->context->arena, void *, lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++)
        states[i] = &lanes[i];
    const struct rc_fold fold = {.purpose = "events of the entities listed",
                                 .anonymous = true,
                                 .lane_count = lane_count,
                                 .lanes = states,
                                 .hits = hits};
    return rc_walk(plan, &fold, &stats->matched_events);
}

enum rc_status
rc_entity_events_mark(struct rc_plan *plan,
                      const struct rc_groups *groups,
                      uint64_t *set,
                      struct rc_query_stats *stats)
{
    const uint32_t lane_count = plan->context->parallel_max;
    struct lane *lanes = RC_ARENA_ARRAY(plan->context->arena, struct lane, lane_count);
    if (lanes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++)
        lanes[i] = (struct lane){.groups = groups, .set = set};
    RC_TRY(walk(plan, lanes, lane_count, mark_hits, stats));
    set[RC_GROUP_NULL / 64] &= ~((uint64_t)1 << (RC_GROUP_NULL % 64));
    return RC_OK;
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
    struct rc_arena *arena = plan->context->arena;
    uint32_t lane_count = plan->context->parallel_max;
    while (lane_count > 1 && lane_count * count > COUNTERS_MAX)
        lane_count--;
    struct lane *lanes = RC_ARENA_ARRAY(arena, struct lane, lane_count);
    if (lanes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++) {
        lanes[i].groups = groups;
        RC_TRY(rc_person_events_open(arena, set, (size_t)rc_groups_count(groups) / 64 + 1,
                                     &lanes[i].events));
    }
    RC_TRY(walk(plan, lanes, lane_count, count_hits, stats));
    for (uint32_t i = 1; i < lane_count; i++)
        for (uint64_t k = 0; k < count; k++)
            add_counts(&lanes[0].events.counts[k], &lanes[i].events.counts[k]);
    *ret_events = lanes[0].events;
    return RC_OK;
}
