/* Definitions: create, get, list, update, delete. */
#include <recount/v1/definition.pb-c.h>

#include "server/decode.h"
#include "server/encode.h"
#include "server/entries.h"
#include "server/service.h"

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
    out->create_time_ms = entry->created_ms;
    out->update_time_ms = entry->updated_ms;
    *ret_definition = out;
    return RC_OK;
}

/* The stored form of a predicate message. decode->project is set. */
static enum rc_status
store_predicate(struct rc_decode *decode,
                const Recount__V1__Predicate *in,
                struct rc_writer *writer,
                struct rc_bytes *ret_payload)
{
    const struct rc_predicate *predicate = NULL;
    const size_t mark = rc_decode_enter(decode, "definition.predicate");
    if (in == NULL)
        return rc_decode_fail(decode, RC_INVALID, "", "the predicate is missing");
    RC_TRY(rc_decode_predicate(decode, in, &predicate));
    RC_TRY(rc_decode_check_references(decode));
    rc_decode_leave(decode, mark);
    rc_predicate_write(writer, predicate);
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
    RC_TRY(store_predicate(&decode, in->definition->predicate, &writer, &entry.payload));
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
    Recount__V1__ListDefinitionsRequest binding = RECOUNT__V1__LIST_DEFINITIONS_REQUEST__INIT;
    binding.parent = in->parent;
    struct rc_catalog_entry *entries = NULL;
    uint32_t size = 0;
    uint32_t count = 0;
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &decode.project));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &size));
    RC_TRY(rc_entry_list(request, KIND, decode.project,
                         rc_message_hash(&binding.base, request->arena), in->page_token, size,
                         &entries, &count, &out->next_page_token));
    RC_NEW_ARRAY(request->arena, out->definitions, Recount__V1__Definition *, count);
    out->n_definitions = count;
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(encode_definition(request, decode.project, &entries[i], &out->definitions[i]));
    return RC_OK;
}

static enum rc_status
update_definition(struct rc_request *request, const void *message, void *reply)
{
    static const char *const fields[] = {"display_name", "description", "predicate", NULL};
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
    if (rc_mask_has(in->update_mask, "predicate", definition->predicate != NULL))
        RC_TRY(store_predicate(&decode, definition->predicate, &writer, &entry.payload));
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

#define METHOD(name, snake, function)                                                       \
    {                                                                                       \
        "/recount.v1.DefinitionService/" name, &recount__v1__##snake##_request__descriptor, \
            &recount__v1__##snake##_response__descriptor, function, RC_SERVICE_CONTROL      \
    }

static const struct rc_service_method methods[] = {
    METHOD("CreateDefinition", create_definition, create_definition),
    METHOD("GetDefinition", get_definition, get_definition),
    METHOD("ListDefinitions", list_definitions, list_definitions),
    METHOD("UpdateDefinition", update_definition, update_definition),
    METHOD("DeleteDefinition", delete_definition, delete_definition),
};

const struct rc_service rc_service_definition = {methods, sizeof(methods) / sizeof(methods[0])};
