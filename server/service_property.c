/* PropertyService: what the content of a derived property is (entries.h does the rest); what is
 * stored is listed in service_property_list.c. */
#include <recount/v1/property.pb-c.h>

#include "server/decode.h"
#include "server/derivation_message.h"
#include "server/encode.h"
#include "server/entries.h"
#include "server/service.h"
#include "server/service_query.h"

static enum rc_status
encode_content(struct rc_request *request,
               struct rc_bytes project,
               struct rc_bytes payload,
               ProtobufCMessage *message)
{
    struct rc_reader reader = rc_reader_of(payload.data, payload.size);
    const struct rc_derivation *derivation = NULL;
    (void)project;
    RC_TRY(rc_derivation_read(&reader, request->arena, &derivation, request->error));
    return rc_encode_derivation(request->arena, derivation,
                                (Recount__V1__DerivedProperty *)message);
}

static enum rc_status
store_content(struct rc_decode *decode,
              const struct rc_entry_change *change,
              struct rc_writer *writer)
{
    const Recount__V1__DerivedProperty *in = (const Recount__V1__DerivedProperty *)change->message;
    const struct rc_derivation *derivation = NULL;
    const bool is_set = in->source_case != RECOUNT__V1__DERIVED_PROPERTY__SOURCE__NOT_SET;
    if (!change->creates && !rc_entry_changes(change, "steps", is_set)) {
        rc_write_raw(writer, change->payload.data, change->payload.size);
        return RC_OK;
    }
    RC_TRY(rc_decode_derivation(decode, in, &derivation));
    rc_derivation_write(writer, derivation);
    return RC_OK;
}

static const char *const paths[] = {"display_name", "description", "steps", NULL};

static const struct rc_entry_kind derived_property_kind = {
    .catalog = RC_CATALOG_PROPERTIES,
    .message = &recount__v1__derived_property__descriptor,
    .noun = "derived property",
    .collection = "derivedProperties",
    .field = "derived_property",
    .list = "derived_properties",
    .paths = paths,
    .encode = encode_content,
    .store = store_content,
};

RC_ENTRY_CALLS(derived_property)

static enum rc_status
list_derived_properties(struct rc_request *request, const void *message, void *reply)
{
    return rc_entry_list(request, &derived_property_kind, NULL, message, reply);
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
    METHOD("ListDerivedPropertyVersions",
           list_derived_property_versions,
           list_derived_property_versions),
    METHOD("UpdateDerivedProperty", update_derived_property, update_derived_property),
    METHOD("DeleteDerivedProperty", delete_derived_property, delete_derived_property),
    QUERY("ListProperties", list_properties),
    QUERY("ListPropertyValues", list_property_values),
};

const struct rc_service rc_service_property = {methods, sizeof(methods) / sizeof(methods[0])};
