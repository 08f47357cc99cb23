/*
 * Session figures. Sums a bucket, and each session's length: 8 bytes a session are the price of an
 * exact median; they are charged to the query and end it at its limit.
 *
 * A person's sessions come by bucket, so who was counted last in a bucket (and in the range) tells
 * whether a session is the person's first there.
 */
#include "engine/query/usage/session_figures.h"

#include <math.h>
#include <string.h>

#include "engine/query/number/durations.h"

struct place {
    uint64_t sessions; /* Lengths there are. */
    uint64_t users;
    uint64_t bounces;
    uint64_t events;
    uint64_t last_person; /* Plus 1; 0: nobody. */
    uint64_t length_capacity;
    int64_t *lengths_ms;
};

struct rc_session_figures {
    struct rc_account *account;
    uint64_t range_users;
    uint64_t last_person; /* Plus 1. */
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
    for (uint32_t i = 0; figures != NULL && i < figures->place_count; i++)
        rc_alloc_free(figures->places[i].lengths_ms);
    return rc_alloc_free(figures);
}

static enum rc_status
add_length(struct rc_account *account, struct place *place, int64_t length_ms)
{
    if (place->sessions == place->length_capacity) {
        const uint64_t capacity = place->length_capacity == 0 ? 16 : place->length_capacity * 2;
        int64_t *lengths = place->lengths_ms == NULL
                               ? rc_alloc_in(account, capacity * sizeof(*lengths))
                               : rc_realloc(place->lengths_ms, capacity * sizeof(*lengths));
        if (lengths == NULL)
            return RC_NO_MEMORY;
        place->lengths_ms = lengths;
        place->length_capacity = capacity;
    }
    place->lengths_ms[place->sessions++] = length_ms;
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
    RC_TRY(add_length(figures->account, place, length_ms));
    place->users += place->last_person != who;
    place->last_person = who;
    figures->range_users += figures->last_person != who;
    figures->last_person = who;
    place->bounces += event_count == 1;
    place->events += event_count;
    return RC_OK;
}

/* Figures of sessions whose lengths are given. */
static struct rc_sessions_figures
figures_of(uint64_t users, uint64_t bounces, uint64_t events, int64_t *lengths_ms, uint64_t count)
{
    return (struct rc_sessions_figures){
        .sessions = count,
        .users = users,
        .bounces = bounces,
        .mean_events = count == 0 ? NAN : (double)events / (double)count,
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
    RC_CLEANUP(rc_alloc_freep)
    int64_t *lengths_ms = rc_alloc_in(lanes[0]->account, (sessions + 1) * sizeof(*lengths_ms));
    if (places == NULL || lengths_ms == NULL)
        return RC_NO_MEMORY;
    uint64_t at = 0;
    uint64_t range_users = 0;
    uint64_t range_bounces = 0;
    uint64_t range_events = 0;
    for (uint32_t p = 0; p < place_count; p++) {
        uint64_t users = 0;
        uint64_t bounces = 0;
        uint64_t events = 0;
        const uint64_t begin = at;
        for (uint32_t i = 0; i < lane_count; i++) {
            const struct place *place = &lanes[i]->places[p];
            if (place->sessions > 0)
                memcpy(lengths_ms + at, place->lengths_ms, place->sessions * sizeof(*lengths_ms));
            at += place->sessions;
            users += place->users;
            bounces += place->bounces;
            events += place->events;
        }
        places[p] = figures_of(users, bounces, events, lengths_ms + begin, at - begin);
        range_bounces += bounces;
        range_events += events;
    }
    for (uint32_t i = 0; i < lane_count; i++)
        range_users += lanes[i]->range_users;
    *ret_total = figures_of(range_users, range_bounces, range_events, lengths_ms, at);
    *ret_places = places;
    return RC_OK;
}
