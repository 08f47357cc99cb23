/*
 * Definitions: names for predicates. A catalog entry's payload is a stored predicate, how its
 * bitmaps are kept, and its labels; resolving replaces every DEFINITION node of a tree by the tree
 * it names.
 */
#ifndef RC_MATCH_PREDICATE_DEFINITIONS_H
#define RC_MATCH_PREDICATE_DEFINITIONS_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/predicate/naming.h"
#include "engine/match/predicate/predicate.h"
#include "engine/store/project/catalog.h"

/* A definition as a catalog entry's payload holds it. */
struct rc_definition {
    const struct rc_predicate *predicate;
    bool eager; /* Its bitmaps are built before anybody asks. */
    uint32_t label_count;
    const struct rc_label *labels; /* By the bytes of their keys, which differ. */
};

struct rc_label {
    struct rc_bytes key;
    struct rc_bytes value;
};

/*
 * Payload: for an eager definition a byte 0x80; for one with labels a byte 0x81, their number as a
 * byte, and keys and values (varint size, bytes); then the predicate. Neither byte is a kind of
 * predicate.
 */
void
rc_definition_write(struct rc_writer *writer, const struct rc_definition *definition);

/* In arena. RC_CORRUPT. */
RC_MUST_USE enum rc_status
rc_definition_read(struct rc_bytes payload,
                   struct rc_arena *arena,
                   struct rc_definition *ret_definition,
                   struct rc_error *reterr_error);

/* The labels alone, borrowed from the payload, in arena. RC_CORRUPT. */
RC_MUST_USE enum rc_status
rc_definition_read_labels(struct rc_bytes payload,
                          struct rc_arena *arena,
                          const struct rc_label **ret_labels,
                          uint32_t *ret_count,
                          struct rc_error *reterr_error);

/* What definitions are found by in their catalog (catalog.h), as places of bits. */
enum rc_definition_mark {
    RC_DEFINITION_EAGER = 0,
    RC_DEFINITION_NAMES = 1, /* It names another. */
};

_Static_assert(RC_DEFINITION_NAMES < RC_CATALOG_MARKS, "a catalog keeps these marks");

/* The marks of a definition's payload. */
uint8_t
rc_definition_marks(struct rc_bytes payload);

/* What stands behind the labels of a payload: its predicate as it is stored. */
struct rc_bytes
rc_definition_stored_predicate(struct rc_bytes payload);

/* Whether a payload's predicate names a definition. */
bool
rc_definition_names(struct rc_bytes payload, struct rc_bytes name);

/*
 * A tree without DEFINITION nodes, in arena. uses: what is resolved is added to it; NULL: nobody
 * asks.
 *   RC_NOT_FOUND       a name that is not in the catalog; the error names it.
 *   RC_INVALID         a cycle; the error names its definitions in order.
 *   RC_LIMIT_EXCEEDED  the resolved tree passes RC_PREDICATE_NODES_MAX or _DEPTH_MAX.
 */
RC_MUST_USE enum rc_status
rc_definitions_resolve(const struct rc_catalog *definitions,
                       const struct rc_predicate *predicate,
                       struct rc_arena *arena,
                       struct rc_name_uses *uses,
                       const struct rc_predicate **ret_predicate,
                       struct rc_error *reterr_error);

/* The tree that a name of the catalog stands for; itself is a use too. */
RC_MUST_USE enum rc_status
rc_definitions_resolve_name(const struct rc_catalog *definitions,
                            struct rc_bytes name,
                            struct rc_arena *arena,
                            struct rc_name_uses *uses,
                            const struct rc_predicate **ret_predicate,
                            struct rc_error *reterr_error);

/* The indexes of a catalog's definitions but of those that cannot be resolved, since they name one,
 * or lead to one, that is not there, say; in arena. RC_NO_MEMORY. */
RC_MUST_USE enum rc_status
rc_definitions_list_whole(const struct rc_catalog *definitions,
                          struct rc_arena *arena,
                          uint32_t **ret_indexes,
                          uint32_t *ret_count);

/* The same as rc_definitions_resolve for a definition that is about to be put under name: a cycle
 * through name is an error. The field is the place in predicate: "all_of[1].definition". */
RC_MUST_USE enum rc_status
rc_definitions_check(const struct rc_catalog *definitions,
                     struct rc_bytes name,
                     const struct rc_predicate *predicate,
                     struct rc_error *reterr_error);

/* Whether a definition that was changed is deeper or has more nodes than before. One that could not
 * be resolved before has grown. The errors are those of rc_definitions_resolve_name. */
RC_MUST_USE enum rc_status
rc_definition_has_grown(const struct rc_catalog *before,
                        const struct rc_catalog *after,
                        struct rc_bytes name,
                        bool *ret_grown);

/*
 * For a definition that has grown: whether those that lead to it are still no larger than may be.
 * O(definitions that name others).
 *   RC_LIMIT_EXCEEDED  one that could be resolved before cannot be in after; the error names it.
 */
RC_MUST_USE enum rc_status
rc_definitions_check_users(const struct rc_catalog *before,
                           const struct rc_catalog *after,
                           struct rc_error *reterr_error);

#endif
