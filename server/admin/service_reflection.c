/*
 * grpc.reflection, v1 and v1alpha: what the server offers. The two differ in nothing but their
 * names, so the messages of v1 serve both.
 */
#include <grpc/reflection/v1/reflection.pb-c.h>

#include "server/admin/descriptors.h"
#include "server/call/server_calls.h"
#include "server/call/service.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

#define SERVICES_MAX 32u
#define CASE(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define REPLY(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

static enum rc_status
answer_error(struct rc_arena *arena, int code, const char *message, Response *response)
{
    response->message_response_case = REPLY(ERROR_RESPONSE);
    RC_NEW(arena, response->error_response, grpc__reflection__v1__error_response__descriptor);
    response->error_response->error_code = code;
    RC_NEW_TEXT(arena, response->error_response->error_message, rc_bytes_of(message));
    return RC_OK;
}

static enum rc_status
answer_files(struct rc_arena *arena, const struct rc_descriptor_list *list, Response *response)
{
    Grpc__Reflection__V1__FileDescriptorResponse *files;
    if (list->count == 0)
        return answer_error(arena, RC_CODE_NOT_FOUND, "there is nothing of this name", response);
    RC_NEW(arena, files, grpc__reflection__v1__file_descriptor_response__descriptor);
    RC_NEW_ARRAY(arena, files->file_descriptor_proto, ProtobufCBinaryData, list->count);
    files->n_file_descriptor_proto = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        files->file_descriptor_proto[i].len = list->files[i].size;
        files->file_descriptor_proto[i].data =
            (uint8_t *)rc_arena_copy(arena, list->files[i].data, list->files[i].size);
        if (files->file_descriptor_proto[i].data == NULL)
            return RC_NO_MEMORY;
    }
    response->message_response_case = REPLY(FILE_DESCRIPTOR_RESPONSE);
    response->file_descriptor_response = files;
    return RC_OK;
}

struct service_list {
    struct rc_arena *arena;
    Grpc__Reflection__V1__ListServiceResponse *out;
    bool failed;
};

static void
add_service(void *context, const char *name)
{
    struct service_list *list = context;
    Grpc__Reflection__V1__ServiceResponse *service =
        rc_message_new(list->arena, &grpc__reflection__v1__service_response__descriptor);
    char *text = rc_arena_string(list->arena, name, strlen(name));
    if (service == NULL || text == NULL || list->out->n_service == SERVICES_MAX) {
        list->failed = true;
        return;
    }
    service->name = text;
    list->out->service[list->out->n_service++] = service;
}

static enum rc_status
answer_services(struct rc_arena *arena, Response *response)
{
    Grpc__Reflection__V1__ListServiceResponse *services;
    RC_NEW(arena, services, grpc__reflection__v1__list_service_response__descriptor);
    RC_NEW_ARRAY(arena, services->service, Grpc__Reflection__V1__ServiceResponse *, SERVICES_MAX);
    struct service_list list = {.arena = arena, .out = services};
    rc_descriptors_services(add_service, &list);
    response->message_response_case = REPLY(LIST_SERVICES_RESPONSE);
    response->list_services_response = services;
    return list.failed ? RC_NO_MEMORY : RC_OK;
}

static enum rc_status
answer(struct rc_arena *arena, Request *request, Response *response)
{
    struct rc_descriptor_list list;
    response->valid_host = request->host;
    response->original_request = request;
    switch (request->message_request_case) {
    case CASE(FILE_BY_FILENAME):
        rc_descriptors_of_file(rc_bytes_of(request->file_by_filename), &list);
        return answer_files(arena, &list, response);
    case CASE(FILE_CONTAINING_SYMBOL):
        rc_descriptors_of_symbol(rc_bytes_of(request->file_containing_symbol), &list);
        return answer_files(arena, &list, response);
    case CASE(LIST_SERVICES):
        return answer_services(arena, response);
    case CASE(FILE_CONTAINING_EXTENSION):
    case CASE(ALL_EXTENSION_NUMBERS_OF_TYPE):
        return answer_error(arena, RC_CODE_NOT_FOUND, "the contract has no extensions", response);
    default:
        return answer_error(arena, RC_CODE_INVALID_ARGUMENT, "there is no question", response);
    }
}

static void
on_open(void *context, struct rc_call *call)
{
    (void)context;
    rc_call_read(call);
}

static void
on_message(struct rc_call *call, struct rc_message message)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, (uint64_t)16 << 20);
    Response response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    ProtobufCMessage *request = NULL;
    struct rc_bytes packed = {NULL, 0};
    enum rc_status status = arena == NULL ? RC_NO_MEMORY : RC_OK;
    if (status == RC_OK)
        status = rc_decode_message(&grpc__reflection__v1__server_reflection_request__descriptor,
                                   message.bytes, arena, &request, &failure.error);
    if (status == RC_OK)
        status = answer(arena, (Request *)request, &response);
    if (status == RC_OK) {
        packed = rc_message_pack(&response.base, arena);
        status = packed.data == NULL ? RC_NO_MEMORY : RC_OK;
    }
    rc_message_release(&message);
    if (status == RC_OK) {
        rc_call_write(call, packed);
        rc_call_read(call);
        return;
    }
    if (failure.error.status == RC_OK)
        rc_error_set(&failure.error, status, "%s", rc_status_sentence(status));
    rc_call_fail(call, &failure);
}

static void
on_half_close(struct rc_call *call)
{
    const struct rc_outcome success = {.code = RC_CODE_OK, .message = ""};
    rc_call_finish(call, &success);
}

static void
on_drain(struct rc_call *call)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    rc_error_set(&failure.error, RC_UNAVAILABLE, "the server stops");
    rc_call_fail(call, &failure);
}

const struct rc_stream_handler rc_reflection_stream = {.open = on_open,
                                                       .message = on_message,
                                                       .half_close = on_half_close,
                                                       .drain = on_drain};
