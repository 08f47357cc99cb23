/*
 * Scope cleanup: owned locals are released when their scope ends, on every path.
 *
 *     RC_CLEANUP(rc_slab_freep) struct rc_slab *slab = NULL;
 *     ...
 *     *ret_slab = RC_TAKE(slab);
 *
 * Ownership leaves a scope only by RC_TAKE.
 */
#ifndef RC_BASE_CLEANUP_H
#define RC_BASE_CLEANUP_H

#include <stddef.h>

#define RC_CLEANUP(f) __attribute__((cleanup(f)))

/* Derives fp(type *) from a free function f that takes NULL and returns NULL. */
#define RC_DEFINE_CLEANUP(type, f)                           \
    __attribute__((unused)) static inline void f##p(type *p) \
    {                                                        \
        *p = f(*p);                                          \
    }

/* Gives the pointer away and leaves NULL behind. */
#define RC_TAKE(x)                     \
    __extension__({                    \
        __typeof__(x) rc_taken_ = (x); \
        (x) = NULL;                    \
        rc_taken_;                     \
    })

#endif
