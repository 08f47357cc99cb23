/*
 * Health: which services can be used, and who waits to hear when that changes.
 *
 * A service is not served while it cannot do what it is for, and nothing but a restart changes
 * that: ingestion once the log is broken, and all once the server stops. What passes by itself (a
 * full disk, a limit of memory, a project that is stalled for a second) is told to each call and
 * not here: it is found to be over by the next call, so calls must go on to arrive. The whole
 * server, the empty name, is what a load balancer looks at: it is served as long as it answers
 * queries.
 *
 * Ownership: a health borrows the calls that watch it; rc_health_unwatch comes before their end.
 * Threading: any thread. What is told to a call is in the order of the changes.
 */
#ifndef RC_SERVER_ADMIN_HEALTH_H
#define RC_SERVER_ADMIN_HEALTH_H

#include <stdbool.h>

#include "engine/base/status.h"

struct rc_health;
struct rc_health_watch;

enum rc_health_state {
    RC_HEALTH_UNKNOWN, /* There is no such service. */
    RC_HEALTH_SERVING,
    RC_HEALTH_NOT_SERVING,
};

/* Whoever watches, to be told a state. Called with the health's lock held: may not call it. */
typedef void
rc_health_tell(void *watcher, enum rc_health_state state);

/* All is served. NULL: no memory. */
struct rc_health *
rc_health_new(void);

/* Nobody watches any more. NULL is fine. Returns NULL. */
struct rc_health *
rc_health_free(struct rc_health *health);

/* service "": the server. */
enum rc_health_state
rc_health_state(struct rc_health *health, const char *service);

/* Tells the state of a service now, and whenever it changes. */
RC_MUST_USE enum rc_status
rc_health_watch(struct rc_health *health,
                const char *service,
                rc_health_tell *tell,
                void *watcher,
                struct rc_health_watch **ret_watch);

/* Nothing is told any more once this returns. NULL is fine. Returns NULL. */
struct rc_health_watch *
rc_health_unwatch(struct rc_health_watch *watch);

/* The log takes no more records until a restart. */
void
rc_health_log_broke(struct rc_health *health);

/* The server stops. */
void
rc_health_stop(struct rc_health *health);

#endif
