/*
 * A slab's bytes: opened, and when that goes well checked, and when that goes well walked: every
 * row's user, time, id and cells, every text. The first byte says whether the harness puts the
 * checksums right, so that the fuzzer gets past them to the structure.
 */
#include <string.h>

#include "engine/store/slab/marks.h"
#include "engine/store/value/value_key.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/slabs.h"

static void
walk_row(const struct rc_slab *slab, uint32_t row)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const int64_t time_ms = rc_slab_time_ms(slab, row);
    FUZZ_CHECK(time_ms >= info->time_min_ms && time_ms <= info->time_max_ms);
    const uint32_t user = rc_slab_user_index_of_row(slab, row);
    FUZZ_CHECK(user < info->user_count);
    FUZZ_CHECK(rc_slab_starts(slab)[user] <= row && row < rc_slab_starts(slab)[user + 1]);
    const uint32_t ordinal = rc_slab_users(slab)[user];
    FUZZ_CHECK(rc_slab_user_lower_bound(slab, ordinal) == user);
    const struct rc_event_id id = rc_slab_event_id(slab, row);
    uint32_t found = UINT32_MAX;
    if (id.kind != RC_EVENT_ID_DERIVED) {
        FUZZ_CHECK(rc_slab_may_hold(slab, rc_event_id_hash(ordinal, &id)));
        FUZZ_CHECK(rc_slab_find_event(slab, ordinal, &id, &found));
        FUZZ_CHECK(found < info->row_count);
    }
}

/* Every text: it is where it is looked for, and a value. */
static void
walk_texts(const struct rc_texts *texts)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor other;
    enum rc_status status;
    FUZZ_CHECK(arena != NULL);
    rc_text_cursor_open(&cursor, texts, NULL);
    rc_text_cursor_open(&other, texts, NULL);
    while ((status = rc_text_cursor_next(&cursor)) == RC_OK) {
        uint32_t number = UINT32_MAX;
        uint32_t end = 0;
        bool equal = false;
        struct rc_value value;
        FUZZ_CHECK(rc_texts_lower_bound(texts, cursor.key, &number, &equal) == RC_OK);
        FUZZ_CHECK(equal && number == cursor.number);
        FUZZ_CHECK(rc_texts_prefix_range(texts, cursor.key, &number, &end) == RC_OK);
        FUZZ_CHECK(number == cursor.number && end > number && end <= texts->count);
        number = texts->count - 1 - cursor.number;
        FUZZ_CHECK(rc_text_cursor_seek(&other, number) == RC_OK && other.number == number);
        FUZZ_CHECK(rc_value_of_key(cursor.key, arena, &value) == RC_OK);
        rc_arena_reset(arena);
    }
    FUZZ_CHECK(status == RC_NOT_FOUND && cursor.next == texts->count);
}

/* Texts of bytes that nobody has checked: any status will do, as long as nothing is read outside.
 */
static void
touch_texts(const struct rc_slab *slab)
{
    static const struct rc_bytes keys[] = {{"", 0}, {"\4a", 2}, {"\4https://", 9}, {"\377", 1}};
    const uint32_t column_count = rc_slab_get_info(slab)->column_count;
    for (uint32_t i = 0; i < column_count; i++) {
        struct rc_column_view view;
        RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
        rc_slab_column_at(slab, i, &view);
        rc_text_cursor_open(&cursor, &view.texts, NULL);
        while (rc_text_cursor_next(&cursor) == RC_OK)
            FUZZ_CHECK(cursor.key.size <= RC_TEXT_BYTES_MAX);
        for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
            uint32_t first = 0;
            uint32_t end = 0;
            if (rc_texts_prefix_range(&view.texts, keys[k], &first, &end) == RC_OK)
                FUZZ_CHECK(first <= end && end <= view.texts.count);
        }
    }
}

static void
walk_column(const struct rc_slab *slab, uint32_t index)
{
    struct rc_column_view view;
    struct rc_column_view same;
    rc_slab_column_at(slab, index, &view);
    FUZZ_CHECK(rc_slab_column(slab, view.property, &same));
    FUZZ_CHECK(same.codes == view.codes);
    const uint32_t row_count = rc_slab_get_info(slab)->row_count;
    uint32_t *codes = rc_alloc(row_count * sizeof(*codes));
    FUZZ_CHECK(codes != NULL);
    const bool marked = rc_column_form_is_marked(view.form);
    if (marked)
        FUZZ_CHECK(rc_marks_codes(&view, 0, 0, row_count, codes) == view.code_count);
    for (uint32_t row = 0; row < row_count; row++) {
        const uint32_t code = rc_column_code(&view, row);
        FUZZ_CHECK(code == UINT32_MAX || code < rc_column_code_bound(&view));
        FUZZ_CHECK(!marked || code == codes[row]);
    }
    rc_alloc_free(codes);
    walk_texts(&view.texts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const bool fix = (data[0] & 1) != 0;
    data++;
    size--;
    unsigned char *block = rc_alloc(size);
    FUZZ_CHECK(block != NULL);
    memcpy(block, data, size);
    if (fix)
        fuzz_sign_slab(block, size);
    RC_CLEANUP(rc_slab_unrefp) struct rc_slab *slab = NULL;
    struct rc_error error;
    if (rc_slab_of_block(block, size, &slab, &error) != RC_OK) {
        rc_alloc_free(block);
        return 0;
    }
    touch_texts(slab);
    if (rc_slab_check(slab, &error) != RC_OK)
        return 0;
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    FUZZ_CHECK(info->row_count > 0 && info->user_count > 0);
    for (uint32_t row = 0; row < info->row_count; row++)
        walk_row(slab, row);
    for (uint32_t i = 0; i < info->column_count; i++)
        walk_column(slab, i);
    return 0;
}
