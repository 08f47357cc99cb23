/*
 * Message JSON: any message of the contract as JSON, by its descriptor.
 *
 * Names are those of the contract (snake_case); what is zero is written too, what is not set is
 * not. Whole numbers are numbers with all their digits. Two messages are written as what they mean:
 * a Value is the plain value, and a NumberColumn an array of numbers with null where there is none.
 */
#ifndef RC_CLI_RENDER_MESSAGE_JSON_H
#define RC_CLI_RENDER_MESSAGE_JSON_H

#include <protobuf-c/protobuf-c.h>
#include <stdio.h>

#include "recount/v1/value.pb-c.h"

/* Writes a message as indented JSON and ends the line. */
void
rc_message_json_print(FILE *out, const ProtobufCMessage *message);

/* Writes a value, and a text, without spaces and line ends. */
void
rc_value_json_write(FILE *out, const Recount__V1__Value *value);
void
rc_text_json_write(FILE *out, const char *text);

#endif
