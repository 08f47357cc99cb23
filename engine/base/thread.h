/*
 * Thread: how much the system's scheduler lets the calling thread wait.
 *
 * Who serves many must not queue behind who computes: a thread that works little at a time runs
 * soon after it wakes, and one whose work nobody waits for steps back. Shares of the processors
 * are as before: what is asked for is when, not how much.
 *
 * Threading: of the calling thread, once, before it works.
 * Errors:    none: a kernel that cannot do what is asked leaves the thread as it was.
 */
#ifndef RC_BASE_THREAD_H
#define RC_BASE_THREAD_H

enum rc_urgency {
    RC_URGENCY_PLAIN = 0,      /* As the process began. */
    RC_URGENCY_PROMPT = 1,     /* Runs soon after it wakes. */
    RC_URGENCY_BACKGROUND = 2, /* Steps back by RC_BACKGROUND_NICENESS. */
};

/* A tenth of a processor that others want, and all of it otherwise. */
#define RC_BACKGROUND_NICENESS 10

void
rc_thread_set_urgency(enum rc_urgency urgency);

#endif
