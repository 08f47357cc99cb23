/*
 * CSS selector, its canonical text: tests are written and sorted within a compound, compounds make
 * an alternative, and alternatives are sorted. * is written only where nothing else is.
 */
#include <stdlib.h>

#include "engine/match/css/css_selector_form.h"
#include "engine/match/css/css_syntax.h"

static int
text_order(const void *a, const void *b)
{
    return rc_bytes_compare(*(const struct rc_bytes *)a, *(const struct rc_bytes *)b);
}

/* Sorts texts and drops repeats; returns how many are left. */
static uint32_t
sort_texts(struct rc_bytes *texts, uint32_t count)
{
    qsort(texts, count, sizeof(*texts), text_order);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || !rc_bytes_equal(texts[kept - 1], texts[i]))
            texts[kept++] = texts[i];
    }
    return kept;
}

static void
write_test(struct rc_writer *writer, const struct rc_css_test *test)
{
    static const char *const signs[] = {
        [RC_CSS_EQUALS] = "=",    [RC_CSS_STARTS] = "^=", [RC_CSS_ENDS] = "$=",
        [RC_CSS_CONTAINS] = "*=", [RC_CSS_WORD] = "~=",
    };
    if (test->kind != RC_CSS_ATTRIBUTE) {
        rc_write_u8(writer, test->kind == RC_CSS_ID ? '#' : '.');
        rc_css_write_name(writer, test->name);
        return;
    }
    rc_write_u8(writer, '[');
    rc_css_write_name(writer, test->name);
    if (test->operator!= RC_CSS_IS_SET) {
        rc_write_raw(writer, signs[test->operator], strlen(signs[test->operator]));
        bool plain = rc_css_at_name(test->value, 0);
        for (size_t i = 0; i < test->value.size; i++)
            plain = plain && rc_css_is_name_byte(test->value.data[i]);
        if (plain)
            rc_write_raw(writer, test->value.data, test->value.size);
        else
            rc_css_write_string(writer, test->value);
        if (test->ignore_case)
            rc_write_raw(writer, " i", 2);
    }
    rc_write_u8(writer, ']');
}

/* Copies what was written from begin on to the arena and takes it back. */
static enum rc_status
cut(struct rc_writer *writer, size_t begin, struct rc_arena *arena, struct rc_bytes *ret_text)
{
    const char *copy = writer->failed ? NULL
                                      : rc_arena_string(arena, (const char *)writer->data + begin,
                                                        writer->size - begin);
    if (copy == NULL)
        return RC_NO_MEMORY;
    *ret_text = (struct rc_bytes){copy, writer->size - begin};
    writer->size = begin;
    return RC_OK;
}

static enum rc_status
write_compound(const struct rc_css_selector *selector,
               const struct rc_css_compound *compound,
               struct rc_arena *arena,
               struct rc_writer *writer)
{
    struct rc_bytes *texts = RC_ARENA_ARRAY(arena, struct rc_bytes, compound->test_count);
    if (texts == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < compound->test_count; i++) {
        const size_t begin = writer->size;
        write_test(writer, &selector->tests[compound->test_first + i]);
        RC_TRY(cut(writer, begin, arena, &texts[i]));
    }
    const uint32_t count = sort_texts(texts, compound->test_count);
    if (compound->tag.size > 0)
        rc_css_write_name(writer, compound->tag);
    else if (count == 0)
        rc_write_u8(writer, '*');
    for (uint32_t i = 0; i < count; i++)
        rc_write_raw(writer, texts[i].data, texts[i].size);
    return RC_OK;
}

static enum rc_status
write_selector(const struct rc_css_selector *selector,
               struct rc_arena *arena,
               struct rc_writer *writer,
               struct rc_bytes *ret_text)
{
    struct rc_bytes alternatives[RC_CSS_COMPOUNDS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < selector->compound_count; i++) {
        const uint64_t bit = (uint64_t)1 << i;
        if ((selector->first & bit) == 0)
            rc_write_u8(writer, (selector->child & bit) != 0 ? '>' : ' ');
        RC_TRY(write_compound(selector, &selector->compounds[i], arena, writer));
        if ((selector->last & bit) != 0)
            RC_TRY(cut(writer, 0, arena, &alternatives[count++]));
    }
    count = sort_texts(alternatives, count);
    for (uint32_t i = 0; i < count; i++) {
        rc_write_raw(writer, ",", i > 0);
        rc_write_raw(writer, alternatives[i].data, alternatives[i].size);
    }
    return cut(writer, 0, arena, ret_text);
}

enum rc_status
rc_css_selector_text(const struct rc_css_selector *selector,
                     struct rc_arena *arena,
                     struct rc_bytes *ret_text)
{
    struct rc_writer writer = {0};
    const enum rc_status status = write_selector(selector, arena, &writer, ret_text);
    rc_writer_close(&writer);
    return status;
}
