/* The log's files are made before anything is timed: a log recycles them, and a case that wrote
 * zeros each time would time that. */
#include "wal_cases.h"

#include <stdlib.h>
#include <string.h>

#include "engine/durable/wal.h"
#include "scratch_folder.h"

#define FILE_BYTES ((uint64_t)32 << 20)

struct case_wal {
    char folder[SCRATCH_FOLDER_BYTES];
    uint32_t record_bytes;
    char *record;
    struct rc_wal *wal;
    uint64_t replay_after;
    uint64_t replayed;
    uint64_t replayed_bytes;
};

static void
must(enum rc_status status)
{
    if (status != RC_OK)
        abort();
}

static enum rc_status
on_replay(void *context, uint64_t sequence, struct rc_bytes payload, struct rc_error *reterr_error)
{
    struct case_wal *made = context;
    (void)sequence, (void)reterr_error;
    made->replayed++;
    made->replayed_bytes += payload.size;
    return RC_OK;
}

static void
on_durable(void *context,
           uint64_t sequence,
           struct rc_bytes payload,
           void *token,
           enum rc_status status)
{
    (void)context, (void)sequence, (void)payload, (void)token;
    must(status);
}

static void
wal_open(struct case_wal *made)
{
    const struct rc_wal_options options = {
        .disk = rc_disk_real(),
        .directory = made->folder,
        .file_bytes = FILE_BYTES,
        .buffer_bytes_max = (uint64_t)8 << 20,
        .replay_after = made->replay_after,
        .on_replay = on_replay,
        .on_durable = on_durable,
        .context = made,
    };
    must(rc_wal_open(&options, &made->wal, NULL));
}

struct case_wal *
case_wal_make(uint32_t record_bytes)
{
    struct case_wal *made = calloc(1, sizeof(*made));
    if (made == NULL || (made->record = malloc(record_bytes)) == NULL)
        abort();
    scratch_folder_make(made->folder);
    made->record_bytes = record_bytes;
    for (uint32_t i = 0; i < record_bytes; i++)
        made->record[i] = (char)(i * 7);
    wal_open(made);
    for (uint64_t done = 0; done < 4 * FILE_BYTES; done += CASE_WAL_BYTES)
        case_wal_append(made);
    return made;
}

struct case_wal *
case_wal_free(struct case_wal *made)
{
    if (made != NULL) {
        rc_wal_close(made->wal);
        scratch_folder_remove(made->folder);
        free(made->record);
    }
    free(made);
    return NULL;
}

uint64_t
case_wal_append(struct case_wal *made)
{
    const uint64_t records = CASE_WAL_BYTES / made->record_bytes;
    const struct rc_bytes body = {made->record, made->record_bytes};
    for (uint64_t i = 0; i < records; i++)
        must(rc_wal_append(made->wal, (struct rc_bytes){0}, body, NULL, NULL));
    rc_wal_drain(made->wal);
    struct rc_wal_stats stats;
    rc_wal_get_stats(made->wal, &stats);
    made->replay_after = stats.sequence_last - records;
    must(rc_wal_trim(made->wal, made->replay_after, 0, NULL));
    return records;
}

uint64_t
case_wal_reopen(struct case_wal *made)
{
    const uint64_t records = CASE_WAL_BYTES / made->record_bytes;
    made->wal = rc_wal_close(made->wal);
    made->replayed = 0;
    made->replayed_bytes = 0;
    wal_open(made);
    if (made->replayed != records || made->replayed_bytes != records * made->record_bytes)
        abort();
    return records;
}
