/*
 * Text values: what the text of a CSV field, a log or a dump means as a value.
 *
 * Threading: no state.
 */
#ifndef RC_LOADERS_TEXT_VALUE_H
#define RC_LOADERS_TEXT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "loaders/field.h"
#include "loaders/mapping.h"

/*
 * Converts a text in place; other values stay as they are.
 *
 * auto     a text that is exactly how a number would be printed becomes that number (42, -7, 35.79,
 * but not 042, 1e3 or 35.70), so nothing is lost; any other stays. text     stays. number   any
 * JSON number. boolean: true, false, t, f, yes, no, 1, 0.
 *
 * false: the text is not of the wanted type.
 */
bool
rc_text_value_convert(struct rc_field_value *value, enum rc_mapping_type type);

/* Whether a text is the decimal form of an unsigned 64-bit number, without leading zeros. */
bool
rc_text_is_unsigned(struct rc_bytes text, uint64_t *ret_number);

#endif
