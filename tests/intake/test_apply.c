/*
 * A batch that cannot be applied: nothing of it is in the project, whatever it met on its way, and
 * what follows it is as if it had never come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/intake/apply.h"
#include "engine/intake/merge.h"
#include "engine/intake/seal.h"
#include "tests/base/environment.h"
#include "tests/intake/layout_rig.h"

#define SEED 300u

static struct rc_bytes
text_of(struct rc_arena *arena, const char *format, uint64_t number)
{
    char text[48];
    const int size = snprintf(text, sizeof(text), format, (unsigned long long)number);
    const char *copy = rc_arena_string(arena, text, (size_t)size);
    assert_non_null(copy);
    return (struct rc_bytes){copy, (size_t)size};
}

/* Each row is of another user and has a value of its own. */
static struct rc_batch_table
table_of(struct rc_arena *arena,
         uint32_t row_count,
         const char *user_format,
         uint64_t first_user,
         const char *column_name)
{
    struct rc_bytes *users = RC_ARENA_ARRAY(arena, struct rc_bytes, row_count);
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, row_count);
    struct rc_batch_column *column = RC_ARENA_ARRAY(arena, struct rc_batch_column, 1);
    uint32_t *places = RC_ARENA_ARRAY(arena, uint32_t, row_count);
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, row_count);
    int64_t *times_ms = RC_ARENA_ARRAY(arena, int64_t, row_count);
    for (uint32_t i = 0; i < row_count; i++) {
        users[i] = text_of(arena, user_format, first_user + i);
        values[i] = rc_value_string(text_of(arena, "a value of %llu", first_user + i));
        places[i] = i;
        codes[i] = i + 1;
        times_ms[i] = RIG_START_MS;
    }
    *column = (struct rc_batch_column){
        .name = rc_bytes_of(column_name),
        .value_count = row_count,
        .values = values,
        .code_width = 4,
        .codes = (const unsigned char *)codes,
    };
    return (struct rc_batch_table){
        .row_count = row_count,
        .user_count = row_count,
        .users = users,
        .user_codes = (const unsigned char *)places,
        .times_ms = (const unsigned char *)times_ms,
        .column_count = 1,
        .columns = column,
    };
}

/* So many that everything grows between one of them and the next. */
#define NEWCOMERS 300u

/* The events of a content; and users, joins and accounts that no other sequence brings. */
static const struct rc_batch *
batch_of(struct rc_arena *arena, const struct rig_content *content, uint64_t sequence)
{
    struct rc_batch *batch = rc_arena_copy(arena, rig_batch(arena, content), sizeof(*batch));
    struct rc_bytes *left = RC_ARENA_ARRAY(arena, struct rc_bytes, NEWCOMERS);
    struct rc_bytes *right = RC_ARENA_ARRAY(arena, struct rc_bytes, NEWCOMERS);
    for (uint32_t i = 0; i < NEWCOMERS; i++) {
        left[i] = text_of(arena, "left %llu", sequence * NEWCOMERS + i);
        right[i] = text_of(arena, "right %llu", sequence * NEWCOMERS + i);
    }
    batch->writes = table_of(arena, NEWCOMERS, "writer %llu", sequence * NEWCOMERS, "name");
    batch->alias_count = NEWCOMERS;
    batch->alias_left = left;
    batch->alias_right = right;
    batch->accounts = table_of(arena, NEWCOMERS, "account %llu", sequence * NEWCOMERS, "tier");
    return batch;
}

/* fail_at: the allocation that is refused; 0: none. */
static enum rc_status
try_apply(struct rc_project *project,
          const struct rig_content *content,
          uint64_t sequence,
          uint64_t fail_at)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_arena_freep) struct rc_arena *batch_arena = rc_arena_new(NULL, 0);
    const struct rc_batch *batch = batch_of(batch_arena, content, sequence);
    struct rc_applied applied;
    const struct rc_bytes stream = text_of(batch_arena, "stream %llu", sequence);
    rc_alloc_fail_at(fail_at);
    const enum rc_status status =
        rc_apply_batch(project, stream, 1, batch, sequence, arena, &applied, NULL);
    rc_alloc_fail_at(0);
    return status;
}

#define SEQUENCES_MAX 20u

/* What a view shows of people: who there is, and how much was written of them. */
struct people_shown {
    uint64_t users;
    uint64_t accounts;
    uint64_t writes;
    uint64_t account_writes;
    uint64_t aliases;
    uint64_t batches; /* Of streams. */
};

static struct people_shown
people_shown(struct rc_project *project)
{
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    assert_int_equal(rc_project_view(project, NULL, &view), RC_OK);
    const struct rc_people_counts people = rc_view_people_counts(view);
    const struct rc_people_counts accounts = rc_view_account_counts(view);
    struct people_shown shown = {
        .users = rc_view_live_user_count(view),
        .accounts = accounts.users - accounts.absent,
        .writes = people.writes,
        .account_writes = accounts.writes,
        .aliases = people.aliases,
    };
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++)
        shown.batches +=
            rc_streams_highest(rc_project_streams(project), text_of(arena, "stream %llu", i));
    return shown;
}

/* What there is now is what there was before, and what so many batches have brought. */
static void
expect_people(struct rc_project *project, const struct people_shown *before, uint64_t batches)
{
    const struct people_shown shown = people_shown(project);
    const struct people_shown expected = {
        .users = before->users + 3 * NEWCOMERS * batches,
        .accounts = before->accounts + NEWCOMERS * batches,
        .writes = before->writes + NEWCOMERS * batches,
        .account_writes = before->account_writes + NEWCOMERS * batches,
        .aliases = before->aliases + NEWCOMERS * batches,
        .batches = before->batches + batches,
    };
    assert_memory_equal(&shown, &expected, sizeof(shown));
    const struct rc_people *both[] = {rc_project_people(project), rc_project_accounts(project)};
    for (uint32_t i = 0; i < 2; i++) {
        const struct rc_dictionary *ids = rc_people_ids(both[i]);
        assert_int_equal(rc_dictionary_check(ids, rc_dictionary_count(ids), NULL), RC_OK);
    }
}

static void
make_slabs(struct rc_project *project)
{
    bool sealed = true;
    assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
    while (sealed)
        assert_int_equal(rc_seal_oldest(project, NULL, &sealed, NULL), RC_OK);
}

/* A project with rows in a slab and in a head, both of which the batches to come replace. */
static struct rc_project *
filled_project(struct rig_twin *twin, uint32_t head_events)
{
    static struct rig_content content;
    const struct rc_dictionary_bounds few = {2, UINT32_MAX, UINT64_MAX};
    struct rc_project *project = layout_project();
    rc_project_bound_dictionaries(project, &few); /* Some values are texts of heads. */
    for (uint64_t i = 1; i <= 2; i++) {
        rig_content_make(SEED + i, RIG_ROWS_MAX, false, &content);
        /* Users who come later are new. */
        content.event_count = i == 1 ? 40 : head_events;
        for (uint32_t row = 0; row < content.event_count; row++)
            content.events[row].user %= 4;
        assert_int_equal(try_apply(project, &content, i, 0), RC_OK);
        rig_twin_apply(twin, &content);
        if (i == 1)
            make_slabs(project);
    }
    return project;
}

static void
apply_well(struct rc_project *project, struct rig_twin *twin, uint64_t seed, uint64_t sequence)
{
    static struct rig_content content;
    rig_content_make(seed, RIG_ROWS_MAX, true, &content);
    assert_int_equal(try_apply(project, &content, sequence, 0), RC_OK);
    rig_twin_apply(twin, &content);
    layout_expect(project, twin);
}

/* One batch meets the n-th allocation; others come, and then it again. */
static bool
fail_once(uint64_t n, uint32_t head_events)
{
    static struct rig_content content;
    struct rig_twin twin;
    rig_twin_open(&twin);
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = filled_project(&twin, head_events);
    const struct people_shown before = people_shown(project);
    rig_content_make(SEED + 9, RIG_ROWS_MAX, true, &content);
    content.event_count = RIG_ROWS_MAX; /* More than a head takes. */
    const enum rc_status status = try_apply(project, &content, 3, n);
    if (status != RC_OK) {
        assert_int_equal(status, RC_NO_MEMORY);
        layout_expect(project, &twin);
        expect_people(project, &before, 0);
        apply_well(project, &twin, SEED + 20, 4);
        expect_people(project, &before, 1);
        assert_int_equal(try_apply(project, &content, 5, 0), RC_OK);
    }
    rig_twin_apply(&twin, &content);
    layout_expect(project, &twin);
    for (uint64_t i = 1; i <= 4; i++)
        apply_well(project, &twin, SEED + 30 + i, 5 + i);
    make_slabs(project);
    layout_expect(project, &twin);
    rig_twin_close(&twin);
    return status != RC_OK;
}

static void
test_no_memory(void **state)
{
    (void)state;
    /* Nothing in the head; a chunk of it, partly filled; nearly all of it. */
    static const uint32_t head_events[] = {0, 50, LAYOUT_HEAD_ROWS - 3};
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t n = 1;
        while (fail_once(n, head_events[i]))
            n += test_stride();
        print_message("%llu allocations failed\n", (unsigned long long)n - 1);
        assert_true(n > 50);
    }
}

/* The same batch, tried again until it passes: each try meets what those before it left. */
static void
test_no_memory_again_and_again(void **state)
{
    (void)state;
    static struct rig_content content;
    struct rig_twin twin;
    rig_twin_open(&twin);
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = filled_project(&twin, 20);
    for (uint64_t round = 0; round < 6; round++) {
        const struct people_shown before = people_shown(project);
        rig_content_make(SEED + 50 + round, RIG_ROWS_MAX, true, &content);
        uint64_t n = 0;
        enum rc_status status = RC_NO_MEMORY;
        while (status == RC_NO_MEMORY) {
            status = try_apply(project, &content, 3 + round, ++n);
            if (status != RC_OK) {
                layout_expect(project, &twin);
                expect_people(project, &before, 0);
            }
        }
        assert_int_equal(status, RC_OK);
        expect_people(project, &before, 1);
        rig_twin_apply(&twin, &content);
        layout_expect(project, &twin);
    }
    rig_twin_close(&twin);
}

/* Names that were not there when the batch was checked leave no room for its own. */
static void
test_names_beyond_the_limit(void **state)
{
    (void)state;
    static struct rig_content content;
    struct rig_twin twin;
    rig_twin_open(&twin);
    for (uint32_t of_users = 0; of_users < 2; of_users++) {
        RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
        struct rc_properties *properties = of_users == 1
                                               ? rc_people_properties(rc_project_people(project))
                                               : rc_project_event_properties(project);
        for (uint32_t i = 1; i < RC_PROPERTIES_MAX; i++) { /* One more fits. */
            char name[16];
            uint32_t property = 0;
            const int size = snprintf(name, sizeof(name), "p%u", i);
            assert_int_equal(
                rc_properties_intern(properties, (struct rc_bytes){name, (size_t)size}, &property),
                RC_OK);
        }
        const struct people_shown before = people_shown(project);
        rig_content_make(SEED, RIG_ROWS_MAX, true, &content);
        content.write_count = 1;
        /* Three properties of events are too many, one of users is not. */
        const enum rc_status status = try_apply(project, &content, 1, 0);
        assert_int_equal(status, of_users == 1 ? RC_OK : RC_CONFLICT);
        if (of_users == 1)
            continue;
        expect_people(project, &before, 0);
        layout_expect(project, &twin);
        assert_int_equal(rc_properties_count(properties), RC_PROPERTIES_MAX - 1);
    }
    rig_twin_close(&twin);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_again_and_again),
        cmocka_unit_test(test_names_beyond_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
