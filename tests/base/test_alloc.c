/* Counted allocation: accounts add up, limits refuse and leave nothing, the n-th one fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"

#define HEADER_BYTES 16

static void
test_accounts(void **state)
{
    (void)state;
    struct rc_account process = {0};
    struct rc_account project = {.parent = &process};
    void *a = rc_alloc_in(&project, 100);
    void *b = rc_alloc_in(&process, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal((uintptr_t)a % 16, 0);
    assert_int_equal(rc_account_used(&project), 100 + HEADER_BYTES);
    assert_int_equal(rc_account_used(&process), 100 + 2 * HEADER_BYTES);
    a = rc_realloc(a, 1000); /* Stays in its account. */
    assert_int_equal(rc_account_used(&project), 1000 + HEADER_BYTES);
    a = rc_realloc(a, 10);
    assert_int_equal(rc_account_used(&project), 10 + HEADER_BYTES);
    assert_null(rc_alloc_free(a));
    assert_null(rc_alloc_free(b));
    assert_null(rc_alloc_free(NULL));
    assert_int_equal(rc_account_used(&project), 0);
    assert_int_equal(rc_account_used(&process), 0);
}

static void
test_limits(void **state)
{
    (void)state;
    struct rc_account process = {.limit_bytes = 1000};
    struct rc_account project = {.parent = &process};
    struct rc_account small = {.parent = &project, .limit_bytes = 100};
    assert_null(rc_alloc_in(&small, 100 - HEADER_BYTES + 1));
    void *block = rc_alloc_in(&small, 100 - HEADER_BYTES);
    assert_non_null(block);
    assert_null(rc_alloc_in(&small, 0));
    assert_null(rc_realloc(block, 100));
    assert_false(rc_account_charge(&project, 901)); /* The parent's limit counts too. */
    assert_true(rc_account_charge(&project, 900));
    assert_int_equal(rc_account_used(&process), 1000);
    rc_account_release(&project, 900);
    rc_alloc_free(block);
    assert_int_equal(rc_account_used(&small), 0);
    assert_int_equal(rc_account_used(&project), 0);
    assert_int_equal(rc_account_used(&process), 0);
    assert_null(rc_alloc(SIZE_MAX));
    assert_null(rc_alloc_in(&process, SIZE_MAX - HEADER_BYTES));
    assert_int_equal(rc_account_used(&process), 0);
}

static void
test_fail_at(void **state)
{
    (void)state;
    const uint64_t before = rc_account_used(&rc_account_process);
    for (uint64_t n = 1; n <= 5; n++) {
        rc_alloc_fail_at(n);
        for (uint64_t i = 1; i <= 5; i++) {
            void *block = i % 2 == 0 ? rc_alloc(8) : rc_realloc(NULL, 8);
            assert_true((block == NULL) == (i == n));
            rc_alloc_free(block);
        }
        assert_int_equal(rc_alloc_count(), 5);
    }
    rc_alloc_fail_at(0);
    char *block = rc_alloc_zero(64);
    assert_non_null(block);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(block[i], 0);
    block[0] = 'x';
    rc_alloc_fail_at(1);
    assert_null(rc_realloc(block, 128));
    rc_alloc_fail_at(0);
    assert_int_equal(block[0], 'x'); /* Untouched. */
    rc_alloc_free(block);
    assert_int_equal(rc_account_used(&rc_account_process), before);
}

static void
test_grow(void **state)
{
    (void)state;
    uint32_t *items = NULL;
    size_t capacity = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(RC_GROW(items, capacity, (size_t)i + 1), RC_OK);
        items[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    assert_in_range(capacity, 1000, 2000);
    const size_t was = capacity;
    uint32_t *same = items;
    rc_alloc_fail_at(1);
    assert_int_equal(RC_GROW(items, capacity, capacity + 1), RC_NO_MEMORY);
    rc_alloc_fail_at(0);
    assert_ptr_equal(items, same);
    assert_int_equal(capacity, was);
    assert_int_equal(RC_GROW(items, capacity, SIZE_MAX), RC_NO_MEMORY);
    assert_int_equal(RC_GROW(items, capacity, SIZE_MAX / 4), RC_NO_MEMORY);
    rc_alloc_free(items);
}

static void
test_cleanup(void **state)
{
    (void)state;
    const uint64_t before = rc_account_used(&rc_account_process);
    void *kept;
    {
        RC_CLEANUP(rc_alloc_freep) void *dropped = rc_alloc(10);
        RC_CLEANUP(rc_alloc_freep) void *taken = rc_alloc(20);
        assert_non_null(dropped);
        kept = RC_TAKE(taken);
        assert_null(taken);
    }
    assert_int_equal(rc_account_used(&rc_account_process), before + 20 + HEADER_BYTES);
    rc_alloc_free(kept);
    assert_int_equal(rc_account_used(&rc_account_process), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_fail_at),  cmocka_unit_test(test_grow),
        cmocka_unit_test(test_cleanup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
