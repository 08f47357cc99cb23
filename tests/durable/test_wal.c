/* The log on a disk that works: order, restarts, limits, recycling, many appenders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "tests/base/disk_faulty.h"
#include "tests/durable/ledger.h"

#define FILE_BYTES 32768
#define TRIM_PAUSE_NS 1000
#define PAYLOAD_BYTES_MAX (FILE_BYTES - 4096 - 40)

static struct rc_wal_options
options_for(struct rc_disk_faulty *faulty)
{
    return (struct rc_wal_options){.disk = rc_disk_faulty_disk(faulty),
                                   .directory = "wal",
                                   .file_bytes = FILE_BYTES,
                                   .buffer_bytes_max = 65536};
}

static struct rc_disk_faulty *
new_disk(uint64_t seed)
{
    struct rc_disk_faulty *faulty = rc_disk_faulty_new(seed);
    assert_int_equal(rc_disk_make_dir(rc_disk_faulty_disk(faulty), "wal", NULL), RC_OK);
    assert_int_equal(rc_disk_sync_dir(rc_disk_faulty_disk(faulty), ".", NULL), RC_OK);
    return faulty;
}

static struct rc_wal *
open_log(struct ledger *ledger, struct rc_disk_faulty *faulty)
{
    struct rc_wal *wal;
    struct rc_error error = {0};
    if (ledger_open(ledger, options_for(faulty), &wal, &error) != RC_OK)
        fail_msg("open: %s", error.message);
    return wal;
}

struct counts {
    unsigned live;
    unsigned spare;
};

static enum rc_status
count_name(void *context, const char *name)
{
    struct counts *counts = context;
    if (strncmp(name, "wal-", 4) == 0)
        counts->live++;
    else
        counts->spare++;
    return RC_OK;
}

static struct counts
count_files(struct rc_disk_faulty *faulty)
{
    struct counts counts = {0};
    const enum rc_status status =
        rc_disk_list(rc_disk_faulty_disk(faulty), "wal", count_name, &counts, NULL);
    assert_int_equal(status, RC_OK);
    return counts;
}

static void
test_append_and_reopen(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(1);
    struct ledger *ledger = ledger_new(1, 5000);
    for (unsigned life = 0; life < 6; life++) {
        struct rc_wal *wal = open_log(ledger, faulty);
        struct rc_wal_stats stats;
        rc_wal_get_stats(wal, &stats);
        assert_int_equal(stats.replayed_count, life * 120);
        assert_int_equal(stats.sequence_last, life * 120);
        assert_int_equal(stats.torn_bytes, 0);
        for (unsigned i = 0; i < 120; i++) {
            assert_int_equal(ledger_append(ledger, wal), RC_OK);
            if (i % 17 == 0) {
                rc_wal_drain(wal);
                assert_int_equal(ledger->sequence_last, life * 120 + i + 1);
            }
        }
        rc_wal_close(wal);
        assert_int_equal(ledger->sequence_last, (life + 1) * 120);
    }
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

static void
test_limits(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(2);
    struct ledger *ledger = ledger_new(2, 100);
    struct rc_wal *wal = open_log(ledger, faulty);
    assert_int_equal(ledger_append_sized(ledger, wal, 8), RC_OK);
    assert_int_equal(ledger_append_sized(ledger, wal, PAYLOAD_BYTES_MAX), RC_OK);
    assert_int_equal(ledger_append_sized(ledger, wal, PAYLOAD_BYTES_MAX + 1), RC_LIMIT_EXCEEDED);
    assert_int_equal(ledger_append_sized(ledger, wal, PAYLOAD_BYTES_MAX), RC_OK);
    assert_int_equal(ledger_append_sized(ledger, wal, 8), RC_OK);
    rc_wal_close(wal);
    assert_int_equal(ledger->sequence_last, 4);
    rc_wal_close(open_log(ledger, faulty));
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

/* When nothing is logged any more the buffers go back. */
static void
test_buffers_go_when_idle(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(8);
    struct ledger *ledger = ledger_new(8, 1000);
    struct rc_wal *wal = open_log(ledger, faulty);
    const uint64_t before = rc_account_used(&rc_account_process);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(ledger_append_sized(ledger, wal, PAYLOAD_BYTES_MAX), RC_OK);
    assert_true(rc_account_used(&rc_account_process) > before + PAYLOAD_BYTES_MAX);
    rc_wal_drain(wal);
    while (rc_account_used(&rc_account_process) > before + PAYLOAD_BYTES_MAX / 2)
        rc_clock_sleep_ns(1000000);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(ledger_append_sized(ledger, wal, PAYLOAD_BYTES_MAX), RC_OK);
    rc_wal_close(wal);
    assert_int_equal(ledger->sequence_last, 80);
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

/* Bytes without an id: rc_wal_append's own edge. */
static void
test_empty_payload(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(3);
    struct ledger *ledger = ledger_new(3, 100);
    struct rc_wal *wal = open_log(ledger, faulty);
    rc_wal_drain(wal); /* Nothing was appended: returns at once. */
    assert_null(rc_wal_close(wal));
    assert_null(rc_wal_close(NULL));
    wal = open_log(ledger, faulty);
    struct rc_wal_stats stats;
    rc_wal_get_stats(wal, &stats);
    assert_int_equal(stats.sequence_last, 0);
    rc_wal_close(wal);
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

/* Trims as a checkpoint does; files must be recycled and their residue never be replayed. */
static void
test_trim_and_recycle(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(4);
    struct ledger *ledger = ledger_new(4, 4000);
    struct rc_wal *wal = open_log(ledger, faulty);
    unsigned live_max = 0;
    struct rc_wal_stats stats;
    for (unsigned i = 0; i < 4000; i++) {
        assert_int_equal(ledger_append(ledger, wal), RC_OK);
        if (i % 300 == 299) {
            rc_wal_drain(wal);
            ledger->checkpoint = ledger->sequence_last - ledger_random(ledger, i, 40);
            assert_int_equal(rc_wal_trim(wal, ledger->checkpoint, TRIM_PAUSE_NS, NULL), RC_OK);
            const struct counts counts = count_files(faulty);
            live_max = counts.live > live_max ? counts.live : live_max;
            assert_in_range(counts.spare, 0, 3);
        }
        if (i % 110 == 109) {
            rc_wal_close(wal);
            wal = open_log(ledger, faulty);
            rc_wal_get_stats(wal, &stats);
            assert_int_equal(stats.torn_bytes, 0); /* Residue is not even looked at. */
        }
    }
    rc_wal_get_stats(wal, &stats);
    assert_in_range(stats.live_bytes, 1, (uint64_t)(live_max + 1) * FILE_BYTES);
    rc_wal_close(wal);
    assert_in_range(live_max, 1, 4); /* 40 records are a few files at most. */
    ledger->checkpoint = ledger->sequence_last;
    wal = open_log(ledger, faulty);
    rc_wal_get_stats(wal, &stats);
    assert_int_equal(stats.replayed_count, 0);
    assert_int_equal(stats.sequence_last, 4000);
    rc_wal_close(wal);
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

/* A log with another file size goes on: old files are read, new ones have the new size. */
static void
test_other_file_size(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(5);
    struct ledger *ledger = ledger_new(5, 1000);
    for (unsigned life = 0; life < 4; life++) {
        struct rc_wal_options options = options_for(faulty);
        options.file_bytes = life % 2 == 0 ? 16384 : 65536;
        struct rc_wal *wal;
        assert_int_equal(ledger_open(ledger, options, &wal, NULL), RC_OK);
        assert_int_equal(ledger_append_sized(ledger, wal, options.file_bytes - 4136), RC_OK);
        for (unsigned i = 0; i < 200; i++)
            assert_int_equal(ledger_append(ledger, wal), RC_OK);
        rc_wal_drain(wal);
        ledger->checkpoint = ledger->sequence_last - 100;
        assert_int_equal(rc_wal_trim(wal, ledger->checkpoint, TRIM_PAUSE_NS, NULL), RC_OK);
        rc_wal_close(wal);
    }
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

struct appender {
    struct ledger *ledger;
    struct rc_wal *wal;
    unsigned count;
};

static void *
append_many(void *argument)
{
    const struct appender *appender = argument;
    for (unsigned i = 0; i < appender->count; i++)
        if (ledger_append_sized(appender->ledger, appender->wal, 8 + i % 3000) != RC_OK)
            return argument;
    return NULL;
}

/* Four appenders against a buffer that holds a few records, and a trimming thread beside them. */
static void
test_many_appenders(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(6);
    struct ledger *ledger = ledger_new(6, 100);
    struct rc_wal_options options = options_for(faulty);
    options.buffer_bytes_max = 8192;
    struct rc_wal *wal;
    assert_int_equal(ledger_open(ledger, options, &wal, NULL), RC_OK);
    struct appender appender = {.ledger = ledger, .wal = wal, .count = 500};
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &appender), 0);
    for (unsigned i = 0; i < 20; i++) {
        struct rc_wal_stats stats;
        rc_wal_drain(wal);
        rc_wal_get_stats(wal, &stats);
        if (stats.sequence_last > 200) {
            ledger->checkpoint = stats.sequence_last - 200;
            assert_int_equal(rc_wal_trim(wal, ledger->checkpoint, TRIM_PAUSE_NS, NULL), RC_OK);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    rc_wal_close(wal);
    assert_int_equal(ledger->sequence_last, 2000);
    rc_wal_close(open_log(ledger, faulty));
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

/* A log whose oldest files are gone is damaged unless a checkpoint covers them; an empty directory
 * with a checkpoint goes on after it. */
static void
test_missing_beginning(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(7);
    struct ledger *ledger = ledger_new(7, 1000);
    ledger->checkpoint = ledger->sequence_last = 41;
    struct rc_wal *wal = open_log(ledger, faulty);
    assert_int_equal(ledger_append(ledger, wal), RC_OK);
    rc_wal_close(wal);
    assert_int_equal(ledger->sequence_last, 42);
    rc_wal_close(open_log(ledger, faulty));
    struct rc_error error;
    ledger->checkpoint = 40;
    assert_int_equal(ledger_open(ledger, options_for(faulty), &wal, &error), RC_CORRUPT);
    assert_non_null(strstr(error.message, "record"));
    ledger->checkpoint = 43; /* The log has lost what a checkpoint holds. */
    assert_int_equal(ledger_open(ledger, options_for(faulty), &wal, &error), RC_CORRUPT);
    ledger->checkpoint = 42;
    rc_wal_close(open_log(ledger, faulty));
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_and_reopen),    cmocka_unit_test(test_limits),
        cmocka_unit_test(test_buffers_go_when_idle), cmocka_unit_test(test_empty_payload),
        cmocka_unit_test(test_trim_and_recycle),     cmocka_unit_test(test_other_file_size),
        cmocka_unit_test(test_many_appenders),       cmocka_unit_test(test_missing_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
