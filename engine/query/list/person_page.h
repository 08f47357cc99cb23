/*
 * Person page: the next persons of a set by the bytes of the ids under which they are shown.
 *
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED; those of shown_id.h.
 */
#ifndef RC_QUERY_LIST_PERSON_PAGE_H
#define RC_QUERY_LIST_PERSON_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/query/list/person_heap.h"
#include "engine/query/query.h"

struct rc_person_page {
    uint32_t count;
    const struct rc_paged_person *persons; /* By id, ascending; ids are copies in the context's
                                              arena, which outlive the view. */
    bool more;
};

/* persons: a bit each; after: ids above this, empty: from the start; rows: at most so many. */
RC_MUST_USE enum rc_status
rc_person_page(const struct rc_query_context *context,
               const uint64_t *persons,
               struct rc_bytes after,
               uint32_t rows,
               struct rc_person_page *ret_page);

#endif
