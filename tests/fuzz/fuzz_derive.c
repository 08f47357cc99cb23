/*
 * Derived properties: a byte for the step, a text. What steps read out of a text must be text
 * again, no longer than what it came from allows; the same bytes are read as a stored derivation,
 * which must be written as it was read.
 */
#include <string.h>

#include "engine/match/derived/derivation.h"
#include "engine/match/derived/derive_text.h"
#include "tests/fuzz/fuzz.h"

static void
read_text(struct rc_bytes text, struct rc_arena *arena)
{
    static const struct rc_bytes names[] = {{"q", 1}, {"a b", 3}};
    struct rc_value number;
    int64_t time_ms = 0;
    struct rc_bytes out;
    if (rc_text_first_number(text, &number))
        FUZZ_CHECK(number.kind == RC_VALUE_INT || number.kind == RC_VALUE_DOUBLE);
    if (rc_text_time(text, &time_ms))
        FUZZ_CHECK(time_ms >= INT64_C(-62135596800000) && time_ms <= INT64_C(253402300799999));
    FUZZ_CHECK(rc_text_fold_ids(text, arena, &out) == RC_OK);
    FUZZ_CHECK(rc_bytes_is_text(out) && out.size <= 2 * text.size + 4);
    for (int part = RC_URL_SCHEME; part <= RC_URL_PARAMETER; part++) {
        bool found = false;
        FUZZ_CHECK(rc_text_url_part(text, (enum rc_url_part)part, names[part % 2], arena, &found,
                                    &out) == RC_OK);
        if (found)
            FUZZ_CHECK(rc_bytes_is_text(out) && out.size <= text.size + 1);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    const struct rc_bytes text = {size == 0 ? "" : (const char *)data, size};
    if (rc_bytes_is_text(text))
        read_text(text, arena);
    struct rc_reader reader = rc_reader_of(data, size);
    const struct rc_derivation *derivation = NULL;
    if (rc_derivation_read(&reader, arena, &derivation, NULL) == RC_OK) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        rc_derivation_write(&writer, derivation);
        struct rc_reader again = rc_reader_of(writer.data, writer.size);
        FUZZ_CHECK(rc_derivation_read(&again, arena, &derivation, NULL) == RC_OK);
        struct rc_error error = {0};
        (void)(rc_derivation_check(derivation, &error) == RC_OK);
    }
    return 0;
}
