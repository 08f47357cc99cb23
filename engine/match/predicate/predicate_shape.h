/*
 * Predicate shape: the checks of a tree that need no compiling, shared by rc_predicate_check and
 * the codec.
 *
 * Errors: RC_INVALID and RC_LIMIT_EXCEEDED name the node at fault.
 */
#ifndef RC_MATCH_PREDICATE_PREDICATE_SHAPE_H
#define RC_MATCH_PREDICATE_PREDICATE_SHAPE_H

#include <stdbool.h>

#include "engine/base/status.h"
#include "engine/match/predicate/predicate.h"

/* The operator's name in field paths: "less_or_equal". "unknown" for a number that is none. */
const char *rc_leaf_operator_name(enum rc_leaf_operator operator);

/* Checks everything but that regular expressions compile; those too when compile_patterns. */
RC_MUST_USE enum rc_status
rc_predicate_check_shape(const struct rc_predicate *predicate,
                         bool compile_patterns,
                         struct rc_error *reterr_error);

#endif
