/*
 * Call error: why a call to the server failed, as far as the server said.
 *
 * A failed call has a gRPC code and one sentence. Recount's server adds details (google.rpc.Status
 * in a trailer): a reason for programs, the fields at fault, what was not found, when to try again.
 *
 * Ownership: plain memory of the caller; no pointers in it.
 * Threading: no shared state.
 * Units:     milliseconds.
 */
#ifndef RC_CLIENT_CALL_ERROR_H
#define RC_CLIENT_CALL_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

/* The codes of gRPC. */
enum rc_call_code {
    RC_CALL_OK = 0,
    RC_CALL_CANCELLED = 1,
    RC_CALL_UNKNOWN = 2,
    RC_CALL_INVALID_ARGUMENT = 3,
    RC_CALL_DEADLINE_EXCEEDED = 4,
    RC_CALL_NOT_FOUND = 5,
    RC_CALL_ALREADY_EXISTS = 6,
    RC_CALL_PERMISSION_DENIED = 7,
    RC_CALL_RESOURCE_EXHAUSTED = 8,
    RC_CALL_FAILED_PRECONDITION = 9,
    RC_CALL_ABORTED = 10,
    RC_CALL_OUT_OF_RANGE = 11,
    RC_CALL_UNIMPLEMENTED = 12,
    RC_CALL_INTERNAL = 13,
    RC_CALL_UNAVAILABLE = 14,
    RC_CALL_DATA_LOSS = 15,
    RC_CALL_UNAUTHENTICATED = 16,
};

/* More violations than this are counted by the server's sentence only. */
#define RC_CALL_VIOLATIONS_MAX 8

struct rc_call_violation {
    char field[RC_ERROR_FIELD_BYTES];
    char description[RC_ERROR_MESSAGE_BYTES];
};

struct rc_call_error {
    enum rc_call_code code;
    char message[1024];
    char reason[64];    /* Upper snake case; empty when the server gave none. */
    char resource[256]; /* The name of what was not found or exists; empty when none is named. */
    int64_t retry_delay_ms; /* The least time to wait; -1 when the server gave none. */
    size_t violation_count;
    struct rc_call_violation violations[RC_CALL_VIOLATIONS_MAX];
};

/* Fills *error (NULL is fine) with a code and a sentence and no details. */
void
rc_call_error_set(struct rc_call_error *error, enum rc_call_code code, const char *format, ...)
    RC_PRINTF(3, 4);

/*
 * Adds the details of a packed google.rpc.Status. Bytes that are none, and details of unknown
 * types, are passed over: the code and the sentence stand without them.
 */
void
rc_call_error_add_details(struct rc_call_error *error, struct rc_bytes packed_status);

/* "NOT_FOUND" and so on; "UNKNOWN" for a number that is no code. Never NULL. */
const char *
rc_call_code_name(enum rc_call_code code);

#endif
