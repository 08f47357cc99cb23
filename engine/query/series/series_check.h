/*
 * Series check: what a series request may ask for, and its formulas ready to be computed.
 *
 * Errors: RC_INVALID and RC_LIMIT_EXCEEDED name the field.
 */
#ifndef RC_QUERY_SERIES_SERIES_CHECK_H
#define RC_QUERY_SERIES_SERIES_CHECK_H

#include "engine/base/formula.h"
#include "engine/base/status.h"
#include "engine/query/query.h"

/* ret_formulas has room for formula_count; they live in arena. */
RC_MUST_USE enum rc_status
rc_series_check(const struct rc_series_request *request,
                struct rc_arena *arena,
                const struct rc_formula **ret_formulas,
                struct rc_error *reterr_error);

#endif
