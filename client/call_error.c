/*
 * Call error: the details are google.protobuf.Any messages, told apart by the end of their type's
 * address. Each known one fills its part of the struct; texts that are too long are cut.
 */
#include "client/call_error.h"

#include <stdio.h>

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

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
rc_call_code_name(enum rc_call_code code)
{
    const size_t at = (size_t)code;
    return at < sizeof(code_names) / sizeof(code_names[0]) ? code_names[at] : "UNKNOWN";
}

void
rc_call_error_set(struct rc_call_error *error, enum rc_call_code code, const char *format, ...)
{
    if (error == NULL)
        return;
    *error = (struct rc_call_error){.code = code, .retry_delay_ms = -1};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
}

static void
add_bad_request(struct rc_call_error *error, const Google__Protobuf__Any *any)
{
    Google__Rpc__BadRequest *message =
        google__rpc__bad_request__unpack(NULL, any->value.len, any->value.data);
    if (message == NULL)
        return;
    for (size_t i = 0; i < message->n_field_violations; i++) {
        if (error->violation_count == RC_CALL_VIOLATIONS_MAX)
            break;
        const Google__Rpc__BadRequest__FieldViolation *from = message->field_violations[i];
        struct rc_call_violation *to = &error->violations[error->violation_count++];
        snprintf(to->field, sizeof(to->field), "%s", from->field);
        snprintf(to->description, sizeof(to->description), "%s", from->description);
    }
    google__rpc__bad_request__free_unpacked(message, NULL);
}

static void
add_retry_info(struct rc_call_error *error, const Google__Protobuf__Any *any)
{
    Google__Rpc__RetryInfo *message =
        google__rpc__retry_info__unpack(NULL, any->value.len, any->value.data);
    if (message == NULL)
        return;
    if (message->retry_delay != NULL)
        error->retry_delay_ms =
            message->retry_delay->seconds * 1000 + message->retry_delay->nanos / 1000000;
    google__rpc__retry_info__free_unpacked(message, NULL);
}

static void
add_error_info(struct rc_call_error *error, const Google__Protobuf__Any *any)
{
    Google__Rpc__ErrorInfo *message =
        google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);
    if (message == NULL)
        return;
    snprintf(error->reason, sizeof(error->reason), "%s", message->reason);
    google__rpc__error_info__free_unpacked(message, NULL);
}

static void
add_resource_info(struct rc_call_error *error, const Google__Protobuf__Any *any)
{
    Google__Rpc__ResourceInfo *message =
        google__rpc__resource_info__unpack(NULL, any->value.len, any->value.data);
    if (message == NULL)
        return;
    snprintf(error->resource, sizeof(error->resource), "%s", message->resource_name);
    google__rpc__resource_info__free_unpacked(message, NULL);
}

void
rc_call_error_add_details(struct rc_call_error *error, struct rc_bytes packed_status)
{
    static const struct {
        const char *type;
        void (*add)(struct rc_call_error *error, const Google__Protobuf__Any *any);
    } kinds[] = {
        {"/google.rpc.BadRequest", add_bad_request},
        {"/google.rpc.RetryInfo", add_retry_info},
        {"/google.rpc.ErrorInfo", add_error_info},
        {"/google.rpc.ResourceInfo", add_resource_info},
    };
    Google__Rpc__Status *status =
        google__rpc__status__unpack(NULL, packed_status.size, (const uint8_t *)packed_status.data);
    if (status == NULL)
        return;
    for (size_t i = 0; i < status->n_details; i++) {
        const char *type = strrchr(status->details[i]->type_url, '/');
        for (size_t k = 0; type != NULL && k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            if (strcmp(type, kinds[k].type) == 0)
                kinds[k].add(error, status->details[i]);
        }
    }
    google__rpc__status__free_unpacked(status, NULL);
}
