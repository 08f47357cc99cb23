/* Values: normal form, order, numeric texts, shortest texts, stored form. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/value/value.h"
#include "tests/store/slab_rig.h"

#define SEED 77u

static struct rc_value
of_double(double real)
{
    struct rc_value value;
    assert_int_equal(rc_value_of_double(real, &value), RC_OK);
    return value;
}

static struct rc_value
of_text(const char *text)
{
    return rc_value_string(rc_bytes_of(text));
}

static void
test_whole_doubles_are_integers(void **state)
{
    (void)state;
    assert_int_equal(of_double(1.0).kind, RC_VALUE_INT);
    assert_int_equal(of_double(-0.0).kind, RC_VALUE_INT);
    assert_int_equal(of_double(-0.0).integer, 0);
    assert_int_equal(of_double(-9223372036854775808.0).integer, INT64_MIN);
    assert_int_equal(of_double(9223372036854775808.0).kind, RC_VALUE_DOUBLE);
    assert_int_equal(of_double(0.5).kind, RC_VALUE_DOUBLE);
    struct rc_value value = rc_value_null();
    assert_int_equal(rc_value_of_double(NAN, &value), RC_INVALID);
    assert_int_equal(rc_value_of_double(-INFINITY, &value), RC_INVALID);
    assert_int_equal(value.kind, RC_VALUE_NULL);
}

static void
test_order_of_all_values(void **state)
{
    (void)state;
    const struct rc_bytes list_a[] = {{"a", 1}};
    const struct rc_bytes list_ab[] = {{"a", 1}, {"b", 1}};
    const struct rc_bytes list_b[] = {{"b", 1}};
    const struct rc_value ascending[] = {
        rc_value_null(),
        rc_value_bool(false),
        rc_value_bool(true),
        of_double(-1e300),
        of_double(-9223372036854777856.0),
        rc_value_int(INT64_MIN),
        rc_value_int(INT64_MIN + 1),
        of_double(-1.5),
        rc_value_int(-1),
        of_double(-0.5),
        rc_value_int(0),
        of_double(5e-324),
        of_double(0.5),
        rc_value_int(1),
        of_double(1.5),
        rc_value_int(9007199254740992),
        rc_value_int(9007199254740993),
        rc_value_int(INT64_MAX),
        of_double(9223372036854775808.0),
        of_double(1e300),
        of_text(""),
        of_text("1"),
        of_text("10"),
        of_text("9"),
        of_text("a"),
        of_text("aa"),
        of_text("\xc3\xa9"),
        {.kind = RC_VALUE_LIST, .item_count = 0},
        {.kind = RC_VALUE_LIST, .item_count = 1, .items = list_a},
        {.kind = RC_VALUE_LIST, .item_count = 2, .items = list_ab},
        {.kind = RC_VALUE_LIST, .item_count = 1, .items = list_b},
    };
    const size_t count = sizeof(ascending) / sizeof(*ascending);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            const int order = rc_value_compare(ascending[i], ascending[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(rc_value_same(ascending[i], ascending[j]), i == j);
        }
    assert_false(rc_value_same(of_text("1"), rc_value_int(1)));
}

static void
test_numeric_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t integer;
    } integers[] = {
        {"0", 0},
        {"-0", 0},
        {"-0.0", 0},
        {"0e5", 0},
        {"7", 7},
        {"1.0", 1},
        {"1e2", 100},
        {"1E+2", 100},
        {"100e-2", 1},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"9007199254740993", 9007199254740993},
        {"1e-400", 0},
        {"0.0000001e7", 1},
        {"1000000000000000000000e-3", 1000000000000000000},
    };
    for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++) {
        struct rc_value value;
        assert_true(rc_value_of_numeric_text(rc_bytes_of(integers[i].text), &value));
        assert_int_equal(value.kind, RC_VALUE_INT);
        assert_int_equal(value.integer, integers[i].integer);
    }
    static const char *const doubles[] = {
        "0.1",    "-89.99",  "1e300", "9223372036854775808",    "-9223372036854777856",
        "5e-324", "1.5e-10", "2.5",   "1.7976931348623157e308",
    };
    for (size_t i = 0; i < sizeof(doubles) / sizeof(*doubles); i++) {
        struct rc_value value;
        assert_true(rc_value_of_numeric_text(rc_bytes_of(doubles[i]), &value));
        assert_int_equal(value.kind, RC_VALUE_DOUBLE);
        assert_true(value.real == strtod(doubles[i], NULL));
    }
    static const char *const others[] = {
        "",      "-",      "+1",   " 1",    "1 ",   "01",   "-01", "1.",       ".5",
        "1e",    "1e+",    "0x10", "1_0",   "inf",  "nan",  "NaN", "Infinity", "1,5",
        "1e999", "-1e999", "--1",  "1.2.3", "1e5.", "true", "1\n", "1e 5",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        struct rc_value value;
        assert_false(rc_value_of_numeric_text(rc_bytes_of(others[i]), &value));
    }
}

/* Digits beyond what decides, on both sides of a tie. */
static void
test_numeric_texts_round_correctly(void **state)
{
    (void)state;
    char text[3000];
    struct rc_value value;
    /* 2^53 + 1 lies between two doubles: exactly, the even one; with a 1 far behind, the
     * upper one. */
    memset(text, '0', sizeof(text));
    memcpy(text, "9007199254740993.", 17);
    assert_true(rc_value_of_numeric_text((struct rc_bytes){text, 2000}, &value));
    assert_int_equal(value.integer, 9007199254740992);
    text[1999] = '1';
    assert_true(rc_value_of_numeric_text((struct rc_bytes){text, 2000}, &value));
    assert_int_equal(value.integer, 9007199254740994);
    memset(text, '0', sizeof(text));
    text[1] = '.';
    memcpy(text + 1000, "15e999", 6);
    assert_true(rc_value_of_numeric_text((struct rc_bytes){text, 1006}, &value));
    assert_true(value.kind == RC_VALUE_DOUBLE && value.real == 1.5);
}

static void
test_shortest_texts(void **state)
{
    (void)state;
    static const struct {
        double real;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {-42, "-42"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {89.99, "89.99"},
        {1e300, "1e300"},
        {1.5e300, "1.5e300"},
        {1e-7, "1e-7"},
        {0.000001, "0.000001"},
        {-1.25e-9, "-1.25e-9"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {9223372036854775808.0, "9223372036854776000"},
        {1e21, "1e21"},
        {123456789012345680000.0, "123456789012345680000"},
        {-9223372036854775808.0, "-9223372036854775808"},
        {1234.5678, "1234.5678"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[33] = {0};
        const size_t size = rc_number_text(of_double(cases[i].real), text);
        text[size] = '\0';
        assert_string_equal(text, cases[i].text);
    }
}

static double
random_double(uint64_t *seed)
{
    double real;
    do {
        const uint64_t bits = rig_random(seed);
        memcpy(&real, &bits, sizeof(real));
    } while (!isfinite(real));
    return real;
}

static void
test_texts_read_back(void **state)
{
    (void)state;
    uint64_t seed = SEED;
    print_message("seed %u\n", SEED);
    for (uint32_t i = 0; i < 20000; i++) {
        const double real = i % 2 == 0 ? random_double(&seed)
                                       : (double)(int64_t)(rig_random(&seed) % 2000000) / 1000;
        const struct rc_value number = of_double(real);
        char text[32];
        const size_t size = rc_number_text(number, text);
        struct rc_value back;
        assert_true(size <= sizeof(text));
        assert_true(rc_value_of_numeric_text((struct rc_bytes){text, size}, &back));
        assert_true(rc_value_same(number, back));
    }
    for (uint32_t i = 0; i < 20000; i++) {
        const struct rc_value number = rc_value_int((int64_t)(rig_random(&seed) >> (i % 64)));
        char text[32];
        const size_t size = rc_number_text(number, text);
        struct rc_value back;
        assert_true(rc_value_of_numeric_text((struct rc_bytes){text, size}, &back));
        assert_true(rc_value_same(number, back));
    }
}

static void
test_breakdown_shows_numeric_text_as_number(void **state)
{
    (void)state;
    assert_true(rc_value_same(rc_value_group(of_text("1.0")), rc_value_int(1)));
    assert_true(rc_value_same(rc_value_group(of_text("01")), of_text("01")));
    assert_true(rc_value_same(rc_value_group(rc_value_bool(true)), rc_value_bool(true)));
}

static void
test_stored_form(void **state)
{
    (void)state;
    const struct rc_bytes items[] = {{"x", 1}, {"", 0}, {"yz", 2}};
    const struct rc_value values[] = {
        rc_value_null(),
        rc_value_bool(false),
        rc_value_bool(true),
        rc_value_int(0),
        rc_value_int(-1),
        rc_value_int(INT64_MAX),
        rc_value_int(INT64_MIN),
        of_double(0.1),
        of_text(""),
        of_text("word"),
        {.kind = RC_VALUE_LIST, .item_count = 3, .items = items},
        {.kind = RC_VALUE_LIST},
    };
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        rc_value_write(&writer, values[i]);
        struct rc_reader reader = rc_reader_of(writer.data, writer.size);
        struct rc_value back;
        assert_int_equal(rc_value_read(&reader, arena, &back), RC_OK);
        assert_true(rc_value_same(values[i], back));
        assert_int_equal(rc_reader_left(&reader), 0);
        for (size_t size = 0; size < writer.size; size++) {
            reader = rc_reader_of(writer.data, size);
            assert_int_equal(rc_value_read(&reader, arena, &back), RC_CORRUPT);
        }
    }
    static const unsigned char broken[][10] = {
        {6},
        {1, 2},
        {3, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, /* 1.0 as a double: not in normal form. */
        {3, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f}, /* Infinity. */
        {4, 1, 0xff},                      /* Not UTF-8. */
        {4, 1, 0},                         /* NUL. */
        {5, 0xff, 0xff, 0x7f},             /* More items than there are bytes. */
        {5, 1, 1, 0xff},
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        struct rc_reader reader = rc_reader_of(broken[i], sizeof(broken[i]));
        struct rc_value back = rc_value_int(5);
        assert_int_equal(rc_value_read(&reader, arena, &back), RC_CORRUPT);
        assert_int_equal(back.integer, 5);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_doubles_are_integers),
        cmocka_unit_test(test_order_of_all_values),
        cmocka_unit_test(test_numeric_texts),
        cmocka_unit_test(test_numeric_texts_round_correctly),
        cmocka_unit_test(test_shortest_texts),
        cmocka_unit_test(test_texts_read_back),
        cmocka_unit_test(test_breakdown_shows_numeric_text_as_number),
        cmocka_unit_test(test_stored_form),
    };
    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
