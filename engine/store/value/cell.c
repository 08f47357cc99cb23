/*
 * Cell: values in 64 bits.
 *
 * A decimal is found by trying the scales upwards: m = d * 10^s rounded, kept when m / 10^s gives d
 * back. With |m| <= 2^53 and s <= 15 both are exact doubles, so the division is correctly rounded
 * and the test is exact; the least s that passes is unique, so that equal values have equal cells.
 * The keys in a property's dictionary are those of value_key.h.
 */
#include "engine/store/value/cell.h"

#include <math.h>

#include "engine/base/assert.h"
#include "engine/store/value/value_key.h"

#define SCALE_MAX 15
#define MANTISSA_MAX 9007199254740992.0 /* 2^53 */
#define INLINE_INT_MAX (((int64_t)1 << 60) - 1)
#define INLINE_INT_MIN (-((int64_t)1 << 60))

static const double powers_of_ten[SCALE_MAX + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static bool
inline_double(double real, rc_cell *ret_cell)
{
    for (unsigned scale = 1; scale <= SCALE_MAX; scale++) {
        const double mantissa = nearbyint(real * powers_of_ten[scale]);
        if (!(fabs(mantissa) <= MANTISSA_MAX))
            return false;
        if (mantissa == 0 || mantissa / powers_of_ten[scale] != real)
            continue;
        *ret_cell = ((rc_cell)(int64_t)mantissa << 7) | (rc_cell)(scale << 3) | RC_CELL_DECIMAL;
        return true;
    }
    return false;
}

bool
rc_cell_inline(struct rc_value value, rc_cell *ret_cell)
{
    switch (value.kind) {
    case RC_VALUE_NULL:
        *ret_cell = RC_CELL_NULL;
        return true;
    case RC_VALUE_BOOL:
        *ret_cell = ((rc_cell)(value.boolean ? 1 : 0) << 3) | RC_CELL_BOOL;
        return true;
    case RC_VALUE_INT:
        if (value.integer < INLINE_INT_MIN || value.integer > INLINE_INT_MAX)
            return false;
        *ret_cell = ((rc_cell)value.integer << 3) | RC_CELL_INT;
        return true;
    case RC_VALUE_DOUBLE:
        return inline_double(value.real, ret_cell);
    case RC_VALUE_STRING:
    case RC_VALUE_LIST:
        break;
    }
    return false;
}

enum rc_status
rc_cell_intern(struct rc_dictionary *dictionary, struct rc_value value, rc_cell *ret_cell)
{
    if (rc_cell_inline(value, ret_cell))
        return RC_OK;
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    const enum rc_status opened = rc_value_key_open(&key, value);
    RC_TRY(opened);
    uint32_t code;
    RC_TRY(rc_dictionary_intern(dictionary, key.bytes, &code));
    *ret_cell = rc_cell_of_code(code);
    return RC_OK;
}

bool
rc_cell_find(const struct rc_dictionary *dictionary, struct rc_value value, rc_cell *ret_cell)
{
    if (rc_cell_inline(value, ret_cell))
        return true;
    RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
    if (rc_value_key_open(&key, value) != RC_OK)
        return false;
    const uint32_t code = rc_dictionary_find(dictionary, key.bytes);
    if (code == RC_CODE_NONE)
        return false;
    *ret_cell = rc_cell_of_code(code);
    return true;
}

enum rc_status
rc_cell_check_dictionary(const struct rc_dictionary *dictionary, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to check a dictionary");
    const uint32_t count = rc_dictionary_count(dictionary);
    for (uint32_t code = 0; code < count; code++) {
        if (!rc_dictionary_has(dictionary, code))
            continue;
        const enum rc_status status =
            rc_value_key_check(rc_dictionary_key(dictionary, code), arena);
        if (status != RC_OK)
            return rc_error_set(reterr_error, status, "entry %u of a dictionary is no value", code);
        rc_arena_reset(arena);
    }
    return RC_OK;
}

static int64_t
decimal_mantissa(rc_cell cell)
{
    return (int64_t)cell >> 7;
}

static double
decimal_real(rc_cell cell)
{
    const unsigned scale = (unsigned)(cell >> 3) & SCALE_MAX;
    return (double)decimal_mantissa(cell) / powers_of_ten[scale];
}

enum rc_status
rc_cell_value(const struct rc_dictionary *dictionary,
              rc_cell cell,
              struct rc_arena *arena,
              struct rc_value *ret_value)
{
    switch (rc_cell_kind_of(cell)) {
    case RC_CELL_NULL:
        *ret_value = rc_value_null();
        return RC_OK;
    case RC_CELL_BOOL:
        *ret_value = rc_value_bool((cell >> 3) != 0);
        return RC_OK;
    case RC_CELL_INT:
        *ret_value = rc_value_int((int64_t)cell >> 3);
        return RC_OK;
    case RC_CELL_DECIMAL:
        *ret_value = (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = decimal_real(cell)};
        return RC_OK;
    case RC_CELL_CODE:
    case RC_CELL_TEXT:
        return rc_value_of_key(rc_dictionary_key(dictionary, rc_cell_code(cell)), arena, ret_value);
    }
    return RC_CORRUPT;
}

bool
rc_cell_real(rc_cell cell, double *ret_real)
{
    if (rc_cell_kind_of(cell) == RC_CELL_INT) {
        *ret_real = (double)((int64_t)cell >> 3);
        return true;
    }
    if (rc_cell_kind_of(cell) != RC_CELL_DECIMAL)
        return false;
    *ret_real = decimal_real(cell);
    return true;
}
