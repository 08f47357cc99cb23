/*
 * State: a project as one file beside its slabs: settings, names and dictionaries, people, streams,
 * catalogs, and which slabs it is made of with their dead rows.
 *
 * Of users who are gone nothing is written: their ids are holes, their property writes and aliases
 * are left out. The text of a user property that nothing uses is left out where the caller says
 * which.
 *
 * Each slab is named with its header's checksum, and that covers those of all its parts: another
 * slab in its place is no slab of the state, intact as it may be. The manifest has the state's own.
 *
 * Format:    bytes 0..7 "RCSTATE4"; the content as written by rc_state_write, in order; last 4
 *            bytes CRC32C of all before. Older ones are read as well: "RCSTATE3" has slabs without
 *            checksums; "RCSTATE2" also has of definitions and the like the newest version alone,
 *            and ends with the cut, or behind the accounts or the derived properties, if there are
 *            any; "RCSTATE1" also has no holes in dictionaries, and ends with the slabs: no cut, no
 *            deletion that is not yet carried out.
 * Threading: writing reads only what a view pins, and what is handed over.
 * Errors:    RC_CORRUPT says what is broken.
 */
#ifndef RC_KEEP_STATE_H
#define RC_KEEP_STATE_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/store/project/project.h"
#include "engine/store/sweep/live_codes.h"

/* A slab of the state. */
struct rc_state_slab {
    uint64_t id;
    uint32_t crc32c; /* Of its header; 0: not known, of a version before 4. */
    uint32_t dead_count;
    uint32_t dead_words;  /* 0: no dead rows. */
    const uint64_t *dead; /* Any alignment when read. */
};

/* What a checkpoint captured of a project. */
struct rc_state {
    struct rc_project *project;
    struct rc_view *view;
    struct rc_project_settings settings;
    struct rc_streams_copy streams;
    struct rc_catalog *catalogs[RC_CATALOG_KINDS]; /* By kind - 1. */
    struct rc_receipts *receipts;
    uint64_t next_slab_id;
    uint32_t slab_count;
    const struct rc_state_slab *slabs;
    const struct rc_live_codes *user_codes; /* What to write of user properties; NULL: all. */
};

/* Fills in catalogs and receipts as the project has them: references, to be let go of. */
void
rc_state_pin_catalogs(struct rc_state *state);

void
rc_state_unpin_catalogs(struct rc_state *state);

/* Returns the checksum with which the file ends. */
uint32_t
rc_state_write(struct rc_writer *writer, const struct rc_state *state);

/* A state that is being read. */
struct rc_state_reading {
    struct rc_reader reader; /* Behind the settings. */
    uint32_t version;
    uint32_t crc32c; /* With which the file ends. */
    uint64_t sequence;
};

/* Verifies a state file's bytes against their checksum and makes an empty project with its
 * settings: its accounts are there. */
RC_MUST_USE enum rc_status
rc_state_begin_read(struct rc_bytes bytes,
                    struct rc_account *parent,
                    uint32_t head_rows_max,
                    struct rc_state_reading *ret_reading,
                    struct rc_project **ret_project,
                    struct rc_error *reterr_error);

/* Fills the project with what the state holds, without its slabs, which the caller adds: *ret_slabs
 * lists them (from arena). */
RC_MUST_USE enum rc_status
rc_state_end_read(struct rc_state_reading *reading,
                  struct rc_project *project,
                  struct rc_arena *arena,
                  struct rc_state_slab **ret_slabs,
                  uint32_t *ret_slab_count,
                  struct rc_error *reterr_error);

/* Both. */
RC_MUST_USE enum rc_status
rc_state_read(struct rc_bytes bytes,
              struct rc_account *parent,
              uint32_t head_rows_max,
              struct rc_arena *arena,
              struct rc_project **ret_project,
              struct rc_state_slab **ret_slabs,
              uint32_t *ret_slab_count,
              struct rc_error *reterr_error);

#endif
