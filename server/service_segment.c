/* Segments: create, get, list, update, delete, count, list the users. */
#include <recount/v1/segment.pb-c.h>

#include "server/decode.h"
#include "server/encode.h"
#include "server/entries.h"
#include "server/service.h"
#include "server/token.h"

#define KIND RC_CATALOG_SEGMENTS

static enum rc_status
encode_segment(struct rc_request *request,
               struct rc_bytes project,
               const struct rc_catalog_entry *entry,
               Recount__V1__Segment **ret_segment)
{
    Recount__V1__Segment *out;
    RC_NEW(request->arena, out, recount__v1__segment__descriptor);
    RC_TRY(rc_entry_texts(request, KIND, project, entry, &out->name, &out->display_name,
                          &out->description, &out->etag));
    struct rc_reader reader = rc_reader_of(entry->payload.data, entry->payload.size);
    const struct rc_segment *segment = NULL;
    RC_TRY(rc_segment_read(&reader, request->arena, &segment, request->error));
    out->membership_case = RECOUNT__V1__SEGMENT__MEMBERSHIP_RULE;
    RC_TRY(rc_encode_segment_rule(request->arena, project, segment, &out->rule));
    out->create_time_ms = entry->created_ms;
    out->update_time_ms = entry->updated_ms;
    *ret_segment = out;
    return RC_OK;
}

/* The stored form of a segment's rule. decode->project is set. */
static enum rc_status
store_rule(struct rc_decode *decode,
           const Recount__V1__Segment *in,
           struct rc_writer *writer,
           struct rc_bytes *ret_payload)
{
    const struct rc_segment *segment = NULL;
    RC_REFUSE(decode, in->membership_case == RECOUNT__V1__SEGMENT__MEMBERSHIP_USERS,
              "segment.users");
    const size_t mark = rc_decode_enter(decode, "segment.rule");
    if (in->membership_case != RECOUNT__V1__SEGMENT__MEMBERSHIP_RULE)
        return rc_decode_fail(decode, RC_INVALID, "", "the rule is missing");
    RC_TRY(rc_decode_segment_rule(decode, in->rule, &segment));
    RC_TRY(rc_decode_check_references(decode));
    rc_decode_leave(decode, mark);
    rc_segment_write(writer, segment);
    if (writer->failed)
        return rc_decode_no_memory(decode);
    *ret_payload = (struct rc_bytes){(const char *)writer->data, writer->size};
    return RC_OK;
}

static enum rc_status
create_segment(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CreateSegmentRequest *in = message;
    Recount__V1__CreateSegmentResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_catalog_entry entry = {.name = rc_bytes_of(in->segment_id)};
    struct rc_catalog_entry stored;
    RC_REFUSE(&decode, in->request_id[0] != '\0', "request_id");
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &decode.project));
    RC_TRY(rc_catalog_check_name(entry.name, "segment_id", request->error));
    if (in->segment == NULL)
        return rc_decode_fail(&decode, RC_INVALID, "segment", "the segment is missing");
    const size_t mark = rc_decode_enter(&decode, "segment");
    RC_TRY(rc_entry_check_texts(&decode, in->segment->display_name, in->segment->description));
    rc_decode_leave(&decode, mark);
    RC_TRY(store_rule(&decode, in->segment, &writer, &entry.payload));
    entry.display_name = rc_bytes_of(in->segment->display_name);
    entry.description = rc_bytes_of(in->segment->description);
    RC_TRY(rc_entry_put(request, KIND, decode.project, &entry, 0, &stored));
    return encode_segment(request, decode.project, &stored, &out->segment);
}

static enum rc_status
get_segment(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__GetSegmentRequest *in = message;
    Recount__V1__GetSegmentResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_catalog_entry entry;
    struct rc_bytes id;
    RC_TRY(rc_decode_name(&decode, "name", in->name, "segments", &decode.project, &id));
    RC_TRY(rc_entry_get(request, KIND, decode.project, id, &entry));
    return encode_segment(request, decode.project, &entry, &out->segment);
}

static enum rc_status
list_segments(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListSegmentsRequest *in = message;
    Recount__V1__ListSegmentsResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    Recount__V1__ListSegmentsRequest binding = RECOUNT__V1__LIST_SEGMENTS_REQUEST__INIT;
    binding.parent = in->parent;
    struct rc_catalog_entry *entries = NULL;
    uint32_t size = 0;
    uint32_t count = 0;
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &decode.project));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &size));
    RC_TRY(rc_entry_list(request, KIND, decode.project,
                         rc_message_hash(&binding.base, request->arena), in->page_token, size,
                         &entries, &count, &out->next_page_token));
    RC_NEW_ARRAY(request->arena, out->segments, Recount__V1__Segment *, count);
    out->n_segments = count;
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(encode_segment(request, decode.project, &entries[i], &out->segments[i]));
    return RC_OK;
}

static enum rc_status
update_segment(struct rc_request *request, const void *message, void *reply)
{
    static const char *const fields[] = {"display_name", "description", "rule", "users", NULL};
    const Recount__V1__UpdateSegmentRequest *in = message;
    Recount__V1__UpdateSegmentResponse *out = reply;
    const Recount__V1__Segment *segment = in->segment;
    struct rc_decode decode = rc_request_decode(request);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_catalog_entry entry;
    struct rc_catalog_entry stored;
    struct rc_bytes id;
    uint64_t version = 0;
    RC_REFUSE(&decode, in->request_id[0] != '\0', "request_id");
    if (segment == NULL)
        return rc_decode_fail(&decode, RC_INVALID, "segment", "the segment is missing");
    RC_TRY(
        rc_decode_name(&decode, "segment.name", segment->name, "segments", &decode.project, &id));
    RC_TRY(rc_mask_check(&decode, in->update_mask, fields));
    RC_REFUSE(&decode, rc_mask_has(in->update_mask, "users", false), "segment.users");
    const size_t mark = rc_decode_enter(&decode, "segment");
    RC_TRY(rc_entry_check_texts(&decode, segment->display_name, segment->description));
    rc_decode_leave(&decode, mark);
    RC_TRY(rc_entry_get(request, KIND, decode.project, id, &entry));
    RC_TRY(rc_request_etag(request, "segment.etag", segment->etag, entry.version, &version));
    if (rc_mask_has(in->update_mask, "display_name", segment->display_name[0] != '\0'))
        entry.display_name = rc_bytes_of(segment->display_name);
    if (rc_mask_has(in->update_mask, "description", segment->description[0] != '\0'))
        entry.description = rc_bytes_of(segment->description);
    if (rc_mask_has(in->update_mask, "rule",
                    segment->membership_case != RECOUNT__V1__SEGMENT__MEMBERSHIP__NOT_SET))
        RC_TRY(store_rule(&decode, segment, &writer, &entry.payload));
    RC_TRY(rc_entry_put(request, KIND, decode.project, &entry, version, &stored));
    return encode_segment(request, decode.project, &stored, &out->segment);
}

static enum rc_status
delete_segment(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__DeleteSegmentRequest *in = message;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_bytes id;
    (void)reply;
    RC_REFUSE(&decode, in->request_id[0] != '\0', "request_id");
    RC_TRY(rc_decode_name(&decode, "name", in->name, "segments", &decode.project, &id));
    return rc_entry_delete(request, KIND, decode.project, id, in->etag);
}

/* Asks the segment of a scope; everybody is an AND of nothing. */
static enum rc_status
ask(struct rc_request *request,
    const Recount__V1__Scope *in,
    struct rc_scope *scope,
    struct rc_segment_request *question,
    struct rc_segment_reply *answer)
{
    static const struct rc_segment everybody = {.kind = RC_SEGMENT_ALL_OF};
    struct rc_decode decode = rc_request_decode(request);
    RC_TRY(rc_decode_scope(&decode, in, RC_RANGE_REFUSED, request->received_ms, scope));
    RC_TRY(rc_request_begin(request, &decode, scope));
    question->as_of_ms = scope->as_of_ms;
    question->zone = scope->zone;
    question->segment = scope->segment == NULL ? &everybody : scope->segment;
    return rc_query_segment(rc_query_session_context(request->session), question, answer,
                            request->error);
}

static enum rc_status
count_segment(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__CountSegmentRequest *in = message;
    Recount__V1__CountSegmentResponse *out = reply;
    struct rc_scope scope;
    struct rc_segment_request question = {.page_rows = 1};
    struct rc_segment_reply answer;
    RC_TRY(ask(request, in->scope, &scope, &question, &answer));
    out->user_count = answer.users;
    out->known_user_count = answer.known_users;
    return rc_encode_info(request, &scope, false, &answer.stats, &out->info);
}

static enum rc_status
list_segment_users(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListSegmentUsersRequest *in = message;
    Recount__V1__ListSegmentUsersResponse *out = reply;
    struct rc_arena *arena = request->arena;
    Recount__V1__ListSegmentUsersRequest binding = RECOUNT__V1__LIST_SEGMENT_USERS_REQUEST__INIT;
    binding.scope = in->scope;
    const uint64_t hash = rc_message_hash(&binding.base, arena);
    struct rc_scope scope;
    struct rc_segment_request question = {.list = true};
    struct rc_segment_reply answer;
    RC_TRY(rc_request_page_size(request, in->page_size, 1000, 10000, &question.page_rows));
    RC_TRY(rc_token_read(arena, hash, in->page_token, &question.after, request->error));
    RC_TRY(ask(request, in->scope, &scope, &question, &answer));
    RC_NEW_ARRAY(arena, out->users, char *, answer.id_count);
    out->n_users = answer.id_count;
    for (uint32_t i = 0; i < answer.id_count; i++)
        RC_NEW_TEXT(arena, out->users[i], answer.ids[i]);
    if (answer.more && answer.id_count > 0) {
        out->next_page_token = rc_token_write(arena, hash, answer.ids[answer.id_count - 1]);
        if (out->next_page_token == NULL)
            return RC_NO_MEMORY;
    }
    return rc_encode_info(request, &scope, false, &answer.stats, &out->info);
}

#define METHOD(name, snake, function, kind)                                              \
    {                                                                                    \
        "/recount.v1.SegmentService/" name, &recount__v1__##snake##_request__descriptor, \
            &recount__v1__##snake##_response__descriptor, function, kind                 \
    }

static const struct rc_service_method methods[] = {
    METHOD("CreateSegment", create_segment, create_segment, RC_SERVICE_CONTROL),
    METHOD("GetSegment", get_segment, get_segment, RC_SERVICE_CONTROL),
    METHOD("ListSegments", list_segments, list_segments, RC_SERVICE_CONTROL),
    METHOD("UpdateSegment", update_segment, update_segment, RC_SERVICE_CONTROL),
    METHOD("DeleteSegment", delete_segment, delete_segment, RC_SERVICE_CONTROL),
    METHOD("CountSegment", count_segment, count_segment, RC_SERVICE_QUERY),
    METHOD("ListSegmentUsers", list_segment_users, list_segment_users, RC_SERVICE_QUERY),
};

const struct rc_service rc_service_segment = {methods, sizeof(methods) / sizeof(methods[0])};
