/*
 * Replacement, sealing and merging below the engine, where each can be done by itself: whatever
 * lies in the newest head, in one that waits, in slabs, and whatever dies while a slab of it is
 * built, the live rows are those of the twin.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/intake/apply.h"
#include "engine/intake/merge.h"
#include "engine/intake/seal.h"
#include "tests/face/engine_rig.h"

#define SEED 7000u
#define HEAD_ROWS 150u

static struct rc_project *
new_project(void)
{
    struct rc_project *project = NULL;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("shop"), .version = 1};
    assert_int_equal(rc_project_new(&settings, &rc_account_process, HEAD_ROWS, &project), RC_OK);
    return project;
}

static uint64_t
apply(struct rc_project *project, const struct rig_content *content, uint64_t sequence)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_applied applied;
    assert_int_equal(rc_apply_batch(project, RC_BYTES_LITERAL("stream"), sequence,
                                    rig_batch(arena, content), sequence, arena, &applied, NULL),
                     RC_OK);
    return applied.replaced;
}

/* ---- live rows ---- */

struct row {
    uint32_t user;
    uint32_t id;
    int64_t time_ms;
};

struct rows {
    size_t count;
    struct row *list;
};

static int
compare_rows(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    if (x->user != y->user)
        return x->user < y->user ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

static uint32_t
number_at_end(struct rc_bytes text)
{
    char digits[16] = {0};
    size_t first = text.size;
    while (first > 0 && text.data[first - 1] >= '0' && text.data[first - 1] <= '9')
        first--;
    assert_true(text.size - first < sizeof(digits));
    memcpy(digits, text.data + first, text.size - first);
    return (uint32_t)strtoul(digits, NULL, 10);
}

static void
add_row(struct rows *rows,
        const struct rc_view *view,
        uint32_t user,
        struct rc_event_id id,
        int64_t time_ms)
{
    char buffer[24];
    rows->list = realloc(rows->list, (rows->count + 1) * sizeof(rows->list[0]));
    rows->list[rows->count++] = (struct row){
        .user = number_at_end(rc_view_user_id(view, user)),
        .id = id.kind == RC_EVENT_ID_DERIVED ? 0 : number_at_end(rc_event_id_text(&id, buffer)),
        .time_ms = time_ms,
    };
}

static bool
is_dead(const uint64_t *dead, uint32_t row)
{
    return dead != NULL && (dead[row / 64] >> (row % 64) & 1) != 0;
}

static void
collect(const struct rc_view *view, struct rows *rows)
{
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_slab *slab = slabs[i].slab;
        const uint32_t row_count = rc_slab_get_info(slab)->row_count;
        for (uint32_t row = 0; row < row_count; row++)
            if (!is_dead(slabs[i].dead, row))
                add_row(rows, view, rc_slab_users(slab)[rc_slab_user_index_of_row(slab, row)],
                        rc_slab_event_id(slab, row), rc_slab_time_ms(slab, row));
    }
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &count);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t row = 0; row < chunks[i].row_count; row++)
            if (!is_dead(chunks[i].dead, row))
                add_row(rows, view, chunks[i].users[row], chunks[i].ids[row],
                        chunks[i].times_ms[row]);
}

static void
expect(struct rc_project *project, const struct rig_twin *twin)
{
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    assert_int_equal(rc_project_view(project, NULL, &view), RC_OK);
    struct rows rows = {0};
    collect(view, &rows);
    struct row *expected = calloc(twin->event_count + 1, sizeof(expected[0]));
    for (size_t i = 0; i < twin->event_count; i++)
        expected[i] =
            (struct row){twin->events[i].user, twin->events[i].id, twin->events[i].time_ms};
    if (rows.count > 0)
        qsort(rows.list, rows.count, sizeof(rows.list[0]), compare_rows);
    qsort(expected, twin->event_count, sizeof(expected[0]), compare_rows);
    assert_int_equal(rows.count, twin->event_count);
    for (size_t i = 0; i < rows.count; i++)
        if (compare_rows(&rows.list[i], &expected[i]) != 0)
            fail_msg("row %zu is of user %u, id %u; expected user %u, id %u", i, rows.list[i].user,
                     rows.list[i].id, expected[i].user, expected[i].id);
    free(rows.list);
    free(expected);
}

/* ---- one step after another ---- */

static bool
seal(struct rc_project *project)
{
    bool sealed = false;
    assert_int_equal(rc_seal_oldest(project, NULL, &sealed, NULL), RC_OK);
    return sealed;
}

static bool
merge(struct rc_project *project, void (*pick)(const struct rc_version *, struct rc_merge_plan *))
{
    struct rc_merge_plan plan;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    pick(version, &plan);
    if (plan.count == 0)
        return false;
    assert_int_equal(rc_merge_run(project, &plan, NULL, NULL, NULL), RC_OK);
    return true;
}

static void
test_random_steps(void **state)
{
    (void)state;
    print_message("seed %u\n", SEED);
    for (uint64_t round = 0; round < 30; round++) {
        RC_CLEANUP(rc_project_unrefp) struct rc_project *project = new_project();
        static struct rig_content content;
        struct rig_twin twin;
        uint64_t random = SEED + round;
        rig_twin_open(&twin);
        for (uint64_t step = 1; step <= 60; step++) {
            const uint64_t choice = rig_random(&random) % 8;
            rig_content_make(SEED * round + step, RIG_ROWS_MAX, false, &content);
            if (choice < 4)
                assert_int_equal(apply(project, &content, step), rig_twin_apply(&twin, &content));
            else if (choice == 4)
                assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
            else if (choice == 5)
                seal(project);
            else
                merge(project, choice == 6 ? rc_merge_pick : rc_merge_pick_all);
            if (step % 4 == 0)
                expect(project, &twin);
        }
        assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
        while (seal(project) || merge(project, rc_merge_pick_all))
            expect(project, &twin);
        expect(project, &twin);
        rig_twin_close(&twin);
    }
}

/* ---- while it is built ---- */

struct building {
    struct rc_project *project;
    _Atomic(bool) stop;
    uint64_t sealed;
    uint64_t merged;
};

static void *
build(void *argument)
{
    struct building *building = argument;
    while (!atomic_load(&building->stop)) {
        building->sealed += seal(building->project);
        building->merged += merge(building->project, rc_merge_pick_all);
    }
    return NULL;
}

static void
test_rows_die_while_slabs_are_built(void **state)
{
    (void)state;
    struct building building = {.project = new_project()};
    static struct rig_content content;
    struct rig_twin twin;
    pthread_t thread;
    rig_twin_open(&twin);
    assert_int_equal(pthread_create(&thread, NULL, build, &building), 0);
    for (uint64_t i = 1; i <= 400; i++) {
        rig_content_make(SEED + i, RIG_ROWS_MAX, false, &content);
        for (uint32_t row = 0; row < content.event_count; row++)
            if (content.events[row].id == 0) /* All of them are sent again and again. */
                content.events[row].id = 1 + row;
        assert_int_equal(apply(building.project, &content, i), rig_twin_apply(&twin, &content));
        if (i % 20 == 0)
            expect(building.project, &twin);
    }
    atomic_store(&building.stop, true);
    pthread_join(thread, NULL);
    expect(building.project, &twin);
    print_message("%llu seals, %llu merges\n", (unsigned long long)building.sealed,
                  (unsigned long long)building.merged);
    assert_true(building.sealed > 0 && building.merged > 0);
    rig_twin_close(&twin);
    rc_project_unref(building.project);
}

/* ---- plans ---- */

static struct rig_content
events_from(uint32_t first_id, uint32_t count, int64_t day)
{
    struct rig_content content = {.event_count = count};
    for (uint32_t i = 0; i < count; i++)
        content.events[i] = (struct rig_event){
            .user = i % RIG_USERS,
            .id = first_id + i,
            .time_ms = RIG_START_MS + day * RIG_DAY_MS + i,
            .amount = first_id + i,
        };
    return content;
}

static void
add_slab(struct rc_project *project, uint32_t first_id, int64_t day, uint64_t sequence)
{
    static struct rig_content content;
    content = events_from(first_id, 40, day);
    apply(project, &content, sequence);
    assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
    assert_true(seal(project));
}

static uint32_t
plan_size(struct rc_project *project,
          void (*pick)(const struct rc_version *, struct rc_merge_plan *))
{
    struct rc_merge_plan plan;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    pick(version, &plan);
    return plan.count;
}

static uint32_t
slab_count(struct rc_project *project)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    return version->slab_count;
}

static void
test_plans(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = new_project();
    uint64_t sequence = 0;
    assert_int_equal(plan_size(project, rc_merge_pick_all), 0);
    add_slab(project, 1000, 0, ++sequence);
    add_slab(project, 9000, 60, ++sequence); /* Another window. */
    assert_int_equal(plan_size(project, rc_merge_pick), 0);
    assert_int_equal(plan_size(project, rc_merge_pick_idle), 0);
    assert_int_equal(plan_size(project, rc_merge_pick_all), 0);
    for (uint32_t i = 2; i <= RC_MERGE_FANOUT; i++) {
        assert_int_equal(plan_size(project, rc_merge_pick), 0);
        add_slab(project, 1000 + i * 100, 0, ++sequence);
        assert_int_equal(plan_size(project, rc_merge_pick_idle), i);
        assert_int_equal(plan_size(project, rc_merge_pick_all), i);
    }
    assert_int_equal(plan_size(project, rc_merge_pick), RC_MERGE_FANOUT);
    assert_true(merge(project, rc_merge_pick));
    assert_int_equal(slab_count(project), 2);
    assert_int_equal(plan_size(project, rc_merge_pick_all), 0);
    /* Ten rows of the other window's forty die: a quarter. */
    static struct rig_content content;
    content = events_from(9000, 9, 60);
    assert_int_equal(apply(project, &content, ++sequence), 9);
    assert_int_equal(plan_size(project, rc_merge_pick_idle), 0);
    assert_int_equal(plan_size(project, rc_merge_pick_all), 1);
    content = events_from(9000, 10, 60);
    assert_int_equal(apply(project, &content, ++sequence), 10);
    assert_int_equal(plan_size(project, rc_merge_pick_idle), 1);
    assert_true(merge(project, rc_merge_pick_idle));
    assert_int_equal(plan_size(project, rc_merge_pick_all), 0);
    /* All rows of a slab die: nothing comes in its place. */
    content = events_from(9000, 40, 0);
    assert_int_equal(apply(project, &content, ++sequence), 40);
    assert_true(merge(project, rc_merge_pick_all));
    assert_int_equal(slab_count(project), 1);
}

/* A cancelled seal or merge, or one without memory, leaves everything as it was. */
static void
test_nothing_happens_by_halves(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = new_project();
    struct rig_twin twin;
    static struct rig_content content;
    rig_twin_open(&twin);
    for (uint64_t i = 1; i <= 6; i++) {
        rig_content_make(SEED + i, 120, false, &content);
        apply(project, &content, i);
        rig_twin_apply(&twin, &content);
        assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
    }
    const _Atomic(bool) cancel = true;
    bool sealed = false;
    assert_int_equal(rc_seal_oldest(project, &cancel, &sealed, NULL), RC_CANCELLED);
    assert_false(sealed);
    for (uint64_t n = 1;; n++) {
        rc_alloc_fail_at(n);
        const enum rc_status status = rc_seal_oldest(project, NULL, &sealed, NULL);
        rc_alloc_fail_at(0);
        expect(project, &twin);
        if (status == RC_OK)
            break; /* An audit build may do without its last allocation. */
        assert_int_equal(status, RC_NO_MEMORY);
    }
    while (seal(project))
        ;
    struct rc_merge_plan plan;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    rc_merge_pick_all(version, &plan);
    assert_true(plan.count > 1);
    assert_int_equal(rc_merge_run(project, &plan, NULL, &cancel, NULL), RC_CANCELLED);
    for (uint64_t n = 1;; n++) {
        rc_alloc_fail_at(n);
        const enum rc_status status = rc_merge_run(project, &plan, NULL, NULL, NULL);
        rc_alloc_fail_at(0);
        expect(project, &twin);
        if (status == RC_OK)
            break; /* An audit build may do without its last allocation. */
        assert_int_equal(status, RC_NO_MEMORY);
    }
    version = rc_version_unref(version);
    rig_twin_close(&twin);
}

/* A batch that could not be applied whole is never seen, whatever is published after it. */
static void
test_a_failed_batch_is_never_seen(void **state)
{
    (void)state;
    static struct rig_content content;
    for (uint64_t n = 1;; n++) {
        RC_CLEANUP(rc_project_unrefp) struct rc_project *project = new_project();
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        struct rig_twin twin;
        rig_twin_open(&twin);
        rig_content_make(SEED, 200, false, &content);
        apply(project, &content, 1);
        rig_twin_apply(&twin, &content);
        assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
        rig_content_make(SEED + 1, RIG_ROWS_MAX, true, &content);
        const struct rc_batch *batch = rig_batch(arena, &content);
        struct rc_applied applied;
        rc_alloc_fail_at(n);
        const enum rc_status status =
            rc_apply_batch(project, RC_BYTES_LITERAL("stream"), 2, batch, 2, arena, &applied, NULL);
        rc_alloc_fail_at(0);
        if (status == RC_OK)
            rig_twin_apply(&twin, &content);
        else
            assert_int_equal(rc_seal_end_head(project, NULL), RC_UNAVAILABLE);
        expect(project, &twin);
        while (seal(project) || merge(project, rc_merge_pick_all))
            expect(project, &twin);
        rig_twin_close(&twin);
        if (status == RC_OK)
            break;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_steps),
        cmocka_unit_test(test_rows_die_while_slabs_are_built),
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_nothing_happens_by_halves),
        cmocka_unit_test(test_a_failed_batch_is_never_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
