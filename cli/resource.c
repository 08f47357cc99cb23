/*
 * Resource: requests and replies are handled by the names of their fields, which the contract keeps
 * the same in every service: name; parent, page_size, page_token; the things, next_page_token.
 */
#include "cli/resource.h"

#include <ctype.h>
#include <stdio.h>

#include "cli/csv.h"
#include "cli/message.h"
#include "cli/message_json.h"
#include "cli/paint.h"
#include "engine/base/assert.h"

#define PAGE_SIZE 1000

/* A message of a kind that is known by its descriptor only. */
static ProtobufCMessage *
message_new(struct rc_arena *arena, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = rc_need(rc_arena_zero(arena, descriptor->sizeof_message));
    descriptor->message_init(message);
    return message;
}

static const ProtobufCFieldDescriptor *
field_of(const ProtobufCMessage *message, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
}

/* Where a field that must exist is in a message. */
static void *
member(ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = field_of(message, name);
    RC_ASSERT(field != NULL);
    return (char *)message + field->offset;
}

static size_t *
count_of(ProtobufCMessage *message, const char *name)
{
    return (size_t *)(void *)((char *)message + field_of(message, name)->quantifier_offset);
}

static void
print(struct rc_session *session,
      const struct rc_output_options *output,
      const struct rc_resource_kind *kind,
      ProtobufCMessage *const *all,
      size_t count)
{
    const bool csv_wanted = output->format == RC_OUTPUT_CSV;
    const struct rc_paint paint = rc_paint_of(stdout, output->color);
    char alignments[RC_RESOURCE_COLUMNS_MAX + 1] = "lllll";
    alignments[kind->table_columns] = '\0';
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new(alignments);
    struct rc_csv_writer csv = {.out = stdout};
    if (csv_wanted)
        rc_csv_head(&csv, kind->columns);
    for (size_t i = 0; i < kind->table_columns; i++)
        rc_table_add(table, "%s", kind->columns[i]);
    for (size_t i = 0; i < count; i++) {
        const char *cells[RC_RESOURCE_COLUMNS_MAX] = {NULL};
        kind->cells(session->arena, all[i], cells);
        for (size_t c = 0; c < kind->table_columns; c++)
            rc_table_add(table, "%s", cells[c]);
        if (!csv_wanted)
            continue;
        for (size_t c = 0; kind->columns[c] != NULL; c++)
            rc_csv_text(&csv, cells[c]);
        rc_csv_end_row(&csv);
    }
    if (!csv_wanted)
        rc_table_paint(table, &paint);
}

/* "DefinitionService/ListDefinitions" */
static const char *
method_of(struct rc_session *session,
          const struct rc_resource_kind *kind,
          const char *verb,
          const char *noun)
{
    return rc_text_format(session->arena, "%s/%s%c%s", kind->service, verb,
                          toupper((unsigned char)*noun), noun + 1);
}

/* The field of a List reply. */
static const char *
list_field(const struct rc_resource_kind *kind)
{
    return kind->list != NULL ? kind->list : kind->many;
}

enum rc_exit_code
rc_resource_list(struct rc_session *session,
                 const struct rc_output_options *output,
                 const struct rc_resource_kind *kind)
{
    return rc_resource_list_some(session, output, kind,
                                 message_new(session->arena, kind->list_request));
}

enum rc_exit_code
rc_resource_list_some(struct rc_session *session,
                      const struct rc_output_options *output,
                      const struct rc_resource_kind *kind,
                      ProtobufCMessage *request)
{
    const char *method = method_of(session, kind, "List", kind->many);
    struct rc_pointer_list all = {0};
    ProtobufCMessage *reply = NULL;
    const char *token;
    if (field_of(request, "parent") != NULL)
        *(char **)member(request, "parent") = (char *)session->project;
    *(int32_t *)member(request, "page_size") = PAGE_SIZE;
    do {
        const enum rc_exit_code code =
            rc_session_call(session, method, request, kind->list_reply, &reply);
        if (code != RC_EXIT_OK)
            return code;
        ProtobufCMessage **items = *(ProtobufCMessage ***)member(reply, list_field(kind));
        for (size_t i = 0; i < *count_of(reply, list_field(kind)); i++)
            rc_pointer_list_add(session->arena, &all, items[i]);
        token = *(char **)member(reply, "next_page_token");
        *(const char **)member(request, "page_token") = token;
    } while (*token != '\0');
    if (output->format == RC_OUTPUT_JSON) {
        ProtobufCMessage *whole = message_new(session->arena, kind->list_reply);
        *count_of(whole, list_field(kind)) = all.count;
        *(void **)member(whole, list_field(kind)) = all.items;
        rc_message_json_print(stdout, whole);
    } else {
        print(session, output, kind, (ProtobufCMessage **)all.items, all.count);
    }
    return RC_EXIT_OK;
}

enum rc_exit_code
rc_resource_show(struct rc_session *session,
                 const struct rc_output_options *output,
                 const struct rc_resource_kind *kind,
                 char *name)
{
    ProtobufCMessage *request = message_new(session->arena, kind->get_request);
    ProtobufCMessage *reply = NULL;
    *(char **)member(request, "name") = name;
    const enum rc_exit_code code = rc_session_call(
        session, method_of(session, kind, "Get", kind->one), request, kind->get_reply, &reply);
    if (code != RC_EXIT_OK)
        return code;
    ProtobufCMessage *one = *(ProtobufCMessage **)member(reply, kind->field);
    if (one == NULL)
        return RC_EXIT_OK;
    if (output->format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, one);
    else
        print(session, output, kind, &one, 1);
    return RC_EXIT_OK;
}

enum rc_exit_code
rc_resource_delete(struct rc_session *session, const struct rc_resource_kind *kind, char *name)
{
    ProtobufCMessage *request = message_new(session->arena, kind->delete_request);
    ProtobufCMessage *reply = NULL;
    *(char **)member(request, "name") = name;
    return rc_session_call(session, method_of(session, kind, "Delete", kind->one), request,
                           kind->delete_reply, &reply);
}
