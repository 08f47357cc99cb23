/* Every reason to reject a row, which fault of several is reported, and what is left. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/intake/batch.h"

#define ROWS 3u

/* Three events of three users with one property; the middle one is what a case spoils. */
struct subject {
    struct rc_arena *arena;
    struct rc_bytes users[ROWS];
    uint32_t user_codes[ROWS];
    int64_t times_ms[ROWS];
    struct rc_bytes ids[ROWS];
    struct rc_value values[ROWS];
    uint32_t codes[ROWS];
    struct rc_batch_column column;
    struct rc_batch batch;
};

static int
open_subject(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    struct subject *subject = calloc(1, sizeof(*subject));
    subject->arena = rc_arena_new(NULL, 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        subject->users[i] = rc_bytes_of(names[i]);
        subject->user_codes[i] = i;
        subject->ids[i] = rc_bytes_of(names[i]);
        subject->values[i] = rc_value_int(i);
        subject->codes[i] = i + 1;
    }
    subject->column = (struct rc_batch_column){
        .name = RC_BYTES_LITERAL("p"),
        .value_count = ROWS,
        .values = subject->values,
        .code_width = 4,
        .codes = (const unsigned char *)subject->codes,
    };
    subject->batch.events = (struct rc_batch_table){
        .row_count = ROWS,
        .user_count = ROWS,
        .users = subject->users,
        .user_codes = (const unsigned char *)subject->user_codes,
        .times_ms = (const unsigned char *)subject->times_ms,
        .column_count = 1,
        .columns = &subject->column,
    };
    subject->batch.text_ids = subject->ids;
    *state = subject;
    return 0;
}

static int
close_subject(void **state)
{
    struct subject *subject = *state;
    rc_arena_free(subject->arena);
    free(subject);
    return 0;
}

/* A text of size bytes. */
static struct rc_bytes
long_text(struct subject *subject, size_t size)
{
    char *text = rc_arena_alloc(subject->arena, size);
    assert_non_null(text);
    memset(text, 'x', size);
    return (struct rc_bytes){text, size};
}

static void
expect_taken(struct subject *subject)
{
    struct rc_batch_keep keep;
    struct rc_rejects rejects;
    assert_int_equal(rc_batch_check(&subject->batch, subject->arena, &keep, &rejects), RC_OK);
    if (rejects.count > 0)
        fail_msg("%.*s: %.*s", (int)rejects.list[0].field.size, rejects.list[0].field.data,
                 (int)rejects.list[0].message.size, rejects.list[0].message.data);
    assert_null(keep.events);
    assert_int_equal(keep.accepted, ROWS);
}

static void
expect_rejected(struct subject *subject, enum rc_reject_reason reason, const char *field)
{
    struct rc_batch_keep keep;
    struct rc_rejects rejects;
    assert_int_equal(rc_batch_check(&subject->batch, subject->arena, &keep, &rejects), RC_OK);
    assert_int_equal(rejects.count, 1);
    assert_int_equal(rejects.listed, 1);
    assert_int_equal(rejects.list[0].part, RC_PART_EVENTS);
    assert_int_equal(rejects.list[0].row, 1);
    assert_int_equal(rejects.list[0].reason, reason);
    assert_true(rc_bytes_equal(rejects.list[0].field, rc_bytes_of(field)));
    assert_true(rejects.list[0].message.size > 0);
    assert_int_equal(keep.events[0], 5);
    assert_int_equal(keep.accepted, ROWS - 1);
}

static void
test_a_good_batch(void **state)
{
    expect_taken(*state);
}

static void
test_users(void **state)
{
    struct subject *subject = *state;
    subject->users[1] = (struct rc_bytes){0};
    expect_rejected(subject, RC_REJECT_MISSING, "user");
    subject->users[1] = long_text(subject, RC_USER_ID_BYTES_MAX + 1);
    expect_rejected(subject, RC_REJECT_LENGTH, "user");
    subject->users[1].size--;
    expect_taken(subject);
    subject->users[1] = (struct rc_bytes){"\xff", 1};
    expect_rejected(subject, RC_REJECT_ENCODING, "user");
    subject->users[1] = (struct rc_bytes){"a\0b", 3};
    expect_rejected(subject, RC_REJECT_ENCODING, "user");
    subject->user_codes[1] = 0; /* Nobody is the bad one. */
    expect_taken(subject);
}

static void
test_times(void **state)
{
    struct subject *subject = *state;
    subject->times_ms[1] = RC_TIME_MS_MIN;
    expect_taken(subject);
    subject->times_ms[1] = RC_TIME_MS_MAX;
    expect_taken(subject);
    subject->times_ms[1] = RC_TIME_MS_MIN - 1;
    expect_rejected(subject, RC_REJECT_OUT_OF_RANGE, "time");
    subject->times_ms[1] = RC_TIME_MS_MAX + 1;
    expect_rejected(subject, RC_REJECT_OUT_OF_RANGE, "time");
}

static void
test_event_ids(void **state)
{
    struct subject *subject = *state;
    subject->ids[1] = (struct rc_bytes){0};
    expect_taken(subject);
    subject->ids[1] = long_text(subject, RC_EVENT_ID_BYTES_MAX + 1);
    expect_rejected(subject, RC_REJECT_LENGTH, "id");
    subject->ids[1].size--;
    expect_taken(subject);
    subject->ids[1] = (struct rc_bytes){"\xc0\x80", 2};
    expect_rejected(subject, RC_REJECT_ENCODING, "id");
}

static void
test_names(void **state)
{
    struct subject *subject = *state;
    subject->codes[0] = 0; /* Only the middle row has the property. */
    subject->codes[2] = 0;
    subject->column.name = (struct rc_bytes){0};
    expect_rejected(subject, RC_REJECT_LENGTH, "");
    subject->column.name = (struct rc_bytes){"\xed\xa0\x80", 3};
    expect_rejected(subject, RC_REJECT_ENCODING, "\xed\xa0\x80");
    subject->column.name = long_text(subject, RC_PROPERTY_NAME_BYTES_MAX + 1);
    subject->values[1] = rc_value_null(); /* Not set, so not named. */
    expect_taken(subject);
    subject->values[1] = rc_value_int(1);
    subject->column.name.size--;
    expect_taken(subject);
}

static void
test_values(void **state)
{
    struct subject *subject = *state;
    struct rc_value *value = &subject->values[1];
    *value = (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = NAN};
    expect_rejected(subject, RC_REJECT_OUT_OF_RANGE, "p");
    value->real = -INFINITY;
    expect_rejected(subject, RC_REJECT_OUT_OF_RANGE, "p");
    value->real = 4.0;
    expect_taken(subject);
    *value = rc_value_string(long_text(subject, RC_VALUE_BYTES_MAX + 1));
    expect_rejected(subject, RC_REJECT_LENGTH, "p");
    value->string.size--;
    expect_taken(subject);
    *value = rc_value_string((struct rc_bytes){"\xf4\x90\x80\x80", 4});
    expect_rejected(subject, RC_REJECT_ENCODING, "p");
    subject->codes[1] = 0; /* A value that no row has is nobody's fault. */
    expect_taken(subject);
}

static void
test_lists(void **state)
{
    struct subject *subject = *state;
    struct rc_bytes *items = RC_ARENA_ARRAY(subject->arena, struct rc_bytes, RC_LIST_ITEMS_MAX + 1);
    struct rc_value *value = &subject->values[1];
    *value = (struct rc_value){
        .kind = RC_VALUE_LIST, .item_count = RC_LIST_ITEMS_MAX + 1, .items = items};
    expect_rejected(subject, RC_REJECT_TOO_MANY, "p");
    value->item_count--;
    expect_taken(subject);
    items[7] = (struct rc_bytes){"\x80", 1};
    expect_rejected(subject, RC_REJECT_ENCODING, "p");
    items[7] = long_text(subject, RC_VALUE_BYTES_MAX - 4 * RC_LIST_ITEMS_MAX + 1);
    expect_rejected(subject, RC_REJECT_LENGTH, "p");
    items[7].size--;
    expect_taken(subject);
}

static void
test_the_first_fault_is_reported(void **state)
{
    struct subject *subject = *state;
    subject->values[1] = (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = NAN};
    subject->ids[1] = long_text(subject, RC_EVENT_ID_BYTES_MAX + 1);
    expect_rejected(subject, RC_REJECT_LENGTH, "id");
    subject->times_ms[1] = INT64_MIN;
    expect_rejected(subject, RC_REJECT_OUT_OF_RANGE, "time");
    subject->users[1] = (struct rc_bytes){0};
    expect_rejected(subject, RC_REJECT_MISSING, "user");
}

static void
test_sparse_columns(void **state)
{
    struct subject *subject = *state;
    const uint32_t row = 1;
    const uint32_t code = 2;
    subject->column.sparse_count = 1;
    subject->column.rows = (const unsigned char *)&row;
    subject->column.codes = (const unsigned char *)&code;
    expect_taken(subject);
    subject->values[1] = (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = NAN};
    expect_rejected(subject, RC_REJECT_OUT_OF_RANGE, "p");
}

static void
test_writes_and_aliases(void **state)
{
    struct subject *subject = *state;
    struct rc_batch_keep keep;
    struct rc_rejects rejects;
    const struct rc_bytes left[] = {RC_BYTES_LITERAL("a"), {0}, RC_BYTES_LITERAL("a")};
    const struct rc_bytes right[] = {RC_BYTES_LITERAL("b"), RC_BYTES_LITERAL("b"), {0}};
    struct rc_batch batch = {
        .writes = subject->batch.events,
        .alias_count = 3,
        .alias_left = left,
        .alias_right = right,
    };
    subject->times_ms[2] = INT64_MAX;
    assert_int_equal(rc_batch_check(&batch, subject->arena, &keep, &rejects), RC_OK);
    assert_int_equal(rejects.count, 3);
    assert_int_equal(rejects.list[0].part, RC_PART_WRITES);
    assert_int_equal(rejects.list[0].row, 2);
    assert_int_equal(rejects.list[1].part, RC_PART_ALIASES);
    assert_int_equal(rejects.list[1].row, 1);
    assert_true(rc_bytes_equal(rejects.list[1].field, RC_BYTES_LITERAL("alias[0]")));
    assert_int_equal(rejects.list[2].row, 2);
    assert_true(rc_bytes_equal(rejects.list[2].field, RC_BYTES_LITERAL("alias[1]")));
    assert_int_equal(keep.writes[0], 3);
    assert_int_equal(keep.aliases[0], 1);
    assert_int_equal(keep.accepted, 3);
}

static void
test_accounts(void **state)
{
    struct subject *subject = *state;
    struct rc_batch_keep keep;
    struct rc_rejects rejects;
    static const struct {
        struct rc_bytes name;
        enum rc_reject_reason reason;
    } cases[] = {
        {RC_BYTES_LITERAL("acme"), RC_REJECT_MISSING},           /* Of no key. */
        {RC_BYTES_LITERAL("\0acme"), RC_REJECT_MISSING},         /* Of an empty one. */
        {RC_BYTES_LITERAL("company\0"), RC_REJECT_MISSING},      /* No id. */
        {RC_BYTES_LITERAL("company\0a\0b"), RC_REJECT_ENCODING}, /* An id with NUL. */
        {RC_BYTES_LITERAL("comp\xff\0a"), RC_REJECT_ENCODING},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rc_batch batch = {.accounts = subject->batch.events};
        for (uint32_t user = 0; user < batch.accounts.user_count; user++)
            subject->users[user] = RC_BYTES_LITERAL("company\0acme");
        assert_int_equal(rc_batch_check(&batch, subject->arena, &keep, &rejects), RC_OK);
        assert_int_equal(rejects.count, 0);
        assert_int_equal(keep.accepted, batch.accounts.row_count);
        subject->users[1] = cases[i].name;
        assert_int_equal(rc_batch_check(&batch, subject->arena, &keep, &rejects), RC_OK);
        assert_int_equal(rejects.count, 1);
        assert_int_equal(rejects.list[0].part, RC_PART_ACCOUNTS);
        assert_int_equal(rejects.list[0].reason, cases[i].reason);
        assert_true(rc_bytes_equal(rejects.list[0].field, RC_BYTES_LITERAL("account")));
    }
}

static void
test_the_list_is_bounded_and_the_count_is_not(void **state)
{
    struct subject *subject = *state;
    struct rc_batch_keep keep;
    struct rc_rejects rejects;
    uint32_t *codes = RC_ARENA_ARRAY(subject->arena, uint32_t, 1000);
    int64_t *times = RC_ARENA_ARRAY(subject->arena, int64_t, 1000);
    const struct rc_bytes nobody = {0};
    const struct rc_batch batch = {
        .events = {.row_count = 1000,
                   .user_count = 1,
                   .users = &nobody,
                   .user_codes = (const unsigned char *)codes,
                   .times_ms = (const unsigned char *)times},
    };
    assert_int_equal(rc_batch_check(&batch, subject->arena, &keep, &rejects), RC_OK);
    assert_int_equal(rejects.count, 1000);
    assert_int_equal(rejects.listed, RC_REJECTS_LISTED_MAX);
    assert_int_equal(rejects.list[RC_REJECTS_LISTED_MAX - 1].row, RC_REJECTS_LISTED_MAX - 1);
    assert_int_equal(keep.accepted, 0);
    for (uint32_t i = 0; i < 1000 / 64; i++)
        assert_int_equal(keep.events[i], 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_subject, close_subject)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_good_batch),   CASE(test_users),
        CASE(test_times),          CASE(test_event_ids),
        CASE(test_names),          CASE(test_values),
        CASE(test_lists),          CASE(test_the_first_fault_is_reported),
        CASE(test_sparse_columns), CASE(test_writes_and_aliases),
        CASE(test_accounts),       CASE(test_the_list_is_bounded_and_the_count_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
