/*
 * View uses. A count for each slab of the view; the slab itself counts once for all of them. What a
 * slab had failed to read before its first use is remembered, so that failures of others before are
 * not this view's, and those meanwhile are.
 */
#include "engine/store/project/view_uses.h"

#include <pthread.h>
#include <string.h>

#include "engine/base/assert.h"

struct use {
    uint32_t count;
    uint32_t failures_before;
};

struct rc_view_uses {
    const struct rc_view_slab *slabs;
    struct rc_account *account;
    pthread_mutex_t lock;  /* Guards what follows. */
    struct rc_error error; /* The first failure; RC_OK: none. */
    uint32_t slab_count;
    struct use uses[];
};

enum rc_status
rc_view_uses_new(const struct rc_view_slab *slabs,
                 uint32_t slab_count,
                 struct rc_account *account,
                 struct rc_view_uses **ret_uses)
{
    bool cold = false;
    for (uint32_t i = 0; i < slab_count && !cold; i++)
        cold = rc_slab_is_cold(slabs[i].slab);
    if (!cold) {
        *ret_uses = NULL;
        return RC_OK;
    }
    const size_t bytes = sizeof(struct rc_view_uses) + slab_count * sizeof(struct use);
    struct rc_view_uses *uses = rc_alloc_in(account, bytes);
    if (uses == NULL)
        return RC_NO_MEMORY;
    memset(uses, 0, bytes);
    uses->slabs = slabs;
    uses->account = account;
    uses->slab_count = slab_count;
    pthread_mutex_init(&uses->lock, NULL);
    *ret_uses = uses;
    return RC_OK;
}

struct rc_view_uses *
rc_view_uses_free(struct rc_view_uses *uses)
{
    if (uses == NULL)
        return NULL;
    for (uint32_t i = 0; i < uses->slab_count; i++)
        if (uses->uses[i].count > 0)
            rc_slab_unuse(uses->slabs[i].slab);
    pthread_mutex_destroy(&uses->lock);
    return rc_alloc_free(uses);
}

/* With the lock held. */
static void
look_for_failures(struct rc_view_uses *uses, uint32_t slab)
{
    const struct rc_slab *at = uses->slabs[slab].slab;
    const struct use *use = &uses->uses[slab];
    if (uses->error.status != RC_OK || use->count == 0 ||
        rc_slab_read_failures(at) == use->failures_before)
        return;
    const enum rc_status status = rc_slab_read_error(at, &uses->error);
    RC_ASSERT(status != RC_OK);
}

/* What all slabs in use hold in memory, with the lock held. */
static uint64_t
bytes_in_use(const struct rc_view_uses *uses)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < uses->slab_count; i++)
        if (uses->uses[i].count > 0)
            bytes += rc_slab_memory_bytes(uses->slabs[i].slab);
    return bytes;
}

static enum rc_status
enter(struct rc_view_uses *uses, uint32_t slab, uint32_t failures, struct rc_error *reterr_error)
{
    const uint64_t limit = uses->account->limit_bytes;
    enum rc_status status = RC_OK;
    pthread_mutex_lock(&uses->lock);
    struct use *use = &uses->uses[slab];
    const bool more = use->count > 0;
    if (!more)
        use->failures_before = failures;
    use->count++;
    if (limit != 0 && rc_account_used(uses->account) + bytes_in_use(uses) > limit)
        status =
            rc_error_set(&uses->error, RC_LIMIT_EXCEEDED,
                         "the query needs more than its %llu bytes of memory for what it reads "
                         "from disk",
                         (unsigned long long)limit);
    if (status != RC_OK && reterr_error != NULL)
        *reterr_error = uses->error;
    pthread_mutex_unlock(&uses->lock);
    if (more)
        rc_slab_unuse(uses->slabs[slab].slab); /* The slab counts the view once. */
    return status;
}

enum rc_status
rc_view_uses_begin(struct rc_view_uses *uses,
                   uint32_t slab,
                   uint32_t parts,
                   struct rc_error *reterr_error)
{
    struct rc_slab *at = uses->slabs[slab].slab;
    if (!rc_slab_is_cold(at))
        return RC_OK;
    struct rc_error error;
    const uint32_t failures = rc_slab_read_failures(at);
    const enum rc_status status = rc_slab_use(at, parts, &error);
    if (status == RC_OK)
        return enter(uses, slab, failures, reterr_error);
    pthread_mutex_lock(&uses->lock);
    if (uses->error.status == RC_OK)
        uses->error = error;
    if (reterr_error != NULL)
        *reterr_error = error;
    pthread_mutex_unlock(&uses->lock);
    return status;
}

void
rc_view_uses_end(struct rc_view_uses *uses, uint32_t slab)
{
    if (!rc_slab_is_cold(uses->slabs[slab].slab))
        return;
    pthread_mutex_lock(&uses->lock);
    look_for_failures(uses, slab);
    RC_ASSERT(uses->uses[slab].count > 0);
    const bool last = --uses->uses[slab].count == 0;
    pthread_mutex_unlock(&uses->lock);
    if (last)
        rc_slab_unuse(uses->slabs[slab].slab);
}

enum rc_status
rc_view_uses_check(struct rc_view_uses *uses, struct rc_error *reterr_error)
{
    pthread_mutex_lock(&uses->lock);
    for (uint32_t i = 0; i < uses->slab_count; i++)
        look_for_failures(uses, i);
    const enum rc_status status = uses->error.status;
    if (status != RC_OK && reterr_error != NULL)
        *reterr_error = uses->error;
    pthread_mutex_unlock(&uses->lock);
    return status;
}
