/*
 * Damage: what was never synced is cut, exactly; what had been synced is reported, and the disk is
 * left as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/durable/wal_format.h"
#include "tests/base/disk_faulty.h"
#include "tests/durable/ledger.h"

#define FILE_BYTES 16384
#define FIRST_FILE "wal/wal-0000000000000002.log"

static struct rc_wal_options
options_for(struct rc_disk_faulty *faulty)
{
    return (struct rc_wal_options){.disk = rc_disk_faulty_disk(faulty),
                                   .directory = "wal",
                                   .file_bytes = FILE_BYTES,
                                   .buffer_bytes_max = 65536};
}

/* ---- a log whose last group has several records ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* Holds the log's thread in a delivery while the test appends the next group. */
static void
wait_at_gate(struct ledger *ledger)
{
    (void)ledger;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

struct fixture {
    struct rc_disk_faulty *faulty;
    struct ledger *ledger;
    unsigned char image[FILE_BYTES]; /* The file after an orderly close. */
    uint64_t offsets[16];            /* Of each record by sequence - 1, and of the end. */
    uint64_t count;
    uint64_t group_first; /* Sequence of the first record of the last group. */
};

static void
find_records(struct fixture *fixture)
{
    struct rc_wal_header header;
    struct rc_wal_frame frame;
    uint64_t at = RC_WAL_HEADER_BYTES;
    assert_true(rc_wal_header_decode(fixture->image, &header));
    for (;;) {
        fixture->offsets[fixture->count] = at;
        assert_true(rc_wal_frame_decode(fixture->image + at, FILE_BYTES - at, header.salt, &frame));
        if (frame.kind == RC_WAL_MARKER)
            break;
        fixture->count++;
        fixture->group_first = frame.synced + 1;
        at += rc_wal_record_bytes(frame.payload_bytes);
    }
}

/* Records 1 to 3 alone, then 4 to 7 in one group. */
static struct fixture
build(void)
{
    struct fixture fixture = {.faulty = rc_disk_faulty_new(1), .ledger = ledger_new(1, 200)};
    struct rc_disk *disk = rc_disk_faulty_disk(fixture.faulty);
    assert_int_equal(rc_disk_make_dir(disk, "wal", NULL), RC_OK);
    struct rc_wal *wal;
    assert_int_equal(ledger_open(fixture.ledger, options_for(fixture.faulty), &wal, NULL), RC_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ledger_append_sized(fixture.ledger, wal, 50 + i), RC_OK);
        rc_wal_drain(wal);
    }
    fixture.ledger->on_delivered = wait_at_gate;
    pthread_mutex_lock(&gate);
    assert_int_equal(ledger_append_sized(fixture.ledger, wal, 60), RC_OK);
    struct rc_wal_stats stats = {0};
    while (stats.sequence_last < 3) /* Its group is taken; what follows is the next one. */
        rc_wal_get_stats(wal, &stats);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(ledger_append_sized(fixture.ledger, wal, 8 + i * 37), RC_OK);
    pthread_mutex_unlock(&gate);
    rc_wal_close(wal);
    fixture.ledger->on_delivered = NULL;
    size_t size;
    const void *content = rc_disk_faulty_peek(fixture.faulty, FIRST_FILE, &size);
    assert_non_null(content);
    assert_int_equal(size, FILE_BYTES);
    memcpy(fixture.image, content, size);
    find_records(&fixture);
    assert_int_equal(fixture.count, 7);
    assert_int_equal(fixture.group_first, 4);
    return fixture;
}

static void
drop(struct fixture *fixture)
{
    ledger_free(fixture->ledger);
    rc_disk_faulty_free(fixture->faulty);
}

static void
restore(const struct fixture *fixture)
{
    rc_disk_faulty_poke(fixture->faulty, FIRST_FILE, 0, fixture->image, FILE_BYTES);
}

/* Takes away the marker: the power went during the last group. */
static void
remove_marker(struct fixture *fixture)
{
    memset(fixture->image + fixture->offsets[fixture->count], 0, RC_WAL_FRAME_BYTES);
    restore(fixture);
}

/* Forgets the acknowledgement of what is above sequence: it was in flight. */
static void
forget_after(struct ledger *ledger, uint64_t sequence)
{
    for (uint64_t s = sequence + 1; s <= ledger->sequence_last; s++) {
        ledger->states[ledger->id_of_sequence[s] - 1] = LEDGER_UNKNOWN;
        ledger->id_of_sequence[s] = 0;
    }
    ledger->sequence_last = sequence;
}

/* Opens over the damage, expects exactly sequence_last to be the last record, appends one more
 * where the cut is and opens again. */
static void
expect_cut_at(struct fixture *fixture, uint64_t sequence_last)
{
    struct ledger *ledger = fixture->ledger;
    struct ledger *before = malloc(sizeof(*before));
    assert_non_null(before);
    forget_after(ledger, fixture->group_first - 1);
    *before = *ledger;
    struct rc_wal *wal;
    assert_int_equal(ledger_open(ledger, options_for(fixture->faulty), &wal, NULL), RC_OK);
    assert_int_equal(ledger->sequence_last, sequence_last);
    assert_int_equal(ledger_append_sized(ledger, wal, 8), RC_OK);
    rc_wal_close(wal);
    assert_int_equal(ledger->sequence_last, sequence_last + 1);
    assert_int_equal(ledger_open(ledger, options_for(fixture->faulty), &wal, NULL), RC_OK);
    assert_int_equal(ledger->sequence_last, sequence_last + 1);
    rc_wal_close(wal);
    *ledger = *before;
    free(before);
    restore(fixture);
}

/* The record that the byte at an offset belongs to, and whether it is padding. */
static uint64_t
record_at(const struct fixture *fixture, uint64_t offset, bool *ret_padding)
{
    uint64_t i = 0;
    while (offset >= fixture->offsets[i + 1])
        i++;
    uint32_t payload_bytes;
    memcpy(&payload_bytes, fixture->image + fixture->offsets[i] + 24, sizeof(payload_bytes));
    *ret_padding = offset >= fixture->offsets[i] + RC_WAL_FRAME_BYTES + payload_bytes;
    return i + 1;
}

static void
test_flip_in_last_group(void **state)
{
    (void)state;
    struct fixture fixture = build();
    remove_marker(&fixture);
    const uint64_t end = fixture.offsets[fixture.count];
    for (uint64_t at = fixture.offsets[fixture.group_first - 1]; at < end; at++) {
        bool padding;
        const uint64_t sequence = record_at(&fixture, at, &padding);
        rc_disk_faulty_flip(fixture.faulty, FIRST_FILE, at, (uint8_t)(1U << at % 8));
        expect_cut_at(&fixture, padding ? fixture.count : sequence - 1);
    }
    drop(&fixture);
}

static void
test_tail_cut_at_every_byte(void **state)
{
    (void)state;
    static const unsigned char zeros[FILE_BYTES];
    struct fixture fixture = build();
    remove_marker(&fixture);
    const uint64_t end = fixture.offsets[fixture.count];
    for (uint64_t at = fixture.offsets[fixture.group_first - 1]; at < end; at++) {
        uint64_t last = fixture.group_first - 1;
        rc_disk_faulty_poke(fixture.faulty, FIRST_FILE, at, zeros, end - at);
        size_t size;
        const unsigned char *cut = rc_disk_faulty_peek(fixture.faulty, FIRST_FILE, &size);
        while (last < fixture.count &&
               memcmp(cut + fixture.offsets[last], fixture.image + fixture.offsets[last],
                      fixture.offsets[last + 1] - fixture.offsets[last]) == 0)
            last++;
        expect_cut_at(&fixture, last);
    }
    drop(&fixture);
}

static void
expect_corrupt(struct fixture *fixture, uint64_t at)
{
    unsigned char *before = malloc(FILE_BYTES);
    struct rc_wal *wal;
    struct rc_error error = {0};
    size_t size;
    assert_non_null(before);
    rc_disk_faulty_flip(fixture->faulty, FIRST_FILE, at, (uint8_t)(1U << at % 8));
    memcpy(before, rc_disk_faulty_peek(fixture->faulty, FIRST_FILE, &size), FILE_BYTES);
    assert_int_equal(ledger_open(fixture->ledger, options_for(fixture->faulty), &wal, &error),
                     RC_CORRUPT);
    assert_non_null(strstr(error.message, "wal-0000000000000002.log, offset"));
    assert_memory_equal(rc_disk_faulty_peek(fixture->faulty, FIRST_FILE, &size), before,
                        FILE_BYTES);
    free(before);
    restore(fixture);
}

/* Every byte before the last group had been synced: a later frame says so. */
static void
test_flip_in_synced_records(void **state)
{
    (void)state;
    struct fixture fixture = build();
    remove_marker(&fixture);
    for (uint64_t at = 0; at < fixture.offsets[fixture.group_first - 1]; at++) {
        if (at >= RC_WAL_HEADER_USED && at < RC_WAL_HEADER_BYTES)
            continue;
        bool padding = false;
        if (at >= RC_WAL_HEADER_BYTES)
            record_at(&fixture, at, &padding);
        if (!padding)
            expect_corrupt(&fixture, at);
    }
    drop(&fixture);
}

/* After an orderly close the marker vouches for the last group too. */
static void
test_flip_after_close(void **state)
{
    (void)state;
    struct fixture fixture = build();
    const uint64_t end = fixture.offsets[fixture.count];
    for (uint64_t at = fixture.offsets[fixture.group_first - 1]; at < end; at++) {
        bool padding;
        record_at(&fixture, at, &padding);
        if (!padding)
            expect_corrupt(&fixture, at);
    }
    drop(&fixture);
}

/* A file in the middle is missing, or has lost its end. */
static void
test_damaged_chain(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = rc_disk_faulty_new(3);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    struct ledger *ledger = ledger_new(3, 3000);
    struct rc_wal *wal;
    struct rc_error error;
    assert_int_equal(rc_disk_make_dir(disk, "wal", NULL), RC_OK);
    assert_int_equal(ledger_open(ledger, options_for(faulty), &wal, NULL), RC_OK);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(ledger_append_sized(ledger, wal, 1500), RC_OK);
        rc_wal_drain(wal);
    }
    rc_wal_close(wal);
    /* 12 KiB of a file hold seven records of 1500 bytes, so the second has records 8 to 14. */
    static const char second[] = "wal/wal-0000000000000004.log";
    size_t size;
    assert_non_null(rc_disk_faulty_peek(faulty, second, &size));
    rc_disk_faulty_flip(faulty, second, RC_WAL_HEADER_BYTES + (uint64_t)6 * 1544 + 100, 1);
    assert_int_equal(ledger_open(ledger, options_for(faulty), &wal, &error), RC_CORRUPT);
    assert_non_null(strstr(error.message, "record 14 "));
    assert_int_equal(rc_disk_remove(disk, second, NULL), RC_OK);
    assert_int_equal(ledger_open(ledger, options_for(faulty), &wal, &error), RC_CORRUPT);
    assert_non_null(strstr(error.message, "record 8 "));
    ledger->checkpoint = 14; /* The checkpoint does not need the file. */
    assert_int_equal(ledger_open(ledger, options_for(faulty), &wal, &error), RC_OK);
    rc_wal_close(wal);
    ledger_free(ledger);
    rc_disk_faulty_free(faulty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flip_in_last_group),
        cmocka_unit_test(test_tail_cut_at_every_byte),
        cmocka_unit_test(test_flip_in_synced_records),
        cmocka_unit_test(test_flip_after_close),
        cmocka_unit_test(test_damaged_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
