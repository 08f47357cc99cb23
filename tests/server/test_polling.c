/*
 * Calls that the polling thread serves itself, through a transport with methods of our own and a
 * client: one that was wrongly taken for quick must keep nobody waiting, and no lane may have all
 * of the thread's time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/client.h"
#include "engine/base/alloc.h"
#include "server/transport/transport_internal.h"

#define TIMEOUT_MS 60000
#define TRIES 10000u
#define ENDLESS_LOOKS 200000u /* Of a tenth of a millisecond at least. */

struct rig {
    struct rc_workers *workers;
    struct rc_transport *transport;
    char address[32];

    pthread_mutex_t lock; /* Guards what follows. */
    pthread_cond_t changed;
    pthread_t worker;
    bool quick;              /* What methods are taken for. */
    bool fills;              /* The next call fills a stretch first. */
    uint32_t filled;         /* Calls of one lane that were served in it, */
    bool other_may;          /* and whether another lane's may be afterwards. */
    uint32_t polled_endless; /* Calls of Endless that a polling thread served, */
    uint32_t not_cancelled;  /* and calls of it that never heard of their cancellation. */
    uint32_t held;           /* Calls of Slow that wait. */
    uint32_t let_go;         /* So many of them may end. */
    pthread_t slow_by;       /* Who serves the last of them. */
    pthread_t fast_by;
};

static void
count_one(void *context, struct rc_call *call, struct rc_bytes request)
{
    (void)call;
    (void)request;
    ++((struct rig *)context)->filled;
}

/* Has a polling thread serve as many calls of a lane as it may. */
static void
fill_stretch(struct rig *rig, struct rc_polling *polling)
{
    const struct rc_method count = {.unary = count_one, .context = rig};
    struct rc_call nobodys = {.method = &count, .lane = 1, .references = 1, .watched = true};
    pthread_mutex_init(&nobodys.lock, NULL);
    while (rig->filled < TRIES && rc_polling_may_serve(polling, 1))
        rc_polling_serve(polling, &nobodys);
    pthread_mutex_destroy(&nobodys.lock);
    rig->other_may = rc_polling_may_serve(polling, 2);
    rig->fills = false;
}

static bool
is_quick(void *context, struct rc_call *call, struct rc_bytes request)
{
    struct rig *rig = context;
    (void)request;
    pthread_mutex_lock(&rig->lock);
    if (rig->fills)
        fill_stretch(rig, call->transport->polling);
    const bool quick = rig->quick;
    pthread_mutex_unlock(&rig->lock);
    return quick;
}

static void
serve_fast(void *context, struct rc_call *call, struct rc_bytes request)
{
    struct rig *rig = context;
    pthread_mutex_lock(&rig->lock);
    rig->fast_by = pthread_self();
    pthread_mutex_unlock(&rig->lock);
    rc_call_reply(call, request);
}

static void
serve_slow(void *context, struct rc_call *call, struct rc_bytes request)
{
    struct rig *rig = context;
    pthread_mutex_lock(&rig->lock);
    rig->held++;
    rig->slow_by = pthread_self();
    pthread_cond_broadcast(&rig->changed);
    while (rig->let_go == 0)
        pthread_cond_wait(&rig->changed, &rig->lock);
    rig->let_go--;
    rig->held--;
    pthread_mutex_unlock(&rig->lock);
    rc_call_reply(call, request);
}

/* Ends once the call is cancelled. */
static void
serve_endless(void *context, struct rc_call *call, struct rc_bytes request)
{
    struct rig *rig = context;
    for (uint32_t i = 0; i < ENDLESS_LOOKS && !atomic_load(rc_call_cancelled(call)); i++)
        usleep(100);
    pthread_mutex_lock(&rig->lock);
    rig->not_cancelled += !atomic_load(rc_call_cancelled(call));
    rig->polled_endless += pthread_equal(pthread_self(), rig->worker) == 0;
    pthread_mutex_unlock(&rig->lock);
    rc_call_reply(call, request);
}

static void
note_worker(void *argument)
{
    struct rig *rig = argument;
    pthread_mutex_lock(&rig->lock);
    rig->worker = pthread_self();
    rig->held = 0;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static void
wait_until_held(struct rig *rig, uint32_t count)
{
    pthread_mutex_lock(&rig->lock);
    while (rig->held != count)
        pthread_cond_wait(&rig->changed, &rig->lock);
    pthread_mutex_unlock(&rig->lock);
}

static void
open_rig(struct rig *rig)
{
    static struct rc_method methods[3];
    struct rc_error error = {0};
    *rig = (struct rig){.quick = true, .held = UINT32_MAX};
    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->changed, NULL);
    assert_int_equal(rc_workers_new(1, RC_URGENCY_PLAIN, &rig->workers, &error), RC_OK);
    assert_int_equal(rc_workers_submit(rig->workers, note_worker, rig), RC_OK);
    wait_until_held(rig, 0);
    methods[0] = (struct rc_method){.path = "/test/Fast", .unary = serve_fast};
    methods[1] = (struct rc_method){.path = "/test/Slow", .unary = serve_slow};
    methods[2] = (struct rc_method){.path = "/test/Endless", .unary = serve_endless};
    for (size_t i = 0; i < 3; i++) {
        methods[i].context = rig;
        methods[i].workers = rig->workers;
        methods[i].quick = is_quick;
    }
    const struct rc_transport_options options = {.listen = "127.0.0.1:0",
                                                 .message_bytes_max = 1 << 20,
                                                 .methods = methods,
                                                 .method_count = 3,
                                                 .unknown_method = {.message = ""}};
    assert_int_equal(rc_transport_start(&options, &rig->transport, &error), RC_OK);
    (void)snprintf(rig->address, sizeof(rig->address), "127.0.0.1:%d",
                   rc_transport_port(rig->transport));
}

static void
close_rig(struct rig *rig)
{
    rc_transport_stop(rig->transport, TIMEOUT_MS);
    rc_workers_free(rig->workers);
    pthread_cond_destroy(&rig->changed);
    pthread_mutex_destroy(&rig->lock);
}

/* One call; its reply is its request. */
static void
call(const struct rig *rig, const char *method)
{
    struct rc_call_error error = {0};
    struct rc_writer reply __attribute__((cleanup(rc_writer_close))) = {0};
    RC_CLEANUP(rc_client_freep) struct rc_client *client = rc_client_new(rig->address);
    const struct rc_bytes request = RC_BYTES_LITERAL("projects/test");
    assert_int_equal(rc_client_call(client, method, request, TIMEOUT_MS, &reply, &error),
                     RC_CALL_OK);
    assert_int_equal(reply.size, request.size);
    assert_memory_equal(reply.data, request.data, request.size);
}

static void *
call_slow(void *argument)
{
    call(argument, "/test/Slow");
    return NULL;
}

/* Who served the last call of a method. */
static pthread_t
who(struct rig *rig, const pthread_t *by)
{
    pthread_mutex_lock(&rig->lock);
    const pthread_t thread = *by;
    pthread_mutex_unlock(&rig->lock);
    return thread;
}

static bool
by_worker(struct rig *rig, const pthread_t *by)
{
    return pthread_equal(who(rig, by), rig->worker) != 0;
}

/* Calls Fast until a polling thread serves it: somebody must stand by for that. */
static pthread_t
call_until_polling_thread(struct rig *rig)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        call(rig, "/test/Fast");
        if (!by_worker(rig, &rig->fast_by))
            return who(rig, &rig->fast_by);
        usleep(1000);
    }
    fail_msg("no call was served by a polling thread");
    return rig->worker;
}

/* Lets all held calls of Slow end. */
static void
end_slow(struct rig *rig, const pthread_t *callers, uint32_t count)
{
    pthread_mutex_lock(&rig->lock);
    rig->let_go = count;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
    for (uint32_t i = 0; i < count; i++)
        pthread_join(callers[i], NULL);
}

/* Has a polling thread serve a call of Slow, and returns which. On a busy machine nobody may stand
 * by for a moment, and a worker gets it. */
static pthread_t
hold_polling_thread(struct rig *rig, pthread_t *caller)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        (void)call_until_polling_thread(rig);
        pthread_create(caller, NULL, call_slow, rig);
        wait_until_held(rig, 1);
        if (!by_worker(rig, &rig->slow_by))
            return who(rig, &rig->slow_by);
        end_slow(rig, caller, 1);
    }
    fail_msg("no slow call was served by a polling thread");
    return rig->worker;
}

static void
a_call_that_is_not_quick_keeps_nobody_waiting(void **state)
{
    static struct rig rig;
    pthread_t callers[2];
    (void)state;
    open_rig(&rig);
    for (uint32_t round = 0; round < 3; round++) {
        const pthread_t held = hold_polling_thread(&rig, &callers[0]);
        /* The other polling thread leads now, alone: it serves nothing itself. */
        call(&rig, "/test/Fast");
        assert_true(by_worker(&rig, &rig.fast_by));
        pthread_create(&callers[1], NULL, call_slow, &rig);
        wait_until_held(&rig, 2);
        assert_true(by_worker(&rig, &rig.slow_by));
        end_slow(&rig, callers, 2);
        /* Who was held stands by, and the one who leads serves. */
        assert_false(pthread_equal(call_until_polling_thread(&rig), held));
    }
    close_rig(&rig);
}

/* A call that a polling thread serves hears of its cancellation, though nobody asked for that when
 * it began. */
static void
a_served_call_can_be_cancelled(void **state)
{
    static struct rig rig;
    uint32_t polled = 0;
    (void)state;
    open_rig(&rig);
    for (uint32_t i = 0; i < TRIES && polled < 3; i++) {
        struct rc_call_error error = {0};
        struct rc_writer reply __attribute__((cleanup(rc_writer_close))) = {0};
        RC_CLEANUP(rc_client_freep) struct rc_client *client = rc_client_new(rig.address);
        (void)call_until_polling_thread(&rig);
        assert_int_equal(rc_client_call(client, "/test/Endless", RC_BYTES_LITERAL("projects/test"),
                                        20, &reply, &error),
                         RC_CALL_DEADLINE_EXCEEDED);
        pthread_mutex_lock(&rig.lock);
        polled = rig.polled_endless;
        pthread_mutex_unlock(&rig.lock);
    }
    close_rig(&rig);
    assert_true(polled >= 3);
    assert_int_equal(rig.not_cancelled, 0);
}

/* One who calls Fast again and again. */
struct caller {
    struct rig *rig;
    pthread_t thread;
    _Atomic uint32_t calls;
    _Atomic(bool) over;
};

static void *
call_fast_again(void *argument)
{
    struct caller *caller = argument;
    struct rc_call_error error = {0};
    RC_CLEANUP(rc_client_freep) struct rc_client *client = rc_client_new(caller->rig->address);
    while (!caller->over) {
        struct rc_writer reply __attribute__((cleanup(rc_writer_close))) = {0};
        assert_int_equal(rc_client_call(client, "/test/Fast", RC_BYTES_LITERAL("projects/test"),
                                        TIMEOUT_MS, &reply, &error),
                         RC_CALL_OK);
        caller->calls++;
    }
    return NULL;
}

/* Replies that wait to be sent together are sent, also while who holds them serves a call that
 * takes long: everybody gets on. */
static void
replies_that_wait_are_sent(void **state)
{
    static struct rig rig;
    static struct caller callers[6];
    pthread_t slow;
    uint32_t by_polling_thread = 0;
    (void)state;
    open_rig(&rig);
    for (uint32_t i = 0; i < 6; i++) {
        callers[i] = (struct caller){.rig = &rig};
        pthread_create(&callers[i].thread, NULL, call_fast_again, &callers[i]);
    }
    for (uint32_t round = 0; round < 40; round++) {
        pthread_create(&slow, NULL, call_slow, &rig);
        wait_until_held(&rig, 1);
        const bool polling = !by_worker(&rig, &rig.slow_by);
        by_polling_thread += polling;
        for (uint32_t i = 0; polling && i < 6; i++) /* The only worker takes no other call. */
            for (const uint32_t before = callers[i].calls; callers[i].calls < before + 3;)
                usleep(100);
        end_slow(&rig, &slow, 1);
    }
    for (uint32_t i = 0; i < 6; i++) {
        callers[i].over = true;
        pthread_join(callers[i].thread, NULL);
    }
    print_message("%u of 40 long calls were a polling thread's\n", by_polling_thread);
    close_rig(&rig);
}

static void
what_is_not_quick_goes_to_a_worker(void **state)
{
    static struct rig rig;
    (void)state;
    open_rig(&rig);
    (void)call_until_polling_thread(&rig);
    pthread_mutex_lock(&rig.lock);
    rig.quick = false;
    pthread_mutex_unlock(&rig.lock);
    call(&rig, "/test/Fast");
    assert_true(by_worker(&rig, &rig.fast_by));
    close_rig(&rig);
}

static void
a_lane_has_a_part_of_a_stretch(void **state)
{
    static struct rig rig;
    (void)state;
    open_rig(&rig);
    for (uint32_t i = 0; i < TRIES && !(rig.filled > 1 && rig.other_may); i++) {
        (void)call_until_polling_thread(&rig);
        pthread_mutex_lock(&rig.lock);
        rig.fills = true;
        rig.filled = 0;
        pthread_mutex_unlock(&rig.lock);
        call(&rig, "/test/Fast");
        pthread_mutex_lock(&rig.lock);
        rig.fills = false;
        pthread_mutex_unlock(&rig.lock);
    }
    assert_in_range(rig.filled, 2, 100);
    assert_true(rig.other_may);
    close_rig(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_is_not_quick_keeps_nobody_waiting),
        cmocka_unit_test(a_served_call_can_be_cancelled),
        cmocka_unit_test(replies_that_wait_are_sent),
        cmocka_unit_test(what_is_not_quick_goes_to_a_worker),
        cmocka_unit_test(a_lane_has_a_part_of_a_stretch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
