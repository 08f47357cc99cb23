#include "engine/face/loss.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/intake/batch.h"
#include "engine/intake/record.h"

static struct rc_loss *
loss_of(struct rc_losses *losses, struct rc_bytes project)
{
    for (uint32_t i = 0; i < losses->count; i++)
        if (rc_bytes_equal(losses->list[i].project, project))
            return &losses->list[i];
    if (losses->count == losses->capacity) {
        const uint32_t capacity = losses->capacity == 0 ? 8 : losses->capacity * 2;
        struct rc_loss *list = RC_ARENA_ARRAY(losses->arena, struct rc_loss, capacity);
        if (list == NULL)
            return NULL;
        if (losses->count > 0)
            memcpy(list, losses->list, losses->count * sizeof(list[0]));
        losses->list = list;
        losses->capacity = capacity;
    }
    const char *id = rc_arena_copy(losses->arena, project.data, project.size);
    if (id == NULL)
        return NULL;
    losses->list[losses->count] = (struct rc_loss){.project = {id, project.size}};
    return &losses->list[losses->count++];
}

static enum rc_status
add_batch(struct rc_loss *loss, struct rc_bytes bytes)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    struct rc_batch batch;
    if (arena == NULL)
        return RC_NO_MEMORY;
    loss->batches++;
    const enum rc_status status = rc_batch_read(&reader, arena, &batch, NULL);
    if (status != RC_OK)
        return status == RC_NO_MEMORY ? status : RC_OK;
    loss->events += batch.events.row_count;
    loss->user_writes += batch.writes.row_count;
    loss->aliases += batch.alias_count;
    return RC_OK;
}

enum rc_status
rc_losses_add(struct rc_losses *losses, struct rc_bytes payload)
{
    struct rc_record record;
    if (rc_record_read(payload, &record, NULL) != RC_OK || record.kind == RC_RECORD_NOTHING)
        return RC_OK;
    struct rc_loss *loss = loss_of(losses, record.project);
    if (loss == NULL)
        return RC_NO_MEMORY;
    if (record.kind == RC_RECORD_BATCH)
        return add_batch(loss, record.batch);
    loss->changes++;
    return RC_OK;
}

void
rc_losses_print(const struct rc_losses *losses, char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < losses->count && used < room; i++) {
        const struct rc_loss *loss = &losses->list[i];
        const int size = snprintf(text + used, room - used,
                                  "%s%" PRIu64 " batches with %" PRIu64 " events, %" PRIu64
                                  " changes of \"%.*s\"",
                                  i == 0 ? "" : "; ", loss->batches, loss->events, loss->changes,
                                  (int)loss->project.size, loss->project.data);
        if (size < 0)
            return;
        used += (size_t)size;
    }
}
