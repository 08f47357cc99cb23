/*
 * Merging picks the source with the least time at hand, the first of equals; a dozen files are
 * compared in a row, which is nothing beside parsing. Archives are not sorted strictly, and need
 * not be: merging only keeps batches near in time, so that the server's time windows fill one by
 * one.
 */
#include "loaders/load.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/limits.h"
#include "loaders/pack.h"
#include "loaders/source.h"

#define ROW_BYTES_BIG 4096    /* After such a row the size of the batch is looked at again. */
#define ROWS_BETWEEN_LOOKS 16 /* And else after so many rows. */

struct origins {
    struct rc_load_origin *items;
    size_t capacity;
    uint32_t count;
};

enum {
    ORIGINS_EVENTS,
    ORIGINS_USER_WRITES,
    ORIGINS_ALIASES,
    ORIGINS_ACCOUNT_WRITES,
    ORIGINS_COUNT
};

struct load {
    const struct rc_load_options *options;
    struct rc_pack *pack;
    struct rc_source *sources[RC_LOAD_INPUTS_MAX]; /* NULL behind its end. */
    uint64_t done[RC_LOAD_INPUTS_MAX];             /* Bytes of the file, by input. */
    struct rc_position position;
    struct rc_load_totals totals;
    struct origins origins[ORIGINS_COUNT];
    uint32_t row_count;
    uint32_t rows_max;
    size_t bytes_max;
    uint64_t next_batch_id;
};

static void
load_close(struct load **load)
{
    if (*load == NULL)
        return;
    for (uint32_t i = 0; i < RC_LOAD_INPUTS_MAX; i++)
        rc_source_close((*load)->sources[i]);
    for (uint32_t i = 0; i < ORIGINS_COUNT; i++)
        rc_alloc_free((*load)->origins[i].items);
    rc_pack_free((*load)->pack);
    rc_alloc_free(*load);
}

static void
progress_note(struct load *load, uint32_t i)
{
    if (load->sources[i] == NULL)
        return;
    uint64_t size;
    rc_source_progress(load->sources[i], &load->done[i], &size);
    rc_source_position(load->sources[i], &load->position.inputs[i].offset,
                       &load->position.inputs[i].line);
}

static enum rc_status
source_advance(struct load *load, uint32_t i, struct rc_error *reterr_error)
{
    RC_TRY(rc_source_next(load->sources[i], &load->totals.skipped, &load->totals.rejected,
                          reterr_error));
    if (rc_source_row(load->sources[i]) == NULL) {
        progress_note(load, i);
        load->sources[i] = rc_source_close(load->sources[i]);
    }
    return RC_OK;
}

static enum rc_status
source_open(struct load *load, uint32_t i, struct rc_error *reterr_error)
{
    const struct rc_load_input *input = &load->options->inputs[i];
    const struct rc_position *resume = load->options->resume_at;
    const struct rc_source_options options = {
        .path = input->path,
        .mapping = input->mapping,
        .pack = load->pack,
        .rejects = load->options->rejects,
        .offset = resume == NULL ? 0 : resume->inputs[i].offset,
        .line = resume == NULL ? 1 : resume->inputs[i].line,
    };
    RC_TRY(rc_source_open(&options, &load->sources[i], reterr_error));
    uint64_t done;
    uint64_t size;
    rc_source_progress(load->sources[i], &done, &size);
    const bool unknown = size == 0 || (i > 0 && load->totals.bytes_size == 0);
    load->totals.bytes_size = unknown ? 0 : load->totals.bytes_size + size;
    progress_note(load, i);
    return RC_OK;
}

static enum rc_status
options_check(const struct rc_load_options *options, struct rc_error *reterr_error)
{
    if (options->input_count == 0 || options->input_count > RC_LOAD_INPUTS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "inputs", "there must be 1 to %d inputs",
                              RC_LOAD_INPUTS_MAX);
    if (options->batch_rows_max > RC_BATCH_ROWS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "batch_rows_max",
                              "a batch has at most %u rows", RC_BATCH_ROWS_MAX);
    if (options->resume_at == NULL && options->first_batch_id == 0)
        return rc_error_field(reterr_error, RC_INVALID, "first_batch_id",
                              "batches are numbered from 1");
    if (options->resume_at != NULL && options->resume_at->input_count != options->input_count)
        return rc_error_field(reterr_error, RC_CONFLICT, "resume_at",
                              "the position is of %u inputs, not of %u",
                              options->resume_at->input_count, options->input_count);
    uint32_t pipes = 0;
    for (uint32_t i = 0; i < options->input_count; i++)
        pipes += strcmp(options->inputs[i].path, "-") == 0;
    if (pipes > 1)
        return rc_error_field(reterr_error, RC_INVALID, "inputs",
                              "standard input can be read only once");
    return RC_OK;
}

static enum rc_status
batch_hand_over(struct load *load, struct rc_error *reterr_error)
{
    struct rc_bytes request;
    RC_TRY_OR(reterr_error, rc_pack_request(load->pack, load->next_batch_id, &request));
    if (request.size > RC_BATCH_BYTES_MAX)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "a batch of %u rows takes %zu bytes, over the limit of a message",
                            load->row_count, request.size);
    load->totals.batches++;
    load->totals.bytes_done = 0;
    for (uint32_t i = 0; i < load->options->input_count; i++) {
        progress_note(load, i);
        load->totals.bytes_done += load->done[i];
    }
    load->position.batch_id = load->next_batch_id;
    const struct rc_load_batch batch = {
        .request = request,
        .batch_id = load->next_batch_id++,
        .event_count = load->origins[ORIGINS_EVENTS].count,
        .user_write_count = load->origins[ORIGINS_USER_WRITES].count,
        .alias_count = load->origins[ORIGINS_ALIASES].count,
        .account_write_count = load->origins[ORIGINS_ACCOUNT_WRITES].count,
        .event_origins = load->origins[ORIGINS_EVENTS].items,
        .user_write_origins = load->origins[ORIGINS_USER_WRITES].items,
        .alias_origins = load->origins[ORIGINS_ALIASES].items,
        .account_write_origins = load->origins[ORIGINS_ACCOUNT_WRITES].items,
        .position = &load->position,
        .totals = &load->totals,
    };
    RC_TRY(load->options->take(load->options->context, &batch, reterr_error));
    rc_pack_reset(load->pack);
    load->row_count = 0;
    for (uint32_t i = 0; i < ORIGINS_COUNT; i++)
        load->origins[i].count = 0;
    return RC_OK;
}

static enum rc_status
origin_add(struct load *load, uint32_t table, uint32_t input, uint64_t line)
{
    struct origins *origins = &load->origins[table];
    RC_TRY(RC_GROW(origins->items, origins->capacity, (size_t)origins->count + 1));
    origins->items[origins->count++] = (struct rc_load_origin){input, line};
    load->row_count++;
    return RC_OK;
}

/* Puts the row at hand of a source into the batch. */
static enum rc_status
row_add(struct load *load, uint32_t i)
{
    struct rc_source *source = load->sources[i];
    const uint32_t kinds = rc_source_row(source)->kinds;
    const uint64_t line = rc_source_line(source);
    RC_TRY(rc_source_add(source));
    if (kinds & RC_ROW_EVENT) {
        RC_TRY(origin_add(load, ORIGINS_EVENTS, i, line));
        load->totals.events++;
    }
    if (kinds & RC_ROW_USER) {
        RC_TRY(origin_add(load, ORIGINS_USER_WRITES, i, line));
        load->totals.user_writes++;
    }
    if (kinds & RC_ROW_ALIAS) {
        RC_TRY(origin_add(load, ORIGINS_ALIASES, i, line));
        load->totals.aliases++;
    }
    if (kinds & RC_ROW_ACCOUNT) {
        RC_TRY(origin_add(load, ORIGINS_ACCOUNT_WRITES, i, line));
        load->totals.account_writes++;
    }
    return RC_OK;
}

/* The input to take the next row from; input_count when all are at their end. */
static uint32_t
source_pick(const struct load *load)
{
    const uint32_t count = load->options->input_count;
    uint32_t best = count;
    int64_t best_ms = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (load->sources[i] == NULL)
            continue;
        if (!load->options->merge_by_time)
            return i;
        const struct rc_mapped_row *row = rc_source_row(load->sources[i]);
        const int64_t time_ms = row->kinds & RC_ROW_ALIAS ? INT64_MIN : row->time_ms;
        if (best == count || time_ms < best_ms) {
            best = i;
            best_ms = time_ms;
        }
    }
    return best;
}

/* How large batches become; the sources are open. */
static void
batch_limit(struct load *load)
{
    const struct rc_load_options *options = load->options;
    const bool archive = load->totals.bytes_size > 0; /* Else one is a pipe. */
    load->rows_max = archive ? RC_LOAD_ARCHIVE_BATCH_ROWS : RC_LOAD_BATCH_ROWS;
    load->bytes_max = archive ? RC_LOAD_ARCHIVE_BATCH_BYTES : RC_LOAD_BATCH_BYTES;
    if (options->batch_rows_max != 0)
        load->rows_max = options->batch_rows_max;
    if (options->batch_bytes != 0)
        load->bytes_max = options->batch_bytes;
}

static enum rc_status
rows_load(struct load *load, struct rc_error *reterr_error)
{
    const uint32_t count = load->options->input_count;
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(source_open(load, i, reterr_error));
    batch_limit(load);
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(source_advance(load, i, reterr_error));
    for (uint32_t i = source_pick(load); i < count; i = source_pick(load)) {
        const bool big = rc_source_row_bytes(load->sources[i]) >= ROW_BYTES_BIG;
        RC_TRY_OR(reterr_error, row_add(load, i));
        RC_TRY(source_advance(load, i, reterr_error));
        const bool look = big || load->row_count % ROWS_BETWEEN_LOOKS == 0;
        if (load->row_count + 1 >= load->rows_max ||
            (look && rc_pack_bytes(load->pack) >= load->bytes_max))
            RC_TRY(batch_hand_over(load, reterr_error));
    }
    return load->row_count > 0 ? batch_hand_over(load, reterr_error) : RC_OK;
}

enum rc_status
rc_load(const struct rc_load_options *options,
        struct rc_load_totals *ret_totals,
        struct rc_error *reterr_error)
{
    RC_TRY(options_check(options, reterr_error));
    RC_CLEANUP(load_close) struct load *load = rc_alloc_zero(sizeof(*load));
    if (load == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to load");
    load->options = options;
    load->pack = rc_pack_new();
    if (load->pack == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to load");
    load->position.input_count = options->input_count;
    load->next_batch_id =
        options->resume_at == NULL ? options->first_batch_id : options->resume_at->batch_id + 1;
    const enum rc_status status = rows_load(load, reterr_error);
    if (ret_totals != NULL)
        *ret_totals = load->totals;
    return status;
}
