/*
 * Status map. Details are packed into the failure's own buffer, so that a call that failed for want
 * of memory can still say so. Their sizes are bounded by those of rc_error and rc_resource.
 */
#include "server/call/status_map.h"

#include <google/rpc/error_details.pb-c.h>
#include <google/rpc/status.pb-c.h>
#include <stdint.h>

#include "engine/base/assert.h"

#define DOMAIN "recount"
#define TYPE_PREFIX "type.googleapis.com/google.rpc."
#define DETAIL_BYTES 1280
#define DETAILS_MAX 4

_Static_assert(RC_ERROR_MESSAGE_BYTES + RC_ERROR_FIELD_BYTES + 64 <= DETAIL_BYTES,
               "a field violation must fit");
_Static_assert(RC_ERROR_MESSAGE_BYTES + RC_RESOURCE_NAME_BYTES + 128 <= DETAIL_BYTES,
               "a resource must fit");
_Static_assert(3 * RC_ERROR_MESSAGE_BYTES + RC_ERROR_FIELD_BYTES + RC_RESOURCE_NAME_BYTES + 640 <=
                   RC_DETAILS_BYTES,
               "all details must fit");

struct mapping {
    enum rc_code code;
    const char *reason;
    int64_t retry_seconds; /* Least time to wait; 0: trying again does not help. */
};

static const struct mapping mappings[RC_STATUS_COUNT] = {
    [RC_OK] = {RC_CODE_OK, "OK", 0},
    [RC_INVALID] = {RC_CODE_INVALID_ARGUMENT, "INVALID_ARGUMENT", 0},
    [RC_NOT_FOUND] = {RC_CODE_NOT_FOUND, "NOT_FOUND", 0},
    [RC_EXISTS] = {RC_CODE_ALREADY_EXISTS, "ALREADY_EXISTS", 0},
    [RC_CONFLICT] = {RC_CODE_ABORTED, "ETAG_MISMATCH", 0},
    [RC_UNSUPPORTED] = {RC_CODE_UNIMPLEMENTED, "NOT_SUPPORTED", 0},
    [RC_LIMIT_EXCEEDED] = {RC_CODE_RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED", 1},
    [RC_TOO_SLOW] = {RC_CODE_INVALID_ARGUMENT, "PATTERN_TOO_SLOW", 0},
    [RC_NO_MEMORY] = {RC_CODE_RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", 1},
    [RC_NO_SPACE] = {RC_CODE_RESOURCE_EXHAUSTED, "DISK_FULL", 10},
    [RC_CANCELLED] = {RC_CODE_CANCELLED, "CANCELLED", 0},
    [RC_UNAVAILABLE] = {RC_CODE_UNAVAILABLE, "UNAVAILABLE", 1},
    [RC_CORRUPT] = {RC_CODE_DATA_LOSS, "DATA_CORRUPT", 0},
    [RC_IO] = {RC_CODE_INTERNAL, "INPUT_OUTPUT", 0},
};

static const char *const code_names[] = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

const char *
rc_code_name(int code)
{
    const int count = (int)(sizeof(code_names) / sizeof(code_names[0]));
    return code >= 0 && code < count ? code_names[code] : "UNKNOWN";
}

static struct mapping
mapping_of(const struct rc_failure *failure)
{
    struct mapping mapping = mappings[failure->error.status];
    if (failure->error.status == RC_LIMIT_EXCEEDED && failure->error.field[0] != '\0')
        mapping = (struct mapping){RC_CODE_INVALID_ARGUMENT, "LIMIT_EXCEEDED", 0};
    else if (failure->error.status == RC_LIMIT_EXCEEDED && failure->of_query)
        mapping.retry_seconds = 0;
    if (failure->error.status == RC_CONFLICT && failure->in_use)
        mapping = (struct mapping){RC_CODE_ABORTED, "IN_USE", 0};
    if (failure->error.status == RC_CANCELLED && failure->late)
        mapping = (struct mapping){RC_CODE_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", 0};
    return mapping;
}

/* The details of one status under construction. */
struct packer {
    Google__Protobuf__Any any[DETAILS_MAX];
    Google__Protobuf__Any *list[DETAILS_MAX];
    unsigned char bytes[DETAILS_MAX][DETAIL_BYTES];
    size_t count;
};

static void
packer_add(struct packer *packer, const char *type, const ProtobufCMessage *message)
{
    const size_t size = protobuf_c_message_get_packed_size(message);
    RC_ASSERT(packer->count < DETAILS_MAX && size <= DETAIL_BYTES);
    Google__Protobuf__Any *any = &packer->any[packer->count];
    google__protobuf__any__init(any);
    any->type_url = (char *)(uintptr_t)type;
    any->value.data = packer->bytes[packer->count];
    any->value.len = protobuf_c_message_pack(message, packer->bytes[packer->count]);
    packer->list[packer->count++] = any;
}

static void
add_field(struct packer *packer, struct rc_error *error)
{
    Google__Rpc__BadRequest__FieldViolation violation =
        GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
    violation.field = error->field;
    violation.description = error->message;
    Google__Rpc__BadRequest__FieldViolation *list[] = {&violation};
    Google__Rpc__BadRequest request = GOOGLE__RPC__BAD_REQUEST__INIT;
    request.n_field_violations = 1;
    request.field_violations = list;
    packer_add(packer, TYPE_PREFIX "BadRequest", &request.base);
}

static void
add_resource(struct packer *packer, struct rc_failure *failure)
{
    Google__Rpc__ResourceInfo resource = GOOGLE__RPC__RESOURCE_INFO__INIT;
    resource.resource_type = (char *)(uintptr_t)failure->resource.type;
    resource.resource_name = failure->resource.name;
    resource.description = failure->error.message;
    packer_add(packer, TYPE_PREFIX "ResourceInfo", &resource.base);
}

static void
add_retry(struct packer *packer, int64_t seconds)
{
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    delay.seconds = seconds;
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    retry.retry_delay = &delay;
    packer_add(packer, TYPE_PREFIX "RetryInfo", &retry.base);
}

struct rc_outcome
rc_failure_outcome(struct rc_failure *failure, struct rc_details *details)
{
    RC_ASSERT(failure->error.status != RC_OK && failure->error.status < RC_STATUS_COUNT);
    const struct mapping mapping = mapping_of(failure);
    struct packer packer = {.count = 0};
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    info.reason = (char *)(uintptr_t)mapping.reason;
    info.domain = (char *)(uintptr_t)DOMAIN;
    packer_add(&packer, TYPE_PREFIX "ErrorInfo", &info.base);
    if (failure->error.field[0] != '\0')
        add_field(&packer, &failure->error);
    if (failure->resource.type != NULL)
        add_resource(&packer, failure);
    if (mapping.retry_seconds > 0)
        add_retry(&packer, mapping.retry_seconds);
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = (int32_t)mapping.code;
    status.message = failure->error.message;
    status.n_details = packer.count;
    status.details = packer.list;
    RC_ASSERT(protobuf_c_message_get_packed_size(&status.base) <= sizeof(details->bytes));
    const size_t size = protobuf_c_message_pack(&status.base, details->bytes);
    return (struct rc_outcome){.code = (int)mapping.code,
                               .message = failure->error.message,
                               .details = {(const char *)details->bytes, size}};
}
