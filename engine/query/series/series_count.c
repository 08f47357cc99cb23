/*
 * Series count. Each way of counting is a loop of its own, of a dozen instructions a row: what its
 * rows have in common is decided before.
 */
#include "engine/query/series/series_count.h"

#include "engine/base/assert.h"
#include "engine/match/rows/row_codes.h"
#include "engine/match/rows/scan.h"
#include "engine/match/rows/words.h"
#include "engine/store/slab/marks.h"

#define SINGLY_ROWS 256u /* Rows of a sparse set at a time. */

/* How rows are counted: each way is a loop of its own, without questions inside. */
struct way {
    bool timed;  /* The row's time must be read. */
    bool coded;  /* And its code. */
    bool copied; /* There are RC_SERIES_COPIES of the counters. */
};

__attribute__((always_inline)) static inline void
count_row(const struct rc_series_piece *piece, uint32_t row, struct way way)
{
    uint32_t place = piece->table->only;
    uint32_t code = RC_CODE_NONE;
    uint32_t *narrow = piece->narrow;
    if (way.timed) {
        place = piece->slots[piece->times[row] >> RC_BUCKET_SHIFT];
        if (place >= RC_BUCKET_MIXED)
            place = rc_bucket_table_find_mixed(piece->table, place, piece->times[row]);
    }
    if (way.coded)
        code = piece->codes[row];
    if (way.copied)
        narrow += row % RC_SERIES_COPIES * piece->copy_counters;
    narrow[piece->counters[code + 1] + place]++;
}

__attribute__((always_inline)) static inline void
count_bits(struct rc_series_piece piece,
           const uint64_t *words,
           uint32_t first,
           uint32_t count,
           struct way way)
{
    const uint32_t end = first + count;
    for (uint32_t word = first / 64; word * 64 < end; word++) {
        uint64_t bits = words[word] & rc_word_within(word * 64, first, end);
        for (; bits != 0; bits &= bits - 1)
            count_row(&piece, word * 64 + (uint32_t)__builtin_ctzll(bits) - first, way);
    }
}

/* The piece is a copy: what is written could else be part of it, as far as the compiler knows. */
__attribute__((always_inline)) static inline void
count_by(struct rc_series_piece piece,
         const uint64_t *words,
         uint32_t first,
         uint32_t count,
         struct way way)
{
    if (words != NULL)
        count_bits(piece, words, first, count, way);
    for (uint32_t row = 0; words == NULL && row < count; row++)
        count_row(&piece, row, way);
}

void
rc_series_count_rows(const struct rc_series_piece *piece,
                     const uint64_t *words,
                     uint32_t first,
                     uint32_t count)
{
    const bool timed = piece->table->only == RC_BUCKET_MIXED;
    const bool copied = piece->copies > 1;
    if (!timed && piece->codes == NULL)
        piece->narrow[piece->counters[0] + piece->table->only] +=
            words == NULL ? count : (uint32_t)rc_words_count_within(words, first, first + count);
    else if (piece->codes == NULL && copied)
        count_by(*piece, words, first, count, (struct way){true, false, true});
    else if (piece->codes == NULL)
        count_by(*piece, words, first, count, (struct way){true, false, false});
    else if (timed && copied)
        count_by(*piece, words, first, count, (struct way){true, true, true});
    else if (timed)
        count_by(*piece, words, first, count, (struct way){true, true, false});
    else if (copied)
        count_by(*piece, words, first, count, (struct way){false, true, true});
    else
        count_by(*piece, words, first, count, (struct way){false, true, false});
}

static inline bool
is_asked(const struct rc_series_asked *asked, uint32_t user)
{
    return rc_words_has(asked->persons, user) &&
           (asked->skip == NULL || !rc_words_has(asked->skip, user));
}

/* Leaves those of some rows that are of users who are asked about; how many. *user: index of who
 * owns the row before, or of an earlier one. */
static uint32_t
leave_asked(const struct rc_series_asked *asked, uint32_t *user, uint32_t *rows, uint32_t count)
{
    uint32_t owners[SINGLY_ROWS];
    uint32_t left = 0;
    if (count == 0)
        return 0;
    rc_slab_rows_owners(asked->owners.starts, asked->owners.user_count, *user, rows, count, owners);
    *user = owners[count - 1];
    for (uint32_t i = 0; i < count; i++) {
        rows[left] = rows[i];
        left += is_asked(asked, asked->owners.users[owners[i]]);
    }
    return left;
}

/* Each row's time lies on a line of its own: those of a batch are fetched together. */
void
rc_series_count_singly(const struct rc_series_piece *piece,
                       const struct rc_rowset *set,
                       const uint64_t *dead,
                       const struct rc_series_asked *asked,
                       uint32_t begin,
                       uint32_t end)
{
    uint32_t rows[SINGLY_ROWS];
    uint32_t *counters = piece->narrow + piece->counters[0];
    uint32_t user = 0;
    while (begin < end) {
        uint32_t count = rc_rowset_read(set, &begin, end, rows, SINGLY_ROWS);
        if (asked != NULL)
            count = leave_asked(asked, &user, rows, count);
        for (uint32_t i = 0; i < count; i++)
            __builtin_prefetch(&piece->times[rows[i]]);
        for (uint32_t i = 0; i < count; i++) {
            if (dead != NULL && ((dead[rows[i] / 64] >> (rows[i] % 64)) & 1) != 0)
                continue;
            counters[rc_bucket_table_find(piece->table, piece->times[rows[i]])]++;
        }
    }
}

struct rc_scan_range
rc_series_time_range(const struct rc_bucket_table *table)
{
    const int64_t last_ms =
        table->until_ms - 1 < table->time_max_ms ? table->until_ms - 1 : table->time_max_ms;
    const int64_t first_ms =
        table->from_ms > table->time_min_ms ? table->from_ms : table->time_min_ms;
    return (struct rc_scan_range){.first = (uint32_t)(first_ms - table->window_start_ms),
                                  .width = (uint32_t)(last_ms - first_ms)};
}

/* The place of a row by the upper half of its time; its own is only read where a slot has several.
 */
static inline uint32_t
kept_place(const struct rc_series_piece *piece,
           const struct rc_rowset *set,
           uint32_t index,
           uint16_t upper)
{
    const uint32_t place = piece->slots[upper >> (RC_BUCKET_SHIFT - RC_ROWSET_TIME_SHIFT)];
    return place < RC_BUCKET_MIXED
               ? place
               : rc_bucket_table_find_mixed(piece->table, place,
                                            piece->times[rc_rowset_row(set, index)]);
}

/* Takes the dead ones out of the next count rows of a set, whose bits are in words. */
static void
drop_dead(const struct rc_rowset *set,
          const uint64_t *dead,
          uint32_t *cursor,
          uint32_t count,
          uint64_t *words)
{
    uint32_t rows[SINGLY_ROWS];
    const uint32_t read = rc_rowset_read(set, cursor, rc_rowset_row_count(set), rows, count);
    RC_ASSERT(read == count);
    for (uint32_t i = 0; i < count; i++)
        words[i / 64] &= ~((uint64_t)rc_words_has(dead, rows[i]) << (i % 64));
}

__attribute__((always_inline)) static inline void
count_kept(const struct rc_series_piece *piece,
           const struct rc_rowset *set,
           const uint64_t *dead,
           const struct rc_series_asked *asked,
           uint32_t begin,
           uint32_t end)
{
    const uint32_t *users = rc_rowset_users(set);
    uint64_t words[SINGLY_ROWS / 64];
    uint32_t *counters = piece->narrow + piece->counters[0];
    const uint16_t *times = rc_rowset_times(set);
    const struct rc_scan_range in_time = rc_series_time_range(piece->table);
    const uint32_t first = in_time.first >> RC_ROWSET_TIME_SHIFT;
    const uint32_t last = (in_time.first + in_time.width) >> RC_ROWSET_TIME_SHIFT;
    const struct rc_scan_range range = {.first = first, .width = last - first};
    uint32_t index = (uint32_t)rc_rowset_count_range(set, 0, begin);
    const uint32_t index_end = index + (uint32_t)rc_rowset_count_range(set, begin, end);
    for (; index < index_end; index += SINGLY_ROWS) {
        const uint32_t left = index_end - index;
        const uint32_t count = left < SINGLY_ROWS ? left : SINGLY_ROWS;
        rc_scan_halves(times + index, count, range, words);
        if (dead != NULL)
            drop_dead(set, dead, &begin, count, words);
        for (uint32_t word = 0; word * 64 < count; word++)
            for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1) {
                const uint32_t at = index + word * 64 + (uint32_t)__builtin_ctzll(bits);
                if (asked == NULL || is_asked(asked, users[at]))
                    counters[kept_place(piece, set, at, times[at])]++;
            }
    }
}

void
rc_series_count_kept(const struct rc_series_piece *piece,
                     const struct rc_rowset *set,
                     const uint64_t *dead,
                     const struct rc_series_asked *asked,
                     uint32_t begin,
                     uint32_t end)
{
    if (asked != NULL)
        count_kept(piece, set, dead, asked, begin, end);
    else
        count_kept(piece, set, dead, NULL, begin, end);
}

bool
rc_series_in_time(const struct rc_series_piece *piece,
                  uint32_t base,
                  uint32_t stop,
                  const uint64_t *words,
                  uint64_t *in_time)
{
    const uint32_t word_count = (stop - base + 63) / 64;
    rc_scan_numbers(piece->times + base, stop - base, rc_series_time_range(piece->table), in_time);
    return words == NULL ? rc_words_any(in_time, word_count)
                         : rc_words_and(in_time, words, word_count);
}

/* Counts the rows [begin, end), one at least, run by run. */
__attribute__((always_inline)) static inline void
count_runs_of_width(uint32_t *counts,
                    const struct rc_column_view *column,
                    uint32_t begin,
                    uint32_t end,
                    uint32_t width)
{
    /* Copies: what is written could else be part of the column, as far as the compiler knows. */
    const uint64_t *marks = column->marks;
    const void *codes = column->codes;
    uint32_t index = rc_marks_before(column, begin + 1) - 1; /* Of the run that begin is in. */
    uint32_t row = begin;
    for (uint32_t word = begin / 64; word * 64 < end; word++) {
        uint64_t bits = marks[word] & rc_word_within(word * 64, begin, end);
        for (; bits != 0; bits &= bits - 1) {
            const uint32_t next = word * 64 + (uint32_t)__builtin_ctzll(bits);
            counts[rc_code_at(codes, width, index) + 1] += next - row;
            index += next > begin;
            row = next;
        }
    }
    counts[rc_code_at(codes, width, index) + 1] += end - row;
}

void
rc_series_count_runs(uint32_t *counts,
                     const struct rc_column_view *column,
                     uint32_t begin,
                     uint32_t end)
{
    if (column->code_width == 1)
        count_runs_of_width(counts, column, begin, end, 1);
    else if (column->code_width == 2)
        count_runs_of_width(counts, column, begin, end, 2);
    else
        count_runs_of_width(counts, column, begin, end, 4);
}
