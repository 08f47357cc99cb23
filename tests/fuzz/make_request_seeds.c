/*
 * Seeds of the messages: make_request_seeds DIRECTORY. Trees are written in the language of the
 * command line, columnar batches by the loader.
 */
#include <recount/v1/ingest.pb-c.h>
#include <string.h>

#include "cli/expression.h"
#include "cli/message.h"
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
    make_ingest(arena);
    return 0;
}
