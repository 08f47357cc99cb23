#include "engine/query/segment/references.h"

#include "engine/base/limits.h"
#include "engine/match/derived/derived.h"
#include "engine/match/predicate/definitions.h"
#include "engine/query/segment/segment_persons.h"

static bool
predicate_names(const struct rc_predicate *predicate, struct rc_bytes definition)
{
    if (predicate->kind == RC_PREDICATE_DEFINITION)
        return rc_bytes_equal(predicate->definition, definition);
    for (uint32_t i = 0; i < predicate->child_count; i++)
        if (predicate_names(predicate->children[i], definition))
            return true;
    return false;
}

static bool
cell_names(const struct rc_segment *segment, enum rc_catalog_kind kind, struct rc_bytes name)
{
    for (uint32_t i = 0; i < segment->name_count; i++)
        if (segment->names[i].kind == kind && rc_bytes_equal(segment->names[i].name, name))
            return true;
    return false;
}

static bool
segment_names(const struct rc_segment *segment, bool of_segment, struct rc_bytes name)
{
    if (segment->kind == RC_SEGMENT_CELL)
        return cell_names(segment, of_segment ? RC_CATALOG_SEGMENTS : RC_CATALOG_DEFINITIONS, name);
    if (of_segment && segment->kind == RC_SEGMENT_SAVED)
        return rc_bytes_equal(segment->name, name);
    if (!of_segment && segment->kind == RC_SEGMENT_USER)
        return predicate_names(segment->predicate, name);
    if (!of_segment && segment->kind == RC_SEGMENT_BEHAVIOUR) {
        const struct rc_behaviour *behaviour = &segment->behaviour;
        for (uint32_t i = 0; i < rc_behaviour_selector_count(behaviour); i++)
            if (predicate_names(rc_behaviour_selector(behaviour, i), name))
                return true;
    }
    for (uint32_t i = 0; i < segment->child_count; i++)
        if (segment_names(segment->children[i], of_segment, name))
            return true;
    return false;
}

/* Resolves a definition, or what else stands at a place of a rule. */
static enum rc_status
check_predicate(const struct rc_catalog *definitions,
                const struct rc_predicate *predicate,
                const char *place,
                uint32_t index,
                struct rc_arena *arena,
                struct rc_error *reterr_error)
{
    const struct rc_predicate *resolved = NULL;
    const enum rc_status status =
        rc_definitions_resolve(definitions, predicate, arena, NULL, &resolved, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, place, index);
    return status;
}

static enum rc_status
check_behaviour(const struct rc_catalog *definitions,
                const struct rc_behaviour *behaviour,
                struct rc_arena *arena,
                struct rc_error *reterr_error)
{
    const char *place = behaviour->measure == RC_BEHAVIOUR_SEQUENCE
                            ? "behavior.sequence.steps[%u].selector"
                            : "behavior.selector";
    for (uint32_t i = 0; i < rc_behaviour_selector_count(behaviour); i++)
        RC_TRY(check_predicate(definitions, rc_behaviour_selector(behaviour, i), place, i, arena,
                               reterr_error));
    return RC_OK;
}

static enum rc_status
check_cell(const struct rc_catalog *definitions,
           const struct rc_segment *segment,
           struct rc_arena *arena,
           struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < segment->name_count; i++) {
        const struct rc_predicate named = {.kind = RC_PREDICATE_DEFINITION,
                                           .definition = segment->names[i].name};
        if (segment->names[i].kind == RC_CATALOG_DEFINITIONS)
            RC_TRY(check_predicate(definitions, &named, "cell", i, arena, reterr_error));
    }
    return RC_OK;
}

/* Resolves the definitions that a segment names, its saved segments aside. */
static enum rc_status
check_definitions(const struct rc_catalog *definitions,
                  const struct rc_segment *segment,
                  struct rc_arena *arena,
                  struct rc_error *reterr_error)
{
    if (segment->kind == RC_SEGMENT_USER)
        return check_predicate(definitions, segment->predicate, "user_property", 0, arena,
                               reterr_error);
    if (segment->kind == RC_SEGMENT_BEHAVIOUR)
        return check_behaviour(definitions, &segment->behaviour, arena, reterr_error);
    if (segment->kind == RC_SEGMENT_CELL)
        return check_cell(definitions, segment, arena, reterr_error);
    for (uint32_t i = 0; i < segment->child_count; i++) {
        const enum rc_status status =
            check_definitions(definitions, segment->children[i], arena, reterr_error);
        if (status != RC_OK)
            rc_segment_place_child(segment, i, reterr_error);
        RC_TRY(status);
    }
    return RC_OK;
}

enum rc_status
rc_segments_check(const struct rc_named_catalogs *catalogs,
                  const struct rc_catalog_entry *entry,
                  const struct rc_segment *segment,
                  struct rc_arena *arena,
                  struct rc_error *reterr_error)
{
    /* With the entry put, a way back to it is a cycle like any other. What it was is a version. */
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *with = NULL;
    struct rc_catalog_entry was;
    struct rc_catalog_entry next = *entry;
    next.version = rc_catalog_find(catalogs->segments, entry->name, &was) ? was.version + 1 : 1;
    RC_TRY_OR(reterr_error, rc_catalog_put(catalogs->segments, &next, &with));
    const struct rc_segment saved = {.kind = RC_SEGMENT_SAVED, .name = entry->name};
    const struct rc_segment *resolved = NULL;
    RC_TRY(rc_segment_resolve(with, segment, arena, NULL, &resolved, reterr_error));
    RC_TRY(check_definitions(catalogs->definitions, segment, arena, reterr_error));
    /* What of it is asked for by its name is all of it; places in that are none in the rule. */
    enum rc_status status = rc_segment_resolve(with, &saved, arena, NULL, &resolved, reterr_error);
    if (status == RC_OK)
        status = check_definitions(catalogs->definitions, resolved, arena, reterr_error);
    if (status != RC_OK && reterr_error != NULL)
        reterr_error->field[0] = '\0';
    return status;
}

/* ---- Those that lead to one ------------------------------------------------------------------ */

struct rule_size {
    uint32_t depth;
    uint32_t nodes;
    bool has_cells; /* Of which it is not known how many they lead to. */
};

static struct rule_size
size_of(const struct rc_segment *resolved)
{
    struct rule_size size = {.nodes = 1, .has_cells = resolved->kind == RC_SEGMENT_CELL};
    for (uint32_t i = 0; i < resolved->child_count; i++) {
        const struct rule_size child = size_of(resolved->children[i]);
        size.depth = child.depth > size.depth ? child.depth : size.depth;
        size.nodes += child.nodes;
        size.has_cells |= child.has_cells;
    }
    size.depth++;
    return size;
}

enum rc_status
rc_segment_has_grown(const struct rc_catalog *before,
                     const struct rc_catalog *after,
                     struct rc_bytes name,
                     bool *ret_grown)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_segment saved = {.kind = RC_SEGMENT_SAVED, .name = name};
    const struct rc_segment *was;
    const struct rc_segment *is;
    if (arena == NULL)
        return RC_NO_MEMORY;
    const enum rc_status status = rc_segment_resolve(before, &saved, arena, NULL, &was, NULL);
    if (status == RC_NO_MEMORY)
        return status;
    RC_TRY(rc_segment_resolve(after, &saved, arena, NULL, &is, NULL));
    const struct rule_size now = size_of(is);
    *ret_grown = status != RC_OK || now.has_cells || now.depth > size_of(was).depth ||
                 now.nodes > size_of(was).nodes;
    return RC_OK;
}

/* Resolves all that a segment of a catalog leads to. */
static enum rc_status
resolve_whole(const struct rc_named_catalogs *catalogs,
              struct rc_bytes name,
              struct rc_arena *arena)
{
    const struct rc_segment saved = {.kind = RC_SEGMENT_SAVED, .name = name};
    const struct rc_segment *resolved;
    RC_TRY(rc_segment_resolve(catalogs->segments, &saved, arena, NULL, &resolved, NULL));
    return check_definitions(catalogs->definitions, resolved, arena, NULL);
}

enum rc_status
rc_segments_check_users(const struct rc_named_catalogs *before,
                        const struct rc_named_catalogs *after,
                        struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a segment");
    for (uint32_t i = 0; i < rc_catalog_count(after->segments); i++) {
        const struct rc_catalog_entry entry = rc_catalog_at(after->segments, i);
        rc_arena_reset(arena);
        if (rc_segment_is_list(entry.payload) ||
            resolve_whole(after, entry.name, arena) != RC_LIMIT_EXCEEDED ||
            resolve_whole(before, entry.name, arena) != RC_OK)
            continue;
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "",
                              "the segment \"%.*s\" leads to it and would be more than %u deep or "
                              "have more than %u nodes, or a selector of it more than %u or %u, or "
                              "cells would be in each other more than %u deep",
                              (int)entry.name.size, entry.name.data, RC_SEGMENT_DEPTH_MAX,
                              RC_PREDICATE_NODES_MAX, RC_PREDICATE_DEPTH_MAX,
                              RC_PREDICATE_NODES_MAX, RC_CELLS_DEEP_MAX);
    }
    return RC_OK;
}

/* ---- Who uses what --------------------------------------------------------------------------- */

/* What is looked for in the entries of a catalog. */
struct search {
    struct rc_bytes name;
    bool of_segment;
    struct rc_arena *scratch; /* Of one entry. */
    struct rc_error *error;
};

/* Sets *ret_uses. */
typedef enum rc_status
uses_fn(const struct search *search, const struct rc_catalog_entry *entry, bool *ret_uses);

/* The first entry that uses what is looked for. Only those that have the bytes of the name
 * somewhere are read, so that looking through thousands that have nothing to do with it takes
 * little. */
static enum rc_status
find_user(const struct rc_catalog *catalog,
          const struct search *asked,
          uses_fn *uses,
          struct rc_bytes *ret_user)
{
    struct search search = *asked;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(NULL, 0);
    search.scratch = scratch;
    if (scratch == NULL)
        return rc_error_set(asked->error, RC_NO_MEMORY, "no memory to look for references");
    for (uint32_t i = 0; i < rc_catalog_count(catalog); i++) {
        const struct rc_catalog_entry entry = rc_catalog_at(catalog, i);
        bool found = false;
        if (rc_bytes_find(entry.payload, search.name) == NULL)
            continue;
        rc_arena_reset(scratch);
        RC_TRY(uses(&search, &entry, &found));
        if (found) {
            *ret_user = entry.name;
            return RC_OK;
        }
    }
    return RC_OK;
}

struct rc_bytes
rc_definitions_find_user(const struct rc_catalog *definitions, struct rc_bytes name)
{
    const uint32_t count = rc_catalog_marked(definitions, RC_DEFINITION_NAMES);
    for (uint32_t k = 0, i = 0; k < count; k++, i++) {
        i = rc_catalog_next_marked(definitions, RC_DEFINITION_NAMES, i);
        const struct rc_catalog_entry entry = rc_catalog_at(definitions, i);
        if (rc_definition_names(entry.payload, name))
            return entry.name;
    }
    return (struct rc_bytes){NULL, 0};
}

static enum rc_status
segment_uses(const struct search *search, const struct rc_catalog_entry *entry, bool *ret_uses)
{
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    const struct rc_segment *segment = NULL;
    if (search->of_segment && rc_bytes_equal(entry->name, search->name))
        return RC_OK; /* It may name a version of its own. */
    RC_TRY(rc_segment_read(&reader, search->scratch, &segment, search->error));
    *ret_uses = segment_names(segment, search->of_segment, search->name);
    return RC_OK;
}

enum rc_status
rc_segments_find_user(const struct rc_catalog *segments,
                      bool of_segment,
                      struct rc_bytes name,
                      struct rc_bytes *ret_user,
                      struct rc_error *reterr_error)
{
    const struct search search = {.name = name, .of_segment = of_segment, .error = reterr_error};
    *ret_user = (struct rc_bytes){NULL, 0};
    return find_user(segments, &search, segment_uses, ret_user);
}

static bool
segment_reads(const struct rc_segment *segment, struct rc_bytes name)
{
    if (segment->kind == RC_SEGMENT_USER)
        return rc_predicate_reads_property(segment->predicate, name);
    if (segment->kind == RC_SEGMENT_CELL)
        return cell_names(segment, RC_CATALOG_PROPERTIES, name);
    const struct rc_behaviour *behaviour = &segment->behaviour;
    if (segment->kind == RC_SEGMENT_BEHAVIOUR) {
        for (uint32_t i = 0; i < rc_behaviour_selector_count(behaviour); i++)
            if (rc_predicate_reads_property(rc_behaviour_selector(behaviour, i), name))
                return true;
        return behaviour->measure == RC_BEHAVIOUR_SUM && rc_bytes_equal(behaviour->property, name);
    }
    for (uint32_t i = 0; i < segment->child_count; i++)
        if (segment_reads(segment->children[i], name))
            return true;
    return false;
}

static enum rc_status
segment_reads_property(const struct search *search,
                       const struct rc_catalog_entry *entry,
                       bool *ret_uses)
{
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    const struct rc_segment *segment = NULL;
    RC_TRY(rc_segment_read(&reader, search->scratch, &segment, search->error));
    *ret_uses = segment_reads(segment, search->name);
    return RC_OK;
}

static enum rc_status
definition_reads_property(const struct search *search,
                          const struct rc_catalog_entry *entry,
                          bool *ret_uses)
{
    struct rc_definition definition;
    RC_TRY(rc_definition_read(entry->payload, search->scratch, &definition, search->error));
    *ret_uses = rc_predicate_reads_property(definition.predicate, search->name);
    return RC_OK;
}

/* Whether a derived property comes from a property; not the one that hides it. */
static enum rc_status
derived_reads_property(const struct search *search,
                       const struct rc_catalog_entry *entry,
                       bool *ret_uses)
{
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    const struct rc_derivation *derivation;
    RC_TRY(rc_derivation_read(&reader, search->scratch, &derivation, search->error));
    *ret_uses = rc_derivation_reads_property(derivation, search->name) &&
                !rc_bytes_equal(entry->name, search->name);
    return RC_OK;
}

enum rc_status
rc_derived_find_user(const struct rc_catalog *derived,
                     const struct rc_named_catalogs *catalogs,
                     struct rc_bytes name,
                     enum rc_catalog_kind *ret_kind,
                     struct rc_bytes *ret_user,
                     struct rc_error *reterr_error)
{
    const struct {
        enum rc_catalog_kind kind;
        const struct rc_catalog *catalog;
        uses_fn *uses;
    } places[] = {
        {RC_CATALOG_PROPERTIES, derived, derived_reads_property},
        {RC_CATALOG_DEFINITIONS, catalogs->definitions, definition_reads_property},
        {RC_CATALOG_SEGMENTS, catalogs->segments, segment_reads_property},
    };
    const struct search search = {.name = name, .error = reterr_error};
    *ret_user = (struct rc_bytes){NULL, 0};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && ret_user->size == 0; i++) {
        *ret_kind = places[i].kind;
        RC_TRY(find_user(places[i].catalog, &search, places[i].uses, ret_user));
    }
    return RC_OK;
}
