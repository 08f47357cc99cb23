/*
 * Derived. The steps of a property that comes from a derived one are laid behind those of its
 * source, so what is computed knows one source and one row of steps; their number bounds the way.
 * A formula ends a way, and from each of its operands another one leads on.
 */
#include "engine/match/derived/derived.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/match/predicate/naming.h"

static const struct rc_naming_kind naming_kind = {
    .noun = "derived property",
    .field = "property",
    .names = "derived properties come from each other",
};

/* The steps on the way from a name down to what is stored, or to a formula. */
struct way {
    uint32_t name_count;
    struct rc_name_frame names[RC_DERIVE_STEPS_MAX + 1]; /* From the name asked for down. */
    uint32_t step_count;
    struct rc_derive_step steps[RC_DERIVE_STEPS_MAX]; /* Those gathered so far. */
};

/* All ways from a name: one, and one from each operand of each formula at the end of one. */
struct resolving {
    struct rc_naming naming;
    uint32_t formula_count;
    uint32_t step_count;
};

static struct resolving
resolving_of(const struct rc_catalog *derived,
             struct rc_arena *arena,
             struct rc_name_uses *uses,
             struct rc_error *reterr_error)
{
    return (struct resolving){.naming = {.kind = &naming_kind,
                                         .catalog = derived,
                                         .arena = arena,
                                         .uses = uses,
                                         .reterr_error = reterr_error}};
}

static enum rc_leaf_scope
scope_of(const struct rc_derivation *derivation)
{
    const enum rc_derivation_source source = rc_derivation_of_whom(derivation)->source;
    return source == RC_DERIVATION_USER      ? RC_LEAF_USER
           : source == RC_DERIVATION_ACCOUNT ? RC_LEAF_ACCOUNT
                                             : RC_LEAF_EVENT;
}

/* Whether a derivation makes properties of the same things: events, users, accounts of one key. */
static bool
is_of_same(const struct rc_derivation *derivation,
           enum rc_leaf_scope scope,
           struct rc_bytes account_key)
{
    return scope_of(derivation) == scope &&
           (scope != RC_LEAF_ACCOUNT ||
            rc_bytes_equal(rc_derivation_of_whom(derivation)->account_key, account_key));
}

/* Puts the steps of a derivation before those that are there. */
static enum rc_status
add_steps(struct resolving *resolving, struct way *way, const struct rc_derivation *derivation)
{
    if (derivation->step_count > RC_DERIVE_STEPS_MAX - way->step_count)
        return rc_error_field(resolving->naming.reterr_error, RC_LIMIT_EXCEEDED, "steps",
                              "the property has more than %u steps, those of its sources included",
                              RC_DERIVE_STEPS_MAX);
    resolving->step_count += derivation->step_count;
    if (resolving->step_count > RC_DERIVE_STEPS_TOTAL_MAX)
        return rc_error_field(resolving->naming.reterr_error, RC_LIMIT_EXCEEDED, "steps",
                              "more than %u steps lead to the property", RC_DERIVE_STEPS_TOTAL_MAX);
    memmove(way->steps + derivation->step_count, way->steps, way->step_count * sizeof(*way->steps));
    if (derivation->step_count > 0)
        memcpy(way->steps, derivation->steps, derivation->step_count * sizeof(*way->steps));
    way->step_count += derivation->step_count;
    return RC_OK;
}

/* What a property that a derivation of frame's name reads is derived from; NULL: it is stored. */
static enum rc_status
find_below(const struct resolving *resolving,
           const struct rc_name_frame *frame,
           const struct rc_derivation *property,
           struct rc_bytes *ret_name,
           const struct rc_derivation **ret_below)
{
    const struct rc_naming *naming = &resolving->naming;
    *ret_below = NULL;
    /* The name itself is the stored property that it hides. */
    if (rc_bytes_equal(property->property, frame->name))
        return RC_OK;
    RC_TRY(rc_naming_check_circle(naming, frame, property->property));
    struct rc_catalog_entry entry;
    if (naming->catalog == NULL || !rc_catalog_find(naming->catalog, property->property, &entry))
        return RC_OK;
    struct rc_reader reader = rc_reader_of(entry.payload.data, entry.payload.size);
    const struct rc_derivation *below;
    RC_TRY(rc_derivation_read(&reader, naming->arena, &below, naming->reterr_error));
    /* One of another kind of thing: the stored property is meant. */
    if (!is_of_same(below, scope_of(property), property->account_key))
        return RC_OK;
    RC_TRY_OR(naming->reterr_error, rc_name_uses_add(naming->uses, &entry));
    *ret_name = entry.name;
    *ret_below = below;
    return RC_OK;
}

static enum rc_status
resolve(struct resolving *resolving,
        const struct rc_name_frame *outer,
        struct rc_bytes name,
        const struct rc_derivation *derivation,
        const struct rc_derivation **ret_resolved);

/* What is wrong below an operand of the formula that is asked for. Places in what it names mean
 * nothing to who asks. */
static void
place_operand(struct rc_error *error, uint32_t index)
{
    if (error != NULL && error->field[0] != '\0')
        rc_error_item(error->field, sizeof(error->field), "formula.properties", index, "");
}

/* The formula at the end of a way, with operands that are resolved. */
static enum rc_status
resolve_operands(struct resolving *resolving,
                 const struct rc_name_frame *frame,
                 struct rc_derivation *formula)
{
    const struct rc_naming *naming = &resolving->naming;
    const struct rc_derivation **operands =
        RC_ARENA_ARRAY(naming->arena, const struct rc_derivation *, formula->operand_count);
    if (operands == NULL)
        return rc_naming_no_memory(naming);
    if (++resolving->formula_count > RC_DERIVE_FORMULAS_MAX)
        return rc_error_field(naming->reterr_error, RC_LIMIT_EXCEEDED, "formula",
                              "more than %u formulas lead to the property", RC_DERIVE_FORMULAS_MAX);
    for (uint32_t i = 0; i < formula->operand_count; i++) {
        struct rc_bytes name;
        const struct rc_derivation *below;
        operands[i] = formula->operands[i];
        enum rc_status status = find_below(resolving, frame, operands[i], &name, &below);
        if (status == RC_OK && below != NULL)
            status = resolve(resolving, frame, name, below, &operands[i]);
        if (status != RC_OK && frame->outer == NULL)
            place_operand(naming->reterr_error, i);
        RC_TRY(status);
    }
    formula->operands = operands;
    return RC_OK;
}

/* Follows sources from a derivation that is known by name down to where they end. */
static enum rc_status
follow(struct resolving *resolving,
       struct way *way,
       const struct rc_name_frame *outer,
       struct rc_bytes name,
       const struct rc_derivation *derivation,
       struct rc_derivation *ret_end)
{
    for (;;) {
        struct rc_name_frame *frame = &way->names[way->name_count++];
        const struct rc_derivation *below;
        *frame =
            (struct rc_name_frame){.outer = way->name_count > 1 ? frame - 1 : outer, .name = name};
        RC_TRY(add_steps(resolving, way, derivation));
        *ret_end = *derivation;
        if (derivation->source == RC_DERIVATION_TIME)
            return RC_OK;
        if (derivation->source == RC_DERIVATION_FORMULA)
            return resolve_operands(resolving, frame, ret_end);
        RC_TRY(find_below(resolving, frame, derivation, &name, &below));
        if (below == NULL)
            return RC_OK;
        if (way->name_count > RC_DERIVE_STEPS_MAX)
            return rc_error_field(resolving->naming.reterr_error, RC_LIMIT_EXCEEDED, "property",
                                  "more than %u derived properties come from one another",
                                  RC_DERIVE_STEPS_MAX);
        derivation = below;
    }
}

/* A derivation known by name, from what is stored alone. */
static enum rc_status
resolve(struct resolving *resolving,
        const struct rc_name_frame *outer,
        struct rc_bytes name,
        const struct rc_derivation *derivation,
        const struct rc_derivation **ret_resolved)
{
    struct rc_arena *arena = resolving->naming.arena;
    struct way *way = rc_arena_zero(arena, sizeof(*way));
    struct rc_derivation *resolved = rc_arena_zero(arena, sizeof(*resolved));
    if (way == NULL || resolved == NULL)
        return rc_naming_no_memory(&resolving->naming);
    RC_TRY(follow(resolving, way, outer, name, derivation, resolved));
    resolved->step_count = way->step_count;
    resolved->steps = way->steps;
    *ret_resolved = resolved;
    return RC_OK;
}

enum rc_status
rc_derived_find(const struct rc_catalog *derived,
                const struct rc_property_name *name,
                struct rc_arena *arena,
                struct rc_name_uses *uses,
                const struct rc_derivation **ret_derivation,
                struct rc_error *reterr_error)
{
    struct rc_catalog_entry entry;
    *ret_derivation = NULL;
    if (derived == NULL || !rc_catalog_find(derived, name->name, &entry))
        return RC_OK;
    struct rc_reader reader = rc_reader_of(entry.payload.data, entry.payload.size);
    const struct rc_derivation *first;
    RC_TRY(rc_derivation_read(&reader, arena, &first, reterr_error));
    if (!is_of_same(first, name->scope, name->account_key))
        return RC_OK;
    RC_TRY_OR(reterr_error, rc_name_uses_add(uses, &entry));
    struct resolving resolving = resolving_of(derived, arena, uses, reterr_error);
    return resolve(&resolving, NULL, entry.name, first, ret_derivation);
}

enum rc_status
rc_derived_check(const struct rc_catalog *derived,
                 struct rc_bytes name,
                 const struct rc_derivation *derivation,
                 struct rc_arena *arena,
                 struct rc_error *reterr_error)
{
    const struct rc_derivation *resolved;
    struct resolving resolving = resolving_of(derived, arena, NULL, reterr_error);
    RC_TRY(rc_derivation_check(derivation, reterr_error));
    return resolve(&resolving, NULL, name, derivation, &resolved);
}

/* Whether an entry keeps the limits among those of a catalog. */
static enum rc_status
check_entry(const struct rc_catalog *derived,
            const struct rc_catalog_entry *entry,
            struct rc_arena *arena)
{
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    const struct rc_derivation *derivation;
    const struct rc_derivation *resolved;
    struct resolving resolving = resolving_of(derived, arena, NULL, NULL);
    RC_TRY(rc_derivation_read(&reader, arena, &derivation, NULL));
    return resolve(&resolving, NULL, entry->name, derivation, &resolved);
}

enum rc_status
rc_derived_check_users(const struct rc_catalog *before,
                       const struct rc_catalog *after,
                       struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for derived properties");
    for (uint32_t i = 0; i < rc_catalog_count(after); i++) {
        const struct rc_catalog_entry entry = rc_catalog_at(after, i);
        rc_arena_reset(arena);
        if (check_entry(after, &entry, arena) == RC_LIMIT_EXCEEDED &&
            check_entry(before, &entry, arena) == RC_OK)
            return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "steps",
                                  "\"%.*s\" comes from it and would have more than %u steps, or "
                                  "more than %u steps or %u formulas would lead to it",
                                  (int)entry.name.size, entry.name.data, RC_DERIVE_STEPS_MAX,
                                  RC_DERIVE_STEPS_TOTAL_MAX, RC_DERIVE_FORMULAS_MAX);
    }
    return RC_OK;
}

static enum rc_status
resolve_leaf(const struct rc_catalog *derived,
             const struct rc_predicate *predicate,
             struct rc_arena *arena,
             struct rc_name_uses *uses,
             const struct rc_predicate **ret_predicate,
             struct rc_error *reterr_error)
{
    const struct rc_derivation *derivation = NULL;
    const struct rc_leaf *leaf = &predicate->leaf;
    *ret_predicate = predicate;
    if (leaf->derivation != NULL || rc_leaf_scope_is_id(leaf->scope))
        return RC_OK;
    const struct rc_property_name name = {leaf->scope, leaf->property, leaf->account_key};
    RC_TRY(rc_derived_find(derived, &name, arena, uses, &derivation, reterr_error));
    if (derivation == NULL)
        return RC_OK;
    struct rc_predicate *copy = rc_arena_copy(arena, predicate, sizeof(*copy));
    if (copy == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    copy->leaf.derivation = derivation;
    if (derivation->source != RC_DERIVATION_TIME && derivation->source != RC_DERIVATION_FORMULA)
        copy->leaf.property = derivation->property;
    *ret_predicate = copy;
    return RC_OK;
}

enum rc_status
rc_derived_resolve(const struct rc_catalog *derived,
                   const struct rc_predicate *predicate,
                   struct rc_arena *arena,
                   struct rc_name_uses *uses,
                   const struct rc_predicate **ret_predicate,
                   struct rc_error *reterr_error)
{
    *ret_predicate = predicate;
    if (derived == NULL || rc_catalog_count(derived) == 0)
        return RC_OK;
    if (predicate->kind == RC_PREDICATE_LEAF)
        return resolve_leaf(derived, predicate, arena, uses, ret_predicate, reterr_error);
    if (predicate->child_count == 0)
        return RC_OK;
    struct rc_predicate *copy = rc_arena_copy(arena, predicate, sizeof(*copy));
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(arena, const struct rc_predicate *, predicate->child_count);
    if (copy == NULL || children == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    for (uint32_t i = 0; i < predicate->child_count; i++)
        RC_TRY(rc_derived_resolve(derived, predicate->children[i], arena, uses, &children[i],
                                  reterr_error));
    copy->children = children;
    *ret_predicate = copy;
    return RC_OK;
}

bool
rc_derivation_reads_property(const struct rc_derivation *derivation, struct rc_bytes name)
{
    if (rc_bytes_equal(derivation->property, name))
        return true;
    for (uint32_t i = 0; i < derivation->operand_count; i++)
        if (rc_derivation_reads_property(derivation->operands[i], name))
            return true;
    return false;
}

bool
rc_predicate_reads_property(const struct rc_predicate *predicate, struct rc_bytes name)
{
    if (predicate->kind == RC_PREDICATE_LEAF)
        return rc_bytes_equal(predicate->leaf.property, name);
    for (uint32_t i = 0; i < predicate->child_count; i++)
        if (rc_predicate_reads_property(predicate->children[i], name))
            return true;
    return false;
}
