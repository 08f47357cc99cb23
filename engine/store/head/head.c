/*
 * Head: a list of chunks; each chunk has plain arrays for users, times and ids, and one array of
 * cells for each property that occurs in it. A cell array appears when its property first does and
 * is zero (null) until then, so a row never has to be widened.
 *
 * Rows are found by (user, id) through an open-addressing table of places, for replacement.
 *
 * Why chunks of growing size: an idle project with ten events costs a few KiB, a busy one has
 * arrays long enough to scan.
 */
#include "engine/store/head/head.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/head/head_texts.h"

#define CHUNK_ROWS_FIRST 64u
#define CHUNK_COLUMNS_FIRST 32u
#define TABLE_SLOTS_FIRST 256u

/* An entry of the table: chunk * RC_CHUNK_ROWS + row + 1, and above it as many bits of the hash as
 * there is room for, so that a neighbour's row is not looked at. */
#define PLACE_NONE 0u
#define PLACE_BITS 18u
#define PLACE_MASK (((uint32_t)1 << PLACE_BITS) - 1)
_Static_assert(RC_HEAD_CHUNKS_MAX *RC_CHUNK_ROWS <= PLACE_MASK, "a place fits below the tag");

#define AHEAD 16u /* Entries between fetching a slot and reading it. */

struct chunk {
    uint32_t row_capacity;
    uint32_t row_count;
    uint32_t column_capacity;
    uint32_t *users;
    int64_t *times_ms;
    struct rc_event_id *ids;
    _Atomic(rc_cell *) columns[]; /* NULL: all null. Set once by the writer. */
};

struct rc_head {
    _Atomic(uint32_t) references;
    struct rc_account *account;
    uint64_t number;
    struct rc_arena *texts;      /* Of TEXT ids. */
    struct rc_head_texts values; /* Of RC_CELL_TEXT cells. */
    uint32_t rows_max;
    uint32_t row_count;
    _Atomic(uint32_t) chunk_count;
    struct chunk *chunks[RC_HEAD_CHUNKS_MAX];
    uint32_t *table; /* Open addressing: a tag and a place; 0 is free. */
    uint32_t table_slots;
    uint32_t table_used;
};

static struct chunk *
chunk_free(struct chunk *chunk)
{
    if (chunk == NULL)
        return NULL;
    for (uint32_t i = 0; i < chunk->column_capacity; i++)
        rc_alloc_free(atomic_load_explicit(&chunk->columns[i], memory_order_relaxed));
    rc_alloc_free(chunk->users);
    rc_alloc_free(chunk->times_ms);
    rc_alloc_free(chunk->ids);
    return rc_alloc_free(chunk);
}

RC_DEFINE_CLEANUP(struct chunk *, chunk_free)

static enum rc_status
chunk_new(struct rc_account *account, uint32_t rows, uint32_t columns, struct chunk **ret_chunk)
{
    RC_CLEANUP(chunk_freep)
    struct chunk *chunk =
        rc_alloc_in(account, sizeof(*chunk) + columns * sizeof(chunk->columns[0]));
    if (chunk == NULL)
        return RC_NO_MEMORY;
    *chunk = (struct chunk){.row_capacity = rows, .column_capacity = columns};
    for (uint32_t i = 0; i < columns; i++)
        atomic_init(&chunk->columns[i], NULL);
    chunk->users = rc_alloc_in(account, rows * sizeof(chunk->users[0]));
    chunk->times_ms = rc_alloc_in(account, rows * sizeof(chunk->times_ms[0]));
    chunk->ids = rc_alloc_in(account, rows * sizeof(chunk->ids[0]));
    if (chunk->users == NULL || chunk->times_ms == NULL || chunk->ids == NULL)
        return RC_NO_MEMORY;
    *ret_chunk = RC_TAKE(chunk);
    return RC_OK;
}

static _Atomic(uint64_t) last_number;

enum rc_status
rc_head_new(struct rc_account *account, uint32_t rows_max, struct rc_head **ret_head)
{
    RC_ASSERT(rows_max > 0 && rows_max <= RC_HEAD_ROWS_MAX);
    RC_CLEANUP(rc_head_unrefp) struct rc_head *head = rc_alloc_in(account, sizeof(*head));
    if (head == NULL)
        return RC_NO_MEMORY;
    memset(head, 0, sizeof(*head));
    atomic_init(&head->references, 1);
    head->number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
    head->account = account;
    head->rows_max = rows_max;
    head->texts = rc_arena_new(account, 0);
    if (head->texts == NULL)
        return RC_NO_MEMORY;
    *ret_head = RC_TAKE(head);
    return RC_OK;
}

struct rc_head *
rc_head_ref(struct rc_head *head)
{
    atomic_fetch_add_explicit(&head->references, 1, memory_order_relaxed);
    return head;
}

struct rc_head *
rc_head_unref(struct rc_head *head)
{
    if (head == NULL || atomic_fetch_sub_explicit(&head->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    const uint32_t count = rc_head_chunk_count(head);
    for (uint32_t i = 0; i < count; i++)
        chunk_free(head->chunks[i]);
    rc_head_texts_close(&head->values);
    rc_arena_free(head->texts);
    rc_alloc_free(head->table);
    return rc_alloc_free(head);
}

uint64_t
rc_head_number(const struct rc_head *head)
{
    return head->number;
}

uint32_t
rc_head_row_count(const struct rc_head *head)
{
    return head->row_count;
}

bool
rc_head_is_full(const struct rc_head *head)
{
    return head->row_count >= head->rows_max;
}

uint32_t
rc_head_chunk_count(const struct rc_head *head)
{
    return atomic_load_explicit(&head->chunk_count, memory_order_acquire);
}

static enum rc_status
add_chunk(struct rc_head *head, uint32_t property_count)
{
    const uint32_t count = rc_head_chunk_count(head);
    RC_ASSERT(count < RC_HEAD_CHUNKS_MAX);
    uint32_t rows = CHUNK_ROWS_FIRST;
    while (rows < head->row_count && rows < RC_CHUNK_ROWS)
        rows *= 4;
    uint32_t columns = CHUNK_COLUMNS_FIRST;
    while (columns < property_count)
        columns *= 2;
    RC_TRY(chunk_new(head->account, rows < RC_CHUNK_ROWS ? rows : RC_CHUNK_ROWS, columns,
                     &head->chunks[count]));
    atomic_store_explicit(&head->chunk_count, count + 1, memory_order_release);
    return RC_OK;
}

enum rc_status
rc_head_make_room(struct rc_head *head,
                  uint32_t wanted,
                  uint32_t property_count,
                  struct rc_head_room *ret_room)
{
    RC_ASSERT(wanted > 0 && !rc_head_is_full(head));
    const uint32_t count = rc_head_chunk_count(head);
    const struct chunk *last = count == 0 ? NULL : head->chunks[count - 1];
    if (last == NULL || last->row_count == last->row_capacity ||
        last->column_capacity < property_count)
        RC_TRY(add_chunk(head, property_count));
    const uint32_t index = rc_head_chunk_count(head) - 1;
    struct chunk *chunk = head->chunks[index];
    uint32_t room = chunk->row_capacity - chunk->row_count;
    if (room > head->rows_max - head->row_count)
        room = head->rows_max - head->row_count;
    *ret_room = (struct rc_head_room){
        .chunk = index,
        .first = chunk->row_count,
        .count = wanted < room ? wanted : room,
        .users = chunk->users + chunk->row_count,
        .times_ms = chunk->times_ms + chunk->row_count,
        .ids = chunk->ids + chunk->row_count,
    };
    return RC_OK;
}

enum rc_status
rc_head_room_cells(struct rc_head *head,
                   const struct rc_head_room *room,
                   uint32_t property,
                   rc_cell **ret_cells)
{
    struct chunk *chunk = head->chunks[room->chunk];
    RC_ASSERT(property < chunk->column_capacity);
    rc_cell *cells = atomic_load_explicit(&chunk->columns[property], memory_order_relaxed);
    if (cells == NULL) {
        const size_t bytes = chunk->row_capacity * sizeof(cells[0]);
        cells = rc_alloc_in(head->account, bytes);
        if (cells == NULL)
            return RC_NO_MEMORY;
        memset(cells, 0, bytes);
        atomic_store_explicit(&chunk->columns[property], cells, memory_order_release);
    }
    *ret_cells = cells + room->first;
    return RC_OK;
}

enum rc_status
rc_head_keep_text(struct rc_head *head, struct rc_event_id *id)
{
    RC_ASSERT(id->kind == RC_EVENT_ID_TEXT);
    const char *copy = rc_arena_copy(head->texts, id->text.data, id->text.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    id->text.data = copy;
    return RC_OK;
}

enum rc_status
rc_head_intern_text(struct rc_head *head,
                    uint32_t property,
                    struct rc_bytes key,
                    uint32_t hash,
                    rc_cell *ret_cell)
{
    static const struct rc_dictionary_bounds none = RC_DICTIONARY_BOUNDS_NONE;
    struct rc_dictionary *dictionary = NULL;
    uint32_t code = 0;
    RC_TRY(rc_head_texts_make(&head->values, property, head->account, &dictionary));
    RC_TRY(rc_dictionary_intern_within(dictionary, key, hash, &none, &code));
    *ret_cell = rc_cell_of_text(code);
    return RC_OK;
}

static bool
same_event(const struct rc_head *head, uint32_t place, uint32_t user, const struct rc_event_id *id)
{
    const struct chunk *chunk = head->chunks[(place - 1) / RC_CHUNK_ROWS];
    const uint32_t row = (place - 1) % RC_CHUNK_ROWS;
    return chunk->users[row] == user && rc_event_id_replaces(&chunk->ids[row], id);
}

static uint32_t
tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~PLACE_MASK;
}

/* The slot that holds (user, id), whose hash is given, or the free one where it belongs. */
static uint32_t
table_slot(const struct rc_head *head, uint64_t hash, uint32_t user, const struct rc_event_id *id)
{
    const uint32_t mask = head->table_slots - 1;
    const uint32_t tag = tag_of(hash);
    uint32_t slot = (uint32_t)hash & mask;
    for (;; slot = (slot + 1) & mask) {
        const uint32_t entry = head->table[slot];
        if (entry == PLACE_NONE ||
            ((entry & ~PLACE_MASK) == tag && same_event(head, entry & PLACE_MASK, user, id)))
            return slot;
    }
}

static struct rc_head_place
place_of(uint32_t place)
{
    RC_ASSERT(place != PLACE_NONE);
    return (struct rc_head_place){
        .chunk = (place - 1) / RC_CHUNK_ROWS,
        .row = (place - 1) % RC_CHUNK_ROWS,
    };
}

/* Enters a place and returns the one that it takes the slot of, or PLACE_NONE. */
static uint32_t
table_enter(struct rc_head *head, uint32_t place, uint64_t hash)
{
    const struct rc_head_place at = place_of(place);
    const struct chunk *chunk = head->chunks[at.chunk];
    const uint32_t slot = table_slot(head, hash, chunk->users[at.row], &chunk->ids[at.row]);
    const uint32_t before = head->table[slot] & PLACE_MASK;
    if (before == PLACE_NONE)
        head->table_used++;
    head->table[slot] = tag_of(hash) | place;
    return before;
}

static uint64_t
hash_at(const struct rc_head *head, uint32_t place)
{
    const struct rc_head_place at = place_of(place);
    const struct chunk *chunk = head->chunks[at.chunk];
    return rc_event_id_hash(chunk->users[at.row], &chunk->ids[at.row]);
}

static enum rc_status
table_grow(struct rc_head *head, uint32_t more)
{
    uint32_t slots = head->table_slots == 0 ? TABLE_SLOTS_FIRST : head->table_slots;
    while ((head->table_used + more) * 2 > slots)
        slots *= 2;
    if (slots == head->table_slots)
        return RC_OK;
    uint32_t *table = rc_alloc_in(head->account, slots * sizeof(table[0]));
    if (table == NULL)
        return RC_NO_MEMORY;
    memset(table, 0, slots * sizeof(table[0]));
    uint32_t *old = head->table;
    const uint32_t old_slots = head->table_slots;
    head->table = table;
    head->table_slots = slots;
    head->table_used = 0;
    for (uint32_t i = 0; i < old_slots; i++) {
        const uint32_t place = old[i] & PLACE_MASK;
        if (place != PLACE_NONE)
            (void)table_enter(head, place, hash_at(head, place));
    }
    rc_alloc_free(old);
    return RC_OK;
}

enum rc_status
rc_head_commit(struct rc_head *head,
               const struct rc_head_room *room,
               const uint64_t *hashes,
               struct rc_head_place *replaced,
               uint32_t *ret_replaced_count)
{
    RC_TRY(table_grow(head, room->count));
    struct chunk *chunk = head->chunks[room->chunk];
    RC_ASSERT(chunk->row_count == room->first);
    uint32_t count = 0;
    for (uint32_t i = 0; i < room->count; i++) {
        if (i + AHEAD < room->count)
            rc_head_fetch(head, hashes[i + AHEAD]);
        if (room->ids[i].kind == RC_EVENT_ID_DERIVED)
            continue;
        const uint32_t place = room->chunk * RC_CHUNK_ROWS + room->first + i + 1;
        const uint32_t before = table_enter(head, place, hashes[i]);
        if (before != PLACE_NONE)
            replaced[count++] = place_of(before);
    }
    *ret_replaced_count = count;
    chunk->row_count += room->count;
    head->row_count += room->count;
    RC_ASSERT(chunk->row_count <= chunk->row_capacity && head->row_count <= head->rows_max);
    return RC_OK;
}

/* Rows are null until they are written. */
static void
clear_rows(struct chunk *chunk, uint32_t first)
{
    for (uint32_t i = 0; i < chunk->column_capacity; i++) {
        rc_cell *cells = atomic_load_explicit(&chunk->columns[i], memory_order_relaxed);
        if (cells != NULL)
            memset(cells + first, 0, (chunk->row_capacity - first) * sizeof(cells[0]));
    }
    chunk->row_count = first;
}

/* Enters all rows anew. */
static void
table_fill(struct rc_head *head)
{
    const uint32_t count = rc_head_chunk_count(head);
    head->table_used = 0;
    if (head->table_slots > 0)
        memset(head->table, 0, head->table_slots * sizeof(head->table[0]));
    for (uint32_t c = 0; c < count; c++)
        for (uint32_t row = 0; row < head->chunks[c]->row_count; row++)
            if (head->chunks[c]->ids[row].kind != RC_EVENT_ID_DERIVED) {
                const uint32_t place = c * RC_CHUNK_ROWS + row + 1;
                (void)table_enter(head, place, hash_at(head, place));
            }
}

void
rc_head_take_back(struct rc_head *head, uint32_t chunk_count, uint32_t last_chunk_rows)
{
    const uint32_t count = rc_head_chunk_count(head);
    RC_ASSERT(chunk_count <= count);
    atomic_store_explicit(&head->chunk_count, chunk_count, memory_order_release);
    for (uint32_t i = chunk_count; i < count; i++)
        head->chunks[i] = chunk_free(head->chunks[i]);
    if (chunk_count > 0) {
        RC_ASSERT(last_chunk_rows <= head->chunks[chunk_count - 1]->row_count);
        clear_rows(head->chunks[chunk_count - 1], last_chunk_rows);
    }
    head->row_count = 0;
    for (uint32_t i = 0; i < chunk_count; i++)
        head->row_count += head->chunks[i]->row_count;
    table_fill(head);
}

void
rc_head_fetch(const struct rc_head *head, uint64_t hash)
{
    if (head->table_slots != 0)
        __builtin_prefetch(&head->table[(uint32_t)hash & (head->table_slots - 1)]);
}

bool
rc_head_find(const struct rc_head *head,
             uint64_t hash,
             uint32_t user,
             const struct rc_event_id *id,
             struct rc_head_place *ret_place)
{
    if (head->table_slots == 0)
        return false;
    const uint32_t place = head->table[table_slot(head, hash, user, id)] & PLACE_MASK;
    if (place == PLACE_NONE)
        return false;
    *ret_place = place_of(place);
    return true;
}

void
rc_head_chunk(const struct rc_head *head,
              uint32_t chunk,
              uint32_t rows,
              struct rc_view_chunk *ret_chunk)
{
    RC_ASSERT(chunk < rc_head_chunk_count(head));
    const struct chunk *at = head->chunks[chunk];
    *ret_chunk = (struct rc_view_chunk){
        .row_count = rows == RC_CHUNK_WHOLE ? at->row_count : rows,
        .number = chunk,
        .head = head->number,
        .users = at->users,
        .times_ms = at->times_ms,
        .ids = at->ids,
        .cells_of_property = at->columns,
        .texts_of_property = &head->values,
        .property_count = at->column_capacity,
    };
}

uint32_t
rc_head_last_chunk_rows(const struct rc_head *head)
{
    const uint32_t count = rc_head_chunk_count(head);
    return count == 0 ? 0 : head->chunks[count - 1]->row_count;
}

const rc_cell *
rc_view_chunk_cells(const struct rc_view_chunk *chunk, uint32_t property)
{
    if (property >= chunk->property_count)
        return NULL;
    _Atomic(rc_cell *) const *columns = chunk->cells_of_property;
    return atomic_load_explicit(&columns[property], memory_order_acquire);
}

const struct rc_dictionary *
rc_view_chunk_texts(const struct rc_view_chunk *chunk, uint32_t property)
{
    const struct rc_head_texts *texts = chunk->texts_of_property;
    return texts == NULL ? NULL : rc_head_texts_of(texts, property);
}
