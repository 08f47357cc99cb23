/*
 * CSV rows (RFC 4180): fields separated by one character, quoted with ", a quote inside doubled.
 *
 * An empty field without quotes is null; "" is the empty text. A row must have as many fields as
 * there are columns.
 *
 * Threading: no state.
 */
#ifndef RC_LOADERS_CSV_H
#define RC_LOADERS_CSV_H

#include <stddef.h>

#include "engine/base/status.h"
#include "loaders/field.h"

struct rc_csv {
    const struct rc_bytes *columns; /* Borrowed. NULL: name the fields by their number from 1. */
    size_t column_count;
    char separator;
};

/*
 * Parses record->raw into fields.
 *   RC_OK         the fields are those of the row.
 *   RC_INVALID    quotes or the number of fields are wrong; reterr_error says how.
 *   RC_NO_MEMORY
 */
RC_MUST_USE enum rc_status
rc_csv_parse(const struct rc_csv *csv, struct rc_record *record, struct rc_error *reterr_error);

#endif
