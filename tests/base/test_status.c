/* Status and error: every status has words, sentences are cut and not overrun, fields
 * are joined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

static void
test_words(void **state)
{
    (void)state;
    for (int i = 0; i < RC_STATUS_COUNT; i++) {
        const char *name = rc_status_name((enum rc_status)i);
        const char *sentence = rc_status_sentence((enum rc_status)i);
        assert_true(name[0] != '\0' && sentence[0] != '\0');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name, rc_status_name((enum rc_status)j));
    }
}

static void
test_set(void **state)
{
    (void)state;
    struct rc_error error;
    memset(&error, 0xff, sizeof(error));
    assert_int_equal(rc_error_set(&error, RC_NOT_FOUND, "no %s of %d", "row", 7), RC_NOT_FOUND);
    assert_int_equal(error.status, RC_NOT_FOUND);
    assert_string_equal(error.message, "no row of 7");
    assert_string_equal(error.field, "");
    assert_int_equal(rc_error_set(NULL, RC_IO, "nobody listens"), RC_IO);
    assert_int_equal(rc_error_field(&error, RC_INVALID, "limit", "is %d", -1), RC_INVALID);
    assert_string_equal(error.field, "limit");
    assert_string_equal(error.message, "is -1");
}

static void
test_long_sentences_are_cut(void **state)
{
    (void)state;
    struct {
        struct rc_error error;
        char after;
    } box = {.after = 'x'};
    char text[2000];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    rc_error_field(&box.error, RC_INVALID, text, "%s", text);
    assert_int_equal(strlen(box.error.message), RC_ERROR_MESSAGE_BYTES - 1);
    assert_int_equal(strlen(box.error.field), RC_ERROR_FIELD_BYTES - 1);
    rc_error_prefix(&box.error, "%s", text);
    assert_int_equal(strlen(box.error.field), RC_ERROR_FIELD_BYTES - 1);
    assert_int_equal(box.after, 'x');
}

/* Wherever a sentence, a quotation in it or a path is cut, whole characters are left. */
static void
test_cut_characters(void **state)
{
    (void)state;
    static char text[2000];
    for (size_t front = 0; front < 4; front++) {
        memset(text, 'a', front);
        for (size_t at = front; at + 4 < sizeof(text); at += 4)
            memcpy(text + at, "\xf0\x9f\x98\x80", 5);
        for (int quoted = 0; quoted < 9; quoted++) {
            struct rc_error error;
            rc_error_field(&error, RC_INVALID, text, "\"%.*s\" is none: %s", quoted, text, text);
            assert_true(rc_bytes_is_text(rc_bytes_of(error.message)));
            assert_true(rc_bytes_is_text(rc_bytes_of(error.field)));
            assert_true(strlen(error.message) + 4 >= RC_ERROR_MESSAGE_BYTES - 8);
            assert_non_null(strstr(error.message, "\" is none: "));
            rc_error_prefix(&error, "fields[%d]", quoted);
            assert_true(rc_bytes_is_text(rc_bytes_of(error.field)));
        }
    }
    char mended[] = "\x80"
                    "a\xc3"
                    "b\xe2\x82\xac\xed\xa0\x80\xf0\x9f";
    rc_text_mend(mended);
    assert_string_equal(mended, "ab\xe2\x82\xac");
}

static void
test_items(void **state)
{
    char field[32];
    char narrow[8];
    (void)state;
    rc_error_item(field, sizeof(field), "steps", 0, "selector");
    assert_string_equal(field, "steps[0].selector");
    rc_error_item(field, sizeof(field), "", 4294967295u, "");
    assert_string_equal(field, "[4294967295]");
    rc_error_item(narrow, sizeof(narrow), "steps", 20, "selector");
    assert_string_equal(narrow, "steps[2");
    rc_error_item(narrow, 1, "steps", 20, "selector");
    assert_string_equal(narrow, "");
}

static void
test_prefix(void **state)
{
    (void)state;
    struct rc_error error;
    rc_error_field(&error, RC_INVALID, "regex", "does not compile");
    rc_error_prefix(&error, "predicate");
    assert_string_equal(error.field, "predicate.regex");
    rc_error_prefix(&error, "steps[%d]", 2);
    assert_string_equal(error.field, "steps[2].predicate.regex");
    rc_error_field(&error, RC_INVALID, "[3]", "is empty");
    rc_error_prefix(&error, "values");
    assert_string_equal(error.field, "values[3]");
    rc_error_set(&error, RC_INVALID, "whole");
    rc_error_prefix(&error, "scope");
    assert_string_equal(error.field, "scope");
    rc_error_prefix(NULL, "scope");
}

/* What is missing is said of the error that says so, and of none after it. */
static void
test_missing(void **state)
{
    (void)state;
    struct rc_error error = {0};
    rc_error_set(&error, RC_NOT_FOUND, "there is no word");
    assert_null(error.missing_noun);
    rc_error_missing(&error, "word", "wordy", 4);
    assert_string_equal(error.missing_noun, "word");
    assert_string_equal(error.missing_name, "word");
    rc_error_missing(NULL, "word", "wordy", 4);
    rc_error_set(&error, RC_IO, "something else");
    assert_null(error.missing_noun);
}

static enum rc_status
give(enum rc_status status)
{
    return status;
}

static enum rc_status
try_it(enum rc_status status, struct rc_error *reterr_error)
{
    RC_TRY(give(RC_OK));
    RC_TRY_OR(reterr_error, give(status));
    return RC_EXISTS;
}

static void
test_try(void **state)
{
    (void)state;
    struct rc_error error = {0};
    assert_int_equal(try_it(RC_OK, &error), RC_EXISTS);
    assert_int_equal(error.status, RC_OK);
    assert_int_equal(try_it(RC_NO_SPACE, &error), RC_NO_SPACE);
    assert_int_equal(error.status, RC_NO_SPACE);
    assert_string_equal(error.message, rc_status_sentence(RC_NO_SPACE));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_long_sentences_are_cut),
        cmocka_unit_test(test_cut_characters),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
