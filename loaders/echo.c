/*
 * A table of lines without chains: users whose hashes meet there put each other out, which costs
 * time and nothing else. It is as large as the users that take turns in an archive sorted by time,
 * and small enough for the processor's cache: a kept line takes about 1.5 KB.
 *
 * The fields of the line under way are gathered in an array, runs and single ones in their order.
 * To keep the line they are copied into one block with its bytes, just as large as it must be:
 * lines that begin at equal places of their pages would push each other out of the processor's
 * cache.
 *
 * A run is compared at once, since what comes after an echo is mostly one too. A member that one of
 * the lines lacks is found again by its name, a few fields further on.
 */
#include "loaders/echo.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define LINES 4096u
#define PADDING_BYTES 16 /* Blocks may reach behind a line. */
#define CACHE_LINE_BYTES 64
#define LOOK_AHEAD 8u /* Fields among which a name is looked for. */

_Static_assert((LINES & (LINES - 1)) == 0, "the table's size is a power of two");
_Static_assert(RC_ECHO_LINE_BYTES_MAX <= UINT16_MAX, "parts of a line fit 16 bits");
_Static_assert(sizeof(struct rc_echo_field) == 32, "half a cache line a field");

struct rc_echo *
rc_echo_new(struct rc_bytes key, uint32_t key_root)
{
    RC_CLEANUP(rc_echo_freep) struct rc_echo *echo = rc_alloc_zero(sizeof(*echo));
    if (echo == NULL)
        return NULL;
    echo->key = key;
    echo->key_root = key_root;
    echo->lines = rc_alloc_zero(LINES * sizeof(*echo->lines));
    return echo->lines == NULL ? NULL : RC_TAKE(echo);
}

struct rc_echo *
rc_echo_free(struct rc_echo *echo)
{
    if (echo == NULL)
        return NULL;
    for (uint32_t i = 0; echo->lines != NULL && i < LINES; i++)
        rc_alloc_free(echo->lines[i].fields);
    rc_alloc_free(echo->lines);
    return rc_alloc_free(echo);
}

void
rc_echo_choose(struct rc_echo *echo, struct rc_bytes user)
{
    struct rc_echo_line *line = &echo->lines[rc_hash(user.data, user.size) & (LINES - 1)];
    echo->user = user;
    echo->keeper = line;
    echo->next = 0;
    if (line->field_count > 0 && line->user_size == user.size &&
        rc_bytes_match(line->raw + line->user_begin, user.data, user.size)) {
        echo->line = line;
        for (size_t at = 0; at < line->capacity; at += CACHE_LINE_BYTES)
            __builtin_prefetch((const char *)line->fields + at);
    }
}

/* How many of the first max bytes are the same. May read 15 bytes behind them. */
static inline size_t
same_size(const char *a, const char *b, size_t max)
{
    size_t at = 0;
#ifdef __SSE2__
    for (; at < max; at += 16) {
        const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(a + at));
        const __m128i y = _mm_loadu_si128((const __m128i *)(const void *)(b + at));
        const unsigned differ = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) ^ 0xffffU;
        if (differ != 0) {
            at += (size_t)__builtin_ctz(differ);
            break;
        }
    }
#else
    while (at < max && a[at] == b[at])
        at++;
#endif
    return at < max ? at : max;
}

/* The first kept field from first on that has the name at at; NULL when none is near. */
static const struct rc_echo_field *
name_find(const struct rc_echo_line *line,
          uint32_t first,
          const char *at,
          const char *end,
          uint32_t root)
{
    const uint32_t stop =
        line->field_count < first + LOOK_AHEAD ? line->field_count : first + LOOK_AHEAD;
    for (uint32_t i = first; i < stop; i++) {
        const struct rc_echo_field *field = &line->fields[i];
        if (field->root == root && field->value < (size_t)(end - at) &&
            rc_bytes_match(line->raw + field->begin, at, field->value))
            return field;
    }
    return NULL;
}

/* Makes the kept fields that lie within same bytes from the first one on a run; at is where that is
 * in the line under way. Returns the place behind, or NULL. */
static const char *
run_take(struct rc_echo *echo,
         struct rc_record *record,
         const struct rc_echo_field *first,
         size_t same,
         const char *at)
{
    const struct rc_echo_line *line = echo->line;
    const struct rc_echo_field *field = first;
    const struct rc_echo_field *const stop = line->fields + line->field_count;
    if (stop - first > RC_ECHO_FIELDS_MAX - (ptrdiff_t)echo->field_count ||
        record->run_count == RC_ECHO_RUNS_MAX)
        return NULL; /* A line like that is not worth it. */
    const uint32_t moved = (uint32_t)(at - record->raw.data) - first->begin; /* Modulo 2^32. */
    const size_t limit = first->begin + same;                                /* In the kept line. */
    struct rc_echo_field *to = echo->fields + echo->field_count;
    size_t end = 0;
    while (field < stop && field->column != RC_FIELD_NO_COLUMN &&
           (size_t)field->begin + field->end < limit) {
        end = (size_t)field->begin + field->end;
        *to = *field++;
        to++->begin += moved;
        if (line->raw[end] == '}')
            break;
    }
    const uint32_t count = (uint32_t)(field - first);
    record->echoes = echo->fields;
    record->runs[record->run_count++] =
        (struct rc_echo_run){echo->field_count, count, record->field_count};
    echo->field_count += count;
    echo->next = (uint32_t)(field - line->fields);
    return at + (end - first->begin);
}

const char *
rc_echo_take(struct rc_echo *echo,
             struct rc_record *record,
             const char *at,
             const char *end,
             uint32_t root,
             const struct rc_echo_field **ret_known)
{
    const struct rc_echo_line *line = echo->line;
    if (echo->next >= line->field_count)
        return NULL;
    const struct rc_echo_field *first = &line->fields[echo->next];
    const size_t left = line->size - first->begin;
    const size_t room = (size_t)(end - at);
    size_t same = same_size(line->raw + first->begin, at, left < room ? left : room);
    if (same < first->value || first->root != root) {
        first = name_find(line, echo->next + 1, at, end, root);
        if (first == NULL)
            return NULL;
        const size_t rest = line->size - first->begin;
        same = same_size(line->raw + first->begin, at, rest < room ? rest : room);
    }
    *ret_known = first;
    echo->next = (uint32_t)(first - line->fields) + 1;
    if (same <= first->end || first->column == RC_FIELD_NO_COLUMN)
        return NULL;
    return run_take(echo, record, first, same, at);
}

/* Completes a field of the line under way from the record's. */
static void
field_complete(struct rc_echo_field *kept, const char *raw, const struct rc_field *field)
{
    const char *const begin = raw + kept->begin;
    kept->name_size = (uint16_t)field->name.size;
    kept->type = (uint8_t)field->value.type;
    const bool named = field->name.data == begin + 1; /* Else it has escapes. */
    kept->root = named ? (uint8_t)field->root : RC_ECHO_NO_ROOT;
    kept->column = named ? field->column : RC_FIELD_NO_COLUMN;
    kept->entry = field->entry;
    if (field->value.type == RC_FIELD_TEXT) {
        kept->text_size = field->value.text.size;
        if (field->value.text.data != begin + kept->value + 1) /* It has escapes. */
            kept->column = RC_FIELD_NO_COLUMN;
    } else {
        kept->integer = field->value.integer;
    }
}

/* Completes those of the line under way that are not part of a run. */
static void
fields_complete(struct rc_echo *echo, const struct rc_record *record)
{
    struct rc_echo_field *to = echo->fields;
    const struct rc_field *field = record->fields;
    for (uint32_t run = 0; run < record->run_count; run++) {
        while (field < record->fields + record->runs[run].field)
            field_complete(to++, record->raw.data, field++);
        to += record->runs[run].count;
    }
    while (to < echo->fields + echo->field_count)
        field_complete(to++, record->raw.data, field++);
    RC_ASSERT(field == record->fields + record->field_count);
}

/* Makes room in a line, which loses what it kept. */
static enum rc_status
line_grow(struct rc_echo_line *line, size_t bytes)
{
    line->field_count = 0;
    if (bytes <= line->capacity)
        return RC_OK;
    rc_alloc_free(line->fields);
    line->capacity = 0;
    line->fields = rc_alloc(bytes + bytes / 8);
    if (line->fields == NULL)
        return RC_NO_MEMORY;
    line->capacity = bytes + bytes / 8;
    return RC_OK;
}

enum rc_status
rc_echo_keep(struct rc_echo *echo, struct rc_record *record)
{
    struct rc_echo_line *line = echo->keeper;
    const struct rc_bytes raw = record->raw;
    if (line == NULL || raw.size > RC_ECHO_LINE_BYTES_MAX || echo->field_count > RC_ECHO_FIELDS_MAX)
        return RC_OK;
    const size_t fields_bytes = echo->field_count * sizeof(*echo->fields);
    RC_TRY(line_grow(line, fields_bytes + raw.size + PADDING_BYTES));
    fields_complete(echo, record);
    char *bytes = (char *)line->fields + fields_bytes;
    memcpy(line->fields, echo->fields, fields_bytes);
    memcpy(bytes, raw.data, raw.size);
    memset(bytes + raw.size, 0, PADDING_BYTES);
    line->raw = bytes;
    line->size = (uint32_t)raw.size;
    line->user_begin = (uint32_t)(echo->user.data - raw.data);
    line->user_size = (uint32_t)echo->user.size;
    line->field_count = echo->field_count;
    line->place = (struct rc_row_place){0};
    record->place = &line->place;
    return RC_OK;
}

enum rc_status
rc_echo_spread(struct rc_record *record)
{
    size_t count = record->field_count;
    for (uint32_t i = 0; i < record->run_count; i++)
        count += record->runs[i].count;
    RC_TRY(RC_GROW(record->fields, record->field_capacity, count));
    size_t from = record->field_count;
    size_t to = count;
    for (uint32_t run = record->run_count; run-- > 0;) {
        while (from > record->runs[run].field)
            record->fields[--to] = record->fields[--from];
        const struct rc_echo_field *echo = rc_echo_run_last(record, run);
        for (uint32_t i = 0; i < record->runs[run].count; i++, echo--)
            record->fields[--to] = (struct rc_field){
                .name = rc_echo_name(echo, record->raw.data),
                .value = rc_echo_value(echo, record->raw.data),
                .root = echo->root,
                .column = echo->column,
                .entry = echo->entry,
            };
    }
    RC_ASSERT(to == from);
    record->field_count = count;
    record->run_count = 0;
    return RC_OK;
}
