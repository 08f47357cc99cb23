/* Versions: a draft shares with the version it came from and changes nothing of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/project/version.h"
#include "tests/store/slab_rig.h"

static struct rc_slab *
make_slab(int64_t window_start_ms)
{
    uint64_t random = 5;
    struct rig_rows rows;
    const struct rig_options options = {
        .row_count = 200,
        .user_count = 10,
        .time_count = 50,
        .time_from_ms = window_start_ms,
        .wide_cells = 20,
    };
    rig_rows_make(&random, &options, &rows);
    const struct rc_slab_source source = {.rows = &rows.source};
    struct rc_slab *slab = rig_build(&source, 1, window_start_ms);
    assert_non_null(slab);
    rig_rows_free(&rows);
    return slab;
}

static void
test_drafts_are_apart(void **state)
{
    (void)state;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *first = NULL;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *second = NULL;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *third = NULL;
    RC_CLEANUP(rc_head_unrefp) struct rc_head *head = NULL;
    RC_CLEANUP(rc_slab_unrefp) struct rc_slab *slab = make_slab(RIG_WINDOW_MS);
    bool newly = false;
    assert_int_equal(rc_head_new(NULL, 100, &head), RC_OK);
    assert_int_equal(rc_version_new(NULL, head, &first), RC_OK);
    assert_int_equal(rc_version_draft(first, &second), RC_OK);
    assert_int_equal(rc_version_add_slab(second, slab, 7, NULL), RC_OK);
    assert_int_equal(first->slab_count, 0);
    assert_int_equal(rc_version_kill_slab_row(second, 0, 5, &newly), RC_OK);
    assert_true(newly);
    assert_int_equal(rc_version_kill_slab_row(second, 0, 5, &newly), RC_OK);
    assert_false(newly);
    assert_int_equal(rc_version_kill_head_row(second, 0, 1, 9, &newly), RC_OK);
    assert_int_equal(rc_version_draft(second, &third), RC_OK);
    assert_ptr_equal(third->slabs[0].dead, second->slabs[0].dead);
    assert_int_equal(rc_version_kill_slab_row(third, 0, 199, &newly), RC_OK);
    assert_int_equal(rc_version_kill_head_row(third, 0, 1, 10, &newly), RC_OK);
    assert_false(rc_dead_has(second->slabs[0].dead, 199));
    assert_false(rc_dead_has(second->heads[0].dead[1], 10));
    assert_true(rc_dead_has(third->slabs[0].dead, 5));
    assert_true(rc_dead_has(third->heads[0].dead[1], 9));
    assert_int_equal(second->slabs[0].dead->count, 1);
    assert_int_equal(third->slabs[0].dead->count, 2);
    assert_null(first->heads[0].dead[1]);
    assert_int_equal(rc_version_add_head(third, head), RC_OK);
    rc_version_remove_head(third, 0);
    assert_int_equal(third->head_count, 1);
    assert_null(third->heads[0].dead[1]);
    assert_int_equal(rc_version_find_head(third, head), 0);
}

static void
test_slabs_are_in_order(void **state)
{
    (void)state;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = NULL;
    RC_CLEANUP(rc_head_unrefp) struct rc_head *head = NULL;
    RC_CLEANUP(rc_slab_unrefp) struct rc_slab *early = make_slab(0);
    RC_CLEANUP(rc_slab_unrefp) struct rc_slab *late = make_slab(RIG_WINDOW_MS);
    assert_int_equal(rc_head_new(NULL, 100, &head), RC_OK);
    assert_int_equal(rc_version_new(NULL, head, &version), RC_OK);
    static const uint64_t ids[] = {9, 3, 12, 1, 8, 2};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(rc_version_add_slab(version, i % 2 == 0 ? late : early, ids[i], NULL),
                         RC_OK);
    static const uint64_t expected[] = {1, 2, 3, 8, 9, 12};
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(version->slabs[i].id, expected[i]);
        assert_int_equal(rc_version_find_slab(version, expected[i]), i);
    }
    assert_int_equal(rc_version_find_slab(version, 77), 6);
    rc_version_remove_slab(version, 1);
    assert_int_equal(version->slab_count, 5);
    assert_int_equal(version->slabs[1].id, 3);
}

/* Many at once give what one by one does. */
static void
test_many_slabs_at_once(void **state)
{
    (void)state;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = NULL;
    RC_CLEANUP(rc_head_unrefp) struct rc_head *head = NULL;
    RC_CLEANUP(rc_slab_unrefp) struct rc_slab *early = make_slab(0);
    RC_CLEANUP(rc_slab_unrefp) struct rc_slab *late = make_slab(RIG_WINDOW_MS);
    assert_int_equal(rc_head_new(NULL, 100, &head), RC_OK);
    assert_int_equal(rc_version_new(NULL, head, &version), RC_OK);
    struct rc_slab *const first[] = {early, early, late};
    static const uint64_t first_ids[] = {3, 7, 5};
    struct rc_slab *const second[] = {early, early, late, late, late};
    static const uint64_t second_ids[] = {1, 5, 2, 6, 9};
    assert_int_equal(rc_version_add_slabs(version, first, first_ids, 3), RC_OK);
    assert_int_equal(rc_version_add_slabs(version, second, second_ids, 5), RC_OK);
    assert_int_equal(rc_version_add_slabs(version, NULL, NULL, 0), RC_OK);
    static const uint64_t expected[] = {1, 3, 5, 7, 2, 5, 6, 9};
    assert_int_equal(version->slab_count, 8);
    for (uint32_t i = 0; i < 8; i++) {
        const struct rc_window window = rc_slab_window(i < 4 ? early : late);
        const struct rc_window behind = {window.start_ms + 1, window.days};
        const struct rc_window shorter = {window.start_ms, RC_WINDOW_DAYS_MIN};
        assert_int_equal(version->slabs[i].id, expected[i]);
        assert_ptr_equal(version->slabs[i].slab, i < 4 ? early : late);
        assert_int_equal(rc_version_place_slab(version, window, expected[i]), i);
        assert_int_equal(rc_version_place_slab(version, window, 100), 8);
        assert_int_equal(rc_version_place_slab(version, behind, expected[i]), 8);
        assert_int_equal(rc_version_place_slab(version, shorter, expected[i]), 8);
    }
    static const uint64_t removed[] = {1, 7, 2, 9};
    rc_version_remove_slabs(version, removed, 4);
    static const uint64_t left[] = {3, 5, 5, 6};
    assert_int_equal(version->slab_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(version->slabs[i].id, left[i]);
    rc_version_remove_slabs(version, left, 4);
    assert_int_equal(version->slab_count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drafts_are_apart),
        cmocka_unit_test(test_many_slabs_at_once),
        cmocka_unit_test(test_slabs_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
