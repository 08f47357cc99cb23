/*
 * Leaf test: one leaf compiled: a question about one value that is true or false.
 *
 * It decides as docs/semantics.md says: numerically if either side is a number (a numeric string
 * counts), else two strings by bytes; anything else does not match. A boolean equals only a
 * boolean. Text leaves read a number by its shortest decimal form. Null passes nothing; a list
 * passes if an element does.
 *
 * Ownership: a test owns copies of its operands.
 * Threading: immutable; any number of threads, each with its own scratch.
 * Errors:    RC_INVALID: the leaf would not have passed rc_predicate_check.
 */
#ifndef RC_MATCH_LEAF_LEAF_H
#define RC_MATCH_LEAF_LEAF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/match/css/css_selector.h"
#include "engine/match/derived/derive.h"
#include "engine/match/predicate/predicate.h"
#include "engine/store/value/value.h"

struct rc_leaf_test;

/* What a thread needs beside a test: close it when done. */
struct rc_leaf_scratch {
    const _Atomic(bool) *cancel; /* Looked at before each value that is tested. NULL: never. */
    struct rc_arena *items;      /* Element arrays of lists; made on first use. */
    struct rc_writer folded;     /* The text without case. */
    struct rc_css_scratch css;
    struct rc_derive_scratch derive;
    enum rc_status status; /* The first failure (RC_NO_MEMORY, RC_CORRUPT, RC_TOO_SLOW,
                            * RC_CANCELLED): answers since are void. */
};

void
rc_leaf_scratch_close(struct rc_leaf_scratch *scratch);

RC_MUST_USE enum rc_status
rc_leaf_test_new(const struct rc_leaf *leaf,
                 struct rc_account *account,
                 struct rc_leaf_test **ret_test);

struct rc_leaf_test *
rc_leaf_test_free(struct rc_leaf_test *test);

RC_DEFINE_CLEANUP(struct rc_leaf_test *, rc_leaf_test_free)

/* Whether the value passes. false when scratch->status says that there is no answer. Takes some
 * milliseconds at most. */
bool
rc_leaf_test_value(const struct rc_leaf_test *test,
                   struct rc_value value,
                   struct rc_leaf_scratch *scratch);

uint64_t
rc_leaf_test_memory_bytes(const struct rc_leaf_test *test);

/* Whether it holds expressions that are compiled, which are most of its bytes; they are compiled
 * again by the next value. Forgetting them: not while anybody tests. */
bool
rc_leaf_test_is_compiled(const struct rc_leaf_test *test);

void
rc_leaf_test_rest(struct rc_leaf_test *test);

/* What derives the values that are tested; NULL: nothing does. */
const struct rc_deriver *
rc_leaf_test_deriver(const struct rc_leaf_test *test);

/* The value as a number: a number itself, or a string whose whole text is one. */
bool
rc_leaf_number(struct rc_value value, struct rc_value *ret_number);

#endif
