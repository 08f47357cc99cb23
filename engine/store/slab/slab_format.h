/*
 * Slab format, versions 3 and 4: the bytes of a slab, on disk and in memory. Little-endian. Version
 * 4 is that of a slab whose window is shorter than 28 days, and differs in nothing else. Versions 1
 * and 2 are read as well: their ids are u64 a row, their filters have 20 bits a key, none of their
 * columns is marked; and version 1 has no texts of columns.
 *
 *   offset  size  header
 *        0     8  magic "RCSLAB01"
 *        8     4  version, 3 or 4
 *       12     4  CRC32C of the header and section table with this field 0
 *       16     8  size of the slab in bytes, a multiple of 64
 *       24     8  start of the window, ms since 1970
 *       32     8  least time of a row, ms since 1970
 *       40     8  greatest time of a row, inclusive
 *       48     4  rows
 *       52     4  users
 *       56     4  columns
 *       60     2  sections, 10
 *       62     2  days of the window: version 4, 7 or 1, and the start is a multiple of them from
 *                 1970 on; before, 0, and they are 28
 *       64    24  for each section in the order below: kind u32, CRC32C u32, offset u64, size u64
 *      304        end of the section table
 *
 * Sections begin at multiples of 64, in the order of the table. An absent one has zeros for offset,
 * size and checksum. After the last section come the columns' bytes, each column at a multiple of
 * 64. What lies between is zero.
 *
 *   kind             content
 *    1 USERS         u32 a user: ordinals, ascending
 *    2 STARTS        u32 a user and one more: first rows
 *    3 TIMES         u32 a row: ms since the start of the window
 *    4 IDS           an rc_slab_ids (16 bytes), then numbers of width bits, a row's from bit
 *                    row * width of the u64 words that follow; one more word, of zero, ends them.
 *                    base and the number are: INT the id, DERIVED the hash, TEXT the index of its
 *                    text. base is the least of them and width what the greatest then needs: 1 to
 *                    57 bits, so that eight bytes from any bit's byte on hold a number, or 64
 *    5 TEXT_BITS     a bit a row, in words of 64: the id is TEXT; absent when none is
 *    6 DERIVED_BITS  the same for DERIVED
 *    7 TEXT_ENDS     u32 a text: where it ends in the next section
 *    8 TEXT          the texts' bytes, in the order of their rows
 *    9 FILTER        the filter of all sent ids, of RC_SLAB_FILTER_BITS a key, see filter.h
 *   10 DIRECTORY     an rc_slab_column a column, in ascending order of property
 *
 * A column's bytes, each part beginning at a multiple of 8 from the column's start:
 *   codes       code_count * code_width
 *   positions   u32 each: RUNS code_count + 1, SPARSE code_count, PLAIN none
 *               MARKED_RUNS and MARKED_ROWS: a bit a row in words of 64, the marks, of which
 *               code_count are set and none past the last row; then a u32 for every 256th row and,
 *               where the rows end at one, for the end: how many marks are before it
 *   dictionary  u64 a cell
 *   texts       only with RC_SLAB_FORM_TEXTS: an rc_slab_texts (16 bytes), u64 a block: where it
 *               begins in the texts' bytes, the texts' bytes
 *
 * The texts' bytes are those of texts.h, in blocks of RC_TEXTS_BLOCK: the first text of a block is
 * a varint size and its bytes; each other one a varint size of what it shares with the one before,
 * a varint size of the rest, the rest. Varints are as short as they can be, what is shared is as
 * much as there is, and no text is empty. Codes are those of the dictionary, then those of the
 * texts.
 */
#ifndef RC_STORE_SLAB_SLAB_FORMAT_H
#define RC_STORE_SLAB_SLAB_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/store/slab/slab.h"

#define RC_SLAB_MAGIC "RCSLAB01"
#define RC_SLAB_VERSION 4u
#define RC_SLAB_VERSION_MIN 1u   /* The oldest that is read. */
#define RC_SLAB_VERSION_TEXTS 2u /* The first whose columns may have texts. */
#define RC_SLAB_VERSION_PACKED                                                                  \
    3u                           /* The first with packed ids, marked columns, smaller filters. \
                                  */
#define RC_SLAB_VERSION_SHORT 4u /* Of a window that is shorter than 28 days. */
#define RC_SLAB_ALIGNMENT 64u
#define RC_SLAB_FILTER_BITS 16u
#define RC_SLAB_FILTER_BITS_V2 20u

enum rc_slab_section_kind {
    RC_SLAB_USERS = 1,
    RC_SLAB_STARTS = 2,
    RC_SLAB_TIMES = 3,
    RC_SLAB_IDS = 4,
    RC_SLAB_TEXT_BITS = 5,
    RC_SLAB_DERIVED_BITS = 6,
    RC_SLAB_TEXT_ENDS = 7,
    RC_SLAB_TEXT = 8,
    RC_SLAB_FILTER = 9,
    RC_SLAB_DIRECTORY = 10,
};
#define RC_SLAB_SECTION_COUNT 10u

struct rc_slab_section {
    uint32_t kind;
    uint32_t crc32c;
    uint64_t offset;
    uint64_t size;
};

struct rc_slab_header {
    char magic[8];
    uint32_t version;
    uint32_t crc32c;
    uint64_t size;
    int64_t window_start_ms;
    int64_t time_min_ms;
    int64_t time_max_ms;
    uint32_t row_count;
    uint32_t user_count;
    uint32_t column_count;
    uint16_t section_count;
    uint16_t window_days; /* 0: RC_WINDOW_DAYS_MAX. */
    struct rc_slab_section sections[RC_SLAB_SECTION_COUNT];
};

/* What the ids begin with. */
struct rc_slab_ids {
    uint64_t base;
    uint32_t width;
    uint32_t zero;
};

#define RC_SLAB_ID_WIDTH_MAX 57u /* Of a width that is not 64. */

/* An entry of the directory. */
struct rc_slab_column {
    uint32_t property;
    uint32_t form; /* enum rc_column_form, and RC_SLAB_FORM_TEXTS */
    uint32_t code_width;
    uint32_t code_count;
    uint32_t dictionary_count;
    uint32_t crc32c;
    uint64_t offset;
    uint64_t size;
};

#define RC_SLAB_FORM_TEXTS 0x100u

/* What the texts of a column begin with. */
struct rc_slab_texts {
    uint32_t text_count; /* > 0. */
    uint32_t zero;
    uint64_t byte_count;
};

_Static_assert(sizeof(struct rc_slab_ids) == 16, "what the ids begin with");
_Static_assert(sizeof(struct rc_slab_texts) == 16, "texts of a column");
_Static_assert(sizeof(struct rc_slab_section) == 24, "section table entry");
_Static_assert(sizeof(struct rc_slab_header) == 304, "header and section table");
_Static_assert(offsetof(struct rc_slab_header, crc32c) == 12, "header checksum");
_Static_assert(offsetof(struct rc_slab_header, window_start_ms) == 24, "window");
_Static_assert(offsetof(struct rc_slab_header, row_count) == 48, "counts");
_Static_assert(offsetof(struct rc_slab_header, window_days) == 62, "window's length");
_Static_assert(offsetof(struct rc_slab_header, sections) == 64, "section table");
_Static_assert(sizeof(struct rc_slab_column) == 40, "directory entry");
_Static_assert(offsetof(struct rc_slab_column, offset) == 24, "directory entry");

static inline uint64_t
rc_slab_align(uint64_t size, uint64_t alignment)
{
    return (size + alignment - 1) & ~(alignment - 1);
}

static inline enum rc_column_form
rc_slab_column_form(const struct rc_slab_column *column)
{
    return (enum rc_column_form)(column->form & ~RC_SLAB_FORM_TEXTS);
}

/* Where a column's arrays begin in its bytes; without texts, those end at texts_at. */
struct rc_slab_column_layout {
    uint64_t positions_at; /* Or the marks. */
    uint64_t ranks_at;     /* Where the positions end, when the column is not marked. */
    uint64_t dictionary_at;
    uint64_t texts_at;
};

/* What the positions of a column take, or its marks. */
static inline uint64_t
rc_slab_positions_size(enum rc_column_form form, uint64_t code_count, uint64_t row_count)
{
    switch (form) {
    case RC_COLUMN_RUNS:
        return (code_count + 1) * 4;
    case RC_COLUMN_SPARSE:
        return code_count * 4;
    case RC_COLUMN_MARKED_RUNS:
    case RC_COLUMN_MARKED_ROWS:
        return (row_count + 63) / 64 * 8;
    case RC_COLUMN_PLAIN:
        break;
    }
    return 0;
}

static inline struct rc_slab_column_layout
rc_slab_column_layout(const struct rc_slab_column *column, uint64_t row_count)
{
    struct rc_slab_column_layout layout;
    const enum rc_column_form form = rc_slab_column_form(column);
    const uint64_t count = column->code_count;
    const uint64_t ranks = rc_column_form_is_marked(form) ? row_count / RC_MARKS_RANK_ROWS + 1 : 0;
    layout.positions_at = rc_slab_align(count * column->code_width, 8);
    layout.ranks_at = layout.positions_at + rc_slab_positions_size(form, count, row_count);
    layout.dictionary_at = rc_slab_align(layout.ranks_at + ranks * 4, 8);
    layout.texts_at = layout.dictionary_at + (uint64_t)column->dictionary_count * 8;
    return layout;
}

/* What ids of a width take. */
static inline uint64_t
rc_slab_ids_size(uint64_t row_count, uint32_t width)
{
    return sizeof(struct rc_slab_ids) + ((row_count * width + 63) / 64 + 1) * 8;
}

/* The least width of numbers that are at most this far above their base. */
static inline uint32_t
rc_slab_id_width(uint64_t spread)
{
    const uint32_t bits = spread == 0 ? 1 : 64 - (uint32_t)__builtin_clzll(spread);
    return bits > RC_SLAB_ID_WIDTH_MAX ? 64 : bits;
}

static inline bool
rc_slab_id_width_is_sound(uint32_t width)
{
    return (width > 0 && width <= RC_SLAB_ID_WIDTH_MAX) || width == 64;
}

/* A number of packed ids; numbers are their bytes, of which the first holds the bit number 0. */
static inline uint64_t
rc_slab_id_unpack(const struct rc_slab_ids *ids, const unsigned char *numbers, uint64_t bit)
{
    uint64_t word;
    memcpy(&word, numbers + bit / 8, sizeof(word));
    return ids->base + (word >> (bit % 8) & (UINT64_MAX >> (64 - ids->width)));
}

static inline struct rc_window
rc_slab_header_window(const struct rc_slab_header *header)
{
    return (struct rc_window){
        .start_ms = header->window_start_ms,
        .days = header->window_days == 0 ? RC_WINDOW_DAYS_MAX : header->window_days,
    };
}

/* How many bits a key the filter of a slab has. */
static inline uint32_t
rc_slab_filter_bits(const struct rc_slab_header *header)
{
    return header->version < RC_SLAB_VERSION_PACKED ? RC_SLAB_FILTER_BITS_V2 : RC_SLAB_FILTER_BITS;
}

/* What texts take in a column. */
static inline uint64_t
rc_slab_texts_size(uint32_t text_count, uint64_t byte_count)
{
    const uint64_t starts = (uint64_t)rc_texts_block_count(text_count) * 8;
    return text_count == 0 ? 0 : sizeof(struct rc_slab_texts) + starts + byte_count;
}

/* The least width that holds the codes of a column: cells and texts. */
static inline uint32_t
rc_slab_code_width(uint64_t code_bound)
{
    return code_bound <= 1u << 8 ? 1 : code_bound <= 1u << 16 ? 2 : 4;
}

/* CRC32C of a header, its own field taken as 0. */
uint32_t
rc_slab_header_crc32c(const struct rc_slab_header *header);

/* The header of a slab, and its directory (column_count entries). */
const struct rc_slab_header *
rc_slab_header_of(const struct rc_slab *slab);
const struct rc_slab_column *
rc_slab_directory(const struct rc_slab *slab);

/* Whether a column's bytes are in memory now: those of a cold slab are read if they were not. */
bool
rc_slab_need_column(const struct rc_slab *slab, uint32_t index);

bool
rc_slab_has_column(const struct rc_slab *slab, uint32_t index);

/* The number of a row's id: see IDS above. The ids must be in memory. */
uint64_t
rc_slab_id_number(const struct rc_slab *slab, uint32_t row);

/* A section's bytes; size 0 when it is absent. */
struct rc_bytes
rc_slab_section_bytes(const struct rc_slab *slab, enum rc_slab_section_kind kind);

#endif
