/*
 * Log cases: a write-ahead log in memory (scratch_folder.h), appended to and replayed; what
 * bench_wal.cc times, in C because the engine's headers are. measure_wal of tests/durable measures
 * it on a disk.
 *
 * Ownership: what case_wal_make returns goes to case_wal_free. Every function aborts when it fails.
 * Threading: one thread; the log has one of its own.
 */
#ifndef RC_BENCH_WAL_CASES_H
#define RC_BENCH_WAL_CASES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that one run appends or replays, in records of the size given. */
#define CASE_WAL_BYTES ((uint64_t)16 << 20)

struct case_wal;

struct case_wal *
case_wal_make(uint32_t record_bytes);

struct case_wal *
case_wal_free(struct case_wal *wal);

/* Appends CASE_WAL_BYTES, waits until they are durable, and lets the log recycle what it can;
 * records. */
uint64_t
case_wal_append(struct case_wal *wal);

/* Closes the log and opens it again, which replays what the last append left; records. */
uint64_t
case_wal_reopen(struct case_wal *wal);

#ifdef __cplusplus
}
#endif

#endif
