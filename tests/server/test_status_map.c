/* Status map: each status becomes its code, with details that can be read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <google/rpc/error_details.pb-c.h>
#include <google/rpc/status.pb-c.h>
#include <string.h>

#include "server/call/status_map.h"

static void
test_every_status_has_a_code(void **state)
{
    (void)state;
    static const struct {
        enum rc_status status;
        const char *field;
        bool in_use;
        bool late;
        int code;
        size_t detail_count;
    } cases[] = {
        {RC_INVALID, "a.b", false, false, RC_CODE_INVALID_ARGUMENT, 2},
        {RC_NOT_FOUND, "", false, false, RC_CODE_NOT_FOUND, 1},
        {RC_EXISTS, "", false, false, RC_CODE_ALREADY_EXISTS, 1},
        {RC_CONFLICT, "", false, false, RC_CODE_ABORTED, 1},
        {RC_CONFLICT, "", true, false, RC_CODE_ABORTED, 1},
        {RC_UNSUPPORTED, "x", false, false, RC_CODE_UNIMPLEMENTED, 2},
        {RC_LIMIT_EXCEEDED, "", false, false, RC_CODE_RESOURCE_EXHAUSTED, 2},
        {RC_LIMIT_EXCEEDED, "steps", false, false, RC_CODE_INVALID_ARGUMENT, 2},
        {RC_NO_MEMORY, "", false, false, RC_CODE_RESOURCE_EXHAUSTED, 2},
        {RC_NO_SPACE, "", false, false, RC_CODE_RESOURCE_EXHAUSTED, 2},
        {RC_CANCELLED, "", false, false, RC_CODE_CANCELLED, 1},
        {RC_CANCELLED, "", false, true, RC_CODE_DEADLINE_EXCEEDED, 1},
        {RC_UNAVAILABLE, "", false, false, RC_CODE_UNAVAILABLE, 2},
        {RC_CORRUPT, "", false, false, RC_CODE_DATA_LOSS, 1},
        {RC_IO, "", false, false, RC_CODE_INTERNAL, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rc_failure failure = {.in_use = cases[i].in_use, .late = cases[i].late};
        rc_error_field(&failure.error, cases[i].status, cases[i].field, "the sentence");
        struct rc_details details;
        const struct rc_outcome outcome = rc_failure_outcome(&failure, &details);
        assert_int_equal(outcome.code, cases[i].code);
        assert_string_equal(outcome.message, "the sentence");
        Google__Rpc__Status *status = google__rpc__status__unpack(
            NULL, outcome.details.size, (const uint8_t *)outcome.details.data);
        assert_non_null(status);
        assert_int_equal(status->code, cases[i].code);
        assert_int_equal(status->n_details, cases[i].detail_count);
        assert_string_equal(status->details[0]->type_url,
                            "type.googleapis.com/google.rpc.ErrorInfo");
        google__rpc__status__free_unpacked(status, NULL);
    }
}

/* What a query alone has too little of does not come by waiting. */
static void
test_a_limit_of_the_query(void **state)
{
    (void)state;
    struct rc_failure failure = {.of_query = true};
    struct rc_details details;
    rc_error_set(&failure.error, RC_LIMIT_EXCEEDED, "the sentence");
    const struct rc_outcome outcome = rc_failure_outcome(&failure, &details);
    assert_int_equal(outcome.code, RC_CODE_RESOURCE_EXHAUSTED);
    Google__Rpc__Status *status = google__rpc__status__unpack(
        NULL, outcome.details.size, (const uint8_t *)outcome.details.data);
    assert_int_equal(status->n_details, 1); /* No RetryInfo. */
    google__rpc__status__free_unpacked(status, NULL);
}

/* The longest message, field and name still fit. */
static void
test_fits_the_longest(void **state)
{
    (void)state;
    struct rc_failure failure = {.resource = {.type = "recount.v1.Definition"}};
    memset(failure.error.message, 'm', sizeof(failure.error.message) - 1);
    memset(failure.error.field, 'f', sizeof(failure.error.field) - 1);
    memset(failure.resource.name, 'n', sizeof(failure.resource.name) - 1);
    failure.error.status = RC_UNAVAILABLE;
    struct rc_details details;
    const struct rc_outcome outcome = rc_failure_outcome(&failure, &details);
    Google__Rpc__Status *status = google__rpc__status__unpack(
        NULL, outcome.details.size, (const uint8_t *)outcome.details.data);
    assert_non_null(status);
    assert_int_equal(status->n_details, 4);
    google__rpc__status__free_unpacked(status, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_has_a_code),
        cmocka_unit_test(test_a_limit_of_the_query),
        cmocka_unit_test(test_fits_the_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
