/* Decode: what messages are refused before anything is built from them, and how the place at fault
 * is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <recount/v1/definition.pb-c.h>
#include <recount/v1/funnel.pb-c.h>
#include <recount/v1/series.pb-c.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "server/decode/decode.h"
#include "server/decode/token.h"
#include "server/query/cells.h"
#include "tests/server/wire_build.h"

static const ProtobufCMessageDescriptor *const funnel = &recount__v1__funnel_request__descriptor;

static enum rc_status
decode(const ProtobufCMessageDescriptor *descriptor, struct rc_bytes bytes, struct rc_error *error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    ProtobufCMessage *message;
    return rc_decode_message(descriptor, bytes, arena, &message, error);
}

/* Decodes bytes and expects a refusal at field. */
static void
expect_refused(struct rc_writer *writer, enum rc_status status, const char *field)
{
    struct rc_error error = {.status = RC_OK};
    assert_int_equal(decode(funnel, bytes_of(writer), &error), status);
    assert_string_equal(error.field, field);
    rc_writer_close(writer);
}

/* steps[2].selector.terms[1] with what inner holds in it, after other steps and terms. */
static struct rc_writer
nest(struct rc_writer *inner)
{
    struct rc_writer selector = {.data = NULL};
    put_bytes(&selector, 1, (struct rc_bytes){"", 0});
    put_message(&selector, 1, inner);
    struct rc_writer step = {.data = NULL};
    put_message(&step, 1, &selector);
    struct rc_writer request = {.data = NULL};
    put_bytes(&request, 2, (struct rc_bytes){"", 0});
    put_bytes(&request, 2, (struct rc_bytes){"", 0});
    put_message(&request, 2, &step);
    return request;
}

static void
test_names_the_place(void **state)
{
    (void)state;
    struct rc_writer term = {.data = NULL};
    put_bytes(&term, 2, (struct rc_bytes){"a\0b", 3});
    struct rc_writer request = nest(&term);
    expect_refused(&request, RC_INVALID, "steps[2].selector.terms[1].definition");
    term = (struct rc_writer){.data = NULL};
    put_bytes(&term, 2, RC_BYTES_LITERAL("\xc3"));
    request = nest(&term);
    expect_refused(&request, RC_INVALID, "steps[2].selector.terms[1].definition");
    term = (struct rc_writer){.data = NULL};
    put_number(&term, 99, 1);
    request = nest(&term);
    expect_refused(&request, RC_UNSUPPORTED, "steps[2].selector.terms[1]");
    term = (struct rc_writer){.data = NULL};
    put_number(&term, 2, 1);
    request = nest(&term);
    expect_refused(&request, RC_INVALID, "steps[2].selector.terms[1].definition");
    request = (struct rc_writer){.data = NULL};
    put_number(&request, 5, 77);
    expect_refused(&request, RC_INVALID, "order");
}

/* A predicate of depth negations. */
static struct rc_writer
deep_predicate(uint32_t depth)
{
    struct rc_writer inner = {.data = NULL};
    for (uint32_t i = 0; i < depth; i++) {
        struct rc_writer outer = {.data = NULL};
        put_message(&outer, 3, &inner);
        inner = outer;
    }
    return inner;
}

/* Built from the outside, since nesting copies: lengths first, from the last to the first. */
static void
test_refuses_depth(void **state)
{
    (void)state;
    const uint32_t depth = 100000;
    const size_t most = (size_t)depth * 5 + 16;
    unsigned char *bytes = malloc(most);
    size_t at = most;
    uint64_t size = 0;
    for (uint32_t i = 0; i < depth; i++) {
        struct rc_writer head = {.data = NULL};
        rc_write_varint(&head, 3 << 3 | 2);
        rc_write_varint(&head, size);
        at -= head.size;
        memcpy(bytes + at, head.data, head.size);
        size += head.size;
        rc_writer_close(&head);
    }
    struct rc_error error = {.status = RC_OK};
    const struct rc_bytes whole = {(const char *)bytes + at, most - at};
    assert_int_equal(decode(&recount__v1__predicate__descriptor, whole, &error), RC_INVALID);
    assert_non_null(strstr(error.message, "nested"));
    free(bytes);
    struct rc_writer shallow = deep_predicate(RC_DECODE_DEPTH_MAX - 1);
    assert_int_equal(decode(&recount__v1__predicate__descriptor, bytes_of(&shallow), &error),
                     RC_OK);
    rc_writer_close(&shallow);
    shallow = deep_predicate(RC_DECODE_DEPTH_MAX);
    assert_int_equal(decode(&recount__v1__predicate__descriptor, bytes_of(&shallow), &error),
                     RC_INVALID);
    rc_writer_close(&shallow);
}

/* A few megabytes of empty messages would become gigabytes of structs. */
static void
test_bounds_memory(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_error error = {.status = RC_OK};
    for (uint32_t i = 0; i < 100000; i++)
        put_bytes(&writer, 2, (struct rc_bytes){"", 0});
    assert_int_equal(decode(funnel, bytes_of(&writer), &error), RC_OK);
    for (uint32_t i = 0; i < 2000000; i++)
        put_bytes(&writer, 2, (struct rc_bytes){"", 0});
    assert_int_equal(decode(funnel, bytes_of(&writer), &error), RC_INVALID);
    assert_non_null(strstr(error.message, "unpacked"));
}

static enum rc_status
decode_predicate(struct rc_writer *writer, struct rc_error *error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_decode decode = {.arena = arena, .error = error, .project = RC_BYTES_LITERAL("p")};
    ProtobufCMessage *message = NULL;
    const struct rc_predicate *predicate = NULL;
    enum rc_status status = rc_decode_message(&recount__v1__predicate__descriptor, bytes_of(writer),
                                              arena, &message, error);
    if (status == RC_OK)
        status = rc_decode_predicate(&decode, (const Recount__V1__Predicate *)message, &predicate);
    rc_writer_close(writer);
    return status;
}

/* all_of[1].leaf with a regular expression over the event property "x". */
static struct rc_writer
leaf_in_list(const char *regex, uint32_t test_field, bool case_insensitive)
{
    struct rc_writer property = {.data = NULL};
    put_bytes(&property, 1, RC_BYTES_LITERAL("x"));
    struct rc_writer leaf = {.data = NULL};
    put_message(&leaf, 1, &property);
    put_bytes(&leaf, test_field, rc_bytes_of(regex));
    put_number(&leaf, 16, case_insensitive);
    struct rc_writer predicate = {.data = NULL};
    put_message(&predicate, 4, &leaf);
    struct rc_writer list = {.data = NULL};
    struct rc_writer definition = {.data = NULL};
    put_bytes(&definition, 5, RC_BYTES_LITERAL("projects/p/definitions/d"));
    put_message(&list, 1, &definition);
    put_message(&list, 1, &predicate);
    struct rc_writer all = {.data = NULL};
    put_message(&all, 1, &list);
    return all;
}

static void
test_checks_leaves(void **state)
{
    (void)state;
    struct rc_error error = {.status = RC_OK};
    struct rc_writer writer = leaf_in_list("a+", 14, false);
    assert_int_equal(decode_predicate(&writer, &error), RC_OK);
    writer = leaf_in_list("(a", 14, false);
    assert_int_equal(decode_predicate(&writer, &error), RC_INVALID);
    assert_string_equal(error.field, "all_of[1].leaf.regex");
    writer = leaf_in_list("(?<=a)b", 14, false);
    assert_int_equal(decode_predicate(&writer, &error), RC_INVALID);
    writer = leaf_in_list("div", 15, false);
    assert_int_equal(decode_predicate(&writer, &error), RC_OK);
    writer = leaf_in_list("div:hover", 15, false);
    assert_int_equal(decode_predicate(&writer, &error), RC_INVALID);
    assert_string_equal(error.field, "all_of[1].leaf.css_selector");
    assert_non_null(strstr(error.message, "at character 4"));
    writer = leaf_in_list("", 9, true);
    assert_int_equal(decode_predicate(&writer, &error), RC_INVALID);
    assert_string_equal(error.field, "all_of[1].leaf.case_insensitive");
}

static void
test_bounds_predicates(void **state)
{
    (void)state;
    struct rc_error error = {.status = RC_OK};
    struct rc_writer writer = deep_predicate(RC_PREDICATE_DEPTH_MAX);
    assert_int_equal(decode_predicate(&writer, &error), RC_INVALID);
    assert_non_null(strstr(error.message, "deep"));
    struct rc_writer list = {.data = NULL};
    for (uint32_t i = 0; i < RC_PREDICATE_NODES_MAX; i++)
        put_bytes(&list, 1, RC_BYTES_LITERAL("\x0a\x00")); /* all_of {} */
    writer = (struct rc_writer){.data = NULL};
    put_message(&writer, 1, &list);
    assert_int_equal(decode_predicate(&writer, &error), RC_INVALID);
    assert_non_null(strstr(error.message, "nodes"));
}

static void
test_reads_names(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_error error = {.status = RC_OK};
    struct rc_decode decode = {.arena = arena, .error = &error};
    struct rc_bytes project;
    struct rc_bytes id;
    assert_int_equal(rc_decode_project(&decode, "name", "projects/p", &project), RC_OK);
    assert_true(rc_bytes_equal(project, RC_BYTES_LITERAL("p")));
    static const char *const bad[] = {"",          "p", "projects/", "projects/p/", "projects/p/q",
                                      "Projects/p"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(rc_decode_project(&decode, "name", bad[i], &project), RC_INVALID);
        assert_string_equal(error.field, "name");
    }
    assert_int_equal(
        rc_decode_name(&decode, "name", "projects/p/segments/s", "segments", &project, &id), RC_OK);
    assert_true(rc_bytes_equal(id, RC_BYTES_LITERAL("s")));
    static const char *const wrong[] = {"",
                                        "projects/p",
                                        "projects//segments/s",
                                        "projects/p/segments/",
                                        "projects/p/definitions/s",
                                        "projects/p/segments/s/t",
                                        "p/segments/s"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(rc_decode_name(&decode, "name", wrong[i], "segments", &project, &id),
                         RC_INVALID);
}

static void
test_tokens_bind(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_error error = {.status = RC_OK};
    for (size_t size = 0; size < 20; size++) {
        const struct rc_bytes place = {"\x00\xff 0123456789abcdefgh", size};
        char *token = rc_token_write(arena, 7, place);
        struct rc_bytes back;
        assert_int_equal(rc_token_read(arena, 7, token, &back, &error), RC_OK);
        assert_true(rc_bytes_equal(back, place));
        assert_int_equal(rc_token_read(arena, 8, token, &back, &error), RC_INVALID);
        assert_string_equal(error.field, "page_token");
        token[0] = token[0] == 'A' ? 'B' : 'A';
        assert_int_equal(rc_token_read(arena, 7, token, &back, &error), RC_INVALID);
    }
    struct rc_bytes back;
    assert_int_equal(rc_token_read(arena, 7, "", &back, &error), RC_OK);
    assert_int_equal(back.size, 0);
    assert_int_equal(rc_token_read(arena, 7, "***", &back, &error), RC_INVALID);
}

/* ---- Handles --------------------------------------------------------------------------------- */

/* The scope that a handle's question has. */
static struct rc_scope
scope_in(struct rc_arena *arena, char *handle)
{
    struct rc_error error = {.status = RC_OK};
    struct rc_decode decode = {.arena = arena, .error = &error, .project = RC_BYTES_LITERAL("p")};
    Recount__V1__Cell cell = RECOUNT__V1__CELL__INIT;
    Recount__V1__SeriesCell place = RECOUNT__V1__SERIES_CELL__INIT;
    const struct rc_chart_cell *found = NULL;
    cell.handle = handle;
    cell.place_case = RECOUNT__V1__CELL__PLACE_SERIES;
    cell.series = &place;
    assert_int_equal(rc_decode_cell(&decode, &cell, RC_BYTES_LITERAL(""), &found), RC_OK);
    assert_int_equal(found->kind, RC_CHART_SERIES);
    assert_int_equal(found->labels, 7);
    assert_null(decode.hints);
    return found->series->scope;
}

/* What a handle says stands for what its request leaves open, whether the handle has it beside the
 * request or, as earlier versions gave them, in it. */
static void
test_handles_fill_requests(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    Recount__V1__SelectorTerm term = RECOUNT__V1__SELECTOR_TERM__INIT;
    Recount__V1__AnyEvent any = RECOUNT__V1__ANY_EVENT__INIT;
    Recount__V1__SelectorTerm *terms[1] = {&term};
    Recount__V1__Selector selector = RECOUNT__V1__SELECTOR__INIT;
    Recount__V1__Series series = RECOUNT__V1__SERIES__INIT;
    Recount__V1__Series *list[1] = {&series};
    Recount__V1__TimeRange range = RECOUNT__V1__TIME_RANGE__INIT;
    Recount__V1__QueryHints hints = RECOUNT__V1__QUERY_HINTS__INIT;
    Recount__V1__Scope scope = RECOUNT__V1__SCOPE__INIT;
    Recount__V1__SeriesRequest question = RECOUNT__V1__SERIES_REQUEST__INIT;
    term.kind_case = RECOUNT__V1__SELECTOR_TERM__KIND_ANY_EVENT;
    term.any_event = &any;
    selector.n_terms = 1;
    selector.terms = terms;
    series.selector = &selector;
    range.end_ms = 1000;
    scope.project = (char[]){"projects/p"};
    scope.range = &range;
    scope.hints = &hints;
    question.scope = &scope;
    question.n_series = 1;
    question.series = list;
    struct rc_error error = {.status = RC_OK};
    struct rc_request request = {.arena = arena, .error = &error, .message = &question.base};
    request.packed = rc_message_pack(&question.base, arena);
    const struct rc_scope asked = {
        .as_of_ms = 12345, .week_start = 6, .zone = RC_BYTES_LITERAL("Europe/Berlin")};
    char *handles[3] = {NULL, NULL, NULL};
    assert_int_equal(
        rc_cell_handle(&request, RC_CHART_SERIES, &question.base, &asked, 7, &handles[0]), RC_OK);
    request.message = NULL; /* It is packed then. */
    assert_int_equal(
        rc_cell_handle(&request, RC_CHART_SERIES, &question.base, &asked, 7, &handles[1]), RC_OK);
    scope.hints = NULL;
    scope.optional_as_of_ms_case = RECOUNT__V1__SCOPE__OPTIONAL_AS_OF_MS_AS_OF_MS;
    scope.as_of_ms = asked.as_of_ms;
    scope.week_start = RECOUNT__V1__WEEKDAY__WEEKDAY_SUNDAY;
    scope.time_zone = (char[]){"Europe/Berlin"};
    struct rc_writer place = {.data = NULL};
    rc_write_u8(&place, RC_CHART_SERIES);
    rc_write_u64(&place, 7);
    const struct rc_bytes packed = rc_message_pack(&question.base, arena);
    rc_write_raw(&place, packed.data, packed.size);
    handles[2] = rc_token_write(arena, 0x63656c6c2d303031ULL, bytes_of(&place));
    rc_writer_close(&place);
    for (uint32_t i = 0; i < 3; i++) {
        const struct rc_scope found = scope_in(arena, handles[i]);
        assert_int_equal(found.as_of_ms, 12345);
        assert_int_equal(found.week_start, 6);
        assert_true(rc_bytes_equal(found.zone, RC_BYTES_LITERAL("Europe/Berlin")));
        assert_int_equal(found.end_ms, 1000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_the_place),   cmocka_unit_test(test_refuses_depth),
        cmocka_unit_test(test_bounds_memory),     cmocka_unit_test(test_checks_leaves),
        cmocka_unit_test(test_bounds_predicates), cmocka_unit_test(test_reads_names),
        cmocka_unit_test(test_tokens_bind),       cmocka_unit_test(test_handles_fill_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
