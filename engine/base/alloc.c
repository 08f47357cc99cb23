/*
 * Counted allocation: malloc with a 16-byte header {account, size}.
 *
 * Why a header and not malloc_usable_size: the account must be known at free time, and a free that
 * needs the right account as an argument is a free that sometimes gets the wrong one. Blocks of
 * columns are large, so that 16 bytes vanish; small objects live in arenas.
 */
#include "engine/base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/assert.h"

/* Huge pages are of 2 MiB; a block gets them where it holds at least a few. */
#define HUGE_BYTES ((uintptr_t)2 << 20)
#define HUGE_BLOCK_BYTES_MIN ((size_t)8 << 20)

struct header {
    struct rc_account *account;
    size_t size; /* Of the whole block, header included. */
};

_Static_assert(sizeof(struct header) == 16, "blocks must stay 16-byte aligned");

struct rc_account rc_account_process;

static _Atomic uint64_t fail_at;
static _Atomic uint64_t asked;
static _Atomic uint64_t unowned_max;

bool
rc_alloc_refuses(void)
{
    const uint64_t n = atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed) + 1;
    return n == atomic_load_explicit(&fail_at, memory_order_relaxed);
}

void
rc_alloc_fail_at(uint64_t n)
{
    atomic_store(&asked, 0);
    atomic_store(&unowned_max, 0);
    atomic_store(&fail_at, n);
}

uint64_t
rc_alloc_count(void)
{
    return atomic_load(&asked);
}

uint64_t
rc_alloc_unowned_max(void)
{
    return atomic_load(&unowned_max);
}

static void
note_owner(const struct rc_account *account, uint64_t size)
{
    uint64_t max = atomic_load_explicit(&unowned_max, memory_order_relaxed);
    while (account == &rc_account_process && size > max &&
           !atomic_compare_exchange_weak_explicit(&unowned_max, &max, size, memory_order_relaxed,
                                                  memory_order_relaxed))
        continue;
}

bool
rc_account_charge(struct rc_account *account, uint64_t bytes)
{
    for (struct rc_account *at = account; at != NULL; at = at->parent) {
        const uint64_t used =
            atomic_fetch_add_explicit(&at->used_bytes, bytes, memory_order_relaxed);
        if (at->limit_bytes == 0 || used + bytes <= at->limit_bytes)
            continue;
        atomic_store_explicit(&at->refused, true, memory_order_relaxed);
        for (struct rc_account *undo = account;; undo = undo->parent) {
            atomic_fetch_sub_explicit(&undo->used_bytes, bytes, memory_order_relaxed);
            if (undo == at)
                return false;
        }
    }
    return true;
}

void
rc_account_release(struct rc_account *account, uint64_t bytes)
{
    for (struct rc_account *at = account; at != NULL; at = at->parent) {
        const uint64_t used =
            atomic_fetch_sub_explicit(&at->used_bytes, bytes, memory_order_relaxed);
        RC_ASSERT(used >= bytes);
    }
}

uint64_t
rc_account_used(const struct rc_account *account)
{
    return atomic_load_explicit(&account->used_bytes, memory_order_relaxed);
}

/* Lets the kernel back a large block with huge pages. Columns and scratch are read across: with 4
 * KiB pages a funnel over slabs in anonymous memory took 55 ms of processor time and 42 ms over the
 * same slabs mapped from a file, which has large pages. */
static void
ask_huge_pages(void *block, size_t size)
{
    const uintptr_t first = ((uintptr_t)block + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
    const uintptr_t end = ((uintptr_t)block + size) & ~(HUGE_BYTES - 1);
    if (first < end && madvise((void *)first, end - first, MADV_HUGEPAGE) != 0)
        return; /* A kernel without them: small pages do. */
}

void *
rc_alloc_in(struct rc_account *account, size_t size)
{
    size_t total;
    if (__builtin_add_overflow(size, sizeof(struct header), &total) || rc_alloc_refuses())
        return NULL;
    if (!rc_account_charge(account, total))
        return NULL;
    struct header *header = malloc(total);
    if (header == NULL) {
        rc_account_release(account, total);
        return NULL;
    }
    note_owner(account, total);
    if (total >= HUGE_BLOCK_BYTES_MIN)
        ask_huge_pages(header, total);
    *header = (struct header){.account = account, .size = total};
    return header + 1;
}

void *
rc_alloc(size_t size)
{
    return rc_alloc_in(&rc_account_process, size);
}

void *
rc_alloc_zero(size_t size)
{
    void *block = rc_alloc(size);
    if (block != NULL)
        memset(block, 0, size);
    return block;
}

void *
rc_realloc(void *block, size_t size)
{
    if (block == NULL)
        return rc_alloc(size);
    struct header *header = (struct header *)block - 1;
    struct rc_account *account = header->account;
    const size_t before = header->size;
    size_t total;
    if (__builtin_add_overflow(size, sizeof(struct header), &total) || rc_alloc_refuses())
        return NULL;
    if (total > before && !rc_account_charge(account, total - before))
        return NULL;
    struct header *moved = realloc(header, total);
    if (moved == NULL) {
        if (total > before)
            rc_account_release(account, total - before);
        return NULL;
    }
    if (total < before)
        rc_account_release(account, before - total);
    note_owner(account, total);
    moved->size = total;
    return moved + 1;
}

void *
rc_alloc_free(void *block)
{
    if (block == NULL)
        return NULL;
    struct header *header = (struct header *)block - 1;
    rc_account_release(header->account, header->size);
    free(header);
    return NULL;
}

/* jemalloc's, where a program is linked with it. */
extern int
mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size)
    __attribute__((weak));

void
rc_alloc_rest(void)
{
    if (mallctl != NULL)
        (void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0); /* It keeps what it keeps. */
}

enum rc_status
rc_array_grow(struct rc_account *account,
              void **array,
              size_t *capacity,
              size_t needed,
              size_t element_bytes)
{
    size_t grown = *capacity < 8 ? 8 : *capacity;
    while (grown < needed) {
        if (__builtin_mul_overflow(grown, (size_t)2, &grown))
            return RC_NO_MEMORY;
    }
    size_t bytes;
    if (__builtin_mul_overflow(grown, element_bytes, &bytes))
        return RC_NO_MEMORY;
    void *moved = *array == NULL ? rc_alloc_in(account, bytes) : rc_realloc(*array, bytes);
    if (moved == NULL)
        return RC_NO_MEMORY;
    *array = moved;
    *capacity = grown;
    return RC_OK;
}
