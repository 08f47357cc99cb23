/*
 * Match split: the disjunctive form of the tree, but only as far as events and users are mixed: a
 * child that is pure stays whole. Pure children of an OR are gathered into one part for events and
 * one for users; those of an AND into one pair, which then multiplies with the parts of each mixed
 * child. A NOT turns the kind of the list around on the way down.
 */
#include "engine/match/predicate/match_split.h"

#include "engine/base/assert.h"

/* NULL in either place stands for true. */
struct part_list {
    uint32_t count;
    struct rc_match_part parts[RC_MATCH_PARTS_MAX];
};

enum purity { PURE_EVENT, PURE_USER, MIXED };

static bool
reads_event(const struct rc_predicate *predicate)
{
    if (predicate->kind == RC_PREDICATE_LEAF)
        return predicate->leaf.scope == RC_LEAF_EVENT || predicate->leaf.scope == RC_LEAF_EVENT_ID;
    for (uint32_t i = 0; i < predicate->child_count; i++) {
        if (reads_event(predicate->children[i]))
            return true;
    }
    return false;
}

static enum purity
purity_of(const struct rc_predicate *predicate)
{
    if (!rc_predicate_reads_user(predicate))
        return PURE_EVENT;
    return reads_event(predicate) ? MIXED : PURE_USER;
}

/* A canonical node over one or two predicates. NULL operands are true and stay out of an AND. */
static enum rc_status
combine(enum rc_predicate_kind kind,
        const struct rc_predicate *a,
        const struct rc_predicate *b,
        struct rc_arena *arena,
        const struct rc_predicate **ret_node)
{
    if (kind == RC_PREDICATE_ALL_OF && (a == NULL || b == NULL)) {
        *ret_node = a == NULL ? b : a;
        return RC_OK;
    }
    const struct rc_predicate **children = RC_ARENA_ARRAY(arena, const struct rc_predicate *, 2);
    if (children == NULL)
        return RC_NO_MEMORY;
    const uint32_t count = kind == RC_PREDICATE_NOT ? 1 : 2;
    children[0] = a;
    children[1] = b;
    const struct rc_predicate node = {.kind = kind, .child_count = count, .children = children};
    return rc_predicate_canonical(&node, arena, ret_node);
}

static enum rc_status
negate(const struct rc_predicate *node,
       bool negated,
       struct rc_arena *arena,
       const struct rc_predicate **ret_node)
{
    if (negated)
        return combine(RC_PREDICATE_NOT, node, NULL, arena, ret_node);
    *ret_node = node;
    return RC_OK;
}

static enum rc_status
add_part(struct part_list *list, struct rc_match_part part)
{
    if (list->count == RC_MATCH_PARTS_MAX)
        return RC_LIMIT_EXCEEDED;
    list->parts[list->count++] = part;
    return RC_OK;
}

/* list = list AND other. */
static enum rc_status
multiply(struct part_list *list, const struct part_list *other, struct rc_arena *arena)
{
    if ((uint64_t)list->count * other->count > RC_MATCH_PARTS_MAX)
        return RC_LIMIT_EXCEEDED;
    const struct part_list left = *list;
    list->count = 0;
    for (uint32_t i = 0; i < left.count; i++) {
        for (uint32_t k = 0; k < other->count; k++) {
            struct rc_match_part part;
            RC_TRY(combine(RC_PREDICATE_ALL_OF, left.parts[i].event, other->parts[k].event, arena,
                           &part.event));
            RC_TRY(combine(RC_PREDICATE_ALL_OF, left.parts[i].persons, other->parts[k].persons,
                           arena, &part.persons));
            RC_TRY(add_part(list, part));
        }
    }
    return RC_OK;
}

static enum rc_status
split(const struct rc_predicate *node,
      bool negated,
      struct rc_arena *arena,
      struct part_list *list);

/* Joins the pure children of one purity into one node of kind; NULL when there are none. */
static enum rc_status
gather(const struct rc_predicate *node,
       bool negated,
       enum rc_predicate_kind kind,
       enum purity purity,
       struct rc_arena *arena,
       const struct rc_predicate **ret_node)
{
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(arena, const struct rc_predicate *, node->child_count);
    if (children == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (purity_of(node->children[i]) == purity) {
            RC_TRY(negate(node->children[i], negated, arena, &children[count]));
            count++;
        }
    }
    if (count == 0) {
        *ret_node = NULL;
        return RC_OK;
    }
    const struct rc_predicate list = {.kind = kind, .child_count = count, .children = children};
    return rc_predicate_canonical(&list, arena, ret_node);
}

static enum rc_status
split_list(const struct rc_predicate *node,
           bool negated,
           struct rc_arena *arena,
           struct part_list *list)
{
    const bool all_of = (node->kind == RC_PREDICATE_ALL_OF) != negated;
    const enum rc_predicate_kind kind = all_of ? RC_PREDICATE_ALL_OF : RC_PREDICATE_ANY_OF;
    const struct rc_predicate *event;
    const struct rc_predicate *persons;
    RC_TRY(gather(node, negated, kind, PURE_EVENT, arena, &event));
    RC_TRY(gather(node, negated, kind, PURE_USER, arena, &persons));
    list->count = 0;
    if (all_of) {
        RC_TRY(add_part(list, (struct rc_match_part){event, persons}));
    } else {
        if (event != NULL)
            RC_TRY(add_part(list, (struct rc_match_part){event, NULL}));
        if (persons != NULL)
            RC_TRY(add_part(list, (struct rc_match_part){NULL, persons}));
    }
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (purity_of(node->children[i]) != MIXED)
            continue;
        struct part_list *parts = rc_arena_zero(arena, sizeof(*parts));
        if (parts == NULL)
            return RC_NO_MEMORY;
        RC_TRY(split(node->children[i], negated, arena, parts));
        if (all_of) {
            RC_TRY(multiply(list, parts, arena));
            continue;
        }
        for (uint32_t k = 0; k < parts->count; k++)
            RC_TRY(add_part(list, parts->parts[k]));
    }
    return RC_OK;
}

static enum rc_status
split(const struct rc_predicate *node, bool negated, struct rc_arena *arena, struct part_list *list)
{
    const enum purity purity = purity_of(node);
    if (purity == MIXED && node->kind == RC_PREDICATE_NOT)
        return split(node->children[0], !negated, arena, list);
    if (purity == MIXED)
        return split_list(node, negated, arena, list);
    const struct rc_predicate *whole;
    RC_TRY(negate(node, negated, arena, &whole));
    list->count = 0;
    return add_part(list, purity == PURE_EVENT ? (struct rc_match_part){whole, NULL}
                                               : (struct rc_match_part){NULL, whole});
}

enum rc_status
rc_match_split(const struct rc_predicate *predicate,
               struct rc_arena *arena,
               const struct rc_match_part **ret_parts,
               uint32_t *ret_count)
{
    static const struct rc_predicate any_event = {.kind = RC_PREDICATE_TRUE};
    struct part_list *list = rc_arena_zero(arena, sizeof(*list));
    if (list == NULL)
        return RC_NO_MEMORY;
    RC_TRY(split(predicate, false, arena, list));
    RC_ASSERT(list->count > 0);
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->parts[i].event == NULL)
            list->parts[i].event = &any_event;
    }
    *ret_parts = list->parts;
    *ret_count = list->count;
    return RC_OK;
}
