/* What a mapping file may say, and how it is told that it is wrong; times and values as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loaders/mapping.h"
#include "loaders/text_value.h"
#include "loaders/time_text.h"

static void
test_shipped_mappings_parse(void **state)
{
    (void)state;
    uint32_t count = 0;
    for (; rc_mapping_preset_name(count) != NULL; count++) {
        RC_CLEANUP(rc_mapping_freep) struct rc_mapping *mapping = NULL;
        struct rc_error error = {0};
        if (rc_mapping_load(rc_mapping_preset_name(count), &mapping, &error) != RC_OK)
            fail_msg("%s", error.message);
    }
    assert_int_equal(count, 7);
    struct rc_mapping *mapping = NULL;
    struct rc_error error = {0};
    assert_int_equal(rc_mapping_load("nonsense", &mapping, &error), RC_NOT_FOUND);
    assert_non_null(strstr(error.message, "combined-log"));
    assert_int_equal(rc_mapping_load("./no-such-file.ini", &mapping, &error), RC_NOT_FOUND);
}

static void
test_wrong_mappings(void **state)
{
    (void)state;
#define GOOD "[source]\nformat=ndjson\n[event]\nuser=u\ntime=t\n"
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "m.ini: [event] needs user"},
        {"[event]\nuser=u\n", "m.ini: [event] needs time"},
        {GOOD "[event]\nuzer=x\n", "m.ini, line 7, [event] uzer: there is no such section or key"},
        {GOOD "[events]\nuser=x\n",
         "m.ini, line 7, [events] user: there is no such section or key"},
        {"[source]\nformat=xml\n",
         "m.ini, line 2, [source] format: format must be ndjson, csv, combined or copy"},
        {"[source]\nformat=copy\n[event]\nuser=u\ntime=t\n",
         "m.ini: [source] needs columns for copy"},
        {GOOD "[time]\nzone=Europe/Berlin\n",
         "m.ini, line 7, [time] zone: zone must be UTC or an offset such as +02:00"},
        {GOOD "[time]\nunit=h\n", "m.ini, line 7, [time] unit: unit must be auto, s, ms, us or ns"},
        {GOOD "[event]\ntime=hash-of-row\n",
         "m.ini, line 7, [event] time: a hash cannot stand here"},
        {GOOD "[event]\nid=hash(a++b)\n",
         "m.ini, line 7, [event] id: hash() takes 1 to 8 names with + between them"},
        {GOOD "[alias]\nfrom=a\nto=b\n", "m.ini: [alias] needs when"},
        {GOOD "[alias]\nwhen=a\n", "m.ini: [alias] needs from and to"},
        {GOOD "[account]\nkey=company\nid=a\n", "m.ini: [account] needs when"},
        {GOOD "[account]\nwhen=a\nkey=company\n", "m.ini: [account] needs id"},
        {GOOD "[account]\nwhen=a\nid=a\n", "m.ini: [account] needs key or key_in"},
        {GOOD "[account]\nwhen=a\nid=a\nkey=company\nkey_in=b\n",
         "m.ini: [account] needs key or key_in"},
        {GOOD "[account]\nwhen=a\nid=a\nkey=\n",
         "m.ini, line 9, [account] key: key must be the name of a property"},
        {"[account]\nwhen=a\nid=a\nkey=company\n", "m.ini: [account] needs time, or [event]"},
        {GOOD "[user]\nproperties=a\n[account]\nproperties=b\n",
         "m.ini, line 9, [account] properties: users and accounts have their properties in the "
         "same object"},
        {GOOD "[types]\na=integer\n",
         "m.ini, line 7, [types] a: a type is auto, text, number or boolean"},
        {GOOD "[event]\nexclude=a,,b\nexclude=c\n",
         "m.ini, line 7, [event] exclude: a name between the commas is missing"},
        {GOOD "nonsense\n", "m.ini, line 6: neither a section, a key with a value, nor a comment"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rc_mapping *mapping = NULL;
        struct rc_error error = {0};
        assert_int_equal(rc_mapping_parse("m.ini", rc_bytes_of(cases[i].text), &mapping, &error),
                         RC_INVALID);
        assert_string_equal(error.message, cases[i].message);
        assert_null(mapping);
    }
    char text[400] = GOOD "[event]\nexclude=";
    memset(text + strlen(text), 'x', 200);
    struct rc_mapping *mapping = NULL;
    struct rc_error error = {0};
    assert_int_equal(rc_mapping_parse("m.ini", rc_bytes_of(text), &mapping, &error), RC_INVALID);
    assert_string_equal(error.message,
                        "m.ini, line 7: the line is too long (199 bytes) or holds a NUL");
}

static void
test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rc_time_unit unit;
        int64_t time_ms;
    } cases[] = {
        {"2015-09-12T00:46:58.771Z", RC_TIME_AUTO, 1442018818771},
        {"2015-09-12t00:46:58.7719z", RC_TIME_AUTO, 1442018818771},
        {"2014-09-14 02:06:41", RC_TIME_AUTO, 1410660401000},
        {"2014-09-14", RC_TIME_AUTO, 1410652800000},
        {"2014-09-14 02:06", RC_TIME_AUTO, 1410660360000},
        {"2019-10-01 00:00:00 UTC", RC_TIME_AUTO, 1569888000000},
        {"2015-03-01 12:00:00.123+00", RC_TIME_AUTO, 1425211200123},
        {"2015-03-01 17:30:00.123+05:30", RC_TIME_AUTO, 1425211200123},
        {"2015-03-01T12:00:00-0330", RC_TIME_AUTO, 1425223800000},
        {"17/May/2015:10:05:03 +0000", RC_TIME_AUTO, 1431857103000},
        {"1970-01-01", RC_TIME_AUTO, 0},
        {"1969-12-31T23:59:59.999Z", RC_TIME_AUTO, -1 + 0},
        {"2000-02-29", RC_TIME_AUTO, 951782400000},
        {"9999-12-31T23:59:59.999Z", RC_TIME_AUTO, 253402300799999},
        {"0001-01-01", RC_TIME_AUTO, -62135596800000},
        {"1602611311", RC_TIME_AUTO, 1602611311000},
        {"1602611311.25", RC_TIME_AUTO, 1602611311250},
        {"1602611311250", RC_TIME_AUTO, 1602611311250},
        {"1602611311250999", RC_TIME_AUTO, 1602611311250},
        {"1602611311250999888", RC_TIME_NANOSECONDS, -1}, /* 19 digits are not read from a text. */
        {"1602", RC_TIME_MILLISECONDS, 1602},
        {"-1500", RC_TIME_MILLISECONDS, -1500},
        {"2001-02-29", RC_TIME_AUTO, -1},
        {"2001-13-01", RC_TIME_AUTO, -1},
        {"2001-01-01T24:00:00Z", RC_TIME_AUTO, -1},
        {"2001-01-01T00:00:00 CET", RC_TIME_AUTO, -1},
        {"2001-01-01x", RC_TIME_AUTO, -1},
        {"99999999999999999", RC_TIME_MILLISECONDS, -1},
        {"", RC_TIME_AUTO, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct rc_field_value value = {.type = RC_FIELD_TEXT,
                                             .text = rc_bytes_of(cases[i].text)};
        int64_t time_ms = -1;
        const bool good = rc_time_parse(&value, cases[i].unit, 0, &time_ms);
        if (time_ms != cases[i].time_ms)
            fail_msg("%s gives %lld", cases[i].text, (long long)time_ms);
        assert_true(good || cases[i].time_ms == -1);
    }
    int64_t time_ms;
    const struct rc_field_value nanoseconds = {.type = RC_FIELD_INT,
                                               .integer = 1602611311250999888};
    assert_true(rc_time_parse(&nanoseconds, RC_TIME_AUTO, 0, &time_ms));
    assert_int_equal(time_ms, 1602611311250);
    const struct rc_field_value seconds = {.type = RC_FIELD_DOUBLE, .number = -0.0015};
    assert_true(rc_time_parse(&seconds, RC_TIME_SECONDS, 0, &time_ms));
    assert_int_equal(time_ms, -2); /* Cut off towards the past. */
}

static void
test_text_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rc_mapping_type type;
        enum rc_field_type result; /* RC_FIELD_NULL: refused. */
    } cases[] = {
        {"42", RC_TYPE_AUTO, RC_FIELD_INT},
        {"-7", RC_TYPE_AUTO, RC_FIELD_INT},
        {"0", RC_TYPE_AUTO, RC_FIELD_INT},
        {"-0", RC_TYPE_AUTO, RC_FIELD_TEXT},
        {"042", RC_TYPE_AUTO, RC_FIELD_TEXT},
        {"9223372036854775807", RC_TYPE_AUTO, RC_FIELD_INT},
        {"9223372036854775808", RC_TYPE_AUTO, RC_FIELD_TEXT},
        {"35.79", RC_TYPE_AUTO, RC_FIELD_DOUBLE},
        {"35.70", RC_TYPE_AUTO, RC_FIELD_TEXT},
        {"1e3", RC_TYPE_AUTO, RC_FIELD_TEXT},
        {"1234567890123.456", RC_TYPE_AUTO, RC_FIELD_TEXT},
        {"1.2.3", RC_TYPE_AUTO, RC_FIELD_TEXT},
        {"+1", RC_TYPE_AUTO, RC_FIELD_TEXT},
        {"", RC_TYPE_AUTO, RC_FIELD_TEXT},
        {"42", RC_TYPE_TEXT, RC_FIELD_TEXT},
        {"1e3", RC_TYPE_NUMBER, RC_FIELD_DOUBLE},
        {"042", RC_TYPE_NUMBER, RC_FIELD_NULL},
        {"1e999", RC_TYPE_NUMBER, RC_FIELD_NULL},
        {"0x10", RC_TYPE_NUMBER, RC_FIELD_NULL},
        {"x", RC_TYPE_NUMBER, RC_FIELD_NULL},
        {"true", RC_TYPE_BOOLEAN, RC_FIELD_TRUE},
        {"f", RC_TYPE_BOOLEAN, RC_FIELD_FALSE},
        {"maybe", RC_TYPE_BOOLEAN, RC_FIELD_NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rc_field_value value = {.type = RC_FIELD_TEXT, .text = rc_bytes_of(cases[i].text)};
        const bool good = rc_text_value_convert(&value, cases[i].type);
        if (good ? value.type != cases[i].result : cases[i].result != RC_FIELD_NULL)
            fail_msg("%s as %d became %d", cases[i].text, cases[i].type, value.type);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_mappings_parse),
        cmocka_unit_test(test_wrong_mappings),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_text_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
