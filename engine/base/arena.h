/*
 * Arena: memory by lifetime. A request, a batch or a query allocates from one and drops it whole.
 *
 * Ownership: whatever came from an arena is valid until rc_arena_reset or rc_arena_free.
 * Threading: one thread at a time.
 * Units:     bytes.
 * Errors:    NULL means that the allocator, the account or the arena's own limit refused; the arena
 *            stays usable. Blocks are 16-byte aligned.
 */
#ifndef RC_BASE_ARENA_H
#define RC_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_arena;

/* Makes an empty arena that charges account (NULL: the process). limit_bytes 0 means none. */
struct rc_arena *
rc_arena_new(struct rc_account *account, uint64_t limit_bytes);

/* The same for what is kept in thousands, a few hundred bytes each: it begins with so few. */
struct rc_arena *
rc_arena_new_small(struct rc_account *account);

/* NULL is fine. Returns NULL. */
struct rc_arena *
rc_arena_free(struct rc_arena *arena);

RC_DEFINE_CLEANUP(struct rc_arena *, rc_arena_free)

/* Forgets everything but the first chunk. */
void
rc_arena_reset(struct rc_arena *arena);

void *
rc_arena_alloc(struct rc_arena *arena, size_t size);

void *
rc_arena_zero(struct rc_arena *arena, size_t size);

/* Copies size bytes. */
void *
rc_arena_copy(struct rc_arena *arena, const void *bytes, size_t size);

/* Copies size bytes and ends them with a NUL. */
char *
rc_arena_string(struct rc_arena *arena, const char *bytes, size_t size);

/* Bytes taken from the account. */
uint64_t
rc_arena_bytes(const struct rc_arena *arena);

/* An array of count elements of the pointed-to type: uint32_t *x = RC_ARENA_ARRAY(a,
 * uint32_t, n). */
#define RC_ARENA_ARRAY(arena, type, count) \
    ((type *)rc_arena_array((arena), (size_t)(count), sizeof(type)))

/* Zeroed; NULL when count * element_bytes overflows. */
void *
rc_arena_array(struct rc_arena *arena, size_t count, size_t element_bytes);

#endif
