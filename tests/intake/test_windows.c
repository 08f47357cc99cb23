/*
 * Into which windows time is divided, and that slabs follow: heads are sealed for them, older slabs
 * are divided by merges, and what is alive stays the same before, amid and after.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/intake/merge.h"
#include "engine/intake/seal.h"
#include "engine/intake/windows.h"
#include "tests/intake/layout_rig.h"

#define SEED 8100u
#define WHOLE_MS (RIG_START_MS / RC_WINDOW_MS * RC_WINDOW_MS)

/* ---- windows by themselves ---- */

static void
test_lengths_divide_each_other(void **state)
{
    (void)state;
    static const int64_t times_ms[] = {
        0,         1,         -1,           86399999,       86400000,
        -86400000, -86400001, RIG_START_MS, RC_TIME_MS_MIN, RC_TIME_MS_MAX};
    assert_int_equal(rc_window_days_below(28), 7);
    assert_int_equal(rc_window_days_below(7), 1);
    assert_int_equal(rc_window_days_below(1), 0);
    for (size_t i = 0; i < sizeof(times_ms) / sizeof(times_ms[0]); i++) {
        struct rc_window above = rc_window_of(times_ms[i], 28);
        assert_int_equal(above.start_ms % RC_WINDOW_MS, 0);
        assert_true(rc_window_has(above, times_ms[i]));
        for (uint32_t days = 7; days != 0; days = rc_window_days_below(days)) {
            const struct rc_window window = rc_window_of(times_ms[i], days);
            assert_true(rc_window_has(window, times_ms[i]));
            assert_true(window.start_ms >= above.start_ms &&
                        rc_window_end_ms(window) <= rc_window_end_ms(above));
            assert_int_equal((window.start_ms - above.start_ms) % (days * RC_DAY_MS), 0);
            above = window;
        }
    }
}

static void
test_order_of_windows(void **state)
{
    (void)state;
    const struct rc_window order[] = {
        {-RC_WINDOW_MS, 28}, {-7 * RC_DAY_MS, 7}, {-RC_DAY_MS, 1}, {0, 28}, {0, 7}, {0, 1},
        {RC_DAY_MS, 1},      {7 * RC_DAY_MS, 7}};
    const uint32_t count = sizeof(order) / sizeof(order[0]);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < count; k++)
            assert_int_equal(rc_window_compare(order[i], order[k]), (i > k) - (i < k));
}

/* ---- a project ---- */

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

/* Rows of whole users' days from a day of the window on; sealed. */
static void
add_rows(struct rc_project *project,
         struct rig_twin *twin,
         uint32_t first_id,
         uint32_t count,
         uint32_t day,
         uint32_t days)
{
    static struct rig_content content;
    static uint64_t sequence;
    content = (struct rig_content){.event_count = count};
    for (uint32_t i = 0; i < count; i++)
        content.events[i] = (struct rig_event){
            .user = (first_id + i) % RIG_USERS,
            .id = first_id + i,
            .time_ms = WHOLE_MS + (int64_t)(day + i % days) * RIG_DAY_MS + first_id * 7 + i,
            .amount = first_id + i,
        };
    layout_apply(project, &content, ++sequence);
    rig_twin_apply(twin, &content);
    assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
    while (seal(project))
        continue;
}

/* The slabs by the length of their windows. */
struct lengths {
    uint32_t long_count;
    uint32_t weeks;
    uint32_t days;
};

static struct lengths
lengths_of(struct rc_project *project)
{
    struct lengths lengths = {0};
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    for (uint32_t i = 0; i < version->slab_count; i++) {
        const struct rc_slab *slab = version->slabs[i].slab;
        const struct rc_window window = rc_slab_window(slab);
        lengths.long_count += window.days == 28;
        lengths.weeks += window.days == 7;
        lengths.days += window.days == 1;
        assert_int_equal(rc_slab_check(slab, NULL), RC_OK);
        assert_int_equal(rc_window_of(window.start_ms, window.days).start_ms, window.start_ms);
        for (uint32_t k = i + 1; k < version->slab_count; k++)
            assert_true(rc_window_compare(window, rc_slab_window(version->slabs[k].slab)) <= 0);
    }
    return lengths;
}

static void
expect_lengths(struct rc_project *project, uint32_t long_count, uint32_t weeks, uint32_t days)
{
    const struct lengths lengths = lengths_of(project);
    assert_int_equal(lengths.long_count, long_count);
    assert_int_equal(lengths.weeks, weeks);
    assert_int_equal(lengths.days, days);
}

/* From one window over weeks to days: as rows come, and where they come. */
static void
test_density_chooses(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
    struct rig_twin twin;
    rig_twin_open(&twin);
    rc_project_bound_windows(project, 100);
    /* As many rows as a window may hold: it stays, whatever is merged. */
    add_rows(project, &twin, 1000, 100, 0, 28);
    expect_lengths(project, 1, 0, 0);
    assert_false(merge(project, rc_merge_pick));
    assert_false(merge(project, rc_merge_pick_idle));
    assert_false(merge(project, rc_merge_pick_all));
    /* One more, in an old slab: it is divided, and later heads go into weeks. */
    add_rows(project, &twin, 2000, 1, 3, 1);
    expect_lengths(project, 2, 0, 0);
    add_rows(project, &twin, 3000, 28, 0, 28);
    expect_lengths(project, 2, 4, 0);
    layout_expect(project, &twin);
    while (merge(project, rc_merge_pick)) /* Both are of the lowest tier. */
        layout_expect(project, &twin);
    expect_lengths(project, 0, 8, 0);
    while (merge(project, rc_merge_pick_idle))
        layout_expect(project, &twin);
    expect_lengths(project, 0, 4, 0);
    /* A week becomes dense. The others stay. */
    add_rows(project, &twin, 4000, 70, 7, 7);
    expect_lengths(project, 0, 5, 0);
    add_rows(project, &twin, 5000, 28, 0, 28);
    expect_lengths(project, 0, 8, 7);
    while (merge(project, rc_merge_pick_idle))
        layout_expect(project, &twin);
    expect_lengths(project, 0, 3, 7);
    /* A day may hold any number of rows. */
    add_rows(project, &twin, 6000, 140, 8, 1);
    while (merge(project, rc_merge_pick_idle))
        layout_expect(project, &twin);
    expect_lengths(project, 0, 3, 7);
    rig_twin_close(&twin);
}

/* Windows of 28 days and weeks have bounds of their own. */
static void
test_bounds_by_length(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
    struct rig_twin twin;
    struct rc_window parts[RC_WINDOW_PARTS_MAX];
    const struct rc_window whole = rc_window_longest(WHOLE_MS);
    rig_twin_open(&twin);
    add_rows(project, &twin, 1000, 140, 7, 7);
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    assert_int_equal(version->window_rows_max, RC_WINDOW_ROWS_MAX);
    assert_int_equal(version->week_rows_max, RC_WINDOW_WEEK_ROWS_MAX);
    assert_int_equal(rc_window_parts(version, whole, parts), 1);
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    assert_int_equal(rc_version_draft(version, &draft), RC_OK);
    draft->window_rows_max = 139;
    assert_int_equal(rc_window_parts(draft, whole, parts), 4);
    assert_int_equal(rc_window_compare(parts[1], rc_window_of(WHOLE_MS + 7 * RC_DAY_MS, 7)), 0);
    /* The rows lie in one slab of the longest kind: nothing is known of weeks yet. */
    draft->week_rows_max = 139;
    assert_int_equal(rc_window_parts(draft, whole, parts), 4);
    rc_project_bound_windows(project, 139);
    while (merge(project, rc_merge_pick_all))
        layout_expect(project, &twin);
    expect_lengths(project, 0, 0, 7);
    rig_twin_close(&twin);
}

/* What was divided stays so when rows go, until the last slab of a part is gone. */
static void
test_no_window_goes_back_and_forth(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
    struct rig_twin twin;
    rig_twin_open(&twin);
    rc_project_bound_windows(project, 50);
    add_rows(project, &twin, 1000, 56, 0, 28);
    while (merge(project, rc_merge_pick))
        continue;
    expect_lengths(project, 0, 4, 0);
    add_rows(project, &twin, 1000, 42, 60, 1); /* The same events, in another window. */
    while (merge(project, rc_merge_pick_idle))
        layout_expect(project, &twin);
    add_rows(project, &twin, 2000, 8, 0, 8);
    while (merge(project, rc_merge_pick_idle))
        layout_expect(project, &twin);
    const struct lengths lengths = lengths_of(project);
    assert_int_equal(lengths.long_count, 1); /* The other window. */
    assert_true(lengths.weeks > 1);
    add_rows(project, &twin, 1042, 14, 60, 1);
    add_rows(project, &twin, 2000, 8, 60, 1);
    while (merge(project, rc_merge_pick_idle))
        layout_expect(project, &twin);
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    assert_false(rc_window_is_divided(version, rc_window_of(WHOLE_MS, 28)));
    rig_twin_close(&twin);
}

/* An event is sent again with a time in another window, shorter or longer, while its first copy
 * lies in a slab of any length. */
static void
test_copies_across_lengths(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
    struct rig_twin twin;
    uint64_t random = SEED;
    rig_twin_open(&twin);
    rc_project_bound_windows(project, 5);
    for (uint32_t round = 0; round < 60; round++) {
        const uint32_t days = 1 + (uint32_t)(rig_random(&random) % 28);
        const uint32_t day = (uint32_t)(rig_random(&random) % 80);
        add_rows(project, &twin, 1000 + (uint32_t)(rig_random(&random) % 60), 40, day, days);
        if (round % 3 == 0)
            (void)merge(project, round % 2 == 0 ? rc_merge_pick : rc_merge_pick_idle);
        layout_expect(project, &twin);
    }
    assert_true(lengths_of(project).days > 0);
    rig_twin_close(&twin);
}

struct dividing {
    struct rc_project *project;
    _Atomic(bool) stop;
    _Atomic(uint64_t) merged;
};

static void *
divide(void *argument)
{
    struct dividing *dividing = argument;
    while (!atomic_load(&dividing->stop)) {
        (void)seal(dividing->project);
        dividing->merged += merge(dividing->project, rc_merge_pick_all);
    }
    return NULL;
}

/* Rows die in long slabs while those are divided, and in heads while these are parted. */
static void
test_rows_die_while_windows_are_divided(void **state)
{
    (void)state;
    struct dividing dividing = {.project = layout_project()};
    static struct rig_content content;
    struct rig_twin twin;
    pthread_t thread;
    uint64_t random = SEED;
    rig_twin_open(&twin);
    rc_project_bound_windows(dividing.project, 80);
    assert_int_equal(pthread_create(&thread, NULL, divide, &dividing), 0);
    /* The thread may begin late. */
    for (uint64_t i = 1; i <= 300 || atomic_load(&dividing.merged) == 0; i++) {
        content = (struct rig_content){.event_count = 120};
        for (uint32_t row = 0; row < content.event_count; row++)
            content.events[row] = (struct rig_event){
                .user = row % RIG_USERS,
                .id = 1 + row,
                /* Windows further on are new, and become dense one after the other. */
                .time_ms =
                    WHOLE_MS + (int64_t)(i % 300 / 10 * 28 + rig_random(&random) % 40) * RIG_DAY_MS,
                .amount = (int64_t)(i * 1000 + row),
            };
        assert_int_equal(layout_apply(dividing.project, &content, i),
                         rig_twin_apply(&twin, &content));
        if (i % 20 == 0)
            layout_expect(dividing.project, &twin);
    }
    atomic_store(&dividing.stop, true);
    pthread_join(thread, NULL);
    layout_expect(dividing.project, &twin);
    rig_twin_close(&twin);
    rc_project_unref(dividing.project);
}

/* However many rows come into whatever windows, when merging has caught up a part has fewer than
 * sixteen slabs of a tier, no slab is longer than its part, and there are as few parts as the rows
 * allow: a window is divided only if more rows than the bound are in it. */
static void
test_bound_on_slabs(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
    struct rig_twin twin;
    rig_twin_open(&twin);
    rc_project_bound_windows(project, 500);
    uint32_t most = 0;
    for (uint32_t i = 0; i < 150; i++) {
        add_rows(project, &twin, 1 + i * 40, 40, i % 28, 1 + i % 3);
        while (merge(project, rc_merge_pick))
            continue;
        RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
        struct rc_window parts[RC_WINDOW_PARTS_MAX];
        uint32_t part_count = 0;
        for (uint32_t k = 0; k < 2; k++)
            part_count +=
                rc_window_parts(version, rc_window_longest(WHOLE_MS + k * RC_WINDOW_MS), parts);
        /* 6,000 rows are less than two tiers of slabs: those of one are left of each part. */
        assert_true(version->slab_count <= part_count * (RC_MERGE_FANOUT - 1));
        assert_true(part_count <= 2 + (i + 1) * 40 / 500 * 9);
        most = version->slab_count > most ? version->slab_count : most;
        for (uint32_t k = 0; k < version->slab_count; k++)
            assert_false(rc_window_is_divided(version, rc_slab_window(version->slabs[k].slab)));
    }
    assert_true(most >= RC_MERGE_FANOUT);
    while (merge(project, rc_merge_pick_idle))
        continue;
    layout_expect(project, &twin);
    const struct lengths lengths = lengths_of(project);
    assert_true(lengths.long_count + lengths.weeks + lengths.days <= 2 + 6000 / 500 * 9);
    rig_twin_close(&twin);
}

/* A division that is cancelled, has no memory or would pass a limit leaves everything as it was. */
static void
test_nothing_is_divided_by_halves(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
    struct rig_twin twin;
    rig_twin_open(&twin);
    add_rows(project, &twin, 1000, 140, 0, 28);
    add_rows(project, &twin, 2000, 140, 3, 9);
    rc_project_bound_windows(project, 40);
    struct rc_merge_plan plan;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    rc_merge_pick(version, &plan);
    assert_int_equal(plan.count, 2);
    const _Atomic(bool) cancel = true;
    assert_int_equal(rc_merge_run(project, &plan, NULL, &cancel, NULL), RC_CANCELLED);
    expect_lengths(project, 2, 0, 0);
    struct rc_account *account = rc_project_account(project);
    enum rc_status limited = RC_NO_MEMORY;
    for (uint64_t room = 1024; limited == RC_NO_MEMORY; room += 1024) { /* First for the plan. */
        account->limit_bytes = rc_account_used(account) + room;
        limited = rc_merge_run(project, &plan, NULL, NULL, NULL);
    }
    account->limit_bytes = 0;
    assert_int_equal(limited, RC_LIMIT_EXCEEDED);
    expect_lengths(project, 2, 0, 0);
    for (uint64_t n = 1;; n++) {
        rc_alloc_fail_at(n);
        const enum rc_status status = rc_merge_run(project, &plan, NULL, NULL, NULL);
        rc_alloc_fail_at(0);
        layout_expect(project, &twin);
        if (status == RC_OK)
            break; /* An audit build may do without its last allocation. */
        assert_int_equal(status, RC_NO_MEMORY);
        expect_lengths(project, 2, 0, 0);
    }
    expect_lengths(project, 0, 4, 0);
    version = rc_version_unref(version);
    rig_twin_close(&twin);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_divide_each_other),
        cmocka_unit_test(test_order_of_windows),
        cmocka_unit_test(test_density_chooses),
        cmocka_unit_test(test_bounds_by_length),
        cmocka_unit_test(test_no_window_goes_back_and_forth),
        cmocka_unit_test(test_copies_across_lengths),
        cmocka_unit_test(test_rows_die_while_windows_are_divided),
        cmocka_unit_test(test_bound_on_slabs),
        cmocka_unit_test(test_nothing_is_divided_by_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
