/*
 * CSS selector: a compiled selector that is matched against a recorded element chain, as in a
 * browser: its last compound is the clicked element, a space means any ancestor, > the parent.
 *
 * The subset: a tag (any case), *, #id, .class, [name], [name=value] with = ^= $= *= ~= and the
 * flags i and s, the two combinators, and commas between alternatives. Names, strings, escapes and
 * comments are those of CSS Syntax Level 3. The rest of CSS is refused.
 *
 * Ownership: a selector lies in the arena that it was compiled into.
 * Threading: immutable once compiled; any number of threads, each with its own scratch.
 * Errors:    RC_INVALID: it is no selector of the subset; RC_LIMIT_EXCEEDED: it has too many
 *            compounds or tests. The sentence names the character, counted from 1.
 */
#ifndef RC_MATCH_CSS_CSS_SELECTOR_H
#define RC_MATCH_CSS_CSS_SELECTOR_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

struct rc_css_selector; /* Opaque; its form is in css_selector_form.h. */

/* What a match needs beside the selector. Zeroed at first; close it when done. */
struct rc_css_scratch {
    struct rc_writer text;    /* A name or a value without its escapes. */
    struct rc_writer lower;   /* A value in lower case. */
    struct rc_writer classes; /* The classes of an element, as the attribute has them. */
};

void
rc_css_scratch_close(struct rc_css_scratch *scratch);

/* Whether a writer of it was refused memory: an answer is void. */
static inline bool
rc_css_scratch_failed(const struct rc_css_scratch *scratch)
{
    return scratch->text.failed || scratch->lower.failed || scratch->classes.failed;
}

/* Compiles UTF-8 without NUL. text is read during the call only. */
RC_MUST_USE enum rc_status
rc_css_selector_compile(struct rc_bytes text,
                        struct rc_arena *arena,
                        const struct rc_css_selector **ret_selector,
                        struct rc_error *reterr_error);

/*
 * The selector in one form for all spellings: alternatives and tests sorted and unique, names of
 * tags and attributes in lower case, values quoted where they must be. Selectors with equal texts
 * match the same chains.
 *
 *   RC_OK  *ret_text lies in the arena.
 */
RC_MUST_USE enum rc_status
rc_css_selector_text(const struct rc_css_selector *selector,
                     struct rc_arena *arena,
                     struct rc_bytes *ret_text);

/*
 * Whether the selector matches the clicked element of the chain (element_chain.h). Time is linear
 * in the chain, and in the selector's compounds for each element; what lies behind the last element
 * that matters is not read. false when a writer of scratch failed.
 */
bool
rc_css_selector_match(const struct rc_css_selector *selector,
                      struct rc_bytes chain,
                      struct rc_css_scratch *scratch);

#endif
