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
    /* With the entry put, a way back to it is a cycle like any other. */
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *with = NULL;
    RC_TRY_OR(reterr_error, rc_catalog_put(segments, entry, &with));
    const struct rc_segment saved = {.kind = RC_SEGMENT_SAVED, .name = entry->name};
    const struct rc_segment *resolved = NULL;
    RC_TRY(rc_segment_resolve(with, segment, arena, NULL, &resolved, reterr_error));
    RC_TRY(rc_segment_resolve(with, &saved, arena, NULL, &resolved, reterr_error));
    return check_definitions(definitions, resolved, arena, reterr_error);
}

enum rc_status
rc_definitions_find_user(const struct rc_catalog *definitions,
                         struct rc_bytes name,
                         struct rc_arena *arena,
                         const struct rc_catalog_entry **ret_user,
                         struct rc_error *reterr_error)
{
    *ret_user = NULL;
    for (uint32_t i = 0; i < rc_catalog_count(definitions); i++) {
        const struct rc_catalog_entry *entry = rc_catalog_at(definitions, i);
        struct rc_definition definition;
        RC_TRY(rc_definition_read(entry->payload, arena, &definition, reterr_error));
        if (predicate_names(definition.predicate, name)) {
            *ret_user = entry;
            return RC_OK;
        }
    }
    return RC_OK;
}

enum rc_status
rc_segments_find_user(const struct rc_catalog *segments,
                      bool of_segment,
                      struct rc_bytes name,
                      struct rc_arena *arena,
                      const struct rc_catalog_entry **ret_user,
                      struct rc_error *reterr_error)
{
    *ret_user = NULL;
    for (uint32_t i = 0; i < rc_catalog_count(segments); i++) {
        const struct rc_catalog_entry *entry = rc_catalog_at(segments, i);
        struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
        const struct rc_segment *segment = NULL;
        RC_TRY(rc_segment_read(&reader, arena, &segment, reterr_error));
        if (segment_names(segment, of_segment, name)) {
            *ret_user = entry;
            return RC_OK;
        }
    }
    return RC_OK;
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

/* The first derived property that comes from a property, other than the one that hides it. */
static enum rc_status
find_derived_user(const struct rc_catalog *derived,
                  struct rc_bytes name,
                  struct rc_arena *arena,
                  const struct rc_catalog_entry **ret_user,
                  struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < rc_catalog_count(derived); i++) {
        const struct rc_catalog_entry *entry = rc_catalog_at(derived, i);
        struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
        const struct rc_derivation *derivation;
        RC_TRY(rc_derivation_read(&reader, arena, &derivation, reterr_error));
        if (rc_derivation_reads_property(derivation, name) && !rc_bytes_equal(entry->name, name)) {
            *ret_user = entry;
            return RC_OK;
        }
    }
    return RC_OK;
}

enum rc_status
rc_derived_find_user(const struct rc_catalog *derived,
                     const struct rc_catalog *definitions,
                     const struct rc_catalog *segments,
                     struct rc_bytes name,
                     struct rc_arena *arena,
                     const struct rc_catalog_entry **ret_user,
                     struct rc_error *reterr_error)
{
    *ret_user = NULL;
    RC_TRY(find_derived_user(derived, name, arena, ret_user, reterr_error));
    for (uint32_t i = 0; *ret_user == NULL && i < rc_catalog_count(definitions); i++) {
        struct rc_definition definition;
        const struct rc_catalog_entry *entry = rc_catalog_at(definitions, i);
        RC_TRY(rc_definition_read(entry->payload, arena, &definition, reterr_error));
        if (rc_predicate_reads_property(definition.predicate, name))
            *ret_user = entry;
    }
    for (uint32_t i = 0; *ret_user == NULL && i < rc_catalog_count(segments); i++) {
        const struct rc_catalog_entry *entry = rc_catalog_at(segments, i);
        struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
        const struct rc_segment *segment = NULL;
        RC_TRY(rc_segment_read(&reader, arena, &segment, reterr_error));
        if (segment_reads(segment, name))
            *ret_user = entry;
    }
    return RC_OK;
}
