/*
 * Numeric text: what is a number must agree with strtod, and its shortest text must read back the
 * same. Also ids: INT exactly when they are canonical numbers.
 */
#include <math.h>
#include <string.h>

#include "engine/store/value/event_id.h"
#include "engine/store/value/value.h"
#include "tests/fuzz/fuzz.h"

static void
use_number(struct rc_bytes text)
{
    struct rc_value number;
    char copy[4096];
    if (text.size >= sizeof(copy) || !rc_value_of_numeric_text(text, &number))
        return;
    FUZZ_CHECK(number.kind == RC_VALUE_INT || number.kind == RC_VALUE_DOUBLE);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *stop;
    const double real = strtod(copy, &stop);
    FUZZ_CHECK(stop == copy + text.size);
    FUZZ_CHECK(isfinite(real));
    if (number.kind == RC_VALUE_DOUBLE)
        FUZZ_CHECK(number.real == real);
    else
        FUZZ_CHECK((double)number.integer == real);
    char shortest[32];
    const size_t size = rc_number_text(number, shortest);
    FUZZ_CHECK(size > 0 && size <= sizeof(shortest));
    struct rc_value again;
    FUZZ_CHECK(rc_value_of_numeric_text((struct rc_bytes){shortest, size}, &again));
    FUZZ_CHECK(rc_value_same(number, again));
    FUZZ_CHECK(rc_number_compare(number, again) == 0);
}

static void
use_id(struct rc_bytes text)
{
    char buffer[24];
    const struct rc_event_id id = rc_event_id_of_text(text);
    FUZZ_CHECK(id.kind == RC_EVENT_ID_INT || id.kind == RC_EVENT_ID_TEXT);
    FUZZ_CHECK(rc_bytes_equal(rc_event_id_text(&id, buffer), text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rc_bytes text = {(const char *)data, size};
    use_number(text);
    use_id(text);
    struct rc_value value;
    double real;
    if (size == sizeof(real)) {
        memcpy(&real, data, sizeof(real));
        if (rc_value_of_double(real, &value) == RC_OK) {
            char shortest[32];
            const size_t used = rc_number_text(value, shortest);
            struct rc_value again;
            FUZZ_CHECK(rc_value_of_numeric_text((struct rc_bytes){shortest, used}, &again));
            FUZZ_CHECK(rc_value_same(value, again));
        }
    }
    return 0;
}
