/*
 * Rejects: counts the rows that were refused and writes them to a file with the reason.
 *
 * One line a row, tab-separated: input, line, reason, the row. Tabs, line feeds and backslashes in
 * the last two are written \t, \n, \r and \\; so cut -f4 gives the rows back. The row is empty when
 * only the server refused it.
 *
 * Ownership: rejects own their file. The file is made when the first row is refused.
 * Threading: any thread may write: rows are refused by the reader and by whoever gets the server's
 *            acknowledgements.
 * Errors:    RC_IO when the file cannot be written; RC_LIMIT_EXCEEDED when the budget is used up.
 */
#ifndef RC_LOADERS_REJECTS_H
#define RC_LOADERS_REJECTS_H

#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_rejects;

/* path NULL: count only. rows_max: the budget; one row more is an error. An existing file is
 * continued when append is set, and replaced otherwise. */
RC_MUST_USE enum rc_status
rc_rejects_new(const char *path,
               uint64_t rows_max,
               bool append,
               struct rc_rejects **ret_rejects,
               struct rc_error *reterr_error);

/* NULL is fine. Returns NULL. */
struct rc_rejects *
rc_rejects_free(struct rc_rejects *rejects);

RC_DEFINE_CLEANUP(struct rc_rejects *, rc_rejects_free)

/*
 * Takes down one refused row.
 *   RC_OK              counted and written.
 *   RC_LIMIT_EXCEEDED  counted and written, and the budget is used up; the error says so and names
 *                      this row.
 *   RC_IO              counted; the file cannot be written.
 */
RC_MUST_USE enum rc_status
rc_rejects_write(struct rc_rejects *rejects,
                 const char *input,
                 uint64_t line,
                 const char *reason,
                 struct rc_bytes row,
                 struct rc_error *reterr_error);

/* Hands what was written to the operating system; RC_IO when it was not all taken. */
RC_MUST_USE enum rc_status
rc_rejects_flush(struct rc_rejects *rejects, struct rc_error *reterr_error);

#endif
