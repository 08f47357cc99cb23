/*
 * Saved segments put in the place of their names. Works as definitions do (match/definitions.c):
 * inner nodes are copied, the names on the way form a chain of frames, and one that comes up again
 * is a cycle.
 */
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/query/segment/segment_persons.h"

struct frame {
    const struct frame *outer;
    struct rc_bytes name;
};

struct resolver {
    const struct rc_catalog *segments;
    struct rc_arena *arena;
    struct rc_error *reterr_error;
    uint32_t node_count;
};

static enum rc_status
resolve(struct resolver *resolver,
        const struct frame *frame,
        const struct rc_segment *segment,
        uint32_t depth,
        const struct rc_segment **ret_segment);

static enum rc_status
cycle(const struct resolver *resolver, const struct frame *frame, struct rc_bytes name)
{
    const struct frame *path[RC_SEGMENT_DEPTH_MAX + 2];
    uint32_t count = 0;
    const uint32_t room = sizeof(path) / sizeof(path[0]);
    for (const struct frame *at = frame; at != NULL && count < room; at = at->outer) {
        path[count++] = at;
        if (rc_bytes_equal(at->name, name))
            break;
    }
    char text[256];
    size_t used = 0;
    while (count > 0 && used < sizeof(text)) {
        const struct rc_bytes part = path[--count]->name;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%.*s -> ", (int)part.size,
                                 part.data);
    }
    return rc_error_field(resolver->reterr_error, RC_INVALID, "segment",
                          "segments name each other in a circle: %s%.*s", text, (int)name.size,
                          name.data);
}

static enum rc_status
resolve_saved(struct resolver *resolver,
              const struct frame *outer,
              struct rc_bytes name,
              uint32_t depth,
              const struct rc_segment **ret_segment)
{
    for (const struct frame *at = outer; at != NULL; at = at->outer)
        if (rc_bytes_equal(at->name, name))
            return cycle(resolver, outer, name);
    const struct rc_catalog_entry *entry =
        resolver->segments == NULL ? NULL : rc_catalog_find(resolver->segments, name);
    if (entry == NULL)
        return rc_error_field(resolver->reterr_error, RC_NOT_FOUND, "segment",
                              "there is no segment \"%.*s\"", (int)name.size, name.data);
    const struct rc_segment *saved;
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    RC_TRY(rc_segment_read(&reader, resolver->arena, &saved, resolver->reterr_error));
    const struct frame frame = {.outer = outer, .name = name};
    return resolve(resolver, &frame, saved, depth + 1, ret_segment);
}

static enum rc_status
resolve(struct resolver *resolver,
        const struct frame *frame,
        const struct rc_segment *segment,
        uint32_t depth,
        const struct rc_segment **ret_segment)
{
    if (depth > RC_SEGMENT_DEPTH_MAX || ++resolver->node_count > RC_PREDICATE_NODES_MAX)
        return rc_error_field(resolver->reterr_error, RC_LIMIT_EXCEEDED, "",
                              "the segment with its saved segments is more than %u deep or has "
                              "more than %u nodes",
                              RC_SEGMENT_DEPTH_MAX, RC_PREDICATE_NODES_MAX);
    if (segment->kind == RC_SEGMENT_SAVED)
        return resolve_saved(resolver, frame, segment->name, depth, ret_segment);
    if (segment->kind == RC_SEGMENT_USER || segment->kind == RC_SEGMENT_BEHAVIOUR ||
        segment->kind == RC_SEGMENT_LIST || segment->kind == RC_SEGMENT_CELL) {
        *ret_segment = segment;
        return RC_OK;
    }
    struct rc_segment *copy = rc_arena_copy(resolver->arena, segment, sizeof(*copy));
    const struct rc_segment **children =
        RC_ARENA_ARRAY(resolver->arena, const struct rc_segment *, segment->child_count);
    if (copy == NULL || children == NULL)
        return rc_error_set(resolver->reterr_error, RC_NO_MEMORY, "no memory for a segment");
    for (uint32_t i = 0; i < segment->child_count; i++) {
        const enum rc_status status =
            resolve(resolver, frame, segment->children[i], depth + 1, &children[i]);
        if (status != RC_OK && frame == NULL) {
            if (segment->kind == RC_SEGMENT_NOT)
                rc_error_prefix(resolver->reterr_error, "not");
            else
                rc_error_prefix(resolver->reterr_error, "%s[%u]",
                                segment->kind == RC_SEGMENT_ALL_OF ? "all_of" : "any_of", i);
        }
        RC_TRY(status);
    }
    copy->children = children;
    *ret_segment = copy;
    return RC_OK;
}

enum rc_status
rc_segment_resolve(const struct rc_catalog *segments,
                   const struct rc_segment *segment,
                   struct rc_arena *arena,
                   const struct rc_segment **ret_segment,
                   struct rc_error *reterr_error)
{
    struct resolver resolver = {.segments = segments, .arena = arena, .reterr_error = reterr_error};
    return resolve(&resolver, NULL, segment, 1, ret_segment);
}
