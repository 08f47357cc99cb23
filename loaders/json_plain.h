/*
 * Plain JSON: most lines of most archives, read in one pass.
 *
 * A line is plain when it is an object whose values are texts without \u, numbers without an
 * exponent that are short enough to be read exactly, true, false or null, and, one level down, such
 * objects under the names of the roots; with no white space but spaces. Of any other line nothing
 * is said here, not even whether it is JSON: the parser of json_shim.h is for all.
 *
 * A plain line gives the very fields that the other parser gives.
 *
 * Ownership: names and texts point into record->raw or are in the record's arena.
 * Threading: as the record.
 */
#ifndef RC_LOADERS_JSON_PLAIN_H
#define RC_LOADERS_JSON_PLAIN_H

#include "engine/base/status.h"
#include "loaders/echo.h"
#include "loaders/field.h"

/*
 * Parses record->raw into fields, of a record that is clear. roots: two names, empty for none.
 * Members that an echo knows (NULL for none) are taken over from it.
 *   RC_OK         the line was plain.
 *   RC_NOT_FOUND  it was not, which is an answer; the fields mean nothing.
 *   RC_NO_MEMORY  the fields mean nothing.
 */
RC_MUST_USE enum rc_status
rc_json_plain_parse(const struct rc_bytes roots[2], struct rc_echo *echo, struct rc_record *record);

#endif
