/*
 * Load progress: a line on a terminal that is written anew, with rows, rate and the time to go.
 *
 * It shows what is durable on the server, not what was read.
 *
 * Threading: one thread at a time.
 * Units:     bytes of the files before decompression.
 */
#ifndef RC_CLI_LOAD_LOAD_PROGRESS_H
#define RC_CLI_LOAD_LOAD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct rc_load_progress {
    FILE *out; /* NULL: nothing is written while it goes. */
    uint64_t begin_ns;
    uint64_t shown_ns;
    uint64_t begin_bytes; /* Where the first durable batch of this run began. */
    bool line;            /* A line is on the terminal. */
};

/* out is written to if it is a terminal and quiet is false. */
void
rc_load_progress_begin(struct rc_load_progress *progress, FILE *out, bool quiet);

/* Shows the state, at most ten times a second. bytes_size 0: not known. */
void
rc_load_progress_show(struct rc_load_progress *progress,
                      uint64_t rows,
                      uint64_t rejected,
                      uint64_t bytes_done,
                      uint64_t bytes_size,
                      uint64_t now_ns);

/* Clears the line, so that something else can be written. */
void
rc_load_progress_clear(struct rc_load_progress *progress);

#endif
