/*
 * Spells: random slabs of users with few rows and with many, random rows of them and random
 * buckets, read with wide vectors and without, against looking at each row. And the kernels that
 * find where a slot ends, where a step is passed, and what is below a limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/slab/slot_ends.h"
#include "engine/query/slab/spells.h"
#include "engine/query/slab/times_below.h"
#include "engine/query/time/bucket_ranks.h"
#include "engine/query/time/bucket_table.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/project/project.h"
#include "query_rig.h"

#define ROUNDS 120u
#define ROWS_MAX 9000u
#define USERS 400u
#define BUCKETS_MAX 70u
#define WINDOW_MS (RIG_START_MS / RC_WINDOW_MS * RC_WINDOW_MS)

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

/* A slab, the rows of it that match, and buckets. */
struct world {
    struct rc_arena *arena;
    struct rc_project *project;
    struct rc_view *view;
    struct rc_slab *slab;
    uint32_t row_count;
    uint64_t matches[RC_BLOCK_WORDS];
    struct rc_rowset *set;
    struct rc_query_context context;
    struct rc_plan_slab plan_slab;
    struct rc_plan plan;
    struct rc_bucket buckets[BUCKETS_MAX];
    struct rc_bucket_map map;
    struct rc_bucket_table table;
    uint64_t skip[USERS / 64 + 1];
};

static void
make_slab(struct world *world)
{
    static uint32_t users[ROWS_MAX];
    static int64_t times_ms[ROWS_MAX];
    static struct rc_event_id ids[ROWS_MAX];
    const uint32_t spread_ms = below(3) == 0 ? 3600000 : (uint32_t)RC_WINDOW_MS;
    const uint32_t user_count = 1 + below(USERS);
    world->row_count = 1 + below(below(4) == 0 ? 200 : ROWS_MAX);
    for (uint32_t i = 0; i < world->row_count; i++) {
        users[i] = below(1 + below(user_count));
        times_ms[i] = WINDOW_MS + (int64_t)below(spread_ms);
        if (i > 0 && below(2) == 0) { /* A visit. */
            users[i] = users[i - 1];
            times_ms[i] = times_ms[i - 1] + (int64_t)below(60000);
            if (times_ms[i] >= WINDOW_MS + RC_WINDOW_MS)
                times_ms[i] = times_ms[i - 1];
        }
        ids[i] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = i};
    }
    const struct rc_row_source source = {
        .row_count = world->row_count, .users = users, .times_ms = times_ms, .ids = ids};
    const struct rc_slab_source sources[1] = {{.rows = &source}};
    assert_int_equal(rc_slab_build(sources, 1, rc_window_longest(WINDOW_MS), NULL,
                                   rc_project_account(world->project), NULL, &world->slab, NULL),
                     RC_OK);
}

/* The project of the slab, with some users and some dead rows. */
static void
make_view(struct world *world)
{
    struct rc_version *draft;
    uint32_t code;
    char text[16];
    rc_project_lock_writer(world->project);
    for (uint32_t i = 0; i < USERS; i++) {
        const int size = snprintf(text, sizeof(text), "user%u", i);
        assert_int_equal(rc_dictionary_intern(rc_people_ids(rc_project_people(world->project)),
                                              (struct rc_bytes){text, (size_t)size}, &code),
                         RC_OK);
    }
    make_slab(world);
    assert_int_equal(rc_version_draft(rc_project_version(world->project), &draft), RC_OK);
    assert_int_equal(rc_version_add_slab(draft, world->slab, 1, NULL), RC_OK);
    rc_project_publish(world->project, draft, 1);
    rc_project_unlock_writer(world->project);
    assert_int_equal(
        rc_project_view(world->project, rc_project_account(world->project), &world->view), RC_OK);
}

static void
make_matches(struct world *world)
{
    struct rc_rowset_builder *builder;
    const uint32_t one_in = below(3) == 0 ? 1 : 1 + below(below(2) == 0 ? 4 : 300);
    const bool in_runs = below(2) == 0;
    bool run = false;
    for (uint32_t row = 0; row < world->row_count; row++) {
        run = in_runs && below(20) > 0 ? run : below(one_in) == 0;
        world->matches[row / 64] |= (uint64_t)run << (row % 64);
    }
    struct rc_account *account = rc_project_account(world->project);
    assert_int_equal(rc_rowset_builder_new(world->row_count, account, &builder), RC_OK);
    assert_int_equal(rc_rowset_builder_append(builder, world->matches), RC_OK);
    assert_int_equal(rc_rowset_builder_finish(builder, &world->set), RC_OK);
    rc_rowset_builder_free(builder);
    world->context = (struct rc_query_context){
        .view = world->view, .account = account, .arena = world->arena, .parallel_max = 1};
    world->plan_slab = (struct rc_plan_slab){.row_count = world->row_count, .sets = &world->set};
    world->plan =
        (struct rc_plan){.context = &world->context, .slab_count = 1, .slabs = &world->plan_slab};
}

static void
make_table(struct world *world)
{
    const uint32_t count = 1 + below(BUCKETS_MAX);
    const struct rc_slab_info *info = rc_slab_get_info(world->slab);
    const uint32_t least_ms = below(2) == 0 ? 1 : 1u << RC_RANK_CELL_SHIFT;
    int64_t at_ms = WINDOW_MS + (int64_t)below(3) * RIG_DAY_MS - RIG_DAY_MS;
    for (uint32_t i = 0; i < count; i++) {
        world->buckets[i].start_ms = at_ms;
        at_ms += least_ms + (int64_t)below(below(3) == 0 ? 1000000 : 20 * (uint32_t)RIG_DAY_MS);
        world->buckets[i].end_ms = at_ms;
    }
    assert_int_equal(rc_bucket_map_make(world->buckets, count, world->arena, &world->map), RC_OK);
    world->table =
        (struct rc_bucket_table){.window_start_ms = WINDOW_MS,
                                 .from_ms = world->buckets[0].start_ms + (int64_t)below(5000000),
                                 .until_ms = at_ms - (int64_t)below(2000),
                                 .bucket_count = count,
                                 .map = &world->map,
                                 .time_min_ms = info->time_min_ms,
                                 .time_max_ms = info->time_max_ms};
    assert_int_equal(rc_bucket_table_make(&world->table, world->arena), RC_OK);
}

/* How many rows of each user lie in each place. */
struct counts {
    uint32_t of[USERS][BUCKETS_MAX];
    uint64_t rows;
};

static void
count_rows(const struct world *world,
           const struct rc_walk_block *block,
           uint32_t begin,
           uint32_t end,
           struct counts *counts)
{
    for (uint32_t row = begin; row < end; row++) {
        const uint32_t user =
            rc_slab_users(world->slab)[rc_slab_user_index_of_row(world->slab, row)];
        const uint32_t place =
            rc_bucket_table_search(&world->table, WINDOW_MS + rc_slab_times(world->slab)[row]);
        if (((world->matches[row / 64] >> (row % 64)) & 1) == 0 ||
            place == world->table.bucket_count ||
            (block->skip != NULL && ((block->skip[user / 64] >> (user % 64)) & 1) != 0))
            continue;
        counts->of[user][place]++;
        counts->rows++;
    }
}

/* Counts a spell as one row, or as two of them. */
static void
take(void *state, const struct rc_spell *spells, uint32_t count)
{
    struct counts *counts = state;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(spells[i].slot < USERS && spells[i].place < BUCKETS_MAX &&
                    spells[i].twice <= 1);
        counts->of[spells[i].slot][spells[i].place] += 1u + spells[i].twice;
    }
}

/* The row where a user at or above ordinal begins. */
static uint32_t
row_of(const struct world *world, uint32_t ordinal)
{
    return rc_slab_starts(world->slab)[rc_slab_user_lower_bound(world->slab, ordinal)];
}

static void
compare(const struct counts *expected, const struct counts *found, uint32_t first)
{
    assert_int_equal(found->rows, expected->rows);
    for (uint32_t user = first; user < USERS; user++) {
        for (uint32_t place = 0; place < BUCKETS_MAX; place++) {
            const uint32_t want = expected->of[user][place];
            const uint32_t have = found->of[user - first][place];
            assert_int_equal(have < 2 ? have : 2, want < 2 ? want : 2);
        }
    }
}

/* Each time's rank has its place, and ranks are counted from the first row's on. */
static void
check_ranks(const struct world *world)
{
    struct rc_bucket_ranks ranks;
    if (!rc_bucket_ranks_make(&world->table, &ranks))
        return;
    const uint32_t *times = rc_slab_times(world->slab);
    for (uint32_t row = 0; row < world->row_count; row++) {
        const uint32_t rank = rc_bucket_rank(&ranks, times[row]);
        const uint32_t place = rc_bucket_table_find(&world->table, times[row]);
        assert_true(rank < RC_RANK_CELLS && ranks.places[rank] == place);
        assert_int_equal(ranks.counts[rank], place < world->table.bucket_count ? UINT8_MAX : 0);
    }
}

/* Reads the slab in one block of users or in two. */
static void
read_blocks(const struct world *world)
{
    static struct counts expected;
    static struct counts found;
    struct rc_spells reader;
    const uint32_t middle = below(2) == 0 ? 0 : below(USERS);
    const uint32_t firsts[3] = {0, middle, USERS};
    assert_int_equal(rc_spells_open(&reader, &world->plan, 0, &world->table), RC_OK);
    for (uint32_t i = 0; i < 2; i++) {
        const struct rc_walk_block block = {.slot_count = firsts[i + 1] - firsts[i],
                                            .first = firsts[i],
                                            .skip = world->skip[0] == 0 ? NULL : world->skip};
        const uint32_t begin = row_of(world, firsts[i]);
        const uint32_t end = row_of(world, firsts[i + 1]);
        memset(&expected, 0, sizeof(expected));
        memset(&found, 0, sizeof(found));
        if (begin == end)
            continue;
        count_rows(world, &block, begin, end, &expected);
        assert_int_equal(rc_spells_read(&reader, &block, 0, begin, end, take, &found, &found.rows),
                         RC_OK);
        compare(&expected, &found, firsts[i]);
    }
    rc_spells_close(&reader);
}

static void
spells_are_the_rows(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("p"), .version = 1};
        struct world *world = calloc(1, sizeof(*world));
        assert_non_null(world);
        random_state = round;
        world->arena = rc_arena_new(NULL, 0);
        assert_int_equal(
            rc_project_new(&settings, &rc_account_process, RC_HEAD_ROWS_MAX, &world->project),
            RC_OK);
        make_view(world);
        make_matches(world);
        make_table(world);
        for (uint32_t i = 0; i < USERS && round % 3 == 0; i++)
            world->skip[i / 64] |= (uint64_t)(below(3) == 0) << (i % 64);
        check_ranks(world);
        for (uint32_t narrow = 0; narrow < 2; narrow++) {
            rc_spells_wide = narrow == 0;
            read_blocks(world);
        }
        rc_spells_wide = true;
        rc_rowset_unref(world->set);
        rc_view_release(world->view);
        rc_slab_unref(world->slab);
        rc_project_unref(world->project);
        rc_arena_free(world->arena);
        free(world);
    }
}

static void
kernels_agree(void **state)
{
    (void)state;
    const rc_slot_ends kernels[] = {rc_slot_ends_avx2(), rc_slot_ends_avx512(),
                                    rc_slot_ends_best()};
    for (uint32_t round = 0; round < 2000; round++) {
        uint32_t times[65];
        uint64_t expected = 0;
        random_state = round;
        const uint32_t step = 1 + below(round % 2 == 0 ? 400000 : 20000000);
        times[0] = below(1000000000);
        for (uint32_t i = 1; i < 65; i++)
            times[i] = below(8) == 0 ? below(UINT32_MAX) : times[i - 1] + below(step);
        for (uint32_t i = 0; i < 64; i++)
            if (times[i] >> RC_BUCKET_SHIFT != times[i + 1] >> RC_BUCKET_SHIFT)
                expected |= (uint64_t)1 << i;
        assert_true(rc_slot_ends_portable(times) == expected);
        for (uint32_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
            assert_true(kernels[i] == NULL || kernels[i](times) == expected);
    }
}

/* Times of which some are steps, just before one, or far from all. */
static void
random_times(uint32_t times[65], uint32_t *steps, uint32_t step_count)
{
    for (uint32_t i = 0; i < step_count; i++)
        steps[i] = below(20) == 0 ? UINT32_MAX : below(UINT32_MAX);
    for (uint32_t i = 0; i < 65; i++)
        times[i] = step_count > 0 && below(2) == 0 ? steps[below(step_count)] - below(2)
                                                   : below(UINT32_MAX);
}

static void
step_kernels_agree(void **state)
{
    (void)state;
    const rc_step_ends kernels[] = {rc_step_ends_portable, rc_step_ends_avx2(),
                                    rc_step_ends_avx512(), rc_step_ends_best()};
    const rc_times_below belows[] = {rc_times_below_portable, rc_times_below_avx2(),
                                     rc_times_below_avx512(), rc_times_below_best()};
    for (uint32_t round = 0; round < 2000; round++) {
        uint32_t times[65];
        uint32_t steps[RC_BUCKET_STEPS_MAX];
        uint64_t passed = 0;
        uint64_t lower = 0;
        random_state = round;
        const uint32_t count = below(RC_BUCKET_STEPS_MAX + 1);
        random_times(times, steps, count);
        for (uint32_t i = 0; i < 64; i++) {
            for (uint32_t s = 0; s < count; s++)
                if ((times[i] < steps[s]) != (times[i + 1] < steps[s]))
                    passed |= (uint64_t)1 << i;
            lower |= (uint64_t)(count > 0 && times[i] < steps[0]) << i;
        }
        for (uint32_t i = 0; i < 4; i++) {
            assert_true(kernels[i] == NULL || kernels[i](times, steps, count) == passed);
            assert_true(belows[i] == NULL || belows[i](times, count == 0 ? 0 : steps[0]) == lower);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spells_are_the_rows),
        cmocka_unit_test(kernels_agree),
        cmocka_unit_test(step_kernels_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
