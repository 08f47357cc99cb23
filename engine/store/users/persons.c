/*
 * Persons: union-find over the ordinals, flattened once it is built.
 *
 * of[] gives the person of each ordinal. Members of joined persons lie in one array, person by
 * person; a person of one member has no entry, so that a project with few joins has a short list.
 *
 * Invariant: of[u] <= u, of[of[u]] == of[u]; members of a person ascend and begin with it.
 */
#include "engine/store/users/persons.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "engine/base/assert.h"

struct rc_persons {
    _Atomic(uint32_t) references;
    uint32_t user_count;
    uint32_t joined_count;
    uint32_t *of;     /* user_count. */
    uint32_t *starts; /* joined_count + 1 places in members. */
    uint32_t *members;
};

static uint32_t
find_root(uint32_t *of, uint32_t user)
{
    while (of[user] != user) {
        of[user] = of[of[user]]; /* Halve the path: amortised almost constant. */
        user = of[user];
    }
    return user;
}

/* Fills starts and members from the flattened of[]. sizes holds the members of each person. */
static enum rc_status
collect_members(struct rc_persons *persons, uint32_t *sizes, struct rc_account *account)
{
    uint32_t joined = 0;
    uint32_t member_count = 0;
    for (uint32_t user = 0; user < persons->user_count; user++)
        sizes[persons->of[user]]++;
    for (uint32_t user = 0; user < persons->user_count; user++) {
        if (sizes[user] < 2)
            continue;
        joined++;
        member_count += sizes[user];
    }
    persons->starts = rc_alloc_in(account, ((size_t)joined + 1) * sizeof(uint32_t));
    persons->members = rc_alloc_in(account, (size_t)member_count * sizeof(uint32_t));
    if (persons->starts == NULL || persons->members == NULL)
        return RC_NO_MEMORY;
    /* sizes becomes each joined person's next free place in members. */
    uint32_t place = 0;
    uint32_t index = 0;
    for (uint32_t user = 0; user < persons->user_count; user++) {
        const uint32_t size = sizes[user];
        sizes[user] = UINT32_MAX;
        if (size < 2)
            continue;
        persons->starts[index++] = place;
        sizes[user] = place;
        place += size;
    }
    persons->starts[joined] = place;
    persons->joined_count = joined;
    for (uint32_t user = 0; user < persons->user_count; user++) {
        const uint32_t person = persons->of[user];
        if (sizes[person] != UINT32_MAX)
            persons->members[sizes[person]++] = user;
    }
    return RC_OK;
}

enum rc_status
rc_persons_build(const struct rc_alias *aliases,
                 uint32_t alias_count,
                 uint32_t user_count,
                 struct rc_account *account,
                 struct rc_persons **ret_persons)
{
    RC_CLEANUP(rc_persons_unrefp)
    struct rc_persons *persons = rc_alloc_in(account, sizeof(*persons));
    if (persons == NULL)
        return RC_NO_MEMORY;
    *persons = (struct rc_persons){.user_count = user_count};
    atomic_init(&persons->references, 1);
    const size_t bytes = (size_t)user_count * sizeof(uint32_t);
    persons->of = rc_alloc_in(account, bytes);
    RC_CLEANUP(rc_alloc_freep) uint32_t *sizes = rc_alloc_in(account, bytes);
    if (persons->of == NULL || sizes == NULL)
        return RC_NO_MEMORY;
    memset(sizes, 0, bytes);
    for (uint32_t user = 0; user < user_count; user++)
        persons->of[user] = user;
    for (uint32_t i = 0; i < alias_count; i++) {
        RC_ASSERT(aliases[i].a < user_count && aliases[i].b < user_count);
        const uint32_t a = find_root(persons->of, aliases[i].a);
        const uint32_t b = find_root(persons->of, aliases[i].b);
        persons->of[a > b ? a : b] = a > b ? b : a; /* The least ordinal is the root. */
    }
    for (uint32_t user = 0; user < user_count; user++)
        persons->of[user] =
            persons->of[persons->of[user]]; /* Roots are below: one step is enough. */
    RC_TRY(collect_members(persons, sizes, account));
    *ret_persons = RC_TAKE(persons);
    return RC_OK;
}

struct rc_persons *
rc_persons_ref(struct rc_persons *persons)
{
    if (persons != NULL)
        atomic_fetch_add_explicit(&persons->references, 1, memory_order_relaxed);
    return persons;
}

struct rc_persons *
rc_persons_unref(struct rc_persons *persons)
{
    if (persons == NULL ||
        atomic_fetch_sub_explicit(&persons->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    rc_alloc_free(persons->of);
    rc_alloc_free(persons->starts);
    rc_alloc_free(persons->members);
    return rc_alloc_free(persons);
}

uint32_t
rc_persons_of(const struct rc_persons *persons, uint32_t user)
{
    return user < persons->user_count ? persons->of[user] : user;
}

uint32_t
rc_persons_joined_count(const struct rc_persons *persons)
{
    return persons->joined_count;
}

const uint32_t *
rc_persons_joined(const struct rc_persons *persons, uint32_t index, uint32_t *ret_count)
{
    RC_ASSERT(index < persons->joined_count);
    *ret_count = persons->starts[index + 1] - persons->starts[index];
    return persons->members + persons->starts[index];
}

uint32_t
rc_persons_joined_index(const struct rc_persons *persons, uint32_t person)
{
    uint32_t low = 0;
    uint32_t high = persons->joined_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (persons->members[persons->starts[middle]] < person)
            low = middle + 1;
        else
            high = middle;
    }
    const bool found =
        low < persons->joined_count && persons->members[persons->starts[low]] == person;
    return found ? low : UINT32_MAX;
}
