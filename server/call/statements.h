/*
 * Statements: what queries of one shape took, project by project, since the server started or the
 * last reset. A fixed number is kept; a new one takes the place of the one not called for the
 * longest time.
 *
 * Ownership: a table owns copies of all it is given.
 * Threading: any thread; one short lock.
 * Units:     ns.
 * Errors:    what there is no memory for is not counted.
 */
#ifndef RC_SERVER_CALL_STATEMENTS_H
#define RC_SERVER_CALL_STATEMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "server/call/shape.h"

/* Each takes at most 4 KiB: 4 MiB in all. */
#define RC_STATEMENTS_MAX 1000u

struct rc_statements;

RC_MUST_USE enum rc_status
rc_statements_new(int64_t now_ms, struct rc_statements **ret_statements);

/* NULL is fine. Returns NULL. */
struct rc_statements *
rc_statements_free(struct rc_statements *statements);

/* A call that ended. */
struct rc_statement_call {
    struct rc_bytes project; /* Its id; empty: it was refused before it was known. */
    struct rc_shape shape;   /* Its call's name lives as long as the table. */
    bool failed;
    uint64_t elapsed_ns;
    uint64_t events_matched;
    uint64_t bitmaps_computed;
    uint64_t bitmaps_cached;
    int64_t now_ms;
};

void
rc_statements_add(struct rc_statements *statements, const struct rc_statement_call *call);

/* What is known of a shape. */
struct rc_statement {
    struct rc_bytes project;
    const char *call;
    struct rc_bytes shape;
    uint64_t fingerprint;
    uint64_t calls;
    uint64_t failed;
    uint64_t total_ns;
    uint64_t max_ns;
    double p50_ns; /* To 7 %. */
    double p95_ns;
    double p99_ns;
    uint64_t events_matched;
    uint64_t bitmaps_computed;
    uint64_t bitmaps_cached;
    int64_t last_ms;
};

/* Copies all statements, of one project unless it is empty, into the arena, in no order. */
RC_MUST_USE enum rc_status
rc_statements_list(struct rc_statements *statements,
                   struct rc_bytes project,
                   struct rc_arena *arena,
                   struct rc_statement **ret_list,
                   uint32_t *ret_count,
                   int64_t *ret_since_ms,
                   uint64_t *ret_evicted);

/* Forgets all; returns how many. */
uint64_t
rc_statements_reset(struct rc_statements *statements, int64_t now_ms);

#endif
