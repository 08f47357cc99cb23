/*
 * Match answers. A text that is asked about alone costs the decoding of up to 16, a microsecond;
 * a walk over all texts 60 ns each: so a lazy leaf over texts pays where an AND leaves few rows.
 */
#include "engine/match/slab/match_answers.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/leaf/leaf_ranges.h"
#include "engine/match/rows/words.h"
#include "engine/match/slab/match_texts.h"
#include "engine/store/slab/marks.h"

/* Cells tested between two looks at the cancel flag: under a millisecond of regular expressions. */
#define CELLS_BETWEEN_LOOKS 1024u

/* Codes that are asked about in the time that seeking one value takes: 10 ns and 0.3 us. */
#define CODES_PER_SEEK 32u

/* Whether a leaf is a set of texts none of which could be a number: a cell that is no text then
 * passes only if it is a list. */
static bool
is_set_of_texts(const struct rc_match_node *node)
{
    const struct rc_leaf *leaf = node->source;
    if (node->made.kind != RC_MADE_NONE || leaf->operator!= RC_LEAF_IN || leaf->ignore_case ||
                                           leaf->derivation != NULL)
        return false;
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        const struct rc_value value = leaf->values[i];
        if (value.kind != RC_VALUE_STRING)
            return false;
        const char first = value.string.size == 0 ? 'x' : value.string.data[0];
        if (first == '-' || (first >= '0' && first <= '9'))
            return false;
    }
    return true;
}

/* Whether every range is one key, or holds lists, of which there are none. */
static enum rc_status
can_seek(const struct rc_match_node *node,
         const struct rc_column_view *column,
         const struct rc_key_range *ranges,
         uint32_t range_count,
         bool *ret_can)
{
    *ret_can = false;
    if (rc_dictionary_first_byte_max(node->dictionary) >= RC_VALUE_LIST)
        return RC_OK;
    for (uint32_t i = 0; i < range_count; i++) {
        const struct rc_key_range *range = &ranges[i];
        if (range->kind == RC_KEY_PASSES)
            continue;
        if (range->first.size != 1 || range->first.data[0] != RC_VALUE_LIST)
            return RC_OK;
        uint32_t first = 0;
        bool equal = false;
        if (column->texts.count > 0)
            RC_TRY(rc_texts_lower_bound(&column->texts, range->first, &first, &equal));
        if (first < column->texts.count)
            return RC_OK;
    }
    *ret_can = true;
    return RC_OK;
}

static bool
find_cell(const struct rc_column_view *column, rc_cell cell, uint32_t *ret_code)
{
    uint32_t low = 0;
    uint32_t high = column->dictionary_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (column->dictionary[middle] < cell)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_code = low;
    return low < column->dictionary_count && column->dictionary[low] == cell;
}

static int
compare_codes(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

enum rc_status
rc_match_seek(const struct rc_match_node *node,
              const struct rc_column_view *column,
              struct rc_arena *arena,
              bool *ret_sought,
              uint32_t **ret_codes,
              uint32_t *ret_count)
{
    const struct rc_leaf *leaf = node->source;
    const struct rc_key_range *ranges;
    uint32_t range_count;
    *ret_sought = false;
    if (!is_set_of_texts(node) ||
        leaf->value_count > rc_column_code_bound(column) / CODES_PER_SEEK + 1)
        return RC_OK;
    RC_TRY(rc_leaf_ranges(leaf, arena, &ranges, &range_count));
    bool can = false;
    RC_TRY(can_seek(node, column, ranges, range_count, &can));
    if (!can)
        return RC_OK;
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, (size_t)range_count * 2);
    uint32_t count = 0;
    if (codes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < range_count; i++) {
        if (ranges[i].kind != RC_KEY_PASSES)
            continue;
        const uint32_t code = rc_dictionary_find(node->dictionary, ranges[i].first);
        if (code != RC_CODE_NONE && find_cell(column, rc_cell_of_code(code), &codes[count]))
            count++;
        uint32_t number = 0;
        bool equal = false;
        if (column->texts.count > 0)
            RC_TRY(rc_texts_lower_bound(&column->texts, ranges[i].first, &number, &equal));
        if (equal)
            codes[count++] = column->dictionary_count + number;
    }
    qsort(codes, count, sizeof(*codes), compare_codes);
    *ret_sought = true;
    *ret_codes = codes;
    *ret_count = count;
    return RC_OK;
}

enum rc_status
rc_match_answers_open(struct rc_slab_match *match,
                      const struct rc_match_node *node,
                      const struct rc_column_view *column,
                      bool lazily,
                      struct rc_match_answers *ret_answers)
{
    struct rc_match_answers answers = {.node = node, .column = *column};
    const uint32_t bound = rc_column_code_bound(column);
    bool sought = false;
    uint32_t *codes = NULL;
    uint32_t count = 0;
    RC_TRY(rc_match_seek(node, column, match->arena, &sought, &codes, &count));
    answers.table = rc_arena_alloc(match->arena, (size_t)bound + RC_SCAN_TABLE_PADDING);
    if (answers.table == NULL)
        return RC_NO_MEMORY;
    memset(answers.table, sought ? 0 : (int)RC_ANSWER_UNKNOWN, bound);
    memset(answers.table + bound, 0, RC_SCAN_TABLE_PADDING);
    for (uint32_t i = 0; i < count; i++)
        answers.table[codes[i]] = 1;
    answers.passed = count;
    answers.complete = sought;
    rc_text_cursor_open(&answers.cursor, &column->texts, rc_match_cache_account(match->cache));
    if (!sought && !lazily)
        RC_TRY(rc_match_answers_complete(match, &answers));
    *ret_answers = answers;
    return RC_OK;
}

void
rc_match_answers_close(struct rc_match_answers *answers)
{
    if (answers != NULL)
        rc_text_cursor_close(&answers->cursor);
}

enum rc_status
rc_match_answers_complete(struct rc_slab_match *match, struct rc_match_answers *answers)
{
    if (answers->complete)
        return RC_OK;
    const struct rc_match_node *node = answers->node;
    const struct rc_column_view *column = &answers->column;
    uint32_t passed = 0;
    uint32_t texts_passed = 0;
    for (uint32_t i = 0; i < column->dictionary_count; i++) {
        if (i % CELLS_BETWEEN_LOOKS == 0 && rc_slab_match_cancelled(match))
            return RC_CANCELLED;
        if (answers->table[i] == RC_ANSWER_UNKNOWN)
            answers->table[i] =
                rc_match_node_cell(node, column->dictionary[i], &match->leaf_scratch);
        passed += answers->table[i];
    }
    match->work.cells += column->dictionary_count;
    match->work.bytes += (uint64_t)column->dictionary_count * sizeof(*column->dictionary);
    RC_TRY(match->leaf_scratch.status);
    if (column->texts.count > 0) {
        uint8_t *texts = answers->table + column->dictionary_count;
        memset(texts, 0, column->texts.count);
        RC_TRY(rc_match_texts(match, node, &column->texts, texts, &texts_passed));
    }
    answers->passed = passed + texts_passed;
    answers->complete = true;
    return RC_OK;
}

bool
rc_match_answers_ask(struct rc_slab_match *match, struct rc_match_answers *answers, uint32_t code)
{
    const struct rc_match_node *node = answers->node;
    bool passes = false;
    if (code < answers->column.dictionary_count) {
        passes = rc_match_node_cell(node, answers->column.dictionary[code], &match->leaf_scratch);
    } else {
        const enum rc_status status =
            rc_text_cursor_seek(&answers->cursor, code - answers->column.dictionary_count);
        if (status == RC_OK)
            passes = rc_leaf_codes_key(rc_match_leaf_codes(node->leaf), answers->cursor.key,
                                       &match->leaf_scratch);
        else if (match->leaf_scratch.status == RC_OK)
            match->leaf_scratch.status = status;
    }
    answers->table[code] = passes;
    return passes;
}

/* Rows are taken so many at a time, in loops without a decision: each waits for memory, and so they
 * wait together. */
#define ROWS_TOGETHER 128u

static void
codes_of_rows(const struct rc_column_view *column,
              const uint32_t *rows,
              uint32_t count,
              uint32_t *codes)
{
    if (rc_column_form_is_marked(column->form))
        rc_marks_codes_of(column, rows, count, codes);
    else if (column->form != RC_COLUMN_PLAIN)
        for (uint32_t i = 0; i < count; i++)
            codes[i] = rc_column_code(column, rows[i]);
    else if (column->code_width == 1)
        for (uint32_t i = 0; i < count; i++)
            codes[i] = ((const uint8_t *)column->codes)[rows[i]];
    else if (column->code_width == 2)
        for (uint32_t i = 0; i < count; i++)
            codes[i] = ((const uint16_t *)column->codes)[rows[i]];
    else
        for (uint32_t i = 0; i < count; i++)
            codes[i] = ((const uint32_t *)column->codes)[rows[i]];
}

/* Takes those of some rows that do not pass out of words; bits: which is whose. */
static void
refine_rows(struct rc_slab_match *match,
            struct rc_match_answers *answers,
            const uint32_t *rows,
            const uint32_t *bits,
            uint32_t count,
            uint64_t *words)
{
    uint32_t codes[ROWS_TOGETHER];
    codes_of_rows(&answers->column, rows, count, codes);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t code = codes[i];
        uint32_t passes = code == RC_CODE_NONE ? 0 : answers->table[code];
        if (passes == RC_ANSWER_UNKNOWN)
            passes = rc_match_answers_ask(match, answers, code);
        words[bits[i] / 64] &= ~((uint64_t)(1 - passes) << (bits[i] % 64));
    }
}

/* rows: NULL: bit i is the row begin + i. */
static void
refine(struct rc_slab_match *match,
       struct rc_match_answers *answers,
       const uint32_t *rows,
       uint32_t begin,
       uint64_t *words,
       uint32_t word_count)
{
    uint32_t together[ROWS_TOGETHER];
    uint32_t bits[ROWS_TOGETHER];
    uint16_t places[RC_BLOCK_WORDS];
    uint32_t count = 0;
    const uint32_t place_count = rc_words_list(words, word_count, places);
    for (uint32_t i = 0; i < place_count; i++) {
        const uint32_t word = places[i];
        for (uint64_t left = words[word]; left != 0; left &= left - 1) {
            bits[count] = word * 64 + (uint32_t)__builtin_ctzll(left);
            together[count] = rows == NULL ? begin + bits[count] : rows[bits[count]];
            if (++count < ROWS_TOGETHER)
                continue;
            refine_rows(match, answers, together, bits, count, words);
            count = 0;
        }
    }
    refine_rows(match, answers, together, bits, count, words);
}

void
rc_match_answers_refine(struct rc_slab_match *match,
                        struct rc_match_answers *answers,
                        uint32_t begin,
                        uint64_t *words)
{
    refine(match, answers, NULL, begin, words, RC_BLOCK_WORDS);
}

void
rc_match_answers_refine_rows(struct rc_slab_match *match,
                             struct rc_match_answers *answers,
                             const uint32_t *rows,
                             uint64_t *words,
                             uint32_t word_count)
{
    refine(match, answers, rows, 0, words, word_count);
}
