/*
 * Reuse: how long the allocator keeps what was freed before the system has it back. Kept long, a
 * load finds the pages of its last head for the next one, and none has to be cleared again; kept
 * short, a process at rest holds nothing that is nobody's.
 *
 * Threading: one thread at a time. It is of the whole process.
 * Errors:    none: an allocator that cannot be told goes on as it does.
 */
#ifndef RC_BASE_REUSE_H
#define RC_BASE_REUSE_H

#include <stdbool.h>

/* A load fills a head in a fifth of a second, and merges sixteen of them. */
#define RC_REUSE_MS 4000

/* Says whether what is freed from now on will soon be asked for again: it is kept for RC_REUSE_MS.
 * Else what was kept goes, and what comes is kept as long as the program's settings say. */
void
rc_reuse_expect(bool expected);

#endif
