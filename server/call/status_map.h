/*
 * Status map: from the engine's statuses to gRPC codes and the details that clients read. The only
 * place that knows which is which.
 *
 * Every failure carries an ErrorInfo {reason, domain "recount"}; a field at fault adds BadRequest,
 * a named thing ResourceInfo, and what may be tried again RetryInfo.
 *
 * Ownership: an rc_failure is plain memory of the caller; the outcome made of it borrows from it
 *            and from the details.
 * Threading: pure functions.
 */
#ifndef RC_SERVER_CALL_STATUS_MAP_H
#define RC_SERVER_CALL_STATUS_MAP_H

#include "engine/base/status.h"
#include "server/transport/transport.h"

/* gRPC status codes. */
enum rc_code {
    RC_CODE_OK = 0,
    RC_CODE_CANCELLED = 1,
    RC_CODE_UNKNOWN = 2,
    RC_CODE_INVALID_ARGUMENT = 3,
    RC_CODE_DEADLINE_EXCEEDED = 4,
    RC_CODE_NOT_FOUND = 5,
    RC_CODE_ALREADY_EXISTS = 6,
    RC_CODE_RESOURCE_EXHAUSTED = 8,
    RC_CODE_FAILED_PRECONDITION = 9,
    RC_CODE_ABORTED = 10,
    RC_CODE_UNIMPLEMENTED = 12,
    RC_CODE_INTERNAL = 13,
    RC_CODE_UNAVAILABLE = 14,
    RC_CODE_DATA_LOSS = 15,
};

#define RC_RESOURCE_NAME_BYTES 544 /* That of a user is an id. */
#define RC_DETAILS_BYTES 3200

/* What a failed call was about. */
struct rc_resource {
    const char *type;                  /* "recount.v1.Definition", or NULL. A literal. */
    char name[RC_RESOURCE_NAME_BYTES]; /* "projects/p/definitions/d". */
};

struct rc_failure {
    struct rc_error error;
    struct rc_resource resource;
    bool in_use;   /* With RC_CONFLICT: something else needs the thing; the etag is not at fault. */
    bool late;     /* With RC_CANCELLED: the deadline has passed. */
    bool of_query; /* With RC_LIMIT_EXCEEDED: the query's own limit; waiting does not help. */
};

/* The packed google.rpc.Status of a failure. */
struct rc_details {
    unsigned char bytes[RC_DETAILS_BYTES];
};

/* The name of a code in upper snake case. Never NULL. */
const char *
rc_code_name(int code);

/*
 * The outcome of a failure. A limit that names a field is a broken rule of the request
 * (INVALID_ARGUMENT); one that does not is the server's own (RESOURCE_EXHAUSTED).
 */
struct rc_outcome
rc_failure_outcome(struct rc_failure *failure, struct rc_details *details);

#endif
