#include "cli/segment_export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/csv.h"
#include "cli/download.h"
#include "cli/message.h"
#include "cli/message_json.h"

struct writing {
    bool csv;
    struct rc_arena *arena;
    struct rc_pointer_list columns; /* CSV: names of the properties, from the first piece. */
};

/* ---- Lines of JSON --------------------------------------------------------------------------- */

static void
write_line(FILE *out, const Recount__V1__UserSummary *user)
{
    fputs("{\"user\":", out);
    rc_text_json_write(out, user->user);
    fprintf(out, ",\"event_count\":%" PRIu64, user->event_count);
    if (user->event_count > 0)
        fprintf(out, ",\"first_event_ms\":%" PRId64 ",\"last_event_ms\":%" PRId64,
                user->first_event_ms, user->last_event_ms);
    fputs(",\"properties\":{", out);
    for (size_t i = 0; i < user->n_properties; i++) {
        fputs(i == 0 ? "" : ",", out);
        rc_text_json_write(out, user->properties[i]->name);
        fputc(':', out);
        rc_value_json_write(out, user->properties[i]->value);
    }
    fputs("}}\n", out);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void
write_head(struct writing *writing, FILE *out, const Recount__V1__ExportSegmentResponse *piece)
{
    static const char *const first[] = {"user", "event_count", "first_event_ms", "last_event_ms"};
    struct rc_csv_writer csv = {.out = out};
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        rc_csv_text(&csv, first[i]);
    for (size_t i = 0; i < piece->n_property_names; i++) {
        rc_csv_text(&csv, piece->property_names[i]);
        rc_pointer_list_add(writing->arena, &writing->columns,
                            rc_text_copy(writing->arena, piece->property_names[i]));
    }
    rc_csv_end_row(&csv);
}

/* A text as it is, all else as in JSON; no value is the empty field. */
static void
write_field(struct rc_csv_writer *csv, const Recount__V1__Value *value)
{
    if (value->kind_case == RECOUNT__V1__VALUE__KIND_STRING_VALUE) {
        rc_csv_text(csv, value->string_value);
        return;
    }
    char *text = NULL;
    size_t size = 0;
    FILE *out = rc_need(open_memstream(&text, &size));
    rc_value_json_write(out, value);
    fclose(out);
    rc_csv_text(csv, rc_need(text));
    free(text);
}

/* A user's properties and the columns are both by name. */
static void
write_row(const struct writing *writing, FILE *out, const Recount__V1__UserSummary *user)
{
    struct rc_csv_writer csv = {.out = out};
    char text[24];
    size_t next = 0;
    rc_csv_text(&csv, user->user);
    rc_csv_count(&csv, user->event_count);
    snprintf(text, sizeof(text), "%" PRId64, user->first_event_ms);
    rc_csv_text(&csv, user->event_count > 0 ? text : "");
    snprintf(text, sizeof(text), "%" PRId64, user->last_event_ms);
    rc_csv_text(&csv, user->event_count > 0 ? text : "");
    for (size_t i = 0; i < writing->columns.count; i++) {
        const bool has = next < user->n_properties &&
                         strcmp(user->properties[next]->name, writing->columns.items[i]) == 0;
        if (has)
            write_field(&csv, user->properties[next++]->value);
        else
            rc_csv_text(&csv, "");
    }
    rc_csv_end_row(&csv);
}

/* ---- The call -------------------------------------------------------------------------------- */

static bool
write_piece(void *context, struct rc_bytes message, FILE *out)
{
    struct writing *writing = context;
    Recount__V1__ExportSegmentResponse *piece = recount__v1__export_segment_response__unpack(
        NULL, message.size, (const uint8_t *)message.data);
    if (piece == NULL)
        return false;
    if (writing->csv && piece->info != NULL)
        write_head(writing, out, piece);
    for (size_t i = 0; i < piece->n_users; i++) {
        if (writing->csv)
            write_row(writing, out, piece->users[i]);
        else
            write_line(out, piece->users[i]);
    }
    recount__v1__export_segment_response__free_unpacked(piece, NULL);
    return true;
}

enum rc_exit_code
rc_segment_export_request(struct rc_session *session,
                          const Recount__V1__ExportSegmentRequest *request,
                          bool csv,
                          const char *file)
{
    struct writing writing = {.csv = csv, .arena = session->arena};
    return rc_download(session, "/recount.v1.SegmentService/ExportSegment", request, file,
                       write_piece, &writing);
}

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
    return rc_segment_export_request(session, &request, csv, options->file);
}
