/*
 * The log on a disk that fails: seeded power cuts, each call failing in turn, and a full disk. The
 * ledger judges every restart; and before some of them the newest file that somebody was told of is
 * taken away, which must be noticed.
 *
 * RC_POWER_CUT_ROUNDS sets the rounds (200), RC_POWER_CUT_SEED the first seed (1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "engine/durable/wal_format.h"
#include "tests/base/disk_faulty.h"
#include "tests/base/environment.h"
#include "tests/durable/ledger.h"

#define FILE_BYTES 16384
#define TRIM_PAUSE_NS 1000
#define LIVES 4

static struct rc_wal_options
options_for(struct rc_disk_faulty *faulty)
{
    return (struct rc_wal_options){.disk = rc_disk_faulty_disk(faulty),
                                   .directory = "wal",
                                   .mark.path = "MARK",
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

struct work {
    struct ledger *ledger;
    struct rc_wal *wal;
    unsigned count;
};

static void *
append_some(void *argument)
{
    const struct work *work = argument;
    for (unsigned i = 0; i < work->count; i++)
        if (ledger_append(work->ledger, work->wal) != RC_OK)
            break;
    return NULL;
}

/* A checkpoint at a random acknowledged record, then the trim that it allows. */
static void
checkpoint(struct ledger *ledger, struct rc_wal *wal, uint64_t salt)
{
    pthread_mutex_lock(&ledger->mutex);
    const uint64_t more = ledger->sequence_last - ledger->checkpoint;
    ledger->checkpoint += ledger_random(ledger, salt, more + 1);
    pthread_mutex_unlock(&ledger->mutex);
    const enum rc_status status = rc_wal_trim(wal, ledger->checkpoint, TRIM_PAUSE_NS, NULL);
    (void)status; /* A cut may hit it. */
}

static void
one_life(struct ledger *ledger, struct rc_disk_faulty *faulty, uint64_t salt)
{
    rc_disk_faulty_cut_at(faulty, 1 + ledger_random(ledger, salt, 250));
    struct rc_wal *wal;
    struct rc_error error = {0};
    if (ledger_open(ledger, options_for(faulty), &wal, &error) != RC_OK) {
        if (!rc_disk_faulty_is_cut(faulty))
            ledger_fail(ledger, error.message, __FILE__, __LINE__);
        return;
    }
    struct work work = {ledger, wal, (unsigned)ledger_random(ledger, salt + 1, 150)};
    pthread_t thread;
    const int created = pthread_create(&thread, NULL, append_some, &work);
    for (unsigned i = 0; i < 100 && !rc_disk_faulty_is_cut(faulty); i++) {
        if (ledger_append(ledger, wal) != RC_OK)
            break;
        if (ledger_random(ledger, salt + 10 + i, 4) == 0)
            rc_wal_drain(wal);
        if (ledger_random(ledger, salt + 200 + i, 16) == 0)
            checkpoint(ledger, wal, salt + 400 + i);
    }
    if (created == 0)
        pthread_join(thread, NULL);
    if (ledger_random(ledger, salt + 2, 4) == 0)
        rc_disk_faulty_cut(faulty); /* Before the orderly end. */
    rc_wal_close(wal);
}

struct newest {
    const struct ledger *ledger;
    struct rc_disk_faulty *faulty;
    char path[64]; /* Empty: there is none. */
};

/* The last file in use that holds something acknowledged. */
static enum rc_status
note_newest(void *context, const char *name)
{
    struct newest *newest = context;
    struct rc_wal_header header;
    bool spare = false;
    uint64_t number;
    char path[64];
    size_t size;
    (void)snprintf(path, sizeof(path), "wal/%s", name);
    if (rc_wal_name_parse(name, &spare, &number) && !spare &&
        rc_wal_header_decode(rc_disk_faulty_peek(newest->faulty, path, &size), &header) &&
        header.sequence_first != RC_WAL_NOTHING &&
        header.sequence_first <= newest->ledger->sequence_last)
        memcpy(newest->path, path, sizeof(path));
    return RC_OK;
}

/* Takes away the newest file that holds an acknowledged record, if a start needs that. */
static bool
lose_newest(struct ledger *ledger, struct rc_disk_faulty *faulty)
{
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    struct newest newest = {.ledger = ledger, .faulty = faulty};
    struct rc_wal *wal;
    struct rc_error error = {0};
    if (ledger->sequence_last <= ledger->checkpoint)
        return false;
    LEDGER_CHECK(ledger, rc_disk_list(disk, "wal", note_newest, &newest, NULL) == RC_OK);
    LEDGER_CHECK(ledger, newest.path[0] != '\0');
    LEDGER_CHECK(ledger, rc_disk_rename(disk, newest.path, "wal/aside", NULL) == RC_OK);
    LEDGER_CHECK(ledger, ledger_open(ledger, options_for(faulty), &wal, &error) == RC_CORRUPT);
    LEDGER_CHECK(ledger, rc_disk_rename(disk, "wal/aside", newest.path, NULL) == RC_OK);
    LEDGER_CHECK(ledger, rc_disk_sync_dir(disk, "wal", NULL) == RC_OK);
    return true;
}

static void
test_power_cuts(void **state)
{
    (void)state;
    const uint64_t rounds = test_number("RC_POWER_CUT_ROUNDS", test_rounds(200));
    const uint64_t seed = test_number("RC_POWER_CUT_SEED", 1);
    uint64_t replayed = 0;
    uint64_t in_doubt = 0;
    uint64_t lost = 0;
    printf("power cuts: %llu rounds of %d lives from seed %llu\n", (unsigned long long)rounds,
           LIVES, (unsigned long long)seed);
    for (uint64_t round = 0; round < rounds; round++) {
        struct rc_disk_faulty *faulty = new_disk(seed + round);
        struct ledger *ledger = ledger_new(seed + round, FILE_BYTES - 4136);
        for (uint64_t life = 0; life < LIVES; life++) {
            one_life(ledger, faulty, life * 10000 + 1);
            rc_disk_faulty_reboot(faulty);
            lost += ledger_random(ledger, life + 77, 3) == 0 && lose_newest(ledger, faulty);
        }
        struct rc_wal *wal;
        struct rc_error error = {0};
        if (ledger_open(ledger, options_for(faulty), &wal, &error) != RC_OK)
            ledger_fail(ledger, error.message, __FILE__, __LINE__);
        struct rc_wal_stats stats;
        rc_wal_get_stats(wal, &stats);
        replayed += stats.replayed_count;
        in_doubt += ledger->unknown_count;
        rc_wal_close(wal);
        ledger_free(ledger);
        rc_disk_faulty_free(faulty);
    }
    printf(
        "power cuts: %llu records in the last replays, %llu were in doubt; %llu times the newest "
        "file was taken away\n",
        (unsigned long long)replayed, (unsigned long long)in_doubt, (unsigned long long)lost);
    assert_true(rounds < 50 || (replayed > 0 && in_doubt > 0 && lost > rounds / 2));
}

/* Appends over a few files with checkpoints, in one thread. */
static void
scenario(struct ledger *ledger, struct rc_disk_faulty *faulty)
{
    struct rc_wal *wal;
    if (ledger_open(ledger, options_for(faulty), &wal, NULL) != RC_OK)
        return;
    for (unsigned i = 0; i < 60; i++) {
        const enum rc_status status = ledger_append_sized(ledger, wal, 8 + (i * 131) % 1500);
        LEDGER_CHECK(ledger, status == RC_OK || status == RC_UNAVAILABLE);
        if (i % 3 == 0)
            rc_wal_drain(wal);
        if (i % 25 == 24)
            checkpoint(ledger, wal, i);
    }
    rc_wal_close(wal);
}

/* Opens, and ends in an orderly way after one more record, or at once by a power cut. */
static void
judge(struct ledger *ledger, struct rc_disk_faulty *faulty, bool orderly)
{
    struct rc_wal *wal;
    struct rc_error error = {0};
    if (ledger_open(ledger, options_for(faulty), &wal, &error) != RC_OK)
        ledger_fail(ledger, error.message, __FILE__, __LINE__);
    if (orderly)
        LEDGER_CHECK(ledger, ledger_append(ledger, wal) == RC_OK);
    else
        rc_disk_faulty_cut(faulty);
    rc_wal_close(wal);
    if (!orderly)
        rc_disk_faulty_reboot(faulty);
}

static struct rc_disk_faulty *disk_to_cut;

static void
cut_after_refusal(struct ledger *ledger)
{
    if (ledger->refused_count > 0)
        rc_disk_faulty_cut(disk_to_cut);
}

/* cut: the power goes in the moment of the first refusal. */
static void
each_call_fails(enum rc_status status, bool cut)
{
    uint64_t n = 1;
    uint64_t refused = 0;
    uint64_t in_doubt = 0;
    for (bool reached = true; reached; n += test_stride()) {
        struct rc_disk_faulty *faulty = new_disk(n);
        struct ledger *ledger = ledger_new(n, 1000);
        disk_to_cut = faulty;
        ledger->on_delivered = cut ? cut_after_refusal : NULL;
        rc_disk_faulty_fail_at(faulty, n, status);
        scenario(ledger, faulty);
        reached = rc_disk_faulty_calls(faulty) >= n;
        refused += ledger->refused_count;
        in_doubt += ledger->unknown_count;
        ledger->on_delivered = NULL;
        rc_disk_faulty_fail_at(faulty, 0, RC_OK);
        if (rc_disk_faulty_is_cut(faulty))
            rc_disk_faulty_reboot(faulty);
        judge(ledger, faulty, n % 2 == 0); /* As after a crash of the process, */
        rc_disk_faulty_reboot(faulty);
        judge(ledger, faulty, true); /* and of the machine. */
        ledger_free(ledger);
        rc_disk_faulty_free(faulty);
    }
    printf("%s: up to the %lluth call; %llu records refused, %llu in doubt\n",
           rc_status_name(status), (unsigned long long)n, (unsigned long long)refused,
           (unsigned long long)in_doubt);
    assert_in_range(n, 50, 100000);
    assert_true(in_doubt > 0);
    assert_true(status != RC_NO_SPACE || refused > 0);
}

static void
test_each_call_fails(void **state)
{
    (void)state;
    each_call_fails(RC_IO, false);
}

static void
test_each_call_finds_no_space(void **state)
{
    (void)state;
    each_call_fails(RC_NO_SPACE, false);
    each_call_fails(RC_NO_SPACE, true);
}

static void
test_full_disk(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = new_disk(9);
    struct ledger *ledger = ledger_new(9, 1000);
    struct rc_wal *wal;
    rc_disk_faulty_set_quota(faulty, (uint64_t)FILE_BYTES * 3 + 1000);
    assert_int_equal(ledger_open(ledger, options_for(faulty), &wal, NULL), RC_OK);
    for (unsigned i = 0; i < 2000 && ledger->refused_count < 5; i++) {
        assert_int_equal(ledger_append(ledger, wal), RC_OK); /* Not broken: each is tried. */
        rc_wal_drain(wal);
    }
    assert_int_equal(ledger->refused_count, 5);
    assert_int_equal(ledger->unknown_count, 0);
    assert_false(ledger->told_broken);
    struct rc_wal_stats stats;
    rc_wal_get_stats(wal, &stats);
    assert_int_equal(stats.refused_count, 5);
    const uint64_t last = ledger->sequence_last;
    assert_in_range(last, 30, 1000);

    ledger->checkpoint = last - 5; /* A trim makes room, */
    assert_int_equal(rc_wal_trim(wal, ledger->checkpoint, TRIM_PAUSE_NS, NULL), RC_OK);
    assert_int_equal(ledger_append(ledger, wal), RC_OK);
    rc_wal_drain(wal);
    assert_int_equal(ledger->sequence_last, last + 1);
    while (ledger->refused_count < 6) {
        assert_int_equal(ledger_append(ledger, wal), RC_OK);
        rc_wal_drain(wal);
    }
    rc_disk_faulty_set_quota(faulty, 0); /* and so does a larger disk. */
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(ledger_append(ledger, wal), RC_OK);
    rc_wal_close(wal);
    assert_int_equal(ledger->refused_count, 6);
    judge(ledger, faulty, true);
    rc_disk_faulty_reboot(faulty);
    judge(ledger, faulty, true);
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

/* So large that a trim removes them bit by bit. */
#define LARGE_FILE_BYTES ((uint64_t)9 << 20)

static struct rc_wal_options
large_options_for(struct rc_disk_faulty *faulty)
{
    struct rc_wal_options options = options_for(faulty);
    options.file_bytes = LARGE_FILE_BYTES;
    options.buffer_bytes_max = LARGE_FILE_BYTES;
    return options;
}

/* The power goes at the n-th call of a trim that has more files to remove than it recycles. */
static bool
cut_in_trim(uint64_t n)
{
    struct rc_disk_faulty *faulty = new_disk(n);
    struct ledger *ledger = ledger_new(n, 1000);
    struct rc_wal *wal;
    LEDGER_CHECK(ledger, ledger_open(ledger, large_options_for(faulty), &wal, NULL) == RC_OK);
    for (unsigned i = 0; i < 6; i++) {
        LEDGER_CHECK(ledger, ledger_append_sized(ledger, wal, LARGE_FILE_BYTES - 8000) == RC_OK);
        rc_wal_drain(wal);
    }
    for (unsigned i = 0; i < 20; i++) /* Into the next file. */
        LEDGER_CHECK(ledger, ledger_append(ledger, wal) == RC_OK);
    rc_wal_drain(wal);
    ledger->checkpoint = ledger->sequence_last - 3;
    rc_disk_faulty_cut_at(faulty, n);
    const enum rc_status status = rc_wal_trim(wal, ledger->checkpoint, TRIM_PAUSE_NS, NULL);
    const bool is_cut = rc_disk_faulty_is_cut(faulty);
    LEDGER_CHECK(ledger, is_cut || status == RC_OK);
    rc_disk_faulty_cut_at(faulty, 0);
    if (!is_cut)
        rc_disk_faulty_cut(faulty);
    rc_wal_close(wal);
    for (unsigned i = 0; i < 2; i++) {
        rc_disk_faulty_reboot(faulty);
        LEDGER_CHECK(ledger, ledger_open(ledger, large_options_for(faulty), &wal, NULL) == RC_OK);
        LEDGER_CHECK(ledger, ledger_append(ledger, wal) == RC_OK);
        rc_wal_close(wal);
    }
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
    return is_cut;
}

static void
test_cuts_in_a_trim_of_large_files(void **state)
{
    (void)state;
    uint64_t n = 1;
    while (cut_in_trim(n))
        n += test_stride();
    printf("cuts in a trim up to its %lluth call\n", (unsigned long long)n);
    assert_in_range(n, 12, 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cuts),
        cmocka_unit_test(test_each_call_fails),
        cmocka_unit_test(test_each_call_finds_no_space),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_cuts_in_a_trim_of_large_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
