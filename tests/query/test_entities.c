/* Entities of a whole small project against a slow twin: which hits each value of a property is
 * fed, in which order, in one round or in many, by folds of all three kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/plan/plan.h"
#include "engine/query/walk/entities.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 120u
#define LANES_MAX 3u
#define VALUES 5u /* Of "price": 1, "x", "y", true, 2.5. */

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

/* Which values the price of an event has: a bit each. */
static uint32_t
values_of(const struct rig_event *event)
{
    static const uint32_t values[] = {0, 1, 1, 2, 8, 2 | 4, 16};
    return values[event->price];
}

/* The first event of the same user, time and id: those of equal content are told apart by nothing.
 */
static uint32_t
first_equal(const struct rig *rig, uint32_t index)
{
    const struct rig_event *event = &rig->events[index];
    while (index > 0 && rig->events[index - 1].user == event->user &&
           rig->events[index - 1].time_ms == event->time_ms &&
           rc_event_id_compare(&rig->events[index - 1].id, &event->id) == 0)
        index--;
    return index;
}

static const struct rig *sorted_rig;

static int
compare_events(const void *a, const void *b)
{
    const struct rig_event *x = &sorted_rig->events[*(const uint32_t *)a];
    const struct rig_event *y = &sorted_rig->events[*(const uint32_t *)b];
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    const int order = rc_event_id_compare(&x->id, &y->id);
    return order != 0 ? order
                      : rc_bytes_compare(rc_view_user_id(sorted_rig->view, x->user),
                                         rc_view_user_id(sorted_rig->view, y->user));
}

/* What was fed: events of the rig, by entity. A fold that is not told whose they are feeds 0. */
struct fed {
    uint32_t counts[RIG_EVENTS_MAX];
    uint32_t events[RIG_EVENTS_MAX][RIG_EVENTS_MAX];
};

static const struct rig *fed_rig;

static void
feed(struct fed *fed, uint32_t entity, const struct rc_hit *hit)
{
    const struct rc_event_id id = rc_hit_event_id(fed_rig->view, hit);
    const uint32_t user = rc_hit_user(fed_rig->view, hit);
    uint32_t at = 0;
    while (at < fed_rig->event_count &&
           (fed_rig->events[at].user != user || fed_rig->events[at].time_ms != hit->time_ms ||
            rc_event_id_compare(&fed_rig->events[at].id, &id) != 0))
        at++;
    assert_true(at < fed_rig->event_count);
    assert_true(entity < RIG_EVENTS_MAX && fed->counts[entity] < RIG_EVENTS_MAX);
    fed->events[entity][fed->counts[entity]++] = at;
}

static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct fed *fed = state;
    assert_int_equal(fed->counts[person], 0);
    for (uint32_t i = 0; i < count; i++)
        feed(fed, person, &hits[i]);
    return RC_OK;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(slots[i] < block->slot_count);
        feed(state, rc_walk_person(block, slots[i]), &hits[i]);
    }
    return RC_OK;
}

/* Events of the rig that should be fed for a value, in total order. */
static uint32_t
expected_of(const struct rig *rig,
            const struct rig_selector *selectors,
            uint32_t selector_count,
            uint64_t required,
            uint32_t value,
            uint32_t *events)
{
    uint32_t count = 0;
    bool any = required == 0;
    for (uint32_t i = 0; i < rig->event_count; i++) {
        uint64_t mask = 0;
        for (uint32_t s = 0; s < selector_count; s++)
            if (rig_selects(rig, &selectors[s], &rig->events[i], RIG_START_MS + RIG_SPAN_MS))
                mask |= (uint64_t)1 << s;
        if (mask == 0 || ((values_of(&rig->events[i]) >> value) & 1) == 0)
            continue;
        any = any || (mask & required) != 0;
        events[count++] = first_equal(rig, i);
    }
    sorted_rig = rig;
    qsort(events, count, sizeof(*events), compare_events);
    return any ? count : 0;
}

static int
compare_numbers(const void *a, const void *b)
{
    return (int)*(const uint32_t *)a - (int)*(const uint32_t *)b;
}

/* One of the entities that were fed is this one; it is crossed out. */
static void
take_entity(struct fed *fed, uint32_t *events, uint32_t count, bool ordered)
{
    for (uint32_t entity = 0; entity < RIG_EVENTS_MAX; entity++) {
        if (fed->counts[entity] != count)
            continue;
        if (!ordered) {
            qsort(events, count, sizeof(*events), compare_numbers);
            qsort(fed->events[entity], count, sizeof(*events), compare_numbers);
        }
        if (memcmp(fed->events[entity], events, count * sizeof(*events)) == 0) {
            fed->counts[entity] = 0;
            return;
        }
    }
    fail_msg("no entity with these %u events", count);
}

static void
one_round(struct rig *rig)
{
    static struct fed fed;
    static uint32_t events[VALUES * RIG_EVENTS_MAX];
    const struct rc_query_context context = rig_context(rig, 2);
    struct rig_selector selectors[2];
    struct rc_plan_selector asked[2] = {0};
    const uint32_t selector_count = 1 + below(2);
    for (uint32_t i = 0; i < selector_count; i++) {
        selectors[i] = rig_random_selector(&random_state);
        asked[i].predicate = rig_predicate(rig, &selectors[i]);
        asked[i].from_ms = INT64_MIN;
        asked[i].until_ms = INT64_MAX;
    }
    const struct rc_counted counted = {.entity = RC_BYTES_LITERAL("price")};
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    assert_int_equal(rc_plan_counted(&context, RIG_START_MS + RIG_SPAN_MS, &counted, asked,
                                     selector_count, &plan, NULL),
                     RC_OK);
    const bool ordered = below(2) == 0;
    const bool anonymous = !ordered && below(2) == 0;
    void *states[LANES_MAX] = {&fed, &fed, &fed};
    const struct rc_fold fold = {
        .ordered = ordered,
        .anonymous = anonymous,
        .required = anonymous ? 0 : below(2),
        .slots_max = below(2) == 0 ? 0 : 1 + below(3),
        .lane_count = anonymous ? 1 : 1 + below(LANES_MAX),
        .lanes = states,
        .hits = ordered ? NULL : fold_hits,
        .person = ordered ? fold_person : NULL,
    };
    uint64_t hit_count = 0;
    uint64_t wanted = 0;
    memset(&fed, 0, sizeof(fed));
    fed_rig = rig;
    rc_entities_round_hits = below(2) == 0 ? 1 + below(200) : (uint32_t)4 << 20;
    assert_int_equal(rc_walk(plan, &fold, &hit_count), RC_OK);
    for (uint32_t value = 0; value < VALUES; value++) {
        uint32_t *mine = anonymous ? events + wanted : events;
        const uint32_t count =
            expected_of(rig, selectors, selector_count, fold.required, value, mine);
        wanted += count;
        if (!anonymous && count > 0)
            take_entity(&fed, mine, count, ordered);
    }
    assert_int_equal(hit_count, wanted);
    if (anonymous && wanted > 0)
        take_entity(&fed, events, (uint32_t)wanted, false);
    for (uint32_t entity = 0; entity < RIG_EVENTS_MAX; entity++)
        assert_int_equal(fed.counts[entity], 0);
}

static void
against_a_slow_twin(void **state)
{
    (void)state;
    random_state = test_number("RC_TEST_SEED", 1609);
    print_message("seed %llu\n", (unsigned long long)random_state);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 4; i++)
            one_round(rig);
        rig_free(rig);
    }
    rc_entities_round_hits = (uint32_t)4 << 20;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_a_slow_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
