/*
 * Leaf codes: a leaf's test and what it said of each dictionary code so far, so that a string is
 * tested once, whatever the number of events, slabs and queries that hold it.
 *
 * Ownership: counted by its cache (match_cache.h). The dictionary is the caller's, at each call the
 *            same or one rebuilt from it. Only cells of rows are asked about, and no row that a
 *            view shows has a code that is a hole in the view's dictionary; so an answer that was
 *            computed from any of these dictionaries is true for all who ask.
 * Threading: any number of threads; no lock. Two that miss one code both test it, with one result.
 * Errors:    when memory is refused the answer is computed and not kept.
 */
#ifndef RC_MATCH_LEAF_LEAF_CODES_H
#define RC_MATCH_LEAF_LEAF_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/match/leaf/leaf.h"
#include "engine/store/dictionary/dictionary.h"
#include "engine/store/value/cell.h"

struct rc_leaf_codes;

RC_MUST_USE enum rc_status
rc_leaf_codes_new(const struct rc_leaf *leaf,
                  struct rc_account *account,
                  struct rc_leaf_codes **ret_codes);

struct rc_leaf_codes *
rc_leaf_codes_free(struct rc_leaf_codes *codes);

RC_DEFINE_CLEANUP(struct rc_leaf_codes *, rc_leaf_codes_free)

/* Whether the value of a cell passes. Look at scratch->status after the last of a row of calls. */
bool
rc_leaf_codes_cell(struct rc_leaf_codes *codes,
                   const struct rc_dictionary *dictionary,
                   rc_cell cell,
                   struct rc_leaf_scratch *scratch);

/* The same for the value of a dictionary key that is no dictionary's: the answer is not kept. */
bool
rc_leaf_codes_key(struct rc_leaf_codes *codes,
                  struct rc_bytes key,
                  struct rc_leaf_scratch *scratch);

/* The same for a value that is not null and no list. */
bool
rc_leaf_codes_value(struct rc_leaf_codes *codes,
                    struct rc_value value,
                    struct rc_leaf_scratch *scratch);

/* Whether it is known already what a cell's value is answered, without testing it. */
bool
rc_leaf_codes_known(struct rc_leaf_codes *codes, rc_cell cell, bool *ret_passes);

/* Notes that of so many rows so many passed: the planner's statistics. */
void
rc_leaf_codes_count(struct rc_leaf_codes *codes, uint64_t rows, uint64_t passed);

/* The share of the rows counted so far that passed, half a row where none did; false: none were
 * counted. */
bool
rc_leaf_codes_share(const struct rc_leaf_codes *codes, double *ret_share);

/* As rc_leaf_test_is_compiled and rc_leaf_test_rest of its test; what it said is kept. */
bool
rc_leaf_codes_is_compiled(const struct rc_leaf_codes *codes);

void
rc_leaf_codes_rest(struct rc_leaf_codes *codes);

/* As rc_leaf_test_deriver of its test. */
const struct rc_deriver *
rc_leaf_codes_deriver(const struct rc_leaf_codes *codes);

uint64_t
rc_leaf_codes_memory_bytes(const struct rc_leaf_codes *codes);

#endif
