/*
 * Derivation: the small language in which people write derived properties.
 *
 *     url, parameter utm_source, lower
 *     price * quantity - discount, round 0.01
 *     event time, hour in "Europe/Berlin", map (0 = night, 1 = night) else day
 *
 * Ownership: messages belong to the arena.
 * Threading: one thread at a time.
 * Errors:    RC_INVALID with the place and one sentence; the server checks the rest.
 */
#ifndef RC_CLI_LANGUAGE_DERIVATION_H
#define RC_CLI_LANGUAGE_DERIVATION_H

#include <stdio.h>

#include "cli/language/expression_parser.h"
#include "recount/v1/property.pb-c.h"

/* Fills source and steps. */
RC_MUST_USE enum rc_status
rc_derivation_parse(struct rc_arena *arena,
                    const char *source,
                    Recount__V1__DerivedProperty *property,
                    struct rc_expression_error *error);

/* Takes arithmetic over properties, and leaves a single property as it is. */
RC_MUST_USE enum rc_status
rc_derivation_parse_formula(struct rc_parser *parser, Recount__V1__DerivedProperty *property);

/* A property where "event" would be read as the event's time. */
void
rc_derivation_print_source(FILE *out, const Recount__V1__PropertyRef *property);

void
rc_derivation_print_formula(FILE *out, const Recount__V1__PropertyFormula *formula);

/* Prints what reads back as the same source and steps. */
void
rc_derivation_print(FILE *out, const Recount__V1__DerivedProperty *property);

/* The words of the parts, by their numbers in the contract; NULL is the end. */
extern const char *const rc_url_part_words[];
extern const char *const rc_time_part_words[];
extern const char *const rc_arithmetic_words[];

#endif
