/*
 * Summary export: all users of a segment, or all entities of a list, as lines of JSON or as CSV.
 *
 * They and all that is known of them are in the order of their ids or values. A line of JSON is
 *   {"user": "u1", "event_count": 2, "first_event_ms": 5, "last_event_ms": 9,
 *    "properties": {"plan": "paid"}}
 * where the times are left out if there are no events, and an entity, which may be any value,
 * stands under "entity"; CSV has a column for each property.
 *
 * Ownership, Threading, Errors: as in session.h.
 */
#ifndef RC_CLI_COMMAND_SUMMARY_EXPORT_H
#define RC_CLI_COMMAND_SUMMARY_EXPORT_H

#include "cli/session/session.h"
#include "recount/v1/entity_list.pb-c.h"
#include "recount/v1/segment.pb-c.h"

/* file NULL: to standard output. */
RC_MUST_USE enum rc_exit_code
rc_summary_export_users(struct rc_session *session,
                        const Recount__V1__ExportSegmentRequest *request,
                        bool csv,
                        const char *file);

RC_MUST_USE enum rc_exit_code
rc_summary_export_entities(struct rc_session *session,
                           const Recount__V1__ExportEntitiesRequest *request,
                           bool csv,
                           const char *file);

#endif
