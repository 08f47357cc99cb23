/*
 * Room: what a project has on its way. The log is one for all, and a batch waits for the write and
 * the sync of all that was logged with it; and what is logged and not yet applied is held in memory
 * (queue.c). So a project that sends faster than it can be applied waits outside, before the log.
 * The same for its full heads: while it waits for them to be sealed, the log goes on.
 *
 * Waiting here holds no lock and keeps one caller of that project; it shows to the client as a
 * stream that is not read.
 */
#include "engine/base/assert.h"
#include "engine/face/engine_state.h"

/* Logged and not yet applied, of one project: some tens of milliseconds of applying, and enough for
 * the log to write one piece while the next is applied. */
#define FLIGHT_BYTES_MAX ((uint64_t)2 << 20)

static bool
has_room(struct tenant *tenant, uint64_t bytes)
{
    const uint64_t used = atomic_load(&tenant->flight_bytes);
    return (used == 0 || used + bytes <= FLIGHT_BYTES_MAX) && !rc_background_is_behind(tenant);
}

void
rc_room_take(struct tenant *tenant, uint64_t bytes)
{
    struct rc_engine *engine = tenant->engine;
    if (!has_room(tenant, bytes)) {
        pthread_mutex_lock(&engine->background);
        atomic_fetch_add(&engine->room_waiting, 1);
        while (!has_room(tenant, bytes) && !atomic_load(&engine->stopping))
            pthread_cond_wait(&engine->background_done, &engine->background);
        atomic_fetch_sub(&engine->room_waiting, 1);
        pthread_mutex_unlock(&engine->background);
    }
    /* Several may have seen the same room: the bound is a soft one. */
    atomic_fetch_add(&tenant->flight_bytes, bytes);
}

void
rc_room_give(struct tenant *tenant, uint64_t bytes)
{
    const uint64_t before = atomic_fetch_sub(&tenant->flight_bytes, bytes);
    RC_ASSERT(before >= bytes);
    if (bytes > 0 && atomic_load(&tenant->engine->room_waiting) > 0)
        rc_background_announce(tenant->engine);
}
