/*
 * Predicate: a question about one event (and its user) that is true or false: a tree of AND, OR,
 * NOT over leaves, as data. The matcher compiles it against a project; this file only holds,
 * checks, copies and stores it.
 *
 * Ownership: trees are built in an arena and never changed after; everything points into it.
 * Threading: read-only once built.
 * Errors:    RC_INVALID and RC_LIMIT_EXCEEDED name the node: "all_of[1].not.leaf.regex".
 */
#ifndef RC_MATCH_PREDICATE_PREDICATE_H
#define RC_MATCH_PREDICATE_PREDICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/store/value/value.h"

enum rc_predicate_kind {
    RC_PREDICATE_TRUE = 1,   /* Any event. */
    RC_PREDICATE_ALL_OF = 2, /* Of no children: true. */
    RC_PREDICATE_ANY_OF = 3, /* Of no children: false. */
    RC_PREDICATE_NOT = 4,    /* One child. */
    RC_PREDICATE_LEAF = 5,
    RC_PREDICATE_DEFINITION =
        6, /* Another definition by name; replaced by its tree before matching. */
    RC_PREDICATE_FIRST =
        7, /* One child: each user's first ever event that passes it. What passes depends on other
              events, so it is no test of a row: a query's plan makes it a set of rows. It stands at
              the root, or as the first of two children of an ALL_OF there, beside a filter. */
};

enum rc_leaf_scope {
    RC_LEAF_EVENT = 1,   /* A property of the event. */
    RC_LEAF_USER = 2,    /* The latest value of a property of the event's user. */
    RC_LEAF_ACCOUNT = 3, /* That of a property of the account that the event names in account_key. A
                            query's plan puts leaves over the event in its place: account_leaf.h. */
    RC_LEAF_EVENT_ID = 4, /* The event's id: IN alone, with whole numbers and texts, which compare
                             by bytes. No property is named. */
    RC_LEAF_USER_ID = 5,  /* The same of the user, who has every id that it was sent under. */
};

/* Whether a leaf is about an id and so names no property. */
static inline bool
rc_leaf_scope_is_id(enum rc_leaf_scope scope)
{
    return scope == RC_LEAF_EVENT_ID || scope == RC_LEAF_USER_ID;
}

enum rc_leaf_operator {
    RC_LEAF_IN = 1,   /* Equal to any of values; one value is equality. */
    RC_LEAF_LESS = 2, /* values[0]. */
    RC_LEAF_LESS_EQUAL = 3,
    RC_LEAF_GREATER = 4,
    RC_LEAF_GREATER_EQUAL = 5,
    RC_LEAF_BETWEEN = 6,  /* values[0] <= x <= values[1]. */
    RC_LEAF_IS_SET = 7,   /* No values. */
    RC_LEAF_CONTAINS = 8, /* values[0] is a string; so for the rest. */
    RC_LEAF_STARTS_WITH = 9,
    RC_LEAF_ENDS_WITH = 10,
    RC_LEAF_LIKE = 11,
    RC_LEAF_REGEX = 12,
    RC_LEAF_CSS = 13, /* Never with ignore_case. */
};

struct rc_leaf {
    enum rc_leaf_scope scope;
    enum rc_leaf_operator operator;
    bool ignore_case; /* Text operators and equality of strings. */
    struct rc_bytes property;
    struct rc_bytes account_key; /* ACCOUNT: the event property that names it; else empty. */
    uint32_t value_count;
    const struct rc_value *values;
    /* How the value that is tested comes from the property's (derived.h); NULL: it is that. Only in
     * predicates that were resolved, which are never stored. */
    const struct rc_derivation *derivation;
};

struct rc_predicate {
    enum rc_predicate_kind kind;
    uint32_t child_count;
    const struct rc_predicate *const *children;
    struct rc_leaf leaf;        /* LEAF. A negative leaf is a NOT around it. */
    struct rc_bytes definition; /* DEFINITION. */
    /* Where a request has what the node stands for, below the place of its parent
     * ("terms[%u].predicate", of place_number; "": there itself), for the fields of errors. Of a
     * DEFINITION it is where the name stands. NULL: as the tree says. Not stored. */
    const char *place;
    uint32_t place_number;
};

/* Checks depth, counts, sizes, operand kinds, that texts are UTF-8, that selectors and regular
 * expressions compile, and that the latter are not too large together. */
RC_MUST_USE enum rc_status
rc_predicate_check(const struct rc_predicate *predicate, struct rc_error *reterr_error);

/* The same for one of several predicates that are large together: *steps, which begins at 0, counts
 * what their regular expressions take of RC_PATTERN_STEPS_TOTAL_MAX. */
RC_MUST_USE enum rc_status
rc_predicate_check_more(const struct rc_predicate *predicate,
                        uint32_t *steps,
                        struct rc_error *reterr_error);

/*
 * The canonical form: double negations and nested equal operators collapse, children are sorted and
 * unique, values of a set are sorted and unique, single-child AND / OR vanish. Two predicates with
 * equal canonical bytes select the same events. Input must have passed rc_predicate_check.
 */
RC_MUST_USE enum rc_status
rc_predicate_canonical(const struct rc_predicate *predicate,
                       struct rc_arena *arena,
                       const struct rc_predicate **ret_canonical);

/* The stored form, which is the cache key when the predicate is canonical. */
void
rc_predicate_write(struct rc_writer *writer, const struct rc_predicate *predicate);

/* The part of it before the children's, which follow one after the other; all of it of a leaf. */
void
rc_predicate_write_head(struct rc_writer *writer, const struct rc_predicate *predicate);

RC_MUST_USE enum rc_status
rc_predicate_read(struct rc_reader *reader,
                  struct rc_arena *arena,
                  const struct rc_predicate **ret_predicate,
                  struct rc_error *reterr_error);

/*
 * The names of definitions in a stored predicate at which the reader stands, one after the other,
 * without reading what is around them: whoever looks through thousands needs no memory for it.
 *
 *     struct rc_stored_names names = {.reader = reader, .nodes_left = 1};
 *     while (rc_predicate_next_name(&names, &name)) ...
 */
struct rc_stored_names {
    struct rc_reader reader;
    uint64_t nodes_left;
};

bool
rc_predicate_next_name(struct rc_stored_names *names, struct rc_bytes *ret_name);

/* Whether two predicates have one canonical form. One that is NULL or unsound is the same as none:
 * who compiles it tells what is wrong with it. */
RC_MUST_USE enum rc_status
rc_predicate_same(const struct rc_predicate *a,
                  const struct rc_predicate *b,
                  struct rc_arena *arena,
                  bool *ret_same);

/* The FIRST node of a selector that has one: the root, or the first child of an ALL_OF whose second
 * is the filter. Else NULL. */
const struct rc_predicate *
rc_predicate_first(const struct rc_predicate *predicate);

/* Whether any leaf reads the user. Such predicates are never cached as bitmaps. */
bool
rc_predicate_reads_user(const struct rc_predicate *predicate);

#endif
