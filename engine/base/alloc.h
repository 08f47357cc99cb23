/*
 * Counted allocation: every heap byte of the engine belongs to an account.
 *
 * An account is a counter with a limit and an optional parent (project -> process); a charge goes
 * to all of them or to none. Blocks carry their size, so freeing needs no account argument: the
 * account is remembered in the block's header (16 bytes). In tests the n-th allocation can be made
 * to fail.
 *
 * Ownership: a block is owned by whoever allocated it; an account must outlive its blocks.
 * Threading: accounts are atomic; any thread may allocate or free against any account.
 * Units:     bytes, headers included.
 * Errors:    NULL means that the allocator or the account's limit refused.
 */
#ifndef RC_BASE_ALLOC_H
#define RC_BASE_ALLOC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_account {
    struct rc_account *parent; /* NULL for the process. */
    _Atomic uint64_t used_bytes;
    uint64_t limit_bytes; /* 0: none. */
    _Atomic bool refused; /* Its limit, and not that of a parent or the allocator, refused once. */
};

/* The process's own account: what rc_alloc charges. Has no limit unless main sets one. */
extern struct rc_account rc_account_process;

/* Allocates against the process account. The content is undefined. size 0 gives a valid block. */
void *
rc_alloc(size_t size);

/* The same, zeroed. */
void *
rc_alloc_zero(size_t size);

/* Allocates against an account (and its parents). */
void *
rc_alloc_in(struct rc_account *account, size_t size);

/* Grows or shrinks a block within its account; NULL block allocates from the process account. On
 * NULL the old block is untouched. */
void *
rc_realloc(void *block, size_t size);

/* Frees a block of any rc_alloc function. NULL is fine. Returns NULL. */
void *
rc_alloc_free(void *block);

/* The calling thread will allocate nothing for a while: gives back what the allocator keeps for it.
 * A tenth of a millisecond at most. */
void
rc_alloc_rest(void);

/* For RC_CLEANUP on any pointer: RC_CLEANUP(rc_alloc_freep) uint32_t *codes = ... */
static inline void
rc_alloc_freep(void *pointer_to_block)
{
    void **block = pointer_to_block;
    *block = rc_alloc_free(*block);
}

/* Charges bytes that are not rc_alloc blocks (pages of a slab on disk). false: over the limit, not
 * charged. */
RC_MUST_USE bool
rc_account_charge(struct rc_account *account, uint64_t bytes);

void
rc_account_release(struct rc_account *account, uint64_t bytes);

uint64_t
rc_account_used(const struct rc_account *account);

/* Tests: the n-th allocation from now (1 = the next) returns NULL, once; 0 switches it off. */
void
rc_alloc_fail_at(uint64_t n);

/* Counts as an allocation; whether it is the one that must fail. For other sources of memory. */
bool
rc_alloc_refuses(void);

/* Tests: how many allocations have been asked for since the last rc_alloc_fail_at. */
uint64_t
rc_alloc_count(void);

/* Tests: the largest block since the last rc_alloc_fail_at of which the process is the only one to
 * be charged. */
uint64_t
rc_alloc_unowned_max(void);

/*
 * Grows an array to hold at least needed elements: capacity doubles. The first block is charged to
 * account, where it stays. Use through RC_GROW_IN or RC_GROW.
 *   RC_OK         *array holds at least needed elements, *capacity is the new capacity.
 *   RC_NO_MEMORY  nothing changed.
 */
RC_MUST_USE enum rc_status
rc_array_grow(struct rc_account *account,
              void **array,
              size_t *capacity,
              size_t needed,
              size_t element_bytes);

/* RC_GROW_IN(account, x->items, x->item_capacity, x->item_count + 1): capacity must be a size_t
 * lvalue. */
#define RC_GROW_IN(account, array, capacity, needed) \
    ((needed) <= (capacity)                          \
         ? RC_OK                                     \
         : rc_array_grow((account), (void **)&(array), &(capacity), (needed), sizeof(*(array))))

/* Of what belongs to no project: the process is charged. */
#define RC_GROW(array, capacity, needed) RC_GROW_IN(&rc_account_process, array, capacity, needed)

#endif
