/*
 * Statements and shapes: percentiles within their promise, room for a thousand, the one not called
 * for the longest time goes; requests that differ in constants only are one shape.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <recount/v1/funnel.pb-c.h>

#include "server/call/shape.h"
#include "server/call/statements.h"

static struct rc_statement_call
call_of(uint64_t fingerprint, uint64_t elapsed_ns, int64_t now_ms)
{
    static const Recount__V1__FunnelRequest request = RECOUNT__V1__FUNNEL_REQUEST__INIT;
    return (struct rc_statement_call){.project = RC_BYTES_LITERAL("p"),
                                      .shape = {.call = "QueryService.Funnel",
                                                .message = &request.base,
                                                .fingerprint = fingerprint},
                                      .elapsed_ns = elapsed_ns,
                                      .events_matched = 3,
                                      .now_ms = now_ms};
}

static void
percentiles_are_close(void **state)
{
    struct rc_statements *statements = NULL;
    struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_statement *list;
    uint32_t count;
    int64_t since_ms;
    uint64_t evicted;
    (void)state;
    assert_int_equal(rc_statements_new(5, &statements), RC_OK);
    for (uint64_t i = 1; i <= 10000; i++) { /* 1 us .. 10 ms. */
        const struct rc_statement_call call = call_of(7, i * 1000, (int64_t)i);
        rc_statements_add(statements, &call);
    }
    assert_int_equal(rc_statements_list(statements, RC_BYTES_LITERAL("p"), arena, &list, &count,
                                        &since_ms, &evicted),
                     RC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(since_ms, 5);
    assert_int_equal(list[0].calls, 10000);
    assert_int_equal(list[0].events_matched, 30000);
    assert_int_equal(list[0].max_ns, 10000000);
    assert_int_equal(list[0].last_ms, 10000);
    const double wanted[3] = {5e6, 9.5e6, 9.9e6};
    const double found[3] = {list[0].p50_ns, list[0].p95_ns, list[0].p99_ns};
    for (uint32_t i = 0; i < 3; i++)
        assert_true(found[i] > wanted[i] * 0.93 && found[i] < wanted[i] * 1.07);
    assert_int_equal(rc_statements_list(statements, RC_BYTES_LITERAL("q"), arena, &list, &count,
                                        &since_ms, &evicted),
                     RC_OK);
    assert_int_equal(count, 0);
    assert_int_equal(rc_statements_reset(statements, 9), 1);
    rc_statements_free(statements);
    rc_arena_free(arena);
}

static void
the_longest_uncalled_goes(void **state)
{
    struct rc_statements *statements = NULL;
    struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_statement *list;
    uint32_t count;
    int64_t since_ms;
    uint64_t evicted;
    (void)state;
    assert_int_equal(rc_statements_new(0, &statements), RC_OK);
    for (uint64_t i = 0; i < RC_STATEMENTS_MAX; i++) {
        const struct rc_statement_call call = call_of(i, 1000, (int64_t)i);
        rc_statements_add(statements, &call);
    }
    const struct rc_statement_call again = call_of(0, 1000, 5000); /* No longer the oldest. */
    rc_statements_add(statements, &again);
    for (uint64_t i = 0; i < 10; i++) {
        const struct rc_statement_call call = call_of(100000 + i, 1000, 6000);
        rc_statements_add(statements, &call);
    }
    assert_int_equal(rc_statements_list(statements, (struct rc_bytes){"", 0}, arena, &list, &count,
                                        &since_ms, &evicted),
                     RC_OK);
    assert_int_equal(count, RC_STATEMENTS_MAX);
    assert_int_equal(evicted, 10);
    for (uint32_t i = 0; i < count; i++)
        assert_false(list[i].fingerprint >= 1 && list[i].fingerprint <= 10);
    rc_statements_free(statements);
    rc_arena_free(arena);
}

/* A funnel of so many steps over one property, whose values are texts of the given letter. */
static uint64_t
shape_of(struct rc_arena *arena, char *property, uint32_t steps, char letter, struct rc_bytes *text)
{
    Recount__V1__FunnelRequest request = RECOUNT__V1__FUNNEL_REQUEST__INIT;
    Recount__V1__FunnelStep step[4];
    Recount__V1__FunnelStep *list[4];
    Recount__V1__Selector selector = RECOUNT__V1__SELECTOR__INIT;
    Recount__V1__SelectorTerm term = RECOUNT__V1__SELECTOR_TERM__INIT;
    Recount__V1__SelectorTerm *terms[1] = {&term};
    Recount__V1__Predicate predicate = RECOUNT__V1__PREDICATE__INIT;
    Recount__V1__Leaf leaf = RECOUNT__V1__LEAF__INIT;
    Recount__V1__PropertyRef reference = RECOUNT__V1__PROPERTY_REF__INIT;
    Recount__V1__Value value = RECOUNT__V1__VALUE__INIT;
    char constant[2] = {letter, '\0'};
    reference.source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_PROPERTY;
    reference.event_property = property;
    value.kind_case = RECOUNT__V1__VALUE__KIND_STRING_VALUE;
    value.string_value = constant;
    leaf.property = &reference;
    leaf.test_case = RECOUNT__V1__LEAF__TEST_EQUALS;
    leaf.equals = &value;
    predicate.kind_case = RECOUNT__V1__PREDICATE__KIND_LEAF;
    predicate.leaf = &leaf;
    term.kind_case = RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE;
    term.predicate = &predicate;
    selector.n_terms = 1;
    selector.terms = terms;
    for (uint32_t i = 0; i < steps; i++) {
        step[i] = (Recount__V1__FunnelStep)RECOUNT__V1__FUNNEL_STEP__INIT;
        step[i].selector = &selector;
        step[i].name = constant;
        list[i] = &step[i];
    }
    request.n_steps = steps;
    request.steps = list;
    const struct rc_shape shape = rc_shape_of("QueryService.Funnel", &request.base);
    *text = rc_shape_text(&shape, arena);
    return shape.fingerprint;
}

static void
constants_are_no_shape(void **state)
{
    struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_bytes text;
    (void)state;
    const uint64_t two = shape_of(arena, (char[]){"name"}, 2, 'a', &text);
    assert_int_equal(two, shape_of(arena, (char[]){"name"}, 2, 'b', &text));
    assert_int_not_equal(two, shape_of(arena, (char[]){"name"}, 3, 'a', &text));
    assert_int_not_equal(two, shape_of(arena, (char[]){"path"}, 2, 'a', &text));
    const char *expected =
        "QueryService.Funnel{steps: [{selector: {terms: [{predicate: {leaf: {property: "
        "{event_property: path}, equals: ?}}}]}, name: ?}, ";
    assert_true(text.size > strlen(expected));
    assert_memory_equal(text.data, expected, strlen(expected));
    rc_arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_close),
        cmocka_unit_test(the_longest_uncalled_goes),
        cmocka_unit_test(constants_are_no_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
