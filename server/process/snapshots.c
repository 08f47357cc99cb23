/* Snapshots on a schedule. The interval is between the end of one and the start of the next. */
#include "server/process/snapshots.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "engine/base/alloc.h"
#include "server/process/server.h"

struct rc_snapshots {
    struct rc_server *server;
    uint64_t interval_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
};

static struct timespec
after_ms(uint64_t interval_ms)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += (time_t)(interval_ms / 1000);
    time.tv_nsec += (long)(interval_ms % 1000) * 1000000L;
    if (time.tv_nsec >= 1000000000L) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000L;
    }
    return time;
}

static void *
run(void *argument)
{
    struct rc_snapshots *snapshots = argument;
    pthread_mutex_lock(&snapshots->lock);
    while (!snapshots->stopping) {
        const struct timespec until = after_ms(snapshots->interval_ms);
        int result = 0;
        while (!snapshots->stopping && result != ETIMEDOUT)
            result = pthread_cond_timedwait(&snapshots->changed, &snapshots->lock, &until);
        if (snapshots->stopping)
            break;
        pthread_mutex_unlock(&snapshots->lock);
        rc_server_snapshot(snapshots->server);
        pthread_mutex_lock(&snapshots->lock);
    }
    pthread_mutex_unlock(&snapshots->lock);
    return NULL;
}

enum rc_status
rc_snapshots_start(struct rc_server *server,
                   uint64_t interval_ms,
                   struct rc_snapshots **ret_snapshots,
                   struct rc_error *reterr_error)
{
    *ret_snapshots = NULL;
    if (interval_ms == 0)
        return RC_OK;
    struct rc_snapshots *snapshots = rc_alloc_zero(sizeof(*snapshots));
    if (snapshots == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the schedule");
    snapshots->server = server;
    snapshots->interval_ms = interval_ms;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&snapshots->lock, NULL);
    pthread_cond_init(&snapshots->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&snapshots->thread, NULL, run, snapshots) != 0) {
        pthread_cond_destroy(&snapshots->changed);
        pthread_mutex_destroy(&snapshots->lock);
        rc_alloc_free(snapshots);
        return rc_error_set(reterr_error, RC_NO_MEMORY, "cannot start a thread");
    }
    *ret_snapshots = snapshots;
    return RC_OK;
}

struct rc_snapshots *
rc_snapshots_stop(struct rc_snapshots *snapshots)
{
    if (snapshots == NULL)
        return NULL;
    pthread_mutex_lock(&snapshots->lock);
    snapshots->stopping = true;
    pthread_cond_signal(&snapshots->changed);
    pthread_mutex_unlock(&snapshots->lock);
    pthread_join(snapshots->thread, NULL);
    pthread_cond_destroy(&snapshots->changed);
    pthread_mutex_destroy(&snapshots->lock);
    rc_alloc_free(snapshots);
    return NULL;
}
