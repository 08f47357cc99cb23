/*
 * Derive: the steps one after the other. The elements of a list are texts, so what is derived of
 * one is written as a text again: a number by its shortest decimal form, which every reader takes
 * for the number.
 */
#include "engine/match/derived/derive.h"

#include <math.h>

#include "engine/base/limits.h"
#include "engine/match/derived/derive_text.h"
#include "engine/match/derived/multiples.h"
#include "engine/match/leaf/fold.h"
#include "engine/match/leaf/pattern.h"

struct step {
    const struct rc_derive_step *source;
    struct rc_pattern *pattern;    /* CAPTURE. */
    struct rc_zone zone;           /* TIME. */
    struct rc_multiples multiples; /* ARITHMETIC: of the operand. */
};

struct rc_deriver {
    struct rc_account *account;
    uint32_t step_count; /* Counts finished steps only, so that free takes a half-built one. */
    struct step steps[RC_DERIVE_STEPS_MAX];
};

void
rc_derive_scratch_close(struct rc_derive_scratch *scratch)
{
    scratch->arena = rc_arena_free(scratch->arena);
    rc_writer_close(&scratch->folded);
}

enum rc_status
rc_deriver_new(const struct rc_derivation *derivation,
               struct rc_account *account,
               struct rc_deriver **ret_deriver)
{
    if (derivation->step_count > RC_DERIVE_STEPS_MAX)
        return RC_LIMIT_EXCEEDED;
    RC_CLEANUP(rc_deriver_freep)
    struct rc_deriver *deriver = rc_alloc_in(account, sizeof(*deriver));
    if (deriver == NULL)
        return RC_NO_MEMORY;
    *deriver = (struct rc_deriver){.account = account};
    for (uint32_t i = 0; i < derivation->step_count; i++) {
        const struct rc_derive_step *source = &derivation->steps[i];
        struct step *step = &deriver->steps[i];
        step->source = source;
        if (source->kind == RC_DERIVE_CAPTURE)
            RC_TRY(rc_pattern_new_later(source->text.data, source->text.size, source->ignore_case,
                                        &step->pattern));
        else if (source->kind == RC_DERIVE_TIME &&
                 !rc_zone_load(source->text.data, source->text.size, &step->zone))
            return RC_INVALID;
        else if (source->kind == RC_DERIVE_ARITHMETIC)
            step->multiples = rc_multiples_of(source->operand);
        deriver->step_count++;
    }
    *ret_deriver = RC_TAKE(deriver);
    return RC_OK;
}

struct rc_deriver *
rc_deriver_free(struct rc_deriver *deriver)
{
    for (uint32_t i = 0; deriver != NULL && i < deriver->step_count; i++)
        rc_pattern_free(deriver->steps[i].pattern);
    return rc_alloc_free(deriver);
}

bool
rc_deriver_is_compiled(const struct rc_deriver *deriver)
{
    bool compiled = false;
    for (uint32_t i = 0; i < deriver->step_count; i++)
        compiled |=
            deriver->steps[i].pattern != NULL && rc_pattern_is_compiled(deriver->steps[i].pattern);
    return compiled;
}

void
rc_deriver_rest(struct rc_deriver *deriver)
{
    for (uint32_t i = 0; i < deriver->step_count; i++)
        if (deriver->steps[i].pattern != NULL)
            rc_pattern_rest(deriver->steps[i].pattern);
}

uint64_t
rc_deriver_memory_bytes(const struct rc_deriver *deriver)
{
    uint64_t bytes = sizeof(*deriver);
    for (uint32_t i = 0; i < deriver->step_count; i++)
        if (deriver->steps[i].pattern != NULL)
            bytes += rc_pattern_memory_bytes(deriver->steps[i].pattern);
    return bytes;
}

/* ---- Readings of a value --------------------------------------------------------------------- */

/* A number, or a text that is one. */
static bool
as_number(struct rc_value value, struct rc_value *ret_number)
{
    *ret_number = value;
    if (value.kind == RC_VALUE_INT || value.kind == RC_VALUE_DOUBLE)
        return true;
    return value.kind == RC_VALUE_STRING && rc_value_of_numeric_text(value.string, ret_number);
}

/* A text, or a number in its shortest form, which is written to room. */
static bool
as_text(struct rc_value value, char room[32], struct rc_bytes *ret_text)
{
    if (value.kind == RC_VALUE_STRING) {
        *ret_text = value.string;
        return true;
    }
    if (value.kind != RC_VALUE_INT && value.kind != RC_VALUE_DOUBLE)
        return false;
    *ret_text = (struct rc_bytes){room, rc_number_text(value, room)};
    return true;
}

static enum rc_status
copy_text(struct rc_bytes text, struct rc_derive_scratch *scratch, struct rc_value *ret_value)
{
    const char *copy = rc_arena_string(scratch->arena, text.size == 0 ? "" : text.data, text.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    *ret_value = rc_value_string((struct rc_bytes){copy, text.size});
    return RC_OK;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* Whether a place between two bytes of a text lies between two characters. */
static bool
between_characters(struct rc_bytes text, size_t at)
{
    return at == text.size || ((unsigned char)text.data[at] & 0xc0) != 0x80;
}

/* \C of an expression is a byte: what a group holds by it may be no text, and is null then. */
static enum rc_status
capture(const struct step *step,
        struct rc_bytes text,
        struct rc_derive_scratch *scratch,
        struct rc_value *value)
{
    bool found = false;
    size_t begin = 0;
    size_t size = 0;
    RC_TRY(rc_pattern_capture(step->pattern, text.data, text.size, step->source->part, &found,
                              &begin, &size));
    found = found && between_characters(text, begin) && between_characters(text, begin + size);
    return found ? copy_text((struct rc_bytes){text.data + begin, size}, scratch, value) : RC_OK;
}

static enum rc_status
lower_case(struct rc_bytes text, struct rc_derive_scratch *scratch, struct rc_value *value)
{
    const struct rc_bytes folded = rc_fold_text(text, &scratch->folded);
    if (!scratch->folded.failed)
        return copy_text(folded, scratch, value);
    rc_writer_close(&scratch->folded);
    scratch->folded = (struct rc_writer){0};
    return RC_NO_MEMORY;
}

static enum rc_status
url_part(const struct step *step,
         struct rc_bytes text,
         struct rc_derive_scratch *scratch,
         struct rc_value *value)
{
    bool found = false;
    struct rc_bytes part;
    RC_TRY(rc_text_url_part(text, (enum rc_url_part)step->source->part, step->source->text,
                            scratch->arena, &found, &part));
    return found ? copy_text(part, scratch, value) : RC_OK;
}

/* The steps that read a text; *value is null on the way in. */
static enum rc_status
text_step(const struct step *step,
          struct rc_bytes text,
          struct rc_derive_scratch *scratch,
          struct rc_value *value)
{
    struct rc_bytes folded;
    switch (step->source->kind) {
    case RC_DERIVE_CAPTURE:
        return capture(step, text, scratch, value);
    case RC_DERIVE_LOWER:
        return lower_case(text, scratch, value);
    case RC_DERIVE_URL:
        return url_part(step, text, scratch, value);
    default: /* FOLD_IDS */
        RC_TRY(rc_text_fold_ids(text, scratch->arena, &folded));
        return copy_text(folded, scratch, value);
    }
}

/* Equal as the leaf "equals" says: numeric strings are numbers. */
static bool
equal(struct rc_value a, struct rc_value b)
{
    struct rc_value x;
    struct rc_value y;
    const bool numbers = as_number(a, &x);
    if (numbers != as_number(b, &y))
        return false;
    return numbers ? rc_number_compare(x, y) == 0 : rc_value_same(a, b);
}

static struct rc_value
mapped(const struct rc_derive_step *map, struct rc_value value)
{
    for (uint32_t i = 0; i < map->pair_count; i++)
        if (equal(map->pairs[2 * i], value))
            return map->pairs[2 * i + 1];
    if (map->part == RC_MAP_KEEP)
        return value;
    return map->part == RC_MAP_VALUE ? map->rest : rc_value_null();
}

static struct rc_value
time_part(const struct step *step, struct rc_value value)
{
    struct rc_zone_clock clock = {.zone = step->zone};
    int64_t time_ms = 0;
    struct rc_value number;
    if (as_number(value, &number)) {
        const double whole_ms = floor(rc_value_real(number));
        if (whole_ms < (double)RC_TIME_MS_MIN || whole_ms > (double)RC_TIME_MS_MAX)
            return rc_value_null();
        time_ms = (int64_t)whole_ms;
    } else if (value.kind != RC_VALUE_STRING || !rc_text_time(value.string, &time_ms)) {
        return rc_value_null();
    }
    return rc_value_int(rc_time_part_of(&clock, (enum rc_time_part)step->source->part, time_ms));
}

static struct rc_value
arithmetic(const struct step *step, struct rc_value value)
{
    const double operand = step->source->operand;
    struct rc_value number;
    struct rc_value result;
    if (!as_number(value, &number))
        return rc_value_null();
    double x = rc_value_real(number);
    switch ((enum rc_arithmetic)step->source->part) {
    case RC_ARITHMETIC_ADD:
        x += operand;
        break;
    case RC_ARITHMETIC_SUBTRACT:
        x -= operand;
        break;
    case RC_ARITHMETIC_MULTIPLY:
        x *= operand;
        break;
    case RC_ARITHMETIC_DIVIDE:
        x /= operand;
        break;
    case RC_ARITHMETIC_FLOOR:
        x = rc_multiple_below(&step->multiples, x);
        break;
    case RC_ARITHMETIC_ROUND:
        x = rc_multiple_nearest(&step->multiples, x);
        break;
    }
    return rc_value_of_double(x, &result) == RC_OK ? result : rc_value_null();
}

static enum rc_status
apply(const struct step *step, struct rc_derive_scratch *scratch, struct rc_value *value)
{
    char room[32];
    struct rc_bytes text;
    struct rc_value number;
    const struct rc_value in = *value;
    switch (step->source->kind) {
    case RC_DERIVE_MAP:
        if (in.kind == RC_VALUE_NULL)
            return RC_OK;
        *value = mapped(step->source, in);
        return RC_OK;
    case RC_DERIVE_TIME:
        *value = time_part(step, in);
        return RC_OK;
    case RC_DERIVE_ARITHMETIC:
        *value = arithmetic(step, in);
        return RC_OK;
    case RC_DERIVE_NUMBER:
        *value = rc_value_null();
        if (as_number(in, &number) ||
            (in.kind == RC_VALUE_STRING && rc_text_first_number(in.string, &number)))
            *value = number;
        return RC_OK;
    default:
        *value = rc_value_null();
        return as_text(in, room, &text) ? text_step(step, text, scratch, value) : RC_OK;
    }
}

static enum rc_status
derive_one(const struct rc_deriver *deriver,
           struct rc_value value,
           struct rc_derive_scratch *scratch,
           struct rc_value *ret_value)
{
    for (uint32_t i = 0; i < deriver->step_count; i++)
        RC_TRY(apply(&deriver->steps[i], scratch, &value));
    *ret_value = value;
    return RC_OK;
}

static enum rc_status
derive_list(const struct rc_deriver *deriver,
            struct rc_value list,
            struct rc_derive_scratch *scratch,
            struct rc_value *ret_value)
{
    struct rc_bytes *items = RC_ARENA_ARRAY(scratch->arena, struct rc_bytes, list.item_count);
    uint32_t count = 0;
    if (items == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < list.item_count; i++) {
        char room[32];
        struct rc_value value;
        struct rc_bytes text;
        RC_TRY(derive_one(deriver, rc_value_string(list.items[i]), scratch, &value));
        if (value.kind == RC_VALUE_BOOL)
            text = value.boolean ? RC_BYTES_LITERAL("true") : RC_BYTES_LITERAL("false");
        else if (!as_text(value, room, &text))
            continue;
        if (value.kind != RC_VALUE_STRING)
            RC_TRY(copy_text(text, scratch, &value));
        items[count++] = value.string;
    }
    *ret_value =
        count == 0 ? rc_value_null()
                   : (struct rc_value){.kind = RC_VALUE_LIST, .item_count = count, .items = items};
    return RC_OK;
}

enum rc_status
rc_derive(const struct rc_deriver *deriver,
          struct rc_value value,
          struct rc_derive_scratch *scratch,
          struct rc_value *ret_value)
{
    if (scratch->arena == NULL)
        scratch->arena = rc_arena_new(deriver->account, 0);
    if (scratch->arena == NULL)
        return RC_NO_MEMORY;
    rc_arena_reset(scratch->arena);
    if (value.kind == RC_VALUE_LIST)
        return derive_list(deriver, value, scratch, ret_value);
    return derive_one(deriver, value, scratch, ret_value);
}

bool
rc_derive_number(struct rc_value value, double *ret_number)
{
    struct rc_value number;
    if (!as_number(value, &number))
        return false;
    *ret_number = rc_value_real(number);
    return true;
}
