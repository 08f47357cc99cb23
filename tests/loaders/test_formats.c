/* CSV, access logs, COPY text and compressed inputs, from the file to the rows of a batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/loaders/load_rig.h"

#define CSV_MAPPING "[source]\nformat=csv\n[event]\nuser=user\ntime=time\nid=id\nproperties=*\n"

static void
test_csv(void **state)
{
    (void)state;
    /* A byte order mark, CRLF, quotes, a line feed inside them, empty and null, numbers. */
    rig_expect(CSV_MAPPING,
               "\xef\xbb\xbfuser,time,id,a,\"b c\"\r\n"
               "u1,2014-09-14 02:06:41,1,x,42\r\n"
               "u2,2014-09-14 02:06:42,2,\"say \"\"hi\"\", twice\nor more\",042\r\n"
               "u3,2019-10-01 00:00:00 UTC,3,,35.79\n"
               "u4,1410660404,4,\"\",35.70",
               "event u1 @1410660401000 #1 a=\"x\" b c=42\n"
               "event u2 @1410660402000 #2 a=\"say \"hi\", twice\nor more\" b c=\"042\"\n"
               "event u3 @1569888000000 #3 b c=35.79d\n"
               "event u4 @1410660404000 #4 a=\"\" b c=\"35.70\"\n");
}

static void
test_nothing_at_all(void **state)
{
    (void)state;
    rig_expect("[source]\nformat=combined\n[event]\nuser=host\ntime=time\n", "", "");
    rig_expect(CSV_MAPPING, "user,time,id\n", "");
}

static void
test_csv_without_header(void **state)
{
    (void)state;
    rig_expect(
        "[source]\nformat=csv\nheader=no\ncolumns=user,\n  time, a\nseparator=semicolon\n"
        "[event]\nuser=user\ntime=time\nproperties=*\n[time]\nzone=+02:00\n[types]\na=text\n",
        "u;2014-09-14 02:06:41;7\n", "event u @1410653201000 a=\"7\"\n");
}

static void
test_bad_csv(void **state)
{
    (void)state;
    static const struct {
        const char *row;
        const char *reason;
    } cases[] = {
        {"u,1", "the row has 2 fields instead of 3"},
        {"u,1,2,3", "the row has more than 3 fields"},
        {"u,1,\"x", "a quoted field is not closed"},
        {"u,1,\"x\"y", "text follows the quotes of field 3"},
        {"u,1,x\"\"y", "a quote stands inside field 3"},
        {"u,1,\xff", "the row is not UTF-8 or holds a NUL"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[64];
        snprintf(text, sizeof(text), "user,time,id\n%s\n", cases[i].row);
        rig_expect_reject(CSV_MAPPING, text, cases[i].reason);
    }
    struct rig rig = rig_of(CSV_MAPPING, "user,time,user\nu,1,v\n");
    rig_run(&rig);
    assert_int_equal(rig.status, RC_INVALID);
    rig_close(&rig);
    rig = rig_of(CSV_MAPPING, "");
    rig_run(&rig);
    assert_int_equal(rig.status, RC_INVALID);
    rig_close(&rig);
}

#define LOG_MAPPING \
    "[source]\nformat=combined\n[event]\nuser=authuser,host\ntime=time\nproperties=*\n"

static void
test_access_log(void **state)
{
    (void)state;
    rig_expect(LOG_MAPPING,
               "83.149.9.216 - - [17/May/2015:10:05:03 +0000] \"GET /x.png HTTP/1.1\" 200 203023 "
               "\"http://ref/\" \"Mozilla/5.0 \\\"quoted\\\" \\\\ \\x41\"\n"
               "h - joe [17/May/2015:12:05:03 +0200] \"GET / HTTP/1.0\" 304 -\n"
               "h - - [17/May/2015:10:05:03 +0000] \"\\x16\\x03\\x00\" 400 0 \"-\" \"-\"\n",
               "event 83.149.9.216 @1431857103000 method=\"GET\" path=\"/x.png\" "
               "protocol=\"HTTP/1.1\" status=200 bytes=203023 referer=\"http://ref/\" "
               "agent=\"Mozilla/5.0 \"quoted\" \\ A\"\n"
               "event joe @1431857103000 method=\"GET\" path=\"/\" protocol=\"HTTP/1.0\" "
               "status=304\n"
               "event h @1431857103000 status=400 bytes=0 request=\"\\x16\\x03\\x00\"\n");
}

static void
test_bad_access_log(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *reason;
    } cases[] = {
        {"h", "the line ends or breaks at its ident"},
        {"h - -", "the line ends or breaks at its time"},
        {"h - - 17/May/2015:10:05:03 +0000 \"GET / HTTP/1.0\" 200 1",
         "the line ends or breaks at its time"},
        {"h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.0",
         "the line ends or breaks at its request"},
        {"h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.0\" 200",
         "the line ends or breaks at its bytes"},
        {"h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.0\" 200 1 \"-\" \"Mozilla",
         "the line ends or breaks at its agent"},
        {"h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.0\" 200 1 \"-\" \"-\" more",
         "text follows the agent"},
        {"h - - [17/Mai/2015:10:05:03 +0000] \"GET / HTTP/1.0\" 200 1",
         "time is not a time between the years 1 and 9999"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        rig_expect_reject(LOG_MAPPING, cases[i].line, cases[i].reason);
}

static void
test_copy_with_hstore(void **state)
{
    (void)state;
    rig_expect("pg-copy-hstore",
               "42\t2015-03-01 12:00:00.123+00\t\"href\"=>NULL, \"note\"=>\"tab\\there\", "
               "\"path\"=>\"C:\\\\\\\\tmp\", \"type\"=>\"click\", \"event_id\"=>\"9001\", "
               "\"target_text\"=>\"Log \\\\\"in\\\\\"\"\n"
               "43\t2015-03-01 17:30:00+05:30\t\"event_id\"=>\"9002\", \"n\"=>\"7\", "
               "\"\\101\"=>\"\\x42\"\n"
               "\\.\n"
               "not read\n",
               "event 42 @1425211200123 #9001 note=\"tab\there\" path=\"C:\\tmp\" type=\"click\" "
               "target_text=\"Log \"in\"\"\n"
               "event 43 @1425211200000 #9002 n=7 A=\"B\"\n");
}

static void
test_bad_copy(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *reason;
    } cases[] = {
        {"42\t2015-03-01", "the row has 2 columns instead of 3"},
        {"42\t2015-03-01\t\t", "the row has more than 3 columns"},
        {"42\t2015-03-01\t\"a\"=>\"b", "an hstore text is not closed"},
        {"42\t2015-03-01\t\"a\" \"b\"", "an hstore key is not followed by =>"},
        {"42\t2015-03-01\t\"a\"=>\"b\" \"c\"=>\"d\"", "hstore pairs need a comma between them"},
        {"42\t2015-03-01\t\"a\"=>\"b\",", "the hstore text ends in a comma"},
        {"42\t2015-03-01\t\"a\"=>", "an hstore key or value is missing"},
        {"42\t2015-03-01\t\"a\"=>\"1\", \"a\"=>\"2\"", "a occurs twice"},
        {"42\t2015-03-01\t\"a\"=>\"\\xff\"", "a is not UTF-8 or holds a NUL"},
        {"\\N\t2015-03-01\t", "user is missing"},
        {"42\t\\N\t", "time is missing"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        rig_expect_reject("pg-copy-hstore", cases[i].line, cases[i].reason);
}

/* One gzip member; returns its size. */
static size_t
gzip(const char *text, unsigned char *out, size_t size)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)(uintptr_t)text;
    stream.avail_in = (uInt)strlen(text);
    stream.next_out = out;
    stream.avail_out = (uInt)size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return size - stream.avail_out;
}

static const char first_half[] = "{\"user\":\"a\",\"time\":1,\"id\":1}\n{\"user\":\"b\",";
static const char second_half[] = "\"time\":2,\"id\":2}\n";
static const char both_rows[] = "event a @1 #1\nevent b @2 #2\n";

static void
run_bytes(const void *data, size_t size, enum rc_status status)
{
    struct rig rig = {.inputs = {{"recount", data, size}}, .input_count = 1};
    rig_run(&rig);
    assert_int_equal(rig.status, status);
    if (status == RC_OK)
        assert_string_equal(rig.rows, both_rows);
    rig_close(&rig);
}

static void
test_gzip(void **state)
{
    (void)state;
    unsigned char data[1024];
    const size_t first = gzip(first_half, data, sizeof(data)); /* Two members, cut inside a row. */
    const size_t size = first + gzip(second_half, data + first, sizeof(data) - first);
    run_bytes(data, size, RC_OK);
    for (size_t cut = first + 1; cut < size; cut++)
        run_bytes(data, cut, RC_CORRUPT);
    data[size - 6] ^= 1; /* The checksum. */
    run_bytes(data, size, RC_CORRUPT);
}

static void
test_zstd(void **state)
{
    (void)state;
    unsigned char data[1024];
    const size_t first = ZSTD_compress(data, sizeof(data), first_half, sizeof(first_half) - 1, 1);
    const size_t size = first + ZSTD_compress(data + first, sizeof(data) - first, second_half,
                                              sizeof(second_half) - 1, 1);
    run_bytes(data, size, RC_OK);
    for (size_t cut = first + 1; cut < size; cut++)
        run_bytes(data, cut, RC_CORRUPT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_csv_without_header),
        cmocka_unit_test(test_bad_csv),
        cmocka_unit_test(test_access_log),
        cmocka_unit_test(test_bad_access_log),
        cmocka_unit_test(test_copy_with_hstore),
        cmocka_unit_test(test_bad_copy),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_zstd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
