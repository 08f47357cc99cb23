/*
 * Position: how far a load has come, to go on from there after a stop.
 *
 * A batch's position says where each input has to be read on once that batch is durable. Whoever
 * sends the batches saves the position of the last one that was acknowledged.
 *
 * The file is text: a line "recount-position 1", a line "batch <id>", and for each input a line
 * "input <offset> <line> <path>".
 *
 * Ownership: plain memory.
 * Threading: no state.
 * Units:     offsets in bytes of the decompressed input; lines from 1.
 */
#ifndef RC_LOADERS_POSITION_H
#define RC_LOADERS_POSITION_H

#include <stdint.h>

#include "engine/base/status.h"

/* One archive may be a file for each day of a year. */
#define RC_LOAD_INPUTS_MAX 512

struct rc_position {
    uint64_t batch_id; /* The batch this is the position behind; 0: the beginning. */
    uint32_t input_count;
    struct {
        uint64_t offset;
        uint64_t line;
    } inputs[RC_LOAD_INPUTS_MAX];
};

/* Writes a position to a file, in place of the one before, durably. paths are the inputs'. */
RC_MUST_USE enum rc_status
rc_position_save(const struct rc_position *position,
                 const char *const *paths,
                 const char *file,
                 struct rc_error *reterr_error);

/*
 * Reads a position from a file.
 *   RC_NOT_FOUND  there is no such file.
 *   RC_CONFLICT   it is of other inputs than these.
 *   RC_CORRUPT    it is not a position.
 */
RC_MUST_USE enum rc_status
rc_position_load(const char *file,
                 const char *const *paths,
                 uint32_t path_count,
                 struct rc_position *ret_position,
                 struct rc_error *reterr_error);

#endif
