/* Formula column, inside: shared by formula_column.c and formula_slab.c and nobody else. */
#ifndef RC_MATCH_DERIVED_FORMULA_FORM_H
#define RC_MATCH_DERIVED_FORMULA_FORM_H

#include "engine/base/alloc.h"
#include "engine/base/formula.h"
#include "engine/match/derived/derive.h"
#include "engine/match/derived/formula_column.h"

/* Values between two looks at the cancel flag: under a millisecond of regular expressions. */
#define RC_FORMULA_VALUES_BETWEEN_LOOKS 1024u

/* An operand, or the formula itself: a stored property, the time, or a formula over others. */
struct rc_formula_operand {
    const struct rc_derivation *derivation;
    struct rc_deriver *deriver; /* NULL: the value is read as it is. */
    uint32_t property;          /* Of a stored one; RC_PROPERTY_NONE: nothing carries it. */
    const struct rc_dictionary *dictionary;
    uint32_t known_count;
    _Atomic uint64_t *known;          /* By code of it: the number's bits; 0: not asked yet. */
    const struct rc_formula *formula; /* FORMULA; else NULL. */
    uint32_t operand_count;
    struct rc_formula_operand *operands;
};

struct rc_formula_column {
    struct rc_account *account;
    struct rc_arena *arena;
    struct rc_formula_operand root; /* Its own steps are who reads it's. */
    uint32_t parts;
    uint32_t property_count;
    uint32_t properties[RC_DERIVE_OPERANDS_MAX * RC_DERIVE_FORMULAS_MAX];
};

/* What a thread needs beside it. Zeroed but for account and cancel; close it. */
struct rc_formula_scratch {
    struct rc_account *account;
    const _Atomic(bool) *cancel;
    struct rc_arena *arena;
    struct rc_derive_scratch derive;
};

RC_MUST_USE enum rc_status
rc_formula_scratch_open(struct rc_formula_scratch *scratch);

void
rc_formula_scratch_close(struct rc_formula_scratch *scratch);

static inline bool
rc_formula_cancelled(const struct rc_formula_scratch *scratch)
{
    return scratch->cancel != NULL && atomic_load_explicit(scratch->cancel, memory_order_relaxed);
}

/* The number that an operand makes of a value of its source; NaN: none. */
RC_MUST_USE enum rc_status
rc_formula_number_of_value(const struct rc_formula_operand *operand,
                           struct rc_value value,
                           struct rc_formula_scratch *scratch,
                           double *ret_number);

/* The same of a cell. dictionary: of codes the property's, of texts the head's. */
RC_MUST_USE enum rc_status
rc_formula_number_of_cell(const struct rc_formula_operand *operand,
                          const struct rc_dictionary *dictionary,
                          rc_cell cell,
                          struct rc_formula_scratch *scratch,
                          double *ret_number);

/* A number, or NaN, as a cell. */
rc_cell
rc_formula_cell(double number);

#endif
