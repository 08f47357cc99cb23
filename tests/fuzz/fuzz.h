/*
 * Fuzz: what every target of this folder has in common.
 *
 * A target is one function. libFuzzer calls it with bytes of its own making, over and over, and
 * keeps those that reach new code. A target decodes them, checks what came out, uses it a little,
 * and where there is a codec writes it back and reads it again. It finds a fault by a sanitizer, by
 * an assertion of the code itself, or by FUZZ_CHECK.
 *
 * Ownership: data is borrowed for the call. What a target opens it closes before it returns.
 * Threading: one thread.
 * Errors:    refusing bytes is right; a target only looks at what is taken.
 */
#ifndef RC_TESTS_FUZZ_FUZZ_H
#define RC_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, so that the fuzzer keeps the input. */
#define FUZZ_CHECK(condition)                                                             \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            abort();                                                                      \
        }                                                                                 \
    } while (0)

/* What a codec gave to be read again. */
static inline struct rc_bytes
fuzz_written(const struct rc_writer *writer)
{
    FUZZ_CHECK(!writer->failed);
    return (struct rc_bytes){(const char *)writer->data, writer->size};
}

#endif
