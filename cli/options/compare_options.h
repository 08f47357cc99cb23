/*
 * Compare options: what --compare says: "previous", or how far back by the calendar ("1 month").
 *
 * Ownership: the message belongs to the arena.
 */
#ifndef RC_CLI_OPTIONS_COMPARE_OPTIONS_H
#define RC_CLI_OPTIONS_COMPARE_OPTIONS_H

#include "cli/session/exit_code.h"
#include "cli/session/message.h"
#include "recount/v1/series.pb-c.h"

/* text NULL gives NULL. Prints what is wrong with it. */
RC_MUST_USE enum rc_exit_code
rc_compare_options_read(struct rc_arena *arena,
                        const char *text,
                        Recount__V1__SeriesComparison **ret_comparison);

#endif
