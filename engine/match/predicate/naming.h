/*
 * Naming: what trees have in common that name entries of a catalog and lose their names before they
 * are used: predicates name definitions, rules name saved segments, derived properties their
 * sources. Whoever resolves one copies its inner nodes and follows its names through here; names
 * that multiply (a names b twice, b names c twice, ...) stop at the limit of nodes, and names that
 * lead back to themselves are told.
 *
 * Ownership: a naming borrows its catalog, frames live on the stack of whoever follows a name.
 * Threading: one thread.
 * Errors:    the field is that of the kind; places inside a named tree mean nothing to who names
 *            it, so rc_naming_place speaks of the outermost one (the top) alone.
 */
#ifndef RC_MATCH_PREDICATE_NAMING_H
#define RC_MATCH_PREDICATE_NAMING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/store/project/catalog.h"

/* The words of a kind of tree, and how large one may be once its names are resolved. */
struct rc_naming_kind {
    const char *noun;  /* "definition": what a name names. */
    const char *field; /* Where a name stands in a tree. */
    const char *whole; /* "the predicate with its definitions" */
    const char *names; /* "definitions name each other" */
    uint32_t depth_max;
    uint32_t nodes_max;
};

/* A name that is being resolved, and the one in whose tree it was met. */
struct rc_name_frame {
    const struct rc_name_frame *outer;
    struct rc_bytes name;
};

/* The entries of a catalog that a query used, each once, in the order in which they were met. */
struct rc_name_uses {
    struct rc_arena *arena; /* Of the lists; texts are the catalog's. */
    uint32_t count;
    uint32_t capacity;
    struct rc_catalog_entry *entries;
    uint32_t *places; /* A table of the entries' indexes, plus 1, twice as large as the capacity. */
};

/* Adds an entry, unless it is there. uses may be NULL: nobody asks. RC_NO_MEMORY. */
RC_MUST_USE enum rc_status
rc_name_uses_add(struct rc_name_uses *uses, const struct rc_catalog_entry *entry);

struct rc_naming {
    const struct rc_naming_kind *kind;
    const struct rc_catalog *catalog; /* NULL: there is nothing of any name. */
    struct rc_arena *arena;
    struct rc_name_uses *uses; /* What is found is added to it; NULL: nobody asks. */
    struct rc_error *reterr_error;
    /* Whose tree it is that places are told in: that of a name which is about to be put; NULL: that
     * of no name. */
    const struct rc_name_frame *top;
    uint32_t node_count;
    uint32_t cells_deep; /* Of segments: the cells that this place is in. */
};

/* Counts a node of the resolved tree. RC_LIMIT_EXCEEDED: it is too deep, or one too many. */
RC_MUST_USE enum rc_status
rc_naming_count(struct rc_naming *naming, uint32_t depth);

/* RC_INVALID when name is one of those that are being resolved: the circle is named. */
RC_MUST_USE enum rc_status
rc_naming_check_circle(const struct rc_naming *naming,
                       const struct rc_name_frame *outer,
                       struct rc_bytes name);

/*
 * The entry of a name that was met below outer.
 *   RC_NOT_FOUND       there is none.
 *   RC_INVALID         a circle.
 *   RC_LIMIT_EXCEEDED  more than depth_max names lead to this one.
 */
RC_MUST_USE enum rc_status
rc_naming_find(const struct rc_naming *naming,
               const struct rc_name_frame *outer,
               struct rc_bytes name,
               struct rc_catalog_entry *ret_entry);

/* Puts the place of a child of the top's tree before the field of its error: "all_of[2]" of a list,
 * "negation" of an only child. */
void
rc_naming_place(const struct rc_naming *naming,
                const struct rc_name_frame *frame,
                const char *word,
                bool is_list,
                uint32_t child);

/* Of a status that came from the tree of a name: where that is too large, the name is at fault. The
 * field is that of the kind then. Returns status. */
enum rc_status
rc_naming_place_name(const struct rc_naming *naming, enum rc_status status);

RC_MUST_USE enum rc_status
rc_naming_no_memory(const struct rc_naming *naming);

#endif
