/*
 * Queues: records that are durable and wait to be applied, a queue a project.
 *
 * The log gives its records out in order, on its own thread. If everything were applied there, each
 * project would wait for whatever the others have before it in the log: a megabyte of events takes
 * five milliseconds. So the log's thread applies a record itself only if that is quick and nothing
 * of its project waits; others it puts into the project's queue, whose records are applied one
 * after the other by the appliers, beside those of other projects.
 *
 * Why that is the same as one after the other: a record of a project reads and changes that project
 * alone, and the records of a project keep their order. There is one queue, of which one record is
 * in work at a time, and the log's thread, which alone adds to it, applies nothing itself before it
 * is empty. What changes more than a project, its creation and its deletion, is done by the log's
 * thread once the project's queue is empty. So replay, which does all of it in the log's order,
 * comes to the same state; and a project is told of its records in their order.
 *
 * What is known as applied (rc_queues_applied) ends before the first record that waits: a
 * checkpoint that counts on it leaves no record out, and counts all that were acknowledged. Of a
 * project it may count on more, up to the record that its view shows, since that project's were
 * applied in order.
 *
 * A project's records that wait are bounded before the log (room.c). Without memory for a queued
 * record the log's thread waits for the queue and applies it itself.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/face/engine_state.h"

struct queued {
    struct queued *next;
    struct ticket *ticket;
    uint64_t sequence;
    bool applied; /* And perhaps not yet told. */
    size_t size;
    char payload[]; /* The log's own is gone when it goes on. */
};

enum rc_status
rc_queues_open(struct rc_engine *engine, uint32_t thread_count, struct rc_error *reterr_error)
{
    RC_TRY(rc_workers_new(thread_count, RC_URGENCY_FIRST, &engine->appliers, reterr_error));
    /* For changes by those who step back: the others may wait until one of them has sealed. */
    return rc_workers_add_spares(engine->appliers, 1, reterr_error);
}

/* Under the lock. */
static void
link_tenant(struct rc_engine *engine, struct tenant *tenant)
{
    tenant->queue.next = engine->queued;
    engine->queued = tenant;
}

/* Under the lock. */
static void
unlink_tenant(struct rc_engine *engine, struct tenant *tenant)
{
    struct tenant **at = &engine->queued;
    while (*at != tenant)
        at = &(*at)->queue.next;
    *at = tenant->queue.next;
}

/* Before anybody is told: who was counts on it that a checkpoint has the record. */
static void
mark_applied(struct rc_engine *engine, struct queued *queued)
{
    pthread_mutex_lock(&engine->queues);
    queued->applied = true;
    pthread_mutex_unlock(&engine->queues);
}

/* Takes out the record that was applied and told. Whether more wait. */
static bool
pop(struct tenant *tenant)
{
    struct rc_engine *engine = tenant->engine;
    pthread_mutex_lock(&engine->queues);
    struct queued *done = tenant->queue.first;
    tenant->queue.first = done->next;
    const bool more = tenant->queue.first != NULL;
    if (!more)
        unlink_tenant(engine, tenant);
    if (engine->queues_awaited > 0)
        pthread_cond_broadcast(&engine->queues_moved);
    pthread_mutex_unlock(&engine->queues);
    rc_alloc_free(done);
    return more;
}

/* An applier: one record of a project, then another project's turn. Holds a reference. */
static void
apply_first(void *argument)
{
    struct tenant *tenant = argument;
    struct rc_engine *engine = tenant->engine;
    for (bool more = true; more;) {
        /* First stays until it is popped, which only this task does. */
        pthread_mutex_lock(&engine->queues);
        struct queued *first = tenant->queue.first;
        pthread_mutex_unlock(&engine->queues);
        struct rc_ingest_result result;
        rc_log_apply(engine, tenant, first->sequence,
                     (struct rc_bytes){first->payload, first->size}, first->ticket, RC_OK, &result);
        mark_applied(engine, first);
        rc_log_tell(first->ticket, &result);
        more = pop(tenant);
        if (more && rc_workers_submit(engine->appliers, apply_first, tenant) == RC_OK)
            return;
    }
    rc_tenant_unref(tenant);
}

bool
rc_queue_add(struct tenant *tenant,
             uint64_t sequence,
             struct rc_bytes payload,
             struct ticket *ticket)
{
    struct rc_engine *engine = tenant->engine;
    struct queued *queued = rc_alloc(sizeof(*queued) + payload.size);
    if (queued == NULL)
        return false;
    *queued = (struct queued){.ticket = ticket, .sequence = sequence, .size = payload.size};
    memcpy(queued->payload, payload.data, payload.size);
    pthread_mutex_lock(&engine->queues);
    const bool begins = tenant->queue.first == NULL;
    if (begins) {
        tenant->queue.first = queued;
        link_tenant(engine, tenant);
    } else {
        tenant->queue.last->next = queued;
    }
    tenant->queue.last = queued;
    pthread_mutex_unlock(&engine->queues);
    if (!begins || rc_workers_submit(engine->appliers, apply_first, rc_tenant_ref(tenant)) == RC_OK)
        return true;
    (void)pop(tenant);
    rc_tenant_unref(tenant);
    return false;
}

bool
rc_queue_is_empty(struct tenant *tenant)
{
    pthread_mutex_lock(&tenant->engine->queues);
    const bool empty = tenant->queue.first == NULL;
    pthread_mutex_unlock(&tenant->engine->queues);
    return empty;
}

/* Under the lock: waits until some record was applied. */
static void
await(struct rc_engine *engine)
{
    engine->queues_awaited++;
    pthread_cond_wait(&engine->queues_moved, &engine->queues);
    engine->queues_awaited--;
}

void
rc_queue_wait(struct tenant *tenant)
{
    struct rc_engine *engine = tenant->engine;
    pthread_mutex_lock(&engine->queues);
    while (tenant->queue.first != NULL)
        await(engine);
    pthread_mutex_unlock(&engine->queues);
}

uint64_t
rc_queues_applied(struct rc_engine *engine)
{
    pthread_mutex_lock(&engine->queues);
    uint64_t sequence = atomic_load(&engine->given_out);
    for (const struct tenant *at = engine->queued; at != NULL; at = at->queue.next) {
        const struct queued *first =
            at->queue.first->applied ? at->queue.first->next : at->queue.first;
        if (first != NULL && first->sequence <= sequence)
            sequence = first->sequence - 1;
    }
    pthread_mutex_unlock(&engine->queues);
    return sequence;
}

/* Under the lock. */
static bool
has_before(const struct rc_engine *engine, uint64_t sequence)
{
    const struct tenant *at = engine->queued;
    while (at != NULL && at->queue.first->sequence > sequence)
        at = at->queue.next;
    return at != NULL;
}

void
rc_queues_settle(struct rc_engine *engine)
{
    pthread_mutex_lock(&engine->queues);
    const uint64_t until = atomic_load(&engine->given_out);
    while (has_before(engine, until))
        await(engine);
    pthread_mutex_unlock(&engine->queues);
}
