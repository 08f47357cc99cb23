/* Segments: what their content is (entries.h does the rest), count, list the users, overlap. */
#include <recount/v1/segment.pb-c.h>

#include "server/call/service.h"
#include "server/decode/decode.h"
#include "server/decode/token.h"
#include "server/encode/encode.h"
#include "server/entry/entries.h"

#define NO_ENTITY "a segment is a set of users"

static enum rc_status
encode_content(struct rc_request *request,
               struct rc_bytes project,
               struct rc_bytes payload,
               ProtobufCMessage *message)
{
    Recount__V1__Segment *out = (Recount__V1__Segment *)message;
    struct rc_reader reader = rc_reader_of(payload.data, payload.size);
    const struct rc_segment *segment = NULL;
    RC_TRY(rc_segment_read(&reader, request->arena, &segment, request->error));
    if (segment->kind == RC_SEGMENT_LIST) {
        out->membership_case = RECOUNT__V1__SEGMENT__MEMBERSHIP_USERS;
        return rc_encode_user_list(request->arena, segment, &out->users);
    }
    out->membership_case = RECOUNT__V1__SEGMENT__MEMBERSHIP_RULE;
    return rc_encode_segment_rule(request->arena, project, segment, &out->rule);
}

static enum rc_status
store_content(struct rc_decode *decode,
              const struct rc_entry_change *change,
              struct rc_writer *writer)
{
    const Recount__V1__Segment *in = (const Recount__V1__Segment *)change->message;
    const struct rc_segment *segment = NULL;
    const bool is_list = in->membership_case == RECOUNT__V1__SEGMENT__MEMBERSHIP_USERS;
    const bool is_set = in->membership_case != RECOUNT__V1__SEGMENT__MEMBERSHIP__NOT_SET;
    if (!change->creates && !rc_entry_changes(change, "rule", is_set) &&
        !rc_entry_changes(change, "users", is_set)) {
        rc_write_raw(writer, change->payload.data, change->payload.size);
        return RC_OK;
    }
    const size_t mark = rc_decode_enter(decode, is_list ? "users" : "rule");
    decode->stores = true;
    if (!is_set)
        return rc_decode_fail(decode, RC_INVALID, "", "the rule is missing");
    if (is_list)
        RC_TRY(rc_decode_user_list(decode, in->users, &segment));
    else
        RC_TRY(rc_decode_segment_rule(decode, in->rule, &segment));
    RC_TRY(rc_decode_check_references(decode));
    rc_decode_leave(decode, mark);
    rc_segment_write(writer, segment);
    return RC_OK;
}

static const char *const paths[] = {"display_name", "description", "rule", "users", NULL};

static const struct rc_entry_kind segment_kind = {
    .catalog = RC_CATALOG_SEGMENTS,
    .message = &recount__v1__segment__descriptor,
    .noun = "segment",
    .collection = "segments",
    .field = "segment",
    .list = "segments",
    .paths = paths,
    .encode = encode_content,
    .store = store_content,
};

RC_ENTRY_CALLS(segment)

static enum rc_status
list_segments(struct rc_request *request, const void *message, void *reply)
{
    return rc_entry_list(request, &segment_kind, NULL, message, reply);
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
    RC_TRY(rc_decode_no_entity(&decode, scope, NO_ENTITY));
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
    uint64_t hash;
    struct rc_scope scope;
    struct rc_segment_request question = {.list = true};
    struct rc_segment_reply answer;
    RC_TRY(rc_request_page_size(request, in->page_size, 1000, 10000, &question.page_rows));
    RC_TRY(rc_request_list_hash(request, &in->base, &hash));
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
    RC_TRY(rc_decode_no_entity(&decode, &scope, NO_ENTITY));
    if (in->n_segments == 0 || in->n_segments > RC_OVERLAP_SEGMENTS_MAX)
        return rc_decode_fail(&decode, RC_INVALID, "segments", "from 1 to %u segments overlap",
                              RC_OVERLAP_SEGMENTS_MAX);
    for (size_t i = 0; i < in->n_segments; i++) {
        const size_t mark = rc_decode_enter_item(&decode, "segments", i);
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
    METHOD("ListSegmentVersions", list_segment_versions, list_segment_versions, RC_SERVICE_CONTROL),
    METHOD("UpdateSegment", update_segment, update_segment, RC_SERVICE_CONTROL),
    METHOD("DeleteSegment", delete_segment, delete_segment, RC_SERVICE_CONTROL),
    METHOD("CountSegment", count_segment, count_segment, RC_SERVICE_QUERY),
    METHOD("ListSegmentUsers", list_segment_users, list_segment_users, RC_SERVICE_QUERY),
    METHOD("OverlapSegments", overlap_segments, overlap_segments, RC_SERVICE_QUERY),
};

const struct rc_service rc_service_segment = {methods, sizeof(methods) / sizeof(methods[0])};
