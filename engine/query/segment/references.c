#include "engine/query/segment/references.h"

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

/* Resolves the definitions that a segment without SAVED nodes names. */
static enum rc_status
check_definitions(const struct rc_catalog *definitions,
                  const struct rc_segment *segment,
                  struct rc_arena *arena,
                  struct rc_error *reterr_error)
{
    const struct rc_predicate *predicate = NULL;
    if (segment->kind == RC_SEGMENT_USER)
        return rc_definitions_resolve(definitions, segment->predicate, arena, NULL, &predicate,
                                      reterr_error);
    for (uint32_t i = 0; segment->kind == RC_SEGMENT_CELL && i < segment->name_count; i++) {
        const struct rc_predicate named = {.kind = RC_PREDICATE_DEFINITION,
                                           .definition = segment->names[i].name};
        if (segment->names[i].kind == RC_CATALOG_DEFINITIONS)
            RC_TRY(
                rc_definitions_resolve(definitions, &named, arena, NULL, &predicate, reterr_error));
    }
    for (uint32_t i = 0; segment->kind == RC_SEGMENT_BEHAVIOUR &&
                         i < rc_behaviour_selector_count(&segment->behaviour);
         i++)
        RC_TRY(rc_definitions_resolve(definitions, rc_behaviour_selector(&segment->behaviour, i),
                                      arena, NULL, &predicate, reterr_error));
    for (uint32_t i = 0; i < segment->child_count; i++)
        RC_TRY(check_definitions(definitions, segment->children[i], arena, reterr_error));
    return RC_OK;
}

enum rc_status
rc_segments_check(const struct rc_catalog *definitions,
                  const struct rc_catalog *segments,
                  const struct rc_catalog_entry *entry,
                  const struct rc_segment *segment,
                  struct rc_arena *arena,
                  struct rc_error *reterr_error)
{
    /* With the entry put, a way back to it is a cycle like any other. What it was is a version. */
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *with = NULL;
    struct rc_catalog_entry was;
    struct rc_catalog_entry next = *entry;
    next.version = rc_catalog_find(segments, entry->name, &was) ? was.version + 1 : 1;
    RC_TRY_OR(reterr_error, rc_catalog_put(segments, &next, &with));
    const struct rc_segment saved = {.kind = RC_SEGMENT_SAVED, .name = entry->name};
    const struct rc_segment *resolved = NULL;
    RC_TRY(rc_segment_resolve(with, segment, arena, NULL, &resolved, reterr_error));
    RC_TRY(rc_segment_resolve(with, &saved, arena, NULL, &resolved, reterr_error));
    return check_definitions(definitions, resolved, arena, reterr_error);
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
                     const struct rc_catalog *definitions,
                     const struct rc_catalog *segments,
                     struct rc_bytes name,
                     struct rc_bytes *ret_user,
                     struct rc_error *reterr_error)
{
    const struct search search = {.name = name, .error = reterr_error};
    *ret_user = (struct rc_bytes){NULL, 0};
    RC_TRY(find_user(derived, &search, derived_reads_property, ret_user));
    if (ret_user->size == 0)
        RC_TRY(find_user(definitions, &search, definition_reads_property, ret_user));
    return ret_user->size == 0 ? find_user(segments, &search, segment_reads_property, ret_user)
                               : RC_OK;
}
