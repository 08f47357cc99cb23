/*
 * Services: what the server can be asked, one file service_*.c each. A unary call is a function
 * from a request message to a reply message; it sees neither gRPC nor bytes.
 *
 * Ownership: request and reply live in the call's arena.
 * Threading: a function runs on a worker; each call has its own rc_request.
 * Errors:    a function returns the status and fills request->failure; nothing is logged here.
 */
#ifndef RC_SERVER_CALL_SERVICE_H
#define RC_SERVER_CALL_SERVICE_H

#include <protobuf-c/protobuf-c.h>
#include <stdatomic.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/query/plan/explain.h"
#include "server/call/running.h"
#include "server/call/status_map.h"
#include "server/decode/decode.h"
#include "server/process/server.h"
#include "server/transport/transport.h"

/* Whether a query's plan is written down for its caller. */
enum rc_explain_mode {
    RC_EXPLAIN_NONE = 0,
    RC_EXPLAIN_PLAN = 1,    /* Plan, and run nothing. */
    RC_EXPLAIN_ANALYZE = 2, /* Run too. */
};

/* A unary call in progress. */
struct rc_request {
    struct rc_server *server;
    struct rc_arena *arena;
    struct rc_error *error; /* Part of failure. */
    struct rc_failure *failure;
    const _Atomic(bool) *cancel;
    const ProtobufCMessage *message; /* NULL: of a stream. */
    struct rc_bytes packed;          /* Its bytes, as they were received. */
    int64_t received_ms;             /* Wall clock. */
    uint64_t received_ns;            /* Monotonic. */
    struct rc_named_project named;
    struct rc_query_session *session; /* Of a query; ended after the reply is packed. */
    /* Of a query: how it is to be explained, what its plan was (NULL: nobody asked), how it is
     * listed while it runs, its hints, and what it used. */
    enum rc_explain_mode explain_mode;
    bool explain_slabs;
    struct rc_explain *explain;
    struct rc_running *running;
    struct rc_query_hints *hints;
    struct rc_query_stats used;
};

/* message is of the method's input type; reply is an empty message of its output type, to be
 * filled. It may borrow from the arena and from the session. */
typedef enum rc_status
rc_service_call(struct rc_request *request, const void *message, void *reply);

enum rc_service_kind {
    RC_SERVICE_CONTROL, /* Short, or waits for the disk: the server's own pool. */
    RC_SERVICE_QUERY,   /* The engine's workers; counted against queries_max. */
};

struct rc_service_method {
    const char *path;
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
    rc_service_call *call;
    enum rc_service_kind kind;
};

struct rc_service {
    const struct rc_service_method *methods;
    uint32_t method_count;
};

extern const struct rc_service rc_service_project;
extern const struct rc_service rc_service_definition;
extern const struct rc_service rc_service_property;
extern const struct rc_service rc_service_segment;
extern const struct rc_service rc_service_query;
extern const struct rc_service rc_service_user;
extern const struct rc_service rc_service_admin;
extern const struct rc_service rc_service_activity; /* Of AdminService: statements and queries. */
extern const struct rc_service rc_service_upkeep;   /* The rest of AdminService. */
extern const struct rc_service rc_service_health;

/* Streaming methods. Their context is the server. */
extern const struct rc_stream_handler rc_ingest_stream;
extern const struct rc_stream_handler rc_export_stream;
extern const struct rc_stream_handler rc_segment_export_stream;
extern const struct rc_stream_handler rc_entity_export_stream;
extern const struct rc_stream_handler rc_reflection_stream;
extern const struct rc_stream_handler rc_health_watch_stream;

/* Names the thing that a failure is about: rc_request_resource(r, "recount.v1.Project",
 * "projects/%.*s", ...).
 */
void
rc_request_resource(struct rc_request *request, const char *type, const char *format, ...)
    RC_PRINTF(3, 4);

/* Of a failure that says that something which others name is missing: names it as what the failure
 * is about, whatever else was named. */
void
rc_request_missing(struct rc_request *request);

/* Of a status that says that there is no project "id": names it as what the failure is about, and
 * the field of the request that names it. Other statuses pass. Returns status. */
enum rc_status
rc_request_no_project(struct rc_request *request, struct rc_bytes id, enum rc_status status);

/* A decoding context for the request. */
struct rc_decode
rc_request_decode(struct rc_request *request);

/* Begins the query that a decoded request asks: pins the project's state, puts its zone and first
 * day of the week where the scope (may be NULL) names none, and checks that every name in the
 * request exists. */
RC_MUST_USE enum rc_status
rc_request_begin(struct rc_request *request, struct rc_decode *decode, struct rc_scope *scope);

/* Names the field that is at fault where only the session of the request knows it. Returns status,
 * which its error is of. */
enum rc_status
rc_request_place(const struct rc_request *request, enum rc_status status);

/* Checks that every name in a request is of something that its catalog has, in the version that is
 * wanted. RC_NOT_FOUND names the first that is not, and its field. */
RC_MUST_USE enum rc_status
rc_request_check_names(struct rc_request *request,
                       const struct rc_decode *decode,
                       const struct rc_catalog *definitions,
                       const struct rc_catalog *segments);

/* What was written down of the request's plan so far, with the time until now. explain_mode is not
 * NONE, and the query has begun. */
const struct rc_explain *
rc_request_explained(struct rc_request *request);

/* Makes sure that a project exists; *ret_settings (may be NULL) are its settings. */
RC_MUST_USE enum rc_status
rc_request_project(struct rc_request *request,
                   struct rc_bytes id,
                   struct rc_project_settings *ret_settings);

/* A message of the descriptor in the arena, initialised. NULL: no memory. */
void *
rc_message_new(struct rc_arena *arena, const ProtobufCMessageDescriptor *descriptor);

/* What binds the page tokens of a list to it: its request but for the page, and for the moment,
 * which clients take from the first page's reply. */
RC_MUST_USE enum rc_status
rc_request_list_hash(struct rc_request *request, const ProtobufCMessage *in, uint64_t *ret_hash);

uint64_t
rc_message_hash(const ProtobufCMessage *message, struct rc_arena *arena);

/* Packs a message into the arena. data is NULL: no memory. */
struct rc_bytes
rc_message_pack(const ProtobufCMessage *message, struct rc_arena *arena);

/* page_size as the contract says: 0 is standard, above most is most, below 0 is refused. */
RC_MUST_USE enum rc_status
rc_request_page_size(struct rc_request *request,
                     int32_t page_size,
                     uint32_t standard,
                     uint32_t most,
                     uint32_t *ret_size);

/* What a request of a change says of itself: who asks, and under which id, with a hash of all that
 * it says but the id. The message has a request_id, and may have an author. */
RC_MUST_USE enum rc_status
rc_request_asked(struct rc_request *request,
                 const ProtobufCMessage *message,
                 struct rc_asked *ret_asked);

/* An etag as a version; empty gives any. */
RC_MUST_USE enum rc_status
rc_request_etag(struct rc_request *request,
                const char *field,
                const char *etag,
                uint64_t any,
                uint64_t *ret_version);

#endif
