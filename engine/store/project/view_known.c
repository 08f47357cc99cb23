/*
 * View, known persons: who exists as of a time.
 *
 * Most of it is kept by the project (known.h), from the second time on that somebody asks of one
 * version: where rows keep dying, versions are asked once and nothing is made in vain. What that
 * does not hold is looked at here: slabs that came since, the newest writes, the heads.
 */
#include "engine/store/project/known.h"
#include "engine/store/project/project.h"

/* So many newer writes are looked at for each question; more are taken up. */
#define WRITES_LEFT_MAX 65536u

static inline bool
has_user(const uint64_t *words, uint32_t user)
{
    return ((words[user / 64] >> (user % 64)) & 1) != 0;
}

static inline void
set_user(uint64_t *words, uint32_t user)
{
    words[user / 64] |= (uint64_t)1 << (user % 64);
}

/* Whether a user has a live event at or before as_of among the rows [begin, end) of a slab. */
static bool
has_live_row(const struct rc_view_slab *slab, uint32_t begin, uint32_t end, int64_t as_of_ms)
{
    for (uint32_t row = begin; row < end && rc_slab_time_ms(slab->slab, row) <= as_of_ms; row++)
        if (slab->dead == NULL || (slab->dead[row / 64] >> (row % 64) & 1) == 0)
            return true;
    return false;
}

#define AHEAD_USERS \
    32u /* Whose first time is asked for so early: each lies on a line of its own. */

/* The same for a slab without dead rows: a user's first row says it, and no branch guesses. */
static void
know_live_users(const struct rc_view_slab *slab, int64_t as_of_ms, uint64_t *words)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab->slab);
    const uint32_t *users = rc_slab_users(slab->slab);
    const uint32_t *starts = rc_slab_starts(slab->slab);
    const uint32_t *times = rc_slab_times(slab->slab);
    const int64_t offset_ms = as_of_ms - info->window_start_ms; /* The slab is not all later. */
    for (uint32_t i = 0; i < info->user_count; i++) {
        if (i + AHEAD_USERS < info->user_count)
            __builtin_prefetch(&times[starts[i + AHEAD_USERS]]);
        words[users[i] / 64] |= (uint64_t)(times[starts[i]] <= offset_ms) << (users[i] % 64);
    }
}

/* whole: all rows of the slab are live and early enough; else each user's are looked at who is not
 * known yet. */
static void
know_slab_users(const struct rc_view_slab *slab, bool whole, int64_t as_of_ms, uint64_t *words)
{
    const uint32_t user_count = rc_slab_get_info(slab->slab)->user_count;
    const uint32_t *users = rc_slab_users(slab->slab);
    const uint32_t *starts = rc_slab_starts(slab->slab);
    for (uint32_t i = 0; i < user_count && whole; i++)
        set_user(words, users[i]);
    for (uint32_t i = 0; i < user_count && !whole; i++)
        if (!has_user(words, users[i]) && has_live_row(slab, starts[i], starts[i + 1], as_of_ms))
            set_user(words, users[i]);
}

/* The slabs that known (NULL: nothing) does not say it of. Those whose rows all count come first:
 * few users are left whose rows must be read. */
static enum rc_status
know_slabs(struct rc_view *view, const struct rc_known *known, int64_t as_of_ms, uint64_t *words)
{
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &slab_count);
    for (uint32_t pass = 0; pass < 2; pass++) {
        uint32_t at = 0;
        for (uint32_t i = 0; i < slab_count; i++) {
            const struct rc_view_slab *slab = &slabs[i];
            const struct rc_slab_info *info = rc_slab_get_info(slab->slab);
            const bool whole = slab->dead == NULL && info->time_max_ms <= as_of_ms;
            if (rc_known_has_slab(known, slab, &at) || whole != (pass == 0) ||
                info->time_min_ms > as_of_ms)
                continue;
            RC_TRY(rc_view_use_slab(view, i, RC_SLAB_PARTS_ROWS, NULL));
            if (!whole && slab->dead == NULL)
                know_live_users(slab, as_of_ms, words);
            else
                know_slab_users(slab, whole, as_of_ms, words);
            rc_view_unuse_slab(view, i);
        }
    }
    return RC_OK;
}

/* Nobody who was deleted is known: of what is kept and of the writes some may be theirs. */
static void
forget_gone(const struct rc_view *view, uint64_t *words)
{
    uint32_t gone_count = 0;
    const uint32_t *gone = rc_gone_users(rc_view_version(view)->gone, &gone_count);
    for (uint32_t i = 0; i < gone_count; i++)
        words[gone[i] / 64] &= ~((uint64_t)1 << (gone[i] % 64));
}

/* Whether there is nobody left who may be known by its property writes alone. Rows of ordinals that
 * stand for nobody are dead: no bit is theirs. */
static bool
all_known(const struct rc_view *view, const uint64_t *words)
{
    const uint32_t user_count = rc_view_user_count(view);
    uint32_t known = 0;
    for (uint32_t word = 0; word < (user_count + 63) / 64; word++)
        known += (uint32_t)__builtin_popcountll(words[word]);
    return known == rc_view_live_user_count(view);
}

/* The writes from one on. */
static void
know_writers(const struct rc_view *view, uint32_t from, int64_t as_of_ms, uint64_t *words)
{
    const struct rc_append_log *log = rc_people_writes(rc_view_people(view));
    const uint32_t count = rc_view_people_counts(view).writes;
    for (uint32_t i = from, run = 0; i < count; i += run) {
        const struct rc_user_write *writes = rc_append_log_run(log, i, count, &run);
        for (uint32_t k = 0; k < run; k++)
            if (!has_user(words, writes[k].user) && writes[k].time_ms <= as_of_ms)
                set_user(words, writes[k].user);
    }
}

/* From users to persons: of joined users only the first stands for all. */
static void
join_known(const struct rc_view *view, uint64_t *words)
{
    const struct rc_persons *persons = rc_view_persons(view);
    const uint32_t joined = persons == NULL ? 0 : rc_persons_joined_count(persons);
    for (uint32_t i = 0; i < joined; i++) {
        uint32_t count;
        bool known = false;
        const uint32_t *members = rc_persons_joined(persons, i, &count);
        for (uint32_t m = 0; m < count; m++) {
            known = known || has_user(words, members[m]);
            words[members[m] / 64] &= ~((uint64_t)1 << (members[m] % 64));
        }
        if (known)
            set_user(words, members[0]);
    }
}

/* The events of heads. */
static void
know_heads(const struct rc_view *view, int64_t as_of_ms, uint64_t *words)
{
    uint32_t chunk_count;
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &chunk_count);
    for (uint32_t i = 0; i < chunk_count; i++) {
        const struct rc_view_chunk *chunk = &chunks[i];
        for (uint32_t row = 0; row < chunk->row_count; row++) {
            const bool dead = chunk->dead != NULL && (chunk->dead[row / 64] >> (row % 64) & 1) != 0;
            if (!dead && chunk->times_ms[row] <= as_of_ms)
                set_user(words, chunk->users[row]);
        }
    }
}

/* What is kept and fits the view, made anew if that is worth it; a reference, or NULL. */
static struct rc_known *
find_known(struct rc_view *view)
{
    uint32_t slab_count;
    bool asked_before;
    struct rc_known *known = rc_view_kept_known(view, &asked_before);
    const uint32_t write_count = rc_view_people_counts(view).writes;
    (void)rc_view_slabs(view, &slab_count);
    if (known != NULL && !rc_known_fits(known, view))
        known = rc_known_unref(known);
    const bool whole = known != NULL && rc_known_slab_count(known) == slab_count &&
                       write_count - rc_known_write_count(known) <= WRITES_LEFT_MAX;
    struct rc_known *built = NULL;
    if (whole || !asked_before ||
        rc_known_build(view, known, rc_view_users_account(view), &built) != RC_OK)
        return known; /* What was refused is looked at each time. */
    rc_known_unref(known);
    rc_view_keep_known(view, rc_known_ref(built));
    return built;
}

enum rc_status
rc_view_known_persons(struct rc_view *view, int64_t as_of_ms, uint64_t *words)
{
    RC_CLEANUP(rc_known_unrefp) struct rc_known *known = find_known(view);
    if (known != NULL)
        rc_known_set_users(known, as_of_ms, words);
    RC_TRY(know_slabs(view, known, as_of_ms, words));
    know_heads(view, as_of_ms, words);
    forget_gone(view, words);
    const uint32_t written = known == NULL ? 0 : rc_known_write_count(known);
    if (written < rc_view_people_counts(view).writes && !all_known(view, words)) {
        know_writers(view, written, as_of_ms, words);
        forget_gone(view, words);
    }
    join_known(view, words);
    return RC_OK;
}
