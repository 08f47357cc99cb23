/*
 * Element chain: reading the recorded text of a clicked element and its ancestors, from the leaf to
 * the root, one part at a time. docs/formats.md describes the text; there are two forms:
 *
 *   own      a#save.btn.big[href="/x"]:nth-child(2):nth-of-type(1);div.bar;body;html
 *   posthog
 * a.btn.big:attr__href="/x"attr_id="save"href="/x"nth-child="2"nth-of-type="1"text="Go";div...
 *
 * An element that breaks its form ends the chain: what lies before it stands.
 *
 * Ownership: parts are borrowed from the chain or from the caller's writer, until the next part is
 * read. Threading: a reader belongs to one thread. Errors:    none; a writer that was refused
 * memory says so itself.
 */
#ifndef RC_MATCH_CSS_ELEMENT_CHAIN_H
#define RC_MATCH_CSS_ELEMENT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/bytes.h"

enum rc_element_part_kind {
    RC_ELEMENT_TAG = 1,
    RC_ELEMENT_ID = 2,
    RC_ELEMENT_CLASS = 3,
    RC_ELEMENT_ATTRIBUTE = 4,
    RC_ELEMENT_END = 5,    /* The element is whole. */
    RC_ELEMENT_BROKEN = 6, /* It is not, or there is none: the chain ended before it. */
};

struct rc_element_part {
    enum rc_element_part_kind kind;
    struct rc_bytes name;  /* Without escapes; of END and BROKEN empty. */
    struct rc_bytes value; /* Of an ATTRIBUTE; empty where it has none. */
};

struct rc_element_reader {
    struct rc_bytes chain;
    size_t at;
    size_t pairs_at; /* Posthog's form: the colon before its attributes; SIZE_MAX: the own form. */
    bool begun;      /* Inside an element, behind its tag. */
    bool empty;      /* Nothing of the element was read yet. */
    bool ended;
};

static inline struct rc_element_reader
rc_element_reader_of(struct rc_bytes chain)
{
    return (struct rc_element_reader){.chain = chain};
}

/* The next part of the element at hand; behind an END the first of the next element. */
struct rc_element_part
rc_element_next(struct rc_element_reader *reader, struct rc_writer *writer);

#endif
