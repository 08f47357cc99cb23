/*
 * Opening and closing. Order matters in both directions: workers before the log (replay may seal),
 * the log before the keeper (a checkpoint needs it); the keeper stops first, then the log drains
 * and what it gave out is applied, then background work ends, and only then does memory go.
 */
#include "engine/face/engine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/durable/manifest.h"
#include "engine/face/engine_state.h"
#include "engine/keep/backup.h"
#include "engine/keep/lost_manifest.h"
#include "engine/keep/manifest_content.h"
#include "engine/keep/restore.h"

#define WAL_FILE_BYTES ((uint64_t)64 << 20)
#define WAL_CHECKPOINT_BYTES ((uint64_t)1 << 30)
#define PURGE_AFTER_MS ((uint64_t)24 * 3600 * 1000)
#define WAL_BUFFER_BYTES ((uint64_t)64 << 20)
/* Projects that are served at once although others hold all workers: what is theirs waits for
 * nobody, and shares the processors with what runs. */
#define SPARE_WORKERS 32u
#define COLD_BYTES ((uint64_t)256 << 20)
/* Some thirty events: applied in a tenth of a millisecond. */
#define REPLAY_GROUP_BYTES (1u << 20)
#define SMALL_RECORD_BYTES 16384u

/* Makes the entry of a path in its parent durable. */
static enum rc_status
sync_parent(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    char parent[RC_PATH_BYTES_MAX];
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    while (size > 1 && path[size - 1] == '/')
        size--;
    (void)snprintf(parent, sizeof(parent), "%.*s", (int)size, path);
    return rc_disk_sync_dir(disk, size == 0 ? "." : parent, reterr_error);
}

/* A restore puts the manifest there last: without it the directory would look like a new one. */
static enum rc_status
refuse_half_restored(struct rc_engine *engine, struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%s/" RC_RESTORING_NAME, engine->directory);
    RC_CLEANUP(rc_file_closep) struct rc_file *mark = NULL;
    const enum rc_status status =
        rc_file_open(engine->disk, path, RC_FILE_READ, &mark, reterr_error);
    if (status == RC_OK)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "a restore into %s was interrupted: restore again", engine->directory);
    return status == RC_NOT_FOUND ? RC_OK : status;
}

/* What is acknowledged later lies in these directories: they must outlive a power cut first. */
static enum rc_status
make_directories(struct rc_engine *engine,
                 struct rc_log_place *place,
                 struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    const int longest = snprintf(path, sizeof(path), "%s/projects", engine->directory);
    if (longest < 0 || (size_t)longest >= sizeof(path))
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "the data directory's path is too long");
    RC_TRY(rc_disk_make_dir(engine->disk, engine->directory, reterr_error));
    RC_TRY(rc_disk_make_dir(engine->disk, path, reterr_error));
    (void)snprintf(place->directory, sizeof(place->directory), "%s/wal", engine->directory);
    (void)snprintf(place->mark, sizeof(place->mark), "%s/" RC_WAL_MARK_NAME, engine->directory);
    RC_TRY(rc_disk_make_dir(engine->disk, place->directory, reterr_error));
    RC_TRY(rc_disk_sync_dir(engine->disk, engine->directory, reterr_error));
    RC_TRY(sync_parent(engine->disk, engine->directory, reterr_error));
    (void)snprintf(path, sizeof(path), "%s/LOCK", engine->directory);
    const enum rc_status status =
        rc_disk_lock(engine->disk, path, &engine->lock_file, reterr_error);
    if (status == RC_CONFLICT)
        return rc_error_set(reterr_error, RC_CONFLICT, "another process uses the data directory %s",
                            engine->directory);
    RC_TRY(status);
    return refuse_half_restored(engine, reterr_error);
}

static enum rc_status
restore_tenant(struct rc_engine *engine,
               const struct rc_manifest_project *stored,
               struct rc_error *reterr_error)
{
    const struct rc_restore how = {
        .disk = engine->disk,
        .directory = engine->directory,
        .parent = &engine->account,
        .head_rows_max = engine->head_rows_max,
        .workers = engine->workers,
        .verify = RC_SLAB_CHECKSUMS,
        .cold = engine->cold_after_ms == 0 ? NULL : engine->cold,
        .cold_before_ms = rc_engine_cold_before_ms(engine),
    };
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    struct rc_kept_slabs kept = {0};
    RC_TRY(rc_restore_project(&how, stored, &project, &kept, reterr_error));
    struct tenant *tenant = NULL;
    rc_project_bound_dictionaries(project, &engine->dictionary_bounds);
    if (engine->window_rows_max != 0)
        rc_project_bound_windows(project, engine->window_rows_max);
    const enum rc_status status =
        rc_tenant_add(engine, RC_TAKE(project), stored->incarnation, &tenant);
    if (status != RC_OK) {
        rc_kept_slabs_close(&kept);
        return rc_error_set(reterr_error, status, "a project could not be entered");
    }
    tenant->kept = kept;
    tenant->restored_sequence = stored->sequence;
    rc_eager_restore(tenant);
    return RC_OK;
}

/* The projects of a manifest, restored by the workers; the first failure stands for all. */
struct restoring {
    struct rc_engine *engine;
    const struct rc_manifest_content *content;
    pthread_mutex_t lock; /* Guards what follows. */
    enum rc_status status;
    struct rc_error error;
};

static void
restore_one(void *argument, uint32_t index)
{
    struct restoring *restoring = argument;
    struct rc_error error;
    const enum rc_status status =
        restore_tenant(restoring->engine, &restoring->content->projects[index], &error);
    if (status == RC_OK)
        return;
    pthread_mutex_lock(&restoring->lock);
    if (restoring->status == RC_OK) {
        restoring->status = status;
        restoring->error = error;
    }
    pthread_mutex_unlock(&restoring->lock);
}

static enum rc_status
restore_tenants(struct rc_engine *engine,
                const struct rc_manifest_content *content,
                struct rc_error *reterr_error)
{
    struct restoring restoring = {
        .engine = engine, .content = content, .lock = PTHREAD_MUTEX_INITIALIZER};
    rc_workers_run(engine->workers, rc_workers_count(engine->workers), content->project_count,
                   restore_one, &restoring);
    if (restoring.status != RC_OK && reterr_error != NULL)
        *reterr_error = restoring.error;
    return restoring.status;
}

static enum rc_status
restore_receipts(struct rc_engine *engine, struct rc_bytes stored, struct rc_error *reterr_error)
{
    struct rc_reader reader = rc_reader_of(stored.data, stored.size);
    struct rc_receipts *receipts = NULL;
    if (stored.size == 0) /* Of a version that had none. */
        return RC_OK;
    RC_TRY(rc_receipts_read(&engine->account, &reader, &receipts, reterr_error));
    rc_engine_set_receipts(engine, receipts);
    return RC_OK;
}

/* Reads the manifest, if there is one, and restores its projects. *ret_replay_after: the log record
 * from which on some project wants the log. */
static enum rc_status
restore_all(struct rc_engine *engine, uint64_t *ret_replay_after, struct rc_error *reterr_error)
{
    *ret_replay_after = 0;
    RC_CLEANUP(rc_writer_close) struct rc_writer payload = {0};
    const enum rc_status status =
        rc_manifest_read(engine->disk, engine->directory, &payload, reterr_error);
    if (status == RC_NOT_FOUND)
        return rc_lost_manifest_check(engine->disk, engine->directory, reterr_error);
    RC_TRY(status);
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(&engine->account, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to restore");
    struct rc_manifest_content content;
    RC_TRY(rc_manifest_content_read((struct rc_bytes){(const char *)payload.data, payload.size},
                                    arena, &content, reterr_error));
    uint64_t replay_after = content.sequence;
    RC_TRY(restore_receipts(engine, content.receipts, reterr_error));
    RC_TRY(restore_tenants(engine, &content, reterr_error));
    for (uint32_t i = 0; i < content.project_count; i++)
        if (content.projects[i].sequence < replay_after)
            replay_after = content.projects[i].sequence;
    engine->checkpoint_number = content.number;
    engine->log = content.log;
    atomic_store(&engine->given_out, replay_after);
    *ret_replay_after = replay_after;
    return RC_OK;
}

enum rc_status
rc_engine_restore(struct rc_engine *engine,
                  const struct rc_engine_options *options,
                  struct rc_log_place *ret_place,
                  uint64_t *ret_replay_after,
                  struct rc_error *reterr_error)
{
    const size_t size = strlen(options->directory) + 1;
    engine->directory = rc_alloc(size);
    if (engine->directory == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to open");
    memcpy(engine->directory, options->directory, size);
    RC_TRY(make_directories(engine, ret_place, reterr_error));
    const uint64_t cold_bytes = options->cold_bytes_max != 0 ? options->cold_bytes_max : COLD_BYTES;
    RC_TRY_OR(reterr_error, rc_cold_cache_new(cold_bytes, &engine->cold));
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const uint32_t threads = options->worker_count != 0 ? options->worker_count
                             : processors > 0           ? (uint32_t)processors
                                                        : 1;
    /* One more than compute: a short query must not wait for a long one, nor a seal for a merge. */
    RC_TRY(rc_workers_new(threads + 1, RC_URGENCY_PLAIN, &engine->workers, reterr_error));
    RC_TRY(rc_workers_add_spares(engine->workers, SPARE_WORKERS, reterr_error));
    RC_TRY(rc_workers_new(threads + 1, RC_URGENCY_BACKGROUND, &engine->tidiers, reterr_error));
    RC_TRY(rc_queues_open(engine, threads, reterr_error));
    const uint64_t begun_ns = rc_clock_monotonic_ns();
    RC_TRY(restore_all(engine, ret_replay_after, reterr_error));
    engine->restore_ns = rc_clock_monotonic_ns() - begun_ns;
    return RC_OK;
}

/* Callback rc_wal_options.on_broken. */
static void
log_broke(void *context, const struct rc_error *error)
{
    const struct rc_engine *engine = context;
    if (engine->on_log_broken != NULL)
        engine->on_log_broken(engine->context, error);
}

static enum rc_status
open_parts(struct rc_engine *engine,
           const struct rc_engine_options *options,
           struct rc_error *reterr_error)
{
    struct rc_log_place place;
    uint64_t replay_after = 0;
    RC_CLEANUP(rc_replay_close) struct rc_replay replay = {0};
    RC_TRY(rc_engine_restore(engine, options, &place, &replay_after, reterr_error));
    const struct rc_wal_options wal_options = {
        .disk = engine->disk,
        .directory = place.directory,
        .mark = {place.mark, engine->log},
        .file_bytes = options->wal_file_bytes != 0 ? options->wal_file_bytes : WAL_FILE_BYTES,
        .buffer_bytes_max = WAL_BUFFER_BYTES,
        .replay_after = replay_after,
        .on_replay = rc_replay_record,
        .on_durable = rc_log_durable,
        .on_broken = log_broke,
        .context = engine,
    };
    rc_replay_open(engine, &replay);
    enum rc_status status = rc_wal_open(&wal_options, &engine->wal, reterr_error);
    if (status == RC_OK)
        status = rc_replay_finish(&replay, reterr_error);
    rc_replay_close(&replay);
    if (status == RC_CORRUPT)
        rc_repair_explain(engine, &place, replay_after, reterr_error);
    RC_TRY(status);
    engine->log = rc_wal_log(engine->wal);
    return rc_keeper_start(engine, reterr_error);
}

struct rc_engine *
rc_engine_new(const struct rc_engine_options *options)
{
    struct rc_engine *engine = rc_alloc_zero(sizeof(*engine));
    if (engine == NULL)
        return NULL;
    RC_ASSERT(options->head_rows_max <= RC_HEAD_ROWS_MAX);
    engine->disk = options->disk != NULL ? options->disk : rc_disk_real();
    engine->account = (struct rc_account){
        .parent = &rc_account_process,
    };
    engine->memory_bytes_max = options->memory_bytes_max;
    engine->read_cell = options->read_cell;
    engine->on_log_broken = options->on_log_broken;
    engine->context = options->context;
    engine->cold_after_ms = options->cold_after_ms;
    engine->head_rows_max = options->head_rows_max != 0 ? options->head_rows_max : RC_HEAD_ROWS_MAX;
    engine->dictionary_bounds = (struct rc_dictionary_bounds){
        .entries_max = options->dictionary_entries_max != 0 ? options->dictionary_entries_max
                                                            : RC_DICTIONARY_ENTRIES_MAX,
        .codes_max = RC_DICTIONARY_CODES_MAX,
        .bytes_max = options->dictionary_bytes_max != 0 ? options->dictionary_bytes_max
                                                        : RC_DICTIONARY_BYTES_MAX,
    };
    engine->window_rows_max = options->window_rows_max;
    engine->wal_checkpoint_bytes =
        options->wal_checkpoint_bytes != 0 ? options->wal_checkpoint_bytes : WAL_CHECKPOINT_BYTES;
    pthread_mutex_init(&engine->changes, NULL);
    pthread_cond_init(&engine->changes_moved, NULL);
    pthread_mutex_init(&engine->registry, NULL);
    engine->small_record_bytes =
        options->small_record_bytes != 0 ? options->small_record_bytes : SMALL_RECORD_BYTES;
    engine->replay_group_bytes =
        options->replay_group_bytes != 0 ? options->replay_group_bytes : REPLAY_GROUP_BYTES;
    pthread_mutex_init(&engine->queues, NULL);
    pthread_cond_init(&engine->queues_moved, NULL);
    engine->purge_after_ms =
        options->purge_after_ms != 0 ? options->purge_after_ms : PURGE_AFTER_MS;
    pthread_mutex_init(&engine->purge, NULL);
    pthread_mutex_init(&engine->checkpoint, NULL);
    pthread_mutex_init(&engine->background, NULL);
    pthread_cond_init(&engine->background_done, NULL);
    pthread_cond_init(&engine->keeper_wake, NULL);
    if (rc_receipts_new(&engine->account, &engine->receipts) != RC_OK)
        return rc_engine_close(engine, false);
    return engine;
}

enum rc_status
rc_engine_open(const struct rc_engine_options *options,
               struct rc_engine **ret_engine,
               struct rc_error *reterr_error)
{
    const uint64_t begun_ns = rc_clock_monotonic_ns();
    struct rc_engine *engine = rc_engine_new(options);
    if (engine == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to open");
    const enum rc_status status = open_parts(engine, options, reterr_error);
    if (status != RC_OK) {
        rc_engine_close(engine, false);
        return status;
    }
    engine->start_ns = rc_clock_monotonic_ns() - begun_ns;
    *ret_engine = engine;
    return RC_OK;
}

struct rc_engine *
rc_engine_close(struct rc_engine *engine, bool snapshot)
{
    if (engine == NULL)
        return NULL;
    rc_keeper_stop(engine);
    if (engine->wal != NULL) {
        rc_wal_drain(engine->wal);
        rc_queues_settle(engine);
        engine->closing = true;
        struct rc_snapshot_result result;
        const enum rc_status status = snapshot ? rc_engine_snapshot(engine, &result, NULL) : RC_OK;
        (void)status; /* Without a checkpoint the next start replays the log. */
    }
    atomic_store(&engine->stopping, true);
    engine->wal = rc_wal_close(engine->wal);
    for (size_t i = 0; i < engine->tenant_count; i++)
        atomic_store(&engine->tenants[i]->cancel, true);
    engine->tidiers =
        rc_workers_free(engine->tidiers); /* They have the appliers change projects. */
    engine->appliers = rc_workers_free(engine->appliers);
    engine->workers = rc_workers_free(engine->workers);
    for (size_t i = 0; i < engine->tenant_count; i++)
        rc_tenant_unref(engine->tenants[i]);
    rc_alloc_free(engine->tenants);
    rc_receipts_unref(engine->receipts);
    rc_cold_cache_free(engine->cold);
    rc_file_close(engine->lock_file);
    rc_alloc_free(engine->directory);
    pthread_cond_destroy(&engine->changes_moved);
    pthread_mutex_destroy(&engine->changes);
    pthread_mutex_destroy(&engine->registry);
    pthread_mutex_destroy(&engine->purge);
    pthread_mutex_destroy(&engine->checkpoint);
    pthread_mutex_destroy(&engine->queues);
    pthread_cond_destroy(&engine->queues_moved);
    pthread_mutex_destroy(&engine->background);
    pthread_cond_destroy(&engine->background_done);
    pthread_cond_destroy(&engine->keeper_wake);
    return rc_alloc_free(engine);
}

struct rc_workers *
rc_engine_workers(struct rc_engine *engine)
{
    return engine->workers;
}

void
rc_engine_get_stats(struct rc_engine *engine, struct rc_engine_stats *ret_stats)
{
    struct rc_wal_stats wal;
    rc_wal_get_stats(engine->wal, &wal);
    pthread_mutex_lock(&engine->registry);
    const uint64_t projects = engine->tenant_count;
    pthread_mutex_unlock(&engine->registry);
    struct rc_cold_stats cold;
    rc_cold_cache_get_stats(engine->cold, &cold);
    *ret_stats = (struct rc_engine_stats){
        .projects = projects,
        .memory_bytes = rc_account_used(&rc_account_process),
        .memory_bytes_max = engine->memory_bytes_max,
        .wal_live_bytes = wal.live_bytes,
        .wal_sequence = wal.sequence_last,
        .wal_syncs = wal.synced_count,
        .wal_refused = wal.refused_count,
        .wal_torn_bytes = wal.torn_bytes,
        .replayed_records = wal.replayed_count,
        .start_ns = engine->start_ns,
        .restore_ns = engine->restore_ns,
        .snapshot_count = atomic_load(&engine->snapshot_count),
        .snapshot_last_ms = atomic_load(&engine->snapshot_last_ms),
        .cold_slabs = cold.slabs,
        .cold_cache_bytes = cold.bytes,
        .cold_reads = cold.reads,
        .cold_read_bytes = cold.read_bytes,
        .cold_read_failures = cold.failures,
    };
    memcpy(ret_stats->wal_error, wal.broken, sizeof(ret_stats->wal_error));
    const int64_t asked_ms = rc_purge_asked_ms(engine);
    ret_stats->purge_due_ms = asked_ms == 0 ? 0 : asked_ms + (int64_t)engine->purge_after_ms;
    pthread_mutex_lock(&engine->background);
    ret_stats->purge_failures = engine->purge_failures;
    if (engine->purge_failures > 0)
        memcpy(ret_stats->purge_error, engine->purge_error, sizeof(ret_stats->purge_error));
    ret_stats->snapshot_failures = engine->snapshot_failures;
    if (engine->snapshot_failures > 0)
        memcpy(ret_stats->snapshot_error, engine->snapshot_error,
               sizeof(ret_stats->snapshot_error));
    pthread_mutex_unlock(&engine->background);
}
