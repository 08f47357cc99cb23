/* Pages: zero at first, zero again where whole pages were dropped, untouched elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/pages.h"

#define SIZE ((size_t)9 << 20)

static void
test_dropped_pages_are_zero(void **state)
{
    (void)state;
    unsigned char *pages = rc_pages_reserve(SIZE);
    assert_non_null(pages);
    assert_int_equal((uintptr_t)pages % 4096, 0);
    assert_int_equal(pages[0] | pages[SIZE - 1], 0);
    rc_pages_expect(pages, 100, SIZE - 200);
    memset(pages, 7, SIZE);
    rc_pages_drop(pages, 5000, 100); /* No whole page lies in it. */
    assert_int_equal(pages[5050], 7);
    rc_pages_drop(pages, 4000, SIZE - 8000);
    assert_int_equal(pages[4095], 7);
    assert_int_equal(pages[SIZE - 4096], 7);
    for (size_t i = 4096; i < SIZE - 4096; i += 1000)
        assert_int_equal(pages[i], 0);
    pages[8000] = 9;
    assert_int_equal(pages[8000], 9);
    assert_null(rc_pages_free(pages, SIZE));
    assert_null(rc_pages_free(NULL, SIZE));
}

static void
test_it_can_be_made_to_fail(void **state)
{
    (void)state;
    rc_alloc_fail_at(1);
    assert_null(rc_pages_reserve(4096));
    rc_alloc_fail_at(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropped_pages_are_zero),
        cmocka_unit_test(test_it_can_be_made_to_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
