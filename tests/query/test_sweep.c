/*
 * Sweep: random slabs, random streams of every density (merged row by row where all are sparse,
 * read by words where one is not), streams limited to a time or to some persons, users who are left
 * out, dead rows; read a stretch at a time, against looking at each row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/slab/slab_rows.h"
#include "engine/query/walk/sweep.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/project/project.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 200u
#define ROWS_MAX 60000u
#define USERS 900u
#define STREAMS_MAX 10u
#define WORDS (RC_BLOCK_ROWS / 64)
#define WINDOW_MS (RIG_START_MS / RC_WINDOW_MS * RC_WINDOW_MS)

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

static bool
has_bit(const uint64_t *words, uint32_t index)
{
    return ((words[index / 64] >> (index % 64)) & 1) != 0;
}

struct world {
    struct rc_arena *arena;
    struct rc_project *project;
    struct rc_view *view;
    struct rc_slab *slab;
    uint32_t row_count;
    uint32_t stream_count;
    uint64_t matches[STREAMS_MAX][WORDS];
    struct rc_rowset *sets[STREAMS_MAX];
    struct rc_stream streams[STREAMS_MAX];
    uint64_t dead[WORDS];
    uint64_t persons[USERS / 64 + 1]; /* Of some streams. */
    uint64_t skip[USERS / 64 + 1];
    uint64_t filter[USERS / 64 + 1];
    struct rc_query_context context;
    struct rc_plan_slab plan_slab;
    struct rc_plan plan;
    /* What the sweeps of a round did, and what is expected of them. */
    bool timeless;
    bool skips;
    uint32_t hit_count;
    uint32_t many_count; /* Reads of many stretches. */
    uint32_t kept_count; /* Sets with which users are kept. */
};

static void
make_slab(struct world *world)
{
    static uint32_t users[ROWS_MAX];
    static int64_t times_ms[ROWS_MAX];
    static struct rc_event_id ids[ROWS_MAX];
    const uint32_t user_count = 1 + below(USERS);
    world->row_count = 1 + below(below(3) == 0 ? 300 : ROWS_MAX);
    for (uint32_t i = 0; i < world->row_count; i++) {
        users[i] = below(1 + below(user_count));
        times_ms[i] = WINDOW_MS + (int64_t)below((uint32_t)RC_WINDOW_MS);
        ids[i] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = i};
    }
    const struct rc_row_source source = {
        .row_count = world->row_count, .users = users, .times_ms = times_ms, .ids = ids};
    const struct rc_slab_source sources[1] = {{.rows = &source}};
    assert_int_equal(rc_slab_build(sources, 1, rc_window_longest(WINDOW_MS), NULL,
                                   rc_project_account(world->project), NULL, &world->slab, NULL),
                     RC_OK);
}

static void
make_view(struct world *world)
{
    struct rc_version *draft;
    uint32_t code;
    char text[16];
    const bool kills = below(2) == 0;
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
    for (uint32_t row = 0; row < world->row_count && kills; row++) {
        bool newly;
        if (below(9) != 0)
            continue;
        assert_int_equal(rc_version_kill_slab_row(draft, 0, row, &newly), RC_OK);
        world->dead[row / 64] |= (uint64_t)1 << (row % 64);
    }
    rc_project_publish(world->project, draft, 1);
    rc_project_unlock_writer(world->project);
    assert_int_equal(
        rc_project_view(world->project, rc_project_account(world->project), &world->view), RC_OK);
}

static void
make_stream(struct world *world, uint32_t index, bool sparse)
{
    struct rc_rowset_builder *builder;
    struct rc_account *account = rc_project_account(world->project);
    const uint32_t one_in = sparse ? 40 + below(600) : 1 + below(below(2) == 0 ? 5 : 300);
    for (uint32_t row = 0; row < world->row_count; row++)
        if (below(one_in) == 0)
            world->matches[index][row / 64] |= (uint64_t)1 << (row % 64);
    assert_int_equal(rc_rowset_builder_new(world->row_count, account, &builder), RC_OK);
    assert_int_equal(rc_rowset_builder_append(builder, world->matches[index]), RC_OK);
    assert_int_equal(rc_rowset_builder_finish(builder, &world->sets[index]), RC_OK);
    rc_rowset_builder_free(builder);
    struct rc_stream *stream = &world->streams[index];
    *stream =
        (struct rc_stream){.bit = (uint64_t)1 << (index * 5), .from_ms = 0, .until_ms = INT64_MAX};
    if (below(4) == 0) {
        stream->from_ms = WINDOW_MS + (int64_t)below(10) * RIG_DAY_MS;
        stream->until_ms = stream->from_ms + (int64_t)below(20) * RIG_DAY_MS;
    }
    if (below(4) == 0)
        stream->persons = world->persons;
}

/* Keeps users with a set, if it is a list. */
static void
keep_users(struct world *world, struct rc_rowset *set)
{
    const struct rc_row_owners owners = rc_slab_rows_owned(world->slab);
    struct rc_rowset *other = rc_rowset_ref(set); /* As the cache has it. */
    world->kept_count += rc_rowset_keep_users(set, &owners, 1) != NULL;
    rc_rowset_unref(other);
}

static void
world_open(struct world *world)
{
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("sweep"), .version = 1};
    const bool sparse = below(2) == 0;
    memset(world, 0, sizeof(*world));
    world->arena = rc_arena_new(NULL, 0);
    assert_int_equal(
        rc_project_new(&settings, &rc_account_process, RC_HEAD_ROWS_MAX, &world->project), RC_OK);
    make_view(world);
    for (uint32_t i = 0; i < USERS / 64 + 1; i++) {
        world->persons[i] = rig_random(&random_state);
        world->skip[i] = rig_random(&random_state) & rig_random(&random_state);
        world->filter[i] = rig_random(&random_state) | rig_random(&random_state);
    }
    world->stream_count = 1 + below(below(3) == 0 ? STREAMS_MAX : 4);
    for (uint32_t s = 0; s < world->stream_count; s++)
        make_stream(world, s, sparse);
    if (below(2) == 0)
        keep_users(world, world->sets[0]);
    world->context = (struct rc_query_context){.view = world->view,
                                               .account = rc_project_account(world->project),
                                               .arena = world->arena,
                                               .parallel_max = 1};
    world->plan_slab = (struct rc_plan_slab){.row_count = world->row_count, .sets = world->sets};
    world->plan = (struct rc_plan){.context = &world->context,
                                   .stream_count = world->stream_count,
                                   .streams = world->streams,
                                   .slab_count = 1,
                                   .slabs = &world->plan_slab,
                                   .persons = below(2) == 0 ? world->filter : NULL};
    world->timeless = below(2) == 0;
    world->skips = below(2) == 0;
}

static void
world_close(struct world *world)
{
    for (uint32_t s = 0; s < world->stream_count; s++)
        rc_rowset_unref(world->sets[s]);
    rc_view_release(world->view);
    rc_slab_unref(world->slab);
    rc_project_unref(world->project);
    rc_arena_free(world->arena);
}

/* The selectors that a row of a person matches. */
static uint64_t
mask_of(const struct world *world, uint32_t row, uint32_t person)
{
    uint64_t mask = 0;
    const int64_t time_ms = rc_slab_time_ms(world->slab, row);
    if (has_bit(world->dead, row))
        return 0;
    for (uint32_t s = 0; s < world->stream_count; s++) {
        const struct rc_stream *stream = &world->streams[s];
        if (has_bit(world->matches[s], row) && time_ms >= stream->from_ms &&
            time_ms < stream->until_ms &&
            (stream->persons == NULL || has_bit(stream->persons, person)))
            mask |= stream->bit;
    }
    return mask;
}

/* Compares what was read of a stretch. given: whose its rows are as the sweep was told; USERS: it
 * finds the users by itself, from first on. */
static void
compare(struct world *world,
        const struct rc_hits *hits,
        uint32_t begin,
        uint32_t end,
        uint32_t given,
        uint32_t first)
{
    uint32_t at = 0;
    for (uint32_t row = begin; row < end; row++) {
        const uint32_t index = rc_slab_user_index_of_row(world->slab, row);
        const uint32_t user = rc_slab_users(world->slab)[index];
        const uint64_t mask = mask_of(world, row, given == USERS ? user : given);
        if (mask == 0 || (given == USERS && world->skips && has_bit(world->skip, user)) ||
            (given == USERS && world->plan.persons != NULL && !has_bit(world->filter, user)))
            continue;
        assert_true(at < hits->count);
        assert_int_equal(hits->hits[at].row, row);
        assert_int_equal(hits->hits[at].source, 0);
        assert_true(hits->hits[at].mask == mask);
        assert_int_equal(hits->hits[at].time_ms, world->timeless
                                                     ? rc_slab_starts(world->slab)[index]
                                                     : rc_slab_time_ms(world->slab, row));
        assert_int_equal(hits->slots[at], given == USERS ? user - first : first);
        at++;
    }
    assert_int_equal(hits->count, at);
    world->hit_count += at;
}

/* Reads the slab, some of it passed over: users by ranges, or one by one as given persons. */
static void
read_slab(struct world *world, bool given)
{
    struct rc_sweep *sweep;
    struct rc_hits hits = {.account = world->context.account};
    const struct rc_slab *slab = world->slab;
    const uint32_t user_count = rc_slab_get_info(slab)->user_count;
    assert_int_equal(rc_sweep_new(&world->plan, world->skips && !given ? world->skip : NULL,
                                  world->timeless, &sweep),
                     RC_OK);
    rc_sweep_open(sweep, 0);
    for (uint32_t user = 0, next; user < user_count; user = next) {
        next = given ? user + 1 : user + 1 + below(user_count - user);
        if (below(5) == 0)
            continue;
        const uint32_t begin = rc_slab_starts(slab)[user];
        const uint32_t end = rc_slab_starts(slab)[next];
        const uint32_t first = given ? below(100) : below(rc_slab_users(slab)[user] + 1);
        const uint32_t person = below(USERS);
        bool more = true;
        hits.count = 0;
        rc_sweep_seek(sweep, begin, end, given ? RC_OWNER_GIVEN : RC_OWNER_USER, first, person);
        while (more)
            assert_int_equal(rc_sweep_read(sweep, &hits, &more), RC_OK);
        compare(world, &hits, begin, end, given ? person : USERS, first);
    }
    rc_hits_close(&hits);
    rc_sweep_free(sweep);
}

/* Reads rows of some users, many stretches at a time. */
static void
read_stretches(struct world *world)
{
    static struct rc_walk_stretch stretches[USERS];
    static uint32_t persons[USERS];
    struct rc_sweep *sweep;
    struct rc_hits hits = {.account = world->context.account};
    const uint32_t *starts = rc_slab_starts(world->slab);
    const uint32_t user_count = rc_slab_get_info(world->slab)->user_count;
    const uint32_t one_in = 1 + below(below(2) == 0 ? 3 : 60);
    if (!rc_sweep_merges(&world->plan, 0))
        return;
    assert_int_equal(rc_sweep_new(&world->plan, NULL, world->timeless, &sweep), RC_OK);
    rc_sweep_open(sweep, 0);
    for (uint32_t i = 0; i < USERS; i++)
        persons[i] = below(USERS);
    for (uint32_t user = 0; user < user_count;) {
        const uint32_t most = 1 + below(100);
        uint32_t count = 0;
        for (; user < user_count && count < most; user++)
            if (below(one_in) == 0)
                stretches[count++] =
                    (struct rc_walk_stretch){below(USERS), starts[user], starts[user + 1]};
        if (count == 0)
            continue;
        bool more = true;
        hits.count = 0;
        rc_sweep_seek_stretches(sweep, stretches, count, persons);
        while (more)
            assert_int_equal(rc_sweep_read(sweep, &hits, &more), RC_OK);
        struct rc_hits part = {.hits = hits.hits, .slots = hits.slots};
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t at = (uint32_t)(part.hits - hits.hits);
            part.count = 0;
            while (at + part.count < hits.count && part.hits[part.count].row < stretches[i].end)
                part.count++;
            compare(world, &part, stretches[i].begin, stretches[i].end, persons[stretches[i].slot],
                    stretches[i].slot);
            part.hits += part.count;
            part.slots += part.count;
        }
        assert_ptr_equal(part.hits, hits.hits + hits.count);
        world->many_count += count > 1;
    }
    rc_hits_close(&hits);
    rc_sweep_free(sweep);
}

static void
against_each_row(void **state)
{
    (void)state;
    static struct world world;
    uint64_t hit_count = 0;
    uint64_t many_count = 0;
    uint64_t kept_count = 0;
    random_state = test_number("RC_TEST_SEED", 33);
    print_message("seed %llu\n", (unsigned long long)random_state);
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        world_open(&world);
        rc_slab_rows_wide = round % 2 == 0;
        read_slab(&world, false);
        read_slab(&world, true);
        read_stretches(&world);
        hit_count += world.hit_count;
        many_count += world.many_count;
        kept_count += world.kept_count;
        world_close(&world);
    }
    print_message("%llu hits, %llu reads of many stretches\n", (unsigned long long)hit_count,
                  (unsigned long long)many_count);
    assert_true(hit_count > (uint64_t)rounds * 1000);
    assert_true(many_count > rounds);
    assert_true(kept_count > rounds / 8);
}

/* Owners of many rows, sought together by wide vectors and without, against each alone. */
static void
owners_of_many(void **state)
{
    static uint32_t starts[USERS + 1];
    static uint32_t rows[300];
    static uint32_t owners[300];
    (void)state;
    for (uint32_t round = 0; round < 2000; round++) {
        const uint32_t user_count = 1 + below(USERS);
        const uint32_t rows_a_user = 1 + below(round % 2 == 0 ? 3 : 100);
        starts[0] = 0;
        for (uint32_t user = 0; user < user_count; user++)
            starts[user + 1] = starts[user] + 1 + below(rows_a_user);
        const uint32_t row_count = starts[user_count];
        const uint32_t step = 1 + below(1 + row_count / 50);
        uint32_t count = 0;
        for (uint32_t row = below(row_count); row < row_count && count < 300;
             row += 1 + below(step))
            rows[count++] = row;
        const uint32_t first = rc_slab_rows_owner(starts, user_count, 0, rows[0]);
        rc_slab_rows_wide = round % 3 != 0;
        rc_slab_rows_owners(starts, user_count, below(first + 1), rows, count, owners);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(starts[owners[i]] <= rows[i]);
            assert_true(rows[i] < starts[owners[i] + 1]);
        }
        /* Among fewer of them, the last of whom is the last for all behind him. */
        const uint32_t fewer = first + 1 + below(user_count - first);
        static uint32_t capped[300];
        rc_slab_rows_owners(starts, fewer, below(first + 1), rows, count, capped);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(capped[i], owners[i] < fewer ? owners[i] : fewer - 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_each_row),
                                       cmocka_unit_test(owners_of_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
