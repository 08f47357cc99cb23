/*
 * Session ends. A count a group. Sessions whose event has several values count in each of their
 * rows, but once in Other however many of those are there; so their sets are kept and looked at
 * again when it is known which rows are shown. Events with several values are few.
 */
#include "engine/query/usage/session_ends.h"

#include <string.h>

struct several {
    uint32_t set;
    bool bounced;
};

struct rc_session_ends {
    const struct rc_groups *groups; /* Borrowed. */
    struct rc_account *account;
    uint32_t group_count;
    uint64_t sessions; /* Each once. */
    uint64_t bounces;
    uint64_t *sessions_of; /* By group. */
    uint64_t *bounces_of;
    struct several *several;
    uint64_t several_count;
    uint64_t several_capacity;
};

enum rc_status
rc_session_ends_new(const struct rc_groups *groups,
                    struct rc_account *account,
                    struct rc_session_ends **ret_ends)
{
    RC_CLEANUP(rc_session_ends_freep)
    struct rc_session_ends *ends = rc_alloc_in(account, sizeof(*ends));
    if (ends == NULL)
        return RC_NO_MEMORY;
    *ends = (struct rc_session_ends){
        .groups = groups, .account = account, .group_count = rc_groups_count(groups)};
    const size_t bytes = ends->group_count * sizeof(uint64_t);
    ends->sessions_of = rc_alloc_in(account, bytes);
    ends->bounces_of = rc_alloc_in(account, bytes);
    if (ends->sessions_of == NULL || ends->bounces_of == NULL)
        return RC_NO_MEMORY;
    memset(ends->sessions_of, 0, bytes);
    memset(ends->bounces_of, 0, bytes);
    *ret_ends = RC_TAKE(ends);
    return RC_OK;
}

struct rc_session_ends *
rc_session_ends_free(struct rc_session_ends *ends)
{
    if (ends == NULL)
        return NULL;
    rc_alloc_free(ends->sessions_of);
    rc_alloc_free(ends->bounces_of);
    rc_alloc_free(ends->several);
    return rc_alloc_free(ends);
}

/* Room for more sets behind several_count. */
static enum rc_status
reserve(struct rc_session_ends *ends, uint64_t more)
{
    const uint64_t needed = ends->several_count + more;
    uint64_t capacity = ends->several_capacity == 0 ? 256 : ends->several_capacity;
    if (needed <= ends->several_capacity)
        return RC_OK;
    while (capacity < needed)
        capacity *= 2;
    struct several *several = ends->several == NULL
                                  ? rc_alloc_in(ends->account, capacity * sizeof(*several))
                                  : rc_realloc(ends->several, capacity * sizeof(*several));
    if (several == NULL)
        return RC_NO_MEMORY;
    ends->several = several;
    ends->several_capacity = capacity;
    return RC_OK;
}

enum rc_status
rc_session_ends_add(struct rc_session_ends *ends, uint32_t set, bool bounced)
{
    uint32_t count;
    const uint32_t *groups = rc_groups_list(ends->groups, &set, &count);
    if ((set & RC_GROUP_LIST) != 0) {
        RC_TRY(reserve(ends, 1));
        ends->several[ends->several_count++] = (struct several){.set = set, .bounced = bounced};
    }
    for (uint32_t i = 0; i < count; i++) {
        ends->sessions_of[groups[i]]++;
        ends->bounces_of[groups[i]] += bounced;
    }
    ends->sessions++;
    ends->bounces += bounced;
    return RC_OK;
}

enum rc_status
rc_session_ends_merge(struct rc_session_ends *ends, const struct rc_session_ends *other)
{
    RC_TRY(reserve(ends, other->several_count));
    for (uint64_t i = 0; i < other->several_count; i++)
        ends->several[ends->several_count++] = other->several[i];
    for (uint32_t i = 0; i < ends->group_count; i++) {
        ends->sessions_of[i] += other->sessions_of[i];
        ends->bounces_of[i] += other->bounces_of[i];
    }
    ends->sessions += other->sessions;
    ends->bounces += other->bounces;
    return RC_OK;
}

/* Other: what is in rows that are not shown, less what was counted there more than once. */
static struct rc_session_end
other_row(const struct rc_session_ends *ends, const struct rc_ranking *ranking)
{
    struct rc_session_end other = {.label.kind = RC_ROW_OTHER};
    for (uint32_t group = 0; group < ends->group_count; group++) {
        if (ranking->row_of[group] < ranking->row_count)
            continue;
        other.sessions += ends->sessions_of[group];
        other.bounces += ends->bounces_of[group];
    }
    for (uint64_t i = 0; i < ends->several_count; i++) {
        uint32_t count;
        uint32_t hidden = 0;
        const uint32_t *groups = rc_groups_list(ends->groups, &ends->several[i].set, &count);
        for (uint32_t g = 0; g < count; g++)
            hidden += ranking->row_of[groups[g]] == ranking->row_count;
        if (hidden > 1) {
            other.sessions -= hidden - 1;
            other.bounces -= ends->several[i].bounced ? hidden - 1 : 0;
        }
    }
    return other;
}

enum rc_status
rc_session_ends_rows(const struct rc_session_ends *ends,
                     uint32_t top_n,
                     struct rc_arena *arena,
                     const struct rc_session_end **ret_rows,
                     struct rc_session_ranking *ret_ranking)
{
    struct rc_ranking ranking;
    RC_TRY(rc_groups_rank(ends->groups, ends->sessions_of, top_n, arena, &ranking));
    const uint32_t count = ranking.row_count + (ranking.has_other ? 2 : 1);
    struct rc_session_end *rows = RC_ARENA_ARRAY(arena, struct rc_session_end, count);
    if (rows == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < ranking.row_count; row++)
        rows[row] =
            (struct rc_session_end){.label = {.kind = RC_ROW_VALUE, .value = ranking.values[row]},
                                    .sessions = ends->sessions_of[ranking.groups[row]],
                                    .bounces = ends->bounces_of[ranking.groups[row]]};
    if (ranking.has_other)
        rows[ranking.row_count] = other_row(ends, &ranking);
    rows[count - 1] = (struct rc_session_end){
        .label.kind = RC_ROW_TOTAL, .sessions = ends->sessions, .bounces = ends->bounces};
    *ret_rows = rows;
    *ret_ranking = (struct rc_session_ranking){.row_of = ranking.row_of, .row_count = count};
    return RC_OK;
}
