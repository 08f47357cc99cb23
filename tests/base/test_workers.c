/* Workers: everything runs once, nesting ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/workers.h"

static struct rc_workers *
new_workers(uint32_t thread_count)
{
    struct rc_workers *workers;
    assert_int_equal(rc_workers_new(thread_count, RC_URGENCY_PLAIN, &workers, NULL), RC_OK);
    assert_int_equal(rc_workers_count(workers), thread_count);
    return workers;
}

static void
count_one(void *argument)
{
    atomic_fetch_add((_Atomic unsigned *)argument, 1);
}

static void
test_free_finishes_the_queue(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 4; threads++) {
        _Atomic unsigned done = 0;
        struct rc_workers *workers = new_workers(threads);
        for (unsigned i = 0; i < 500; i++)
            assert_int_equal(rc_workers_submit(workers, count_one, &done), RC_OK);
        assert_null(rc_workers_free(workers));
        assert_int_equal(atomic_load(&done), 500);
    }
    assert_null(rc_workers_free(NULL));
}

struct marks {
    _Atomic unsigned char counts[1000];
    struct rc_workers *workers;
    _Atomic uint64_t sum;
};

static void
mark(void *argument, uint32_t index)
{
    struct marks *marks = argument;
    atomic_fetch_add(&marks->counts[index], 1);
}

static void
test_run_covers_every_index_once(void **state)
{
    (void)state;
    struct rc_workers *workers = new_workers(3);
    for (uint32_t count = 0; count <= 1000; count += 1 + count / 3)
        for (uint32_t parallel = 0; parallel <= 8; parallel += 2) {
            static struct marks marks;
            for (uint32_t i = 0; i < 1000; i++)
                atomic_store(&marks.counts[i], 0);
            rc_workers_run(workers, parallel, count, mark, &marks);
            for (uint32_t i = 0; i < 1000; i++)
                assert_int_equal(atomic_load(&marks.counts[i]), i < count ? 1 : 0);
        }
    rc_workers_free(workers);
}

struct order {
    uint32_t next;
    bool ascending;
};

static void
check_order(void *argument, uint32_t index)
{
    struct order *order = argument;
    order->ascending = order->ascending && index == order->next;
    order->next++;
}

static void
test_run_alone_is_in_order(void **state)
{
    (void)state;
    struct rc_workers *workers = new_workers(2);
    struct order order = {.ascending = true};
    rc_workers_run(workers, 1, 1000, check_order, &order);
    assert_true(order.ascending);
    assert_int_equal(order.next, 1000);
    rc_workers_free(workers);
}

static void
add(void *argument, uint32_t index)
{
    struct marks *marks = argument;
    atomic_fetch_add(&marks->sum, index);
}

static void
run_inside(void *argument, uint32_t index)
{
    struct marks *marks = argument;
    rc_workers_run(marks->workers, 4, 20 + index % 3, add, marks);
}

/* Runs within runs, from several threads at once, on fewer workers than callers. */
static void *
run_outer(void *argument)
{
    struct marks *marks = argument;
    for (unsigned i = 0; i < 50; i++)
        rc_workers_run(marks->workers, 4, 30, run_inside, marks);
    return NULL;
}

static void
test_nested_runs(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 3; threads++) {
        static struct marks marks;
        pthread_t callers[3];
        marks.workers = new_workers(threads);
        atomic_store(&marks.sum, 0);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(pthread_create(&callers[i], NULL, run_outer, &marks), 0);
        for (unsigned i = 0; i < 3; i++)
            pthread_join(callers[i], NULL);
        /* 0 + ... + 19 = 190, + 20 for every second of three, + 20 + 21 for every third. */
        assert_int_equal(atomic_load(&marks.sum), (uint64_t)3 * 50 * 10 * (190 + 210 + 231));
        rc_workers_free(marks.workers);
    }
}

struct late {
    struct rc_workers *workers;
    _Atomic unsigned done;
    enum rc_status status;
};

/* Submits until the pool stops: must be refused then, and not before. */
static void
submit_until_refused(void *argument)
{
    struct late *late = argument;
    do {
        late->status = rc_workers_submit(late->workers, count_one, &late->done);
        sched_yield();
    } while (late->status == RC_OK);
}

static void
test_stop_refuses(void **state)
{
    (void)state;
    struct late late = {.workers = new_workers(2)};
    assert_int_equal(rc_workers_submit(late.workers, submit_until_refused, &late), RC_OK);
    rc_workers_free(late.workers);
    assert_int_equal(late.status, RC_UNAVAILABLE);
}

static void
test_no_memory(void **state)
{
    (void)state;
    struct rc_workers *workers = new_workers(1);
    _Atomic unsigned done = 0;
    rc_alloc_fail_at(1);
    assert_int_equal(rc_workers_submit(workers, count_one, &done), RC_NO_MEMORY);
    struct rc_workers *other = NULL;
    rc_alloc_fail_at(1);
    assert_int_equal(rc_workers_new(2, RC_URGENCY_PLAIN, &other, NULL), RC_NO_MEMORY);
    rc_alloc_fail_at(0);
    assert_null(other);
    rc_workers_free(workers);
    assert_int_equal(atomic_load(&done), 0);
}

/* ---- lanes ---- */

/* A task that says that it began, and ends when it is let go. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t begun;
    uint32_t released;
    char order[16];
};

struct visitor {
    struct gate *gate;
    char name;
};

static void
pass(void *argument)
{
    struct visitor *visitor = argument;
    struct gate *gate = visitor->gate;
    pthread_mutex_lock(&gate->lock);
    const uint32_t place = gate->begun++;
    gate->order[place] = visitor->name;
    pthread_cond_broadcast(&gate->changed);
    while (gate->released <= place)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void
wait_begun(struct gate *gate, uint32_t count)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->begun < count)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void
release(struct gate *gate, uint32_t count)
{
    pthread_mutex_lock(&gate->lock);
    gate->released = count;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static void
submit_visitor(struct rc_workers *workers, struct visitor *visitor)
{
    assert_int_equal(rc_workers_submit_in(workers, (uint64_t)visitor->name, pass, visitor), RC_OK);
}

/* One thread: who has many tasks lets the others in between. */
static void
test_lanes_take_turns(void **state)
{
    (void)state;
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, ""};
    struct visitor visitors[] = {{&gate, 'a'}, {&gate, 'a'}, {&gate, 'a'}, {&gate, 'a'},
                                 {&gate, 'b'}, {&gate, 'c'}, {&gate, 'b'}};
    struct rc_workers *workers = new_workers(1);
    submit_visitor(workers, &visitors[0]);
    wait_begun(&gate, 1);
    for (uint32_t i = 1; i < 7; i++)
        submit_visitor(workers, &visitors[i]);
    release(&gate, 7);
    rc_workers_free(workers);
    assert_string_equal(gate.order, "aabcaba");
}

/* A spare thread takes another lane's task while one runs, and no second one of the same lane. */
static void
test_spares_serve_other_lanes(void **state)
{
    (void)state;
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, ""};
    struct visitor visitors[] = {{&gate, 'a'}, {&gate, 'a'}, {&gate, 'b'}, {&gate, 'c'}};
    struct rc_workers *workers = new_workers(1);
    assert_int_equal(rc_workers_add_spares(workers, 2, NULL), RC_OK);
    assert_int_equal(rc_workers_count(workers), 1);
    submit_visitor(workers, &visitors[0]);
    wait_begun(&gate, 1);
    submit_visitor(workers, &visitors[1]);
    submit_visitor(workers, &visitors[2]);
    wait_begun(&gate, 2);
    submit_visitor(workers, &visitors[3]);
    wait_begun(&gate, 3);
    assert_int_equal(gate.order[0], 'a');
    assert_int_equal(gate.order[1], 'b');
    assert_int_equal(gate.order[2], 'c');
    release(&gate, 4);
    rc_workers_free(workers);
    assert_string_equal(gate.order, "abca");
}

struct caller {
    pthread_t thread;
    bool called;
};

static void
note_thread(void *argument)
{
    struct caller *caller = argument;
    sched_yield();
    caller->thread = pthread_self();
    caller->called = true;
}

/* What is called runs on a thread of the pool and is over when the call returns. */
static void
test_call_waits(void **state)
{
    (void)state;
    struct rc_workers *workers = new_workers(2);
    for (uint32_t i = 0; i < 2000; i++) {
        struct caller caller = {.called = false};
        assert_true(rc_workers_call(workers, i % 3, note_thread, &caller));
        assert_true(caller.called);
        assert_false(pthread_equal(caller.thread, pthread_self()));
    }
    struct caller caller = {.called = false};
    rc_alloc_fail_at(1);
    assert_false(rc_workers_call(workers, 1, note_thread, &caller));
    rc_alloc_fail_at(0);
    assert_false(caller.called);
    rc_workers_free(workers);
}

/* Threads that were without work for long enough to rest, own and spare ones, are woken as any. */
static void
test_work_after_a_rest(void **state)
{
    (void)state;
    struct rc_workers *workers = new_workers(2);
    assert_int_equal(rc_workers_add_spares(workers, 3, NULL), RC_OK);
    _Atomic unsigned done = 0;
    for (uint32_t round = 0; round < 2; round++) {
        rc_clock_sleep_ns(1500000000);
        struct marks marks = {.workers = workers};
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(rc_workers_submit_in(workers, i % 7, count_one, &done), RC_OK);
        rc_workers_run(workers, 2, 1000, mark, &marks);
        for (unsigned i = 0; i < 1000; i++)
            assert_int_equal(marks.counts[i], 1);
    }
    rc_workers_free(workers);
    assert_int_equal(atomic_load(&done), 40);
}

/* Many lanes, many tasks, spare threads: each runs once. */
static void
test_lanes_lose_nothing(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 20; round++) {
        _Atomic unsigned done = 0;
        struct rc_workers *workers = new_workers(1 + round % 3);
        assert_int_equal(rc_workers_add_spares(workers, round % 5, NULL), RC_OK);
        for (unsigned i = 0; i < 2000; i++)
            assert_int_equal(rc_workers_submit_in(workers, i * 7 % 13, count_one, &done), RC_OK);
        rc_workers_free(workers);
        assert_int_equal(atomic_load(&done), 2000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_finishes_the_queue),
        cmocka_unit_test(test_run_covers_every_index_once),
        cmocka_unit_test(test_run_alone_is_in_order),
        cmocka_unit_test(test_nested_runs),
        cmocka_unit_test(test_lanes_take_turns),
        cmocka_unit_test(test_spares_serve_other_lanes),
        cmocka_unit_test(test_call_waits),
        cmocka_unit_test(test_work_after_a_rest),
        cmocka_unit_test(test_lanes_lose_nothing),
        cmocka_unit_test(test_stop_refuses),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
