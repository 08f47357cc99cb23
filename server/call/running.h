/*
 * Running: the queries that run, for whoever wants to see or end one.
 *
 * Ownership: an entry is part of its request and listed while that is served.
 * Threading: any thread; one short lock. What an entry points to is its request's, which takes the
 *            entry out before it lets go of it.
 */
#ifndef RC_SERVER_CALL_RUNNING_H
#define RC_SERVER_CALL_RUNNING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/query/query.h"
#include "server/call/shape.h"

struct rc_call;

/* One query. */
struct rc_running {
    struct rc_running *previous;
    struct rc_running *next;
    uint64_t id;
    const char *call_name; /* "QueryService.Funnel". */
    struct rc_call *call;
    struct rc_shape shape;
    int64_t received_ms;
    uint64_t received_ns;
    struct rc_query_progress progress;
    struct rc_bytes project;          /* Set under the lock, once it is known; */
    const struct rc_account *account; /* as is the query's. */
};

struct rc_running_list {
    pthread_mutex_t lock;
    uint64_t last_id;
    struct rc_running *first; /* The oldest. */
    struct rc_running *last;
};

void
rc_running_open(struct rc_running_list *list);

void
rc_running_close(struct rc_running_list *list);

/* Lists a query; gives it its number. */
void
rc_running_add(struct rc_running_list *list, struct rc_running *query);

/* Says what is known once it has begun. account NULL: it is about to end. */
void
rc_running_began(struct rc_running_list *list,
                 struct rc_running *query,
                 struct rc_bytes project,
                 const struct rc_account *account);

void
rc_running_remove(struct rc_running_list *list, struct rc_running *query);

/* What is to be seen of one. */
struct rc_running_view {
    uint64_t id;
    const char *call_name;
    struct rc_bytes project;
    struct rc_bytes shape;
    uint64_t fingerprint;
    int64_t received_ms;
    uint64_t received_ns;
    uint64_t done;
    uint64_t all;
    uint64_t memory_bytes;
    bool cancelled;
};

/* Copies what runs, of one project unless it is empty, into the arena, the oldest first. */
RC_MUST_USE enum rc_status
rc_running_list_all(struct rc_running_list *list,
                    struct rc_bytes project,
                    struct rc_arena *arena,
                    struct rc_running_view **ret_views,
                    uint32_t *ret_count);

/* Cancels a query. false: none of this number runs. */
bool
rc_running_cancel(struct rc_running_list *list, uint64_t id);

#endif
