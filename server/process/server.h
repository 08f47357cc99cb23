/*
 * Server: the engine behind the services, and what all services share.
 *
 * Two pools run the calls: queries run on the engine's workers; calls that wait for the disk
 * (ingestion, changes of projects, definitions and segments, snapshots) run on a pool of their own,
 * so that a slow disk takes no core from queries.
 *
 * Ownership: a server owns its engine, pools and transport.
 * Threading: services may read it from any thread.
 */
#ifndef RC_SERVER_PROCESS_SERVER_H
#define RC_SERVER_PROCESS_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/base/workers.h"
#include "engine/face/engine.h"
#include "server/admin/asked_snapshots.h"
#include "server/admin/health.h"
#include "server/call/quick.h"
#include "server/call/running.h"
#include "server/call/statements.h"
#include "server/process/config.h"

/* Projects whose lanes (rc_call_lane) are equal modulo this share what one may have. */
#define RC_SERVER_LANES 1024u

struct rc_server {
    const struct rc_config *config; /* Borrowed. */
    struct rc_engine *engine;
    struct rc_workers *waiters;                   /* For calls that wait for the disk. */
    _Atomic uint32_t queries;                     /* Running or waiting. */
    _Atomic uint32_t queries_of[RC_SERVER_LANES]; /* The same of a project, by its lane. */
    _Atomic uint32_t exports; /* Streams of pieces that are open; the same of a project. */
    _Atomic uint32_t exports_of[RC_SERVER_LANES];
    struct rc_running_list running;
    struct rc_statements *statements;
    struct rc_asked_snapshots *asked_snapshots;
    struct rc_health *health;
    struct rc_quick quick;
    int64_t started_ms;
};

/* Opens the engine and serves until rc_server_stop. Errors are those of rc_engine_open and
 * rc_transport_start. */
RC_MUST_USE enum rc_status
rc_server_start(const struct rc_config *config,
                struct rc_server **ret_server,
                struct rc_error *reterr_error);

/* Lets calls end, writes a snapshot, closes the engine. NULL is fine. Returns NULL. */
struct rc_server *
rc_server_stop(struct rc_server *server);

/* The port that it listens on. */
int
rc_server_port(const struct rc_server *server);

/* Writes a snapshot and logs what it took. */
void
rc_server_snapshot(struct rc_server *server);

#endif
