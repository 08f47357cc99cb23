/* Derivation, printing: what is printed reads back as the same source and steps. */
#include <string.h>
#include <strings.h>

#include "cli/language/derivation.h"
#include "cli/language/expression_print.h"

static const char *
word_of(const char *const *words, int number)
{
    for (int i = 0; words[i] != NULL; i++)
        if (i == number)
            return words[i];
    return "?";
}

static void
print_capture(FILE *out, const Recount__V1__CaptureStep *capture)
{
    fputs("capture ", out);
    rc_expression_print_quoted(out, capture->regex, '"');
    if (capture->group != 1)
        fprintf(out, " group %u", capture->group);
    fputs(capture->case_insensitive ? " ignoring case" : "", out);
}

static void
print_map(FILE *out, const Recount__V1__MapStep *map)
{
    fputs("map (", out);
    for (size_t i = 0; i < map->n_entries; i++) {
        const Recount__V1__MapEntry *entry = map->entries[i];
        fputs(i == 0 ? "" : ", ", out);
        rc_expression_print_value(out, entry->from);
        fputs(" = ", out);
        if (entry->to == NULL)
            fputs("null", out);
        else
            rc_expression_print_value(out, entry->to);
    }
    fputc(')', out);
    if (map->rest_case == RECOUNT__V1__MAP_STEP__REST_NULL_REST)
        fputs(" else null", out);
    if (map->rest_case != RECOUNT__V1__MAP_STEP__REST_VALUE_REST)
        return;
    fputs(" else ", out);
    rc_expression_print_value(out, map->value_rest);
}

static void
print_step(FILE *out, const Recount__V1__DerivationStep *step)
{
    switch (step->kind_case) {
    case RECOUNT__V1__DERIVATION_STEP__KIND_CAPTURE:
        print_capture(out, step->capture);
        break;
    case RECOUNT__V1__DERIVATION_STEP__KIND_NUMBER:
        fputs("number", out);
        break;
    case RECOUNT__V1__DERIVATION_STEP__KIND_LOWER_CASE:
        fputs("lower", out);
        break;
    case RECOUNT__V1__DERIVATION_STEP__KIND_URL_PART:
        if (step->url_part->kind_case == RECOUNT__V1__URL_PART_STEP__KIND_PARAMETER) {
            fputs("parameter ", out);
            rc_expression_print_quoted(out, step->url_part->parameter, '"');
        } else {
            fputs(word_of(rc_url_part_words, (int)step->url_part->part), out);
        }
        break;
    case RECOUNT__V1__DERIVATION_STEP__KIND_FOLD_IDS:
        fputs("fold ids", out);
        break;
    case RECOUNT__V1__DERIVATION_STEP__KIND_MAP:
        print_map(out, step->map);
        break;
    case RECOUNT__V1__DERIVATION_STEP__KIND_TIME_PART:
        fprintf(out, "%s in ", word_of(rc_time_part_words, (int)step->time_part->part));
        rc_expression_print_quoted(out, step->time_part->time_zone, '"');
        break;
    case RECOUNT__V1__DERIVATION_STEP__KIND_ARITHMETIC:
        fprintf(out, "%s ", word_of(rc_arithmetic_words, (int)step->arithmetic->operation));
        if (step->arithmetic->operation ==
            RECOUNT__V1__ARITHMETIC_OPERATION__ARITHMETIC_OPERATION_DIVIDE)
            fputs("by ", out);
        rc_expression_print_number(out, step->arithmetic->operand);
        break;
    default:
        fputs("?", out);
    }
}

void
rc_derivation_print_source(FILE *out, const Recount__V1__PropertyRef *property)
{
    if (property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_PROPERTY &&
        strcasecmp(property->event_property, "event") == 0)
        fputs("`event`", out);
    else
        rc_expression_print_property(out, property);
}

void
rc_derivation_print(FILE *out, const Recount__V1__DerivedProperty *property)
{
    if (property->source_case == RECOUNT__V1__DERIVED_PROPERTY__SOURCE_EVENT_TIME)
        fputs("event time", out);
    else if (property->source_case == RECOUNT__V1__DERIVED_PROPERTY__SOURCE_FORMULA)
        rc_derivation_print_formula(out, property->formula);
    else if (property->property != NULL)
        rc_derivation_print_source(out, property->property);
    for (size_t i = 0; i < property->n_steps; i++) {
        fputs(", ", out);
        print_step(out, property->steps[i]);
    }
}
