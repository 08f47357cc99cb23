/*
 * The way of a call through the server, between transport and services.
 *
 * Ownership: a bound method is the context of a transport method and lives as long as the
 *            transport.
 * Threading: as the transport's callbacks.
 */
#ifndef RC_SERVER_CALL_SERVER_CALLS_H
#define RC_SERVER_CALL_SERVER_CALLS_H

#include "server/call/service.h"
#include "server/call/status_map.h"
#include "server/process/server.h"
#include "server/transport/transport.h"

#define RC_CALL_NAME_BYTES 64

struct rc_bound_method {
    struct rc_server *server;
    const struct rc_service_method *method;
    char call_name[RC_CALL_NAME_BYTES]; /* "QueryService.Funnel". */
};

/* Binds a method to a server. */
void
rc_bind_method(struct rc_server *server,
               const struct rc_service_method *method,
               struct rc_bound_method *ret_bound);

/* Callback rc_method.unary; context is a bound method. */
void
rc_serve_unary(void *context, struct rc_call *call, struct rc_bytes bytes);

/* Callback rc_method.quick of queries: whether those of this shape in this project took little
 * lately. Decodes the request. */
bool
rc_is_quick(void *context, struct rc_call *call, struct rc_bytes bytes);

/* Callback rc_method.admit of queries: refuses those above queries_max, and those of
 * a project above three quarters of it, with RESOURCE_EXHAUSTED. */
bool
rc_admit_query(void *context, struct rc_call *call);

/* Callback rc_method.drop of queries. */
void
rc_drop_query(void *context, struct rc_call *call);

/* Ends a call with a failure, and logs it if it is the server's fault. */
void
rc_call_fail(struct rc_call *call, struct rc_failure *failure);

#endif
