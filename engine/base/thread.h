/*
 * Thread: how much the system's scheduler lets the calling thread wait.
 *
 * Who serves many must not queue behind who computes: a thread that works little at a time runs
 * soon after it wakes, and one whose work nobody waits for steps back. What is asked for is when,
 * and how much only of those who step back and of those who go first.
 *
 * Threading: of the calling thread, once, before it works.
 * Errors:    none: a kernel that cannot do what is asked leaves the thread as it was.
 */
#ifndef RC_BASE_THREAD_H
#define RC_BASE_THREAD_H

#include <stdbool.h>

enum rc_urgency {
    RC_URGENCY_PLAIN = 0,      /* As the process began. */
    RC_URGENCY_PROMPT = 1,     /* Runs soon after it wakes. */
    RC_URGENCY_BACKGROUND = 2, /* Steps back by RC_BACKGROUND_NICENESS. */
    RC_URGENCY_FIRST = 3,      /* Prompt, and goes before others by RC_FIRST_NICENESS if the process
                                  may say so (RLIMIT_NICE, or its privileges). */
};

/* A tenth of a processor that others want, and all of it otherwise. */
#define RC_BACKGROUND_NICENESS 10

/* Three parts of four of a processor that another thread wants. */
#define RC_FIRST_NICENESS 5

void
rc_thread_set_urgency(enum rc_urgency urgency);

/* Whether the calling thread steps back. It then should not hold for long what others wait for:
 * with the lock it is kept from the processor. */
bool
rc_thread_steps_back(void);

#endif
