/* Event ids: kinds, texts, the order of the texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/value/event_id.h"
#include "tests/store/slab_rig.h"

#define SEED 99u

static int
sign(int order)
{
    return (order > 0) - (order < 0);
}

static void
test_kind_of_a_text(void **state)
{
    (void)state;
    static const char *const integers[] = {"0", "1", "42", "18446744073709551615"};
    static const char *const texts[] = {"",
                                        "00",
                                        "01",
                                        "-1",
                                        "+1",
                                        "1.0",
                                        "1e3",
                                        " 1",
                                        "x",
                                        "18446744073709551616",
                                        "99999999999999999999",
                                        "~0123456789abcdef"};
    for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++) {
        const struct rc_event_id id = rc_event_id_of_text(rc_bytes_of(integers[i]));
        char buffer[24];
        assert_int_equal(id.kind, RC_EVENT_ID_INT);
        assert_true(rc_bytes_equal(rc_event_id_text(&id, buffer), rc_bytes_of(integers[i])));
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const struct rc_event_id id = rc_event_id_of_text(rc_bytes_of(texts[i]));
        char buffer[24];
        assert_int_equal(id.kind, RC_EVENT_ID_TEXT);
        assert_true(rc_bytes_equal(rc_event_id_text(&id, buffer), rc_bytes_of(texts[i])));
    }
}

static struct rc_event_id
random_id(uint64_t *seed, char text[24])
{
    const uint64_t number = rig_random(seed) >> (rig_random(seed) % 64);
    switch (rig_random(seed) % 4) {
    case 0:
        return (struct rc_event_id){.kind = RC_EVENT_ID_DERIVED, .number = number};
    case 1:
        (void)snprintf(text, 24, "%llx", (unsigned long long)number);
        return rc_event_id_of_text(rc_bytes_of(text));
    default:
        return (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = number};
    }
}

static void
test_order_is_that_of_the_texts(void **state)
{
    (void)state;
    const struct rc_event_id nine = {.number = 9};
    const struct rc_event_id ten = {.number = 10};
    const struct rc_event_id one = {.number = 1};
    assert_true(rc_event_id_compare(&nine, &ten) > 0);
    assert_true(rc_event_id_compare(&one, &ten) < 0);
    uint64_t seed = SEED;
    print_message("seed %u\n", SEED);
    for (uint32_t i = 0; i < 200000; i++) {
        char a_text[24];
        char b_text[24];
        const struct rc_event_id a = random_id(&seed, a_text);
        struct rc_event_id b = random_id(&seed, b_text);
        if (i % 3 == 0 && a.kind == RC_EVENT_ID_INT)
            b = (struct rc_event_id){.number = i % 2 == 0 ? a.number / 10 : a.number + 1};
        char a_buffer[24];
        char b_buffer[24];
        const int expected =
            sign(rc_bytes_compare(rc_event_id_text(&a, a_buffer), rc_event_id_text(&b, b_buffer)));
        assert_int_equal(sign(rc_event_id_compare(&a, &b)), expected);
        assert_int_equal(sign(rc_event_id_compare(&b, &a)), -expected);
    }
}

static void
test_what_replaces_what(void **state)
{
    (void)state;
    const struct rc_event_id forty_two = rc_event_id_of_text(rc_bytes_of("42"));
    const struct rc_event_id same = {.kind = RC_EVENT_ID_INT, .number = 42};
    const struct rc_event_id text = rc_event_id_of_text(rc_bytes_of("x"));
    const struct rc_event_id text_too = rc_event_id_of_text(rc_bytes_of("x"));
    const struct rc_event_id derived = {.kind = RC_EVENT_ID_DERIVED, .number = 42};
    assert_true(rc_event_id_replaces(&forty_two, &same));
    assert_true(rc_event_id_replaces(&text, &text_too));
    assert_false(rc_event_id_replaces(&forty_two, &derived));
    assert_false(rc_event_id_replaces(&derived, &derived));
    assert_true(rc_event_id_hash(1, &forty_two) == rc_event_id_hash(1, &same));
    assert_true(rc_event_id_hash(1, &forty_two) != rc_event_id_hash(2, &forty_two));
    assert_true(rc_event_id_hash(1, &text) == rc_event_id_hash(1, &text_too));
    assert_true(rc_event_id_hash(1, &text) != rc_event_id_hash(2, &text));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind_of_a_text),
        cmocka_unit_test(test_order_is_that_of_the_texts),
        cmocka_unit_test(test_what_replaces_what),
    };
    return cmocka_run_group_tests_name("event_id", tests, NULL, NULL);
}
