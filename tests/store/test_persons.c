/* Joins against a naive table that renames one person at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/users/persons.h"
#include "tests/store/slab_rig.h"

#define SEED 11u
#define USERS 60u

static void
check(const struct rc_persons *persons, const uint32_t naive[USERS])
{
    uint32_t joined = 0;
    for (uint32_t user = 0; user < USERS; user++) {
        uint32_t least = user;
        uint32_t members = 0;
        for (uint32_t other = USERS; other-- > 0;)
            if (naive[other] == naive[user]) {
                least = other;
                members++;
            }
        assert_int_equal(rc_persons_of(persons, user), least);
        const uint32_t index = rc_persons_joined_index(persons, user);
        if (least != user || members < 2) {
            assert_int_equal(index, UINT32_MAX);
            continue;
        }
        uint32_t count = 0;
        const uint32_t *list = rc_persons_joined(persons, index, &count);
        assert_int_equal(count, members);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(naive[list[i]], naive[user]);
            assert_true(i == 0 ? list[0] == user : list[i - 1] < list[i]);
        }
        joined++;
    }
    assert_int_equal(rc_persons_joined_count(persons), joined);
    assert_int_equal(rc_persons_of(persons, USERS + 5), USERS + 5);
}

static void
test_against_a_naive_table(void **state)
{
    (void)state;
    uint64_t random = SEED;
    print_message("seed %u\n", SEED);
    for (uint32_t round = 0; round < 200; round++) {
        struct rc_alias aliases[USERS];
        uint32_t naive[USERS];
        const uint32_t count = (uint32_t)(rig_random(&random) % USERS);
        for (uint32_t user = 0; user < USERS; user++)
            naive[user] = user;
        for (uint32_t i = 0; i < count; i++) {
            aliases[i].a = (uint32_t)(rig_random(&random) % USERS);
            aliases[i].b = (uint32_t)(rig_random(&random) % USERS);
            const uint32_t from = naive[aliases[i].a];
            for (uint32_t user = 0; user < USERS; user++)
                if (naive[user] == from)
                    naive[user] = naive[aliases[i].b];
        }
        RC_CLEANUP(rc_persons_unrefp) struct rc_persons *persons = NULL;
        assert_int_equal(rc_persons_build(aliases, count, USERS, NULL, &persons), RC_OK);
        check(persons, naive);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_naive_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
