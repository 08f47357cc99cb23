/*
 * Rowset codec. Reading goes through the builder, block by block: so what is read has the form that
 * a set of these rows has in memory, and nothing of the library's own formats is ever parsed.
 */
#include "engine/match/rows/rowset_codec.h"

#include "engine/base/assert.h"
#include "engine/match/rows/rowset_form.h"
#include "engine/match/rows/words.h"

enum block_form { BLOCK_EMPTY, BLOCK_FULL, BLOCK_LIST, BLOCK_WORDS, BLOCK_RUNS };

static void
write_u16(struct rc_writer *writer, uint32_t value)
{
    const unsigned char bytes[2] = {(unsigned char)value, (unsigned char)(value >> 8)};
    rc_write_raw(writer, bytes, sizeof(bytes));
}

static uint32_t
read_u16(struct rc_reader *reader)
{
    const uint32_t low = rc_read_u8(reader);
    return low | (uint32_t)rc_read_u8(reader) << 8;
}

static uint64_t
run_starts(uint64_t word, uint64_t before)
{
    return word & ~(word << 1 | before);
}

static void
write_list(struct rc_writer *writer, const uint64_t *words)
{
    for (uint32_t i = 0; i < RC_BLOCK_WORDS; i++)
        for (uint64_t left = words[i]; left != 0; left &= left - 1)
            write_u16(writer, i * 64 + (uint32_t)__builtin_ctzll(left));
}

static void
write_runs(struct rc_writer *writer, const uint64_t *words)
{
    uint32_t last = 0;
    bool open = false;
    for (uint32_t i = 0; i < RC_BLOCK_WORDS; i++) {
        for (uint64_t left = words[i]; left != 0; left &= left - 1) {
            const uint32_t row = i * 64 + (uint32_t)__builtin_ctzll(left);
            if (!open || row != last + 1) {
                if (open)
                    write_u16(writer, last);
                write_u16(writer, row);
            }
            last = row;
            open = true;
        }
    }
    write_u16(writer, last);
}

static void
write_block(struct rc_writer *writer, const uint64_t *words)
{
    const uint64_t rows = rc_words_count(words, RC_BLOCK_WORDS);
    uint64_t runs = 0;
    for (uint32_t i = 0; i < RC_BLOCK_WORDS; i++) {
        const uint64_t starts = run_starts(words[i], i == 0 ? 0 : words[i - 1] >> 63);
        runs += rc_words_count(&starts, 1);
    }
    const uint64_t words_bytes = RC_BLOCK_WORDS * sizeof(uint64_t);
    if (2 + rows * 2 <= words_bytes && rows <= runs * 2) {
        rc_write_u8(writer, BLOCK_LIST);
        write_u16(writer, (uint32_t)rows - 1);
        write_list(writer, words);
    } else if (2 + runs * 4 < words_bytes) {
        rc_write_u8(writer, BLOCK_RUNS);
        write_u16(writer, (uint32_t)runs - 1);
        write_runs(writer, words);
    } else {
        rc_write_u8(writer, BLOCK_WORDS);
        for (uint32_t i = 0; i < RC_BLOCK_WORDS; i++)
            rc_write_u64(writer, words[i]);
    }
}

void
rc_rowset_write(struct rc_writer *writer, const struct rc_rowset *set)
{
    uint64_t scratch[RC_BLOCK_WORDS];
    for (uint32_t block = 0; block < rc_rowset_block_count(set->row_count); block++) {
        const uint64_t *words = NULL;
        switch (rc_rowset_block(set, block, scratch, &words)) {
        case RC_BLOCK_EMPTY:
            rc_write_u8(writer, BLOCK_EMPTY);
            break;
        case RC_BLOCK_FULL:
            rc_write_u8(writer, BLOCK_FULL);
            break;
        case RC_BLOCK_MIXED:
            write_block(writer, words);
            break;
        }
    }
}

static bool
read_list(struct rc_reader *reader, uint64_t *words)
{
    const uint32_t count = read_u16(reader) + 1;
    uint32_t next = 0;
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        const uint32_t row = read_u16(reader);
        if (row < next)
            return false;
        words[row / 64] |= (uint64_t)1 << (row % 64);
        next = row + 1;
    }
    return !reader->bad;
}

static bool
read_runs(struct rc_reader *reader, uint64_t *words)
{
    const uint32_t count = read_u16(reader) + 1;
    uint32_t next = 0;
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        const uint32_t first = read_u16(reader);
        const uint32_t last = read_u16(reader);
        if (first < next || last < first)
            return false;
        rc_words_set_range(words, first, last + 1);
        next = last + 2; /* Runs that touch are one. */
    }
    return !reader->bad;
}

/* One block; row_count rows are in it. */
static bool
read_block(struct rc_reader *reader, uint32_t row_count, uint64_t *words)
{
    memset(words, 0, RC_BLOCK_WORDS * sizeof(*words));
    switch (rc_read_u8(reader)) {
    case BLOCK_EMPTY:
        return !reader->bad;
    case BLOCK_FULL:
        rc_words_set_range(words, 0, row_count);
        return true;
    case BLOCK_LIST:
        if (!read_list(reader, words))
            return false;
        break;
    case BLOCK_RUNS:
        if (!read_runs(reader, words))
            return false;
        break;
    case BLOCK_WORDS:
        for (uint32_t i = 0; i < RC_BLOCK_WORDS; i++)
            words[i] = rc_read_u64(reader);
        break;
    default:
        return false;
    }
    if (reader->bad || row_count == RC_BLOCK_ROWS)
        return !reader->bad;
    const uint32_t whole = row_count / 64;
    return (words[whole] & ~rc_word_below(row_count % 64)) == 0 &&
           !rc_words_any(words + whole + 1, RC_BLOCK_WORDS - whole - 1);
}

enum rc_status
rc_rowset_read_stored(struct rc_reader *reader,
                      uint32_t row_count,
                      struct rc_account *account,
                      struct rc_rowset **ret_set)
{
    RC_CLEANUP(rc_rowset_builder_freep) struct rc_rowset_builder *builder = NULL;
    RC_TRY(rc_rowset_builder_new(row_count, account, &builder));
    uint64_t words[RC_BLOCK_WORDS];
    for (uint32_t block = 0; block < rc_rowset_block_count(row_count); block++) {
        const uint32_t left = row_count - block * RC_BLOCK_ROWS;
        if (!read_block(reader, left < RC_BLOCK_ROWS ? left : RC_BLOCK_ROWS, words))
            return RC_CORRUPT;
        RC_TRY(
            rc_rowset_builder_append(builder, rc_words_any(words, RC_BLOCK_WORDS) ? words : NULL));
    }
    return rc_rowset_builder_finish(builder, ret_set);
}
