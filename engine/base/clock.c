#include "engine/base/clock.h"

#include <time.h>

int64_t
rc_clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t
rc_clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void
rc_clock_sleep_ns(uint64_t ns)
{
    const struct timespec time = {.tv_nsec = (long)(ns < 1000000000 ? ns : 999999999)};
    (void)nanosleep(&time, NULL);
}
