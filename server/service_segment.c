/* Segments: create, get, list, update, delete, count, list the users, overlap. */
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
    if (segment->kind == RC_SEGMENT_LIST) {
        out->membership_case = RECOUNT__V1__SEGMENT__MEMBERSHIP_USERS;
        RC_TRY(rc_encode_user_list(request->arena, segment, &out->users));
    } else {
        out->membership_case = RECOUNT__V1__SEGMENT__MEMBERSHIP_RULE;
        RC_TRY(rc_encode_segment_rule(request->arena, project, segment, &out->rule));
    }
    out->create_time_ms = entry->created_ms;
    out->update_time_ms = entry->updated_ms;
    *ret_segment = out;
    return RC_OK;
}

/* The stored form of who is in a segment. decode->project is set. */
static enum rc_status
store_members(struct rc_decode *decode,
              const Recount__V1__Segment *in,
              struct rc_writer *writer,
              struct rc_bytes *ret_payload)
{
    const struct rc_segment *segment = NULL;
    const bool is_list = in->membership_case == RECOUNT__V1__SEGMENT__MEMBERSHIP_USERS;
    const size_t mark = rc_decode_enter(decode, is_list ? "segment.users" : "segment.rule");
    decode->refuses_cells = true;
    if (in->membership_case == RECOUNT__V1__SEGMENT__MEMBERSHIP__NOT_SET)
        return rc_decode_fail(decode, RC_INVALID, "", "the rule is missing");
    if (is_list)
        RC_TRY(rc_decode_user_list(decode, in->users, &segment));
    else
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
    RC_TRY(store_members(&decode, in->segment, &writer, &entry.payload));
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
                         rc_message_hash(&binding.base, request->arena), in->page_token, size, NULL,
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
    const size_t mark = rc_decode_enter(&decode, "segment");
    RC_TRY(rc_entry_check_texts(&decode, segment->display_name, segment->description));
    rc_decode_leave(&decode, mark);
    RC_TRY(rc_entry_get(request, KIND, decode.project, id, &entry));
    RC_TRY(rc_request_etag(request, "segment.etag", segment->etag, entry.version, &version));
    if (rc_mask_has(in->update_mask, "display_name", segment->display_name[0] != '\0'))
        entry.display_name = rc_bytes_of(segment->display_name);
    if (rc_mask_has(in->update_mask, "description", segment->description[0] != '\0'))
        entry.description = rc_bytes_of(segment->description);
    const bool is_set = segment->membership_case != RECOUNT__V1__SEGMENT__MEMBERSHIP__NOT_SET;
    if (rc_mask_has(in->update_mask, "rule", is_set) ||
        rc_mask_has(in->update_mask, "users", is_set))
        RC_TRY(store_members(&decode, segment, &writer, &entry.payload));
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

static enum rc_status
encode_overlap(struct rc_arena *arena,
               const struct rc_overlap_reply *answer,
               uint32_t mask,
               Recount__V1__SegmentOverlap **ret_overlap)
{
    Recount__V1__SegmentOverlap *out;
    RC_NEW(arena, out, recount__v1__segment_overlap__descriptor);
    RC_NEW_ARRAY(arena, out->segments, uint32_t, RC_OVERLAP_SEGMENTS_MAX);
    for (uint32_t i = 0; i < RC_OVERLAP_SEGMENTS_MAX; i++)
        if (((mask >> i) & 1) != 0)
            out->segments[out->n_segments++] = i;
    out->user_count = answer->users[mask];
    out->exclusive_user_count = answer->exclusive[mask];
    *ret_overlap = out;
    return RC_OK;
}

/* Of two masks of as many segments, the one with the lesser places goes first. */
static bool
goes_before(uint32_t a, uint32_t b)
{
    const uint32_t differs = a ^ b;
    return (a & (differs & -differs)) != 0;
}

static enum rc_status
encode_overlaps(struct rc_arena *arena,
                const struct rc_overlap_reply *answer,
                uint32_t segment_count,
                Recount__V1__OverlapSegmentsResponse *out)
{
    uint32_t masks[1u << RC_OVERLAP_SEGMENTS_MAX];
    uint32_t count = 0;
    for (uint32_t mask = 1; mask < (1u << segment_count); mask++) {
        uint32_t at = count++;
        const int size = __builtin_popcount(mask);
        for (; at > 0; at--) {
            const int other = __builtin_popcount(masks[at - 1]);
            if (other < size || (other == size && goes_before(masks[at - 1], mask)))
                break;
            masks[at] = masks[at - 1];
        }
        masks[at] = mask;
    }
    RC_NEW_ARRAY(arena, out->overlaps, Recount__V1__SegmentOverlap *, count);
    out->n_overlaps = count;
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(encode_overlap(arena, answer, masks[i], &out->overlaps[i]));
    return RC_OK;
}

static enum rc_status
overlap_segments(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__OverlapSegmentsRequest *in = message;
    Recount__V1__OverlapSegmentsResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    const struct rc_segment *segments[RC_OVERLAP_SEGMENTS_MAX] = {NULL};
    struct rc_scope scope;
    struct rc_overlap_reply answer;
    RC_TRY(rc_decode_scope(&decode, in->scope, RC_RANGE_REFUSED, request->received_ms, &scope));
    if (in->n_segments == 0 || in->n_segments > RC_OVERLAP_SEGMENTS_MAX)
        return rc_decode_fail(&decode, RC_INVALID, "segments", "from 1 to %u segments overlap",
                              RC_OVERLAP_SEGMENTS_MAX);
    for (size_t i = 0; i < in->n_segments; i++) {
        const size_t mark = rc_decode_enter(&decode, "segments[%zu]", i);
        RC_TRY(rc_decode_segment_filter(&decode, in->segments[i], &segments[i]));
        rc_decode_leave(&decode, mark);
    }
    RC_TRY(rc_request_begin(request, &decode, &scope));
    const struct rc_overlap_request question = {.as_of_ms = scope.as_of_ms,
                                                .zone = scope.zone,
                                                .among = scope.segment,
                                                .segment_count = (uint32_t)in->n_segments,
                                                .segments = segments};
    RC_TRY(rc_query_overlap(rc_query_session_context(request->session), &question, &answer,
                            request->error));
    out->none_count = answer.exclusive[0];
    out->scope_user_count = answer.users[0];
    RC_TRY(encode_overlaps(request->arena, &answer, question.segment_count, out));
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
    METHOD("OverlapSegments", overlap_segments, overlap_segments, RC_SERVICE_QUERY),
};

const struct rc_service rc_service_segment = {methods, sizeof(methods) / sizeof(methods[0])};
