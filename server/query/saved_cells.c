/*
 * Cells of saved segments: the message as it was sent, and beside it what its questions name, so
 * that the engine need not understand the one to keep the other.
 */
#include <string.h>

#include <recount/v1/value.pb-c.h>

#include "engine/base/limits.h"
#include "server/query/cells.h"

/* Whether a field holds the name of a property. */
static bool
is_property(const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field)
{
    const size_t size = strlen(field->name);
    const size_t end = sizeof("property") - 1;
    return field->type == PROTOBUF_C_TYPE_STRING &&
           (message == &recount__v1__account_property__descriptor ||
            (size >= end && strcmp(field->name + size - end, "property") == 0));
}

static enum rc_status
note_property(struct rc_decode *decode, const char *name)
{
    struct rc_reference *reference = rc_arena_alloc(decode->arena, sizeof(*reference));
    if (reference == NULL)
        return rc_decode_no_memory(decode);
    *reference = (struct rc_reference){.next = decode->references,
                                       .kind = RC_REFERENCE_PROPERTY,
                                       .project = decode->project,
                                       .id = rc_bytes_of(name),
                                       .field = ""};
    decode->references = reference;
    return RC_OK;
}

/* Every name of a property: one more than is read does no harm. */
enum rc_status
rc_cell_note_properties(struct rc_decode *decode, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        const char *at = (const char *)message + field->offset;
        const void *quantifier = (const char *)message + field->quantifier_offset;
        const bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
        const bool is_choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if ((field->type != PROTOBUF_C_TYPE_MESSAGE && !is_property(descriptor, field)) ||
            (is_choice && *(const uint32_t *)quantifier != field->id))
            continue;
        const size_t count = is_list ? *(const size_t *)quantifier : 1;
        const void *const *items =
            is_list ? *(const void *const *const *)(const void *)at : (const void *)at;
        for (size_t k = 0; k < count; k++) {
            if (field->type == PROTOBUF_C_TYPE_MESSAGE && items[k] != NULL)
                RC_TRY(rc_cell_note_properties(decode, items[k]));
            else if (field->type == PROTOBUF_C_TYPE_STRING && *(const char *)items[k] != '\0')
                RC_TRY(note_property(decode, items[k]));
        }
    }
    return RC_OK;
}

static bool
is_named(const struct rc_segment *segment, const struct rc_reference *reference)
{
    for (uint32_t i = 0; i < segment->name_count; i++)
        if ((int)segment->names[i].kind == (int)reference->kind &&
            rc_bytes_equal(segment->names[i].name, reference->id))
            return true;
    return false;
}

enum rc_status
rc_decode_stored_cell(struct rc_decode *decode,
                      const Recount__V1__Cell *in,
                      const struct rc_reference *before,
                      struct rc_segment *segment)
{
    size_t count = 0;
    for (const struct rc_reference *at = decode->references; at != before; at = at->next)
        count++;
    struct rc_cell_name *names = RC_ARENA_ARRAY(decode->arena, struct rc_cell_name, count + 1);
    segment->stored = rc_message_pack(&in->base, decode->arena);
    if (names == NULL || segment->stored.data == NULL)
        return rc_decode_no_memory(decode);
    segment->names = names;
    for (const struct rc_reference *at = decode->references; at != before; at = at->next) {
        if (is_named(segment, at))
            continue;
        if (segment->name_count == RC_CELL_NAMES_MAX)
            return rc_decode_fail(decode, RC_LIMIT_EXCEEDED, "handle",
                                  "the question of a saved cell names at most %u things",
                                  RC_CELL_NAMES_MAX);
        names[segment->name_count++] =
            (struct rc_cell_name){.kind = (enum rc_catalog_kind)at->kind, .name = at->id};
    }
    return RC_OK;
}

enum rc_status
rc_cell_read_stored(struct rc_bytes project,
                    struct rc_bytes stored,
                    struct rc_arena *arena,
                    const struct rc_chart_cell **ret_cell,
                    struct rc_error *reterr_error)
{
    struct rc_decode decode = {.arena = arena, .error = reterr_error, .project = project};
    ProtobufCMessage *message = NULL;
    RC_TRY(
        rc_decode_message(&recount__v1__cell__descriptor, stored, arena, &message, reterr_error));
    return rc_decode_cell(&decode, (const Recount__V1__Cell *)message, RC_BYTES_LITERAL(""),
                          ret_cell);
}
