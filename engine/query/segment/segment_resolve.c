/* Saved segments put in the place of their names: see match/predicate/naming.h. A saved segment is
 * a level of its own. */
#include <inttypes.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/match/predicate/naming.h"
#include "engine/query/segment/segment_persons.h"

static const struct rc_naming_kind naming_kind = {
    .noun = "segment",
    .field = "segment",
    .whole = "the segment with its saved segments",
    .names = "segments name each other",
    .depth_max = RC_SEGMENT_DEPTH_MAX,
    .nodes_max = RC_PREDICATE_NODES_MAX,
};

static enum rc_status
resolve(struct rc_naming *naming,
        const struct rc_name_frame *frame,
        const struct rc_segment *segment,
        uint32_t depth,
        const struct rc_segment **ret_segment);

/* A version is no part of the entry that a way back to itself leads through: a segment may name an
 * older one of its own. It is followed under the name "name@version", which no entry has. */
static enum rc_status
find_version(const struct rc_naming *naming,
             const struct rc_name_frame *outer,
             struct rc_bytes name,
             uint64_t version,
             struct rc_bytes *ret_followed,
             struct rc_catalog_entry *ret_entry)
{
    char text[RC_NAME_BYTES_MAX + 24];
    const int size =
        snprintf(text, sizeof(text), "%.*s@%" PRIu64, (int)name.size, name.data, version);
    const char *followed = rc_arena_string(naming->arena, text, (size_t)size);
    if (followed == NULL)
        return rc_naming_no_memory(naming);
    *ret_followed = rc_bytes_of(followed);
    RC_TRY(rc_naming_check_circle(naming, outer, *ret_followed));
    const struct rc_catalog *catalog = naming->catalog;
    if (catalog == NULL || !rc_catalog_find(catalog, name, NULL))
        return rc_naming_find(naming, outer, name, ret_entry); /* Tells that there is none. */
    if (!rc_catalog_find_version(catalog, name, version, ret_entry))
        return rc_error_field(naming->reterr_error, RC_NOT_FOUND, "segment_version",
                              "version %" PRIu64 " of \"%.*s\" is not kept", version,
                              (int)name.size, name.data);
    RC_TRY_OR(naming->reterr_error, rc_name_uses_add(naming->uses, ret_entry));
    return RC_OK;
}

/* version 0: the current one. */
static enum rc_status
resolve_saved(struct rc_naming *naming,
              const struct rc_name_frame *outer,
              struct rc_bytes name,
              uint64_t version,
              uint32_t depth,
              const struct rc_segment **ret_segment)
{
    struct rc_catalog_entry entry;
    const struct rc_segment *saved;
    struct rc_name_frame frame = {.outer = outer, .name = name};
    if (version == 0)
        RC_TRY(rc_naming_find(naming, outer, name, &entry));
    else
        RC_TRY(find_version(naming, outer, name, version, &frame.name, &entry));
    struct rc_reader reader = rc_reader_of(entry.payload.data, entry.payload.size);
    RC_TRY(rc_segment_read(&reader, naming->arena, &saved, naming->reterr_error));
    return rc_naming_place_name(naming, resolve(naming, &frame, saved, depth + 1, ret_segment));
}

static enum rc_status
resolve_children(struct rc_naming *naming,
                 const struct rc_name_frame *frame,
                 const struct rc_segment *segment,
                 uint32_t depth,
                 const struct rc_segment **ret_segment)
{
    static const char *const words[] = {
        [RC_SEGMENT_ALL_OF] = "all_of",
        [RC_SEGMENT_ANY_OF] = "any_of",
        [RC_SEGMENT_NOT] = "negation",
    };
    struct rc_segment *copy = rc_arena_copy(naming->arena, segment, sizeof(*copy));
    const struct rc_segment **children =
        RC_ARENA_ARRAY(naming->arena, const struct rc_segment *, segment->child_count);
    if (copy == NULL || children == NULL)
        return rc_naming_no_memory(naming);
    for (uint32_t i = 0; i < segment->child_count; i++) {
        const enum rc_status status =
            resolve(naming, frame, segment->children[i], depth + 1, &children[i]);
        if (status != RC_OK)
            rc_naming_place(naming, frame, words[segment->kind], segment->kind != RC_SEGMENT_NOT,
                            i);
        RC_TRY(status);
    }
    copy->children = children;
    *ret_segment = copy;
    return RC_OK;
}

/* The question of a cell stays as it is, but the segments that it names must be there, may not lead
 * back, and may not bring cells that are too deep in each other. */
static enum rc_status
resolve_cell(struct rc_naming *naming,
             const struct rc_name_frame *frame,
             const struct rc_segment *segment,
             uint32_t depth)
{
    const struct rc_segment *named;
    if (++naming->cells_deep > RC_CELLS_DEEP_MAX)
        return rc_error_field(naming->reterr_error, RC_LIMIT_EXCEEDED, "",
                              "cells of saved segments are in each other more than %u deep",
                              RC_CELLS_DEEP_MAX);
    for (uint32_t i = 0; i < segment->name_count; i++) {
        if (segment->names[i].kind != RC_CATALOG_SEGMENTS)
            continue;
        const enum rc_status status =
            resolve_saved(naming, frame, segment->names[i].name, 0, depth, &named);
        if (status != RC_OK)
            rc_naming_place(naming, frame, "cell", false, 0);
        RC_TRY(status);
    }
    naming->cells_deep--;
    return RC_OK;
}

static enum rc_status
resolve(struct rc_naming *naming,
        const struct rc_name_frame *frame,
        const struct rc_segment *segment,
        uint32_t depth,
        const struct rc_segment **ret_segment)
{
    RC_TRY(rc_naming_count(naming, depth));
    switch (segment->kind) {
    case RC_SEGMENT_SAVED:
        return resolve_saved(naming, frame, segment->name, segment->version, depth, ret_segment);
    case RC_SEGMENT_ALL_OF:
    case RC_SEGMENT_ANY_OF:
    case RC_SEGMENT_NOT:
        return resolve_children(naming, frame, segment, depth, ret_segment);
    case RC_SEGMENT_CELL:
        RC_TRY(resolve_cell(naming, frame, segment, depth));
        *ret_segment = segment;
        return RC_OK;
    default:
        *ret_segment = segment;
        return RC_OK;
    }
}

enum rc_status
rc_segment_resolve(const struct rc_catalog *segments,
                   const struct rc_segment *segment,
                   struct rc_arena *arena,
                   struct rc_name_uses *uses,
                   const struct rc_segment **ret_segment,
                   struct rc_error *reterr_error)
{
    struct rc_naming naming = {.kind = &naming_kind,
                               .catalog = segments,
                               .arena = arena,
                               .uses = uses,
                               .reterr_error = reterr_error};
    return resolve(&naming, NULL, segment, 1, ret_segment);
}
