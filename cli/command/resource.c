/*
 * Resource: requests and replies are handled by the names of their fields, which the contract keeps
 * the same in every service: name, version; parent, page_size, page_token; the things,
 * next_page_token; the thing, its id, author, update_mask.
 */
#include "cli/command/resource.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/language/when.h"
#include "cli/render/csv.h"
#include "cli/render/message_json.h"
#include "cli/render/paint.h"
#include "cli/session/message.h"
#include "google/protobuf/field_mask.pb-c.h"

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

static size_t *
count_of(ProtobufCMessage *message, const char *name)
{
    return (size_t *)(void *)((char *)message + field_of(message, name)->quantifier_offset);
}

/* The columns that every version has, and the cells of one. */
#define VERSION_COLUMNS 3u

static const char *const version_columns[VERSION_COLUMNS] = {"version", "since", "author"};

static void
version_cells(struct rc_arena *arena, ProtobufCMessage *one, const char **cells)
{
    char *since = rc_need(rc_arena_alloc(arena, RC_WHEN_TEXT_BYTES));
    cells[0] = rc_text_format(arena, "%" PRIu64, *(uint64_t *)rc_message_member(one, "version"));
    cells[1] = rc_when_write(since, *(int64_t *)rc_message_member(one, "update_time_ms"), 0,
                             RC_WHEN_RFC3339);
    cells[2] = *(char **)rc_message_member(one, "author");
}

/* Things, or the versions of one, which have a name in common. */
static void
print(struct rc_session *session,
      const struct rc_output_options *output,
      const struct rc_resource_kind *kind,
      bool versions,
      const struct rc_pointer_list *all)
{
    const char *columns[VERSION_COLUMNS + RC_RESOURCE_COLUMNS_MAX];
    const uint32_t first = versions ? VERSION_COLUMNS : 0;
    const uint32_t skipped = versions ? 1 : 0;
    uint32_t count = first;
    memcpy(columns, version_columns, first * sizeof(columns[0]));
    for (uint32_t i = skipped; kind->columns[i] != NULL; i++)
        columns[count++] = kind->columns[i];
    const bool csv_wanted = output->format == RC_OUTPUT_CSV;
    const uint32_t shown = csv_wanted ? count : first + kind->table_columns - skipped;
    char alignments[VERSION_COLUMNS + RC_RESOURCE_COLUMNS_MAX + 1] = "llllllll";
    alignments[shown] = '\0';
    const struct rc_paint paint = rc_paint_of(stdout, output->color);
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new(alignments);
    struct rc_csv_writer csv = {.out = stdout};
    for (uint32_t i = 0; i < shown && csv_wanted; i++)
        rc_csv_text(&csv, columns[i]);
    if (csv_wanted)
        rc_csv_end_row(&csv);
    for (uint32_t i = 0; i < shown; i++)
        rc_table_add(table, "%s", columns[i]);
    for (size_t i = 0; i < all->count; i++) {
        const char *cells[VERSION_COLUMNS + RC_RESOURCE_COLUMNS_MAX] = {NULL};
        kind->cells(session->arena, all->items[i], cells + first - skipped);
        if (versions)
            version_cells(session->arena, all->items[i], cells);
        for (uint32_t c = 0; c < shown; c++) {
            if (csv_wanted)
                rc_csv_text(&csv, cells[c]);
            else
                rc_table_add(table, "%s", cells[c]);
        }
        if (csv_wanted)
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

/* Gathers what a list has, page by page. field: where its replies have it; request has all but the
 * page. */
static enum rc_exit_code
gather(struct rc_session *session,
       const char *method,
       const struct rc_resource_call *call,
       ProtobufCMessage *request,
       const char *field,
       struct rc_pointer_list *all)
{
    ProtobufCMessage *reply = NULL;
    const char *token;
    *(int32_t *)rc_message_member(request, "page_size") = PAGE_SIZE;
    do {
        const enum rc_exit_code code =
            rc_session_call(session, method, request, call->reply, &reply);
        if (code != RC_EXIT_OK)
            return code;
        ProtobufCMessage **items = *(ProtobufCMessage ***)rc_message_member(reply, field);
        for (size_t i = 0; i < *count_of(reply, field); i++)
            rc_pointer_list_add(session->arena, all, items[i]);
        token = *(char **)rc_message_member(reply, "next_page_token");
        *(const char **)rc_message_member(request, "page_token") = token;
    } while (*token != '\0');
    return RC_EXIT_OK;
}

static void
print_list(struct rc_session *session,
           const struct rc_output_options *output,
           const struct rc_resource_kind *kind,
           const struct rc_resource_call *call,
           const char *field,
           const struct rc_pointer_list *all)
{
    if (output->format != RC_OUTPUT_JSON) {
        print(session, output, kind, call == &kind->versions_call, all);
        return;
    }
    ProtobufCMessage *whole = message_new(session->arena, call->reply);
    *count_of(whole, field) = all->count;
    *(void **)rc_message_member(whole, field) = all->items;
    rc_message_json_print(stdout, whole);
}

enum rc_exit_code
rc_resource_list(struct rc_session *session,
                 const struct rc_output_options *output,
                 const struct rc_resource_kind *kind)
{
    return rc_resource_list_some(session, output, kind,
                                 message_new(session->arena, kind->list_call.request));
}

enum rc_exit_code
rc_resource_list_some(struct rc_session *session,
                      const struct rc_output_options *output,
                      const struct rc_resource_kind *kind,
                      ProtobufCMessage *request)
{
    const char *field = kind->list != NULL ? kind->list : kind->many;
    struct rc_pointer_list all = {0};
    if (field_of(request, "parent") != NULL)
        *(char **)rc_message_member(request, "parent") = (char *)session->project;
    const enum rc_exit_code code = gather(session, method_of(session, kind, "List", kind->many),
                                          &kind->list_call, request, field, &all);
    if (code == RC_EXIT_OK)
        print_list(session, output, kind, &kind->list_call, field, &all);
    return code;
}

enum rc_exit_code
rc_resource_history(struct rc_session *session,
                    const struct rc_output_options *output,
                    const struct rc_resource_kind *kind,
                    char *name)
{
    ProtobufCMessage *request = message_new(session->arena, kind->versions_call.request);
    const char *method =
        rc_text_format(session->arena, "%s/List%sVersions", kind->service, kind->one);
    struct rc_pointer_list all = {0};
    *(char **)rc_message_member(request, "name") = name;
    const enum rc_exit_code code =
        gather(session, method, &kind->versions_call, request, "versions", &all);
    if (code == RC_EXIT_OK)
        print_list(session, output, kind, &kind->versions_call, "versions", &all);
    return code;
}

/* The one of this full name, as it is (version 0) or was. */
static enum rc_exit_code
get(struct rc_session *session,
    const struct rc_resource_kind *kind,
    char *name,
    uint64_t version,
    ProtobufCMessage **ret_one)
{
    ProtobufCMessage *request = message_new(session->arena, kind->get_call.request);
    ProtobufCMessage *reply = NULL;
    *(char **)rc_message_member(request, "name") = name;
    if (version != 0)
        *(uint64_t *)rc_message_member(request, "version") = version;
    const enum rc_exit_code code = rc_session_call(
        session, method_of(session, kind, "Get", kind->one), request, kind->get_call.reply, &reply);
    if (code == RC_EXIT_OK)
        *ret_one = *(ProtobufCMessage **)rc_message_member(reply, kind->field);
    return code;
}

enum rc_exit_code
rc_resource_show(struct rc_session *session,
                 const struct rc_output_options *output,
                 const struct rc_resource_kind *kind,
                 char *name,
                 uint64_t version)
{
    ProtobufCMessage *one = NULL;
    struct rc_pointer_list all = {0};
    const enum rc_exit_code code = get(session, kind, name, version, &one);
    if (code != RC_EXIT_OK || one == NULL)
        return code;
    rc_pointer_list_add(session->arena, &all, one);
    if (output->format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, one);
    else
        print(session, output, kind, false, &all);
    return RC_EXIT_OK;
}

/* A request of a change, with the thing in it. */
static ProtobufCMessage *
change_request(struct rc_session *session,
               const struct rc_resource_kind *kind,
               const struct rc_resource_call *call,
               ProtobufCMessage *thing,
               const char *author)
{
    ProtobufCMessage *request = message_new(session->arena, call->request);
    *(ProtobufCMessage **)rc_message_member(request, kind->field) = thing;
    if (author != NULL)
        *(char **)rc_message_member(request, "author") = (char *)author;
    return request;
}

enum rc_exit_code
rc_resource_save(struct rc_session *session,
                 const struct rc_resource_kind *kind,
                 const char *id,
                 ProtobufCMessage *thing,
                 const char *author,
                 bool replace)
{
    struct rc_call_error error;
    ProtobufCMessage *reply = NULL;
    ProtobufCMessage *create = change_request(session, kind, &kind->create_call, thing, author);
    *(char **)rc_message_member(create, "parent") = (char *)session->project;
    *(char **)rc_message_member(create, rc_text_format(session->arena, "%s_id", kind->field)) =
        (char *)id;
    enum rc_exit_code code = rc_session_try(session, method_of(session, kind, "Create", kind->one),
                                            create, kind->create_call.reply, &reply, &error);
    if (code == RC_EXIT_CONFLICT && replace) {
        *(char **)rc_message_member(thing, "name") = rc_session_name(session, kind->many, id);
        code = rc_session_try(session, method_of(session, kind, "Update", kind->one),
                              change_request(session, kind, &kind->update_call, thing, author),
                              kind->update_call.reply, &reply, &error);
    }
    if (code != RC_EXIT_OK)
        rc_session_print_error(session, &error);
    return code;
}

enum rc_exit_code
rc_resource_restore(struct rc_session *session,
                    const struct rc_resource_kind *kind,
                    char *name,
                    uint64_t version,
                    const char *author)
{
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    ProtobufCMessage *thing = NULL;
    ProtobufCMessage *reply = NULL;
    const enum rc_exit_code code = get(session, kind, name, version, &thing);
    if (code != RC_EXIT_OK)
        return code;
    *(const char **)rc_message_member(thing, "etag") = "";
    mask.paths = (char **)(uintptr_t)kind->paths;
    while (kind->paths[mask.n_paths] != NULL)
        mask.n_paths++;
    ProtobufCMessage *request = change_request(session, kind, &kind->update_call, thing, author);
    *(Google__Protobuf__FieldMask **)rc_message_member(request, "update_mask") = &mask;
    return rc_session_call(session, method_of(session, kind, "Update", kind->one), request,
                           kind->update_call.reply, &reply);
}

enum rc_exit_code
rc_resource_delete(struct rc_session *session,
                   const struct rc_resource_kind *kind,
                   char *name,
                   bool force)
{
    ProtobufCMessage *request = message_new(session->arena, kind->delete_call.request);
    ProtobufCMessage *reply = NULL;
    *(char **)rc_message_member(request, "name") = name;
    if (force)
        *(protobuf_c_boolean *)rc_message_member(request, "force") = 1;
    return rc_session_call(session, method_of(session, kind, "Delete", kind->one), request,
                           kind->delete_call.reply, &reply);
}
