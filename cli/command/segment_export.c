/* Segment export: the words and options of the command become a request. */
#include "cli/command/segment_export.h"

#include <string.h>

#include "cli/command/summary_export.h"
#include "cli/session/message.h"

enum rc_exit_code
rc_segment_export(struct rc_entry_command *command, const struct rc_segment_export *options)
{
    struct rc_session *session = &command->session;
    const bool csv = options->csv || command->output.format == RC_OUTPUT_CSV;
    Recount__V1__ExportSegmentRequest request = RECOUNT__V1__EXPORT_SEGMENT_REQUEST__INIT;
    const struct rc_scope_options scope = {.segment = command->words[1], .as_of = options->as_of};
    struct rc_pointer_list names = {0};
    char *place = NULL;
    if (command->word_count == 3)
        request.segment_version = rc_entry_version(command);
    if (command->word_count == 3 && request.segment_version == 0)
        return RC_EXIT_USAGE;
    const enum rc_exit_code code = rc_options_scope(session, &scope, false, &request.scope);
    if (code != RC_EXIT_OK)
        return code;
    if (options->properties != NULL)
        for (char *name = strtok_r(options->properties, ",", &place); name != NULL;
             name = strtok_r(NULL, ",", &place))
            rc_pointer_list_add(session->arena, &names, name);
    request.n_properties = names.count;
    request.properties = (char **)names.items;
    return rc_summary_export_users(session, &request, csv, options->file);
}
