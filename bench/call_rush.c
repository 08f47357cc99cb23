/*
 * call_rush: many small calls of one method at once, by one thread over several connections; then
 * how many there were a second, what each took, and what the client itself needed of the processor.
 *
 *   call_rush HOST:PORT METHOD CONNECTIONS IN-FLIGHT SECONDS RATE <REQUEST >FIGURES
 *
 * METHOD is "/package.Service/Method"; the request is read from standard input as packed bytes. At
 * most IN-FLIGHT calls are out on each connection. With a RATE so many calls a second fall due, and
 * a call's time counts from when it was due, so that a server which stands still is charged for all
 * calls that it keeps from being sent; with RATE 0 each reply sends the next call.
 *
 * Prints one line: calls, calls a second, the median, the 99th percentile and the maximum in
 * microseconds, and the client's processor time a call in microseconds. Exit status 1: a call
 * failed; 2: the arguments are wrong.
 */
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "server/transport/core_locks.h"

#define CONNECTIONS_MAX 64
#define IN_FLIGHT_MAX 1024
#define SECONDS_MAX 600
#define RATE_MAX 1000000
#define READ_BYTES 65536u

/* A call that may be out: what its operations fill. */
struct slot {
    struct slot *next_free;
    uint32_t connection;
    grpc_call *call;
    int64_t due_ns;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_byte_buffer *sent;
    grpc_byte_buffer *received;
    grpc_status_code code;
    grpc_slice message;
};

struct rush {
    grpc_completion_queue *queue;
    grpc_channel *channels[CONNECTIONS_MAX];
    void *methods[CONNECTIONS_MAX];
    uint32_t connection_count;
    grpc_byte_buffer *request;
    struct slot *slots;
    struct slot *free_slots;
    uint32_t out;
    int64_t begin_ns;
    int64_t end_ns;
    int64_t interval_ns; /* Between two calls that fall due; 0: none do. */
    uint64_t started;
    int64_t *took_ns;
    size_t took_count;
    size_t took_capacity;
    bool failed;
};

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static gpr_timespec
time_of(int64_t ns)
{
    return (gpr_timespec){.tv_sec = ns / 1000000000,
                          .tv_nsec = (int32_t)(ns % 1000000000),
                          .clock_type = GPR_CLOCK_MONOTONIC};
}

static void
start_call(struct rush *rush, int64_t due_ns)
{
    struct slot *slot = rush->free_slots;
    rush->free_slots = slot->next_free;
    slot->due_ns = due_ns;
    slot->sent = grpc_byte_buffer_copy(rush->request); /* Sending empties it. */
    slot->received = NULL;
    slot->call = grpc_channel_create_registered_call(
        rush->channels[slot->connection], NULL, GRPC_PROPAGATE_DEFAULTS, rush->queue,
        rush->methods[slot->connection], gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_metadata_array_init(&slot->initial);
    grpc_metadata_array_init(&slot->trailing);
    const grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = slot->sent},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &slot->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &slot->received},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &slot->trailing,
                                        .status = &slot->code,
                                        .status_details = &slot->message}},
    };
    if (grpc_call_start_batch(slot->call, operations, sizeof(operations) / sizeof(operations[0]),
                              slot, NULL) != GRPC_CALL_OK)
        abort();
    rush->started++;
    rush->out++;
}

static void
end_call(struct rush *rush, struct slot *slot)
{
    const int64_t took_ns = now_ns() - slot->due_ns;
    if (slot->code != GRPC_STATUS_OK || slot->received == NULL) {
        fprintf(stderr, "call_rush: status %d: %.*s\n", (int)slot->code,
                (int)GRPC_SLICE_LENGTH(slot->message),
                (const char *)GRPC_SLICE_START_PTR(slot->message));
        rush->failed = true;
    }
    if (RC_GROW(rush->took_ns, rush->took_capacity, rush->took_count + 1) != RC_OK)
        abort();
    rush->took_ns[rush->took_count++] = took_ns;
    grpc_byte_buffer_destroy(slot->sent);
    if (slot->received != NULL)
        grpc_byte_buffer_destroy(slot->received);
    grpc_slice_unref(slot->message);
    grpc_metadata_array_destroy(&slot->initial);
    grpc_metadata_array_destroy(&slot->trailing);
    grpc_call_unref(slot->call);
    slot->next_free = rush->free_slots;
    rush->free_slots = slot;
    rush->out--;
}

/* When the next call is due. */
static int64_t
next_due_ns(const struct rush *rush)
{
    return rush->begin_ns + (int64_t)rush->started * rush->interval_ns;
}

/* Sends what is due, as far as there is room. */
static void
send_due(struct rush *rush)
{
    while (rush->free_slots != NULL && !rush->failed) {
        const int64_t now = now_ns();
        const int64_t due = rush->interval_ns == 0 ? now : next_due_ns(rush);
        if (due > now || now >= rush->end_ns)
            return;
        start_call(rush, due);
    }
}

static void
run(struct rush *rush)
{
    for (;;) {
        send_due(rush);
        const int64_t now = now_ns();
        if (rush->out == 0 && (rush->failed || now >= rush->end_ns))
            return;
        /* With all slots out there is nothing to send before a reply comes. */
        const bool waits = rush->free_slots == NULL || rush->interval_ns == 0 ||
                           now >= rush->end_ns || rush->failed;
        const gpr_timespec until =
            waits ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : time_of(next_due_ns(rush));
        const grpc_event event = grpc_completion_queue_next(rush->queue, until, NULL);
        if (event.type == GRPC_OP_COMPLETE)
            end_call(rush, event.tag);
    }
}

static void
open_connections(struct rush *rush, const char *address, const char *method)
{
    grpc_arg arguments[] = {
        /* Channels to one address share a connection without this. */
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
         .value.integer = 1},
    };
    const grpc_channel_args all = {.num_args = 1, .args = arguments};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    for (uint32_t i = 0; i < rush->connection_count; i++) {
        rush->channels[i] = grpc_channel_create(address, credentials, &all);
        rush->methods[i] = grpc_channel_register_call(rush->channels[i], method, NULL, NULL);
    }
    grpc_channel_credentials_release(credentials);
}

static void
make_slots(struct rush *rush, uint32_t in_flight)
{
    const uint32_t count = rush->connection_count * in_flight;
    rush->slots = rc_alloc_zero(count * sizeof(*rush->slots));
    if (rush->slots == NULL)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        rush->slots[i].connection = i % rush->connection_count;
        rush->slots[i].next_free = i + 1 < count ? &rush->slots[i + 1] : NULL;
    }
    rush->free_slots = rush->slots;
}

/* One call on each connection, before the clock runs. */
static void
warm_up(struct rush *rush)
{
    rush->begin_ns = now_ns();
    rush->end_ns = INT64_MAX;
    for (uint32_t i = 0; i < rush->connection_count; i++)
        start_call(rush, rush->begin_ns);
    while (rush->out > 0) {
        const grpc_event event =
            grpc_completion_queue_next(rush->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        end_call(rush, event.tag);
    }
    rush->took_count = 0;
    rush->started = 0;
}

static double
processor_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int
compare_ns(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void
report(struct rush *rush, double seconds, double client_us)
{
    const size_t count = rush->took_count;
    if (count == 0)
        return;
    qsort(rush->took_ns, count, sizeof(*rush->took_ns), compare_ns);
    printf("%zu %.0f %" PRId64 " %" PRId64 " %" PRId64 " %.1f\n", count, (double)count / seconds,
           rush->took_ns[count / 2] / 1000, rush->took_ns[count * 99 / 100] / 1000,
           rush->took_ns[count - 1] / 1000, client_us / (double)count);
}

static void
close_all(struct rush *rush)
{
    for (uint32_t i = 0; i < rush->connection_count; i++)
        grpc_channel_destroy(rush->channels[i]);
    grpc_completion_queue_shutdown(rush->queue);
    while (
        grpc_completion_queue_next(rush->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(rush->queue);
    grpc_byte_buffer_destroy(rush->request);
    rc_alloc_free(rush->slots);
    rc_alloc_free(rush->took_ns);
    grpc_shutdown();
}

/* The request of standard input, or NULL. */
static grpc_byte_buffer *
read_request(void)
{
    static char part[READ_BYTES];
    struct rc_writer request __attribute__((cleanup(rc_writer_close))) = {0};
    ssize_t got;
    while ((got = read(STDIN_FILENO, part, sizeof(part))) > 0)
        rc_write_raw(&request, part, (size_t)got);
    if (got < 0 || request.failed)
        return NULL;
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)request.data, request.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

/* A whole number of [least, most], or -1. */
static long
number_of(const char *text, long least, long most)
{
    char *end = NULL;
    const long number = strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && number >= least && number <= most ? number : -1;
}

int
main(int argc, char **argv)
{
    static struct rush rush;
    long numbers[4] = {-1, -1, -1, -1};
    if (argc == 7) {
        numbers[0] = number_of(argv[3], 1, CONNECTIONS_MAX);
        numbers[1] = number_of(argv[4], 1, IN_FLIGHT_MAX);
        numbers[2] = number_of(argv[5], 1, SECONDS_MAX);
        numbers[3] = number_of(argv[6], 0, RATE_MAX);
    }
    if (numbers[0] < 0 || numbers[1] < 0 || numbers[2] < 0 || numbers[3] < 0) {
        fputs("usage: call_rush HOST:PORT METHOD CONNECTIONS IN-FLIGHT SECONDS RATE <REQUEST\n",
              stderr);
        return 2;
    }
    rc_core_locks_unwatched();
    grpc_init();
    rush.request = read_request();
    if (rush.request == NULL) {
        fputs("call_rush: the request cannot be read\n", stderr);
        return 2;
    }
    rush.queue = grpc_completion_queue_create_for_next(NULL);
    rush.connection_count = (uint32_t)numbers[0];
    open_connections(&rush, argv[1], argv[2]);
    make_slots(&rush, (uint32_t)numbers[1]);
    warm_up(&rush);
    const double before_us = processor_us();
    rush.begin_ns = now_ns();
    rush.end_ns = rush.begin_ns + numbers[2] * 1000000000L;
    rush.interval_ns = numbers[3] == 0 ? 0 : 1000000000L / numbers[3];
    run(&rush);
    const double seconds = (double)(now_ns() - rush.begin_ns) / 1e9;
    report(&rush, seconds, processor_us() - before_us);
    close_all(&rush);
    return rush.failed ? 1 : 0;
}
