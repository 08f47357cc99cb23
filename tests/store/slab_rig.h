/*
 * Slab rig: random rows, and the slow and obvious twin of the slab builder: all rows in an array,
 * sorted by comparing the texts of their ids, one cell at a time.
 */
#ifndef RC_TESTS_STORE_SLAB_RIG_H
#define RC_TESTS_STORE_SLAB_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/store/builder/slab_builder.h"

#define RIG_COLUMNS 13
#define RIG_WINDOW_MS ((int64_t)1700000000000)

/* A small generator of its own, so that a seed means the same rows everywhere. */
uint64_t
rig_random(uint64_t *state);

struct rig_options {
    uint32_t row_count;
    uint32_t user_count;
    uint32_t time_count; /* Distinct times: few give ties. */
    int64_t time_from_ms;
    bool text_ids;
    bool derived_ids;
    uint32_t wide_cells; /* Distinct cells of the widest column. */
};

struct rig_rows {
    struct rc_row_source source;
    uint32_t *users;
    int64_t *times_ms;
    struct rc_event_id *ids;
    rc_cell *cells[RIG_COLUMNS];
    const struct rc_dictionary *column_texts[RIG_COLUMNS];
    struct rc_dictionary *values; /* What cells of kind RC_CELL_TEXT are codes of. */
    char *texts;                  /* Of ids. */
};

/* Columns: 0 by user (runs), 1 few, 2 three hundred, 3 rare (sparse), 4 only nulls, 5 distinct, 6
 * not there, 7 wide_cells, 8 codes, texts and nulls, 9 only texts, wide_cells of them at most, 10 a
 * cell a user (marked runs), 11 in three rows of five (marked rows), 12 other for the first users.
 * Their properties are 3, 10, 11, 20, 21, 30, 31, 40, 50, 51, 60, 61, 62. A text is a string; two
 * heads give the same text other codes. */
void
rig_rows_make(uint64_t *state, const struct rig_options *options, struct rig_rows *ret_rows);

/* The part [from, to) of rows, as a source; borrows. cells is room for RIG_COLUMNS. */
struct rc_row_source
rig_rows_part(const struct rig_rows *rows, uint32_t from, uint32_t to, const rc_cell **cells);

void
rig_rows_free(struct rig_rows *rows);

/* A bitmap of rows, each set with probability one in odds. */
uint64_t *
rig_dead_make(uint64_t *state, uint32_t row_count, uint32_t odds);

/* Builds, or fails the test. */
struct rc_slab *
rig_build(const struct rc_slab_source *sources, uint32_t source_count, int64_t window_start_ms);

/* The same for any window. */
struct rc_slab *
rig_build_in(const struct rc_slab_source *sources, uint32_t source_count, struct rc_window window);

/* Fails the test unless slab (NULL: no rows) is what the twin makes of the sources. */
void
rig_expect(const struct rc_slab_source *sources,
           uint32_t source_count,
           int64_t window_start_ms,
           const struct rc_slab *slab);

void
rig_expect_in(const struct rc_slab_source *sources,
              uint32_t source_count,
              struct rc_window window,
              const struct rc_slab *slab);

#endif
