/* Expression print: the small writers that both printers use. Internal to expression_print*.c. */
#ifndef RC_CLI_LANGUAGE_EXPRESSION_PRINT_H
#define RC_CLI_LANGUAGE_EXPRESSION_PRINT_H

#include <stdio.h>

#include "recount/v1/predicate.pb-c.h"

/* A test of one property. */
void
rc_expression_print_leaf(FILE *out, const Recount__V1__Leaf *leaf);

/* The name of a property, in back quotes where it needs them. */
void
rc_expression_print_name(FILE *out, const char *name);

/* @ and the last part of a resource's name. */
void
rc_expression_print_reference(FILE *out, const char *name);

/* A number as short as it can be. */
void
rc_expression_print_number(FILE *out, double number);

/* A text in quotes, a value, a property as they are read back. */
void
rc_expression_print_quoted(FILE *out, const char *text, char quote);

void
rc_expression_print_value(FILE *out, const Recount__V1__Value *value);

void
rc_expression_print_property(FILE *out, const Recount__V1__PropertyRef *property);

#endif
