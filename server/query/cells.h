/*
 * Cells: handles of replies, and the cells that rules name by them. A handle is the packed request
 * and all that stood for something in it (as_of, the zone, the first day of the week), which kind
 * it is, and what rows its reply had; in the form of a page token.
 *
 * Ownership, Threading: as in service.h.
 * Errors:    rc_decode_cell names the field; what a handle holds is bytes from outside like any
 *            other, and is checked as a request is.
 */
#ifndef RC_SERVER_QUERY_CELLS_H
#define RC_SERVER_QUERY_CELLS_H

#include <recount/v1/cell.pb-c.h>

#include "engine/query/segment/chart_cell.h"
#include "server/call/service.h"
#include "server/decode/decode.h"

/* The handle of a reply; *ret_handle is left alone where there is none. in is the request's
 * message, which has a scope; labels as in struct rc_chart_cell. */
RC_MUST_USE enum rc_status
rc_cell_handle(struct rc_request *request,
               enum rc_chart_cell_kind kind,
               const ProtobufCMessage *in,
               const struct rc_scope *scope,
               uint64_t labels,
               char **ret_handle);

/* The form of the requests of a kind (enum rc_chart_cell_kind); NULL: it is none. */
const ProtobufCMessageDescriptor *
rc_cell_question(uint32_t kind);

/* decode->project is set: the handle's must be the same, and so must the property whose values are
 * counted; empty: users are. */
RC_MUST_USE enum rc_status
rc_decode_cell(struct rc_decode *decode,
               const Recount__V1__Cell *in,
               struct rc_bytes entity,
               const struct rc_chart_cell **ret_cell);

/* Notes the properties that a request names, as references (decode->stores). */
RC_MUST_USE enum rc_status
rc_cell_note_properties(struct rc_decode *decode, const ProtobufCMessage *message);

/* What a saved segment keeps of a cell that was decoded: its message, and what its questions name:
 * the references that stand before those in before. */
RC_MUST_USE enum rc_status
rc_decode_stored_cell(struct rc_decode *decode,
                      const Recount__V1__Cell *in,
                      const struct rc_reference *before,
                      struct rc_segment *segment);

/* The engine's way back to the cell (segment.h). */
rc_cell_read rc_cell_read_stored;

#endif
