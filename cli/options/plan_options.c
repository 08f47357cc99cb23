/* Plan options: hints go into the request's scope, or into itself where it has none. */
#include "cli/options/plan_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options/cell_place.h"
#include "cli/options/query_options.h"
#include "cli/render/message_json.h"
#include "recount/v1/explain.pb-c.h"

enum key {
    KEY_EXPLAIN = 0x1500,
    KEY_ANALYZE,
    KEY_SLABS,
    KEY_PATH,
    KEY_NOT_PATH,
    KEY_THREADS,
    KEY_KEEP,
    KEY_FEED,
};

static const struct argp_option options[] = {
    {"explain", KEY_EXPLAIN, NULL, 0, "Print how it would be run, and do not run it", 1},
    {"analyze", KEY_ANALYZE, NULL, 0, "Run it, and print how, with what was expected beside", 1},
    {"slabs", KEY_SLABS, NULL, 0, "In a plan, list every slab too", 1},
    {"path", KEY_PATH, "[SELECTOR:]PATH", 0,
     "Find events by bitmap, postings, scan, scan-once or ruled-out; SELECTOR as plans name it", 1},
    {"no-path", KEY_NOT_PATH, "[SELECTOR:]PATH", 0, "Never so; may be given several times", 1},
    {"threads", KEY_THREADS, "N", 0, "On exactly so many threads", 1},
    {"keep", KEY_KEEP, "WHAT", 0, "Keep all bitmaps that are computed, or nothing", 1},
    {"feed", KEY_FEED, "WHAT", 0, "Count from events or from rows", 1},
    {0},
};

static Recount__V1__AccessPath
path_of(struct argp_state *state, const char *name)
{
    static const char *const names[] = {"scan", "bitmap", "postings", "scan-once", "ruled-out"};
    for (int i = 0; i < 5; i++)
        if (strcmp(name, names[i]) == 0)
            return (Recount__V1__AccessPath)(i + 1);
    argp_error(state, "a path is bitmap, postings, scan, scan-once or ruled-out");
    return RECOUNT__V1__ACCESS_PATH__ACCESS_PATH_UNSPECIFIED;
}

static void
add_path(struct rc_plan_options *plan, struct argp_state *state, char *argument, bool forbidden)
{
    if (plan->path_count == RC_PLAN_PATHS_MAX)
        argp_error(state, "at most %u paths", RC_PLAN_PATHS_MAX);
    char *colon = strrchr(argument, ':');
    if (colon != NULL)
        *colon = '\0';
    plan->paths[plan->path_count].selector = colon == NULL ? NULL : argument;
    plan->paths[plan->path_count].path = path_of(state, colon == NULL ? argument : colon + 1);
    plan->paths[plan->path_count++].forbidden = forbidden;
}

/* The place of a word among two, from 1. */
static int
either(struct argp_state *state, const char *option, const char *word, const char *a, const char *b)
{
    if (strcmp(word, a) != 0 && strcmp(word, b) != 0)
        argp_error(state, "--%s takes %s or %s", option, a, b);
    return strcmp(word, a) == 0 ? 1 : 2;
}

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct rc_plan_options *plan = state->input;
    char *end = NULL;
    long threads;
    switch (key) {
    case KEY_EXPLAIN:
        plan->explain = true;
        return 0;
    case KEY_ANALYZE:
        plan->analyze = true;
        return 0;
    case KEY_SLABS:
        plan->slabs = true;
        return 0;
    case KEY_PATH:
    case KEY_NOT_PATH:
        add_path(plan, state, argument, key == KEY_NOT_PATH);
        return 0;
    case KEY_THREADS:
        threads = strtol(argument, &end, 10);
        if (*argument == '\0' || *end != '\0' || threads < 1 || threads > 1024)
            argp_error(state, "--threads takes a number from 1 to 1024");
        plan->parallel = (uint32_t)threads;
        return 0;
    case KEY_KEEP:
        plan->cache = (Recount__V1__CacheHint)either(state, "keep", argument, "all", "nothing");
        return 0;
    case KEY_FEED:
        plan->feed = (Recount__V1__FeedHint)either(state, "feed", argument, "events", "rows");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp rc_plan_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

Recount__V1__QueryHints *
rc_plan_options_hints(const struct rc_plan_options *plan, struct rc_arena *arena)
{
    if (plan->path_count == 0 && plan->parallel == 0 && plan->cache == 0 && plan->feed == 0 &&
        !plan->analyze)
        return NULL;
    Recount__V1__QueryHints *hints =
        RC_MESSAGE(arena, Recount__V1__QueryHints, recount__v1__query_hints);
    hints->explain = plan->analyze;
    hints->parallel = plan->parallel;
    hints->cache = plan->cache;
    hints->feed = plan->feed;
    hints->forbidden_access_paths =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__AccessPath, plan->path_count + 1));
    hints->selectors =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__SelectorHint *, plan->path_count + 1));
    for (uint32_t i = 0; i < plan->path_count; i++) {
        const Recount__V1__AccessPath path = plan->paths[i].path;
        if (plan->paths[i].selector == NULL) {
            if (plan->paths[i].forbidden)
                hints->forbidden_access_paths[hints->n_forbidden_access_paths++] = path;
            else
                hints->access_path = path;
            continue;
        }
        Recount__V1__SelectorHint *hint =
            RC_MESSAGE(arena, Recount__V1__SelectorHint, recount__v1__selector_hint);
        hint->selector = plan->paths[i].selector;
        hint->forbidden_access_paths = rc_need(RC_ARENA_ARRAY(arena, Recount__V1__AccessPath, 1));
        if (plan->paths[i].forbidden)
            hint->forbidden_access_paths[hint->n_forbidden_access_paths++] = path;
        else
            hint->access_path = path;
        hints->selectors[hints->n_selectors++] = hint;
    }
    return hints;
}

/* The place of a field that holds a message; NULL: there is none of the name. */
static void *
message_field(ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    return field == NULL ? NULL : (char *)message + field->offset;
}

static void
put_hints(ProtobufCMessage *request, Recount__V1__QueryHints *hints)
{
    Recount__V1__Scope **scope = message_field(request, "scope");
    Recount__V1__QueryHints **own = message_field(request, "hints");
    if (scope != NULL && *scope != NULL)
        (*scope)->hints = hints;
    else if (own != NULL)
        *own = hints;
}

/* Asks for the plan of a request and prints it. */
static enum rc_exit_code
explain(struct rc_query_options *query, ProtobufCMessage *request)
{
    Recount__V1__ExplainRequest question = RECOUNT__V1__EXPLAIN_REQUEST__INIT;
    Recount__V1__ExplainResponse *reply = NULL;
    const ProtobufCMessageDescriptor *descriptor = question.base.descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (descriptor->fields[i].descriptor != request->descriptor)
            continue;
        question.query_case = (Recount__V1__ExplainRequest__QueryCase)descriptor->fields[i].id;
        question.funnel = (Recount__V1__FunnelRequest *)(void *)request; /* One place for all. */
    }
    question.analyze = query->plan.analyze;
    question.slabs = query->plan.slabs;
    const enum rc_exit_code code =
        rc_session_call(&query->session, "QueryService/Explain", &question,
                        &recount__v1__explain_response__descriptor, &reply);
    if (code != RC_EXIT_OK)
        return code;
    if (query->output.format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, &reply->base);
    else if (reply->plan != NULL)
        fputs(reply->plan->text, stdout);
    return RC_EXIT_EXPLAINED;
}

enum rc_exit_code
rc_query_call(struct rc_query_options *query,
              const char *method,
              void *request,
              const ProtobufCMessageDescriptor *reply_descriptor,
              void *ret_reply)
{
    Recount__V1__QueryHints *hints = rc_plan_options_hints(&query->plan, query->session.arena);
    if (hints != NULL)
        put_hints(request, hints);
    if (!rc_cell_place_has(reply_descriptor)) {
        const enum rc_exit_code refused = rc_users_of_refuse(query);
        if (refused != RC_EXIT_OK)
            return refused;
    }
    if (query->plan.explain || query->plan.analyze)
        return explain(query, request);
    const enum rc_exit_code code =
        rc_session_call(&query->session, method, request, reply_descriptor, ret_reply);
    return code == RC_EXIT_OK && rc_cell_place_has(reply_descriptor)
               ? rc_users_of(query, *(const ProtobufCMessage *const *)ret_reply)
               : code;
}
