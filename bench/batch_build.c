/*
 * A batch is described by its columns: what kind of values, how many of them, in how many events.
 * An event has value number draw(seed, event, column) of a column, whatever the form it is sent in.
 */
#include "batch_build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS 2000u
#define LIST_TEXTS 3u

enum kind { TEXT, NUMBER, LIST };

#define OWN CASE_BATCH_EVENTS

/* value_count values, OWN: each event has one of its own; one event in every has a value at all. Of
 * NUMBER the second half are decimal. */
struct shape {
    enum kind kind;
    uint32_t value_count;
    uint32_t every;
    uint32_t code_width;
};

static const struct shape one_byte = {TEXT, 100, 1, 1};
static const struct shape two_bytes = {TEXT, 5000, 1, 2};
static const struct shape four_bytes = {TEXT, OWN, 1, 4};
static const struct shape sparse = {TEXT, 100, 50, 1};
static const struct shape numbers = {NUMBER, 2000, 1, 2};
static const struct shape lists = {LIST, 1000, 1, 2};

static const struct shape *
shape_of(enum case_encoding encoding, uint32_t column)
{
    switch (encoding) {
    case CASE_CODES_2:
        return &two_bytes;
    case CASE_CODES_4:
        return &four_bytes;
    case CASE_SPARSE:
        return &sparse;
    case CASE_NUMBERS:
        return &numbers;
    case CASE_LISTS:
        return &lists;
    case CASE_WEB:
    case CASE_NDJSON:
        return column < 8    ? &one_byte
               : column < 13 ? &two_bytes
               : column < 14 ? &four_bytes
               : column < 16 ? &numbers
               : column < 19 ? &sparse
                             : &lists;
    case CASE_CODES_1:
    case CASE_TEXT_IDS:
        break;
    }
    return &one_byte;
}

static uint64_t
mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/* The number of an event's value of a column; shape->value_count: it has none. */
static uint32_t
draw(uint64_t seed, uint64_t event, uint32_t column, const struct shape *shape)
{
    const uint64_t word =
        mix(seed * 0x9e3779b97f4a7c15ULL + event * CASE_BATCH_COLUMNS + column + 1);
    if (shape->value_count == OWN)
        return (uint32_t)(event % OWN);
    if (shape->every > 1 && word % shape->every != 0)
        return shape->value_count;
    return (uint32_t)((word >> 16) % shape->value_count);
}

static uint32_t
user_of(uint64_t event)
{
    return (uint32_t)(mix(event + 1) % USERS);
}

static uint64_t
id_of(uint64_t event)
{
    return mix(event + 0x9e3779b97f4a7c15ULL) >> 11;
}

static void
print(struct rc_writer *writer, const char *format, ...) RC_PRINTF(2, 3);

static void
print(struct rc_writer *writer, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    rc_write_raw(writer, text, (size_t)size);
}

static void
print_text(struct rc_writer *writer, uint32_t column, uint32_t number)
{
    print(writer, "c%" PRIu32 "-value-%05" PRIu32, column, number);
}

static void
print_id(struct rc_writer *writer, uint64_t event)
{
    print(writer, "%08" PRIx64 "-0000-4000-8000-%012" PRIx64, id_of(event) & UINT32_MAX,
          id_of(event) >> 5);
}

static void
put_number(struct rc_writer *writer, uint32_t field, uint64_t number)
{
    rc_write_varint(writer, (uint64_t)field << 3);
    rc_write_varint(writer, number);
}

/* Puts what inner holds as a field of writer, and closes it. */
static void
put(struct rc_writer *writer, uint32_t field, struct rc_writer *inner)
{
    rc_write_varint(writer, (uint64_t)field << 3 | 2);
    rc_write_bytes(writer, (struct rc_bytes){(const char *)inner->data, inner->size});
    if (inner->failed)
        abort();
    rc_writer_close(inner);
}

static void
write_times(unsigned char *times, uint64_t first)
{
    for (uint32_t row = 0; row < CASE_BATCH_EVENTS; row++) {
        const int64_t time_ms = BATCH_BUILD_START_MS + (int64_t)(first + row) * 1000;
        memcpy(times + (size_t)row * 8, &time_ms, 8);
    }
}

static void
write_ids(unsigned char *ids, uint64_t first)
{
    for (uint32_t row = 0; row < CASE_BATCH_EVENTS; row++) {
        const uint64_t id = id_of(first + row);
        memcpy(ids + (size_t)row * 8, &id, 8);
    }
}

/* ---- Columns --------------------------------------------------------------------------------- */

struct texts {
    struct rc_writer text;
    struct rc_writer ends;
};

static void
texts_end(struct texts *texts)
{
    rc_write_u32(&texts->ends, (uint32_t)texts->text.size);
}

static void
texts_put(struct rc_writer *writer, uint32_t field, struct texts *texts)
{
    struct rc_writer table = {.data = NULL};
    put(&table, 1, &texts->text);
    put(&table, 2, &texts->ends);
    put(writer, field, &table);
}

static void
put_values(struct rc_writer *column, uint32_t index, const struct shape *shape)
{
    struct texts texts = {.text = {.data = NULL}};
    struct rc_writer ints = {.data = NULL};
    struct rc_writer doubles = {.data = NULL};
    struct rc_writer elements = {.data = NULL};
    struct rc_writer list_ends = {.data = NULL};
    for (uint32_t i = 0; i < shape->value_count; i++) {
        if (shape->kind == NUMBER && i < shape->value_count / 2)
            rc_write_u64(&ints, i);
        else if (shape->kind == NUMBER)
            rc_write_f64(&doubles, i + 0.25);
        else
            print_text(&texts.text, index, i);
        if (shape->kind != NUMBER)
            texts_end(&texts);
        for (uint32_t k = 0; shape->kind == LIST && k < LIST_TEXTS; k++)
            rc_write_u32(&elements, (i + k) % shape->value_count);
        if (shape->kind == LIST)
            rc_write_u32(&list_ends, (i + 1) * LIST_TEXTS);
    }
    texts_put(column, 2, &texts);
    put(column, 3, &ints);
    put(column, 4, &doubles);
    struct rc_writer table = {.data = NULL};
    put(&table, 1, &elements);
    put(&table, 2, &list_ends);
    put(column, 5, &table);
}

static void
put_column(struct rc_writer *events,
           uint64_t seed,
           uint32_t index,
           const struct shape *shape,
           uint64_t first)
{
    struct rc_writer column = {.data = NULL};
    struct rc_writer name = {.data = NULL};
    struct rc_writer codes = {.data = NULL};
    struct rc_writer rows = {.data = NULL};
    print(&name, "c%" PRIu32, index);
    put(&column, 1, &name);
    put_values(&column, index, shape);
    /* Of lists the texts that they hold come before them. */
    const uint32_t base = shape->kind == LIST ? 4 + shape->value_count : 4;
    for (uint32_t row = 0; row < CASE_BATCH_EVENTS; row++) {
        const uint32_t number = draw(seed, first + row, index, shape);
        if (number == shape->value_count)
            continue;
        const uint32_t code = base + number;
        rc_write_raw(&codes, &code, shape->code_width);
        if (shape->every > 1)
            rc_write_u32(&rows, row);
    }
    put_number(&column, 6, shape->code_width);
    put(&column, 7, &codes);
    put(&column, 8, &rows);
    put(events, 7, &column);
}

static void
put_ids(struct rc_writer *events, bool as_texts, uint64_t first)
{
    struct texts texts = {.text = {.data = NULL}};
    struct rc_writer ints = {.data = NULL};
    for (uint32_t row = 0; as_texts && row < CASE_BATCH_EVENTS; row++) {
        print_id(&texts.text, first + row);
        texts_end(&texts);
    }
    if (as_texts) {
        texts_put(events, 5, &texts);
        return;
    }
    unsigned char *place = rc_write_room(&ints, (size_t)CASE_BATCH_EVENTS * 8);
    if (place == NULL)
        abort();
    write_ids(place, first);
    put(events, 6, &ints);
}

struct rc_writer
batch_build_columns(uint64_t seed, enum case_encoding encoding, uint64_t first)
{
    const uint32_t count = CASE_BATCH_EVENTS;
    struct rc_writer events = {.data = NULL};
    struct texts users = {.text = {.data = NULL}};
    struct rc_writer codes = {.data = NULL};
    struct rc_writer times = {.data = NULL};
    unsigned char *place = rc_write_room(&times, (size_t)count * 8);
    if (place == NULL)
        abort();
    write_times(place, first);
    for (uint32_t user = 0; user < USERS; user++) {
        print(&users.text, "user-%" PRIu32, user);
        texts_end(&users);
    }
    for (uint32_t row = 0; row < count; row++)
        rc_write_u32(&codes, user_of(first + row));
    put_number(&events, 1, count);
    texts_put(&events, 2, &users);
    put(&events, 3, &codes);
    put(&events, 4, &times);
    put_ids(&events, encoding == CASE_TEXT_IDS, first);
    for (uint32_t i = 0; i < CASE_BATCH_COLUMNS; i++)
        put_column(&events, seed, i, shape_of(encoding, i), first);
    struct rc_writer batch = {.data = NULL};
    put(&batch, 1, &events);
    return batch;
}

/* ---- Another batch of the same values -------------------------------------------------------- */

struct batch_places
batch_build_places(struct rc_bytes message, uint64_t first)
{
    static unsigned char array[CASE_BATCH_EVENTS * 8];
    write_times(array, first);
    const char *times = memmem(message.data, message.size, array, sizeof(array));
    write_ids(array, first);
    const char *ids = memmem(message.data, message.size, array, sizeof(array));
    if (times == NULL || ids == NULL)
        abort();
    return (struct batch_places){.times_at = (size_t)(times - message.data),
                                 .ids_at = (size_t)(ids - message.data)};
}

void
batch_build_renumber(unsigned char *message, struct batch_places places, uint64_t first)
{
    write_times(message + places.times_at, first);
    write_ids(message + places.ids_at, first);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void
print_value(struct rc_writer *lines, uint32_t column, const struct shape *shape, uint32_t number)
{
    if (shape->kind == NUMBER) {
        print(lines, number < shape->value_count / 2 ? "%" PRIu32 : "%" PRIu32 ".25", number);
        return;
    }
    const uint32_t texts = shape->kind == LIST ? LIST_TEXTS : 1;
    for (uint32_t i = 0; i < texts; i++) {
        print(lines, i > 0 ? ",\"" : shape->kind == LIST ? "[\"" : "\"");
        print_text(lines, column, (number + i) % shape->value_count);
        print(lines, "\"");
    }
    if (shape->kind == LIST)
        print(lines, "]");
}

struct rc_writer
batch_build_lines(uint64_t seed, uint64_t first, uint32_t count)
{
    struct rc_writer lines = {.data = NULL};
    for (uint64_t event = first; event < first + count; event++) {
        const char *between = "";
        print(&lines, "{\"user\":\"user-%" PRIu32 "\",\"time\":%" PRIi64 ",\"id\":%" PRIu64,
              user_of(event), BATCH_BUILD_START_MS + (int64_t)event * 1000, id_of(event));
        print(&lines, ",\"properties\":{");
        for (uint32_t i = 0; i < CASE_BATCH_COLUMNS; i++) {
            const struct shape *shape = shape_of(CASE_NDJSON, i);
            const uint32_t number = draw(seed, event, i, shape);
            if (number == shape->value_count)
                continue;
            print(&lines, "%s\"c%" PRIu32 "\":", between, i);
            print_value(&lines, i, shape, number);
            between = ",";
        }
        print(&lines, "}}\n");
    }
    struct rc_writer batch = {.data = NULL};
    put(&batch, 1, &lines);
    return batch;
}
