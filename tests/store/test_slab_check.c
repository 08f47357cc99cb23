/*
 * Slabs from outside: every changed byte is found, every cut is refused, and no bytes make the
 * reader run out of bounds (run under the address sanitizer to mean it).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/checksum.h"
#include "engine/store/slab/slab_format.h"
#include "tests/store/slab_rig.h"

#define SEED 60606u

static struct rc_slab *
make_slab(uint32_t row_count)
{
    uint64_t seed = SEED;
    const struct rig_options options = {.row_count = row_count,
                                        .user_count = row_count / 6 + 1,
                                        .time_count = 1000,
                                        .time_from_ms = RIG_WINDOW_MS,
                                        .text_ids = true,
                                        .derived_ids = true,
                                        .wide_cells = 20};
    struct rig_rows rows;
    rig_rows_make(&seed, &options, &rows);
    const struct rc_slab_source source = {.rows = &rows.source};
    struct rc_slab *slab = rig_build(&source, 1, RIG_WINDOW_MS);
    rig_rows_free(&rows);
    return slab;
}

static void *
copy_block(struct rc_bytes bytes, size_t size)
{
    void *block = rc_alloc(size);
    assert_non_null(block);
    memcpy(block, bytes.data, size);
    return block;
}

/* Opens and checks a block, which is used up. */
static enum rc_status
open_and_check(void *block, size_t size)
{
    struct rc_slab *slab = NULL;
    enum rc_status status = rc_slab_of_block(block, size, &slab, NULL);
    if (status != RC_OK) {
        rc_alloc_free(block);
        return status;
    }
    status = rc_slab_check(slab, NULL);
    rc_slab_unref(slab);
    return status;
}

static void
test_sound_slab_passes(void **state)
{
    (void)state;
    struct rc_slab *slab = make_slab(300);
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    assert_int_equal(open_and_check(copy_block(bytes, bytes.size), bytes.size), RC_OK);
    rc_slab_unref(slab);
}

static void
test_every_flipped_byte_is_found(void **state)
{
    (void)state;
    struct rc_slab *slab = make_slab(90);
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    const struct rc_slab_header *header = rc_slab_header_of(slab);
    for (uint32_t i = 0; i < RC_SLAB_SECTION_COUNT; i++)
        assert_true(header->sections[i].size > 0);
    for (size_t at = 0; at < bytes.size; at++) {
        unsigned char *block = copy_block(bytes, bytes.size);
        block[at] ^= (unsigned char)(1u << (at % 8));
        if (open_and_check(block, bytes.size) != RC_CORRUPT)
            fail_msg("a change of byte %zu of %zu was not found", at, bytes.size);
    }
    rc_slab_unref(slab);
}

static void
test_every_cut_is_refused(void **state)
{
    (void)state;
    struct rc_slab *slab = make_slab(90);
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    for (size_t size = 0; size < bytes.size; size++) {
        void *block = copy_block(bytes, size);
        struct rc_slab *cut = NULL;
        struct rc_error error;
        assert_int_equal(rc_slab_of_block(block, size, &cut, &error), RC_CORRUPT);
        assert_null(cut);
        rc_alloc_free(block);
    }
    rc_slab_unref(slab);
}

/* Makes the checksums of changed bytes right again, as far as they can be followed. */
static void
sign_again(char *block, size_t size)
{
    struct rc_slab_header *header = (struct rc_slab_header *)(void *)block;
    for (uint32_t i = RC_SLAB_SECTION_COUNT; i-- > 0;) {
        struct rc_slab_section *section = &header->sections[i];
        if (section->offset > size || section->size > size - section->offset || section->size == 0)
            continue;
        if (section->kind == RC_SLAB_DIRECTORY && section->offset % 8 == 0) {
            struct rc_slab_column *column = (void *)(block + section->offset);
            for (uint64_t left = section->size; left >= sizeof(*column); left -= sizeof(*column)) {
                if (column->offset <= size && column->size <= size - column->offset)
                    column->crc32c = rc_crc32c(block + column->offset, column->size);
                column++;
            }
        }
        section->crc32c = rc_crc32c(block + section->offset, section->size);
    }
    header->crc32c = rc_slab_header_crc32c(header);
}

static void
test_forged_bytes_harm_nobody(void **state)
{
    (void)state;
    uint64_t seed = SEED;
    print_message("seed %u\n", SEED);
    struct rc_slab *slab = make_slab(60);
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    uint32_t refused = 0;
    const uint32_t rounds = 40000;
    for (uint32_t round = 0; round < rounds; round++) {
        char *block = copy_block(bytes, bytes.size);
        const uint64_t changes = 1 + rig_random(&seed) % 3;
        for (uint64_t i = 0; i < changes; i++) {
            /* Half of the changes go to the header, where the bounds are. */
            const size_t span = rig_random(&seed) % 2 == 0 ? 320 : bytes.size;
            block[rig_random(&seed) % span] = (char)rig_random(&seed);
        }
        sign_again(block, bytes.size);
        refused += open_and_check(block, bytes.size) == RC_CORRUPT;
    }
    print_message("%u of %u forgeries refused\n", refused, rounds);
    assert_true(refused > rounds / 2);
    rc_slab_unref(slab);
}

/* One broken invariant each, with right checksums: the check itself must see it. */
static void
expect_broken(const struct rc_slab *slab, enum rc_slab_section_kind kind, size_t at, char value)
{
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    const struct rc_slab_section *section = &rc_slab_header_of(slab)->sections[kind - 1];
    char *block = copy_block(bytes, bytes.size);
    assert_true(at < section->size && block[section->offset + at] != value);
    block[section->offset + at] = value;
    sign_again(block, bytes.size);
    if (open_and_check(block, bytes.size) != RC_CORRUPT)
        fail_msg("a broken section %d was not found", (int)kind);
}

static void
test_invariants_are_seen_behind_checksums(void **state)
{
    (void)state;
    struct rc_slab *slab = make_slab(90);
    expect_broken(slab, RC_SLAB_USERS, 0, (char)250);            /* Above its neighbour. */
    expect_broken(slab, RC_SLAB_STARTS, 0, 1);                   /* Not from 0. */
    expect_broken(slab, RC_SLAB_STARTS, 4, 0);                   /* A user without rows. */
    expect_broken(slab, RC_SLAB_TIMES, 3, (char)255);            /* Outside of the window. */
    expect_broken(slab, RC_SLAB_TEXT_BITS, 15, (char)1 << 6);    /* Past the last row. */
    expect_broken(slab, RC_SLAB_DERIVED_BITS, 15, (char)1 << 6); /* Past the last row. */
    expect_broken(slab, RC_SLAB_TEXT_ENDS, 1, 7);                /* Not ascending. */
    expect_broken(slab, RC_SLAB_TEXT, 0, '0'); /* The filter does not know "0d-". */
    expect_broken(slab, RC_SLAB_IDS, 0, 77);   /* Another base. */
    expect_broken(slab, RC_SLAB_IDS, 8, 58);   /* A width that no ids have. */
    expect_broken(slab, RC_SLAB_IDS, 8, 0);
    expect_broken(slab, RC_SLAB_IDS, 12, 1);
    expect_broken(slab, RC_SLAB_IDS, (size_t)rc_slab_section_bytes(slab, RC_SLAB_IDS).size - 1, 1);
    rc_slab_unref(slab);
    slab = make_slab(2000); /* Enough for columns of each form. */
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    bool seen[RC_COLUMN_MARKED_ROWS + 1] = {0};
    for (uint32_t i = 0; i < rc_slab_get_info(slab)->column_count; i++) {
        seen[rc_slab_column_form(&rc_slab_directory(slab)[i])] = true;
        const struct rc_slab_column *column = &rc_slab_directory(slab)[i];
        const struct rc_slab_column_layout layout =
            rc_slab_column_layout(column, rc_slab_get_info(slab)->row_count);
        const bool marked = rc_column_form_is_marked(rc_slab_column_form(column));
        const uint64_t places[] = {0, layout.positions_at, layout.ranks_at, layout.dictionary_at,
                                   layout.dictionary_at + 8};
        for (size_t j = 0; j < sizeof(places) / sizeof(*places); j++) {
            if ((j == 1 && layout.ranks_at == layout.positions_at) || (j == 2 && !marked))
                continue;
            char *block = copy_block(bytes, bytes.size);
            memset(block + column->offset + places[j], 0xff,
                   j == 0 || (j == 1 && !marked) ? column->code_width
                   : j < 3                       ? 4
                                                 : 8);
            sign_again(block, bytes.size);
            assert_int_equal(open_and_check(block, bytes.size), RC_CORRUPT);
        }
    }
    for (int form = RC_COLUMN_PLAIN; form <= RC_COLUMN_MARKED_ROWS; form++)
        if (!seen[form])
            fail_msg("no column has the form %d", form);
    rc_slab_unref(slab);
}

/* Ids without the least width or the greatest base say the same, but are refused: bytes are a
 * function of the rows. */
static void
test_loosely_packed_ids_are_refused(void **state)
{
    (void)state;
    const uint32_t users[] = {1, 2, 3};
    const int64_t times_ms[] = {RIG_WINDOW_MS, RIG_WINDOW_MS, RIG_WINDOW_MS};
    const struct rc_event_id ids[] = {{.number = 1000}, {.number = 1001}, {.number = 1002}};
    const struct rc_row_source rows = {
        .row_count = 3, .users = users, .times_ms = times_ms, .ids = ids};
    const struct rc_slab_source source = {.rows = &rows};
    struct rc_slab *slab = rig_build(&source, 1, RIG_WINDOW_MS);
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    const uint64_t offset = rc_slab_header_of(slab)->sections[RC_SLAB_IDS - 1].offset;
    for (uint32_t round = 0; round < 3; round++) {
        char *block = copy_block(bytes, bytes.size);
        struct rc_slab_ids *packed = (struct rc_slab_ids *)(void *)(block + offset);
        uint64_t *words = (uint64_t *)(packed + 1);
        assert_true(packed->base == 1000 && packed->width == 2 && words[0] == (2 << 4 | 1 << 2));
        if (round == 1) { /* One bit more than they need. */
            packed->width = 3;
            words[0] = 2 << 6 | 1 << 3;
        } else if (round == 2) { /* A base that is not one of them. */
            packed->base = 999;
            words[0] = 3 << 4 | 2 << 2 | 1;
        }
        sign_again(block, bytes.size);
        assert_int_equal(open_and_check(block, bytes.size), round == 0 ? RC_OK : RC_CORRUPT);
    }
    rc_slab_unref(slab);
}

/* Ids of every spread come back as they were. */
static void
test_ids_of_any_width(void **state)
{
    (void)state;
    enum { COUNT = 9 };
    uint64_t seed = SEED;
    for (uint32_t bits = 0; bits <= 64; bits++) {
        uint32_t users[COUNT];
        int64_t times_ms[COUNT];
        struct rc_event_id ids[COUNT] = {0};
        const uint64_t base = bits == 64 ? 0 : rig_random(&seed) >> (bits == 0 ? 1 : bits);
        for (uint32_t i = 0; i < COUNT; i++) {
            users[i] = i;
            times_ms[i] = RIG_WINDOW_MS;
            ids[i].number = base + (bits == 0 || i == 0 ? 0
                                    : i == 1            ? UINT64_MAX >> (64 - bits)
                                                        : rig_random(&seed) >> (64 - bits));
        }
        const struct rc_row_source rows = {
            .row_count = COUNT, .users = users, .times_ms = times_ms, .ids = ids};
        const struct rc_slab_source source = {.rows = &rows};
        struct rc_slab *slab = rig_build(&source, 1, RIG_WINDOW_MS);
        const struct rc_bytes section = rc_slab_section_bytes(slab, RC_SLAB_IDS);
        const struct rc_slab_ids *packed = (const struct rc_slab_ids *)(const void *)section.data;
        assert_int_equal(packed->base, base);
        assert_int_equal(packed->width, bits == 0 ? 1 : bits > 57 ? 64 : bits);
        assert_int_equal(rc_slab_check(slab, NULL), RC_OK);
        for (uint32_t i = 0; i < COUNT; i++)
            assert_int_equal(rc_slab_event_id(slab, i).number, ids[i].number);
        rc_slab_unref(slab);
    }
}

static void
write_file(const char *path, struct rc_bytes bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    assert_int_equal(fclose(file), 0);
}

static void
test_read_slab_is_the_same(void **state)
{
    (void)state;
    char path[] = "/tmp/recount_slab_XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    (void)close(descriptor);
    struct rc_slab *slab = make_slab(300);
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    write_file(path, bytes);
    struct rc_account account = {0};
    struct rc_slab *read_back = NULL;
    struct rc_error error;
    assert_int_equal(
        rc_slab_read(rc_disk_real(), path, RC_SLAB_WHOLE, &account, &read_back, &error), RC_OK);
    assert_int_equal(rc_account_used(&account), bytes.size + 16);
    assert_true(rc_bytes_equal(bytes, rc_slab_bytes(read_back)));
    assert_null(rc_slab_unref(rc_slab_ref(read_back)));
    rc_slab_unref(read_back);
    assert_int_equal(rc_account_used(&account), 0);

    char *block = copy_block(bytes, bytes.size);
    block[bytes.size - 64] ^= 1;
    write_file(path, (struct rc_bytes){block, bytes.size});
    read_back = NULL;
    assert_int_equal(
        rc_slab_read(rc_disk_real(), path, RC_SLAB_WHOLE, &account, &read_back, &error),
        RC_CORRUPT);
    block[0] = 'X';
    write_file(path, (struct rc_bytes){block, bytes.size});
    assert_int_equal(
        rc_slab_read(rc_disk_real(), path, RC_SLAB_LAYOUT, &account, &read_back, &error),
        RC_CORRUPT);
    write_file(path, (struct rc_bytes){block, 0});
    assert_true(rc_slab_read(rc_disk_real(), path, RC_SLAB_LAYOUT, &account, &read_back, &error) !=
                RC_OK);
    account.limit_bytes = 1;
    write_file(path, bytes);
    assert_int_equal(
        rc_slab_read(rc_disk_real(), path, RC_SLAB_LAYOUT, &account, &read_back, &error),
        RC_NO_MEMORY);
    assert_null(read_back);
    assert_int_equal(rc_account_used(&account), 0);
    rc_alloc_free(block);
    rc_slab_unref(slab);
    (void)unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_slab_passes),
        cmocka_unit_test(test_every_flipped_byte_is_found),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_forged_bytes_harm_nobody),
        cmocka_unit_test(test_invariants_are_seen_behind_checksums),
        cmocka_unit_test(test_loosely_packed_ids_are_refused),
        cmocka_unit_test(test_ids_of_any_width),
        cmocka_unit_test(test_read_slab_is_the_same),
    };
    return cmocka_run_group_tests_name("slab_check", tests, NULL, NULL);
}
