#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void
rc_assert_fail(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "recount: assertion failed: %s (%s:%d)\n", condition, file, line);
    abort();
}
