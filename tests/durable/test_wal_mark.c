/*
 * The mark: a log that lost its end, or all of it, is not taken for one that ended there. Each file
 * is missing in turn, the newest is cut short, the folder is of another time, or of another log;
 * after an orderly close and after a power cut. What never had a mark gets one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/durable/wal_format.h"
#include "engine/durable/wal_mark.h"
#include "engine/durable/wal_survey.h"
#include "tests/base/disk_faulty.h"
#include "tests/durable/ledger.h"

#define FILE_BYTES 16384
#define FILES_MAX 16u
#define RECORD_BYTES 1500

struct rig {
    struct rc_disk_faulty *faulty;
    struct rc_disk *disk;
    struct ledger *ledger;
    struct rc_wal *wal;
};

static struct rc_wal_options
options_for(struct rig *rig, bool marked)
{
    return (struct rc_wal_options){.disk = rig->disk,
                                   .directory = "wal",
                                   .mark.path = marked ? "MARK" : NULL,
                                   .file_bytes = FILE_BYTES,
                                   .buffer_bytes_max = 65536};
}

static struct rig
rig_new(uint64_t seed)
{
    struct rig rig = {.faulty = rc_disk_faulty_new(seed), .ledger = ledger_new(seed, 3000)};
    rig.disk = rc_disk_faulty_disk(rig.faulty);
    assert_int_equal(rc_disk_make_dir(rig.disk, "wal", NULL), RC_OK);
    assert_int_equal(rc_disk_sync_dir(rig.disk, ".", NULL), RC_OK);
    return rig;
}

static void
rig_free(struct rig *rig)
{
    ledger_free(rig->ledger);
    rc_disk_faulty_free(rig->faulty);
}

static void
open_well(struct rig *rig, bool marked)
{
    struct rc_error error = {0};
    if (ledger_open(rig->ledger, options_for(rig, marked), &rig->wal, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

static void
append(struct rig *rig, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(ledger_append_sized(rig->ledger, rig->wal, RECORD_BYTES), RC_OK);
        rc_wal_drain(rig->wal);
    }
}

/* Ends the log, in an orderly way or by a power cut. */
static void
end(struct rig *rig, bool orderly)
{
    if (!orderly)
        rc_disk_faulty_cut(rig->faulty);
    rig->wal = rc_wal_close(rig->wal);
    if (!orderly)
        rc_disk_faulty_reboot(rig->faulty);
}

/* 40 records, seven a file, in files 2, 4, ...: the last has five. */
static struct rig
build(uint64_t seed, bool marked, bool orderly)
{
    struct rig rig = rig_new(seed);
    open_well(&rig, marked);
    append(&rig, 40);
    end(&rig, orderly);
    return rig;
}

/* ---- what lies in the folder ---- */

struct folder {
    struct rc_disk *disk;
    size_t count;
    struct {
        char path[64];
        void *data;
        size_t size;
        bool live;
        uint64_t sequence_first; /* RC_WAL_NOTHING: it is ready. */
    } files[FILES_MAX];
};

static enum rc_status
keep_file(void *context, const char *name)
{
    struct folder *folder = context;
    assert_true(folder->count < FILES_MAX);
    const size_t i = folder->count++;
    bool spare = true;
    uint64_t number;
    struct rc_wal_header header = {0};
    (void)snprintf(folder->files[i].path, sizeof(folder->files[i].path), "wal/%s", name);
    folder->files[i].live = rc_wal_name_parse(name, &spare, &number) && !spare;
    assert_int_equal(rc_disk_read_file(folder->disk, folder->files[i].path, NULL,
                                       &folder->files[i].data, &folder->files[i].size, NULL),
                     RC_OK);
    if (folder->files[i].live && folder->files[i].size >= RC_WAL_HEADER_BYTES)
        (void)rc_wal_header_decode(folder->files[i].data, &header);
    folder->files[i].sequence_first = header.sequence_first;
    return RC_OK;
}

static struct folder
folder_of(struct rig *rig)
{
    struct folder folder = {.disk = rig->disk};
    assert_int_equal(rc_disk_list(rig->disk, "wal", keep_file, &folder, NULL), RC_OK);
    return folder;
}

static void
folder_close(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        rc_alloc_free(folder->files[i].data);
    folder->count = 0;
}

static void
put(struct rig *rig, const char *path, const void *data, size_t size)
{
    assert_int_equal(rc_disk_replace_file(rig->disk, path, data, size, NULL), RC_OK);
}

/* Empties the folder and fills it with what was kept; except: that one is left out. */
static void
lay_out(struct rig *rig, const struct folder *kept, size_t except)
{
    struct folder now = folder_of(rig);
    for (size_t i = 0; i < now.count; i++)
        assert_int_equal(rc_disk_remove(rig->disk, now.files[i].path, NULL), RC_OK);
    for (size_t i = 0; i < kept->count; i++)
        if (i != except)
            put(rig, kept->files[i].path, kept->files[i].data, kept->files[i].size);
    assert_int_equal(rc_disk_sync_dir(rig->disk, "wal", NULL), RC_OK);
    folder_close(&now);
}

/* Zeros from the third record on. */
static void
wipe(struct rig *rig, const char *path)
{
    static const unsigned char zeros[FILE_BYTES];
    const uint64_t from = RC_WAL_HEADER_BYTES + (uint64_t)3 * rc_wal_record_bytes(RECORD_BYTES);
    rc_disk_faulty_poke(rig->faulty, path, from, zeros, FILE_BYTES - from);
}

static size_t
newest_in_use(const struct folder *folder)
{
    size_t newest = SIZE_MAX;
    for (size_t i = 0; i < folder->count; i++)
        if (folder->files[i].live && folder->files[i].sequence_first != RC_WAL_NOTHING)
            newest = i;
    assert_true(newest < folder->count);
    return newest;
}

/* A whole file in use that is not the newest. */
static size_t
older_in_use(const struct folder *folder, size_t newest)
{
    size_t older = 0;
    while (older == newest || !folder->files[older].live ||
           folder->files[older].sequence_first == RC_WAL_NOTHING ||
           folder->files[older].size < FILE_BYTES)
        assert_true(++older < folder->count);
    return older;
}

static void
expect_same(const struct folder *one, const struct folder *other)
{
    assert_int_equal(one->count, other->count);
    for (size_t i = 0; i < one->count; i++) {
        assert_string_equal(one->files[i].path, other->files[i].path);
        assert_int_equal(one->files[i].size, other->files[i].size);
        assert_memory_equal(one->files[i].data, other->files[i].data, one->files[i].size);
    }
}

static enum rc_status
survey(struct rig *rig, struct rc_wal_survey *ret_survey)
{
    const struct rc_wal_survey_options options = {.disk = rig->disk,
                                                  .directory = "wal",
                                                  .mark = {"MARK", rig->ledger->log},
                                                  .replay_after = rig->ledger->checkpoint};
    return rc_wal_survey(&options, ret_survey, NULL);
}

/* The log does not open, names what is in words, and nothing is changed; a survey says the same. */
static void
expect_noticed(struct rig *rig, const char *in_words)
{
    struct rc_error error = {0};
    struct rc_wal_survey found;
    struct folder before = folder_of(rig);
    const enum rc_status status =
        ledger_open(rig->ledger, options_for(rig, true), &rig->wal, &error);
    if (status != RC_CORRUPT || strstr(error.message, in_words) == NULL)
        fail_msg("%s: %s \"%s\"", in_words, rc_status_name(status), error.message);
    struct folder after = folder_of(rig);
    expect_same(&before, &after);
    assert_int_equal(survey(rig, &found), RC_OK);
    assert_true(found.damaged);
    assert_true(found.sequence_end >= found.sequence);
    folder_close(&before);
    folder_close(&after);
}

/* It opens with all there was, and is in order. */
static void
expect_whole(struct rig *rig)
{
    struct rc_wal_survey found;
    open_well(rig, true);
    rig->wal = rc_wal_close(rig->wal);
    assert_int_equal(survey(rig, &found), RC_OK);
    assert_false(found.damaged);
}

/* ---- the format ---- */

static void
test_format(void **state)
{
    (void)state;
    static const unsigned char golden[60] = {
        'R', 'C', 'M', 'A',  'R', 'K', '\n', 1, 1,    2,    0,    0,
        0,   0,   0,   0x80, /* log */
        2,   0,   0,   0,    0,   0,   0,    0, 9,    8,    7,    6,
        5,   4,   3,   2, /* number, salt */
        0,   0,   0,   4,    0,   0,   0,    0, 5,    1,    0,    0,
        0,   0,   0,   0,                                               /* size, sequence */
        7,   0,   0,   0,    0,   0,   0,    0, 0xf4, 0xa3, 0xf3, 0x65, /* turn, CRC */
    };
    struct rc_wal_mark mark = {.log = 0x8000000000000201,
                               .file_number = 2,
                               .file_salt = 0x0203040506070809,
                               .file_bytes = 64 << 20,
                               .sequence = 261,
                               .turn = 7};
    unsigned char bytes[RC_WAL_MARK_BYTES];
    struct rc_wal_mark got = {0};
    rc_wal_mark_encode(&mark, bytes + RC_WAL_MARK_SLOT_BYTES);
    assert_memory_equal(bytes + RC_WAL_MARK_SLOT_BYTES, golden, 60);
    mark.turn = 6;
    mark.sequence = 260;
    rc_wal_mark_encode(&mark, bytes);
    assert_true(rc_wal_mark_decode(bytes, &got));
    assert_true(got.log == 0x8000000000000201);
    assert_int_equal(got.file_number, 2);
    assert_true(got.file_salt == 0x0203040506070809);
    assert_int_equal(got.file_bytes, 64 << 20);
    assert_int_equal(got.sequence, 261);
    assert_int_equal(got.turn, 7);
    assert_true(got.half); /* The two differ. */
    for (unsigned bit = 0; bit < RC_WAL_MARK_BYTES * 8; bit++) {
        const bool newer = bit / 8 >= RC_WAL_MARK_SLOT_BYTES;
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        assert_true(rc_wal_mark_decode(bytes, &got));
        assert_true(got.half);
        assert_int_equal(got.sequence, newer ? 260 : 261);
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
    bytes[0] ^= 1;
    bytes[RC_WAL_MARK_SLOT_BYTES] ^= 1;
    assert_false(rc_wal_mark_decode(bytes, &got));
}

/* ---- what is missing ---- */

static void
test_each_file_is_missing(void **state)
{
    (void)state;
    for (unsigned orderly = 0; orderly < 2; orderly++) {
        struct rig rig = build(1 + orderly, true, orderly == 1);
        struct folder kept = folder_of(&rig);
        unsigned noticed = 0;
        for (size_t i = 0; i < kept.count; i++) {
            lay_out(&rig, &kept, i);
            if (!kept.files[i].live || kept.files[i].sequence_first == RC_WAL_NOTHING)
                continue; /* One that nobody used. */
            expect_noticed(&rig, i == newest_in_use(&kept) ? strrchr(kept.files[i].path, '/') + 1
                                                           : "record ");
            noticed++;
        }
        assert_int_equal(noticed, 6);
        lay_out(&rig, &kept, SIZE_MAX);
        expect_whole(&rig);
        folder_close(&kept);
        rig_free(&rig);
    }
}

/* Files that nobody has used may go: a start makes new ones. */
static void
test_unused_files_may_be_missing(void **state)
{
    (void)state;
    struct rig rig = build(3, true, true);
    struct folder kept = folder_of(&rig);
    for (size_t i = 0; i < kept.count; i++)
        if (!kept.files[i].live || kept.files[i].sequence_first == RC_WAL_NOTHING)
            assert_int_equal(rc_disk_remove(rig.disk, kept.files[i].path, NULL), RC_OK);
    expect_whole(&rig);
    folder_close(&kept);
    rig_free(&rig);
}

static void
test_the_folder_is_empty(void **state)
{
    (void)state;
    static const struct folder nothing;
    for (unsigned orderly = 0; orderly < 2; orderly++) {
        struct rig rig = build(4, true, orderly == 1);
        struct folder kept = folder_of(&rig);
        struct rc_wal_survey found;
        lay_out(&rig, &nothing, 0);
        rig.ledger->checkpoint = 20;
        expect_noticed(&rig, strrchr(kept.files[newest_in_use(&kept)].path, '/') + 1);
        assert_int_equal(survey(&rig, &found), RC_OK);
        assert_int_equal(found.sequence, 21);
        assert_true(found.sequence_end >= 36); /* It began with record 36. */
        assert_true(found.sequence_end + found.uncounted_max > 40);
        assert_int_equal(found.readable_lost, 0);
        lay_out(&rig, &kept, SIZE_MAX);
        expect_whole(&rig);
        folder_close(&kept);
        rig_free(&rig);
    }
}

static void
test_the_newest_file_is_cut_short(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 100, RC_WAL_HEADER_BYTES, RC_WAL_HEADER_BYTES + 3000,
                                   FILE_BYTES - 512};
    for (size_t i = 0; i < 10; i++) {
        struct rig rig = build(5 + i, true, i % 2 == 0);
        struct folder kept = folder_of(&rig);
        const size_t newest = newest_in_use(&kept);
        put(&rig, kept.files[newest].path, kept.files[newest].data, sizes[i / 2]);
        expect_noticed(&rig, strrchr(kept.files[newest].path, '/') + 1);
        lay_out(&rig, &kept, SIZE_MAX);
        expect_whole(&rig);
        folder_close(&kept);
        rig_free(&rig);
    }
}

/* After an orderly close the mark knows the last record too. */
static void
test_the_newest_file_is_wiped(void **state)
{
    (void)state;
    struct rig rig = build(15, true, true);
    struct folder kept = folder_of(&rig);
    wipe(&rig, kept.files[newest_in_use(&kept)].path);
    expect_noticed(&rig, "record 39 was durable and is missing");
    folder_close(&kept);
    rig_free(&rig);
}

static void
test_a_folder_of_another_time(void **state)
{
    (void)state;
    for (unsigned orderly = 0; orderly < 2; orderly++) {
        struct rig rig = rig_new(16);
        open_well(&rig, true);
        append(&rig, 10);
        end(&rig, true);
        struct folder old = folder_of(&rig);
        open_well(&rig, true);
        append(&rig, orderly == 1 ? 2 : 12); /* Into the same file, or into later ones. */
        end(&rig, orderly == 1);
        struct folder kept = folder_of(&rig);
        lay_out(&rig, &old, SIZE_MAX);
        expect_noticed(&rig, "missing");
        lay_out(&rig, &kept, SIZE_MAX);
        expect_whole(&rig);
        folder_close(&old);
        folder_close(&kept);
        rig_free(&rig);
    }
}

static void
test_a_folder_of_another_log(void **state)
{
    (void)state;
    struct rig rig = build(17, true, true);
    struct rig other = build(18, true, true);
    struct folder kept = folder_of(&rig);
    struct folder others = folder_of(&other);
    lay_out(&rig, &others, SIZE_MAX);
    expect_noticed(&rig, "not the one that was in use");
    lay_out(&rig, &kept, SIZE_MAX);
    expect_whole(&rig);
    folder_close(&kept);
    folder_close(&others);
    rig_free(&rig);
    rig_free(&other);
}

/* ---- the mark itself ---- */

static void
test_the_mark_is_missing_or_damaged(void **state)
{
    (void)state;
    struct rig rig = build(19, true, true);
    size_t size;
    unsigned char mark[RC_WAL_MARK_BYTES];
    memcpy(mark, rc_disk_faulty_peek(rig.faulty, "MARK", &size), sizeof(mark));
    assert_int_equal(size, sizeof(mark));
    assert_int_equal(rc_disk_remove(rig.disk, "MARK", NULL), RC_OK);
    expect_noticed(&rig, "MARK, which names the newest file of the log, is missing");
    for (size_t at = 0; at < RC_WAL_MARK_SLOT_BYTES; at += 113) {
        put(&rig, "MARK", mark, sizeof(mark));
        rc_disk_faulty_flip(rig.faulty, "MARK", at, 0x10);
        rc_disk_faulty_flip(rig.faulty, "MARK", sizeof(mark) - 1 - at, 0x10);
        expect_noticed(&rig, "is damaged");
    }
    for (size_t cut = 0; cut < sizeof(mark); cut += 731) {
        put(&rig, "MARK", mark, cut);
        expect_noticed(&rig, "is damaged");
    }
    struct rc_wal_mark others = {0};
    assert_true(rc_wal_mark_decode(mark, &others));
    others.log++;
    assert_int_equal(rc_wal_mark_replace(rig.disk, "MARK", &others, NULL), RC_OK);
    expect_noticed(&rig, "of another log");
    put(&rig, "MARK", mark, sizeof(mark));
    expect_whole(&rig);
    rig_free(&rig);
}

/* Either half says all that the mark says, whatever became of the files that it named before. */
static void
test_half_a_mark(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 2; half++) {
        struct rig rig = build(22, true, true);
        struct rc_wal_mark mark = {0};
        size_t size;
        const uint64_t at = half * RC_WAL_MARK_SLOT_BYTES + 20;
        for (unsigned trimmed = 0; trimmed < 2; trimmed++) {
            rc_disk_faulty_flip(rig.faulty, "MARK", at, 1);
            expect_whole(&rig);
            assert_true(rc_wal_mark_decode(rc_disk_faulty_peek(rig.faulty, "MARK", &size), &mark));
            assert_false(mark.half); /* A start writes both. */
            open_well(&rig, true);
            append(&rig, 8);
            rig.ledger->checkpoint = rig.ledger->sequence_last;
            assert_int_equal(rc_wal_trim(rig.wal, rig.ledger->checkpoint, 0, NULL), RC_OK);
            append(&rig, 1);
            end(&rig, false);
        }
        rig_free(&rig);
    }
}

/* One half of the mark is damaged, and the newest file is gone, cut short, another one or wiped. */
static void
test_half_a_mark_and_no_newest_file(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 16; way++) {
        const bool orderly = way / 2 % 2 == 0;
        struct rig rig = build(23 + way, true, orderly);
        struct folder kept = folder_of(&rig);
        const size_t newest = newest_in_use(&kept);
        const char *name = strrchr(kept.files[newest].path, '/') + 1;
        rc_disk_faulty_flip(rig.faulty, "MARK", way % 2 * RC_WAL_MARK_SLOT_BYTES + 30, 1);
        if (way / 4 == 0)
            lay_out(&rig, &kept, newest);
        else if (way / 4 == 1)
            put(&rig, kept.files[newest].path, kept.files[newest].data, FILE_BYTES / 2);
        else if (way / 4 == 2)
            put(&rig, kept.files[newest].path, kept.files[older_in_use(&kept, newest)].data,
                FILE_BYTES);
        else
            wipe(&rig, kept.files[newest].path);
        if (way / 4 < 3 || orderly) /* After an orderly close it knows the last record too. */
            expect_noticed(&rig, name);
        lay_out(&rig, &kept, SIZE_MAX);
        expect_whole(&rig);
        folder_close(&kept);
        rig_free(&rig);
    }
}

/* Halves that differ, as an earlier version wrote them: the later one holds, and a start has both
 * say it. */
static void
test_halves_that_differ(void **state)
{
    (void)state;
    for (unsigned orderly = 0; orderly < 2; orderly++) {
        struct rig rig = build(40 + orderly, true, orderly == 1);
        struct rc_wal_mark mark = {0};
        struct rc_wal_mark halves[2] = {0};
        unsigned char bytes[RC_WAL_MARK_BYTES];
        size_t size;
        memcpy(bytes, rc_disk_faulty_peek(rig.faulty, "MARK", &size), sizeof(bytes));
        assert_true(rc_wal_mark_decode(bytes, &mark));
        struct rc_wal_mark older = mark;
        older.file_number = 2; /* The first one. */
        older.sequence = 0;
        older.turn = mark.turn + 1;
        rc_wal_mark_encode(&older, bytes + older.turn % 2 * RC_WAL_MARK_SLOT_BYTES);
        mark.turn += 2;
        rc_wal_mark_encode(&mark, bytes + mark.turn % 2 * RC_WAL_MARK_SLOT_BYTES);
        put(&rig, "MARK", bytes, sizeof(bytes));
        open_well(&rig, true);
        end(&rig, false);
        for (unsigned half = 0; half < 2; half++) {
            memcpy(bytes, rc_disk_faulty_peek(rig.faulty, "MARK", &size), sizeof(bytes));
            bytes[half * RC_WAL_MARK_SLOT_BYTES] ^= 1;
            assert_true(rc_wal_mark_decode(bytes, &halves[half]));
            assert_int_equal(halves[half].file_number, mark.file_number);
            assert_true(halves[half].sequence >= mark.sequence);
        }
        rig_free(&rig);
    }
}

/* Of an earlier version: no mark, and no checkpoint that names one. */
static void
test_a_log_without_a_mark_gets_one(void **state)
{
    (void)state;
    for (unsigned orderly = 0; orderly < 2; orderly++) {
        struct rig rig = build(20, false, orderly == 1);
        size_t size;
        assert_int_equal(rig.ledger->log, 0);
        assert_null(rc_disk_faulty_peek(rig.faulty, "MARK", &size));
        open_well(&rig, true);
        end(&rig, false);
        assert_non_null(rc_disk_faulty_peek(rig.faulty, "MARK", &size));
        struct folder kept = folder_of(&rig);
        lay_out(&rig, &kept, newest_in_use(&kept));
        expect_noticed(&rig, strrchr(kept.files[newest_in_use(&kept)].path, '/') + 1);
        folder_close(&kept);
        rig_free(&rig);
    }
}

/* The power goes at every call of an open that makes the mark, or changes it. */
static void
test_the_power_goes_while_a_mark_is_made(void **state)
{
    (void)state;
    uint64_t n = 1;
    for (bool more = true; more; n++) {
        struct rig rig = build(n, false, n % 2 == 0);
        struct rc_error error = {0};
        rc_disk_faulty_cut_at(rig.faulty, n);
        const enum rc_status status =
            ledger_open(rig.ledger, options_for(&rig, true), &rig.wal, &error);
        assert_true(status == RC_OK || rc_disk_faulty_is_cut(rig.faulty));
        more = status != RC_OK;
        rc_disk_faulty_cut(rig.faulty);
        rc_wal_close(rig.wal);
        rc_disk_faulty_reboot(rig.faulty);
        expect_whole(&rig);
        rig_free(&rig);
    }
    assert_in_range(n, 15, 200);
}

/* ---- in use ---- */

static void
test_files_are_taken_away_in_use(void **state)
{
    (void)state;
    struct rig rig = rig_new(21);
    struct rc_error error = {0};
    open_well(&rig, true);
    append(&rig, 20);
    assert_int_equal(rc_wal_check(rig.wal, &error), RC_OK);
    struct folder kept = folder_of(&rig);
    for (size_t i = 0; i < kept.count; i++) {
        if (!kept.files[i].live || kept.files[i].sequence_first == RC_WAL_NOTHING)
            continue;
        assert_int_equal(rc_disk_rename(rig.disk, kept.files[i].path, "wal/aside", NULL), RC_OK);
        assert_int_equal(rc_wal_check(rig.wal, &error), RC_CORRUPT);
        assert_non_null(strstr(error.message, strrchr(kept.files[i].path, '/') + 1));
        assert_int_equal(rc_disk_rename(rig.disk, "wal/aside", kept.files[i].path, NULL), RC_OK);
    }
    assert_int_equal(rc_wal_check(rig.wal, &error), RC_OK);
    assert_int_equal(rc_disk_rename(rig.disk, "MARK", "marked", NULL), RC_OK);
    assert_int_equal(rc_wal_check(rig.wal, &error), RC_CORRUPT);
    assert_non_null(strstr(error.message, "MARK"));
    assert_int_equal(rc_disk_rename(rig.disk, "marked", "MARK", NULL), RC_OK);
    end(&rig, true);
    folder_close(&kept);
    rig_free(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_each_file_is_missing),
        cmocka_unit_test(test_unused_files_may_be_missing),
        cmocka_unit_test(test_the_folder_is_empty),
        cmocka_unit_test(test_the_newest_file_is_cut_short),
        cmocka_unit_test(test_the_newest_file_is_wiped),
        cmocka_unit_test(test_a_folder_of_another_time),
        cmocka_unit_test(test_a_folder_of_another_log),
        cmocka_unit_test(test_the_mark_is_missing_or_damaged),
        cmocka_unit_test(test_half_a_mark),
        cmocka_unit_test(test_half_a_mark_and_no_newest_file),
        cmocka_unit_test(test_halves_that_differ),
        cmocka_unit_test(test_a_log_without_a_mark_gets_one),
        cmocka_unit_test(test_the_power_goes_while_a_mark_is_made),
        cmocka_unit_test(test_files_are_taken_away_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
