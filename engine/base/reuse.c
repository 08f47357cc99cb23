/*
 * Reuse is told to jemalloc, arena by arena: it has no call for all of them. A shorter time alone
 * would not do: jemalloc's thread sleeps for as long as the longer one let it.
 */
#include "engine/base/reuse.h"

#include <stdio.h>
#include <sys/types.h>

/* jemalloc's, where a program is linked with it. */
extern int
mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size)
    __attribute__((weak));

void
rc_reuse_expect(bool expected)
{
    ssize_t set_ms = 0;
    unsigned arenas = 0;
    size_t set_size = sizeof(set_ms);
    size_t arenas_size = sizeof(arenas);
    if (mallctl == NULL || mallctl("opt.dirty_decay_ms", &set_ms, &set_size, NULL, 0) != 0 ||
        mallctl("arenas.narenas", &arenas, &arenas_size, NULL, 0) != 0)
        return;
    if (set_ms < 0 || set_ms >= RC_REUSE_MS)
        return; /* It is kept for as long anyway. */
    ssize_t keep_ms = expected ? RC_REUSE_MS : set_ms;
    (void)mallctl("arenas.dirty_decay_ms", NULL, NULL, &keep_ms, sizeof(keep_ms)); /* New ones. */
    for (unsigned i = 0; i < arenas; i++) { /* What fails is not there: a new one later. */
        char name[64];
        snprintf(name, sizeof(name), "arena.%u.dirty_decay_ms", i);
        (void)mallctl(name, NULL, NULL, &keep_ms, sizeof(keep_ms));
        snprintf(name, sizeof(name), "arena.%u.purge", i);
        if (!expected)
            (void)mallctl(name, NULL, NULL, NULL, 0);
    }
}
