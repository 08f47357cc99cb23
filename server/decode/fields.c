/* Fields: see the header. */
#include "server/decode/fields.h"

#include "engine/base/assert.h"

bool
rc_field_exists(const ProtobufCMessage *message, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name) != NULL;
}

void *
rc_field(ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    RC_ASSERT(field != NULL);
    return (char *)message + field->offset;
}

/* The same of a message that is only read. */
static const void *
read_field(const ProtobufCMessage *message, const char *name)
{
    return rc_field((ProtobufCMessage *)(uintptr_t)message, name);
}

const char *
rc_field_text(const ProtobufCMessage *message, const char *name)
{
    return *(char *const *)read_field(message, name);
}

int32_t
rc_field_number(const ProtobufCMessage *message, const char *name)
{
    return *(const int32_t *)read_field(message, name);
}

ProtobufCMessage *
rc_field_message(const ProtobufCMessage *message, const char *name)
{
    return *(ProtobufCMessage *const *)read_field(message, name);
}

void
rc_field_unset(ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    if (field == NULL)
        return;
    RC_ASSERT((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0);
    *(uint32_t *)(void *)((char *)message + field->quantifier_offset) = 0;
}

size_t *
rc_field_count(ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    RC_ASSERT(field != NULL && field->label == PROTOBUF_C_LABEL_REPEATED);
    return (size_t *)(void *)((char *)message + field->quantifier_offset);
}

ProtobufCMessage *const *
rc_field_messages(const ProtobufCMessage *message, const char *name, size_t *ret_count)
{
    ProtobufCMessage *from = (ProtobufCMessage *)(uintptr_t)message;
    *ret_count = *rc_field_count(from, name);
    return *(ProtobufCMessage *const *const *)rc_field(from, name);
}
