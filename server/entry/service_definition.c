/* Definitions: what their content is (entries.h does the rest), and building the bitmaps of many.
 */
#include <recount/v1/definition.pb-c.h>
#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/query/plan/definition_build.h"
#include "server/call/service.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"
#include "server/entry/definition_labels.h"
#include "server/entry/entries.h"
#include "server/query/service_query.h"

static enum rc_status
encode_content(struct rc_request *request,
               struct rc_bytes project,
               struct rc_bytes payload,
               ProtobufCMessage *message)
{
    Recount__V1__Definition *out = (Recount__V1__Definition *)message;
    struct rc_definition definition;
    RC_TRY(rc_definition_read(payload, request->arena, &definition, request->error));
    RC_TRY(rc_encode_predicate(request->arena, project, definition.predicate, &out->predicate));
    RC_TRY(rc_encode_labels(request->arena, &definition, out));
    out->index_mode = definition.eager ? RECOUNT__V1__INDEX_MODE__INDEX_MODE_EAGER
                                       : RECOUNT__V1__INDEX_MODE__INDEX_MODE_LAZY;
    return RC_OK;
}

static enum rc_status
decode_predicate(struct rc_decode *decode,
                 const Recount__V1__Predicate *in,
                 const struct rc_predicate **ret_predicate)
{
    const size_t mark = rc_decode_enter(decode, "predicate");
    if (in == NULL)
        return rc_decode_fail(decode, RC_INVALID, "", "the predicate is missing");
    RC_TRY(rc_decode_predicate(decode, in, ret_predicate));
    RC_TRY(rc_decode_check_references(decode));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_mode(struct rc_decode *decode, Recount__V1__IndexMode mode, bool *ret_eager)
{
    switch (mode) {
    case RECOUNT__V1__INDEX_MODE__INDEX_MODE_UNSPECIFIED:
    case RECOUNT__V1__INDEX_MODE__INDEX_MODE_LAZY:
    case RECOUNT__V1__INDEX_MODE__INDEX_MODE_EAGER:
        *ret_eager = mode == RECOUNT__V1__INDEX_MODE__INDEX_MODE_EAGER;
        return RC_OK;
    default:
        return rc_decode_fail(decode, RC_INVALID, "index_mode", "the mode is unknown");
    }
}

static enum rc_status
store_content(struct rc_decode *decode,
              const struct rc_entry_change *change,
              struct rc_writer *writer)
{
    const Recount__V1__Definition *in = (const Recount__V1__Definition *)change->message;
    struct rc_definition definition = {.eager = false};
    if (!change->creates)
        RC_TRY(rc_definition_read(change->payload, decode->arena, &definition, decode->error));
    if (change->creates || rc_entry_changes(change, "predicate", in->predicate != NULL))
        RC_TRY(decode_predicate(decode, in->predicate, &definition.predicate));
    if (rc_entry_changes(change, "index_mode", in->index_mode != 0))
        RC_TRY(decode_mode(decode, in->index_mode, &definition.eager));
    if (rc_entry_changes(change, "labels", in->n_labels > 0))
        RC_TRY(rc_decode_labels(decode, in, &definition));
    rc_definition_write(writer, &definition);
    return RC_OK;
}

static const char *const paths[] = {"display_name", "description", "predicate",
                                    "index_mode",   "labels",      NULL};

static const struct rc_entry_kind definition_kind = {
    .catalog = RC_CATALOG_DEFINITIONS,
    .message = &recount__v1__definition__descriptor,
    .noun = "definition",
    .collection = "definitions",
    .field = "definition",
    .list = "definitions",
    .paths = paths,
    .encode = encode_content,
    .store = store_content,
};

RC_ENTRY_CALLS(definition)

static enum rc_status
batch_create_definitions(struct rc_request *request, const void *message, void *reply)
{
    return rc_entry_batch_create(request, &definition_kind, message, reply);
}

static enum rc_status
list_definitions(struct rc_request *request, const void *message, void *reply)
{
    struct rc_decode decode = rc_request_decode(request);
    RC_CLEANUP(rc_definition_filter_close) struct rc_definition_filter filter = {.in = message};
    RC_TRY(rc_definition_filter_open(&decode, &filter));
    return rc_entry_list(request, &definition_kind, &filter.filter, message, reply);
}

/* The names of a request, or of all definitions that name nothing that is missing, as entries of
 * the session's catalog. */
static enum rc_status
list_named(struct rc_request *request,
           struct rc_decode *decode,
           const Recount__V1__BuildDefinitionsRequest *in,
           struct rc_catalog_entry **ret_entries,
           uint32_t *ret_count)
{
    const struct rc_catalog *catalog = rc_query_session_context(request->session)->definitions;
    const bool all = in->n_names == 0;
    uint32_t *whole = NULL;
    uint32_t whole_count = 0;
    if (all)
        RC_TRY(rc_definitions_list_whole(catalog, request->arena, &whole, &whole_count));
    const size_t count = all ? whole_count : in->n_names;
    const struct rc_bytes project = decode->project;
    if (count > RC_BUILD_DEFINITIONS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "names",
                              "at most %u definitions are built at once", RC_BUILD_DEFINITIONS_MAX);
    struct rc_catalog_entry *entries;
    RC_NEW_ARRAY(request->arena, entries, struct rc_catalog_entry, count);
    for (uint32_t i = 0; i < count; i++) {
        struct rc_bytes id;
        char field[24];
        (void)snprintf(field, sizeof(field), "names[%u]", i);
        if (all) {
            entries[i] = rc_catalog_at(catalog, whole[i]);
            continue;
        }
        RC_TRY(rc_decode_name(decode, field, in->names[i], "definitions", &decode->project, &id));
        if (!rc_bytes_equal(decode->project, project))
            return rc_decode_fail(decode, RC_INVALID, field,
                                  "a definition is of another project than the request");
        if (!rc_catalog_find(catalog, id, &entries[i])) {
            rc_entry_resource(request, &definition_kind, project, id);
            return rc_error_field(request->error, RC_NOT_FOUND, field,
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
    struct rc_catalog_entry *entries = NULL;
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
                                (int)entries[i].name.size, entries[i].name.data));
        RC_TRY(rc_encode_format(arena, &one->etag, "%llu", (unsigned long long)entries[i].version));
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
    METHOD("BatchCreateDefinitions",
           batch_create_definitions,
           batch_create_definitions,
           RC_SERVICE_CONTROL),
    METHOD("GetDefinition", get_definition, get_definition, RC_SERVICE_CONTROL),
    METHOD("ListDefinitions", list_definitions, list_definitions, RC_SERVICE_CONTROL),
    METHOD("ListDefinitionVersions",
           list_definition_versions,
           list_definition_versions,
           RC_SERVICE_CONTROL),
    METHOD("UpdateDefinition", update_definition, update_definition, RC_SERVICE_CONTROL),
    METHOD("DeleteDefinition", delete_definition, delete_definition, RC_SERVICE_CONTROL),
    METHOD("BuildDefinitions", build_definitions, build_definitions, RC_SERVICE_QUERY),
    METHOD("PreviewDefinition", preview_definition, rc_call_preview_definition, RC_SERVICE_QUERY),
    METHOD("SuggestDefinitions",
           suggest_definitions,
           rc_call_suggest_definitions,
           RC_SERVICE_QUERY),
};

const struct rc_service rc_service_definition = {methods, sizeof(methods) / sizeof(methods[0])};
