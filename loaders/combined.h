/*
 * Combined rows: one line of an access log in the NCSA combined (or common) format.
 *
 *   host ident authuser [17/May/2015:10:05:03 +0000] "GET /x HTTP/1.1" 200 203023 "referer" "agent"
 *
 * Fields: host, ident, authuser, time, method, path, protocol, status, bytes, referer, agent. "-"
 * is null. Inside quotes \" and \\ are the character itself and \xHH is a byte. A request that does
 * not have three parts is kept whole as the field `request`, without method, path and protocol.
 *
 * Threading: no state.
 */
#ifndef RC_LOADERS_COMBINED_H
#define RC_LOADERS_COMBINED_H

#include "engine/base/status.h"
#include "loaders/field.h"

/*
 * Parses record->raw into fields.
 *   RC_OK         the fields are those of the line.
 *   RC_INVALID    the line is cut or not of this format; reterr_error says where.
 *   RC_NO_MEMORY
 */
RC_MUST_USE enum rc_status
rc_combined_parse(struct rc_record *record, struct rc_error *reterr_error);

#endif
