/*
 * Labels of definitions: to and from messages, and which definitions a list wants.
 *
 * Ownership: labels come from the arena and borrow from the message or the stored definition.
 * Threading: one thread.
 * Errors:    RC_INVALID names the field; RC_CORRUPT; RC_NO_MEMORY.
 */
#ifndef RC_SERVER_ENTRY_DEFINITION_LABELS_H
#define RC_SERVER_ENTRY_DEFINITION_LABELS_H

#include <recount/v1/definition.pb-c.h>

#include "engine/match/predicate/definitions.h"
#include "server/decode/decode.h"
#include "server/entry/entries.h"

RC_MUST_USE enum rc_status
rc_encode_labels(struct rc_arena *arena,
                 const struct rc_definition *definition,
                 Recount__V1__Definition *out);

/* Into definition, by key. decode stands at the definition. */
RC_MUST_USE enum rc_status
rc_decode_labels(struct rc_decode *decode,
                 const Recount__V1__Definition *in,
                 struct rc_definition *definition);

struct rc_definition_filter {
    struct rc_entry_filter filter;
    const Recount__V1__ListDefinitionsRequest *in; /* Set before it is opened. */
    struct rc_error *error;
    struct rc_bytes contains; /* Folded, in contained. */
    struct rc_writer contained;
    struct rc_writer folded;  /* Of a display name. */
    struct rc_arena *scratch; /* Labels of one. */
};

/* Close it whatever the status. */
RC_MUST_USE enum rc_status
rc_definition_filter_open(struct rc_decode *decode, struct rc_definition_filter *filter);

/* For RC_CLEANUP on the struct itself. */
void
rc_definition_filter_close(struct rc_definition_filter *filter);

#endif
