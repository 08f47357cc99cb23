/*
 * Page tokens, and times as text: a token of any place reads back as that place, of another request
 * never, and a text that is no token is refused.
 */
#include <string.h>

#include "engine/base/limits.h"
#include "server/decode/token.h"
#include "server/ingest/decode_time.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    const struct rc_bytes place = {(const char *)data, size};
    struct rc_error error = {0};
    struct rc_bytes again;
    char *token = rc_token_write(arena, 1, place);
    FUZZ_CHECK(token != NULL);
    FUZZ_CHECK(rc_token_read(arena, 1, token, &again, &error) == RC_OK);
    FUZZ_CHECK(rc_bytes_equal(place, again));
    FUZZ_CHECK(rc_token_read(arena, 2, token, &again, &error) == RC_INVALID);

    const char *text = rc_arena_string(arena, place.data, place.size);
    FUZZ_CHECK(text != NULL);
    if (rc_token_read(arena, 1, text, &again, &error) == RC_OK)
        FUZZ_CHECK(again.size <= strlen(text));
    int64_t time_ms;
    if (rc_decode_time_text(place, &time_ms))
        FUZZ_CHECK(time_ms >= RC_TIME_MS_MIN - 86400000 && time_ms <= RC_TIME_MS_MAX + 86400000);
    return 0;
}
