/*
 * People rig: batches of one user, and a search for a text in every file of a data directory, or in
 * memory.
 *
 * Threading: as the engine.
 * Errors:    what is no subject of a test fails it.
 */
#ifndef RC_TESTS_FACE_PEOPLE_RIG_H
#define RC_TESTS_FACE_PEOPLE_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/face/engine.h"

struct people_batch {
    const char *user;
    const char *text;  /* Of the property "mail", of each event and of the user; NULL: neither. */
    const char *alias; /* Joins it with user; NULL: nothing. */
    uint32_t event_count;
    uint64_t first_id;  /* Of the first event; 0: they have no ids. */
    int64_t start_ms;   /* Of the first event; 0: RIG_START_MS. */
    int64_t step_ms;    /* From one to the next; 0: a minute. */
    bool same_time;     /* All at start_ms. */
    const char *stream; /* NULL: "people". */
};

/* Sends it as the stream "people" and waits. */
enum rc_status
people_send(struct rc_engine *engine,
            const char *project,
            uint64_t batch_id,
            const struct people_batch *batch);

/* The same, with what was rejected: the texts are in arena. */
enum rc_status
people_send_all(struct rc_engine *engine,
                const char *project,
                uint64_t batch_id,
                const struct people_batch *batch,
                struct rc_arena *arena,
                struct rc_rejects *ret_rejects,
                struct rc_ingest_result *ret_result);

/* Sets after how many days events go. */
void
people_keep(struct rc_engine *engine, const char *project, uint32_t retention_days);

/* Events of a user, at most 10,000; 0 also for a user that nobody is. */
uint32_t
people_events(struct rc_engine *engine, const char *project, const char *user);

/* Users that exist. */
uint32_t
people_known(struct rc_engine *engine, const char *project);

/* Whether a file below /data holds a text, or has it in its name. */
bool
people_grep(struct rc_disk *disk, const char *text);

/* Whether a dictionary in memory has a text in a key: ids, properties of events and of users. */
bool
people_remembered(struct rc_engine *engine, const char *project, const char *text);

#endif
