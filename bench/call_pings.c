/*
 * call_pings: a stream of batches of one event, and how long each acknowledgement took.
 *
 *   call_pings HOST:PORT PROJECT TIMES-A-SECOND >TIMES
 *
 * A line is the microseconds between handing a batch to gRPC and its acknowledgement. A batch is
 * sent when the one before is acknowledged and its time has come, until SIGTERM. In C, since beside
 * busy processors a program in Python waits for its own threads: of what it saw take 124 ms the
 * server had taken 39 at most. Exit status 1: the stream failed; 2: the arguments are wrong.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/client.h"
#include "engine/base/bytes.h"

#define TIMEOUT_MS 60000
#define START_MS 1735689600000 /* 2025-01-01, as figures.py. */

/* Fields of IngestRequest and NdjsonBatch, with their wire types. */
#define TAG_PROJECT (1u << 3 | 2)
#define TAG_CLIENT_STREAM (2u << 3 | 2)
#define TAG_BATCH_ID (3u << 3)
#define TAG_NDJSON (5u << 3 | 2)
#define TAG_LINES (1u << 3 | 2)

static volatile sig_atomic_t stopping;

static void
stop(int number)
{
    (void)number;
    stopping = 1;
}

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
sleep_until(int64_t until_ns)
{
    const struct timespec until = {.tv_sec = until_ns / 1000000000,
                                   .tv_nsec = until_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
        continue;
}

static void
write_text(struct rc_writer *writer, unsigned tag, const char *text)
{
    rc_write_varint(writer, tag);
    rc_write_varint(writer, strlen(text));
    rc_write_raw(writer, text, strlen(text));
}

/* Sends a message and waits until the server has answered; false: the stream is over. */
static bool
exchange(struct rc_client_stream *stream, const struct rc_writer *message)
{
    bool sent = false;
    bool answered = false;
    if (message->failed ||
        rc_client_stream_send(
            stream, (struct rc_bytes){(const char *)message->data, message->size}) != RC_OK)
        return false;
    while (!sent || !answered) {
        struct rc_stream_event event = {.kind = RC_STREAM_ENDED};
        rc_client_stream_next(stream, TIMEOUT_MS, &event);
        if (event.kind != RC_STREAM_SENT && event.kind != RC_STREAM_MESSAGE)
            return false;
        sent = sent || event.kind == RC_STREAM_SENT;
        answered = answered || event.kind == RC_STREAM_MESSAGE;
        if (event.kind == RC_STREAM_MESSAGE)
            rc_writer_close(&event.message);
    }
    return true;
}

static bool
open_stream(struct rc_client_stream *stream, const char *project)
{
    char name[128];
    RC_CLEANUP(rc_writer_close) struct rc_writer message = {0};
    (void)snprintf(name, sizeof(name), "projects/%s", project);
    write_text(&message, TAG_PROJECT, name);
    (void)snprintf(name, sizeof(name), "pings-%" PRId64, now_ns());
    write_text(&message, TAG_CLIENT_STREAM, name);
    return exchange(stream, &message);
}

static bool
ping(struct rc_client_stream *stream, uint64_t number)
{
    char line[80];
    char lines[96];
    RC_CLEANUP(rc_writer_close) struct rc_writer message = {0};
    (void)snprintf(line, sizeof(line), "{\"user\":\"ping\",\"time\":%" PRIu64 "}",
                   START_MS + number);
    (void)snprintf(lines, sizeof(lines), "%c%c%s", (int)TAG_LINES, (int)strlen(line), line);
    rc_write_varint(&message, TAG_BATCH_ID);
    rc_write_varint(&message, number);
    write_text(&message, TAG_NDJSON, lines);
    return exchange(stream, &message);
}

int
main(int argc, char **argv)
{
    const int times = argc == 4 ? atoi(argv[3]) : 0;
    if (times < 1) {
        fputs("usage: call_pings HOST:PORT PROJECT TIMES-A-SECOND\n", stderr);
        return 2;
    }
    struct rc_client *client = rc_client_new(argv[1]);
    struct rc_client_stream *stream =
        client == NULL ? NULL : rc_client_stream_open(client, "/recount.v1.IngestService/Ingest");
    bool good = stream != NULL && open_stream(stream, argv[2]);
    const struct sigaction on_stop = {.sa_handler = stop};
    (void)sigaction(SIGTERM, &on_stop, NULL);
    for (uint64_t number = 1; good && !stopping; number++) {
        const int64_t begun_ns = now_ns();
        good = ping(stream, number);
        if (good)
            printf("%" PRId64 "\n", (now_ns() - begun_ns) / 1000);
        (void)fflush(stdout);
        sleep_until(begun_ns + 1000000000 / times);
    }
    rc_client_stream_free(stream);
    rc_client_free(client);
    if (!good)
        fputs("call_pings: the stream failed\n", stderr);
    return good ? 0 : 1;
}
