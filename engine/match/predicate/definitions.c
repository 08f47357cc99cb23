/*
 * Definitions. Resolving copies the inner nodes of a tree and shares its leaves. A name is replaced
 * by its tree and is no level of its own; a chain of bare names is short all the same, because each
 * adds a frame and none may come twice.
 */
#include "engine/match/predicate/definitions.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/match/predicate/naming.h"

#define EAGER 0x80u
#define LABELS 0x81u

void
rc_definition_write(struct rc_writer *writer, const struct rc_definition *definition)
{
    if (definition->eager)
        rc_write_u8(writer, EAGER);
    if (definition->label_count > 0) {
        rc_write_u8(writer, LABELS);
        rc_write_u8(writer, (uint8_t)definition->label_count);
    }
    for (uint32_t i = 0; i < definition->label_count; i++) {
        rc_write_bytes(writer, definition->labels[i].key);
        rc_write_bytes(writer, definition->labels[i].value);
    }
    rc_predicate_write(writer, definition->predicate);
}

static bool
is_eager(struct rc_bytes payload)
{
    return payload.size > 0 && (unsigned char)payload.data[0] == EAGER;
}

/* What stands before the predicate. */
static enum rc_status
read_front(struct rc_reader *reader,
           struct rc_arena *arena,
           struct rc_definition *definition,
           struct rc_error *reterr_error)
{
    if (rc_reader_left(reader) > 0 && (unsigned char)*reader->at == EAGER)
        (void)rc_read_u8(reader);
    if (rc_reader_left(reader) == 0 || (unsigned char)*reader->at != LABELS)
        return RC_OK;
    (void)rc_read_u8(reader);
    definition->label_count = rc_read_u8(reader);
    struct rc_label *labels = RC_ARENA_ARRAY(arena, struct rc_label, definition->label_count + 1);
    if (labels == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for labels");
    for (uint32_t i = 0; i < definition->label_count; i++) {
        labels[i].key = rc_read_bytes(reader);
        labels[i].value = rc_read_bytes(reader);
        if (i > 0 && rc_bytes_compare(labels[i - 1].key, labels[i].key) >= 0)
            reader->bad = true;
    }
    if (reader->bad)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "the labels of a stored definition are broken");
    definition->labels = labels;
    return RC_OK;
}

enum rc_status
rc_definition_read_labels(struct rc_bytes payload,
                          struct rc_arena *arena,
                          const struct rc_label **ret_labels,
                          uint32_t *ret_count,
                          struct rc_error *reterr_error)
{
    struct rc_definition definition = {.labels = NULL};
    struct rc_reader reader = rc_reader_of(payload.data, payload.size);
    RC_TRY(read_front(&reader, arena, &definition, reterr_error));
    *ret_labels = definition.labels;
    *ret_count = definition.label_count;
    return RC_OK;
}

enum rc_status
rc_definition_read(struct rc_bytes payload,
                   struct rc_arena *arena,
                   struct rc_definition *ret_definition,
                   struct rc_error *reterr_error)
{
    struct rc_definition definition = {.eager = is_eager(payload)};
    struct rc_reader reader = rc_reader_of(payload.data, payload.size);
    RC_TRY(read_front(&reader, arena, &definition, reterr_error));
    RC_TRY(rc_predicate_read(&reader, arena, &definition.predicate, reterr_error));
    if (rc_reader_left(&reader) != 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "a stored definition is broken");
    *ret_definition = definition;
    return RC_OK;
}

struct rc_bytes
rc_definition_stored_predicate(struct rc_bytes payload)
{
    struct rc_reader reader = rc_reader_of(payload.data, payload.size);
    uint8_t labels = 0;
    if (is_eager(payload))
        (void)rc_read_u8(&reader);
    if (rc_reader_left(&reader) > 0 && *reader.at == LABELS) {
        (void)rc_read_u8(&reader);
        labels = rc_read_u8(&reader);
    }
    for (uint8_t i = 0; i < labels; i++) {
        (void)rc_read_bytes(&reader);
        (void)rc_read_bytes(&reader);
    }
    return (struct rc_bytes){(const char *)reader.at, rc_reader_left(&reader)};
}

/* The names in a payload's predicate. */
static struct rc_stored_names
stored_names(struct rc_bytes payload)
{
    const struct rc_bytes predicate = rc_definition_stored_predicate(payload);
    return (struct rc_stored_names){.reader = rc_reader_of(predicate.data, predicate.size),
                                    .nodes_left = 1};
}

uint8_t
rc_definition_marks(struct rc_bytes payload)
{
    struct rc_stored_names names = stored_names(payload);
    struct rc_bytes name;
    return (uint8_t)((is_eager(payload) ? 1u << RC_DEFINITION_EAGER : 0) |
                     (rc_predicate_next_name(&names, &name) ? 1u << RC_DEFINITION_NAMES : 0));
}

bool
rc_definition_names(struct rc_bytes payload, struct rc_bytes name)
{
    struct rc_stored_names names = stored_names(payload);
    struct rc_bytes found;
    while (rc_predicate_next_name(&names, &found))
        if (rc_bytes_equal(found, name))
            return true;
    return false;
}

/* ---- Resolving ------------------------------------------------------------------------------- */

static const struct rc_naming_kind naming_kind = {
    .noun = "definition",
    .field = "definition",
    .whole = "the predicate with its definitions",
    .names = "definitions name each other",
    .depth_max = RC_PREDICATE_DEPTH_MAX,
    .nodes_max = RC_PREDICATE_NODES_MAX,
};

static enum rc_status
resolve(struct rc_naming *naming,
        const struct rc_name_frame *frame,
        const struct rc_predicate *predicate,
        uint32_t depth,
        const struct rc_predicate **ret_predicate);

/* The tree that a name stands for. */
static enum rc_status
resolve_name(struct rc_naming *naming,
             const struct rc_name_frame *outer,
             struct rc_bytes name,
             uint32_t depth,
             const struct rc_predicate **ret_predicate)
{
    struct rc_catalog_entry entry;
    struct rc_definition named;
    RC_TRY(rc_naming_find(naming, outer, name, &entry));
    RC_TRY(rc_definition_read(entry.payload, naming->arena, &named, naming->reterr_error));
    const struct rc_name_frame frame = {.outer = outer, .name = name};
    return rc_naming_place_name(naming,
                                resolve(naming, &frame, named.predicate, depth, ret_predicate));
}

static enum rc_status
resolve_children(struct rc_naming *naming,
                 const struct rc_name_frame *frame,
                 const struct rc_predicate *predicate,
                 uint32_t depth,
                 const struct rc_predicate **ret_predicate)
{
    static const char *const words[] = {
        [RC_PREDICATE_ALL_OF] = "all_of",
        [RC_PREDICATE_ANY_OF] = "any_of",
        [RC_PREDICATE_NOT] = "negation",
        [RC_PREDICATE_FIRST] = "first",
    };
    struct rc_arena *arena = naming->arena;
    struct rc_predicate *copy = rc_arena_copy(arena, predicate, sizeof(*copy));
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(arena, const struct rc_predicate *, predicate->child_count);
    if (copy == NULL || children == NULL)
        return rc_naming_no_memory(naming);
    const bool is_list =
        predicate->kind == RC_PREDICATE_ALL_OF || predicate->kind == RC_PREDICATE_ANY_OF;
    for (uint32_t i = 0; i < predicate->child_count; i++) {
        const enum rc_status status =
            resolve(naming, frame, predicate->children[i], depth + 1, &children[i]);
        if (status != RC_OK && predicate->children[i]->place == NULL)
            rc_naming_place(naming, frame, words[predicate->kind], is_list, i);
        RC_TRY(status);
    }
    copy->children = children;
    *ret_predicate = copy;
    return RC_OK;
}

static enum rc_status
resolve_node(struct rc_naming *naming,
             const struct rc_name_frame *frame,
             const struct rc_predicate *predicate,
             uint32_t depth,
             const struct rc_predicate **ret_predicate)
{
    if (predicate->kind == RC_PREDICATE_DEFINITION)
        return resolve_name(naming, frame, predicate->definition, depth, ret_predicate);
    RC_TRY(rc_naming_count(naming, depth));
    switch (predicate->kind) {
    case RC_PREDICATE_ALL_OF:
    case RC_PREDICATE_ANY_OF:
    case RC_PREDICATE_NOT:
    case RC_PREDICATE_FIRST:
        return resolve_children(naming, frame, predicate, depth, ret_predicate);
    default:
        *ret_predicate = predicate;
        return RC_OK;
    }
}

/* The field of an error behind the place that a request has for the node. */
static void
place_in_request(struct rc_error *error, const struct rc_predicate *predicate)
{
    if (error == NULL)
        return;
    if (predicate->kind == RC_PREDICATE_DEFINITION)
        (void)snprintf(error->field, sizeof(error->field), predicate->place,
                       predicate->place_number);
    else if (predicate->place[0] != '\0')
        rc_error_prefix(error, predicate->place, predicate->place_number);
}

static enum rc_status
resolve(struct rc_naming *naming,
        const struct rc_name_frame *frame,
        const struct rc_predicate *predicate,
        uint32_t depth,
        const struct rc_predicate **ret_predicate)
{
    const enum rc_status status = resolve_node(naming, frame, predicate, depth, ret_predicate);
    if (status != RC_OK && predicate->place != NULL)
        place_in_request(naming->reterr_error, predicate);
    return status;
}

enum rc_status
rc_definitions_resolve(const struct rc_catalog *definitions,
                       const struct rc_predicate *predicate,
                       struct rc_arena *arena,
                       struct rc_name_uses *uses,
                       const struct rc_predicate **ret_predicate,
                       struct rc_error *reterr_error)
{
    struct rc_naming naming = {.kind = &naming_kind,
                               .catalog = definitions,
                               .arena = arena,
                               .uses = uses,
                               .reterr_error = reterr_error};
    return resolve(&naming, NULL, predicate, 1, ret_predicate);
}

enum rc_status
rc_definitions_resolve_name(const struct rc_catalog *definitions,
                            struct rc_bytes name,
                            struct rc_arena *arena,
                            struct rc_name_uses *uses,
                            const struct rc_predicate **ret_predicate,
                            struct rc_error *reterr_error)
{
    const struct rc_predicate named = {
        .kind = RC_PREDICATE_DEFINITION, .definition = name, .place = ""};
    return rc_definitions_resolve(definitions, &named, arena, uses, ret_predicate, reterr_error);
}

enum rc_status
rc_definitions_list_whole(const struct rc_catalog *definitions,
                          struct rc_arena *arena,
                          uint32_t **ret_indexes,
                          uint32_t *ret_count)
{
    const uint32_t all = rc_catalog_count(definitions);
    uint32_t *indexes = RC_ARENA_ARRAY(arena, uint32_t, (size_t)all + 1);
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(NULL, 0);
    uint32_t count = 0;
    if (indexes == NULL || scratch == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < all; i++) {
        const struct rc_catalog_entry entry = rc_catalog_at(definitions, i);
        const struct rc_predicate *resolved;
        enum rc_status status = RC_OK;
        rc_arena_reset(scratch);
        if ((entry.marks >> RC_DEFINITION_NAMES & 1) != 0)
            status = rc_definitions_resolve_name(definitions, entry.name, scratch, NULL, &resolved,
                                                 NULL);
        if (status == RC_NO_MEMORY)
            return status;
        if (status == RC_OK)
            indexes[count++] = i;
    }
    *ret_indexes = indexes;
    *ret_count = count;
    return RC_OK;
}

enum rc_status
rc_definitions_check(const struct rc_catalog *definitions,
                     struct rc_bytes name,
                     const struct rc_predicate *predicate,
                     struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a predicate");
    const struct rc_name_frame frame = {.name = name};
    struct rc_naming naming = {.kind = &naming_kind,
                               .catalog = definitions,
                               .arena = arena,
                               .reterr_error = reterr_error,
                               .top = &frame};
    const struct rc_predicate *resolved;
    return resolve(&naming, &frame, predicate, 1, &resolved);
}

/* ---- Those that lead to one ------------------------------------------------------------------ */

struct tree_size {
    uint32_t depth;
    uint32_t nodes;
};

static struct tree_size
size_of(const struct rc_predicate *resolved)
{
    struct tree_size size = {.nodes = 1};
    for (uint32_t i = 0; i < resolved->child_count; i++) {
        const struct tree_size child = size_of(resolved->children[i]);
        size.depth = child.depth > size.depth ? child.depth : size.depth;
        size.nodes += child.nodes;
    }
    size.depth++;
    return size;
}

enum rc_status
rc_definition_has_grown(const struct rc_catalog *before,
                        const struct rc_catalog *after,
                        struct rc_bytes name,
                        bool *ret_grown)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_predicate *was;
    const struct rc_predicate *is;
    if (arena == NULL)
        return RC_NO_MEMORY;
    const enum rc_status status =
        rc_definitions_resolve_name(before, name, arena, NULL, &was, NULL);
    if (status == RC_NO_MEMORY)
        return status;
    RC_TRY(rc_definitions_resolve_name(after, name, arena, NULL, &is, NULL));
    *ret_grown = status != RC_OK || size_of(is).depth > size_of(was).depth ||
                 size_of(is).nodes > size_of(was).nodes;
    return RC_OK;
}

enum rc_status
rc_definitions_check_users(const struct rc_catalog *before,
                           const struct rc_catalog *after,
                           struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const uint32_t count = rc_catalog_marked(after, RC_DEFINITION_NAMES);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a predicate");
    for (uint32_t k = 0, i = 0; k < count; k++, i++) {
        const struct rc_predicate *resolved;
        i = rc_catalog_next_marked(after, RC_DEFINITION_NAMES, i);
        const struct rc_bytes user = rc_catalog_at(after, i).name;
        rc_arena_reset(arena);
        if (rc_definitions_resolve_name(after, user, arena, NULL, &resolved, NULL) ==
                RC_LIMIT_EXCEEDED &&
            rc_definitions_resolve_name(before, user, arena, NULL, &resolved, NULL) == RC_OK)
            return rc_error_field(
                reterr_error, RC_LIMIT_EXCEEDED, "",
                "the definition \"%.*s\" leads to it and would be more than %u deep or have more "
                "than %u nodes",
                (int)user.size, user.data, RC_PREDICATE_DEPTH_MAX, RC_PREDICATE_NODES_MAX);
    }
    return RC_OK;
}
