/*
 * Kept columns: joined out of blocks in any order they say what the columns said that they were
 * made of; out of the cache they say what a fresh one says, whoever asks for which blocks, whether
 * they are kept, evicted or dropped meanwhile, and from several threads at once. The fresh one has
 * a test of its own (test_formula_column.c).
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/limits.h"
#include "engine/match/cache/column_keeper.h"
#include "engine/match/cache/match_cache.h"
#include "engine/match/rows/words.h"
#include "tests/match/match_rig.h"

#define BLOCKS 5u
#define ROWS (4 * RC_BLOCK_ROWS + 1000)

/* ---- Columns of any codes -------------------------------------------------------------------- */

/* What rows have: cells that are a function of the row. */
struct truth {
    uint64_t salt;
    uint32_t values; /* So many different ones, and null. 0: null alone. */
};

static rc_cell
truth_cell(const struct truth *truth, uint32_t row)
{
    uint64_t state = truth->salt ^ (row / 3);
    const uint32_t value = truth->values == 0 ? 0 : rig_below(&state, truth->values + 1);
    return value == 0 ? RC_CELL_NULL : (rc_cell)value << 3 | RC_CELL_INT;
}

/* A column of the blocks: its codes are in order of first rows, so of each column others. Some
 * cells stand in it twice. */
static bool
make_column(const struct truth *truth,
            const uint64_t *blocks,
            uint64_t *random,
            struct rc_arena *arena,
            struct rc_column_view *view)
{
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, ROWS);
    rc_cell *cells = RC_ARENA_ARRAY(arena, rc_cell, ROWS + 1);
    uint32_t *code_of = RC_ARENA_ARRAY(arena, uint32_t, truth->values + 1);
    uint32_t count = 1;
    assert_non_null(codes);
    assert_non_null(cells);
    for (uint32_t row = 0; row < ROWS; row++) {
        const rc_cell cell = truth_cell(truth, row);
        if (!rc_words_has(blocks, row / RC_BLOCK_ROWS) || cell == RC_CELL_NULL)
            continue;
        uint32_t *code = &code_of[cell >> 3];
        if (*code == 0 || rig_below(random, 1000) == 0) {
            *code = count;
            cells[count++] = cell;
        }
        codes[row] = *code;
    }
    *view = (struct rc_column_view){.form = RC_COLUMN_PLAIN,
                                    .property = RC_PROPERTY_NONE,
                                    .code_width = 4,
                                    .code_count = ROWS,
                                    .codes = codes,
                                    .dictionary = cells,
                                    .dictionary_count = count};
    return count > 1;
}

static void
check_column(const struct rc_kept_column *column, const struct truth *truth, uint64_t filled)
{
    struct rc_column_view view;
    const bool present = rc_kept_column_view(column, &view);
    assert_int_equal(rc_kept_column_check(column), RC_OK);
    assert_int_equal(rc_kept_column_has(column, &filled), true);
    assert_int_equal(rc_kept_column_has(column, NULL), filled == (1u << BLOCKS) - 1);
    for (uint32_t block = 0; block < BLOCKS; block++) {
        const uint64_t one = (uint64_t)1 << block;
        assert_int_equal(rc_kept_column_has(column, &one), (filled & one) != 0);
    }
    for (uint32_t row = 0; row < ROWS; row++) {
        const rc_cell cell = present ? view.dictionary[rc_column_code(&view, row)] : RC_CELL_NULL;
        const bool has = rc_words_has(&filled, row / RC_BLOCK_ROWS);
        if (cell != (has ? truth_cell(truth, row) : RC_CELL_NULL))
            fail_msg("row %u has another value", row);
    }
}

static void
joined_block_by_block(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    static const uint32_t values[] = {0, 1, 200, 255, 256, 3000, 80000};
    for (uint32_t round = 0; round < 14; round++) {
        const struct truth truth = {rig_random(&random), values[round / 2]};
        struct rc_account account = {0};
        struct rc_kept_column *column = NULL;
        uint64_t filled = 0;
        while (filled != (1u << BLOCKS) - 1) {
            RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
            struct rc_column_view view;
            struct rc_kept_column *next;
            /* Now and then nothing, or what it has already. */
            const uint64_t blocks = rig_below(&random, 1u << BLOCKS);
            const bool present = make_column(&truth, &blocks, &random, arena, &view);
            assert_int_equal(
                rc_kept_column_new(column, &view, present, &blocks, ROWS, &account, &next), RC_OK);
            if (column != NULL) {
                assert_true(rc_kept_column_includes(next, column));
                assert_int_equal(rc_kept_column_includes(column, next), (blocks & ~filled) == 0);
            }
            filled |= blocks;
            rc_kept_column_unref(column);
            column = next;
            check_column(column, &truth, filled);
            assert_true(rc_kept_column_bytes(column) <= rc_account_used(&account));
        }
        /* Equal cells are one, so codes are as narrow as the values allow. */
        struct rc_column_view view;
        if (rc_kept_column_view(column, &view) && truth.values < 256)
            assert_int_equal(view.code_width, 1);
        else if (truth.values > 0 && truth.values < 65536)
            assert_int_equal(view.code_width, 2);
        rc_kept_column_unref(column);
        assert_int_equal(rc_account_used(&account), 0);
    }
}

/* What is wanted is always among what is to be made; of much that is there, more is made too. */
static void
made_ahead(void **state)
{
    (void)state;
    enum { MANY = 100 };
    const uint32_t rows = MANY * RC_BLOCK_ROWS - 1;
    struct rc_account account = {0};
    struct rc_kept_column *column = NULL;
    uint64_t filled[2] = {0};
    uint64_t copied = 0;
    uint32_t made = 0;
    assert_int_equal(rc_kept_column_words(rows), 2);
    for (uint32_t block = 0; block < MANY; block++) {
        uint64_t wanted[2] = {0};
        uint64_t missing[2] = {0};
        struct rc_kept_column *next;
        wanted[block / 64] |= (uint64_t)1 << (block % 64);
        if (column != NULL && rc_kept_column_has(column, wanted))
            continue;
        memcpy(missing, wanted, sizeof(missing));
        if (column != NULL)
            rc_kept_column_missing(column, wanted, missing);
        assert_true(rc_words_has(missing, block));
        assert_false((missing[0] & filled[0]) != 0 || (missing[1] & filled[1]) != 0);
        const uint64_t more = rc_words_count(missing, 2);
        const uint32_t least = made / 8 < MANY - made ? made / 8 : MANY - made;
        assert_true(more >= least && more <= made / 8 + 1);
        copied += made;
        made += (uint32_t)more;
        filled[0] |= missing[0];
        filled[1] |= missing[1];
        assert_int_equal(rc_kept_column_new(column, NULL, false, missing, rows, &account, &next),
                         RC_OK);
        rc_kept_column_unref(column);
        column = next;
    }
    assert_int_equal(made, MANY);
    assert_true(rc_kept_column_has(column, NULL));
    assert_true(copied < 10 * MANY); /* MANY * MANY / 2 block by block. */
    rc_kept_column_unref(column);
    assert_int_equal(rc_account_used(&account), 0);
}

/* ---- Out of the cache ------------------------------------------------------------------------ */

#define SLABS 3u
#define KEPT_ROWS (2 * RC_BLOCK_ROWS + 5000) /* Three blocks. */
#define COLUMNS 4u

struct world {
    struct rc_arena *arena;
    struct rc_account account;
    struct rc_match_cache *cache;
    struct rc_view *view;
    const struct rc_view_slab *slabs;
    struct rc_made_column made[COLUMNS];
    struct rc_column_keeper keepers[COLUMNS];
    struct rc_column_view fresh[COLUMNS][SLABS];
    bool present[COLUMNS][SLABS];
};

static const struct rc_derive_step hour = {.kind = RC_DERIVE_TIME,
                                           .part = RC_TIME_HOUR,
                                           .text = RC_BYTES_LITERAL("UTC")};
static const struct rc_derivation p0 = {.source = RC_DERIVATION_EVENT,
                                        .property = RC_BYTES_LITERAL("p0")};
static const struct rc_derivation p4 = {.source = RC_DERIVATION_EVENT,
                                        .property = RC_BYTES_LITERAL("p4")};
static const struct rc_derivation whole_time = {.source = RC_DERIVATION_TIME};
static const struct rc_derivation absent = {.source = RC_DERIVATION_EVENT,
                                            .property = RC_BYTES_LITERAL("absent")};
static const struct rc_derivation *const by_table[] = {&p0, &p4};
static const struct rc_derivation *const by_rows[] = {&p4, &whole_time};
static const struct rc_derivation *const of_nothing[] = {&p4, &absent};
static const struct rc_derivation derivations[COLUMNS] = {
    {.source = RC_DERIVATION_FORMULA,
     .formula = RC_BYTES_LITERAL("A * B - 1.5"),
     .operand_count = 2,
     .operands = by_table},
    {.source = RC_DERIVATION_FORMULA,
     .formula = RC_BYTES_LITERAL("A + B / 1000"),
     .operand_count = 2,
     .operands = by_rows},
    {.source = RC_DERIVATION_TIME, .step_count = 1, .steps = &hour},
    {.source = RC_DERIVATION_FORMULA,
     .formula = RC_BYTES_LITERAL("A + B"),
     .operand_count = 2,
     .operands = of_nothing},
};

static void
world_open(struct world *world, uint32_t rows, uint64_t *random)
{
    const struct rig_view_options options = {
        .slab_count = SLABS, .rows_per_slab = rows, .chunk_count = 1, .user_count = 50};
    uint32_t slab_count;
    *world = (struct world){.arena = rc_arena_new(NULL, 0)};
    assert_int_equal(rc_match_cache_new(&world->account, &world->cache), RC_OK);
    world->view = rig_view_make(random, &options, world->arena);
    world->slabs = rc_view_slabs(world->view, &slab_count);
    assert_int_equal(slab_count, SLABS);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        assert_int_equal(rc_made_column_open(&derivations[i], rc_view_event_properties(world->view),
                                             NULL, &world->made[i]),
                         RC_OK);
        assert_int_equal(
            rc_column_keeper_open(world->cache, &world->made[i], world->arena, &world->keepers[i]),
            RC_OK);
        for (uint32_t slab = 0; slab < SLABS; slab++)
            assert_int_equal(rc_made_column_of_slab(&world->made[i], world->slabs[slab].slab, NULL,
                                                    NULL, world->arena, &world->present[i][slab],
                                                    &world->fresh[i][slab]),
                             RC_OK);
    }
}

static void
world_close(struct world *world)
{
    for (uint32_t i = 0; i < COLUMNS; i++)
        rc_made_column_close(&world->made[i]);
    rc_match_cache_free(world->cache);
    rig_view_free(world->view);
    rc_arena_free(world->arena);
    assert_int_equal(rc_account_used(&world->account), 0);
}

/* Asks for a column and holds what comes against the fresh one; how it came in *ret_found, which is
 * closed. */
static enum rc_status
ask(const struct world *world,
    uint32_t column,
    uint32_t slab,
    const uint64_t *blocks,
    bool keeps,
    struct rc_found_column *ret_found)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_column_view *fresh = &world->fresh[column][slab];
    const struct rc_column_wish wish = {.slab = world->slabs[slab].slab,
                                        .slab_id = world->slabs[slab].id,
                                        .blocks = blocks,
                                        .keeps = keeps,
                                        .arena = arena};
    if (arena == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_column_keeper_get(&world->keepers[column], &wish, ret_found));
    if (ret_found->kept != NULL)
        assert_int_equal(rc_kept_column_check(ret_found->kept), RC_OK);
    const bool is_time = world->made[column].kind == RC_MADE_TIME;
    for (uint32_t row = 0; row < rc_slab_get_info(wish.slab)->row_count; row++) {
        rc_cell cell = RC_CELL_NULL;
        rc_cell expected = RC_CELL_NULL;
        if (ret_found->present) { /* Codes of rows that are not wanted are codes all the same. */
            const uint32_t code = rc_column_code(&ret_found->view, row);
            assert_true(code < ret_found->view.dictionary_count);
            cell = ret_found->view.dictionary[code];
        }
        if (world->present[column][slab])
            expected = fresh->dictionary[rc_column_code(fresh, row)];
        if ((blocks == NULL || is_time || rc_words_has(blocks, row / RC_BLOCK_ROWS)) &&
            cell != expected)
            fail_msg("row %u of column %u has another value", row, column);
    }
    rc_found_column_close(ret_found);
    return RC_OK;
}

static void
reused(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    struct world world;
    struct rc_found_column found;
    struct rc_match_cache_stats stats;
    world_open(&world, KEPT_ROWS, &random);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        const bool partial = world.made[i].kind == RC_MADE_FORMULA;
        const uint64_t first = 1;
        const uint64_t last = 4;
        const uint64_t slab_id = world.slabs[0].id;
        assert_int_equal(ask(&world, i, 0, &first, false, &found), RC_OK);
        assert_false(found.reused);
        rc_match_cache_get_stats(world.cache, &stats);
        assert_int_equal(stats.column_count, i); /* Not kept. */
        assert_int_equal(ask(&world, i, 0, &first, true, &found), RC_OK);
        assert_false(found.reused);
        assert_int_equal(rc_column_keeper_has(&world.keepers[i], slab_id), !partial);
        assert_int_equal(ask(&world, i, 0, &first, false, &found), RC_OK);
        assert_true(found.reused);
        assert_int_equal(ask(&world, i, 0, NULL, false, &found), RC_OK);
        assert_int_equal(found.reused, !partial);
        assert_int_equal(ask(&world, i, 0, &last, true, &found), RC_OK);
        assert_int_equal(found.reused, !partial);
        assert_int_equal(ask(&world, i, 0, NULL, true, &found), RC_OK);
        assert_int_equal(found.reused, !partial);
        assert_true(rc_column_keeper_has(&world.keepers[i], slab_id));
        assert_int_equal(ask(&world, i, 0, i % 2 == 0 ? &last : NULL, true, &found), RC_OK);
        assert_true(found.reused);
        assert_false(rc_column_keeper_has(&world.keepers[i], world.slabs[1].id));
        rc_match_cache_get_stats(world.cache, &stats);
        assert_int_equal(stats.column_count, i + 1); /* One, whatever it grew by. */
        assert_int_equal(stats.rowset_count, 0);
        assert_true(stats.column_bytes > 0 &&
                    stats.column_bytes <= rc_account_used(&world.account));
    }
    rc_match_cache_drop_slab(world.cache, world.slabs[0].id);
    rc_match_cache_get_stats(world.cache, &stats);
    assert_int_equal(stats.column_count, 0);
    assert_int_equal(stats.column_bytes, 0);
    assert_int_equal(ask(&world, 0, 0, NULL, true, &found), RC_OK); /* The slab is gone: */
    assert_false(rc_column_keeper_has(&world.keepers[0], world.slabs[0].id));
    assert_int_equal(ask(&world, 0, 1, NULL, true, &found), RC_OK); /* not so this one. */
    assert_true(rc_match_cache_shrink(world.cache, 1) >= KEPT_ROWS);
    assert_false(rc_column_keeper_has(&world.keepers[0], world.slabs[1].id));
    assert_int_equal(ask(&world, 0, 1, NULL, true, &found), RC_OK);
    rc_match_cache_clear(world.cache);
    assert_false(rc_column_keeper_has(&world.keepers[0], world.slabs[1].id));
    world_close(&world);
}

/* A formula and its steps, and a part of the time and what comes after, share a column; parts,
 * zones and formulas have each its own; whole times and stored properties have none. */
static void
keys(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_derive_step more[] = {
        hour, {.kind = RC_DERIVE_ARITHMETIC, .part = RC_ARITHMETIC_DIVIDE, .operand = 4}};
    struct rc_derive_step elsewhere = hour;
    struct rc_derivation variants[] = {
        derivations[0], derivations[0], derivations[1], derivations[2],
        derivations[2], derivations[2], whole_time,     p0};
    const int same_as[] = {-1, 0, -1, -1, 3, -1, -2, -2};
    struct rc_column_keeper keepers[8];
    struct rc_made_column made[8];
    struct rc_account account = {0};
    struct rc_match_cache *cache;
    uint64_t random = 5;
    const struct rig_view_options options = {
        .slab_count = 1, .rows_per_slab = 10, .chunk_count = 1, .user_count = 2};
    struct rc_view *view = rig_view_make(&random, &options, arena);
    elsewhere.text = rc_bytes_of("Europe/Berlin");
    variants[1].step_count = 1;
    variants[1].steps = &more[1];
    variants[4].step_count = 2;
    variants[4].steps = more;
    variants[5].steps = &elsewhere;
    assert_int_equal(rc_match_cache_new(&account, &cache), RC_OK);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(
            rc_made_column_open(&variants[i], rc_view_event_properties(view), NULL, &made[i]),
            RC_OK);
        assert_int_equal(rc_column_keeper_open(cache, &made[i], arena, &keepers[i]), RC_OK);
        assert_int_equal(keepers[i].key.bytes.size == 0, same_as[i] == -2);
        for (int k = 0; k < i && same_as[i] != -2; k++)
            assert_int_equal(rc_match_key_equal(&keepers[i].key, &keepers[k].key), k == same_as[i]);
    }
    for (int i = 0; i < 8; i++)
        rc_made_column_close(&made[i]);
    rc_match_cache_free(cache);
    rig_view_free(view);
    assert_int_equal(rc_account_used(&account), 0);
}

/* Each allocation in turn is refused: a status or the right answer, and nothing is lost. */
static void
memory_refused(void **state)
{
    (void)state;
    uint64_t random = 9;
    struct world world;
    uint32_t refused = 0;
    uint32_t answered = 0;
    const uint64_t first = 1;
    world_open(&world, RC_BLOCK_ROWS + 100, &random);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        bool reached = true;
        for (uint64_t n = 1; reached; n++) {
            struct rc_found_column found;
            rc_alloc_fail_at(n);
            enum rc_status status = ask(&world, i, 0, &first, true, &found);
            if (status == RC_OK)
                status = ask(&world, i, 0, NULL, true, &found);
            reached = rc_alloc_count() >= n;
            rc_alloc_fail_at(0);
            assert_true(status == RC_OK || (reached && status == RC_NO_MEMORY));
            refused += reached && status != RC_OK;
            answered += reached && status == RC_OK;
            rc_match_cache_clear(world.cache);
        }
    }
    assert_true(refused > 0 && answered > 10);
    world_close(&world);
}

/* ---- Several threads ------------------------------------------------------------------------- */

struct asker {
    const struct world *world;
    uint64_t random;
    uint32_t reused;
};

static void *
ask_in_thread(void *argument)
{
    struct asker *asker = argument;
    for (uint32_t i = 0; i < 60; i++) {
        struct rc_found_column found;
        const uint64_t blocks = 1 + rig_below(&asker->random, 7);
        const uint32_t column = rig_below(&asker->random, COLUMNS);
        const uint32_t slab = rig_below(&asker->random, SLABS);
        const bool all = rig_below(&asker->random, 4) == 0;
        assert_int_equal(ask(asker->world, column, slab, all ? NULL : &blocks,
                             rig_below(&asker->random, 4) > 0, &found),
                         RC_OK);
        asker->reused += found.reused;
        if (rig_below(&asker->random, 10) == 0)
            (void)rc_match_cache_shrink(asker->world->cache, 1);
        if (rig_below(&asker->random, 100) == 0)
            rc_match_cache_clear(asker->world->cache);
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
    world_open(&world, KEPT_ROWS, &random);
    for (uint32_t i = 0; i < 4; i++) {
        askers[i] = (struct asker){.world = &world, .random = rig_random(&random)};
        assert_int_equal(pthread_create(&running[i], NULL, ask_in_thread, &askers[i]), 0);
    }
    for (uint32_t i = 0; i < 4; i++) {
        pthread_join(running[i], NULL);
        count += askers[i].reused;
    }
    assert_true(count > 20);
    struct rc_match_cache_stats stats;
    rc_match_cache_get_stats(world.cache, &stats);
    assert_true(stats.column_count <= COLUMNS * SLABS); /* Of two makers one is kept. */
    world_close(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined_block_by_block),
        cmocka_unit_test(made_ahead),
        cmocka_unit_test(reused),
        cmocka_unit_test(keys),
        cmocka_unit_test(memory_refused),
        cmocka_unit_test(threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
