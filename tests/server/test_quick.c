/* Which calls are expected to be quick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "server/call/quick.h"

#define US ((uint64_t)1000)
#define KEY UINT64_C(0x123456789abcdef0)

static struct rc_quick quick;

static int
forget(void **state)
{
    (void)state;
    quick = (struct rc_quick){0};
    return 0;
}

static void
note(uint64_t elapsed_ns, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        rc_quick_note(&quick, KEY, elapsed_ns);
}

static void
what_took_little_is_quick(void **state)
{
    (void)state;
    assert_false(rc_quick_expects(&quick, KEY)); /* Never seen. */
    note(20 * US, 1);
    assert_true(rc_quick_expects(&quick, KEY));
    assert_false(rc_quick_expects(&quick, KEY ^ (UINT64_C(1) << 40))); /* Of the same entry. */
    assert_false(rc_quick_expects(&quick, 0));
    note(0, 50);
    assert_true(rc_quick_expects(&quick, KEY));
}

static void
what_takes_long_is_not(void **state)
{
    (void)state;
    note(UINT64_MAX, 1);
    assert_false(rc_quick_expects(&quick, KEY));
    forget(NULL);
    note(20 * US, 30);
    note(10000 * US, 3);
    assert_false(rc_quick_expects(&quick, KEY));
}

static void
one_that_took_long_is_forgiven(void **state)
{
    (void)state;
    note(20 * US, 30);
    note(10000 * US, 1);
    assert_true(rc_quick_expects(&quick, KEY));
    forget(NULL);
    note(10000 * US, 1); /* It computed bitmaps, which the next ones find. */
    note(20 * US, 6);
    assert_true(rc_quick_expects(&quick, KEY));
}

static void
a_stranger_takes_the_entry(void **state)
{
    const uint64_t other = KEY ^ (UINT64_C(1) << 40);
    (void)state;
    note(20 * US, 3);
    rc_quick_note(&quick, other, 10000 * US);
    assert_false(rc_quick_expects(&quick, KEY));
    assert_false(rc_quick_expects(&quick, other));
    note(20 * US, 1);
    assert_true(rc_quick_expects(&quick, KEY)); /* The stranger's mean is none of its. */
}

/* A call that waits took as long as it waited; one that works, as long as it worked at least. */
static void
waiting_counts(void **state)
{
    (void)state;
    struct rc_quick_watch watch = rc_quick_watch();
    const struct timespec rest = {.tv_nsec = 2000000};
    nanosleep(&rest, NULL);
    const uint64_t waited_ns = rc_quick_took_ns(&watch);
    assert_true(watch.preempted != rc_quick_watch().preempted || waited_ns >= 2000000);
    watch = rc_quick_watch();
    while (rc_quick_watch().processor_ns - watch.processor_ns < 2000000)
        continue;
    assert_true(rc_quick_took_ns(&watch) >= 1900000); /* The clocks differ by microseconds. */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_took_little_is_quick, forget),
        cmocka_unit_test_setup(what_takes_long_is_not, forget),
        cmocka_unit_test_setup(one_that_took_long_is_forgiven, forget),
        cmocka_unit_test_setup(a_stranger_takes_the_entry, forget),
        cmocka_unit_test(waiting_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
