/*
 * Slab builder: open the sources, order their rows, measure, allocate once, write.
 *
 *   sources   build_source.c   heads are sorted and encoded, slabs taken as they are
 *   order     row_order.c      stretches of rows, users and their starts
 *   rows      row_builder.c    times, ids, filter
 *   columns   column_builder.c form and bytes of each property's column
 *
 * Everything is measured before the block is allocated, so that the slab is one block of exactly
 * its size and the peak is what goes in, what comes out, twelve bytes a stretch and the tables of
 * the columns in work, one a thread.
 *
 * The bytes are a function of the rows and their order: sealing and merging in any grouping that
 * keeps the order of the sources gives the same slab, byte for byte.
 */
#include "engine/store/builder/slab_builder.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/base/limits.h"
#include "engine/store/builder/column_builder.h"
#include "engine/store/builder/row_builder.h"
#include "engine/store/slab/filter.h"
#include "engine/store/slab/slab_format.h"

/* All that is known of the new slab before it has bytes. */
struct draft {
    struct rc_slab_build build;
    struct rc_account *account;
    struct rc_arena *arena; /* Lives as long as the build. */
    struct rc_workers *workers;
    uint32_t lane_count;
    struct rc_row_plan rows;
    struct rc_column_plan *columns;
    uint32_t column_count;
    struct rc_slab_header header;
};

/* The least property that a source has at or behind its place at[source]; false: none. */
static bool
next_property(const struct rc_slab_build *build, const uint32_t *at, uint32_t *ret_property)
{
    bool found = false;
    for (uint32_t i = 0; i < build->source_count; i++) {
        if (at[i] == rc_build_source_column_count(&build->sources[i]))
            continue;
        struct rc_column_view view;
        rc_build_source_column_at(&build->sources[i], at[i], &view);
        if (!found || view.property < *ret_property)
            *ret_property = view.property;
        found = true;
    }
    return found;
}

/* Steps every source past a property. */
static void
skip_property(const struct rc_slab_build *build, uint32_t *at, uint32_t property)
{
    for (uint32_t i = 0; i < build->source_count; i++) {
        if (at[i] == rc_build_source_column_count(&build->sources[i]))
            continue;
        struct rc_column_view view;
        rc_build_source_column_at(&build->sources[i], at[i], &view);
        at[i] += view.property == property ? 1 : 0;
    }
}

/* A step of all columns, by several lanes: each takes the next column until none is left. */
struct column_turn {
    const struct draft *draft;
    enum rc_status (*step)(const struct draft *draft,
                           struct rc_column_plan *plan,
                           struct rc_arena *scratch,
                           char *block);
    char *block;
    _Atomic(uint32_t) next;
    _Atomic(enum rc_status) status; /* Of the first that failed. */
};

static enum rc_status
run_columns(struct column_turn *turn)
{
    RC_CLEANUP(rc_arena_freep)
    struct rc_arena *scratch = rc_arena_new(turn->draft->account, 0);
    if (scratch == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; (i = atomic_fetch_add(&turn->next, 1)) < turn->draft->column_count;)
        RC_TRY(turn->step(turn->draft, &turn->draft->columns[i], scratch, turn->block));
    return RC_OK;
}

static void
run_lane(void *argument, uint32_t lane)
{
    (void)lane;
    struct column_turn *turn = argument;
    enum rc_status none = RC_OK;
    const enum rc_status status = run_columns(turn);
    if (status == RC_OK)
        return;
    atomic_store(&turn->next, turn->draft->column_count); /* The others may stop. */
    atomic_compare_exchange_strong(&turn->status, &none, status);
}

static enum rc_status
for_each_column(struct column_turn *turn)
{
    const struct draft *draft = turn->draft;
    const uint32_t lanes =
        draft->lane_count < draft->column_count ? draft->lane_count : draft->column_count;
    rc_workers_run(draft->workers, lanes, lanes, run_lane, turn);
    return atomic_load(&turn->status);
}

static enum rc_status
measure_column(const struct draft *draft,
               struct rc_column_plan *plan,
               struct rc_arena *scratch,
               char *block)
{
    (void)block;
    return rc_column_measure(&draft->build, plan->column.property, scratch, plan);
}

/* The properties of all sources become columns without a shape. */
static enum rc_status
list_columns(struct draft *draft)
{
    const struct rc_slab_build *build = &draft->build;
    uint64_t column_count_max = 0;
    for (uint32_t i = 0; i < build->source_count; i++)
        column_count_max += rc_build_source_column_count(&build->sources[i]);
    uint32_t *at = RC_ARENA_ARRAY(draft->arena, uint32_t, build->source_count);
    draft->columns = RC_ARENA_ARRAY(draft->arena, struct rc_column_plan, column_count_max);
    if (at == NULL || draft->columns == NULL)
        return RC_NO_MEMORY;
    uint32_t property = 0;
    for (; next_property(build, at, &property); skip_property(build, at, property))
        draft->columns[draft->column_count++].column.property = property;
    RC_ASSERT(draft->column_count <= RC_PROPERTIES_MAX);
    return RC_OK;
}

static enum rc_status
measure_columns(struct draft *draft)
{
    struct column_turn turn = {.draft = draft, .step = measure_column};
    RC_TRY(list_columns(draft));
    RC_TRY(for_each_column(&turn));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < draft->column_count; i++)
        if (draft->columns[i].column.size > 0)
            draft->columns[kept++] = draft->columns[i];
    draft->column_count = kept;
    return RC_OK;
}

static void
place_section(struct rc_slab_header *header, enum rc_slab_section_kind kind, uint64_t size)
{
    struct rc_slab_section *section = &header->sections[kind - 1];
    *section = (struct rc_slab_section){.kind = kind, .size = size};
    if (size == 0)
        return;
    section->offset = rc_slab_align(header->size, RC_SLAB_ALIGNMENT);
    header->size = section->offset + size;
}

/* Gives every section and column its place. */
static void
place_all(struct draft *draft, struct rc_window window)
{
    const uint64_t rows = draft->build.order->row_count;
    const uint64_t users = draft->build.order->user_count;
    const struct rc_row_plan *plan = &draft->rows;
    const uint64_t bits = (rows + 63) / 64 * 8;
    const bool is_short = window.days < RC_WINDOW_DAYS_MAX;
    struct rc_slab_header *header = &draft->header;
    RC_ASSERT(plan->time_max_ms < window.days * RC_DAY_MS);
    *header = (struct rc_slab_header){
        .version = is_short ? RC_SLAB_VERSION_SHORT : RC_SLAB_VERSION_PACKED,
        .size = sizeof(*header),
        .window_start_ms = window.start_ms,
        .window_days = (uint16_t)(is_short ? window.days : 0),
        .time_min_ms = window.start_ms + plan->time_min_ms,
        .time_max_ms = window.start_ms + plan->time_max_ms,
        .row_count = (uint32_t)rows,
        .user_count = (uint32_t)users,
        .column_count = draft->column_count,
        .section_count = RC_SLAB_SECTION_COUNT,
    };
    memcpy(header->magic, RC_SLAB_MAGIC, sizeof(header->magic));
    place_section(header, RC_SLAB_USERS, users * 4);
    place_section(header, RC_SLAB_STARTS, (users + 1) * 4);
    place_section(header, RC_SLAB_TIMES, rows * 4);
    place_section(header, RC_SLAB_IDS, rc_slab_ids_size(rows, rc_row_plan_id_width(plan)));
    place_section(header, RC_SLAB_TEXT_BITS, plan->text_count == 0 ? 0 : bits);
    place_section(header, RC_SLAB_DERIVED_BITS, plan->derived_count == 0 ? 0 : bits);
    place_section(header, RC_SLAB_TEXT_ENDS, plan->text_count * 4);
    place_section(header, RC_SLAB_TEXT, plan->text_bytes);
    place_section(header, RC_SLAB_FILTER,
                  rc_filter_size_bytes(rows - plan->derived_count, RC_SLAB_FILTER_BITS));
    place_section(header, RC_SLAB_DIRECTORY, draft->column_count * sizeof(struct rc_slab_column));
    for (uint32_t i = 0; i < draft->column_count; i++) {
        struct rc_slab_column *column = &draft->columns[i].column;
        column->offset = rc_slab_align(header->size, RC_SLAB_ALIGNMENT);
        header->size = column->offset + column->size;
    }
    header->size = rc_slab_align(header->size, RC_SLAB_ALIGNMENT);
}

static void *
section_in(const struct draft *draft, char *block, enum rc_slab_section_kind kind)
{
    const struct rc_slab_section *section = &draft->header.sections[kind - 1];
    return section->size == 0 ? NULL : block + section->offset;
}

static enum rc_status
write_rows(const struct draft *draft, char *block)
{
    const struct rc_row_order *order = draft->build.order;
    uint32_t *starts = section_in(draft, block, RC_SLAB_STARTS);
    memcpy(section_in(draft, block, RC_SLAB_USERS), order->users, order->user_count * 4);
    memcpy(starts, order->starts, order->user_count * 4);
    starts[order->user_count] = (uint32_t)order->row_count;
    struct rc_slab_ids *ids = section_in(draft, block, RC_SLAB_IDS);
    *ids = (struct rc_slab_ids){.base = draft->rows.id_min,
                                .width = rc_row_plan_id_width(&draft->rows)};
    const struct rc_row_sections sections = {
        .times = section_in(draft, block, RC_SLAB_TIMES),
        .ids = (uint64_t *)(ids + 1),
        .id_base = ids->base,
        .id_width = ids->width,
        .text_bits = section_in(draft, block, RC_SLAB_TEXT_BITS),
        .derived_bits = section_in(draft, block, RC_SLAB_DERIVED_BITS),
        .text_ends = section_in(draft, block, RC_SLAB_TEXT_ENDS),
        .text = section_in(draft, block, RC_SLAB_TEXT),
        .filter = section_in(draft, block, RC_SLAB_FILTER),
        .filter_bytes = draft->header.sections[RC_SLAB_FILTER - 1].size,
    };
    return rc_row_sections_write(&draft->build, &sections);
}

static enum rc_status
write_column(const struct draft *draft,
             struct rc_column_plan *plan,
             struct rc_arena *scratch,
             char *block)
{
    char *bytes = block + plan->column.offset;
    RC_TRY(rc_column_write(&draft->build, plan, scratch, bytes));
    plan->column.crc32c = rc_crc32c(bytes, plan->column.size);
    return RC_OK;
}

static enum rc_status
write_columns(const struct draft *draft, char *block)
{
    struct column_turn turn = {.draft = draft, .step = write_column, .block = block};
    struct rc_slab_column *directory = section_in(draft, block, RC_SLAB_DIRECTORY);
    RC_TRY(for_each_column(&turn));
    for (uint32_t i = 0; i < draft->column_count; i++)
        directory[i] = draft->columns[i].column;
    return RC_OK;
}

static void
write_header(struct draft *draft, char *block)
{
    for (uint32_t i = 0; i < RC_SLAB_SECTION_COUNT; i++) {
        struct rc_slab_section *section = &draft->header.sections[i];
        if (section->size > 0)
            section->crc32c = rc_crc32c(block + section->offset, section->size);
    }
    draft->header.crc32c = rc_slab_header_crc32c(&draft->header);
    memcpy(block, &draft->header, sizeof(draft->header));
}

static enum rc_status
write_all(struct draft *draft, struct rc_slab **ret_slab, struct rc_error *reterr_error)
{
    const uint64_t size = draft->header.size;
    if (!rc_account_charge(draft->account, size))
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "a slab of %llu bytes would pass the memory limit",
                            (unsigned long long)size);
    rc_account_release(draft->account, size);
    RC_CLEANUP(rc_alloc_freep) char *block = rc_alloc_in(draft->account, size);
    if (block == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a slab of %llu bytes",
                            (unsigned long long)size);
    memset(block, 0, size);
    RC_TRY_OR(reterr_error, write_rows(draft, block));
    RC_TRY_OR(reterr_error, write_columns(draft, block));
    write_header(draft, block);
    RC_TRY(rc_slab_of_block(block, size, ret_slab, reterr_error));
    block = NULL; /* The slab's now. */
    RC_AUDIT(rc_slab_check(*ret_slab, NULL) != RC_CORRUPT);
    return RC_OK;
}

static enum rc_status
open_sources(struct draft *draft,
             const struct rc_slab_source *sources,
             uint32_t source_count,
             struct rc_window window,
             struct rc_arena *scratch,
             struct rc_build_source **ret_sources)
{
    struct rc_build_source *opened =
        RC_ARENA_ARRAY(draft->arena, struct rc_build_source, source_count);
    if (opened == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < source_count; i++) {
        RC_TRY(rc_build_source_open(&sources[i], window, draft->arena, scratch, &opened[i]));
        if (rc_build_cancelled(draft->build.cancel))
            return RC_CANCELLED;
    }
    *ret_sources = opened;
    return RC_OK;
}

enum rc_status
rc_slab_build(const struct rc_slab_source *sources,
              uint32_t source_count,
              struct rc_window window,
              struct rc_workers *workers,
              struct rc_account *account,
              const _Atomic(bool) *cancel,
              struct rc_slab **ret_slab,
              struct rc_error *reterr_error)
{
    if (account == NULL)
        account = &rc_account_process;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(account, 0);
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(account, 0);
    if (arena == NULL || scratch == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to build a slab");
    struct draft draft = {
        .build = {.source_count = source_count, .cancel = cancel},
        .account = account,
        .arena = arena,
        .workers = workers,
        .lane_count = workers == NULL ? 1 : rc_workers_count(workers),
    };
    struct rc_build_source *opened = NULL;
    RC_TRY_OR(reterr_error, open_sources(&draft, sources, source_count, window, scratch, &opened));
    RC_CLEANUP(rc_row_order_close) struct rc_row_order order = {0};
    RC_TRY_OR(reterr_error, rc_row_order_build(opened, source_count, account, cancel, &order));
    if (order.row_count == 0) {
        *ret_slab = NULL;
        return RC_OK;
    }
    draft.build.sources = opened;
    draft.build.order = &order;
    RC_TRY_OR(reterr_error, rc_row_plan_build(&draft.build, &draft.rows));
    RC_TRY_OR(reterr_error, measure_columns(&draft));
    place_all(&draft, window);
    return write_all(&draft, ret_slab, reterr_error);
}
