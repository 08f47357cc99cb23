/*
 * call_latency: one call of a gRPC method, over and over, timed one by one from the packed request
 * to the packed reply. A client in C with nothing between it and the socket but gRPC's core, so
 * that what it sees is the server and the transport and not an interpreter.
 *
 *   call_latency HOST:PORT /package.Service/Method COUNT [REPLIES] <REQUEST >MICROSECONDS
 *
 * The request is read from standard input as packed bytes; each call's microseconds go to standard
 * output, a line a call, in their order, and its reply to the file REPLIES, packed, behind its size
 * in four bytes. Exit status 1: a call failed, or the file cannot be written; 2: the arguments are
 * wrong.
 *
 * The client is connected before the first of them, as a service's is: else that one would be the
 * method's time and a handshake of a millisecond. Its core does not search its locks for deadlocks,
 * as the server's does not (server/transport/core_locks.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client/client.h"
#include "server/transport/core_locks.h"

#define CALL_TIMEOUT_MS 120000
#define READ_BYTES 65536u

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool
read_request(struct rc_writer *request)
{
    static char part[READ_BYTES];
    ssize_t got;
    while ((got = read(STDIN_FILENO, part, sizeof(part))) > 0)
        rc_write_raw(request, part, (size_t)got);
    return got == 0 && !request->failed;
}

static bool
keep_reply(FILE *replies, const struct rc_writer *reply)
{
    const uint32_t size = (uint32_t)reply->size;
    return fwrite(&size, sizeof(size), 1, replies) == 1 &&
           fwrite(reply->data, 1, size, replies) == size;
}

/* Nanoseconds of one call, or -1: it failed, and why is printed. */
static int64_t
call(struct rc_client *client, const char *method, struct rc_bytes request, FILE *replies)
{
    struct rc_call_error error;
    struct rc_writer reply __attribute__((cleanup(rc_writer_close))) = {0};
    const int64_t begun = now_ns();
    const enum rc_call_code code =
        rc_client_call(client, method, request, CALL_TIMEOUT_MS, &reply, &error);
    const int64_t ended = now_ns();
    if (code == RC_CALL_OK)
        return replies == NULL || keep_reply(replies, &reply) ? ended - begun : -1;
    fprintf(stderr, "call_latency: %s: %s\n", rc_call_code_name(code), error.message);
    return -1;
}

int
main(int argc, char **argv)
{
    char *end = NULL;
    const long count = argc == 4 || argc == 5 ? strtol(argv[3], &end, 10) : 0;
    if (count < 1 || *end != '\0') {
        fputs("usage: call_latency HOST:PORT METHOD COUNT [REPLIES] <REQUEST\n", stderr);
        return 2;
    }
    struct rc_writer request __attribute__((cleanup(rc_writer_close))) = {0};
    rc_core_locks_unwatched();
    RC_CLEANUP(rc_client_freep) struct rc_client *client = rc_client_new(argv[1]);
    if (client == NULL || !read_request(&request)) {
        fputs("call_latency: no memory, or the request cannot be read\n", stderr);
        return 1;
    }
    const struct rc_bytes bytes = {(const char *)request.data, request.size};
    FILE *replies = argc == 5 ? fopen(argv[4], "wb") : NULL;
    if ((argc == 5 && replies == NULL) ||
        call(client, "/grpc.health.v1.Health/Check", (struct rc_bytes){"", 0}, NULL) < 0)
        return 1;
    for (long i = 0; i < count; i++) {
        const int64_t ns = call(client, argv[2], bytes, replies);
        if (ns < 0)
            return 1;
        printf("%" PRId64 ".%03d\n", ns / 1000, (int)(ns % 1000));
    }
    return replies == NULL || fclose(replies) == 0 ? 0 : 1;
}
