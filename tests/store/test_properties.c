/* Property names: codes in order, the limit, stored and read back, cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/store/dictionary/properties.h"

static struct rc_bytes
name_of(uint32_t number, char buffer[16])
{
    return (struct rc_bytes){buffer, (size_t)snprintf(buffer, 16, "p%u", number)};
}

static void
test_the_limit(void **state)
{
    (void)state;
    RC_CLEANUP(rc_properties_freep) struct rc_properties *properties = NULL;
    char buffer[16];
    uint32_t code = 0;
    assert_int_equal(rc_properties_new(NULL, &properties), RC_OK);
    assert_int_equal(rc_properties_find(properties, name_of(0, buffer)), RC_PROPERTY_NONE);
    for (uint32_t i = 0; i < RC_PROPERTIES_MAX; i++) {
        assert_int_equal(rc_properties_intern(properties, name_of(i, buffer), &code), RC_OK);
        assert_int_equal(code, i);
    }
    assert_int_equal(rc_properties_intern(properties, name_of(RC_PROPERTIES_MAX, buffer), &code),
                     RC_LIMIT_EXCEEDED);
    assert_int_equal(rc_properties_count(properties), RC_PROPERTIES_MAX);
    assert_int_equal(rc_properties_intern(properties, name_of(77, buffer), &code), RC_OK);
    assert_int_equal(code, 77);
    assert_true(rc_bytes_equal(rc_properties_name(properties, 78), name_of(78, buffer)));
}

static void
test_store(void **state)
{
    (void)state;
    RC_CLEANUP(rc_properties_freep) struct rc_properties *properties = NULL;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    char buffer[16];
    uint32_t code = 0;
    assert_int_equal(rc_properties_new(NULL, &properties), RC_OK);
    for (uint32_t i = 0; i < 12; i++) {
        assert_int_equal(rc_properties_intern(properties, name_of(i, buffer), &code), RC_OK);
        for (uint32_t k = 0; k < i; k++)
            assert_int_equal(rc_dictionary_intern(rc_properties_dictionary(properties, i),
                                                  name_of(k, buffer), &code),
                             RC_OK);
    }
    rc_properties_write(properties, &writer);
    for (size_t size = 0; size <= writer.size; size++) {
        RC_CLEANUP(rc_properties_freep) struct rc_properties *read = NULL;
        struct rc_reader reader = rc_reader_of(writer.data, size);
        assert_int_equal(rc_properties_new(NULL, &read), RC_OK);
        const enum rc_status status = rc_properties_read(read, &reader, NULL);
        assert_int_equal(status, size == writer.size ? RC_OK : RC_CORRUPT);
        if (status != RC_OK)
            continue;
        assert_int_equal(rc_properties_count(read), 12);
        for (uint32_t i = 0; i < 12; i++) {
            assert_int_equal(rc_properties_find(read, name_of(i, buffer)), i);
            assert_int_equal(rc_dictionary_count(rc_properties_dictionary(read, i)), i);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_limit),
        cmocka_unit_test(test_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
