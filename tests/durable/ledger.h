/*
 * Ledger: what a test did to a log and what the log said, judged at every restart.
 *
 * A record is known by its id: the id is its token, begins its payload and determines the rest of
 * it. The ledger is the judge of the promises in wal.h:
 *   - a record that was acknowledged is delivered at every restart, under its sequence, once, in
 * order;
 *   - a record refused with RC_NO_SPACE or RC_NO_MEMORY is never delivered;
 *   - any other is delivered or not, but when it once was it stays;
 *   - a log that keeps a mark goes on under the number that it had.
 *
 * Ownership: the ledger owns its lists.
 * Threading: ledger_append from any thread; on_durable runs on the log's thread; the rest while no
 *            log is open.
 * Errors:    a broken promise fails the test with the seed's round in its message.
 */
#ifndef RC_TESTS_DURABLE_LEDGER_H
#define RC_TESTS_DURABLE_LEDGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/durable/wal.h"

enum ledger_state { LEDGER_OPEN = 0, LEDGER_DURABLE, LEDGER_REFUSED, LEDGER_UNKNOWN };

#define LEDGER_RECORDS_MAX 20000

struct ledger {
    pthread_mutex_t mutex;
    uint64_t seed;
    uint64_t payload_bytes_max;
    _Atomic uint64_t id_count;                   /* Ids given so far. */
    unsigned char states[LEDGER_RECORDS_MAX];    /* By id; enum ledger_state. */
    uint32_t id_of_sequence[LEDGER_RECORDS_MAX]; /* By sequence: id + 1, 0 for none. */
    uint64_t sequence_last;                      /* Highest that was acknowledged or delivered. */
    uint64_t checkpoint;                         /* replay_after of the next open. */
    uint64_t log;                                /* The log's number, once it has one. */
    uint64_t replay_next;                        /* Expected by the replay under way. */
    uint64_t refused_count;
    uint64_t unknown_count;
    bool told_broken;                            /* By the log that is open. */
    void (*on_delivered)(struct ledger *ledger); /* May be NULL: called after each delivery. */
};

/* Fails the test with a message when the condition is false. */
#define LEDGER_CHECK(ledger, condition)                            \
    do {                                                           \
        if (!(condition))                                          \
            ledger_fail((ledger), #condition, __FILE__, __LINE__); \
    } while (0)

_Noreturn void
ledger_fail(const struct ledger *ledger, const char *condition, const char *file, int line);

struct ledger *
ledger_new(uint64_t seed, uint64_t payload_bytes_max);

void
ledger_free(struct ledger *ledger);

/* A uniform number below bound that depends on the seed and salt only. */
uint64_t
ledger_random(const struct ledger *ledger, uint64_t salt, uint64_t bound);

/* Appends the next record. */
enum rc_status
ledger_append(struct ledger *ledger, struct rc_wal *wal);

/* Appends a record with a payload of exactly that many bytes (8 or more). */
enum rc_status
ledger_append_sized(struct ledger *ledger, struct rc_wal *wal, uint64_t payload_bytes);

/* Opens a log over the ledger and judges the replay. On a failure of the disk *ret_wal is NULL. */
enum rc_status
ledger_open(struct ledger *ledger,
            struct rc_wal_options options,
            struct rc_wal **ret_wal,
            struct rc_error *reterr_error);

#endif
