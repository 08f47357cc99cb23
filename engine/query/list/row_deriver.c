/* Row deriver: a tree as the derivation is, a node for each formula and for each of its operands.
 * Resolving bounds how many there are. */
#include "engine/query/list/row_deriver.h"

#include <math.h>

#include "engine/base/formula.h"
#include "engine/base/limits.h"
#include "engine/match/derived/derive.h"
#include "engine/query/list/event_read.h"

struct rc_row_deriver {
    struct rc_account *account;
    const struct rc_derivation *derivation;
    struct rc_deriver *steps;
    struct rc_derive_scratch scratch;
    const struct rc_formula *formula; /* NULL: it begins with a property or the time. */
    uint32_t operand_count;           /* Counts finished ones only. */
    struct rc_row_deriver *operands[RC_DERIVE_OPERANDS_MAX];
};

struct rc_row_deriver *
rc_row_deriver_free(struct rc_row_deriver *deriver)
{
    if (deriver == NULL)
        return NULL;
    for (uint32_t i = 0; i < deriver->operand_count; i++)
        rc_row_deriver_free(deriver->operands[i]);
    rc_deriver_free(deriver->steps);
    rc_derive_scratch_close(&deriver->scratch);
    return rc_alloc_free(deriver);
}

static enum rc_status
open_formula(struct rc_row_deriver *deriver, struct rc_arena *arena)
{
    const struct rc_derivation *derivation = deriver->derivation;
    RC_TRY(rc_formula_parse(derivation->formula, "property", derivation->operand_count, arena,
                            &deriver->formula, NULL));
    for (uint32_t i = 0; i < derivation->operand_count; i++) {
        RC_TRY(rc_row_deriver_new(derivation->operands[i], deriver->account, arena,
                                  &deriver->operands[i]));
        deriver->operand_count++;
    }
    return RC_OK;
}

enum rc_status
rc_row_deriver_new(const struct rc_derivation *derivation,
                   struct rc_account *account,
                   struct rc_arena *arena,
                   struct rc_row_deriver **ret_deriver)
{
    RC_CLEANUP(rc_row_deriver_freep)
    struct rc_row_deriver *deriver = rc_alloc_in(account, sizeof(*deriver));
    if (deriver == NULL)
        return RC_NO_MEMORY;
    *deriver = (struct rc_row_deriver){.account = account, .derivation = derivation};
    RC_TRY(rc_deriver_new(derivation, account, &deriver->steps));
    if (derivation->source == RC_DERIVATION_FORMULA)
        RC_TRY(open_formula(deriver, arena));
    *ret_deriver = RC_TAKE(deriver);
    return RC_OK;
}

static enum rc_status
formula_value(struct rc_row_deriver *deriver,
              rc_row_source source,
              const void *context,
              struct rc_arena *arena,
              struct rc_value *ret_value)
{
    double figures[RC_DERIVE_OPERANDS_MAX];
    for (uint32_t i = 0; i < deriver->operand_count; i++) {
        struct rc_value value;
        RC_TRY(rc_row_derive(deriver->operands[i], source, context, arena, &value));
        if (!rc_derive_number(value, &figures[i]))
            figures[i] = NAN;
    }
    if (rc_value_of_double(rc_formula_value(deriver->formula, figures), ret_value) != RC_OK)
        *ret_value = rc_value_null();
    return RC_OK;
}

enum rc_status
rc_row_derive(struct rc_row_deriver *deriver,
              rc_row_source source,
              const void *context,
              struct rc_arena *arena,
              struct rc_value *ret_value)
{
    struct rc_value value;
    RC_TRY(deriver->formula != NULL ? formula_value(deriver, source, context, arena, &value)
                                    : source(context, deriver->derivation, arena, &value));
    RC_TRY(rc_derive(deriver->steps, value, &deriver->scratch, &value));
    return rc_value_copy(arena, value, ret_value);
}
