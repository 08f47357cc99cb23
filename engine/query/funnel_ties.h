/*
 * Funnels over events of equal time that match several steps each: who takes which step is then a
 * matching. funnel_attempt.c handles everybody else.
 *
 * Ownership: owns its scratch memory.
 * Threading: one thread at a time.
 */
#ifndef RC_QUERY_FUNNEL_TIES_H
#define RC_QUERY_FUNNEL_TIES_H

#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/funnel_attempt.h"

struct rc_funnel_ties;

RC_MUST_USE enum rc_status
rc_funnel_ties_new(const struct rc_funnel_rules *rules,
                   struct rc_account *account,
                   struct rc_funnel_ties **ret_ties);

struct rc_funnel_ties *
rc_funnel_ties_free(struct rc_funnel_ties *ties);

RC_DEFINE_CLEANUP(struct rc_funnel_ties *, rc_funnel_ties_free)

/* As rc_funnel_choose, for times that need not be strict. Events after entry_until_ms may not
 * enter. */
RC_MUST_USE enum rc_status
rc_funnel_ties_choose(struct rc_funnel_ties *ties,
                      const struct rc_hit *hits,
                      uint32_t count,
                      int64_t entry_until_ms,
                      struct rc_funnel_attempt *ret_attempt);

#endif
