/*
 * Payload of record id: the id (8 bytes), then bytes of a generator seeded with it. The first
 * records of a replay are checked against what was acknowledged; what follows must be records whose
 * fate was open.
 */
#include "tests/durable/ledger.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"

_Noreturn void
ledger_fail(const struct ledger *ledger, const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: seed %" PRIu64 ": %s\n", file, line, ledger->seed, condition);
    (void)fprintf(stderr,
                  "  checkpoint %" PRIu64 ", last %" PRIu64 ", replay at %" PRIu64
                  ", records %" PRIu64 "\n",
                  ledger->checkpoint, ledger->sequence_last, ledger->replay_next,
                  atomic_load(&ledger->id_count));
    abort();
}

struct ledger *
ledger_new(uint64_t seed, uint64_t payload_bytes_max)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    if (ledger == NULL)
        abort();
    pthread_mutex_init(&ledger->mutex, NULL);
    ledger->seed = seed;
    ledger->payload_bytes_max = payload_bytes_max;
    return ledger;
}

void
ledger_free(struct ledger *ledger)
{
    pthread_mutex_destroy(&ledger->mutex);
    free(ledger);
}

uint64_t
ledger_random(const struct ledger *ledger, uint64_t salt, uint64_t bound)
{
    return rc_hash_u64(rc_hash_u64(ledger->seed * 2 + 1) + salt) % bound;
}

static unsigned char
payload_byte(uint64_t id, size_t at)
{
    return (unsigned char)rc_hash_u64(id * 1048576 + at / 64 + 7);
}

static void
payload_fill(uint64_t id, unsigned char *payload, size_t size)
{
    memcpy(payload, &id, sizeof(id));
    for (size_t i = sizeof(id); i < size; i++)
        payload[i] = payload_byte(id, i);
}

static uint64_t
payload_check(const struct ledger *ledger, struct rc_bytes payload)
{
    uint64_t id;
    LEDGER_CHECK(ledger, payload.size >= sizeof(id));
    memcpy(&id, payload.data, sizeof(id));
    LEDGER_CHECK(ledger, id < ledger->id_count);
    for (size_t i = sizeof(id); i < payload.size; i++)
        LEDGER_CHECK(ledger, (unsigned char)payload.data[i] == payload_byte(id, i));
    return id;
}

enum rc_status
ledger_append_sized(struct ledger *ledger, struct rc_wal *wal, uint64_t payload_bytes)
{
    const uint64_t id = atomic_fetch_add(&ledger->id_count, 1);
    LEDGER_CHECK(ledger, id < LEDGER_RECORDS_MAX);
    unsigned char *payload = malloc(payload_bytes);
    if (payload == NULL)
        abort();
    payload_fill(id, payload, payload_bytes);
    const size_t cut = ledger_random(ledger, id + 77, payload_bytes + 1);
    const struct rc_bytes head = {(const char *)payload, cut};
    const struct rc_bytes body = {(const char *)payload + cut, payload_bytes - cut};
    const enum rc_status status = rc_wal_append(wal, head, body, (void *)(uintptr_t)id, NULL);
    free(payload);
    if (status != RC_OK) {
        pthread_mutex_lock(&ledger->mutex);
        LEDGER_CHECK(ledger, ledger->states[id] == LEDGER_OPEN);
        ledger->states[id] = LEDGER_REFUSED;
        pthread_mutex_unlock(&ledger->mutex);
    }
    return status;
}

enum rc_status
ledger_append(struct ledger *ledger, struct rc_wal *wal)
{
    const uint64_t salt = ledger->id_count * 3 + 1;
    if (ledger_random(ledger, salt, 20) == 0)
        return ledger_append_sized(
            ledger, wal, 8 + ledger_random(ledger, salt + 1, ledger->payload_bytes_max - 7));
    /* With every other seed records are of one size: then what is left of a torn group lines up
     * with what is written after it. */
    const uint64_t most = ledger->seed % 2 == 0 ? 400 : 1;
    return ledger_append_sized(ledger, wal, 96 + ledger_random(ledger, salt + 1, most));
}

static void
on_durable(void *context,
           uint64_t sequence,
           struct rc_bytes payload,
           void *token,
           enum rc_status status)
{
    struct ledger *ledger = context;
    const uint64_t id = payload_check(ledger, payload);
    pthread_mutex_lock(&ledger->mutex);
    LEDGER_CHECK(ledger, id == (uint64_t)(uintptr_t)token);
    LEDGER_CHECK(ledger, ledger->states[id] == LEDGER_OPEN);
    if (status == RC_OK) {
        LEDGER_CHECK(ledger, sequence == ledger->sequence_last + 1);
        ledger->states[id] = LEDGER_DURABLE;
        ledger->id_of_sequence[sequence] = (uint32_t)id + 1;
        ledger->sequence_last = sequence;
    } else if (status == RC_UNAVAILABLE) {
        LEDGER_CHECK(ledger, ledger->told_broken);
        ledger->states[id] = LEDGER_UNKNOWN;
        ledger->unknown_count++;
    } else {
        LEDGER_CHECK(ledger, status == RC_NO_SPACE || status == RC_NO_MEMORY);
        LEDGER_CHECK(ledger, sequence == 0);
        ledger->states[id] = LEDGER_REFUSED;
        ledger->refused_count++;
    }
    pthread_mutex_unlock(&ledger->mutex);
    if (ledger->on_delivered != NULL)
        ledger->on_delivered(ledger);
}

static void
on_broken(void *context, const struct rc_error *error)
{
    struct ledger *ledger = context;
    pthread_mutex_lock(&ledger->mutex);
    LEDGER_CHECK(ledger, !ledger->told_broken && error->message[0] != '\0');
    ledger->told_broken = true;
    pthread_mutex_unlock(&ledger->mutex);
}

static enum rc_status
on_replay(void *context, uint64_t sequence, struct rc_bytes payload, struct rc_error *reterr_error)
{
    struct ledger *ledger = context;
    (void)reterr_error;
    const uint64_t id = payload_check(ledger, payload);
    LEDGER_CHECK(ledger, sequence == ledger->replay_next);
    if (sequence <= ledger->sequence_last) {
        LEDGER_CHECK(ledger, ledger->id_of_sequence[sequence] == id + 1);
        LEDGER_CHECK(ledger, ledger->states[id] == LEDGER_DURABLE);
    } else {
        LEDGER_CHECK(ledger, ledger->states[id] == LEDGER_UNKNOWN);
        ledger->states[id] = LEDGER_DURABLE;
        ledger->id_of_sequence[sequence] = (uint32_t)id + 1;
    }
    ledger->replay_next++;
    return RC_OK;
}

enum rc_status
ledger_open(struct ledger *ledger,
            struct rc_wal_options options,
            struct rc_wal **ret_wal,
            struct rc_error *reterr_error)
{
    options.replay_after = ledger->checkpoint;
    options.mark.log = ledger->log;
    options.on_replay = on_replay;
    options.on_durable = on_durable;
    options.on_broken = on_broken;
    options.context = ledger;
    ledger->replay_next = ledger->checkpoint + 1;
    ledger->told_broken = false;
    *ret_wal = NULL;
    const enum rc_status status = rc_wal_open(&options, ret_wal, reterr_error);
    if (status != RC_OK) {
        /* What an interrupted replay showed beyond the acknowledged is known to exist only once an
         * open has made it durable. */
        for (uint64_t sequence = ledger->sequence_last + 1; sequence < ledger->replay_next;
             sequence++) {
            if (ledger->id_of_sequence[sequence] == 0)
                continue;
            ledger->states[ledger->id_of_sequence[sequence] - 1] = LEDGER_UNKNOWN;
            ledger->id_of_sequence[sequence] = 0;
        }
        return status;
    }
    LEDGER_CHECK(ledger, options.mark.path == NULL || rc_wal_log(*ret_wal) != 0);
    LEDGER_CHECK(ledger, ledger->log == 0 || rc_wal_log(*ret_wal) == ledger->log);
    ledger->log = rc_wal_log(*ret_wal);
    LEDGER_CHECK(ledger, ledger->replay_next > ledger->sequence_last);
    ledger->sequence_last = ledger->replay_next - 1;
    /* What was in doubt and did not come back is gone for good: it must not come back later. */
    for (uint64_t id = 0; id < ledger->id_count; id++)
        if (ledger->states[id] == LEDGER_UNKNOWN)
            ledger->states[id] = LEDGER_REFUSED;
    return RC_OK;
}
