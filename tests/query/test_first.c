/* First events of a whole small project against a slow twin: which rows they are, in slabs and in
 * heads, of everybody and of some, with one thread and two; and what a small account refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/list/users.h"
#include "engine/query/walk/first.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 150u

static uint64_t random_state;

/* The time of a person's first event that a selector matches; INT64_MIN: there is none. */
static int64_t
first_of(const struct rig *rig,
         const struct rig_selector *selector,
         uint32_t person,
         int64_t as_of_ms,
         struct rc_event_id *ret_id)
{
    for (uint32_t i = 0; i < rig->event_count; i++) {
        const struct rig_event *event = &rig->events[i];
        if (event->person == person && event->time_ms <= as_of_ms &&
            rig_selects(rig, selector, event, as_of_ms)) {
            *ret_id = event->id;
            return event->time_ms;
        }
    }
    return INT64_MIN;
}

/* Takes a row that is said to be first; true: it is that of its person. */
static void
expect_row(const struct rig *rig,
           const struct rig_selector *selector,
           int64_t as_of_ms,
           const struct rc_hit *hit,
           uint32_t *found)
{
    struct rc_event_id id = {0};
    const uint32_t person = rc_view_person_of(rig->view, rc_hit_user(rig->view, hit));
    const int64_t time_ms = first_of(rig, selector, person, as_of_ms, &id);
    const struct rc_event_id mine = rc_hit_event_id(rig->view, hit);
    assert_int_not_equal(time_ms, INT64_MIN);
    assert_int_equal(rc_event_id_compare(&id, &mine), 0);
    found[person]++;
}

static void
one_round(struct rig *rig)
{
    uint32_t count;
    uint32_t found[RIG_USERS] = {0};
    const struct rig_selector selector = rig_random_selector(&random_state);
    const int64_t as_of_ms =
        RIG_START_MS + (int64_t)(rig_random(&random_state) % (RIG_SPAN_MS + RIG_DAY_MS));
    const struct rc_query_context context =
        rig_context(rig, 1 + (uint32_t)(rig_random(&random_state) % 2));
    RC_CLEANUP(rc_first_freep) struct rc_first *first = NULL;
    assert_int_equal(
        rc_first_new(&context, as_of_ms, NULL, rig_predicate(rig, &selector), &first, NULL), RC_OK);
    rc_view_slabs(rig->view, &count);
    for (uint32_t slab = 0; slab < count; slab++) {
        const struct rc_rowset *set = rc_first_slab(first, slab);
        uint32_t cursor = 0;
        uint32_t row;
        while (set != NULL && rc_rowset_read(set, &cursor, UINT32_MAX, &row, 1) == 1)
            expect_row(rig, &selector, as_of_ms, &(struct rc_hit){.source = slab, .row = row},
                       found);
    }
    rc_view_chunks(rig->view, &count);
    for (uint32_t chunk = 0; chunk < count; chunk++) {
        uint64_t words[RC_CHUNK_ROWS / 64];
        memset(words, 0xff, sizeof(words));
        rc_first_restrict_chunk(first, chunk, words);
        for (uint32_t row = 0; row < RC_CHUNK_ROWS; row++)
            if (((words[row / 64] >> (row % 64)) & 1) != 0)
                expect_row(rig, &selector, as_of_ms,
                           &(struct rc_hit){.source = RC_SOURCE_CHUNK | chunk, .row = row}, found);
    }
    for (uint32_t user = 0; user < RIG_USERS; user++) {
        struct rc_event_id id;
        const bool has =
            rig->person[user] == user && first_of(rig, &selector, user, as_of_ms, &id) != INT64_MIN;
        assert_int_equal(found[user], has ? 1 : 0);
    }
}

static void
against_a_slow_twin(void **state)
{
    (void)state;
    random_state = test_number("RC_TEST_SEED", 815);
    print_message("seed %llu\n", (unsigned long long)random_state);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + (uint32_t)(round % 100);
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 4; i++)
            one_round(rig);
        rig_free(rig);
    }
}

/* Counts the events of a selector. */
static enum rc_status
count_users(const struct rc_query_context *context,
            const struct rc_predicate *selector,
            struct rc_error *error)
{
    struct rc_users_reply reply;
    const struct rc_users_request request = {.scope = {.start_ms = RIG_START_MS,
                                                       .end_ms = RIG_START_MS + RIG_SPAN_MS,
                                                       .as_of_ms = RIG_START_MS + RIG_SPAN_MS},
                                             .selector = selector,
                                             .page_rows = 10};
    return rc_query_users(context, &request, &reply, error);
}

static void
where_it_may_stand(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct rc_error error;
    struct rig *rig = rig_new(&seed);
    struct rc_query_context context = rig_context(rig, 2);
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_predicate *const base[] = {&any};
    const struct rc_predicate first = {
        .kind = RC_PREDICATE_FIRST, .child_count = 1, .children = base};
    const struct rc_predicate *const beside[] = {&first, &any};
    const struct rc_predicate filtered = {
        .kind = RC_PREDICATE_ALL_OF, .child_count = 2, .children = beside};
    const struct rc_predicate *const nested[] = {&first};
    const struct rc_predicate inverse = {
        .kind = RC_PREDICATE_NOT, .child_count = 1, .children = nested};
    const struct rc_predicate twice = {
        .kind = RC_PREDICATE_FIRST, .child_count = 1, .children = nested};
    assert_int_equal(count_users(&context, &first, &error), RC_OK);
    assert_int_equal(count_users(&context, &filtered, &error), RC_OK);
    assert_int_equal(count_users(&context, &inverse, &error), RC_INVALID);
    assert_int_equal(count_users(&context, &twice, &error), RC_INVALID);
    const _Atomic(bool) cancel = true;
    context.cancel = &cancel;
    assert_int_equal(count_users(&context, &first, &error), RC_CANCELLED);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_a_slow_twin),
        cmocka_unit_test(where_it_may_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
