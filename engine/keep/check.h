/*
 * Check: verifies every invariant of what is stored and says what it looked at: of a project as a
 * view shows it (beside ingestion and queries), or of a whole data directory that no process uses.
 *
 * Of a project: each slab whole (checksums, order of users and rows, filter, columns), its codes
 * within the dictionaries, its users and dead rows within their counts; the order of slabs; the
 * rows of heads; that rows are dead which deletion or retention hides; each dictionary; property
 * writes and aliases within the users, and within the accounts; definitions, segments and derived
 * properties, every version of them, that can be read; what changes came to; and that no user has
 * two live events of one id.
 * Of a directory also: that each file is there, nothing else lies about, and every frame of the
 * log.
 *
 * Ownership: findings are told as they are made; where and what are the caller's during the call.
 * Threading: one thread a check.
 * Errors:    a finding is an answer. A status says that the check could not go on: RC_NO_MEMORY,
 *            RC_CANCELLED, RC_IO.
 */
#ifndef RC_KEEP_CHECK_H
#define RC_KEEP_CHECK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/base/workers.h"
#include "engine/store/project/project.h"

enum rc_finding {
    RC_FINDING_NOTE,    /* Harmless: what an interrupted write left, a torn end of the log. */
    RC_FINDING_PROBLEM, /* An invariant is broken. */
};

/* What was looked at. */
struct rc_check_counts {
    uint64_t projects;
    uint64_t files; /* Of a directory, the log's included. */
    uint64_t slabs;
    uint64_t events; /* Rows of slabs and heads, dead ones included. */
    uint64_t dead_events;
    uint64_t users;
    uint64_t dictionary_entries;
    uint64_t user_writes;
    uint64_t log_records; /* Behind the snapshot. */
    uint64_t problems;
    uint64_t notes;
};

struct rc_check {
    const _Atomic(bool) *cancel; /* NULL: never. */
    void (*on_finding)(void *context, enum rc_finding finding, const char *where, const char *what);
    void *context;
    /* RC_CORRUPT for a payload that is none of the catalog: what payloads mean is the business of
     * rooms above. NULL: they are not asked. */
    enum rc_status (*read_payload)(enum rc_catalog_kind kind,
                                   struct rc_bytes payload,
                                   struct rc_arena *arena,
                                   struct rc_error *reterr_error);
    struct rc_check_counts counts;
};

/* Counts and tells. */
void
rc_check_found(struct rc_check *check,
               enum rc_finding finding,
               const char *where,
               const char *format,
               ...) RC_PRINTF(4, 5);

bool
rc_check_is_cancelled(const struct rc_check *check);

/* A project as a view of it shows it. */
RC_MUST_USE enum rc_status
rc_check_project(struct rc_check *check,
                 struct rc_project *project,
                 struct rc_view *view,
                 struct rc_error *reterr_error);

/* A data directory. RC_CONFLICT: a process uses it. Nothing is changed. workers may be NULL. */
RC_MUST_USE enum rc_status
rc_check_directory(struct rc_check *check,
                   struct rc_disk *disk,
                   const char *directory,
                   struct rc_workers *workers,
                   struct rc_error *reterr_error);

#endif
