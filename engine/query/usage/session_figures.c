/*
 * Session figures. Sums a bucket, and each session's length: 8 bytes a session are the price of an
 * exact median; they are charged to the query and end it at its limit. Lengths are written one
 * behind the other, with their bucket, and dealt to the buckets at the end: an array a bucket would
 * grow and be copied, again and again.
 *
 * A person's sessions come by bucket, so who was counted last in a bucket (and in the range) tells
 * whether a session is the person's first there.
 */
#include "engine/query/usage/session_figures.h"

#include <math.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/query/number/durations.h"

#define LENGTH_BITS 49 /* Of the longest that there can be; the rest is the place. */
#define BLOCK_LENGTHS_FIRST 16u
#define BLOCK_LENGTHS_MAX 8192u

_Static_assert(RC_TIME_MS_MAX - RC_TIME_MS_MIN < INT64_C(1) << LENGTH_BITS, "a length fits");
_Static_assert(RC_BUCKETS_MAX <= 1 << (64 - LENGTH_BITS), "a place fits");

/* Lengths as they came, each with its place above it. */
struct block {
    struct block *before;
    uint32_t count;
    uint32_t capacity;
    uint64_t lengths_ms[];
};

struct place {
    uint64_t sessions;
    uint64_t users;
    uint64_t bounces;
    uint64_t events;
    uint64_t last_person; /* Plus 1; 0: nobody. */
};

struct rc_session_figures {
    struct rc_account *account;
    uint64_t range_users;
    uint64_t last_person; /* Plus 1. */
    struct block *blocks; /* The newest; NULL: none. */
    uint32_t place_count;
    struct place places[];
};

enum rc_status
rc_session_figures_new(uint32_t place_count,
                       struct rc_account *account,
                       struct rc_session_figures **ret_figures)
{
    const size_t bytes = sizeof(struct rc_session_figures) + place_count * sizeof(struct place);
    struct rc_session_figures *figures = rc_alloc_in(account, bytes);
    if (figures == NULL)
        return RC_NO_MEMORY;
    memset(figures, 0, bytes);
    figures->account = account;
    figures->place_count = place_count;
    *ret_figures = figures;
    return RC_OK;
}

struct rc_session_figures *
rc_session_figures_free(struct rc_session_figures *figures)
{
    while (figures != NULL && figures->blocks != NULL) {
        struct block *before = figures->blocks->before;
        rc_alloc_free(figures->blocks);
        figures->blocks = before;
    }
    return rc_alloc_free(figures);
}

static enum rc_status
add_block(struct rc_session_figures *figures)
{
    const struct block *last = figures->blocks;
    const uint32_t capacity = last == NULL                         ? BLOCK_LENGTHS_FIRST
                              : last->capacity < BLOCK_LENGTHS_MAX ? last->capacity * 2
                                                                   : BLOCK_LENGTHS_MAX;
    struct block *block =
        rc_alloc_in(figures->account, sizeof(*block) + capacity * sizeof(block->lengths_ms[0]));
    if (block == NULL)
        return RC_NO_MEMORY;
    *block = (struct block){.before = figures->blocks, .capacity = capacity};
    figures->blocks = block;
    return RC_OK;
}

enum rc_status
rc_session_figures_add(struct rc_session_figures *figures,
                       uint32_t person,
                       uint32_t place_index,
                       uint32_t event_count,
                       int64_t length_ms)
{
    struct place *place = &figures->places[place_index];
    const uint64_t who = (uint64_t)person + 1;
    if (figures->blocks == NULL || figures->blocks->count == figures->blocks->capacity)
        RC_TRY(add_block(figures));
    figures->blocks->lengths_ms[figures->blocks->count++] =
        (uint64_t)place_index << LENGTH_BITS | (uint64_t)length_ms;
    place->sessions++;
    place->users += place->last_person != who;
    place->last_person = who;
    figures->range_users += figures->last_person != who;
    figures->last_person = who;
    place->bounces += event_count == 1;
    place->events += event_count;
    return RC_OK;
}

/* Deals a lane's lengths to their places; ends: by place, where the next one goes. */
static void
deal_lengths(const struct rc_session_figures *figures, int64_t **ends)
{
    for (const struct block *block = figures->blocks; block != NULL; block = block->before) {
        for (uint32_t i = 0; i < block->count; i++) {
            const uint64_t length = block->lengths_ms[i];
            *ends[length >> LENGTH_BITS]++ = (int64_t)(length & (((uint64_t)1 << LENGTH_BITS) - 1));
        }
    }
}

/* Users are those of both: of lanes, which share none, or of places. */
static void
add_place(struct place *sum, const struct place *more)
{
    sum->sessions += more->sessions;
    sum->users += more->users;
    sum->bounces += more->bounces;
    sum->events += more->events;
}

/* Figures of sessions whose lengths are given. */
static struct rc_sessions_figures
figures_of(const struct place *sum, int64_t *lengths_ms)
{
    const uint64_t count = sum->sessions;
    return (struct rc_sessions_figures){
        .sessions = count,
        .users = sum->users,
        .bounces = sum->bounces,
        .mean_events = count == 0 ? NAN : (double)sum->events / (double)count,
        .mean_s = rc_durations_mean_s(lengths_ms, count),
        .median_s = rc_durations_median_s(lengths_ms, count),
    };
}

enum rc_status
rc_session_figures_sum(struct rc_session_figures *const *lanes,
                       uint32_t lane_count,
                       struct rc_arena *arena,
                       struct rc_sessions_figures **ret_places,
                       struct rc_sessions_figures *ret_total)
{
    const uint32_t place_count = lanes[0]->place_count;
    uint64_t sessions = 0;
    for (uint32_t i = 0; i < lane_count; i++)
        for (uint32_t p = 0; p < place_count; p++)
            sessions += lanes[i]->places[p].sessions;
    struct rc_sessions_figures *places =
        RC_ARENA_ARRAY(arena, struct rc_sessions_figures, place_count);
    int64_t **ends = RC_ARENA_ARRAY(arena, int64_t *, place_count);
    RC_CLEANUP(rc_alloc_freep)
    int64_t *lengths_ms = rc_alloc_in(lanes[0]->account, (sessions + 1) * sizeof(*lengths_ms));
    struct place *sums = RC_ARENA_ARRAY(arena, struct place, place_count);
    struct place range = {0};
    if (places == NULL || ends == NULL || sums == NULL || lengths_ms == NULL)
        return RC_NO_MEMORY;
    for (uint32_t p = 0; p < place_count; p++) {
        for (uint32_t i = 0; i < lane_count; i++)
            add_place(&sums[p], &lanes[i]->places[p]);
        ends[p] = lengths_ms + range.sessions;
        add_place(&range, &sums[p]);
    }
    for (uint32_t i = 0; i < lane_count; i++)
        deal_lengths(lanes[i], ends);
    for (uint32_t p = 0; p < place_count; p++)
        places[p] = figures_of(&sums[p], ends[p] - sums[p].sessions);
    range.users = 0;
    for (uint32_t i = 0; i < lane_count; i++)
        range.users += lanes[i]->range_users;
    *ret_total = figures_of(&range, lengths_ms);
    *ret_places = places;
    return RC_OK;
}
