/*
 * Workers: one mutex, one condition, and per priority a queue of tasks and a list of runs.
 *
 * A run (rc_workers_run) lives on its caller's stack and is linked into the pool while it wants
 * helpers. Nothing is allocated for it and it waits in no queue: a free worker that sees it joins
 * and takes indexes from an atomic counter. When the caller finds no index left it unlinks the run,
 * so that nobody can join any more, and waits for those who did. A caller that is itself a worker
 * only ever waits for helpers that are already running, hence nesting cannot deadlock.
 *
 * Order of a free worker: foreground runs (a query that has begun is finished first), foreground
 * tasks, then the same for background while the number of workers in the background is under its
 * limit. A run has the priority of the task that started it.
 *
 * Invariants: background_busy <= background_max; run->joined counts the helpers inside it; both
 * change under the mutex only.
 */
#include "engine/base/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

#define PRIORITY_COUNT 2

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
    struct queue queues[PRIORITY_COUNT];
    struct run *runs[PRIORITY_COUNT];
    uint32_t background_busy;
    uint32_t background_max;
    uint32_t thread_count;
    bool stopping;
    pthread_t threads[];
};

/* What the current thread is busy with; a thread that is no worker counts as foreground. */
static _Thread_local enum rc_priority priority_now = RC_FOREGROUND;

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

static bool
has_work(const struct rc_workers *workers, enum rc_priority priority)
{
    if (priority == RC_BACKGROUND && workers->background_busy >= workers->background_max)
        return false;
    return workers->queues[priority].first != NULL || run_wanting(workers->runs[priority]) != NULL;
}

/* Does one piece of work of a priority. Called and left with the mutex held. */
static void
work_once(struct rc_workers *workers, enum rc_priority priority)
{
    const uint32_t background = priority == RC_BACKGROUND ? 1 : 0;
    workers->background_busy += background;
    RC_ASSERT(workers->background_busy <= workers->background_max);
    priority_now = priority;
    struct run *run = run_wanting(workers->runs[priority]);
    if (run != NULL) {
        run->wanted--;
        run->joined++;
        pthread_mutex_unlock(&workers->mutex);
        run_work(run);
        pthread_mutex_lock(&workers->mutex);
        if (--run->joined == 0)
            pthread_cond_signal(&run->left);
    } else {
        struct queue *queue = &workers->queues[priority];
        struct task *task = queue->first;
        queue->first = task->next;
        if (queue->first == NULL)
            queue->last = NULL;
        pthread_mutex_unlock(&workers->mutex);
        task->call(task->argument);
        rc_alloc_free(task);
        pthread_mutex_lock(&workers->mutex);
    }
    priority_now = RC_FOREGROUND;
    workers->background_busy -= background;
    if (background != 0 && has_work(workers, RC_BACKGROUND))
        pthread_cond_signal(&workers->work);
}

static void *
worker_main(void *argument)
{
    struct rc_workers *workers = argument;
    pthread_mutex_lock(&workers->mutex);
    for (;;) {
        if (has_work(workers, RC_FOREGROUND))
            work_once(workers, RC_FOREGROUND);
        else if (has_work(workers, RC_BACKGROUND))
            work_once(workers, RC_BACKGROUND);
        else if (workers->stopping && workers->queues[RC_BACKGROUND].first == NULL)
            break;
        else
            pthread_cond_wait(&workers->work, &workers->mutex);
    }
    /* Others may sleep on the limit of background work that has just run out. */
    pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

enum rc_status
rc_workers_new(uint32_t thread_count,
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
    workers->background_max = thread_count > 1 ? thread_count - 1 : 1;
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
    for (int i = 0; i < PRIORITY_COUNT; i++)
        RC_ASSERT(workers->queues[i].first == NULL && workers->runs[i] == NULL);
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
rc_workers_submit(struct rc_workers *workers,
                  enum rc_priority priority,
                  void (*call)(void *argument),
                  void *argument)
{
    struct task *task = rc_alloc(sizeof(*task));
    if (task == NULL)
        return RC_NO_MEMORY;
    *task = (struct task){.call = call, .argument = argument};
    pthread_mutex_lock(&workers->mutex);
    const bool refused = workers->stopping;
    if (!refused) {
        struct queue *queue = &workers->queues[priority];
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
    struct run **list = &workers->runs[priority_now];
    pthread_mutex_lock(&workers->mutex);
    run.next = *list;
    *list = &run;
    if (run.wanted == 1)
        pthread_cond_signal(&workers->work);
    else
        pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->mutex);

    run_work(&run);

    pthread_mutex_lock(&workers->mutex);
    struct run **at = list;
    while (*at != &run)
        at = &(*at)->next;
    *at = run.next;
    while (run.joined > 0)
        pthread_cond_wait(&run.left, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
    pthread_cond_destroy(&run.left);
}
