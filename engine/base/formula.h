/*
 * Formula: a small expression over things that have figures (series of a request, properties):
 * numbers, + - * /, a leading minus, parentheses, and the things by letter: A is the first, Z the
 * 26th, then AA, AB and so on.
 *
 * Ownership: lives in the arena given.
 * Threading: read-only once parsed.
 * Errors:    RC_INVALID says what is wrong and where; the field is the caller's business.
 */
#ifndef RC_BASE_FORMULA_H
#define RC_BASE_FORMULA_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

struct rc_formula;

/* noun: what has the letters, for errors ("series", "property"). operand_count: at most 32. */
RC_MUST_USE enum rc_status
rc_formula_parse(struct rc_bytes expression,
                 const char *noun,
                 uint32_t operand_count,
                 struct rc_arena *arena,
                 const struct rc_formula **ret_formula,
                 struct rc_error *reterr_error);

/* The things that it names, a bit each. */
uint32_t
rc_formula_operands(const struct rc_formula *formula);

/* The value for these figures of all things (those that it does not name are not read). NaN: there
 * is none, since an operand is NaN, a divisor is 0, or the result is too great for a double. */
double
rc_formula_value(const struct rc_formula *formula, const double *figures);

#endif
