/*
 * Workers: one mutex, one condition, a queue of tasks and a list of runs.
 *
 * A run (rc_workers_run) lives on its caller's stack and is linked into the pool while it wants
 * helpers. Nothing is allocated for it and it waits in no queue: a free worker that sees it joins
 * and takes indexes from an atomic counter. When the caller finds no index left it unlinks the run,
 * so that nobody can join any more, and waits for those who did. A caller that is itself a worker
 * only ever waits for helpers that are already running, hence nesting cannot deadlock.
 *
 * A free worker takes runs before tasks: what has begun is finished first.
 *
 * Niceness is a thread's own on Linux. It can only be raised without privileges, so a thread keeps
 * the one that it begins with: that is why there are pools, and not priorities within one.
 *
 * Invariant: run->joined counts the helpers inside it; it changes under the mutex only.
 */
#include "engine/base/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

struct task {
    struct task *next;
    void (*call)(void *argument);
    void *argument;
};

struct queue {
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
    struct queue queue;
    struct run *runs;
    int niceness;
    uint32_t thread_count;
    bool stopping;
    pthread_t threads[];
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

/* Helps a run, or does a task. Called and left with the mutex held. false: there is neither. */
static bool
work_once(struct rc_workers *workers)
{
    struct run *run = run_wanting(workers->runs);
    struct task *task = workers->queue.first;
    if (run != NULL) {
        run->wanted--;
        run->joined++;
        pthread_mutex_unlock(&workers->mutex);
        run_work(run);
        pthread_mutex_lock(&workers->mutex);
        if (--run->joined == 0)
            pthread_cond_signal(&run->left);
    } else if (task != NULL) {
        workers->queue.first = task->next;
        if (task->next == NULL)
            workers->queue.last = NULL;
        pthread_mutex_unlock(&workers->mutex);
        task->call(task->argument);
        rc_alloc_free(task);
        pthread_mutex_lock(&workers->mutex);
    }
    return run != NULL || task != NULL;
}

static void *
worker_main(void *argument)
{
    struct rc_workers *workers = argument;
    if (workers->niceness != 0) /* 0: the calling thread, which begins with its process's. */
        (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + workers->niceness);
    pthread_mutex_lock(&workers->mutex);
    while (work_once(workers) || !workers->stopping)
        if (workers->queue.first == NULL && run_wanting(workers->runs) == NULL &&
            !workers->stopping)
            pthread_cond_wait(&workers->work, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

enum rc_status
rc_workers_new(uint32_t thread_count,
               int niceness,
               struct rc_workers **ret_workers,
               struct rc_error *reterr_error)
{
    RC_ASSERT(thread_count > 0);
    struct rc_workers *workers =
        rc_alloc_zero(sizeof(*workers) + thread_count * sizeof(workers->threads[0]));
    if (workers == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u workers", thread_count);
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->work, NULL);
    workers->niceness = niceness;
    for (uint32_t i = 0; i < thread_count; i++) {
        if (pthread_create(&workers->threads[i], NULL, worker_main, workers) != 0) {
            rc_workers_free(workers);
            return rc_error_set(reterr_error, RC_NO_MEMORY, "cannot start worker thread %u", i);
        }
        workers->thread_count = i + 1;
    }
    *ret_workers = workers;
    return RC_OK;
}

struct rc_workers *
rc_workers_free(struct rc_workers *workers)
{
    if (workers == NULL)
        return NULL;
    pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->mutex);
    for (uint32_t i = 0; i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);
    RC_ASSERT(workers->queue.first == NULL && workers->runs == NULL);
    pthread_cond_destroy(&workers->work);
    pthread_mutex_destroy(&workers->mutex);
    return rc_alloc_free(workers);
}

uint32_t
rc_workers_count(const struct rc_workers *workers)
{
    return workers->thread_count;
}

enum rc_status
rc_workers_submit(struct rc_workers *workers, void (*call)(void *argument), void *argument)
{
    struct task *task = rc_alloc(sizeof(*task));
    if (task == NULL)
        return RC_NO_MEMORY;
    *task = (struct task){.call = call, .argument = argument};
    pthread_mutex_lock(&workers->mutex);
    const bool refused = workers->stopping;
    if (!refused) {
        struct queue *queue = &workers->queue;
        if (queue->last == NULL)
            queue->first = task;
        else
            queue->last->next = task;
        queue->last = task;
        pthread_cond_signal(&workers->work);
    }
    pthread_mutex_unlock(&workers->mutex);
    if (!refused)
        return RC_OK;
    rc_alloc_free(task);
    return RC_UNAVAILABLE;
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
