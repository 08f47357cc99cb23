/* Entries: see the header. */
#include "server/entries.h"

#include "engine/base/limits.h"
#include "server/decode.h"
#include "server/encode.h"
#include "server/token.h"

#define DISPLAY_NAME_BYTES_MAX 256u

static const char *
collection_of(enum rc_catalog_kind kind)
{
    if (kind == RC_CATALOG_PROPERTIES)
        return "derivedProperties";
    return kind == RC_CATALOG_DEFINITIONS ? "definitions" : "segments";
}

static const char *
noun_of(enum rc_catalog_kind kind)
{
    if (kind == RC_CATALOG_PROPERTIES)
        return "derived property";
    return kind == RC_CATALOG_DEFINITIONS ? "definition" : "segment";
}

void
rc_entry_resource(struct rc_request *request,
                  enum rc_catalog_kind kind,
                  struct rc_bytes project,
                  struct rc_bytes id)
{
    static const char *const types[] = {
        [RC_CATALOG_DEFINITIONS] = "recount.v1.Definition",
        [RC_CATALOG_SEGMENTS] = "recount.v1.Segment",
        [RC_CATALOG_PROPERTIES] = "recount.v1.DerivedProperty",
    };
    rc_request_resource(request, types[kind], "projects/%.*s/%s/%.*s", (int)project.size,
                        project.data, collection_of(kind), (int)id.size, id.data);
}

static enum rc_status
copy_text(struct rc_arena *arena, struct rc_bytes *text)
{
    text->data = rc_arena_string(arena, text->data, text->size);
    return text->data == NULL ? RC_NO_MEMORY : RC_OK;
}

static enum rc_status
copy_entry(struct rc_arena *arena,
           const struct rc_catalog_entry *entry,
           struct rc_catalog_entry *ret_entry)
{
    struct rc_catalog_entry copy = *entry;
    RC_TRY(copy_text(arena, &copy.name));
    RC_TRY(copy_text(arena, &copy.display_name));
    RC_TRY(copy_text(arena, &copy.description));
    RC_TRY(copy_text(arena, &copy.payload));
    *ret_entry = copy;
    return RC_OK;
}

static enum rc_status
open_catalog(struct rc_request *request,
             enum rc_catalog_kind kind,
             struct rc_bytes project,
             struct rc_catalog **ret_catalog)
{
    const enum rc_status status =
        rc_engine_catalog(request->server->engine, project, kind, ret_catalog, request->error);
    if (status == RC_NOT_FOUND)
        rc_request_resource(request, "recount.v1.Project", "projects/%.*s", (int)project.size,
                            project.data);
    return status;
}

enum rc_status
rc_entry_get(struct rc_request *request,
             enum rc_catalog_kind kind,
             struct rc_bytes project,
             struct rc_bytes id,
             struct rc_catalog_entry *ret_entry)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    RC_TRY(open_catalog(request, kind, project, &catalog));
    const struct rc_catalog_entry *entry = rc_catalog_find(catalog, id);
    if (entry == NULL) {
        rc_entry_resource(request, kind, project, id);
        return rc_error_field(request->error, RC_NOT_FOUND, "name", "there is no %s \"%.*s\"",
                              noun_of(kind), (int)id.size, id.data);
    }
    return copy_entry(request->arena, entry, ret_entry);
}

enum rc_status
rc_entry_list(struct rc_request *request,
              enum rc_catalog_kind kind,
              struct rc_bytes project,
              uint64_t binding,
              const char *token,
              uint32_t size,
              struct rc_entry_filter *filter,
              struct rc_catalog_entry **ret_entries,
              uint32_t *ret_count,
              char **ret_token)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    struct rc_bytes after;
    RC_TRY(rc_token_read(request->arena, binding, token, &after, request->error));
    RC_TRY(open_catalog(request, kind, project, &catalog));
    const uint32_t first = after.size == 0 ? 0 : rc_catalog_upper_bound(catalog, after);
    const uint32_t left = rc_catalog_count(catalog) - first;
    struct rc_catalog_entry *entries;
    uint32_t count = 0;
    bool more = false;
    RC_NEW_ARRAY(request->arena, entries, struct rc_catalog_entry, left < size ? left : size);
    for (uint32_t i = 0; i < left && !more; i++) {
        const struct rc_catalog_entry *entry = rc_catalog_at(catalog, first + i);
        bool passes = true;
        if (filter != NULL)
            RC_TRY(filter->passes(filter, entry, &passes));
        more = passes && count == size;
        if (passes && !more)
            RC_TRY(copy_entry(request->arena, entry, &entries[count++]));
    }
    if (more) {
        *ret_token = rc_token_write(request->arena, binding, entries[count - 1].name);
        if (*ret_token == NULL)
            return RC_NO_MEMORY;
    }
    *ret_entries = entries;
    *ret_count = count;
    return RC_OK;
}

/* Says what a failed change was about: the project if there is none, else the entry. */
static enum rc_status
name_failure(struct rc_request *request,
             enum rc_catalog_kind kind,
             struct rc_bytes project,
             struct rc_bytes id,
             enum rc_status status)
{
    if (status == RC_NOT_FOUND && strcmp(request->error->field, "project") == 0)
        rc_request_resource(request, "recount.v1.Project", "projects/%.*s", (int)project.size,
                            project.data);
    else if (status == RC_NOT_FOUND || status == RC_EXISTS || status == RC_CONFLICT)
        rc_entry_resource(request, kind, project, id);
    request->failure->in_use = status == RC_CONFLICT && strcmp(request->error->field, "etag") != 0;
    return status;
}

enum rc_status
rc_entry_put(struct rc_request *request,
             enum rc_catalog_kind kind,
             struct rc_bytes project,
             const struct rc_catalog_entry *entry,
             uint64_t version,
             struct rc_catalog_entry *ret_entry)
{
    const enum rc_status status =
        rc_engine_put_entry(request->server->engine, project, kind, entry, version, request->arena,
                            ret_entry, request->error);
    return status == RC_OK ? RC_OK : name_failure(request, kind, project, entry->name, status);
}

enum rc_status
rc_entry_delete(struct rc_request *request,
                enum rc_catalog_kind kind,
                struct rc_bytes project,
                struct rc_bytes id,
                const char *etag)
{
    uint64_t version = 0;
    RC_TRY(rc_request_etag(request, "etag", etag, UINT64_MAX, &version));
    const enum rc_status status =
        rc_engine_delete_entry(request->server->engine, project, kind, id, version, request->error);
    return status == RC_OK ? RC_OK : name_failure(request, kind, project, id, status);
}

enum rc_status
rc_entry_texts(struct rc_request *request,
               enum rc_catalog_kind kind,
               struct rc_bytes project,
               const struct rc_catalog_entry *entry,
               char **ret_name,
               char **ret_display_name,
               char **ret_description,
               char **ret_etag)
{
    struct rc_arena *arena = request->arena;
    RC_TRY(rc_encode_format(arena, ret_name, "projects/%.*s/%s/%.*s", (int)project.size,
                            project.data, collection_of(kind), (int)entry->name.size,
                            entry->name.data));
    RC_NEW_TEXT(arena, *ret_display_name,
                entry->display_name.size > 0 ? entry->display_name : entry->name);
    RC_NEW_TEXT(arena, *ret_description, entry->description);
    return rc_encode_format(arena, ret_etag, "%llu", (unsigned long long)entry->version);
}

enum rc_status
rc_entry_check_texts(struct rc_decode *decode, const char *display_name, const char *description)
{
    if (strlen(display_name) > DISPLAY_NAME_BYTES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "display_name",
                              "a display name has at most %u bytes", DISPLAY_NAME_BYTES_MAX);
    if (strlen(description) > RC_DESCRIPTION_BYTES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "description",
                              "a description has at most %u bytes", RC_DESCRIPTION_BYTES_MAX);
    return RC_OK;
}

bool
rc_mask_has(const Google__Protobuf__FieldMask *mask, const char *path, bool not_zero)
{
    if (mask == NULL || mask->n_paths == 0)
        return not_zero;
    for (size_t i = 0; i < mask->n_paths; i++)
        if (strcmp(mask->paths[i], path) == 0)
            return true;
    return false;
}

enum rc_status
rc_mask_check(struct rc_decode *decode,
              const Google__Protobuf__FieldMask *mask,
              const char *const *known)
{
    for (size_t i = 0; mask != NULL && i < mask->n_paths; i++) {
        const char *const *name = known;
        while (*name != NULL && strcmp(*name, mask->paths[i]) != 0)
            name++;
        if (*name == NULL)
            return rc_decode_fail(decode, RC_INVALID, "update_mask",
                                  "\"%.100s\" is no field that can be changed", mask->paths[i]);
    }
    return RC_OK;
}
