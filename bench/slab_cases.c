/* The rows of a case are a function of its seed alone, so that numbers compare between runs. */
#include "slab_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/dictionary/dictionary.h"
#include "engine/store/slab/filter.h"
#include "engine/store/slab/slab_format.h"

#define ROWS RC_HEAD_ROWS_MAX
#define COLUMNS 21u
#define USERS 8000u
#define SLABS_MAX 8u
#define WINDOW_MS ((int64_t)1700000000000)
#define DAY_MS ((int64_t)86400000)
#define LOOKUPS 65536u
#define KEY_BYTES 32u

struct head {
    uint32_t users[ROWS];
    int64_t times_ms[ROWS];
    struct rc_event_id ids[ROWS];
    rc_cell cells[COLUMNS][ROWS];
    uint32_t properties[COLUMNS];
    const rc_cell *columns[COLUMNS];
    struct rc_dictionary *texts; /* Of the last two columns; NULL: they are codes. */
    const struct rc_dictionary *column_texts[COLUMNS];
    struct rc_row_source source;
};

struct case_build {
    struct head *head; /* NULL: slabs only. */
    struct rc_slab *slabs[SLABS_MAX];
    struct rc_slab_source sources[SLABS_MAX];
    uint32_t source_count;
};

struct case_texts {
    struct rc_slab *slab;
    struct rc_texts texts;
    uint64_t seed;
};

struct case_filter {
    uint64_t *words;
    uint64_t size_bytes;
    uint64_t hashes[LOOKUPS];
    uint8_t may[LOOKUPS];
};

struct case_dictionary {
    struct rc_dictionary *dictionary;
    char *keys;
    uint32_t key_count;
    uint64_t seed;
};

static void *
get(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL)
        abort();
    return memory;
}

static uint64_t
next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/* An address of a million, as a text. */
static rc_cell
text_cell(struct rc_dictionary *texts, uint64_t word)
{
    static const char *const parts[] = {"item", "article", "search", "help/topic"};
    char key[80];
    uint32_t code = 0;
    const uint32_t number = (uint32_t)(word % 1000000);
    const int size = snprintf(key + 1, sizeof(key) - 1, "https://shop.example.org/%s/%u?ref=mail",
                              parts[number % 4], number);
    key[0] = (char)RC_VALUE_STRING;
    if (rc_dictionary_intern(texts, (struct rc_bytes){key, (size_t)size + 1}, &code) != RC_OK)
        abort();
    return rc_cell_of_text(code);
}

static rc_cell
random_cell(uint64_t *seed, uint32_t column, uint32_t user, struct rc_dictionary *texts)
{
    const uint64_t word = next(seed);
    if (column < 8)
        return rc_cell_of_code((user * 7 + column) % (20 + column * 50));
    if (column < 16)
        return rc_cell_of_code((uint32_t)(word % (4U << (column - 8))));
    if (column < 18)
        return word % 50 == 0 ? rc_cell_of_code((uint32_t)(word % 90)) : (rc_cell)RC_CELL_NULL;
    if (column == 18)
        return (word % 20000) << 7 | 2 << 3 | RC_CELL_DECIMAL;
    if (texts != NULL)
        return text_cell(texts, word);
    return rc_cell_of_code((uint32_t)(word % 1000000));
}

static struct head *
head_free(struct head *head)
{
    if (head != NULL)
        rc_dictionary_free(head->texts);
    free(head);
    return NULL;
}

static struct head *
head_make(uint64_t seed, int64_t from_ms, bool texts)
{
    struct head *head = get(sizeof(*head));
    if (texts && rc_dictionary_new(NULL, &head->texts) != RC_OK)
        abort();
    for (uint32_t row = 0; row < ROWS; row++) {
        head->users[row] = (uint32_t)(next(&seed) % USERS);
        head->times_ms[row] = from_ms + row * 10;
        head->ids[row] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = next(&seed) >> 8};
        for (uint32_t i = 0; i < COLUMNS; i++)
            head->cells[i][row] = random_cell(&seed, i, head->users[row], head->texts);
    }
    for (uint32_t i = 0; i < COLUMNS; i++) {
        head->properties[i] = i;
        head->columns[i] = head->cells[i];
        head->column_texts[i] = head->texts;
    }
    head->source = (struct rc_row_source){
        .row_count = ROWS,
        .users = head->users,
        .times_ms = head->times_ms,
        .ids = head->ids,
        .column_count = COLUMNS,
        .column_properties = head->properties,
        .column_cells = head->columns,
        .column_texts = head->column_texts,
    };
    return head;
}

static struct rc_slab *
build(const struct rc_slab_source *sources, uint32_t source_count)
{
    struct rc_slab *slab = NULL;
    if (rc_slab_build(sources, source_count, rc_window_longest(WINDOW_MS), NULL, NULL, NULL, &slab,
                      NULL) != RC_OK)
        abort();
    return slab;
}

struct case_build *
case_seal_make(uint64_t seed, bool texts)
{
    struct case_build *made = get(sizeof(*made));
    made->head = head_make(seed, WINDOW_MS, texts);
    made->sources[0] = (struct rc_slab_source){.rows = &made->head->source};
    made->source_count = 1;
    return made;
}

struct case_build *
case_merge_make(uint64_t seed, bool days_apart, bool texts)
{
    struct case_build *made = get(sizeof(*made));
    for (uint32_t i = 0; i < SLABS_MAX; i++) {
        struct head *head = head_make(seed + i, WINDOW_MS + (days_apart ? i * DAY_MS : 0), texts);
        const struct rc_slab_source source = {.rows = &head->source};
        made->slabs[i] = build(&source, 1);
        made->sources[i] = (struct rc_slab_source){.slab = made->slabs[i]};
        head_free(head);
    }
    made->source_count = SLABS_MAX;
    return made;
}

struct case_build *
case_build_free(struct case_build *made)
{
    for (uint32_t i = 0; made != NULL && i < SLABS_MAX; i++)
        rc_slab_unref(made->slabs[i]);
    if (made != NULL)
        head_free(made->head);
    free(made);
    return NULL;
}

uint64_t
case_build_rows(const struct case_build *made)
{
    return (uint64_t)made->source_count * ROWS;
}

uint64_t
case_build_run(const struct case_build *made)
{
    struct rc_slab *slab = build(made->sources, made->source_count);
    const uint64_t size_bytes = rc_slab_get_info(slab)->size_bytes;
    rc_slab_unref(slab);
    return size_bytes;
}

struct case_texts *
case_texts_make(uint32_t text_count)
{
    struct case_texts *made = get(sizeof(*made));
    RC_CLEANUP(rc_slab_unrefp) struct rc_slab *all = NULL;
    for (uint32_t done = 0, i = 0; done < text_count; done += ROWS, i++) {
        struct head *head = head_make(i, WINDOW_MS + i * DAY_MS / 100, true);
        const struct rc_slab_source sources[] = {{.rows = &head->source}, {.slab = all}};
        struct rc_slab *more = build(sources, all == NULL ? 1 : 2);
        rc_slab_unref(all);
        all = more;
        head_free(head);
    }
    struct rc_column_view column;
    if (!rc_slab_column(all, COLUMNS - 1, &column))
        abort();
    made->texts = column.texts;
    made->slab = RC_TAKE(all);
    return made;
}

struct case_texts *
case_texts_free(struct case_texts *made)
{
    if (made != NULL)
        rc_slab_unref(made->slab);
    free(made);
    return NULL;
}

uint32_t
case_texts_walk(const struct case_texts *made)
{
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    rc_text_cursor_open(&cursor, &made->texts, NULL);
    while (rc_text_cursor_next(&cursor) == RC_OK)
        ;
    return cursor.next;
}

uint32_t
case_texts_find(struct case_texts *made)
{
    char key[80];
    uint32_t number = 0;
    bool equal = false;
    const int size = snprintf(key, sizeof(key), "%chttps://shop.example.org/item/%u?ref=mail",
                              RC_VALUE_STRING, (uint32_t)(next(&made->seed) % 250000) * 4);
    if (rc_texts_lower_bound(&made->texts, (struct rc_bytes){key, (size_t)size}, &number, &equal) !=
        RC_OK)
        abort();
    return number;
}

struct case_filter *
case_filter_make(uint64_t key_count)
{
    struct case_filter *filter = get(sizeof(*filter));
    uint64_t seed = 3;
    filter->size_bytes = rc_filter_size_bytes(key_count, RC_SLAB_FILTER_BITS);
    filter->words = get(filter->size_bytes);
    for (uint64_t i = 0; i < key_count; i++) {
        const uint64_t hash = next(&seed);
        rc_filter_add_many(filter->words, filter->size_bytes, &hash, 1);
    }
    for (uint32_t i = 0; i < LOOKUPS; i++)
        filter->hashes[i] = next(&seed);
    return filter;
}

struct case_filter *
case_filter_free(struct case_filter *filter)
{
    if (filter != NULL)
        free(filter->words);
    free(filter);
    return NULL;
}

uint32_t
case_filter_run(struct case_filter *filter)
{
    rc_filter_may_hold_many(filter->words, filter->size_bytes, filter->hashes, LOOKUPS,
                            filter->may);
    return LOOKUPS;
}

static struct rc_bytes
key_of(const struct case_dictionary *made, uint32_t number)
{
    return (struct rc_bytes){made->keys + (size_t)number * KEY_BYTES, KEY_BYTES - 1};
}

struct case_dictionary *
case_dictionary_make(uint32_t key_count)
{
    struct case_dictionary *made = get(sizeof(*made));
    made->key_count = key_count;
    made->keys = get((size_t)key_count * KEY_BYTES);
    if (rc_dictionary_new(NULL, &made->dictionary) != RC_OK)
        abort();
    for (uint32_t i = 0; i < key_count; i++) {
        uint32_t code;
        char *key = made->keys + (size_t)i * KEY_BYTES;
        (void)snprintf(key, KEY_BYTES, "https://example.org/p/x%08x", i);
        if (rc_dictionary_intern(made->dictionary, key_of(made, i), &code) != RC_OK)
            abort();
    }
    return made;
}

struct case_dictionary *
case_dictionary_free(struct case_dictionary *made)
{
    if (made != NULL) {
        rc_dictionary_free(made->dictionary);
        free(made->keys);
    }
    free(made);
    return NULL;
}

uint32_t
case_dictionary_run(struct case_dictionary *made)
{
    uint32_t code = 0;
    const uint32_t number = (uint32_t)(next(&made->seed) % made->key_count);
    if (rc_dictionary_intern(made->dictionary, key_of(made, number), &code) != RC_OK)
        abort();
    return code;
}

uint32_t
case_dictionary_grow(const struct case_dictionary *made)
{
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *grown = NULL;
    if (rc_dictionary_new(NULL, &grown) != RC_OK)
        abort();
    for (uint32_t i = 0; i < made->key_count; i++) {
        uint32_t code;
        if (rc_dictionary_intern(grown, key_of(made, i), &code) != RC_OK)
            abort();
    }
    return made->key_count;
}
