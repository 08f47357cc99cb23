/*
 * Server: puts engine, pools, services and transport together, and takes them apart in the opposite
 * order.
 *
 * The port is opened last, so whoever can connect can be served; it is closed first, and the
 * engine, which then nobody uses any more, writes its last snapshot.
 */
#include "server/process/server.h"

#include <stdio.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "server/call/server_calls.h"
#include "server/call/service.h"
#include "server/process/log.h"
#include "server/process/snapshots.h"
#include "server/process/text_file.h"
#include "server/query/cells.h"
#include "server/transport/transport.h"

/* Threads for calls that wait: more than calls usually wait at once, since waiting costs only a
 * stack. */
#define WAITERS 8u

#define STREAMS 7u
#define UNARY_MAX 64u

struct server {
    struct rc_server shared;
    struct rc_transport *transport;
    struct rc_snapshots *snapshots;
    struct rc_bound_method bound[UNARY_MAX];
    struct rc_method methods[UNARY_MAX + STREAMS];
    uint32_t method_count;
    struct rc_failure unknown;         /* What a call of an unknown method is told, */
    struct rc_details unknown_details; /* and its details. */
};

static const struct rc_service *const services[] = {
    &rc_service_project, &rc_service_definition, &rc_service_property, &rc_service_segment,
    &rc_service_query,   &rc_service_user,       &rc_service_activity, &rc_service_admin,
    &rc_service_upkeep,  &rc_service_health,
};

static void
bind_unary(struct server *server, const struct rc_service_method *method)
{
    struct rc_bound_method *bound = &server->bound[server->method_count];
    const bool query = method->kind == RC_SERVICE_QUERY;
    rc_bind_method(&server->shared, method, bound);
    server->methods[server->method_count++] = (struct rc_method){
        .path = method->path,
        .context = bound,
        .workers = query ? rc_engine_workers(server->shared.engine) : server->shared.waiters,
        .admit = query ? rc_admit_query : NULL,
        .quick = query ? rc_is_quick : NULL,
        .unary = rc_serve_unary,
        .drop = query ? rc_drop_query : NULL,
    };
}

static void
bind_stream(struct server *server, const char *path, const struct rc_stream_handler *stream)
{
    server->methods[server->method_count++] = (struct rc_method){
        .path = path,
        .context = &server->shared,
        .workers = server->shared.waiters,
        .stream = stream,
    };
}

static void
bind_all(struct server *server)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        for (uint32_t k = 0; k < services[i]->method_count; k++)
            bind_unary(server, &services[i]->methods[k]);
    bind_stream(server, "/recount.v1.IngestService/Ingest", &rc_ingest_stream);
    bind_stream(server, "/recount.v1.IngestService/ExportUser", &rc_export_stream);
    bind_stream(server, "/recount.v1.SegmentService/ExportSegment", &rc_segment_export_stream);
    bind_stream(server, "/recount.v1.QueryService/ExportEntities", &rc_entity_export_stream);
    bind_stream(server, "/grpc.health.v1.Health/Watch", &rc_health_watch_stream);
    bind_stream(server, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                &rc_reflection_stream);
    bind_stream(server, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                &rc_reflection_stream);
}

/* Callback rc_engine_options.on_log_broken. */
static void
log_broke(void *context, const struct rc_error *error)
{
    const struct server *server = context;
    RC_LOG(RC_LOG_ERROR, "log broken", {"error", error->message, 0});
    rc_health_log_broke(server->shared.health);
}

static enum rc_status
open_engine(struct server *server, struct rc_error *error)
{
    const struct rc_config *config = server->shared.config;
    const struct rc_engine_options options = {
        .directory = config->data,
        .worker_count = (uint32_t)config->workers,
        .memory_bytes_max = config->memory_max,
        .wal_file_bytes = config->wal_file_bytes,
        .wal_checkpoint_bytes = config->wal_checkpoint_bytes,
        .head_rows_max = (uint32_t)config->head_rows_max,
        .window_rows_max = config->window_rows_max,
        .cold_after_ms = (int64_t)config->cold_after_ms,
        .cold_bytes_max = config->cold_cache_bytes,
        .purge_after_ms = config->purge_after_ms,
        .dictionary_entries_max = (uint32_t)config->dictionary_entries_max,
        .dictionary_bytes_max = config->dictionary_bytes_max,
        .read_cell = rc_cell_read_stored,
        .on_log_broken = log_broke,
        .context = server,
    };
    RC_TRY(rc_engine_open(&options, &server->shared.engine, error));
    struct rc_engine_stats stats;
    rc_engine_get_stats(server->shared.engine, &stats);
    RC_LOG(RC_LOG_INFO, "data opened", {"directory", config->data, 0},
           {"projects", NULL, (double)stats.projects},
           {"replayed_records", NULL, (double)stats.replayed_records},
           {"torn_bytes", NULL, (double)stats.wal_torn_bytes},
           {"restore_ms", NULL, (double)stats.restore_ns / 1e6},
           {"dur_ms", NULL, (double)stats.start_ns / 1e6});
    RC_TRY(rc_workers_new(WAITERS, RC_URGENCY_PROMPT, &server->shared.waiters, error));
    return rc_workers_add_spares(server->shared.waiters, WAITERS, error);
}

static enum rc_status
open_transport(struct server *server, struct rc_error *error)
{
    const struct rc_config *config = server->shared.config;
    RC_CLEANUP(rc_alloc_freep) char *cert = NULL;
    RC_CLEANUP(rc_alloc_freep) char *key = NULL;
    RC_CLEANUP(rc_alloc_freep) char *client_ca = NULL;
    RC_TRY(rc_text_file_read("tls-cert", config->tls_cert, &cert, error));
    RC_TRY(rc_text_file_read("tls-key", config->tls_key, &key, error));
    RC_TRY(rc_text_file_read("tls-client-ca", config->tls_client_ca, &client_ca, error));
    rc_error_set(&server->unknown.error, RC_UNSUPPORTED, "this server has no such method");
    const struct rc_transport_options options = {
        .listen = config->listen,
        .message_bytes_max = config->message_bytes_max,
        .tls_cert_pem = cert,
        .tls_key_pem = key,
        .tls_client_ca_pem = client_ca,
        .methods = server->methods,
        .method_count = server->method_count,
        .unknown_method = rc_failure_outcome(&server->unknown, &server->unknown_details),
    };
    RC_TRY(rc_transport_start(&options, &server->transport, error));
    RC_LOG(RC_LOG_INFO, "listening", {"address", config->listen, 0},
           {"port", NULL, (double)rc_transport_port(server->transport)},
           {"tls", config->tls_cert == NULL ? "off" : "on", 0}, {"version", RC_VERSION, 0});
    return RC_OK;
}

static void
close_activity(struct server *server)
{
    rc_statements_free(server->shared.statements);
    rc_asked_snapshots_free(server->shared.asked_snapshots);
    rc_health_free(server->shared.health);
    rc_running_close(&server->shared.running);
}

enum rc_status
rc_server_start(const struct rc_config *config,
                struct rc_server **ret_server,
                struct rc_error *reterr_error)
{
    struct server *server = rc_alloc_zero(sizeof(*server));
    if (server == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the server");
    server->shared.config = config;
    server->shared.started_ms = rc_clock_wall_ms();
    rc_running_open(&server->shared.running);
    enum rc_status status =
        rc_statements_new(server->shared.started_ms, &server->shared.statements);
    if (status == RC_OK)
        status = rc_asked_snapshots_new(&server->shared.asked_snapshots);
    server->shared.health = rc_health_new();
    if (server->shared.health == NULL)
        status = RC_NO_MEMORY;
    if (status != RC_OK)
        rc_error_set(reterr_error, status, "no memory for the server");
    if (status == RC_OK)
        status = open_engine(server, reterr_error);
    if (status == RC_OK) {
        bind_all(server);
        status = open_transport(server, reterr_error);
    }
    if (status == RC_OK)
        status = rc_snapshots_start(&server->shared, config->snapshot_interval_ms,
                                    &server->snapshots, reterr_error);
    if (status != RC_OK) {
        rc_transport_stop(server->transport, 0);
        rc_workers_free(server->shared.waiters);
        rc_engine_close(server->shared.engine, false);
        close_activity(server);
        rc_alloc_free(server);
        return status;
    }
    *ret_server = &server->shared;
    return RC_OK;
}

struct rc_server *
rc_server_stop(struct rc_server *shared)
{
    if (shared == NULL)
        return NULL;
    struct server *server = (struct server *)shared; /* Its first member. */
    const uint64_t start_ns = rc_clock_monotonic_ns();
    RC_LOG(RC_LOG_INFO, "stopping", {"grace_ms", NULL, (double)shared->config->shutdown_grace_ms});
    rc_health_stop(shared->health);
    rc_snapshots_stop(server->snapshots);
    rc_transport_stop(server->transport, (uint32_t)shared->config->shutdown_grace_ms);
    rc_workers_free(shared->waiters);
    rc_engine_close(shared->engine, true);
    const double elapsed_ms = (double)(rc_clock_monotonic_ns() - start_ns) / 1e6;
    RC_LOG(RC_LOG_INFO, "stopped", {"dur_ms", NULL, elapsed_ms});
    close_activity(server);
    rc_alloc_free(server);
    return NULL;
}

int
rc_server_port(const struct rc_server *shared)
{
    return rc_transport_port(((const struct server *)shared)->transport);
}

void
rc_server_snapshot(struct rc_server *server)
{
    struct rc_snapshot_result result;
    struct rc_error error;
    if (rc_engine_snapshot(server->engine, &result, &error) != RC_OK) {
        RC_LOG(RC_LOG_ERROR, "snapshot failed", {"error", error.message, 0});
        return;
    }
    RC_LOG(RC_LOG_INFO, "snapshot", {"position", NULL, (double)result.sequence},
           {"slabs", NULL, (double)result.slabs_written},
           {"bytes", NULL, (double)result.bytes_written},
           {"dur_ms", NULL, (double)result.elapsed_ns / 1e6});
}
