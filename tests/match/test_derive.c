/*
 * Derived properties: each step against the words of docs/semantics.md, the checks, the stored
 * form, circles. tests/oracle/derived.py is their twin over random data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/match/derived/derive.h"
#include "engine/match/derived/derive_text.h"
#include "engine/match/derived/derived.h"

static struct rc_value
text(const char *string)
{
    return rc_value_string(rc_bytes_of(string));
}

/* Whether the step makes expected of value. */
static bool
makes(struct rc_derive_step step, struct rc_value value, struct rc_value expected)
{
    const struct rc_derivation derivation = {.source = RC_DERIVATION_EVENT,
                                             .property = RC_BYTES_LITERAL("p"),
                                             .step_count = 1,
                                             .steps = &step};
    struct rc_derive_scratch scratch = {0};
    struct rc_deriver *deriver = NULL;
    struct rc_value result;
    assert_int_equal(rc_derivation_check(&derivation, NULL), RC_OK);
    assert_int_equal(rc_deriver_new(&derivation, &rc_account_process, &deriver), RC_OK);
    assert_int_equal(rc_derive(deriver, value, &scratch, &result), RC_OK);
    const bool same = rc_value_same(result, expected);
    rc_deriver_free(deriver);
    rc_derive_scratch_close(&scratch);
    return same;
}

static struct rc_value
real(double number)
{
    struct rc_value value;
    assert_int_equal(rc_value_of_double(number, &value), RC_OK);
    return value;
}

static void
numbers(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        double out;
    } rows[] = {
        {"$89.00", 89},
        {"1,234.50 EUR", 1234.5},
        {"-5", -5},
        {"a-5", -5},
        {"$-0.5", -0.5},
        {"12 of 20", 12},
        {".5", 0.5},
        {"-.5x", -0.5},
        {"007", 7},
        {"1,2345", 1},
        {"0,123", 123},
        {"00,000,012", 12},
        {"1,234,567", 1234567},
        {"1.2.3", 1.2},
        {"v3", 3},
        {"5.", 5},
        {"1e3", 1000},
    };
    const struct rc_derive_step step = {.kind = RC_DERIVE_NUMBER};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!makes(step, text(rows[i].in), real(rows[i].out)))
            fail_msg("%s", rows[i].in);
    assert_true(makes(step, text("free"), rc_value_null()));
    assert_true(makes(step, rc_value_bool(true), rc_value_null()));
    assert_true(makes(step, rc_value_int(7), rc_value_int(7)));
}

static void
urls(void **state)
{
    (void)state;
    static const struct {
        enum rc_url_part part;
        const char *in;
        const char *out;
    } rows[] = {
        {RC_URL_SCHEME, "HTTPS://a", "https"},
        {RC_URL_SCHEME, "//a", NULL},
        {RC_URL_SCHEME, "mailto:a", NULL},
        {RC_URL_HOST, "https://me:pw@A.example:80/x", "a.example"},
        {RC_URL_HOST, "http://[::1]:8/x", "[::1]"},
        {RC_URL_HOST, "/x", NULL},
        {RC_URL_HOST, "https:///x", NULL},
        {RC_URL_PATH, "https://a", "/"},
        {RC_URL_PATH, "https://a?x", "/"},
        {RC_URL_PATH, "/a/b?x#y", "/a/b"},
        {RC_URL_PATH, "", ""},
        {RC_URL_QUERY, "/a?x=1#y", "x=1"},
        {RC_URL_QUERY, "/a?#y", ""},
        {RC_URL_QUERY, "/a#y?z", NULL},
        {RC_URL_FRAGMENT, "/a#y?z", "y?z"},
        {RC_URL_PARAMETER, "/a?x=1&q=a%20b+c&q=2", "a b c"},
        {RC_URL_PARAMETER, "/a?%71=%C3%BC", "ü"},
        {RC_URL_PARAMETER, "/a?q", ""},
        {RC_URL_PARAMETER, "/a?q=%ff", "%ff"},
        {RC_URL_PARAMETER, "/a?x=q", NULL},
        {RC_URL_PARAMETER, "/a", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rc_derive_step step = {
            .kind = RC_DERIVE_URL, .part = rows[i].part, .text = RC_BYTES_LITERAL("q")};
        const struct rc_value out = rows[i].out == NULL ? rc_value_null() : text(rows[i].out);
        if (!makes(step, text(rows[i].in), out))
            fail_msg("%d of %s", (int)rows[i].part, rows[i].in);
    }
}

static void
ids(void **state)
{
    (void)state;
    const struct rc_derive_step step = {.kind = RC_DERIVE_FOLD_IDS};
    static const char *const rows[][2] = {
        {"/item/123", "/item/:id"},
        {"/item/123/", "/item/:id/"},
        {"https://a.example:80/9?x=9#9", "https://a.example:80/:id?x=9#9"},
        {"/deadbeef/deadbee1/dead1", "/deadbeef/:id/dead1"},
        {"/0b8e2c1a-9a2f-4c7e-8f5a-1234567890ab", "/:id"},
        {"7", ":id"},
        {"", ""},
        {"1/2/3", ":id/:id/:id"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!makes(step, text(rows[i][0]), text(rows[i][1])))
            fail_msg("%s", rows[i][0]);
    assert_true(makes(step, rc_value_int(42), text(":id")));
}

static void
times(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum rc_time_part part;
        int64_t out; /* -1: null. */
    } rows[] = {
        {"2025-03-30T01:30:00+01:00", RC_TIME_HOUR, 1},
        {"2025-03-30T02:30:00+01:00", RC_TIME_HOUR, 3}, /* Berlin's clocks have gone ahead. */
        {"2024-12-30", RC_TIME_WEEK, 1},
        {"2021-01-03T22:59:59Z", RC_TIME_WEEK, 53},
        {"2024-12-31T23:30Z", RC_TIME_YEAR, 2025},
        {"2024-02-29", RC_TIME_DAY_OF_YEAR, 60},
        {"2025-02-29", RC_TIME_DAY, -1},
        {"2025-01-04T12:00:00.5z", RC_TIME_WEEKDAY, 6},
        {"2025-01-04 12:07", RC_TIME_MINUTE, 7},
        {"2025-01-04T12:00:00+25:00", RC_TIME_HOUR, -1},
        {"2025-08-01", RC_TIME_QUARTER, 3},
        {"soon", RC_TIME_MONTH, -1},
        {"1735689600000", RC_TIME_MONTH, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rc_derive_step step = {.kind = RC_DERIVE_TIME,
                                            .part = rows[i].part,
                                            .text = RC_BYTES_LITERAL("Europe/Berlin")};
        const struct rc_value out = rows[i].out < 0 ? rc_value_null() : rc_value_int(rows[i].out);
        if (!makes(step, text(rows[i].in), out))
            fail_msg("%s", rows[i].in);
    }
}

/* A number of ms may have a fraction, as what was seconds has: its instant is the whole one before.
 */
static void
times_of_numbers(void **state)
{
    (void)state;
    const struct rc_derive_step step = {
        .kind = RC_DERIVE_TIME, .part = RC_TIME_MINUTE, .text = RC_BYTES_LITERAL("UTC")};
    assert_true(makes(step, real(1735689659999.9), rc_value_int(0)));
    assert_true(makes(step, text("1735689660000.5"), rc_value_int(1)));
    assert_true(makes(step, real(-0.5), rc_value_int(59)));
    assert_true(makes(step, real(253402300799999.9), rc_value_int(59)));
    assert_true(makes(step, real(253402300800000.5), rc_value_null()));
    assert_true(makes(step, real(-62135596800000.5), rc_value_null()));
    assert_true(makes(step, real(1e300), rc_value_null()));
}

/* Multiples of what has decimals are what decimals mean. */
static void
multiples(void **state)
{
    (void)state;
    static const struct {
        double operand;
        double in;
        double below;
        double nearest;
    } rows[] = {
        {0.1, 0.3, 0.3, 0.3},
        {0.1, 0.7, 0.7, 0.7},
        {0.1, 0.25, 0.2, 0.3},
        {0.1, 0.35, 0.3, 0.4},
        {0.1, 0.349, 0.3, 0.3},
        {0.1, -0.3, -0.3, -0.3},
        {0.1, -0.25, -0.3, -0.3},
        {0.1, -0.24, -0.3, -0.2},
        {0.1, 0.1 + 0.2, 0.3, 0.3},
        {0.01, 0.29, 0.29, 0.29},
        {0.01, 19.99, 19.99, 19.99},
        {0.01, 4.35, 4.35, 4.35},
        {0.01, 1.15, 1.15, 1.15},
        {0.01, 1.005, 1, 1.01},
        {0.01, 2.675, 2.67, 2.68},
        {0.01, 12.344, 12.34, 12.34},
        {0.05, 0.15, 0.15, 0.15},
        {0.25, 0.6, 0.5, 0.5},
        {0.3, 0.9, 0.9, 0.9},
        {2.5, -3.75, -5, -5},
        {-10, 25, 20, 30},
        {7, 20, 14, 21},
        {1e-7, 3e-7, 3e-7, 3e-7},
        {1e300, 1.6e300, 1e300, 2e300},
        {10, 1e300, 1e300, 1e300},
        {0.1, 1e17, 1e17, 1e17},
        {10, 0.5, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rc_derive_step step = {
            .kind = RC_DERIVE_ARITHMETIC, .part = RC_ARITHMETIC_FLOOR, .operand = rows[i].operand};
        if (!makes(step, real(rows[i].in), real(rows[i].below)))
            fail_msg("%.17g floor %g", rows[i].in, rows[i].operand);
        step.part = RC_ARITHMETIC_ROUND;
        if (!makes(step, real(rows[i].in), real(rows[i].nearest)))
            fail_msg("%.17g round %g", rows[i].in, rows[i].operand);
    }
}

static void
other_steps(void **state)
{
    (void)state;
    const struct rc_value pairs[] = {rc_value_int(1), text("one"), text("x"), rc_value_null()};
    struct rc_derive_step map = {
        .kind = RC_DERIVE_MAP, .part = RC_MAP_KEEP, .pair_count = 2, .pairs = pairs};
    assert_true(makes(map, text("1.0"), text("one")));
    assert_true(makes(map, text("x"), rc_value_null()));
    assert_true(makes(map, text("y"), text("y")));
    map.part = RC_MAP_VALUE;
    map.rest = rc_value_bool(true);
    assert_true(makes(map, text("y"), rc_value_bool(true)));
    assert_true(makes(map, rc_value_null(), rc_value_null()));
    struct rc_derive_step sum = {
        .kind = RC_DERIVE_ARITHMETIC, .part = RC_ARITHMETIC_ROUND, .operand = 2};
    assert_true(makes(sum, text("3"), rc_value_int(4)));
    assert_true(makes(sum, rc_value_int(-3), rc_value_int(-4)));
    sum.part = RC_ARITHMETIC_FLOOR;
    assert_true(makes(sum, rc_value_int(-3), rc_value_int(-4)));
    sum.part = RC_ARITHMETIC_MULTIPLY;
    sum.operand = 1e308;
    assert_true(makes(sum, rc_value_int(100), rc_value_null()));
    struct rc_derive_step capture = {
        .kind = RC_DERIVE_CAPTURE, .part = 2, .text = RC_BYTES_LITERAL("(a)|(b+)")};
    assert_true(makes(capture, text("xbbz"), text("bb")));
    assert_true(makes(capture, text("xaz"), rc_value_null()));
    const struct rc_bytes items[] = {RC_BYTES_LITERAL("b"), RC_BYTES_LITERAL("x")};
    const struct rc_value list = {.kind = RC_VALUE_LIST, .item_count = 2, .items = items};
    const struct rc_value one = {.kind = RC_VALUE_LIST, .item_count = 1, .items = items};
    assert_true(makes(capture, list, one));
    /* \\C is a byte: what cuts a character is no text. */
    capture = (struct rc_derive_step){
        .kind = RC_DERIVE_CAPTURE, .part = 1, .text = RC_BYTES_LITERAL("(x\\C)")};
    assert_true(makes(capture, text("xa"), text("xa")));
    assert_true(makes(capture, text("x\xc3\xbc"), rc_value_null()));
    capture.text = RC_BYTES_LITERAL("x\\C(.*|\\C*)$");
    assert_true(makes(capture, text("x\xc3\xbc"), rc_value_null()));
    capture.text = RC_BYTES_LITERAL("x(\\C\\C)");
    assert_true(makes(capture, text("x\xc3\xbc"), text("\xc3\xbc")));
}

static void
checks(void **state)
{
    (void)state;
    const struct rc_value list = {.kind = RC_VALUE_LIST};
    const struct rc_value bad[] = {list, list};
    const struct {
        struct rc_derive_step step;
        const char *field;
    } rows[] = {
        {{.kind = RC_DERIVE_CAPTURE, .text = RC_BYTES_LITERAL("(")}, "steps[0].capture.regex"},
        {{.kind = RC_DERIVE_CAPTURE, .part = 1, .text = RC_BYTES_LITERAL("a")},
         "steps[0].capture.group"},
        {{.kind = RC_DERIVE_URL}, "steps[0].url_part.part"},
        {{.kind = RC_DERIVE_URL, .part = RC_URL_PARAMETER}, "steps[0].url_part.parameter"},
        {{.kind = RC_DERIVE_MAP, .part = RC_MAP_KEEP}, "steps[0].map.entries"},
        {{.kind = RC_DERIVE_MAP, .part = RC_MAP_KEEP, .pair_count = 1, .pairs = bad},
         "steps[0].map.entries"},
        {{.kind = RC_DERIVE_MAP, .part = RC_MAP_KEEP, .pair_count = RC_DERIVE_PAIRS_MAX + 1},
         "steps[0].map.entries"},
        {{.kind = RC_DERIVE_TIME, .part = RC_TIME_HOUR, .text = RC_BYTES_LITERAL("Mars/Dome")},
         "steps[0].time_part.time_zone"},
        {{.kind = RC_DERIVE_TIME, .text = RC_BYTES_LITERAL("UTC")}, "steps[0].time_part.part"},
        {{.kind = RC_DERIVE_ARITHMETIC, .part = RC_ARITHMETIC_DIVIDE},
         "steps[0].arithmetic.operand"},
        {{.kind = RC_DERIVE_ARITHMETIC}, "steps[0].arithmetic.operation"},
    };
    struct rc_error error;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rc_derivation derivation = {
            .source = RC_DERIVATION_TIME, .step_count = 1, .steps = &rows[i].step};
        error = (struct rc_error){0};
        assert_int_not_equal(rc_derivation_check(&derivation, &error), RC_OK);
        assert_string_equal(error.field, rows[i].field);
    }
    struct rc_derive_step many[RC_DERIVE_STEPS_MAX + 1];
    for (size_t i = 0; i <= RC_DERIVE_STEPS_MAX; i++)
        many[i] = (struct rc_derive_step){.kind = RC_DERIVE_LOWER};
    struct rc_derivation derivation = {
        .source = RC_DERIVATION_TIME, .step_count = RC_DERIVE_STEPS_MAX, .steps = many};
    assert_int_equal(rc_derivation_check(&derivation, NULL), RC_OK);
    derivation.step_count++;
    assert_int_equal(rc_derivation_check(&derivation, NULL), RC_LIMIT_EXCEEDED);
}

/* What is wrong with a formula over some properties. */
static void
formula_fault(const char *formula,
              const struct rc_derivation *const *operands,
              uint32_t count,
              const char *field)
{
    struct rc_error error = {0};
    const struct rc_derivation derivation = {.source = RC_DERIVATION_FORMULA,
                                             .formula = rc_bytes_of(formula),
                                             .operand_count = count,
                                             .operands = operands};
    const enum rc_status status = rc_derivation_check(&derivation, &error);
    assert_int_equal(status, field == NULL ? RC_OK : RC_INVALID);
    assert_string_equal(error.field, field == NULL ? "" : field);
}

static void
formula_checks(void **state)
{
    (void)state;
    const struct rc_derive_step step = {.kind = RC_DERIVE_LOWER};
    const struct rc_derivation a = {.source = RC_DERIVATION_EVENT,
                                    .property = RC_BYTES_LITERAL("a")};
    const struct rc_derivation user = {.source = RC_DERIVATION_USER,
                                       .property = RC_BYTES_LITERAL("a")};
    const struct rc_derivation nameless = {.source = RC_DERIVATION_EVENT};
    const struct rc_derivation time = {.source = RC_DERIVATION_TIME};
    const struct rc_derivation stepped = {.source = RC_DERIVATION_EVENT,
                                          .property = RC_BYTES_LITERAL("a"),
                                          .step_count = 1,
                                          .steps = &step};
    const struct rc_derivation *operands[RC_DERIVE_OPERANDS_MAX + 1];
    for (uint32_t i = 0; i <= RC_DERIVE_OPERANDS_MAX; i++)
        operands[i] = &a;
    formula_fault("A*B/C+D-E*(F+G)-H", operands, RC_DERIVE_OPERANDS_MAX, NULL);
    formula_fault("A", operands, RC_DERIVE_OPERANDS_MAX + 1, "formula.properties");
    formula_fault("1 + 2", operands, 0, "formula.properties");
    formula_fault("A + C", operands, 2, "formula.expression");
    formula_fault("A +", operands, 1, "formula.expression");
    formula_fault("A + C", operands, 3, "formula.properties[1]");
    const struct rc_derivation *const bad[] = {&user, &nameless, &time, &stepped};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        operands[1] = bad[i];
        formula_fault("A + B", operands, 2, "formula.properties[1]");
    }
}

static struct rc_catalog *
put_derivation(struct rc_catalog *catalog, const char *name, const struct rc_derivation *derivation)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_derivation_write(&writer, derivation);
    const struct rc_catalog_entry entry = {.name = rc_bytes_of(name),
                                           .payload = {(const char *)writer.data, writer.size},
                                           .version = 1};
    struct rc_catalog *next = NULL;
    assert_int_equal(rc_catalog_put(catalog, &entry, &next), RC_OK);
    rc_catalog_unref(catalog);
    return next;
}

/* Puts a property that comes from another by one step. */
static struct rc_catalog *
put(struct rc_catalog *catalog, const char *name, const char *source)
{
    const struct rc_derive_step step = {.kind = RC_DERIVE_LOWER};
    const struct rc_derivation derivation = {.source = RC_DERIVATION_EVENT,
                                             .property = rc_bytes_of(source),
                                             .step_count = 1,
                                             .steps = &step};
    return put_derivation(catalog, name, &derivation);
}

static enum rc_status
find(const struct rc_catalog *catalog,
     enum rc_leaf_scope scope,
     const char *name,
     struct rc_arena *arena,
     const struct rc_derivation **ret_found,
     struct rc_error *error)
{
    const struct rc_property_name of = {.scope = scope, .name = rc_bytes_of(name)};
    return rc_derived_find(catalog, &of, arena, NULL, ret_found, error);
}

static void
names(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_catalog_new(&rc_account_process, &catalog), RC_OK);
    catalog = put(catalog, "a", "b");
    catalog = put(catalog, "b", "c");
    catalog = put(catalog, "self", "self");
    const struct rc_derivation *found;
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "a", arena, &found, NULL), RC_OK);
    assert_int_equal(found->step_count, 2);
    assert_true(rc_bytes_equal(found->property, rc_bytes_of("c")));
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "self", arena, &found, NULL), RC_OK);
    assert_int_equal(found->step_count, 1);
    assert_int_equal(find(catalog, RC_LEAF_USER, "a", arena, &found, NULL), RC_OK);
    assert_null(found);
    const struct rc_derivation back = {.source = RC_DERIVATION_EVENT,
                                       .property = RC_BYTES_LITERAL("a")};
    struct rc_error error = {0};
    assert_int_equal(rc_derived_check(catalog, rc_bytes_of("c"), &back, arena, &error), RC_INVALID);
    assert_non_null(strstr(error.message, "c -> a -> b -> c"));
    for (uint32_t i = 0; i < RC_DERIVE_STEPS_MAX; i++) {
        char name[16];
        char source[16];
        snprintf(name, sizeof(name), "n%u", i + 1);
        snprintf(source, sizeof(source), "n%u", i);
        catalog = put(catalog, name, source);
    }
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "n16", arena, &found, NULL), RC_OK);
    assert_int_equal(found->step_count, RC_DERIVE_STEPS_MAX);
    catalog = put(catalog, "n17", "n16");
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "n17", arena, &found, &error), RC_LIMIT_EXCEEDED);
}

/* Puts a property that a formula makes of count times another. */
static struct rc_catalog *
put_formula(struct rc_catalog *catalog,
            const char *name,
            const char *formula,
            const char *source,
            uint32_t count)
{
    const struct rc_derivation operand = {.source = RC_DERIVATION_EVENT,
                                          .property = rc_bytes_of(source)};
    const struct rc_derivation *const operands[] = {&operand, &operand};
    const struct rc_derivation derivation = {.source = RC_DERIVATION_FORMULA,
                                             .formula = rc_bytes_of(formula),
                                             .operand_count = count,
                                             .operands = operands};
    return put_derivation(catalog, name, &derivation);
}

static void
formulas(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    struct rc_name_uses uses = {.arena = arena};
    assert_int_equal(rc_catalog_new(&rc_account_process, &catalog), RC_OK);
    catalog = put(catalog, "low", "stored");
    catalog = put_formula(catalog, "sum", "A + B", "low", 2);
    catalog = put(catalog, "out", "sum");
    catalog = put_formula(catalog, "self", "A / 2", "self", 1);
    const struct rc_derivation *found = NULL;
    const struct rc_property_name out = {.scope = RC_LEAF_EVENT, .name = rc_bytes_of("out")};
    assert_int_equal(rc_derived_find(catalog, &out, arena, &uses, &found, NULL), RC_OK);
    assert_int_equal(uses.count, 3);
    assert_int_equal(found->source, RC_DERIVATION_FORMULA);
    assert_int_equal(found->step_count, 1);
    assert_int_equal(found->operand_count, 2);
    assert_true(rc_bytes_equal(found->operands[1]->property, rc_bytes_of("stored")));
    assert_int_equal(found->operands[1]->step_count, 1);
    assert_int_equal(find(catalog, RC_LEAF_USER, "sum", arena, &found, NULL), RC_OK);
    assert_null(found);
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "self", arena, &found, NULL), RC_OK);
    assert_int_equal(found->operands[0]->source, RC_DERIVATION_EVENT);
    const struct rc_derivation back = {.source = RC_DERIVATION_EVENT,
                                       .property = RC_BYTES_LITERAL("out")};
    struct rc_error error = {0};
    assert_int_equal(rc_derived_check(catalog, rc_bytes_of("low"), &back, arena, &error),
                     RC_INVALID);
    assert_non_null(strstr(error.message, "low -> out -> sum -> low"));
    /* Each of two operands is a formula of two again: 1, 3, 7, 15 formulas. */
    catalog = put_formula(catalog, "t1", "A + B", "stored", 2);
    catalog = put_formula(catalog, "t2", "A + B", "t1", 2);
    catalog = put_formula(catalog, "t3", "A + B", "t2", 2);
    catalog = put_formula(catalog, "t4", "A + B", "t3", 2);
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "t3", arena, &found, NULL), RC_OK);
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "t4", arena, &found, &error), RC_LIMIT_EXCEEDED);
    /* Four ways of 15 steps each are 60, and a step more on each 64; five ways would be too many.
     */
    for (uint32_t i = 0; i < 16; i++) {
        char name[16];
        char source[16];
        snprintf(name, sizeof(name), "s%u", i + 1);
        snprintf(source, sizeof(source), "s%u", i);
        catalog = put(catalog, name, source);
    }
    catalog = put_formula(catalog, "u1", "A + B", "s16", 2);
    catalog = put_formula(catalog, "u2", "A + B", "u1", 2);
    catalog = put(catalog, "u3", "u2");
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "u2", arena, &found, NULL), RC_OK);
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "u3", arena, &found, &error), RC_LIMIT_EXCEEDED);
    assert_string_equal(error.field, "steps");
}

/* Properties of accounts are those of one key. */
static void
accounts(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_catalog_new(&rc_account_process, &catalog), RC_OK);
    const struct rc_derive_step step = {.kind = RC_DERIVE_LOWER};
    struct rc_derivation derivation = {.source = RC_DERIVATION_ACCOUNT,
                                       .property = RC_BYTES_LITERAL("plan"),
                                       .account_key = RC_BYTES_LITERAL("company"),
                                       .step_count = 1,
                                       .steps = &step};
    catalog = put_derivation(catalog, "tier", &derivation);
    derivation.property = rc_bytes_of("tier");
    catalog = put_derivation(catalog, "other", &derivation);
    derivation.account_key = rc_bytes_of("team");
    catalog = put_derivation(catalog, "team", &derivation);
    const struct rc_derivation *found = NULL;
    struct rc_property_name name = {RC_LEAF_ACCOUNT, rc_bytes_of("other"), rc_bytes_of("company")};
    assert_int_equal(rc_derived_find(catalog, &name, arena, NULL, &found, NULL), RC_OK);
    assert_int_equal(found->step_count, 2);
    assert_true(rc_bytes_equal(found->property, rc_bytes_of("plan")));
    assert_true(rc_bytes_equal(found->account_key, rc_bytes_of("company")));
    name.account_key = rc_bytes_of("team");
    assert_int_equal(rc_derived_find(catalog, &name, arena, NULL, &found, NULL), RC_OK);
    assert_null(found);
    name.name = rc_bytes_of("team"); /* Its source is a stored property of teams. */
    assert_int_equal(rc_derived_find(catalog, &name, arena, NULL, &found, NULL), RC_OK);
    assert_int_equal(found->step_count, 1);
    assert_true(rc_bytes_equal(found->property, rc_bytes_of("tier")));
    assert_int_equal(find(catalog, RC_LEAF_EVENT, "tier", arena, &found, NULL), RC_OK);
    assert_null(found);
    derivation.account_key.size = 0;
    struct rc_error error = {0};
    assert_int_equal(rc_derivation_check(&derivation, &error), RC_INVALID);
    assert_string_equal(error.field, "source");
}

/* Writes a derivation as golden, and reads it from all of that and from nothing less. */
static void
check_stored(const struct rc_derivation *derivation, const unsigned char *golden, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer again = {0};
    rc_derivation_write(&writer, derivation);
    assert_int_equal(writer.size, size);
    assert_memory_equal(writer.data, golden, writer.size);
    for (size_t part = 0; part <= writer.size; part++) {
        const struct rc_derivation *read = NULL;
        struct rc_reader reader = rc_reader_of(writer.data, part);
        const enum rc_status status = rc_derivation_read(&reader, arena, &read, NULL);
        assert_int_equal(status, part == writer.size ? RC_OK : RC_CORRUPT);
        if (status == RC_OK)
            rc_derivation_write(&again, read);
    }
    assert_int_equal(again.size, writer.size);
    assert_memory_equal(again.data, writer.data, writer.size);
}

static void
stored_form(void **state)
{
    (void)state;
    const struct rc_value pairs[] = {text("a"), rc_value_int(1)};
    const struct rc_derive_step steps[] = {
        {.kind = RC_DERIVE_MAP,
         .part = RC_MAP_VALUE,
         .pair_count = 1,
         .pairs = pairs,
         .rest = text("z")},
        {.kind = RC_DERIVE_ARITHMETIC, .part = RC_ARITHMETIC_ADD, .operand = 0.5},
    };
    const struct rc_derivation derivation = {.source = RC_DERIVATION_USER,
                                             .property = RC_BYTES_LITERAL("plan"),
                                             .step_count = 2,
                                             .steps = steps};
    static const unsigned char golden[] = "\x02\x04plan\x02"
                                          "\x06\x03\0\0\0\0\0\0\0\0\0\0\x01\x04\x01"
                                          "a\x02\x02\x04\x01z"
                                          "\x08\x01\0\0\0\0\0\0\0\0\xe0\x3f\0\0";
    check_stored(&derivation, golden, sizeof(golden) - 1);
    const struct rc_derivation of_account = {.source = RC_DERIVATION_ACCOUNT,
                                             .property = RC_BYTES_LITERAL("plan"),
                                             .account_key = RC_BYTES_LITERAL("team")};
    check_stored(&of_account, (const unsigned char *)"\x04\x04plan\x04team\0", 12);
    const struct rc_derivation *const operands[] = {&of_account};
    const struct rc_derivation formula = {.source = RC_DERIVATION_FORMULA,
                                          .formula = RC_BYTES_LITERAL("-A"),
                                          .operand_count = 1,
                                          .operands = operands};
    check_stored(&formula, (const unsigned char *)"\x05\0\x02-A\x01\x04\x04plan\x04team\0\0", 19);
}

/* Formulas within formulas are read as deep as they are resolved, and no deeper. */
static void
stored_depth(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_derivation nested[RC_DERIVE_FORMULAS_MAX + 2] = {
        {.source = RC_DERIVATION_EVENT, .property = RC_BYTES_LITERAL("a")}};
    for (uint32_t depth = 1; depth <= RC_DERIVE_FORMULAS_MAX + 1; depth++) {
        const struct rc_derivation *operand = &nested[depth - 1];
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        const struct rc_derivation *read;
        nested[depth] =
            (struct rc_derivation){.source = RC_DERIVATION_FORMULA,
                                   .formula = RC_BYTES_LITERAL("A"),
                                   .operand_count = 1,
                                   .operands = rc_arena_copy(arena, &operand, sizeof(operand))};
        rc_derivation_write(&writer, &nested[depth]);
        struct rc_reader reader = rc_reader_of(writer.data, writer.size);
        assert_int_equal(rc_derivation_read(&reader, arena, &read, NULL),
                         depth <= RC_DERIVE_FORMULAS_MAX ? RC_OK : RC_CORRUPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(urls),
        cmocka_unit_test(ids),
        cmocka_unit_test(times),
        cmocka_unit_test(times_of_numbers),
        cmocka_unit_test(multiples),
        cmocka_unit_test(other_steps),
        cmocka_unit_test(checks),
        cmocka_unit_test(names),
        cmocka_unit_test(accounts),
        cmocka_unit_test(stored_form),
        cmocka_unit_test(formulas),
        cmocka_unit_test(formula_checks),
        cmocka_unit_test(stored_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
