/*
 * Kept column: one allocation: the struct, the cells, a bit a block, where blocks of texts begin,
 * the codes, the texts' bytes. The cells of a base come first, then those of the view that are new:
 * so codes of the base stay what they are, and those of the view are looked up in a table. Code 0
 * is null where rows without a value have a code in either; where the base has cells its first one
 * is code 0 too.
 *
 * Why not blocks that are filled in place: who samples rows reads those of other blocks as well,
 * and codes would get wider under readers. A copy is a tenth of what making a code takes.
 */
#include "engine/match/cache/kept_column.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/match/rows/row_codes.h"
#include "engine/match/rows/words.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/texts/texts.h"

/* A view of more cells is not searched for equal ones, unless there is a base: a formula's are
 * nearly all different then. */
#define CELLS_COMPARED 65536u

#define AHEAD_SHARE 8u

struct rc_kept_column {
    _Atomic(uint32_t) references;
    uint32_t row_count;
    uint32_t block_count;
    uint32_t filled_count;
    uint32_t cell_count;
    uint32_t code_width;
    bool declined;
    uint64_t bytes;
    rc_cell *cells;
    uint64_t *filled; /* A bit a block. */
    struct rc_texts texts;
    void *codes; /* NULL: no row has a value. */
};

static uint32_t
blocks_of(uint32_t row_count)
{
    return (row_count + RC_BLOCK_ROWS - 1) / RC_BLOCK_ROWS;
}

uint32_t
rc_kept_column_words(uint32_t row_count)
{
    return (blocks_of(row_count) + 63) / 64;
}

struct rc_kept_column *
rc_kept_column_ref(struct rc_kept_column *column)
{
    atomic_fetch_add_explicit(&column->references, 1, memory_order_relaxed);
    return column;
}

struct rc_kept_column *
rc_kept_column_unref(struct rc_kept_column *column)
{
    if (column == NULL ||
        atomic_fetch_sub_explicit(&column->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    return rc_alloc_free(column);
}

/* ---- Cells ----------------------------------------------------------------------------------- */

/* The cells of both, and where each of the view's is among them. */
struct joined {
    uint32_t count;
    rc_cell *cells;
    uint32_t *code_of;     /* By code of the view; NULL: as they are. */
    struct rc_texts texts; /* Of the view. */
};

static uint32_t
code_bound(const struct joined *joined)
{
    return joined->count + joined->texts.count;
}

static void
close_joined(struct joined *joined)
{
    joined->cells = rc_alloc_free(joined->cells);
    joined->code_of = rc_alloc_free(joined->code_of);
}

/* The slot of a cell, or a free one. slots: code + 1. */
static uint32_t *
slot_of(const struct joined *joined, uint32_t *slots, uint32_t mask, rc_cell cell)
{
    uint32_t at = (uint32_t)rc_hash_u64(cell) & mask;
    while (slots[at] != 0 && joined->cells[slots[at] - 1] != cell)
        at = (at + 1) & mask;
    return &slots[at];
}

static enum rc_status
join_cells(const struct rc_kept_column *base,
           const struct rc_column_view *view,
           struct rc_account *account,
           struct joined *joined)
{
    const uint32_t old_count = base == NULL ? 0 : base->cell_count;
    const size_t most = (size_t)old_count + view->dictionary_count;
    const bool compares =
        old_count > 0 || (view->dictionary_count <= CELLS_COMPARED && view->texts.count == 0);
    RC_ASSERT(view->texts.count == 0 || base == NULL);
    joined->texts = view->texts;
    joined->cells = rc_alloc_in(account, most * sizeof(*joined->cells) + 1);
    if (joined->cells == NULL)
        return RC_NO_MEMORY;
    if (!compares) {
        memcpy(joined->cells, view->dictionary, most * sizeof(*joined->cells));
        joined->count = view->dictionary_count;
        return RC_OK;
    }
    uint32_t slot_count = 16;
    while (slot_count < 2 * most)
        slot_count *= 2;
    RC_CLEANUP(rc_alloc_freep) uint32_t *slots = rc_alloc_in(account, slot_count * sizeof(*slots));
    joined->code_of = rc_alloc_in(account, view->dictionary_count * sizeof(*joined->code_of) + 1);
    if (slots == NULL || joined->code_of == NULL)
        return RC_NO_MEMORY;
    memset(slots, 0, slot_count * sizeof(*slots));
    for (uint32_t i = 0; i < old_count; i++) {
        joined->cells[joined->count] = base->cells[i];
        *slot_of(joined, slots, slot_count - 1, base->cells[i]) = ++joined->count;
    }
    for (uint32_t i = 0; i < view->dictionary_count; i++) {
        uint32_t *slot = slot_of(joined, slots, slot_count - 1, view->dictionary[i]);
        if (*slot == 0) {
            joined->cells[joined->count] = view->dictionary[i];
            *slot = ++joined->count;
        }
        joined->code_of[i] = *slot - 1;
    }
    return RC_OK;
}

/* ---- Codes ----------------------------------------------------------------------------------- */

#define PIECE_ROWS 1024u

/* Copies the codes of a block. code_of: NULL: as they are. */
static void
copy_block(struct rc_kept_column *column,
           const struct rc_column_view *from,
           const uint32_t *code_of,
           uint32_t block)
{
    uint32_t codes[PIECE_ROWS];
    uint32_t position = 0;
    const uint32_t begin = block * RC_BLOCK_ROWS;
    const uint32_t left = column->row_count - begin;
    const uint32_t end = begin + (left < RC_BLOCK_ROWS ? left : RC_BLOCK_ROWS);
    if (code_of == NULL && from->code_width == column->code_width) {
        const size_t width = column->code_width;
        memcpy((char *)column->codes + begin * width, (const char *)from->codes + begin * width,
               (end - begin) * width);
        return;
    }
    for (uint32_t row = begin; row < end; row += PIECE_ROWS) {
        const uint32_t count = end - row < PIECE_ROWS ? end - row : PIECE_ROWS;
        rc_row_codes(from, row, count, &position, codes);
        for (uint32_t i = 0; i < count && code_of != NULL; i++)
            codes[i] = code_of[codes[i]];
        rc_codes_put(column->codes, column->code_width, row, codes, count);
    }
}

/* Copies texts to where there is room for both. */
static void
copy_texts(const struct rc_texts *from,
           uint64_t *block_starts,
           unsigned char *bytes,
           struct rc_texts *to)
{
    *to = *from;
    if (from->count == 0)
        return;
    memcpy(block_starts, from->block_starts,
           rc_texts_block_count(from->count) * sizeof(*block_starts));
    memcpy(bytes, from->bytes, from->byte_count);
    to->block_starts = block_starts;
    to->bytes = bytes;
}

/* Without codes and without a block. */
static enum rc_status
column_new(const struct joined *joined,
           uint32_t row_count,
           struct rc_account *account,
           struct rc_kept_column **ret_column)
{
    const uint32_t bound = code_bound(joined);
    const uint32_t width = bound <= 1u << 8 ? 1 : bound <= 1u << 16 ? 2 : 4;
    const size_t cell_bytes = joined->count * sizeof(rc_cell);
    const size_t word_bytes = rc_kept_column_words(row_count) * sizeof(uint64_t);
    const size_t start_bytes = rc_texts_block_count(joined->texts.count) * sizeof(uint64_t);
    const size_t code_bytes = bound == 0 ? 0 : (size_t)row_count * width;
    const size_t bytes = sizeof(struct rc_kept_column) + cell_bytes + word_bytes + start_bytes +
                         code_bytes + joined->texts.byte_count;
    struct rc_kept_column *column = rc_alloc_in(account, bytes);
    if (column == NULL)
        return RC_NO_MEMORY;
    *column = (struct rc_kept_column){.row_count = row_count,
                                      .block_count = blocks_of(row_count),
                                      .cell_count = joined->count,
                                      .code_width = width,
                                      .bytes = bytes};
    atomic_init(&column->references, 1);
    column->cells = (rc_cell *)(column + 1);
    column->filled = (uint64_t *)(void *)((char *)column->cells + cell_bytes);
    uint64_t *starts = column->filled + rc_kept_column_words(row_count);
    char *codes = (char *)starts + start_bytes;
    column->codes = code_bytes == 0 ? NULL : codes;
    copy_texts(&joined->texts, starts, (unsigned char *)codes + code_bytes, &column->texts);
    if (joined->count > 0)
        memcpy(column->cells, joined->cells, cell_bytes);
    memset(column->filled, 0, word_bytes);
    *ret_column = column;
    return RC_OK;
}

static void
clear_block(struct rc_kept_column *column, uint32_t block)
{
    const size_t begin = (size_t)block * RC_BLOCK_ROWS;
    const size_t left = column->row_count - begin;
    memset((char *)column->codes + begin * column->code_width, 0,
           (left < RC_BLOCK_ROWS ? left : RC_BLOCK_ROWS) * column->code_width);
}

enum rc_status
rc_kept_column_new(const struct rc_kept_column *base,
                   const struct rc_column_view *view,
                   bool present,
                   const uint64_t *blocks,
                   uint32_t row_count,
                   struct rc_account *account,
                   struct rc_kept_column **ret_column)
{
    static const rc_cell null = RC_CELL_NULL;
    /* Blocks without a value are those of a view that knows nothing but null. */
    const struct rc_column_view nothing = {.dictionary = &null, .dictionary_count = 1};
    struct rc_column_view base_view;
    const bool base_present = base != NULL && rc_kept_column_view(base, &base_view);
    RC_CLEANUP(close_joined) struct joined joined = {.count = 0};
    struct rc_kept_column *column;
    RC_ASSERT(!present || view->form == RC_COLUMN_PLAIN);
    RC_ASSERT(base == NULL || base->row_count == row_count);
    if (base_present || present)
        RC_TRY(join_cells(base, present ? view : &nothing, account, &joined));
    RC_ASSERT(code_bound(&joined) == 0 || joined.cells[0] == RC_CELL_NULL ||
              (base == NULL && blocks == NULL));
    RC_TRY(column_new(&joined, row_count, account, &column));
    for (uint32_t block = 0; block < column->block_count; block++) {
        const bool of_base = base != NULL && rc_words_has(base->filled, block);
        const bool of_view = !of_base && (blocks == NULL || rc_words_has(blocks, block));
        if (of_base || of_view) {
            column->filled[block / 64] |= (uint64_t)1 << (block % 64);
            column->filled_count++;
        }
        if (column->codes == NULL)
            continue;
        if (of_base && base_present)
            copy_block(column, &base_view, NULL, block);
        else if (of_view && present)
            copy_block(column, view, joined.code_of, block);
        else
            clear_block(column, block);
    }
    *ret_column = column;
    return RC_OK;
}

enum rc_status
rc_kept_column_new_declined(uint32_t row_count,
                            struct rc_account *account,
                            struct rc_kept_column **ret_column)
{
    RC_TRY(rc_kept_column_new(NULL, NULL, false, NULL, row_count, account, ret_column));
    (*ret_column)->declined = true;
    return RC_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

bool
rc_kept_column_has(const struct rc_kept_column *column, const uint64_t *blocks)
{
    if (blocks == NULL || column->filled_count == column->block_count)
        return column->filled_count == column->block_count;
    for (uint32_t block = 0; block < column->block_count; block++)
        if (rc_words_has(blocks, block) && !rc_words_has(column->filled, block))
            return false;
    return true;
}

bool
rc_kept_column_includes(const struct rc_kept_column *column, const struct rc_kept_column *other)
{
    RC_ASSERT(column->row_count == other->row_count);
    return rc_kept_column_has(column, other->filled);
}

void
rc_kept_column_missing(const struct rc_kept_column *column,
                       const uint64_t *blocks,
                       uint64_t *ret_missing)
{
    uint32_t count = 0;
    memset(ret_missing, 0, rc_kept_column_words(column->row_count) * sizeof(*ret_missing));
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t block = 0; block < column->block_count; block++) {
            const bool wanted = blocks == NULL || rc_words_has(blocks, block);
            if (rc_words_has(column->filled, block) || wanted != (round == 0) ||
                (round == 1 && count >= column->filled_count / AHEAD_SHARE))
                continue;
            ret_missing[block / 64] |= (uint64_t)1 << (block % 64);
            count++;
        }
    }
}

bool
rc_kept_column_is_declined(const struct rc_kept_column *column)
{
    return column->declined;
}

bool
rc_kept_column_view(const struct rc_kept_column *column, struct rc_column_view *ret_view)
{
    if (column->codes == NULL)
        return false;
    *ret_view = (struct rc_column_view){.form = RC_COLUMN_PLAIN,
                                        .property = RC_PROPERTY_NONE,
                                        .code_width = column->code_width,
                                        .code_count = column->row_count,
                                        .codes = column->codes,
                                        .dictionary = column->cells,
                                        .dictionary_count = column->cell_count,
                                        .texts = column->texts};
    return true;
}

uint64_t
rc_kept_column_bytes(const struct rc_kept_column *column)
{
    return column->bytes;
}

enum rc_status
rc_kept_column_check(const struct rc_kept_column *column)
{
    struct rc_column_view view;
    uint32_t filled = 0;
    for (uint32_t word = 0; word < rc_kept_column_words(column->row_count); word++)
        filled += (uint32_t)__builtin_popcountll(column->filled[word]);
    for (uint32_t block = 0; block < column->block_count; block++)
        filled -= rc_words_has(column->filled, block);
    if (filled != 0 || column->filled_count > column->block_count)
        return RC_CORRUPT;
    if (!rc_kept_column_view(column, &view))
        return column->cell_count == 0 && column->texts.count == 0 ? RC_OK : RC_CORRUPT;
    for (uint32_t row = 0; row < column->row_count; row++) {
        const uint32_t code = rc_column_code(&view, row);
        if (code >= rc_column_code_bound(&view) ||
            (code != 0 && !rc_words_has(column->filled, row / RC_BLOCK_ROWS)))
            return RC_CORRUPT;
    }
    return view.texts.count == 0 ? RC_OK : rc_texts_check(&view.texts, NULL);
}
