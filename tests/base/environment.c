#include "tests/base/environment.h"

#include <stdlib.h>

uint64_t
test_number(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    return text == NULL || text[0] == '\0' ? usual : strtoull(text, NULL, 0);
}

uint32_t
test_rounds(uint32_t usual)
{
    const uint64_t rounds = usual * test_number("RC_TEST_PERCENT", 100) / 100;
    return rounds == 0 ? 1 : (uint32_t)rounds;
}

uint32_t
test_stride(void)
{
    const uint64_t percent = test_number("RC_TEST_PERCENT", 100);
    return percent == 0 || percent > 100 ? 1 : (uint32_t)(100 / percent);
}
