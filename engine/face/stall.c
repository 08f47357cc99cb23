/*
 * Stall: a record stands in the log and could not be applied, and nothing of it was: a slab on disk
 * that may hold an earlier copy of an event could not be read, or memory was short. The caller was
 * told so; but replay would apply the record, and what came behind it would then stand on another
 * state than it does here.
 *
 * What a batch brought before it failed was taken back, but for names of properties and keys of
 * dictionaries, which no row has.
 *
 * So the project refuses all that follows until a checkpoint stands that counts the refused records
 * as seen: from then on they are nobody's, here and after a start, and the client's second try
 * comes under a new record. The checkpointer makes it within a second or two; of a project
 * that has not changed it writes the manifest alone.
 *
 * A disk that stays broken would stall the project again with every try. So for some time after a
 * stall a batch is let into the log only when all that it needs of the disk was just read: one that
 * meets the damage is refused before, and the others are taken.
 *
 * At a start a record cannot be refused, since it may have been acknowledged: what cannot be read
 * then ends the start, with the file's name.
 */
#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/face/engine_state.h"
#include "engine/intake/apply.h"

#define SUSPECT_NS ((uint64_t)600 * 1000000000)
#define SNAPSHOT_PERIOD_NS ((uint64_t)1000000000)

void
rc_stall_begin(struct tenant *tenant, uint64_t sequence, const struct rc_error *why)
{
    pthread_mutex_lock(&tenant->logging);
    tenant->stalled_last = sequence;
    tenant->stalled_why = *why;
    atomic_store(&tenant->suspect_until_ns, rc_clock_monotonic_ns() + SUSPECT_NS);
    atomic_store(&tenant->stalled, true);
    pthread_mutex_unlock(&tenant->logging);
}

bool
rc_stall_refuses(struct tenant *tenant, uint64_t sequence)
{
    if (!atomic_load(&tenant->stalled))
        return false;
    pthread_mutex_lock(&tenant->logging);
    const bool stalled = atomic_load(&tenant->stalled);
    if (stalled)
        tenant->stalled_last = sequence;
    pthread_mutex_unlock(&tenant->logging);
    return stalled;
}

void
rc_stall_end(struct tenant *tenant, uint64_t sequence)
{
    if (!atomic_load(&tenant->stalled))
        return;
    pthread_mutex_lock(&tenant->logging);
    if (tenant->stalled_last <= sequence)
        atomic_store(&tenant->stalled, false);
    pthread_mutex_unlock(&tenant->logging);
}

enum rc_status
rc_stall_check(struct tenant *tenant, struct rc_error *reterr_error)
{
    if (!atomic_load(&tenant->stalled))
        return RC_OK;
    pthread_mutex_lock(&tenant->logging);
    const struct rc_error why = tenant->stalled_why;
    pthread_mutex_unlock(&tenant->logging);
    return rc_error_set(reterr_error, RC_UNAVAILABLE,
                        "the project takes no data for a moment: %.300s", why.message);
}

enum rc_status
rc_stall_probe(struct tenant *tenant,
               const struct rc_batch *batch,
               struct rc_arena *arena,
               struct rc_error *reterr_error)
{
    const uint64_t now_ns = rc_clock_monotonic_ns();
    if (now_ns >= atomic_load(&tenant->suspect_until_ns))
        return RC_OK;
    const enum rc_status status = rc_apply_probe(tenant->project, batch, arena, reterr_error);
    if (status != RC_OK)
        atomic_store(&tenant->suspect_until_ns, now_ns + SUSPECT_NS);
    return status;
}

bool
rc_stall_wants_snapshot(struct rc_engine *engine, struct tenant *const *tenants, uint32_t count)
{
    const uint64_t now_ns = rc_clock_monotonic_ns();
    uint32_t i = 0;
    while (i < count && !atomic_load(&tenants[i]->stalled))
        i++;
    if (i == count || now_ns < engine->stall_snapshot_next_ns)
        return false;
    engine->stall_snapshot_next_ns = now_ns + SNAPSHOT_PERIOD_NS;
    return true;
}
