/*
 * Measures what snapshots cost those who ingest and ask meanwhile: how late acknowledgements and
 * answers come, without snapshots and with one after the other.
 *
 *     measure_checkpoint DIRECTORY PROJECT [seconds]
 *
 * DIRECTORY is a data directory of a closed recountd, which is added to; PROJECT exists in it. A
 * thread sends a batch of up to 60 events as soon as the last is acknowledged, with a pause of
 * 2 ms; another asks for a count with a pause of 1 ms. Prints the distribution of both in ms, and
 * how many of them took more than 10 ms. Expected: the same in both halves but for what two
 * processors cannot do at once; nothing here is a test.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "tests/face/engine_rig.h"

#define SAMPLES_MAX 1000000u
#define LATE_NS ((uint64_t)10 * 1000 * 1000)

struct samples {
    uint32_t count;
    uint64_t ns[SAMPLES_MAX];
};

struct bench {
    struct rc_engine *engine;
    const char *project;
    char stream[64];
    uint64_t batch_id;
    _Atomic(bool) stop;
    struct samples acknowledgements;
    struct samples answers;
};

static void
pause_ms(uint32_t ms)
{
    const struct timespec time = {.tv_nsec = (long)ms * 1000000};
    (void)nanosleep(&time, NULL);
}

static void
note(struct samples *samples, uint64_t begun_ns)
{
    if (samples->count < SAMPLES_MAX)
        samples->ns[samples->count++] = rc_clock_monotonic_ns() - begun_ns;
}

static void *
send_all(void *argument)
{
    struct bench *bench = argument;
    static struct rig_content content;
    while (!atomic_load(&bench->stop)) {
        rig_content_make(++bench->batch_id, 60, false, &content);
        const uint64_t begun_ns = rc_clock_monotonic_ns();
        if (rig_ingest(bench->engine, bench->project, bench->stream, bench->batch_id, &content,
                       NULL) != RC_OK)
            abort();
        note(&bench->acknowledgements, begun_ns);
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
        note(&bench->answers, begun_ns);
        pause_ms(1);
    }
    return NULL;
}

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
    qsort(samples->ns, samples->count, sizeof(samples->ns[0]), compare);
    for (uint32_t i = 0; i < samples->count; i++)
        late += samples->ns[i] > LATE_NS;
    printf("  %-17s %6u:", what, samples->count);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        printf(" p%g %.2f", shares[i] * 100,
               (double)samples->ns[(uint32_t)(shares[i] * (samples->count - 1))] / 1e6);
    printf(" max %.2f; %u above 10 ms\n", (double)samples->ns[samples->count - 1] / 1e6, late);
    samples->count = 0;
}

static void
measure(struct bench *bench, uint64_t seconds, bool snapshots)
{
    pthread_t sender;
    pthread_t asker;
    uint32_t count = 0;
    uint64_t longest_ns = 0;
    uint64_t hold_ns = 0;
    atomic_store(&bench->stop, false);
    if (pthread_create(&sender, NULL, send_all, bench) != 0 ||
        pthread_create(&asker, NULL, ask_all, bench) != 0)
        abort();
    const uint64_t until_ns = rc_clock_monotonic_ns() + seconds * 1000000000;
    while (rc_clock_monotonic_ns() < until_ns) {
        struct rc_snapshot_result result;
        if (!snapshots) {
            pause_ms(20);
            continue;
        }
        if (rc_engine_snapshot(bench->engine, &result, NULL) != RC_OK)
            abort();
        longest_ns = result.elapsed_ns > longest_ns ? result.elapsed_ns : longest_ns;
        hold_ns = result.longest_hold_ns > hold_ns ? result.longest_hold_ns : hold_ns;
        count++;
    }
    atomic_store(&bench->stop, true);
    pthread_join(sender, NULL);
    pthread_join(asker, NULL);
    if (snapshots)
        printf("%u snapshots, the longest of %.0f ms, holding a writer for %.3f ms at most\n",
               count, (double)longest_ns / 1e6, (double)hold_ns / 1e6);
    else
        printf("without snapshots\n");
    print("acknowledgements", &bench->acknowledgements);
    print("answers", &bench->answers);
}

int
main(int argc, char **argv)
{
    static struct bench bench;
    struct rc_error error;
    if (argc < 3) {
        fprintf(stderr, "measure_checkpoint DIRECTORY PROJECT [seconds]\n");
        return 2;
    }
    const uint64_t seconds = argc > 3 ? strtoull(argv[3], NULL, 10) : 10;
    const struct rc_engine_options options = {.directory = argv[1]};
    if (rc_engine_open(&options, &bench.engine, &error) != RC_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    bench.project = argv[2];
    (void)snprintf(bench.stream, sizeof(bench.stream), "measure-%lld",
                   (long long)rc_clock_wall_ms());
    for (int round = 0; round < 2; round++) {
        measure(&bench, seconds, false);
        measure(&bench, seconds, true);
    }
    rc_engine_close(bench.engine, false);
    return 0;
}
