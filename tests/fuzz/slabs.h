/*
 * Slabs: what the targets that read one have in common.
 *
 * Ownership: nothing is kept.
 * Threading: one thread.
 */
#ifndef RC_TESTS_FUZZ_SLABS_H
#define RC_TESTS_FUZZ_SLABS_H

#include <stddef.h>

/* Puts the checksums of a slab's bytes right, as far as its tables say where they are; so a fuzzer
 * gets past them to the structure. */
void
fuzz_sign_slab(unsigned char *block, size_t size);

#endif
