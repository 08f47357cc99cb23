/*
 * The logged form of a batch: what is read is what was kept; however a client packs the same rows,
 * the bytes are the same; cut, damaged or random bytes are an error and nothing worse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/intake/batch.h"
#include "engine/intake/packed.h"

#define SEED 20240607u
#define ROUNDS 300u
#define ROWS_MAX 40u
#define COLUMNS_MAX 4u
#define POOL 9u

static uint64_t random_state = SEED;

static uint32_t
below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 11) % limit;
}

/* Rows as plain numbers: what a batch means, apart from how it is packed. */
struct table {
    uint32_t rows;
    uint32_t columns;
    uint32_t users[ROWS_MAX];
    int64_t times_ms[ROWS_MAX];
    uint32_t ids[ROWS_MAX];                 /* 0: none. */
    uint32_t values[COLUMNS_MAX][ROWS_MAX]; /* Of the pool; 0: not set. */
};

static struct rc_bytes
text_of(struct rc_arena *arena, const char *format, uint32_t number)
{
    char text[32];
    const int size = snprintf(text, sizeof(text), format, number);
    return (struct rc_bytes){rc_arena_string(arena, text, (size_t)size), (size_t)size};
}

/* The value behind a number of the pool; 7 and 8 are the same number in two forms. */
static struct rc_value
pool_value(struct rc_arena *arena, uint32_t number)
{
    static const struct rc_bytes items[] = {{"one", 3}, {"", 0}, {"three", 5}};
    switch (number) {
    case 1:
        return rc_value_null();
    case 2:
        return rc_value_bool(true);
    case 3:
        return rc_value_int(-5);
    case 4:
        return (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = 0.25};
    case 5:
        return (struct rc_value){.kind = RC_VALUE_LIST, .item_count = 3, .items = items};
    case 6:
        return (struct rc_value){.kind = RC_VALUE_LIST};
    case 7:
        return rc_value_int(12);
    case 8:
        return (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = 12.0};
    default:
        return rc_value_string(text_of(arena, "text-%u", number));
    }
}

static void
make_table(struct table *table)
{
    *table = (struct table){.rows = below(ROWS_MAX + 1), .columns = below(COLUMNS_MAX + 1)};
    const uint32_t set_odds = 1 + below(6);
    for (uint32_t row = 0; row < table->rows; row++) {
        table->users[row] = below(7);
        table->times_ms[row] = (int64_t)below(1000) - 500;
        table->ids[row] = below(4);
        for (uint32_t c = 0; c < table->columns; c++)
            table->values[c][row] = below(set_odds) != 0 ? 0 : 1 + below(POOL);
    }
}

/* Puts the values that rows use in order of first use, behind those that none uses: as a client
 * packs that numbers values as it meets them. */
static void
order_by_use(const struct table *table, uint32_t column, uint32_t order[POOL])
{
    uint32_t used = 0;
    uint32_t by_use[POOL];
    for (uint32_t row = 0; row < table->rows; row++) {
        const uint32_t value = table->values[column][row];
        uint32_t at = 0;
        while (at < used && by_use[at] != value)
            at++;
        if (value != 0 && at == used)
            by_use[used++] = value;
    }
    uint32_t unused = 0;
    for (uint32_t i = 0; i < POOL; i++) {
        uint32_t at = 0;
        while (at < used && by_use[at] != order[i])
            at++;
        if (at == used)
            order[unused++] = order[i];
    }
    memcpy(order + unused, by_use, used * sizeof(by_use[0]));
}

/* Packs a column: its values in a random order or in that of their use, with ones that no row uses
 * among them. */
static struct rc_batch_column
pack_column(struct rc_arena *arena, const struct table *table, uint32_t column)
{
    const uint32_t value_count = POOL;
    uint32_t order[POOL];
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, value_count);
    unsigned char *codes = rc_arena_zero(arena, 4 * (table->rows + 1));
    uint32_t *rows = RC_ARENA_ARRAY(arena, uint32_t, table->rows);
    static const uint32_t widths[] = {1, 2, 4};
    const uint32_t width = widths[below(3)];
    const bool sparse = below(2) == 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < value_count; i++)
        order[i] = i + 1;
    for (uint32_t i = value_count; i > 1; i--) {
        const uint32_t j = below(i);
        const uint32_t swapped = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swapped;
    }
    if (below(2) == 0)
        order_by_use(table, column, order);
    for (uint32_t i = 0; i < value_count; i++)
        values[i] = pool_value(arena, order[i]);
    for (uint32_t row = 0; row < table->rows; row++) {
        uint32_t code = 0;
        for (uint32_t i = 0; table->values[column][row] != 0 && i < value_count; i++)
            if (order[i] == table->values[column][row])
                code = i + 1;
        if (sparse && code == 0)
            continue;
        rows[count] = row;
        memcpy(codes + (size_t)count * width, &code, width);
        count++;
    }
    return (struct rc_batch_column){
        .name = text_of(arena, "column-%u", column),
        .value_count = value_count,
        .values = values,
        .code_width = width,
        .codes = codes,
        .sparse_count = sparse ? count : 0,
        .rows = sparse ? (const unsigned char *)rows : NULL,
    };
}

/* Makes the places of users those of their first use. Returns how many there are. */
static uint32_t
users_by_use(struct rc_arena *arena,
             const struct table *table,
             struct rc_bytes *users,
             uint32_t *codes)
{
    uint32_t count = 0;
    uint32_t place[7] = {0}; /* + 1; 0: not used yet. */
    for (uint32_t row = 0; row < table->rows; row++) {
        const uint32_t user = table->users[row];
        if (place[user] == 0) {
            users[count++] = text_of(arena, "user-%u", user);
            place[user] = count;
        }
        codes[row] = place[user] - 1;
    }
    return count;
}

/* Packs a table: users in a random order, each twice, or in that of their use. Columns stay in
 * order: it has a meaning. */
static struct rc_batch_table
pack_table(struct rc_arena *arena, const struct table *table)
{
    const uint32_t shift = below(7);
    struct rc_bytes *users = RC_ARENA_ARRAY(arena, struct rc_bytes, 14);
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, table->rows);
    int64_t *times = RC_ARENA_ARRAY(arena, int64_t, table->rows);
    struct rc_batch_column *columns = RC_ARENA_ARRAY(arena, struct rc_batch_column, COLUMNS_MAX);
    for (uint32_t i = 0; i < 14; i++)
        users[i] = text_of(arena, "user-%u", (i + shift) % 7);
    for (uint32_t row = 0; row < table->rows; row++) {
        codes[row] = (table->users[row] + 7 - shift) % 7;
        times[row] = table->times_ms[row];
    }
    const uint32_t user_count = below(2) == 0 ? 14 : users_by_use(arena, table, users, codes);
    for (uint32_t c = 0; c < table->columns; c++)
        columns[c] = pack_column(arena, table, c);
    return (struct rc_batch_table){
        .row_count = table->rows,
        .user_count = user_count,
        .users = users,
        .user_codes = (const unsigned char *)codes,
        .times_ms = (const unsigned char *)times,
        .column_count = table->columns,
        .columns = columns,
    };
}

struct meaning {
    struct table events;
    struct table writes;
    uint32_t id_form; /* 0 none, 1 numbers, 2 texts. */
    uint32_t aliases;
};

static void
make_meaning(struct meaning *meaning)
{
    make_table(&meaning->events);
    make_table(&meaning->writes);
    meaning->id_form = below(3);
    meaning->aliases = below(4);
}

static struct rc_batch
pack(struct rc_arena *arena, const struct meaning *meaning)
{
    struct rc_batch batch = {
        .events = pack_table(arena, &meaning->events),
        .writes = pack_table(arena, &meaning->writes),
        .alias_count = meaning->aliases,
    };
    uint64_t *numbers = RC_ARENA_ARRAY(arena, uint64_t, meaning->events.rows);
    struct rc_bytes *texts = RC_ARENA_ARRAY(arena, struct rc_bytes, meaning->events.rows);
    struct rc_bytes *names = RC_ARENA_ARRAY(arena, struct rc_bytes, 8);
    for (uint32_t row = 0; row < meaning->events.rows; row++) {
        numbers[row] = meaning->events.ids[row];
        if (meaning->events.ids[row] != 0)
            texts[row] = text_of(arena, "id-%u", meaning->events.ids[row]);
    }
    for (uint32_t i = 0; i < 8; i++)
        names[i] = text_of(arena, "name-%u", i);
    if (meaning->id_form == 1)
        batch.int_ids = (const unsigned char *)numbers;
    if (meaning->id_form == 2)
        batch.text_ids = texts;
    batch.alias_left = names;
    batch.alias_right = names + 4;
    return batch;
}

static bool
value_is(struct rc_arena *arena, const struct rc_value *value, uint32_t number, bool write)
{
    if (number == 0 || (!write && (number == 1 || number == 6)))
        return value == NULL;
    if (value == NULL)
        return false;
    if (number == 1 || number == 6)
        return value->kind == RC_VALUE_NULL;
    return rc_value_same(*value, number == 8 ? rc_value_int(12) : pool_value(arena, number));
}

static const struct rc_value *
value_at(const struct rc_batch_column *column, uint32_t row)
{
    uint32_t code = 0;
    if (column->rows == NULL)
        code = rc_packed_code(column->codes, column->code_width, row);
    for (uint32_t i = 0; column->rows != NULL && i < column->sparse_count; i++)
        if (rc_packed_u32(column->rows, i) == row)
            code = rc_packed_code(column->codes, column->code_width, i);
    assert_true(code <= column->value_count);
    return code == 0 ? NULL : &column->values[code - 1];
}

static void
expect_table(struct rc_arena *arena,
             const struct rc_batch_table *got,
             const struct table *expected,
             const uint64_t *mask,
             bool write)
{
    uint32_t at = 0;
    for (uint32_t row = 0; row < expected->rows; row++) {
        if (mask != NULL && (mask[0] >> row & 1) == 0)
            continue;
        assert_true(at < got->row_count);
        const struct rc_bytes user = text_of(arena, "user-%u", expected->users[row]);
        assert_true(rc_bytes_equal(got->users[rc_packed_u32(got->user_codes, at)], user));
        assert_int_equal(rc_packed_i64(got->times_ms, at), expected->times_ms[row]);
        for (uint32_t c = 0; c < expected->columns; c++) {
            const struct rc_value *value = NULL;
            const struct rc_bytes name = text_of(arena, "column-%u", c);
            for (uint32_t i = 0; i < got->column_count; i++)
                if (rc_bytes_equal(got->columns[i].name, name))
                    value = value_at(&got->columns[i], at);
            assert_true(value_is(arena, value, expected->values[c][row], write));
        }
        at++;
    }
    assert_int_equal(at, got->row_count);
}

static void
write_batch(struct rc_writer *writer, const struct rc_batch *batch, struct rc_arena *arena)
{
    const struct rc_batch_keep all = {0};
    rc_batch_write(writer, batch, &all, arena);
    assert_false(writer->failed);
}

static void
test_round_trip(void **state)
{
    (void)state;
    print_message("seed %u\n", SEED);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        struct meaning meaning;
        make_meaning(&meaning);
        struct rc_batch batch = pack(arena, &meaning);
        const bool has_accounts = below(2) == 0;
        if (has_accounts)
            batch.accounts = batch.writes;
        const uint64_t event_mask = ((uint64_t)below(1 << 30) << 30 | below(1 << 30));
        const uint64_t alias_mask = below(16);
        const struct rc_batch_keep keep = {
            .events = below(2) == 0 ? NULL : &event_mask,
            .aliases = below(2) == 0 ? NULL : &alias_mask,
        };
        rc_batch_write(&writer, &batch, &keep, arena);
        assert_false(writer.failed);
        struct rc_reader reader = rc_reader_of(writer.data, writer.size);
        struct rc_batch got;
        assert_int_equal(rc_batch_read(&reader, arena, &got, NULL), RC_OK);
        expect_table(arena, &got.events, &meaning.events, keep.events, false);
        expect_table(arena, &got.writes, &meaning.writes, NULL, true);
        if (has_accounts)
            expect_table(arena, &got.accounts, &meaning.writes, NULL, true);
        else
            assert_int_equal(got.accounts.row_count, 0);
        assert_int_equal(got.int_ids != NULL, meaning.id_form == 1);
        assert_int_equal(got.text_ids != NULL, meaning.id_form == 2);
        uint32_t at = 0;
        for (uint32_t row = 0; row < meaning.events.rows; row++) {
            if (keep.events != NULL && (event_mask >> row & 1) == 0)
                continue;
            if (meaning.id_form == 1)
                assert_int_equal(rc_packed_u64(got.int_ids, at), meaning.events.ids[row]);
            if (meaning.id_form == 2)
                assert_true(rc_bytes_equal(got.text_ids[at], batch.text_ids[row]));
            at++;
        }
        uint32_t aliases = 0;
        for (uint32_t i = 0; i < meaning.aliases; i++) {
            if (keep.aliases != NULL && (alias_mask >> i & 1) == 0)
                continue;
            assert_true(rc_bytes_equal(got.alias_left[aliases], batch.alias_left[i]));
            assert_true(rc_bytes_equal(got.alias_right[aliases], batch.alias_right[i]));
            aliases++;
        }
        assert_int_equal(got.alias_count, aliases);
    }
}

static void
test_the_same_rows_give_the_same_bytes(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        RC_CLEANUP(rc_writer_close) struct rc_writer first = {0};
        RC_CLEANUP(rc_writer_close) struct rc_writer second = {0};
        RC_CLEANUP(rc_writer_close) struct rc_writer third = {0};
        struct meaning meaning;
        struct rc_batch read;
        make_meaning(&meaning);
        const struct rc_batch one = pack(arena, &meaning);
        const struct rc_batch two = pack(arena, &meaning);
        write_batch(&first, &one, arena);
        write_batch(&second, &two, arena);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        struct rc_reader reader = rc_reader_of(first.data, first.size);
        assert_int_equal(rc_batch_read(&reader, arena, &read, NULL), RC_OK);
        write_batch(&third, &read, arena);
        assert_int_equal(first.size, third.size);
        assert_memory_equal(first.data, third.data, first.size);
    }
}

/* Reads a copy of exactly these bytes, so that a sanitizer sees the first byte past them. */
static enum rc_status
read_copy(const void *bytes, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    void *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, bytes, size);
    struct rc_reader reader = rc_reader_of(copy, size);
    struct rc_batch batch;
    const enum rc_status status = rc_batch_read(&reader, arena, &batch, NULL);
    if (status == RC_OK) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        write_batch(&writer, &batch, arena); /* What was read can be used. */
    }
    free(copy);
    return status;
}

static void
test_cut_short(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 20; round++) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        struct meaning meaning;
        make_meaning(&meaning);
        const struct rc_batch batch = pack(arena, &meaning);
        write_batch(&writer, &batch, arena);
        for (size_t size = 0; size < writer.size; size++)
            assert_int_equal(read_copy(writer.data, size), RC_CORRUPT);
        rc_write_u8(&writer, 0);
        assert_int_equal(read_copy(writer.data, writer.size), RC_CORRUPT);
    }
}

static void
test_damaged_and_random_bytes(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 3000; round++) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        struct meaning meaning;
        make_meaning(&meaning);
        const struct rc_batch batch = pack(arena, &meaning);
        write_batch(&writer, &batch, arena);
        for (uint32_t i = 0; i < 1 + below(3); i++)
            writer.data[below((uint32_t)writer.size)] = (unsigned char)below(256);
        enum rc_status status = read_copy(writer.data, writer.size);
        assert_true(status == RC_OK || status == RC_CORRUPT);
        unsigned char noise[64];
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (unsigned char)below(below(2) == 0 ? 4 : 256);
        status = read_copy(noise, below(sizeof(noise) + 1));
        assert_true(status == RC_OK || status == RC_CORRUPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_the_same_rows_give_the_same_bytes),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_damaged_and_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
