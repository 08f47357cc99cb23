/*
 * Echoes: what is taken over from an earlier row of the user must be what parsing the row gives.
 *
 * Rows in which users repeat themselves, not quite, are loaded twice: as they are, and with a space
 * before each, which no row that is taken over begins with. Both ways must give the same rows and
 * the same reasons for rejections.
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
#include "tests/base/environment.h"
#include "tests/loaders/load_rig.h"

#define ROWS 4000
#define ROW_BYTES_MAX 1024

static const char *const values[] = {"1",
                                     "12",
                                     "123",
                                     "-1",
                                     "1.5",
                                     "1.55",
                                     "true",
                                     "false",
                                     "null",
                                     "\"\"",
                                     "\"a\"",
                                     "\"ab\"",
                                     "\"a\\\"b\"",
                                     "\"a,b\"",
                                     "\"}\"",
                                     "\"\xc3\xa9\"",
                                     "[\"p\"]",
                                     "{\"x\":1}",
                                     "\"a text that is longer than a block of sixteen bytes\"",
                                     "\"a text that is longer than a block of sixteen byteS\""};
static const char *const names[] = {
    "type",    "url",      "a",       "ab",
    "a\\\"b",  "\xc3\xa9", "session", "a_name_that_is_longer_than_a_block",
    "browser", "type"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static uint64_t seed;

static uint32_t
draw(uint32_t count)
{
    seed = rc_hash_u64(seed + 1);
    return (uint32_t)(seed >> 32) % count;
}

/* What each user said last, by name; users change one or two of them from row to row. */
struct saying {
    uint8_t value[COUNT(names)]; /* Of values, from 1; 0: the name is not there. */
    bool spaced;
};

static char *
row_put(char *at, struct saying *saying, uint32_t user, uint32_t number, bool user_inside)
{
    if (draw(50) == 0)
        *saying = (struct saying){.spaced = draw(2) == 0};
    for (uint32_t change = draw(4); change > 0; change--)
        saying->value[draw(COUNT(names) - (draw(40) > 0))] = (uint8_t)draw(COUNT(values) + 1);
    const char *const space = saying->spaced ? " " : "";
    const bool is_write = draw(20) == 0;
    at += sprintf(at, "{");
    if (!user_inside)
        at += sprintf(at, "\"user\":%s\"u%u\",", space, user);
    at += sprintf(at, "\"time\":%u,\"id\":%u", number, number);
    if (draw(100) == 0)
        at += sprintf(at, ",\"unknown\":1");
    at += sprintf(at, ",\"%s\":{", is_write && !user_inside ? "set" : "properties");
    at += sprintf(at, "\"first\"%s:%u", space, number % 3);
    for (uint32_t i = 0; i < COUNT(names); i++) {
        if (user_inside && i == 2)
            at += sprintf(at, ",\"user\":\"u%u\"", user);
        if (saying->value[i] > 0)
            at +=
                sprintf(at, ",%s\"%s\"%s:%s", space, names[i], space, values[saying->value[i] - 1]);
    }
    at += sprintf(at, "}%s", draw(3) == 0 ? "" : space);
    if (user_inside) /* Members behind the object, alike and not. */
        at += sprintf(at, ",\"tail\":%u,\"end\":\"%u\"", user % 2, draw(9) == 0);
    return at + sprintf(at, "}");
}

/* The archive, and the same with a space before each row. */
static void
archives_make(bool user_inside, char *texts[2])
{
    static struct saying sayings[60];
    memset(sayings, 0, sizeof(sayings));
    char *ends[2];
    for (uint32_t i = 0; i < 2; i++) {
        texts[i] = malloc((size_t)ROWS * ROW_BYTES_MAX);
        assert_non_null(texts[i]);
        ends[i] = texts[i];
    }
    for (uint32_t row = 0; row < ROWS; row++) {
        char text[ROW_BYTES_MAX];
        const uint32_t user = draw(1 + draw(60));
        const char *end = row_put(text, &sayings[user], user, row, user_inside);
        assert_true(end < text + sizeof(text) - 2);
        ends[0] += sprintf(ends[0], "%s\n", text);
        ends[1] += sprintf(ends[1], " %s\n", text);
    }
}

/* Lines of a reject file without the name of the input and the row: line number and reason. */
static void
reasons_keep(char *rejects)
{
    char *to = rejects;
    for (char *line = strtok(rejects, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *from = strchr(line, '\t');
        char *end = from == NULL ? NULL : strchr(from + 1, '\t');
        end = end == NULL ? NULL : strchr(end + 1, '\t');
        assert_non_null(end);
        memmove(to, from, (size_t)(end - from));
        to += end - from;
        *to++ = '\n';
    }
    *to = '\0';
}

static void
both_ways(const char *mapping, bool user_inside, uint32_t batch_rows)
{
    char *texts[2];
    struct rig rigs[2];
    archives_make(user_inside, texts);
    for (uint32_t i = 0; i < 2; i++) {
        rigs[i] = rig_of(mapping, texts[i]);
        rigs[i].batch_rows_max = batch_rows;
        rigs[i].rejects_max = ROWS;
        rig_run(&rigs[i]);
        assert_int_equal(rigs[i].status, RC_OK);
        reasons_keep(rigs[i].rejects);
    }
    assert_true(rigs[0].totals.events > ROWS / 10);
    assert_true(rigs[0].totals.rejected > 0);
    assert_int_equal(rigs[0].totals.events, rigs[1].totals.events);
    assert_int_equal(rigs[0].totals.user_writes, rigs[1].totals.user_writes);
    assert_int_equal(rigs[0].totals.rejected, rigs[1].totals.rejected);
    assert_string_equal(rigs[0].rejects, rigs[1].rejects);
    assert_string_equal(rigs[0].rows, rigs[1].rows);
    for (uint32_t i = 0; i < 2; i++) {
        rig_close(&rigs[i]);
        free(texts[i]);
    }
}

static void
test_rows_of_our_schema(void **state)
{
    (void)state;
    both_ways("recount", false, 0);
    both_ways("recount", false, 7);
}

/* Types, constants and fields with a part of their own in the mapping. */
static void
test_other_mappings(void **state)
{
    (void)state;
    both_ways("[source]\nformat=ndjson\n[event]\nuser=user\ntime=time\nid=id\n"
              "properties=properties\nwhen=properties.type != 12\nexclude=properties.url\n"
              "[types]\nproperties.session=text\nproperties.ab=number\n[rename]\n"
              "properties.a=alpha\n[constants]\nbrowser=x\n",
              false, 50);
    both_ways("[source]\nformat=ndjson\n[event]\nuser=user\ntime=time\nid=id\n"
              "properties=properties\n[user]\nset=properties.url, properties.session\n",
              false, 0);
}

/* The user is somewhere among the properties. */
static void
test_user_inside(void **state)
{
    (void)state;
    both_ways(
        "[source]\nformat=ndjson\nothers=keep\n[event]\nuser=properties.user\ntime=time\nid=id\n"
        "properties=properties\n",
        true, 100);
}

static int
set_up(void **state)
{
    (void)state;
    seed = test_number("RC_SEED", rc_clock_monotonic_ns());
    print_message("seed %llu\n", (unsigned long long)seed);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_our_schema),
        cmocka_unit_test(test_other_mappings),
        cmocka_unit_test(test_user_inside),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
