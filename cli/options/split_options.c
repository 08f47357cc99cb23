/* Split options: see split_options.h. */
#include "cli/options/split_options.h"

#include <stdlib.h>
#include <string.h>

#include "cli/language/expression.h"

error_t
rc_split_options_parse(struct rc_split_options *split,
                       struct rc_query_options *query,
                       int key,
                       char *argument,
                       struct argp_state *state)
{
    char *end = NULL;
    switch (key) {
    case RC_QUERY_KEY_BY:
        rc_pointer_list_add(query->session.arena, &split->properties, argument);
        return 0;
    case RC_SPLIT_KEY_COUNT:
        rc_pointer_list_add(query->session.arena, &split->counts, argument);
        return 0;
    case RC_SPLIT_KEY_SEGMENT:
        rc_pointer_list_add(query->session.arena, &split->segments, argument);
        return 0;
    case RC_SPLIT_KEY_BINS:
        split->bins = (unsigned)strtoul(argument, &end, 10);
        if (*argument == '\0' || *end != '\0' || split->bins == 0 || split->bins > 1000)
            argp_error(state, "--in-bins takes a number from 1 to 1000");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static Recount__V1__BreakdownDimension *
add_dimension(struct rc_arena *arena, Recount__V1__Breakdown *breakdown, unsigned bins)
{
    Recount__V1__BreakdownDimension *dimension =
        RC_MESSAGE(arena, Recount__V1__BreakdownDimension, recount__v1__breakdown_dimension);
    if (bins > 0) {
        dimension->bins = RC_MESSAGE(arena, Recount__V1__NumericBins, recount__v1__numeric_bins);
        dimension->bins->count = bins;
    }
    breakdown->dimensions[breakdown->n_dimensions++] = dimension;
    return dimension;
}

static void
add_property(struct rc_arena *arena, Recount__V1__Breakdown *breakdown, unsigned bins, char *name)
{
    Recount__V1__BreakdownDimension *dimension = add_dimension(arena, breakdown, bins);
    dimension->kind_case = RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_PROPERTY;
    dimension->property = rc_query_options_property(arena, name);
}

static enum rc_exit_code
add_count(struct rc_query_options *query,
          Recount__V1__Breakdown *breakdown,
          const struct rc_split_options *split,
          const char *source)
{
    struct rc_arena *arena = query->session.arena;
    Recount__V1__BreakdownDimension *dimension = add_dimension(arena, breakdown, split->bins);
    dimension->kind_case = RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_USER_COUNT;
    dimension->user_count = RC_MESSAGE(arena, Recount__V1__UserCount, recount__v1__user_count);
    return rc_query_options_selector(query, source, &dimension->user_count->selector);
}

/* All segments are one dimension. */
static enum rc_exit_code
add_segments(struct rc_query_options *query,
             Recount__V1__Breakdown *breakdown,
             const struct rc_split_options *split)
{
    struct rc_expression_error error;
    struct rc_arena *arena = query->session.arena;
    Recount__V1__BreakdownDimension *dimension = add_dimension(arena, breakdown, 0);
    Recount__V1__SegmentList *list =
        RC_MESSAGE(arena, Recount__V1__SegmentList, recount__v1__segment_list);
    dimension->kind_case = RECOUNT__V1__BREAKDOWN_DIMENSION__KIND_SEGMENTS;
    dimension->segments = list;
    list->segments =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__SegmentFilter *, split->segments.count));
    for (size_t i = 0; i < split->segments.count; i++) {
        const char *source = split->segments.items[i];
        if (rc_expression_filter(arena, query->session.project, source, &list->segments[i],
                                 &error) != RC_OK) {
            rc_expression_error_print(stderr, source, &error);
            return RC_EXIT_USAGE;
        }
        list->n_segments++;
    }
    return RC_EXIT_OK;
}

/* A breakdown with room for so many dimensions. */
static Recount__V1__Breakdown *
new_breakdown(struct rc_arena *arena, size_t count, int top)
{
    Recount__V1__Breakdown *breakdown =
        RC_MESSAGE(arena, Recount__V1__Breakdown, recount__v1__breakdown);
    breakdown->dimensions =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__BreakdownDimension *, count));
    if (top >= 0) {
        breakdown->optional_top_case = RECOUNT__V1__BREAKDOWN__OPTIONAL_TOP_TOP;
        breakdown->top = (uint32_t)top;
    }
    return breakdown;
}

Recount__V1__Breakdown *
rc_split_options_properties(struct rc_arena *arena, const struct rc_pointer_list *names, int top)
{
    if (names->count == 0)
        return NULL;
    Recount__V1__Breakdown *breakdown = new_breakdown(arena, names->count, top);
    for (size_t i = 0; i < names->count; i++)
        add_property(arena, breakdown, 0, names->items[i]);
    return breakdown;
}

enum rc_exit_code
rc_split_options_breakdown(struct rc_split_options *split,
                           struct rc_query_options *query,
                           Recount__V1__Breakdown **ret_breakdown)
{
    struct rc_arena *arena = query->session.arena;
    const size_t count =
        split->properties.count + split->counts.count + (split->segments.count > 0 ? 1 : 0);
    enum rc_exit_code code = RC_EXIT_OK;
    *ret_breakdown = NULL;
    if (count == 0)
        return RC_EXIT_OK;
    Recount__V1__Breakdown *breakdown = new_breakdown(arena, count, query->top);
    for (size_t i = 0; i < split->properties.count; i++)
        add_property(arena, breakdown, split->bins, split->properties.items[i]);
    for (size_t i = 0; i < split->counts.count && code == RC_EXIT_OK; i++)
        code = add_count(query, breakdown, split, split->counts.items[i]);
    if (split->segments.count > 0 && code == RC_EXIT_OK)
        code = add_segments(query, breakdown, split);
    *ret_breakdown = breakdown;
    return code;
}
