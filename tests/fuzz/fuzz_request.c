/*
 * Requests, all but ingestion: the first byte picks the message, the rest is its bytes. What the
 * door lets in must pack again and be let in again; trees and scopes become what the engine takes,
 * and what passes the engine's own check must survive its stored form.
 */
#include <recount/v1/admin.pb-c.h>
#include <recount/v1/definition.pb-c.h>
#include <recount/v1/entity_list.pb-c.h>
#include <recount/v1/event_list.pb-c.h>
#include <recount/v1/funnel.pb-c.h>
#include <recount/v1/lifecycle.pb-c.h>
#include <recount/v1/paths.pb-c.h>
#include <recount/v1/project.pb-c.h>
#include <recount/v1/retention.pb-c.h>
#include <recount/v1/segment.pb-c.h>
#include <recount/v1/series.pb-c.h>
#include <recount/v1/sessions.pb-c.h>
#include <recount/v1/stickiness.pb-c.h>
#include <recount/v1/user_list.pb-c.h>

#include "server/decode/decode.h"
#include "tests/fuzz/fuzz.h"

#define NOW_MS ((int64_t)1700000000000)

/* A predicate made it through the door. */
static void
store_predicate(const struct rc_predicate *predicate, struct rc_arena *arena)
{
    struct rc_error error;
    if (rc_predicate_check(predicate, &error) != RC_OK)
        return;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_predicate_write(&writer, predicate);
    const struct rc_bytes written = fuzz_written(&writer);
    struct rc_reader reader = rc_reader_of(written.data, written.size);
    const struct rc_predicate *again;
    FUZZ_CHECK(rc_predicate_read(&reader, arena, &again, &error) == RC_OK);
    FUZZ_CHECK(rc_reader_left(&reader) == 0);
}

static void
store_segment(const struct rc_segment *segment, struct rc_arena *arena)
{
    struct rc_error error;
    if (segment == NULL || rc_segment_check(segment, &error) != RC_OK)
        return;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_segment_write(&writer, segment);
    const struct rc_bytes written = fuzz_written(&writer);
    struct rc_reader reader = rc_reader_of(written.data, written.size);
    const struct rc_segment *again;
    FUZZ_CHECK(rc_segment_read(&reader, arena, &again, &error) == RC_OK);
    FUZZ_CHECK(rc_reader_left(&reader) == 0);
}

static enum rc_status
use_predicate(struct rc_decode *decode, const void *message)
{
    const struct rc_predicate *predicate;
    RC_TRY(rc_decode_predicate(decode, message, &predicate));
    store_predicate(predicate, decode->arena);
    return RC_OK;
}

static enum rc_status
use_selector(struct rc_decode *decode, const void *message)
{
    const struct rc_predicate *predicate;
    RC_TRY(rc_decode_selector(decode, message, &predicate));
    store_predicate(predicate, decode->arena);
    return RC_OK;
}

static enum rc_status
use_rule(struct rc_decode *decode, const void *message)
{
    const struct rc_segment *segment;
    RC_TRY(rc_decode_segment_rule(decode, message, &segment));
    store_segment(segment, decode->arena);
    return RC_OK;
}

static enum rc_status
use_filter(struct rc_decode *decode, const void *message)
{
    const struct rc_segment *segment;
    RC_TRY(rc_decode_segment_filter(decode, message, &segment));
    store_segment(segment, decode->arena);
    return RC_OK;
}

static enum rc_status
use_scope(struct rc_decode *decode, const void *message)
{
    struct rc_scope scope;
    RC_TRY(rc_decode_scope(decode, message, RC_RANGE_REQUIRED, NOW_MS, &scope));
    FUZZ_CHECK(scope.start_ms < scope.end_ms);
    store_segment(scope.segment, decode->arena);
    return RC_OK;
}

static enum rc_status
use_breakdown(struct rc_decode *decode, const void *message)
{
    const struct rc_breakdown *breakdown;
    uint32_t top_n;
    return rc_decode_breakdown(decode, message, &breakdown, &top_n);
}

static enum rc_status
use_bucket(struct rc_decode *decode, const void *message)
{
    enum rc_unit unit;
    uint32_t multiple;
    return rc_decode_bucket(decode, message, &unit, &multiple);
}

static enum rc_status
use_value(struct rc_decode *decode, const void *message)
{
    struct rc_value value;
    return rc_decode_value(decode, message, &value);
}

static const struct {
    const ProtobufCMessageDescriptor *descriptor;
    enum rc_status (*use)(struct rc_decode *decode, const void *message);
} messages[] = {
    {&recount__v1__predicate__descriptor, use_predicate},
    {&recount__v1__selector__descriptor, use_selector},
    {&recount__v1__segment_rule__descriptor, use_rule},
    {&recount__v1__segment_filter__descriptor, use_filter},
    {&recount__v1__scope__descriptor, use_scope},
    {&recount__v1__breakdown__descriptor, use_breakdown},
    {&recount__v1__bucket_size__descriptor, use_bucket},
    {&recount__v1__value__descriptor, use_value},
    {&recount__v1__funnel_request__descriptor, NULL},
    {&recount__v1__retention_request__descriptor, NULL},
    {&recount__v1__series_request__descriptor, NULL},
    {&recount__v1__list_events_request__descriptor, NULL},
    {&recount__v1__create_project_request__descriptor, NULL},
    {&recount__v1__update_project_request__descriptor, NULL},
    {&recount__v1__create_definition_request__descriptor, NULL},
    {&recount__v1__update_definition_request__descriptor, NULL},
    {&recount__v1__create_segment_request__descriptor, NULL},
    {&recount__v1__list_segment_users_request__descriptor, NULL},
    {&recount__v1__create_snapshot_request__descriptor, NULL},
    {&recount__v1__lifecycle_request__descriptor, NULL},
    {&recount__v1__stickiness_request__descriptor, NULL},
    {&recount__v1__sessions_request__descriptor, NULL},
    {&recount__v1__paths_request__descriptor, NULL},
    {&recount__v1__list_users_request__descriptor, NULL},
    {&recount__v1__list_entities_request__descriptor, NULL},
    {&recount__v1__export_segment_request__descriptor, NULL},
    {&recount__v1__preview_definition_request__descriptor, NULL},
    {&recount__v1__suggest_definitions_request__descriptor, NULL},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const size_t which = data[0] % (sizeof(messages) / sizeof(messages[0]));
    const ProtobufCMessageDescriptor *descriptor = messages[which].descriptor;
    const struct rc_bytes bytes = {(const char *)data + 1, size - 1};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_error error = {0};
    ProtobufCMessage *message;
    ProtobufCMessage *again;
    if (rc_decode_message(descriptor, bytes, arena, &message, &error) != RC_OK) {
        FUZZ_CHECK(error.message[0] != '\0');
        return 0;
    }
    FUZZ_CHECK(message->descriptor == descriptor);
    const size_t packed_size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = rc_arena_alloc(arena, packed_size);
    FUZZ_CHECK(packed != NULL && protobuf_c_message_pack(message, packed) == packed_size);
    FUZZ_CHECK(rc_decode_message(descriptor, (struct rc_bytes){(char *)packed, packed_size}, arena,
                                 &again, &error) == RC_OK);
    if (messages[which].use == NULL)
        return 0;
    struct rc_decode decode = {
        .arena = arena, .error = &error, .project = RC_BYTES_LITERAL("p"), .stores = true};
    error = (struct rc_error){0};
    const enum rc_status status = messages[which].use(&decode, message);
    FUZZ_CHECK(status == RC_OK || (status == error.status && error.message[0] != '\0'));
    return 0;
}
