/*
 * Element selectors: what a recorded element chain may be asked for by: CSS selectors that match
 * it, in the words of a person who points at the element.
 *
 * An element is written by its tag and its classes, or by a *mark*: its id, else an attribute
 * data-*, else name, aria-label or href. What holds a digit is left out, of classes and of marks:
 * such names are mostly made by a machine, or count something.
 *
 * Ownership: selectors lie in the arena.
 * Threading: pure.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_MATCH_CSS_ELEMENT_SELECTORS_H
#define RC_MATCH_CSS_ELEMENT_SELECTORS_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"

/* Each of them compiles and matches the chain; one that there is not, or that would be longer than
 * RC_PATTERN_BYTES_MAX, is empty. */
struct rc_element_selectors {
    struct rc_bytes leaf; /* The clicked element: "a.btn.big". Empty: the chain has no element. */
    struct rc_bytes path; /* With its parent and the parent of that: "ul.menu > li > a.btn". */
    struct rc_bytes mark; /* The nearest element with a mark: "a#buy", "form#order a.btn". */
    /* The nearest link or button, "a#buy", and with all that is inside of it: "a#buy, a#buy *". */
    struct rc_bytes button;
    struct rc_bytes button_with_all;
    bool button_is_leaf;
};

RC_MUST_USE enum rc_status
rc_element_selectors_of(struct rc_bytes chain,
                        struct rc_arena *arena,
                        struct rc_element_selectors *ret_selectors);

#endif
