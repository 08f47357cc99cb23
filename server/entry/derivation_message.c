/* Derivation message. The engine's check runs here, so that what is wrong is named by its place. */
#include "server/entry/derivation_message.h"

#include "engine/base/limits.h"
#include "server/encode/encode.h"

/* ---- In -------------------------------------------------------------------------------------- */

static enum rc_status
decode_capture(struct rc_decode *decode,
               const Recount__V1__CaptureStep *in,
               struct rc_derive_step *step)
{
    (void)decode;
    *step = (struct rc_derive_step){.kind = RC_DERIVE_CAPTURE,
                                    .part = in->group,
                                    .ignore_case = in->case_insensitive != 0,
                                    .text = rc_bytes_of(in->regex)};
    return RC_OK;
}

static enum rc_status
decode_url(struct rc_decode *decode,
           const Recount__V1__UrlPartStep *in,
           struct rc_derive_step *step)
{
    const size_t mark = rc_decode_enter(decode, "url_part");
    step->kind = RC_DERIVE_URL;
    switch (in->kind_case) {
    case RECOUNT__V1__URL_PART_STEP__KIND_PART:
        if (in->part < RECOUNT__V1__URL_PART__URL_PART_SCHEME ||
            in->part > RECOUNT__V1__URL_PART__URL_PART_FRAGMENT)
            return rc_decode_fail(decode, RC_INVALID, "part", "the part is not set");
        step->part = (uint32_t)in->part;
        break;
    case RECOUNT__V1__URL_PART_STEP__KIND_PARAMETER:
        step->part = RC_URL_PARAMETER;
        step->text = rc_bytes_of(in->parameter);
        break;
    default:
        return rc_decode_fail(decode, RC_INVALID, "", "the part is not set");
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_pairs(struct rc_decode *decode, const Recount__V1__MapStep *in, struct rc_derive_step *step)
{
    struct rc_value *pairs = RC_ARENA_ARRAY(decode->arena, struct rc_value, 2 * in->n_entries);
    if (pairs == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_entries; i++) {
        const Recount__V1__MapEntry *entry = in->entries[i];
        const size_t mark = rc_decode_enter_item(decode, "entries", i);
        if (entry->from == NULL)
            return rc_decode_fail(decode, RC_INVALID, "from", "null is no value to map from");
        const size_t from = rc_decode_enter(decode, "from");
        RC_TRY(rc_decode_value(decode, entry->from, &pairs[2 * i]));
        rc_decode_leave(decode, from);
        (void)rc_decode_enter(decode, "to");
        if (entry->to != NULL && entry->to->kind_case != RECOUNT__V1__VALUE__KIND__NOT_SET)
            RC_TRY(rc_decode_value(decode, entry->to, &pairs[2 * i + 1]));
        rc_decode_leave(decode, mark);
    }
    step->pairs = pairs;
    step->pair_count = (uint32_t)in->n_entries;
    return RC_OK;
}

static enum rc_status
decode_map(struct rc_decode *decode, const Recount__V1__MapStep *in, struct rc_derive_step *step)
{
    const size_t mark = rc_decode_enter(decode, "map");
    step->kind = RC_DERIVE_MAP;
    step->part = RC_MAP_KEEP;
    if (in->n_entries > RC_DERIVE_PAIRS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "entries", "a map has at most %u entries",
                              RC_DERIVE_PAIRS_MAX);
    RC_TRY(decode_pairs(decode, in, step));
    if (in->rest_case == RECOUNT__V1__MAP_STEP__REST_NULL_REST) {
        step->part = RC_MAP_NULL;
    } else if (in->rest_case == RECOUNT__V1__MAP_STEP__REST_VALUE_REST) {
        (void)rc_decode_enter(decode, "value_rest");
        step->part = RC_MAP_VALUE;
        if (in->value_rest->kind_case != RECOUNT__V1__VALUE__KIND__NOT_SET)
            RC_TRY(rc_decode_value(decode, in->value_rest, &step->rest));
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_step(struct rc_decode *decode,
            const Recount__V1__DerivationStep *in,
            struct rc_derive_step *step)
{
    switch (in->kind_case) {
    case RECOUNT__V1__DERIVATION_STEP__KIND_CAPTURE:
        return decode_capture(decode, in->capture, step);
    case RECOUNT__V1__DERIVATION_STEP__KIND_NUMBER:
        step->kind = RC_DERIVE_NUMBER;
        return RC_OK;
    case RECOUNT__V1__DERIVATION_STEP__KIND_LOWER_CASE:
        step->kind = RC_DERIVE_LOWER;
        return RC_OK;
    case RECOUNT__V1__DERIVATION_STEP__KIND_URL_PART:
        return decode_url(decode, in->url_part, step);
    case RECOUNT__V1__DERIVATION_STEP__KIND_FOLD_IDS:
        step->kind = RC_DERIVE_FOLD_IDS;
        return RC_OK;
    case RECOUNT__V1__DERIVATION_STEP__KIND_MAP:
        return decode_map(decode, in->map, step);
    case RECOUNT__V1__DERIVATION_STEP__KIND_TIME_PART:
        step->kind = RC_DERIVE_TIME;
        step->part = (uint32_t)in->time_part->part;
        step->text = rc_bytes_of(in->time_part->time_zone);
        if (step->text.size == 0)
            step->text = RC_BYTES_LITERAL("UTC");
        return RC_OK;
    case RECOUNT__V1__DERIVATION_STEP__KIND_ARITHMETIC:
        step->kind = RC_DERIVE_ARITHMETIC;
        step->part = (uint32_t)in->arithmetic->operation;
        step->operand = in->arithmetic->operand;
        return RC_OK;
    default:
        return rc_decode_fail(decode, RC_INVALID, "", "the kind of step is not set");
    }
}

static enum rc_status
decode_property(struct rc_decode *decode,
                const Recount__V1__PropertyRef *in,
                struct rc_derivation *derivation)
{
    enum rc_leaf_scope scope;
    RC_TRY(rc_decode_property_here(decode, in, &scope, &derivation->property,
                                   &derivation->account_key));
    derivation->source = scope == RC_LEAF_USER      ? RC_DERIVATION_USER
                         : scope == RC_LEAF_ACCOUNT ? RC_DERIVATION_ACCOUNT
                                                    : RC_DERIVATION_EVENT;
    return RC_OK;
}

static enum rc_status
decode_formula(struct rc_decode *decode,
               const Recount__V1__PropertyFormula *in,
               struct rc_derivation *derivation)
{
    const size_t mark = rc_decode_enter(decode, "formula");
    if (in->n_properties > RC_DERIVE_OPERANDS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "properties", "%zu properties are more than %u",
                              in->n_properties, RC_DERIVE_OPERANDS_MAX);
    struct rc_derivation *operands =
        RC_ARENA_ARRAY(decode->arena, struct rc_derivation, in->n_properties);
    const struct rc_derivation **list =
        RC_ARENA_ARRAY(decode->arena, const struct rc_derivation *, in->n_properties);
    if (operands == NULL || list == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_properties; i++) {
        const size_t place = rc_decode_enter_item(decode, "properties", i);
        list[i] = &operands[i];
        RC_TRY(decode_property(decode, in->properties[i], &operands[i]));
        if (operands[i].source != operands[0].source ||
            !rc_bytes_equal(operands[i].account_key, operands[0].account_key))
            return rc_decode_fail(
                decode, RC_UNSUPPORTED, "",
                "a formula is over properties of one kind of thing, and this one "
                "is of another than the first: a user's or an account's is read "
                "as it is at as_of, an event's as it was sent, so what mixes them "
                "is no property of any");
        rc_decode_leave(decode, place);
    }
    derivation->source = RC_DERIVATION_FORMULA;
    derivation->formula = rc_bytes_of(in->expression);
    derivation->operand_count = (uint32_t)in->n_properties;
    derivation->operands = list;
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_source(struct rc_decode *decode,
              const Recount__V1__DerivedProperty *in,
              struct rc_derivation *derivation)
{
    switch (in->source_case) {
    case RECOUNT__V1__DERIVED_PROPERTY__SOURCE_PROPERTY: {
        const size_t mark = rc_decode_enter(decode, "property");
        RC_TRY(decode_property(decode, in->property, derivation));
        rc_decode_leave(decode, mark);
        return RC_OK;
    }
    case RECOUNT__V1__DERIVED_PROPERTY__SOURCE_EVENT_TIME:
        derivation->source = RC_DERIVATION_TIME;
        return RC_OK;
    case RECOUNT__V1__DERIVED_PROPERTY__SOURCE_FORMULA:
        return decode_formula(decode, in->formula, derivation);
    default:
        return rc_decode_fail(decode, RC_INVALID, "source", "the source is missing");
    }
}

enum rc_status
rc_decode_derivation(struct rc_decode *decode,
                     const Recount__V1__DerivedProperty *in,
                     const struct rc_derivation **ret_derivation)
{
    struct rc_derivation *derivation = rc_arena_zero(decode->arena, sizeof(*derivation));
    if (in->n_steps > RC_DERIVE_STEPS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "steps", "%zu steps are more than %u",
                              in->n_steps, RC_DERIVE_STEPS_MAX);
    struct rc_derive_step *steps =
        RC_ARENA_ARRAY(decode->arena, struct rc_derive_step, in->n_steps);
    if (derivation == NULL || steps == NULL)
        return rc_decode_no_memory(decode);
    RC_TRY(decode_source(decode, in, derivation));
    for (size_t i = 0; i < in->n_steps; i++) {
        const size_t mark = rc_decode_enter_item(decode, "steps", i);
        RC_TRY(decode_step(decode, in->steps[i], &steps[i]));
        rc_decode_leave(decode, mark);
    }
    derivation->steps = steps;
    derivation->step_count = (uint32_t)in->n_steps;
    struct rc_error error = {.status = RC_OK};
    const enum rc_status status = rc_derivation_check(derivation, &error);
    if (status != RC_OK)
        return rc_decode_fail(decode, status, error.field, "%s", error.message);
    *ret_derivation = derivation;
    return RC_OK;
}

/* ---- Out ------------------------------------------------------------------------------------- */

static enum rc_status
encode_map(struct rc_arena *arena, const struct rc_derive_step *step, Recount__V1__MapStep *out)
{
    RC_NEW_ARRAY(arena, out->entries, Recount__V1__MapEntry *, step->pair_count);
    out->n_entries = step->pair_count;
    for (uint32_t i = 0; i < step->pair_count; i++) {
        RC_NEW(arena, out->entries[i], recount__v1__map_entry__descriptor);
        RC_TRY(rc_encode_value(arena, step->pairs[2 * i], &out->entries[i]->from));
        RC_TRY(rc_encode_value(arena, step->pairs[2 * i + 1], &out->entries[i]->to));
    }
    if (step->part == RC_MAP_NULL) {
        out->rest_case = RECOUNT__V1__MAP_STEP__REST_NULL_REST;
        RC_NEW(arena, out->null_rest, recount__v1__null_rest__descriptor);
    } else if (step->part == RC_MAP_VALUE) {
        out->rest_case = RECOUNT__V1__MAP_STEP__REST_VALUE_REST;
        RC_TRY(rc_encode_value(arena, step->rest, &out->value_rest));
    }
    return RC_OK;
}

static enum rc_status
encode_url(struct rc_arena *arena, const struct rc_derive_step *step, Recount__V1__UrlPartStep *out)
{
    if (step->part == RC_URL_PARAMETER) {
        out->kind_case = RECOUNT__V1__URL_PART_STEP__KIND_PARAMETER;
        RC_NEW_TEXT(arena, out->parameter, step->text);
    } else {
        out->kind_case = RECOUNT__V1__URL_PART_STEP__KIND_PART;
        out->part = (Recount__V1__UrlPart)step->part;
    }
    return RC_OK;
}

static enum rc_status
encode_step(struct rc_arena *arena,
            const struct rc_derive_step *step,
            Recount__V1__DerivationStep *out)
{
    switch (step->kind) {
    case RC_DERIVE_CAPTURE:
        out->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_CAPTURE;
        RC_NEW(arena, out->capture, recount__v1__capture_step__descriptor);
        RC_NEW_TEXT(arena, out->capture->regex, step->text);
        out->capture->group = step->part;
        out->capture->case_insensitive = step->ignore_case;
        return RC_OK;
    case RC_DERIVE_NUMBER:
        out->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_NUMBER;
        RC_NEW(arena, out->number, recount__v1__number_step__descriptor);
        return RC_OK;
    case RC_DERIVE_LOWER:
        out->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_LOWER_CASE;
        RC_NEW(arena, out->lower_case, recount__v1__lower_case_step__descriptor);
        return RC_OK;
    case RC_DERIVE_URL:
        out->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_URL_PART;
        RC_NEW(arena, out->url_part, recount__v1__url_part_step__descriptor);
        return encode_url(arena, step, out->url_part);
    case RC_DERIVE_FOLD_IDS:
        out->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_FOLD_IDS;
        RC_NEW(arena, out->fold_ids, recount__v1__fold_ids_step__descriptor);
        return RC_OK;
    case RC_DERIVE_MAP:
        out->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_MAP;
        RC_NEW(arena, out->map, recount__v1__map_step__descriptor);
        return encode_map(arena, step, out->map);
    case RC_DERIVE_TIME:
        out->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_TIME_PART;
        RC_NEW(arena, out->time_part, recount__v1__time_part_step__descriptor);
        RC_NEW_TEXT(arena, out->time_part->time_zone, step->text);
        out->time_part->part = (Recount__V1__TimePart)step->part;
        return RC_OK;
    case RC_DERIVE_ARITHMETIC:
        out->kind_case = RECOUNT__V1__DERIVATION_STEP__KIND_ARITHMETIC;
        RC_NEW(arena, out->arithmetic, recount__v1__arithmetic_step__descriptor);
        out->arithmetic->operation = (Recount__V1__ArithmeticOperation)step->part;
        out->arithmetic->operand = step->operand;
        return RC_OK;
    }
    return RC_CORRUPT;
}

static enum rc_status
encode_property(struct rc_arena *arena,
                const struct rc_derivation *derivation,
                Recount__V1__PropertyRef **ret_property)
{
    const enum rc_leaf_scope scope = derivation->source == RC_DERIVATION_USER      ? RC_LEAF_USER
                                     : derivation->source == RC_DERIVATION_ACCOUNT ? RC_LEAF_ACCOUNT
                                                                                   : RC_LEAF_EVENT;
    RC_NEW(arena, *ret_property, recount__v1__property_ref__descriptor);
    return rc_encode_property_ref(arena, scope, derivation->property, derivation->account_key,
                                  *ret_property);
}

static enum rc_status
encode_formula(struct rc_arena *arena,
               const struct rc_derivation *derivation,
               Recount__V1__PropertyFormula *out)
{
    RC_NEW_TEXT(arena, out->expression, derivation->formula);
    RC_NEW_ARRAY(arena, out->properties, Recount__V1__PropertyRef *, derivation->operand_count);
    out->n_properties = derivation->operand_count;
    for (uint32_t i = 0; i < derivation->operand_count; i++)
        RC_TRY(encode_property(arena, derivation->operands[i], &out->properties[i]));
    return RC_OK;
}

enum rc_status
rc_encode_derivation(struct rc_arena *arena,
                     const struct rc_derivation *derivation,
                     Recount__V1__DerivedProperty *out)
{
    if (derivation->source == RC_DERIVATION_TIME) {
        out->source_case = RECOUNT__V1__DERIVED_PROPERTY__SOURCE_EVENT_TIME;
        RC_NEW(arena, out->event_time, recount__v1__event_time__descriptor);
    } else if (derivation->source == RC_DERIVATION_FORMULA) {
        out->source_case = RECOUNT__V1__DERIVED_PROPERTY__SOURCE_FORMULA;
        RC_NEW(arena, out->formula, recount__v1__property_formula__descriptor);
        RC_TRY(encode_formula(arena, derivation, out->formula));
    } else {
        out->source_case = RECOUNT__V1__DERIVED_PROPERTY__SOURCE_PROPERTY;
        RC_TRY(encode_property(arena, derivation, &out->property));
    }
    RC_NEW_ARRAY(arena, out->steps, Recount__V1__DerivationStep *, derivation->step_count);
    out->n_steps = derivation->step_count;
    for (uint32_t i = 0; i < derivation->step_count; i++) {
        RC_NEW(arena, out->steps[i], recount__v1__derivation_step__descriptor);
        RC_TRY(encode_step(arena, &derivation->steps[i], out->steps[i]));
    }
    return RC_OK;
}
