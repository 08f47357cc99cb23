/*
 * Catalog tree: the histories of a catalog by name, in a tree whose nodes are shared by the
 * catalogs that have them: a change copies the nodes on the way to one entry, some hundreds of
 * pointers in a project of a million entries.
 *
 * Ownership: a tree is held by its root, a branch; nodes and histories are counted.
 * Threading: immutable.
 * Errors:    RC_NO_MEMORY alone; ret_ is untouched then.
 */
#ifndef RC_STORE_PROJECT_CATALOG_TREE_H
#define RC_STORE_PROJECT_CATALOG_TREE_H

#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/project/catalog.h"

struct rc_catalog_history;
struct rc_catalog_node;

/* What entries are together. */
struct rc_catalog_sum {
    uint32_t count;
    uint32_t marked[RC_CATALOG_MARKS]; /* How many have each mark. */
    uint64_t older_bytes;              /* Texts of all versions but the newest ones. */
    int64_t replaced_ms; /* When the version that was replaced first was; INT64_MAX: none was. */
};

/* A node, and what is to be known of it without looking at it. */
struct rc_catalog_branch {
    struct rc_catalog_node *node;           /* NULL: no entries. */
    const struct rc_catalog_history *first; /* Borrowed from the node. */
    struct rc_catalog_sum sum;
};

/* A tree of histories that ascend by name, whose references are taken over, whatever comes of it.
 */
RC_MUST_USE enum rc_status
rc_catalog_tree_build(struct rc_account *account,
                      struct rc_catalog_history *const *histories,
                      uint32_t count,
                      struct rc_catalog_branch *ret_root);

/* With a history more, or in the place of one of its name. */
RC_MUST_USE enum rc_status
rc_catalog_tree_put(struct rc_account *account,
                    const struct rc_catalog_branch *root,
                    struct rc_catalog_history *history,
                    struct rc_catalog_branch *ret_root);

/* Without the history of a name, which is there. */
RC_MUST_USE enum rc_status
rc_catalog_tree_remove(struct rc_account *account,
                       const struct rc_catalog_branch *root,
                       struct rc_bytes name,
                       struct rc_catalog_branch *ret_root);

/* A reference more, to be given back by rc_catalog_tree_close. */
struct rc_catalog_branch
rc_catalog_tree_ref(const struct rc_catalog_branch *root);

void
rc_catalog_tree_close(struct rc_catalog_branch *root);

/* ---- Looking: what is returned is borrowed -----------------------------------------------------
 */

/* How many names are below name. *ret_found: the history of name; NULL: there is none. */
uint32_t
rc_catalog_tree_lower_bound(const struct rc_catalog_branch *root,
                            struct rc_bytes name,
                            const struct rc_catalog_history **ret_found);

const struct rc_catalog_history *
rc_catalog_tree_at(const struct rc_catalog_branch *root, uint32_t index);

/* The first index at or behind from whose entry has a mark; the count when there is none. */
uint32_t
rc_catalog_tree_next_marked(const struct rc_catalog_branch *root, uint32_t mark, uint32_t from);

/* The history of which a version was replaced before any other's: there is one. */
const struct rc_catalog_history *
rc_catalog_tree_longest_replaced(const struct rc_catalog_branch *root);

/* Sums, sizes of nodes, order of names, every history. RC_CORRUPT. */
RC_MUST_USE enum rc_status
rc_catalog_tree_check(const struct rc_catalog_branch *root, struct rc_error *reterr_error);

#endif
