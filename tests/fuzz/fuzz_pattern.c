/*
 * Regular expressions: "i" or another byte for the case, the expression, a line feed, the text.
 * What compiles is searched for, and in the text ending early too.
 */
#include <string.h>

#include "engine/base/limits.h"
#include "engine/match/leaf/pattern.h"
#include "tests/fuzz/fuzz.h"

/* As checked at the door. */
#define PATTERN_BYTES_MAX 1024

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *expression = (const char *)data + 1;
    const char *end = memchr(expression, '\n', size - 1);
    const size_t expression_size = end == NULL ? size - 1 : (size_t)(end - expression);
    const char *text = end == NULL ? expression : end + 1;
    const size_t text_size = end == NULL ? size - 1 : size - 2 - expression_size;
    if (expression_size > PATTERN_BYTES_MAX ||
        !rc_bytes_is_text((struct rc_bytes){expression, expression_size}) ||
        !rc_bytes_is_text((struct rc_bytes){text, text_size}))
        return 0;
    struct rc_pattern *pattern = NULL;
    struct rc_error error = {0};
    const enum rc_status status =
        rc_pattern_new(expression, expression_size, data[0] == 'i', &pattern, &error);
    FUZZ_CHECK(status == RC_OK || (status == RC_INVALID && error.message[0] != '\0'));
    if (status != RC_OK)
        return 0;
    FUZZ_CHECK(rc_pattern_memory_bytes(pattern) > 0);
    FUZZ_CHECK(rc_pattern_steps(pattern) > 0 && rc_pattern_steps(pattern) <= RC_PATTERN_STEPS_MAX);
    bool found = false;
    bool again = false;
    const enum rc_status searched = rc_pattern_search(pattern, text, text_size, &found);
    FUZZ_CHECK(searched == RC_OK || searched == RC_TOO_SLOW);
    if (searched == RC_OK && rc_pattern_search(pattern, text, text_size, &again) == RC_OK)
        FUZZ_CHECK(found == again);
    FUZZ_CHECK(rc_pattern_search(pattern, "", 0, &found) == RC_OK);
    rc_pattern_free(pattern);
    return 0;
}
