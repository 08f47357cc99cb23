/*
 * Text columns: row by row what rc_derive says of what is stored; their limits; out of the cache,
 * declined, refused memory, several threads; and leaves over them, alone, in an AND and many at
 * once, by the twin's answer for each row's derived value.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/match/cache/column_keeper.h"
#include "engine/match/cache/match_cache.h"
#include "engine/match/matcher.h"
#include "engine/match/slab/match_slab.h"
#include "engine/store/value/value_key.h"
#include "tests/match/match_rig.h"

#define SLABS 2u
#define ROWS 5000u
#define ROWS_MANY (RC_BLOCK_ROWS + 3000)
#define DERIVATIONS 6u

static const struct rc_derive_step capture = {.kind = RC_DERIVE_CAPTURE,
                                              .text = RC_BYTES_LITERAL("/([0-9])[0-9]*"),
                                              .part = 1};
static const struct rc_derive_step number = {.kind = RC_DERIVE_NUMBER};
static const struct rc_derive_step lower = {.kind = RC_DERIVE_LOWER};
static const struct rc_derive_step path[] = {
    {.kind = RC_DERIVE_URL, .part = RC_URL_PATH},
    {.kind = RC_DERIVE_FOLD_IDS},
};
static const struct rc_derive_step parameter = {.kind = RC_DERIVE_URL,
                                                .part = RC_URL_PARAMETER,
                                                .text = RC_BYTES_LITERAL("ref")};

#define OF(name, count, first)                                                                    \
    {                                                                                             \
        .source = RC_DERIVATION_EVENT, .property = RC_BYTES_LITERAL(name), .step_count = (count), \
        .steps = (first)                                                                          \
    }

/* Texts, and null; numbers; as many values as there were, lists among them; one; nothing but null.
 */
static const struct rc_derivation derivations[DERIVATIONS] = {
    OF("p5", 1, &capture), OF("p5", 1, &number),    OF("p0", 1, &lower),
    OF("p5", 2, path),     OF("p5", 1, &parameter), OF("p0", 1, &parameter),
};

struct world {
    uint32_t rows;
    struct rc_arena *arena;
    struct rc_account account;
    struct rc_match_cache *cache;
    struct rc_view *view;
    const struct rc_view_slab *slabs;
    struct rc_deriver *derivers[DERIVATIONS];
    struct rc_made_column made[DERIVATIONS];
    struct rc_column_keeper keepers[DERIVATIONS];
    struct rc_value *derived[DERIVATIONS][SLABS]; /* By row. */
    uint32_t distinct[DERIVATIONS][SLABS];        /* That are not null. */
};

static uint32_t
property_of(const struct rc_derivation *derivation)
{
    return (uint32_t)(derivation->property.data[1] - '0');
}

static struct rc_value
copy(struct rc_value value, struct rc_arena *arena)
{
    if (value.kind == RC_VALUE_STRING) {
        const char *text = rc_arena_string(arena, value.string.data, value.string.size);
        return rc_value_string((struct rc_bytes){text, value.string.size});
    }
    if (value.kind == RC_VALUE_LIST) {
        struct rc_bytes *items = RC_ARENA_ARRAY(arena, struct rc_bytes, value.item_count);
        for (uint32_t i = 0; i < value.item_count; i++)
            items[i] = copy(rc_value_string(value.items[i]), arena).string;
        value.items = items;
    }
    return value;
}

/* What is derived of each row, by itself. */
static void
derive_rows(struct world *world, uint32_t derivation, uint32_t slab)
{
    struct rc_derive_scratch scratch = {0};
    struct rc_value *out = RC_ARENA_ARRAY(world->arena, struct rc_value, world->rows);
    struct rc_dictionary *distinct;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *of_row = rc_arena_new(NULL, 0);
    assert_int_equal(rc_dictionary_new(NULL, &distinct), RC_OK);
    for (uint32_t row = 0; row < world->rows; row++) {
        RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
        struct rc_value values[RIG_PROPERTIES];
        uint32_t code;
        rig_view_slab_row(world->view, slab, row, of_row, values);
        assert_int_equal(rc_derive(world->derivers[derivation],
                                   values[property_of(&derivations[derivation])], &scratch,
                                   &out[row]),
                         RC_OK);
        out[row] = copy(out[row], world->arena);
        assert_int_equal(rc_value_key_open(&key, out[row]), RC_OK);
        if (out[row].kind != RC_VALUE_NULL)
            assert_int_equal(rc_dictionary_intern(distinct, key.bytes, &code), RC_OK);
        rc_arena_reset(of_row);
    }
    world->distinct[derivation][slab] = rc_dictionary_count(distinct);
    world->derived[derivation][slab] = out;
    rc_derive_scratch_close(&scratch);
    rc_dictionary_free(distinct);
}

static void
world_open(struct world *world, uint32_t rows, uint64_t *random)
{
    const struct rig_view_options options = {
        .slab_count = SLABS, .rows_per_slab = rows, .chunk_count = 2, .user_count = 50};
    uint32_t slab_count;
    *world = (struct world){.rows = rows, .arena = rc_arena_new(NULL, 0)};
    assert_int_equal(rc_match_cache_new(&world->account, &world->cache), RC_OK);
    world->view = rig_view_make(random, &options, world->arena);
    world->slabs = rc_view_slabs(world->view, &slab_count);
    for (uint32_t i = 0; i < DERIVATIONS; i++) {
        assert_int_equal(rc_deriver_new(&derivations[i], NULL, &world->derivers[i]), RC_OK);
        world->made[i] = rc_made_column_of_texts(&derivations[i], world->derivers[i],
                                                 rc_view_event_properties(world->view), NULL);
        assert_int_equal(world->made[i].kind, RC_MADE_TEXTS);
        assert_int_equal(
            rc_column_keeper_open(world->cache, &world->made[i], world->arena, &world->keepers[i]),
            RC_OK);
        for (uint32_t slab = 0; slab < SLABS; slab++)
            derive_rows(world, i, slab);
    }
}

static void
world_close(struct world *world)
{
    for (uint32_t i = 0; i < DERIVATIONS; i++) {
        rc_made_column_close(&world->made[i]);
        rc_deriver_free(world->derivers[i]);
    }
    rc_match_cache_free(world->cache);
    rig_view_free(world->view);
    rc_arena_free(world->arena);
    assert_int_equal(rc_account_used(&world->account), 0);
}

/* ---- The column ------------------------------------------------------------------------------ */

static void
expect_column(const struct world *world,
              uint32_t derivation,
              uint32_t slab,
              const struct rc_column_view *view)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    assert_int_equal(view->form, RC_COLUMN_PLAIN);
    assert_int_equal(view->code_count, world->rows);
    assert_int_equal(rc_column_code_bound(view), 1 + world->distinct[derivation][slab]);
    if (view->texts.count > 0)
        assert_int_equal(rc_texts_check(&view->texts, NULL), RC_OK);
    for (uint32_t i = 1; i < view->dictionary_count; i++)
        assert_true(view->dictionary[i - 1] < view->dictionary[i]);
    for (uint32_t row = 0; row < world->rows; row++) {
        struct rc_value value;
        assert_int_equal(rc_column_value(view, NULL, rc_column_code(view, row), arena, &value),
                         RC_OK);
        if (!rc_value_same(value, world->derived[derivation][slab][row]))
            fail_msg("derivation %u, slab %u, row %u", derivation, slab, row);
        rc_arena_reset(arena);
    }
}

static void
as_derived(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    struct world world;
    uint32_t values = 0;
    world_open(&world, ROWS, &random);
    for (uint32_t i = 0; i < DERIVATIONS; i++) {
        for (uint32_t slab = 0; slab < SLABS; slab++) {
            bool present = false;
            struct rc_column_view view;
            assert_int_equal(rc_made_column_of_slab(&world.made[i], world.slabs[slab].slab, NULL,
                                                    NULL, world.arena, &present, &view),
                             RC_OK);
            assert_true(present);
            expect_column(&world, i, slab, &view);
            values += world.distinct[i][slab];
        }
    }
    assert_true(values > 500);
    world_close(&world);
}

/* As many values as there may be, and one more. */
static void
too_many(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    struct world world;
    bool present;
    struct rc_column_view view;
    const uint32_t before = rc_text_column_values_max;
    world_open(&world, ROWS, &random);
    rc_text_column_values_max = world.distinct[1][0];
    assert_int_equal(rc_made_column_of_slab(&world.made[1], world.slabs[0].slab, NULL, NULL,
                                            world.arena, &present, &view),
                     RC_OK);
    expect_column(&world, 1, 0, &view);
    rc_text_column_values_max--;
    assert_int_equal(rc_made_column_of_slab(&world.made[1], world.slabs[0].slab, NULL, NULL,
                                            world.arena, &present, &view),
                     RC_NOT_FOUND);
    rc_text_column_values_max = before;
    world_close(&world);
}

/* What is no derivation of a stored event property has none. */
static void
of_nothing_else(void **state)
{
    (void)state;
    uint64_t random = 3;
    struct world world;
    const struct rc_derivation others[] = {
        {.source = RC_DERIVATION_EVENT, .property = RC_BYTES_LITERAL("p5")},
        {.source = RC_DERIVATION_TIME, .step_count = 1, .steps = &number},
        {.source = RC_DERIVATION_USER,
         .property = RC_BYTES_LITERAL("p5"),
         .step_count = 1,
         .steps = &number},
        OF("absent", 1, &number),
    };
    world_open(&world, ROWS, &random);
    const struct rc_properties *properties = rc_view_event_properties(world.view);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(
            rc_made_column_of_texts(&others[i], world.derivers[0], properties, NULL).kind,
            RC_MADE_NONE);
    assert_int_equal(rc_made_column_of_texts(NULL, NULL, properties, NULL).kind, RC_MADE_NONE);
    world_close(&world);
}

/* ---- Out of the cache ------------------------------------------------------------------------ */

static enum rc_status
ask(const struct world *world,
    uint32_t derivation,
    uint32_t slab,
    bool keeps,
    struct rc_found_column *ret_found)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const uint64_t one_block = 1; /* It is made whole all the same. */
    const struct rc_column_wish wish = {.slab = world->slabs[slab].slab,
                                        .slab_id = world->slabs[slab].id,
                                        .blocks = &one_block,
                                        .keeps = keeps,
                                        .arena = arena};
    if (arena == NULL)
        return RC_NO_MEMORY;
    return rc_column_keeper_get(&world->keepers[derivation], &wish, ret_found);
}

/* What came is what it should be. */
static void
expect_found(const struct world *world,
             uint32_t derivation,
             uint32_t slab,
             const struct rc_found_column *found)
{
    if (found->declined)
        return;
    assert_true(found->present);
    assert_int_equal(rc_kept_column_check(found->kept), RC_OK);
    expect_column(world, derivation, slab, &found->view);
}

static void
ask_all(const struct world *world,
        uint32_t derivation,
        uint32_t slab,
        bool keeps,
        struct rc_found_column *ret_found)
{
    assert_int_equal(ask(world, derivation, slab, keeps, ret_found), RC_OK);
    expect_found(world, derivation, slab, ret_found);
    rc_found_column_close(ret_found);
}

static void
reused(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    struct world world;
    struct rc_found_column found;
    struct rc_match_cache_stats stats;
    world_open(&world, ROWS_MANY, &random);
    for (uint32_t i = 0; i < DERIVATIONS; i++) {
        const uint64_t before = rc_account_used(&world.account);
        ask_all(&world, i, 0, false, &found);
        assert_true(found.declined); /* It is made to be kept, or not at all. */
        assert_int_equal(rc_account_used(&world.account), before);
        ask_all(&world, i, 0, true, &found);
        assert_false(found.declined || found.reused);
        assert_true(rc_column_keeper_has(&world.keepers[i], world.slabs[0].id));
        assert_false(rc_column_keeper_has(&world.keepers[i], world.slabs[1].id));
        ask_all(&world, i, 0, false, &found);
        assert_true(found.reused);
        rc_match_cache_get_stats(world.cache, &stats);
        assert_int_equal(stats.column_count, i + 1);
        assert_true(stats.column_bytes >= (i + 1) * (uint64_t)ROWS_MANY);
        assert_true(stats.column_bytes <= rc_account_used(&world.account));
    }
    rc_match_cache_drop_slab(world.cache, world.slabs[0].id);
    rc_match_cache_get_stats(world.cache, &stats);
    assert_int_equal(stats.column_bytes, 0);
    ask_all(&world, 0, 0, true, &found); /* The slab is gone: */
    assert_false(rc_column_keeper_has(&world.keepers[0], world.slabs[0].id));
    ask_all(&world, 0, 1, true, &found); /* not so this one. */
    assert_true(rc_match_cache_shrink(world.cache, 1) >= ROWS_MANY);
    assert_false(rc_column_keeper_has(&world.keepers[0], world.slabs[1].id));
    world_close(&world);
}

/* That there are too many values is known after the first time, and costs no more than that. */
static void
declined(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    struct world world;
    struct rc_found_column found;
    struct rc_match_cache_stats stats;
    const uint32_t before = rc_text_column_values_max;
    world_open(&world, ROWS, &random);
    rc_text_column_values_max = 20;
    ask_all(&world, 2, 0, true, &found);
    assert_true(found.declined);
    rc_text_column_values_max = before;
    for (uint32_t i = 0; i < 2; i++) {
        ask_all(&world, 2, 0, i == 0, &found);
        assert_true(found.declined);
        assert_false(found.reused);
        assert_false(rc_column_keeper_has(&world.keepers[2], world.slabs[0].id));
    }
    rc_match_cache_get_stats(world.cache, &stats);
    assert_in_range(stats.column_bytes, 1, 1000);
    rc_match_cache_clear(world.cache);
    ask_all(&world, 2, 0, true, &found);
    assert_false(found.declined);
    world_close(&world);
}

/* Each allocation in turn is refused: a status, the stored column or the right answer. */
static void
memory_refused(void **state)
{
    (void)state;
    uint64_t random = 9;
    struct world world;
    uint32_t refused = 0;
    uint32_t derived_by_row = 0;
    world_open(&world, ROWS, &random);
    bool reached = true;
    for (uint64_t n = 1; reached; n += 1 + n / 8) {
        struct rc_found_column found = {.present = false};
        rc_alloc_fail_at(n);
        const enum rc_status status = ask(&world, 0, 0, true, &found);
        reached = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        assert_true(status == RC_OK || (reached && status == RC_NO_MEMORY));
        refused += status != RC_OK;
        derived_by_row += status == RC_OK && found.declined;
        if (status == RC_OK)
            expect_found(&world, 0, 0, &found);
        rc_found_column_close(&found);
        rc_match_cache_clear(world.cache);
    }
    assert_true(refused > 0 && derived_by_row > 5);
    world_close(&world);
}

struct asker {
    const struct world *world;
    uint64_t random;
    uint32_t reused;
};

static void *
ask_in_thread(void *argument)
{
    struct asker *asker = argument;
    for (uint32_t i = 0; i < 40; i++) {
        struct rc_found_column found;
        const uint32_t derivation = rig_below(&asker->random, DERIVATIONS);
        ask_all(asker->world, derivation, rig_below(&asker->random, SLABS),
                rig_below(&asker->random, 4) > 0, &found);
        asker->reused += found.reused;
        if (rig_below(&asker->random, 10) == 0)
            (void)rc_match_cache_shrink(asker->world->cache, 1);
    }
    return NULL;
}

static void
threads(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    struct world world;
    pthread_t running[4];
    struct asker askers[4];
    uint32_t count = 0;
    world_open(&world, ROWS, &random);
    for (uint32_t i = 0; i < 4; i++) {
        askers[i] = (struct asker){.world = &world, .random = rig_random(&random)};
        assert_int_equal(pthread_create(&running[i], NULL, ask_in_thread, &askers[i]), 0);
    }
    for (uint32_t i = 0; i < 4; i++) {
        pthread_join(running[i], NULL);
        count += askers[i].reused;
    }
    assert_true(count > 20);
    world_close(&world);
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

/* A leaf over what a derivation makes: equal to, or containing a part of, what some row has. */
static struct rc_predicate *
random_leaf(const struct world *world,
            uint32_t derivation,
            uint64_t *random,
            struct rc_arena *arena)
{
    struct rc_predicate *leaf = rc_arena_zero(arena, sizeof(*leaf));
    struct rc_value *value = rc_arena_zero(arena, sizeof(*value));
    *value = world->derived[derivation][0][rig_below(random, world->rows)];
    leaf->kind = RC_PREDICATE_LEAF;
    leaf->leaf = (struct rc_leaf){.scope = RC_LEAF_EVENT,
                                  .operator= RC_LEAF_IN,
                                  .property = derivations[derivation].property,
                                  .value_count = 1,
                                  .values = value,
                                  .derivation = &derivations[derivation]};
    if (value->kind == RC_VALUE_NULL || value->kind == RC_VALUE_LIST || rig_below(random, 6) == 0) {
        leaf->leaf.operator= RC_LEAF_IS_SET;
        leaf->leaf.value_count = 0;
    } else if (value->kind == RC_VALUE_STRING && value->string.size > 1 &&
               rig_below(random, 2) == 0) {
        leaf->leaf.operator= RC_LEAF_CONTAINS;
        *value = rc_value_string((struct rc_bytes){value->string.data + 1, 1});
    } else if (value->kind != RC_VALUE_STRING && value->kind != RC_VALUE_BOOL) {
        leaf->leaf.operator= RC_LEAF_GREATER_EQUAL;
    }
    return leaf;
}

/* "leaf AND p4 is greater than a number", of which few rows are left. */
static struct rc_predicate *
beside(const struct rc_predicate *leaf, int64_t bound, struct rc_arena *arena)
{
    struct rc_predicate *both = rc_arena_zero(arena, sizeof(*both));
    struct rc_predicate *other = rc_arena_zero(arena, sizeof(*other));
    struct rc_value *value = rc_arena_zero(arena, sizeof(*value));
    const struct rc_predicate **children = RC_ARENA_ARRAY(arena, const struct rc_predicate *, 2);
    *value = rc_value_int(bound);
    other->kind = RC_PREDICATE_LEAF;
    other->leaf = (struct rc_leaf){.scope = RC_LEAF_EVENT,
                                   .operator= RC_LEAF_LESS,
                                   .property = RC_BYTES_LITERAL("p4"),
                                   .value_count = 1,
                                   .values = value};
    children[0] = leaf;
    children[1] = other;
    both->kind = RC_PREDICATE_ALL_OF;
    both->child_count = 2;
    both->children = children;
    return both;
}

static bool
passes(const struct world *world,
       const struct rc_predicate *predicate,
       uint32_t derivation,
       uint32_t slab,
       uint32_t row,
       struct rc_arena *arena)
{
    const struct rc_value derived = world->derived[derivation][slab][row];
    if (predicate->kind == RC_PREDICATE_LEAF)
        return rig_leaf(&predicate->leaf, derived);
    struct rc_value values[RIG_PROPERTIES];
    rig_view_slab_row(world->view, slab, row, arena, values);
    return rig_leaf(&predicate->children[0]->leaf, derived) &&
           rig_leaf(&predicate->children[1]->leaf, values[4]);
}

static void
expect_set(const struct world *world,
           const struct rc_predicate *predicate,
           uint32_t derivation,
           uint32_t slab,
           const struct rc_rowset *set,
           uint64_t *random)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    for (uint32_t row = rig_below(random, 50); row < world->rows;
         row += 1 + rig_below(random, 40)) {
        if (rc_rowset_contains(set, row) != passes(world, predicate, derivation, slab, row, arena))
            fail_msg("derivation %u, slab %u, row %u", derivation, slab, row);
        rc_arena_reset(arena);
    }
}

static void
expect_matches(const struct world *world,
               const struct rc_predicate *predicate,
               uint32_t derivation,
               uint64_t *random,
               struct rc_arena *arena)
{
    struct rc_matcher *matcher = NULL;
    assert_int_equal(
        rc_matcher_new(world->cache, world->view, 0, NULL, predicate, arena, &matcher, NULL),
        RC_OK);
    for (uint32_t slab = 0; slab < SLABS; slab++) {
        RC_CLEANUP(rc_rowset_unrefp) struct rc_rowset *set = NULL;
        assert_int_equal(rc_matcher_slab(matcher, 0, slab, NULL, &set), RC_OK);
        expect_set(world, predicate, derivation, slab, set, random);
    }
    rc_matcher_free(matcher);
}

/* The first leaf of a derivation makes its columns unless an AND leaves few rows; the others read
 * them, and so does that AND. */
static void
leaves(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    struct world world;
    const uint32_t lazy = rc_match_lazy_codes_min;
    world_open(&world, ROWS, &random);
    for (uint32_t round = 0; round < 60; round++) {
        struct rc_match_cache_stats stats;
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        const uint32_t derivation = rig_below(&random, DERIVATIONS);
        const struct rc_predicate *leaf = random_leaf(&world, derivation, &random, arena);
        rc_match_lazy_codes_min = round % 2 == 0 ? 1 : lazy;
        if (round % 3 == 0)
            rc_match_cache_clear(world.cache);
        for (int64_t bound = 0; bound < 400; bound += 1 + (int64_t)rig_below(&random, 200))
            expect_matches(&world, beside(leaf, bound, arena), derivation, &random, arena);
        expect_matches(&world, leaf, derivation, &random, arena);
        rc_match_cache_get_stats(world.cache, &stats);
        assert_true(stats.column_count >= SLABS);
        expect_matches(&world, random_leaf(&world, derivation, &random, arena), derivation, &random,
                       arena);
    }
    rc_match_lazy_codes_min = lazy;
    world_close(&world);
}

/* Many trees in one pass. */
static void
together(void **state)
{
    (void)state;
    enum { TREES = 24 };
    uint64_t random = rig_seed();
    struct world world;
    struct rc_match_cache_stats stats;
    world_open(&world, ROWS, &random);
    for (uint32_t round = 0; round < 10; round++) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        const struct rc_predicate *trees[TREES];
        struct rc_matcher *matchers[TREES];
        struct rc_matcher_part parts[TREES];
        struct rc_rowset *sets[TREES];
        uint32_t of[TREES];
        if (round % 2 == 0)
            rc_match_cache_clear(world.cache);
        for (uint32_t i = 0; i < TREES; i++) {
            of[i] = rig_below(&random, DERIVATIONS);
            const struct rc_predicate *leaf = random_leaf(&world, of[i], &random, arena);
            trees[i] = rig_below(&random, 3) == 0
                           ? leaf
                           : beside(leaf, (int64_t)rig_below(&random, 200), arena);
            assert_int_equal(rc_matcher_new(world.cache, world.view, 0, NULL, trees[i], arena,
                                            &matchers[i], NULL),
                             RC_OK);
            parts[i] = (struct rc_matcher_part){matchers[i], 0};
        }
        for (uint32_t slab = 0; slab < SLABS; slab++) {
            assert_int_equal(rc_matcher_slab_many(parts, TREES, slab, NULL, arena, sets), RC_OK);
            for (uint32_t i = 0; i < TREES; i++) {
                expect_set(&world, trees[i], of[i], slab, sets[i], &random);
                rc_rowset_unref(sets[i]);
            }
        }
        for (uint32_t i = 0; i < TREES; i++)
            rc_matcher_free(matchers[i]);
    }
    rc_match_cache_get_stats(world.cache, &stats);
    assert_true(stats.column_count > 0);
    world_close(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_derived), cmocka_unit_test(too_many), cmocka_unit_test(of_nothing_else),
        cmocka_unit_test(reused),     cmocka_unit_test(declined), cmocka_unit_test(memory_refused),
        cmocka_unit_test(threads),    cmocka_unit_test(leaves),   cmocka_unit_test(together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
