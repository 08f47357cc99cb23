/* Lines of Recount's own schema and of others, from the file to the rows of a batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/loaders/load_rig.h"

static void
test_own_schema(void **state)
{
    (void)state;
    rig_expect("recount",
               "{\"user\":\"u1\",\"time\":1420070400000,\"id\":\"e1\",\"properties\":"
               "{\"a\":1,\"b\":\"x\",\"c\":1.5,\"d\":true,\"e\":false,\"f\":null}}\n"
               "{\"user\":42,\"time\":\"2015-01-01T00:00:00.123456Z\",\"id\":7}\n"
               "\n"
               "{\"user\":\"u1\",\"time\":5,\"set\":{\"plan\":\"paid\",\"trial\":null}}\r\n"
               "{\"account_key\":\"company\",\"account\":7,\"time\":6,\"set\":{\"plan\":\"pro\","
               "\"seats\":null}}\n"
               "{\"account_key\":\"team\",\"account\":\"7\",\"time\":7,\"set\":{\"seats\":2}}\n"
               "{\"alias\":[\"anonymous-7\",\"u1\"]}",
               "event u1 @1420070400000 #e1 a=1 b=\"x\" c=1.5d d=true e=false\n"
               "event 42 @1420070400123 #7\n"
               "user u1 @5 plan=\"paid\" trial=null\n"
               "alias anonymous-7 = u1\n"
               "account company=7 @6 plan=\"pro\" seats=null\n"
               "account team=7 @7 seats=2\n");
}

static void
test_nesting_and_lists(void **state)
{
    (void)state;
    rig_expect(
        "recount",
        "{\"user\":\"u\",\"time\":1,\"id\":1,\"properties\":{\"device\":{\"os\":\"x\",\"screen\":"
        "{\"w\":3}},\"empty\":{},\"tags\":[\"p\",\"q\",\"p\"],\"none\":[]}}\n",
        "event u @1 #1 device.os=\"x\" device.screen.w=3 tags=[\"p\",\"q\",\"p\"]\n");
}

static void
test_many_ids_and_values(void **state)
{
    (void)state;
    /* Numbers and texts as ids in one batch become texts; numbers keep their decimal form. */
    rig_expect("recount",
               "{\"user\":-5,\"time\":1,\"id\":18446744073709551615}\n"
               "{\"user\":18446744073709551615,\"time\":2,\"id\":\"007\"}\n"
               "{\"user\":\"-5\",\"time\":3,\"id\":\"12\"}\n"
               "{\"user\":\"-5\",\"time\":4,\"id\":-3}\n",
               "event -5 @1 #18446744073709551615\n"
               "event 18446744073709551615 @2 #007\n"
               "event -5 @3 #12\n"
               "event -5 @4 #-3\n");
}

static void
test_an_id_is_derived_from_the_row(void **state)
{
    (void)state;
    struct rig first =
        rig_of("recount", "{\"user\":\"u\",\"time\":1}\n{\"user\":\"u\",\"time\":2}\n"
                          "{\"user\":\"u\",\"time\":1}\n");
    rig_run(&first);
    char rows[4][64] = {{0}};
    assert_int_equal(sscanf(first.rows, "%63[^\n]\n%63[^\n]\n%63[^\n]", rows[0], rows[1], rows[2]),
                     3);
    assert_string_equal(rows[0], rows[2]); /* Equal rows are one event. */
    assert_string_not_equal(rows[0], rows[1]);
    rig_close(&first);
    /* Their place makes them two. */
    struct rig placed =
        rig_of("[source]\nformat=ndjson\n[event]\nuser=user\ntime=time\nid=line-hash+offset\n",
               "{\"user\":\"u\",\"time\":1}\n{\"user\":\"u\",\"time\":1}\n");
    rig_run(&placed);
    assert_int_equal(sscanf(placed.rows, "%63[^\n]\n%63[^\n]", rows[0], rows[1]), 2);
    assert_string_not_equal(rows[0], rows[1]);
    rig_close(&placed);
}

static void
test_bad_rows(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *reason;
    } cases[] = {
        {"{\"time\":1}", "user is missing"},
        {"{\"user\":\"\",\"time\":1}", "user is missing"},
        {"{\"user\":null,\"time\":1}", "user is missing"},
        {"{\"user\":1.5,\"time\":1}", "user must be a text or a whole number"},
        {"{\"user\":true,\"time\":1}", "user must be a text or a whole number"},
        {"{\"user\":\"u\"}", "time is missing"},
        {"{\"user\":\"u\",\"time\":\"yesterday\"}",
         "time is not a time between the years 1 and 9999"},
        {"{\"user\":\"u\",\"time\":9223372036854775807}",
         "time is not a time between the years 1 and 9999"},
        {"{\"user\":\"u\",\"time\":1,\"propertes\":{}}", "propertes is not a field of this schema"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":5}", "properties must be an object"},
        {"{\"user\":\"u\",\"time\":1,\"id\":[\"a\"]}", "id must be a text or a whole number"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a\":[1]}}",
         "a is a list of something other than texts"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a\":1,\"a\":2}}", "a occurs twice"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a.b\":1,\"a\":{\"b\":2}}}",
         "a.b occurs twice"},
        {"{\"user\":\"u\",\"user\":\"v\",\"time\":1}", "user occurs twice"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a\":18446744073709551615}}",
         "a is a whole number beyond 64 bits"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"\":1}}", " is not a name of 1 to 256 bytes"},
        {"{\"user\":\"u\",\"time\":1,\"id\":1,\"set\":{}}",
         "id does not belong to this kind of row"},
        {"{\"alias\":[\"a\"]}", "alias is not a list of as many texts as the mapping wants"},
        {"{\"alias\":[\"a\",\"b\"],\"user\":\"u\"}", "user does not belong to this kind of row"},
        {"{\"account\":\"a\",\"time\":1,\"set\":{}}",
         "account key is not a name of 1 to 256 bytes"},
        {"{\"account_key\":\"k\",\"account\":\"a\",\"set\":{}}", "time is missing"},
        {"{\"account_key\":\"k\",\"account\":\"a\",\"time\":1,\"user\":\"u\"}",
         "user does not belong to this kind of row"},
        {"{\"account_key\":\"k\",\"account\":[\"a\"],\"time\":1}",
         "account must be a text or a whole number"},
        {"{\"account_key\":\"k\",\"account\":\"a\",\"time\":1,\"set\":{\"p\":1,\"p\":2}}",
         "p occurs twice"},
        {"{\"user\":\"u\",\"account_key\":\"k\",\"time\":1}",
         "account_key does not belong to this kind of row"},
        {"[1]", "not JSON: the line is not a JSON object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        rig_expect_reject("recount", cases[i].line, cases[i].reason);
}

static void
test_broken_json_and_depth(void **state)
{
    (void)state;
    static const char *const lines[] = {"{\"user\":", "nonsense", "{\"user\":\"\xff\",\"time\":1}",
                                        "{\"user\":\"u\",\"time\":1e999}"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct rig rig = rig_of("recount", lines[i]);
        rig_run(&rig);
        assert_int_equal(rig.status, RC_OK);
        assert_int_equal(rig.totals.rejected, 1);
        assert_non_null(strstr(rig.rejects, "\t1\tnot JSON: "));
        rig_close(&rig);
    }
    for (int depth = 32; depth <= 34; depth++) { /* properties itself is not counted. */
        char line[512] = "{\"user\":\"u\",\"time\":1,\"id\":1,\"properties\":";
        for (int i = 1; i < depth; i++)
            strcat(line, "{\"a\":");
        strcat(line, "{\"a\":1}");
        for (int i = 1; i <= depth; i++)
            strcat(line, "}");
        struct rig rig = rig_of("recount", line);
        rig_run(&rig);
        assert_int_equal(rig.totals.rejected, depth <= 33 ? 0 : 1);
        rig_close(&rig);
    }
}

static void
test_a_foreign_schema(void **state)
{
    (void)state;
    /* Roots, fallbacks, rename, types, constants, tests, skipping, an alias with named ends. */
    static const char mapping[] = "[source]\n"
                                  "format = ndjson\n"
                                  "others = keep\n"
                                  "[event]\n"
                                  "when = !type = alias\n"
                                  "user = userId, anonymousId\n"
                                  "time = timestamp, receivedAt\n"
                                  "id = messageId, hash-of-row\n"
                                  "properties = properties\n"
                                  "exclude = context.*, properties.secret\n"
                                  "[user]\n"
                                  "when = type = identify\n"
                                  "properties = traits\n"
                                  "[account]\n"
                                  "when = type = group\n"
                                  "key = company\n"
                                  "id = groupId\n"
                                  "time = timestamp, receivedAt\n"
                                  "properties = traits\n"
                                  "[alias]\n"
                                  "when = type = alias\n"
                                  "from = previousId\n"
                                  "to = userId\n"
                                  "[constants]\n"
                                  "source = segment\n"
                                  "version = 2\n"
                                  "[rename]\n"
                                  "event = name\n"
                                  "properties.revenue = amount\n"
                                  "[types]\n"
                                  "properties.count = number\n"
                                  "[skip]\n"
                                  "internal traffic = properties.internal = true\n"
                                  "pings = event = ping, pong\n";
    rig_expect(
        mapping,
        "{\"type\":\"track\",\"anonymousId\":\"a1\",\"userId\":null,\"messageId\":\"m1\","
        "\"timestamp\":"
        "\"2015-02-23T22:28:55.111Z\",\"event\":\"Order\",\"context\":{\"ip\":\"8.8.8.8\"},"
        "\"properties\":{\"revenue\":39.95,\"secret\":1,\"count\":\"3\"}}\n"
        "{\"type\":\"track\",\"userId\":\"u\",\"timestamp\":1,\"event\":\"ping\"}\n"
        "{\"type\":\"track\",\"userId\":\"u\",\"timestamp\":1,\"event\":\"x\",\"properties\":"
        "{\"internal\":true}}\n"
        "{\"type\":\"identify\",\"userId\":\"u1\",\"receivedAt\":\"2015-02-24\",\"traits\":{"
        "\"plan\":"
        "\"pro\"}}\n"
        "{\"type\":\"group\",\"userId\":\"u1\",\"groupId\":\"acme\",\"timestamp\":2,\"traits\":{"
        "\"plan\":\"team\",\"size\":{\"seats\":3}}}\n"
        "{\"type\":\"alias\",\"previousId\":\"a1\",\"userId\":\"u1\"}\n",
        "event a1 @1424730535111 #m1 source=\"segment\" version=2 type=\"track\" name=\"Order\" "
        "amount=39.95d count=3\n"
        "user u1 @1424736000000 plan=\"pro\"\n"
        "alias a1 = u1\n"
        "account company=acme @2000 plan=\"team\" size.seats=3\n");
}

/* An account's fields beside events of the same table: what names it is a property of these. */
static void
test_accounts_in_a_table(void **state)
{
    (void)state;
    rig_expect("[source]\n"
               "format = csv\n"
               "others = keep\n"
               "[event]\n"
               "user = user\n"
               "time = time\n"
               "[time]\n"
               "unit = ms\n"
               "[account]\n"
               "when = kind = account\n"
               "key = company\n"
               "id = company\n"
               "set = plan, seats\n"
               "[rename]\n"
               "seats = size\n",
               "kind,user,time,company,plan,seats\n"
               "account,,1,acme,pro,3\n"
               "view,u,2,acme,,\n"
               "account,,3,7,free,\n",
               "event u @2 kind=\"view\" company=\"acme\"\n"
               "account company=acme @1 plan=\"pro\" size=3\n"
               "account company=7 @3 plan=\"free\" size=null\n");
    /* Calls of group, as docs/formats.md has them. */
    rig_expect(
        "[source]\nformat = ndjson\nothers = keep\n[event]\nuser = userId\ntime = timestamp\n"
        "properties = properties\n[account]\nwhen = type = group\nkey = company\n"
        "id = groupId\nproperties = traits\n[rename]\ncontext.groupId = company\n",
        "{\"type\":\"group\",\"userId\":\"ada\",\"groupId\":\"acme\","
        "\"timestamp\":\"2026-01-01T00:00:00Z\",\"traits\":{\"plan\":\"team\",\"seats\":12}}\n"
        "{\"type\":\"track\",\"userId\":\"ada\",\"event\":\"view\","
        "\"timestamp\":\"2026-01-01T00:00:01Z\",\"context\":{\"groupId\":\"acme\"}}\n",
        "event ada @1767225601000 type=\"track\" event=\"view\" company=\"acme\"\n"
        "account company=acme @1767225600000 plan=\"team\" seats=12\n");
    /* Accounts alone. */
    rig_expect("[source]\nformat = csv\n[account]\nwhen = id\nkey = company\nid = id\n"
               "time = at\nset = plan\n",
               "id,at,plan,other\nacme,2015-01-01,pro,x\n,2015-01-01,free,x\n",
               "account company=acme @1420070400000 plan=\"pro\"\n");
}

static void
test_the_example_of_the_documentation(void **state)
{
    (void)state;
    static const char mapping[] = "[source]\n"
                                  "format = ndjson\n"
                                  "others = keep              ; kind and server become properties\n"
                                  "[event]\n"
                                  "user = customer, cookie    ; the customer if known\n"
                                  "time = at\n"
                                  "id = no, hash-of-row\n"
                                  "properties = data\n"
                                  "exclude = data.note\n"
                                  "[time]\n"
                                  "unit = s\n"
                                  "[user]\n"
                                  "when = kind = identify\n"
                                  "properties = traits\n"
                                  "[rename]\n"
                                  "kind = type\n"
                                  "data.amount = price\n"
                                  "[skip]\n"
                                  "our own monitoring = server = probe-1, probe-2\n";
    rig_expect(
        mapping,
        "{\"kind\": \"order\", \"customer\": null, \"cookie\": \"c-77\", \"at\": 1767225600, "
        "\"no\": 4711, \"data\": {\"amount\": 39.95, \"items\": [\"tea\", \"cup\"], \"note\": "
        "\"...\"}, \"server\": \"fe-3\"}\n"
        "{\"kind\": \"identify\", \"cookie\": \"c-77\", \"customer\": \"ada\", \"at\": "
        "1767225700, \"traits\": {\"plan\": \"pro\"}}\n"
        "{\"kind\": \"order\", \"cookie\": \"x\", \"at\": 1, \"server\": \"probe-2\"}\n",
        "event c-77 @1767225600000 #4711 type=\"order\" price=39.95d items=[\"tea\",\"cup\"] "
        "server=\"fe-3\"\n"
        "user ada @1767225700000 plan=\"pro\"\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_schema),
        cmocka_unit_test(test_nesting_and_lists),
        cmocka_unit_test(test_many_ids_and_values),
        cmocka_unit_test(test_an_id_is_derived_from_the_row),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_broken_json_and_depth),
        cmocka_unit_test(test_a_foreign_schema),
        cmocka_unit_test(test_accounts_in_a_table),
        cmocka_unit_test(test_the_example_of_the_documentation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
