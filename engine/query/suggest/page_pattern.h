/*
 * Page pattern: regular expressions (RE2) that are found in an address, a path or a URL, and in
 * those that are like it.
 *
 * Ownership: results lie in the arena, or in the text.
 * Threading: pure.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SUGGEST_PAGE_PATTERN_H
#define RC_QUERY_SUGGEST_PAGE_PATTERN_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

/* The address without what stands behind its path. */
struct rc_bytes
rc_page_of_url(struct rc_bytes url);

/* What stands before its path, "https://shop.example:8080"; empty: it has no host. */
struct rc_bytes
rc_origin_of_url(struct rc_bytes url);

/*
 * Where the path has ids, the folded text ("/item/:id"), and an expression that is found in texts
 * with an id of the same kind at each of these places and equal ones everywhere else. *ret_found is
 * false where it has none. What fold ids takes for one (docs/semantics.md) is of one of three
 * kinds: digits, a UUID, hexadecimal digits.
 */
RC_MUST_USE enum rc_status
rc_page_folded(struct rc_bytes text,
               struct rc_arena *arena,
               bool *ret_found,
               struct rc_bytes *ret_folded,
               struct rc_bytes *ret_body);

/* "^" and the body of an expression, then what says that the text ends, or a page, or an origin. */
enum rc_page_end { RC_PAGE_END_TEXT, RC_PAGE_END_PAGE, RC_PAGE_END_ORIGIN };

RC_MUST_USE enum rc_status
rc_page_regex(struct rc_bytes body,
              enum rc_page_end end,
              struct rc_arena *arena,
              struct rc_bytes *ret_regex);

/* An expression for exactly this text, as a body. */
RC_MUST_USE enum rc_status
rc_page_quote(struct rc_bytes text, struct rc_arena *arena, struct rc_bytes *ret_body);

#endif
