/*
 * Running: a list in order of beginning. It is as long as there are workers and open exports at
 * most, so that looking through it under the lock takes less than a microsecond.
 */
#include "server/call/running.h"

#include "server/transport/transport.h"

void
rc_running_open(struct rc_running_list *list)
{
    *list = (struct rc_running_list){.last_id = 0};
    pthread_mutex_init(&list->lock, NULL);
}

void
rc_running_close(struct rc_running_list *list)
{
    pthread_mutex_destroy(&list->lock);
}

void
rc_running_add(struct rc_running_list *list, struct rc_running *query)
{
    pthread_mutex_lock(&list->lock);
    query->id = ++list->last_id;
    query->next = NULL;
    query->previous = list->last;
    if (list->last == NULL)
        list->first = query;
    else
        list->last->next = query;
    list->last = query;
    pthread_mutex_unlock(&list->lock);
}

void
rc_running_began(struct rc_running_list *list,
                 struct rc_running *query,
                 struct rc_bytes project,
                 const struct rc_account *account)
{
    pthread_mutex_lock(&list->lock);
    query->project = project;
    query->account = account;
    pthread_mutex_unlock(&list->lock);
}

void
rc_running_remove(struct rc_running_list *list, struct rc_running *query)
{
    pthread_mutex_lock(&list->lock);
    if (query->previous == NULL)
        list->first = query->next;
    else
        query->previous->next = query->next;
    if (query->next == NULL)
        list->last = query->previous;
    else
        query->next->previous = query->previous;
    pthread_mutex_unlock(&list->lock);
}

static bool
copy(const struct rc_running *query, struct rc_arena *arena, struct rc_running_view *out)
{
    *out = (struct rc_running_view){
        .id = query->id,
        .call_name = query->call_name,
        .project = query->project,
        .shape = rc_shape_text(&query->shape, arena),
        .fingerprint = query->shape.fingerprint,
        .received_ms = query->received_ms,
        .received_ns = query->received_ns,
        .done = atomic_load_explicit(&query->progress.done, memory_order_relaxed),
        .all = atomic_load_explicit(&query->progress.all, memory_order_relaxed),
        .memory_bytes = query->account == NULL ? 0 : rc_account_used(query->account),
        .cancelled = atomic_load(rc_call_cancelled(query->call)),
    };
    out->project.data = rc_arena_string(arena, out->project.data, out->project.size);
    return out->project.data != NULL;
}

enum rc_status
rc_running_list_all(struct rc_running_list *list,
                    struct rc_bytes project,
                    struct rc_arena *arena,
                    struct rc_running_view **ret_views,
                    uint32_t *ret_count)
{
    struct rc_running_view *views = NULL;
    uint32_t count = 0;
    uint32_t room = 0;
    bool complete = true;
    pthread_mutex_lock(&list->lock);
    for (const struct rc_running *at = list->first; at != NULL; at = at->next)
        room++;
    views = RC_ARENA_ARRAY(arena, struct rc_running_view, room);
    complete = views != NULL;
    for (const struct rc_running *at = list->first; complete && at != NULL; at = at->next)
        if (project.size == 0 || rc_bytes_equal(project, at->project))
            complete = copy(at, arena, &views[count++]);
    pthread_mutex_unlock(&list->lock);
    if (!complete)
        return RC_NO_MEMORY;
    *ret_views = views;
    *ret_count = count;
    return RC_OK;
}

bool
rc_running_cancel(struct rc_running_list *list, uint64_t id)
{
    bool found = false;
    pthread_mutex_lock(&list->lock);
    for (struct rc_running *at = list->first; at != NULL && !found; at = at->next) {
        found = at->id == id;
        if (found)
            rc_call_cancel(at->call);
    }
    pthread_mutex_unlock(&list->lock);
    return found;
}
