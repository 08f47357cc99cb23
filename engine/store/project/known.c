/*
 * Known. A time a user, and for each word of users the least and the greatest of theirs. Users of
 * whom nothing is known have NEVER, which is after every time that is asked about.
 *
 * A slab is told by its id and the number of its dead rows: rows of a slab only ever die.
 */
#include "engine/store/project/known.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/store/project/project.h"

#define NEVER INT64_MAX
#define WORD_USERS 64u

/* Whose first time is asked for so early: each lies on a line of its own. */
#define AHEAD_USERS 32u

struct source {
    uint64_t id;
    uint32_t dead_count;
};

struct times {
    int64_t least_ms;
    int64_t greatest_ms;
};

struct rc_known {
    _Atomic(uint32_t) references;
    uint32_t user_count;
    uint32_t write_count;
    uint32_t slab_count;
    struct source *slabs; /* In the order of the view. */
    int64_t *since_ms;    /* By user, to a whole word of them. */
    struct times *times;  /* By word. */
};

struct rc_known *
rc_known_ref(struct rc_known *known)
{
    if (known != NULL)
        atomic_fetch_add_explicit(&known->references, 1, memory_order_relaxed);
    return known;
}

struct rc_known *
rc_known_unref(struct rc_known *known)
{
    if (known == NULL ||
        atomic_fetch_sub_explicit(&known->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    rc_alloc_free(known->slabs);
    rc_alloc_free(known->since_ms);
    rc_alloc_free(known->times);
    return rc_alloc_free(known);
}

bool
rc_known_has_slab(const struct rc_known *known, const struct rc_view_slab *slab, uint32_t *at)
{
    if (known == NULL || *at == known->slab_count || known->slabs[*at].id != slab->id ||
        known->slabs[*at].dead_count != slab->dead_count)
        return false;
    (*at)++;
    return true;
}

bool
rc_known_fits(const struct rc_known *known, const struct rc_view *view)
{
    uint32_t count;
    uint32_t at = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    const struct rc_people_counts counts = rc_view_people_counts(view);
    for (uint32_t i = 0; i < count; i++)
        (void)rc_known_has_slab(known, &slabs[i], &at);
    return at == known->slab_count && known->user_count <= counts.users &&
           known->write_count <= counts.writes;
}

uint32_t
rc_known_slab_count(const struct rc_known *known)
{
    return known->slab_count;
}

uint32_t
rc_known_write_count(const struct rc_known *known)
{
    return known->write_count;
}

static uint32_t
word_count_of(uint32_t user_count)
{
    return user_count / WORD_USERS + (user_count % WORD_USERS != 0);
}

static enum rc_status
known_new(const struct rc_view *view, struct rc_account *account, struct rc_known **ret_known)
{
    uint32_t slab_count;
    const struct rc_people_counts counts = rc_view_people_counts(view);
    const size_t words = word_count_of(counts.users);
    (void)rc_view_slabs(view, &slab_count);
    RC_CLEANUP(rc_known_unrefp) struct rc_known *known = rc_alloc_in(account, sizeof(*known));
    if (known == NULL)
        return RC_NO_MEMORY;
    *known = (struct rc_known){
        .user_count = counts.users, .write_count = counts.writes, .slab_count = slab_count};
    atomic_init(&known->references, 1);
    known->slabs = rc_alloc_in(account, slab_count * sizeof(*known->slabs));
    known->since_ms = rc_alloc_in(account, words * WORD_USERS * sizeof(*known->since_ms));
    known->times = rc_alloc_in(account, words * sizeof(*known->times));
    if (known->slabs == NULL || known->since_ms == NULL || known->times == NULL)
        return RC_NO_MEMORY;
    *ret_known = RC_TAKE(known);
    return RC_OK;
}

static inline void
note(struct rc_known *known, uint32_t user, int64_t time_ms)
{
    int64_t *since_ms = &known->since_ms[user];
    *since_ms = time_ms < *since_ms ? time_ms : *since_ms;
}

/* The first live row of [begin, end), or end. */
static uint32_t
first_alive(const uint64_t *dead, uint32_t begin, uint32_t end)
{
    while (begin < end && (dead[begin / 64] >> (begin % 64) & 1) != 0)
        begin++;
    return begin;
}

static void
read_slab(struct rc_known *known, const struct rc_view_slab *slab)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab->slab);
    const uint32_t *users = rc_slab_users(slab->slab);
    const uint32_t *starts = rc_slab_starts(slab->slab);
    const uint32_t *times = rc_slab_times(slab->slab);
    for (uint32_t i = 0; i < info->user_count; i++) {
        if (i + AHEAD_USERS < info->user_count)
            __builtin_prefetch(&times[starts[i + AHEAD_USERS]]);
        const uint32_t row =
            slab->dead == NULL ? starts[i] : first_alive(slab->dead, starts[i], starts[i + 1]);
        if (row < starts[i + 1])
            note(known, users[i], info->window_start_ms + times[row]);
    }
}

static enum rc_status
read_slabs(struct rc_known *known, struct rc_view *view, const struct rc_known *base)
{
    uint32_t count;
    uint32_t at = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    for (uint32_t i = 0; i < count; i++) {
        known->slabs[i] = (struct source){.id = slabs[i].id, .dead_count = slabs[i].dead_count};
        if (rc_known_has_slab(base, &slabs[i], &at))
            continue;
        RC_TRY(rc_view_use_slab(view, i, RC_SLAB_PARTS_ROWS, NULL));
        read_slab(known, &slabs[i]);
        rc_view_unuse_slab(view, i);
    }
    return RC_OK;
}

static void
read_writes(struct rc_known *known, const struct rc_view *view, uint32_t from)
{
    const struct rc_append_log *log = rc_people_writes(rc_view_people(view));
    for (uint32_t i = from, run = 0; i < known->write_count; i += run) {
        const struct rc_user_write *writes = rc_append_log_run(log, i, known->write_count, &run);
        for (uint32_t k = 0; k < run; k++)
            note(known, writes[k].user, writes[k].time_ms);
    }
}

static void
find_ends(struct rc_known *known)
{
    for (uint32_t word = 0; word < word_count_of(known->user_count); word++) {
        const int64_t *since_ms = known->since_ms + (size_t)word * WORD_USERS;
        struct times times = {.least_ms = since_ms[0], .greatest_ms = since_ms[0]};
        for (uint32_t i = 1; i < WORD_USERS; i++) {
            times.least_ms = since_ms[i] < times.least_ms ? since_ms[i] : times.least_ms;
            times.greatest_ms = since_ms[i] > times.greatest_ms ? since_ms[i] : times.greatest_ms;
        }
        known->times[word] = times;
    }
}

enum rc_status
rc_known_build(struct rc_view *view,
               const struct rc_known *base,
               struct rc_account *account,
               struct rc_known **ret_known)
{
    RC_CLEANUP(rc_known_unrefp) struct rc_known *known = NULL;
    RC_TRY(known_new(view, account, &known));
    const uint32_t copied = base == NULL ? 0 : base->user_count;
    const uint32_t user_bound = word_count_of(known->user_count) * WORD_USERS;
    if (copied > 0)
        memcpy(known->since_ms, base->since_ms, copied * sizeof(*known->since_ms));
    for (uint32_t user = copied; user < user_bound; user++)
        known->since_ms[user] = NEVER;
    RC_TRY(read_slabs(known, view, base));
    read_writes(known, view, base == NULL ? 0 : base->write_count);
    find_ends(known);
    *ret_known = RC_TAKE(known);
    return RC_OK;
}

void
rc_known_set_users(const struct rc_known *known, int64_t as_of_ms, uint64_t *words)
{
    const int64_t before_ms = as_of_ms == INT64_MAX ? INT64_MAX : as_of_ms + 1;
    for (uint32_t word = 0; word < word_count_of(known->user_count); word++) {
        const struct times *times = &known->times[word];
        const int64_t *since_ms = known->since_ms + (size_t)word * WORD_USERS;
        if (times->greatest_ms < before_ms) {
            words[word] = UINT64_MAX;
            continue;
        }
        for (uint32_t i = 0; times->least_ms < before_ms && i < WORD_USERS; i++)
            words[word] |= (uint64_t)(since_ms[i] < before_ms) << i;
    }
}
