/*
 * CSV: rows of fields after RFC 4180: a comma between fields, CRLF behind rows, quotes around a
 * field that needs them. Numbers have a point and no commas; no number is the empty field.
 */
#ifndef RC_CLI_RENDER_CSV_H
#define RC_CLI_RENDER_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct rc_csv_writer {
    FILE *out;
    bool inside; /* A field of this row has been written. */
};

void
rc_csv_text(struct rc_csv_writer *csv, const char *text);
void
rc_csv_count(struct rc_csv_writer *csv, uint64_t count);

/* NaN is the empty field. */
void
rc_csv_number(struct rc_csv_writer *csv, double number);
void
rc_csv_end_row(struct rc_csv_writer *csv);

/* A row of texts that is ended by NULL. */
void
rc_csv_head(struct rc_csv_writer *csv, const char *const *texts);

#endif
