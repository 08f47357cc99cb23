/*
 * Load rig: runs a load over small archives and prints what its batches hold, row by row, so that a
 * test compares texts.
 *
 *   event u1 @1420070400000 #e1 a=1 b="x" c=["p","q"]
 *   user u1 @1420070400000 plan="paid" trial=null
 *   alias a = b
 *   account company=acme @1420070400000 plan="paid"
 *
 * Batches are unpacked by protobuf-c, so the packer is checked against another reader of the
 * format.
 */
#ifndef RC_TESTS_LOADERS_LOAD_RIG_H
#define RC_TESTS_LOADERS_LOAD_RIG_H

#include "loaders/load.h"

#define RIG_INPUTS_MAX 4

struct rig_input {
    const char *mapping; /* The text of a mapping, or the name of a shipped one. */
    const void *data;    /* The content of the file. */
    size_t size;
};

struct rig {
    struct rig_input inputs[RIG_INPUTS_MAX];
    uint32_t input_count;
    bool merge_by_time;
    uint32_t batch_rows_max;
    uint64_t rejects_max; /* 0: none. */
    const struct rc_position *resume_at;
    uint64_t stop_after; /* Refuse the batch behind this many; 0: none. */
    /* What came out; all owned by the rig. */
    enum rc_status status;
    struct rc_error error;
    struct rc_load_totals totals;
    char *rows;
    char *rejects;               /* The reject file. */
    struct rc_position position; /* Behind the last batch. */
    uint64_t batches;
    char paths[RIG_INPUTS_MAX][64];
};

/* One input. */
struct rig
rig_of(const char *mapping, const char *text);

void
rig_run(struct rig *rig);

void
rig_close(struct rig *rig);

/* Makes a temporary file of this content; the path is written to path[64]. The caller
 * unlinks it. */
void
rig_file(const void *data, size_t size, char path[64]);

/* Runs one input and compares the rows. */
void
rig_expect(const char *mapping, const char *text, const char *rows);

/* Runs one input of a single row and compares the reason of its rejection. */
void
rig_expect_reject(const char *mapping, const char *text, const char *reason);

#endif
