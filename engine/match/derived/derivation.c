/*
 * Derivation, stored: source (a byte), property (varint size, bytes), of ACCOUNT its key (the
 * same), of FORMULA the formula (the same), varint count of operands and each as a derivation;
 * varint count of steps, and of each its kind, part and ignore_case (a byte, a varint, a byte),
 * text (varint size, bytes), operand (8 bytes), varint count of pairs, two values for each, and the
 * rest (a value).
 */
#include "engine/match/derived/derivation.h"

#include <math.h>

#include "engine/base/formula.h"
#include "engine/base/limits.h"
#include "engine/match/leaf/pattern.h"
#include "engine/match/zone.h"

static const char *
step_name(enum rc_derive_kind kind)
{
    static const char *const names[] = {
        [RC_DERIVE_CAPTURE] = "capture",   [RC_DERIVE_NUMBER] = "number",
        [RC_DERIVE_LOWER] = "lower_case",  [RC_DERIVE_URL] = "url_part",
        [RC_DERIVE_FOLD_IDS] = "fold_ids", [RC_DERIVE_MAP] = "map",
        [RC_DERIVE_TIME] = "time_part",    [RC_DERIVE_ARITHMETIC] = "arithmetic",
    };
    return kind >= RC_DERIVE_CAPTURE && kind <= RC_DERIVE_ARITHMETIC ? names[kind] : "";
}

static enum rc_status
check_capture(const struct rc_derive_step *step, struct rc_error *reterr_error)
{
    struct rc_pattern *pattern = NULL;
    if (step->text.size > RC_PATTERN_BYTES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "regex",
                              "the expression has %zu bytes, more than %u", step->text.size,
                              RC_PATTERN_BYTES_MAX);
    enum rc_status status =
        rc_pattern_new(step->text.data, step->text.size, step->ignore_case, &pattern, reterr_error);
    if (status == RC_OK && step->part > rc_pattern_group_count(pattern))
        status = rc_error_field(reterr_error, RC_INVALID, "group",
                                "the expression has %u groups; there is no group %u",
                                rc_pattern_group_count(pattern), step->part);
    else if (status != RC_OK)
        rc_error_prefix(reterr_error, "regex");
    rc_pattern_free(pattern);
    return status;
}

static enum rc_status
check_map(const struct rc_derive_step *step, struct rc_error *reterr_error)
{
    if (step->pair_count == 0)
        return rc_error_field(reterr_error, RC_INVALID, "entries", "the map is empty");
    if (step->pair_count > RC_DERIVE_PAIRS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "entries",
                              "a map has at most %u entries", RC_DERIVE_PAIRS_MAX);
    for (uint32_t i = 0; i < 2 * step->pair_count; i++) {
        const struct rc_value value = step->pairs[i];
        const bool to = i % 2 == 1;
        if (value.kind == RC_VALUE_LIST || (value.kind == RC_VALUE_NULL && !to))
            return rc_error_field(
                reterr_error, RC_INVALID, "entries", "entry %u: a %s is no value to map %s", i / 2,
                value.kind == RC_VALUE_LIST ? "list" : "null", to ? "to" : "from");
        if (value.kind == RC_VALUE_STRING &&
            (value.string.size > RC_VALUE_BYTES_MAX || !rc_bytes_is_text(value.string)))
            return rc_error_field(reterr_error, RC_INVALID, "entries",
                                  "entry %u: a text is UTF-8 of at most %u bytes", i / 2,
                                  RC_VALUE_BYTES_MAX);
    }
    if (step->part < RC_MAP_KEEP || step->part > RC_MAP_VALUE || step->rest.kind == RC_VALUE_LIST)
        return rc_error_field(reterr_error, RC_INVALID, "rest", "a list is no value to map to");
    return RC_OK;
}

static enum rc_status
check_step(const struct rc_derive_step *step, struct rc_error *reterr_error)
{
    struct rc_zone zone;
    switch (step->kind) {
    case RC_DERIVE_CAPTURE:
        return check_capture(step, reterr_error);
    case RC_DERIVE_NUMBER:
    case RC_DERIVE_LOWER:
    case RC_DERIVE_FOLD_IDS:
        return RC_OK;
    case RC_DERIVE_URL:
        if (step->part < RC_URL_SCHEME || step->part > RC_URL_PARAMETER)
            return rc_error_field(reterr_error, RC_INVALID, "part", "the part is not set");
        if (step->part == RC_URL_PARAMETER &&
            (step->text.size == 0 || step->text.size > RC_PROPERTY_NAME_BYTES_MAX))
            return rc_error_field(reterr_error, RC_INVALID, "parameter",
                                  "a parameter's name has 1 to %u bytes",
                                  RC_PROPERTY_NAME_BYTES_MAX);
        return RC_OK;
    case RC_DERIVE_MAP:
        return check_map(step, reterr_error);
    case RC_DERIVE_TIME:
        if (step->part < RC_TIME_YEAR || step->part > RC_TIME_MINUTE)
            return rc_error_field(reterr_error, RC_INVALID, "part", "the part is not set");
        if (!rc_zone_load(step->text.data, step->text.size, &zone))
            return rc_error_field(
                reterr_error, RC_INVALID, "time_zone", "there is no time zone \"%.*s\"",
                (int)(step->text.size < 100 ? step->text.size : 100), step->text.data);
        return RC_OK;
    case RC_DERIVE_ARITHMETIC:
        if (step->part < RC_ARITHMETIC_ADD || step->part > RC_ARITHMETIC_ROUND)
            return rc_error_field(reterr_error, RC_INVALID, "operation",
                                  "the operation is not set");
        if (!isfinite(step->operand))
            return rc_error_field(reterr_error, RC_INVALID, "operand",
                                  "NaN and infinities are no numbers");
        if (step->part >= RC_ARITHMETIC_DIVIDE && step->operand == 0)
            return rc_error_field(reterr_error, RC_INVALID, "operand", "the operand is 0");
        return RC_OK;
    }
    return rc_error_field(reterr_error, RC_INVALID, "", "the kind of step is not set");
}

static bool
is_property_name(struct rc_bytes name)
{
    return name.size > 0 && name.size <= RC_PROPERTY_NAME_BYTES_MAX && rc_bytes_is_text(name);
}

/* Whether all operands are properties, as they are stored, of one kind of thing. */
static enum rc_status
check_operands(const struct rc_derivation *derivation, struct rc_error *reterr_error)
{
    char field[32];
    for (uint32_t i = 0; i < derivation->operand_count; i++) {
        const struct rc_derivation *first = derivation->operands[0];
        const struct rc_derivation *operand = derivation->operands[i];
        rc_error_item(field, sizeof(field), "properties", i, "");
        if (operand->source == RC_DERIVATION_TIME || operand->source == RC_DERIVATION_FORMULA ||
            operand->step_count > 0)
            return rc_error_field(reterr_error, RC_INVALID, field, "an operand is a property");
        if (rc_derivation_check(operand, NULL) != RC_OK)
            return rc_error_field(reterr_error, RC_INVALID, field,
                                  "a property's name is UTF-8 of 1 to %u bytes",
                                  RC_PROPERTY_NAME_BYTES_MAX);
        if (operand->source != first->source ||
            !rc_bytes_equal(operand->account_key, first->account_key))
            return rc_error_field(reterr_error, RC_INVALID, field,
                                  "the properties are neither all of events, nor all of users, "
                                  "nor all of accounts of one key");
    }
    return RC_OK;
}

static enum rc_status
check_formula(const struct rc_derivation *derivation, struct rc_error *reterr_error)
{
    const uint32_t count = derivation->operand_count;
    const struct rc_formula *formula = NULL;
    char field[32];
    if (count == 0 || count > RC_DERIVE_OPERANDS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "properties",
                              "a formula has 1 to %u properties, not %u", RC_DERIVE_OPERANDS_MAX,
                              count);
    RC_TRY(check_operands(derivation, reterr_error));
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    struct rc_error error = {.status = RC_OK};
    const enum rc_status status =
        rc_formula_parse(derivation->formula, "property", count, arena, &formula, &error);
    if (status != RC_OK)
        return rc_error_field(reterr_error, status, "expression", "%s", error.message);
    for (uint32_t i = 0; i < count; i++) {
        rc_error_item(field, sizeof(field), "properties", i, "");
        if ((rc_formula_operands(formula) >> i & 1) == 0)
            return rc_error_field(reterr_error, RC_INVALID, field,
                                  "the formula does not name it: %c is missing", 'A' + (int)i);
    }
    return RC_OK;
}

static enum rc_status
check_source(const struct rc_derivation *derivation, struct rc_error *reterr_error)
{
    if (derivation->source < RC_DERIVATION_EVENT || derivation->source > RC_DERIVATION_FORMULA)
        return rc_error_field(reterr_error, RC_INVALID, "source", "the source is missing");
    if (derivation->source == RC_DERIVATION_FORMULA) {
        const enum rc_status status = check_formula(derivation, reterr_error);
        if (status != RC_OK)
            rc_error_prefix(reterr_error, "formula");
        return status;
    }
    if (derivation->source == RC_DERIVATION_TIME)
        return RC_OK;
    if (!is_property_name(derivation->property) ||
        (derivation->source == RC_DERIVATION_ACCOUNT && !is_property_name(derivation->account_key)))
        return rc_error_field(reterr_error, RC_INVALID, "source",
                              "a property's name is UTF-8 of 1 to %u bytes",
                              RC_PROPERTY_NAME_BYTES_MAX);
    return RC_OK;
}

enum rc_status
rc_derivation_check(const struct rc_derivation *derivation, struct rc_error *reterr_error)
{
    RC_TRY(check_source(derivation, reterr_error));
    if (derivation->step_count > RC_DERIVE_STEPS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "steps",
                              "%u steps are more than %u, those of its sources included",
                              derivation->step_count, RC_DERIVE_STEPS_MAX);
    for (uint32_t i = 0; i < derivation->step_count; i++) {
        const struct rc_derive_step *step = &derivation->steps[i];
        if (!rc_bytes_is_text(step->text))
            return rc_error_field(reterr_error, RC_INVALID, "steps", "a text is not valid UTF-8");
        const enum rc_status status = check_step(step, reterr_error);
        if (status != RC_OK) {
            rc_error_prefix(reterr_error, "%s", step_name(step->kind));
            rc_error_prefix(reterr_error, "steps[%u]", i);
            return status;
        }
    }
    return RC_OK;
}

void
rc_derivation_write(struct rc_writer *writer, const struct rc_derivation *derivation)
{
    rc_write_u8(writer, (uint8_t)derivation->source);
    rc_write_bytes(writer, derivation->property);
    if (derivation->source == RC_DERIVATION_ACCOUNT)
        rc_write_bytes(writer, derivation->account_key);
    if (derivation->source == RC_DERIVATION_FORMULA) {
        rc_write_bytes(writer, derivation->formula);
        rc_write_varint(writer, derivation->operand_count);
        for (uint32_t i = 0; i < derivation->operand_count; i++)
            rc_derivation_write(writer, derivation->operands[i]);
    }
    rc_write_varint(writer, derivation->step_count);
    for (uint32_t i = 0; i < derivation->step_count; i++) {
        const struct rc_derive_step *step = &derivation->steps[i];
        rc_write_u8(writer, (uint8_t)step->kind);
        rc_write_varint(writer, step->part);
        rc_write_u8(writer, step->ignore_case);
        rc_write_bytes(writer, step->text);
        rc_write_f64(writer, step->operand);
        rc_write_varint(writer, step->pair_count);
        for (uint32_t k = 0; k < 2 * step->pair_count; k++)
            rc_value_write(writer, step->pairs[k]);
        rc_value_write(writer, step->rest);
    }
}

static enum rc_status
read_step(struct rc_reader *reader, struct rc_arena *arena, struct rc_derive_step *step)
{
    step->kind = (enum rc_derive_kind)rc_read_u8(reader);
    step->part = (uint32_t)rc_read_count(reader, UINT32_MAX);
    const uint8_t ignore_case = rc_read_u8(reader);
    step->ignore_case = ignore_case == 1;
    step->text = rc_read_bytes(reader);
    step->operand = rc_read_f64(reader);
    step->pair_count = (uint32_t)rc_read_count(reader, RC_DERIVE_PAIRS_MAX);
    if (reader->bad || ignore_case > 1 || 2 * (size_t)step->pair_count > rc_reader_left(reader))
        return RC_CORRUPT;
    struct rc_value *pairs = RC_ARENA_ARRAY(arena, struct rc_value, 2 * (size_t)step->pair_count);
    if (pairs == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < 2 * step->pair_count; i++)
        RC_TRY(rc_value_read(reader, arena, &pairs[i]));
    step->pairs = pairs;
    return rc_value_read(reader, arena, &step->rest);
}

static enum rc_status
read_derivation(struct rc_reader *reader,
                struct rc_arena *arena,
                uint32_t depth,
                struct rc_derivation *derivation);

static enum rc_status
read_operands(struct rc_reader *reader,
              struct rc_arena *arena,
              uint32_t depth,
              struct rc_derivation *derivation)
{
    derivation->formula = rc_read_bytes(reader);
    derivation->operand_count = (uint32_t)rc_read_count(reader, RC_DERIVE_OPERANDS_MAX);
    if (reader->bad || derivation->operand_count == 0 || depth > RC_DERIVE_FORMULAS_MAX)
        return RC_CORRUPT;
    const struct rc_derivation **operands =
        RC_ARENA_ARRAY(arena, const struct rc_derivation *, derivation->operand_count);
    struct rc_derivation *read =
        RC_ARENA_ARRAY(arena, struct rc_derivation, derivation->operand_count);
    if (operands == NULL || read == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < derivation->operand_count; i++) {
        operands[i] = &read[i];
        RC_TRY(read_derivation(reader, arena, depth + 1, &read[i]));
    }
    derivation->operands = operands;
    return RC_OK;
}

/* depth: how many formulas it is an operand of, and one. */
static enum rc_status
read_derivation(struct rc_reader *reader,
                struct rc_arena *arena,
                uint32_t depth,
                struct rc_derivation *derivation)
{
    derivation->source = (enum rc_derivation_source)rc_read_u8(reader);
    derivation->property = rc_read_bytes(reader);
    if (derivation->source == RC_DERIVATION_ACCOUNT)
        derivation->account_key = rc_read_bytes(reader);
    if (derivation->source == RC_DERIVATION_FORMULA)
        RC_TRY(read_operands(reader, arena, depth, derivation));
    derivation->step_count = (uint32_t)rc_read_count(reader, RC_DERIVE_STEPS_MAX);
    if (reader->bad || derivation->source < RC_DERIVATION_EVENT ||
        derivation->source > RC_DERIVATION_FORMULA)
        return RC_CORRUPT;
    struct rc_derive_step *steps =
        RC_ARENA_ARRAY(arena, struct rc_derive_step, derivation->step_count);
    if (steps == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < derivation->step_count; i++) {
        RC_TRY(read_step(reader, arena, &steps[i]));
        if (step_name(steps[i].kind)[0] == '\0' || reader->bad)
            return RC_CORRUPT;
    }
    derivation->steps = steps;
    return RC_OK;
}

enum rc_status
rc_derivation_read(struct rc_reader *reader,
                   struct rc_arena *arena,
                   const struct rc_derivation **ret_derivation,
                   struct rc_error *reterr_error)
{
    struct rc_derivation *derivation = rc_arena_zero(arena, sizeof(*derivation));
    if (derivation == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    const enum rc_status status = read_derivation(reader, arena, 1, derivation);
    if (status != RC_OK)
        return rc_error_set(reterr_error, status, "the stored derived property breaks its format");
    *ret_derivation = derivation;
    return RC_OK;
}
