/* What threads of each urgency ask of the scheduler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/sched/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/base/workers.h"

struct asked {
    int niceness;
    bool steps_back;
    uint64_t turn_ns; /* 0: the kernel does not say. */
};

static void
read_asked(void *argument)
{
    struct sched_attr attributes = {.size = sizeof(attributes)};
    struct asked *asked = argument;
    asked->niceness = getpriority(PRIO_PROCESS, 0);
    asked->steps_back = rc_thread_steps_back();
    assert_int_equal(syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0), 0);
    asked->turn_ns = attributes.sched_runtime;
}

static struct asked
asked_by(enum rc_urgency urgency)
{
    struct rc_workers *workers;
    struct asked asked = {.niceness = INT32_MAX};
    assert_int_equal(rc_workers_new(1, urgency, &workers, NULL), RC_OK);
    assert_int_equal(rc_workers_submit(workers, read_asked, &asked), RC_OK);
    rc_workers_free(workers);
    return asked;
}

/* Since Linux 6.12. */
static bool
kernel_has_turns(void)
{
    struct utsname name;
    unsigned major = 0;
    unsigned minor = 0;
    assert_int_equal(uname(&name), 0);
    assert_int_equal(sscanf(name.release, "%u.%u", &major, &minor), 2);
    return major > 6 || (major == 6 && minor >= 12);
}

static void
background_steps_back(void **state)
{
    const int own = getpriority(PRIO_PROCESS, 0);
    const int wanted = own + RC_BACKGROUND_NICENESS;
    (void)state;
    assert_int_equal(asked_by(RC_URGENCY_BACKGROUND).niceness, wanted < 19 ? wanted : 19);
    assert_int_equal(asked_by(RC_URGENCY_PLAIN).niceness, own);
    assert_true(asked_by(RC_URGENCY_BACKGROUND).steps_back);
    assert_false(asked_by(RC_URGENCY_PLAIN).steps_back);
    assert_false(asked_by(RC_URGENCY_FIRST).steps_back);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
}

/* Whether a thread of this process may lower its niceness by so much. */
static void
try_first(void *argument)
{
    const int own = getpriority(PRIO_PROCESS, 0);
    int *reached = argument;
    (void)setpriority(PRIO_PROCESS, 0, own - RC_FIRST_NICENESS);
    *reached = getpriority(PRIO_PROCESS, 0);
}

static void
first_goes_before_others_where_it_may(void **state)
{
    struct rc_workers *workers;
    int reached = INT32_MAX;
    (void)state;
    assert_int_equal(rc_workers_new(1, RC_URGENCY_PLAIN, &workers, NULL), RC_OK);
    assert_int_equal(rc_workers_submit(workers, try_first, &reached), RC_OK);
    rc_workers_free(workers);
    const struct asked first = asked_by(RC_URGENCY_FIRST);
    assert_int_equal(first.niceness, reached);
    assert_int_equal(first.turn_ns, asked_by(RC_URGENCY_PROMPT).turn_ns);
}

static void
prompt_takes_short_turns(void **state)
{
    const struct asked plain = asked_by(RC_URGENCY_PLAIN);
    const struct asked prompt = asked_by(RC_URGENCY_PROMPT);
    (void)state;
    assert_int_equal(prompt.niceness, plain.niceness); /* When, not how much. */
    if (kernel_has_turns())
        assert_true(prompt.turn_ns < plain.turn_ns);
    else
        skip();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(background_steps_back),
        cmocka_unit_test(first_goes_before_others_where_it_may),
        cmocka_unit_test(prompt_takes_short_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
