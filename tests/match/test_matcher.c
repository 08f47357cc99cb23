/*
 * Matcher: random trees over random slabs, chunks and users against the twin, cold and cached; the
 * cache; limits, cancellation, refused memory; several threads on one cache.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/workers.h"
#include "engine/match/build.h"
#include "engine/match/cache/match_cache.h"
#include "engine/match/matcher.h"
#include "engine/match/predicate/user_predicate.h"
#include "engine/match/slab/match_slab.h"
#include "tests/base/environment.h"
#include "tests/match/match_rig.h"

static bool
bit(const uint64_t *words, uint32_t index)
{
    return (words[index / 64] >> (index % 64) & 1) != 0;
}

/* The twin's truth for one event of each person in turn: an event's user is a random person. */
static uint32_t
random_person(uint64_t *random, const struct rc_view *view)
{
    return rc_view_person_of(view, rig_below(random, rc_view_user_count(view)));
}

/* A part's rows among some ranges of a slab, looked at one by one, are those that it has of them.
 */
static void
expect_ranges(uint64_t *random,
              struct rc_matcher *matcher,
              uint32_t part,
              uint32_t slab,
              const struct rc_rowset *whole)
{
    struct rc_row_range ranges[40];
    const uint32_t row_count = rc_rowset_row_count(whole);
    const uint32_t gap = 1 + rig_below(random, row_count / 4 + 1);
    const uint32_t length = 1 + rig_below(random, gap);
    struct rc_match_order order = {.access = rig_below(random, 2) == 0 ? RC_ACCESS_SCAN_ONCE
                                                                       : RC_ACCESS_POSTINGS,
                                   .reads_rows = rig_below(random, 4) == 0,
                                   .ranges = ranges};
    for (uint32_t row = rig_below(random, gap); row < row_count && order.range_count < 40;) {
        const uint32_t end = row + 1 + rig_below(random, length);
        ranges[order.range_count++] = (struct rc_row_range){row, end < row_count ? end : row_count};
        row = end + rig_below(random, gap);
    }
    if (order.range_count == 0)
        return;
    RC_CLEANUP(rc_rowset_unrefp) struct rc_rowset *some = NULL;
    struct rc_match_work work = {0};
    enum rc_access access;
    assert_int_equal(rc_matcher_slab_by(matcher, part, slab, &order, NULL, &some, &access, &work),
                     RC_OK);
    assert_int_equal(rc_rowset_check(some, NULL), RC_OK);
    uint32_t range = 0;
    for (uint32_t row = 0; row < row_count; row++) {
        range += range < order.range_count && row == ranges[range].end;
        const bool wanted = range < order.range_count && row >= ranges[range].begin;
        if (rc_rowset_contains(some, row) != (wanted && rc_rowset_contains(whole, row)))
            fail_msg("slab %u, row %u of ranges", slab, row);
    }
}

static void
expect_slabs(uint64_t *random,
             struct rc_matcher *matcher,
             const struct rc_predicate *predicate,
             const struct rc_view *view,
             struct rc_arena *arena)
{
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &slab_count);
    for (uint32_t slab = 0; slab < slab_count; slab++) {
        const uint32_t row_count = rc_slab_get_info(slabs[slab].slab)->row_count;
        const uint32_t parts = rc_matcher_part_count(matcher);
        struct rc_rowset **sets = RC_ARENA_ARRAY(arena, struct rc_rowset *, parts);
        for (uint32_t part = 0; part < parts; part++) {
            assert_int_equal(rc_matcher_slab(matcher, part, slab, NULL, &sets[part]), RC_OK);
            assert_int_equal(rc_rowset_check(sets[part], NULL), RC_OK);
            assert_int_equal(rc_rowset_row_count(sets[part]), row_count);
            if (rig_below(random, 3) == 0)
                expect_ranges(random, matcher, part, slab, sets[part]);
        }
        for (uint32_t row = rig_below(random, 7); row < row_count;
             row += 1 + rig_below(random, 13)) {
            struct rc_value event[RIG_PROPERTIES];
            struct rc_value user[RIG_PROPERTIES];
            const uint32_t person = random_person(random, view);
            rig_view_slab_row(view, slab, row, arena, event);
            rig_view_person(view, person, arena, user);
            bool found = false;
            for (uint32_t part = 0; part < parts; part++) {
                const uint64_t *persons = rc_matcher_part_persons(matcher, part);
                found |= (persons == NULL || bit(persons, person)) &&
                         rc_rowset_contains(sets[part], row);
            }
            if (found != rig_tree(predicate, event, user))
                fail_msg("slab %u, row %u", slab, row);
        }
        for (uint32_t part = 0; part < parts; part++)
            rc_rowset_unref(sets[part]);
    }
}

static void
expect_chunks(uint64_t *random,
              struct rc_matcher *matcher,
              const struct rc_predicate *predicate,
              const struct rc_view *view,
              struct rc_arena *arena)
{
    uint32_t chunk_count;
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &chunk_count);
    for (uint32_t chunk = 0; chunk < chunk_count; chunk++) {
        const uint32_t parts = rc_matcher_part_count(matcher);
        uint64_t(*words)[RC_CHUNK_ROWS / 64] = rc_arena_alloc(arena, parts * sizeof(*words));
        for (uint32_t part = 0; part < parts; part++) {
            assert_int_equal(rc_matcher_chunk(matcher, part, chunk, NULL, words[part]), RC_OK);
            for (uint32_t row = chunks[chunk].row_count; row < RC_CHUNK_ROWS; row++)
                assert_false(bit(words[part], row));
        }
        for (uint32_t row = 0; row < chunks[chunk].row_count; row += 1 + rig_below(random, 9)) {
            struct rc_value event[RIG_PROPERTIES];
            struct rc_value user[RIG_PROPERTIES];
            const uint32_t person = random_person(random, view);
            rig_view_chunk_row(view, chunk, row, arena, event);
            rig_view_person(view, person, arena, user);
            bool found = false;
            for (uint32_t part = 0; part < parts; part++) {
                const uint64_t *persons = rc_matcher_part_persons(matcher, part);
                found |= (persons == NULL || bit(persons, person)) && bit(words[part], row);
            }
            if (found != rig_tree(predicate, event, user))
                fail_msg("chunk %u, row %u", chunk, row);
        }
    }
}

/* One random predicate, asked twice when again. Returns false when it was refused for its parts. */
static bool
one_predicate(uint64_t *random,
              struct rc_match_cache *cache,
              struct rc_view *view,
              bool user_leaves,
              bool again)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_matcher_freep) struct rc_matcher *matcher = NULL;
    struct rc_error error = {0};
    const struct rc_predicate *predicate = rig_predicate(random, 4, user_leaves, arena);
    while (rc_predicate_check(predicate, NULL) != RC_OK)
        predicate = rig_predicate(random, 4, user_leaves, arena);
    const enum rc_status status =
        rc_matcher_new(cache, view, 0, NULL, predicate, arena, &matcher, &error);
    if (status == RC_LIMIT_EXCEEDED)
        return false;
    assert_int_equal(status, RC_OK);
    if (!user_leaves) {
        assert_int_equal(rc_matcher_part_count(matcher), 1);
        assert_null(rc_matcher_part_persons(matcher, 0));
    }
    for (int i = 0; i < (again ? 2 : 1); i++)
        expect_slabs(random, matcher, predicate, view, arena);
    expect_chunks(random, matcher, predicate, view, arena);
    return true;
}

static void
random_trees(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    for (int round = 0; round < 6; round++) {
        const struct rig_view_options options = {
            .slab_count = 1 + rig_below(&random, 3),
            .rows_per_slab = round == 0 ? RC_BLOCK_ROWS + 5000 : 1 + rig_below(&random, 5000),
            .chunk_count = rig_below(&random, 3),
            .user_count = 1 + rig_below(&random, 300),
            .alias_count = round % 2 == 0 ? 0 : 40};
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        struct rc_account account = {0};
        struct rc_match_cache *cache = NULL;
        assert_int_equal(rc_match_cache_new(&account, &cache), RC_OK);
        struct rc_view *view = rig_view_make(&random, &options, arena);
        for (int i = 0; i < (round == 0 ? 30 : 150); i++)
            one_predicate(&random, cache, view, i % 3 == 0, i % 4 == 0);
        struct rc_match_cache_stats stats;
        rc_match_cache_get_stats(cache, &stats);
        assert_true(stats.hits > 0 && stats.misses > 0 && stats.rowset_count > 0);
        assert_true(stats.rowset_bytes > 0 && stats.leaf_count > 0 && stats.leaf_bytes > 0);
        rc_match_cache_free(cache);
        rig_view_free(view);
        assert_int_equal(rc_account_used(&account), 0);
    }
}

struct fixture {
    struct rc_arena *arena;
    struct rc_account account;
    struct rc_match_cache *cache;
    struct rc_view *view;
};

static void
fixture_open(struct fixture *fixture, uint32_t slab_count, uint32_t rows_per_slab)
{
    uint64_t random = 42;
    const struct rig_view_options options = {.slab_count = slab_count,
                                             .rows_per_slab = rows_per_slab,
                                             .chunk_count = 1,
                                             .user_count = 10};
    *fixture = (struct fixture){.arena = rc_arena_new(NULL, 0)};
    assert_int_equal(rc_match_cache_new(&fixture->account, &fixture->cache), RC_OK);
    fixture->view = rig_view_make(&random, &options, fixture->arena);
}

static void
fixture_close(struct fixture *fixture)
{
    rc_match_cache_free(fixture->cache);
    rig_view_free(fixture->view);
    rc_arena_free(fixture->arena);
    assert_int_equal(rc_account_used(&fixture->account), 0);
}

static const struct rc_predicate *
less_leaf(struct rc_arena *arena, enum rc_leaf_scope scope, const char *property, int64_t bound)
{
    struct rc_value *value = rc_arena_zero(arena, sizeof(*value));
    struct rc_predicate *node = rc_arena_zero(arena, sizeof(*node));
    *value = rc_value_int(bound);
    *node = (struct rc_predicate){.kind = RC_PREDICATE_LEAF,
                                  .leaf = {.scope = scope,
                                           .operator= RC_LEAF_LESS,
                                           .property = rc_bytes_of(property),
                                           .value_count = 1,
                                           .values = value}};
    return node;
}

static const struct rc_predicate *
list(struct rc_arena *arena,
     enum rc_predicate_kind kind,
     const struct rc_predicate *a,
     const struct rc_predicate *b)
{
    const struct rc_predicate **children = RC_ARENA_ARRAY(arena, const struct rc_predicate *, 2);
    struct rc_predicate *node = rc_arena_zero(arena, sizeof(*node));
    children[0] = a;
    children[1] = b;
    *node = (struct rc_predicate){.kind = kind, .child_count = 2, .children = children};
    return node;
}

static uint64_t
count(struct fixture *fixture, const struct rc_predicate *predicate, uint32_t slab)
{
    struct rc_matcher *matcher = NULL;
    struct rc_rowset *set = NULL;
    assert_int_equal(rc_matcher_new(fixture->cache, fixture->view, 0, NULL, predicate,
                                    fixture->arena, &matcher, NULL),
                     RC_OK);
    assert_int_equal(rc_matcher_slab(matcher, 0, slab, NULL, &set), RC_OK);
    const uint64_t cardinality = rc_rowset_cardinality(set);
    rc_rowset_unref(set);
    rc_matcher_free(matcher);
    return cardinality;
}

/* A rowset of one row, of which the cache is told that it took so long. */
static void
insert_rowset(struct rc_match_cache *cache, uint64_t slab_id, uint64_t cost_ns)
{
    RC_CLEANUP(rc_rowset_builder_freep) struct rc_rowset_builder *builder = NULL;
    RC_CLEANUP(rc_rowset_unrefp) struct rc_rowset *set = NULL;
    const uint16_t row = 7;
    const struct rc_match_key key = rc_match_key_of_bytes(RC_BYTES_LITERAL("key"));
    assert_int_equal(rc_rowset_builder_new(100, rc_match_cache_account(cache), &builder), RC_OK);
    assert_int_equal(rc_rowset_builder_append_rows(builder, &row, 1), RC_OK);
    assert_int_equal(rc_rowset_builder_finish(builder, &set), RC_OK);
    set = rc_match_cache_insert(cache, slab_id, &key, cost_ns, set);
}

static void
cheap_and_unused_rowsets_go_first(void **state)
{
    (void)state;
    static const uint64_t costs[] = {1000000, 9000000, 1000000, 5000000};
    static const uint64_t order[] = {0, 2, 3, 1}; /* Worth 1, 4, 5 and 9. */
    const struct rc_match_key key = rc_match_key_of_bytes(RC_BYTES_LITERAL("key"));
    struct rc_account account = {0};
    struct rc_match_cache *cache = NULL;
    assert_int_equal(rc_match_cache_new(&account, &cache), RC_OK);
    for (uint64_t i = 0; i < 4; i++)
        insert_rowset(cache, i, costs[i]);
    for (uint32_t i = 0; i < 3; i++)
        rc_rowset_unref(rc_match_cache_find(cache, 2, &key));
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t rows, bytes;
        assert_true(rc_match_cache_peek(cache, order[i], &key, &rows, &bytes));
        assert_true(rc_match_cache_shrink(cache, 1) > 0);
        for (uint32_t k = 0; k < 4; k++)
            assert_int_equal(rc_match_cache_peek(cache, order[k], &key, &rows, &bytes), k > i);
    }
    rc_match_cache_free(cache);
}

static void
cache_shares_and_forgets(void **state)
{
    (void)state;
    struct fixture fixture;
    struct rc_match_cache_stats stats;
    fixture_open(&fixture, 3, 5000);
    struct rc_arena *arena = fixture.arena;
    const struct rc_predicate *a = less_leaf(arena, RC_LEAF_EVENT, "p4", 100);
    const struct rc_predicate *b = less_leaf(arena, RC_LEAF_EVENT, "p0", 5);
    const struct rc_predicate *ab = list(arena, RC_PREDICATE_ALL_OF, a, b);
    const struct rc_predicate *ba = list(arena, RC_PREDICATE_ALL_OF, b, a);
    const uint64_t both = count(&fixture, ab, 0);
    assert_true(both > 0 && both < 5000);
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.rowset_count, 1); /* The leaves were not asked for by themselves. */
    const uint64_t hits = stats.hits;
    assert_int_equal(count(&fixture, ba, 0), both);
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.hits, hits + 1);
    assert_int_equal(stats.rowset_count, 1);
    for (uint32_t slab = 0; slab < 3; slab++)
        count(&fixture, a, slab);
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.rowset_count, 4);
    const uint64_t bytes = stats.rowset_bytes;
    rc_match_cache_drop_slab(fixture.cache, 1);
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.rowset_count, 2);
    assert_int_equal(count(&fixture, ab, 0), both); /* Computed, and not put back. */
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.rowset_count, 2);
    assert_true(rc_match_cache_shrink(fixture.cache, 1) > 0);
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.rowset_count, 1);
    assert_true(stats.rowset_bytes < bytes);
    /* Which of the two stays is decided by what they took, and that was measured. */
    const uint64_t before = stats.hits;
    count(&fixture, a, 1);
    count(&fixture, a, 2);
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.hits, before + 1);
    rc_match_cache_clear(fixture.cache);
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.rowset_count + stats.leaf_count + stats.rowset_bytes, 0);
    fixture_close(&fixture);
}

static const struct rc_predicate *
regex_leaf(struct rc_arena *arena, const char *property, uint32_t number)
{
    char text[32];
    const int size = snprintf(text, sizeof(text), "[a-f]%u|x+$", number);
    struct rc_value *value = RC_ARENA_ARRAY(arena, struct rc_value, 1);
    struct rc_predicate *leaf = RC_ARENA_ARRAY(arena, struct rc_predicate, 1);
    *value = rc_value_string(
        (struct rc_bytes){rc_arena_string(arena, text, (size_t)size), (size_t)size});
    *leaf = (struct rc_predicate){.kind = RC_PREDICATE_LEAF,
                                  .leaf = {.scope = RC_LEAF_EVENT,
                                           .operator= RC_LEAF_REGEX,
                                           .property = rc_bytes_of(property),
                                           .value_count = 1,
                                           .values = value}};
    return leaf;
}

/* Parts of texts that are alike, so that many begin in what a text shares with the one before and
 * end behind it. */
static void
parts_of_texts(void **state)
{
    (void)state;
    enum { ROWS = 600 };
    struct fixture fixture;
    uint64_t random = rig_seed();
    uint64_t found = 0;
    fixture_open(&fixture, 1, ROWS);
    struct rc_value values[ROWS];
    for (uint32_t row = 0; row < ROWS; row++) {
        struct rc_value of_row[RIG_PROPERTIES];
        rig_view_slab_row(fixture.view, 0, row, fixture.arena, of_row);
        values[row] = of_row[5];
    }
    const uint32_t rounds = test_rounds(2000);
    for (uint32_t round = 0; round < rounds; round++) {
        const struct rc_value *value = &values[rig_below(&random, ROWS)];
        if (value->kind != RC_VALUE_STRING || value->string.size == 0)
            continue;
        const uint32_t begin = rig_below(&random, (uint32_t)value->string.size);
        const uint32_t left = (uint32_t)value->string.size - begin;
        const struct rc_value part = rc_value_string((struct rc_bytes){
            value->string.data + begin, 1 + rig_below(&random, left < 12 ? left : 12)});
        const struct rc_predicate leaf = {.kind = RC_PREDICATE_LEAF,
                                          .leaf = {.scope = RC_LEAF_EVENT,
                                                   .operator= RC_LEAF_CONTAINS,
                                                   .property = RC_BYTES_LITERAL("p5"),
                                                   .value_count = 1,
                                                   .values = &part}};
        uint64_t expected = 0;
        for (uint32_t row = 0; row < ROWS; row++)
            expected += rig_leaf(&leaf.leaf, values[row]);
        assert_int_equal(count(&fixture, &leaf, 0), expected);
        found += expected;
    }
    assert_true(found > 2000);
    fixture_close(&fixture);
}

/* Of expressions that nobody uses the last ones stay compiled; the others still answer. */
static void
expressions_rest(void **state)
{
    (void)state;
    enum { EXPRESSIONS = 500, COMPILED = RC_SELECTORS_MAX };
    struct fixture fixture;
    struct fixture fresh;
    struct rc_match_cache_stats stats;
    uint64_t found = 0;
    fixture_open(&fixture, 2, 1000);
    fixture_open(&fresh, 2, 1000);
    for (uint32_t slab = 0; slab < 2; slab++) {
        for (uint32_t i = 0; i < EXPRESSIONS; i++) {
            const uint64_t rows = count(&fixture, regex_leaf(fixture.arena, "p5", i), slab);
            assert_int_equal(rows, count(&fresh, regex_leaf(fresh.arena, "p5", i), slab));
            rc_match_cache_clear(fresh.cache);
            found += rows;
        }
        rc_match_cache_get_stats(fixture.cache, &stats);
        assert_int_equal(stats.leaf_count, EXPRESSIONS);
        assert_in_range(stats.leaf_bytes, COMPILED * 8192, COMPILED * 16384 + EXPRESSIONS * 4096);
    }
    assert_true(found > 0);
    fixture_close(&fresh);
    fixture_close(&fixture);
}

/* A leaf over ids: of an event or of a user. */
static const struct rc_predicate *
id_leaf(struct rc_arena *arena, enum rc_leaf_scope scope, const char *const *ids, uint32_t count)
{
    struct rc_predicate *leaf = rc_arena_zero(arena, sizeof(*leaf));
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = rc_value_string(rc_bytes_of(ids[i]));
    leaf->kind = RC_PREDICATE_LEAF;
    leaf->leaf = (struct rc_leaf){
        .scope = scope, .operator= RC_LEAF_IN, .value_count = count, .values = values};
    assert_int_equal(rc_predicate_check(leaf, NULL), RC_OK);
    return leaf;
}

static bool
is_listed(const struct rc_event_id *id, const char *const *ids, uint32_t count)
{
    char text[24];
    const struct rc_bytes found = rc_event_id_text(id, text);
    for (uint32_t i = 0; i < count; i++)
        if (rc_bytes_equal(found, rc_bytes_of(ids[i])))
            return true;
    return false;
}

/* Ids of every kind, by bytes: "1.0" and "007" are no numbers here. */
static void
event_ids(void **state)
{
    (void)state;
    static const char *const ids[] = {"0",    "9",    "id-10", "~0000000000000005", "1.0",
                                      "4998", "007",  "id-4",  "~0000000000000004", "~5",
                                      "999",  "id-5", "",      "~000000000000139A", "4999"};
    const uint32_t count = sizeof(ids) / sizeof(ids[0]);
    struct fixture fixture;
    fixture_open(&fixture, 2, 5000);
    struct rc_matcher *matcher = NULL;
    const struct rc_predicate *leaf = id_leaf(fixture.arena, RC_LEAF_EVENT_ID, ids, count);
    assert_int_equal(
        rc_matcher_new(fixture.cache, fixture.view, 0, NULL, leaf, fixture.arena, &matcher, NULL),
        RC_OK);
    uint32_t slab_count;
    uint32_t chunk_count;
    uint32_t found = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(fixture.view, &slab_count);
    const struct rc_view_chunk *chunks = rc_view_chunks(fixture.view, &chunk_count);
    for (uint32_t slab = 0; slab < slab_count; slab++) {
        RC_CLEANUP(rc_rowset_unrefp) struct rc_rowset *set = NULL;
        assert_int_equal(rc_matcher_slab(matcher, 0, slab, NULL, &set), RC_OK);
        for (uint32_t row = 0; row < rc_rowset_row_count(set); row++) {
            const struct rc_event_id id = rc_slab_event_id(slabs[slab].slab, row);
            assert_int_equal(rc_rowset_contains(set, row), is_listed(&id, ids, count));
            found += rc_rowset_contains(set, row);
        }
    }
    assert_true(found > 6);
    for (uint32_t chunk = 0; chunk < chunk_count; chunk++) {
        uint64_t words[RC_CHUNK_ROWS / 64];
        assert_int_equal(rc_matcher_chunk(matcher, 0, chunk, NULL, words), RC_OK);
        for (uint32_t row = 0; row < chunks[chunk].row_count; row++)
            assert_int_equal(bit(words, row), is_listed(&chunks[chunk].ids[row], ids, count));
    }
    rc_matcher_free(matcher);
    fixture_close(&fixture);
}

/* A person has all ids that are joined. */
static void
user_ids(void **state)
{
    (void)state;
    static const char *const ids[] = {"3", "nobody", "11", "7"};
    struct fixture fixture;
    fixture_open(&fixture, 1, 100);
    const struct rc_predicate *leaf = id_leaf(fixture.arena, RC_LEAF_USER_ID, ids, 4);
    const uint32_t user_count = rc_view_user_count(fixture.view);
    uint64_t *words = RC_ARENA_ARRAY(fixture.arena, uint64_t, user_count / 64 + 1);
    assert_int_equal(rc_user_predicate_match(fixture.cache, fixture.view, 0, NULL, leaf,
                                             fixture.arena, words, NULL),
                     RC_OK);
    for (uint32_t user = 0; user < user_count; user++) {
        const bool expected = rc_view_person_of(fixture.view, 3) == user ||
                              rc_view_person_of(fixture.view, 7) == user ||
                              rc_view_person_of(fixture.view, 11) == user;
        assert_int_equal(bit(words, user), expected);
    }
    fixture_close(&fixture);
}

static void
sub_trees_are_reused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct rc_match_cache_stats stats;
    fixture_open(&fixture, 1, 5000);
    struct rc_arena *arena = fixture.arena;
    const struct rc_predicate *a = less_leaf(arena, RC_LEAF_EVENT, "p4", 100);
    const struct rc_predicate *b = less_leaf(arena, RC_LEAF_EVENT, "p0", 5);
    const uint64_t alone = count(&fixture, a, 0);
    rc_match_cache_get_stats(fixture.cache, &stats);
    const uint64_t hits = stats.hits;
    const uint64_t either = count(&fixture, list(arena, RC_PREDICATE_ANY_OF, a, b), 0);
    assert_true(either >= alone);
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.hits, hits + 1);
    assert_int_equal(stats.rowset_count, 2);
    fixture_close(&fixture);
}

static void
cleared_while_in_use(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 1, 5000);
    const struct rc_predicate *a = less_leaf(fixture.arena, RC_LEAF_EVENT, "p4", 100);
    struct rc_matcher *matchers[2] = {NULL, NULL};
    struct rc_rowset *before = NULL;
    struct rc_rowset *after = NULL;
    for (int i = 0; i < 2; i++)
        assert_int_equal(rc_matcher_new(fixture.cache, fixture.view, 0, NULL, a, fixture.arena,
                                        &matchers[i], NULL),
                         RC_OK);
    assert_int_equal(rc_matcher_slab(matchers[0], 0, 0, NULL, &before), RC_OK);
    rc_match_cache_clear(fixture.cache);
    assert_int_equal(rc_rowset_check(before, NULL), RC_OK);
    assert_int_equal(rc_matcher_slab(matchers[0], 0, 0, NULL, &after), RC_OK);
    assert_int_equal(rc_rowset_cardinality(before), rc_rowset_cardinality(after));
    rc_rowset_unref(before);
    rc_rowset_unref(after);
    rc_matcher_free(
        matchers[0]); /* The other one is never freed: the cache's end frees its leaf. */
    fixture_close(&fixture);
}

static void
parts(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 1, 100);
    struct rc_arena *arena = fixture.arena;
    struct rc_matcher *matcher = NULL;
    struct rc_error error = {0};
    /* AND over k of (event_k OR user_k): 2^k parts. */
    const struct rc_predicate *all = NULL;
    for (int64_t k = 1; k <= 7; k++) {
        const struct rc_predicate *either =
            list(arena, RC_PREDICATE_ANY_OF, less_leaf(arena, RC_LEAF_EVENT, "p4", k),
                 less_leaf(arena, RC_LEAF_USER, "p4", k));
        all = all == NULL ? either : list(arena, RC_PREDICATE_ALL_OF, all, either);
        const enum rc_status status =
            rc_matcher_new(fixture.cache, fixture.view, 0, NULL, all, arena, &matcher, &error);
        assert_int_equal(status, k <= 6 ? RC_OK : RC_LIMIT_EXCEEDED);
        if (k <= 6) {
            assert_int_equal(rc_matcher_part_count(matcher), 1 << k);
            rc_matcher_free(matcher);
        }
    }
    uint64_t words[1] = {0};
    assert_int_equal(rc_user_predicate_match(fixture.cache, fixture.view, 0, NULL,
                                             less_leaf(arena, RC_LEAF_EVENT, "p4", 1), arena, words,
                                             &error),
                     RC_INVALID);
    assert_string_equal(error.field, "property");
    fixture_close(&fixture);
}

static void
cancelled(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 1, 5000);
    const _Atomic(bool) cancel = true;
    struct rc_matcher *matcher = NULL;
    struct rc_rowset *set = NULL;
    assert_int_equal(rc_matcher_new(fixture.cache, fixture.view, 0, NULL,
                                    less_leaf(fixture.arena, RC_LEAF_EVENT, "p4", 100),
                                    fixture.arena, &matcher, NULL),
                     RC_OK);
    assert_int_equal(rc_matcher_slab(matcher, 0, 0, &cancel, &set), RC_CANCELLED);
    assert_null(set);
    rc_matcher_free(matcher);
    fixture_close(&fixture);
}

/* Each allocation in turn is refused: a status or the right answer, and nothing is lost. */
static void
memory_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 1, 20000);
    struct rc_arena *arena = fixture.arena;
    const struct rc_predicate *ab =
        list(arena, RC_PREDICATE_ANY_OF, less_leaf(arena, RC_LEAF_EVENT, "p4", 3),
             list(arena, RC_PREDICATE_ALL_OF, less_leaf(arena, RC_LEAF_EVENT, "p0", 5),
                  less_leaf(arena, RC_LEAF_USER, "p0", 5)));
    uint32_t refused = 0;
    uint64_t expected[64];
    uint32_t expected_count = 0;
    for (uint64_t n = 0; n < 200; n++) {
        struct rc_match_cache *cache = NULL;
        struct rc_account account = {0};
        RC_CLEANUP(rc_arena_freep) struct rc_arena *own = rc_arena_new(NULL, 0);
        struct rc_matcher *matcher = NULL;
        assert_int_equal(rc_match_cache_new(&account, &cache), RC_OK);
        rc_alloc_fail_at(n);
        enum rc_status status =
            rc_matcher_new(cache, fixture.view, 0, NULL, ab, own, &matcher, NULL);
        for (uint32_t part = 0; status == RC_OK && part < rc_matcher_part_count(matcher); part++) {
            struct rc_rowset *set = NULL;
            status = rc_matcher_slab(matcher, part, 0, NULL, &set);
            if (status == RC_OK && n == 0)
                expected[expected_count++] = rc_rowset_cardinality(set);
            else if (status == RC_OK)
                assert_int_equal(rc_rowset_cardinality(set), expected[part]);
            rc_rowset_unref(set);
        }
        const bool ended = n > rc_alloc_count();
        rc_alloc_fail_at(0);
        assert_true(status == RC_OK || status == RC_NO_MEMORY);
        refused += status == RC_NO_MEMORY;
        rc_matcher_free(matcher);
        rc_match_cache_free(cache);
        assert_int_equal(rc_account_used(&account), 0);
        if (n > 0 && ended)
            break;
    }
    assert_true(refused > 10);
    fixture_close(&fixture);
}

/* An account at its limit: cached sets make room for the next one. */
static void
account_full(void **state)
{
    (void)state;
    struct fixture fixture;
    struct rc_match_cache_stats stats;
    fixture_open(&fixture, 1, 200000);
    count(&fixture, less_leaf(fixture.arena, RC_LEAF_EVENT, "p4", 10), 0);
    fixture.account.limit_bytes = rc_account_used(&fixture.account) + 200000;
    for (int64_t bound = 20; bound < 40; bound++)
        count(&fixture, less_leaf(fixture.arena, RC_LEAF_EVENT, "p4", bound), 0);
    assert_true(rc_account_used(&fixture.account) <= fixture.account.limit_bytes);
    rc_match_cache_get_stats(fixture.cache, &stats);
    assert_true(stats.rowset_count < 20);
    fixture_close(&fixture);
}

struct racer {
    pthread_t thread;
    struct fixture *fixture;
    uint64_t seed;
    uint64_t sum;
};

static void *
race(void *argument)
{
    struct racer *racer = argument;
    uint64_t random = racer->seed;
    for (int i = 0; i < 150; i++) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        const struct rc_predicate *predicate =
            less_leaf(arena, RC_LEAF_EVENT, i % 2 == 0 ? "p0" : "p5", i % 10);
        struct rc_matcher *matcher = NULL;
        struct rc_rowset *set = NULL;
        if (rc_matcher_new(racer->fixture->cache, racer->fixture->view, 0, NULL, predicate, arena,
                           &matcher, NULL) != RC_OK ||
            rc_matcher_slab(matcher, 0, (uint32_t)i % 4, NULL, &set) != RC_OK)
            abort();
        racer->sum += rc_rowset_cardinality(set) * (uint64_t)(i + 1);
        rc_rowset_unref(set);
        rc_matcher_free(matcher);
        if (rig_below(&random, 10) == 0)
            rc_match_cache_clear(racer->fixture->cache);
        if (rig_below(&random, 10) == 0)
            (void)rc_match_cache_shrink(racer->fixture->cache, 2000);
    }
    return NULL;
}

static void
threads(void **state)
{
    (void)state;
    struct fixture fixture;
    struct racer racers[4];
    fixture_open(&fixture, 4, 3000);
    for (uint64_t i = 0; i < 4; i++) {
        racers[i] = (struct racer){.fixture = &fixture, .seed = i};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(racers[i].thread, NULL);
        assert_int_equal(racers[i].sum, racers[0].sum);
    }
    fixture_close(&fixture);
}

/* Whatever is computed together is what is computed alone. */
static void
together(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    uint64_t rows = 0;
    for (int round = 0; round < 40; round++) {
        struct fixture fixture;
        const struct rc_predicate *last = NULL;
        fixture_open(&fixture, 2, round < 2 ? RC_BLOCK_ROWS + 5000 : 1 + rig_below(&random, 3000));
        rc_match_lazy_codes_min = round % 2 == 0 ? 1 : 256;
        RC_CLEANUP(rc_match_cache_freep) struct rc_match_cache *other = NULL;
        assert_int_equal(rc_match_cache_new(&fixture.account, &other), RC_OK);
        const uint32_t wanted = 1 + rig_below(&random, 40);
        struct rc_matcher *matchers[40], *others[40];
        struct rc_matcher_part parts[40];
        struct rc_rowset *sets[40];
        uint32_t count = 0;
        while (count < wanted) {
            const struct rc_predicate *predicate =
                count > 0 && rig_below(&random, 8) == 0
                    ? last
                    : rig_predicate(&random, 1 + rig_below(&random, 4), false, fixture.arena);
            last = predicate;
            assert_int_equal(rc_matcher_new(fixture.cache, fixture.view, 0, NULL, predicate,
                                            fixture.arena, &matchers[count], NULL),
                             RC_OK);
            assert_int_equal(rc_matcher_new(other, fixture.view, 0, NULL, predicate, fixture.arena,
                                            &others[count], NULL),
                             RC_OK);
            parts[count] = (struct rc_matcher_part){matchers[count], 0};
            count++;
        }
        uint32_t slab_count;
        const struct rc_view_slab *slabs = rc_view_slabs(fixture.view, &slab_count);
        for (uint32_t slab = 0; slab < slab_count; slab++) {
            assert_int_equal(rc_matcher_slab_many(parts, count, slab, NULL, fixture.arena, sets),
                             RC_OK);
            for (uint32_t i = 0; i < count; i++) {
                struct rc_rowset *alone = NULL;
                assert_int_equal(rc_matcher_slab(others[i], 0, slab, NULL, &alone), RC_OK);
                assert_int_equal(rc_rowset_check(sets[i], NULL), RC_OK);
                assert_int_equal(rc_rowset_cardinality(sets[i]), rc_rowset_cardinality(alone));
                rows += rc_rowset_cardinality(alone);
                for (uint32_t row = 0; row < rc_slab_get_info(slabs[slab].slab)->row_count; row++)
                    if (rc_rowset_contains(sets[i], row) != rc_rowset_contains(alone, row))
                        fail_msg("round %d, slab %u, predicate %u, row %u", round, slab, i, row);
                rc_rowset_unref(alone);
                rc_rowset_unref(sets[i]);
            }
        }
        for (uint32_t i = 0; i < count; i++) {
            rc_matcher_free(matchers[i]);
            rc_matcher_free(others[i]);
        }
        other = rc_match_cache_free(other);
        fixture_close(&fixture);
    }
    rc_match_lazy_codes_min = 256;
    assert_true(rows > 0);
}

static const struct rc_predicate *
property_leaf(struct rc_arena *arena,
              struct rc_bytes property,
              enum rc_leaf_operator
              operator,
              uint32_t value_count,
              const struct rc_value *values)
{
    const struct rc_predicate leaf = {.kind = RC_PREDICATE_LEAF,
                                      .leaf = {.scope = RC_LEAF_EVENT,
                                               .operator= operator,
                                               .property = property,
                                               .value_count = value_count,
                                               .values = values}};
    return rc_arena_copy(arena, &leaf, sizeof(leaf));
}

/* Before anything was evaluated: of a leaf that a tenth of the rows passes, the rows say so and not
 * its kind; behind one that leaves few rows, not all of a dictionary is asked about. */
static void
estimates_look_at_rows(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 1, 20000);
    const struct rc_value most = rc_value_int(630);
    const struct rc_predicate *greater =
        property_leaf(fixture.arena, RC_BYTES_LITERAL("p4"), RC_LEAF_GREATER_EQUAL, 1, &most);
    const struct rc_predicate *rare =
        property_leaf(fixture.arena, RC_BYTES_LITERAL("p2"), RC_LEAF_IS_SET, 0, NULL);
    const struct rc_predicate *children[] = {greater, rare};
    const struct rc_predicate both = {
        .kind = RC_PREDICATE_ALL_OF, .child_count = 2, .children = children};
    const struct rc_predicate *const asked[] = {greater, rare, &both};
    for (uint32_t i = 0; i < 3; i++) {
        struct rc_matcher *matcher;
        struct rc_match_estimate estimate;
        RC_CLEANUP(rc_rowset_unrefp) struct rc_rowset *set = NULL;
        assert_int_equal(rc_matcher_new(fixture.cache, fixture.view, 0, NULL, asked[i],
                                        fixture.arena, &matcher, NULL),
                         RC_OK);
        rc_matcher_estimate(matcher, 0, 0, &estimate);
        assert_int_equal(rc_matcher_slab(matcher, 0, 0, NULL, &set), RC_OK);
        const double rows = (double)rc_rowset_cardinality(set);
        assert_true(estimate.rows > rows / 2 && estimate.rows < rows * 2);
        assert_true(i != 2 || estimate.scan.cells < 700);
        rc_matcher_free(matcher);
    }
    fixture_close(&fixture);
}

/* Many predicates over one slab are built by both workers; the counts are those of one by one. */
static void
built_by_two(void **state)
{
    (void)state;
    enum { PREDICATES = 300 };
    uint64_t random = rig_seed();
    struct fixture fixture;
    struct rc_workers *workers = NULL;
    const struct rc_predicate *predicates[PREDICATES];
    uint64_t counts[PREDICATES];
    uint64_t alone[PREDICATES];
    fixture_open(&fixture, 1, 3000);
    assert_int_equal(rc_workers_new(2, 0, &workers, NULL), RC_OK);
    for (uint32_t i = 0; i < PREDICATES; i++)
        predicates[i] = rig_predicate(&random, 1 + rig_below(&random, 3), false, fixture.arena);
    struct rc_build build = {.cache = fixture.cache,
                             .view = fixture.view,
                             .workers = workers,
                             .parallel_max = 2,
                             .account = &fixture.account};
    assert_int_equal(rc_build(&build, predicates, PREDICATES, counts, NULL), RC_OK);
    rc_match_cache_clear(fixture.cache);
    build.workers = NULL;
    for (uint32_t i = 0; i < PREDICATES; i++)
        assert_int_equal(rc_build(&build, &predicates[i], 1, &alone[i], NULL), RC_OK);
    assert_memory_equal(counts, alone, sizeof(counts));
    rc_workers_free(workers);
    fixture_close(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_trees),
        cmocka_unit_test(cache_shares_and_forgets),
        cmocka_unit_test(cheap_and_unused_rowsets_go_first),
        cmocka_unit_test(expressions_rest),
        cmocka_unit_test(event_ids),
        cmocka_unit_test(user_ids),
        cmocka_unit_test(parts_of_texts),
        cmocka_unit_test(sub_trees_are_reused),
        cmocka_unit_test(cleared_while_in_use),
        cmocka_unit_test(parts),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(memory_refused),
        cmocka_unit_test(account_full),
        cmocka_unit_test(threads),
        cmocka_unit_test(together),
        cmocka_unit_test(estimates_look_at_rows),
        cmocka_unit_test(built_by_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
