/*
 * Shape: a request without its constants: what two requests have in common that differ in values,
 * times, numbers, texts to look for and names to show only. Names of properties, definitions and
 * segments, options and the tree of predicates stay.
 *
 * Every call has its fingerprint taken; its text is written for whoever wants to see it.
 *
 * Ownership: a shape borrows its message.
 * Threading: pure; the message must not change meanwhile.
 */
#ifndef RC_SERVER_CALL_SHAPE_H
#define RC_SERVER_CALL_SHAPE_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"

/* What of a shape is kept to show; the fingerprint is that of all of it. */
#define RC_SHAPE_BYTES_MAX 2048u

struct rc_shape {
    const char *call; /* "QueryService.Funnel". */
    const ProtobufCMessage *message;
    uint64_t fingerprint; /* Two of one text have one, on every server. */
};

struct rc_shape
rc_shape_of(const char *call, const ProtobufCMessage *message);

/* The text, in the arena, UTF-8; empty: no memory. */
struct rc_bytes
rc_shape_text(const struct rc_shape *shape, struct rc_arena *arena);

#endif
