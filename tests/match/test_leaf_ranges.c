/*
 * Leaf ranges: against the leaf's own test. A key that passes lies in a range, a range that says so
 * passes whole, and ranges ascend without touching; so for random leaves over random values, and
 * for the few narrow cases that random ones hit seldom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/match/leaf/leaf.h"
#include "engine/match/leaf/leaf_ranges.h"
#include "engine/store/value/cell.h"
#include "tests/match/match_rig.h"

static const struct rc_predicate *
canonical(const struct rc_predicate *node, struct rc_arena *arena)
{
    const struct rc_predicate *result;
    assert_int_equal(rc_predicate_canonical(node, arena, &result), RC_OK);
    return result;
}

static bool
is_in(const struct rc_key_range *range, struct rc_bytes key)
{
    if (range->kind == RC_KEY_PASSES)
        return rc_bytes_equal(range->first, key);
    return rc_bytes_compare(range->first, key) <= 0 &&
           (range->end.size == 0 || rc_bytes_compare(key, range->end) < 0);
}

static void
check_order(const struct rc_key_range *ranges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ranges[i].kind != RC_KEY_PASSES && ranges[i].end.size > 0)
            assert_true(rc_bytes_compare(ranges[i].first, ranges[i].end) < 0);
        if (i + 1 == count)
            continue;
        if (ranges[i].kind == RC_KEY_PASSES) {
            assert_true(rc_bytes_compare(ranges[i].first, ranges[i + 1].first) < 0);
        } else {
            assert_true(ranges[i].end.size > 0);
            assert_true(rc_bytes_compare(ranges[i].end, ranges[i + 1].first) <= 0);
        }
    }
}

/* Compares the ranges of a canonical leaf with its test of every key of the dictionary. Returns how
 * many keys a range answered without a test. */
static uint32_t
check_leaf(const struct rc_leaf *leaf, const struct rc_dictionary *dictionary)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_leaf_test_freep) struct rc_leaf_test *test = NULL;
    struct rc_leaf_scratch scratch = {0};
    const struct rc_key_range *ranges = NULL;
    uint32_t count = 0;
    uint32_t untested = 0;
    assert_int_equal(rc_leaf_test_new(leaf, &rc_account_process, &test), RC_OK);
    assert_int_equal(rc_leaf_ranges(leaf, arena, &ranges, &count), RC_OK);
    check_order(ranges, count);
    for (uint32_t code = 0; code < rc_dictionary_count(dictionary); code++) {
        const struct rc_bytes key = rc_dictionary_key(dictionary, code);
        struct rc_value value;
        uint32_t at = 0;
        assert_int_equal(rc_cell_value(dictionary, rc_cell_of_code(code), arena, &value), RC_OK);
        const bool passes = rc_leaf_test_value(test, value, &scratch);
        while (at < count && !is_in(&ranges[at], key))
            at++;
        const bool answered = at == count || ranges[at].kind != RC_KEYS_TESTED;
        if (answered && passes != (at < count))
            fail_msg("operator %d: key \"%.*s\" of kind %d passes: %d, range %u of %u",
                     (int)leaf->operator,(int) key.size - 1, key.data + 1, key.data[0], passes, at,
                     count);
        untested += answered;
    }
    assert_int_equal(scratch.status, RC_OK);
    rc_leaf_scratch_close(&scratch);
    return untested;
}

static void
fill(struct rc_dictionary *dictionary, uint64_t *random, struct rc_arena *arena)
{
    rc_cell cell;
    for (int i = 0; i < 2000; i++)
        assert_int_equal(rc_cell_intern(dictionary, rig_value(random, true, arena), &cell), RC_OK);
    const struct rc_value empty = {.kind = RC_VALUE_LIST};
    assert_int_equal(rc_cell_intern(dictionary, empty, &cell), RC_OK);
    assert_true(rc_dictionary_count(dictionary) > 40);
}

static void
random_leaves(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    uint64_t untested = 0;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    fill(dictionary, &random, arena);
    for (int round = 0; round < 3000; round++) {
        rc_arena_reset(arena);
        const struct rc_predicate *node = rig_predicate(&random, 1, false, arena);
        if (node->kind != RC_PREDICATE_LEAF || rc_predicate_check(node, NULL) != RC_OK)
            continue;
        untested += check_leaf(&canonical(node, arena)->leaf, dictionary);
    }
    assert_true(untested > 10000);
}

static uint32_t
ranges_of(enum rc_leaf_operator operator,
          const struct rc_value * values,
          uint32_t value_count,
          struct rc_arena *arena,
          const struct rc_key_range **ret_ranges)
{
    const struct rc_leaf leaf = {.scope = RC_LEAF_EVENT,
                                 .operator= operator,
                                 .property = RC_BYTES_LITERAL("p"),
                                 .value_count = value_count,
                                 .values = values};
    uint32_t count = 0;
    assert_int_equal(rc_leaf_ranges(&leaf, arena, ret_ranges, &count), RC_OK);
    check_order(*ret_ranges, count);
    return count;
}

/* An equality with a text tests lists and nothing else. */
static void
narrow_where_it_can(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_key_range *ranges = NULL;
    const struct rc_value text = rc_value_string(RC_BYTES_LITERAL("/cart"));
    assert_int_equal(ranges_of(RC_LEAF_IN, &text, 1, arena, &ranges), 2);
    assert_int_equal(ranges[0].kind, RC_KEY_PASSES);
    assert_true(rc_bytes_equal(ranges[0].first, RC_BYTES_LITERAL("\x04/cart")));
    assert_true(rc_bytes_equal(ranges[1].first, RC_BYTES_LITERAL("\x05")));

    assert_int_equal(ranges_of(RC_LEAF_STARTS_WITH, &text, 1, arena, &ranges), 3);
    assert_int_equal(ranges[1].kind, RC_KEYS_PASS);
    assert_true(rc_bytes_equal(ranges[1].end, RC_BYTES_LITERAL("\x04/caru")));

    const struct rc_value like = rc_value_string(RC_BYTES_LITERAL("/a\\%b%c"));
    assert_int_equal(ranges_of(RC_LEAF_LIKE, &like, 1, arena, &ranges), 3);
    assert_int_equal(ranges[1].kind, RC_KEYS_TESTED);
    assert_true(rc_bytes_equal(ranges[1].first, RC_BYTES_LITERAL("\x04/a%b")));

    const struct rc_value truth = rc_value_bool(true);
    assert_int_equal(ranges_of(RC_LEAF_IN, &truth, 1, arena, &ranges), 0);
    assert_int_equal(ranges_of(RC_LEAF_LESS, &truth, 1, arena, &ranges), 0);
}

/* Texts among numbers: those that look like a number on both sides of those that do not. */
static void
numbers_and_texts(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_key_range *ranges = NULL;
    const struct rc_value values[] = {
        rc_value_int(7),
        rc_value_string(RC_BYTES_LITERAL("")),
        rc_value_string(RC_BYTES_LITERAL("-x")),
        rc_value_string(RC_BYTES_LITERAL("7a")),
        rc_value_string(RC_BYTES_LITERAL("z")),
    };
    /* Numbers, "", what may be a number, "z", lists. */
    assert_int_equal(ranges_of(RC_LEAF_IN, values, 5, arena, &ranges), 5);
    assert_int_equal(ranges[1].kind, RC_KEY_PASSES);
    assert_int_equal(ranges[2].kind, RC_KEYS_TESTED);
    assert_int_equal(ranges[3].kind, RC_KEY_PASSES);
    assert_int_equal(ranges_of(RC_LEAF_BETWEEN, values, 2, arena, &ranges), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_leaves),
        cmocka_unit_test(narrow_where_it_can),
        cmocka_unit_test(numbers_and_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
