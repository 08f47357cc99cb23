/*
 * Derived: the derived properties of a project by name. A predicate that names one is rewritten to
 * leaves that read its source and carry the derivation (struct rc_leaf); whoever reads a property
 * by name asks rc_derived_find first. A derived name hides a stored property of that name, but in
 * its own source.
 *
 * Ownership: catalogs are borrowed; what is found comes from the caller's arena.
 * Threading: pure.
 * Errors:    RC_INVALID: derived properties come from each other in a circle, which is named.
 */
#ifndef RC_MATCH_DERIVED_DERIVED_H
#define RC_MATCH_DERIVED_DERIVED_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/match/predicate/naming.h"
#include "engine/match/predicate/predicate.h"
#include "engine/store/project/catalog.h"

/* Whose property is named: of events, of users, or of the accounts that events name in a key. */
struct rc_property_name {
    enum rc_leaf_scope scope;
    struct rc_bytes name;
    struct rc_bytes account_key; /* RC_LEAF_ACCOUNT; else empty. */
};

/* The derivation of a name, from stored properties or the event's time. NULL: the name is no
 * derived one of such things, and means what is stored. derived may be NULL: there are none. uses
 * gets it, and those that it comes from; NULL: nobody asks. */
RC_MUST_USE enum rc_status
rc_derived_find(const struct rc_catalog *derived,
                const struct rc_property_name *name,
                struct rc_arena *arena,
                struct rc_name_uses *uses,
                const struct rc_derivation **ret_derivation,
                struct rc_error *reterr_error);

/* The predicate with derivations where leaves name derived properties. */
RC_MUST_USE enum rc_status
rc_derived_resolve(const struct rc_catalog *derived,
                   const struct rc_predicate *predicate,
                   struct rc_arena *arena,
                   struct rc_name_uses *uses,
                   const struct rc_predicate **ret_predicate,
                   struct rc_error *reterr_error);

/* What is wrong with a derivation that is to be stored under a name: its steps, a circle. */
RC_MUST_USE enum rc_status
rc_derived_check(const struct rc_catalog *derived,
                 struct rc_bytes name,
                 const struct rc_derivation *derivation,
                 struct rc_arena *arena,
                 struct rc_error *reterr_error);

/*
 * For a derived property that was changed: whether those that come from it still keep the limits.
 * O(derived properties).
 *   RC_LIMIT_EXCEEDED  one that did before does not in after; the error names it.
 */
RC_MUST_USE enum rc_status
rc_derived_check_users(const struct rc_catalog *before,
                       const struct rc_catalog *after,
                       struct rc_error *reterr_error);

/* Whether a derivation comes from a property directly. */
bool
rc_derivation_reads_property(const struct rc_derivation *derivation, struct rc_bytes name);

/* Whether a leaf of the predicate reads a property. */
bool
rc_predicate_reads_property(const struct rc_predicate *predicate, struct rc_bytes name);

#endif
