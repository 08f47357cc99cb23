/* Explain, predicates: an event predicate in the words of the command line, cut where it is long.
 */
#ifndef RC_QUERY_PLAN_EXPLAIN_PREDICATE_H
#define RC_QUERY_PLAN_EXPLAIN_PREDICATE_H

#include "engine/match/predicate/predicate.h"

#define RC_EXPLAIN_PREDICATE_BYTES 256

/* Writes into out and returns it. */
const char *
rc_explain_predicate(const struct rc_predicate *predicate, char out[RC_EXPLAIN_PREDICATE_BYTES]);

#endif
