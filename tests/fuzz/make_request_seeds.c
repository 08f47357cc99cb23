/*
 * Seeds of the messages: make_request_seeds DIRECTORY. Trees are written in the language of the
 * command line, columnar batches by the loader.
 */
#include <recount/v1/funnel.pb-c.h>
#include <recount/v1/ingest.pb-c.h>
#include <recount/v1/series.pb-c.h>
#include <string.h>

#include "cli/language/expression.h"
#include "cli/session/message.h"
#include "loaders/pack.h"
#include "tests/fuzz/seeds.h"

#define PROJECT "projects/p"
#define START_MS ((int64_t)1700000000000)
#define LITERAL RC_BYTES_LITERAL

/* The order of the messages in fuzz_request.c. */
enum { PREDICATE = 0, SELECTOR = 1, RULE = 2, FILTER = 3 };

static const char *directory;

static const char *const predicates[] = {
    "type = click and element_chain ~ \"checkout\" and text = \"Confirm\"",
    "price >= 100 and not (country in (US, CA) or user.plan is not set)",
    "@signed-up or path like \"/welcome/%\" ignoring case",
    "price between 1.5 and 7 or name contains x or a starts with b or a ends with c",
};

static const char *const rules[] = {
    "user.plan = paid and count(@signed-in) > 4 in prior 7d and not did(type = refund)",
    "days(type = click) >= 2 from 2025-01-01 to 2025-02-01 or @saved",
    "not @saved@2",
};

static void
make_trees(struct rc_arena *arena)
{
    char name[32];
    struct rc_expression_error error;
    for (unsigned i = 0; i < sizeof(predicates) / sizeof(predicates[0]); i++) {
        Recount__V1__Predicate *predicate;
        Recount__V1__Selector *selector;
        FUZZ_CHECK(rc_expression_predicate(arena, PROJECT, predicates[i], &predicate, &error) ==
                   RC_OK);
        FUZZ_CHECK(rc_expression_selector(arena, PROJECT, predicates[i], &selector, &error) ==
                   RC_OK);
        snprintf(name, sizeof(name), "predicate-%u", i);
        seed_write(directory, "request", name, PREDICATE, rc_message_pack(arena, predicate));
        snprintf(name, sizeof(name), "selector-%u", i);
        seed_write(directory, "request", name, SELECTOR, rc_message_pack(arena, selector));
    }
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        Recount__V1__SegmentRule *rule;
        Recount__V1__SegmentFilter *filter;
        FUZZ_CHECK(rc_expression_rule(arena, PROJECT, rules[i], &rule, &error) == RC_OK);
        FUZZ_CHECK(rc_expression_filter(arena, PROJECT, rules[i], &filter, &error) == RC_OK);
        snprintf(name, sizeof(name), "rule-%u", i);
        seed_write(directory, "request", name, RULE, rc_message_pack(arena, rule));
        snprintf(name, sizeof(name), "filter-%u", i);
        seed_write(directory, "request", name, FILTER, rc_message_pack(arena, filter));
    }
}

static void
set_properties(struct rc_pack *pack, enum rc_pack_table table, uint32_t row)
{
    uint32_t column;
    FUZZ_CHECK(rc_pack_column_find(pack, table, LITERAL("type"), &column) == RC_OK);
    FUZZ_CHECK(rc_pack_column_set_text(&rc_pack_columns(pack, table)[column], row, row,
                                       LITERAL("click")) == RC_OK);
}

static void
make_ingest(struct rc_arena *arena)
{
    const struct rc_pack_id ids[] = {{.kind = RC_PACK_ID_INT, .number = 7},
                                     {.kind = RC_PACK_ID_TEXT, .text = LITERAL("x")}};
    for (int text_ids = 0; text_ids < 2; text_ids++) {
        struct rc_pack *pack = rc_pack_new();
        FUZZ_CHECK(pack != NULL);
        for (uint32_t i = 0; i < 4; i++) {
            FUZZ_CHECK(rc_pack_add_event(pack, i % 2 == 0 ? LITERAL("ann") : LITERAL("7"),
                                         START_MS + i, ids[text_ids]) == RC_OK);
            set_properties(pack, RC_PACK_EVENTS, i);
        }
        FUZZ_CHECK(rc_pack_add_user_write(pack, LITERAL("ann"), START_MS) == RC_OK);
        set_properties(pack, RC_PACK_USER_PROPERTIES, 0);
        FUZZ_CHECK(rc_pack_add_alias(pack, LITERAL("ann"), LITERAL("7")) == RC_OK);
        struct rc_bytes request;
        FUZZ_CHECK(rc_pack_request(pack, 1, &request) == RC_OK);
        const char *name = text_ids == 0 ? "int-ids" : "text-ids";
        seed_write(directory, "ingest", name, -1, request);
        Recount__V1__IngestRequest *message =
            recount__v1__ingest_request__unpack(NULL, request.size, (const uint8_t *)request.data);
        FUZZ_CHECK(message != NULL);
        seed_write(directory, "columnar", name, -1, rc_message_pack(arena, message->columnar));
        recount__v1__ingest_request__free_unpacked(message, NULL);
        rc_pack_free(pack);
    }
}

/* A seed of fuzz_cell.c: where the number is in the reply, and the request. */
static void
write_cell(struct rc_arena *arena,
           const char *name,
           int kind,
           struct rc_bytes place,
           const void *request)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    const struct rc_bytes packed = rc_message_pack(arena, request);
    rc_write_u8(&writer, (uint8_t)place.size);
    rc_write_raw(&writer, place.data, place.size);
    rc_write_raw(&writer, packed.data, packed.size);
    seed_write(directory, "cell", name, kind, fuzz_written(&writer));
}

static void
make_cells(struct rc_arena *arena)
{
    struct rc_expression_error error;
    Recount__V1__Selector *selector;
    Recount__V1__TimeRange range = RECOUNT__V1__TIME_RANGE__INIT;
    Recount__V1__Scope scope = RECOUNT__V1__SCOPE__INIT;
    FUZZ_CHECK(rc_expression_selector(arena, PROJECT, predicates[0], &selector, &error) == RC_OK);
    range.start_ms = START_MS;
    range.end_ms = START_MS + 1000;
    scope.project = (char *)PROJECT;
    scope.range = &range;
    FUZZ_CHECK(rc_expression_filter(arena, PROJECT, rules[0], &scope.segment, &error) == RC_OK);

    Recount__V1__SeriesRequest series = RECOUNT__V1__SERIES_REQUEST__INIT;
    Recount__V1__Series one = RECOUNT__V1__SERIES__INIT;
    Recount__V1__Series *const list[] = {&one};
    one.selector = selector;
    series.scope = &scope;
    series.n_series = 1;
    series.series = (Recount__V1__Series **)list;
    write_cell(arena, "series", 1, LITERAL("\x1a\x00"), &series);

    Recount__V1__FunnelRequest funnel = RECOUNT__V1__FUNNEL_REQUEST__INIT;
    Recount__V1__FunnelStep step = RECOUNT__V1__FUNNEL_STEP__INIT;
    Recount__V1__FunnelStep *const steps[] = {&step, &step};
    step.selector = selector;
    funnel.scope = &scope;
    funnel.n_steps = 2;
    funnel.steps = (Recount__V1__FunnelStep **)steps;
    write_cell(arena, "funnel", 2, LITERAL("\x3a\x02\x08\x01"), &funnel);
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_request_seeds DIRECTORY\n");
        return 2;
    }
    directory = argv[1];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    make_trees(arena);
    make_cells(arena);
    make_ingest(arena);
    return 0;
}
