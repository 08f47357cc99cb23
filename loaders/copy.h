/*
 * Copy rows: one line of PostgreSQL's COPY text format, with hstore columns.
 *
 * Fields are separated by tabs; \N is null; \\ \t \n \r \b \f \v, octal \ooo and hex \xHH are
 * escapes. A line of just \. ends the data. The text of an hstore column, "k"=>"v", "k2"=>NULL,
 * becomes the members of a root, each a text or null.
 *
 * Threading: no state.
 */
#ifndef RC_LOADERS_COPY_H
#define RC_LOADERS_COPY_H

#include <stddef.h>

#include "engine/base/status.h"
#include "loaders/field.h"

struct rc_copy {
    const struct rc_bytes *columns; /* Borrowed. */
    size_t column_count;
    struct rc_bytes hstore_column; /* Its pairs become root 1. Empty: none. */
};

/*
 * Parses record->raw into fields.
 *   RC_OK         the fields are those of the line.
 *   RC_NOT_FOUND  the line is the end mark.
 *   RC_INVALID    the line does not have its columns, or the hstore text is broken.
 *   RC_NO_MEMORY
 */
RC_MUST_USE enum rc_status
rc_copy_parse(const struct rc_copy *copy, struct rc_record *record, struct rc_error *reterr_error);

#endif
