/*
 * Segment export: all users of a segment as lines of JSON or as CSV.
 *
 * The users and all that is known of them are in the order of their ids. A line of JSON is
 *   {"user": "u1", "event_count": 2, "first_event_ms": 5, "last_event_ms": 9,
 *    "properties": {"plan": "paid"}}
 * where the times are left out if there are no events; CSV has a column for each property.
 *
 * Ownership, Threading, Errors: as in session.h.
 */
#ifndef RC_CLI_SEGMENT_EXPORT_H
#define RC_CLI_SEGMENT_EXPORT_H

#include "cli/entry_command.h"
#include "recount/v1/segment.pb-c.h"

struct rc_segment_export {
    bool csv;
    char *properties; /* Names with commas between them; NULL: all. Is written to. */
    const char *file; /* NULL: standard output. */
    const char *as_of;
};

/* Writes what the call gives: CSV or lines of JSON; file NULL: to standard output. */
RC_MUST_USE enum rc_exit_code
rc_segment_export_request(struct rc_session *session,
                          const Recount__V1__ExportSegmentRequest *request,
                          bool csv,
                          const char *file);

/* The words of the command: export, a name or a rule, a version of the name if there is one. */
RC_MUST_USE enum rc_exit_code
rc_segment_export(struct rc_entry_command *command, const struct rc_segment_export *options);

#endif
