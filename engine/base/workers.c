/*
 * Workers: one mutex, one condition, lanes of tasks and a list of runs.
 *
 * A lane exists while it has a task that waits or runs. The list of lanes is in order of turns: one
 * whose task is taken goes to its end. It is searched from the front, which is short: a lane has at
 * least one task, and those who submit bound how many there are.
 *
 * A run (rc_workers_run) lives on its caller's stack and is linked into the pool while it wants
 * helpers. Nothing is allocated for it and it waits in no queue: a free worker that sees it joins
 * and takes indexes from an atomic counter. When the caller finds no index left it unlinks the run,
 * so that nobody can join any more, and waits for those who did. A caller that is itself a worker
 * only ever waits for helpers that are already running, hence nesting cannot deadlock.
 *
 * A free worker takes runs before tasks: what has begun is finished first; but before both a task
 * of a lane of which nothing runs. A spare one takes tasks alone, and helpers join a run only while
 * fewer threads are busy than the pool has of its own: with spare threads many tasks may run, each
 * then by itself. Spare threads wait at a condition of their own, so that a run does not wake them:
 * they are woken when no other waits, or by one that takes a task and sees another.
 *
 * Invariants: run->joined counts the helpers inside it, busy the threads that work on anything,
 * lane->running the tasks of a lane that were taken; all change under the mutex only.
 */
#include "engine/base/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

/* A thread without work for so long rests: a load or a query may have been its last for hours. */
#define IDLE_S 1

struct task {
    struct task *next;
    void (*call)(void *argument);
    void *argument;
};

struct lane {
    struct lane *next;
    uint64_t key;
    uint32_t running;
    struct task *first;
    struct task *last;
};

struct run {
    struct run *next;
    void (*call)(void *argument, uint32_t index);
    void *argument;
    uint32_t count;
    uint32_t wanted; /* Helpers that may still join. */
    uint32_t joined;
    _Atomic uint64_t index_next; /* Wider than count: each thread overshoots it by one. */
    pthread_cond_t left;         /* joined fell to zero. */
};

struct rc_workers {
    pthread_mutex_t mutex;
    pthread_cond_t work;
    pthread_cond_t spare_work;
    uint32_t waiting;   /* At work. */
    struct lane *lanes; /* In order of turns. */
    struct run *runs;
    enum rc_urgency urgency;
    uint32_t lane_max; /* Threads of its own: tasks of a lane that may run. */
    uint32_t busy;
    bool stopping;
    uint32_t thread_count; /* Spare ones too. */
    size_t thread_capacity;
    pthread_t *threads;
};

static void
run_work(struct run *run)
{
    for (;;) {
        const uint64_t index = atomic_fetch_add_explicit(&run->index_next, 1, memory_order_relaxed);
        if (index >= run->count)
            return;
        run->call(run->argument, (uint32_t)index);
    }
}

static struct run *
run_wanting(struct run *run)
{
    while (run != NULL && run->wanted == 0)
        run = run->next;
    return run;
}

/* The place in the list that links the lane whose turn it is; it links NULL: none has a task that
 * may begin. */
static struct lane **
lane_in_turn(struct rc_workers *workers)
{
    struct lane **at = &workers->lanes;
    while (*at != NULL && ((*at)->first == NULL || (*at)->running >= workers->lane_max))
        at = &(*at)->next;
    return at;
}

static void
link_last(struct rc_workers *workers, struct lane *lane)
{
    struct lane **at = &workers->lanes;
    while (*at != NULL)
        at = &(*at)->next;
    lane->next = NULL;
    *at = lane;
}

static void
drop_if_empty(struct rc_workers *workers, struct lane *lane)
{
    struct lane **at = &workers->lanes;
    if (lane->running > 0 || lane->first != NULL)
        return;
    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    rc_alloc_free(lane);
}

static void
help(struct rc_workers *workers, struct run *run)
{
    run->wanted--;
    run->joined++;
    workers->busy++;
    pthread_mutex_unlock(&workers->mutex);
    run_work(run);
    pthread_mutex_lock(&workers->mutex);
    workers->busy--;
    if (--run->joined == 0)
        pthread_cond_signal(&run->left);
}

static void
take_turn(struct rc_workers *workers, struct lane **at)
{
    struct lane *lane = *at;
    struct task *task = lane->first;
    *at = lane->next;
    link_last(workers, lane);
    lane->first = task->next;
    if (lane->first == NULL)
        lane->last = NULL;
    lane->running++;
    workers->busy++;
    if (*lane_in_turn(workers) != NULL)
        pthread_cond_signal(&workers->spare_work);
    pthread_mutex_unlock(&workers->mutex);
    task->call(task->argument);
    rc_alloc_free(task);
    pthread_mutex_lock(&workers->mutex);
    workers->busy--;
    lane->running--;
    drop_if_empty(workers, lane);
}

static struct run *
run_to_help(struct rc_workers *workers)
{
    return workers->busy < workers->lane_max ? run_wanting(workers->runs) : NULL;
}

/* Helps a run, or does a task. Called and left with the mutex held. false: there is neither. */
static bool
work_once(struct rc_workers *workers, bool spare)
{
    struct run *run = spare ? NULL : run_to_help(workers);
    struct lane **at = lane_in_turn(workers);
    if (run != NULL && (*at == NULL || (*at)->running > 0))
        help(workers, run);
    else if (*at != NULL)
        take_turn(workers, at);
    else
        return false;
    return true;
}

/* Waits until there is something to do, or the thread rests: without work for so long it gives back
 * what the allocator keeps for it, once. Called and left with the mutex held. */
static void
wait_for_work(struct rc_workers *workers, bool spare, bool *rests)
{
    pthread_cond_t *work = spare ? &workers->spare_work : &workers->work;
    struct timespec until;
    int outcome = 0;
    workers->waiting += !spare;
    if (*rests) {
        pthread_cond_wait(work, &workers->mutex);
    } else {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += IDLE_S;
        outcome = pthread_cond_timedwait(work, &workers->mutex, &until);
    }
    workers->waiting -= !spare;
    if (outcome != ETIMEDOUT)
        return;
    *rests = true;
    pthread_mutex_unlock(&workers->mutex);
    rc_alloc_rest();
    pthread_mutex_lock(&workers->mutex);
}

static void
work_on(struct rc_workers *workers, bool spare)
{
    bool rests = true; /* Nothing was done yet: the allocator keeps nothing. */
    rc_thread_set_urgency(workers->urgency);
    pthread_mutex_lock(&workers->mutex);
    for (;;) {
        if (work_once(workers, spare))
            rests = false;
        else if (workers->stopping)
            break;
        else
            wait_for_work(workers, spare, &rests);
    }
    pthread_mutex_unlock(&workers->mutex);
}

static void *
worker_main(void *argument)
{
    work_on(argument, false);
    return NULL;
}

static void *
spare_main(void *argument)
{
    work_on(argument, true);
    return NULL;
}

static enum rc_status
add_threads(struct rc_workers *workers,
            uint32_t count,
            void *(*thread_main)(void *),
            struct rc_error *reterr_error)
{
    RC_TRY_OR(reterr_error,
              RC_GROW(workers->threads, workers->thread_capacity, workers->thread_count + count));
    for (uint32_t i = 0; i < count; i++) {
        if (pthread_create(&workers->threads[workers->thread_count], NULL, thread_main, workers) !=
            0)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "cannot start worker thread %u",
                                workers->thread_count);
        workers->thread_count++;
    }
    return RC_OK;
}

enum rc_status
rc_workers_new(uint32_t thread_count,
               enum rc_urgency urgency,
               struct rc_workers **ret_workers,
               struct rc_error *reterr_error)
{
    RC_ASSERT(thread_count > 0);
    struct rc_workers *workers = rc_alloc_zero(sizeof(*workers));
    if (workers == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u workers", thread_count);
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->work, NULL);
    pthread_cond_init(&workers->spare_work, NULL);
    workers->urgency = urgency;
    workers->lane_max = thread_count;
    const enum rc_status status = add_threads(workers, thread_count, worker_main, reterr_error);
    if (status != RC_OK) {
        rc_workers_free(workers);
        return status;
    }
    *ret_workers = workers;
    return RC_OK;
}

enum rc_status
rc_workers_add_spares(struct rc_workers *workers, uint32_t count, struct rc_error *reterr_error)
{
    return add_threads(workers, count, spare_main, reterr_error);
}

struct rc_workers *
rc_workers_free(struct rc_workers *workers)
{
    if (workers == NULL)
        return NULL;
    pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->work);
    pthread_cond_broadcast(&workers->spare_work);
    pthread_mutex_unlock(&workers->mutex);
    for (uint32_t i = 0; i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);
    RC_ASSERT(workers->lanes == NULL && workers->runs == NULL);
    pthread_cond_destroy(&workers->work);
    pthread_cond_destroy(&workers->spare_work);
    pthread_mutex_destroy(&workers->mutex);
    rc_alloc_free(workers->threads);
    return rc_alloc_free(workers);
}

uint32_t
rc_workers_count(const struct rc_workers *workers)
{
    return workers->lane_max;
}

/* The lane of a key, made if need be. NULL: no memory. */
static struct lane *
lane_of(struct rc_workers *workers, uint64_t key)
{
    struct lane *lane = workers->lanes;
    while (lane != NULL && lane->key != key)
        lane = lane->next;
    if (lane != NULL)
        return lane;
    lane = rc_alloc_zero(sizeof(*lane));
    if (lane == NULL)
        return NULL;
    lane->key = key;
    link_last(workers, lane);
    return lane;
}

static enum rc_status
submit_locked(struct rc_workers *workers, uint64_t key, struct task *task)
{
    if (workers->stopping)
        return RC_UNAVAILABLE;
    struct lane *lane = lane_of(workers, key);
    if (lane == NULL)
        return RC_NO_MEMORY;
    if (lane->last == NULL)
        lane->first = task;
    else
        lane->last->next = task;
    lane->last = task;
    pthread_cond_signal(workers->waiting > 0 ? &workers->work : &workers->spare_work);
    return RC_OK;
}

enum rc_status
rc_workers_submit_in(struct rc_workers *workers,
                     uint64_t key,
                     void (*call)(void *argument),
                     void *argument)
{
    struct task *task = rc_alloc(sizeof(*task));
    if (task == NULL)
        return RC_NO_MEMORY;
    *task = (struct task){.call = call, .argument = argument};
    pthread_mutex_lock(&workers->mutex);
    const enum rc_status status = submit_locked(workers, key, task);
    pthread_mutex_unlock(&workers->mutex);
    if (status != RC_OK)
        rc_alloc_free(task);
    return status;
}

enum rc_status
rc_workers_submit(struct rc_workers *workers, void (*call)(void *argument), void *argument)
{
    return rc_workers_submit_in(workers, 0, call, argument);
}

/* A task that somebody waits for. */
struct awaited {
    void (*call)(void *argument);
    void *argument;
    pthread_mutex_t lock; /* Guards what follows. */
    pthread_cond_t ended;
    bool has_ended;
};

static void
call_awaited(void *argument)
{
    struct awaited *awaited = argument;
    awaited->call(awaited->argument);
    pthread_mutex_lock(&awaited->lock);
    awaited->has_ended = true;
    pthread_cond_signal(&awaited->ended);
    pthread_mutex_unlock(&awaited->lock); /* Then it may be gone. */
}

bool
rc_workers_call(struct rc_workers *workers,
                uint64_t lane,
                void (*call)(void *argument),
                void *argument)
{
    struct awaited awaited = {call, argument, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
                              false};
    if (rc_workers_submit_in(workers, lane, call_awaited, &awaited) != RC_OK)
        return false;
    pthread_mutex_lock(&awaited.lock);
    while (!awaited.has_ended)
        pthread_cond_wait(&awaited.ended, &awaited.lock);
    pthread_mutex_unlock(&awaited.lock);
    pthread_cond_destroy(&awaited.ended);
    pthread_mutex_destroy(&awaited.lock);
    return true;
}

void
rc_workers_run(struct rc_workers *workers,
               uint32_t parallel_max,
               uint32_t count,
               void (*call)(void *argument, uint32_t index),
               void *argument)
{
    if (count == 0)
        return;
    struct run run = {.call = call, .argument = argument, .count = count};
    const uint32_t threads = parallel_max < count ? parallel_max : count;
    run.wanted = threads > 1 ? threads - 1 : 0;
    if (run.wanted == 0) {
        run_work(&run);
        return;
    }
    pthread_cond_init(&run.left, NULL);
    pthread_mutex_lock(&workers->mutex);
    run.next = workers->runs;
    workers->runs = &run;
    if (run.wanted == 1)
        pthread_cond_signal(&workers->work);
    else
        pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->mutex);

    run_work(&run);

    pthread_mutex_lock(&workers->mutex);
    struct run **at = &workers->runs;
    while (*at != &run)
        at = &(*at)->next;
    *at = run.next;
    while (run.joined > 0)
        pthread_cond_wait(&run.left, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
    pthread_cond_destroy(&run.left);
}
