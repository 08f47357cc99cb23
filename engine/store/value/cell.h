/*
 * Cell: a value in 64 bits, as heads and slabs hold it. Numbers sit in the cell itself; strings,
 * lists and numbers that do not fit are codes: of the property's dictionary, or, when that was
 * full, of the texts of one head (view.h; a slab has texts instead, texts.h). So a session id or a
 * price never fills a dictionary, and two cells of one property in one place are the same value
 * when they are equal. A value has one cell as long as it is no text: a value may be there as a
 * code and, since the dictionary takes and drops values over time, also as a text.
 *
 *   bits 0..2  kind               bits 3..63
 *   0          null               0
 *   1          boolean            0 or 1
 *   2          integer            signed, -2^60 .. 2^60 - 1
 *   3          decimal            bits 3..6 scale s (1..15), bits 7..63 signed mantissa m,
 *                                 m % 10 != 0: the double nearest to m / 10^s (only if that is
 *                                 the value, bit for bit)
 *   4          dictionary         code, 32 bits
 *   5          text               code, 32 bits, of the head's texts of the property; in heads only
 *
 * Threading: pure functions, but for what they ask of the dictionary.
 */
#ifndef RC_STORE_VALUE_CELL_H
#define RC_STORE_VALUE_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/store/dictionary/dictionary.h"
#include "engine/store/value/value.h"

typedef uint64_t rc_cell;

enum rc_cell_kind {
    RC_CELL_NULL = 0,
    RC_CELL_BOOL = 1,
    RC_CELL_INT = 2,
    RC_CELL_DECIMAL = 3,
    RC_CELL_CODE = 4,
    RC_CELL_TEXT = 5,
};

static inline enum rc_cell_kind
rc_cell_kind_of(rc_cell cell)
{
    return (enum rc_cell_kind)(cell & 7);
}

static inline uint32_t
rc_cell_code(rc_cell cell)
{
    return (uint32_t)(cell >> 3);
}

static inline rc_cell
rc_cell_of_code(uint32_t code)
{
    return ((rc_cell)code << 3) | RC_CELL_CODE;
}

/* code: of the texts of the head that the cell is in. */
static inline rc_cell
rc_cell_of_text(uint32_t code)
{
    return ((rc_cell)code << 3) | RC_CELL_TEXT;
}

/* The cell of a value without a dictionary, or false: it needs a code. */
bool
rc_cell_inline(struct rc_value value, rc_cell *ret_cell);

/* The cell of a value; interns in dictionary what needs a code. Writer of the dictionary only. */
RC_MUST_USE enum rc_status
rc_cell_intern(struct rc_dictionary *dictionary, struct rc_value value, rc_cell *ret_cell);

/* The cell of a value if the dictionary has it; false when it lacks it (there may be texts of it).
 */
bool
rc_cell_find(const struct rc_dictionary *dictionary, struct rc_value value, rc_cell *ret_cell);

/* The value of a cell. Strings are borrowed from the dictionary. A list's item array comes from
 * arena (which may be NULL when the caller knows that there are none: a list then has item_count
 * but items is NULL). For a text, dictionary is rc_view_chunk_texts of the cell's chunk. */
RC_MUST_USE enum rc_status
rc_cell_value(const struct rc_dictionary *dictionary,
              rc_cell cell,
              struct rc_arena *arena,
              struct rc_value *ret_value);

/* Verifies that every key of a property's dictionary is a value that needs a code, once, in its one
 * form: for dictionaries that came from outside. RC_CORRUPT names the first that is not. O(bytes).
 */
RC_MUST_USE enum rc_status
rc_cell_check_dictionary(const struct rc_dictionary *dictionary, struct rc_error *reterr_error);

/* A number cell (integer or decimal) as double; false for any other kind. Dictionary numbers and
 * numeric strings are the business of the caller (see match/leaf/leaf.h). */
bool
rc_cell_real(rc_cell cell, double *ret_real);

#endif
