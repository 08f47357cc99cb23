/*
 * Values beyond the bound of their dictionary: through heads, seals, merges, sweeps and a stored
 * state, whatever a value is kept as, every live row has the value that it was sent with.
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

#include "engine/base/clock.h"
#include "engine/intake/apply.h"
#include "engine/intake/merge.h"
#include "engine/intake/seal.h"
#include "engine/keep/state.h"
#include "engine/store/sweep/dictionary_sweep.h"
#include "tests/face/engine_rig.h"

#define SEED 9100u
#define HEAD_ROWS 120u
#define IDS 2000u
#define VALUES 500u
#define BATCH_ROWS 90u
#define PROPERTIES 2u
#define DAY_MS ((int64_t)86400000)

/* What each id's event has, by property; 0: nothing was sent, or the event itself. */
struct twin {
    bool there[IDS];
    uint32_t values[IDS][PROPERTIES];
};

static struct rc_project *
new_project(uint32_t entries_max)
{
    struct rc_project *project = NULL;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("shop"), .version = 1};
    assert_int_equal(rc_project_new(&settings, &rc_account_process, HEAD_ROWS, &project), RC_OK);
    struct rc_dictionary_bounds bounds = *rc_project_dictionary_bounds(project);
    bounds.entries_max = entries_max;
    rc_project_bound_dictionaries(project, &bounds);
    return project;
}

/* Value 1 .. VALUES: nearly all strings, some lists, some numbers that no cell holds, some that a
 * cell does. */
static struct rc_value
value_of(struct rc_arena *arena, uint32_t number)
{
    char *text = rc_arena_alloc(arena, 64);
    assert_non_null(text);
    if (number % 50 == 1)
        return rc_value_int((int64_t)number);
    if (number % 50 == 2)
        return (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = number * 1e200};
    const int size =
        snprintf(text, 64, "%s%u", number % 3 == 0 ? "https://example.org/" : "x", number);
    const struct rc_bytes string = {text, (size_t)size};
    if (number % 50 != 3)
        return rc_value_string(string);
    struct rc_bytes *items = rc_arena_alloc(arena, sizeof(*items));
    assert_non_null(items);
    items[0] = string;
    return (struct rc_value){.kind = RC_VALUE_LIST, .items = items, .item_count = 1};
}

/* One batch of random events: ids may be those of earlier ones, which they replace. */
static void
apply_random(struct rc_project *project, uint64_t *seed, uint64_t sequence, struct twin *twin)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_bytes *ids = RC_ARENA_ARRAY(arena, struct rc_bytes, BATCH_ROWS);
    uint32_t *users = RC_ARENA_ARRAY(arena, uint32_t, BATCH_ROWS);
    int64_t *times = RC_ARENA_ARRAY(arena, int64_t, BATCH_ROWS);
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, BATCH_ROWS);
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, VALUES);
    uint32_t *sparse_rows = RC_ARENA_ARRAY(arena, uint32_t, BATCH_ROWS);
    uint32_t *sparse_codes = RC_ARENA_ARRAY(arena, uint32_t, BATCH_ROWS);
    static const struct rc_bytes user_id = {"u", 1};
    uint32_t sparse_count = 0;
    const uint32_t first_id = (uint32_t)(rig_random(seed) % IDS);
    const uint32_t values_max = 1 + (uint32_t)(rig_random(seed) % VALUES);
    for (uint32_t i = 0; i < VALUES; i++)
        values[i] = value_of(arena, i + 1);
    for (uint32_t i = 0; i < BATCH_ROWS; i++) {
        const uint32_t id = (first_id + i) % IDS;
        char *text = rc_arena_alloc(arena, 16);
        ids[i] = (struct rc_bytes){text, (size_t)snprintf(text, 16, "id-%u", id)};
        times[i] = (int64_t)(rig_random(seed) % 60) * DAY_MS;
        codes[i] = (uint32_t)(rig_random(seed) % values_max);
        twin->there[id] = true;
        twin->values[id][0] = codes[i];
        twin->values[id][1] = 0;
        if (rig_random(seed) % 3 != 0)
            continue;
        sparse_rows[sparse_count] = i;
        sparse_codes[sparse_count] = 1 + (uint32_t)(rig_random(seed) % values_max);
        twin->values[id][1] = sparse_codes[sparse_count++];
    }
    const struct rc_batch_column columns[PROPERTIES] = {
        {.name = RC_BYTES_LITERAL("url"),
         .value_count = VALUES,
         .values = values,
         .code_width = 4,
         .codes = (const unsigned char *)codes},
        {.name = RC_BYTES_LITERAL("referrer"),
         .value_count = VALUES,
         .values = values,
         .code_width = 4,
         .codes = (const unsigned char *)sparse_codes,
         .sparse_count = sparse_count,
         .rows = (const unsigned char *)sparse_rows},
    };
    const struct rc_batch batch = {.events = {.row_count = BATCH_ROWS,
                                              .user_count = 1,
                                              .users = &user_id,
                                              .user_codes = (const unsigned char *)users,
                                              .times_ms = (const unsigned char *)times,
                                              .column_count = PROPERTIES,
                                              .columns = columns},
                                   .text_ids = ids};
    struct rc_applied applied;
    assert_int_equal(rc_apply_batch(project, RC_BYTES_LITERAL("stream"), sequence, &batch, sequence,
                                    arena, &applied, NULL),
                     RC_OK);
}

/* How rows were found to hold their values. */
struct seen {
    uint32_t rows;
    uint32_t codes;
    uint32_t head_texts;
    uint32_t slab_texts;
};

static void
expect_event(struct rc_arena *arena,
             const struct twin *twin,
             struct rc_event_id id,
             uint32_t property,
             struct rc_value value)
{
    char digits[16] = {0};
    assert_true(id.text.size > 3 && id.text.size < sizeof(digits));
    memcpy(digits, id.text.data + 3, id.text.size - 3);
    const unsigned long number = strtoul(digits, NULL, 10);
    assert_true(number < IDS && twin->there[number]);
    const uint32_t expected = twin->values[number][property];
    const struct rc_value wanted = expected == 0 ? rc_value_null() : value_of(arena, expected);
    if (!rc_value_same(wanted, value))
        fail_msg("event %lu has another value of property %u than number %u", number, property,
                 expected);
}

static bool
is_dead(const uint64_t *dead, uint32_t row)
{
    return dead != NULL && (dead[row / 64] >> (row % 64) & 1) != 0;
}

static void
expect_slab(const struct rc_view *view,
            const struct rc_view_slab *slab,
            const struct twin *twin,
            struct rc_arena *arena,
            struct seen *seen)
{
    const uint32_t row_count = rc_slab_get_info(slab->slab)->row_count;
    const struct rc_properties *properties = rc_view_event_properties(view);
    struct rc_error error;
    if (rc_slab_check(slab->slab, &error) != RC_OK)
        fail_msg("%s", error.message);
    for (uint32_t row = 0; row < row_count; row++) {
        if (is_dead(slab->dead, row))
            continue;
        seen->rows++;
        for (uint32_t p = 0; p < PROPERTIES; p++) {
            struct rc_column_view column;
            struct rc_value value = rc_value_null();
            if (rc_slab_column(slab->slab, p, &column)) {
                const uint32_t code = rc_column_code(&column, row);
                seen->slab_texts += code != RC_CODE_NONE && code >= column.dictionary_count;
                assert_int_equal(rc_column_value(&column, rc_properties_dictionary(properties, p),
                                                 code, arena, &value),
                                 RC_OK);
            }
            expect_event(arena, twin, rc_slab_event_id(slab->slab, row), p, value);
        }
        rc_arena_reset(arena);
    }
}

static void
expect_chunk(const struct rc_view *view,
             const struct rc_view_chunk *chunk,
             const struct twin *twin,
             struct rc_arena *arena,
             struct seen *seen)
{
    const uint32_t property_count = rc_properties_count(rc_view_event_properties(view));
    for (uint32_t row = 0; row < chunk->row_count; row++) {
        if (is_dead(chunk->dead, row))
            continue;
        seen->rows++;
        for (uint32_t p = 0; p < property_count; p++) {
            const rc_cell *cells = rc_view_chunk_cells(chunk, p);
            const rc_cell cell = cells == NULL ? RC_CELL_NULL : cells[row];
            const bool is_text = rc_cell_kind_of(cell) == RC_CELL_TEXT;
            struct rc_value value;
            assert_int_equal(
                rc_cell_value(is_text ? rc_view_chunk_texts(chunk, p)
                                      : rc_properties_dictionary(rc_view_event_properties(view), p),
                              cell, arena, &value),
                RC_OK);
            seen->head_texts += is_text;
            seen->codes += rc_cell_kind_of(cell) == RC_CELL_CODE;
            expect_event(arena, twin, chunk->ids[row], p, value);
        }
        rc_arena_reset(arena);
    }
}

static void
expect_view(const struct rc_view *view, const struct twin *twin, struct seen *seen)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    uint32_t count = 0;
    const uint32_t rows_before = seen->rows;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    for (uint32_t i = 0; i < count; i++)
        expect_slab(view, &slabs[i], twin, arena, seen);
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &count);
    for (uint32_t i = 0; i < count; i++)
        expect_chunk(view, &chunks[i], twin, arena, seen);
    uint32_t expected = 0;
    for (uint32_t i = 0; i < IDS; i++)
        expected += twin->there[i];
    assert_int_equal(seen->rows - rows_before, expected);
}

static void
expect(struct rc_project *project, const struct twin *twin, struct seen *seen)
{
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    assert_int_equal(rc_project_view(project, NULL, &view), RC_OK);
    expect_view(view, twin, seen);
}

static bool
seal(struct rc_project *project)
{
    bool sealed = false;
    assert_int_equal(rc_seal_oldest(project, NULL, &sealed, NULL), RC_OK);
    return sealed;
}

static bool
merge(struct rc_project *project)
{
    struct rc_merge_plan plan;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    rc_merge_pick_all(version, &plan);
    version = rc_version_unref(version);
    if (plan.count == 0)
        return false;
    assert_int_equal(rc_merge_run(project, &plan, NULL, NULL, NULL), RC_OK);
    return true;
}

static uint64_t
sweep(struct rc_project *project, enum rc_sweep_when when)
{
    uint64_t freed = 0;
    assert_int_equal(rc_project_sweep_dictionaries(project, when, NULL, &freed, NULL), RC_OK);
    return freed;
}

/* Writes the state and reads it into another project with the slabs of the first, whose heads are
 * empty. */
static struct rc_project *
store_and_restore(struct rc_project *project, uint32_t entries_max)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct rc_state state = {.project = project, .next_slab_id = rc_project_next_slab_id(project)};
    rc_state_pin_catalogs(&state);
    assert_int_equal(rc_project_get_settings(project, arena, &state.settings), RC_OK);
    assert_int_equal(rc_project_view(project, NULL, &state.view), RC_OK);
    assert_int_equal(rc_streams_copy(rc_project_streams(project), arena, &state.streams), RC_OK);
    rc_state_write(&writer, &state);

    struct rc_project *restored = NULL;
    struct rc_state_slab *slabs = NULL;
    uint32_t slab_count = 0;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    assert_int_equal(rc_state_read((struct rc_bytes){(const char *)writer.data, writer.size},
                                   &rc_account_process, HEAD_ROWS, arena, &restored, &slabs,
                                   &slab_count, NULL),
                     RC_OK);
    struct rc_dictionary_bounds bounds = *rc_project_dictionary_bounds(restored);
    bounds.entries_max = entries_max;
    rc_project_bound_dictionaries(restored, &bounds);
    assert_int_equal(rc_version_draft(rc_project_version(restored), &draft), RC_OK);
    const struct rc_view_slab *shown = rc_view_slabs(state.view, &slab_count);
    for (uint32_t i = 0; i < slab_count; i++) {
        const struct rc_bytes bytes = rc_slab_bytes(shown[i].slab);
        void *block = rc_alloc(bytes.size);
        RC_CLEANUP(rc_slab_unrefp) struct rc_slab *slab = NULL;
        assert_non_null(block);
        memcpy(block, bytes.data, bytes.size);
        assert_int_equal(rc_slab_of_block(block, bytes.size, &slab, NULL), RC_OK);
        assert_null(shown[i].dead); /* Everything was merged. */
        assert_int_equal(rc_version_add_slab(draft, slab, shown[i].id, NULL), RC_OK);
    }
    rc_project_publish(restored, RC_TAKE(draft), 0);
    rc_state_unpin_catalogs(&state);
    rc_view_release(state.view);
    return restored;
}

static void
empty_heads(struct rc_project *project)
{
    assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
    while (seal(project) || merge(project))
        ;
}

static void
test_random_steps(void **state)
{
    (void)state;
    struct seen seen = {0};
    uint64_t freed = 0;
    print_message("seed %u\n", SEED);
    for (uint64_t round = 0; round < 12; round++) {
        static const uint32_t bounds[] = {0, 3, 40, 200, 1000000};
        static struct twin twin;
        const uint32_t entries_max = bounds[round % 5];
        struct rc_project *project = new_project(entries_max);
        uint64_t seed = SEED + round;
        memset(&twin, 0, sizeof(twin));
        for (uint64_t step = 1; step <= 60; step++) {
            const uint64_t choice = rig_random(&seed) % 8;
            if (choice < 4)
                apply_random(project, &seed, step, &twin);
            else if (choice == 4)
                assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
            else if (choice == 5)
                seal(project);
            else if (choice == 6)
                merge(project);
            else
                freed += sweep(project, RC_SWEEP_ANY_DEAD);
            if (step % 4 == 0)
                expect(project, &twin, &seen);
            if (step % 20 == 0) {
                empty_heads(project);
                struct rc_project *restored = store_and_restore(project, entries_max);
                expect(restored, &twin, &seen);
                rc_project_unref(project);
                project = restored;
            }
        }
        expect(project, &twin, &seen);
        rc_project_unref(project);
    }
    print_message("%u codes and %u texts of heads, %u texts of slabs, %llu entries freed\n",
                  seen.codes, seen.head_texts, seen.slab_texts, (unsigned long long)freed);
    assert_true(seen.codes > 0 && seen.head_texts > 0 && seen.slab_texts > 0 && freed > 0);
}

static uint32_t
entry_count(struct rc_project *project)
{
    return rc_dictionary_entry_count(
        rc_properties_dictionary(rc_project_event_properties(project), 0));
}

/* One batch of one value for each of count ids. */
static enum rc_status
try_values(struct rc_project *project,
           uint64_t sequence,
           uint32_t first_id,
           uint32_t first_value,
           uint32_t count,
           struct twin *twin)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_bytes *ids = RC_ARENA_ARRAY(arena, struct rc_bytes, count);
    uint32_t *users = RC_ARENA_ARRAY(arena, uint32_t, count);
    int64_t *times = RC_ARENA_ARRAY(arena, int64_t, count);
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, count);
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, count);
    static const struct rc_bytes user_id = {"u", 1};
    for (uint32_t i = 0; i < count; i++) {
        char *text = rc_arena_alloc(arena, 16);
        ids[i] = (struct rc_bytes){text, (size_t)snprintf(text, 16, "id-%u", first_id + i)};
        codes[i] = i + 1;
        values[i] = value_of(arena, first_value + i);
        twin->there[first_id + i] = true;
        twin->values[first_id + i][0] = first_value + i;
    }
    const struct rc_batch_column column = {.name = RC_BYTES_LITERAL("url"),
                                           .value_count = count,
                                           .values = values,
                                           .code_width = 4,
                                           .codes = (const unsigned char *)codes};
    const struct rc_batch batch = {.events = {.row_count = count,
                                              .user_count = 1,
                                              .users = &user_id,
                                              .user_codes = (const unsigned char *)users,
                                              .times_ms = (const unsigned char *)times,
                                              .column_count = 1,
                                              .columns = &column},
                                   .text_ids = ids};
    struct rc_applied applied;
    return rc_apply_batch(project, RC_BYTES_LITERAL("stream"), sequence, &batch, sequence, arena,
                          &applied, NULL);
}

static void
apply_values(struct rc_project *project,
             uint64_t sequence,
             uint32_t first_id,
             uint32_t first_value,
             uint32_t count,
             struct twin *twin)
{
    assert_int_equal(try_values(project, sequence, first_id, first_value, count, twin), RC_OK);
}

/* The bound counts what lives: after a merge that drops most of a dictionary it takes new values,
 * under new codes, while a view that was taken before still reads the old ones. */
static void
test_a_dictionary_shrinks_and_takes_again(void **state)
{
    (void)state;
    static struct twin twin;
    static struct twin old_twin;
    struct seen seen = {0};
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = new_project(40);
    memset(&twin, 0, sizeof(twin));
    apply_values(project, 1, 0, 4, 60, &twin); /* 40 of 57 texts become entries. */
    assert_int_equal(entry_count(project), 40);
    const struct rc_dictionary *before =
        rc_properties_dictionary(rc_project_event_properties(project), 0);
    assert_int_equal(sweep(project, RC_SWEEP_ANY_DEAD), 0);
    assert_ptr_equal(before, rc_properties_dictionary(rc_project_event_properties(project), 0));
    empty_heads(project);
    assert_int_equal(entry_count(project), 40);

    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    assert_int_equal(rc_project_view(project, NULL, &view), RC_OK);
    old_twin = twin;
    apply_values(project, 2, 0, 104, 20, &twin); /* 20 events are sent again with other values. */
    empty_heads(project);
    assert_int_equal(entry_count(project), 40); /* Half of it is dead, not more. */
    apply_values(project, 3, 20, 204, 10, &twin);
    empty_heads(project);
    const uint32_t left = entry_count(project);
    assert_true(left < 20);
    const struct rc_dictionary *after =
        rc_properties_dictionary(rc_project_event_properties(project), 0);
    assert_int_equal(rc_dictionary_count(after), 40);
    assert_int_equal(rc_dictionary_generation(after), 1);
    expect(project, &twin, &seen);
    expect_view(view, &old_twin, &seen);

    apply_values(project, 4, 100, 304, 60, &twin);
    assert_int_equal(entry_count(project), 40);
    assert_int_equal(rc_dictionary_count(after), 40 + 40 - left);
    expect(project, &twin, &seen);
    expect_view(view, &old_twin, &seen);
}

static void
test_a_sweep_does_not_happen_by_halves(void **state)
{
    (void)state;
    static struct twin twin;
    struct seen seen = {0};
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = new_project(40);
    memset(&twin, 0, sizeof(twin));
    apply_values(project, 1, 0, 4, 60, &twin);
    empty_heads(project);
    apply_values(project, 2, 0, 104, 20, &twin);
    empty_heads(project);
    const _Atomic(bool) cancel = true;
    assert_int_equal(rc_project_sweep_dictionaries(project, RC_SWEEP_ANY_DEAD, &cancel, NULL, NULL),
                     RC_CANCELLED);
    for (uint64_t n = 1;; n++) {
        rc_alloc_fail_at(n);
        const enum rc_status status =
            rc_project_sweep_dictionaries(project, RC_SWEEP_ANY_DEAD, NULL, NULL, NULL);
        rc_alloc_fail_at(0);
        expect(project, &twin, &seen);
        if (status == RC_OK)
            break;
        assert_int_equal(status, RC_NO_MEMORY);
        assert_int_equal(entry_count(project), 40);
    }
    assert_true(entry_count(project) < 40);
}

/* A batch of texts for three heads, of which every allocation fails once: nothing of it is seen. */
static void
test_a_failed_batch_is_never_seen(void **state)
{
    (void)state;
    static struct twin twin;
    static struct twin with_batch;
    for (uint64_t n = 30;; n += 3) { /* The first ones are those of the batch itself. */
        struct seen seen = {0};
        RC_CLEANUP(rc_project_unrefp) struct rc_project *project = new_project(3);
        memset(&twin, 0, sizeof(twin));
        apply_values(project, 1, 0, 4, 60, &twin);
        with_batch = twin;
        rc_alloc_fail_at(n);
        const enum rc_status status = try_values(project, 2, 100, 104, 250, &with_batch);
        rc_alloc_fail_at(0);
        expect(project, status == RC_OK ? &with_batch : &twin, &seen);
        if (status == RC_OK)
            break;
        assert_int_equal(status, RC_NO_MEMORY);
    }
}

struct sweeping {
    struct rc_project *project;
    _Atomic(bool) stop;
    uint64_t freed;
    _Atomic(uint64_t) merged;
};

static void *
sweep_on(void *argument)
{
    struct sweeping *sweeping = argument;
    while (!atomic_load(&sweeping->stop)) {
        seal(sweeping->project);
        sweeping->merged += merge(sweeping->project);
        sweeping->freed += sweep(sweeping->project, RC_SWEEP_ANY_DEAD);
    }
    return NULL;
}

/* Values come, die and come again while dictionaries are exchanged under them. */
static void
test_sweeps_beside_the_writer(void **state)
{
    (void)state;
    static struct twin twin;
    struct seen seen = {0};
    struct sweeping sweeping = {.project = new_project(100)};
    uint64_t seed = SEED;
    pthread_t thread;
    memset(&twin, 0, sizeof(twin));
    assert_int_equal(pthread_create(&thread, NULL, sweep_on, &sweeping), 0);
    for (uint64_t step = 1; step <= 250; step++) {
        apply_random(sweeping.project, &seed, step, &twin);
        if (step % 10 == 0)
            expect(sweeping.project, &twin, &seen);
    }
    while (atomic_load(&sweeping.merged) == 0) /* The thread may begin late. */
        rc_clock_sleep_ns(100000);
    atomic_store(&sweeping.stop, true);
    pthread_join(thread, NULL);
    expect(sweeping.project, &twin, &seen);
    print_message("%llu merges, %llu entries freed\n", (unsigned long long)sweeping.merged,
                  (unsigned long long)sweeping.freed);
    rc_project_unref(sweeping.project);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_steps),
        cmocka_unit_test(test_a_dictionary_shrinks_and_takes_again),
        cmocka_unit_test(test_a_sweep_does_not_happen_by_halves),
        cmocka_unit_test(test_a_failed_batch_is_never_seen),
        cmocka_unit_test(test_sweeps_beside_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
