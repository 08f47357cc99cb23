/*
 * Pages: address space that takes memory only where it was written, and gives it back a range at a
 * time. For contents that are read from disk piece by piece into their place.
 *
 * Ownership: the caller's, until rc_pages_free.
 * Threading: disjoint ranges may be used by different threads.
 * Units:     bytes. Nothing is charged to an account: whoever fills pages charges what it filled.
 * Errors:    NULL: the system refused.
 */
#ifndef RC_BASE_PAGES_H
#define RC_BASE_PAGES_H

#include <stddef.h>

/* size > 0 bytes that read as zero, aligned to a page. Counts as an allocation for
 * rc_alloc_fail_at.
 */
void *
rc_pages_reserve(size_t size);

/* Tells that [offset, offset + size) is about to be filled: huge pages where whole ones lie in it.
 */
void
rc_pages_expect(void *pages, size_t offset, size_t size);

/* Gives the memory of whole pages inside [offset, offset + size) back; they read as zero again. */
void
rc_pages_drop(void *pages, size_t offset, size_t size);

/* NULL is fine. Returns NULL. */
void *
rc_pages_free(void *pages, size_t size);

#endif
