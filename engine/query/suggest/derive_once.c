/* Derive once. A formula's operands are derived each, by as many formulas as resolving allows. */
#include "engine/query/suggest/derive_once.h"

#include <math.h>

#include "engine/base/formula.h"
#include "engine/base/limits.h"
#include "engine/match/derived/derive.h"
#include "engine/query/list/event_read.h"

struct once {
    struct rc_account *account;
    struct rc_value (*source_value)(const void *context, const struct rc_derivation *source);
    const void *context;
    struct rc_arena *arena;
};

static enum rc_status
derive(const struct once *once, const struct rc_derivation *derivation, struct rc_value *ret_value);

static enum rc_status
formula_value(const struct once *once,
              const struct rc_derivation *derivation,
              struct rc_value *ret_value)
{
    double figures[RC_DERIVE_OPERANDS_MAX];
    const struct rc_formula *formula;
    RC_TRY(rc_formula_parse(derivation->formula, "property", derivation->operand_count, once->arena,
                            &formula, NULL));
    for (uint32_t i = 0; i < derivation->operand_count; i++) {
        struct rc_value value;
        RC_TRY(derive(once, derivation->operands[i], &value));
        if (!rc_derive_number(value, &figures[i]))
            figures[i] = NAN;
    }
    if (rc_value_of_double(rc_formula_value(formula, figures), ret_value) != RC_OK)
        *ret_value = rc_value_null();
    return RC_OK;
}

static enum rc_status
derive(const struct once *once, const struct rc_derivation *derivation, struct rc_value *ret_value)
{
    RC_CLEANUP(rc_deriver_freep) struct rc_deriver *deriver = NULL;
    RC_CLEANUP(rc_derive_scratch_close) struct rc_derive_scratch scratch = {0};
    struct rc_value value;
    if (derivation->source == RC_DERIVATION_FORMULA)
        RC_TRY(formula_value(once, derivation, &value));
    else
        value = once->source_value(once->context, derivation);
    RC_TRY(rc_deriver_new(derivation, once->account, &deriver));
    RC_TRY(rc_derive(deriver, value, &scratch, &value));
    return rc_value_copy(once->arena, value, ret_value);
}

enum rc_status
rc_derive_once(const struct rc_derivation *derivation,
               struct rc_account *account,
               struct rc_value (*source_value)(const void *context,
                                               const struct rc_derivation *source),
               const void *context,
               struct rc_arena *arena,
               struct rc_value *ret_value)
{
    const struct once once = {
        .account = account, .source_value = source_value, .context = context, .arena = arena};
    return derive(&once, derivation, ret_value);
}
