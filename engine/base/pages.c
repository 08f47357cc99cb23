#include "engine/base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

#define HUGE_BYTES ((uintptr_t)2 << 20)

void *
rc_pages_reserve(size_t size)
{
    RC_ASSERT(size > 0);
    if (rc_alloc_refuses())
        return NULL;
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

/* The units of the given size (a power of 2) that lie wholly in a range: *ret_size may be 0. */
static void *
inside(void *pages, size_t offset, size_t size, uintptr_t unit, size_t *ret_size)
{
    const uintptr_t first = ((uintptr_t)pages + offset + unit - 1) & ~(unit - 1);
    const uintptr_t end = ((uintptr_t)pages + offset + size) & ~(unit - 1);
    *ret_size = first < end ? end - first : 0;
    return (void *)first;
}

void
rc_pages_expect(void *pages, size_t offset, size_t size)
{
    size_t whole;
    void *first = inside(pages, offset, size, HUGE_BYTES, &whole);
    if (whole > 0 && madvise(first, whole, MADV_HUGEPAGE) != 0)
        return; /* A kernel without them: small pages do. */
}

void
rc_pages_drop(void *pages, size_t offset, size_t size)
{
    size_t whole;
    void *first = inside(pages, offset, size, (uintptr_t)sysconf(_SC_PAGESIZE), &whole);
    if (whole == 0)
        return;
    const int result = madvise(first, whole, MADV_DONTNEED);
    RC_ASSERT(result == 0);
}

void *
rc_pages_free(void *pages, size_t size)
{
    if (pages == NULL)
        return NULL;
    const int result = munmap(pages, size);
    RC_ASSERT(result == 0);
    return NULL;
}
