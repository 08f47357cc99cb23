/* Summary export: pieces are written as they come; nothing is kept but the names of the columns. */
#include "cli/command/summary_export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/download.h"
#include "cli/command/summary.h"
#include "cli/render/csv.h"
#include "cli/render/message_json.h"
#include "cli/session/message.h"

struct writing {
    const char *name; /* Of the first column. */
    rc_summary_of *of;
    bool csv;
    struct rc_arena *arena;
    struct rc_pointer_list columns; /* CSV: names of the properties, from the first piece. */
};

/* What pieces of both kinds have. */
struct piece {
    bool is_first;
    size_t name_count;
    char *const *names;
    size_t count;
    void *const *messages;
};

/* ---- Lines of JSON --------------------------------------------------------------------------- */

static void
write_line(const struct writing *writing, FILE *out, const struct rc_summary *summary)
{
    fprintf(out, "{\"%s\":", writing->name);
    if (summary->user != NULL)
        rc_text_json_write(out, summary->user);
    else
        rc_value_json_write(out, summary->entity);
    fprintf(out, ",\"event_count\":%" PRIu64, summary->event_count);
    if (summary->event_count > 0)
        fprintf(out, ",\"first_event_ms\":%" PRId64 ",\"last_event_ms\":%" PRId64,
                summary->first_event_ms, summary->last_event_ms);
    fputs(",\"properties\":{", out);
    for (size_t i = 0; i < summary->property_count; i++) {
        fputs(i == 0 ? "" : ",", out);
        rc_text_json_write(out, summary->properties[i]->name);
        fputc(':', out);
        rc_value_json_write(out, summary->properties[i]->value);
    }
    fputs("}}\n", out);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void
write_head(struct writing *writing, FILE *out, const struct piece *piece)
{
    const char *const first[] = {writing->name, "event_count", "first_event_ms", "last_event_ms"};
    struct rc_csv_writer csv = {.out = out};
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        rc_csv_text(&csv, first[i]);
    for (size_t i = 0; i < piece->name_count; i++) {
        rc_csv_text(&csv, piece->names[i]);
        rc_pointer_list_add(writing->arena, &writing->columns,
                            rc_text_copy(writing->arena, piece->names[i]));
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

static void
write_time(struct rc_csv_writer *csv, bool is_set, int64_t time_ms)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, time_ms);
    rc_csv_text(csv, is_set ? text : "");
}

/* The properties and the columns are both by name. */
static void
write_row(const struct writing *writing, FILE *out, const struct rc_summary *summary)
{
    struct rc_csv_writer csv = {.out = out};
    size_t next = 0;
    if (summary->user != NULL)
        rc_csv_text(&csv, summary->user);
    else
        write_field(&csv, summary->entity);
    rc_csv_count(&csv, summary->event_count);
    write_time(&csv, summary->event_count > 0, summary->first_event_ms);
    write_time(&csv, summary->event_count > 0, summary->last_event_ms);
    for (size_t i = 0; i < writing->columns.count; i++) {
        const bool has = next < summary->property_count &&
                         strcmp(summary->properties[next]->name, writing->columns.items[i]) == 0;
        if (has)
            write_field(&csv, summary->properties[next++]->value);
        else
            rc_csv_text(&csv, "");
    }
    rc_csv_end_row(&csv);
}

/* ---- The calls ------------------------------------------------------------------------------- */

static void
write_piece(struct writing *writing, FILE *out, const struct piece *piece)
{
    if (writing->csv && piece->is_first)
        write_head(writing, out, piece);
    for (size_t i = 0; i < piece->count; i++) {
        const struct rc_summary summary = writing->of(piece->messages[i]);
        if (writing->csv)
            write_row(writing, out, &summary);
        else
            write_line(writing, out, &summary);
    }
}

static bool
write_users(void *context, struct rc_bytes message, FILE *out)
{
    Recount__V1__ExportSegmentResponse *read = recount__v1__export_segment_response__unpack(
        NULL, message.size, (const uint8_t *)message.data);
    if (read == NULL)
        return false;
    const struct piece piece = {.is_first = read->info != NULL,
                                .name_count = read->n_property_names,
                                .names = read->property_names,
                                .count = read->n_users,
                                .messages = (void *const *)read->users};
    write_piece(context, out, &piece);
    recount__v1__export_segment_response__free_unpacked(read, NULL);
    return true;
}

static bool
write_entities(void *context, struct rc_bytes message, FILE *out)
{
    Recount__V1__ExportEntitiesResponse *read = recount__v1__export_entities_response__unpack(
        NULL, message.size, (const uint8_t *)message.data);
    if (read == NULL)
        return false;
    const struct piece piece = {.is_first = read->info != NULL,
                                .name_count = read->n_property_names,
                                .names = read->property_names,
                                .count = read->n_entities,
                                .messages = (void *const *)read->entities};
    write_piece(context, out, &piece);
    recount__v1__export_entities_response__free_unpacked(read, NULL);
    return true;
}

enum rc_exit_code
rc_summary_export_users(struct rc_session *session,
                        const Recount__V1__ExportSegmentRequest *request,
                        bool csv,
                        const char *file)
{
    struct writing writing = {
        .name = "user", .of = rc_summary_of_user, .csv = csv, .arena = session->arena};
    return rc_download(session, "/recount.v1.SegmentService/ExportSegment", request, file,
                       write_users, &writing);
}

enum rc_exit_code
rc_summary_export_entities(struct rc_session *session,
                           const Recount__V1__ExportEntitiesRequest *request,
                           bool csv,
                           const char *file)
{
    struct writing writing = {
        .name = "entity", .of = rc_summary_of_entity, .csv = csv, .arena = session->arena};
    return rc_download(session, "/recount.v1.QueryService/ExportEntities", request, file,
                       write_entities, &writing);
}
