/*
 * Fields: members of messages by the names that the contract gives them, for code that treats
 * messages of several types alike. A field that must be there and is not is a bug.
 *
 * Threading: pure.
 */
#ifndef RC_SERVER_DECODE_FIELDS_H
#define RC_SERVER_DECODE_FIELDS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether messages of the type have the field. */
bool
rc_field_exists(const ProtobufCMessage *message, const char *name);

/* Where the field is: of a text a char *, of a message a pointer to it. */
void *
rc_field(ProtobufCMessage *message, const char *name);

/* A text. Never NULL. */
const char *
rc_field_text(const ProtobufCMessage *message, const char *name);

/* A number of 32 bits. */
int32_t
rc_field_number(const ProtobufCMessage *message, const char *name);

/* A message; NULL: not set. */
ProtobufCMessage *
rc_field_message(const ProtobufCMessage *message, const char *name);

/* Unsets a field that is one of a oneof; nothing where messages of the type do not have it. */
void
rc_field_unset(ProtobufCMessage *message, const char *name);

/* The messages of a repeated field. */
ProtobufCMessage *const *
rc_field_messages(const ProtobufCMessage *message, const char *name, size_t *ret_count);

/* How many a repeated field has. */
size_t *
rc_field_count(ProtobufCMessage *message, const char *name);

#endif
