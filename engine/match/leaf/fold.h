/*
 * Fold: simple Unicode case folding, one character to one, for leaves that ignore case.
 *
 * Ownership: the caller's writer owns the folded bytes.
 * Threading: pure, but for the writer.
 * Errors:    a writer that was refused memory says so itself.
 */
#ifndef RC_MATCH_LEAF_FOLD_H
#define RC_MATCH_LEAF_FOLD_H

#include "engine/base/bytes.h"

/* Replaces the content of writer by the folded text, which is UTF-8. Returns the folded bytes:
 * borrowed from writer until its next use; empty when writer->failed. */
struct rc_bytes
rc_fold_text(struct rc_bytes text, struct rc_writer *writer);

#endif
