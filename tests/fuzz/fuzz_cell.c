/*
 * Cells: the first byte is the kind of question, the second how many bytes the place takes; then
 * come the place, a packed Cell, and the packed request. Behind its seal a handle is bytes from
 * outside like any other. What is let in must be let in again from its stored form.
 */
#include <recount/v1/experiment.pb-c.h>

#include "server/query/cells.h"
#include "tests/fuzz/fuzz.h"

/* More than there are kinds. */
#define KINDS_DRAWN 16u

/* As every request has that was answered. */
static bool
has_scope(const ProtobufCMessage *question)
{
    if (question->descriptor == &recount__v1__experiment_request__descriptor) {
        const Recount__V1__ExperimentRequest *experiment =
            (const Recount__V1__ExperimentRequest *)question;
        return experiment->subject_case != RECOUNT__V1__EXPERIMENT_REQUEST__SUBJECT__NOT_SET &&
               has_scope((const ProtobufCMessage *)experiment->funnel); /* Or the mean. */
    }
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(question->descriptor, "scope");
    return *(void *const *)(const void *)((const char *)question + field->offset) != NULL;
}

/* The stored form gives the same cell. */
static void
store(const struct rc_segment *segment, struct rc_arena *arena)
{
    struct rc_error error = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    if (rc_segment_check(segment, &error) != RC_OK)
        return;
    rc_segment_write(&writer, segment);
    const struct rc_bytes written = fuzz_written(&writer);
    struct rc_reader reader = rc_reader_of(written.data, written.size);
    const struct rc_segment *again;
    const struct rc_chart_cell *cell;
    FUZZ_CHECK(rc_segment_read(&reader, arena, &again, &error) == RC_OK);
    FUZZ_CHECK(rc_cell_read_stored(RC_BYTES_LITERAL("p"), again->stored, arena, &cell, &error) ==
               RC_OK);
    FUZZ_CHECK(cell->kind == segment->cell->kind && cell->row == segment->cell->row &&
               cell->labels == segment->cell->labels);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size < 2u + data[1])
        return 0;
    const uint32_t kind = data[0] % KINDS_DRAWN;
    const ProtobufCMessageDescriptor *form = rc_cell_question(kind);
    const struct rc_bytes place = {(const char *)data + 2, data[1]};
    const struct rc_bytes packed = {place.data + place.size, size - 2 - place.size};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_error error = {0};
    ProtobufCMessage *question;
    ProtobufCMessage *message;
    if (form == NULL ||
        rc_decode_message(&recount__v1__cell__descriptor, place, arena, &message, &error) !=
            RC_OK ||
        rc_decode_message(form, packed, arena, &question, &error) != RC_OK)
        return 0;
    if (!has_scope(question))
        return 0;
    Recount__V1__Cell *cell = (Recount__V1__Cell *)message;
    struct rc_request request = {.arena = arena, .error = &error};
    const struct rc_scope scope = {.as_of_ms = 1700000000000};
    FUZZ_CHECK(rc_cell_handle(&request, (enum rc_chart_cell_kind)kind, question, &scope, size,
                              &cell->handle) == RC_OK);
    struct rc_decode decode = {
        .arena = arena, .error = &error, .project = RC_BYTES_LITERAL("p"), .stores = true};
    struct rc_segment segment = {.kind = RC_SEGMENT_CELL};
    error = (struct rc_error){0};
    enum rc_status status = rc_decode_cell(&decode, cell, RC_BYTES_LITERAL(""), &segment.cell);
    if (status == RC_OK)
        status = rc_decode_stored_cell(&decode, cell, NULL, &segment);
    FUZZ_CHECK(status == RC_OK || (status == error.status && error.message[0] != '\0'));
    if (status == RC_OK)
        store(&segment, arena);
    return 0;
}
