/*
 * call_crowd: several clients that ask without pause, each on a connection and a thread of its own,
 * each going round the same requests from another place; then what each request took, in
 * percentiles.
 *
 *   call_crowd HOST:PORT CLIENTS SECONDS <REQUESTS >TABLE
 *
 * Standard input holds the requests, one after another: u32 size and text of the method
 * ("/package.Service/Method"), u32 size and bytes of the packed message, little-endian. A line of
 * the table is a request in that order: calls, median, 99th percentile and maximum in microseconds.
 * A last line, of all calls together, begins with "all". Exit status 1: a call failed; 2: the
 * arguments are wrong.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client/client.h"
#include "engine/base/alloc.h"

#define CALL_TIMEOUT_MS 120000
#define READ_BYTES 65536u
#define REQUESTS_MAX 64u
#define CLIENTS_MAX 256

struct question {
    char *method;
    struct rc_bytes request;
};

struct times {
    int64_t *ns;
    size_t count;
    size_t capacity;
};

struct crowd {
    const char *address;
    struct question questions[REQUESTS_MAX];
    uint32_t question_count;
    int64_t end_ns;
    _Atomic(bool) failed;
};

struct asker {
    struct crowd *crowd;
    pthread_t thread;
    uint32_t first;
    struct times times[REQUESTS_MAX];
};

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool
add_time(struct times *times, int64_t ns)
{
    if (RC_GROW(times->ns, times->capacity, times->count + 1) != RC_OK)
        return false;
    times->ns[times->count++] = ns;
    return true;
}

static void *
ask(void *argument)
{
    struct asker *asker = argument;
    struct crowd *crowd = asker->crowd;
    RC_CLEANUP(rc_client_freep) struct rc_client *client = rc_client_new(crowd->address);
    for (uint32_t i = asker->first; client != NULL && !crowd->failed; i++) {
        const uint32_t number = i % crowd->question_count;
        const struct question *question = &crowd->questions[number];
        struct rc_call_error error;
        struct rc_writer reply __attribute__((cleanup(rc_writer_close))) = {0};
        const int64_t begun = now_ns();
        if (begun >= crowd->end_ns)
            return NULL;
        const enum rc_call_code code = rc_client_call(client, question->method, question->request,
                                                      CALL_TIMEOUT_MS, &reply, &error);
        if (code != RC_CALL_OK)
            fprintf(stderr, "call_crowd: %s: %s\n", rc_call_code_name(code), error.message);
        if (code != RC_CALL_OK || !add_time(&asker->times[number], now_ns() - begun))
            crowd->failed = true;
    }
    if (client == NULL)
        crowd->failed = true;
    return NULL;
}

static bool
read_all(struct rc_writer *input)
{
    static char part[READ_BYTES];
    ssize_t got;
    while ((got = read(STDIN_FILENO, part, sizeof(part))) > 0)
        rc_write_raw(input, part, (size_t)got);
    return got == 0 && !input->failed;
}

/* false: the bytes are not what the top of this file says. */
static bool
read_questions(const struct rc_writer *input, struct crowd *crowd)
{
    struct rc_reader reader = rc_reader_of((const char *)input->data, input->size);
    while (rc_reader_left(&reader) > 0 && crowd->question_count < REQUESTS_MAX) {
        struct question *question = &crowd->questions[crowd->question_count++];
        const uint32_t method_size = rc_read_u32(&reader);
        const struct rc_bytes method = rc_read_raw(&reader, method_size);
        const uint32_t request_size = rc_read_u32(&reader);
        question->request = rc_read_raw(&reader, request_size);
        question->method = strndup(method.data, method.size);
        if (reader.bad || question->method == NULL)
            return false;
    }
    return crowd->question_count > 0 && rc_reader_left(&reader) == 0;
}

static int
compare_ns(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void
print(const char *name, struct times *times)
{
    if (times->count == 0)
        return;
    qsort(times->ns, times->count, sizeof(*times->ns), compare_ns);
    printf("%s %zu %" PRId64 " %" PRId64 " %" PRId64 "\n", name, times->count,
           times->ns[times->count / 2] / 1000, times->ns[times->count * 99 / 100] / 1000,
           times->ns[times->count - 1] / 1000);
}

/* Every asker's times of a question, or of all (REQUESTS_MAX), in one list. */
static void
report(const struct asker *askers, int client_count, uint32_t number, const char *name)
{
    struct times all = {0};
    for (int i = 0; i < client_count; i++)
        for (uint32_t q = 0; q < REQUESTS_MAX; q++)
            for (size_t k = 0;
                 (q == number || number == REQUESTS_MAX) && k < askers[i].times[q].count; k++)
                if (!add_time(&all, askers[i].times[q].ns[k]))
                    abort();
    print(name, &all);
    rc_alloc_free(all.ns);
}

int
main(int argc, char **argv)
{
    static struct crowd crowd;
    static struct asker askers[CLIENTS_MAX];
    const int client_count = argc == 4 ? atoi(argv[2]) : 0;
    const int seconds = argc == 4 ? atoi(argv[3]) : 0;
    if (client_count < 1 || client_count > CLIENTS_MAX || seconds < 1) {
        fputs("usage: call_crowd HOST:PORT CLIENTS SECONDS <REQUESTS\n", stderr);
        return 2;
    }
    struct rc_writer input __attribute__((cleanup(rc_writer_close))) = {0};
    if (!read_all(&input) || !read_questions(&input, &crowd)) {
        fputs("call_crowd: the requests cannot be read\n", stderr);
        return 2;
    }
    crowd.address = argv[1];
    crowd.end_ns = now_ns() + (int64_t)seconds * 1000000000;
    for (int i = 0; i < client_count; i++) {
        askers[i].crowd = &crowd;
        askers[i].first = (uint32_t)i;
        if (pthread_create(&askers[i].thread, NULL, ask, &askers[i]) != 0)
            abort();
    }
    for (int i = 0; i < client_count; i++)
        pthread_join(askers[i].thread, NULL);
    for (uint32_t q = 0; q < crowd.question_count; q++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", q);
        report(askers, client_count, q, name);
    }
    report(askers, client_count, REQUESTS_MAX, "all");
    return crowd.failed ? 1 : 0;
}
