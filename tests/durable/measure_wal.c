/*
 * Measures the log on the real disk: appenders that send records as fast as they are taken.
 *
 *     measure_wal DIRECTORY [record bytes [appenders [seconds]]]
 *
 * DIRECTORY must exist; the log's files stay in it. Prints MB/s, records/s and syncs/s. Expected:
 * the speed of the disk's sequential writes with a sync every few MB; nothing here is a test.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/durable/wal.h"

struct bench {
    struct rc_wal *wal;
    size_t record_bytes;
    uint64_t end_ns;
    _Atomic uint64_t durable_count;
};

static enum rc_status
on_replay(void *context, uint64_t sequence, struct rc_bytes payload, struct rc_error *reterr_error)
{
    (void)context, (void)sequence, (void)payload, (void)reterr_error;
    return RC_OK;
}

static void
on_durable(void *context,
           uint64_t sequence,
           struct rc_bytes payload,
           void *token,
           enum rc_status status)
{
    struct bench *bench = context;
    (void)sequence, (void)payload, (void)token;
    if (status == RC_OK)
        atomic_fetch_add(&bench->durable_count, 1);
}

static void *
append(void *argument)
{
    struct bench *bench = argument;
    char *body = malloc(bench->record_bytes);
    if (body == NULL)
        abort();
    memset(body, 'x', bench->record_bytes);
    const struct rc_bytes bytes = {body, bench->record_bytes};
    struct rc_error error;
    uint64_t count = 0;
    while (rc_clock_monotonic_ns() < bench->end_ns) {
        if (rc_wal_append(bench->wal, (struct rc_bytes){0}, bytes, NULL, &error) != RC_OK) {
            (void)fprintf(stderr, "%s\n", error.message);
            break;
        }
        struct rc_wal_stats stats;
        if (++count % 256 == 0) { /* A checkpoint far behind: recycling is part of the cost. */
            rc_wal_get_stats(bench->wal, &stats);
            const uint64_t kept = ((uint64_t)128 << 20) / bench->record_bytes;
            if (stats.sequence_last > kept &&
                rc_wal_trim(bench->wal, stats.sequence_last - kept, 0, &error) != RC_OK)
                break;
        }
    }
    free(body);
    return NULL;
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr,
                      "usage: measure_wal DIRECTORY [record bytes [appenders [seconds]]]\n");
        return 2;
    }
    struct bench bench = {.record_bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 65536};
    unsigned appenders = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 2;
    const uint64_t seconds = argc > 4 ? strtoul(argv[4], NULL, 10) : 5;
    appenders = appenders < 1 ? 1 : appenders > 64 ? 64 : appenders;
    const struct rc_wal_options options = {
        .disk = rc_disk_real(),
        .directory = argv[1],
        .file_bytes = (uint64_t)64 << 20,
        .buffer_bytes_max = (uint64_t)32 << 20,
        .on_replay = on_replay,
        .on_durable = on_durable,
        .context = &bench,
    };
    struct rc_error error;
    uint64_t begin_ns = rc_clock_monotonic_ns();
    if (rc_wal_open(&options, &bench.wal, &error) != RC_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const double open_s = (double)(rc_clock_monotonic_ns() - begin_ns) / 1e9;
    struct rc_wal_stats before;
    rc_wal_get_stats(bench.wal, &before);
    begin_ns = rc_clock_monotonic_ns();
    bench.end_ns = begin_ns + seconds * 1000000000U;
    pthread_t threads[64];
    unsigned started = 0;
    while (started < appenders && pthread_create(&threads[started], NULL, append, &bench) == 0)
        started++;
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    rc_wal_drain(bench.wal);
    const double took_s = (double)(rc_clock_monotonic_ns() - begin_ns) / 1e9;
    struct rc_wal_stats stats;
    rc_wal_get_stats(bench.wal, &stats);
    const double records = (double)atomic_load(&bench.durable_count);
    const double syncs = (double)(stats.synced_count - before.synced_count);
    printf("open %.3f s; %u appenders, %zu bytes: %.0f MB/s, %.0f records/s, %.0f syncs/s, "
           "%.2f ms/sync\n",
           open_s, started, bench.record_bytes, records * (double)bench.record_bytes / 1e6 / took_s,
           records / took_s, syncs / took_s, took_s * 1e3 / syncs);
    rc_wal_close(bench.wal);
    return 0;
}
