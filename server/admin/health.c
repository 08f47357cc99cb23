/*
 * Health: two facts, and a list of those who watch with what each was told last. A change goes
 * through the whole list under the lock, so that nobody hears two changes in the wrong order.
 */
#include "server/admin/health.h"

#include <pthread.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

struct service {
    const char *name;
    bool needs_log; /* Without it nothing is left of what it is for. */
};

/* Calls that change definitions, segments or projects need the log too and fail without it; their
 * services go on to be read. */
static const struct service services[] = {
    {"", false},
    {"recount.v1.ProjectService", false},
    {"recount.v1.IngestService", true},
    {"recount.v1.DefinitionService", false},
    {"recount.v1.PropertyService", false},
    {"recount.v1.SegmentService", false},
    {"recount.v1.QueryService", false},
    {"recount.v1.AdminService", false},
    {"grpc.health.v1.Health", false},
    {"grpc.reflection.v1.ServerReflection", false},
    {"grpc.reflection.v1alpha.ServerReflection", false},
};

struct rc_health_watch {
    struct rc_health *health;
    const struct service *service; /* NULL: there is none of the name. */
    rc_health_tell *tell;
    void *watcher;
    enum rc_health_state told;
    struct rc_health_watch *previous;
    struct rc_health_watch *next;
};

struct rc_health {
    pthread_mutex_t lock; /* Guards what follows. */
    struct rc_health_watch *watches;
    bool log_broken;
    bool stopping;
};

static const struct service *
find(const char *name)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    return NULL;
}

/* Under the lock, as what follows. */
static enum rc_health_state
state_of(const struct rc_health *health, const struct service *service)
{
    if (service == NULL)
        return RC_HEALTH_UNKNOWN;
    return health->stopping || (health->log_broken && service->needs_log) ? RC_HEALTH_NOT_SERVING
                                                                          : RC_HEALTH_SERVING;
}

static void
tell(struct rc_health_watch *watch)
{
    watch->told = state_of(watch->health, watch->service);
    watch->tell(watch->watcher, watch->told);
}

static void
tell_changes(struct rc_health *health)
{
    for (struct rc_health_watch *watch = health->watches; watch != NULL; watch = watch->next)
        if (watch->told != state_of(health, watch->service))
            tell(watch);
}

struct rc_health *
rc_health_new(void)
{
    struct rc_health *health = rc_alloc_zero(sizeof(*health));
    if (health != NULL)
        pthread_mutex_init(&health->lock, NULL);
    return health;
}

struct rc_health *
rc_health_free(struct rc_health *health)
{
    if (health == NULL)
        return NULL;
    RC_ASSERT(health->watches == NULL);
    pthread_mutex_destroy(&health->lock);
    return rc_alloc_free(health);
}

enum rc_health_state
rc_health_state(struct rc_health *health, const char *service)
{
    pthread_mutex_lock(&health->lock);
    const enum rc_health_state state = state_of(health, find(service));
    pthread_mutex_unlock(&health->lock);
    return state;
}

enum rc_status
rc_health_watch(struct rc_health *health,
                const char *service,
                rc_health_tell *tell_watcher,
                void *watcher,
                struct rc_health_watch **ret_watch)
{
    struct rc_health_watch *watch = rc_alloc_zero(sizeof(*watch));
    if (watch == NULL)
        return RC_NO_MEMORY;
    watch->health = health;
    watch->service = find(service);
    watch->tell = tell_watcher;
    watch->watcher = watcher;
    pthread_mutex_lock(&health->lock);
    watch->next = health->watches;
    if (watch->next != NULL)
        watch->next->previous = watch;
    health->watches = watch;
    tell(watch);
    pthread_mutex_unlock(&health->lock);
    *ret_watch = watch;
    return RC_OK;
}

struct rc_health_watch *
rc_health_unwatch(struct rc_health_watch *watch)
{
    if (watch == NULL)
        return NULL;
    pthread_mutex_lock(&watch->health->lock);
    if (watch->previous != NULL)
        watch->previous->next = watch->next;
    else
        watch->health->watches = watch->next;
    if (watch->next != NULL)
        watch->next->previous = watch->previous;
    pthread_mutex_unlock(&watch->health->lock);
    return rc_alloc_free(watch);
}

void
rc_health_log_broke(struct rc_health *health)
{
    pthread_mutex_lock(&health->lock);
    health->log_broken = true;
    tell_changes(health);
    pthread_mutex_unlock(&health->lock);
}

void
rc_health_stop(struct rc_health *health)
{
    pthread_mutex_lock(&health->lock);
    health->stopping = true;
    tell_changes(health);
    pthread_mutex_unlock(&health->lock);
}
