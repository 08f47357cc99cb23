/*
 * The twin keeps a plain array of live events: an event that is sent again overwrites its slot.
 * It compares user by user, both sides sorted the same way.
 */
#include "tests/face/engine_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/face/engine_rig_texts.h"

void
rig_twin_open(struct rig_twin *twin)
{
    *twin = (struct rig_twin){0};
    for (uint32_t i = 0; i < RIG_USERS; i++) {
        twin->person[i] = i;
        twin->plan_times_ms[i] = INT64_MIN;
    }
}

void
rig_twin_close(struct rig_twin *twin)
{
    free(twin->events);
    twin->events = NULL;
}

static bool
twin_replace(struct rig_twin *twin, const struct rig_event *event)
{
    for (size_t i = 0; event->id != 0 && i < twin->event_count; i++) {
        if (twin->events[i].user != event->user || twin->events[i].id != event->id)
            continue;
        twin->events[i] = *event;
        return true;
    }
    return false;
}

uint64_t
rig_twin_apply(struct rig_twin *twin, const struct rig_content *content)
{
    uint64_t replaced = 0;
    for (uint32_t i = 0; i < content->event_count; i++) {
        if (twin_replace(twin, &content->events[i])) {
            replaced++;
            continue;
        }
        if (twin->event_count == twin->event_capacity) {
            twin->event_capacity = twin->event_capacity * 2 + 64;
            twin->events = realloc(twin->events, twin->event_capacity * sizeof(twin->events[0]));
            assert_non_null(twin->events);
        }
        twin->events[twin->event_count++] = content->events[i];
    }
    for (uint32_t i = 0; i < content->write_count; i++) {
        const struct rig_write *write = &content->writes[i];
        if (write->time_ms < twin->plan_times_ms[write->user])
            continue;
        twin->plan_times_ms[write->user] = write->time_ms;
        twin->plans[write->user] = write->plan;
    }
    for (uint32_t i = 0; i < content->alias_count; i++) {
        const uint32_t from = twin->person[content->aliases[i][0]];
        const uint32_t to = twin->person[content->aliases[i][1]];
        for (uint32_t user = 0; user < RIG_USERS; user++)
            if (twin->person[user] == from)
                twin->person[user] = to;
    }
    return replaced;
}

/* ---- comparing ---- */

static int
compare_events(const void *a, const void *b)
{
    const struct rig_event *x = a;
    const struct rig_event *y = b;
    if (x->amount != y->amount)
        return x->amount < y->amount ? -1 : 1;
    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

static uint32_t
number_behind(struct rc_bytes text, const char *prefix)
{
    const size_t size = strlen(prefix);
    assert_true(text.size > size && memcmp(text.data, prefix, size) == 0);
    char digits[16] = {0};
    assert_true(text.size - size < sizeof(digits));
    memcpy(digits, text.data + size, text.size - size);
    return (uint32_t)strtoul(digits, NULL, 10);
}

static struct rig_event
event_of(const struct rc_event *event)
{
    struct rig_event result = {
        .time_ms = event->place.time_ms,
        .user = number_behind(event->place.user_id, "user-"),
    };
    const struct rc_bytes id = event->place.event_id;
    if (id.data[0] == 'e')
        result.id = number_behind(id, "event-");
    else if (id.data[0] != '~')
        result.id = number_behind(id, "");
    uint32_t note = 0;
    assert_int_equal(event->property_count, result.id == 0 ? 2 : 3);
    for (uint32_t i = 0; i < event->property_count; i++) {
        const struct rc_event_property *property = &event->properties[i];
        if (rc_bytes_equal(property->name, RC_BYTES_LITERAL("kind")))
            result.kind = number_behind(property->value.string, "kind-");
        else if (rc_bytes_equal(property->name, RC_BYTES_LITERAL("note")))
            note = number_behind(property->value.string, RIG_NOTE);
        else
            result.amount = property->value.integer;
    }
    assert_true(result.id == 0 || note == (uint32_t)result.amount);
    return result;
}

static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};

static uint32_t
plan_of(const struct rc_events_reply *reply)
{
    for (uint32_t i = 0; i < reply->user_property_count; i++)
        if (reply->user_properties[i].value.kind == RC_VALUE_STRING)
            return number_behind(reply->user_properties[i].value.string, "plan-");
    return 0;
}

/* The plan of a person: the latest write of any joined user; with equal times any may stand. */
static bool
plan_is_possible(const struct rig_twin *twin, uint32_t user, uint32_t plan)
{
    int64_t latest = INT64_MIN;
    for (uint32_t i = 0; i < RIG_USERS; i++)
        if (twin->person[i] == twin->person[user] && twin->plan_times_ms[i] > latest)
            latest = twin->plan_times_ms[i];
    for (uint32_t i = 0; i < RIG_USERS; i++)
        if (twin->person[i] == twin->person[user] && twin->plan_times_ms[i] == latest &&
            twin->plans[i] == plan)
            return true;
    return false;
}

static void
expect_events(const struct rig_event *expected,
              uint32_t expected_count,
              const struct rc_events_reply *reply,
              uint32_t user)
{
    struct rig_event *got = calloc(reply->event_count + 1, sizeof(got[0]));
    assert_non_null(got);
    for (uint32_t i = 0; i < reply->event_count; i++)
        got[i] = event_of(&reply->events[i]);
    qsort(got, reply->event_count, sizeof(got[0]), compare_events);
    for (uint32_t i = 0; i < expected_count && i < reply->event_count; i++) {
        const bool same = got[i].user == expected[i].user && got[i].id == expected[i].id &&
                          got[i].kind == expected[i].kind &&
                          got[i].time_ms == expected[i].time_ms &&
                          got[i].amount == expected[i].amount;
        if (!same)
            fail_msg("user %u, event %u: got id %u amount %lld time %lld, expected id %u amount "
                     "%lld time %lld",
                     user, i, got[i].id, (long long)got[i].amount, (long long)got[i].time_ms,
                     expected[i].id, (long long)expected[i].amount, (long long)expected[i].time_ms);
    }
    if (reply->event_count != expected_count)
        fail_msg("user %u has %u events, expected %u", user, reply->event_count, expected_count);
    free(got);
}

static void
expect_user(const struct rig_twin *twin,
            const struct rc_query_context *context,
            uint32_t user,
            struct rig_event *scratch)
{
    uint32_t count = 0;
    for (size_t i = 0; i < twin->event_count; i++)
        if (twin->person[twin->events[i].user] == twin->person[user])
            scratch[count++] = twin->events[i];
    qsort(scratch, count, sizeof(scratch[0]), compare_events);
    const struct rc_events_request request = {
        .scope = rig_whole_scope(),
        .user_id = rig_user_text(context->arena, user),
        .selector = &any,
        .page_rows = RC_PAGE_ROWS_MAX,
    };
    struct rc_events_reply reply = {0};
    struct rc_error error = {0};
    const enum rc_status status = rc_query_events(context, &request, &reply, &error);
    if (status == RC_NOT_FOUND && count == 0)
        return;
    if (status != RC_OK)
        fail_msg("the events of user %u: %s", user, error.message);
    assert_false(reply.more);
    expect_events(scratch, count, &reply, user);
    if (!plan_is_possible(twin, user, plan_of(&reply)))
        fail_msg("user %u has plan %u", user, plan_of(&reply));
}

void
rig_twin_expect(const struct rig_twin *twin, struct rc_engine *engine, const char *project)
{
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    struct rc_error error = {0};
    if (rc_engine_begin_query(engine, rc_bytes_of(project), NULL, 0, &session, &error) != RC_OK)
        fail_msg("no query: %s", error.message);
    struct rig_event *scratch = calloc(twin->event_count + 1, sizeof(scratch[0]));
    assert_non_null(scratch);
    for (uint32_t user = 0; user < RIG_USERS; user++)
        expect_user(twin, rc_query_session_context(session), user, scratch);
    free(scratch);
    session = rc_query_session_end(session);
    double per_kind[4] = {0};
    bool active[RIG_USERS] = {false};
    double persons = 0;
    for (size_t i = 0; i < twin->event_count; i++) {
        const uint32_t person = twin->person[twin->events[i].user];
        per_kind[twin->events[i].kind]++;
        persons += !active[person];
        active[person] = true;
    }
    for (uint32_t kind = 0; kind < 4; kind++)
        assert_true(rig_measure(engine, project, RC_MEASURE_COUNT, kind) == per_kind[kind]);
    assert_true(rig_measure(engine, project, RC_MEASURE_UNIQUE, UINT32_MAX) == persons);
    struct rc_project_stats stats;
    assert_int_equal(rc_engine_project_stats(engine, rc_bytes_of(project), &stats, NULL), RC_OK);
    assert_int_equal(stats.events, twin->event_count);
}
