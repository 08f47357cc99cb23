/*
 * The stream: sessions begin in the plan's order and wait in a heap for their next event; the clock
 * is the least of both. Only the sessions under way are in memory (a few hundred at ten million
 * events in 90 days), so an archive of any size streams.
 *
 * A line that comes late is written like every other, then taken out of the buffer and kept in a
 * second heap until the clock reaches its arrival.
 */
#include "cli/generate/generate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/generate/generate_heap.h"
#include "cli/generate/generate_plan.h"
#include "cli/generate/generate_profile.h"
#include "cli/generate/generate_random.h"
#include "cli/generate/generate_visit.h"
#include "cli/generate/generate_vocabulary.h"
#include "engine/base/alloc.h"
#include "engine/base/assert.h"

enum { STREAM_ARRIVAL = 1, STREAM_EVENT_KEY = 2 };

#define BUFFER_BYTES ((size_t)1 << 20)
#define BUFFER_SPARE_BYTES (2 * RC_EVENT_LINE_BYTES_MAX)

struct late_line {
    size_t size;
    char text[];
};

struct generator {
    const struct rc_generate_options *options;
    struct rc_vocabulary *vocabulary;
    struct rc_plan *plan;
    struct rc_visit *sessions; /* Slots. */
    size_t session_capacity;
    size_t session_slots; /* Slots ever used. */
    uint32_t *free_slots;
    size_t free_capacity;
    size_t free_count;
    struct rc_heap active; /* Slot: index of a session. */
    struct rc_heap late;   /* Slot: pointer to a late_line. */
    struct rc_random random;
    uint64_t event_key;
    struct rc_generate_result result;
    uint64_t late_ordinal;
    char *buffer; /* BUFFER_BYTES and BUFFER_SPARE_BYTES. */
    size_t size;
    int descriptor;
};

struct rc_generate_options
rc_generate_options_default(uint64_t events, uint64_t seed)
{
    const uint64_t users = events / RC_GENERATE_EVENTS_PER_USER;
    return (struct rc_generate_options){.events = events,
                                        .users = users == 0 ? 1 : users,
                                        .seed = seed,
                                        .start_ms = RC_GENERATE_START_MS,
                                        .days = RC_GENERATE_DAYS};
}

static enum rc_status
options_check(const struct rc_generate_options *options, struct rc_error *reterr_error)
{
    if (options->events == 0 || options->events > RC_GENERATE_EVENTS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "events", "events must be 1 to %llu",
                              (unsigned long long)RC_GENERATE_EVENTS_MAX);
    if (options->users == 0 || options->users > options->events ||
        options->users > RC_GENERATE_USERS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "users",
                              "users must be 1 to %u and not more than the events",
                              RC_GENERATE_USERS_MAX);
    if (options->events / options->users > 100 * 1000 * 1000)
        return rc_error_field(reterr_error, RC_INVALID, "users",
                              "there must be a user for every 100,000,000 events");
    if (options->days == 0 || options->days > RC_GENERATE_DAYS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "days", "days must be 1 to %d",
                              RC_GENERATE_DAYS_MAX);
    if (options->start_ms < 0 || options->start_ms > INT64_C(250000000000000))
        return rc_error_field(reterr_error, RC_INVALID, "start_ms",
                              "start_ms must be between the years 1970 and 9892");
    return RC_OK;
}

static enum rc_status
flush(struct generator *generator, struct rc_error *reterr_error)
{
    for (size_t at = 0; at < generator->size;) {
        const ssize_t wrote =
            write(generator->descriptor, generator->buffer + at, generator->size - at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return rc_error_set(reterr_error, RC_IO, "cannot write the archive: %s",
                                strerror(errno));
        at += (size_t)wrote;
    }
    generator->result.bytes += generator->size;
    generator->size = 0;
    return RC_OK;
}

/* Makes sure that one event line and one user line fit. */
static enum rc_status
make_room(struct generator *generator, struct rc_error *reterr_error)
{
    return generator->size < BUFFER_BYTES ? RC_OK : flush(generator, reterr_error);
}

/* Writes the late lines that arrive until time_ms. */
static enum rc_status
late_write(struct generator *generator, int64_t time_ms, struct rc_error *reterr_error)
{
    while (generator->late.count > 0 && generator->late.entries[0].time_ms <= time_ms) {
        const struct rc_heap_entry entry = rc_heap_pop(&generator->late);
        struct late_line *line = (struct late_line *)(uintptr_t)entry.slot;
        memcpy(generator->buffer + generator->size, line->text, line->size);
        generator->size += line->size;
        rc_alloc_free(line);
        RC_TRY(make_room(generator, reterr_error));
    }
    return RC_OK;
}

/* 0 for most events; seconds for 2 %, minutes to hours for 0.1 %. */
static int64_t
lateness_ms(struct rc_random *random)
{
    const uint32_t pick = rc_random_below(random, 1000);
    if (pick >= 21)
        return 0;
    if (pick > 0)
        return rc_random_between(random, 50, 5000);
    return rc_random_between(random, 60000, 60000u << rc_random_below(random, 9));
}

/* Takes the line that begins at begin out of the buffer, to be written when it arrives. */
static enum rc_status
line_delay(struct generator *generator, size_t begin, int64_t arrival_ms)
{
    const size_t size = generator->size - begin;
    struct late_line *line = rc_alloc(sizeof(*line) + size);
    if (line == NULL)
        return RC_NO_MEMORY;
    line->size = size;
    memcpy(line->text, generator->buffer + begin, size);
    const struct rc_heap_entry entry = {arrival_ms, generator->late_ordinal,
                                        (uint64_t)(uintptr_t)line};
    if (rc_heap_push(&generator->late, entry) != RC_OK) {
        rc_alloc_free(line);
        return RC_NO_MEMORY;
    }
    generator->late_ordinal++;
    generator->size = begin;
    return RC_OK;
}

static void
user_line_keep(struct generator *generator, const char *end)
{
    generator->size = (size_t)(end - generator->buffer);
    generator->result.user_writes++;
}

/* The user property lines that go before the user's next event. */
static void
user_lines_before(struct generator *generator, const struct rc_visit *session, int64_t time_ms)
{
    const struct rc_plan_user *user = &generator->plan->users[session->user];
    const uint64_t seed = generator->options->seed;
    char *at = generator->buffer + generator->size;
    if (user->written == 0) {
        const struct rc_profile profile = rc_profile_of(generator->vocabulary, seed, session->user);
        user_line_keep(generator, rc_profile_write_first(at, &profile, seed, session->user,
                                                         user->signup_count > 0,
                                                         generator->options->start_ms, time_ms));
    } else if (!session->has_page && user->signup_count == 0 &&
               rc_random_below(&generator->random, 100) == 0) {
        user_line_keep(generator,
                       rc_profile_write_plan(at, session->user_id,
                                             rc_random_below(&generator->random, 64), time_ms));
    }
}

static enum rc_status
event_write(struct generator *generator,
            struct rc_visit *session,
            int64_t time_ms,
            struct rc_error *reterr_error)
{
    struct rc_plan_user *user = &generator->plan->users[session->user];
    user_lines_before(generator, session, time_ms);
    const size_t begin = generator->size;
    const uint64_t id = rc_random_id53(generator->event_key, generator->result.events);
    const struct rc_visit_event event = rc_visit_write(session, generator->vocabulary, user,
                                                       time_ms, id, generator->buffer + begin);
    generator->size = (size_t)(event.end - generator->buffer);
    RC_ASSERT(generator->size - begin <= RC_EVENT_LINE_BYTES_MAX);
    generator->result.events++;
    generator->result.property_count += event.property_count;
    user->written++;
    const int64_t late_ms = lateness_ms(&generator->random);
    if (late_ms > 0)
        RC_TRY_OR(reterr_error, line_delay(generator, begin, time_ms + late_ms));
    if (event.is_signup) {
        const uint64_t seed = generator->options->seed;
        const struct rc_profile profile = rc_profile_of(generator->vocabulary, seed, session->user);
        generator->result.signups++;
        user_line_keep(generator, rc_profile_write_signup(generator->buffer + generator->size,
                                                          &profile, seed, session->user, time_ms));
    }
    return make_room(generator, reterr_error);
}

/* Begins the planned session of this ordinal and queues its first event. */
static enum rc_status
session_start(struct generator *generator, uint64_t ordinal, int64_t time_ms)
{
    const uint32_t user = (uint32_t)generator->plan->sessions[ordinal];
    size_t slot = generator->session_slots;
    if (generator->free_count > 0) {
        slot = generator->free_slots[--generator->free_count];
    } else {
        RC_TRY(RC_GROW(generator->sessions, generator->session_capacity, slot + 1));
        RC_TRY(RC_GROW(generator->free_slots, generator->free_capacity, slot + 1));
        generator->session_slots++;
    }
    const uint64_t bits = rc_random_mix(generator->options->seed ^ rc_random_mix(ordinal));
    const uint32_t events = rc_plan_session_events(&generator->plan->users[user], bits >> 16);
    rc_visit_begin(&generator->sessions[slot], generator->vocabulary, generator->options->seed,
                   ordinal, user, events);
    generator->result.sessions++;
    return rc_heap_push(&generator->active, (struct rc_heap_entry){time_ms, ordinal, slot});
}

static int64_t
planned_ms(const struct generator *generator, uint64_t ordinal)
{
    if (ordinal == generator->plan->session_count)
        return INT64_MAX;
    return generator->options->start_ms +
           (int64_t)(generator->plan->sessions[ordinal] >> 32) * 1000;
}

static enum rc_status
stream(struct generator *generator, struct rc_error *reterr_error)
{
    uint64_t ordinal = 0;
    while (ordinal < generator->plan->session_count || generator->active.count > 0) {
        const int64_t begin_ms = planned_ms(generator, ordinal);
        if (generator->active.count == 0 || begin_ms < generator->active.entries[0].time_ms) {
            /* Anywhere within the planned second. */
            const int64_t first_ms = begin_ms + rc_random_below(&generator->random, 1000);
            RC_TRY_OR(reterr_error, session_start(generator, ordinal++, first_ms));
            continue;
        }
        const struct rc_heap_entry next = generator->active.entries[0];
        struct rc_visit *session = &generator->sessions[next.slot];
        RC_TRY(late_write(generator, next.time_ms, reterr_error));
        RC_TRY(event_write(generator, session, next.time_ms, reterr_error));
        if (session->events_left > 0) {
            rc_heap_delay_first(&generator->active, next.time_ms + rc_visit_gap_ms(session));
        } else {
            rc_heap_pop(&generator->active);
            generator->free_slots[generator->free_count++] = (uint32_t)next.slot;
        }
    }
    RC_TRY(late_write(generator, INT64_MAX, reterr_error));
    return flush(generator, reterr_error);
}

static void
generator_close(struct generator *generator)
{
    while (generator->late.count > 0)
        rc_alloc_free((void *)(uintptr_t)rc_heap_pop(&generator->late).slot);
    rc_heap_close(&generator->late);
    rc_heap_close(&generator->active);
    rc_alloc_free(generator->sessions);
    rc_alloc_free(generator->free_slots);
    rc_alloc_free(generator->buffer);
    rc_plan_free(generator->plan);
    rc_vocabulary_free(generator->vocabulary);
}

enum rc_status
rc_generate(const struct rc_generate_options *options,
            int descriptor,
            struct rc_generate_result *ret_result,
            struct rc_error *reterr_error)
{
    RC_TRY(options_check(options, reterr_error));
    struct rc_random key = rc_random_of(options->seed, STREAM_EVENT_KEY, 0);
    RC_CLEANUP(generator_close)
    struct generator generator = {.options = options,
                                  .random = rc_random_of(options->seed, STREAM_ARRIVAL, 0),
                                  .event_key = rc_random_next(&key),
                                  .descriptor = descriptor};
    RC_TRY(rc_plan_new(options, &generator.plan, reterr_error));
    generator.vocabulary = rc_vocabulary_new();
    generator.buffer = rc_alloc(BUFFER_BYTES + BUFFER_SPARE_BYTES);
    if (generator.vocabulary == NULL || generator.buffer == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the archive's vocabulary");
    RC_TRY(stream(&generator, reterr_error));
    RC_ASSERT(generator.result.events == options->events);
    RC_ASSERT(generator.result.signups == generator.plan->signup_count);
    if (ret_result != NULL)
        *ret_result = generator.result;
    return RC_OK;
}
