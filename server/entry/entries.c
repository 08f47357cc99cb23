/*
 * Entries: see the header. Requests and replies are handled by the names of their fields, which the
 * contract keeps the same in every service: parent, the thing and its id with "_id" behind;
 * update_mask, etag, request_id, author.
 */
#include "server/entry/entries.h"

#include <stdio.h>

#include "engine/base/limits.h"
#include "server/decode/fields.h"
#include "server/encode/encode.h"
#include "server/entry/entries_form.h"

#define DISPLAY_NAME_BYTES_MAX 256u

void
rc_entry_resource(struct rc_request *request,
                  const struct rc_entry_kind *kind,
                  struct rc_bytes project,
                  struct rc_bytes id)
{
    rc_request_resource(request, kind->message->name, "projects/%.*s/%s/%.*s", (int)project.size,
                        project.data, kind->collection, (int)id.size, id.data);
}

/* ---- To messages ----------------------------------------------------------------------------- */

enum rc_status
rc_entry_encode(struct rc_request *request,
                const struct rc_entry_kind *kind,
                struct rc_bytes project,
                const struct rc_catalog_entry *entry,
                ProtobufCMessage **ret_message)
{
    struct rc_arena *arena = request->arena;
    ProtobufCMessage *out;
    RC_NEW(arena, out, *kind->message);
    RC_TRY(rc_encode_format(arena, rc_field(out, "name"), "projects/%.*s/%s/%.*s",
                            (int)project.size, project.data, kind->collection,
                            (int)entry->name.size, entry->name.data));
    RC_TRY(
        rc_encode_format(arena, rc_field(out, "etag"), "%llu", (unsigned long long)entry->version));
    RC_NEW_TEXT(arena, *(char **)rc_field(out, "display_name"),
                entry->display_name.size > 0 ? entry->display_name : entry->name);
    RC_NEW_TEXT(arena, *(char **)rc_field(out, "description"), entry->description);
    RC_NEW_TEXT(arena, *(char **)rc_field(out, "author"), entry->author);
    *(int64_t *)rc_field(out, "create_time_ms") = entry->created_ms;
    *(int64_t *)rc_field(out, "update_time_ms") = entry->updated_ms;
    *(uint64_t *)rc_field(out, "version") = entry->version;
    *ret_message = out;
    return kind->encode(request, project, entry->payload, out);
}

static enum rc_status
reply_with(struct rc_request *request,
           const struct rc_entry_kind *kind,
           struct rc_bytes project,
           const struct rc_catalog_entry *entry,
           ProtobufCMessage *out)
{
    return rc_entry_encode(request, kind, project, entry, rc_field(out, kind->field));
}

/* ---- Catalogs -------------------------------------------------------------------------------- */

static enum rc_status
copy_text(struct rc_arena *arena, struct rc_bytes *text)
{
    text->data = rc_arena_string(arena, text->data, text->size);
    return text->data == NULL ? RC_NO_MEMORY : RC_OK;
}

enum rc_status
rc_entry_copy(struct rc_arena *arena,
              const struct rc_catalog_entry *entry,
              struct rc_catalog_entry *ret_entry)
{
    struct rc_catalog_entry copy = *entry;
    RC_TRY(copy_text(arena, &copy.name));
    RC_TRY(copy_text(arena, &copy.display_name));
    RC_TRY(copy_text(arena, &copy.description));
    RC_TRY(copy_text(arena, &copy.payload));
    RC_TRY(copy_text(arena, &copy.author));
    *ret_entry = copy;
    return RC_OK;
}

enum rc_status
rc_entry_catalog(struct rc_request *request,
                 const struct rc_entry_kind *kind,
                 struct rc_bytes project,
                 struct rc_catalog **ret_catalog)
{
    return rc_request_no_project(request, project,
                                 rc_engine_catalog(request->server->engine, project, kind->catalog,
                                                   ret_catalog, request->error));
}

enum rc_status
rc_entry_is_missing(struct rc_request *request,
                    const struct rc_entry_kind *kind,
                    struct rc_bytes project,
                    struct rc_bytes id)
{
    rc_entry_resource(request, kind, project, id);
    return rc_error_field(request->error, RC_NOT_FOUND, "name", "there is no %s \"%.*s\"",
                          kind->noun, (int)id.size, id.data);
}

/* The entry as it is (version 0) or was. */
static enum rc_status
find_entry(struct rc_request *request,
           const struct rc_entry_kind *kind,
           struct rc_bytes project,
           struct rc_bytes id,
           uint64_t version,
           struct rc_catalog_entry *ret_entry)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    RC_TRY(rc_entry_catalog(request, kind, project, &catalog));
    struct rc_catalog_entry entry;
    if (!rc_catalog_find(catalog, id, &entry))
        return rc_entry_is_missing(request, kind, project, id);
    if (version == 0 || rc_catalog_find_version(catalog, id, version, &entry))
        return rc_entry_copy(request->arena, &entry, ret_entry);
    rc_entry_resource(request, kind, project, id);
    return rc_error_field(request->error, RC_NOT_FOUND, "version",
                          "version %llu of \"%.*s\" is not kept", (unsigned long long)version,
                          (int)id.size, id.data);
}

enum rc_status
rc_entry_failure(struct rc_request *request,
                 const struct rc_entry_kind *kind,
                 struct rc_bytes project,
                 struct rc_bytes id,
                 enum rc_status status)
{
    if (status == RC_NOT_FOUND && strcmp(request->error->field, "project") == 0)
        return rc_request_no_project(request, project, status);
    if (status == RC_NOT_FOUND || status == RC_EXISTS || status == RC_CONFLICT)
        rc_entry_resource(request, kind, project, id);
    request->failure->in_use = status == RC_CONFLICT && strcmp(request->error->field, "etag") != 0;
    return status;
}

/* If what a change names is not there: says so of the first name, at its place in the request. */
static enum rc_status
name_missing(struct rc_request *request, const struct rc_decode *decode)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *definitions = NULL;
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *segments = NULL;
    struct rc_engine *engine = request->server->engine;
    RC_TRY(rc_engine_catalog(engine, decode->project, RC_CATALOG_DEFINITIONS, &definitions, NULL));
    RC_TRY(rc_engine_catalog(engine, decode->project, RC_CATALOG_SEGMENTS, &segments, NULL));
    return rc_request_check_names(request, decode, definitions, segments);
}

enum rc_status
rc_entry_put_failure(struct rc_request *request,
                     const struct rc_entry_kind *kind,
                     const struct rc_decode *decode,
                     struct rc_bytes id,
                     uint64_t version,
                     enum rc_status status)
{
    const char *field = request->error->field;
    const bool of_id = version == 0 && strcmp(field, "name") == 0;
    const bool of_name = strcmp(field, "name") == 0;
    char id_field[64];
    if (field[0] == '\0' || strcmp(field, "project") == 0 || strcmp(field, "author") == 0 ||
        strcmp(field, "request_id") == 0)
        return rc_entry_failure(request, kind, decode->project, id, status);
    (void)rc_entry_failure(request, kind, decode->project, id, status);
    (void)snprintf(id_field, sizeof(id_field), "%s_id", kind->field);
    if (of_id)
        return rc_error_rename(request->error, status, "name", id_field);
    rc_error_prefix(request->error, "%s", kind->field);
    if (status == RC_NOT_FOUND && !of_name && name_missing(request, decode) != RC_OK)
        return RC_NOT_FOUND;
    return status;
}

static enum rc_status
put_entry(struct rc_request *request,
          const struct rc_entry_kind *kind,
          const struct rc_decode *decode,
          const struct rc_catalog_entry *entry,
          uint64_t version,
          const struct rc_asked *asked,
          ProtobufCMessage *out)
{
    struct rc_catalog_entry stored;
    const enum rc_status status =
        rc_engine_put_entry(request->server->engine, decode->project, kind->catalog, entry, version,
                            asked, request->arena, &stored, request->error);
    if (status != RC_OK)
        return rc_entry_put_failure(request, kind, decode, entry->name, version, status);
    return reply_with(request, kind, decode->project, &stored, out);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

bool
rc_entry_changes(const struct rc_entry_change *change, const char *path, bool not_zero)
{
    const Google__Protobuf__FieldMask *mask = change->mask;
    if (mask == NULL || mask->n_paths == 0)
        return not_zero;
    for (size_t i = 0; i < mask->n_paths; i++)
        if (strcmp(mask->paths[i], path) == 0)
            return true;
    return false;
}

static enum rc_status
check_mask(struct rc_decode *decode,
           const struct rc_entry_kind *kind,
           const Google__Protobuf__FieldMask *mask)
{
    for (size_t i = 0; mask != NULL && i < mask->n_paths; i++) {
        const char *const *path = kind->paths;
        while (*path != NULL && strcmp(*path, mask->paths[i]) != 0)
            path++;
        if (*path == NULL)
            return rc_decode_fail(decode, RC_INVALID, "update_mask",
                                  "\"%.100s\" is no field that can be changed", mask->paths[i]);
    }
    return RC_OK;
}

static enum rc_status
change_text(struct rc_decode *decode,
            const struct rc_entry_change *change,
            const char *field,
            const char *noun,
            size_t bytes_max,
            struct rc_bytes *text)
{
    const char *said = rc_field_text(change->message, field);
    if (strlen(said) > bytes_max)
        return rc_decode_fail(decode, RC_INVALID, field, "%s has at most %zu bytes", noun,
                              bytes_max);
    if (rc_entry_changes(change, field, said[0] != '\0'))
        *text = rc_bytes_of(said);
    return RC_OK;
}

/* What a change makes of an entry; its content goes into writer. */
static enum rc_status
change_entry(struct rc_decode *decode,
             const struct rc_entry_kind *kind,
             const struct rc_entry_change *change,
             struct rc_writer *writer,
             struct rc_catalog_entry *entry)
{
    const size_t mark = rc_decode_enter(decode, kind->field);
    RC_TRY(change_text(decode, change, "display_name", "a display name", DISPLAY_NAME_BYTES_MAX,
                       &entry->display_name));
    RC_TRY(change_text(decode, change, "description", "a description", RC_DESCRIPTION_BYTES_MAX,
                       &entry->description));
    RC_TRY(kind->store(decode, change, writer));
    rc_decode_leave(decode, mark);
    if (writer->failed)
        return rc_decode_no_memory(decode);
    entry->payload = (struct rc_bytes){(const char *)writer->data, writer->size};
    return RC_OK;
}

enum rc_status
rc_entry_begin_change(struct rc_request *request,
                      const struct rc_entry_kind *kind,
                      struct rc_bytes project,
                      const ProtobufCMessage *in,
                      struct rc_asked *ret_asked,
                      bool *ret_known,
                      struct rc_catalog_entry *ret_entries,
                      uint32_t count)
{
    *ret_known = false;
    RC_TRY(rc_request_asked(request, in, ret_asked));
    if (ret_asked->request_id.size == 0)
        return RC_OK;
    const enum rc_status status =
        rc_engine_retry_entries(request->server->engine, project, ret_asked, request->arena,
                                ret_known, ret_entries, count, request->error);
    return status == RC_OK
               ? RC_OK
               : rc_entry_failure(request, kind, project, (struct rc_bytes){"", 0}, status);
}

static enum rc_status
thing_of(struct rc_decode *decode,
         const struct rc_entry_kind *kind,
         const ProtobufCMessage *in,
         const ProtobufCMessage **ret_thing)
{
    *ret_thing = rc_field_message(in, kind->field);
    return *ret_thing != NULL
               ? RC_OK
               : rc_decode_fail(decode, RC_INVALID, kind->field, "the %s is missing", kind->noun);
}

enum rc_status
rc_entry_read_create(struct rc_decode *decode,
                     const struct rc_entry_kind *kind,
                     const ProtobufCMessage *in,
                     struct rc_writer *writer,
                     struct rc_catalog_entry *ret_entry)
{
    struct rc_entry_change change = {.creates = true};
    struct rc_catalog_entry entry = {.version = 0};
    struct rc_error error;
    char id_field[64];
    (void)snprintf(id_field, sizeof(id_field), "%s_id", kind->field);
    entry.name = rc_bytes_of(rc_field_text(in, id_field));
    if (rc_catalog_check_name(entry.name, id_field, &error) != RC_OK)
        return rc_decode_fail(decode, error.status, id_field, "%s", error.message);
    RC_TRY(thing_of(decode, kind, in, &change.message));
    RC_TRY(change_entry(decode, kind, &change, writer, &entry));
    *ret_entry = entry;
    return RC_OK;
}

enum rc_status
rc_entry_create(struct rc_request *request,
                const struct rc_entry_kind *kind,
                const ProtobufCMessage *in,
                ProtobufCMessage *out)
{
    struct rc_decode decode = rc_request_decode(request);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_catalog_entry entry;
    struct rc_catalog_entry stored;
    struct rc_asked asked;
    bool known = false;
    RC_TRY(rc_decode_project(&decode, "parent", rc_field_text(in, "parent"), &decode.project));
    RC_TRY(rc_entry_begin_change(request, kind, decode.project, in, &asked, &known, &stored, 1));
    if (known)
        return reply_with(request, kind, decode.project, &stored, out);
    RC_TRY(rc_entry_read_create(&decode, kind, in, &writer, &entry));
    return put_entry(request, kind, &decode, &entry, 0, &asked, out);
}

enum rc_status
rc_entry_get(struct rc_request *request,
             const struct rc_entry_kind *kind,
             const ProtobufCMessage *in,
             ProtobufCMessage *out)
{
    struct rc_decode decode = rc_request_decode(request);
    const uint64_t version = *(uint64_t *)rc_field((ProtobufCMessage *)(uintptr_t)in, "version");
    struct rc_catalog_entry entry;
    struct rc_bytes id;
    RC_TRY(rc_decode_name(&decode, "name", rc_field_text(in, "name"), kind->collection,
                          &decode.project, &id));
    RC_TRY(find_entry(request, kind, decode.project, id, version, &entry));
    return reply_with(request, kind, decode.project, &entry, out);
}

enum rc_status
rc_entry_update(struct rc_request *request,
                const struct rc_entry_kind *kind,
                const ProtobufCMessage *in,
                ProtobufCMessage *out)
{
    struct rc_decode decode = rc_request_decode(request);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_entry_change change = {.creates = false};
    struct rc_catalog_entry entry;
    struct rc_asked asked;
    struct rc_bytes id;
    uint64_t version = 0;
    bool known = false;
    char field[64];
    RC_TRY(thing_of(&decode, kind, in, &change.message));
    (void)snprintf(field, sizeof(field), "%s.name", kind->field);
    RC_TRY(rc_decode_name(&decode, field, rc_field_text(change.message, "name"), kind->collection,
                          &decode.project, &id));
    RC_TRY(rc_entry_begin_change(request, kind, decode.project, in, &asked, &known, &entry, 1));
    if (known)
        return reply_with(request, kind, decode.project, &entry, out);
    change.mask = (const Google__Protobuf__FieldMask *)rc_field_message(in, "update_mask");
    RC_TRY(check_mask(&decode, kind, change.mask));
    RC_TRY(rc_error_rename(request->error, find_entry(request, kind, decode.project, id, 0, &entry),
                           "name", field));
    (void)snprintf(field, sizeof(field), "%s.etag", kind->field);
    RC_TRY(rc_request_etag(request, field, rc_field_text(change.message, "etag"), entry.version,
                           &version));
    change.payload = entry.payload;
    RC_TRY(change_entry(&decode, kind, &change, &writer, &entry));
    return put_entry(request, kind, &decode, &entry, version, &asked, out);
}

enum rc_status
rc_entry_delete(struct rc_request *request,
                const struct rc_entry_kind *kind,
                const ProtobufCMessage *in)
{
    struct rc_decode decode = rc_request_decode(request);
    struct rc_catalog_entry nothing;
    struct rc_asked asked;
    const bool force =
        *(protobuf_c_boolean *)rc_field((ProtobufCMessage *)(uintptr_t)in, "force") != 0;
    struct rc_bytes id;
    uint64_t version = 0;
    bool known = false;
    RC_TRY(rc_decode_name(&decode, "name", rc_field_text(in, "name"), kind->collection,
                          &decode.project, &id));
    RC_TRY(rc_entry_begin_change(request, kind, decode.project, in, &asked, &known, &nothing, 1));
    if (known)
        return RC_OK;
    RC_TRY(rc_request_etag(request, "etag", rc_field_text(in, "etag"), UINT64_MAX, &version));
    const enum rc_status status =
        rc_engine_delete_entry(request->server->engine, decode.project, kind->catalog, id, version,
                               force, &asked, request->error);
    return status == RC_OK ? RC_OK : rc_entry_failure(request, kind, decode.project, id, status);
}
