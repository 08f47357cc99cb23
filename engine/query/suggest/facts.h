/*
 * Facts: what an event's properties say, by the names that predicates know them under.
 *
 * Ownership: values and names lie in the context's arena, or in the request.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY; RC_TOO_SLOW of a derived property.
 */
#ifndef RC_QUERY_SUGGEST_FACTS_H
#define RC_QUERY_SUGGEST_FACTS_H

#include "engine/query/suggest/suggest.h"

/* A property and its value: of a list the first text. */
struct rc_known {
    struct rc_bytes name; /* Empty: there is none. */
    struct rc_value value;
};

/* Derived properties that say something of the page. */
enum rc_page_part { RC_PAGE_PATH, RC_PAGE_FOLDED, RC_PAGE_HOST, RC_PAGE_PARTS };

struct rc_facts {
    const struct rc_query_context *context;
    const struct rc_event *event;
    struct rc_known known[RC_FACTS]; /* Texts, but for the type and the text: these may be numbers,
                                        and the type a boolean. Never empty, nor too long. */
    /* Derived from the path (folded) or from the URL, where the project has such a property. Of the
     * path where there is one. */
    struct rc_known parts[RC_PAGE_PARTS];
};

RC_MUST_USE enum rc_status
rc_facts_read(const struct rc_query_context *context,
              const struct rc_event *event,
              const struct rc_bytes names[RC_FACTS],
              struct rc_facts *ret_facts,
              struct rc_error *reterr_error);

/* What a name means, of the event: null where that has no value. */
RC_MUST_USE enum rc_status
rc_facts_value(const struct rc_facts *facts,
               struct rc_bytes name,
               struct rc_value *ret_value,
               struct rc_error *reterr_error);

#endif
