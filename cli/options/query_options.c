/* Query options: see query_options.h. */
#include "cli/options/query_options.h"

#include <stdlib.h>
#include <string.h>

#include "cli/language/expression.h"

const struct argp_child rc_query_children[] = {{&rc_scope_argp, 0, "Whose events, and when:", 70},
                                               {&rc_output_argp, 0, NULL, 80},
                                               {&rc_session_argp, 0, NULL, 90},
                                               {&rc_plan_argp, 0, "How it is run:", 75},
                                               {&rc_users_of_argp, 0, "Who is behind it:", 71},
                                               {0}};

void
rc_query_options_begin(struct rc_query_options *options)
{
    rc_session_begin(&options->session);
    options->top = -1;
}

void
rc_query_options_end(struct rc_query_options *options)
{
    rc_session_end(&options->session);
}

error_t
rc_query_options_parse(struct rc_query_options *options,
                       int key,
                       char *argument,
                       struct argp_state *state)
{
    char *end = NULL;
    long top = 0;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->scope;
        state->child_inputs[1] = &options->output;
        state->child_inputs[2] = &options->session;
        state->child_inputs[3] = &options->plan;
        state->child_inputs[4] = &options->users_of;
        return 0;
    case RC_QUERY_KEY_BY:
        options->by = argument;
        return 0;
    case RC_QUERY_KEY_TOP:
        top = strtol(argument, &end, 10);
        if (*argument == '\0' || *end != '\0' || top < 0 || top > 10000)
            argp_error(state, "--top takes a number from 0 to 10000");
        options->top = (int)top;
        return 0;
    case RC_QUERY_KEY_UNIT:
        if (!rc_options_units(argument, &options->unit, &options->unit_count))
            argp_error(state, "--unit takes second, minute, hour, day, week, month, quarter, year, "
                              "or several of one, as in \"3 days\"");
        return 0;
    case ARGP_KEY_ARG:
        rc_pointer_list_add(options->session.arena, &options->words, argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

Recount__V1__PropertyRef *
rc_query_options_property(struct rc_arena *arena, char *name)
{
    Recount__V1__PropertyRef *property =
        RC_MESSAGE(arena, Recount__V1__PropertyRef, recount__v1__property_ref);
    if (strncmp(name, "user.", 5) == 0) {
        property->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY;
        property->user_property = name + 5;
    } else if (strncmp(name, "account.", 8) != 0 ||
               !rc_expression_account(arena, name + 8, property)) {
        property->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_PROPERTY;
        property->event_property = strncmp(name, "event.", 6) == 0 ? name + 6 : name;
    }
    return property;
}

Recount__V1__Breakdown *
rc_query_options_breakdown(struct rc_query_options *options)
{
    struct rc_arena *arena = options->session.arena;
    if (options->by == NULL)
        return NULL;
    Recount__V1__BreakdownDimension *dimension =
        RC_MESSAGE(arena, Recount__V1__BreakdownDimension, recount__v1__breakdown_dimension);
    dimension->kind_case = RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_PROPERTY;
    dimension->property = rc_query_options_property(arena, (char *)options->by);
    Recount__V1__Breakdown *breakdown =
        RC_MESSAGE(arena, Recount__V1__Breakdown, recount__v1__breakdown);
    breakdown->n_dimensions = 1;
    breakdown->dimensions = rc_need(RC_ARENA_ARRAY(arena, Recount__V1__BreakdownDimension *, 1));
    breakdown->dimensions[0] = dimension;
    if (options->top >= 0) {
        breakdown->optional_top_case = RECOUNT__V1__BREAKDOWN__OPTIONAL_TOP_TOP;
        breakdown->top = (uint32_t)options->top;
    }
    return breakdown;
}

enum rc_exit_code
rc_query_options_selector(struct rc_query_options *options,
                          const char *source,
                          Recount__V1__Selector **ret_selector)
{
    struct rc_expression_error error;
    if (rc_expression_selector(options->session.arena, options->session.project, source,
                               ret_selector, &error) == RC_OK)
        return RC_EXIT_OK;
    rc_expression_error_print(stderr, source, &error);
    return RC_EXIT_USAGE;
}

Recount__V1__BucketSize *
rc_query_options_bucket(struct rc_query_options *options, const Recount__V1__Scope *scope)
{
    Recount__V1__BucketSize *bucket =
        RC_MESSAGE(options->session.arena, Recount__V1__BucketSize, recount__v1__bucket_size);
    if (options->unit == RECOUNT__V1__TIME_UNIT__TIME_UNIT_UNSPECIFIED)
        options->unit = rc_options_unit_for(scope->range);
    bucket->unit = options->unit;
    bucket->multiple = options->unit_count;
    return bucket;
}
