/* Services: what their functions share. The way of a call through the server is in
 * server_calls.c. */
#include "server/call/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "server/decode/decode.h"
#include "server/decode/fields.h"

void
rc_request_resource(struct rc_request *request, const char *type, const char *format, ...)
{
    struct rc_resource *resource = &request->failure->resource;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(resource->name, sizeof(resource->name), format, arguments);
    va_end(arguments);
    rc_text_mend(resource->name);
    resource->type = type;
}

void
rc_request_missing(struct rc_request *request)
{
    static const struct {
        const char *noun;
        const char *type;
        const char *collection;
    } kinds[] = {
        {"definition", "recount.v1.Definition", "definitions"},
        {"segment", "recount.v1.Segment", "segments"},
        {"derived property", "recount.v1.DerivedProperty", "derivedProperties"},
    };
    const struct rc_error *error = request->error;
    const struct rc_bytes project = request->named.id;
    for (size_t i = 0; error->missing_noun != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].noun, error->missing_noun) == 0)
            rc_request_resource(request, kinds[i].type, "projects/%.*s/%s/%s", (int)project.size,
                                project.data, kinds[i].collection, error->missing_name);
}

struct rc_decode
rc_request_decode(struct rc_request *request)
{
    return (struct rc_decode){
        .arena = request->arena, .error = request->error, .named = &request->named};
}

enum rc_status
rc_request_no_project(struct rc_request *request, struct rc_bytes id, enum rc_status status)
{
    if (status != RC_NOT_FOUND || strcmp(request->error->field, "project") != 0)
        return status;
    rc_request_resource(request, "recount.v1.Project", "projects/%.*s", (int)id.size, id.data);
    if (request->named.field != NULL)
        (void)rc_error_rename(request->error, status, "project", request->named.field);
    return status;
}

void *
rc_message_new(struct rc_arena *arena, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = rc_arena_alloc(arena, descriptor->sizeof_message);
    if (message != NULL)
        descriptor->message_init(message);
    return message;
}

struct rc_bytes
rc_message_pack(const ProtobufCMessage *message, struct rc_arena *arena)
{
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = rc_arena_alloc(arena, size + 1);
    if (bytes == NULL)
        return (struct rc_bytes){NULL, 0};
    protobuf_c_message_pack(message, bytes);
    return (struct rc_bytes){(const char *)bytes, size};
}

uint64_t
rc_message_hash(const ProtobufCMessage *message, struct rc_arena *arena)
{
    const struct rc_bytes bytes = rc_message_pack(message, arena);
    const uint64_t type = rc_hash(message->descriptor->name, strlen(message->descriptor->name));
    return rc_hash_seeded(bytes.data == NULL ? "" : bytes.data, bytes.size, type);
}

static ProtobufCMessage *
copy_message(const ProtobufCMessage *message, struct rc_arena *arena)
{
    return rc_arena_copy(arena, message, message->descriptor->sizeof_message);
}

enum rc_status
rc_request_list_hash(struct rc_request *request, const ProtobufCMessage *in, uint64_t *ret_hash)
{
    ProtobufCMessage *list = copy_message(in, request->arena);
    if (list == NULL)
        return RC_NO_MEMORY;
    *(int32_t *)rc_field(list, "page_size") = 0;
    *(const char **)rc_field(list, "page_token") = "";
    rc_field_unset(list, "as_of_ms");
    if (rc_field_exists(list, "scope") && rc_field_message(list, "scope") != NULL) {
        ProtobufCMessage *scope = copy_message(rc_field_message(list, "scope"), request->arena);
        if (scope == NULL)
            return RC_NO_MEMORY;
        rc_field_unset(scope, "as_of_ms");
        *(ProtobufCMessage **)rc_field(list, "scope") = scope;
    }
    *ret_hash = rc_message_hash(list, request->arena);
    return RC_OK;
}

enum rc_status
rc_request_asked(struct rc_request *request,
                 const ProtobufCMessage *message,
                 struct rc_asked *ret_asked)
{
    ProtobufCMessage *content = copy_message(message, request->arena);
    if (content == NULL)
        return RC_NO_MEMORY;
    *(const char **)rc_field(content, "request_id") = "";
    *ret_asked = (struct rc_asked){
        .author =
            rc_bytes_of(rc_field_exists(message, "author") ? rc_field_text(message, "author") : ""),
        .request_id = rc_bytes_of(rc_field_text(message, "request_id")),
        .content = rc_message_hash(content, request->arena),
    };
    return RC_OK;
}

enum rc_status
rc_request_page_size(struct rc_request *request,
                     int32_t page_size,
                     uint32_t standard,
                     uint32_t most,
                     uint32_t *ret_size)
{
    if (page_size < 0)
        return rc_error_field(request->error, RC_INVALID, "page_size",
                              "a page size is not negative");
    *ret_size = page_size == 0 ? standard : (uint32_t)page_size > most ? most : (uint32_t)page_size;
    return RC_OK;
}

enum rc_status
rc_request_etag(struct rc_request *request,
                const char *field,
                const char *etag,
                uint64_t any,
                uint64_t *ret_version)
{
    if (etag[0] == '\0') {
        *ret_version = any;
        return RC_OK;
    }
    char *end = NULL;
    const unsigned long long version = strtoull(etag, &end, 10);
    if (etag[0] < '1' || etag[0] > '9' || *end != '\0' || version == UINT64_MAX)
        return rc_error_field(request->error, RC_CONFLICT, field,
                              "the etag is none that the server has given");
    *ret_version = version;
    return RC_OK;
}

enum rc_status
rc_request_project(struct rc_request *request,
                   struct rc_bytes id,
                   struct rc_project_settings *ret_settings)
{
    struct rc_project_settings settings;
    RC_TRY(rc_request_no_project(request, id,
                                 rc_engine_get_project(request->server->engine, id, request->arena,
                                                       &settings, request->error)));
    if (ret_settings != NULL)
        *ret_settings = settings;
    return RC_OK;
}

static enum rc_status
fail_missing(struct rc_request *request,
             const struct rc_decode *decode,
             const struct rc_reference *reference,
             bool is_known)
{
    const bool definition = reference->kind == RC_REFERENCE_DEFINITION;
    const char *word = definition ? "definition" : "segment";
    const struct rc_bytes id = reference->id;
    rc_request_resource(request, definition ? "recount.v1.Definition" : "recount.v1.Segment",
                        "projects/%.*s/%ss/%.*s", (int)decode->project.size, decode->project.data,
                        word, (int)id.size, id.data);
    if (is_known)
        return rc_error_field(request->error, RC_NOT_FOUND, reference->version_field,
                              "version %" PRIu64 " of \"%.*s\" is not kept", reference->version,
                              (int)id.size, id.data);
    return rc_error_field(request->error, RC_NOT_FOUND, reference->field, "there is no %s \"%.*s\"",
                          word, (int)id.size, id.data);
}

enum rc_status
rc_request_check_names(struct rc_request *request,
                       const struct rc_decode *decode,
                       const struct rc_catalog *definitions,
                       const struct rc_catalog *segments)
{
    const struct rc_reference *missing = NULL;
    bool is_known = false;
    for (const struct rc_reference *at = decode->references; at != NULL; at = at->next) {
        const struct rc_catalog *catalog =
            at->kind == RC_REFERENCE_DEFINITION ? definitions : segments;
        const bool known =
            at->kind == RC_REFERENCE_PROPERTY || rc_catalog_find(catalog, at->id, NULL);
        if (known &&
            (at->version == 0 || rc_catalog_find_version(catalog, at->id, at->version, NULL)))
            continue;
        missing = at; /* The last in the list is the first in the request. */
        is_known = known;
    }
    return missing == NULL ? RC_OK : fail_missing(request, decode, missing, is_known);
}

enum rc_status
rc_request_place(const struct rc_request *request, enum rc_status status)
{
    if (request->session == NULL)
        return status;
    const enum rc_status placed = rc_query_session_place(request->session, status, request->error);
    request->failure->of_query = placed == RC_LIMIT_EXCEEDED;
    return placed;
}

static enum rc_status
check_references(struct rc_request *request, const struct rc_decode *decode)
{
    const struct rc_query_context *context = rc_query_session_context(request->session);
    RC_TRY(rc_decode_check_references(decode));
    return rc_request_check_names(request, decode, context->definitions, context->segments);
}

/* Hands the query's hints to the engine, and asks for its plan where somebody wants it. */
static enum rc_status
steer(struct rc_request *request, const struct rc_decode *decode)
{
    struct rc_query_session *session = request->session;
    struct rc_query_progress *progress = NULL;
    if (request->running != NULL) {
        rc_running_began(&request->server->running, request->running, decode->project,
                         rc_query_session_context(session)->account);
        progress = &request->running->progress;
    }
    request->hints = decode->hints;
    RC_TRY(rc_query_session_steer(session, decode->hints, progress, request->error));
    if (decode->explain && request->explain_mode == RC_EXPLAIN_NONE)
        request->explain_mode = RC_EXPLAIN_ANALYZE;
    if (request->explain_mode == RC_EXPLAIN_NONE && request->server->config->slow_query_ms == 0)
        return RC_OK;
    RC_TRY(rc_query_session_explain(session, &request->explain));
    request->explain->plan_only = request->explain_mode == RC_EXPLAIN_PLAN;
    request->explain->estimates_all = request->explain_mode != RC_EXPLAIN_NONE;
    request->explain->detail = request->explain_slabs;
    return RC_OK;
}

const struct rc_explain *
rc_request_explained(struct rc_request *request)
{
    request->explain->elapsed_ns = rc_clock_monotonic_ns() - request->received_ns;
    request->explain->memory_bytes =
        rc_account_used(rc_query_session_context(request->session)->account);
    return request->explain;
}

enum rc_status
rc_request_begin(struct rc_request *request, struct rc_decode *decode, struct rc_scope *scope)
{
    const enum rc_status status = rc_engine_begin_query(
        request->server->engine, decode->project, request->cancel,
        request->server->config->query_memory_max, &request->session, request->error);
    RC_TRY(rc_request_no_project(request, decode->project, status));
    RC_TRY(steer(request, decode));
    const struct rc_project_settings *settings = rc_query_session_settings(request->session);
    if (scope != NULL && scope->zone.size == 0)
        scope->zone = settings->zone;
    if (scope != NULL && scope->week_start == RC_WEEK_START_DEFAULT)
        scope->week_start = settings->week_start;
    return check_references(request, decode);
}
