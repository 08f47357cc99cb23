/*
 * Event counts: rank r of n gets scale / (r + q)^1.5, at least 1 and at most the cap, with q = n /
 * 800: 200,000 users then make ten million events with the cap just reached. The scale is found by
 * bisection over 64-bit integers; what rounding leaves is handed out from the top.
 *
 * Sign-ups: a walk over all users in a scattered order gives each of them at most one per round
 * until all are given; in the first round only to users with enough events for a visit before it. A
 * user's i-th sign-up is at ordinal signup_first + i * stride, which is always one of the user's
 * events.
 *
 * A session costs 8 bytes: its length is drawn when it begins, from what the user has left.
 */
#include "cli/generate/generate_plan.h"

#include <math.h>
#include <string.h>

#include "cli/generate/generate_random.h"
#include "engine/base/alloc.h"
#include "engine/base/assert.h"

enum { STREAM_TIMES = 11, STREAM_SIGNUPS = 12 };

#define EVENTS_PER_USER_MAX 20000
#define DAY_S 86400
#define BURST_MARGIN_S 7200 /* No session begins in the archive's last two hours. */
#define SIGNUP_EVENTS_MIN 5

/* Traffic by hour of the day, UTC; their sum is 128. */
static const uint8_t hour_weights[24] = {3, 2, 2, 1, 2, 2, 3, 4, 6, 7, 8, 8,
                                         7, 7, 8, 8, 8, 7, 7, 7, 7, 6, 5, 3};

/* 2^52 / (rank + q)^1.5 in integers: the square root of a whole number below 2^53 is exactly
 * rounded by IEEE 754, so it is the same everywhere. */
static uint64_t
rank_weight(uint64_t rank, uint64_t q)
{
    const uint64_t x = rank + q;
    const uint64_t root = (uint64_t)sqrt((double)(x << 20)); /* sqrt(x) * 2^10 */
    return ((UINT64_C(1) << 62) / x) / root;
}

static uint64_t
rank_count(uint64_t weight, uint64_t scale, uint64_t cap)
{
    const uint64_t count = (uint64_t)(((unsigned __int128)weight * scale) >> 52);
    return count < 1 ? 1 : count > cap ? cap : count;
}

static void
counts_fill(struct rc_plan *plan, uint64_t events)
{
    const uint64_t n = plan->user_count;
    const uint64_t q = n / 800 + 1;
    uint64_t cap = events / 200 < 20 ? 20 : events / 200;
    cap = cap > EVENTS_PER_USER_MAX ? EVENTS_PER_USER_MAX : cap;
    if (cap < 2 * (events / n + 1))
        cap = 2 * (events / n + 1); /* Few users asked for many events. */
    uint64_t low = 0; /* The greatest scale whose counts do not pass events is in [low, high). */
    uint64_t high = UINT64_C(1) << 62;
    while (high - low > 1 + (low >> 12)) {
        const uint64_t middle = low + (high - low) / 2;
        uint64_t sum = 0;
        for (uint64_t r = 0; r < n && sum <= events; r++)
            sum += rank_count(rank_weight(r, q), middle, cap);
        if (sum <= events)
            low = middle;
        else
            high = middle;
    }
    uint64_t left = events;
    for (uint64_t r = 0; r < n; r++) {
        plan->users[r].event_count = (uint32_t)rank_count(rank_weight(r, q), low, cap);
        left -= plan->users[r].event_count;
    }
    while (left > 0) { /* What rounding and the coarse scale left over. */
        const uint64_t before = left;
        for (uint64_t r = 0; r < n && left > 0; r++) {
            if (plan->users[r].event_count < cap) {
                plan->users[r].event_count++;
                left--;
            }
        }
        RC_ASSERT(left < before);
    }
}

static uint64_t
greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void
signups_fill(struct rc_plan *plan, uint64_t events, uint64_t seed)
{
    plan->signup_count = (events * 3 + 5000) / 10000;
    struct rc_random random = rc_random_of(seed, STREAM_SIGNUPS, 0);
    const uint64_t n = plan->user_count;
    const uint64_t begin = rc_random_below(&random, plan->user_count);
    uint64_t step = (n * 618 / 1000) | 1;
    while (greatest_divisor(n, step) != 1) /* Then the walk visits everyone once a round. */
        step += 2;
    uint64_t left = plan->signup_count;
    for (uint32_t round = 0; left > 0; round++) {
        uint64_t at = begin;
        for (uint64_t i = 0; i < n && left > 0; i++, at = (at + step) % n) {
            struct rc_plan_user *user = &plan->users[at];
            if (user->signup_count < user->event_count &&
                (round > 0 || user->event_count >= SIGNUP_EVENTS_MIN)) {
                user->signup_count++;
                left--;
            }
        }
    }
    for (uint64_t i = 0; i < n; i++) {
        struct rc_plan_user *user = &plan->users[i];
        const uint32_t latest = user->event_count - user->signup_count;
        const uint32_t wanted = 2 + rc_random_below(&random, 8);
        user->signup_first = wanted < latest ? wanted : latest;
    }
}

static uint32_t
session_length_mean(uint32_t event_count)
{
    const uint32_t root = (uint32_t)sqrt((double)event_count);
    const uint32_t extra = root / 2 < 22 ? root / 2 : 22;
    return 3 + extra;
}

static uint32_t
session_begin(struct rc_random *random, int64_t start_day, uint64_t first_s, uint64_t span_s)
{
    uint64_t day = (first_s + rc_random_next(random) % span_s) / DAY_S;
    const uint64_t weekday = ((uint64_t)start_day + day + 3) % 7; /* 0 is Monday. */
    if (weekday >= 5 && rc_random_below(random, 3) == 0)
        day = (first_s + rc_random_next(random) % span_s) / DAY_S;
    uint32_t pick = rc_random_below(random, 128);
    uint32_t hour = 0;
    while (pick >= hour_weights[hour])
        pick -= hour_weights[hour++];
    return (uint32_t)(day * DAY_S + hour * 3600 + rc_random_below(random, 3600));
}

static void
times_fill(struct rc_plan *plan, const struct rc_generate_options *options)
{
    const uint64_t span_s = (uint64_t)options->days * DAY_S;
    uint64_t *out = plan->sessions;
    for (uint32_t u = 0; u < plan->user_count; u++) {
        const uint32_t count = plan->users[u].sessions_left;
        struct rc_random random = rc_random_of(options->seed, STREAM_TIMES, u);
        const uint32_t kind = rc_random_below(&random, 10);
        uint64_t life_days = kind < 4 ? 1 : kind < 7 ? 14 : options->days;
        if (life_days < count / 4)
            life_days = count / 4;
        if (life_days > options->days)
            life_days = options->days;
        const uint64_t life_s = life_days * DAY_S;
        const uint64_t first_s =
            rc_random_below(&random, options->days - (uint32_t)life_days + 1) * (uint64_t)DAY_S;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t begin_s =
                session_begin(&random, options->start_ms / 1000 / DAY_S, first_s, life_s);
            if (begin_s > span_s - BURST_MARGIN_S)
                begin_s -= BURST_MARGIN_S;
            *out++ = begin_s << 32 | u;
        }
    }
    RC_ASSERT(out == plan->sessions + plan->session_count);
}

/* One stable pass of a radix sort over 11 bits at shift. */
static void
sort_pass(const uint64_t *from, uint64_t *to, uint64_t count, uint32_t shift)
{
    uint64_t at[2048] = {0};
    for (uint64_t i = 0; i < count; i++)
        at[(from[i] >> shift) & 2047]++;
    uint64_t sum = 0;
    for (uint32_t d = 0; d < 2048; d++) {
        const uint64_t size = at[d];
        at[d] = sum;
        sum += size;
    }
    for (uint64_t i = 0; i < count; i++)
        to[at[(from[i] >> shift) & 2047]++] = from[i];
}

static enum rc_status
sessions_fill(struct rc_plan *plan, const struct rc_generate_options *options)
{
    for (uint32_t u = 0; u < plan->user_count; u++) {
        struct rc_plan_user *user = &plan->users[u];
        const uint32_t mean = session_length_mean(user->event_count);
        user->sessions_left = (user->event_count + mean - 1) / mean;
        plan->session_count += user->sessions_left;
    }
    const size_t bytes = plan->session_count * sizeof(uint64_t);
    plan->sessions = rc_alloc(bytes);
    RC_CLEANUP(rc_alloc_freep) uint64_t *scratch = rc_alloc(bytes);
    if (plan->sessions == NULL || scratch == NULL)
        return RC_NO_MEMORY;
    times_fill(plan, options);
    sort_pass(plan->sessions, scratch, plan->session_count, 32);
    sort_pass(scratch, plan->sessions, plan->session_count, 43);
    sort_pass(plan->sessions, scratch, plan->session_count, 54);
    uint64_t *sorted = RC_TAKE(scratch);
    scratch = plan->sessions;
    plan->sessions = sorted;
    return RC_OK;
}

enum rc_status
rc_plan_new(const struct rc_generate_options *options,
            struct rc_plan **ret_plan,
            struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = rc_alloc_zero(sizeof(*plan));
    if (plan == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the plan of the archive");
    plan->user_count = (uint32_t)options->users;
    plan->users = rc_alloc_zero(plan->user_count * sizeof(*plan->users));
    if (plan->users == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u users", plan->user_count);
    counts_fill(plan, options->events);
    signups_fill(plan, options->events, options->seed);
    if (sessions_fill(plan, options) != RC_OK)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the archive's sessions");
    *ret_plan = RC_TAKE(plan);
    return RC_OK;
}

struct rc_plan *
rc_plan_free(struct rc_plan *plan)
{
    if (plan != NULL) {
        rc_alloc_free(plan->users);
        rc_alloc_free(plan->sessions);
        rc_alloc_free(plan);
    }
    return NULL;
}

uint32_t
rc_plan_session_events(struct rc_plan_user *user, uint64_t random)
{
    RC_ASSERT(user->sessions_left > 0);
    const uint32_t left = user->event_count - user->planned;
    uint32_t count = left;
    if (user->sessions_left > 1) {
        /* Twice the mean at most, and at least one for each session to come. */
        const uint32_t mean = left / user->sessions_left;
        const uint32_t most = left - (user->sessions_left - 1);
        count = 1 + (uint32_t)(random % (2 * (uint64_t)mean));
        count = count > most ? most : count;
    }
    RC_ASSERT(count >= 1);
    user->sessions_left--;
    user->planned += count;
    return count;
}

bool
rc_plan_is_signup(const struct rc_plan_user *user, uint32_t ordinal)
{
    if (user->signup_count == 0 || ordinal < user->signup_first)
        return false;
    const uint32_t stride = (user->event_count - user->signup_first) / user->signup_count;
    const uint32_t offset = ordinal - user->signup_first;
    return offset % stride == 0 && offset / stride < user->signup_count;
}
