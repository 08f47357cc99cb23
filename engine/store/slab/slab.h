/*
 * Slab: the one storage unit. Immutable rows of one time window, sorted by (user, time, event id),
 * as one run of bytes that is the same on disk and in memory.
 *
 * A row is an event. users[] are the ordinals of the users in it, ascending; user i has the rows
 * starts[i] .. starts[i + 1]. A column holds narrow codes into its own small dictionary of cells,
 * either one a row, or one a run of equal rows, or only for the rows that have a value; which rows
 * those are say their numbers where they are few, and else a bit a row. Codes behind the dictionary
 * are those of texts: values that no dictionary of the project knows.
 *
 * Ownership: a slab is counted: rc_slab_ref, rc_slab_unref. It owns its bytes, which are anonymous
 *            memory: a read error is met when it is read, not when it is used. Views point into it
 * and live as long as a reference is held. Threading: immutable; any number of readers, no lock.
 * Counting is atomic. Units:     times are ms since window_start_ms in 32 bits; rows count from 0.
 * Errors:    RC_CORRUPT names what is broken.
 * Format:    slab_format.h, byte by byte.
 */
#ifndef RC_STORE_SLAB_SLAB_H
#define RC_STORE_SLAB_SLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/store/slab/window.h"
#include "engine/store/texts/texts.h"
#include "engine/store/value/cell.h"
#include "engine/store/value/event_id.h"

struct rc_slab;

enum rc_column_form {
    RC_COLUMN_PLAIN = 1,       /* codes[row]; code 0 is null (dictionary[0] == 0) when has_null. */
    RC_COLUMN_RUNS = 2,        /* codes[run]; run r covers the rows starts[r] .. starts[r + 1]. */
    RC_COLUMN_SPARSE = 3,      /* codes[k] is the code of rows[k]; every other row is null. */
    RC_COLUMN_MARKED_RUNS = 4, /* RUNS, a mark at the first row of each; row 0 has one. */
    RC_COLUMN_MARKED_ROWS = 5, /* SPARSE, a mark at each row with a code. */
};

/* Marks are counted at every row that is a multiple of this. */
#define RC_MARKS_RANK_ROWS 256u

static inline bool
rc_column_form_is_marked(enum rc_column_form form)
{
    return form == RC_COLUMN_MARKED_RUNS || form == RC_COLUMN_MARKED_ROWS;
}

/* Whether rows without a value have no code, and so RC_CODE_NONE. */
static inline bool
rc_column_form_is_sparse(enum rc_column_form form)
{
    return form == RC_COLUMN_SPARSE || form == RC_COLUMN_MARKED_ROWS;
}

/* A column's arrays, for kernels. All pointers are into the slab. A code below dictionary_count is
 * a cell; one at or above it is the text of number code - dictionary_count. One code is one value,
 * but a value may be there twice, as a cell and as a text. */
struct rc_column_view {
    enum rc_column_form form;
    uint32_t property;
    uint32_t code_width; /* Bytes of a code: 1, 2 or 4. */
    uint32_t code_count; /* Rows, runs or sparse rows. */
    const void *codes;
    const uint32_t *positions; /* RUNS: code_count + 1 run starts. SPARSE: the rows, ascending. */
    const uint64_t *marks;     /* MARKED only: see marks.h. */
    const uint32_t *ranks;
    const rc_cell
        *dictionary; /* Distinct cells, ascending; 0 (null) comes first where it occurs. */
    uint32_t dictionary_count; /* May be 0, when every row has a text. */
    struct rc_texts texts;
};

/* Codes are below this. */
static inline uint32_t
rc_column_code_bound(const struct rc_column_view *view)
{
    return view->dictionary_count + view->texts.count;
}

/* Whether rows without a value have a code, which then is 0 (a sparse column leaves them out). */
static inline bool
rc_column_has_null(const struct rc_column_view *view)
{
    return view->dictionary_count > 0 && view->dictionary[0] == RC_CELL_NULL;
}

struct rc_slab_info {
    int64_t window_start_ms;
    uint32_t window_days;
    int64_t time_min_ms; /* Of its rows. */
    int64_t time_max_ms; /* Inclusive. */
    uint32_t row_count;  /* > 0. */
    uint32_t user_count; /* > 0. */
    uint32_t column_count;
    uint64_t size_bytes;
};

/* A slab over finished bytes (an rc_alloc block), which it takes over on RC_OK. Checks the header
 * and bounds; rc_slab_check verifies the rest. */
RC_MUST_USE enum rc_status
rc_slab_of_block(void *block,
                 size_t size,
                 struct rc_slab **ret_slab,
                 struct rc_error *reterr_error);

/* What is looked at before a stored slab is used. */
enum rc_slab_verify {
    RC_SLAB_LAYOUT,    /* The header and what its table says: nothing lies outside of the bytes. */
    RC_SLAB_CHECKSUMS, /* Also every byte against its checksum: 5 to 7 GB/s of the file cache. */
    RC_SLAB_WHOLE,     /* Also every invariant, as rc_slab_check. */
};

/* Reads a stored slab into memory. Content may be followed (ends of texts, row numbers) only in one
 * whose checksums are right: they were written by a builder that kept the invariants. */
RC_MUST_USE enum rc_status
rc_slab_read(struct rc_disk *disk,
             const char *path,
             enum rc_slab_verify verify,
             struct rc_account *account,
             struct rc_slab **ret_slab,
             struct rc_error *reterr_error);

/* What of a slab is looked at together. */
enum rc_slab_part {
    RC_SLAB_PART_USERS = 1, /* Users and their first rows: kept in memory of any slab. */
    RC_SLAB_PART_TIMES = 2,
    RC_SLAB_PART_IDS = 4,
    RC_SLAB_PART_COLUMNS = 8, /* All of them. */
};
#define RC_SLAB_PARTS_ROWS (RC_SLAB_PART_USERS | RC_SLAB_PART_TIMES)
#define RC_SLAB_PARTS_ALL (RC_SLAB_PARTS_ROWS | RC_SLAB_PART_IDS | RC_SLAB_PART_COLUMNS)

/*
 * Begins to use a slab: needed before anything but its info, filter, users and their first
 * rows is asked, since a cold slab (cold_cache.h) has nothing else in memory; for any other it
 * costs nothing and succeeds. The parts named (any of enum rc_slab_part, or 0) are in memory until
 * rc_slab_unuse. Ids and columns that were not named are read when they are asked for; where that
 * fails the id is 0 and the column missing, and rc_slab_read_failures has grown: whoever relies on
 * what it read must look. RC_UNAVAILABLE  the disk failed; RC_CORRUPT: the file is damaged;
 * RC_LIMIT_EXCEEDED. The error names the file, and the slab is not in use.
 */
RC_MUST_USE enum rc_status
rc_slab_use(struct rc_slab *slab, uint32_t parts, struct rc_error *reterr_error);

void
rc_slab_unuse(struct rc_slab *slab);

bool
rc_slab_is_cold(const struct rc_slab *slab);

/* How often something of it could not be read. */
uint32_t
rc_slab_read_failures(const struct rc_slab *slab);

/* The last failure, as status and sentence. */
enum rc_status
rc_slab_read_error(const struct rc_slab *slab, struct rc_error *reterr_error);

/* What of its bytes is in memory. */
uint64_t
rc_slab_memory_bytes(const struct rc_slab *slab);

struct rc_slab *
rc_slab_ref(struct rc_slab *slab);

/* NULL is fine. Returns NULL. */
struct rc_slab *
rc_slab_unref(struct rc_slab *slab);

RC_DEFINE_CLEANUP(struct rc_slab *, rc_slab_unref)

const struct rc_slab_info *
rc_slab_get_info(const struct rc_slab *slab);

/* The bytes as stored. Not of a cold one, which has them only in part. */
struct rc_bytes
rc_slab_bytes(const struct rc_slab *slab);

/* user_count ordinals, ascending. */
const uint32_t *
rc_slab_users(const struct rc_slab *slab);

/* user_count + 1 row numbers. */
const uint32_t *
rc_slab_starts(const struct rc_slab *slab);

/* row_count offsets from window_start_ms. */
const uint32_t *
rc_slab_times(const struct rc_slab *slab);

static inline struct rc_window
rc_slab_window(const struct rc_slab *slab)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    return (struct rc_window){.start_ms = info->window_start_ms, .days = info->window_days};
}

static inline int64_t
rc_slab_time_ms(const struct rc_slab *slab, uint32_t row)
{
    return rc_slab_get_info(slab)->window_start_ms + rc_slab_times(slab)[row];
}

struct rc_event_id
rc_slab_event_id(const struct rc_slab *slab, uint32_t row);

/* Those of count rows from row on. */
void
rc_slab_event_ids(const struct rc_slab *slab,
                  uint32_t row,
                  uint32_t count,
                  struct rc_event_id *ret_ids);

/* The index in users[] of the first user at or above ordinal; user_count when there is none.
 * O(log). */
uint32_t
rc_slab_user_lower_bound(const struct rc_slab *slab, uint32_t ordinal);

/* The index in users[] of the user that owns row. O(log). */
uint32_t
rc_slab_user_index_of_row(const struct rc_slab *slab, uint32_t row);

/* The column of a property; false when no row has it. O(log columns). */
bool
rc_slab_column(const struct rc_slab *slab, uint32_t property, struct rc_column_view *ret_view);

/* The i-th column, in ascending order of property. Of a cold slab only with RC_SLAB_PART_COLUMNS in
 * use. */
void
rc_slab_column_at(const struct rc_slab *slab, uint32_t index, struct rc_column_view *ret_view);

/* The code of one row, or RC_CODE_NONE for the null of a sparse column. O(1), O(log) for RUNS and
 * SPARSE. */
uint32_t
rc_column_code(const struct rc_column_view *view, uint32_t row);

/* The value of a code (RC_CODE_NONE: null). dictionary is that of the column's property. Strings
 * are borrowed from it, or are copies in arena when the code is a text's; lists as rc_cell_value.
 * O(1); a text's costs the decoding of up to 16. RC_CORRUPT, RC_NO_MEMORY. */
RC_MUST_USE enum rc_status
rc_column_value(const struct rc_column_view *view,
                const struct rc_dictionary *dictionary,
                uint32_t code,
                struct rc_arena *arena,
                struct rc_value *ret_value);

/* Whether the slab may hold an event with this rc_event_id_hash. False positives below 1
 * in 1,000. */
bool
rc_slab_may_hold(const struct rc_slab *slab, uint64_t id_hash);

/* The same for many hashes, with their cache lines fetched ahead: ret_may[i] is 1 or 0. */
void
rc_slab_may_hold_many(const struct rc_slab *slab,
                      const uint64_t *id_hashes,
                      uint32_t hash_count,
                      uint8_t *ret_may);

/* The row of a sent user's sent event id, exactly; false when there is none. Linear in the user's
 * rows. */
bool
rc_slab_find_event(const struct rc_slab *slab,
                   uint32_t user,
                   const struct rc_event_id *id,
                   uint32_t *ret_row);

/* The same of a slab that need not be in use: of a cold one the pages with that user's ids are
 * read, and nothing of them stays in memory. As rc_slab_use where that fails. */
RC_MUST_USE enum rc_status
rc_slab_search_event(struct rc_slab *slab,
                     uint32_t user,
                     const struct rc_event_id *id,
                     bool *ret_found,
                     uint32_t *ret_row,
                     struct rc_error *reterr_error);

/* Verifies the checksum of every section and column, and zeros between them. O(size). */
RC_MUST_USE enum rc_status
rc_slab_check_bytes(const struct rc_slab *slab, struct rc_error *reterr_error);

/* Verifies checksums, order of users, rows, times and ids, codes within dictionaries, filter.
 * O(size). */
RC_MUST_USE enum rc_status
rc_slab_check(const struct rc_slab *slab, struct rc_error *reterr_error);

#endif
