/* SegmentService.ExportSegment: all users of a segment, piece by piece. */
#include <recount/v1/segment.pb-c.h>

#include "server/call/pieces.h"
#include "server/encode/encode.h"
#include "server/query/service_query.h"

#define USERS_FIELD 3u /* ExportSegmentResponse.users */

struct segment_export {
    struct rc_users_request question;
    bool with_range;
    struct rc_users_stream *users; /* NULL until the first piece is made. */
};

/* Puts a version of the saved segment that the scope names into the question. */
static enum rc_status
choose_version(struct rc_decode *decode, uint64_t version, struct rc_users_request *question)
{
    const struct rc_segment *named = question->scope.segment;
    if (version == 0)
        return RC_OK;
    if (named == NULL || named->kind != RC_SEGMENT_SAVED)
        return rc_decode_fail(
            decode, RC_INVALID, "segment_version",
            "only a saved segment has versions: name it in scope.segment.segment");
    if (named->version != 0 && named->version != version)
        return rc_decode_fail(decode, RC_INVALID, "segment_version",
                              "scope.segment.segment_version names another one");
    struct rc_segment *segment = rc_arena_copy(decode->arena, named, sizeof(*named));
    struct rc_reference *reference = rc_arena_alloc(decode->arena, sizeof(*reference));
    if (segment == NULL || reference == NULL)
        return rc_decode_no_memory(decode);
    segment->version = version;
    *reference = (struct rc_reference){.next = decode->references,
                                       .kind = RC_REFERENCE_SEGMENT,
                                       .project = decode->project,
                                       .id = named->name,
                                       .field = "scope.segment",
                                       .version = version,
                                       .version_field = "segment_version"};
    decode->references = reference;
    question->scope.segment = segment;
    return RC_OK;
}

static enum rc_status
begin(struct rc_request *request, void *state, const void *message, struct rc_bytes *ret_project)
{
    const Recount__V1__ExportSegmentRequest *in = message;
    struct segment_export *out = state;
    struct rc_decode decode = rc_request_decode(request);
    const struct rc_users_message asked = {.scope = in->scope,
                                           .selector = in->selector,
                                           .property_count = in->n_properties,
                                           .properties = in->properties};
    RC_TRY(rc_decode_users(&decode, &asked, request->received_ms, &out->question));
    out->with_range = in->scope->range != NULL;
    *ret_project = decode.project;
    RC_TRY(choose_version(&decode, in->segment_version, &out->question));
    return rc_request_begin(request, &decode, &out->question.scope);
}

/* What the first piece begins with. */
static enum rc_status
write_head(struct rc_request *request,
           const struct segment_export *out,
           const struct rc_query_stats *stats,
           struct rc_piece *piece)
{
    struct rc_arena *arena = request->arena;
    Recount__V1__ExportSegmentResponse head = RECOUNT__V1__EXPORT_SEGMENT_RESPONSE__INIT;
    RC_TRY(rc_encode_info(request, &out->question.scope, out->with_range, stats, &head.info));
    const uint32_t count = rc_users_stream_property_count(out->users);
    RC_NEW_ARRAY(arena, head.property_names, char *, count);
    head.n_property_names = count;
    for (uint32_t i = 0; i < count; i++)
        RC_NEW_TEXT(arena, head.property_names[i], rc_users_stream_property(out->users, i));
    return rc_piece_add_head(piece, arena, &head.base);
}

static enum rc_status
open_users(struct rc_request *request, struct segment_export *out, struct rc_piece *piece)
{
    struct rc_query_stats stats;
    RC_TRY(rc_users_stream_open(rc_query_session_context(request->session), &out->question, &stats,
                                &out->users, request->error));
    if (request->hints != NULL)
        RC_TRY(rc_hints_check_used(request->hints, request->error));
    return write_head(request, out, &stats, piece);
}

static enum rc_status
next_user(struct rc_request *request,
          void *state,
          struct rc_arena *arena,
          const ProtobufCMessage **ret_row)
{
    const struct segment_export *out = state;
    struct rc_user_row row;
    Recount__V1__UserSummary *user;
    bool more;
    *ret_row = NULL;
    RC_TRY(rc_request_place(request,
                            rc_users_stream_next(out->users, arena, &row, &more, request->error)));
    if (!more)
        return RC_OK;
    RC_TRY(rc_encode_user(arena, &row, &user));
    *ret_row = &user->base;
    return RC_OK;
}

static enum rc_status
make(struct rc_request *request, void *state, struct rc_piece *piece)
{
    struct segment_export *out = state;
    if (out->users == NULL)
        RC_TRY(open_users(request, out, piece));
    return rc_piece_fill(request, state, next_user, USERS_FIELD, piece);
}

static void
end(void *state)
{
    struct segment_export *out = state;
    rc_users_stream_close(out->users);
}

static const struct rc_pieces_kind kind = {
    .name = "SegmentService.ExportSegment",
    .input = &recount__v1__export_segment_request__descriptor,
    .state_bytes = sizeof(struct segment_export),
    .begin = begin,
    .make = make,
    .end = end,
};

static void
open_export(void *context, struct rc_call *call)
{
    rc_pieces_open(&kind, context, call);
}

const struct rc_stream_handler rc_segment_export_stream = RC_PIECES_HANDLER(open_export);
