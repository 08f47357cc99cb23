/*
 * Replay at a start: the log's records are applied, one after the other, by a thread of their own,
 * while the opening thread reads and verifies the next ones and decodes their batches, which needs
 * nothing of the projects, and makes the end of the log durable.
 *
 * Records go over in groups of a megabyte, so that small ones do not wake a thread each. There are
 * two groups: one is filled while the other is applied. A log that is no longer than a group needs
 * no thread, and where none can be started the opening thread applies all of it itself.
 */
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/assert.h"
#include "engine/face/engine_state.h"

static void
take_error(struct rc_replay *replay, struct rc_error *reterr_error)
{
    if (replay->status != RC_OK && reterr_error != NULL)
        *reterr_error = replay->error;
}

static void
apply_group(struct rc_replay *replay, struct rc_replay_group *group)
{
    for (size_t i = 0; i < group->count && replay->status == RC_OK; i++) {
        const struct rc_replay_item *item = &group->items[i];
        replay->status = rc_log_replay(replay->engine, item->sequence, item->payload, item->batch,
                                       &replay->error);
    }
}

static void *
replay_main(void *argument)
{
    struct rc_replay *replay = argument;
    pthread_mutex_lock(&replay->lock);
    for (;;) {
        while (!replay->handed && !replay->ending)
            pthread_cond_wait(&replay->moved, &replay->lock);
        if (!replay->handed)
            break;
        struct rc_replay_group *group = &replay->groups[replay->filling ^ 1U];
        pthread_mutex_unlock(&replay->lock);
        apply_group(replay, group);
        pthread_mutex_lock(&replay->lock);
        replay->handed = false;
        pthread_cond_broadcast(&replay->moved);
    }
    pthread_mutex_unlock(&replay->lock);
    return NULL;
}

/* Waits until the other group is applied. */
static enum rc_status
wait_for_other(struct rc_replay *replay)
{
    pthread_mutex_lock(&replay->lock);
    while (replay->handed)
        pthread_cond_wait(&replay->moved, &replay->lock);
    pthread_mutex_unlock(&replay->lock);
    return replay->status;
}

static void
empty(struct rc_replay_group *group)
{
    group->count = 0;
    group->bytes = 0;
    if (group->arena != NULL)
        rc_arena_reset(group->arena);
}

/* Gives the group that is filled to the thread, once that has done with the other. */
static enum rc_status
hand_over(struct rc_replay *replay)
{
    RC_TRY(wait_for_other(replay));
    if (!replay->thread_runs)
        replay->thread_runs = pthread_create(&replay->thread, NULL, replay_main, replay) == 0;
    if (!replay->thread_runs) {
        apply_group(replay, &replay->groups[replay->filling]);
    } else {
        pthread_mutex_lock(&replay->lock);
        replay->filling ^= 1U;
        replay->handed = true;
        pthread_cond_broadcast(&replay->moved);
        pthread_mutex_unlock(&replay->lock);
    }
    empty(&replay->groups[replay->filling]);
    return replay->thread_runs ? RC_OK : replay->status;
}

/* A copy of a record. A batch that cannot be decoded is left to who applies it, and says why. */
static enum rc_status
fill(struct rc_replay *replay, uint64_t sequence, struct rc_bytes payload)
{
    struct rc_replay_group *group = &replay->groups[replay->filling];
    struct rc_record record;
    if (group->arena == NULL)
        group->arena = rc_arena_new(&replay->engine->account, 0);
    if (group->arena == NULL)
        return RC_NO_MEMORY;
    RC_TRY(RC_GROW(group->items, group->capacity, group->count + 1));
    struct rc_replay_item item = {.sequence = sequence, .payload.size = payload.size};
    item.payload.data = rc_arena_copy(group->arena, payload.data, payload.size);
    struct rc_batch *batch = RC_ARENA_ARRAY(group->arena, struct rc_batch, 1);
    if (item.payload.data == NULL || batch == NULL)
        return RC_NO_MEMORY;
    if (rc_record_read(item.payload, &record, NULL) == RC_OK && record.kind == RC_RECORD_BATCH) {
        struct rc_reader reader = rc_reader_of(record.batch.data, record.batch.size);
        if (rc_batch_read(&reader, group->arena, batch, NULL) == RC_OK)
            item.batch = batch;
    }
    group->items[group->count++] = item;
    group->bytes += payload.size;
    return RC_OK;
}

void
rc_replay_open(struct rc_engine *engine, struct rc_replay *ret_replay)
{
    *ret_replay = (struct rc_replay){.engine = engine};
    pthread_mutex_init(&ret_replay->lock, NULL);
    pthread_cond_init(&ret_replay->moved, NULL);
    engine->replay = ret_replay;
}

void
rc_replay_close(struct rc_replay *replay)
{
    if (replay->engine == NULL)
        return;
    if (replay->thread_runs) {
        pthread_mutex_lock(&replay->lock);
        replay->ending = true;
        pthread_cond_broadcast(&replay->moved);
        pthread_mutex_unlock(&replay->lock);
        pthread_join(replay->thread, NULL);
    }
    for (unsigned i = 0; i < 2; i++) {
        rc_arena_free(replay->groups[i].arena);
        rc_alloc_free(replay->groups[i].items);
    }
    pthread_cond_destroy(&replay->moved);
    pthread_mutex_destroy(&replay->lock);
    replay->engine->replay = NULL;
    *replay = (struct rc_replay){0};
}

enum rc_status
rc_replay_record(void *context,
                 uint64_t sequence,
                 struct rc_bytes payload,
                 struct rc_error *reterr_error)
{
    struct rc_engine *engine = context;
    struct rc_replay *replay = engine->replay;
    RC_TRY_OR(reterr_error, fill(replay, sequence, payload));
    if (replay->groups[replay->filling].bytes < engine->replay_group_bytes)
        return RC_OK;
    const enum rc_status status = hand_over(replay);
    if (status != RC_OK)
        take_error(replay, reterr_error);
    return status;
}

enum rc_status
rc_replay_finish(struct rc_replay *replay, struct rc_error *reterr_error)
{
    struct rc_replay_group *last = &replay->groups[replay->filling];
    if (wait_for_other(replay) == RC_OK)
        apply_group(replay, last);
    empty(last);
    take_error(replay, reterr_error);
    return replay->status;
}
