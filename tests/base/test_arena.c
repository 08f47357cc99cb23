/* Arena: blocks are aligned and apart, limits refuse, everything goes back to the account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/arena.h"

static void
test_blocks(void **state)
{
    (void)state;
    struct rc_account account = {0};
    struct rc_arena *arena = rc_arena_new(&account, 0);
    unsigned char *blocks[600];
    for (size_t i = 0; i < 600; i++) {
        const size_t size = i * 37 % 5000;
        blocks[i] = rc_arena_alloc(arena, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < 600; i++)
        for (size_t at = 0; at < i * 37 % 5000; at++)
            assert_int_equal(blocks[i][at], i % 251);
    assert_in_range(rc_account_used(&account), rc_arena_bytes(arena), UINT64_MAX);
    rc_arena_reset(arena);
    assert_in_range(rc_arena_bytes(arena), 1, 10000);
    assert_non_null(rc_arena_alloc(arena, 100));
    assert_null(rc_arena_free(arena));
    assert_null(rc_arena_free(NULL));
    assert_int_equal(rc_account_used(&account), 0);
}

static void
test_small(void **state)
{
    (void)state;
    struct rc_account account = {0};
    struct rc_arena *arena = rc_arena_new_small(&account);
    assert_non_null(rc_arena_alloc(arena, 100));
    assert_in_range(rc_account_used(&account), 100, 400);
    for (size_t size = 1; size < 100000; size *= 3)
        memset(rc_arena_zero(arena, size), 1, size);
    rc_arena_free(arena);
    assert_int_equal(rc_account_used(&account), 0);
}

static void
test_copies(void **state)
{
    (void)state;
    struct rc_arena *arena = rc_arena_new(NULL, 0);
    assert_string_equal(rc_arena_string(arena, "funnel", 3), "fun");
    assert_string_equal(rc_arena_string(arena, NULL, 0), "");
    assert_memory_equal(rc_arena_copy(arena, "a\0b", 3), "a\0b", 3);
    assert_non_null(rc_arena_copy(arena, NULL, 0));
    const uint64_t *zeros = RC_ARENA_ARRAY(arena, uint64_t, 3000);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(zeros[i], 0);
    const unsigned char *zero = rc_arena_zero(arena, 77);
    for (size_t i = 0; i < 77; i++)
        assert_int_equal(zero[i], 0);
    rc_arena_free(arena);
}

static void
test_refusals(void **state)
{
    (void)state;
    struct rc_account account = {.limit_bytes = 100000};
    struct rc_arena *arena = rc_arena_new(&account, 20000);
    assert_null(rc_arena_alloc(arena, 20001));
    assert_null(rc_arena_alloc(arena, SIZE_MAX));
    assert_null(rc_arena_array(arena, SIZE_MAX / 2, 3));
    assert_null(rc_arena_string(arena, "", SIZE_MAX));
    assert_non_null(rc_arena_alloc(arena, 100)); /* Still usable. */
    unsigned count = 0;
    while (rc_arena_alloc(arena, 1000) != NULL)
        count++;
    assert_in_range(count, 5, 19);
    assert_in_range(rc_arena_bytes(arena), 1, 20000);
    rc_arena_free(arena);
    assert_int_equal(rc_account_used(&account), 0);

    arena = rc_arena_new(&account, 0);
    assert_null(rc_arena_alloc(arena, 100000)); /* The account's limit. */
    rc_alloc_fail_at(1);
    assert_null(rc_arena_alloc(arena, 10));
    rc_alloc_fail_at(0);
    assert_non_null(rc_arena_alloc(arena, 10));
    rc_arena_free(arena);
    rc_alloc_fail_at(1);
    assert_null(rc_arena_new(NULL, 0));
    rc_alloc_fail_at(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
