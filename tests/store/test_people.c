/* The latest values of user properties, at any moment and for joined users, against a naive walk
 * over all writes; columns that are kept and extended must give what fresh ones give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/users/people.h"
#include "tests/store/slab_rig.h"

#define SEED 12u
#define USERS 20u
#define PROPERTIES 3u
#define WRITES_MAX 4000u

static struct rc_user_write writes[WRITES_MAX];
static uint32_t write_count;
static struct rc_alias aliases[64];
static uint32_t alias_count;

static uint32_t
naive_person(uint32_t user)
{
    uint32_t person[USERS];
    for (uint32_t i = 0; i < USERS; i++)
        person[i] = i;
    for (uint32_t i = 0; i < alias_count; i++) {
        const uint32_t from = person[aliases[i].a];
        const uint32_t to = person[aliases[i].b];
        for (uint32_t k = 0; k < USERS; k++)
            if (person[k] == from || person[k] == to)
                person[k] = from < to ? from : to;
    }
    return person[user];
}

static rc_cell
naive_cell(uint32_t person, uint32_t property, int64_t as_of_ms)
{
    int64_t latest_ms = INT64_MIN;
    rc_cell cell = 0;
    for (uint32_t i = 0; i < write_count; i++) {
        if (writes[i].property != property || writes[i].time_ms > as_of_ms ||
            writes[i].time_ms < latest_ms || naive_person(writes[i].user) != person)
            continue;
        latest_ms = writes[i].time_ms;
        cell = writes[i].cell;
    }
    return cell;
}

static uint32_t columns_with_codes;
static uint32_t columns_without_codes;

static void
check(struct rc_people *people, const struct rc_people_counts *counts, int64_t as_of_ms)
{
    RC_CLEANUP(rc_persons_unrefp) struct rc_persons *persons = NULL;
    assert_int_equal(rc_people_persons(people, counts, &persons), RC_OK);
    for (uint32_t property = 0; property < PROPERTIES; property++) {
        struct rc_user_column *column = NULL;
        assert_int_equal(rc_people_column(people, counts, persons, property, as_of_ms, &column),
                         RC_OK);
        const rc_cell *cells = rc_user_column_cells(column);
        const struct rc_user_codes *codes = rc_user_column_codes(column);
        for (uint32_t user = 0; user < counts->users; user++) {
            const rc_cell expected =
                naive_person(user) == user ? naive_cell(user, property, as_of_ms) : 0;
            assert_true(cells[user] == expected);
            assert_true(codes == NULL || codes->cells[codes->codes[user]] == expected);
        }
        columns_with_codes += codes != NULL;
        columns_without_codes += codes == NULL;
        rc_user_column_unref(column);
    }
}

static void
test_latest_values(void **state)
{
    (void)state;
    uint64_t random = SEED;
    print_message("seed %u\n", SEED);
    RC_CLEANUP(rc_people_freep) struct rc_people *people = NULL;
    assert_int_equal(rc_people_new(NULL, &people), RC_OK);
    for (uint32_t i = 0; i < USERS; i++) {
        char name[16];
        uint32_t code = 0;
        const int size = snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(rc_dictionary_intern(rc_people_ids(people),
                                              (struct rc_bytes){name, (size_t)size}, &code),
                         RC_OK);
        assert_int_equal(code, i);
    }
    struct rc_people_counts before = rc_people_get_counts(people);
    for (uint32_t round = 0; round < 150; round++) {
        const uint32_t new_writes = (uint32_t)(rig_random(&random) % 16);
        for (uint32_t i = 0; i < new_writes; i++) {
            struct rc_user_write write = {
                .time_ms = (int64_t)(rig_random(&random) % 50),
                .user = (uint32_t)(rig_random(&random) % USERS),
                .property = (uint32_t)(rig_random(&random) % PROPERTIES),
            };
            /* The last property comes to have more values than there are codes. */
            write.cell = rig_random(&random) % (write.property == PROPERTIES - 1 ? 3000 : 9);
            assert_int_equal(rc_people_add_write(people, &write), RC_OK);
            writes[write_count++] = write;
        }
        if (rig_random(&random) % 10 == 0 && alias_count < 12) {
            const struct rc_alias alias = {(uint32_t)(rig_random(&random) % USERS),
                                           (uint32_t)(rig_random(&random) % USERS)};
            assert_int_equal(rc_people_add_alias(people, alias), RC_OK);
            if (alias.a != alias.b)
                aliases[alias_count++] = alias;
        }
        const struct rc_people_counts counts = rc_people_get_counts(people);
        assert_int_equal(counts.writes, write_count);
        assert_int_equal(counts.aliases, alias_count);
        check(people, &counts, (int64_t)(rig_random(&random) % 60));
        check(people, &counts, INT64_MAX);
        before = counts;
    }
    assert_int_equal(before.users, USERS);
    assert_true(columns_with_codes > 100 && columns_without_codes > 100);
}

/* A view that was taken earlier shows what it showed. */
static void
test_earlier_counts(void **state)
{
    (void)state;
    RC_CLEANUP(rc_people_freep) struct rc_people *people = NULL;
    assert_int_equal(rc_people_new(NULL, &people), RC_OK);
    uint32_t code = 0;
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(
            rc_dictionary_intern(rc_people_ids(people),
                                 i == 0 ? RC_BYTES_LITERAL("a") : RC_BYTES_LITERAL("b"), &code),
            RC_OK);
    struct rc_user_write write = {.time_ms = 1, .cell = 5};
    assert_int_equal(rc_people_add_write(people, &write), RC_OK);
    const struct rc_people_counts early = rc_people_get_counts(people);
    write.cell = 6;
    assert_int_equal(rc_people_add_write(people, &write), RC_OK);
    assert_int_equal(rc_people_add_alias(people, (struct rc_alias){0, 1}), RC_OK);
    const struct rc_people_counts late = rc_people_get_counts(people);
    for (uint32_t i = 0; i < 4; i++) {
        const struct rc_people_counts *counts = i % 2 == 0 ? &late : &early;
        RC_CLEANUP(rc_persons_unrefp) struct rc_persons *persons = NULL;
        struct rc_user_column *column = NULL;
        assert_int_equal(rc_people_persons(people, counts, &persons), RC_OK);
        assert_int_equal(persons == NULL, i % 2 == 1);
        assert_int_equal(rc_people_column(people, counts, persons, 0, 10, &column), RC_OK);
        assert_true(rc_user_column_cells(column)[0] == (i % 2 == 0 ? 6 : 5));
        rc_user_column_unref(column);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latest_values),
        cmocka_unit_test(test_earlier_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
