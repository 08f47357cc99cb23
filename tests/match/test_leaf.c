/*
 * Leaf: each operator against each kind of value, from the words of docs/semantics.md; then random
 * leaves and values against the twin.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/match/leaf/leaf.h"
#include "engine/match/leaf/like.h"
#include "engine/match/leaf/pattern.h"
#include "tests/base/environment.h"
#include "tests/match/match_rig.h"

static struct rc_value
text(const char *string)
{
    return rc_value_string(rc_bytes_of(string));
}

static struct rc_value
real(double number)
{
    struct rc_value value;
    assert_int_equal(rc_value_of_double(number, &value), RC_OK);
    return value;
}

static bool
passes(const struct rc_leaf *leaf, struct rc_value value)
{
    struct rc_leaf_scratch scratch = {0};
    struct rc_leaf_test *test = NULL;
    assert_int_equal(rc_leaf_test_new(leaf, &rc_account_process, &test), RC_OK);
    const bool result = rc_leaf_test_value(test, value, &scratch);
    assert_int_equal(scratch.status, RC_OK);
    rc_leaf_scratch_close(&scratch);
    rc_leaf_test_free(test);
    return result;
}

static bool
one(enum rc_leaf_operator operator, struct rc_value operand, struct rc_value value)
{
    const struct rc_leaf leaf = {.scope = RC_LEAF_EVENT,
                                 .operator= operator,
                                 .property = RC_BYTES_LITERAL("p"),
                                 .value_count = 1,
                                 .values = &operand};
    return passes(&leaf, value);
}

static bool
one_any_case(enum rc_leaf_operator operator, const char * operand, struct rc_value value)
{
    const struct rc_value values[1] = {text(operand)};
    const struct rc_leaf leaf = {.scope = RC_LEAF_EVENT,
                                 .operator= operator,
                                 .ignore_case = true,
                                 .property = RC_BYTES_LITERAL("p"),
                                 .value_count = 1,
                                 .values = values};
    return passes(&leaf, value);
}

static void
equality(void **state)
{
    (void)state;
    const struct rc_value t = rc_value_bool(true);
    const struct rc_value i1 = rc_value_int(1);
    const struct {
        struct rc_value operand;
        struct rc_value value;
        bool expected;
    } rows[] = {
        {i1, i1, true},
        {i1, text("1"), true},
        {i1, text("1.0"), true},
        {i1, text("10e-1"), true},
        {i1, text("01"), false},
        {i1, text(" 1"), false},
        {i1, text("+1"), false},
        {i1, text("one"), false},
        {i1, t, false},
        {i1, rc_value_null(), false},
        {text("1"), i1, true},
        {text("1"), text("1.0"), true},
        {text("1.0"), i1, true},
        {text("01"), text("01"), true},
        {text("01"), i1, false},
        {text("1"), text("01"), false},
        {text("-0"), rc_value_int(0), true},
        {text("abc"), text("abc"), true},
        {text("abc"), text("ABC"), false},
        {text("abc"), text("abcd"), false},
        {text(""), text(""), true},
        {text(""), rc_value_null(), false},
        {text("true"), t, false},
        {text("true"), text("true"), true},
        {t, t, true},
        {t, rc_value_bool(false), false},
        {t, i1, false},
        {t, text("true"), false},
        {real(0.1), text("0.1"), true},
        {real(0.1), text("0.10"), true},
        {real(1e300), text("1e300"), true},
        {rc_value_int(9007199254740993), rc_value_int(9007199254740992), false},
        {rc_value_int(9007199254740993), text("9007199254740993"), true},
        {rc_value_int(9007199254740993), text("9007199254740992"), false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (one(RC_LEAF_IN, rows[i].operand, rows[i].value) != rows[i].expected)
            fail_msg("row %zu", i);
    }
}

static void
order(void **state)
{
    (void)state;
    const struct rc_value five = rc_value_int(5);
    const struct {
        struct rc_value operand;
        struct rc_value value;
        char expected; /* '<', '=', '>' or ' ': does not compare. */
    } rows[] = {
        {five, rc_value_int(4), '<'},
        {five, rc_value_int(5), '='},
        {five, real(5.5), '>'},
        {five, text("4"), '<'},
        {five, text("5.0"), '='},
        {five, text("10"), '>'},
        {five, text("abc"), ' '},
        {five, text(""), ' '},
        {five, rc_value_bool(true), ' '},
        {five, rc_value_null(), ' '},
        {text("5"), text("10"), '>'}, /* Both are numbers. */
        {text("5"), text("abc"), ' '},
        {text("abc"), rc_value_int(5), ' '},
        {text("abc"), text("5"), ' '},
        {text("abc"), text("abd"), '>'},
        {text("abc"), text("ab"), '<'},
        {text("abc"), text("ABC"), '<'},
        {text("abc"), text("abc"), '='},
        {text("abc"), rc_value_bool(true), ' '},
        {text("z"), text("\xc3\xbc"), '>'}, /* By bytes. */
        {rc_value_int(INT64_MAX), rc_value_int(INT64_MAX - 1), '<'},
        {real(1e300), rc_value_int(INT64_MAX), '<'},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rc_value operand = rows[i].operand;
        const struct rc_value value = rows[i].value;
        const char e = rows[i].expected;
        const struct rc_value both[2] = {operand, operand};
        const struct rc_leaf between = {
            .operator= RC_LEAF_BETWEEN, .value_count = 2, .values = both};
        if (one(RC_LEAF_LESS, operand, value) != (e == '<') ||
            one(RC_LEAF_LESS_EQUAL, operand, value) != (e == '<' || e == '=') ||
            one(RC_LEAF_GREATER, operand, value) != (e == '>') ||
            one(RC_LEAF_GREATER_EQUAL, operand, value) != (e == '>' || e == '=') ||
            passes(&between, value) != (e == '='))
            fail_msg("row %zu", i);
    }
}

static void
texts(void **state)
{
    (void)state;
    const struct {
        enum rc_leaf_operator operator;
        bool expected;
        const char *operand;
        struct rc_value value;
    } rows[] = {
        {RC_LEAF_CONTAINS, true, "art", text("/cart/1")},
        {RC_LEAF_CONTAINS, true, "", text("")},
        {RC_LEAF_CONTAINS, false, "", rc_value_null()},
        {RC_LEAF_CONTAINS, false, "ART", text("/cart/1")},
        {RC_LEAF_CONTAINS, true, "2", rc_value_int(123)},
        {RC_LEAF_CONTAINS, true, ".5", real(2.5)},
        {RC_LEAF_CONTAINS, false, ".", rc_value_int(1)},
        {RC_LEAF_CONTAINS, false, "t", rc_value_bool(true)},
        {RC_LEAF_CONTAINS, false, "", rc_value_bool(true)},
        {RC_LEAF_STARTS_WITH, true, "/c", text("/cart")},
        {RC_LEAF_STARTS_WITH, false, "/cart", text("/c")},
        {RC_LEAF_STARTS_WITH, true, "-2", real(-2.5)},
        {RC_LEAF_ENDS_WITH, true, "rt", text("/cart")},
        {RC_LEAF_ENDS_WITH, false, "/", text("/cart")},
        {RC_LEAF_ENDS_WITH, true, "3", rc_value_int(123)},
        {RC_LEAF_LIKE, true, "/c%t", text("/cart")},
        {RC_LEAF_LIKE, false, "/c%t", text("/cart/")},
        {RC_LEAF_LIKE, false, "car", text("/cart")},
        {RC_LEAF_LIKE, true, "%", text("")},
        {RC_LEAF_LIKE, false, "_", text("")},
        {RC_LEAF_LIKE, true, "_", text("\xc3\xbc")},
        {RC_LEAF_LIKE, false, "__", text("\xc3\xbc")},
        {RC_LEAF_LIKE, false, "a%a", text("a")},
        {RC_LEAF_LIKE, false, "%aa%aa%", text("aaa")},
        {RC_LEAF_LIKE, true, "a\\%", text("a%")},
        {RC_LEAF_LIKE, false, "a\\%", text("ab")},
        {RC_LEAF_LIKE, true, "a\\_%", text("a_b")},
        {RC_LEAF_LIKE, false, "a\\_%", text("abb")},
        {RC_LEAF_LIKE, true, "\\a\\\\", text("a\\")},
        {RC_LEAF_LIKE, true, "a_c%", text("a\nc")},
        {RC_LEAF_LIKE, true, "a_(%", text("ab(c")},
        {RC_LEAF_LIKE, true, "1_3", rc_value_int(123)},
        {RC_LEAF_REGEX, true, "art", text("/cart")},
        {RC_LEAF_REGEX, false, "^art", text("/cart")},
        {RC_LEAF_REGEX, true, "^[0-9]+$", rc_value_int(123)},
        {RC_LEAF_REGEX, true, "", text("")},
        {RC_LEAF_REGEX, false, "x*", rc_value_null()},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (one(rows[i].operator, text(rows[i].operand), rows[i].value) != rows[i].expected)
            fail_msg("row %zu: %s", i, rows[i].operand);
    }
}

static void
letters(void **state)
{
    (void)state;
    assert_true(one_any_case(RC_LEAF_IN,
                             "Stra\xc3\x9f"
                             "E",
                             text("sTRA\xe1\xba\x9e"
                                  "e")));
    assert_false(one_any_case(RC_LEAF_IN, "strasse",
                              text("stra\xc3\x9f"
                                   "e"))); /* Full folding. */
    assert_true(one_any_case(RC_LEAF_IN,
                             "Z\xc3\x9c"
                             "RICH",
                             text("z\xc3\xbc"
                                  "rich")));
    assert_true(one_any_case(RC_LEAF_IN, "\xce\xa3", text("\xcf\x82"))); /* Both sigmas. */
    assert_true(one_any_case(RC_LEAF_IN, "1", rc_value_int(1)));
    assert_true(one_any_case(RC_LEAF_CONTAINS, "\xd0\x96",
                             text("a\xd0\xb6"
                                  "b")));
    assert_true(one_any_case(RC_LEAF_STARTS_WITH, "AB", text("abc")));
    assert_true(one_any_case(RC_LEAF_ENDS_WITH, "bC", text("aBc")));
    assert_true(one_any_case(RC_LEAF_ENDS_WITH, "\xe2\xb1\xa5", text("x\xc8\xba"))); /* Grows. */
    assert_true(one_any_case(RC_LEAF_LIKE, "A%C", text("abc")));
    assert_true(one_any_case(RC_LEAF_LIKE, "A_C", text("abc")));
    assert_true(one_any_case(RC_LEAF_REGEX, "^a.C$", text("AbC")));
    assert_false(one_any_case(RC_LEAF_IN, "i", text("\xc4\xb1"))); /* The dotless i is no i. */
}

static void
lists(void **state)
{
    (void)state;
    const struct rc_bytes items[] = {RC_BYTES_LITERAL("a"), RC_BYTES_LITERAL("10")};
    const struct rc_value list = {.kind = RC_VALUE_LIST, .item_count = 2, .items = items};
    const struct rc_value empty = {.kind = RC_VALUE_LIST};
    const struct rc_leaf is_set = {.operator= RC_LEAF_IS_SET };
    assert_true(one(RC_LEAF_IN, text("a"), list));
    assert_true(one(RC_LEAF_IN, rc_value_int(10), list));
    assert_false(one(RC_LEAF_IN, text("b"), list));
    assert_true(one(RC_LEAF_GREATER, rc_value_int(9), list));
    assert_false(one(RC_LEAF_GREATER, rc_value_int(10), list));
    assert_true(one(RC_LEAF_REGEX, text("^1"), list));
    assert_true(passes(&is_set, list));
    assert_false(passes(&is_set, empty));
    assert_true(passes(&is_set, text("")));
    assert_false(passes(&is_set, rc_value_null()));
}

static void
large_set(void **state)
{
    (void)state;
    static struct rc_value values[10000];
    static char names[10000][8];
    for (int i = 0; i < 10000; i++) {
        snprintf(names[i], sizeof(names[i]), "n%d", i * 7 % 10000);
        values[i] = i % 2 == 0 ? text(names[i]) : rc_value_int(i * 3);
    }
    const struct rc_leaf leaf = {.operator= RC_LEAF_IN, .value_count = 10000, .values = values};
    for (int i = 0; i < 10000; i += 501) {
        assert_true(passes(&leaf, values[i]));
        assert_int_equal(passes(&leaf, rc_value_int(i)), i % 6 == 3);
    }
    assert_false(passes(&leaf, text("n10000")));
}

/* Answers, or says that it takes too long. Neither may take long. */
static void
answered_or_refused(const char *expression, const char *string)
{
    struct rc_error error = {0};
    struct rc_pattern *pattern = NULL;
    bool found;
    enum rc_status status = rc_pattern_new(expression, strlen(expression), false, &pattern, &error);
    if (status == RC_INVALID) {
        assert_non_null(strstr(error.message, "too large"));
        return;
    }
    assert_int_equal(status, RC_OK);
    assert_true(rc_pattern_steps(pattern) <= RC_PATTERN_STEPS_MAX);
    status = rc_pattern_search(pattern, string, strlen(string), &found);
    if (status != RC_OK)
        assert_int_equal(status, RC_TOO_SLOW);
    rc_pattern_free(pattern);
}

/* Expressions whose states are not kept: 3.5 s a text when they were searched to the end. */
static void
slow_patterns(void **state)
{
    (void)state;
    static const char *const expressions[] = {
        ".{0,1000}a.{0,1000}b",
        "a.{0,500}b.{0,400}c$",
        "[^x]{1,300}y",
        "(a{1,100}){1,9}b",
        "\\pL{0,100}1",
        "(?i)\\pL{0,30}1$",
        "(x?y?){0,300}z",
        "([ab].{0,30}){0,30}c",
        "(.{1,20}a){1,40}c",
        "[ab]*a[ab]{250}c",
        "[ab]*a[ab]{900}c",
        "(\\PM\\pM*){1,100}q",
        "(a?.*){250}b",
        "(?i)[[:word:]]{0,200}!x",
        "((a*)*)*$",
        "((((a|b)*c)*d)*e)*$",
        "^c+[ab]*a[ab]{900}d",
    };
    static char strings[4][65537];
    uint64_t seed = rig_seed();
    for (size_t i = 0; i < 65536; i++) {
        strings[0][i] = 'a';
        strings[1][i] = "ab"[rig_below(&seed, 2)];
        strings[2][i] = "ab xyz01"[rig_below(&seed, 8)];
        strings[3][i] = i < 43000 ? 'c' : "ab"[rig_below(&seed, 2)];
    }
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
        for (size_t k = 0; k < 4; k++)
            answered_or_refused(expressions[i], strings[k]);
}

static enum rc_status
searched(const char *expression, const char *string, bool *ret_found)
{
    struct rc_pattern *pattern = NULL;
    assert_int_equal(rc_pattern_new(expression, strlen(expression), false, &pattern, NULL), RC_OK);
    const enum rc_status status = rc_pattern_search(pattern, string, strlen(string), ret_found);
    rc_pattern_free(pattern);
    return status;
}

/* A text that is harmless to two thirds: what is slow behind them is seen before the search comes
 * to it, and one that is harmless to the end is answered. */
static void
slow_places(void **state)
{
    (void)state;
    static char slow[65537];
    static char harmless[65537];
    uint64_t seed = rig_seed();
    bool found = true;
    for (size_t i = 0; i < 65536; i++) {
        slow[i] = i < 43000 ? 'c' : "ab"[rig_below(&seed, 2)];
        harmless[i] = i < 43000 ? 'c' : "ab"[i % 2];
    }
    assert_int_equal(searched("[ab]*a[ab]{900}c", slow, &found), RC_TOO_SLOW);
    /* What remembers only behind something else: at fronts of all lengths. */
    for (size_t front = 3000; front < 65000; front += front / 6) {
        for (size_t i = 0; i < 65536; i++)
            slow[i] = i < front ? 'c' : "ab"[rig_below(&seed, 2)];
        assert_int_equal(searched("^c+[ab]*a[ab]{900}d", slow, &found), RC_TOO_SLOW);
        assert_int_equal(searched("(?m)^c+[ab]*a[ab]{900}d", slow, &found), RC_TOO_SLOW);
    }
    assert_int_equal(searched("(foo|bar|ab)[0-9]+|[ab]+c", slow, &found), RC_OK);
    assert_false(found);
    assert_int_equal(searched("(c+[ab]+)$", harmless, &found), RC_OK);
    assert_true(found);
}

/* A pattern that several threads search with. */
struct crowd {
    const struct rc_pattern *pattern;
    const char *string;
    enum rc_status status;
};

static void *
search_in_thread(void *argument)
{
    struct crowd *crowd = argument;
    bool found = false;
    crowd->status = rc_pattern_search(crowd->pattern, crowd->string, strlen(crowd->string), &found);
    return NULL;
}

static void
expect_verdict(const char *expression, const char *string, const char *other)
{
    bool found = false;
    pthread_t threads[4];
    struct crowd crowd[4];
    struct rc_pattern *pattern = NULL;
    const enum rc_status verdict = searched(expression, string, &found);
    assert_int_equal(rc_pattern_new(expression, strlen(expression), false, &pattern, NULL), RC_OK);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 4; i++) {
            crowd[i] = (struct crowd){pattern, i == 0 && round == 1 ? other : string, RC_OK};
            assert_int_equal(pthread_create(&threads[i], NULL, search_in_thread, &crowd[i]), 0);
        }
        for (uint32_t i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
            if (crowd[i].string == string && crowd[i].status != verdict)
                fail_msg("%s over %zu bytes: %d, and %d at first", expression, strlen(string),
                         (int)crowd[i].status, (int)verdict);
        }
    }
    rc_pattern_free(pattern);
}

/* Whether a search is given up depends on the expression and the text: not on what was searched
 * before, nor on who searches at the same time. Lengths lead from what is answered to what is not.
 */
static void
same_verdict(void **state)
{
    (void)state;
    static const char *const expressions[] = {
        "[ab]*a[ab]{12}c",      "[ab]*a[ab]{60}c",
        "[ab]*a[ab]{250}c",     "(\\w{1,50}-){1,10}z",
        "a[^;]{0,40};.*b",      "(a{1,100}){1,9}b",
        "(a?.*){250}b",         "^c+[ab]*a[ab]{900}d",
        "(?i)[a-z].{12}b.{9}#", "[^ ]{0,200}a.{20}b.{20}z",
    };
    static char string[65537];
    static char other[65537];
    uint64_t seed = rig_seed();
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
        for (size_t length = 700; length <= 65536; length += length / 3) {
            for (size_t k = 0; k < length; k++) {
                string[k] = "abcx-;"[rig_below(&seed, i % 2 == 0 ? 2 : 6)];
                other[k] = "abcx-;"[rig_below(&seed, 6)];
            }
            string[length] = '\0';
            other[length] = '\0';
            expect_verdict(expressions[i], string, other);
        }
}

/* Groups are found by going through all states of the match: only where these are not too many. */
static void
groups(void **state)
{
    (void)state;
    static const char many[] = "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x";
    static char string[65537];
    struct rc_pattern *pattern = NULL;
    bool found = false;
    size_t begin = 0;
    size_t size = 0;
    memset(string, 'a', 65535);
    string[65535] = 'x';
    assert_int_equal(rc_pattern_new(many, strlen(many), false, &pattern, NULL), RC_OK);
    assert_int_equal(rc_pattern_capture(pattern, string, 65536, 0, &found, &begin, &size), RC_OK);
    assert_true(found && begin == 0 && size == 65536);
    assert_int_equal(rc_pattern_capture(pattern, string, 65536, 1, &found, &begin, &size),
                     RC_TOO_SLOW);
    assert_int_equal(rc_pattern_capture(pattern, string + 50000, 15536, 1, &found, &begin, &size),
                     RC_OK);
    assert_true(found && begin == 0 && size == 15535);
    rc_pattern_free(pattern);
    assert_int_equal(rc_pattern_new("\\b(a+)(b)?(x)$", 14, false, &pattern, NULL), RC_OK);
    assert_int_equal(rc_pattern_capture(pattern, string, 65536, 1, &found, &begin, &size), RC_OK);
    assert_true(found && begin == 0 && size == 65535);
    assert_int_equal(rc_pattern_capture(pattern, string, 65536, 2, &found, &begin, &size), RC_OK);
    assert_false(found); /* It took no part. */
    assert_int_equal(rc_pattern_capture(pattern, string, 65536, 3, &found, &begin, &size), RC_OK);
    assert_true(found && begin == 65535 && size == 1);
    assert_int_equal(rc_pattern_capture(pattern, string, 65535, 3, &found, &begin, &size), RC_OK);
    assert_false(found);
    rc_pattern_free(pattern);
}

static void
too_large_together(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_value operand = text("[ab]{0,900}");
    struct rc_predicate *leaf = rc_arena_zero(arena, sizeof(*leaf));
    *leaf = (struct rc_predicate){.kind = RC_PREDICATE_LEAF,
                                  .leaf = {.scope = RC_LEAF_EVENT,
                                           .operator= RC_LEAF_REGEX,
                                           .property = RC_BYTES_LITERAL("p"),
                                           .value_count = 1,
                                           .values = &operand}};
    const struct rc_predicate *children[128];
    for (size_t i = 0; i < 128; i++)
        children[i] = leaf;
    struct rc_predicate list = {
        .kind = RC_PREDICATE_ANY_OF, .child_count = 128, .children = children};
    struct rc_error error = {0};
    assert_int_equal(rc_predicate_check(&list, &error), RC_LIMIT_EXCEEDED);
    assert_non_null(strstr(error.message, "too large together"));
    list.child_count = 8;
    assert_int_equal(rc_predicate_check(&list, &error), RC_OK);
}

/* A cancelled test is no answer. */
static void
cancelled(void **state)
{
    (void)state;
    const struct rc_value operand = text("a");
    const struct rc_leaf leaf = {.scope = RC_LEAF_EVENT,
                                 .operator= RC_LEAF_REGEX,
                                 .property = RC_BYTES_LITERAL("p"),
                                 .value_count = 1,
                                 .values = &operand};
    _Atomic(bool) cancel = false;
    struct rc_leaf_scratch scratch = {.cancel = &cancel};
    struct rc_leaf_test *test = NULL;
    assert_int_equal(rc_leaf_test_new(&leaf, &rc_account_process, &test), RC_OK);
    assert_true(rc_leaf_test_value(test, text("bab"), &scratch));
    atomic_store(&cancel, true);
    assert_false(rc_leaf_test_value(test, text("bab"), &scratch));
    assert_int_equal(scratch.status, RC_CANCELLED);
    rc_leaf_scratch_close(&scratch);
    rc_leaf_test_free(test);
}

/* Expressions and patterns that take a backtracking matcher for ever: this ends or the test never
 * does. */
static void
hostile_patterns(void **state)
{
    (void)state;
    static const char *const expressions[] = {"(a+)+$", "(a|a)*b$", "(a*)*b", "(a|aa)+$"};
    static char string[60002];
    static char like[1000];
    memset(string, 'a', 60000);
    string[60000] = '!';
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
        assert_false(one(RC_LEAF_REGEX, text(expressions[i]), text(string)));
    for (size_t i = 0; i + 3 < sizeof(like); i += 3)
        memcpy(like + i, i % 2 == 0 ? "%a_" : "%a%", 3);
    assert_true(one(RC_LEAF_LIKE, text(like), text(string)));
    like[sizeof(like) - 2] = 'b';
    assert_false(one(RC_LEAF_LIKE, text(like), text(string)));
}

/* What a LIKE pattern does at each place is bounded; an _ is one character however many bytes. */
static void
like_gaps(void **state)
{
    (void)state;
    static char string[60002];
    static char gaps[800];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_like like;
    bool matches = false;
    memset(string, 'a', 60000);
    string[60000] = 'b';
    memset(gaps, '_', sizeof(gaps) - 1);
    memcpy(gaps, "%a", 2);
    memcpy(gaps + sizeof(gaps) - 4, "_c%", 4);
    assert_int_equal(rc_like_compile(rc_bytes_of(gaps), arena, &like), RC_OK);
    assert_int_equal(rc_like_match(&like, rc_bytes_of(string), &matches), RC_TOO_SLOW);
    assert_int_equal(rc_like_match(&like, rc_bytes_of(string + 59000), &matches), RC_OK);
    assert_false(matches);
    gaps[sizeof(gaps) - 3] = 'b';
    assert_int_equal(rc_like_compile(rc_bytes_of(gaps), arena, &like), RC_OK);
    assert_int_equal(rc_like_match(&like, rc_bytes_of(string + 59000), &matches), RC_OK);
    assert_true(matches);
    /* A long text is sought at each place, and nearly all of another one compared there. */
    static char sought[1000];
    memset(sought, 'a', 904);
    sought[0] = sought[903] = '%';
    sought[501] = '_';
    sought[902] = 'b';
    assert_int_equal(rc_like_compile(rc_bytes_of(sought), arena, &like), RC_OK);
    assert_int_equal(rc_like_match(&like, rc_bytes_of(string), &matches), RC_TOO_SLOW);
    assert_int_equal(rc_like_match(&like, rc_bytes_of(string + 58000), &matches), RC_OK);
    assert_true(matches);
    assert_true(one(RC_LEAF_LIKE, text("%_b"),
                    text("\xc3\xa4"
                         "b")));
    assert_true(one(RC_LEAF_LIKE, text("_"), text("\xe2\x82\xac")));
    assert_false(one(RC_LEAF_LIKE, text("__"), text("\xe2\x82\xac")));
    assert_true(one(RC_LEAF_LIKE, text("a%_%c"), text("abc")));
    assert_false(one(RC_LEAF_LIKE, text("a%_%c"), text("ac")));
    assert_true(one(RC_LEAF_LIKE, text("%a_a%a_b"), text("aaaaaab")));
    assert_false(one(RC_LEAF_LIKE, text("%a_a%a_b"), text("aaaab")));
    assert_true(one(RC_LEAF_LIKE, text("a\\_%"), text("a_b")));
    assert_false(one(RC_LEAF_LIKE, text("a\\_%"), text("abb")));
}

static void
random_against_twin(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    uint32_t passed = 0;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const uint32_t rounds = test_rounds(3000);
    for (uint32_t round = 0; round < rounds; round++) {
        rc_arena_reset(arena);
        const struct rc_predicate *node = rig_predicate(&random, 1, false, arena);
        if (node->kind != RC_PREDICATE_LEAF || rc_predicate_check(node, NULL) != RC_OK)
            continue;
        for (int i = 0; i < 20; i++) {
            const struct rc_value value = rig_value(&random, true, arena);
            const bool expected = rig_leaf(&node->leaf, value);
            passed += expected;
            if (passes(&node->leaf, value) != expected)
                fail_msg("round %d: operator %d, value kind %d", round,
                         (int)node->leaf.operator,(int) value.kind);
        }
    }
    assert_true(passed > 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality),
        cmocka_unit_test(order),
        cmocka_unit_test(texts),
        cmocka_unit_test(letters),
        cmocka_unit_test(lists),
        cmocka_unit_test(large_set),
        cmocka_unit_test(hostile_patterns),
        cmocka_unit_test(like_gaps),
        cmocka_unit_test(slow_patterns),
        cmocka_unit_test(slow_places),
        cmocka_unit_test(same_verdict),
        cmocka_unit_test(groups),
        cmocka_unit_test(too_large_together),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(random_against_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
