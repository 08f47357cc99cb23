/*
 * Workers: a fixed pool of threads and queues. What must not wait for something else gets a pool
 * of its own: queries one, seals and merges one that steps back (base/thread.h).
 *
 * Tasks lie in lanes (a project's, say). Lanes take turns, and of one lane no more tasks run at a
 * time than the pool has threads of its own. With spare threads a task of another lane need not
 * wait until one of them ends: it begins beside them, and the system's scheduler shares the
 * processors out. So who asks much waits for himself.
 *
 * Ownership: the pool owns its threads; a task's argument belongs to the task.
 * Threading: any thread may submit. rc_workers_run may be called from a worker: the caller takes
 *            part in the work, so nesting cannot deadlock.
 * Errors:    submitting fails only for want of memory or after stop.
 */
#ifndef RC_BASE_WORKERS_H
#define RC_BASE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/base/thread.h"

struct rc_workers;

/* urgency: of its threads. */
RC_MUST_USE enum rc_status
rc_workers_new(uint32_t thread_count,
               enum rc_urgency urgency,
               struct rc_workers **ret_workers,
               struct rc_error *reterr_error);

/* Lets queued tasks finish, refuses new ones, joins the threads. NULL is fine. Returns NULL. */
struct rc_workers *
rc_workers_free(struct rc_workers *workers);

RC_DEFINE_CLEANUP(struct rc_workers *, rc_workers_free)

/* Adds threads for tasks whose lane has less running than it may; they help no other's work. Not
 * counted by rc_workers_count. RC_NO_MEMORY: some may have been added. */
RC_MUST_USE enum rc_status
rc_workers_add_spares(struct rc_workers *workers, uint32_t count, struct rc_error *reterr_error);

/* Threads that share a lane's work. */
uint32_t
rc_workers_count(const struct rc_workers *workers);

/* Into the lane of those who have none. */
RC_MUST_USE enum rc_status
rc_workers_submit(struct rc_workers *workers, void (*task)(void *argument), void *argument);

/* lane: any number that those share who are to wait for each other; 0 is rc_workers_submit. */
RC_MUST_USE enum rc_status
rc_workers_submit_in(struct rc_workers *workers,
                     uint64_t lane,
                     void (*task)(void *argument),
                     void *argument);

/*
 * Calls task(argument) on a thread of the pool, in a lane, and returns when it has finished.
 * false: no memory; it was not called.
 */
RC_MUST_USE bool
rc_workers_call(struct rc_workers *workers,
                uint64_t lane,
                void (*task)(void *argument),
                void *argument);

/*
 * Calls task(argument, i) for each i in [0, count), on up to parallel_max threads, the caller's
 * among them, and returns when all have finished. Indexes are handed out in ascending order.
 */
void
rc_workers_run(struct rc_workers *workers,
               uint32_t parallel_max,
               uint32_t count,
               void (*task)(void *argument, uint32_t index),
               void *argument);

#endif
