/* IngestService.ExportUser: a user as lines, piece by piece. */
#include <recount/v1/ingest.pb-c.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/query/list/export.h"
#include "server/call/pieces.h"
#include "server/decode/decode.h"
#include "server/decode/wire.h"
#include "server/export/user_lines.h"

#define LINES_FIELD 1u /* ExportUserResponse.lines */

struct user_export {
    struct rc_bytes user;
    struct rc_export *export_; /* NULL until the first piece is made. */
};

static enum rc_status
begin(struct rc_request *request, void *state, const void *message, struct rc_bytes *ret_project)
{
    const Recount__V1__ExportUserRequest *in = message;
    struct user_export *user_export = state;
    struct rc_decode decode = rc_request_decode(request);
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &decode.project));
    if (in->user[0] == '\0')
        return rc_decode_fail(&decode, RC_INVALID, "user", "the user is missing");
    if (strlen(in->user) > RC_USER_ID_BYTES_MAX)
        return rc_decode_fail(&decode, RC_INVALID, "user", "a user id has at most %u bytes",
                              RC_USER_ID_BYTES_MAX);
    user_export->user = rc_bytes_of(in->user);
    *ret_project = decode.project;
    return rc_request_begin(request, &decode, NULL);
}

/* Lines up to the size of a piece. The arena is reset by each item. */
static enum rc_status
make_lines(struct rc_request *request,
           struct rc_export *export_,
           struct rc_arena *arena,
           struct rc_writer *lines,
           bool *ret_more)
{
    bool more = true;
    while (more && lines->size < RC_PIECE_BYTES) {
        struct rc_export_item item;
        rc_arena_reset(arena);
        RC_TRY(rc_export_next(export_, arena, &item, &more, request->error));
        if (more)
            rc_user_line_write(lines, &item);
        if (lines->failed)
            return rc_error_set(request->error, RC_NO_MEMORY, "no memory for an export");
    }
    *ret_more = more;
    return RC_OK;
}

static enum rc_status
make(struct rc_request *request, void *state, struct rc_piece *piece)
{
    struct user_export *user_export = state;
    RC_CLEANUP(rc_writer_close) struct rc_writer lines = {.data = NULL};
    rc_request_resource(request, "recount.v1.User", "%.*s", (int)user_export->user.size,
                        user_export->user.data);
    if (user_export->export_ == NULL)
        RC_TRY(rc_export_open(rc_query_session_context(request->session), user_export->user,
                              &user_export->export_, request->error));
    RC_TRY(make_lines(request, user_export->export_, piece->arena, &lines, &piece->more));
    if (lines.size == 0)
        return RC_OK;
    rc_wire_write_bytes(&piece->message, LINES_FIELD,
                        (struct rc_bytes){(const char *)lines.data, lines.size});
    return RC_OK;
}

static void
end(void *state)
{
    struct user_export *user_export = state;
    rc_export_close(user_export->export_);
}

static const struct rc_pieces_kind kind = {
    .name = "IngestService.ExportUser",
    .input = &recount__v1__export_user_request__descriptor,
    .state_bytes = sizeof(struct user_export),
    .begin = begin,
    .make = make,
    .end = end,
};

static void
open_export(void *context, struct rc_call *call)
{
    rc_pieces_open(&kind, context, call);
}

const struct rc_stream_handler rc_export_stream = RC_PIECES_HANDLER(open_export);
