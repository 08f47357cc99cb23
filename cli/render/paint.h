/*
 * Paint: writing to a terminal: colours, block characters, tables whose columns line up.
 *
 * Everything that draws takes a paint, so that tests draw into a buffer. Without a terminal there
 * are no colours; without a UTF-8 locale there are no characters beyond ASCII but those of the
 * data.
 *
 * Ownership: a paint borrows its stream. A table owns copies of its cells.
 * Threading: one thread.
 * Units:     widths are columns of a terminal.
 */
#ifndef RC_CLI_RENDER_PAINT_H
#define RC_CLI_RENDER_PAINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_paint {
    FILE *out;
    bool color;
    bool unicode;
    unsigned width; /* Of the terminal; 100 where there is none. */
};

/* What a text means; the paint decides how that looks. */
enum rc_ink { RC_INK_PLAIN, RC_INK_STRONG, RC_INK_FAINT, RC_INK_BAR, RC_INK_GOOD, RC_INK_BAD };

/* color: 1 always, -1 never, 0 where out is a terminal and NO_COLOR is not set. */
struct rc_paint
rc_paint_of(FILE *out, int color);

/* Columns that a text takes; bytes that are not UTF-8 take one each. */
unsigned
rc_paint_text_width(const char *text);

/* Writes at most width columns of a text, the last one as an ellipsis if it is longer. Returns the
 * columns that were written. Control characters are written as "?". */
unsigned
rc_paint_text(const struct rc_paint *paint, const char *text, unsigned width);

void
rc_paint_begin(const struct rc_paint *paint, enum rc_ink ink);

/* Begins white or black text on a shade of blue: 0 is none, 1 the deepest. */
void
rc_paint_shade(const struct rc_paint *paint, double share);

void
rc_paint_end(const struct rc_paint *paint);

/* A bar of share (0 to 1) of width columns, in eighths; then spaces up to width. */
void
rc_paint_bar(const struct rc_paint *paint, double share, unsigned width);

/* A count with commas: 1,234,567. text has room for 32 bytes. Returns text. */
const char *
rc_paint_count(char text[32], uint64_t count);

/* A number as short as it reads well: 1,234 or 12.34. text has room for 48 bytes. Returns text. */
const char *
rc_paint_number(char text[48], double number);

/* Opaque. */
struct rc_table;

/* A table; align has "l" or "r" for each column. Ends the program without memory. */
struct rc_table *
rc_table_new(const char *align);

/* NULL is fine. Returns NULL. */
struct rc_table *
rc_table_free(struct rc_table *table);

RC_DEFINE_CLEANUP(struct rc_table *, rc_table_free)

/* Adds the next cell, row by row; the first row is the head. */
void
rc_table_add(struct rc_table *table, const char *format, ...) RC_PRINTF(2, 3);

void
rc_table_paint(const struct rc_table *table, const struct rc_paint *paint);

#endif
