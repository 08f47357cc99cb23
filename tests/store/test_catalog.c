/* Catalogs: puts and removals against a naive list, older catalogs unchanged, names, versions and
 * their limits, storing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/store/project/catalog.h"
#include "tests/store/slab_rig.h"

#define SEED 13u
#define NAMES 30u

static struct rc_bytes
name_of(uint32_t number, char buffer[16])
{
    return (struct rc_bytes){buffer, (size_t)snprintf(buffer, 16, "n%02u", number)};
}

/* What a name was, oldest first. */
struct naive {
    uint32_t count;
    uint64_t versions[RC_ENTRY_VERSIONS_MAX];
};

static void
expect_history(const struct rc_catalog *catalog, struct rc_bytes name, const struct naive *naive)
{
    uint64_t below = UINT64_MAX;
    for (uint32_t i = naive->count; i > 0; i--) {
        struct rc_catalog_entry version;
        struct rc_catalog_entry found;
        assert_true(rc_catalog_version_below(catalog, name, below, &version));
        assert_int_equal(version.version, naive->versions[i - 1]);
        assert_int_equal(version.updated_ms, naive->versions[i - 1] * 10);
        assert_true(rc_bytes_equal(version.name, name));
        assert_true(rc_catalog_find_version(catalog, name, version.version, &found));
        assert_ptr_equal(found.name.data, version.name.data);
        below = version.version;
    }
    struct rc_catalog_entry nothing;
    assert_false(rc_catalog_version_below(catalog, name, below, &nothing));
    assert_false(rc_catalog_find_version(catalog, name, below - 1, &nothing));
    assert_false(rc_catalog_find_version(catalog, name, UINT64_MAX, &nothing));
}

static void
expect(const struct rc_catalog *catalog, const struct naive names[NAMES])
{
    assert_int_equal(rc_catalog_check(catalog, NULL), RC_OK);
    char buffer[16];
    uint32_t at = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        struct rc_catalog_entry entry;
        const bool found = rc_catalog_find(catalog, name_of(i, buffer), &entry);
        assert_int_equal(found, names[i].count != 0);
        assert_int_equal(rc_catalog_lower_bound(catalog, name_of(i, buffer)), at);
        assert_int_equal(rc_catalog_upper_bound(catalog, name_of(i, buffer)), at + found);
        if (!found)
            continue;
        assert_int_equal(entry.version, names[i].versions[names[i].count - 1]);
        expect_history(catalog, entry.name, &names[i]);
        assert_ptr_equal(rc_catalog_at(catalog, at).name.data, entry.name.data);
        assert_true(rc_bytes_equal(entry.payload, RC_BYTES_LITERAL("payload")));
        at++;
    }
    assert_int_equal(rc_catalog_count(catalog), at);
}

static void
test_against_a_naive_list(void **state)
{
    (void)state;
    uint64_t random = SEED;
    print_message("seed %u\n", SEED);
    static struct naive names[NAMES];
    struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_catalog_new(NULL, &catalog), RC_OK);
    for (uint32_t round = 1; round < 400; round++) {
        char buffer[16];
        static struct naive before[NAMES];
        struct rc_catalog *next = NULL;
        const uint32_t number = (uint32_t)(rig_random(&random) % NAMES);
        const struct rc_catalog_entry entry = {
            .name = name_of(number, buffer),
            .payload = RC_BYTES_LITERAL("payload"),
            .author = RC_BYTES_LITERAL("ada"),
            .version = round,
            .updated_ms = (int64_t)round * 10,
        };
        memcpy(before, names, sizeof(before));
        if (rig_random(&random) % 4 != 0) {
            assert_int_equal(rc_catalog_put(catalog, &entry, &next), RC_OK);
            names[number].versions[names[number].count++] = round;
        } else {
            assert_int_equal(rc_catalog_remove(catalog, entry.name, &next),
                             names[number].count == 0 ? RC_NOT_FOUND : RC_OK);
            names[number].count = 0;
        }
        expect(catalog, before); /* The old one is what it was. */
        if (next == NULL)
            continue;
        expect(next, names);
        rc_catalog_unref(catalog);
        catalog = next;
    }
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_catalog_write(catalog, &writer);
    for (size_t size = 0; size <= writer.size; size++) {
        RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *read = NULL;
        struct rc_reader reader = rc_reader_of(writer.data, size);
        const enum rc_status status = rc_catalog_read(NULL, &reader, true, NULL, &read, NULL);
        assert_int_equal(status, size == writer.size ? RC_OK : RC_CORRUPT);
        if (status == RC_OK)
            expect(read, names);
    }
    rc_catalog_unref(catalog);
}

/* ---- many ---- */

#define MANY 20000u /* Three levels of nodes, and a root of several branches. */

static struct rc_bytes
name_of_many(uint32_t number, char buffer[16])
{
    return (struct rc_bytes){buffer, (size_t)snprintf(buffer, 16, "n%05u", number)};
}

static uint8_t
marks_of_many(uint32_t number)
{
    return (uint8_t)((number % 7 == 0 ? 1 : 0) | (number % 1000 == 3 ? 2 : 0));
}

/* By the payload, as a read has to find them. */
static uint8_t
marks_of_payload(struct rc_bytes payload)
{
    return (uint8_t)payload.data[0];
}

static void
put_many(struct rc_catalog **catalog, uint64_t versions[MANY], uint32_t number)
{
    char buffer[16];
    const char payload = (char)marks_of_many(number);
    const struct rc_catalog_entry entry = {.name = name_of_many(number, buffer),
                                           .payload = {&payload, 1},
                                           .version = ++versions[number],
                                           .marks = marks_of_many(number)};
    struct rc_catalog *next = NULL;
    assert_int_equal(rc_catalog_put(*catalog, &entry, &next), RC_OK);
    rc_catalog_unref(*catalog);
    *catalog = next;
}

static void
remove_many(struct rc_catalog **catalog, uint64_t versions[MANY], uint32_t number)
{
    char buffer[16];
    struct rc_catalog *next = NULL;
    assert_int_equal(rc_catalog_remove(*catalog, name_of_many(number, buffer), &next),
                     versions[number] == 0 ? RC_NOT_FOUND : RC_OK);
    versions[number] = 0;
    if (next == NULL)
        return;
    rc_catalog_unref(*catalog);
    *catalog = next;
}

static void
expect_many(const struct rc_catalog *catalog, const uint64_t versions[MANY])
{
    uint32_t at = 0;
    uint32_t next[RC_CATALOG_MARKS] = {0};
    uint32_t marked[RC_CATALOG_MARKS] = {0};
    char buffer[16];
    for (uint32_t mark = 0; mark < RC_CATALOG_MARKS; mark++)
        next[mark] = rc_catalog_next_marked(catalog, mark, 0);
    assert_int_equal(rc_catalog_check(catalog, NULL), RC_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        struct rc_catalog_entry entry;
        assert_int_equal(rc_catalog_lower_bound(catalog, name_of_many(i, buffer)), at);
        assert_int_equal(rc_catalog_find(catalog, name_of_many(i, buffer), &entry),
                         versions[i] != 0);
        if (versions[i] == 0)
            continue;
        assert_int_equal(entry.version, versions[i]);
        assert_int_equal(entry.marks, marks_of_many(i));
        assert_ptr_equal(rc_catalog_at(catalog, at).name.data, entry.name.data);
        for (uint32_t mark = 0; mark < RC_CATALOG_MARKS; mark++) {
            if ((entry.marks >> mark & 1) == 0)
                continue;
            assert_int_equal(next[mark], at);
            next[mark] = rc_catalog_next_marked(catalog, mark, at + 1);
            marked[mark]++;
        }
        at++;
    }
    assert_int_equal(rc_catalog_count(catalog), at);
    for (uint32_t mark = 0; mark < RC_CATALOG_MARKS; mark++) {
        assert_int_equal(next[mark], at);
        assert_int_equal(rc_catalog_marked(catalog, mark), marked[mark]);
    }
}

/* Stores a catalog and reads it again, which builds it in one go. */
static void
store_many(const struct rc_catalog *catalog, const uint64_t versions[MANY])
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *read = NULL;
    rc_catalog_write(catalog, &writer);
    struct rc_reader reader = rc_reader_of(writer.data, writer.size);
    assert_int_equal(rc_catalog_read(NULL, &reader, true, marks_of_payload, &read, NULL), RC_OK);
    expect_many(read, versions);
}

/* In order, as names are often made; at random; and gone again, at one end and everywhere. */
static void
test_many_entries(void **state)
{
    (void)state;
    static uint64_t versions[MANY];
    static uint64_t was[MANY];
    uint64_t random = SEED;
    struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_catalog_new(NULL, &catalog), RC_OK);
    for (uint32_t i = MANY / 2; i < MANY; i++)
        put_many(&catalog, versions, i);
    expect_many(catalog, versions);
    for (uint32_t i = 0; i < MANY; i++)
        put_many(&catalog, versions, (uint32_t)(rig_random(&random) % MANY));
    expect_many(catalog, versions);
    store_many(catalog, versions);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *before = rc_catalog_ref(catalog);
    memcpy(was, versions, sizeof(was));
    for (uint32_t i = 0; i < 3 * MANY; i++) {
        const uint32_t number = i < MANY / 4 ? i : (uint32_t)(rig_random(&random) % MANY);
        remove_many(&catalog, versions, number);
        if (i % MANY == 0)
            expect_many(catalog, versions);
    }
    expect_many(catalog, versions);
    store_many(catalog, versions);
    for (uint32_t i = MANY; i > 0; i--)
        remove_many(&catalog, versions, i - 1);
    expect_many(catalog, versions);
    store_many(catalog, versions);
    put_many(&catalog, versions, 5);
    expect_many(catalog, versions);
    expect_many(before, was); /* The old one is what it was. */
    rc_catalog_unref(catalog);
}

/* Every allocation of a change refused in turn: nothing is lost and nothing changes. */
static void
test_memory_that_is_refused(void **state)
{
    (void)state;
    static uint64_t versions[MANY];
    char buffer[16];
    struct rc_account account = {.parent = NULL};
    struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_catalog_new(&account, &catalog), RC_OK);
    for (uint32_t i = 0; i < 6000; i++)
        put_many(&catalog, versions, i * 2);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_catalog_write(catalog, &writer);
    const struct rc_catalog_entry entry = {.name = name_of_many(6001, buffer), .version = 1};
    const uint64_t used = rc_account_used(&account);
    for (uint32_t way = 0; way < 3; way++) {
        enum rc_status status = RC_NO_MEMORY;
        for (uint64_t n = 1; status != RC_OK; n += way == 2 && n > 20 ? 997 : 1) {
            struct rc_catalog *next = NULL;
            struct rc_reader reader = rc_reader_of(writer.data, writer.size);
            rc_alloc_fail_at(n);
            if (way == 0)
                status = rc_catalog_put(catalog, &entry, &next);
            else if (way == 1)
                status = rc_catalog_remove(catalog, name_of_many(4000, buffer), &next);
            else
                status = rc_catalog_read(&account, &reader, true, NULL, &next, NULL);
            rc_alloc_fail_at(0);
            assert_true(status == RC_OK || status == RC_NO_MEMORY);
            rc_catalog_unref(next);
            assert_int_equal(rc_account_used(&account), used);
        }
    }
    expect_many(catalog, versions);
    rc_catalog_unref(catalog);
    assert_int_equal(rc_account_used(&account), 0);
}

/* A kept definition with 134 bytes of texts, as people make them: the block and its share of the
 * tree, as counted, are a good deal less than 300 bytes. */
static void
test_what_an_entry_takes(void **state)
{
    (void)state;
    struct rc_account account = {.parent = NULL};
    struct rc_catalog *catalog = NULL;
    char payload[100];
    memset(payload, 'p', sizeof(payload));
    assert_int_equal(rc_catalog_new(&account, &catalog), RC_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        char name[32];
        struct rc_catalog *next = NULL;
        const struct rc_catalog_entry entry = {
            .name = {name,
                     (size_t)snprintf(name, sizeof(name), "definition-%07u", i * 7919 % MANY)},
            .payload = {payload, sizeof(payload)},
            .author = RC_BYTES_LITERAL("ada@example.com."),
            .version = 1};
        assert_int_equal(rc_catalog_put(catalog, &entry, &next), RC_OK);
        rc_catalog_unref(catalog);
        catalog = next;
    }
    print_message("%.1f bytes an entry\n", (double)rc_account_used(&account) / MANY);
    assert_true(rc_account_used(&account) < (uint64_t)MANY * 220);
    rc_catalog_unref(catalog);
}

/* ---- limits ---- */

/* Puts the next version of a name, with a payload of so many bytes. */
static void
put_sized(struct rc_catalog **catalog, const char *name, size_t size, int64_t time_ms)
{
    static char payload[RC_ENTRY_OLDER_BYTES_MAX + 1];
    struct rc_catalog_entry now = {.version = 0};
    (void)rc_catalog_find(*catalog, rc_bytes_of(name), &now);
    const struct rc_catalog_entry entry = {
        .name = rc_bytes_of(name),
        .payload = {payload, size},
        .version = now.version + 1,
        .updated_ms = time_ms,
    };
    struct rc_catalog *next = NULL;
    assert_true(size <= sizeof(payload));
    assert_int_equal(rc_catalog_put(*catalog, &entry, &next), RC_OK);
    assert_int_equal(rc_catalog_check(next, NULL), RC_OK);
    rc_catalog_unref(*catalog);
    *catalog = next;
}

/* The oldest version that is kept of a name. */
static uint64_t
oldest(const struct rc_catalog *catalog, const char *name)
{
    uint64_t version = UINT64_MAX;
    struct rc_catalog_entry at;
    while (rc_catalog_version_below(catalog, rc_bytes_of(name), version, &at))
        version = at.version;
    return version;
}

static void
test_the_number_of_versions(void **state)
{
    (void)state;
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_catalog_new(NULL, &catalog), RC_OK);
    for (uint32_t i = 1; i <= RC_ENTRY_VERSIONS_MAX; i++)
        put_sized(&catalog, "a", 10, i);
    assert_int_equal(oldest(catalog, "a"), 1);
    put_sized(&catalog, "a", 10, 0);
    assert_int_equal(oldest(catalog, "a"), 2);
}

static void
test_the_bytes_of_an_entry(void **state)
{
    (void)state;
    const size_t half = RC_ENTRY_OLDER_BYTES_MAX / 2 - 1; /* And a byte of name. */
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_catalog_new(NULL, &catalog), RC_OK);
    for (uint32_t i = 1; i <= 3; i++)
        put_sized(&catalog, "a", half, i);
    assert_int_equal(oldest(catalog, "a"), 1); /* Two old ones fit; what is current is not asked. */
    put_sized(&catalog, "a", RC_ENTRY_OLDER_BYTES_MAX, 4);
    assert_int_equal(oldest(catalog, "a"), 2);
    put_sized(&catalog, "a", 1, 5);
    assert_int_equal(oldest(catalog, "a"), 5); /* A byte too large to be kept, so none before it. */
}

static void
test_the_bytes_of_a_catalog(void **state)
{
    (void)state;
    const size_t large = RC_ENTRY_OLDER_BYTES_MAX / 2 - 1;
    const uint32_t most = (uint32_t)(RC_CATALOG_OLDER_BYTES_MAX / (large + 1));
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_catalog_new(NULL, &catalog), RC_OK);
    char name[2] = "a";
    assert_true(most <= 20);
    for (uint32_t i = 0; i < most; i++) { /* "c" was replaced the longest time ago, not "a". */
        name[0] = (char)('a' + i);
        put_sized(&catalog, name, large, 0);
        put_sized(&catalog, name, 5, i == 2 ? 1 : 100 + i);
    }
    assert_int_equal(oldest(catalog, "c"), 1);
    put_sized(&catalog, "z", 1, 0);
    put_sized(&catalog, "z", 1, 1000); /* Two bytes too many. */
    assert_int_equal(oldest(catalog, "c"), 2);
    assert_int_equal(oldest(catalog, "a"), 1);
    assert_int_equal(oldest(catalog, "z"), 1);
    put_sized(&catalog, "y", large, 2000);
    put_sized(&catalog, "y", 1, 2001);
    assert_int_equal(oldest(catalog, "a"), 2);
    assert_int_equal(oldest(catalog, "b"), 1);
    struct rc_catalog *without = NULL; /* What goes with its entry makes room. */
    assert_int_equal(rc_catalog_remove(catalog, RC_BYTES_LITERAL("d"), &without), RC_OK);
    rc_catalog_unref(catalog);
    catalog = without;
    assert_int_equal(rc_catalog_check(catalog, NULL), RC_OK);
    put_sized(&catalog, "x", large, 3000);
    put_sized(&catalog, "x", 1, 3001);
    assert_int_equal(oldest(catalog, "b"), 1);
}

static void
test_the_number_of_entries(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *next = NULL;
    char name[16];
    rc_write_varint(&writer, RC_DEFINITIONS_MAX);
    for (uint32_t i = 0; i < RC_DEFINITIONS_MAX; i++) {
        const int size = snprintf(name, sizeof(name), "n%06u", i);
        const struct rc_catalog_entry entry = {.name = {name, (size_t)size}, .version = 1};
        rc_catalog_entry_write(&writer, &entry);
    }
    struct rc_reader reader = rc_reader_of(writer.data, writer.size);
    assert_int_equal(rc_catalog_read(NULL, &reader, false, NULL, &catalog, NULL), RC_OK);
    struct rc_catalog_entry entry = {.name = RC_BYTES_LITERAL("one-more"), .version = 1};
    assert_int_equal(rc_catalog_put(catalog, &entry, &next), RC_LIMIT_EXCEEDED);
    entry = (struct rc_catalog_entry){.name = {name, 7}, .version = 2};
    assert_int_equal(rc_catalog_put(catalog, &entry, &next), RC_OK);
    assert_int_equal(rc_catalog_count(next), RC_DEFINITIONS_MAX);
}

/* Versions out of order, of another name, too many. */
static void
test_stored_histories_that_are_none(void **state)
{
    (void)state;
    const struct {
        uint64_t versions[2];
        const char *names[2];
        uint32_t count;
        enum rc_status status;
    } cases[] = {
        {{1, 2}, {"a", "a"}, 2, RC_OK},      {{7, 0}, {"a", ""}, 1, RC_OK},
        {{2, 2}, {"a", "a"}, 2, RC_CORRUPT}, {{2, 1}, {"a", "a"}, 2, RC_CORRUPT},
        {{1, 2}, {"a", "b"}, 2, RC_CORRUPT}, {{0, 0}, {"", ""}, 0, RC_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *got = NULL;
        rc_write_varint(&writer, 1);
        rc_write_varint(&writer, cases[i].count);
        for (uint32_t k = 0; k < cases[i].count; k++) {
            const struct rc_catalog_entry entry = {.name = rc_bytes_of(cases[i].names[k]),
                                                   .version = cases[i].versions[k]};
            rc_catalog_entry_write(&writer, &entry);
            rc_write_bytes(&writer, RC_BYTES_LITERAL(""));
        }
        struct rc_reader reader = rc_reader_of(writer.data, writer.size);
        assert_int_equal(rc_catalog_read(NULL, &reader, true, NULL, &got, NULL), cases[i].status);
    }
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct rc_catalog *got = NULL;
    rc_write_varint(&writer, 1);
    rc_write_varint(&writer, RC_ENTRY_VERSIONS_MAX + 1);
    for (uint32_t k = 0; k <= RC_ENTRY_VERSIONS_MAX; k++) {
        const struct rc_catalog_entry entry = {.name = RC_BYTES_LITERAL("a"), .version = k + 1};
        rc_catalog_entry_write(&writer, &entry);
        rc_write_bytes(&writer, RC_BYTES_LITERAL(""));
    }
    struct rc_reader reader = rc_reader_of(writer.data, writer.size);
    assert_int_equal(rc_catalog_read(NULL, &reader, true, NULL, &got, NULL), RC_CORRUPT);
}

/* As catalogs were stored before they had versions. */
static void
test_the_stored_form_before_versions(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *got = NULL;
    rc_write_varint(&writer, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct rc_catalog_entry entry = {
            .name = rc_bytes_of(i == 0 ? "a" : "b"), .version = 7 + i, .updated_ms = 9};
        rc_catalog_entry_write(&writer, &entry);
    }
    struct rc_reader reader = rc_reader_of(writer.data, writer.size);
    assert_int_equal(rc_catalog_read(NULL, &reader, false, NULL, &got, NULL), RC_OK);
    assert_int_equal(rc_reader_left(&reader), 0);
    assert_int_equal(rc_catalog_count(got), 2);
    assert_int_equal(oldest(got, "b"), 8);
    assert_int_equal(rc_catalog_at(got, 0).version, 7);
    assert_int_equal(rc_catalog_at(got, 0).author.size, 0);
}

static void
test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "0", "a_b.c-d", "z9"};
    static const char *const bad[] = {"", "A", "_a", ".a", "-a", "a b", "a/b", "\xc3\xa9", "aB"};
    char longest[RC_NAME_BYTES_MAX + 1];
    struct rc_error error = {0};
    memset(longest, 'a', sizeof(longest));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(rc_catalog_check_name(rc_bytes_of(good[i]), "name", NULL), RC_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(rc_catalog_check_name(rc_bytes_of(bad[i]), "name", &error), RC_INVALID);
        assert_string_equal(error.field, "name");
    }
    struct rc_bytes name = {longest, RC_NAME_BYTES_MAX};
    assert_int_equal(rc_catalog_check_name(name, "name", NULL), RC_OK);
    name.size++;
    assert_int_equal(rc_catalog_check_name(name, "name", NULL), RC_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_naive_list),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_many_entries),
        cmocka_unit_test(test_memory_that_is_refused),
        cmocka_unit_test(test_what_an_entry_takes),
        cmocka_unit_test(test_the_number_of_entries),
        cmocka_unit_test(test_the_number_of_versions),
        cmocka_unit_test(test_the_bytes_of_an_entry),
        cmocka_unit_test(test_the_bytes_of_a_catalog),
        cmocka_unit_test(test_stored_histories_that_are_none),
        cmocka_unit_test(test_the_stored_form_before_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
