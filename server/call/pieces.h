/*
 * Pieces: a call that answers one request with a stream of pieces, each made when the client has
 * taken the ones before it: a client that reads slowly costs the memory of a few pieces and no
 * thread. The state of the project is pinned from the request to the end of the call.
 *
 * Ownership: a call's state and its request's arena live from its first message to its end.
 * Threading: begin runs on a worker of the server, make on one of the engine's; never both, and
 *            never two of a call at a time.
 * Errors:    of begin and make end the call; what was sent before has arrived or will. So many
 *            such calls may be open, of one project and of all; more are RC_LIMIT_EXCEEDED.
 *
 * They are listed among the queries that run, from the request to their end, and can be cancelled
 * there: the next piece is then a failure.
 */
#ifndef RC_SERVER_CALL_PIECES_H
#define RC_SERVER_CALL_PIECES_H

#include "engine/base/bytes.h"
#include "server/call/service.h"

/* What a piece has at least, unless it is the last one. */
#define RC_PIECE_BYTES ((size_t)256 << 10)

struct rc_piece {
    struct rc_arena *arena;   /* For what goes into it; may be reset. */
    struct rc_writer message; /* The packed reply; empty: nothing is sent. */
    bool more;                /* It is not the last. */
};

/* A kind of such call. */
struct rc_pieces_kind {
    const char *name; /* "SegmentService.ExportSegment". */
    const ProtobufCMessageDescriptor *input;
    size_t state_bytes; /* Zeroed, from the request's arena. */
    /* Checks a message of input and begins the query (rc_request_begin). *ret_project becomes the
     * project's id. */
    enum rc_status (*begin)(struct rc_request *request,
                            void *state,
                            const void *message,
                            struct rc_bytes *ret_project);
    /* Makes the next piece; piece->more is false. */
    enum rc_status (*make)(struct rc_request *request, void *state, struct rc_piece *piece);
    /* Nothing else will be called; also after a begin that failed. May be NULL. */
    void (*end)(void *state);
};

/* Packs a message behind what the piece has. */
RC_MUST_USE enum rc_status
rc_piece_add_head(struct rc_piece *piece, struct rc_arena *arena, const ProtobufCMessage *head);

/* Adds one message after the other as elements of a repeated field until the piece is full, or next
 * sets *ret_row to NULL, since there are no more; the piece's arena, for the messages, is reset by
 * each. piece->more says whether it was full. */
RC_MUST_USE enum rc_status
rc_piece_fill(struct rc_request *request,
              void *state,
              enum rc_status (*next)(struct rc_request *request,
                                     void *state,
                                     struct rc_arena *arena,
                                     const ProtobufCMessage **ret_row),
              uint32_t field,
              struct rc_piece *piece);

/* The open callback of a stream's handler, whose context is the server. */
void
rc_pieces_open(const struct rc_pieces_kind *kind, void *server, struct rc_call *call);

/* The other callbacks. */
void
rc_pieces_message(struct rc_call *call, struct rc_message message);
void
rc_pieces_half_close(struct rc_call *call);
void
rc_pieces_written(struct rc_call *call, uint32_t left);
void
rc_pieces_end(struct rc_call *call);

#define RC_PIECES_HANDLER(open_function)                                                           \
    {                                                                                              \
        .open = (open_function), .message = rc_pieces_message, .half_close = rc_pieces_half_close, \
        .written = rc_pieces_written, .end = rc_pieces_end                                         \
    }

#endif
