/* PropertyService: what the content of a derived property is (entries.h does the rest); what is
 * stored is listed in service_property_list.c. */
#include <recount/v1/property.pb-c.h>

#include "server/call/service.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"
#include "server/entry/derivation_message.h"
#include "server/entry/entries.h"
#include "server/query/service_query.h"

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

/* The sources that a change may name, by their fields. */
static const struct {
    const char *path;
    Recount__V1__DerivedProperty__SourceCase source;
} sources[] = {
    {"property", RECOUNT__V1__DERIVED_PROPERTY__SOURCE_PROPERTY},
    {"event_time", RECOUNT__V1__DERIVED_PROPERTY__SOURCE_EVENT_TIME},
    {"formula", RECOUNT__V1__DERIVED_PROPERTY__SOURCE_FORMULA},
};

static bool
changes_content(const struct rc_entry_change *change, const Recount__V1__DerivedProperty *in)
{
    bool changes = rc_entry_changes(change, "steps", in->n_steps > 0);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        changes |= rc_entry_changes(change, sources[i].path, in->source_case == sources[i].source);
    return changes;
}

/* Takes from a message what the change's mask names; the rest stays as it is. */
static enum rc_status
merge_named(struct rc_decode *decode,
            const struct rc_entry_change *change,
            const Recount__V1__DerivedProperty *in,
            Recount__V1__DerivedProperty *merged)
{
    const char *unset = NULL;
    bool taken = false;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (!rc_entry_changes(change, sources[i].path, false))
            continue;
        if (in->source_case != sources[i].source) {
            unset = sources[i].path;
            continue;
        }
        taken = true;
        merged->source_case = in->source_case;
        merged->property = in->property; /* One of a union: the others are there as well. */
    }
    if (unset != NULL && !taken)
        return rc_decode_fail(decode, RC_INVALID, unset,
                              "update_mask names this source, and it is not set");
    if (rc_entry_changes(change, "steps", false)) {
        merged->n_steps = in->n_steps;
        merged->steps = in->steps;
    }
    return RC_OK;
}

/* The content as it shall be. Without a mask a source brings its steps; steps alone stay with the
 * source that there is. */
static enum rc_status
merge_content(struct rc_decode *decode,
              const struct rc_entry_change *change,
              const Recount__V1__DerivedProperty *in,
              Recount__V1__DerivedProperty *merged)
{
    struct rc_reader reader = rc_reader_of(change->payload.data, change->payload.size);
    const struct rc_derivation *derivation = NULL;
    RC_TRY(rc_derivation_read(&reader, decode->arena, &derivation, decode->error));
    RC_TRY(rc_encode_derivation(decode->arena, derivation, merged));
    if (change->mask != NULL && change->mask->n_paths > 0)
        return merge_named(decode, change, in, merged);
    if (in->source_case != RECOUNT__V1__DERIVED_PROPERTY__SOURCE__NOT_SET) {
        *merged = *in;
    } else if (in->n_steps > 0) {
        merged->n_steps = in->n_steps;
        merged->steps = in->steps;
    }
    return RC_OK;
}

static enum rc_status
store_content(struct rc_decode *decode,
              const struct rc_entry_change *change,
              struct rc_writer *writer)
{
    const Recount__V1__DerivedProperty *in = (const Recount__V1__DerivedProperty *)change->message;
    Recount__V1__DerivedProperty merged = RECOUNT__V1__DERIVED_PROPERTY__INIT;
    const struct rc_derivation *derivation = NULL;
    if (!change->creates && !changes_content(change, in)) {
        rc_write_raw(writer, change->payload.data, change->payload.size);
        return RC_OK;
    }
    if (!change->creates)
        RC_TRY(merge_content(decode, change, in, &merged));
    RC_TRY(rc_decode_derivation(decode, change->creates ? in : &merged, &derivation));
    rc_derivation_write(writer, derivation);
    return RC_OK;
}

static const char *const paths[] = {"display_name", "description", "property", "event_time",
                                    "formula",      "steps",       NULL};

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
