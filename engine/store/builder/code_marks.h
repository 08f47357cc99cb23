/*
 * Code marks: which rows begin a run, or have a value, and how many. Measuring a column and writing
 * it ask this of every row of every column of a seal or merge, so it is done four codes an
 * instruction where there are such.
 *
 * Threading: pure functions.
 */
#ifndef RC_STORE_BUILDER_CODE_MARKS_H
#define RC_STORE_BUILDER_CODE_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#define RC_CODE_MARKS_ROWS 64u

/* A bit for each of count rows, at most RC_CODE_MARKS_ROWS. runs: those whose code is not that of
 * the row before, which is before for the first; else those whose code is not 0, which is null. */
uint64_t
rc_code_marks(const uint32_t *codes, uint32_t count, bool runs, uint32_t before);

/* Adds to *runs and *values how many of count > 0 rows have such marks. */
void
rc_code_marks_count(const uint32_t *codes,
                    uint32_t count,
                    uint32_t before,
                    uint32_t *runs,
                    uint32_t *values);

#endif
