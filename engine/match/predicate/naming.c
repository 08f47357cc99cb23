/*
 * Naming. The names on the way form a chain of frames on the stack, which is short (depth_max), so
 * looking for one is a walk along it.
 */
#include "engine/match/predicate/naming.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES 100

static int
shown(struct rc_bytes name)
{
    return (int)(name.size < SHOWN_BYTES ? name.size : SHOWN_BYTES);
}

enum rc_status
rc_name_uses_add(struct rc_name_uses *uses, const struct rc_catalog_entry *entry)
{
    for (uint32_t i = 0; uses != NULL && i < uses->count; i++)
        if (uses->entries[i] == entry)
            return RC_OK;
    if (uses == NULL)
        return RC_OK;
    if (uses->count == uses->capacity) {
        const uint32_t capacity = uses->capacity * 2 + 8;
        const struct rc_catalog_entry **entries =
            RC_ARENA_ARRAY(uses->arena, const struct rc_catalog_entry *, capacity);
        if (entries == NULL)
            return RC_NO_MEMORY;
        if (uses->count > 0)
            memcpy(entries, uses->entries, uses->count * sizeof(*entries));
        uses->entries = entries;
        uses->capacity = capacity;
    }
    uses->entries[uses->count++] = entry;
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

enum rc_status
rc_naming_find(const struct rc_naming *naming,
               const struct rc_name_frame *outer,
               struct rc_bytes name,
               const struct rc_catalog_entry **ret_entry)
{
    const struct rc_naming_kind *kind = naming->kind;
    uint32_t names = 0;
    RC_TRY(rc_naming_check_circle(naming, outer, name));
    for (const struct rc_name_frame *at = outer; at != NULL; at = at->outer)
        names++;
    if (names > kind->depth_max)
        return rc_error_field(naming->reterr_error, RC_LIMIT_EXCEEDED, kind->field,
                              "more than %u %ss name one another", kind->depth_max, kind->noun);
    *ret_entry = naming->catalog == NULL ? NULL : rc_catalog_find(naming->catalog, name);
    if (*ret_entry == NULL)
        return rc_error_field(naming->reterr_error, RC_NOT_FOUND, kind->field,
                              "there is no %s \"%.*s\"", kind->noun, shown(name), name.data);
    RC_TRY_OR(naming->reterr_error, rc_name_uses_add(naming->uses, *ret_entry));
    return RC_OK;
}

void
rc_naming_place(const struct rc_naming *naming,
                const struct rc_name_frame *frame,
                const char *word,
                bool is_list,
                uint32_t child)
{
    if (frame != NULL)
        return;
    if (is_list)
        rc_error_prefix(naming->reterr_error, "%s[%u]", word, child);
    else
        rc_error_prefix(naming->reterr_error, "%s", word);
}

enum rc_status
rc_naming_no_memory(const struct rc_naming *naming)
{
    return rc_error_set(naming->reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
}
