/*
 * Survey: reads a log as a start would and changes nothing: what is intact, where the first damage
 * to something durable is, and what lies behind it and would be lost.
 *
 * Cutting at the damage gives up everything from there on, also what is intact behind it: state is
 * a function of the log, and the state that remains is one that the server really had.
 *
 * Threading: one thread; no other process has the log open.
 * Units:     bytes and sequences.
 * Errors:    those of the disk and of the callbacks. Damage is an answer.
 */
#ifndef RC_DURABLE_WAL_SURVEY_H
#define RC_DURABLE_WAL_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/durable/wal_format.h"
#include "engine/durable/wal_mark.h"

struct rc_wal_survey_options {
    struct rc_disk *disk;
    const char *directory;
    struct rc_wal_mark_place mark;
    uint64_t replay_after; /* The checkpoint's: records up to it need not be in the log. */

    /* Intact records above replay_after and before the damage, in order; then those behind it that
     * can still be read, ascending. Either may be NULL. */
    enum rc_status (*on_record)(void *context,
                                uint64_t sequence,
                                struct rc_bytes payload,
                                struct rc_error *reterr_error);
    enum rc_status (*on_lost)(void *context,
                              uint64_t sequence,
                              struct rc_bytes payload,
                              struct rc_error *reterr_error);
    void *context;
};

/* What may have been in a log whose mark cannot be read: more than any log has held. */
#define RC_WAL_UNCOUNTED ((uint64_t)1 << 32)

struct rc_wal_survey {
    uint32_t file_count;
    uint64_t record_count; /* Intact, above replay_after, before the damage. */
    uint64_t torn_bytes;   /* A tail that was never synced: a start cuts it. */
    bool half_mark;        /* One half of the mark does not hold: a start writes both. */

    bool damaged;
    char file[RC_WAL_NAME_BYTES]; /* Of the damage; RC_WAL_MARK_NAME for the mark. */
    uint64_t offset;
    const char *what;       /* What is the matter, as an end of a sentence. */
    uint64_t sequence;      /* The first record that would be lost. */
    uint64_t sequence_end;  /* Behind the last record that is known to have been. */
    uint64_t readable_lost; /* Of those in between: given to on_lost. */
    uint64_t uncounted_max; /* So many more may have been: as many as what is missing could hold. */
};

/* A directory that is missing is a log without files. */
RC_MUST_USE enum rc_status
rc_wal_survey(const struct rc_wal_survey_options *options,
              struct rc_wal_survey *ret_survey,
              struct rc_error *reterr_error);

/*
 * Renames every live file to damaged-<mark>-<its name>, durably, so that the log begins anew.
 * What was set aside before under the same mark is kept under the same names.
 */
RC_MUST_USE enum rc_status
rc_wal_set_aside(struct rc_disk *disk,
                 const char *directory,
                 uint64_t mark,
                 struct rc_error *reterr_error);

/* Whether a name is one that rc_wal_set_aside gives. */
bool
rc_wal_name_is_aside(const char *name);

#endif
