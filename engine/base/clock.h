/* Clocks. Only the face and keep read them: folds and replay never do. */
#ifndef RC_BASE_CLOCK_H
#define RC_BASE_CLOCK_H

#include <stdint.h>

/* Wall clock, UTC ms since 1970. */
int64_t
rc_clock_wall_ms(void);

/* Monotonic, ns, for durations. */
uint64_t
rc_clock_monotonic_ns(void);

/* Sleeps that long, or shorter when a signal comes. At most a second. */
void
rc_clock_sleep_ns(uint64_t ns);

#endif
