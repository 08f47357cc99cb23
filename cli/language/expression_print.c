/* Expression print: trees. Parentheses stand where a weaker operator is inside a stronger one. */
#include "cli/language/expression_print.h"

#include <inttypes.h>

#include "cli/language/expression.h"
#include "cli/language/when.h"

/* How strongly a node binds. */
enum strength { STRENGTH_OR, STRENGTH_AND, STRENGTH_NOT };

static void
print_predicate(FILE *out, const Recount__V1__Predicate *predicate, enum strength around);

static void
print_predicates(FILE *out,
                 const Recount__V1__PredicateList *list,
                 const char *word,
                 enum strength strength,
                 enum strength around)
{
    fputs(strength < around ? "(" : "", out);
    for (size_t i = 0; i < list->n_predicates; i++) {
        fputs(i == 0 ? "" : word, out);
        print_predicate(out, list->predicates[i], (enum strength)(strength + 1));
    }
    fputs(strength < around ? ")" : "", out);
}

static void
print_predicate(FILE *out, const Recount__V1__Predicate *predicate, enum strength around)
{
    switch (predicate->kind_case) {
    case RECOUNT__V1__PREDICATE__KIND_ALL_OF:
        if (predicate->all_of->n_predicates == 0)
            fputs("any", out);
        else
            print_predicates(out, predicate->all_of, " and ", STRENGTH_AND, around);
        break;
    case RECOUNT__V1__PREDICATE__KIND_ANY_OF:
        if (predicate->any_of->n_predicates == 0)
            fputs("not any", out);
        else
            print_predicates(out, predicate->any_of, " or ", STRENGTH_OR, around);
        break;
    case RECOUNT__V1__PREDICATE__KIND_NEGATION:
        fputs("not ", out);
        print_predicate(out, predicate->negation, STRENGTH_NOT);
        break;
    case RECOUNT__V1__PREDICATE__KIND_LEAF:
        rc_expression_print_leaf(out, predicate->leaf);
        break;
    case RECOUNT__V1__PREDICATE__KIND_DEFINITION:
        rc_expression_print_reference(out, predicate->definition);
        break;
    default:
        fputs("?", out);
    }
}

void
rc_expression_print_predicate(FILE *out, const Recount__V1__Predicate *predicate)
{
    print_predicate(out, predicate, STRENGTH_OR);
}

static void
print_terms(FILE *out, const Recount__V1__Selector *selector)
{
    for (size_t i = 0; i < selector->n_terms; i++) {
        const Recount__V1__SelectorTerm *term = selector->terms[i];
        fputs(i == 0 ? "" : " or ", out);
        if (term->kind_case == RECOUNT__V1__SELECTOR_TERM__KIND_DEFINITION)
            rc_expression_print_reference(out, term->definition);
        else if (term->kind_case == RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE)
            print_predicate(out, term->predicate,
                            selector->n_terms == 1 ? STRENGTH_OR : STRENGTH_AND);
        else
            fputs("any", out);
    }
}

static void
print_selector(FILE *out, const Recount__V1__Selector *selector)
{
    const bool first = selector->occurrence_case != RECOUNT__V1__SELECTOR__OCCURRENCE__NOT_SET;
    if (first)
        fputs("first(", out);
    print_terms(out, selector);
    if (first)
        fputc(')', out);
    if (selector->occurrence_case == RECOUNT__V1__SELECTOR__OCCURRENCE_FIRST_THEN_FILTER) {
        fputs(" where ", out);
        print_predicate(out, selector->first_then_filter->filter, STRENGTH_OR);
    }
}

static void
print_duration(FILE *out, int64_t ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    size_t at = 0;
    while (ms % units[at].ms != 0)
        at++;
    fprintf(out, "%" PRId64 "%s", ms / units[at].ms, units[at].unit);
}

static void
print_window(FILE *out, const Recount__V1__BehaviorWindow *window)
{
    char from[RC_WHEN_TEXT_BYTES], to[RC_WHEN_TEXT_BYTES];
    if (window->kind_case == RECOUNT__V1__BEHAVIOR_WINDOW__KIND_ABSOLUTE) {
        fprintf(out, " from %s to %s",
                rc_when_write(from, window->absolute->start_ms, 0, RC_WHEN_RFC3339),
                rc_when_write(to, window->absolute->end_ms, 0, RC_WHEN_RFC3339));
    } else if (window->kind_case == RECOUNT__V1__BEHAVIOR_WINDOW__KIND_PRIOR_MS) {
        fputs(" in prior ", out);
        print_duration(out, window->prior_ms);
    }
}

static void
print_sequence(FILE *out, const Recount__V1__Sequence *sequence)
{
    for (size_t i = 0; i < sequence->n_steps; i++) {
        const Recount__V1__SequenceStep *step = sequence->steps[i];
        fputs(i == 0 ? "" : " then ", out);
        fputs(step->adjacent ? "next " : "", out);
        if (step->least_ms != 0) {
            fputs("after ", out);
            print_duration(out, step->least_ms);
            fputc(' ', out);
        }
        print_selector(out, step->selector);
    }
    if (sequence->optional_within_ms_case == RECOUNT__V1__SEQUENCE__OPTIONAL_WITHIN_MS_WITHIN_MS) {
        fputs(" within ", out);
        print_duration(out, sequence->within_ms);
    }
}

static void
print_subject(FILE *out, const Recount__V1__Behavior *behavior)
{
    const bool sum =
        behavior->measure == RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_PROPERTY_SUM;
    const bool days =
        behavior->measure == RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_DISTINCT_DAYS;
    const bool did = behavior->comparison == NULL &&
                     behavior->measure != RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_COUNT;
    if (behavior->subject_case == RECOUNT__V1__BEHAVIOR__SUBJECT_SEQUENCE) {
        fputs("sequence(", out);
        print_sequence(out, behavior->sequence);
    } else {
        fputs(sum ? "sum(" : days ? "days(" : did ? "did(" : "count(", out);
        if (sum) {
            rc_expression_print_name(out, behavior->property);
            fputs(", ", out);
        }
        print_selector(out, behavior->selector);
    }
    fputc(')', out);
}

static void
print_behavior(FILE *out, const Recount__V1__Behavior *behavior)
{
    static const char *const symbols[] = {"", "=", "!=", "<", "<=", ">", ">="};
    const Recount__V1__Comparison *comparison = behavior->comparison;
    print_subject(out, behavior);
    if (comparison != NULL && comparison->operation >= 1 && comparison->operation <= 6) {
        fprintf(out, " %s ", symbols[comparison->operation]);
        rc_expression_print_number(out, comparison->value);
    }
    if (behavior->window != NULL)
        print_window(out, behavior->window);
}

static void
print_rule(FILE *out, const Recount__V1__SegmentRule *rule, enum strength around)
{
    const bool is_or = rule->kind_case == RECOUNT__V1__SEGMENT_RULE__KIND_ANY_OF;
    const enum strength strength = is_or ? STRENGTH_OR : STRENGTH_AND;
    switch (rule->kind_case) {
    case RECOUNT__V1__SEGMENT_RULE__KIND_ALL_OF:
    case RECOUNT__V1__SEGMENT_RULE__KIND_ANY_OF:
        fputs(strength < around ? "(" : "", out);
        for (size_t i = 0; i < rule->all_of->n_rules; i++) {
            fputs(i == 0 ? "" : is_or ? " or " : " and ", out);
            print_rule(out, rule->all_of->rules[i], (enum strength)(strength + 1));
        }
        fputs(strength < around ? ")" : "", out);
        break;
    case RECOUNT__V1__SEGMENT_RULE__KIND_NEGATION:
        fputs("not ", out);
        print_rule(out, rule->negation, STRENGTH_NOT);
        break;
    case RECOUNT__V1__SEGMENT_RULE__KIND_USER_PROPERTY:
        rc_expression_print_leaf(out, rule->user_property);
        break;
    case RECOUNT__V1__SEGMENT_RULE__KIND_BEHAVIOR:
        print_behavior(out, rule->behavior);
        break;
    case RECOUNT__V1__SEGMENT_RULE__KIND_SEGMENT:
        rc_expression_print_reference(out, rule->segment);
        if (rule->segment_version != 0)
            fprintf(out, "@%" PRIu64, rule->segment_version);
        break;
    case RECOUNT__V1__SEGMENT_RULE__KIND_CELL:
        fputs("(users behind a number of an answer)", out);
        break;
    default:
        fputs("?", out);
    }
}

void
rc_expression_print_rule(FILE *out, const Recount__V1__SegmentRule *rule)
{
    print_rule(out, rule, STRENGTH_OR);
}
