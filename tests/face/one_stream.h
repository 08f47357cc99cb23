/*
 * One stream: an engine over a faulty disk with one project, "shop", and one stream of batches,
 * each a function of its number; so the stream's position says what the project must hold.
 *
 * Ownership: the test makes the disk and frees it after the engine was closed.
 * Threading: the engine's log thread may count into acknowledged and refused.
 */
#ifndef RC_TESTS_FACE_ONE_STREAM_H
#define RC_TESTS_FACE_ONE_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"

struct one_stream {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
    bool created;
    uint64_t sent; /* The highest batch given to an engine. */
    _Atomic(uint64_t) acknowledged;
    _Atomic(uint32_t) refused;
    int64_t cold_after_ms;   /* Options of the engine. */
    uint64_t cold_bytes_max; /* The same. */
    uint64_t window_rows_max;
};

/* What one_start opens with. */
struct rc_engine_options
one_options(struct one_stream *world);

enum rc_status
one_start(struct one_stream *world, struct rc_error *error);

/* Starts, or fails the test; so for all that end in _well. */
void
one_start_well(struct one_stream *world);

/* Creates the project. */
enum rc_status
one_create(struct one_stream *world);

void
one_content(uint64_t batch_id, struct rig_content *content);

uint64_t
one_position(struct one_stream *world);

/* What is there must be the contents up to a position between what was acknowledged and sent. */
void
one_expect(struct one_stream *world);

/* Sends the batch behind the last acknowledged one and waits. */
enum rc_status
one_send_next(struct one_stream *world);

void
one_send_well(struct one_stream *world, uint32_t count);

#endif
