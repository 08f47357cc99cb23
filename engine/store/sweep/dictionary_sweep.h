/*
 * Dictionary sweep: frees the keys of event properties' dictionaries that no slab and no head of a
 * project has a cell of any more, after rows were dropped: by merging, by deletion, by retention.
 *
 * A swept property gets a new dictionary with the same codes and holes (dictionary.h); queries that
 * run keep the old one. Codes that follow continue the count.
 *
 * Ownership: none is passed.
 * Threading: a background worker, one at a time for a project. Looks at slabs without a lock; takes
 * the project's writer lock to look at heads and newer slabs and to put the new dictionaries in
 * place. Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED, RC_CANCELLED, RC_UNAVAILABLE, RC_CORRUPT (a
 * cold slab cannot be read): everything stays as it was.
 */
#ifndef RC_STORE_SWEEP_DICTIONARY_SWEEP_H
#define RC_STORE_SWEEP_DICTIONARY_SWEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/store/project/project.h"

enum rc_sweep_when {
    RC_SWEEP_MOSTLY_DEAD, /* A dictionary of which more than half (entries or bytes) is dead. */
    RC_SWEEP_ANY_DEAD,    /* A dictionary that has a dead entry: nothing is to be left. */
};

/* *ret_freed (may be NULL): entries that became holes. */
RC_MUST_USE enum rc_status
rc_project_sweep_dictionaries(struct rc_project *project,
                              enum rc_sweep_when when,
                              const _Atomic(bool) *cancel, /* NULL: never. */
                              uint64_t *ret_freed,
                              struct rc_error *reterr_error);

#endif
