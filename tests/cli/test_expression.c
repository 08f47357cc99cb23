/* Expressions: what is read is what is meant, what is printed reads back, and mistakes have a
 * place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/language/expression.h"
#include "cli/session/message.h"

#define PROJECT "projects/p"

static struct rc_arena *
arena_of(void **state)
{
    return *state;
}

static int
setup(void **state)
{
    *state = rc_arena_new(NULL, 0);
    return *state == NULL;
}

static int
teardown(void **state)
{
    *state = rc_arena_free(*state);
    return 0;
}

static Recount__V1__Predicate *
parsed(struct rc_arena *arena, const char *source)
{
    struct rc_expression_error error;
    Recount__V1__Predicate *predicate = NULL;
    if (rc_expression_predicate(arena, PROJECT, source, &predicate, &error) != RC_OK)
        fail_msg("%s: at %zu: %s", source, error.at, error.message);
    return predicate;
}

/* The printed form of a source; it must read back as the same message. */
static char *
printed(struct rc_arena *arena, const char *source)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    Recount__V1__Predicate *predicate = parsed(arena, source);
    rc_expression_print_predicate(out, predicate);
    fclose(out);
    const struct rc_bytes before = rc_message_pack(arena, predicate);
    const struct rc_bytes after = rc_message_pack(arena, parsed(arena, text));
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    char *copy = rc_text_copy(arena, text);
    free(text);
    return copy;
}

static void
test_predicates_print_as_they_read(void **state)
{
    static const char *const pairs[][2] = {
        {"type = click", "type = \"click\""},
        {"a=1 AND b!=2.5 Or not c<3", "a = 1 and b != 2.5 or not c < 3"},
        {"a = 1 and (b = 2 or c = 3)", "a = 1 and (b = 2 or c = 3)"},
        {"(a = 1 and b = 2) or c = 3", "a = 1 and b = 2 or c = 3"},
        {"not (a = 1 and b = 2)", "not (a = 1 and b = 2)"},
        {"not not a = 1", "not not a = 1"},
        {"((a = 1))", "a = 1"},
        {"user.plan in (paid, 'trial', 3, true)", "user.plan in (\"paid\", \"trial\", 3, true)"},
        {"x not in (1)", "x not in (1)"},
        {"price between 1 and 2.50", "price between 1 and 2.5"},
        {"price > -6e+31", "price > -6e+31"},
        {"price not between -1e3 and 5", "price not between -1000.0 and 5"},
        {"x is set and y is not set", "x is set and y is not set"},
        {"x contains \"a\\\"b\"", "x contains \"a\\\"b\""},
        {"x not contains a ignoring case", "x not contains \"a\" ignoring case"},
        {"x starts with \"/a\" and x ends with 'z'", "x starts with \"/a\" and x ends with \"z\""},
        {"x like \"/p/%\\_\"", "x like \"/p/%\\_\""},
        {"chain ~ \"a\\.b\\d+\" or chain !~ x", "chain ~ \"a\\.b\\d+\" or chain !~ \"x\""},
        {"chain matches selector \"div > a\" or chain not matches selector \"#a\"",
         "chain matches selector \"div > a\" or chain not matches selector \"#a\""},
        {"chain matches \"a\"", "chain ~ \"a\""},
        {"@signed-up and not @refund", "@signed-up and not @refund"},
        {"any", "any"},
        {"any and @x", "any and @x"},
        {"`odd name` = 1 and user.`odd` = 2", "`odd name` = 1 and user.odd = 2"},
        {"event.user.x = 1", "`user.x` = 1"},
        {"event id = 42 and user id not in (a, 7)", "event id = 42 and user id not in (\"a\", 7)"},
        {"event = id and user = 1", "event = \"id\" and user = 1"},
        {"account.company.plan = paid", "account.company.plan = \"paid\""},
        {"event.account.a.b = 1", "`account.a.b` = 1"},
        {"device.os = \"x\"", "device.os = \"x\""},
        {"name = \"\u00e4\u00f6\U0001F600\"", "name = \"\u00e4\u00f6\U0001F600\""},
        {"day = 2025-01-31", "day = \"2025-01-31\""},
        {"n = 9223372036854775807", "n = 9223372036854775807"},
        {"n = 66666666666666666.66", "n = 66666666666666664.0"},
        {"path = \"c:\\\\dir\\\\\"", "path = \"c:\\dir\\\\\""},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_string_equal(printed(arena_of(state), pairs[i][0]), pairs[i][1]);
}

static void
test_leaf_has_the_right_fields(void **state)
{
    const Recount__V1__Leaf *leaf =
        parsed(arena_of(state), "user.plan not like 'a%' ignoring case")->leaf;
    assert_int_equal(leaf->property->source_case, RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY);
    assert_string_equal(leaf->property->user_property, "plan");
    assert_int_equal(leaf->test_case, RECOUNT__V1__LEAF__TEST_LIKE);
    assert_string_equal(leaf->like, "a%");
    assert_true(leaf->negated);
    assert_true(leaf->case_insensitive);
    leaf = parsed(arena_of(state), "n >= 1.5")->leaf;
    assert_int_equal(leaf->test_case, RECOUNT__V1__LEAF__TEST_GREATER_OR_EQUAL);
    assert_int_equal(leaf->greater_or_equal->kind_case, RECOUNT__V1__VALUE__KIND_DOUBLE_VALUE);
    /* Beyond 64 bits a whole number is a double. */
    leaf = parsed(arena_of(state), "n = 9223372036854775808")->leaf;
    assert_int_equal(leaf->equals->kind_case, RECOUNT__V1__VALUE__KIND_DOUBLE_VALUE);
    assert_string_equal(parsed(arena_of(state), "@a.b")->definition, PROJECT "/definitions/a.b");
}

static void
test_mistakes_have_a_place(void **state)
{
    static const struct {
        const char *source;
        size_t at;
        const char *part;
    } mistakes[] = {
        {"", 0, "expected a property"},
        {"type", 4, "expected an operator"},
        {"type =", 6, "expected a value"},
        {"type = click and", 16, "expected a property"},
        {"type = click or or", 18, "expected an operator"},
        {"(a = 1", 6, "expected \")\""},
        {"a = 1)", 5, "or the end"},
        {"a = 1 b = 2", 6, "or the end"},
        {"a = null", 4, "is not set"},
        {"a in 1", 5, "expected \"(\""},
        {"a in (1 2)", 8, "expected \")\""},
        {"a between 1 or 2", 12, "expected \"and\""},
        {"a = \"x", 4, "not closed"},
        {"a = 1 & b = 2", 6, "means nothing"},
        {"a is 5", 5, "expected \"set\""},
        {"a starts \"x\"", 9, "expected \"with\""},
        {"@ x", 0, "a name must follow"},
        {"user. = 1", 0, "is empty"},
        {"account.company = 1", 0, "account.KEY.NAME"},
        {"a ~ (", 4, "text in quotes"},
        {"a > 4e16666", 4, "too large"},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct rc_expression_error error;
        Recount__V1__Predicate *predicate = NULL;
        assert_int_equal(rc_expression_predicate(arena_of(state), PROJECT, mistakes[i].source,
                                                 &predicate, &error),
                         RC_INVALID);
        assert_null(predicate);
        if (strstr(error.message, mistakes[i].part) == NULL || error.at != mistakes[i].at)
            fail_msg("%s: at %zu: %s", mistakes[i].source, error.at, error.message);
    }
}

static void
test_nesting_has_a_limit(void **state)
{
    struct rc_expression_error error;
    Recount__V1__Predicate *predicate = NULL;
    char source[1000];
    /* The innermost test is a level of its own. */
    for (int depth = RC_EXPRESSION_DEPTH_MAX - 1; depth <= RC_EXPRESSION_DEPTH_MAX; depth++) {
        memset(source, '(', (size_t)depth);
        strcpy(source + depth, "a = 1");
        memset(source + depth + 5, ')', (size_t)depth);
        source[2 * depth + 5] = '\0';
        assert_int_equal(
            rc_expression_predicate(arena_of(state), PROJECT, source, &predicate, &error),
            depth < RC_EXPRESSION_DEPTH_MAX ? RC_OK : RC_INVALID);
    }
}

static void
test_error_points_at_the_character(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const struct rc_expression_error error = {.at = 9, .message = "expected a value"};
    rc_expression_error_print(out, "\u00e4 = \u00e4 an", &error);
    fclose(out);
    assert_string_equal(text, "recount: expression, column 8: expected a value\n"
                              "  \u00e4 = \u00e4 an\n"
                              "         ^\n");
    free(text);
}

static void
test_selectors(void **state)
{
    struct rc_expression_error error;
    Recount__V1__Selector *selector = NULL;
    assert_int_equal(
        rc_expression_selector(arena_of(state), PROJECT, "signed-up", &selector, &error), RC_OK);
    assert_int_equal(selector->terms[0]->kind_case, RECOUNT__V1__SELECTOR_TERM__KIND_DEFINITION);
    assert_string_equal(selector->terms[0]->definition, PROJECT "/definitions/signed-up");
    assert_string_equal(selector->label, "");
    assert_int_equal(rc_expression_selector(arena_of(state), PROJECT, "any", &selector, &error),
                     RC_OK);
    assert_int_equal(selector->terms[0]->kind_case, RECOUNT__V1__SELECTOR_TERM__KIND_ANY_EVENT);
    assert_int_equal(
        rc_expression_selector(arena_of(state), PROJECT, "Big one := a > 5", &selector, &error),
        RC_OK);
    assert_int_equal(selector->terms[0]->kind_case, RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE);
    assert_string_equal(selector->label, "Big one");
    assert_int_equal(
        rc_expression_selector(arena_of(state), PROJECT, "Big := a >", &selector, &error),
        RC_INVALID);
    assert_int_equal(error.at, 10);
    assert_int_equal(
        rc_expression_selector(arena_of(state), PROJECT, "first(any)", &selector, &error), RC_OK);
    assert_int_equal(selector->occurrence_case, RECOUNT__V1__SELECTOR__OCCURRENCE_FIRST_TIME);
    assert_string_equal(selector->label, "first(any)");
    assert_int_equal(rc_expression_selector(arena_of(state), PROJECT, "first(@x) where a = 1",
                                            &selector, &error),
                     RC_OK);
    assert_int_equal(selector->occurrence_case,
                     RECOUNT__V1__SELECTOR__OCCURRENCE_FIRST_THEN_FILTER);
    assert_int_equal(selector->first_then_filter->filter->kind_case,
                     RECOUNT__V1__PREDICATE__KIND_LEAF);
    assert_int_equal(
        rc_expression_selector(arena_of(state), PROJECT, "first(a = 1", &selector, &error),
        RC_INVALID);
    assert_int_equal(error.at, 11);
}

static char *
printed_rule(struct rc_arena *arena, const char *source)
{
    char *text = NULL;
    size_t size = 0;
    struct rc_expression_error error;
    Recount__V1__SegmentRule *rule = NULL, *again = NULL;
    if (rc_expression_rule(arena, PROJECT, source, &rule, &error) != RC_OK)
        fail_msg("%s: at %zu: %s", source, error.at, error.message);
    FILE *out = open_memstream(&text, &size);
    rc_expression_print_rule(out, rule);
    fclose(out);
    assert_int_equal(rc_expression_rule(arena, PROJECT, text, &again, &error), RC_OK);
    const struct rc_bytes before = rc_message_pack(arena, rule);
    const struct rc_bytes after = rc_message_pack(arena, again);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    char *copy = rc_text_copy(arena, text);
    free(text);
    return copy;
}

static void
test_rules_print_as_they_read(void **state)
{
    static const char *const pairs[][2] = {
        {"user id in (u1, u2) and not did(@x)", "user id in (\"u1\", \"u2\") and not did(@x)"},
        {"user.plan = paid and count(@signed-in) > 4 in prior 7d",
         "user.plan = \"paid\" and count(@signed-in) > 4 in prior 7d"},
        {"not did(any) from 2025-03-01 to 2025-04-01T00:00:00.500Z",
         "not did(any) from 2025-03-01T00:00:00.000Z to 2025-04-01T00:00:00.500Z"},
        {"days(type = click and a = 1) >= 3 or @loyal",
         "days(type = \"click\" and a = 1) >= 3 or @loyal"},
        {"(user.a is set or user.b is set) and did(@x) in prior 90m",
         "(user.a is set or user.b is set) and did(@x) in prior 90m"},
        {"count(any) = 0", "count(any) = 0"},
        {"count(any)", "count(any)"},
        {"did(first(type = buy)) in prior 7d", "did(first(type = \"buy\")) in prior 7d"},
        {"count(first(@x) where a = 1 or b = 2) = 0", "count(first(@x) where a = 1 or b = 2) = 0"},
        {"did(first = 1)", "did(first = 1)"},
        {"sum(price, type = buy) >= 100.5 in prior 30d",
         "sum(price, type = \"buy\") >= 100.5 in prior 30d"},
        {"sequence(a = 1 then next @x then after 90s first(b = 2) within 1h) >= 2 in prior 7d",
         "sequence(a = 1 then next @x then after 90s first(b = 2) within 1h) >= 2 in prior 7d"},
        {"not sequence(any then any)", "not sequence(any then any)"},
        {"(@loyal@12 or @loyal) and not @x@1", "(@loyal@12 or @loyal) and not @x@1"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_string_equal(printed_rule(arena_of(state), pairs[i][0]), pairs[i][1]);
}

static void
test_rules_refuse_event_properties(void **state)
{
    struct rc_expression_error error;
    Recount__V1__SegmentRule *rule = NULL;
    assert_int_equal(rc_expression_rule(arena_of(state), PROJECT, "not plan = paid", &rule, &error),
                     RC_INVALID);
    assert_int_equal(error.at, 4);
    assert_non_null(strstr(error.message, "user.plan"));
    assert_int_equal(
        rc_expression_rule(arena_of(state), PROJECT, "count(any) > 1 in prior x", &rule, &error),
        RC_INVALID);
    assert_int_equal(error.at, 24);
    assert_int_equal(
        rc_expression_rule(arena_of(state), PROJECT, "count(any) > 1e999", &rule, &error),
        RC_INVALID);
    assert_int_equal(error.at, 13);
    static const struct {
        const char *source;
        size_t at;
    } versions[] = {{"@a@0", 2},  {"@a@x", 2},   {"@a@1.5", 2},
                    {"@a @1", 3}, {"@a@1@2", 4}, {"@a@", 2}};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        assert_int_equal(
            rc_expression_rule(arena_of(state), PROJECT, versions[i].source, &rule, &error),
            RC_INVALID);
        assert_int_equal(error.at, versions[i].at);
    }
}

static void
test_filters(void **state)
{
    struct rc_expression_error error;
    Recount__V1__SegmentFilter *filter = NULL;
    assert_int_equal(rc_expression_filter(arena_of(state), PROJECT, "loyal", &filter, &error),
                     RC_OK);
    assert_int_equal(filter->source_case, RECOUNT__V1__SEGMENT_FILTER__SOURCE_SEGMENT);
    assert_string_equal(filter->segment, PROJECT "/segments/loyal");
    assert_int_equal(filter->segment_version, 0);
    static const char *const second[] = {"loyal@2", "@loyal@2"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rc_expression_filter(arena_of(state), PROJECT, second[i], &filter, &error),
                         RC_OK);
        assert_string_equal(filter->segment, PROJECT "/segments/loyal");
        assert_int_equal(filter->segment_version, 2);
    }
    assert_int_equal(rc_expression_filter(arena_of(state), PROJECT, "did(any)", &filter, &error),
                     RC_OK);
    assert_int_equal(filter->source_case, RECOUNT__V1__SEGMENT_FILTER__SOURCE_RULE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_predicates_print_as_they_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_leaf_has_the_right_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mistakes_have_a_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nesting_has_a_limit, setup, teardown),
        cmocka_unit_test(test_error_points_at_the_character),
        cmocka_unit_test_setup_teardown(test_selectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rules_print_as_they_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rules_refuse_event_properties, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
