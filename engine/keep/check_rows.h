/*
 * Check, rows: that the newest rows can be followed, and that rows are dead that the version's
 * rules make dead: those of users who are gone or whose ordinal is a hole, and those before the
 * cut.
 *
 * As rc_check_project; nothing here can fail.
 */
#ifndef RC_KEEP_CHECK_ROWS_H
#define RC_KEEP_CHECK_ROWS_H

#include "engine/keep/check.h"

/* Whether a cell's code, if it is one, is in the dictionary of its property. */
bool
rc_check_knows_cell(const struct rc_properties *properties, uint32_t property, rc_cell cell);

/* Slabs are by (window, id), each id once. */
void
rc_check_order(struct rc_check *check, const char *where, const struct rc_view *view);

/* A sound slab in use. */
void
rc_check_slab_rules(struct rc_check *check,
                    const char *where,
                    const struct rc_view *view,
                    const struct rc_view_slab *held);

/* The rows of heads: users, times, cells, dead ones. */
void
rc_check_heads(struct rc_check *check, const char *where, const struct rc_view *view);

#endif
