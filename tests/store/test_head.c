/* A head filled to its last row: what is in it, which rows replace which, and heads in versions:
 * a draft's dead rows are its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/store/head/head.h"
#include "engine/store/project/version.h"
#include "tests/store/slab_rig.h"

#define SEED 14u
#define USERS 50u
#define IDS 400u

static void
fill(struct rc_head *head, uint64_t *random, uint32_t (*place)[IDS])
{
    static struct rc_head_place replaced[RC_CHUNK_ROWS];
    static uint64_t hashes[RC_CHUNK_ROWS];
    uint32_t properties = 3;
    for (uint32_t row = 0; !rc_head_is_full(head);) {
        struct rc_head_room room;
        uint32_t count = 0;
        uint32_t expected = 0;
        if (rig_random(random) % 8 == 0 && properties < 3000)
            properties *= 2;
        assert_int_equal(
            rc_head_make_room(head, 1 + (uint32_t)(rig_random(random) % 900), properties, &room),
            RC_OK);
        rc_cell *cells = NULL;
        assert_int_equal(rc_head_room_cells(head, &room, properties - 1, &cells), RC_OK);
        for (uint32_t i = 0; i < room.count; i++, row++) {
            room.users[i] = (uint32_t)(rig_random(random) % USERS);
            room.times_ms[i] = row;
            room.ids[i] =
                (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = rig_random(random) % IDS};
            if (row % 3 == 0)
                room.ids[i].kind = RC_EVENT_ID_DERIVED;
            cells[i] = row + 1;
            hashes[i] = rc_event_id_hash(room.users[i], &room.ids[i]);
            if (room.ids[i].kind == RC_EVENT_ID_DERIVED)
                continue;
            expected += place[room.users[i]][room.ids[i].number] != 0;
            place[room.users[i]][room.ids[i].number] =
                room.chunk * RC_CHUNK_ROWS + room.first + i + 1;
        }
        assert_int_equal(rc_head_commit(head, &room, hashes, replaced, &count), RC_OK);
        assert_int_equal(count, expected);
        assert_int_equal(rc_head_row_count(head), row);
        struct rc_view_chunk chunk;
        rc_head_chunk(head, room.chunk, RC_CHUNK_WHOLE, &chunk);
        assert_int_equal(chunk.row_count, room.first + room.count);
        const rc_cell *read = rc_view_chunk_cells(&chunk, properties - 1);
        assert_true(read[room.first] == cells[0]);
        assert_null(rc_view_chunk_cells(&chunk, 1000000));
    }
}

static void
test_a_full_head(void **state)
{
    (void)state;
    uint64_t random = SEED;
    print_message("seed %u\n", SEED);
    for (uint32_t rows = 1; rows <= RC_HEAD_ROWS_MAX; rows = rows * 16) {
        static uint32_t place[USERS][IDS];
        RC_CLEANUP(rc_head_unrefp) struct rc_head *head = NULL;
        memset(place, 0, sizeof(place));
        assert_int_equal(rc_head_new(NULL, rows, &head), RC_OK);
        fill(head, &random, place);
        assert_int_equal(rc_head_row_count(head), rows);
        for (uint32_t user = 0; user < USERS; user++)
            for (uint32_t number = 0; number < IDS; number++) {
                const struct rc_event_id id = {.kind = RC_EVENT_ID_INT, .number = number};
                struct rc_head_place found;
                const bool is_there =
                    rc_head_find(head, rc_event_id_hash(user, &id), user, &id, &found);
                assert_int_equal(is_there, place[user][number] != 0);
                if (is_there)
                    assert_int_equal(found.chunk * RC_CHUNK_ROWS + found.row + 1,
                                     place[user][number]);
            }
    }
}

static void
test_text_ids_are_kept(void **state)
{
    (void)state;
    RC_CLEANUP(rc_head_unrefp) struct rc_head *head = NULL;
    struct rc_head_room room;
    struct rc_head_place places[1];
    uint32_t count = 0;
    char text[] = "event";
    assert_int_equal(rc_head_new(NULL, 10, &head), RC_OK);
    assert_int_equal(rc_head_make_room(head, 1, 0, &room), RC_OK);
    room.users[0] = 1;
    room.times_ms[0] = 0;
    room.ids[0] = rc_event_id_of_text((struct rc_bytes){text, 5});
    assert_int_equal(rc_head_keep_text(head, &room.ids[0]), RC_OK);
    const struct rc_event_id id = rc_event_id_of_text(RC_BYTES_LITERAL("event"));
    const uint64_t hash = rc_event_id_hash(1, &id);
    assert_int_equal(rc_head_commit(head, &room, &hash, places, &count), RC_OK);
    memset(text, '?', 5);
    assert_true(rc_head_find(head, hash, 1, &id, &places[0]));
    assert_false(rc_head_find(head, hash, 2, &id, &places[0]));
}

/* Fills a head in pieces of random sizes, a third of whose rows have a cell, up to rows. */
static void
fill_thinly(struct rc_head *head, uint64_t *random, uint32_t rows)
{
    static struct rc_head_place replaced[RC_CHUNK_ROWS];
    static uint64_t hashes[RC_CHUNK_ROWS];
    while (rc_head_row_count(head) < rows) {
        struct rc_head_room room;
        rc_cell *cells = NULL;
        uint32_t count = 0;
        const uint32_t left = rows - rc_head_row_count(head);
        const uint32_t wanted = 1 + (uint32_t)(rig_random(random) % 300);
        assert_int_equal(rc_head_make_room(head, wanted < left ? wanted : left, 2, &room), RC_OK);
        assert_int_equal(rc_head_room_cells(head, &room, 1, &cells), RC_OK);
        for (uint32_t i = 0; i < room.count; i++) {
            assert_true(cells[i] == 0);
            room.users[i] = (uint32_t)(rig_random(random) % USERS);
            room.times_ms[i] = (int64_t)rig_random(random) % 1000;
            room.ids[i] =
                (struct rc_event_id){.kind = i % 4 == 0 ? RC_EVENT_ID_DERIVED : RC_EVENT_ID_INT,
                                     .number = rig_random(random) % IDS};
            hashes[i] = rc_event_id_hash(room.users[i], &room.ids[i]);
            if (i % 3 == 0)
                cells[i] = 1 + rig_random(random) % 9;
        }
        assert_int_equal(rc_head_commit(head, &room, hashes, replaced, &count), RC_OK);
    }
}

/* Both heads have the same rows and find the same events. */
static void
expect_same(const struct rc_head *head, const struct rc_head *other)
{
    const uint32_t chunk_count = rc_head_chunk_count(head);
    assert_int_equal(chunk_count, rc_head_chunk_count(other));
    assert_int_equal(rc_head_row_count(head), rc_head_row_count(other));
    for (uint32_t c = 0; c < chunk_count; c++) {
        struct rc_view_chunk a;
        struct rc_view_chunk b;
        rc_head_chunk(head, c, RC_CHUNK_WHOLE, &a);
        rc_head_chunk(other, c, RC_CHUNK_WHOLE, &b);
        assert_int_equal(a.row_count, b.row_count);
        assert_memory_equal(a.users, b.users, a.row_count * sizeof(a.users[0]));
        assert_memory_equal(a.times_ms, b.times_ms, a.row_count * sizeof(a.times_ms[0]));
        assert_memory_equal(rc_view_chunk_cells(&a, 1), rc_view_chunk_cells(&b, 1),
                            a.row_count * sizeof(rc_cell));
    }
    for (uint32_t user = 0; user < USERS; user++)
        for (uint32_t number = 0; number < IDS; number++) {
            const struct rc_event_id id = {.kind = RC_EVENT_ID_INT, .number = number};
            struct rc_head_place a = {0};
            struct rc_head_place b = {0};
            const uint64_t hash = rc_event_id_hash(user, &id);
            assert_int_equal(rc_head_find(head, hash, user, &id, &a),
                             rc_head_find(other, hash, user, &id, &b));
            assert_memory_equal(&a, &b, sizeof(a));
        }
}

/* Rows that are taken back leave nothing: a head that never had them is the same, and stays so. */
static void
test_rows_are_taken_back(void **state)
{
    (void)state;
    for (uint32_t kept = 0; kept < 6000; kept = kept * 3 + 17) {
        struct rc_head *heads[2] = {NULL, NULL};
        for (uint32_t i = 0; i < 2; i++) {
            uint64_t random = SEED + kept;
            assert_int_equal(rc_head_new(NULL, RC_HEAD_ROWS_MAX, &heads[i]), RC_OK);
            fill_thinly(heads[i], &random, kept);
            const uint32_t chunks = rc_head_chunk_count(heads[i]);
            const uint32_t rows = rc_head_last_chunk_rows(heads[i]);
            uint64_t other_random = SEED;
            if (i == 0)
                fill_thinly(heads[i], &other_random, kept + 5000);
            rc_head_take_back(heads[i], chunks, rows);
            assert_int_equal(rc_head_row_count(heads[i]), kept);
        }
        expect_same(heads[0], heads[1]);
        for (uint32_t i = 0; i < 2; i++) {
            uint64_t random = SEED + 1;
            fill_thinly(heads[i], &random, kept + 9000);
        }
        expect_same(heads[0], heads[1]);
        rc_head_unref(heads[0]);
        rc_head_unref(heads[1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_head),
        cmocka_unit_test(test_text_ids_are_kept),
        cmocka_unit_test(test_rows_are_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
