/*
 * Slab layout. Every size that the counts decide is computed and compared, none is believed; the
 * rest (texts, columns) is bounded by what is left of the bytes. The sums cannot wrap: counts are
 * 32 bits wide, and offsets and sizes are held against the size of the bytes before they are added.
 */
#include "engine/store/slab/slab_layout.h"

#include <string.h>

#include "engine/base/checksum.h"
#include "engine/base/limits.h"
#include "engine/store/slab/filter.h"
#include "engine/store/slab/slab_format.h"

uint32_t
rc_slab_header_crc32c(const struct rc_slab_header *header)
{
    struct rc_slab_header copy = *header;
    copy.crc32c = 0;
    return rc_crc32c(&copy, sizeof(copy));
}

static enum rc_status
check_header(const struct rc_slab_header *header, size_t size, struct rc_error *reterr_error)
{
    if (memcmp(header->magic, RC_SLAB_MAGIC, sizeof(header->magic)) != 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "the bytes are not a slab");
    if (header->version < RC_SLAB_VERSION_MIN || header->version > RC_SLAB_VERSION)
        return rc_error_set(reterr_error, RC_CORRUPT, "slab format version %u is not known",
                            header->version);
    if (header->crc32c != rc_slab_header_crc32c(header))
        return rc_error_set(reterr_error, RC_CORRUPT, "the checksum of a slab's header is off");
    if (header->size != size || size % RC_SLAB_ALIGNMENT != 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "a slab of %llu bytes has %zu",
                            (unsigned long long)header->size, size);
    const bool counts_fit = header->row_count > 0 && header->row_count <= RC_SLAB_ROWS_MAX &&
                            header->user_count > 0 && header->user_count <= header->row_count &&
                            header->column_count <= RC_PROPERTIES_MAX &&
                            header->section_count == RC_SLAB_SECTION_COUNT;
    if (!counts_fit)
        return rc_error_set(reterr_error, RC_CORRUPT, "a slab's counts are out of bounds");
    const struct rc_window window = rc_slab_header_window(header);
    const bool window_fits =
        header->version < RC_SLAB_VERSION_SHORT
            ? header->window_days == 0
            : (window.days == RC_WINDOW_DAYS_MIDDLE || window.days == RC_WINDOW_DAYS_MIN) &&
                  window.start_ms % (window.days * RC_DAY_MS) == 0;
    if (!window_fits)
        return rc_error_set(reterr_error, RC_CORRUPT, "a slab's window is none that there is");
    const bool times_fit =
        header->window_start_ms <= header->time_min_ms &&
        header->time_min_ms <= header->time_max_ms && header->window_start_ms >= INT64_MIN / 2 &&
        header->time_max_ms <= INT64_MAX / 2 && header->time_max_ms < rc_window_end_ms(window);
    if (!times_fit)
        return rc_error_set(reterr_error, RC_CORRUPT, "a slab's times are outside its window");
    return RC_OK;
}

/* Whether a section may have this size; those of the ids' texts and the filter depend on
 * content. */
static bool
section_size_fits(const struct rc_slab_header *header, const struct rc_slab_section *section)
{
    const uint64_t rows = header->row_count;
    const uint64_t bits = (rows + 63) / 64 * 8;
    switch ((enum rc_slab_section_kind)section->kind) {
    case RC_SLAB_USERS:
        return section->size == (uint64_t)header->user_count * 4;
    case RC_SLAB_STARTS:
        return section->size == ((uint64_t)header->user_count + 1) * 4;
    case RC_SLAB_TIMES:
        return section->size == rows * 4;
    case RC_SLAB_IDS: /* What they begin with says more: ids_fit. */
        return header->version < RC_SLAB_VERSION_PACKED
                   ? section->size == rows * 8
                   : section->size >= rc_slab_ids_size(rows, 1) &&
                         section->size <= rc_slab_ids_size(rows, 64);
    case RC_SLAB_TEXT_BITS:
    case RC_SLAB_DERIVED_BITS:
        return section->size == bits || section->size == 0;
    case RC_SLAB_TEXT_ENDS:
        return section->size % 4 == 0 && section->size <= rows * 4;
    case RC_SLAB_TEXT:
        return section->size <= UINT32_MAX;
    case RC_SLAB_FILTER:
        return section->size % RC_FILTER_BLOCK_BYTES == 0 &&
               section->size <= rc_filter_size_bytes(rows, rc_slab_filter_bits(header));
    case RC_SLAB_DIRECTORY:
        return section->size == header->column_count * sizeof(struct rc_slab_column);
    }
    return false;
}

/* Whether [offset, offset + size) is aligned, at or behind *end and inside; moves *end
 * behind it. */
static bool
extent_fits(uint64_t offset, uint64_t size, uint64_t slab_size, uint64_t *end)
{
    if (offset % RC_SLAB_ALIGNMENT != 0 || offset != rc_slab_align(*end, RC_SLAB_ALIGNMENT))
        return false;
    if (offset > slab_size || size > slab_size - offset)
        return false;
    *end = offset + size;
    return true;
}

/* Whether ids, which lie inside the bytes, are as wide as they take room. */
static bool
ids_fit(const struct rc_slab_header *header)
{
    if (header->version < RC_SLAB_VERSION_PACKED)
        return true;
    const struct rc_slab_section *section = &header->sections[RC_SLAB_IDS - 1];
    const struct rc_slab_ids *ids =
        (const struct rc_slab_ids *)(const void *)((const char *)header + section->offset);
    return ids->zero == 0 && rc_slab_id_width_is_sound(ids->width) &&
           section->size == rc_slab_ids_size(header->row_count, ids->width);
}

/* Whether a column's arrays, without texts, lie inside its size. */
static bool
column_fits(const struct rc_slab_header *header, const struct rc_slab_column *column)
{
    const enum rc_column_form form = rc_slab_column_form(column);
    const bool has_texts = (column->form & RC_SLAB_FORM_TEXTS) != 0;
    if (form < RC_COLUMN_PLAIN || form > RC_COLUMN_MARKED_ROWS ||
        (rc_column_form_is_marked(form) && header->version < RC_SLAB_VERSION_PACKED))
        return false;
    if (form == RC_COLUMN_PLAIN && column->code_count != header->row_count)
        return false;
    if (column->code_count == 0 || column->code_count > header->row_count ||
        column->dictionary_count > column->code_count)
        return false;
    const uint64_t texts_at = rc_slab_column_layout(column, header->row_count).texts_at;
    if (!has_texts)
        return column->dictionary_count > 0 && column->size == texts_at;
    return header->version >= RC_SLAB_VERSION_TEXTS && column->size >= texts_at &&
           column->size - texts_at >= sizeof(struct rc_slab_texts);
}

/* Whether a column, which lies inside the bytes, has texts that fill it, and codes as wide as cells
 * and texts demand. */
static bool
texts_fit(const struct rc_slab_header *header, const struct rc_slab_column *column)
{
    uint64_t code_bound = column->dictionary_count;
    if ((column->form & RC_SLAB_FORM_TEXTS) != 0) {
        const uint64_t texts_at = rc_slab_column_layout(column, header->row_count).texts_at;
        const struct rc_slab_texts *texts =
            (const struct rc_slab_texts *)((const char *)header + column->offset + texts_at);
        const uint64_t room = column->size - texts_at - sizeof(*texts);
        const uint64_t starts = (uint64_t)rc_texts_block_count(texts->text_count) * 8;
        if (texts->text_count == 0 || texts->zero != 0 || starts > room ||
            texts->byte_count != room - starts)
            return false;
        code_bound += texts->text_count;
    }
    return code_bound <= column->code_count && column->code_width == rc_slab_code_width(code_bound);
}

static const struct rc_slab_column *
columns_of(const struct rc_slab_header *header)
{
    const struct rc_slab_section *section = &header->sections[RC_SLAB_DIRECTORY - 1];
    return (const struct rc_slab_column *)((const char *)header + section->offset);
}

static enum rc_status
check_columns(const struct rc_slab_header *header,
              uint64_t end,
              bool with_texts,
              struct rc_error *reterr_error)
{
    const struct rc_slab_column *columns = columns_of(header);
    for (uint32_t i = 0; i < header->column_count; i++) {
        const struct rc_slab_column *column = &columns[i];
        if (!column_fits(header, column) ||
            !extent_fits(column->offset, column->size, header->size, &end) ||
            (with_texts && !texts_fit(header, column)))
            return rc_error_set(reterr_error, RC_CORRUPT, "column %u of a slab is out of bounds",
                                i);
        if (i > 0 && columns[i - 1].property >= column->property)
            return rc_error_set(reterr_error, RC_CORRUPT, "the columns of a slab are unordered");
    }
    if (rc_slab_align(end, RC_SLAB_ALIGNMENT) != header->size)
        return rc_error_set(reterr_error, RC_CORRUPT, "a slab is longer than what is in it");
    return RC_OK;
}

/* whole: all bytes are there, and not only the header and the directory. */
static enum rc_status
check(const void *data, size_t size, bool whole, struct rc_error *reterr_error)
{
    if (size < sizeof(struct rc_slab_header))
        return rc_error_set(reterr_error, RC_CORRUPT, "the bytes are too few for a slab");
    const struct rc_slab_header *header = data;
    RC_TRY(check_header(header, size, reterr_error));
    uint64_t end = sizeof(*header);
    for (uint32_t i = 0; i < RC_SLAB_SECTION_COUNT; i++) {
        const struct rc_slab_section *section = &header->sections[i];
        const bool fits = section->kind == i + 1 && section_size_fits(header, section);
        const bool placed = section->size == 0
                                ? section->offset == 0 && section->crc32c == 0
                                : extent_fits(section->offset, section->size, size, &end);
        if (!fits || !placed)
            return rc_error_set(reterr_error, RC_CORRUPT, "section %u of a slab is out of bounds",
                                i + 1);
    }
    if (whole && !ids_fit(header))
        return rc_error_set(reterr_error, RC_CORRUPT, "the ids of a slab are out of bounds");
    return check_columns(header, end, whole, reterr_error);
}

enum rc_status
rc_slab_layout_check(const void *data, size_t size, struct rc_error *reterr_error)
{
    return check(data, size, true, reterr_error);
}

enum rc_status
rc_slab_layout_check_frame(const void *data, size_t size, struct rc_error *reterr_error)
{
    return check(data, size, false, reterr_error);
}

enum rc_status
rc_slab_layout_check_ids(const void *data, struct rc_error *reterr_error)
{
    return ids_fit(data)
               ? RC_OK
               : rc_error_set(reterr_error, RC_CORRUPT, "the ids of a slab are out of bounds");
}

enum rc_status
rc_slab_layout_check_column(const void *data, uint32_t index, struct rc_error *reterr_error)
{
    const struct rc_slab_header *header = data;
    if (texts_fit(header, &columns_of(header)[index]))
        return RC_OK;
    return rc_error_set(reterr_error, RC_CORRUPT, "column %u of a slab is out of bounds", index);
}
