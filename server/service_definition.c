/* Definitions: create, get, list, update, delete, and building the bitmaps of many. */
#include <recount/v1/definition.pb-c.h>

#include "engine/base/clock.h"
#include "engine/query/plan/definition_build.h"
#include "server/decode.h"
#include "server/definition_labels.h"
#include "server/encode.h"
#include "server/entries.h"
#include "server/service.h"
#include "server/service_query.h"

#define KIND RC_CATALOG_DEFINITIONS

static enum rc_status
encode_definition(struct rc_request *request,
                  struct rc_bytes project,
                  const struct rc_catalog_entry *entry,
                  Recount__V1__Definition **ret_definition)
{
    Recount__V1__Definition *out;
    RC_NEW(request->arena, out, recount__v1__definition__descriptor);
    RC_TRY(rc_entry_texts(request, KIND, project, entry, &out->name, &out->display_name,
                          &out->description, &out->etag));
    struct rc_definition definition;
    RC_TRY(rc_definition_read(entry->payload, request->arena, &definition, request->error));
    RC_TRY(rc_encode_predicate(request->arena, project, definition.predicate, &out->predicate));
    RC_TRY(rc_encode_labels(request->arena, &definition, out));
    out->create_time_ms = entry->created_ms;
    out->update_time_ms = entry->updated_ms;
    out->index_mode = definition.eager ? RECOUNT__V1__INDEX_MODE__INDEX_MODE_EAGER
                                       : RECOUNT__V1__INDEX_MODE__INDEX_MODE_LAZY;
    *ret_definition = out;
    return RC_OK;
}

/* decode->project is set. */
static enum rc_status
decode_predicate(struct rc_decode *decode,
                 const Recount__V1__Predicate *in,
                 const struct rc_predicate **ret_predicate)
{
    const size_t mark = rc_decode_enter(decode, "definition.predicate");
    if (in == NULL)
        return rc_decode_fail(decode, RC_INVALID, "", "the predicate is missing");
    RC_TRY(rc_decode_predicate(decode, in, ret_predicate));
    RC_TRY(rc_decode_check_references(decode));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_mode(struct rc_decode *decode, Recount__V1__IndexMode mode, bool *eager)
{
    switch (mode) {
    case RECOUNT__V1__INDEX_MODE__INDEX_MODE_UNSPECIFIED:
        return RC_OK;
    case RECOUNT__V1__INDEX_MODE__INDEX_MODE_LAZY:
    case RECOUNT__V1__INDEX_MODE__INDEX_MODE_EAGER:
        *eager = mode == RECOUNT__V1__INDEX_MODE__INDEX_MODE_EAGER;
        return RC_OK;
    default:
        return rc_decode_fail(decode, RC_INVALID, "definition.index_mode", "the mode is unknown");
    }
}

static enum rc_status
store(struct rc_decode *decode,
      const struct rc_definition *definition,
      struct rc_writer *writer,
      struct rc_bytes *ret_payload)
{
    rc_definition_write(writer, definition);
    if (writer->failed)
        return rc_decode_no_memory(decode);
    *ret_payload = (struct rc_bytes){(const char *)writer->data, writer->size};
    return RC_OK;
}

static enum rc_status
create_definition(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CreateDefinitionRequest *in = message;
    Recount__V1__CreateDefinitionResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_catalog_entry entry = {.name = rc_bytes_of(in->definition_id)};
    struct rc_catalog_entry stored;
    RC_REFUSE(&decode, in->request_id[0] != '\0', "request_id");
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &decode.project));
    RC_TRY(rc_catalog_check_name(entry.name, "definition_id", request->error));
    if (in->definition == NULL)
        return rc_decode_fail(&decode, RC_INVALID, "definition", "the definition is missing");
    const size_t mark = rc_decode_enter(&decode, "definition");
    RC_TRY(
        rc_entry_check_texts(&decode, in->definition->display_name, in->definition->description));
    rc_decode_leave(&decode, mark);
    struct rc_definition definition = {.eager = false};
    RC_TRY(decode_predicate(&decode, in->definition->predicate, &definition.predicate));
    RC_TRY(decode_mode(&decode, in->definition->index_mode, &definition.eager));
    RC_TRY(rc_decode_labels(&decode, in->definition, &definition));
    RC_TRY(store(&decode, &definition, &writer, &entry.payload));
    entry.display_name = rc_bytes_of(in->definition->display_name);
    entry.description = rc_bytes_of(in->definition->description);
    RC_TRY(rc_entry_put(request, KIND, decode.project, &entry, 0, &stored));
    return encode_definition(request, decode.project, &stored, &out->definition);
}

static enum rc_status
get_definition(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__GetDefinitionRequest *in = message;
    Recount__V1__GetDefinitionResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_catalog_entry entry;
    struct rc_bytes id;
    RC_TRY(rc_decode_name(&decode, "name", in->name, "definitions", &decode.project, &id));
    RC_TRY(rc_entry_get(request, KIND, decode.project, id, &entry));
    return encode_definition(request, decode.project, &entry, &out->definition);
}

static enum rc_status
list_definitions(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListDefinitionsRequest *in = message;
    Recount__V1__ListDefinitionsResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    Recount__V1__ListDefinitionsRequest binding = *in;
    binding.page_size = 0;
    binding.page_token = (char *)(uintptr_t) "";
    RC_CLEANUP(rc_definition_filter_close) struct rc_definition_filter filter = {.in = in};
    struct rc_catalog_entry *entries = NULL;
    uint32_t size = 0;
    uint32_t count = 0;
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &decode.project));
    RC_TRY(rc_definition_filter_open(&decode, &filter));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &size));
    RC_TRY(rc_entry_list(request, KIND, decode.project,
                         rc_message_hash(&binding.base, request->arena), in->page_token, size,
                         &filter.filter, &entries, &count, &out->next_page_token));
    RC_NEW_ARRAY(request->arena, out->definitions, Recount__V1__Definition *, count);
    out->n_definitions = count;
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(encode_definition(request, decode.project, &entries[i], &out->definitions[i]));
    return RC_OK;
}

static enum rc_status
update_definition(struct rc_request *request, const void *message, void *reply)
{
    static const char *const fields[] = {"display_name", "description", "predicate",
                                         "index_mode",   "labels",      NULL};
    const Recount__V1__UpdateDefinitionRequest *in = message;
    Recount__V1__UpdateDefinitionResponse *out = reply;
    const Recount__V1__Definition *definition = in->definition;
    struct rc_decode decode = rc_request_decode(request);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_catalog_entry entry;
    struct rc_catalog_entry stored;
    struct rc_bytes id;
    uint64_t version = 0;
    RC_REFUSE(&decode, in->request_id[0] != '\0', "request_id");
    if (definition == NULL)
        return rc_decode_fail(&decode, RC_INVALID, "definition", "the definition is missing");
    RC_TRY(rc_decode_name(&decode, "definition.name", definition->name, "definitions",
                          &decode.project, &id));
    RC_TRY(rc_mask_check(&decode, in->update_mask, fields));
    const size_t mark = rc_decode_enter(&decode, "definition");
    RC_TRY(rc_entry_check_texts(&decode, definition->display_name, definition->description));
    rc_decode_leave(&decode, mark);
    RC_TRY(rc_entry_get(request, KIND, decode.project, id, &entry));
    RC_TRY(rc_request_etag(request, "definition.etag", definition->etag, entry.version, &version));
    if (rc_mask_has(in->update_mask, "display_name", definition->display_name[0] != '\0'))
        entry.display_name = rc_bytes_of(definition->display_name);
    if (rc_mask_has(in->update_mask, "description", definition->description[0] != '\0'))
        entry.description = rc_bytes_of(definition->description);
    struct rc_definition stored_one;
    RC_TRY(rc_definition_read(entry.payload, request->arena, &stored_one, request->error));
    if (rc_mask_has(in->update_mask, "predicate", definition->predicate != NULL))
        RC_TRY(decode_predicate(&decode, definition->predicate, &stored_one.predicate));
    if (rc_mask_has(in->update_mask, "index_mode", definition->index_mode != 0)) {
        stored_one.eager = false;
        RC_TRY(decode_mode(&decode, definition->index_mode, &stored_one.eager));
    }
    if (rc_mask_has(in->update_mask, "labels", definition->n_labels > 0))
        RC_TRY(rc_decode_labels(&decode, definition, &stored_one));
    RC_TRY(store(&decode, &stored_one, &writer, &entry.payload));
    RC_TRY(rc_entry_put(request, KIND, decode.project, &entry, version, &stored));
    return encode_definition(request, decode.project, &stored, &out->definition);
}

static enum rc_status
delete_definition(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__DeleteDefinitionRequest *in = message;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_bytes id;
    (void)reply;
    RC_REFUSE(&decode, in->request_id[0] != '\0', "request_id");
    RC_TRY(rc_decode_name(&decode, "name", in->name, "definitions", &decode.project, &id));
    return rc_entry_delete(request, KIND, decode.project, id, in->etag);
}

/* The names of a request, or of all definitions, as entries of the session's catalog. */
static enum rc_status
list_named(struct rc_request *request,
           struct rc_decode *decode,
           const Recount__V1__BuildDefinitionsRequest *in,
           const struct rc_catalog_entry ***ret_entries,
           uint32_t *ret_count)
{
    const struct rc_catalog *catalog = rc_query_session_context(request->session)->definitions;
    const bool all = in->n_names == 0;
    const size_t count = all ? rc_catalog_count(catalog) : in->n_names;
    const struct rc_bytes project = decode->project;
    if (count > RC_BUILD_DEFINITIONS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "names",
                              "at most %u definitions are built at once", RC_BUILD_DEFINITIONS_MAX);
    const struct rc_catalog_entry **entries;
    RC_NEW_ARRAY(request->arena, entries, const struct rc_catalog_entry *, count);
    for (uint32_t i = 0; i < count; i++) {
        struct rc_bytes id;
        if (all) {
            entries[i] = rc_catalog_at(catalog, i);
            continue;
        }
        RC_TRY(rc_decode_name(decode, "names", in->names[i], "definitions", &decode->project, &id));
        if (!rc_bytes_equal(decode->project, project))
            return rc_decode_fail(decode, RC_INVALID, "names",
                                  "a definition is of another project than the request");
        entries[i] = rc_catalog_find(catalog, id);
        if (entries[i] == NULL) {
            rc_entry_resource(request, KIND, project, id);
            return rc_error_field(request->error, RC_NOT_FOUND, "names",
                                  "there is no definition \"%.*s\"", (int)id.size, id.data);
        }
    }
    *ret_entries = entries;
    *ret_count = (uint32_t)count;
    return RC_OK;
}

static enum rc_status
build_definitions(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__BuildDefinitionsRequest *in = message;
    Recount__V1__BuildDefinitionsResponse *out = reply;
    struct rc_arena *arena = request->arena;
    struct rc_decode decode = rc_request_decode(request);
    const struct rc_catalog_entry **entries = NULL;
    struct rc_definitions_built built = {0};
    uint32_t count = 0;
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &decode.project));
    RC_TRY(rc_request_begin(request, &decode, NULL));
    RC_TRY(list_named(request, &decode, in, &entries, &count));
    RC_TRY(rc_definitions_build(rc_query_session_context(request->session), entries, count, &built,
                                request->error));
    RC_NEW_ARRAY(arena, out->counts, Recount__V1__DefinitionCount *, count);
    for (uint32_t i = 0; i < count; i++) {
        Recount__V1__DefinitionCount *one;
        RC_NEW(arena, one, recount__v1__definition_count__descriptor);
        RC_TRY(rc_encode_format(arena, &one->name, "projects/%.*s/definitions/%.*s",
                                (int)decode.project.size, decode.project.data,
                                (int)entries[i]->name.size, entries[i]->name.data));
        RC_TRY(
            rc_encode_format(arena, &one->etag, "%llu", (unsigned long long)entries[i]->version));
        one->pattern_too_slow = built.event_counts[i] == RC_BUILD_TOO_SLOW;
        if (!one->pattern_too_slow && built.event_counts[i] != RC_BUILD_UNCOUNTED) {
            one->optional_event_count_case =
                RECOUNT__V1__DEFINITION_COUNT__OPTIONAL_EVENT_COUNT_EVENT_COUNT;
            one->event_count = built.event_counts[i];
        }
        out->counts[out->n_counts++] = one;
    }
    out->bitmaps_cached = built.rowsets_cached;
    out->bitmaps_computed = built.rowsets_built;
    out->elapsed_micros = (rc_clock_monotonic_ns() - request->received_ns) / 1000;
    return rc_encode_format(arena, &out->data_version, "%llu",
                            (unsigned long long)built.data_version);
}

#define METHOD(name, snake, function, kind)                                                 \
    {                                                                                       \
        "/recount.v1.DefinitionService/" name, &recount__v1__##snake##_request__descriptor, \
            &recount__v1__##snake##_response__descriptor, function, kind                    \
    }

static const struct rc_service_method methods[] = {
    METHOD("CreateDefinition", create_definition, create_definition, RC_SERVICE_CONTROL),
    METHOD("GetDefinition", get_definition, get_definition, RC_SERVICE_CONTROL),
    METHOD("ListDefinitions", list_definitions, list_definitions, RC_SERVICE_CONTROL),
    METHOD("UpdateDefinition", update_definition, update_definition, RC_SERVICE_CONTROL),
    METHOD("DeleteDefinition", delete_definition, delete_definition, RC_SERVICE_CONTROL),
    METHOD("BuildDefinitions", build_definitions, build_definitions, RC_SERVICE_QUERY),
    METHOD("PreviewDefinition", preview_definition, rc_call_preview_definition, RC_SERVICE_QUERY),
};

const struct rc_service rc_service_definition = {methods, sizeof(methods) / sizeof(methods[0])};
