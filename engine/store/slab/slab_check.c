/*
 * Slab check: every invariant of a slab, found true or named.
 *
 *   1. Every section and column has its checksum, and what lies between them is zero.
 *   2. Users ascend; starts ascend from 0 to the row count, so that every user has rows.
 *   3. Times lie in the window; the rows of a user ascend by (time, event id); the least and the
 *      greatest time in the header are those of the rows.
 *   4. No id is both TEXT and DERIVED, no bit is set past the last row; texts are numbered in row
 *      order, none could be an INT, and their ends ascend to the size of the texts. Packed numbers
 *      have the greatest base and the least width, and zeros behind them.
 *   5. The filter has the size for the sent ids and holds every one.
 *   6. Columns: slab_check_column.c.
 *
 * The layout was checked when the slab was opened, so nothing here reads outside of the bytes,
 * whatever they hold; ids are read only after their bits and ends have been found sound.
 */
#include "engine/store/slab/slab_check.h"
#include "engine/base/checksum.h"
#include "engine/base/limits.h"
#include "engine/store/slab/filter.h"
#include "engine/store/slab/slab_format.h"

static enum rc_status
broken(struct rc_error *reterr_error, const char *what)
{
    return rc_error_set(reterr_error, RC_CORRUPT, "in a slab %s", what);
}

static bool
all_zero(const char *bytes, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

enum rc_status
rc_slab_check_bytes(const struct rc_slab *slab, struct rc_error *reterr_error)
{
    const struct rc_slab_header *header = rc_slab_header_of(slab);
    const struct rc_slab_column *columns = rc_slab_directory(slab);
    const char *bytes = rc_slab_bytes(slab).data;
    uint64_t end = sizeof(*header);
    if (header->crc32c != rc_slab_header_crc32c(header))
        return broken(reterr_error, "the checksum of the header is off");
    for (uint32_t i = 0; i < RC_SLAB_SECTION_COUNT; i++) {
        const struct rc_slab_section *section = &header->sections[i];
        if (section->size == 0)
            continue;
        if (!all_zero(bytes, end, section->offset))
            return broken(reterr_error, "what lies between two sections is not zero");
        if (rc_crc32c(bytes + section->offset, section->size) != section->crc32c)
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "the checksum of section %u of a slab is off (%llu bytes at offset "
                                "%llu)",
                                i + 1, (unsigned long long)section->size,
                                (unsigned long long)section->offset);
        end = section->offset + section->size;
    }
    for (uint32_t i = 0; i < header->column_count; i++) {
        if (!all_zero(bytes, end, columns[i].offset))
            return broken(reterr_error, "what lies between two columns is not zero");
        if (rc_crc32c(bytes + columns[i].offset, columns[i].size) != columns[i].crc32c)
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "the checksum of the column of property %u of a slab is off (%llu "
                                "bytes at offset %llu)",
                                columns[i].property, (unsigned long long)columns[i].size,
                                (unsigned long long)columns[i].offset);
        end = columns[i].offset + columns[i].size;
    }
    return all_zero(bytes, end, header->size)
               ? RC_OK
               : broken(reterr_error, "what lies behind the last column is not zero");
}

static enum rc_status
check_users(const struct rc_slab *slab, struct rc_error *reterr_error)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const uint32_t *users = rc_slab_users(slab);
    const uint32_t *starts = rc_slab_starts(slab);
    if (starts[0] != 0 || starts[info->user_count] != info->row_count)
        return broken(reterr_error, "the users' rows are not all rows");
    for (uint32_t i = 0; i < info->user_count; i++) {
        if (i > 0 && users[i - 1] >= users[i])
            return broken(reterr_error, "the users are unordered");
        if (starts[i] >= starts[i + 1])
            return broken(reterr_error, "a user has no rows");
    }
    return RC_OK;
}

static bool
bit_at(struct rc_bytes words, uint32_t at)
{
    const uint64_t *word = (const uint64_t *)(const void *)words.data;
    return words.size != 0 && ((word[at / 64] >> (at % 64)) & 1) != 0;
}

static bool
has_bits_past(struct rc_bytes words, uint32_t row_count)
{
    const uint64_t *word = (const uint64_t *)(const void *)words.data;
    return words.size != 0 && row_count % 64 != 0 &&
           (word[row_count / 64] >> (row_count % 64)) != 0;
}

static enum rc_status
check_text_ends(const struct rc_slab *slab, struct rc_error *reterr_error)
{
    const struct rc_bytes ends = rc_slab_section_bytes(slab, RC_SLAB_TEXT_ENDS);
    const uint32_t *end = (const uint32_t *)(const void *)ends.data;
    uint32_t before = 0;
    for (size_t i = 0; i < ends.size / 4; i++) {
        if (end[i] < before || end[i] - before > RC_EVENT_ID_BYTES_MAX)
            return broken(reterr_error, "the ends of the ids' texts are off");
        before = end[i];
    }
    if (before != rc_slab_section_bytes(slab, RC_SLAB_TEXT).size)
        return broken(reterr_error, "the ids' texts do not end where they should");
    return RC_OK;
}

static enum rc_status
check_id_kinds(const struct rc_slab *slab, uint64_t *ret_sent_count, struct rc_error *reterr_error)
{
    const uint32_t row_count = rc_slab_get_info(slab)->row_count;
    const struct rc_bytes text = rc_slab_section_bytes(slab, RC_SLAB_TEXT_BITS);
    const struct rc_bytes derived = rc_slab_section_bytes(slab, RC_SLAB_DERIVED_BITS);
    uint64_t text_count = 0;
    uint64_t derived_count = 0;
    if (has_bits_past(text, row_count) || has_bits_past(derived, row_count))
        return broken(reterr_error, "an id beyond the last row has a kind");
    for (uint32_t row = 0; row < row_count; row++) {
        const bool is_text = bit_at(text, row);
        const bool is_derived = bit_at(derived, row);
        if (is_text && is_derived)
            return broken(reterr_error, "an id has two kinds");
        if (is_text && rc_slab_id_number(slab, row) != text_count)
            return broken(reterr_error, "the ids' texts are not numbered by row");
        text_count += is_text;
        derived_count += is_derived;
    }
    if ((text_count != 0) != (text.size != 0) || (derived_count != 0) != (derived.size != 0) ||
        text_count != rc_slab_section_bytes(slab, RC_SLAB_TEXT_ENDS).size / 4)
        return broken(reterr_error, "the count of the ids' texts is off");
    *ret_sent_count = row_count - derived_count;
    return RC_OK;
}

static enum rc_status
check_packed_ids(const struct rc_slab *slab, struct rc_error *reterr_error)
{
    if (rc_slab_header_of(slab)->version < RC_SLAB_VERSION_PACKED)
        return RC_OK;
    const uint64_t row_count = rc_slab_get_info(slab)->row_count;
    const struct rc_bytes section = rc_slab_section_bytes(slab, RC_SLAB_IDS);
    const struct rc_slab_ids *ids = (const struct rc_slab_ids *)(const void *)section.data;
    const uint64_t *words = (const uint64_t *)(ids + 1);
    const uint64_t end = row_count * ids->width;
    uint64_t least = UINT64_MAX;
    uint64_t greatest = 0; /* Above the base. */
    for (uint32_t row = 0; row < row_count; row++) {
        const uint64_t number = rc_slab_id_number(slab, row) - ids->base;
        least = number < least ? number : least;
        greatest = number > greatest ? number : greatest;
    }
    if (least != 0 || ids->base + greatest < ids->base || rc_slab_id_width(greatest) != ids->width)
        return broken(reterr_error, "the ids are not packed as closely as they can be");
    if ((end % 64 != 0 && words[end / 64] >> (end % 64) != 0) || words[(end + 63) / 64] != 0)
        return broken(reterr_error, "what lies behind the ids is not zero");
    return RC_OK;
}

/* The order of two neighbours of one user, and the canonical form of a text. */
static bool
row_is_sound(const struct rc_slab *slab, uint32_t row, bool first_of_user)
{
    const uint32_t *times = rc_slab_times(slab);
    const struct rc_event_id id = rc_slab_event_id(slab, row);
    if (times[row] >= rc_slab_get_info(slab)->window_days * RC_DAY_MS)
        return false;
    if (id.kind == RC_EVENT_ID_TEXT && rc_event_id_of_text(id.text).kind != RC_EVENT_ID_TEXT)
        return false;
    if (first_of_user || times[row - 1] < times[row])
        return true;
    const struct rc_event_id before = rc_slab_event_id(slab, row - 1);
    return times[row - 1] == times[row] && rc_event_id_compare(&before, &id) <= 0;
}

static enum rc_status
check_rows(const struct rc_slab *slab, uint64_t sent_count, struct rc_error *reterr_error)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const uint32_t *users = rc_slab_users(slab);
    const uint32_t *starts = rc_slab_starts(slab);
    int64_t time_min_ms = INT64_MAX;
    int64_t time_max_ms = INT64_MIN;
    if (rc_slab_section_bytes(slab, RC_SLAB_FILTER).size !=
        rc_filter_size_bytes(sent_count, rc_slab_filter_bits(rc_slab_header_of(slab))))
        return broken(reterr_error, "the filter has the wrong size");
    for (uint32_t i = 0; i < info->user_count; i++) {
        for (uint32_t row = starts[i]; row < starts[i + 1]; row++) {
            const struct rc_event_id id = rc_slab_event_id(slab, row);
            const int64_t time_ms = rc_slab_time_ms(slab, row);
            if (!row_is_sound(slab, row, row == starts[i]))
                return rc_error_set(reterr_error, RC_CORRUPT, "row %u of a slab is out of order",
                                    row);
            if (id.kind != RC_EVENT_ID_DERIVED &&
                !rc_slab_may_hold(slab, rc_event_id_hash(users[i], &id)))
                return rc_error_set(reterr_error, RC_CORRUPT,
                                    "the filter of a slab does not know its row %u", row);
            time_min_ms = time_ms < time_min_ms ? time_ms : time_min_ms;
            time_max_ms = time_ms > time_max_ms ? time_ms : time_max_ms;
        }
    }
    if (time_min_ms != info->time_min_ms || time_max_ms != info->time_max_ms)
        return broken(reterr_error, "the least or greatest time is off");
    return RC_OK;
}

enum rc_status
rc_slab_check(const struct rc_slab *slab, struct rc_error *reterr_error)
{
    uint64_t sent_count = 0;
    RC_TRY(rc_slab_check_bytes(slab, reterr_error));
    RC_TRY(check_users(slab, reterr_error));
    RC_TRY(check_text_ends(slab, reterr_error));
    RC_TRY(check_packed_ids(slab, reterr_error));
    RC_TRY(check_id_kinds(slab, &sent_count, reterr_error));
    RC_TRY(check_rows(slab, sent_count, reterr_error));
    return rc_slab_check_columns(slab, reterr_error);
}
