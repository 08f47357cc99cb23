/*
 * Gone: a sorted array. Deletions are rare, and a purge follows within a day: copying the array for
 * each costs less than a bit for each user would.
 */
#include "engine/store/users/gone.h"

#include <stdatomic.h>
#include <stddef.h>

#include "engine/base/assert.h"
#include "engine/base/search.h"

struct rc_gone {
    _Atomic(uint32_t) references;
    uint32_t count;
    uint32_t users[]; /* Ascending. */
};

enum rc_status
rc_gone_with(const struct rc_gone *gone,
             const uint32_t *users,
             uint32_t user_count,
             struct rc_account *account,
             struct rc_gone **ret_gone)
{
    const uint32_t before = gone == NULL ? 0 : gone->count;
    struct rc_gone *next =
        rc_alloc_in(account, sizeof(*next) + ((size_t)before + user_count) * sizeof(users[0]));
    if (next == NULL)
        return RC_NO_MEMORY;
    atomic_init(&next->references, 1);
    next->count = before + user_count;
    for (uint32_t i = 0, from_gone = 0, from_users = 0; i < next->count; i++) {
        const bool old = from_users == user_count ||
                         (from_gone < before && gone->users[from_gone] < users[from_users]);
        next->users[i] = old ? gone->users[from_gone++] : users[from_users++];
        RC_ASSERT(i == 0 || next->users[i - 1] < next->users[i]);
    }
    *ret_gone = next;
    return RC_OK;
}

enum rc_status
rc_gone_without(const struct rc_gone *gone,
                const struct rc_gone *others,
                struct rc_account *account,
                struct rc_gone **ret_gone)
{
    const uint32_t before = gone == NULL ? 0 : gone->count;
    const uint32_t less = others == NULL ? 0 : others->count;
    RC_ASSERT(less <= before);
    struct rc_gone *next = NULL;
    if (less < before) {
        next = rc_alloc_in(account, sizeof(*next) + ((size_t)before - less) * sizeof(uint32_t));
        if (next == NULL)
            return RC_NO_MEMORY;
        atomic_init(&next->references, 1);
        next->count = 0;
        for (uint32_t i = 0; i < before; i++)
            if (!rc_gone_has(others, gone->users[i]))
                next->users[next->count++] = gone->users[i];
        RC_ASSERT(next->count == before - less);
    }
    *ret_gone = next;
    return RC_OK;
}

struct rc_gone *
rc_gone_ref(struct rc_gone *gone)
{
    if (gone != NULL)
        atomic_fetch_add_explicit(&gone->references, 1, memory_order_relaxed);
    return gone;
}

struct rc_gone *
rc_gone_unref(struct rc_gone *gone)
{
    if (gone != NULL && atomic_fetch_sub_explicit(&gone->references, 1, memory_order_acq_rel) == 1)
        rc_alloc_free(gone);
    return NULL;
}

bool
rc_gone_has(const struct rc_gone *gone, uint32_t user)
{
    if (gone == NULL)
        return false;
    const uint32_t at = rc_lower_bound(gone->users, gone->count, user);
    return at < gone->count && gone->users[at] == user;
}

const uint32_t *
rc_gone_users(const struct rc_gone *gone, uint32_t *ret_count)
{
    *ret_count = gone == NULL ? 0 : gone->count;
    return gone == NULL ? NULL : gone->users;
}
