/* Match cases: data of the shapes that a definition meets: narrow codes, sparse and dense sets,
 * long texts. */
#include "match_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <roaring/roaring.h>

#include "engine/match/css/css_selector.h"
#include "engine/match/leaf/leaf.h"
#include "engine/match/rows/rowset.h"
#include "engine/match/rows/scan_kernels.h"
#include "engine/match/rows/words.h"

static uint64_t
next_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static void *
get(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL)
        abort();
    return memory;
}

static void
must(enum rc_status status)
{
    if (status != RC_OK)
        abort();
}

struct case_scan {
    struct rc_scan scan;
    void *codes;
    uint8_t *table;
};

struct case_scan *
case_scan_make(uint64_t seed, uint32_t code_width, uint32_t code_count, uint32_t match_every)
{
    struct case_scan *scan = get(sizeof(*scan));
    scan->codes = get((size_t)CASE_MATCH_ROWS * code_width);
    scan->table = get(code_count + RC_SCAN_TABLE_PADDING);
    for (uint32_t row = 0; row < CASE_MATCH_ROWS; row++) {
        const uint32_t code = (uint32_t)(next_random(&seed) % code_count);
        memcpy((char *)scan->codes + (size_t)row * code_width, &code, code_width);
    }
    for (uint32_t code = 0; code < code_count; code++)
        scan->table[code] = match_every == 0   ? code == code_count / 2
                            : match_every == 1 ? next_random(&seed) % 2 == 0
                                               : code % match_every == 0;
    const struct rc_column_view column = {.form = RC_COLUMN_PLAIN,
                                          .code_width = code_width,
                                          .code_count = CASE_MATCH_ROWS,
                                          .codes = scan->codes,
                                          .dictionary_count = code_count};
    rc_scan_prepare(&column, scan->table, &scan->scan);
    return scan;
}

struct case_scan *
case_scan_free(struct case_scan *scan)
{
    free(scan->codes);
    free(scan->table);
    free(scan);
    return NULL;
}

static const struct rc_scan_kernels *
kernels_of(enum case_kernels kernels)
{
    switch (kernels) {
    case CASE_KERNELS_PORTABLE:
        return &rc_scan_kernels_portable;
    case CASE_KERNELS_AVX2:
        return rc_scan_kernels_avx2();
    case CASE_KERNELS_AVX512:
        return rc_scan_kernels_avx512();
    case CASE_KERNELS_NEON:
        return rc_scan_kernels_neon();
    default:
        return rc_scan_kernels_best();
    }
}

bool
case_scan_can(enum case_kernels kernels)
{
    return kernels_of(kernels) != NULL;
}

uint64_t
case_scan_run(struct case_scan *scan, enum case_kernels wanted)
{
    static uint64_t words[RC_BLOCK_WORDS];
    const struct rc_scan_kernels *kernels = kernels_of(wanted);
    const uint32_t width = scan->scan.column.code_width;
    uint64_t sum = 0;
    for (uint32_t begin = 0; begin < CASE_MATCH_ROWS; begin += RC_BLOCK_ROWS) {
        const uint32_t left = CASE_MATCH_ROWS - begin;
        const uint32_t count = left < RC_BLOCK_ROWS ? left : RC_BLOCK_ROWS;
        const void *codes = (const char *)scan->codes + (size_t)begin * width;
        if (scan->scan.range_count > 0)
            kernels->ranges(&scan->scan, codes, count, words);
        else
            kernels->lookup(&scan->scan, codes, count, words);
        sum += words[begin / RC_BLOCK_ROWS];
    }
    return sum;
}

#define MARKED_CODES 5000u

struct case_marked {
    struct rc_scan scan;
    uint64_t *marks;
    uint32_t *ranks;
    uint16_t *codes;
    uint8_t *table;
};

struct case_marked *
case_marked_make(uint64_t seed, bool runs, uint32_t mark_every, bool compared)
{
    struct case_marked *marked = get(sizeof(*marked));
    marked->marks = get((CASE_MATCH_ROWS / 64 + 1) * sizeof(uint64_t));
    marked->ranks = get((CASE_MATCH_ROWS / RC_MARKS_RANK_ROWS + 2) * sizeof(uint32_t));
    marked->codes = get(CASE_MATCH_ROWS * sizeof(uint16_t));
    marked->table = get(MARKED_CODES + RC_SCAN_TABLE_PADDING);
    uint32_t count = 0;
    for (uint32_t row = 0; row < CASE_MATCH_ROWS; row++) {
        if (row % RC_MARKS_RANK_ROWS == 0)
            marked->ranks[row / RC_MARKS_RANK_ROWS] = count;
        if (next_random(&seed) % mark_every != 0 && (row > 0 || !runs))
            continue;
        marked->marks[row / 64] |= (uint64_t)1 << (row % 64);
        marked->codes[count++] = (uint16_t)(next_random(&seed) % MARKED_CODES);
    }
    for (uint32_t code = 0; code < MARKED_CODES; code++)
        marked->table[code] = compared ? code < MARKED_CODES / 2 : next_random(&seed) % 2 == 0;
    const struct rc_column_view column = {
        .form = runs ? RC_COLUMN_MARKED_RUNS : RC_COLUMN_MARKED_ROWS,
        .code_width = sizeof(uint16_t),
        .code_count = count,
        .codes = marked->codes,
        .marks = marked->marks,
        .ranks = marked->ranks,
        .dictionary_count = MARKED_CODES,
    };
    rc_scan_prepare(&column, marked->table, &marked->scan);
    if ((marked->scan.range_count > 0) != compared)
        abort();
    return marked;
}

struct case_marked *
case_marked_free(struct case_marked *marked)
{
    free(marked->marks);
    free(marked->ranks);
    free(marked->codes);
    free(marked->table);
    free(marked);
    return NULL;
}

uint64_t
case_marked_run(const struct case_marked *marked)
{
    static uint64_t words[RC_BLOCK_WORDS];
    uint64_t passed = 0;
    for (uint32_t begin = 0; begin < CASE_MATCH_ROWS; begin += RC_BLOCK_ROWS) {
        const uint32_t left = CASE_MATCH_ROWS - begin;
        rc_scan_block(&marked->scan, begin, left < RC_BLOCK_ROWS ? left : RC_BLOCK_ROWS, words);
        passed += rc_words_count(words, RC_BLOCK_WORDS);
    }
    return passed;
}

#define BLOCKS ((CASE_MATCH_ROWS + RC_BLOCK_ROWS - 1) / RC_BLOCK_ROWS)

struct case_rowset {
    enum case_form form;
    uint64_t *words;
    struct rc_rowset *set;
    roaring_bitmap_t *roaring; /* CASE_FORM_ROARING. */
};

static struct rc_rowset *
build(const uint64_t *words)
{
    struct rc_rowset_builder *builder = NULL;
    struct rc_rowset *set = NULL;
    must(rc_rowset_builder_new(CASE_MATCH_ROWS, &rc_account_process, &builder));
    for (uint32_t block = 0; block < BLOCKS; block++)
        must(rc_rowset_builder_append(builder, words + (size_t)block * RC_BLOCK_WORDS));
    must(rc_rowset_builder_finish(builder, &set));
    rc_rowset_builder_free(builder);
    return set;
}

struct case_rowset *
case_rowset_make(uint64_t seed, uint32_t odds, uint32_t run, enum case_form form)
{
    struct case_rowset *rowset = get(sizeof(*rowset));
    rowset->form = form;
    rowset->words = get((size_t)BLOCKS * RC_BLOCK_WORDS * sizeof(uint64_t));
    rowset->roaring = roaring_bitmap_create();
    uint32_t left = 0;
    for (uint32_t row = 0; row < CASE_MATCH_ROWS; row++) {
        if (left == 0 && next_random(&seed) % ((uint64_t)odds * run) == 0)
            left = run;
        if (left == 0)
            continue;
        left--;
        rowset->words[row / 64] |= (uint64_t)1 << (row % 64);
        roaring_bitmap_add(rowset->roaring, row);
    }
    roaring_bitmap_run_optimize(rowset->roaring);
    roaring_bitmap_shrink_to_fit(rowset->roaring);
    rowset->set = build(rowset->words);
    return rowset;
}

struct case_rowset *
case_rowset_free(struct case_rowset *rowset)
{
    rc_rowset_unref(rowset->set);
    roaring_bitmap_free(rowset->roaring);
    free(rowset->words);
    free(rowset);
    return NULL;
}

uint64_t
case_rowset_cardinality(const struct case_rowset *rowset)
{
    return rc_rowset_cardinality(rowset->set);
}

uint64_t
case_rowset_memory_bytes(const struct case_rowset *rowset)
{
    if (rowset->form == CASE_FORM_WORDS)
        return (uint64_t)BLOCKS * RC_BLOCK_WORDS * sizeof(uint64_t);
    if (rowset->form == CASE_FORM_ROARING) /* A container's struct and two blocks of the heap. */
        return roaring_bitmap_portable_size_in_bytes(rowset->roaring) +
               (uint64_t)rowset->roaring->high_low_container.size * 32;
    return rc_rowset_memory_bytes(rowset->set);
}

uint64_t
case_rowset_read(const struct case_rowset *rowset, uint32_t range_rows)
{
    uint32_t rows[1024];
    uint64_t sum = 0;
    for (uint32_t begin = 0; begin < CASE_MATCH_ROWS; begin += range_rows) {
        const uint32_t end = begin + range_rows;
        for (uint32_t cursor = begin; cursor < end;) {
            const uint32_t count = rc_rowset_read(rowset->set, &cursor, end, rows, 1024);
            for (uint32_t i = 0; i < count; i++)
                sum += rows[i];
        }
    }
    return sum;
}

/* A block's words out of the library's containers. */
static const uint64_t *
roaring_block(const struct case_rowset *rowset, uint32_t block, uint64_t scratch[RC_BLOCK_WORDS])
{
    uint32_t rows[256];
    roaring_uint32_iterator_t iterator;
    const uint32_t begin = block * RC_BLOCK_ROWS;
    memset(scratch, 0, RC_BLOCK_WORDS * sizeof(*scratch));
    roaring_init_iterator(rowset->roaring, &iterator);
    if (!roaring_move_uint32_iterator_equalorlarger(&iterator, begin))
        return scratch;
    for (uint32_t count = 256; count == 256;) {
        count = roaring_read_uint32_iterator(&iterator, rows, 256);
        for (uint32_t i = 0; i < count; i++) {
            if (rows[i] - begin >= RC_BLOCK_ROWS)
                return scratch;
            scratch[(rows[i] - begin) / 64] |= (uint64_t)1 << (rows[i] % 64);
        }
    }
    return scratch;
}

uint64_t
case_rowset_blocks(const struct case_rowset *rowset)
{
    static uint64_t scratch[RC_BLOCK_WORDS];
    uint64_t sum = 0;
    if (rowset->form != CASE_FORM_ROWSET) {
        for (uint32_t block = 0; block < BLOCKS; block++) {
            const uint64_t *words = rowset->form == CASE_FORM_WORDS
                                        ? rowset->words + (size_t)block * RC_BLOCK_WORDS
                                        : roaring_block(rowset, block, scratch);
            for (uint32_t i = 0; i < RC_BLOCK_WORDS; i += 8)
                sum += words[i];
        }
        return sum;
    }
    for (uint32_t block = 0; block < BLOCKS; block++) {
        const uint64_t *words = scratch;
        if (rc_rowset_block(rowset->set, block, scratch, &words) != RC_BLOCK_MIXED)
            continue;
        for (uint32_t i = 0; i < RC_BLOCK_WORDS; i += 8)
            sum += words[i];
    }
    return sum;
}

uint64_t
case_rowset_build(const struct case_rowset *rowset)
{
    struct rc_rowset *set = build(rowset->words);
    const uint64_t cardinality = rc_rowset_cardinality(set);
    rc_rowset_unref(set);
    return cardinality;
}

struct case_leaf {
    struct rc_leaf_test *test;
    struct rc_leaf_scratch scratch;
    char texts[CASE_LEAF_TEXTS][128];
};

static struct case_leaf *
leaf_make(uint64_t seed, enum rc_leaf_operator operator, const char * operand, bool ignore_case)
{
    static const char *const forms[] = {"checkout", "search", "login", "signup"};
    struct case_leaf *leaf = get(sizeof(*leaf));
    const struct rc_value value = rc_value_string(rc_bytes_of(operand));
    const struct rc_leaf source = {.scope = RC_LEAF_EVENT,
                                   .operator= operator,
                                   .ignore_case = ignore_case,
                                   .property = RC_BYTES_LITERAL("chain"),
                                   .value_count = 1,
                                   .values = &value};
    must(rc_leaf_test_new(&source, &rc_account_process, &leaf->test));
    for (uint32_t i = 0; i < CASE_LEAF_TEXTS; i++)
        snprintf(leaf->texts[i], sizeof(leaf->texts[i]),
                 "html > body > main.page > section.s%u > form.%s > %s.c%u > button.btn-%u",
                 (unsigned)(next_random(&seed) % 100), forms[next_random(&seed) % 4],
                 next_random(&seed) % 2 == 0 ? "div" : "label", (unsigned)(next_random(&seed) % 50),
                 i);
    return leaf;
}

struct case_leaf *
case_leaf_make(uint64_t seed, enum case_leaf_kind kind, bool ignore_case)
{
    static const char *const operands[] = {"html > body > main.page", "form.checkout",
                                           "%form.checkout%button%",
                                           "> form\\.checkout > (div|span)[^>]*> button"};
    static const enum rc_leaf_operator operators[] = {RC_LEAF_IN, RC_LEAF_CONTAINS, RC_LEAF_LIKE,
                                                      RC_LEAF_REGEX};
    return leaf_make(seed, operators[kind], operands[kind], ignore_case);
}

struct case_leaf *
case_leaf_make_regex(uint64_t seed, const char *expression)
{
    return leaf_make(seed, RC_LEAF_REGEX, expression, false);
}

struct case_leaf *
case_leaf_free(struct case_leaf *leaf)
{
    rc_leaf_test_free(leaf->test);
    rc_leaf_scratch_close(&leaf->scratch);
    free(leaf);
    return NULL;
}

uint32_t
case_leaf_run(struct case_leaf *leaf)
{
    uint32_t passed = 0;
    for (uint32_t i = 0; i < CASE_LEAF_TEXTS; i++)
        passed += rc_leaf_test_value(leaf->test, rc_value_string(rc_bytes_of(leaf->texts[i])),
                                     &leaf->scratch);
    return passed;
}

struct case_css {
    struct rc_arena *arena;
    const struct rc_css_selector *selector;
    struct rc_css_scratch scratch;
    char chains[CASE_LEAF_TEXTS][320];
};

struct case_css *
case_css_make(uint64_t seed, const char *selector)
{
    static const char *const tags[] = {"button", "a", "input", "span"};
    static const char *const forms[] = {"checkout", "search", "login", "signup"};
    struct case_css *css = get(sizeof(*css));
    css->arena = rc_arena_new(NULL, 0);
    must(rc_css_selector_compile(rc_bytes_of(selector), css->arena, &css->selector, NULL));
    for (uint32_t i = 0; i < CASE_LEAF_TEXTS; i++) {
        const uint64_t word = next_random(&seed);
        const char *form = forms[word % 4];
        const int size = snprintf(
            css->chains[i], sizeof(css->chains[i]),
            "%s#go-%u.btn.btn-%s.c%u[data-test=\"%s-%u\"]:nth-child(%u):nth-of-type(1);"
            "div.actions.row:nth-child(3):nth-of-type(2);form#%s.form.s%u[action=\"/p/%s\"]"
            ":nth-child(1):nth-of-type(1);section.card.c%u:nth-child(2):nth-of-type(1);"
            "main.page:nth-child(2):nth-of-type(1);body.home;html",
            tags[word / 4 % 4], i, word / 16 % 8 == 0 ? "primary" : "plain",
            (unsigned)(word / 128 % 50), form, i, (unsigned)(word / 8192 % 9 + 1), form,
            (unsigned)(word / 65536 % 100), form, (unsigned)(word / (1 << 23) % 100));
        if (size < 0 || (size_t)size >= sizeof(css->chains[i]))
            abort();
    }
    return css;
}

struct case_css *
case_css_free(struct case_css *css)
{
    rc_css_scratch_close(&css->scratch);
    rc_arena_free(css->arena);
    free(css);
    return NULL;
}

uint32_t
case_css_run(struct case_css *css)
{
    uint32_t matched = 0;
    for (uint32_t i = 0; i < CASE_LEAF_TEXTS; i++)
        matched += rc_css_selector_match(css->selector, rc_bytes_of(css->chains[i]), &css->scratch);
    return matched;
}
