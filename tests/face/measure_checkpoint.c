/*
 * Measures what snapshots cost those who ingest and ask meanwhile: how late acknowledgements and
 * answers come, without snapshots and with one after the other.
 *
 *     measure_checkpoint DIRECTORY PROJECT [rounds [joins|busy|load]]
 *
 * DIRECTORY is a data directory of a closed recountd, which is added to; PROJECT exists in it. A
 * thread sends a batch of up to 60 events as soon as the last is acknowledged, with a pause of
 * 2 ms; another asks for a count with a pause of 1 ms. With `joins` some batches join two users and
 * nobody asks, so that a snapshot is the first to look at the joined persons. With `busy` two more
 * threads ask for unique users without a pause, so that no processor is idle; who sends then runs
 * soon after it wakes, as the threads of the server do that stand for it. With `load` two more
 * threads send a project of their own, "measured-load", batches of some hundred kilobytes without
 * a pause.
 *
 * A round is two seconds without snapshots and two with: so both see the same machine, whatever
 * else it does. Of an acknowledgement the time that the disk took for the log (its writes and
 * syncs) is told apart from the rest, which is what a lock or a thread that does something else
 * would add to. Prints the distributions in ms, how many took more than 10 ms, and for how long a
 * snapshot held a project's writer at most. Nothing here is a test.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/file_ops.h"
#include "engine/base/thread.h"
#include "tests/face/engine_rig.h"
#include "tests/face/people_rig.h"

#define SAMPLES_MAX 1000000u
#define LATE_NS ((uint64_t)10 * 1000 * 1000)
#define SLICE_NS ((uint64_t)2 * 1000 * 1000 * 1000)
#define LOG_FILES_MAX 64u
#define BUSY_THREADS 2u
#define LOAD_PROJECT "measured-load"
#define LOAD_ROWS 20000u

struct samples {
    uint32_t count;
    uint64_t ns[SAMPLES_MAX];
};

/* What was measured without snapshots, and with. */
struct half {
    struct samples acknowledgements;
    struct samples disk; /* Of each: writes and syncs of the log. */
    struct samples rest; /* Of each: the remainder. */
    struct samples answers;
};

struct bench {
    struct rc_engine *engine;
    const char *project;
    char stream[64];
    uint64_t batch_id;
    bool joins;
    bool busy;
    bool load;
    _Atomic(uint64_t) load_events;
    _Atomic(uint32_t) busy_answers;
    struct half halves[2];
    struct half *half; /* That is measured now. */
    _Atomic(bool) stop;
    uint32_t snapshots;
    uint64_t snapshot_bytes;
    uint64_t longest_ns;
    uint64_t hold_ns;
};

/* ---- the disk, with a clock on what is done to the log ---- */

static const struct rc_disk_ops *true_ops;
static _Atomic(const struct rc_file *) log_files[LOG_FILES_MAX];
static _Atomic(uint32_t) log_file_count;
static _Atomic(uint64_t) log_ns;

static bool
is_of_log(const struct rc_file *file)
{
    const uint32_t count = atomic_load(&log_file_count);
    for (uint32_t i = 0; i < count && i < LOG_FILES_MAX; i++)
        if (atomic_load(&log_files[i]) == file)
            return true;
    return false;
}

static enum rc_status
timed_open(struct rc_disk *disk,
           const char *path,
           enum rc_file_mode mode,
           struct rc_file **ret_file,
           struct rc_error *reterr_error)
{
    RC_TRY(true_ops->open(disk, path, mode, ret_file, reterr_error));
    /* Spares are made beside the log, and taken into use by it. */
    if (strstr(path, "/wal/") != NULL && mode == RC_FILE_READ_WRITE)
        atomic_store(&log_files[atomic_fetch_add(&log_file_count, 1) % LOG_FILES_MAX], *ret_file);
    return RC_OK;
}

static void
timed_close(struct rc_file *file)
{
    for (uint32_t i = 0; i < LOG_FILES_MAX; i++)
        if (atomic_load(&log_files[i]) == file)
            atomic_store(&log_files[i], NULL);
    true_ops->close(file);
}

static enum rc_status
timed_write_at(struct rc_file *file,
               const void *data,
               size_t size,
               uint64_t offset,
               struct rc_error *reterr_error)
{
    const uint64_t begun_ns = rc_clock_monotonic_ns();
    RC_TRY(true_ops->write_at(file, data, size, offset, reterr_error));
    if (is_of_log(file))
        atomic_fetch_add(&log_ns, rc_clock_monotonic_ns() - begun_ns);
    return RC_OK;
}

static enum rc_status
timed_sync(struct rc_file *file, struct rc_error *reterr_error)
{
    const uint64_t begun_ns = rc_clock_monotonic_ns();
    RC_TRY(true_ops->sync(file, reterr_error));
    if (is_of_log(file))
        atomic_fetch_add(&log_ns, rc_clock_monotonic_ns() - begun_ns);
    return RC_OK;
}

static struct rc_disk *
timed_disk(void)
{
    static struct rc_disk_ops ops;
    static struct rc_disk disk;
    true_ops = rc_disk_real()->ops;
    ops = *true_ops;
    ops.open = timed_open;
    ops.close = timed_close;
    ops.write_at = timed_write_at;
    ops.sync = timed_sync;
    disk.ops = &ops;
    return &disk;
}

/* ---- who waits ---- */

static void
pause_ms(uint32_t ms)
{
    const struct timespec time = {.tv_nsec = (long)ms * 1000000};
    (void)nanosleep(&time, NULL);
}

static void
note(struct samples *samples, uint64_t ns)
{
    if (samples->count < SAMPLES_MAX)
        samples->ns[samples->count++] = ns;
}

static void *
send_all(void *argument)
{
    struct bench *bench = argument;
    static struct rig_content content;
    if (bench->busy || bench->load)
        rc_thread_set_urgency(RC_URGENCY_PROMPT);
    while (!atomic_load(&bench->stop)) {
        rig_content_make(++bench->batch_id, 60, bench->joins, &content);
        const uint64_t disk_before_ns = atomic_load(&log_ns);
        const uint64_t begun_ns = rc_clock_monotonic_ns();
        if (rig_ingest(bench->engine, bench->project, bench->stream, bench->batch_id, &content,
                       NULL) != RC_OK)
            abort();
        const uint64_t ns = rc_clock_monotonic_ns() - begun_ns;
        const uint64_t disk_ns = atomic_load(&log_ns) - disk_before_ns;
        note(&bench->half->acknowledgements, ns);
        note(&bench->half->disk, disk_ns);
        note(&bench->half->rest, ns > disk_ns ? ns - disk_ns : 0);
        pause_ms(2);
    }
    return NULL;
}

static void *
ask_all(void *argument)
{
    struct bench *bench = argument;
    while (!atomic_load(&bench->stop)) {
        double value = 0;
        const uint64_t begun_ns = rc_clock_monotonic_ns();
        if (rig_try_measure(bench->engine, bench->project, RC_MEASURE_COUNT, 1, &value) != RC_OK)
            abort();
        note(&bench->half->answers, rc_clock_monotonic_ns() - begun_ns);
        pause_ms(1);
    }
    return NULL;
}

static void *
keep_busy(void *argument)
{
    struct bench *bench = argument;
    while (!atomic_load(&bench->stop)) {
        double value = 0;
        if (rig_try_measure(bench->engine, bench->project, RC_MEASURE_UNIQUE, UINT32_MAX, &value) !=
            RC_OK)
            abort();
        bench->busy_answers++;
    }
    return NULL;
}

static void *
send_much(void *argument)
{
    struct bench *bench = argument;
    static _Atomic(uint64_t) senders;
    const uint64_t sender = atomic_fetch_add(&senders, 1);
    char stream[64];
    char user[64];
    (void)snprintf(stream, sizeof(stream), "%.40s-%llu", bench->stream, (unsigned long long)sender);
    rc_thread_set_urgency(RC_URGENCY_PROMPT);
    for (uint64_t id = 1; !atomic_load(&bench->stop); id++) {
        (void)snprintf(user, sizeof(user), "%llu-%llu", (unsigned long long)sender,
                       (unsigned long long)id);
        const struct people_batch batch = {
            .user = user,
            .text = "of an event that is sent among many others",
            .event_count = LOAD_ROWS,
            .first_id = (sender * 1000000 + id) * LOAD_ROWS,
            .stream = stream,
        };
        if (people_send(bench->engine, LOAD_PROJECT, id, &batch) != RC_OK)
            abort();
        atomic_fetch_add(&bench->load_events, LOAD_ROWS);
    }
    return NULL;
}

static void
snapshot(struct bench *bench)
{
    struct rc_snapshot_result result;
    if (rc_engine_snapshot(bench->engine, &result, NULL) != RC_OK)
        abort();
    if (result.elapsed_ns > bench->longest_ns)
        bench->longest_ns = result.elapsed_ns;
    if (result.longest_hold_ns > bench->hold_ns)
        bench->hold_ns = result.longest_hold_ns;
    bench->snapshot_bytes += result.bytes_written;
    bench->snapshots++;
}

static void
measure(struct bench *bench, bool snapshots)
{
    pthread_t sender;
    pthread_t asker;
    pthread_t busy[BUSY_THREADS];
    bench->half = &bench->halves[snapshots];
    atomic_store(&bench->stop, false);
    if (pthread_create(&sender, NULL, send_all, bench) != 0 ||
        (!bench->joins && pthread_create(&asker, NULL, ask_all, bench) != 0))
        abort();
    void *(*const other)(void *) = bench->load ? send_much : keep_busy;
    for (uint32_t i = 0; i < BUSY_THREADS && (bench->busy || bench->load); i++)
        if (pthread_create(&busy[i], NULL, other, bench) != 0)
            abort();
    const uint64_t until_ns = rc_clock_monotonic_ns() + SLICE_NS;
    while (rc_clock_monotonic_ns() < until_ns) {
        if (snapshots)
            snapshot(bench);
        else
            pause_ms(20);
    }
    atomic_store(&bench->stop, true);
    pthread_join(sender, NULL);
    if (!bench->joins)
        pthread_join(asker, NULL);
    for (uint32_t i = 0; i < BUSY_THREADS && (bench->busy || bench->load); i++)
        pthread_join(busy[i], NULL);
}

/* ---- what came of it ---- */

static int
compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void
print(const char *what, struct samples *samples)
{
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    uint32_t late = 0;
    if (samples->count == 0)
        return;
    qsort(samples->ns, samples->count, sizeof(samples->ns[0]), compare);
    for (uint32_t i = 0; i < samples->count; i++)
        late += samples->ns[i] > LATE_NS;
    printf("  %-28s %6u:", what, samples->count);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        printf(" p%g %.2f", shares[i] * 100,
               (double)samples->ns[(uint32_t)(shares[i] * (samples->count - 1))] / 1e6);
    printf(" max %.2f; %u above 10 ms\n", (double)samples->ns[samples->count - 1] / 1e6, late);
}

static void
print_half(struct half *half)
{
    print("acknowledgements", &half->acknowledgements);
    print("  of it the disk, for the log", &half->disk);
    print("  and the rest", &half->rest);
    print("answers", &half->answers);
}

int
main(int argc, char **argv)
{
    static struct bench bench;
    struct rc_error error;
    if (argc < 3) {
        fprintf(stderr, "measure_checkpoint DIRECTORY PROJECT [rounds [joins|busy|load]]\n");
        return 2;
    }
    const uint64_t rounds = argc > 3 ? strtoull(argv[3], NULL, 10) : 5;
    const struct rc_engine_options options = {.disk = timed_disk(), .directory = argv[1]};
    if (rc_engine_open(&options, &bench.engine, &error) != RC_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    bench.project = argv[2];
    bench.joins = argc > 4 && strcmp(argv[4], "joins") == 0;
    bench.busy = argc > 4 && strcmp(argv[4], "busy") == 0;
    bench.load = argc > 4 && strcmp(argv[4], "load") == 0;
    if (bench.load)
        rig_create(bench.engine, LOAD_PROJECT);
    (void)snprintf(bench.stream, sizeof(bench.stream), "measure-%lld",
                   (long long)rc_clock_wall_ms());
    for (uint64_t round = 0; round < rounds; round++) {
        measure(&bench, false);
        measure(&bench, true);
    }
    printf("without snapshots\n");
    print_half(&bench.halves[0]);
    printf(
        "%u snapshots of %.1f MB, the longest of %.0f ms, holding a writer for %.3f ms at most\n",
        bench.snapshots, (double)bench.snapshot_bytes / 1e6 / bench.snapshots,
        (double)bench.longest_ns / 1e6, (double)bench.hold_ns / 1e6);
    print_half(&bench.halves[1]);
    if (bench.busy)
        printf("%u answers of those who ask without pause\n", atomic_load(&bench.busy_answers));
    if (bench.load)
        printf("%.1f million events of the project beside\n",
               (double)atomic_load(&bench.load_events) / 1e6);
    rc_engine_close(bench.engine, false);
    return 0;
}
