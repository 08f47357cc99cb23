/*
 * Naming. The names on the way form a chain of frames on the stack, which is short (depth_max), so
 * looking for one is a walk along it.
 */
#include "engine/match/predicate/naming.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/hash.h"

#define SHOWN_BYTES 100

static int
shown(struct rc_bytes name)
{
    return (int)(name.size < SHOWN_BYTES ? name.size : SHOWN_BYTES);
}

/* Where an entry stands, or would. One version is told from another, which has its name too, by
 * where its texts lie. */
static uint32_t *
place_of(const struct rc_name_uses *uses, const struct rc_catalog_entry *entry)
{
    const uint32_t last = uses->capacity * 2 - 1;
    uint32_t at = (uint32_t)rc_hash_u64((uintptr_t)entry->name.data) & last;
    while (uses->places[at] != 0 &&
           uses->entries[uses->places[at] - 1].name.data != entry->name.data)
        at = (at + 1) & last;
    return &uses->places[at];
}

static enum rc_status
grow(struct rc_name_uses *uses)
{
    struct rc_name_uses grown = *uses;
    grown.capacity = uses->capacity == 0 ? 8 : uses->capacity * 2;
    grown.entries = RC_ARENA_ARRAY(uses->arena, struct rc_catalog_entry, grown.capacity);
    grown.places = rc_arena_zero(uses->arena, (size_t)grown.capacity * 2 * sizeof(uint32_t));
    if (grown.entries == NULL || grown.places == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < uses->count; i++) {
        grown.entries[i] = uses->entries[i];
        *place_of(&grown, &uses->entries[i]) = i + 1;
    }
    *uses = grown;
    return RC_OK;
}

enum rc_status
rc_name_uses_add(struct rc_name_uses *uses, const struct rc_catalog_entry *entry)
{
    if (uses == NULL)
        return RC_OK;
    if (uses->count == uses->capacity)
        RC_TRY(grow(uses));
    uint32_t *place = place_of(uses, entry);
    if (*place != 0)
        return RC_OK;
    uses->entries[uses->count++] = *entry;
    *place = uses->count;
    return RC_OK;
}

enum rc_status
rc_naming_count(struct rc_naming *naming, uint32_t depth)
{
    const struct rc_naming_kind *kind = naming->kind;
    if (depth > kind->depth_max)
        return rc_error_field(naming->reterr_error, RC_LIMIT_EXCEEDED, "",
                              "%s is more than %u deep", kind->whole, kind->depth_max);
    if (++naming->node_count > kind->nodes_max)
        return rc_error_field(naming->reterr_error, RC_LIMIT_EXCEEDED, "",
                              "%s has more than %u nodes", kind->whole, kind->nodes_max);
    return RC_OK;
}

/* Writes "a -> b -> ", from the frame of name to the innermost. */
static void
print_way(const struct rc_name_frame *frame, struct rc_bytes name, char *text, size_t size)
{
    if (!rc_bytes_equal(frame->name, name))
        print_way(frame->outer, name, text, size);
    const size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "%.*s -> ", shown(frame->name), frame->name.data);
}

enum rc_status
rc_naming_check_circle(const struct rc_naming *naming,
                       const struct rc_name_frame *outer,
                       struct rc_bytes name)
{
    const struct rc_name_frame *at = outer;
    while (at != NULL && !rc_bytes_equal(at->name, name))
        at = at->outer;
    if (at == NULL)
        return RC_OK;
    char text[256] = "";
    print_way(outer, name, text, sizeof(text));
    return rc_error_field(naming->reterr_error, RC_INVALID, naming->kind->field,
                          "%s in a circle: %s%.*s", naming->kind->names, text, shown(name),
                          name.data);
}

static enum rc_status
fail_missing(const struct rc_naming *naming,
             const struct rc_name_frame *outer,
             struct rc_bytes name)
{
    const struct rc_naming_kind *kind = naming->kind;
    if (outer == NULL)
        (void)rc_error_field(naming->reterr_error, RC_NOT_FOUND, kind->field,
                             "there is no %s \"%.*s\"", kind->noun, shown(name), name.data);
    else
        (void)rc_error_field(naming->reterr_error, RC_NOT_FOUND, kind->field,
                             "there is no %s \"%.*s\", which \"%.*s\" names", kind->noun,
                             shown(name), name.data, shown(outer->name), outer->name.data);
    rc_error_missing(naming->reterr_error, kind->noun, name.data, name.size);
    return RC_NOT_FOUND;
}

enum rc_status
rc_naming_find(const struct rc_naming *naming,
               const struct rc_name_frame *outer,
               struct rc_bytes name,
               struct rc_catalog_entry *ret_entry)
{
    const struct rc_naming_kind *kind = naming->kind;
    uint32_t names = 0;
    RC_TRY(rc_naming_check_circle(naming, outer, name));
    for (const struct rc_name_frame *at = outer; at != NULL; at = at->outer)
        names++;
    if (names > kind->depth_max)
        return rc_error_field(naming->reterr_error, RC_LIMIT_EXCEEDED, kind->field,
                              "more than %u %ss name one another", kind->depth_max, kind->noun);
    if (naming->catalog == NULL || !rc_catalog_find(naming->catalog, name, ret_entry))
        return fail_missing(naming, outer, name);
    RC_TRY_OR(naming->reterr_error, rc_name_uses_add(naming->uses, ret_entry));
    return RC_OK;
}

void
rc_naming_place(const struct rc_naming *naming,
                const struct rc_name_frame *frame,
                const char *word,
                bool is_list,
                uint32_t child)
{
    if (frame != naming->top)
        return;
    if (is_list)
        rc_error_prefix(naming->reterr_error, "%s[%u]", word, child);
    else
        rc_error_prefix(naming->reterr_error, "%s", word);
}

enum rc_status
rc_naming_place_name(const struct rc_naming *naming, enum rc_status status)
{
    struct rc_error *error = naming->reterr_error;
    if (status == RC_LIMIT_EXCEEDED && error != NULL && error->field[0] == '\0')
        rc_error_prefix(error, "%s", naming->kind->field);
    return status;
}

enum rc_status
rc_naming_no_memory(const struct rc_naming *naming)
{
    return rc_error_set(naming->reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
}
