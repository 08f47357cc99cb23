/*
 * Derivation: how a derived property comes from others: where it begins (a property, the time of
 * the event, or a formula over several properties) and steps, each of which turns one value into
 * another. This file only holds, checks and stores it; derive.h computes, derived.h finds it by
 * name, formula_column.h computes formulas.
 *
 * A step that cannot read its value gives null, and null stays null. Of several values each is
 * derived; those that become null are left out. A formula reads numbers, and texts that are one; it
 * is null where one of its operands is not that, where a divisor is 0 and where the result is no
 * number.
 *
 * Ownership: derivations are built in an arena and never changed after; everything points into it.
 * Threading: read-only once built.
 * Errors:    RC_INVALID and RC_LIMIT_EXCEEDED name the place: "steps[1].capture".
 */
#ifndef RC_MATCH_DERIVED_DERIVATION_H
#define RC_MATCH_DERIVED_DERIVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/store/value/value.h"

enum rc_derive_kind {
    RC_DERIVE_CAPTURE = 1,    /* text: a regular expression; part: the group, 0 is all of it. */
    RC_DERIVE_NUMBER = 2,     /* The first number in a text. */
    RC_DERIVE_LOWER = 3,      /* A text without case. */
    RC_DERIVE_URL = 4,        /* part: enum rc_url_part; text: the name of a parameter. */
    RC_DERIVE_FOLD_IDS = 5,   /* The segments of a path that are ids become ":id". */
    RC_DERIVE_MAP = 6,        /* pairs; part: enum rc_map_rest, for what no pair names. */
    RC_DERIVE_TIME = 7,       /* part: enum rc_time_part; text: the zone. */
    RC_DERIVE_ARITHMETIC = 8, /* part: enum rc_arithmetic; operand. */
};

enum rc_url_part {
    RC_URL_SCHEME = 1,
    RC_URL_HOST = 2,
    RC_URL_PATH = 3,
    RC_URL_QUERY = 4,
    RC_URL_FRAGMENT = 5,
    RC_URL_PARAMETER = 6,
};

enum rc_map_rest {
    RC_MAP_KEEP = 1,  /* Stays as it is. */
    RC_MAP_NULL = 2,  /* Becomes null. */
    RC_MAP_VALUE = 3, /* Becomes rest. */
};

enum rc_time_part {
    RC_TIME_YEAR = 1,
    RC_TIME_QUARTER = 2,
    RC_TIME_MONTH = 3,
    RC_TIME_WEEK = 4, /* ISO 8601: 1 to 53. */
    RC_TIME_DAY_OF_YEAR = 5,
    RC_TIME_DAY = 6,     /* Of the month. */
    RC_TIME_WEEKDAY = 7, /* Monday is 1. */
    RC_TIME_HOUR = 8,
    RC_TIME_MINUTE = 9,
};

enum rc_arithmetic {
    RC_ARITHMETIC_ADD = 1,
    RC_ARITHMETIC_SUBTRACT = 2,
    RC_ARITHMETIC_MULTIPLY = 3,
    RC_ARITHMETIC_DIVIDE = 4,
    RC_ARITHMETIC_FLOOR = 5, /* To the multiple of the operand at or below. */
    RC_ARITHMETIC_ROUND = 6, /* To the nearest multiple; halves away from zero. */
};

struct rc_derive_step {
    enum rc_derive_kind kind;
    uint32_t part;
    uint32_t pair_count; /* MAP. */
    bool ignore_case;    /* CAPTURE. */
    struct rc_bytes text;
    double operand;
    const struct rc_value *pairs; /* MAP: from and to in turn. */
    struct rc_value rest;
};

enum rc_derivation_source {
    RC_DERIVATION_EVENT = 1,   /* A property of the event. */
    RC_DERIVATION_USER = 2,    /* A property of the user. */
    RC_DERIVATION_TIME = 3,    /* The event's time, in ms since 1970. */
    RC_DERIVATION_ACCOUNT = 4, /* Of the account that the event names in account_key. */
    RC_DERIVATION_FORMULA = 5,
};

struct rc_derivation {
    enum rc_derivation_source source;
    uint32_t operand_count;
    uint32_t step_count;
    struct rc_bytes property;    /* EVENT, USER, ACCOUNT: may be derived itself until resolved. */
    struct rc_bytes account_key; /* ACCOUNT; else empty. */
    struct rc_bytes formula;     /* FORMULA (base/formula.h): operands by letter. */
    /* FORMULA: properties of one kind of thing, without steps until they are resolved. */
    const struct rc_derivation *const *operands;
    const struct rc_derive_step *steps;
};

/* Whose property a derivation makes, a formula that of its operands: the source and account_key of
 * what is returned say. */
static inline const struct rc_derivation *
rc_derivation_of_whom(const struct rc_derivation *derivation)
{
    while (derivation->source == RC_DERIVATION_FORMULA)
        derivation = derivation->operands[0];
    return derivation;
}

/* Checks one that is to be stored: operands are properties without steps. */
RC_MUST_USE enum rc_status
rc_derivation_check(const struct rc_derivation *derivation, struct rc_error *reterr_error);

/* The stored form, which is part of the keys of caches: equal bytes derive the same values. */
void
rc_derivation_write(struct rc_writer *writer, const struct rc_derivation *derivation);

RC_MUST_USE enum rc_status
rc_derivation_read(struct rc_reader *reader,
                   struct rc_arena *arena,
                   const struct rc_derivation **ret_derivation,
                   struct rc_error *reterr_error);

#endif
