/*
 * Load state: what a load must remember to go on after a stop: two small files beside the archive
 * (load_place.h).
 *
 * FILE.load names the client stream, the project and a fingerprint of the inputs; it is written
 * before the first batch is sent. FILE.load.position says how far the server has it (loaders'
 * rc_position) and is only a short cut: batches are the same each time they are made, so with the
 * server's last number alone the load also goes on exactly, it just reads what it skips.
 *
 * Ownership: plain memory of the caller.
 * Threading: one thread.
 */
#ifndef RC_CLI_LOAD_LOAD_STATE_H
#define RC_CLI_LOAD_LOAD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "loaders/position.h"

#define RC_LOAD_PATH_BYTES 4096

struct rc_load_state {
    char stream[129];
    char project[128];
    uint64_t fingerprint; /* Of the inputs, the mappings and how they are cut into batches. */
    bool done;
};

/* Writes the state in place of the one before, durably. */
RC_MUST_USE enum rc_status
rc_load_state_save(const struct rc_load_state *state,
                   const char *path,
                   struct rc_error *reterr_error);

/*
 *   RC_NOT_FOUND  there is no such file.
 *   RC_CORRUPT    it is no state of a load.
 */
RC_MUST_USE enum rc_status
rc_load_state_read(const char *path,
                   struct rc_load_state *ret_state,
                   struct rc_error *reterr_error);

/* Takes the rows out of a reject file that a load from this position will refuse again. Rows that
 * the server refused stay: it will not say so again. No file is fine. */
RC_MUST_USE enum rc_status
rc_load_state_trim_rejects(const char *path,
                           const char *const *inputs,
                           const struct rc_position *position,
                           struct rc_error *reterr_error);

#endif
