/*
 * Head: the newest rows of a project, in order of arrival, as chunks of plain arrays. One writer
 * appends; readers see as many rows as were published when they took their view.
 *
 * Ownership: counted: rc_head_ref, rc_head_unref. Owns its rows and the texts of their ids.
 * Threading: one writer (append, commit, find). Readers use rc_head_chunk up to a row count that
 *            was published under the project's lock after the commit.
 * Errors:    RC_NO_MEMORY: nothing was appended.
 */
#ifndef RC_STORE_HEAD_HEAD_H
#define RC_STORE_HEAD_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/project/view.h"
#include "engine/store/value/cell.h"
#include "engine/store/value/event_id.h"

struct rc_head;

/* Chunks double from 64 rows up to RC_CHUNK_ROWS; a chunk also ends early when a batch brings more
 * properties than it has columns for (that number doubles too). */
#define RC_HEAD_CHUNKS_MAX 48u

RC_MUST_USE enum rc_status
rc_head_new(struct rc_account *account, uint32_t rows_max, struct rc_head **ret_head);

struct rc_head *
rc_head_ref(struct rc_head *head);

struct rc_head *
rc_head_unref(struct rc_head *head);

RC_DEFINE_CLEANUP(struct rc_head *, rc_head_unref)

/* Of all heads that the process ever had no other has the same; not 0. */
uint64_t
rc_head_number(const struct rc_head *head);

/* Rows committed, by the writer's count. */
uint32_t
rc_head_row_count(const struct rc_head *head);

bool
rc_head_is_full(const struct rc_head *head);

/* Room at the end of the head, to be filled and committed: the writer's view of a chunk. */
struct rc_head_room {
    uint32_t chunk;
    uint32_t first; /* Row in the chunk. */
    uint32_t count; /* 1 .. the number asked for. */
    uint32_t *users;
    int64_t *times_ms;
    struct rc_event_id *ids;
};

/* Finds room for up to wanted rows over property_count properties. The head must not be full. */
RC_MUST_USE enum rc_status
rc_head_make_room(struct rc_head *head,
                  uint32_t wanted,
                  uint32_t property_count,
                  struct rc_head_room *ret_room);

/* The cells of a property in the room (room->count of them), zero where nothing was written. */
RC_MUST_USE enum rc_status
rc_head_room_cells(struct rc_head *head,
                   const struct rc_head_room *room,
                   uint32_t property,
                   rc_cell **ret_cells);

/* Copies the text of a TEXT id into the head. */
RC_MUST_USE enum rc_status
rc_head_keep_text(struct rc_head *head, struct rc_event_id *id);

/* The cell of a value that found no place in its property's dictionary: it becomes a text of the
 * head. hash: rc_dictionary_hash of its key. */
RC_MUST_USE enum rc_status
rc_head_intern_text(struct rc_head *head,
                    uint32_t property,
                    struct rc_bytes key,
                    uint32_t hash,
                    rc_cell *ret_cell);

/* Where an event is. */
struct rc_head_place {
    uint32_t chunk;
    uint32_t row; /* In the chunk. */
};

/* Appends the room's rows and enters their sent ids. hashes: rc_event_id_hash of each that is not
 * derived. replaced gets the places of the rows of this head that they replace (at most
 * room->count). */
RC_MUST_USE enum rc_status
rc_head_commit(struct rc_head *head,
               const struct rc_head_room *room,
               const uint64_t *hashes,
               struct rc_head_place *replaced,
               uint32_t *ret_replaced_count);

/* Takes back the rows that were committed since the head had so many chunks and so many rows in the
 * newest: rows that no view shows. */
void
rc_head_take_back(struct rc_head *head, uint32_t chunk_count, uint32_t last_chunk_rows);

/* Begins to fetch what rc_head_find will need for an event of this hash. */
void
rc_head_fetch(const struct rc_head *head, uint64_t hash);

/* The newest row of a user's sent id; hash: rc_event_id_hash of both. */
bool
rc_head_find(const struct rc_head *head,
             uint64_t hash,
             uint32_t user,
             const struct rc_event_id *id,
             struct rc_head_place *ret_place);

uint32_t
rc_head_chunk_count(const struct rc_head *head);

/* A chunk as a view shows it, without dead rows. rows: how many were published of the newest chunk,
 * or RC_CHUNK_WHOLE for a chunk that a newer one follows. */
#define RC_CHUNK_WHOLE UINT32_MAX

void
rc_head_chunk(const struct rc_head *head,
              uint32_t chunk,
              uint32_t rows,
              struct rc_view_chunk *ret_chunk);

/* Rows in the newest chunk, by the writer's count; 0 for an empty head. */
uint32_t
rc_head_last_chunk_rows(const struct rc_head *head);

#endif
