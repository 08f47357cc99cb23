/* Cells: every value comes back as it was, and equal values have equal cells. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/value/cell.h"
#include "tests/store/slab_rig.h"

#define SEED 4711u

static struct rc_value
of_double(double real)
{
    struct rc_value value;
    assert_int_equal(rc_value_of_double(real, &value), RC_OK);
    return value;
}

static rc_cell
expect_round_trip(struct rc_dictionary *dictionary, struct rc_arena *arena, struct rc_value value)
{
    rc_cell cell;
    rc_cell again;
    rc_cell found;
    struct rc_value back;
    assert_int_equal(rc_cell_intern(dictionary, value, &cell), RC_OK);
    assert_int_equal(rc_cell_intern(dictionary, value, &again), RC_OK);
    assert_true(rc_cell_find(dictionary, value, &found));
    assert_int_equal(rc_cell_value(dictionary, cell, arena, &back), RC_OK);
    assert_true(cell == again && cell == found);
    assert_true(rc_value_same(value, back));
    double real;
    if (rc_cell_real(cell, &real))
        assert_true(real == rc_value_real(value));
    return cell;
}

static void
test_where_values_live(void **state)
{
    (void)state;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    const int64_t edge = (int64_t)1 << 60;
    const struct {
        struct rc_value value;
        enum rc_cell_kind kind;
    } cases[] = {
        {rc_value_null(), RC_CELL_NULL},
        {rc_value_bool(false), RC_CELL_BOOL},
        {rc_value_bool(true), RC_CELL_BOOL},
        {rc_value_int(0), RC_CELL_INT},
        {rc_value_int(-1), RC_CELL_INT},
        {rc_value_int(edge - 1), RC_CELL_INT},
        {rc_value_int(edge), RC_CELL_CODE},
        {rc_value_int(-edge), RC_CELL_INT},
        {rc_value_int(-edge - 1), RC_CELL_CODE},
        {rc_value_int(INT64_MIN), RC_CELL_CODE},
        {rc_value_int(INT64_MAX), RC_CELL_CODE},
        {of_double(-0.0), RC_CELL_INT},
        {of_double(0.1), RC_CELL_DECIMAL},
        {of_double(-89.99), RC_CELL_DECIMAL},
        {of_double(89.99), RC_CELL_DECIMAL},
        {of_double(0.000000000000001), RC_CELL_DECIMAL},
        {of_double(1e-300), RC_CELL_CODE},
        {of_double(5e-324), RC_CELL_CODE},
        {of_double(1e300), RC_CELL_CODE},
        {of_double(0.1 + 0.2), RC_CELL_CODE},
        {of_double(1.0 / 3), RC_CELL_CODE},
        {rc_value_string(rc_bytes_of("")), RC_CELL_CODE},
        {rc_value_string(rc_bytes_of("1")), RC_CELL_CODE},
        {{.kind = RC_VALUE_LIST}, RC_CELL_CODE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(rc_cell_kind_of(expect_round_trip(dictionary, arena, cases[i].value)),
                         cases[i].kind);
}

static void
test_strings_and_lists(void **state)
{
    (void)state;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    static char text[60000];
    memset(text, 'x', sizeof(text));
    for (size_t size = 0; size <= sizeof(text); size += size < 1030 ? 1 : 7001)
        (void)expect_round_trip(dictionary, arena, rc_value_string((struct rc_bytes){text, size}));
    const struct rc_bytes items[] = {{"a", 1}, {"", 0}, {text, 3000}};
    const struct rc_value list = {.kind = RC_VALUE_LIST, .item_count = 3, .items = items};
    const rc_cell cell = expect_round_trip(dictionary, arena, list);
    struct rc_value counted;
    assert_int_equal(rc_cell_value(dictionary, cell, NULL, &counted), RC_OK);
    assert_true(counted.item_count == 3 && counted.items == NULL);
    /* A string whose bytes look like a list's is another value. */
    rc_cell found;
    assert_false(rc_cell_find(dictionary, rc_value_string(rc_bytes_of("\3\1a")), &found));
    assert_int_equal(rc_dictionary_check(dictionary, rc_dictionary_count(dictionary), NULL), RC_OK);
}

static void
test_random_numbers(void **state)
{
    (void)state;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    uint64_t seed = SEED;
    print_message("seed %u\n", SEED);
    for (uint32_t i = 0; i < 100000; i++) {
        const int64_t whole = (int64_t)(rig_random(&seed) >> (i % 64));
        const int64_t signed_whole = i % 2 == 0 ? whole : -whole;
        (void)expect_round_trip(dictionary, arena, rc_value_int(signed_whole));
        double real = (double)signed_whole;
        for (uint32_t scale = (uint32_t)(rig_random(&seed) % 20); scale > 0; scale--)
            real /= 10;
        (void)expect_round_trip(dictionary, arena, of_double(real));
        const uint64_t bits = rig_random(&seed);
        memcpy(&real, &bits, sizeof(real));
        if (isfinite(real))
            (void)expect_round_trip(dictionary, arena, of_double(real));
    }
}

/* Prices are what decimals are for: none of them may take a place in the dictionary. */
static void
test_prices_are_in_the_cell(void **state)
{
    (void)state;
    for (int64_t cents = 1; cents < 2000000; cents += 7) {
        rc_cell cell;
        assert_true(rc_cell_inline(of_double((double)cents / 100), &cell));
    }
}

static void
test_keys_from_outside_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } broken[] = {
        {"", 0},              /* No kind. */
        {"\x04\xff", 2},      /* Not UTF-8. */
        {"\x02\x02", 2},      /* 1 fits a cell. */
        {"\x01\x01", 2},      /* So does true. */
        {"\x05\x01\x05x", 4}, /* A list that ends early. */
        {"\x05\x00x", 3},     /* More than a list. */
        {"\x05\x80\x00", 3},  /* An empty list in another form. */
        {"\x06", 1},          /* No such kind. */
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
        const struct rc_bytes items[] = {{"a", 1}};
        const struct rc_value values[] = {
            rc_value_string(rc_bytes_of("x")),
            rc_value_int(INT64_MIN),
            of_double(1e-300),
            {.kind = RC_VALUE_LIST, .item_count = 1, .items = items},
        };
        rc_cell cell;
        uint32_t code;
        struct rc_error error;
        assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
        for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++)
            assert_int_equal(rc_cell_intern(dictionary, values[j], &cell), RC_OK);
        assert_int_equal(rc_cell_check_dictionary(dictionary, NULL), RC_OK);
        const struct rc_bytes key = {broken[i].bytes, broken[i].size};
        assert_int_equal(rc_dictionary_intern(dictionary, key, &code), RC_OK);
        assert_int_equal(rc_cell_check_dictionary(dictionary, &error), RC_CORRUPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_values_live),
        cmocka_unit_test(test_strings_and_lists),
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_prices_are_in_the_cell),
        cmocka_unit_test(test_keys_from_outside_are_checked),
    };
    return cmocka_run_group_tests_name("cell", tests, NULL, NULL);
}
