/*
 * Call cases: whole calls over loopback: a server and its client in this process, so that the time
 * of the process is that of a call on both sides; what bench_call.cc times, in C because the
 * engine's headers are.
 *
 * The world: 204,800 web events (batch_build.h) of 2,000 users in 57 hours. Files are in memory
 * (scratch_folder.h).
 *
 * Ownership: the server is started with the first case and lives until case_calls_end. Every
 * function aborts when it fails.
 * Threading: one thread calls.
 */
#ifndef RC_BENCH_CALL_CASES_H
#define RC_BENCH_CALL_CASES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum case_call {
    CASE_CALL_HEALTH,       /* An empty call: client, transport, a worker and back. */
    CASE_CALL_PROJECT,      /* A request that is decoded, a reply that is encoded. */
    CASE_CALL_COUNT,        /* One number: events of one name. */
    CASE_CALL_SERIES,       /* Hourly users of one name by city, 100 rows: 5,800 numbers. */
    CASE_CALL_FUNNEL,       /* Three steps of 1 % of the events each. */
    CASE_CALL_EVENTS,       /* A page of 100 events of a user with all their properties. */
    CASE_CALL_INGEST_EVENT, /* One event as a line of JSON, to its acknowledgement. */
    CASE_CALL_INGEST_BATCH, /* 8192 events as columns, to their acknowledgement. */
    CASE_CALLS
};

/* Before and after the calls of a case: an ingestion case has a project of its own in between. */
void
case_call_begin(enum case_call call);

void
case_call_end(enum case_call call);

/* Calls once; bytes of the reply. */
uint64_t
case_call_run(enum case_call call);

/* Stops the server, if there is one, and removes its files. */
void
case_calls_end(void);

#ifdef __cplusplus
}
#endif

#endif
