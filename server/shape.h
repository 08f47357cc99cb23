/*
 * Shape: a request without its constants, as text: what two requests have in common that differ in
 * values, times, numbers, texts to look for and names to show only. Names of properties,
 * definitions and segments, options and the tree of predicates stay.
 *
 * Threading: pure.
 */
#ifndef RC_SERVER_SHAPE_H
#define RC_SERVER_SHAPE_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"

/* What of a shape is kept to show; the fingerprint is that of all of it. */
#define RC_SHAPE_BYTES_MAX 2048u

struct rc_shape {
    struct rc_bytes text; /* In the arena; empty: no memory. UTF-8. */
    uint64_t fingerprint;
};

/* call: "QueryService.Funnel". */
struct rc_shape
rc_shape_of(const char *call, const ProtobufCMessage *message, struct rc_arena *arena);

#endif
