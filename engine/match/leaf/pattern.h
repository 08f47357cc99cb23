/*
 * Pattern: a compiled regular expression, searched anywhere in a text, in time linear in the text
 * and in memory of a stated bound. No look-around, no back-references: they are refused when
 * compiling.
 *
 * Linear can still be slow: an expression of thousands of states that a text keeps changing costs
 * as many steps for each byte. So its size is limited, and a search whose text makes too many
 * states is given up (RC_TOO_SLOW) within some milliseconds: docs/benchmarks.md has the worst that
 * is known. That depends on the expression and the text alone, and on no clock.
 *
 * Ownership: a pattern is owned by whoever made it.
 * Threading: any number of threads may search with one.
 * Errors:    RC_INVALID says why the expression does not compile.
 *
 * This header is read by C and by C++ and so includes nothing that only C understands.
 */
#ifndef RC_MATCH_LEAF_PATTERN_H
#define RC_MATCH_LEAF_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "engine/base/status.h"

struct rc_pattern;

/* Compiles size bytes of UTF-8.
 *   RC_INVALID    it does not compile, or takes more than RC_PATTERN_STEPS_MAX steps a character.
 *   RC_NO_MEMORY  the allocator refused. */
RC_MUST_USE enum rc_status
rc_pattern_new(const char *text,
               size_t size,
               bool ignore_case,
               struct rc_pattern **ret_pattern,
               struct rc_error *reterr_error);

/* Keeps an expression that is known to compile; the first search compiles it. */
RC_MUST_USE enum rc_status
rc_pattern_new_later(const char *text,
                     size_t size,
                     bool ignore_case,
                     struct rc_pattern **ret_pattern);

/* Whether it holds more than its text: what the first search compiled, and states of searches. */
bool
rc_pattern_is_compiled(const struct rc_pattern *pattern);

/* Forgets these; the next search compiles again. Not while anybody searches. */
void
rc_pattern_rest(struct rc_pattern *pattern);

/* The steps that a character may take: instructions of the compiled program. */
uint32_t
rc_pattern_steps(const struct rc_pattern *pattern);

/* The groups in parentheses, without those that do not capture. */
uint32_t
rc_pattern_group_count(const struct rc_pattern *pattern);

/* As rc_pattern_search, and where the first match of a group is; 0 is the whole match. *ret_found
 * is false as well where the group took no part in the match. RC_TOO_SLOW also where the match is
 * so long that finding its groups would be. */
RC_MUST_USE enum rc_status
rc_pattern_capture(const struct rc_pattern *pattern,
                   const char *text,
                   size_t size,
                   uint32_t group,
                   bool *ret_found,
                   size_t *ret_begin,
                   size_t *ret_size);

/* NULL is fine. Returns NULL. */
struct rc_pattern *
rc_pattern_free(struct rc_pattern *pattern);

/*
 * Whether the pattern is found in size bytes of UTF-8.
 *   RC_TOO_SLOW   the search would take more than a few milliseconds' work.
 *   RC_NO_MEMORY  compiling it was refused memory.
 */
RC_MUST_USE enum rc_status
rc_pattern_search(const struct rc_pattern *pattern, const char *text, size_t size, bool *ret_found);

/* An estimate of its heap bytes. */
uint64_t
rc_pattern_memory_bytes(const struct rc_pattern *pattern);

#ifdef __cplusplus
}
#endif

#endif
