/*
 * Derive: a derivation ready to compute: a value of the source in, the derived value out. Evaluated
 * once for each distinct value, by whoever keeps answers by code: leaves (leaf_codes.h), the groups
 * of a breakdown, the numbers of a measure.
 *
 * Ownership: a deriver owns what it compiled and borrows its derivation, which must outlive it.
 * Threading: immutable; any number of threads, each with its own scratch.
 * Errors:    RC_NO_MEMORY; RC_TOO_SLOW (pattern.h).
 */
#ifndef RC_MATCH_DERIVED_DERIVE_H
#define RC_MATCH_DERIVED_DERIVE_H

#include "engine/base/alloc.h"
#include "engine/base/arena.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/store/value/value.h"

struct rc_deriver;

/* What a thread needs beside a deriver. Zeroed at first; close it when done. */
struct rc_derive_scratch {
    struct rc_arena *arena; /* Of the derived value. */
    struct rc_writer folded;
};

void
rc_derive_scratch_close(struct rc_derive_scratch *scratch);

RC_MUST_USE enum rc_status
rc_deriver_new(const struct rc_derivation *derivation,
               struct rc_account *account,
               struct rc_deriver **ret_deriver);

struct rc_deriver *
rc_deriver_free(struct rc_deriver *deriver);

RC_DEFINE_CLEANUP(struct rc_deriver *, rc_deriver_free)

/* As rc_pattern_is_compiled and rc_pattern_rest of its expressions. */
bool
rc_deriver_is_compiled(const struct rc_deriver *deriver);

void
rc_deriver_rest(struct rc_deriver *deriver);

uint64_t
rc_deriver_memory_bytes(const struct rc_deriver *deriver);

/* The derived value; it lives as long as value does and until the scratch is used again. */
RC_MUST_USE enum rc_status
rc_derive(const struct rc_deriver *deriver,
          struct rc_value value,
          struct rc_derive_scratch *scratch,
          struct rc_value *ret_value);

/* The number that a formula reads in a value: itself, or what a text is as a whole. false: none. */
bool
rc_derive_number(struct rc_value value, double *ret_number);

#endif
