/* Entries that are created together: all that the requests make, or nothing. */
#include <stdio.h>

#include "engine/base/limits.h"
#include "server/decode/fields.h"
#include "server/encode/encode.h"
#include "server/entry/entries_form.h"

/* What a request among others says of whom it is asked by and where stands before all of them. */
static enum rc_status
check_inner(struct rc_decode *decode, const ProtobufCMessage *in, const char *parent)
{
    const char *own = rc_field_text(in, "parent");
    if (own[0] != '\0' && strcmp(own, parent) != 0)
        return rc_decode_fail(decode, RC_INVALID, "parent",
                              "it is another project than that of all requests");
    if (rc_field_text(in, "request_id")[0] != '\0')
        return rc_decode_fail(decode, RC_INVALID, "request_id",
                              "the requests have one id together, beside them");
    if (rc_field_text(in, "author")[0] != '\0')
        return rc_decode_fail(decode, RC_INVALID, "author",
                              "the requests have one author together, beside them");
    return RC_OK;
}

/* What the requests of a BatchCreate make. */
struct batch {
    struct rc_catalog_entry *entries;
    struct rc_reference **references; /* Of each. */
};

/* What bounds one predicate bounds each of them. */
static enum rc_status
read_batch(struct rc_decode *decode,
           const struct rc_entry_kind *kind,
           const char *parent,
           ProtobufCMessage *const *requests,
           size_t count,
           const struct batch *batch)
{
    uint32_t steps = 0;
    for (size_t i = 0; i < count; i++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
        struct rc_catalog_entry *entry = &batch->entries[i];
        const size_t mark = rc_decode_enter_item(decode, "requests", i);
        decode->pattern_steps = 0;
        decode->predicate_nodes = 0;
        decode->references = NULL;
        RC_TRY(check_inner(decode, requests[i], parent));
        RC_TRY(rc_entry_read_create(decode, kind, requests[i], &writer, entry));
        steps += decode->pattern_steps;
        if (steps > RC_PATTERN_STEPS_CREATED_MAX)
            return rc_decode_fail(decode, RC_INVALID, "",
                                  "the regular expressions up to here are too large together: "
                                  "create fewer at once");
        batch->references[i] = decode->references;
        entry->payload.data = rc_arena_copy(decode->arena, writer.data, writer.size);
        if (entry->payload.data == NULL)
            return rc_decode_no_memory(decode);
        rc_decode_leave(decode, mark);
    }
    return RC_OK;
}

/* Takes what the requests before one make out of its references: it will be there. */
static struct rc_reference *
references_outside(const struct batch *batch, uint32_t index)
{
    struct rc_reference *left = batch->references[index];
    for (struct rc_reference **at = &left; *at != NULL;) {
        bool inside = false;
        for (uint32_t i = 0; i < index && !inside; i++)
            inside = rc_bytes_equal(batch->entries[i].name, (*at)->id);
        if (inside)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
    return left;
}

static enum rc_status
name_batch_failure(struct rc_request *request,
                   const struct rc_entry_kind *kind,
                   struct rc_decode *decode,
                   const struct batch *batch,
                   uint32_t failed,
                   enum rc_status status)
{
    decode->references = references_outside(batch, failed);
    char before[32];
    char whole[RC_ERROR_FIELD_BYTES];
    (void)rc_entry_put_failure(request, kind, decode, batch->entries[failed].name, 0, status);
    (void)snprintf(before, sizeof(before), "requests[%u]", failed);
    (void)snprintf(whole, sizeof(whole), "%s.", before);
    if (strncmp(request->error->field, whole, strlen(whole)) != 0)
        rc_error_prefix(request->error, "%s", before); /* What was decoded has it. */
    return status;
}

enum rc_status
rc_entry_batch_create(struct rc_request *request,
                      const struct rc_entry_kind *kind,
                      const ProtobufCMessage *in,
                      ProtobufCMessage *out)
{
    struct rc_decode decode = rc_request_decode(request);
    const char *parent = rc_field_text(in, "parent");
    size_t count = 0;
    ProtobufCMessage *const *requests = rc_field_messages(in, "requests", &count);
    struct batch batch;
    ProtobufCMessage **list = NULL;
    struct rc_asked asked;
    bool known = false;
    RC_TRY(rc_decode_project(&decode, "parent", parent, &decode.project));
    if (count == 0 || count > RC_ENTRIES_CREATED_MAX)
        return rc_decode_fail(&decode, RC_INVALID, "requests", "from 1 to %u are created at once",
                              RC_ENTRIES_CREATED_MAX);
    RC_NEW_ARRAY(request->arena, batch.entries, struct rc_catalog_entry, count);
    RC_NEW_ARRAY(request->arena, batch.references, struct rc_reference *, count);
    RC_NEW_ARRAY(request->arena, list, ProtobufCMessage *, count);
    RC_TRY(rc_entry_begin_change(request, kind, decode.project, in, &asked, &known, batch.entries,
                                 (uint32_t)count));
    if (!known) {
        struct rc_catalog_entry *stored;
        uint32_t failed = 0;
        RC_NEW_ARRAY(request->arena, stored, struct rc_catalog_entry, count);
        RC_TRY(read_batch(&decode, kind, parent, requests, count, &batch));
        const enum rc_status status = rc_engine_create_entries(
            request->server->engine, decode.project, kind->catalog, batch.entries, (uint32_t)count,
            &asked, request->arena, stored, &failed, request->error);
        if (status != RC_OK && failed < count)
            return name_batch_failure(request, kind, &decode, &batch, failed, status);
        if (status != RC_OK)
            return rc_entry_failure(request, kind, decode.project, (struct rc_bytes){"", 0},
                                    status);
        batch.entries = stored;
    }
    for (size_t i = 0; i < count; i++)
        RC_TRY(rc_entry_encode(request, kind, decode.project, &batch.entries[i], &list[i]));
    *(ProtobufCMessage ***)rc_field(out, kind->list) = list;
    *rc_field_count(out, kind->list) = count;
    return RC_OK;
}
