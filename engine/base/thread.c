/*
 * Thread.
 *
 * Prompt: Linux (6.12 and later) takes the length of a thread's turn from sched_setattr. A thread
 * that asks for short turns interrupts one with a longer turn when it wakes, instead of waiting for
 * the turn's end, some milliseconds; over time it gets no more than others. No privilege is needed;
 * older kernels ignore the length.
 *
 * Background: niceness is a thread's own on Linux. It can only be raised without privileges, so a
 * thread keeps the one that it begins with: that is why there are pools, and not priorities within
 * one.
 */
#include "engine/base/thread.h"

#include <linux/sched/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Twice the least that the kernel takes: a small batch or query is done within a turn. */
#define PROMPT_TURN_NS 200000u

static _Thread_local bool steps_back;

static void
shorten_turns(void)
{
    const struct sched_attr wanted = {.size = SCHED_ATTR_SIZE_VER0,
                                      .sched_nice = getpriority(PRIO_PROCESS, 0),
                                      .sched_runtime = PROMPT_TURN_NS};
    (void)syscall(SYS_sched_setattr, 0, &wanted, 0);
}

/* 0: the calling thread, which begins with its process's. */
static void
change_niceness(int by)
{
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + by);
}

void
rc_thread_set_urgency(enum rc_urgency urgency)
{
    switch (urgency) {
    case RC_URGENCY_PLAIN:
        return;
    case RC_URGENCY_PROMPT:
        shorten_turns();
        return;
    case RC_URGENCY_FIRST:
        change_niceness(-RC_FIRST_NICENESS);
        shorten_turns();
        return;
    case RC_URGENCY_BACKGROUND:
        change_niceness(RC_BACKGROUND_NICENESS);
        steps_back = true;
        return;
    }
}

bool
rc_thread_steps_back(void)
{
    return steps_back;
}
