/*
 * JSON rows: one object a line, into a record. See json_plain.h and json_shim.h for how.
 *
 * Ownership: a parser owns its buffers; values of the record are valid until the next parse.
 * Threading: one thread at a time.
 */
#ifndef RC_LOADERS_JSON_H
#define RC_LOADERS_JSON_H

#include "engine/base/status.h"
#include "loaders/field.h"

/* Opaque. */
struct rc_json;

/* A parser whose members of the objects named root_1 and root_2 ("" for none) keep their names.
 * user, of the root user_root (0: the row itself), is the member that most rows of one user have in
 * common (see echo.h); empty for none. NULL when memory was refused. Free with rc_json_free. */
struct rc_json *
rc_json_new(const char *root_1, const char *root_2, struct rc_bytes user, uint32_t user_root);

/* NULL is fine. Returns NULL. */
struct rc_json *
rc_json_free(struct rc_json *parser);

/*
 * Parses record->raw into fields.
 *   RC_OK         the fields are those of the row.
 *   RC_INVALID    the row is not an object of JSON; reterr_error says why.
 *   RC_NO_MEMORY
 */
RC_MUST_USE enum rc_status
rc_json_parse(struct rc_json *parser, struct rc_record *record, struct rc_error *reterr_error);

/* Keeps the record that was parsed last, if it is of a kind to keep, to read rows like it quicker.
 * Its fields have their entries. RC_NO_MEMORY. */
RC_MUST_USE enum rc_status
rc_json_keep(struct rc_json *parser, struct rc_record *record);

#endif
