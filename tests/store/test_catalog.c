/* Catalogs: puts and removals against a naive list, older catalogs unchanged, names, storing. */
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

static void
expect(const struct rc_catalog *catalog, const uint64_t versions[NAMES])
{
    char buffer[16];
    uint32_t at = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        const struct rc_catalog_entry *entry = rc_catalog_find(catalog, name_of(i, buffer));
        assert_int_equal(entry != NULL, versions[i] != 0);
        assert_int_equal(rc_catalog_upper_bound(catalog, name_of(i, buffer)), at + (entry != NULL));
        if (entry == NULL)
            continue;
        assert_int_equal(entry->version, versions[i]);
        assert_ptr_equal(rc_catalog_at(catalog, at), entry);
        assert_true(rc_bytes_equal(entry->payload, RC_BYTES_LITERAL("payload")));
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
    uint64_t versions[NAMES] = {0};
    struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_catalog_new(NULL, &catalog), RC_OK);
    for (uint32_t round = 1; round < 400; round++) {
        char buffer[16];
        uint64_t before[NAMES];
        struct rc_catalog *next = NULL;
        const uint32_t number = (uint32_t)(rig_random(&random) % NAMES);
        const struct rc_catalog_entry entry = {
            .name = name_of(number, buffer),
            .payload = RC_BYTES_LITERAL("payload"),
            .version = round,
        };
        memcpy(before, versions, sizeof(before));
        if (rig_random(&random) % 2 == 0) {
            assert_int_equal(rc_catalog_put(catalog, &entry, &next), RC_OK);
            versions[number] = round;
        } else {
            assert_int_equal(rc_catalog_remove(catalog, entry.name, &next),
                             versions[number] == 0 ? RC_NOT_FOUND : RC_OK);
            versions[number] = 0;
        }
        expect(catalog, before); /* The old one is what it was. */
        if (next == NULL)
            continue;
        expect(next, versions);
        rc_catalog_unref(catalog);
        catalog = next;
    }
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_catalog_write(catalog, &writer);
    for (size_t size = 0; size <= writer.size; size++) {
        RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *read = NULL;
        struct rc_reader reader = rc_reader_of(writer.data, size);
        const enum rc_status status = rc_catalog_read(NULL, &reader, &read, NULL);
        assert_int_equal(status, size == writer.size ? RC_OK : RC_CORRUPT);
        if (status == RC_OK)
            expect(read, versions);
    }
    rc_catalog_unref(catalog);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
