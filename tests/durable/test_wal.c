/* The log on a disk that works: order, restarts, limits, recycling, many appenders. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file_ops.h"
#include "engine/durable/wal_files_state.h"
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

/* ---- whose call is it ---- */

static const struct rc_disk_ops *true_ops;
static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER; /* Guards what follows. */
static pthread_t log_thread;
static bool log_known;
static unsigned names_by_log;
static unsigned names_by_others;

static void
know_log_thread(struct ledger *ledger)
{
    (void)ledger;
    pthread_mutex_lock(&calls_lock);
    log_thread = pthread_self();
    log_known = true;
    pthread_mutex_unlock(&calls_lock);
}

static void
count_call(void)
{
    pthread_mutex_lock(&calls_lock);
    const bool by_log = log_known && pthread_equal(pthread_self(), log_thread) != 0;
    names_by_log += by_log;
    names_by_others += !by_log;
    pthread_mutex_unlock(&calls_lock);
}

static enum rc_status
counted_sync_dir(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    count_call();
    return true_ops->sync_dir(disk, path, reterr_error);
}

static enum rc_status
counted_rename(struct rc_disk *disk,
               const char *from,
               const char *to,
               struct rc_error *reterr_error)
{
    count_call();
    return true_ops->rename(disk, from, to, reterr_error);
}

/* What everybody waits for, the log's thread, changes no name and syncs no directory: a file system
 * may take a third of a second for that. */
static void
test_names_are_others_business(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(12);
    struct ledger *ledger = ledger_new(12, 1000);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    struct rc_disk_ops ops = *disk->ops;
    true_ops = disk->ops;
    ops.sync_dir = counted_sync_dir;
    ops.rename = counted_rename;
    disk->ops = &ops;
    ledger->on_delivered = know_log_thread;
    struct rc_wal *wal = open_log(ledger, faulty);
    for (unsigned i = 0; i < 400; i++) {
        assert_int_equal(ledger_append_sized(ledger, wal, 1000), RC_OK);
        if (i % 100 == 99) {
            rc_wal_drain(wal);
            ledger->checkpoint = ledger->sequence_last - 10;
            assert_int_equal(rc_wal_trim(wal, ledger->checkpoint, TRIM_PAUSE_NS, NULL), RC_OK);
        }
    }
    rc_wal_close(wal);
    disk->ops = true_ops;
    assert_int_equal(ledger->sequence_last, 400);
    assert_int_equal(names_by_log, 0);
    assert_true(names_by_others > 12); /* As many files. */
    rc_wal_close(open_log(ledger, faulty));
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

/* ---- erasing ---- */

/* Of the thread that trims: one that erases waits for the helper, which syncs directories too. */
static _Thread_local struct rc_wal *wal_to_erase;

/* A trim has given a file the name of a spare and makes that durable, to recycle it: just then
 * somebody wants everything erased. */
static enum rc_status
erase_meanwhile(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    struct rc_wal *wal = wal_to_erase;
    if (wal != NULL) {
        wal_to_erase = NULL;
        assert_int_equal(rc_wal_begin_erasing(wal, NULL), RC_OK);
    }
    return true_ops->sync_dir(disk, path, reterr_error);
}

struct names {
    unsigned count;
    char paths[32][64];
};

static enum rc_status
note_name(void *context, const char *name)
{
    struct names *names = context;
    assert_true(names->count < 32);
    (void)snprintf(names->paths[names->count++], sizeof(names->paths[0]), "wal/%s", name);
    return RC_OK;
}

static bool
log_holds(struct rc_disk_faulty *faulty, const void *bytes, size_t size)
{
    struct names names = {.count = 0};
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    assert_int_equal(rc_disk_list(disk, "wal", note_name, &names, NULL), RC_OK);
    for (unsigned i = 0; i < names.count; i++) {
        size_t file_size = 0;
        const void *content = rc_disk_faulty_peek(faulty, names.paths[i], &file_size);
        if (memmem(content, file_size, bytes, size) != NULL)
            return true;
    }
    return false;
}

static void
test_a_trim_beside_erasing_recycles_nothing(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(13);
    struct ledger *ledger = ledger_new(13, 1000);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    struct rc_disk_ops ops = *disk->ops;
    struct rc_wal *wal = open_log(ledger, faulty);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(ledger_append_sized(ledger, wal, 1000), RC_OK);
    rc_wal_close(wal); /* The helper writes no file while its bytes are looked at. */
    size_t size = 0;
    char bytes[200]; /* Of the first record. */
    const char *content = rc_disk_faulty_peek(faulty, "wal/wal-0000000000000002.log", &size);
    assert_non_null(content);
    memcpy(bytes, content + 4096 + 40 + 200, sizeof(bytes));
    assert_true(log_holds(faulty, bytes, sizeof(bytes)));
    true_ops = disk->ops;
    ops.sync_dir = erase_meanwhile;
    disk->ops = &ops;
    wal = open_log(ledger, faulty);
    wal_to_erase = wal;
    ledger->checkpoint = ledger->sequence_last;
    assert_int_equal(rc_wal_trim(wal, ledger->checkpoint, TRIM_PAUSE_NS, NULL), RC_OK);
    assert_int_equal(rc_wal_trim(wal, ledger->checkpoint, TRIM_PAUSE_NS, NULL), RC_OK);
    rc_wal_end_erasing(wal);
    assert_null(wal_to_erase);
    rc_wal_close(wal);
    disk->ops = true_ops;
    assert_false(log_holds(faulty, bytes, sizeof(bytes)));
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

/* ---- rounds of the helper ---- */

static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t held_changed = PTHREAD_COND_INITIALIZER;
static bool is_held;
static bool is_let_go;

/* What a round that found no space does last. The first one is held until it is let go. */
static enum rc_status
held_remove(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    pthread_mutex_lock(&held_lock);
    is_held = true;
    pthread_cond_broadcast(&held_changed);
    while (!is_let_go)
        pthread_cond_wait(&held_changed, &held_lock);
    pthread_mutex_unlock(&held_lock);
    return true_ops->remove(disk, path, reterr_error);
}

static void *
let_go_once_awaited(void *argument)
{
    struct rc_wal_files *files = argument;
    for (bool awaited = false; !awaited;) {
        pthread_mutex_lock(&files->mutex);
        awaited = files->next_awaited;
        pthread_mutex_unlock(&files->mutex);
    }
    pthread_mutex_lock(&held_lock);
    is_let_go = true;
    pthread_cond_broadcast(&held_changed);
    pthread_mutex_unlock(&held_lock);
    return NULL;
}

/* A round that began on a full disk says nothing to who waits since there is room. */
static void
test_a_round_from_before_there_was_room(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(14);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    struct rc_disk_ops ops = *disk->ops;
    struct rc_wal_files *files;
    struct rc_wal_file live;
    struct rc_file *file;
    pthread_t thread;
    true_ops = disk->ops;
    ops.remove = held_remove;
    disk->ops = &ops;
    assert_int_equal(
        rc_wal_files_open(disk, "wal", FILE_BYTES, (struct rc_wal_mark_place){0}, &files, NULL),
        RC_OK);
    assert_int_equal(rc_wal_files_start(files, 0, NULL), RC_OK);
    rc_disk_faulty_set_quota(faulty, FILE_BYTES / 2);
    rc_wal_files_prepare(files);
    pthread_mutex_lock(&held_lock);
    while (!is_held)
        pthread_cond_wait(&held_changed, &held_lock);
    pthread_mutex_unlock(&held_lock);
    rc_disk_faulty_set_quota(faulty, 0);
    assert_int_equal(pthread_create(&thread, NULL, let_go_once_awaited, files), 0);
    assert_int_equal(rc_wal_files_next(files, 1, &live, &file, NULL), RC_OK);
    pthread_join(thread, NULL);
    rc_file_close(file);
    rc_wal_files_close(files);
    disk->ops = true_ops;
    rc_disk_faulty_free(faulty);
}

static bool
is_in_a_round(const struct rc_wal_files *files)
{
    return files->rounds_begun > files->rounds_ended || files->next.file != NULL;
}

static bool
is_erasing(const struct rc_wal_files *files)
{
    return files->erasing;
}

static void
wait_for(struct rc_wal_files *files, bool (*is)(const struct rc_wal_files *files))
{
    for (bool yes = false; !yes;) {
        pthread_mutex_lock(&files->mutex);
        yes = is(files);
        pthread_mutex_unlock(&files->mutex);
        sched_yield();
    }
}

static void *
erase_once(void *argument)
{
    struct rc_wal_files *files = argument;
    assert_int_equal(rc_wal_files_begin_erasing(files, NULL), RC_OK);
    return NULL;
}

/* The log waits for the round under way, and who erases takes away what that round made, before the
 * log has seen it: the helper must make another (it slept, and the log waited for ever). */
static void
test_erasing_takes_the_file_that_is_awaited(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        struct rc_disk_faulty *faulty = new_disk(100 + i);
        struct rc_wal_files *files;
        struct rc_wal_file live;
        struct rc_file *file;
        pthread_t thread;
        assert_int_equal(rc_wal_files_open(rc_disk_faulty_disk(faulty), "wal", FILE_BYTES,
                                           (struct rc_wal_mark_place){0}, &files, NULL),
                         RC_OK);
        assert_int_equal(rc_wal_files_start(files, 0, NULL), RC_OK);
        rc_wal_files_prepare(files);
        wait_for(files, is_in_a_round);
        assert_int_equal(pthread_create(&thread, NULL, erase_once, files), 0);
        wait_for(files, is_erasing);
        assert_int_equal(rc_wal_files_next(files, 1, &live, &file, NULL), RC_OK);
        pthread_join(thread, NULL);
        rc_wal_files_end_erasing(files);
        rc_file_close(file);
        rc_wal_files_close(files);
        rc_disk_faulty_free(faulty);
    }
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
        cmocka_unit_test(test_append_and_reopen),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_buffers_go_when_idle),
        cmocka_unit_test(test_empty_payload),
        cmocka_unit_test(test_trim_and_recycle),
        cmocka_unit_test(test_other_file_size),
        cmocka_unit_test(test_many_appenders),
        cmocka_unit_test(test_names_are_others_business),
        cmocka_unit_test(test_a_trim_beside_erasing_recycles_nothing),
        cmocka_unit_test(test_a_round_from_before_there_was_room),
        cmocka_unit_test(test_erasing_takes_the_file_that_is_awaited),
        cmocka_unit_test(test_missing_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
