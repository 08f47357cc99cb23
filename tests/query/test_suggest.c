/*
 * Suggestions over a whole small project: the counts and the comparison of sets against a slow
 * twin, and of every event that it is selected by all that is suggested for it, from the specific
 * to the general. What is suggested for which event is the business of tests/oracle/suggest.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/suggest/selector_sets.h"
#include "engine/query/suggest/suggest.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 60u

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

static void
set_seed(void)
{
    random_state = test_number("RC_TEST_SEED", 4716);
    print_message("seed %llu\n", (unsigned long long)random_state);
}

/* ---- Sets ------------------------------------------------------------------------------------ */

#define SELECTORS 9u

static void
compare_sets(struct rig *rig)
{
    struct rig_selector selectors[SELECTORS];
    struct rc_plan_selector planned[SELECTORS];
    struct rc_selector_sets sets, expected = {0};
    uint64_t masks[RIG_USERS] = {0}, hits = 0, found = 0;
    const struct rc_query_context context = rig_context(rig, 1 + below(2));
    const int64_t as_of_ms = RIG_START_MS + (int64_t)below(90) * RIG_DAY_MS;
    for (uint32_t i = 0; i < SELECTORS; i++) {
        selectors[i] =
            i > 0 && below(3) == 0 ? selectors[below(i)] : rig_random_selector(&random_state);
        planned[i] = (struct rc_plan_selector){.predicate = rig_predicate(rig, &selectors[i]),
                                               .field = "x",
                                               .from_ms = RIG_START_MS,
                                               .until_ms = as_of_ms + 1};
    }
    for (uint32_t i = 0; i < rig->event_count; i++) {
        const struct rig_event *event = &rig->events[i];
        uint64_t mask = 0;
        if (event->time_ms > as_of_ms)
            continue;
        for (uint32_t k = 0; k < SELECTORS; k++)
            mask |= (uint64_t)rig_selects(rig, &selectors[k], event, as_of_ms) << k;
        masks[event->person] |= mask;
        hits += mask != 0;
        for (uint32_t k = 0; k < SELECTORS; k++) {
            expected.events[k] += mask >> k & 1;
            expected.apart[k] |= (mask >> k & 1) != 0 ? ~mask : 0;
        }
    }
    for (uint32_t person = 0; person < RIG_USERS; person++)
        for (uint32_t k = 0; k < SELECTORS; k++)
            expected.users[k] += masks[person] >> k & 1;
    struct rc_plan *plan = NULL;
    assert_int_equal(rc_plan_new(&context, as_of_ms, NULL, planned, SELECTORS, &plan, NULL), RC_OK);
    assert_int_equal(rc_selector_sets_count(plan, &sets, &found), RC_OK);
    rc_plan_free(plan);
    assert_int_equal(found, hits);
    assert_memory_equal(&sets, &expected, sizeof(sets));
    for (uint32_t i = 0; i < SELECTORS; i++) {
        assert_true(rc_selector_sets_same(&sets, i, i));
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(&selectors[i], &selectors[k], sizeof(selectors[i])) == 0)
                assert_true(rc_selector_sets_same(&sets, i, k));
    }
}

static void
sets_against_a_slow_twin(void **state)
{
    (void)state;
    set_seed();
    for (uint32_t round = 0; round < ROUNDS; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 3; i++)
            compare_sets(rig);
        rig_free(rig);
    }
}

/* ---- Suggestions ----------------------------------------------------------------------------- */

/* Whether a suggestion selects an event: an AND of equalities with a name and a price. */
static bool
selects(const struct rc_predicate *predicate, const struct rig_event *event)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    if (predicate->kind == RC_PREDICATE_ALL_OF) {
        for (uint32_t i = 0; i < predicate->child_count; i++)
            if (!selects(predicate->children[i], event))
                return false;
        return true;
    }
    assert_int_equal(predicate->kind, RC_PREDICATE_LEAF);
    assert_int_equal(predicate->leaf.operator, RC_LEAF_IN);
    const struct rc_value value = predicate->leaf.values[0];
    if (rc_bytes_equal(predicate->leaf.property, RC_BYTES_LITERAL("name")))
        return event->name < RIG_NAMES &&
               rc_bytes_equal(value.string, rc_bytes_of(names[event->name]));
    assert_true(rc_bytes_equal(predicate->leaf.property, RC_BYTES_LITERAL("price")));
    if (value.kind == RC_VALUE_DOUBLE)
        return event->price == 6;
    if (value.kind == RC_VALUE_BOOL) /* No text, but a property all the same. */
        return event->price == 4;
    if (value.kind == RC_VALUE_INT || rc_bytes_equal(value.string, RC_BYTES_LITERAL("1.0")))
        return event->price == 1 || event->price == 2;
    assert_true(rc_bytes_equal(value.string, RC_BYTES_LITERAL("x")));
    return event->price == 3 || event->price == 5;
}

static void
ask_about(struct rig *rig, const struct rig_event *event)
{
    char id[24], user[16];
    struct rc_suggest_reply reply;
    const struct rc_query_context context = rig_context(rig, 1 + below(2));
    const struct rc_bytes event_id = rc_event_id_text(&event->id, id);
    const int size = snprintf(user, sizeof(user), "u%u", (event->user * 37) % 100);
    struct rc_suggest_request request = {
        .scope = {.start_ms = RIG_START_MS,
                  .end_ms = RIG_START_MS + RIG_SPAN_MS,
                  .as_of_ms = RIG_START_MS + RIG_SPAN_MS},
        .has_range = true,
        .user_id = {user, (size_t)size},
        .event_id = event_id,
        .facts =
            {[RC_FACT_TYPE] = RC_BYTES_LITERAL("name"), [RC_FACT_TEXT] = RC_BYTES_LITERAL("price")},
        .limit = RC_SUGGESTIONS_MAX};
    assert_int_equal(rc_query_suggest(&context, &request, &reply, NULL), RC_OK);
    assert_true(rc_bytes_equal(reply.event.place.event_id, event_id));
    assert_int_equal(reply.event.place.time_ms, event->time_ms);
    for (uint32_t i = 0; i < reply.suggestion_count; i++) {
        const struct rc_suggestion *one = &reply.suggestions[i];
        uint64_t count = 0;
        for (uint32_t k = 0; k < rig->event_count; k++)
            count += selects(one->predicate, &rig->events[k]);
        assert_int_equal(one->events, count);
        assert_true(selects(one->predicate, event));
        assert_true(i == 0 || reply.suggestions[i - 1].events <= one->events);
    }
    const bool nothing = event->name == RIG_NAMES && event->price == 0;
    assert_int_equal(reply.suggestion_count == 0, nothing);
    if (reply.suggestion_count > 1) {
        struct rc_suggest_reply first;
        request.limit = 1;
        assert_int_equal(rc_query_suggest(&context, &request, &first, NULL), RC_OK);
        assert_int_equal(first.suggestion_count, 1);
        assert_true(rc_bytes_equal(first.suggestions[0].label, reply.suggestions[0].label));
    }
}

static void
every_one_selects_the_event(void **state)
{
    (void)state;
    set_seed();
    for (uint32_t round = 0; round < 8; round++) {
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; rig->event_count > 0 && i < 40; i++) {
            const struct rig_event *event = &rig->events[below(rig->event_count)];
            if (event->id.kind == RC_EVENT_ID_INT) /* Of the others several share one, in a rig. */
                ask_about(rig, event);
        }
        rig_free(rig);
    }
}

static void
bad_requests_name_the_field(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct rc_error error;
    struct rig *rig = rig_new(&seed);
    const struct rc_query_context context = rig_context(rig, 2);
    struct rc_suggest_reply reply;
    struct rc_suggest_request request = {
        .scope = {.start_ms = 0, .end_ms = RIG_START_MS, .as_of_ms = RIG_START_MS + RIG_SPAN_MS},
        .user_id = RC_BYTES_LITERAL("nobody"),
        .event_id = RC_BYTES_LITERAL("none")};
    assert_int_equal(rc_query_suggest(&context, &request, &reply, &error), RC_INVALID);
    assert_string_equal(error.field, "limit");
    request.limit = RC_SUGGESTIONS_MAX + 1;
    assert_int_equal(rc_query_suggest(&context, &request, &reply, &error), RC_INVALID);
    request.limit = RC_SUGGESTIONS_MAX;
    assert_int_equal(rc_query_suggest(&context, &request, &reply, &error), RC_NOT_FOUND);
    assert_string_equal(error.field, "user");
    request.user_id = RC_BYTES_LITERAL("u0");
    assert_int_equal(rc_query_suggest(&context, &request, &reply, &error), RC_NOT_FOUND);
    assert_string_equal(error.field, "event_id");
    request.scope.end_ms = 0;
    assert_int_equal(rc_query_suggest(&context, &request, &reply, &error), RC_INVALID);
    assert_string_equal(error.field, "scope.range.end_ms");
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_against_a_slow_twin),
        cmocka_unit_test(every_one_selects_the_event),
        cmocka_unit_test(bad_requests_name_the_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
