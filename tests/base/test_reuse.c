/* Reuse: each arena is told, and new ones; what they kept goes at the end of it; and who keeps what
 * is freed for longer is left alone. mallctl stands here for jemalloc's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "engine/base/reuse.h"

#define ARENAS 3u /* The last is not there yet. */

static ssize_t set_ms; /* The program's setting. */
static ssize_t kept_ms[ARENAS];
static ssize_t kept_by_new_ms;
static unsigned purges[ARENAS];

int
mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size);

int
mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size)
{
    const unsigned arenas = ARENAS;
    unsigned arena = 0;
    ssize_t *to = strcmp(name, "arenas.dirty_decay_ms") == 0 ? &kept_by_new_ms : NULL;
    if (strcmp(name, "opt.dirty_decay_ms") == 0) {
        assert_int_equal(*old_size, sizeof(set_ms));
        memcpy(old, &set_ms, sizeof(set_ms));
        return 0;
    }
    if (strcmp(name, "arenas.narenas") == 0) {
        assert_int_equal(*old_size, sizeof(arenas));
        memcpy(old, &arenas, sizeof(arenas));
        return 0;
    }
    if (sscanf(name, "arena.%u.dirty_decay_ms", &arena) == 1 && arena + 1 < ARENAS)
        to = &kept_ms[arena];
    if (sscanf(name, "arena.%u.", &arena) == 1 && strstr(name, ".purge") != NULL) {
        assert_true(arena < ARENAS);
        assert_int_equal(kept_ms[arena], arena + 1 < ARENAS ? set_ms : 0); /* It is told before. */
        purges[arena]++;
        return 0;
    }
    if (to == NULL)
        return 1;
    assert_int_equal(new_size, sizeof(*to));
    memcpy(to, new, sizeof(*to));
    return 0;
}

static void
assert_kept_for(ssize_t ms)
{
    for (unsigned i = 0; i + 1 < ARENAS; i++)
        assert_int_equal(kept_ms[i], ms);
    assert_int_equal(kept_by_new_ms, ms);
}

static void
test_expected(void **state)
{
    (void)state;
    set_ms = 200;
    rc_reuse_expect(true);
    assert_kept_for(RC_REUSE_MS);
    assert_int_equal(purges[0], 0);
    rc_reuse_expect(false);
    assert_kept_for(200);
    for (unsigned i = 0; i < ARENAS; i++)
        assert_int_equal(purges[i], 1);
}

static void
test_set_to_keep_longer(void **state)
{
    (void)state;
    const ssize_t longer_ms[] = {-1, RC_REUSE_MS, RC_REUSE_MS + 1}; /* The first is for ever. */
    set_ms = 100;
    rc_reuse_expect(false);
    for (size_t i = 0; i < sizeof(longer_ms) / sizeof(*longer_ms); i++) {
        set_ms = longer_ms[i];
        rc_reuse_expect(true);
        rc_reuse_expect(false);
        assert_kept_for(100);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_set_to_keep_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
