/*
 * Engine state: the structs behind engine.h, for the files of this room alone.
 *
 * A tenant is a project with what only the face knows of it: its bitmap cache, what is on disk of
 * it, which batches of its streams are in the log but not yet applied, and which background work is
 * under way.
 *
 * The order of locks: a place among the changes of projects (project_changes.c) > tenant's changes
 * (held by rc_changes_hold or a round of changes) > purge > checkpoint > registry > tenant's intake
 * > tenant's logging > project's writer > project's publish, queues.
 */
#ifndef RC_FACE_ENGINE_STATE_H
#define RC_FACE_ENGINE_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/durable/wal.h"
#include "engine/face/engine.h"
#include "engine/intake/merge.h"
#include "engine/intake/record.h"
#include "engine/intake/remove.h"
#include "engine/keep/checkpoint.h"
#include "engine/store/cold/cold_cache.h"
#include "engine/store/project/streams.h"

/* What eager.c remembers: the keeper's, and the task's while one is queued or runs. */
struct tenant_eager {
    struct rc_catalog *catalog; /* That was looked at last. A reference. */
    bool any;                   /* It has eager definitions. */
    uint64_t mark;              /* Of the slabs and definitions that were built last. */
    uint64_t newest_slab;       /* The greatest id at looked_at_ns; */
    uint64_t settled_slab;      /* the same at the time before: up to here slabs are old. */
    uint64_t looked_at_ns;
};

/* What queue.c keeps of a tenant, under the engine's lock of the queues. */
struct tenant_queue {
    struct queued *first; /* Is applied now, or next. */
    struct queued *last;  /* With first. */
    struct tenant *next;  /* Of those whose records wait. */
};

/* What changes.c keeps of a tenant. */
struct tenant_changes {
    pthread_mutex_t lock; /* Guards what follows; never held while anything is waited for. */
    pthread_cond_t moved;
    bool taken;           /* Somebody makes changes, or wants none to be made. */
    struct change *first; /* Of those that wait, in their order. */
    struct change *last;  /* With first. */
};

struct tenant {
    struct rc_engine *engine;
    struct rc_project *project;
    struct rc_match_cache *cache;
    uint64_t incarnation;       /* The log record that made it. */
    uint64_t restored_sequence; /* Replay skips its records up to this. */
    struct rc_kept_slabs kept;  /* Guarded by the engine's checkpoint lock. */
    _Atomic(uint32_t) references;
    _Atomic(bool) stalled; /* stall.c: a record could not be applied, and nothing of it was. */
    _Atomic(bool) cancel;  /* The project is deleted: background work should stop. */
    _Atomic(bool) sealing; /* A task is queued or running. */
    _Atomic(bool) merging;
    _Atomic(bool) building;
    _Atomic(bool) idle_checked;         /* Since applied_at_ns. */
    _Atomic(uint64_t) suspect_until_ns; /* Batches are tried before they are logged. */
    _Atomic(uint64_t) flight_bytes;     /* room.c: logged and not yet applied. */
    _Atomic(uint64_t) applied_at_ns;
    _Atomic(int64_t) expired_ms; /* Up to here rows were looked for that are too old. */
    struct tenant_eager eager;
    struct tenant_queue queue;
    struct tenant_changes changes;

    pthread_mutex_t intake;    /* Held while a batch enters the log, which may wait for room. */
    pthread_mutex_t logging;   /* Guards what follows; never held while anything is waited for. */
    struct rc_streams logged;  /* Highest batch id in the log, applied or not. */
    struct rc_streams refused; /* A batch that was logged and refused: none above it is taken before
                                  it was sent again, or the stream opened anew. 0: none. */
    uint64_t stalled_last;     /* The last record that was refused while stalled. */
    struct rc_error stalled_why;
};

/* What project_changes.c keeps of a change of a project, on the stack of whoever asks for it. */
struct project_change {
    struct rc_engine *engine;
    struct rc_bytes project;
    struct rc_bytes request_id;  /* Empty: none. */
    struct project_change *next; /* Guarded by the engine's changes, as is what follows. */
    bool waits;                  /* For those before it. */
};

/* Somebody who waits for a record. One of the two. */
struct ticket {
    void (*done)(void *context, const struct rc_ingest_result *result);
    void *context;
    struct tenant *tenant; /* Of a batch: a reference. */
    uint64_t bytes;        /* Of room that it took. */
    struct rc_ingest_times times;
    bool duplicate;             /* Stands for a batch that the stream had. */
    struct rc_removed *removed; /* Of a deletion: what it took; may be NULL. */
};

struct rc_engine {
    struct rc_disk *disk;
    char *directory;
    struct rc_file *lock_file;
    struct rc_account account; /* Child of the process's. Has no limit: what was let in is kept. */
    uint64_t memory_bytes_max; /* 0: none. */
    rc_cell_read *read_cell;   /* Of saved segments; may be NULL. */
    void (*on_log_broken)(void *context, const struct rc_error *error); /* May be NULL. */
    void *context;                                                      /* Of it. */
    uint32_t head_rows_max;
    uint32_t small_record_bytes;
    uint32_t replay_group_bytes;
    uint64_t window_rows_max;   /* 0: those of limits.h. */
    int64_t cold_after_ms;      /* 0: nothing becomes cold. */
    struct rc_cold_cache *cold; /* Outlives the tenants. */
    struct rc_dictionary_bounds dictionary_bounds;
    uint64_t wal_checkpoint_bytes;
    struct rc_workers *workers;  /* Queries. */
    struct rc_workers *tidiers;  /* Seals and merges. */
    struct rc_workers *appliers; /* Records that the log's thread does not apply itself. */
    uint64_t purge_after_ms;
    struct rc_wal *wal;
    struct rc_replay *replay;    /* While it opens. */
    _Atomic(uint64_t) given_out; /* The last record that is applied or in a queue. */
    _Atomic(uint32_t) room_waiting;
    _Atomic(bool) stopping;
    bool closing; /* The last snapshot has the disk for itself. */

    pthread_mutex_t changes; /* Guards the next two; never held while anything is waited for. */
    pthread_cond_t changes_moved;
    struct project_change
        *project_changes; /* project_changes.c: those under way, in their order. */

    pthread_mutex_t registry;     /* Guards what follows. */
    struct rc_receipts *receipts; /* Of changes of projects. */
    size_t tenant_count;
    size_t tenant_capacity;
    struct tenant **tenants; /* By project id. A reference each. */

    pthread_mutex_t purge;      /* One at a time. */
    pthread_mutex_t checkpoint; /* One at a time; guards the numbers. */
    uint64_t checkpoint_number;
    uint64_t log;           /* The number of the log, for manifests; set once, at the start. */
    bool looked_everywhere; /* The last one left no file of an earlier one behind. */

    pthread_mutex_t queues; /* Guards what follows, and the tenants' queues. */
    pthread_cond_t queues_moved;
    uint32_t queues_awaited;
    struct tenant *queued; /* Whose records wait; each is held by an applier's task. */

    pthread_mutex_t background;     /* Guards background_count and backs the two conditions. */
    pthread_cond_t background_done; /* Some background task ended. */
    uint32_t background_count;      /* Queued or running. */
    pthread_cond_t keeper_wake;
    pthread_t keeper;
    pthread_t checkpointer;
    int64_t calendar_next_ms;        /* The keeper's own. */
    uint64_t built_seen;             /* The keeper's own: of built_count, */
    uint32_t rounds_unbuilt;         /* since when so many of its rounds passed, */
    bool reuses_memory;              /* and what it told the allocator. */
    uint64_t stall_snapshot_next_ns; /* The checkpointer's own. */
    bool keeper_runs;

    _Atomic(uint64_t) built_count; /* Heads that were sealed and merges. */

    _Atomic(uint64_t) snapshot_count;
    _Atomic(int64_t) snapshot_last_ms;
    uint64_t snapshot_failures; /* Since the last that stands; guarded by background, as is: */
    uint64_t purge_failures;    /* The same of purges. */
    char snapshot_error[RC_ERROR_MESSAGE_BYTES]; /* Of the last failure. */
    char purge_error[RC_ERROR_MESSAGE_BYTES];
    uint64_t start_ns;
    uint64_t restore_ns; /* Of it: reading the checkpoint. */
};

/* ---- engine.c ---- */

/* An engine that has opened nothing yet; rc_engine_close takes it. NULL: no memory. */
struct rc_engine *
rc_engine_new(const struct rc_engine_options *options);

/* Where the log is. */
struct rc_log_place {
    char directory[RC_PATH_BYTES_MAX];
    char mark[RC_PATH_BYTES_MAX];
};

/* Makes the directories, takes the lock, starts the workers and restores the last checkpoint: all
 * of an open but the log. *ret_replay_after: the record from which on some project wants the log.
 */
RC_MUST_USE enum rc_status
rc_engine_restore(struct rc_engine *engine,
                  const struct rc_engine_options *options,
                  struct rc_log_place *ret_place,
                  uint64_t *ret_replay_after,
                  struct rc_error *reterr_error);

/* ---- snapshot.c ---- */

/* What is done with a checkpoint that was just committed, while nothing may remove its files. */
struct rc_snapshot_then {
    enum rc_status (*call)(void *context,
                           const struct rc_checkpoint *checkpoint,
                           struct rc_error *reterr_error);
    void *context;
};

/* rc_engine_snapshot, and then (may be NULL). The checkpoint stands even if that fails. */
RC_MUST_USE enum rc_status
rc_snapshot_and(struct rc_engine *engine,
                const struct rc_snapshot_then *then,
                struct rc_snapshot_result *ret_result,
                struct rc_error *reterr_error);

/* ---- repair.c ---- */

/* Adds to the error of a damaged log what a repair would lose. */
void
rc_repair_explain(struct rc_engine *engine,
                  const struct rc_log_place *place,
                  uint64_t replay_after,
                  struct rc_error *error);

/* ---- tenants.c ---- */

/* The tenant of a project, with a reference; NULL and RC_NOT_FOUND's sentence when there
 * is none. */
struct tenant *
rc_tenant_find(struct rc_engine *engine, struct rc_bytes id, struct rc_error *reterr_error);

struct tenant *
rc_tenant_ref(struct tenant *tenant);

struct tenant *
rc_tenant_unref(struct tenant *tenant);

RC_DEFINE_CLEANUP(struct tenant *, rc_tenant_unref)

/* Makes a tenant of a project, which it takes over, and enters it. */
RC_MUST_USE enum rc_status
rc_tenant_add(struct rc_engine *engine,
              struct rc_project *project,
              uint64_t incarnation,
              struct tenant **ret_tenant);

/* Takes a tenant out; NULL when there is none. The reference is the caller's. */
struct tenant *
rc_tenant_remove(struct rc_engine *engine, struct rc_bytes id);

/* All tenants, with a reference each, in an rc_alloc block. */
RC_MUST_USE enum rc_status
rc_tenants_pin(struct rc_engine *engine, struct tenant ***ret_tenants, uint32_t *ret_count);

void
rc_tenants_unpin(struct tenant **tenants, uint32_t count);

/* ---- ingest.c ---- */

/* A batch that was logged is not applied: it must be sent again before those behind it. */
void
rc_tenant_refuse_logged(struct tenant *tenant, const struct rc_record *record);

/* ---- room.c ---- */

/* Takes room for a batch's bytes on their way through the log; waits while the project has none. */
void
rc_room_take(struct tenant *tenant, uint64_t bytes);

void
rc_room_give(struct tenant *tenant, uint64_t bytes);

/* ---- queue.c ---- */

RC_MUST_USE enum rc_status
rc_queues_open(struct rc_engine *engine, uint32_t thread_count, struct rc_error *reterr_error);

/* The log's thread: has a durable record applied behind those of its project that wait. false: no
 * memory, nothing happened. */
RC_MUST_USE bool
rc_queue_add(struct tenant *tenant,
             uint64_t sequence,
             struct rc_bytes payload,
             struct ticket *ticket);

/* Of the log's thread: nothing of the project waits, and nothing will before it adds a record. */
bool
rc_queue_is_empty(struct tenant *tenant);

/* The log's thread: waits until it is. */
void
rc_queue_wait(struct tenant *tenant);

/* The record up to which all are applied. May be called with a project's writer locked. */
uint64_t
rc_queues_applied(struct rc_engine *engine);

/* Waits until all records that the log has given out are applied and told. */
void
rc_queues_settle(struct rc_engine *engine);

/* ---- stall.c ---- */

/* A record of the log could not be applied, and nothing of it was. */
void
rc_stall_begin(struct tenant *tenant, uint64_t sequence, const struct rc_error *why);

/* Whether a record must be refused, since one before it was. */
bool
rc_stall_refuses(struct tenant *tenant, uint64_t sequence);

/* A checkpoint stands that counts the project's records up to sequence as seen. */
void
rc_stall_end(struct tenant *tenant, uint64_t sequence);

/* RC_UNAVAILABLE: the project is stalled. */
RC_MUST_USE enum rc_status
rc_stall_check(struct tenant *tenant, struct rc_error *reterr_error);

/* RC_UNAVAILABLE, RC_CORRUPT: what the batch needs of the disk cannot be read. Looks only for some
 * time after a stall. */
RC_MUST_USE enum rc_status
rc_stall_probe(struct tenant *tenant,
               const struct rc_batch *batch,
               struct rc_arena *arena,
               struct rc_error *reterr_error);

/* The checkpointer: whether a checkpoint should end a stall now. */
bool
rc_stall_wants_snapshot(struct rc_engine *engine, struct tenant *const *tenants, uint32_t count);

/* ---- replay.c ---- */

/* A record that waits to be applied. */
struct rc_replay_item {
    uint64_t sequence;
    struct rc_bytes payload;
    const struct rc_batch *batch; /* Decoded; NULL: it is none, or broken. */
};

struct rc_replay_group {
    struct rc_arena *arena; /* Holds what the items say. */
    struct rc_replay_item *items;
    size_t count;
    size_t capacity;
    size_t bytes; /* Of payloads. */
};

/* A replay: of the opening thread, but for the group that is handed over, and the status. */
struct rc_replay {
    struct rc_engine *engine;
    struct rc_replay_group groups[2];
    unsigned filling; /* The group that the opening thread fills. */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool handed; /* The other group is the thread's, and so is the status. */
    bool ending;
    bool thread_runs;
    pthread_t thread;
    enum rc_status status; /* The first failure. */
    struct rc_error error;
};

/* Makes it the engine's, until it is closed: what was handed over is applied then, and no more. */
void
rc_replay_open(struct rc_engine *engine, struct rc_replay *ret_replay);

/* All zeros is fine. */
void
rc_replay_close(struct rc_replay *replay);

/* rc_wal's callback. */
enum rc_status
rc_replay_record(void *context,
                 uint64_t sequence,
                 struct rc_bytes payload,
                 struct rc_error *reterr_error);

/* Waits until all that came is applied. */
RC_MUST_USE enum rc_status
rc_replay_finish(struct rc_replay *replay, struct rc_error *reterr_error);

/* ---- log.c ---- */

/* Applies a record that a start finds in the log. batch: what it says, if it is one and somebody
 * read it; NULL: nobody did. */
RC_MUST_USE enum rc_status
rc_log_replay(struct rc_engine *engine,
              uint64_t sequence,
              struct rc_bytes payload,
              const struct rc_batch *batch,
              struct rc_error *reterr_error);

/* rc_wal's callback. */
void
rc_log_durable(void *context,
               uint64_t sequence,
               struct rc_bytes payload,
               void *token,
               enum rc_status status);

/* Applies a durable record; with another status it is not durable. tenant: whose it is; NULL: of
 * nobody (any more). *ret_result is what is to be told. */
void
rc_log_apply(struct rc_engine *engine,
             struct tenant *tenant,
             uint64_t sequence,
             struct rc_bytes payload,
             struct ticket *ticket,
             enum rc_status status,
             struct rc_ingest_result *ret_result);

/* Tells whoever waits for a record. The ticket is gone. */
void
rc_log_tell(struct ticket *ticket, const struct rc_ingest_result *result);

/* Logs a record and waits until it is durable and applied. */
RC_MUST_USE enum rc_status
rc_log_and_wait(struct rc_engine *engine,
                const struct rc_record *record,
                struct rc_error *reterr_error);

/* ---- catalogs.c ---- */

/* The catalogs of a project at some time. References. */
struct rc_catalogs {
    struct rc_catalog *of[RC_CATALOG_KINDS]; /* By kind - 1. */
};

/* As they are. */
struct rc_catalogs
rc_catalogs_of(struct rc_project *project);

struct rc_catalogs
rc_catalogs_ref(const struct rc_catalogs *catalogs);

void
rc_catalogs_close(struct rc_catalogs *catalogs);

/* Puts an entry, in the place of what is there under its name. */
RC_MUST_USE enum rc_status
rc_catalogs_put(struct rc_catalogs *catalogs,
                enum rc_catalog_kind kind,
                struct rc_catalog_entry entry);

/* What a record of the log makes of them. On a failure some of it may be there.
 *   RC_NOT_FOUND  what is to be removed is not there. */
RC_MUST_USE enum rc_status
rc_catalogs_change(struct rc_catalogs *catalogs, const struct rc_record *record);

/* A change of entries that somebody asks for and waits for. All but the last lines are borrowed. */
struct change {
    enum rc_record_kind
        kind; /* RC_RECORD_ENTRY_PUT, RC_RECORD_ENTRY_REMOVE, RC_RECORD_ENTRIES_PUT. */
    enum rc_catalog_kind catalog;
    uint32_t entry_count;                   /* 1 but of an ENTRIES_PUT. */
    const struct rc_catalog_entry *entries; /* Of a removal only the name counts. */
    uint64_t version_expected;              /* As in rc_engine_put_entry. */
    bool force;                             /* Of a removal. */
    const struct rc_asked *asked;
    struct rc_arena *arena;               /* For what is returned. */
    struct rc_catalog_entry *ret_entries; /* Of a retried removal, too. */
    uint32_t *ret_failed;                 /* Of an ENTRIES_PUT. */

    struct change *next; /* changes.c's own, as is what follows. */
    bool is_logged;
    bool is_done;
    enum rc_status status;
    struct rc_error error;
};

/* ---- change_plan.c ---- */

/* What an entry says by itself, whatever else there is. Expressions are compiled. */
RC_MUST_USE enum rc_status
rc_entry_check_alone(enum rc_catalog_kind kind,
                     const struct rc_catalog_entry *entry,
                     struct rc_arena *arena,
                     struct rc_error *reterr_error);

/* Checks a change against catalogs, which become what it makes of them, and writes its record. On a
 * failure the catalogs and the record are to be thrown away. */
RC_MUST_USE enum rc_status
rc_change_plan(struct tenant *tenant,
               const struct change *change,
               struct rc_catalogs *catalogs,
               struct rc_writer *writer,
               struct rc_error *reterr_error);

/* Reads what an entry of a catalog stores. RC_CORRUPT: it is none. */
RC_MUST_USE enum rc_status
rc_entry_read_payload(enum rc_catalog_kind kind,
                      struct rc_bytes payload,
                      struct rc_arena *arena,
                      struct rc_error *reterr_error);

/* ---- changes.c ---- */

void
rc_changes_open(struct tenant *tenant);

void
rc_changes_close(struct tenant *tenant);

/* Waits until nobody changes the tenant's entries, and keeps others from it. */
void
rc_changes_hold(struct tenant *tenant);

void
rc_changes_let_go(struct tenant *tenant);

/* ---- retries.c ---- */

/* NULL: nobody, under no id. */
const struct rc_asked *
rc_asked_or_nobody(const struct rc_asked *asked);

/* RC_INVALID names "author" or "request_id". */
RC_MUST_USE enum rc_status
rc_asked_check(const struct rc_asked *asked, struct rc_error *reterr_error);

/* The table once a record is applied: one receipt more, if the record has a request id and is not
 * in it. A reference. */
RC_MUST_USE enum rc_status
rc_receipts_after(struct rc_receipts *receipts,
                  uint64_t sequence,
                  const struct rc_record *record,
                  struct rc_receipts **ret_receipts);

/* The table of changes of projects. A reference. */
struct rc_receipts *
rc_engine_receipts(struct rc_engine *engine);

/* Takes the table over. */
void
rc_engine_set_receipts(struct rc_engine *engine, struct rc_receipts *receipts);

/* rc_engine_retry_entries for a tenant. */
RC_MUST_USE enum rc_status
rc_retry_entries(struct tenant *tenant,
                 const struct rc_asked *asked,
                 struct rc_arena *arena,
                 bool *ret_known,
                 struct rc_catalog_entry *ret_entries,
                 uint32_t count,
                 struct rc_error *reterr_error);

/* ---- memory.c ---- */

/* RC_LIMIT_EXCEEDED when bytes more would take the project or the process past its limit although
 * what can be computed or read again was dropped. */
RC_MUST_USE enum rc_status
rc_tenant_check_memory(struct tenant *tenant, uint64_t bytes, struct rc_error *reterr_error);

/* ---- cool.c ---- */

/* Windows that end before this are to be cold; INT64_MIN: none. */
int64_t
rc_engine_cold_before_ms(const struct rc_engine *engine);

/* Lets go of the columns of slabs that are old enough and on disk. What fails stays in memory. With
 * the checkpoint lock held, which guards what is on disk. */
void
rc_tenant_cool(struct tenant *tenant);
/* The same for a record that removes; ret_removed may be NULL. */
RC_MUST_USE enum rc_status
rc_log_removal(struct rc_engine *engine,
               const struct rc_record *record,
               struct rc_removed *ret_removed,
               struct rc_error *reterr_error);

/* ---- background.c ---- */

/* How often the keeper looks at the clock: so often that a purge begins well before its deadline.
 */
int64_t
rc_calendar_period_ms(uint64_t purge_after_ms);

/* Queues sealing and merging of a tenant where there is any to do. */
void
rc_background_kick(struct tenant *tenant);

/* Queues a task of which a tenant has at most one; flag says that it is queued or runs. */
void
rc_background_queue(struct tenant *tenant, _Atomic(bool) *flag, void (*task)(void *tenant));

/* The last thing that such a task does. */
void
rc_background_end(struct tenant *tenant, _Atomic(bool) *flag);

/* Queues merging of a tenant: some of its slabs may have no live rows left. */
void
rc_background_merge(struct tenant *tenant);

/* Merges by a plan, on the caller's thread and with the tidiers who are free; the caller has taken
 * the merging. */
RC_MUST_USE enum rc_status
rc_background_merge_now(struct tenant *tenant,
                        const struct rc_merge_plan *plan,
                        struct rc_error *reterr_error);

/* Waits until some background work is done, or a moment. */
void
rc_background_wait(struct rc_engine *engine);

/* Takes the right to merge a tenant's slabs, of which there is one, from the tasks; waits. */
void
rc_background_take_merging(struct tenant *tenant);

/* Gives it back. */
void
rc_background_give_merging(struct tenant *tenant);

/* Wakes who waits in rc_background_wait. */
void
rc_background_announce(struct rc_engine *engine);

/* Whether so many heads of a tenant wait to be sealed that it should bring no more. */
bool
rc_background_is_behind(struct tenant *tenant);

/* Whoever applies batches: waits if a tenant has far more of them than it should, which takes
 * batches that were let in before it was behind. */
void
rc_background_hold(struct tenant *tenant);

/* The keeper and the checkpointer: a thread that seals and merges what has become idle, and one
 * that checkpoints when the log grows. */
RC_MUST_USE enum rc_status
rc_keeper_start(struct rc_engine *engine, struct rc_error *reterr_error);

void
rc_keeper_stop(struct rc_engine *engine);

/* ---- eager.c ---- */

/* Queues a build of bitmaps if eager definitions or slabs of a tenant have changed. The keeper. */
void
rc_eager_look(struct tenant *tenant);

/* Stores the bitmaps of eager definitions beside the slabs that are on disk. With the checkpoint
 * lock held, which guards what is on disk. */
void
rc_eager_store(struct tenant *tenant, uint64_t pause_ns);

/* Reads those that are stored, of a tenant that was just restored. */
void
rc_eager_restore(struct tenant *tenant);

void
rc_eager_close(struct tenant *tenant);

/* ---- purge.c ---- */

/* Whether a purge should begin: when half of the time has passed since the first deletion that
 * waits was asked for (the rest is for the purge itself, and for trying again), and when that lies
 * ahead: the clock was set back, and nobody knows how long it has waited. */
bool
rc_purge_is_due(int64_t asked_ms, int64_t now_ms, uint64_t purge_after_ms);

/* When the first deletion of which something is still on disk was asked for; 0: there is none. */
int64_t
rc_purge_asked_ms(struct rc_engine *engine);

/* Purges if a deletion's deadline comes near. */
void
rc_purge_if_due(struct rc_engine *engine, int64_t now_ms);

#endif
