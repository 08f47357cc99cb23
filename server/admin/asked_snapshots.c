/* Asked snapshots: a ring of ids and results. The lock is held while a snapshot is made, so that a
 * retry that comes meanwhile waits for it. */
#include "server/admin/asked_snapshots.h"

#include <pthread.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/limits.h"

#define REMEMBERED 64u

struct one {
    size_t size; /* 0: none. */
    char request_id[RC_REQUEST_ID_BYTES_MAX];
    struct rc_snapshot_result result;
};

struct rc_asked_snapshots {
    pthread_mutex_t lock;
    uint64_t count; /* Ever remembered. */
    struct one ring[REMEMBERED];
};

enum rc_status
rc_asked_snapshots_new(struct rc_asked_snapshots **ret_asked)
{
    struct rc_asked_snapshots *asked = rc_alloc_zero(sizeof(*asked));
    if (asked == NULL)
        return RC_NO_MEMORY;
    pthread_mutex_init(&asked->lock, NULL);
    *ret_asked = asked;
    return RC_OK;
}

struct rc_asked_snapshots *
rc_asked_snapshots_free(struct rc_asked_snapshots *asked)
{
    if (asked != NULL)
        pthread_mutex_destroy(&asked->lock);
    return rc_alloc_free(asked);
}

static const struct one *
find(const struct rc_asked_snapshots *asked, struct rc_bytes request_id)
{
    for (size_t i = 0; i < REMEMBERED; i++) {
        const struct one *one = &asked->ring[i];
        if (rc_bytes_equal((struct rc_bytes){one->request_id, one->size}, request_id))
            return one;
    }
    return NULL;
}

static void
remember(struct rc_asked_snapshots *asked,
         struct rc_bytes request_id,
         const struct rc_snapshot_result *result)
{
    struct one *one = &asked->ring[asked->count++ % REMEMBERED];
    memcpy(one->request_id, request_id.data, request_id.size);
    one->size = request_id.size;
    one->result = *result;
}

static enum rc_status
make_locked(struct rc_asked_snapshots *asked,
            struct rc_engine *engine,
            struct rc_bytes request_id,
            struct rc_snapshot_result *ret_result,
            struct rc_error *reterr_error)
{
    const struct one *known = find(asked, request_id);
    if (known != NULL) {
        *ret_result = known->result;
        return RC_OK;
    }
    RC_TRY(rc_engine_snapshot(engine, ret_result, reterr_error));
    remember(asked, request_id, ret_result);
    return RC_OK;
}

enum rc_status
rc_asked_snapshots_make(struct rc_asked_snapshots *asked,
                        struct rc_engine *engine,
                        struct rc_bytes request_id,
                        struct rc_snapshot_result *ret_result,
                        struct rc_error *reterr_error)
{
    if (request_id.size == 0)
        return rc_engine_snapshot(engine, ret_result, reterr_error);
    if (request_id.size > RC_REQUEST_ID_BYTES_MAX || !rc_bytes_is_text(request_id))
        return rc_error_field(reterr_error, RC_INVALID, "request_id",
                              "a request id is UTF-8 of at most %u bytes", RC_REQUEST_ID_BYTES_MAX);
    pthread_mutex_lock(&asked->lock);
    const enum rc_status status = make_locked(asked, engine, request_id, ret_result, reterr_error);
    pthread_mutex_unlock(&asked->lock);
    return status;
}
