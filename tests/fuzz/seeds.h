/*
 * Seeds: files with a first input of a target, where the input is binary and so is made instead of
 * kept.
 *
 * Threading: one thread.
 * Errors:    whatever goes wrong ends the program.
 */
#ifndef RC_TESTS_FUZZ_SEEDS_H
#define RC_TESTS_FUZZ_SEEDS_H

#include "engine/base/bytes.h"
#include "tests/fuzz/fuzz.h"

/* Writes DIRECTORY/TARGET/NAME: the first byte, which means something to the target, and bytes. A
 * first byte below 0 is left out. */
void
seed_write(const char *directory,
           const char *target,
           const char *name,
           int first,
           struct rc_bytes bytes);

#endif
