/*
 * Background work: sealing and merging, queued where a batch made some; the keeper, which looks
 * every quarter of a second for projects that have become idle, and the checkpointer, which looks
 * as often for a log that has grown. A checkpoint takes as long as the disk does, and a project
 * that is at rest is not to wait for it.
 *
 * A tenant has at most one sealing and one merging task; each does all there is to do and then
 * looks once more, so that no kick is lost. A task that fails for want of memory leaves things as
 * they are and is tried again with the next kick.
 */
#include <string.h>
#include <time.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/base/reuse.h"
#include "engine/face/engine_state.h"
#include "engine/intake/merge.h"
#include "engine/intake/seal.h"
#include "engine/store/sweep/dictionary_sweep.h"

#define KEEPER_PERIOD_MS 250
#define IDLE_NS ((uint64_t)500000000)
/* When so many rounds of the keeper saw no slab built, a load is over. */
#define UNBUILT_ROUNDS 4u
/* Beyond this many full heads a project's batches wait before the log; beyond the second whoever
 * applies them does, an applier of which there are few: what is on its way then is at most two
 * megabytes. */
#define FULL_HEADS_MAX 8u
#define FULL_HEADS_FAR 24u
/* An idle head below this stays one: it costs a scan of a few microseconds. */
#define IDLE_HEAD_ROWS_MIN 512u

static void
task_begins(struct rc_engine *engine)
{
    pthread_mutex_lock(&engine->background);
    engine->background_count++;
    pthread_mutex_unlock(&engine->background);
}

static void
task_ends(struct rc_engine *engine)
{
    pthread_mutex_lock(&engine->background);
    RC_ASSERT(engine->background_count > 0);
    engine->background_count--;
    pthread_cond_broadcast(&engine->background_done);
    pthread_mutex_unlock(&engine->background);
}

void
rc_background_announce(struct rc_engine *engine)
{
    pthread_mutex_lock(&engine->background);
    pthread_cond_broadcast(&engine->background_done);
    pthread_mutex_unlock(&engine->background);
}

void
rc_background_queue(struct tenant *tenant, _Atomic(bool) *flag, void (*task)(void *tenant))
{
    if (atomic_load(&tenant->engine->stopping) || atomic_exchange(flag, true))
        return;
    task_begins(tenant->engine);
    if (rc_workers_submit(tenant->engine->tidiers, task, rc_tenant_ref(tenant)) == RC_OK)
        return;
    atomic_store(flag, false);
    task_ends(tenant->engine);
    rc_tenant_unref(tenant);
}

void
rc_background_end(struct tenant *tenant, _Atomic(bool) *flag)
{
    struct rc_engine *engine = tenant->engine;
    atomic_store(flag, false);
    rc_tenant_unref(tenant);
    task_ends(engine);
}

enum rc_status
rc_background_merge_now(struct tenant *tenant,
                        const struct rc_merge_plan *plan,
                        struct rc_error *reterr_error)
{
    RC_TRY(rc_merge_run(tenant->project, plan, tenant->engine->tidiers, &tenant->cancel,
                        reterr_error));
    atomic_fetch_add(&tenant->engine->built_count, 1);
    for (uint32_t i = 0; i < plan->count; i++)
        rc_match_cache_drop_slab(tenant->cache, plan->ids[i]);
    return RC_OK;
}

/* Runs plans until pick finds none or one fails. */
static enum rc_status
merge_while(struct tenant *tenant,
            void (*pick)(const struct rc_version *, struct rc_merge_plan *),
            struct rc_error *reterr_error)
{
    while (!atomic_load(&tenant->cancel)) {
        struct rc_merge_plan plan;
        RC_CLEANUP(rc_version_unrefp)
        struct rc_version *version = rc_project_pin_version(tenant->project);
        pick(version, &plan);
        if (plan.count == 0)
            return RC_OK;
        RC_TRY(rc_background_merge_now(tenant, &plan, reterr_error));
    }
    return RC_CANCELLED;
}

/* Frees what only rows had that are gone, for a project that is at rest: a merge sees to its own,
 * but rows die in heads too. */
static void
sweep(struct tenant *tenant)
{
    const enum rc_status status = rc_project_sweep_dictionaries(
        tenant->project, RC_SWEEP_MOSTLY_DEAD, &tenant->cancel, NULL, NULL);
    (void)status; /* Dictionaries stay as they are until the next time. */
}

static void
merge_task(void *argument)
{
    struct tenant *tenant = argument;
    const uint64_t idle_ns = rc_clock_monotonic_ns() - atomic_load(&tenant->applied_at_ns);
    const bool idle = idle_ns >= IDLE_NS;
    const enum rc_status status =
        merge_while(tenant, idle ? rc_merge_pick_idle : rc_merge_pick, NULL);
    (void)status; /* Tried again with the next kick. */
    if (idle)
        sweep(tenant);
    rc_background_end(tenant, &tenant->merging);
}

static bool
has_full_heads(struct tenant *tenant)
{
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(tenant->project);
    return version->head_count > 1;
}

/* The number of the head that is sealed next: nobody else seals. */
static uint64_t
oldest_head(struct tenant *tenant)
{
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(tenant->project);
    return rc_head_number(version->heads[0].head);
}

static void
seal_task(void *argument)
{
    struct tenant *tenant = argument;
    struct rc_engine *engine = tenant->engine;
    bool sealed = true;
    enum rc_status status = RC_OK;
    while (sealed && status == RC_OK) {
        sealed = false;
        const uint64_t head = oldest_head(tenant);
        status = rc_seal_oldest(tenant->project, &tenant->cancel, &sealed, NULL);
        if (sealed) {
            atomic_fetch_add(&engine->built_count, 1);
            rc_match_cache_drop_head(tenant->cache, head);
            rc_background_announce(engine);
            rc_background_queue(tenant, &tenant->merging, merge_task);
        }
    }
    atomic_store(&tenant->sealing, false);
    /* A head that filled up between the last look and the flag would wait for the next kick. */
    if (status == RC_OK && has_full_heads(tenant))
        rc_background_queue(tenant, &tenant->sealing, seal_task);
    rc_tenant_unref(tenant);
    task_ends(engine);
}

void
rc_background_kick(struct tenant *tenant)
{
    rc_background_queue(tenant, &tenant->sealing, seal_task);
}

void
rc_background_merge(struct tenant *tenant)
{
    rc_background_queue(tenant, &tenant->merging, merge_task);
}

void
rc_background_wait(struct rc_engine *engine)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&engine->background);
    pthread_cond_timedwait(&engine->background_done, &engine->background, &until);
    pthread_mutex_unlock(&engine->background);
}

/* Whether more than full_heads_max heads wait. Without a task there is nothing to wait for: sealing
 * failed, and memory decides. */
static bool
has_more_full_heads(struct tenant *tenant, uint32_t full_heads_max)
{
    if (!atomic_load(&tenant->sealing))
        return false;
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(tenant->project);
    return version->head_count > full_heads_max + 1;
}

bool
rc_background_is_behind(struct tenant *tenant)
{
    return has_more_full_heads(tenant, FULL_HEADS_MAX);
}

void
rc_background_hold(struct tenant *tenant)
{
    while (has_more_full_heads(tenant, FULL_HEADS_FAR))
        rc_background_wait(tenant->engine);
}

static void
keep_tenant(struct tenant *tenant)
{
    const uint64_t idle_ns = rc_clock_monotonic_ns() - atomic_load(&tenant->applied_at_ns);
    if (idle_ns < IDLE_NS || atomic_exchange(&tenant->idle_checked, true))
        return;
    rc_project_lock_writer(tenant->project);
    const struct rc_version *now = rc_project_version(tenant->project);
    const uint32_t rows = rc_head_row_count(now->heads[now->head_count - 1].head);
    rc_event_index_clear(rc_project_event_index(tenant->project));
    rc_project_unlock_writer(tenant->project);
    if (rows >= IDLE_HEAD_ROWS_MIN && rc_seal_end_head(tenant->project, NULL) == RC_OK)
        rc_background_kick(tenant);
    else
        rc_background_queue(tenant, &tenant->merging, merge_task);
}

/* What the wall clock asks for is looked at this often. */
#define CALENDAR_PERIOD_MS 10000

int64_t
rc_calendar_period_ms(uint64_t purge_after_ms)
{
    const uint64_t eighth = purge_after_ms / 8;
    return eighth < CALENDAR_PERIOD_MS ? (int64_t)eighth : CALENDAR_PERIOD_MS;
}

static void
keep_calendar(struct rc_engine *engine)
{
    const int64_t now_ms = rc_clock_wall_ms();
    const int64_t period_ms = rc_calendar_period_ms(engine->purge_after_ms);
    if (now_ms < engine->calendar_next_ms && now_ms > engine->calendar_next_ms - 2 * period_ms)
        return;
    engine->calendar_next_ms = now_ms + period_ms;
    const enum rc_status status = rc_engine_expire(engine, now_ms, NULL);
    (void)status; /* Tried again. */
    rc_purge_if_due(engine, now_ms);
}

/* While slabs are built one after the other, what a head or a build frees is what the next one asks
 * for: pages that went back to the system meanwhile would have to be cleared again. */
static void
keep_freed_memory(struct rc_engine *engine)
{
    const uint64_t built = atomic_load(&engine->built_count);
    engine->rounds_unbuilt = built != engine->built_seen ? 0 : engine->rounds_unbuilt + 1;
    engine->built_seen = built;
    const bool reuse = built > 0 && engine->rounds_unbuilt < UNBUILT_ROUNDS;
    if (reuse != engine->reuses_memory)
        rc_reuse_expect(reuse);
    engine->reuses_memory = reuse;
}

static void
keep_all(struct rc_engine *engine)
{
    keep_calendar(engine);
    keep_freed_memory(engine);
    struct tenant **tenants = NULL;
    uint32_t count = 0;
    if (rc_tenants_pin(engine, &tenants, &count) != RC_OK)
        return;
    for (uint32_t i = 0; i < count; i++) {
        keep_tenant(tenants[i]);
        rc_eager_look(tenants[i]);
    }
    rc_tenants_unpin(tenants, count);
}

static void
checkpoint_if_due(struct rc_engine *engine)
{
    struct tenant **tenants = NULL;
    uint32_t count = 0;
    if (rc_tenants_pin(engine, &tenants, &count) != RC_OK)
        return;
    const bool stalled = rc_stall_wants_snapshot(engine, tenants, count);
    rc_tenants_unpin(tenants, count);
    struct rc_wal_stats wal;
    rc_wal_get_stats(engine->wal, &wal);
    if (stalled || wal.live_bytes > engine->wal_checkpoint_bytes) {
        struct rc_snapshot_result result;
        const enum rc_status status = rc_engine_snapshot(engine, &result, NULL);
        (void)status; /* The log is still longer than it should be: the next round tries again. */
    }
}

/* Makes rounds until the engine stops. */
static void
keep(struct rc_engine *engine, void (*round)(struct rc_engine *engine))
{
    pthread_mutex_lock(&engine->background);
    while (engine->keeper_runs) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += KEEPER_PERIOD_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&engine->keeper_wake, &engine->background, &until);
        if (!engine->keeper_runs)
            break;
        pthread_mutex_unlock(&engine->background);
        round(engine);
        pthread_mutex_lock(&engine->background);
    }
    pthread_mutex_unlock(&engine->background);
}

static void *
keeper(void *argument)
{
    keep(argument, keep_all);
    return NULL;
}

static void *
checkpointer(void *argument)
{
    keep(argument, checkpoint_if_due);
    return NULL;
}

/* Whether they were being made. */
static bool
stop_rounds(struct rc_engine *engine)
{
    pthread_mutex_lock(&engine->background);
    const bool runs = engine->keeper_runs;
    engine->keeper_runs = false;
    pthread_cond_broadcast(&engine->keeper_wake);
    pthread_mutex_unlock(&engine->background);
    return runs;
}

enum rc_status
rc_keeper_start(struct rc_engine *engine, struct rc_error *reterr_error)
{
    engine->keeper_runs = true;
    if (pthread_create(&engine->keeper, NULL, keeper, engine) != 0) {
        engine->keeper_runs = false;
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no thread for the keeper");
    }
    if (pthread_create(&engine->checkpointer, NULL, checkpointer, engine) == 0)
        return RC_OK;
    stop_rounds(engine);
    pthread_join(engine->keeper, NULL);
    return rc_error_set(reterr_error, RC_NO_MEMORY, "no thread for the checkpointer");
}

void
rc_keeper_stop(struct rc_engine *engine)
{
    if (!stop_rounds(engine))
        return;
    pthread_join(engine->keeper, NULL);
    pthread_join(engine->checkpointer, NULL);
}

void
rc_engine_settle(struct rc_engine *engine)
{
    rc_wal_drain(engine->wal);
    rc_queues_settle(engine);
    pthread_mutex_lock(&engine->background);
    while (engine->background_count > 0)
        pthread_cond_wait(&engine->background_done, &engine->background);
    pthread_mutex_unlock(&engine->background);
}

void
rc_background_take_merging(struct tenant *tenant)
{
    while (atomic_exchange(&tenant->merging, true))
        rc_background_wait(tenant->engine);
}

void
rc_background_give_merging(struct tenant *tenant)
{
    atomic_store(&tenant->merging, false);
}

static enum rc_status
compact(struct tenant *tenant, struct rc_error *reterr_error)
{
    RC_TRY(rc_seal_end_head(tenant->project, reterr_error));
    rc_background_kick(tenant);
    rc_engine_settle(tenant->engine);
    rc_background_take_merging(tenant);
    const enum rc_status status = merge_while(tenant, rc_merge_pick_all, reterr_error);
    sweep(tenant);
    rc_background_give_merging(tenant);
    return atomic_load(&tenant->cancel) ? RC_OK : status; /* Deleted meanwhile: nothing to do. */
}

enum rc_status
rc_engine_compact(struct rc_engine *engine, struct rc_error *reterr_error)
{
    struct tenant **tenants = NULL;
    uint32_t count = 0;
    enum rc_status status = RC_OK;
    RC_TRY_OR(reterr_error, rc_tenants_pin(engine, &tenants, &count));
    for (uint32_t i = 0; status == RC_OK && i < count; i++)
        status = compact(tenants[i], reterr_error);
    rc_tenants_unpin(tenants, count);
    return status;
}
