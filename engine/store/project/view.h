/*
 * View: what a query pins: one consistent state of a project, everything acknowledged before it was
 * taken and nothing later. Slabs come with their dead rows; the newest rows come as chunks of
 * heads.
 *
 * Ownership: a view holds references to all that it shows and is released with rc_view_release.
 * Threading: any number of threads may read one view; taking one is a short lock and no copy of
 *            data.
 * Errors:    as stated.
 */
#ifndef RC_STORE_PROJECT_VIEW_H
#define RC_STORE_PROJECT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/slab/slab.h"
#include "engine/store/users/persons.h"
#include "engine/store/users/user_codes.h"

struct rc_view;

struct rc_view_slab {
    struct rc_slab *slab;
    uint64_t id; /* Unique over the life of the data; the key of cached bitmaps. */
    const uint64_t *
        dead; /* A bit a row (row_count rounded up to a block of RC_BLOCK_ROWS bits); NULL: none. */
    uint32_t dead_count;
};

/* Some rows of a head, in order of arrival (not of time): at most RC_CHUNK_ROWS. */
#define RC_CHUNK_ROWS 4096u

struct rc_view_chunk {
    uint32_t row_count;
    uint32_t number; /* Of its head's chunks. */
    uint64_t head;   /* Different of all heads of the process; 0: of none. */
    const uint32_t *users;
    const int64_t *times_ms;
    const struct rc_event_id *ids;
    const uint64_t *dead;          /* RC_CHUNK_ROWS bits; NULL: none. */
    const void *cells_of_property; /* For rc_view_chunk_cells. */
    const void *texts_of_property; /* For rc_view_chunk_texts; NULL: none. */
    uint32_t property_count;
};

struct rc_view *
rc_view_release(struct rc_view *view);

RC_DEFINE_CLEANUP(struct rc_view *, rc_view_release)

/* Grows with every applied record: the sequence of the last one. */
uint64_t
rc_view_data_version(const struct rc_view *view);

/* Slabs by (start of the window, longer first, id). */
const struct rc_view_slab *
rc_view_slabs(const struct rc_view *view, uint32_t *ret_count);

/*
 * Begins to use a slab of the view (rc_slab_use): needed before more than its info is looked at.
 * Calls may be repeated; what is not ended with rc_view_unuse_slab ends with the view. Any thread.
 *   RC_LIMIT_EXCEEDED  also when what the view uses of cold slabs would pass the limit of its
 *                      account.
 */
RC_MUST_USE enum rc_status
rc_view_use_slab(struct rc_view *view,
                 uint32_t slab,
                 uint32_t parts,
                 struct rc_error *reterr_error);

void
rc_view_unuse_slab(struct rc_view *view, uint32_t slab);

/* The first failure to read a slab that the view used: what was concluded from it is void. RC_OK:
 * none. Look at the end of whatever reads ids or columns. */
RC_MUST_USE enum rc_status
rc_view_check_reads(struct rc_view *view, struct rc_error *reterr_error);

const struct rc_view_chunk *
rc_view_chunks(const struct rc_view *view, uint32_t *ret_count);

/* row_count cells of a property in a chunk, or NULL: all null. */
const rc_cell *
rc_view_chunk_cells(const struct rc_view_chunk *chunk, uint32_t property);

/* What the cells of kind RC_CELL_TEXT in a chunk are codes of; NULL: none. One dictionary for all
 * chunks of a head, another for those of another head. It may grow while it is read: only codes
 * that the chunk's rows have are of this view. */
const struct rc_dictionary *
rc_view_chunk_texts(const struct rc_view_chunk *chunk, uint32_t property);

/* Names and dictionaries of event and of user properties. A value's dictionary is the one that was
 * the project's when the view was taken: see rc_dictionary_generation. */
const struct rc_properties *
rc_view_event_properties(const struct rc_view *view);

const struct rc_properties *
rc_view_user_properties(const struct rc_view *view);

/* Ordinals are below this; some may stand for nobody, since their user was deleted. */
uint32_t
rc_view_user_count(const struct rc_view *view);

/* Users as sent: ordinals without those. */
uint32_t
rc_view_live_user_count(const struct rc_view *view);

/* The id of a user as sent. */
struct rc_bytes
rc_view_user_id(const struct rc_view *view, uint32_t user);

/* The ordinal of a sent id, or RC_CODE_NONE. */
uint32_t
rc_view_find_user(const struct rc_view *view, struct rc_bytes id);

/* The index-th of the aliases, of the writes of user properties, in order of arrival; false: there
 * are not that many. Those of users who were deleted may be among them. O(log). */
bool
rc_view_alias(const struct rc_view *view, uint32_t index, struct rc_alias *ret_alias);

struct rc_user_write;

bool
rc_view_user_write(const struct rc_view *view, uint32_t index, struct rc_user_write *ret_write);

/* Joined users; NULL when nobody was joined (each ordinal is a person). */
const struct rc_persons *
rc_view_persons(const struct rc_view *view);

/* The person of an ordinal. */
uint32_t
rc_view_person_of(const struct rc_view *view, uint32_t user);

/*
 * The latest value of a user property per person, of writes with time <= as_of_ms: an array of
 * rc_view_user_count cells indexed by person (null of ordinals that are no person). Built from the
 * history of writes when first asked, and kept by the project for the next query. RC_OK  *ret_cells
 * is borrowed from the view.
 */
RC_MUST_USE enum rc_status
rc_view_user_cells(struct rc_view *view,
                   uint32_t property,
                   int64_t as_of_ms,
                   const rc_cell **ret_cells);

/* The same as codes; *ret_codes NULL: there are too many values for them. */
RC_MUST_USE enum rc_status
rc_view_user_codes(struct rc_view *view,
                   uint32_t property,
                   int64_t as_of_ms,
                   const struct rc_user_codes **ret_codes);

/* Accounts (account_id.h): names and dictionaries of their properties, how many there are, the name
 * of one, and the one of a name, or RC_CODE_NONE. */
const struct rc_properties *
rc_view_account_properties(const struct rc_view *view);

uint32_t
rc_view_account_count(const struct rc_view *view);

struct rc_bytes
rc_view_account_name(const struct rc_view *view, uint32_t account);

/* The index-th of the writes of account properties, user being the account: as
 * rc_view_user_write. */
bool
rc_view_account_write(const struct rc_view *view, uint32_t index, struct rc_user_write *ret_write);

/* The account that a value of account_key names, or RC_CODE_NONE. scratch is not reset. */
RC_MUST_USE enum rc_status
rc_view_account_of(const struct rc_view *view,
                   struct rc_bytes account_key,
                   struct rc_value id,
                   struct rc_arena *scratch,
                   uint32_t *ret_account);

/* The same for accounts: rc_view_account_count cells. */
RC_MUST_USE enum rc_status
rc_view_account_cells(struct rc_view *view,
                      uint32_t property,
                      int64_t as_of_ms,
                      const rc_cell **ret_cells);

/*
 * Sets a bit for each person that exists at as_of: it has a live event or a property write with
 * time <= as_of_ms, or is joined to one that has. words holds rc_view_user_count bits, zeroed by
 * the caller.
 */
RC_MUST_USE enum rc_status
rc_view_known_persons(struct rc_view *view, int64_t as_of_ms, uint64_t *words);

#endif
