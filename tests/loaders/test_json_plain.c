/*
 * Plain lines: what the quick parser takes must be what simdjson makes of the line, field by field;
 * what it must not take is listed. A seeded run cuts and changes good lines at random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "loaders/json.h"
#include "loaders/json_plain.h"
#include "loaders/json_shim.h"
#include "loaders/lines.h"
#include "tests/base/environment.h"

#define LINE_BYTES_MAX 4096

/* The line, and behind it what must not count: a buffer's next row could be there. */
struct line {
    char bytes[LINE_BYTES_MAX + RC_ROW_PADDING_BYTES];
    size_t size;
};

static struct rc_bytes roots[2];

static int
set_up(void **state)
{
    (void)state;
    roots[0] = RC_BYTES_LITERAL("properties");
    roots[1] = RC_BYTES_LITERAL("set");
    return 0;
}

static void
line_fill(struct line *line, const char *bytes, size_t size)
{
    assert_true(size <= LINE_BYTES_MAX);
    memset(line->bytes, '}', sizeof(line->bytes));
    memcpy(line->bytes, bytes, size);
    line->size = size;
}

static bool
plain_parse(struct line *line, struct rc_record *record)
{
    rc_record_clear(record);
    record->raw = (struct rc_bytes){line->bytes, line->size};
    const enum rc_status status = rc_json_plain_parse(roots, NULL, record);
    assert_true(status == RC_OK || status == RC_NOT_FOUND);
    return status == RC_OK;
}

/* What simdjson says, without the quick parser before it; false: it refuses the line. */
static bool
shim_parse(struct rc_json_shim *shim, struct line *line, struct rc_record *record)
{
    rc_record_clear(record);
    record->raw = (struct rc_bytes){line->bytes, line->size};
    struct rc_json_items items = {.items = (struct rc_json_item *)(void *)record->fields,
                                  .capacity = record->field_capacity,
                                  .context = record};
    const bool good = rc_json_shim_parse(shim, line->bytes, line->size, &items) == NULL;
    record->field_count = items.count;
    return good;
}

static void
assert_same_field(const struct rc_field *plain, const struct rc_field *full)
{
    assert_true(rc_bytes_equal(plain->name, full->name));
    assert_int_equal(plain->root, full->root);
    assert_int_equal(plain->value.type, full->value.type);
    switch (plain->value.type) {
    case RC_FIELD_TEXT:
        assert_true(rc_bytes_equal(plain->value.text, full->value.text));
        break;
    case RC_FIELD_INT:
        assert_int_equal(plain->value.integer, full->value.integer);
        break;
    case RC_FIELD_DOUBLE:
        assert_memory_equal(&plain->value.number, &full->value.number, sizeof(double));
        break;
    default:
        break;
    }
}

/* Whether the line is plain; if so, that it says the same to both. */
static bool
is_plain_and_same(struct line *line)
{
    static const char *const names[2] = {"properties", "set"};
    struct rc_record plain = {0};
    struct rc_record full = {0};
    struct rc_json_shim *shim = rc_json_shim_new(names);
    assert_non_null(shim);
    assert_true(rc_record_init(&plain) && rc_record_init(&full));
    const bool taken = plain_parse(line, &plain);
    if (taken) {
        assert_true(shim_parse(shim, line, &full));
        assert_int_equal(plain.field_count, full.field_count);
        for (size_t i = 0; i < plain.field_count; i++)
            assert_same_field(&plain.fields[i], &full.fields[i]);
    }
    rc_record_close(&plain);
    rc_record_close(&full);
    rc_json_shim_free(shim);
    return taken;
}

static const char *const plain_lines[] = {
    "{\"user\":1,\"time\":1735689610432,\"id\":5672607715744578,\"properties\":{\"a\":\"x\"}}",
    "{\"a\":0}",
    "{\"a\":7,\"a\":7}",
    "{\"\":\"\"}",
    "{ \"a\" : -12 , \"b\" : true, \"c\":false,\"d\" :null }",
    "{\"a\":999999999999999999,\"b\":-999999999999999999,\"c\":12345678,\"d\":123456789}",
    "{\"a\":0.0,\"b\":-0.0,\"c\":220.99,\"d\":0.1,\"e\":-1.5,\"f\":0.00000000000001}",
    "{\"a\":99999999999999.9,\"b\":1.23456789012345,\"c\":123.456789012345,\"d\":0.3}",
    "{\"set\":{\"plan\":\"paid\",\"n\":4},\"properties\":{\"set\":1}}",
    "{\"a\":\"fifteen bytes..\",\"b\":\"sixteen bytes...\",\"c\":\"seventeen bytes..\"}",
    "{\"a\":\"\\\"\",\"b\":\"\\\\\",\"c\":\"\\/\\b\\f\\n\\r\\t\",\"d\\\"\":\"x\\\"y\\\"z\"}",
    "{\"a\":\"a long text with an escape behind many bytes \\\" and more of it \\\\\"}",
    "{\"a\":\"\xd0\xb9\",\"\xd0\xb9\":\"\xf0\x9f\x98\x80 \\\" \xe2\x82\xac\",\"c\":\"\x7f\"}",
};

static void
test_plain_lines(void **state)
{
    (void)state;
    struct line line;
    for (size_t i = 0; i < sizeof(plain_lines) / sizeof(*plain_lines); i++) {
        line_fill(&line, plain_lines[i], strlen(plain_lines[i]));
        if (!is_plain_and_same(&line))
            fail_msg("not taken: %s", plain_lines[i]);
    }
}

static void
test_other_lines(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "{",
        "{}",
        "[1]",
        "1",
        " {\"a\":1}",
        "{\"a\":1} ",
        "{\"a\":1}x",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":\"x",
        "{\"a\":\"x\\",
        "{\"a\":\"x\\\"",
        "{\"a\"1}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":\t1}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":-0}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":-.5}",
        "{\"a\":1e3}",
        "{\"a\":1.5e3}",
        "{\"a\":1.2.3}",
        "{\"a\":0x10}",
        "{\"a\":1000000000000000000}",
        "{\"a\":18446744073709551615}",
        "{\"a\":100000000000000000000000}",
        "{\"a\":123456789012345.6}",
        "{\"a\":1.234567890123456}",
        "{\"a\":0.1000000000000000055511151231257827}",
        "{\"a\":tru}",
        "{\"a\":truex}",
        "{\"a\":nul",
        "{\"a\":NaN}",
        "{\"a\":[\"x\"]}",
        "{\"a\":{\"b\":1}}",
        "{\"properties\":{}}",
        "{\"properties\":{\"a\":{\"b\":1}}}",
        "{\"properties\":{\"set\":{\"a\":1}}}",
        "{\"a\":\"\\u0041\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\x1f\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\x80\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"\xff\":1}",
        "{\"a\":\"\xe2\x82\"}",
    };
    struct line line;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        line_fill(&line, others[i], strlen(others[i]));
        if (is_plain_and_same(&line))
            fail_msg("taken: %s", others[i]);
    }
}

/* Every beginning of a line is cut off in the middle of something, with good bytes behind it. */
static void
test_cut_lines(void **state)
{
    (void)state;
    struct line line;
    for (size_t i = 0; i < sizeof(plain_lines) / sizeof(*plain_lines); i++) {
        for (size_t size = 0; size < strlen(plain_lines[i]); size++) {
            line_fill(&line, plain_lines[i], strlen(plain_lines[i]));
            line.size = size;
            assert_false(is_plain_and_same(&line));
        }
    }
}

static void
test_changed_lines(void **state)
{
    (void)state;
    static const char alphabet[] = "\"\\{}[]:, 019-+.eEtfnu/b\x01\x1f\x80\xc3\xa9";
    uint64_t seed = test_number("RC_SEED", rc_clock_monotonic_ns());
    print_message("seed %llu\n", (unsigned long long)seed);
    struct line line;
    uint32_t taken = 0;
    for (uint32_t round = 0; round < 20000; round++) {
        const char *text = plain_lines[round % (sizeof(plain_lines) / sizeof(*plain_lines))];
        line_fill(&line, text, strlen(text));
        for (uint32_t change = 0; change < 1 + round % 3; change++) {
            seed = rc_hash_u64(seed + 1);
            line.bytes[(seed >> 32) % line.size] = alphabet[seed % (sizeof(alphabet) - 1)];
        }
        taken += is_plain_and_same(&line);
    }
    assert_true(taken > 100); /* Else the changes say nothing. */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_lines),
        cmocka_unit_test(test_other_lines),
        cmocka_unit_test(test_cut_lines),
        cmocka_unit_test(test_changed_lines),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
