/* Message JSON: one walk over the descriptor; cJSON writes. Numbers with 64 bits go in as raw text,
 * since cJSON keeps numbers as doubles. */
#include "cli/render/message_json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/session/message.h"
#include "recount/v1/chart.pb-c.h"

static cJSON *
json_of_message(const ProtobufCMessage *message);

static cJSON *
json_of_text(const char *text)
{
    return cJSON_CreateString(text == NULL ? "" : text);
}

static cJSON *
json_of_int(int64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    return cJSON_CreateRaw(text);
}

static cJSON *
json_of_uint(uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    return cJSON_CreateRaw(text);
}

static cJSON *
json_of_value(const Recount__V1__Value *value)
{
    cJSON *list = NULL;
    switch (value->kind_case) {
    case RECOUNT__V1__VALUE__KIND_BOOL_VALUE:
        return cJSON_CreateBool(value->bool_value);
    case RECOUNT__V1__VALUE__KIND_INT_VALUE:
        return json_of_int(value->int_value);
    case RECOUNT__V1__VALUE__KIND_DOUBLE_VALUE:
        return cJSON_CreateNumber(value->double_value);
    case RECOUNT__V1__VALUE__KIND_STRING_VALUE:
        return json_of_text(value->string_value);
    case RECOUNT__V1__VALUE__KIND_LIST_VALUE:
        list = cJSON_CreateArray();
        for (size_t i = 0; i < value->list_value->n_values; i++)
            cJSON_AddItemToArray(list, json_of_text(value->list_value->values[i]));
        return list;
    default:
        return cJSON_CreateNull();
    }
}

static cJSON *
json_of_column(const Recount__V1__NumberColumn *column)
{
    cJSON *list = cJSON_CreateArray();
    size_t null = 0;
    for (size_t i = 0; i < column->n_values; i++) {
        const bool is_null = null < column->n_null_at && column->null_at[null] == i;
        null += is_null;
        cJSON_AddItemToArray(list,
                             is_null ? cJSON_CreateNull() : cJSON_CreateNumber(column->values[i]));
    }
    return list;
}

/* One value of a field, at its place in memory. */
static cJSON *
json_of_member(const ProtobufCFieldDescriptor *field, const void *at)
{
    const ProtobufCEnumValue *name = NULL;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_of_int(*(const int32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return json_of_int(*(const int64_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_of_uint(*(const uint32_t *)at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return json_of_uint(*(const uint64_t *)at);
    case PROTOBUF_C_TYPE_FLOAT:
        return cJSON_CreateNumber((double)*(const float *)at);
    case PROTOBUF_C_TYPE_DOUBLE:
        return cJSON_CreateNumber(*(const double *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return cJSON_CreateBool(*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM:
        name = protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int *)at);
        return name == NULL ? json_of_int(*(const int *)at) : json_of_text(name->name);
    case PROTOBUF_C_TYPE_STRING:
        return json_of_text(*(char *const *)at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return json_of_message(*(ProtobufCMessage *const *)at);
    case PROTOBUF_C_TYPE_BYTES:
        break;
    }
    return json_of_uint(((const ProtobufCBinaryData *)at)->len);
}

static size_t
member_bytes(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static cJSON *
json_of_repeated(const ProtobufCFieldDescriptor *field, const char *base)
{
    const size_t count = *(const size_t *)(base + field->quantifier_offset);
    const char *items = *(const char *const *)(base + field->offset);
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, json_of_member(field, items + i * member_bytes(field->type)));
    return list;
}

static cJSON *
json_of_message(const ProtobufCMessage *message)
{
    if (message->descriptor == &recount__v1__value__descriptor)
        return json_of_value((const Recount__V1__Value *)message);
    if (message->descriptor == &recount__v1__number_column__descriptor)
        return json_of_column((const Recount__V1__NumberColumn *)message);
    const char *base = (const char *)message;
    cJSON *object = rc_need(cJSON_CreateObject());
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const void *at = base + field->offset;
        cJSON *json = NULL;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            json = json_of_repeated(field, base);
        } else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            if (*(const uint32_t *)(base + field->quantifier_offset) == field->id)
                json = json_of_member(field, at);
        } else if (field->type != PROTOBUF_C_TYPE_MESSAGE || *(void *const *)at != NULL) {
            json = json_of_member(field, at);
        }
        if (json != NULL)
            cJSON_AddItemToObject(object, field->name, json);
    }
    return object;
}

void
rc_message_json_print(FILE *out, const ProtobufCMessage *message)
{
    cJSON *json = json_of_message(message);
    char *text = rc_need(cJSON_Print(json));
    fprintf(out, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(json);
}

static void
write_plain(FILE *out, cJSON *json)
{
    char *text = rc_need(cJSON_PrintUnformatted(json));
    fputs(text, out);
    cJSON_free(text);
    cJSON_Delete(json);
}

void
rc_value_json_write(FILE *out, const Recount__V1__Value *value)
{
    write_plain(out, json_of_value(value));
}

void
rc_text_json_write(FILE *out, const char *text)
{
    write_plain(out, json_of_text(text));
}
