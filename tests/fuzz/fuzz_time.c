/*
 * Times of archives: the first byte is the unit, the second the zone's hours, the rest the text. A
 * time must lie in the years 1 to 9999.
 */
#include "engine/base/limits.h"
#include "loaders/text_value.h"
#include "loaders/time_text.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char *copy = malloc(size - 2);
    FUZZ_CHECK(copy != NULL || size == 2);
    if (size > 2)
        memcpy(copy, data + 2, size - 2);
    const struct rc_bytes text = {copy, size - 2};
    const int64_t zone_ms = (int64_t)((int)(data[1] % 29) - 14) * 3600000;
    const struct rc_field_value value = {.type = RC_FIELD_TEXT, .text = text};
    int64_t time_ms;
    if (rc_time_parse(&value, (enum rc_time_unit)(data[0] % 5), zone_ms, &time_ms))
        FUZZ_CHECK(time_ms >= RC_TIME_MS_MIN && time_ms <= RC_TIME_MS_MAX);
    int64_t zone;
    if (rc_time_zone_parse(text, &zone))
        FUZZ_CHECK(zone > -86400000 && zone < 86400000);
    for (int type = RC_TYPE_AUTO; type <= RC_TYPE_BOOLEAN; type++) {
        struct rc_field_value converted = value;
        (void)rc_text_value_convert(&converted, (enum rc_mapping_type)type);
    }
    free(copy);
    return 0;
}
