/*
 * Assertions. RC_ASSERT stays on in release builds: it is O(1) or off the hot path. RC_AUDIT is for
 * what costs more and is compiled only into builds with RC_AUDIT=ON. A failed one prints where and
 * aborts: a broken invariant is a crash, never an answer.
 */
#ifndef RC_BASE_ASSERT_H
#define RC_BASE_ASSERT_H

_Noreturn void
rc_assert_fail(const char *condition, const char *file, int line);

#define RC_ASSERT(c)                                \
    do {                                            \
        if (__builtin_expect(!(c), 0))              \
            rc_assert_fail(#c, __FILE__, __LINE__); \
    } while (0)

#ifdef RC_AUDIT_BUILD
#define RC_AUDIT(c) RC_ASSERT(c)
#else
#define RC_AUDIT(c) ((void)sizeof(!(c)))
#endif

#endif
