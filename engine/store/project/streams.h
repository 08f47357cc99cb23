/*
 * Streams: the highest batch id that a project has of each client stream, so that a retry applies
 * nothing twice.
 *
 * Ownership: owns its names.
 * Threading: has no lock; its user has (the project's writer lock, or the intake's).
 */
#ifndef RC_STORE_PROJECT_STREAMS_H
#define RC_STORE_PROJECT_STREAMS_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/store/dictionary/dictionary.h"

struct rc_streams {
    struct rc_account *account;
    struct rc_dictionary *names;
    uint64_t *highest; /* By code of the name. */
    size_t capacity;
};

RC_MUST_USE enum rc_status
rc_streams_open(struct rc_streams *streams, struct rc_account *account);

void
rc_streams_close(struct rc_streams *streams);

/* 0: never heard of. */
uint64_t
rc_streams_highest(const struct rc_streams *streams, struct rc_bytes name);

/* Sets it, lower or higher. */
RC_MUST_USE enum rc_status
rc_streams_set(struct rc_streams *streams, struct rc_bytes name, uint64_t batch_id);

/* What streams stood at; names are theirs. */
struct rc_streams_copy {
    const struct rc_dictionary *names;
    uint32_t count;
    uint64_t *highest;
};

/* Copies it into arena: a number a stream. Afterwards rc_streams_write needs no lock. */
RC_MUST_USE enum rc_status
rc_streams_copy(const struct rc_streams *streams,
                struct rc_arena *arena,
                struct rc_streams_copy *ret_copy);

void
rc_streams_write(const struct rc_streams_copy *copy, struct rc_writer *writer);

RC_MUST_USE enum rc_status
rc_streams_read(struct rc_streams *streams,
                struct rc_reader *reader,
                struct rc_error *reterr_error);

#endif
