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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_head),
        cmocka_unit_test(test_text_ids_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
