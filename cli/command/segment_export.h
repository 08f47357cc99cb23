/*
 * Segment export: "recount segment export".
 *
 * Ownership, Threading, Errors: as in session.h.
 */
#ifndef RC_CLI_COMMAND_SEGMENT_EXPORT_H
#define RC_CLI_COMMAND_SEGMENT_EXPORT_H

#include "cli/command/entry_command.h"

struct rc_segment_export {
    bool csv;
    char *properties; /* Names with commas between them; NULL: all. Is written to. */
    const char *file; /* NULL: standard output. */
    const char *as_of;
};

/* The words of the command: export, a name or a rule, a version of the name if there is one. */
RC_MUST_USE enum rc_exit_code
rc_segment_export(struct rc_entry_command *command, const struct rc_segment_export *options);

#endif
