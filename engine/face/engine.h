/*
 * The face of the engine: open, close, projects, append, define, query, snapshot. Any C program can
 * embed it; recountd is one that does.
 *
 * Ownership: an engine owns its threads, files and memory. Replies come from the arena that the
 *            caller gives.
 * Threading: every function may be called from any thread. Those that say so wait for the disk;
 *            queries run on the calling thread and on the engine's workers, so call them from a
 *            worker (rc_engine_workers) and never from a thread that polls.
 * Units:     times are UTC ms since 1970, sizes are bytes.
 * Errors:    see base/status.h. Nothing half-applied remains.
 */
#ifndef RC_FACE_ENGINE_H
#define RC_FACE_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/cleanup.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/base/workers.h"
#include "engine/intake/batch.h"
#include "engine/query/query.h"
#include "engine/store/project/catalog.h"
#include "engine/store/project/project.h"

struct rc_engine;

struct rc_engine_options {
    struct rc_disk *disk;      /* NULL: the real one. */
    const char *directory;     /* Created when missing (its parent must exist). */
    uint32_t worker_count;     /* 0: one a processor. */
    uint64_t memory_bytes_max; /* Of the process: at it bitmaps go, then ingestion is refused. 0:
                                  none. */
    uint64_t wal_file_bytes;   /* 0: 64 MiB. */
    uint64_t wal_checkpoint_bytes; /* Checkpoint by itself when this much log is live. 0: 1 GiB. */
    uint32_t head_rows_max;        /* 0: RC_HEAD_ROWS_MAX. Tests use less. */
    uint64_t
        window_rows_max;   /* 0: RC_WINDOW_ROWS_MAX and RC_WINDOW_WEEK_ROWS_MAX. Tests use less. */
    int64_t cold_after_ms; /* Windows that ended longer ago live on disk only. 0: none does. */
    uint64_t cold_bytes_max; /* What of them is kept in memory beyond its use. 0: 256 MiB. */
    uint64_t purge_after_ms; /* A deleted user is out of all files this long after. 0: 24 hours. */
    uint32_t dictionary_entries_max; /* 0: RC_DICTIONARY_ENTRIES_MAX. Tests use less. */
    uint64_t dictionary_bytes_max;   /* 0: RC_DICTIONARY_BYTES_MAX. Tests use less. */
    uint32_t small_record_bytes; /* Larger log records are applied beside the log. 0: 16 KiB. Tests
                                    use less. */
    uint32_t replay_group_bytes; /* A start applies so much of the log beside reading more of it. 0:
                                    1 MiB. Tests use less. */
    rc_cell_read *read_cell;     /* Of saved segments. NULL: questions about them fail. */
    /* The log broke (RC_UNAVAILABLE of rc_engine_ingest): called once, from a thread of the
     * engine's, before a batch is told so. Must not wait for the engine. NULL: nobody wants to
     * know. */
    void (*on_log_broken)(void *context, const struct rc_error *error);
    void *context;
};

/* Opens or creates a data directory: reads the last checkpoint, replays the log behind it.
 *   RC_CONFLICT  another process has it open.
 *   RC_CORRUPT   stored bytes are damaged; the error says where. Nothing was changed. */
RC_MUST_USE enum rc_status
rc_engine_open(const struct rc_engine_options *options,
               struct rc_engine **ret_engine,
               struct rc_error *reterr_error);

/* Makes everything accepted durable and closes. With snapshot also writes a checkpoint, so that the
 * next start has nothing to replay. NULL is fine. Returns NULL. */
struct rc_engine *
rc_engine_close(struct rc_engine *engine, bool snapshot);

struct rc_workers *
rc_engine_workers(struct rc_engine *engine);

/* ---- Projects ---------------------------------------------------------------------------------
 */

/* struct rc_project_settings is that of store/project/project.h; version and times are outputs
 * here. */

/*
 * Whether a change of a project was asked for before under its request id
 * (store/project/receipts.h); then *ret_settings is what it made, of a deletion nothing. What was
 * asked for is remembered even if the project is gone. RC_INVALID  the request id is that of
 * another change.
 */
RC_MUST_USE enum rc_status
rc_engine_retry_project(struct rc_engine *engine,
                        const struct rc_asked *asked,
                        struct rc_arena *arena,
                        bool *ret_known,
                        struct rc_project_settings *ret_settings,
                        struct rc_error *reterr_error);

/* version_expected: 0 creates (RC_EXISTS when it exists); else updates the version named
 * (RC_CONFLICT when it is another one, RC_NOT_FOUND); UINT64_MAX updates whichever there is. asked
 * may be NULL; what was asked for before is not done again, and answered as it was. Waits for the
 * disk. */
RC_MUST_USE enum rc_status
rc_engine_put_project(struct rc_engine *engine,
                      const struct rc_project_settings *settings,
                      uint64_t version_expected,
                      const struct rc_asked *asked,
                      struct rc_arena *arena,
                      struct rc_project_settings *ret_settings,
                      struct rc_error *reterr_error);

RC_MUST_USE enum rc_status
rc_engine_get_project(struct rc_engine *engine,
                      struct rc_bytes id,
                      struct rc_arena *arena,
                      struct rc_project_settings *ret_settings,
                      struct rc_error *reterr_error);

/* Projects by id, those above after; at most limit. */
RC_MUST_USE enum rc_status
rc_engine_list_projects(struct rc_engine *engine,
                        struct rc_bytes after,
                        uint32_t limit,
                        struct rc_arena *arena,
                        struct rc_project_settings **ret_list,
                        uint32_t *ret_count,
                        bool *ret_more);

/* Deletes a project and all its data. version_expected and asked as above, but never 0. Waits for
 * the disk. */
RC_MUST_USE enum rc_status
rc_engine_delete_project(struct rc_engine *engine,
                         struct rc_bytes id,
                         uint64_t version_expected,
                         const struct rc_asked *asked,
                         struct rc_error *reterr_error);

/* ---- Ingestion --------------------------------------------------------------------------------
 */

/* When a batch came how far: monotonic nanoseconds, each at or behind the one before. */
struct rc_ingest_times {
    uint64_t checked_ns;  /* What is good of it is written down. */
    uint64_t let_in_ns;   /* Its project had room for it on the way. */
    uint64_t writing_ns;  /* The log began to write what it stands in. */
    uint64_t durable_ns;  /* That was synced, and given out up to it. */
    uint64_t applying_ns; /* Nothing of its project was before it any more. */
    uint64_t applied_ns;
};

struct rc_ingest_result {
    enum rc_status status;     /* RC_OK: durable and visible. Else nothing of the batch is. */
    bool duplicate;            /* The stream had this batch: nothing was applied. */
    uint64_t accepted;         /* Rows. */
    uint64_t replaced;         /* Events that replaced an earlier one. */
    uint64_t durable_sequence; /* Of the log record; grows. */
    struct rc_ingest_times times;
};

/* The highest batch id that the project has of a client stream; 0: none. For whoever begins to
 * send: batches above it may follow, even if one was refused before. */
RC_MUST_USE enum rc_status
rc_engine_stream_position(struct rc_engine *engine,
                          struct rc_bytes project,
                          struct rc_bytes client_stream,
                          uint64_t *ret_batch_id,
                          struct rc_error *reterr_error);

/*
 * Checks a batch, logs its good rows and applies them. Waits while the log's buffer is full; does
 * not wait for the disk. done is called once, from a thread of the engine, if and only if RC_OK is
 * returned; batches of one stream are done in the order in which they were given.
 *   RC_OK              *ret_rejects lists the rows that were not taken (from arena, at once).
 *   RC_NOT_FOUND       no such project.
 *   RC_LIMIT_EXCEEDED  the project or process is at its memory limit: try again later.
 *   RC_NO_SPACE        the disk is full: try again later.
 *   RC_UNAVAILABLE     a batch of the stream was refused after it was taken (done said so): none
 *                      above it is taken until it was sent again or rc_engine_stream_position was
 *                      asked; or the project is stalled, for a second or two (stall.c); or the
 *                      log is broken: after a restart only.
 */
RC_MUST_USE enum rc_status
rc_engine_ingest(struct rc_engine *engine,
                 struct rc_bytes project,
                 struct rc_bytes client_stream,
                 uint64_t batch_id,
                 const struct rc_batch *batch,
                 struct rc_arena *arena,
                 void (*done)(void *context, const struct rc_ingest_result *result),
                 void *context,
                 struct rc_rejects *ret_rejects,
                 struct rc_error *reterr_error);

/* ---- Users ------------------------------------------------------------------------------------
 */

struct rc_user_deleted {
    uint64_t users; /* Ids as sent: the one named and those joined with it. */
    uint64_t events;
    int64_t purge_due_ms; /* When the last trace will be out of the data directory. */
};

/*
 * Deletes a user by an id as sent, with every id that is joined with it: events, property writes,
 * aliases. Durable and hidden from every query that begins afterwards; out of the files within
 * purge_after_ms. An id that is sent again is a new user. Waits for the disk.
 *   RC_NOT_FOUND  no such project, or nobody has the id (any more).
 */
RC_MUST_USE enum rc_status
rc_engine_delete_user(struct rc_engine *engine,
                      struct rc_bytes project,
                      struct rc_bytes user_id,
                      struct rc_user_deleted *ret_deleted,
                      struct rc_error *reterr_error);

struct rc_purge_result {
    uint64_t projects; /* With something to erase. */
    uint64_t slabs;    /* Rewritten. */
    uint64_t elapsed_ns;
};

/*
 * Erases now what deleted users left in slabs, states and the log: rewrites the slabs, writes a
 * checkpoint, drops the log behind it. Ingestion and queries go on. Without anything to erase it
 * does nothing. Waits for the disk.
 */
RC_MUST_USE enum rc_status
rc_engine_purge(struct rc_engine *engine,
                struct rc_purge_result *ret_result,
                struct rc_error *reterr_error);

/* Hides events that are older than their project keeps them, as of now_ms. The keeper calls it;
 * tests call it with other times. Waits for the disk. */
RC_MUST_USE enum rc_status
rc_engine_expire(struct rc_engine *engine, int64_t now_ms, struct rc_error *reterr_error);

/* ---- Definitions, segments, derived properties -------------------------------------------------
 */

/* As rc_engine_retry_project, of changes of a project's entries, of which so many were asked for.
 * That of a deletion has no name. RC_NOT_FOUND: no such project. */
RC_MUST_USE enum rc_status
rc_engine_retry_entries(struct rc_engine *engine,
                        struct rc_bytes project,
                        const struct rc_asked *asked,
                        struct rc_arena *arena,
                        bool *ret_known,
                        struct rc_catalog_entry *ret_entries,
                        uint32_t count,
                        struct rc_error *reterr_error);

/* Puts an entry whose payload is a stored definition, segment or derivation (rc_definition_write,
 * rc_segment_write, rc_derivation_write); it is checked and its references are resolved first.
 * entry->version, created_ms, updated_ms, author are ignored. version_expected and asked as in
 * rc_engine_put_project. Waits for the disk.
 *   RC_LIMIT_EXCEEDED  the project has RC_DEFINITIONS_MAX of the kind. */
RC_MUST_USE enum rc_status
rc_engine_put_entry(struct rc_engine *engine,
                    struct rc_bytes project,
                    enum rc_catalog_kind kind,
                    const struct rc_catalog_entry *entry,
                    uint64_t version_expected,
                    const struct rc_asked *asked,
                    struct rc_arena *arena,
                    struct rc_catalog_entry *ret_entry,
                    struct rc_error *reterr_error);

/* Puts 1 .. RC_ENTRIES_CREATED_MAX new entries, all of them or none: one record of the log, one
 * wait. An entry may name those before it. *ret_failed: on an error the index of the entry that is
 * at fault; count: none is. Else as rc_engine_put_entry with a version_expected of 0.
 *   RC_LIMIT_EXCEEDED  also a limit of memory. */
RC_MUST_USE enum rc_status
rc_engine_create_entries(struct rc_engine *engine,
                         struct rc_bytes project,
                         enum rc_catalog_kind kind,
                         const struct rc_catalog_entry *entries,
                         uint32_t count,
                         const struct rc_asked *asked,
                         struct rc_arena *arena,
                         struct rc_catalog_entry *ret_entries,
                         uint32_t *ret_failed,
                         struct rc_error *reterr_error);

/* RC_CONFLICT: the version is another one, or another entry uses it (the error names it). force: it
 * goes in spite of those, which name then what is not there. */
RC_MUST_USE enum rc_status
rc_engine_delete_entry(struct rc_engine *engine,
                       struct rc_bytes project,
                       enum rc_catalog_kind kind,
                       struct rc_bytes name,
                       uint64_t version_expected,
                       bool force,
                       const struct rc_asked *asked,
                       struct rc_error *reterr_error);

/* The catalog as it is now; a reference of the caller's. */
RC_MUST_USE enum rc_status
rc_engine_catalog(struct rc_engine *engine,
                  struct rc_bytes project,
                  enum rc_catalog_kind kind,
                  struct rc_catalog **ret_catalog,
                  struct rc_error *reterr_error);

/* ---- Queries -----------------------------------------------------------------------------------
 */

/* A query in progress: the pinned state of a project and what it runs with. The caller may then
 * call any rc_query_* on rc_query_session_context. */
struct rc_query_session;

/* memory_bytes_max bounds the scratch memory and the reply of the query; 0: 1 GiB. cancel may be
 * NULL. */
RC_MUST_USE enum rc_status
rc_engine_begin_query(struct rc_engine *engine,
                      struct rc_bytes project,
                      const _Atomic(bool) *cancel,
                      uint64_t memory_bytes_max,
                      struct rc_query_session **ret_session,
                      struct rc_error *reterr_error);

const struct rc_query_context *
rc_query_session_context(const struct rc_query_session *session);

/*
 * Steers and watches the queries of a session that has not asked any yet. hints (NULL: none) and
 * progress (NULL: nobody watches) must outlive it. RC_INVALID with the hint's field: more threads
 * are wanted than there are processors.
 */
RC_MUST_USE enum rc_status
rc_query_session_steer(struct rc_query_session *session,
                       struct rc_query_hints *hints,
                       struct rc_query_progress *progress,
                       struct rc_error *reterr_error);

/* Has the plans of the session's queries written down. *ret_explain is the session's: the caller
 * sets how, and reads it before the session ends. */
RC_MUST_USE enum rc_status
rc_query_session_explain(struct rc_query_session *session, struct rc_explain **ret_explain);

/* The project's settings as of the session's begin. */
const struct rc_project_settings *
rc_query_session_settings(const struct rc_query_session *session);

/* Whether all that the session read from disk could be read; if not, its answers are void. Also
 * says which file, where a query of it failed for that (RC_UNAVAILABLE, RC_CORRUPT). */
RC_MUST_USE enum rc_status
rc_query_session_check(const struct rc_query_session *session, struct rc_error *reterr_error);

/* Says of a query's error what only the session knows: the field of a pattern that took too long
 * while events were walked over or listed; that it was the query's own limit for which there was no
 * memory (RC_LIMIT_EXCEEDED). Returns the status of the error. */
enum rc_status
rc_query_session_place(const struct rc_query_session *session,
                       enum rc_status status,
                       struct rc_error *error);

struct rc_query_session *
rc_query_session_end(struct rc_query_session *session);

RC_DEFINE_CLEANUP(struct rc_query_session *, rc_query_session_end)

/* ---- Keeping -----------------------------------------------------------------------------------
 */

struct rc_snapshot_result {
    uint64_t sequence;       /* Everything up to this log record is in it. */
    uint64_t states_written; /* Of projects that changed since the last one. */
    uint64_t slabs_written;
    uint64_t bytes_written;
    uint64_t elapsed_ns;
    bool stale_left; /* A file of an earlier one could not be removed: the next one tries again. */
    uint64_t longest_hold_ns; /* For this long the batches of a project waited for it at most. */
};

/* Writes a checkpoint and trims the log. Ingestion and queries go on. One at a time: a second
 * caller waits for the first and then makes its own. Waits for the disk. */
RC_MUST_USE enum rc_status
rc_engine_snapshot(struct rc_engine *engine,
                   struct rc_snapshot_result *ret_result,
                   struct rc_error *reterr_error);

/* Waits until no background work (seal, merge) is left to do. For tests and measurements. */
void
rc_engine_settle(struct rc_engine *engine);

/* Seals the heads, merges what there is, window by window, and waits. For measurements and
 * operators. */
RC_MUST_USE enum rc_status
rc_engine_compact(struct rc_engine *engine, struct rc_error *reterr_error);

/* Forgets a project's cached bitmaps: the next query is cold. */
RC_MUST_USE enum rc_status
rc_engine_drop_cache(struct rc_engine *engine,
                     struct rc_bytes project,
                     struct rc_error *reterr_error);

struct rc_project_stats {
    uint64_t events;      /* Live ones. */
    uint64_t dead_events; /* Replaced, not yet merged away. */
    uint64_t users;       /* Sent ids. */
    uint64_t head_rows;
    uint64_t slab_count;
    uint64_t cold_slab_count; /* Of slab_count: those on disk only. */
    uint64_t stored_bytes;    /* Of all slabs, on disk or not. */
    uint64_t slab_bytes;      /* What follows is memory: of hot slabs, */
    uint64_t cold_bytes;      /* what is in memory of cold ones, */
    uint64_t head_bytes;
    uint64_t dictionary_bytes;
    uint64_t user_bytes; /* ids, properties, joins, */
    uint64_t bitmap_bytes;
    uint64_t test_bytes;           /* Of these: tests of strings and what they said; */
    uint64_t derived_column_bytes; /* and columns of derived properties. */
    uint64_t query_bytes;
    uint64_t other_bytes;  /* definitions, dead rows, and the like; and */
    uint64_t memory_bytes; /* all of it. */
    uint64_t event_properties;
    uint64_t user_properties;
    int64_t time_min_ms; /* Of events; both 0 without any. */
    int64_t time_max_ms;
    uint64_t data_version;
};

RC_MUST_USE enum rc_status
rc_engine_project_stats(struct rc_engine *engine,
                        struct rc_bytes project,
                        struct rc_project_stats *ret_stats,
                        struct rc_error *reterr_error);

struct rc_engine_stats {
    uint64_t projects;
    uint64_t memory_bytes; /* Of the process: all that is counted. */
    uint64_t memory_bytes_max;
    uint64_t wal_live_bytes;
    uint64_t wal_sequence;
    uint64_t wal_syncs;
    uint64_t wal_refused;      /* Records for which the disk had no room, since the start. */
    uint64_t wal_torn_bytes;   /* Cut at the last start. */
    uint64_t replayed_records; /* At the last start. */
    uint64_t start_ns;         /* What the last start took. */
    uint64_t restore_ns;       /* Of it: reading and verifying the snapshot; the rest is the log. */
    uint64_t snapshot_count;   /* Since the start. */
    int64_t snapshot_last_ms;  /* 0: none since the start. */
    uint64_t snapshot_failures; /* Attempts since the last that stands: the log grows meanwhile. */
    char snapshot_error[RC_ERROR_MESSAGE_BYTES]; /* Of the last failure; empty without one. */
    /* Why the log takes no more records until a restart; empty while it does. */
    char wal_error[RC_ERROR_MESSAGE_BYTES];
    /* When the first deletion that waits is to be out of all files; 0: none waits. Passed: it is
     * overdue. */
    int64_t purge_due_ms;
    uint64_t purge_failures;                  /* Attempts since the last that succeeded. */
    char purge_error[RC_ERROR_MESSAGE_BYTES]; /* Of the last failure; empty without one. */
    uint64_t cold_slabs;                      /* On disk only. */
    uint64_t cold_cache_bytes;                /* Of them, what is in memory just now. */
    uint64_t cold_reads; /* Columns and the like that were read of them, since the start. */
    uint64_t cold_read_bytes;
    uint64_t cold_read_failures;
};

void
rc_engine_get_stats(struct rc_engine *engine, struct rc_engine_stats *ret_stats);

/* Tests: how old a small slab has to be before the bitmaps of eager definitions are built. */
extern uint64_t rc_eager_settled_ns;

#endif
