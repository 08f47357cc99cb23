/* PropertyService: derived properties are created, got, listed, updated and deleted here; what is
 * stored is listed in service_property_list.c. */
#include <recount/v1/property.pb-c.h>

#include "server/decode.h"
#include "server/derivation_message.h"
#include "server/encode.h"
#include "server/entries.h"
#include "server/service.h"
#include "server/service_query.h"

#define KIND RC_CATALOG_PROPERTIES
#define COLLECTION "derivedProperties"

static enum rc_status
encode_property(struct rc_request *request,
                struct rc_bytes project,
                const struct rc_catalog_entry *entry,
                Recount__V1__DerivedProperty **ret_property)
{
    Recount__V1__DerivedProperty *out;
    RC_NEW(request->arena, out, recount__v1__derived_property__descriptor);
    RC_TRY(rc_entry_texts(request, KIND, project, entry, &out->name, &out->display_name,
                          &out->description, &out->etag));
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    const struct rc_derivation *derivation = NULL;
    RC_TRY(rc_derivation_read(&reader, request->arena, &derivation, request->error));
    RC_TRY(rc_encode_derivation(request->arena, derivation, out));
    out->create_time_ms = entry->created_ms;
    out->update_time_ms = entry->updated_ms;
    *ret_property = out;
    return RC_OK;
}

/* The stored form of a derivation. decode stands at the derived property. */
static enum rc_status
store_derivation(struct rc_decode *decode,
                 const Recount__V1__DerivedProperty *in,
                 struct rc_writer *writer,
                 struct rc_bytes *ret_payload)
{
    const struct rc_derivation *derivation = NULL;
    RC_TRY(rc_decode_derivation(decode, in, &derivation));
    rc_derivation_write(writer, derivation);
    if (writer->failed)
        return rc_decode_no_memory(decode);
    *ret_payload = (struct rc_bytes){(const char *)writer->data, writer->size};
    return RC_OK;
}

static enum rc_status
create_derived_property(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CreateDerivedPropertyRequest *in = message;
    Recount__V1__CreateDerivedPropertyResponse *out = reply;
    const Recount__V1__DerivedProperty *property = in->derived_property;
    struct rc_decode decode = rc_request_decode(request);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_catalog_entry entry = {.name = rc_bytes_of(in->derived_property_id)};
    struct rc_catalog_entry stored;
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &decode.project));
    RC_TRY(rc_catalog_check_name(entry.name, "derived_property_id", request->error));
    if (property == NULL)
        return rc_decode_fail(&decode, RC_INVALID, "derived_property",
                              "the derived property is missing");
    const size_t mark = rc_decode_enter(&decode, "derived_property");
    RC_TRY(rc_entry_check_texts(&decode, property->display_name, property->description));
    RC_TRY(store_derivation(&decode, property, &writer, &entry.payload));
    rc_decode_leave(&decode, mark);
    entry.display_name = rc_bytes_of(property->display_name);
    entry.description = rc_bytes_of(property->description);
    RC_TRY(rc_entry_put(request, KIND, decode.project, &entry, 0, &stored));
    return encode_property(request, decode.project, &stored, &out->derived_property);
}

static enum rc_status
get_derived_property(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__GetDerivedPropertyRequest *in = message;
    Recount__V1__GetDerivedPropertyResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_catalog_entry entry;
    struct rc_bytes id;
    RC_TRY(rc_decode_name(&decode, "name", in->name, COLLECTION, &decode.project, &id));
    RC_TRY(rc_entry_get(request, KIND, decode.project, id, &entry));
    return encode_property(request, decode.project, &entry, &out->derived_property);
}

static enum rc_status
list_derived_properties(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListDerivedPropertiesRequest *in = message;
    Recount__V1__ListDerivedPropertiesResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    Recount__V1__ListDerivedPropertiesRequest binding =
        RECOUNT__V1__LIST_DERIVED_PROPERTIES_REQUEST__INIT;
    binding.parent = in->parent;
    struct rc_catalog_entry *entries = NULL;
    uint32_t size = 0;
    uint32_t count = 0;
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &decode.project));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &size));
    RC_TRY(rc_entry_list(request, KIND, decode.project,
                         rc_message_hash(&binding.base, request->arena), in->page_token, size, NULL,
                         &entries, &count, &out->next_page_token));
    RC_NEW_ARRAY(request->arena, out->derived_properties, Recount__V1__DerivedProperty *, count);
    out->n_derived_properties = count;
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(encode_property(request, decode.project, &entries[i], &out->derived_properties[i]));
    return RC_OK;
}

static enum rc_status
update_derived_property(struct rc_request *request, const void *message, void *reply)
{
    static const char *const fields[] = {"display_name", "description", "steps", NULL};
    const Recount__V1__UpdateDerivedPropertyRequest *in = message;
    Recount__V1__UpdateDerivedPropertyResponse *out = reply;
    const Recount__V1__DerivedProperty *property = in->derived_property;
    struct rc_decode decode = rc_request_decode(request);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_catalog_entry entry;
    struct rc_catalog_entry stored;
    struct rc_bytes id;
    uint64_t version = 0;
    if (property == NULL)
        return rc_decode_fail(&decode, RC_INVALID, "derived_property",
                              "the derived property is missing");
    RC_TRY(rc_decode_name(&decode, "derived_property.name", property->name, COLLECTION,
                          &decode.project, &id));
    RC_TRY(rc_mask_check(&decode, in->update_mask, fields));
    const size_t mark = rc_decode_enter(&decode, "derived_property");
    RC_TRY(rc_entry_check_texts(&decode, property->display_name, property->description));
    RC_TRY(rc_entry_get(request, KIND, decode.project, id, &entry));
    RC_TRY(
        rc_request_etag(request, "derived_property.etag", property->etag, entry.version, &version));
    if (rc_mask_has(in->update_mask, "display_name", property->display_name[0] != '\0'))
        entry.display_name = rc_bytes_of(property->display_name);
    if (rc_mask_has(in->update_mask, "description", property->description[0] != '\0'))
        entry.description = rc_bytes_of(property->description);
    if (rc_mask_has(in->update_mask, "steps",
                    property->source_case != RECOUNT__V1__DERIVED_PROPERTY__SOURCE__NOT_SET))
        RC_TRY(store_derivation(&decode, property, &writer, &entry.payload));
    rc_decode_leave(&decode, mark);
    RC_TRY(rc_entry_put(request, KIND, decode.project, &entry, version, &stored));
    return encode_property(request, decode.project, &stored, &out->derived_property);
}

static enum rc_status
delete_derived_property(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__DeleteDerivedPropertyRequest *in = message;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_bytes id;
    (void)reply;
    RC_TRY(rc_decode_name(&decode, "name", in->name, COLLECTION, &decode.project, &id));
    return rc_entry_delete(request, KIND, decode.project, id, in->etag);
}

#define METHOD_OF(name, snake, function, kind)                                            \
    {                                                                                     \
        "/recount.v1.PropertyService/" name, &recount__v1__##snake##_request__descriptor, \
            &recount__v1__##snake##_response__descriptor, function, kind                  \
    }
#define METHOD(name, snake, function) METHOD_OF(name, snake, function, RC_SERVICE_CONTROL)
#define QUERY(name, snake) METHOD_OF(name, snake, rc_call_##snake, RC_SERVICE_QUERY)

static const struct rc_service_method methods[] = {
    METHOD("CreateDerivedProperty", create_derived_property, create_derived_property),
    METHOD("GetDerivedProperty", get_derived_property, get_derived_property),
    METHOD("ListDerivedProperties", list_derived_properties, list_derived_properties),
    METHOD("UpdateDerivedProperty", update_derived_property, update_derived_property),
    METHOD("DeleteDerivedProperty", delete_derived_property, delete_derived_property),
    QUERY("ListProperties", list_properties),
    QUERY("ListPropertyValues", list_property_values),
};

const struct rc_service rc_service_property = {methods, sizeof(methods) / sizeof(methods[0])};
