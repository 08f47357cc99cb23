/*
 * Known: since when each user is known: the earliest time of its live events in some slabs and of
 * some property writes. Who is known as of a time is then a comparison, and mostly one of 64 users
 * at once: ordinals are given as users arrive, so that those of a word arrived at about one time.
 *
 * It says what a version of a project says until slabs are exchanged or rows in them die: see
 * rc_known_fits. What came later (slabs, writes, heads) is looked at beside it.
 *
 * Ownership: counted: rc_known_ref, rc_known_unref. A project keeps one (view_known.c).
 * Threading: immutable.
 * Units:     ms since 1970, UTC.
 */
#ifndef RC_STORE_PROJECT_KNOWN_H
#define RC_STORE_PROJECT_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/project/view.h"

struct rc_known;

struct rc_known *
rc_known_ref(struct rc_known *known);

struct rc_known *
rc_known_unref(struct rc_known *known);

RC_DEFINE_CLEANUP(struct rc_known *, rc_known_unref)

/* Of all slabs and writes of a view; base, if not NULL, fits the view: only the rest is read. */
RC_MUST_USE enum rc_status
rc_known_build(struct rc_view *view,
               const struct rc_known *base,
               struct rc_account *account,
               struct rc_known **ret_known);

/* Whether all that it was made of is what the view shows of it still. */
bool
rc_known_fits(const struct rc_known *known, const struct rc_view *view);

/* For a walk over the slabs of a view that it fits, in their order: whether it was made of this
 * one. *at is 0 at first. */
bool
rc_known_has_slab(const struct rc_known *known, const struct rc_view_slab *slab, uint32_t *at);

uint32_t
rc_known_slab_count(const struct rc_known *known);

/* How many property writes it was made of. */
uint32_t
rc_known_write_count(const struct rc_known *known);

/* Sets the bits of the users who are known as of a time. */
void
rc_known_set_users(const struct rc_known *known, int64_t as_of_ms, uint64_t *words);

/* A reference to the one that the view's project keeps; NULL: it keeps none, or has other people by
 * now. *ret_asked_before: the last who asked had the view's version too, so it is worth making. */
struct rc_known *
rc_view_kept_known(struct rc_view *view, bool *ret_asked_before);

/* Lets the project keep this one, which was made of the view. Takes the reference over. */
void
rc_view_keep_known(struct rc_view *view, struct rc_known *known);

/* What it is charged to. */
struct rc_account *
rc_view_users_account(const struct rc_view *view);

#endif
