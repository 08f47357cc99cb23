/*
 * Engine rig: batches of small random contents, a twin that holds what an engine must answer in
 * plain arrays, and calls that wait.
 *
 * A content is a function of its seed, so that a test can make the batch again after a power cut.
 *
 * Ownership: a twin owns its events.
 * Threading: one thread for a twin; rig_ingest from any thread.
 * Errors:    a difference fails the test and says where.
 */
#ifndef RC_TESTS_FACE_ENGINE_RIG_H
#define RC_TESTS_FACE_ENGINE_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/face/engine.h"

#define RIG_USERS 12u
#define RIG_ROWS_MAX 256u
#define RIG_START_MS ((int64_t)1700000000000)
#define RIG_DAY_MS ((int64_t)86400000)

uint64_t
rig_random(uint64_t *state);

struct rig_event {
    uint32_t user;
    uint32_t id; /* 0: none. */
    uint32_t kind;
    int64_t time_ms;
    int64_t amount;
};

struct rig_write {
    uint32_t user;
    uint32_t plan; /* 0: removes it. */
    int64_t time_ms;
};

struct rig_content {
    uint32_t event_count;
    struct rig_event events[RIG_ROWS_MAX];
    uint32_t write_count;
    struct rig_write writes[RIG_ROWS_MAX];
    uint32_t alias_count;
    uint32_t aliases[RIG_ROWS_MAX][2];
};

/* Random rows of RIG_USERS users; ids repeat, so that later contents replace what earlier ones
 * sent. Amounts are unique to (seed, row). */
void
rig_content_make(uint64_t seed, uint32_t rows_max, bool aliases, struct rig_content *ret_content);

/* The batch of a content, in arena. */
const struct rc_batch *
rig_batch(struct rc_arena *arena, const struct rig_content *content);

/* ---- the twin ---- */

struct rig_twin {
    size_t event_count;
    size_t event_capacity;
    struct rig_event *events; /* Live ones. */
    uint32_t plans[RIG_USERS];
    int64_t plan_times_ms[RIG_USERS];
    uint32_t person[RIG_USERS];
};

void
rig_twin_open(struct rig_twin *twin);

void
rig_twin_close(struct rig_twin *twin);

/* Returns how many events it replaced. */
uint64_t
rig_twin_apply(struct rig_twin *twin, const struct rig_content *content);

/* Fails unless every user's events and plan are the twin's, and counts of all are. */
void
rig_twin_expect(const struct rig_twin *twin, struct rc_engine *engine, const char *project);

/* ---- calls ---- */

/* Creates a project, or fails the test. */
void
rig_create(struct rc_engine *engine, const char *project);

/* Sends a batch and waits until it is done; *ret_result may be NULL. */
enum rc_status
rig_ingest(struct rc_engine *engine,
           const char *project,
           const char *stream,
           uint64_t batch_id,
           const struct rig_content *content,
           struct rc_ingest_result *ret_result);

/* The same for a batch of the test's own. */
enum rc_status
rig_ingest_batch(struct rc_engine *engine,
                 const char *project,
                 const char *stream,
                 uint64_t batch_id,
                 const struct rc_batch *batch,
                 struct rc_ingest_result *ret_result);

/* Count of events, or of users, over all time; kind UINT32_MAX: any. */
double
rig_measure(struct rc_engine *engine, const char *project, enum rc_measure measure, uint32_t kind);

/* The same with every status handed back. */
enum rc_status
rig_try_measure(struct rc_engine *engine,
                const char *project,
                enum rc_measure measure,
                uint32_t kind,
                double *ret_value);

/* Puts the definition "name" of events of a kind, with whatever version there is. */
enum rc_status
rig_define(struct rc_engine *engine,
           const char *project,
           const char *name,
           uint32_t kind,
           uint64_t version_expected,
           struct rc_error *reterr_error);

/* The same, as somebody asks for it; *ret_entry (may be NULL) lives in arena. */
enum rc_status
rig_define_asked(struct rc_engine *engine,
                 const char *project,
                 const char *name,
                 uint32_t kind,
                 uint64_t version_expected,
                 const struct rc_asked *asked,
                 struct rc_arena *arena,
                 struct rc_catalog_entry *ret_entry,
                 struct rc_error *reterr_error);

/* What rig_define stores of a kind, in arena. */
struct rc_bytes
rig_definition_payload(struct rc_arena *arena, uint32_t kind);

/* Events that a definition selects. */
double
rig_measure_defined(struct rc_engine *engine, const char *project, const char *name);

#endif
