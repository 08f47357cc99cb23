/*
 * The log: two groups of records and one thread.
 *
 * Appenders fill one group under the mutex while the thread writes, syncs and delivers the other;
 * then they change places. So one group at most is in flight, and what a frame says is durable
 * ("synced", see wal_format.h) is simply everything before its group. A group that does not fit the
 * rest of the file is committed in parts, each with its own write and sync.
 *
 * Sequences are given when a part is written, not at append: a part that fails for want of space
 * gives its numbers back, and the log has no gaps. Before such a failure is reported, whatever was
 * written of the part is overwritten with zeros and synced: "not durable" must stay true after a
 * restart.
 *
 * When nothing is left to do the thread writes a marker, unsynced, and at close a synced one, and
 * the mark: they let a later start recognize damage in the last group as well.
 *
 * Invariants: delivered_count <= appended_count, equal when both groups are empty; pending_bytes is
 * what the two groups hold; position, sequence_last and file belong to the thread.
 */
#include "engine/durable/wal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/base/clock.h"
#include "engine/base/thread.h"
#include "engine/durable/wal_files.h"
#include "engine/durable/wal_group.h"
#include "engine/durable/wal_replay.h"

#define ERASE_PIECE_BYTES 65536
/* The next file is asked for when this part of one is used: early, since a load fills a file in
 * half a second and to make one takes as long; not at once, since most logs never need it. */
#define READY_PART 16
/* What a group keeps when nothing was logged for so long: a load leaves megabytes. */
#define IDLE_BYTES 16384u
#define IDLE_S 1

struct rc_wal {
    struct rc_wal_options options; /* directory is not kept. */
    struct rc_wal_files *files;
    uint64_t payload_bytes_max;

    /* The thread's own. */
    struct rc_file *file;
    struct rc_wal_file live;
    uint64_t position;
    uint64_t sequence_last;
    bool marked; /* The marker at position says sequence_last. */
    uint64_t writing_ns;

    pthread_mutex_t mutex;
    pthread_cond_t work;      /* For the thread: a record came, or close. */
    pthread_cond_t delivered; /* For appenders and drains: a group was delivered. */
    struct rc_wal_group groups[2];
    unsigned filling; /* Index of the group that appenders fill. */
    uint64_t pending_bytes;
    uint64_t appended_count;
    uint64_t delivered_count;
    struct rc_wal_stats stats;
    struct rc_error broken_error;
    bool broken;
    bool stopping;
    bool turn_wanted; /* The thread is to go on in a new file. */
    enum rc_status turn_status;
    struct rc_error turn_error;
    pthread_t thread;
    bool thread_started;
};

/* ---- the thread ---- */

static void
break_log(struct rc_wal *wal, const struct rc_error *error)
{
    pthread_mutex_lock(&wal->mutex);
    wal->broken = true;
    wal->broken_error = *error;
    memcpy(wal->stats.broken, error->message, sizeof(wal->stats.broken));
    pthread_mutex_unlock(&wal->mutex);
    if (wal->options.on_broken != NULL)
        wal->options.on_broken(wal->options.context, error);
}

static enum rc_status
sync_file(struct rc_wal *wal, struct rc_error *reterr_error)
{
    pthread_mutex_lock(&wal->mutex);
    wal->stats.synced_count++;
    pthread_mutex_unlock(&wal->mutex);
    return rc_file_sync(wal->file, reterr_error);
}

static void
deliver(struct rc_wal *wal,
        const struct rc_wal_group *group,
        size_t first,
        size_t count,
        uint64_t sequence,
        enum rc_status status)
{
    for (size_t i = 0; i < count; i++)
        wal->options.on_durable(wal->options.context, status == RC_OK ? sequence + i : 0,
                                rc_wal_group_payload(group, first + i),
                                group->entries[first + i].token, status);
}

/* Takes back a part that the disk had no room for. */
static enum rc_status
erase(struct rc_wal *wal, size_t bytes, struct rc_error *reterr_error)
{
    static const unsigned char zeros[ERASE_PIECE_BYTES];
    for (size_t done = 0; done < bytes; done += sizeof(zeros)) {
        const size_t left = bytes - done;
        RC_TRY(rc_file_write_at(wal->file, zeros, left < sizeof(zeros) ? left : sizeof(zeros),
                                wal->position + done, reterr_error));
    }
    return sync_file(wal, reterr_error);
}

/*
 * Makes a part durable.
 *   RC_OK        position and sequence_last are past it.
 *   RC_NO_SPACE  nothing of it is on disk; the log is as it was.
 *   Else         the log must be broken.
 */
static enum rc_status
commit_part(struct rc_wal *wal,
            struct rc_wal_group *group,
            size_t first,
            size_t count,
            size_t bytes,
            struct rc_error *reterr_error)
{
    rc_wal_group_number(group, first, count, wal->live.header.salt, wal->sequence_last + 1);
    wal->marked = false;
    const enum rc_status written = rc_file_write_at(
        wal->file, group->data + group->entries[first].offset, bytes, wal->position, reterr_error);
    if (written == RC_NO_SPACE) {
        const enum rc_status erased = erase(wal, bytes, reterr_error);
        return erased == RC_OK ? RC_NO_SPACE : RC_IO;
    }
    RC_TRY(written);
    if (sync_file(wal, reterr_error) != RC_OK)
        return RC_IO;
    wal->position += bytes;
    wal->sequence_last += count;
    pthread_mutex_lock(&wal->mutex);
    wal->stats.sequence_last = wal->sequence_last;
    wal->stats.written_bytes += bytes;
    wal->stats.live_bytes = wal->position - RC_WAL_HEADER_BYTES;
    pthread_mutex_unlock(&wal->mutex);
    return RC_OK;
}

/* RC_NO_SPACE, RC_NO_MEMORY: the log is as it was. */
static enum rc_status
next_file(struct rc_wal *wal, struct rc_error *reterr_error)
{
    struct rc_wal_file live;
    struct rc_file *file;
    RC_TRY(rc_wal_files_next(wal->files, wal->sequence_last + 1, &live, &file, reterr_error));
    rc_file_close(wal->file);
    wal->file = file;
    wal->live = live;
    wal->position = RC_WAL_HEADER_BYTES;
    wal->marked = false;
    pthread_mutex_lock(&wal->mutex);
    wal->stats.live_bytes = 0;
    pthread_mutex_unlock(&wal->mutex);
    return RC_OK;
}

static void
commit_group(struct rc_wal *wal, struct rc_wal_group *group)
{
    struct rc_error error;
    enum rc_status status = RC_OK;
    size_t first = 0;
    while (status == RC_OK && first < group->entry_count) {
        size_t bytes;
        const size_t count = rc_wal_group_fit(group, first, wal->live.size - wal->position, &bytes);
        if (count == 0) {
            status = next_file(wal, &error);
            continue;
        }
        status = commit_part(wal, group, first, count, bytes, &error);
        if (status == RC_OK) {
            deliver(wal, group, first, count, wal->sequence_last - count + 1, RC_OK);
            first += count;
        }
    }
    if (status == RC_OK)
        return;
    if (status != RC_NO_SPACE && status != RC_NO_MEMORY) {
        break_log(wal, &error);
        status = RC_UNAVAILABLE;
    }
    if (status == RC_NO_SPACE) {
        pthread_mutex_lock(&wal->mutex);
        wal->stats.refused_count += group->entry_count - first;
        pthread_mutex_unlock(&wal->mutex);
    }
    deliver(wal, group, first, group->entry_count - first, 0, status);
}

/* Best effort: a marker that is missing costs a diagnosis, not a record. */
static void
write_marker(struct rc_wal *wal, bool synced)
{
    if (wal->live.size - wal->position < RC_WAL_FRAME_BYTES)
        return;
    const struct rc_wal_frame marker = {
        .salt = wal->live.header.salt,
        .sequence = wal->sequence_last + 1,
        .synced = wal->sequence_last,
        .payload_crc = rc_crc32c(NULL, 0),
        .kind = RC_WAL_MARKER,
    };
    unsigned char bytes[RC_WAL_FRAME_BYTES];
    rc_wal_frame_encode(&marker, bytes);
    enum rc_status status = RC_OK;
    if (!wal->marked)
        status = rc_file_write_at(wal->file, bytes, sizeof(bytes), wal->position, NULL);
    wal->marked = status == RC_OK;
    if (synced && status == RC_OK)
        status = sync_file(wal, NULL);
    (void)status;
}

/* Goes on in a new file, as rc_wal_begin_erasing asked for. Called with the mutex held. */
static void
turn_file(struct rc_wal *wal)
{
    struct rc_error error;
    enum rc_status status = RC_UNAVAILABLE;
    const bool possible = !wal->broken && wal->position > RC_WAL_HEADER_BYTES;
    pthread_mutex_unlock(&wal->mutex);
    if (possible)
        status = next_file(wal, &error);
    if (status == RC_OK && sync_file(wal, &error) != RC_OK)
        status = RC_IO;
    if (!possible)
        rc_error_set(&error, status, "the log cannot go on in a new file now");
    if (possible && status != RC_OK && status != RC_NO_SPACE && status != RC_NO_MEMORY)
        break_log(wal, &error);
    pthread_mutex_lock(&wal->mutex);
    wal->turn_wanted = false;
    wal->turn_status = status;
    if (status != RC_OK)
        wal->turn_error = error;
    pthread_cond_broadcast(&wal->delivered);
}

/* Waits until there is something to do, or a while. Called with the mutex held, both groups empty.
 */
static void
wait_for_work(struct rc_wal *wal)
{
    struct timespec until;
    if (wal->groups[0].capacity <= IDLE_BYTES && wal->groups[1].capacity <= IDLE_BYTES) {
        pthread_cond_wait(&wal->work, &wal->mutex);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_S;
    if (pthread_cond_timedwait(&wal->work, &wal->mutex, &until) != ETIMEDOUT)
        return;
    for (unsigned i = 0; i < 2; i++)
        if (wal->groups[i].entry_count == 0)
            rc_wal_group_reset(&wal->groups[i], IDLE_BYTES);
}

static void *
log_main(void *argument)
{
    struct rc_wal *wal = argument;
    rc_thread_set_urgency(RC_URGENCY_FIRST); /* All projects wait for it. */
    pthread_mutex_lock(&wal->mutex);
    for (;;) {
        if (wal->turn_wanted)
            turn_file(wal);
        struct rc_wal_group *group = &wal->groups[wal->filling];
        if (group->entry_count == 0 && wal->stopping)
            break;
        if (group->entry_count == 0) {
            if (!wal->turn_wanted)
                wait_for_work(wal);
            continue;
        }
        wal->filling ^= 1U;
        const bool broken = wal->broken;
        pthread_mutex_unlock(&wal->mutex);

        wal->writing_ns = rc_clock_monotonic_ns();
        if (broken)
            deliver(wal, group, 0, group->entry_count, 0, RC_UNAVAILABLE);
        else
            commit_group(wal, group);
        if (wal->position > wal->live.size / READY_PART)
            rc_wal_files_prepare(wal->files);

        pthread_mutex_lock(&wal->mutex);
        wal->delivered_count += group->entry_count;
        wal->pending_bytes -= group->size;
        rc_wal_group_reset(group, wal->options.buffer_bytes_max);
        pthread_cond_broadcast(&wal->delivered);
        if (wal->groups[wal->filling].entry_count == 0 && !wal->broken && !wal->stopping) {
            pthread_mutex_unlock(&wal->mutex);
            write_marker(wal, false);
            pthread_mutex_lock(&wal->mutex);
        }
    }
    const bool broken = wal->broken;
    pthread_mutex_unlock(&wal->mutex);
    if (!broken) {
        write_marker(wal, true);
        rc_wal_files_finish(wal->files, &wal->live, wal->sequence_last);
    }
    return NULL;
}

/* ---- the face ---- */

static struct rc_wal *
wal_new(const struct rc_wal_options *options)
{
    struct rc_wal *wal = rc_alloc_zero(sizeof(*wal));
    if (wal == NULL)
        return NULL;
    pthread_mutex_init(&wal->mutex, NULL);
    pthread_cond_init(&wal->work, NULL);
    pthread_cond_init(&wal->delivered, NULL);
    wal->options = *options;
    wal->options.directory = NULL;
    return wal;
}

enum rc_status
rc_wal_open(const struct rc_wal_options *options,
            struct rc_wal **ret_wal,
            struct rc_error *reterr_error)
{
    RC_ASSERT(options->on_replay != NULL && options->on_durable != NULL);
    RC_CLEANUP(rc_wal_closep) struct rc_wal *wal = wal_new(options);
    if (wal == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the log");
    RC_TRY(rc_wal_files_open(options->disk, options->directory, options->file_bytes, options->mark,
                             &wal->files, reterr_error));
    struct rc_wal_tail tail;
    RC_TRY(rc_wal_replay(options, wal->files, &tail, reterr_error));
    wal->file = tail.file;
    wal->live = tail.live;
    wal->position = tail.position;
    wal->sequence_last = tail.sequence_last;
    wal->stats.sequence_last = tail.sequence_last;
    wal->stats.replayed_count = tail.replayed_count;
    wal->stats.torn_bytes = tail.torn_bytes;
    RC_TRY(rc_wal_files_start(wal->files, tail.sequence_last, reterr_error));
    if (wal->file == NULL)
        RC_TRY(next_file(wal, reterr_error));
    wal->stats.live_bytes = wal->position - RC_WAL_HEADER_BYTES;
    if (options->file_bytes - RC_WAL_HEADER_BYTES - RC_WAL_FRAME_BYTES < UINT32_MAX)
        wal->payload_bytes_max = options->file_bytes - RC_WAL_HEADER_BYTES - RC_WAL_FRAME_BYTES;
    else
        wal->payload_bytes_max = UINT32_MAX;
    if (pthread_create(&wal->thread, NULL, log_main, wal) != 0)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "cannot start the log's thread");
    wal->thread_started = true;
    *ret_wal = RC_TAKE(wal);
    return RC_OK;
}

struct rc_wal *
rc_wal_close(struct rc_wal *wal)
{
    if (wal == NULL)
        return NULL;
    if (wal->thread_started) {
        pthread_mutex_lock(&wal->mutex);
        wal->stopping = true;
        pthread_cond_signal(&wal->work);
        pthread_mutex_unlock(&wal->mutex);
        pthread_join(wal->thread, NULL);
        RC_ASSERT(wal->delivered_count == wal->appended_count && wal->pending_bytes == 0);
    }
    rc_wal_files_close(wal->files);
    rc_file_close(wal->file);
    rc_wal_group_close(&wal->groups[0]);
    rc_wal_group_close(&wal->groups[1]);
    pthread_cond_destroy(&wal->delivered);
    pthread_cond_destroy(&wal->work);
    pthread_mutex_destroy(&wal->mutex);
    return rc_alloc_free(wal);
}

enum rc_status
rc_wal_append(struct rc_wal *wal,
              struct rc_bytes head,
              struct rc_bytes body,
              void *token,
              struct rc_error *reterr_error)
{
    const uint64_t payload_bytes = (uint64_t)head.size + body.size;
    if (payload_bytes > wal->payload_bytes_max)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "a log record of %llu bytes is over the limit of %llu bytes",
                            (unsigned long long)payload_bytes,
                            (unsigned long long)wal->payload_bytes_max);
    const uint64_t bytes = rc_wal_record_bytes(payload_bytes);
    const uint32_t crc = rc_crc32c_extend(rc_crc32c(head.data, head.size), body.data, body.size);

    pthread_mutex_lock(&wal->mutex);
    RC_ASSERT(!wal->stopping);
    while (!wal->broken && wal->pending_bytes > 0 &&
           wal->pending_bytes + bytes > wal->options.buffer_bytes_max)
        pthread_cond_wait(&wal->delivered, &wal->mutex);
    enum rc_status status;
    if (wal->broken) {
        status = rc_error_set(reterr_error, RC_UNAVAILABLE,
                              "the log takes no more records until a restart: %.300s",
                              wal->broken_error.message);
    } else {
        status = rc_wal_group_add(&wal->groups[wal->filling], head, body, crc, token);
        if (status != RC_OK)
            rc_error_set(reterr_error, status, "no memory for a log record");
    }
    if (status == RC_OK) {
        wal->appended_count++;
        wal->pending_bytes += bytes;
        pthread_cond_signal(&wal->work);
    }
    pthread_mutex_unlock(&wal->mutex);
    return status;
}

void
rc_wal_drain(struct rc_wal *wal)
{
    pthread_mutex_lock(&wal->mutex);
    const uint64_t target = wal->appended_count;
    while (wal->delivered_count < target)
        pthread_cond_wait(&wal->delivered, &wal->mutex);
    pthread_mutex_unlock(&wal->mutex);
}

enum rc_status
rc_wal_trim(struct rc_wal *wal, uint64_t sequence, uint64_t pause_ns, struct rc_error *reterr_error)
{
    return rc_wal_files_trim(wal->files, sequence, pause_ns, reterr_error);
}

enum rc_status
rc_wal_begin_erasing(struct rc_wal *wal, struct rc_error *reterr_error)
{
    RC_TRY(rc_wal_files_begin_erasing(wal->files, reterr_error));
    pthread_mutex_lock(&wal->mutex);
    RC_ASSERT(!wal->stopping && !wal->turn_wanted);
    wal->turn_wanted = true;
    pthread_cond_signal(&wal->work);
    while (wal->turn_wanted)
        pthread_cond_wait(&wal->delivered, &wal->mutex);
    const enum rc_status status = wal->turn_status;
    if (status != RC_OK && reterr_error != NULL)
        *reterr_error = wal->turn_error;
    pthread_mutex_unlock(&wal->mutex);
    return status;
}

void
rc_wal_end_erasing(struct rc_wal *wal)
{
    rc_wal_files_end_erasing(wal->files);
}

enum rc_status
rc_wal_check(struct rc_wal *wal, struct rc_error *reterr_error)
{
    return rc_wal_files_check(wal->files, reterr_error);
}

uint64_t
rc_wal_log(const struct rc_wal *wal)
{
    return rc_wal_files_log(wal->files);
}

uint64_t
rc_wal_writing_ns(const struct rc_wal *wal)
{
    return wal->writing_ns;
}

void
rc_wal_get_stats(struct rc_wal *wal, struct rc_wal_stats *ret_stats)
{
    pthread_mutex_lock(&wal->mutex);
    *ret_stats = wal->stats;
    pthread_mutex_unlock(&wal->mutex);
    ret_stats->synced_count += rc_wal_files_sync_count(wal->files);
    ret_stats->live_bytes += rc_wal_files_older_bytes(wal->files);
}
