/*
 * Series scan, events (series_count.c: its loops). For each slab there is a table from the local
 * codes of the split's property to counters, so that a row of the slab is one look at its time's
 * slot, one at its code, and one count. What does not count goes to counters of its own, which are
 * never read: cheaper than a branch. Counters have 32 bits, as those of a property with many values
 * must fit a core's cache; they are emptied into wide ones long before they could overflow. A few
 * counters are there four times, since rows that lie next to each other mostly count in the same
 * one, and would wait for each other.
 *
 * The total is the sum over rows, as each event with one value is in one of them; events with
 * several values go the long way and are added to rows and total apart.
 */
#include "engine/query/series/series_scan.h"

#include <string.h>

#include "engine/match/rows/row_codes.h"
#include "engine/query/plan/planner.h"
#include "engine/query/series/series_count.h"
#include "engine/query/series/series_stretch.h"

#define ROW_LISTED UINT32_MAX          /* Several values. */
#define COPIED_MAX 1024u               /* Counters that are there so often. */
#define NARROW_MAX ((uint64_t)1 << 31) /* Rows between two emptyings. */

struct slab {
    const struct rc_column_view *column; /* NULL: no row has the property. */
    const uint32_t *counters; /* By local code and 1: the first counter of its row; first that of
                                 rows without a value, whose code and 1 is 0. */
    bool coded;               /* Some row has a value. */
    bool lists;               /* Some code has several values. */
    bool stretches;           /* Rows are counted by stretches, if these are few. */
    bool marked;              /* And marks say where these begin. */
    const struct rc_bucket_cells *cells; /* Of its table; NULL: not needed, or there are none. */
};

struct scan {
    const struct rc_series_frame *frame;
    const struct rc_series_line *line;
    const struct rc_groups *groups; /* NULL: all events are in the total. */
    uint32_t stream;
    enum rc_rows_reading reading;
    uint32_t buckets; /* At least 1. */
    uint32_t row_count;
    uint32_t null_row; /* Of events without the property. */
    uint32_t unread;   /* The first of the counters of rows that are counted elsewhere. */
    uint32_t copies;
    uint32_t copy_counters; /* From a counter to its next copy. */
    const struct rc_bucket_table *tables;
    struct slab *slabs; /* By slab of the plan. */
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct scan *scan;
    struct rc_slab_rows rows;
    struct rc_series_rows hit_rows;
    uint32_t *narrow; /* [copy][row][place]: events of one value; the last place is not read. */
    uint64_t narrow_rows;
    uint64_t *counts; /* [row][bucket]: what narrow was emptied into; NULL: it never was. */
    uint64_t *others; /* [row][bucket]: what came the long way, the total's row included; NULL:
                         nothing did. */
    uint32_t *codes;  /* Of a piece's rows. NULL: all events are in the total. */
    struct rc_series_stretches *stretches;
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_slab_rows_close(&scan->lanes[i].rows);
        rc_series_rows_close(&scan->lanes[i].hit_rows);
        rc_alloc_free(scan->lanes[i].narrow);
        rc_alloc_free(scan->lanes[i].counts);
        rc_alloc_free(scan->lanes[i].others);
        rc_alloc_free(scan->lanes[i].codes);
        rc_alloc_free(scan->lanes[i].stretches);
    }
}

enum rc_status
rc_series_tables(const struct rc_series_frame *frame,
                 const struct rc_series_line *line,
                 const struct rc_bucket_table **ret_tables)
{
    uint32_t count;
    const struct rc_plan *plan = frame->plan;
    const struct rc_view_slab *slabs = rc_view_slabs(frame->context->view, &count);
    const uint64_t bit = (uint64_t)1 << frame->bit_of[line->series];
    struct rc_bucket_table *tables =
        RC_ARENA_ARRAY(frame->context->arena, struct rc_bucket_table, plan->slab_count);
    if (tables == NULL)
        return RC_NO_MEMORY;
    const struct rc_stream *stream = plan->streams;
    while (stream->bit != bit)
        stream++;
    const bool bucketed = line->bucketed && frame->bucket_count > 0;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(slabs[plan->slabs[i].index].slab);
        tables[i] = (struct rc_bucket_table){
            .window_start_ms = info->window_start_ms,
            .time_min_ms = info->time_min_ms,
            .time_max_ms = info->time_max_ms,
            .from_ms = stream->from_ms,
            .until_ms = stream->until_ms,
            .bucket_count = bucketed ? frame->bucket_count : 1,
            .map = bucketed ? &frame->map : NULL,
        };
        RC_TRY(rc_bucket_table_make(&tables[i], frame->context->arena));
    }
    *ret_tables = tables;
    return RC_OK;
}

/* The row of the line for a set of groups. */
static uint32_t
row_of_set(const struct rc_series_line *line, uint32_t set)
{
    if ((set & RC_GROUP_LIST) != 0)
        return ROW_LISTED;
    return line->row_of == NULL ? set : line->row_of[set];
}

/* The first counter of a row: behind those of its buckets is one for what does not count. */
static uint32_t
counter_of(const struct scan *scan, uint32_t row)
{
    return row == ROW_LISTED ? scan->unread : row * (scan->buckets + 1);
}

/* Whether rows with one code, and in one slot, lie next to each other in a column. */
static bool
has_stretches(const struct rc_column_view *column, const struct rc_bucket_table *table)
{
    return table->only == RC_BUCKET_MIXED &&
           (column->form == RC_COLUMN_RUNS || column->form == RC_COLUMN_MARKED_RUNS);
}

/* The table of a slab of the plan. sets NULL: no row has the property. */
static enum rc_status
map_slab(const struct scan *scan, uint32_t plan_slab, const uint32_t *sets)
{
    struct slab *slab = &scan->slabs[plan_slab];
    const uint32_t bound = sets == NULL ? 0 : rc_column_code_bound(slab->column);
    uint32_t *counters = RC_ARENA_ARRAY(scan->frame->context->arena, uint32_t, (size_t)bound + 1);
    if (counters == NULL)
        return RC_NO_MEMORY;
    slab->coded = bound > 0;
    counters[0] = counter_of(scan, scan->null_row);
    for (uint32_t code = 0; code < bound; code++) {
        const uint32_t row = row_of_set(scan->line, sets[code]);
        slab->lists = slab->lists || row == ROW_LISTED;
        counters[code + 1] = counter_of(scan, row);
    }
    slab->counters = counters;
    slab->stretches = slab->coded && has_stretches(slab->column, &scan->tables[plan_slab]);
    slab->marked = slab->stretches && slab->column->form == RC_COLUMN_MARKED_RUNS &&
                   rc_series_marked_kernels_best() != NULL;
    return slab->marked ? rc_bucket_cells_make(&scan->tables[plan_slab],
                                               scan->frame->context->arena, &slab->cells)
                        : RC_OK;
}

/* From the slabs' codes to counters. */
static enum rc_status
map_codes(struct scan *scan)
{
    struct rc_arena *arena = scan->frame->context->arena;
    const struct rc_plan *plan = scan->frame->plan;
    scan->slabs = RC_ARENA_ARRAY(arena, struct slab, plan->slab_count);
    if (scan->slabs == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const uint32_t *sets =
            scan->groups == NULL
                ? NULL
                : rc_groups_of_slab(scan->groups, plan->slabs[i].index, &scan->slabs[i].column);
        RC_TRY(map_slab(scan, i, sets));
    }
    return RC_OK;
}

/* Lays the counters out; false: there are more than 32 bits can number. */
static bool
lay_out(struct scan *scan)
{
    const struct rc_series_line *line = scan->line;
    scan->buckets = line->bucketed && scan->frame->bucket_count > 0 ? scan->frame->bucket_count : 1;
    scan->row_count = line->row_count;
    const uint64_t counters = ((uint64_t)scan->row_count + 1) * (scan->buckets + 1);
    if (counters >= UINT32_MAX / RC_SERIES_COPIES)
        return false;
    scan->null_row = scan->groups == NULL ? line->total : row_of_set(line, RC_GROUP_NULL);
    scan->unread = scan->row_count * (scan->buckets + 1);
    scan->copies = counters <= COPIED_MAX ? RC_SERIES_COPIES : 1;
    /* Copies of a counter must not share a line. */
    scan->copy_counters = (uint32_t)(counters + 31) / 16 * 16;
    return true;
}

static void *
zeroed(struct rc_account *account, size_t bytes)
{
    void *block = rc_alloc_in(account, bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

static enum rc_status
scan_open(struct scan *scan)
{
    const struct rc_query_context *context = scan->frame->context;
    RC_TRY(rc_series_tables(scan->frame, scan->line, &scan->tables));
    RC_TRY(map_codes(scan));
    scan->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    if (scan->lanes == NULL)
        return RC_NO_MEMORY;
    scan->lane_count = context->parallel_max;
    const size_t narrow = (size_t)scan->copies * scan->copy_counters;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        struct lane *lane = &scan->lanes[i];
        lane->scan = scan;
        lane->rows.account = context->account;
        lane->hit_rows.account = context->account;
        lane->narrow = zeroed(context->account, narrow * sizeof(*lane->narrow));
        if (lane->narrow == NULL)
            return RC_NO_MEMORY;
        if (scan->groups == NULL)
            continue;
        lane->codes = rc_alloc_in(context->account, RC_PIECE_ROWS * sizeof(*lane->codes));
        lane->stretches = rc_alloc_in(context->account, sizeof(*lane->stretches));
        if (lane->codes == NULL || lane->stretches == NULL)
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

/* Makes wide counters by row and bucket, unless they are there. */
static enum rc_status
make_wide(const struct scan *scan, uint64_t **counts)
{
    const size_t count = (size_t)scan->row_count * scan->buckets;
    if (*counts == NULL)
        *counts = zeroed(scan->frame->context->account, count * sizeof(**counts));
    return *counts == NULL ? RC_NO_MEMORY : RC_OK;
}

/* Adds what the narrow counters of a row hold to counts, by bucket. */
static void
add_narrow(const struct lane *lane, uint32_t row, uint64_t *counts)
{
    const struct scan *scan = lane->scan;
    for (uint32_t copy = 0; copy < scan->copies; copy++) {
        const uint32_t *narrow =
            lane->narrow + (size_t)copy * scan->copy_counters + counter_of(scan, row);
        for (uint32_t bucket = 0; bucket < scan->buckets; bucket++)
            counts[bucket] += narrow[bucket];
    }
}

/* Empties the narrow counters into the wide ones. */
static enum rc_status
empty_narrow(struct lane *lane)
{
    const struct scan *scan = lane->scan;
    RC_TRY(make_wide(scan, &lane->counts));
    for (uint32_t row = 0; row < scan->row_count; row++)
        add_narrow(lane, row, lane->counts + (size_t)row * scan->buckets);
    memset(lane->narrow, 0, (size_t)scan->copies * scan->copy_counters * sizeof(*lane->narrow));
    lane->narrow_rows = 0;
    return RC_OK;
}

/* The long way: an event in all of its rows and in the total. */
static enum rc_status
add_hit(struct lane *lane, const struct rc_hit *hit, uint32_t place)
{
    uint32_t count;
    const struct scan *scan = lane->scan;
    rc_series_rows_turn(&lane->hit_rows, 0, hit);
    RC_TRY(rc_line_rows(scan->frame, scan->line, &lane->hit_rows, &count));
    RC_TRY(make_wide(scan, &lane->others));
    for (uint32_t i = 0; i < count; i++)
        lane->others[(size_t)lane->hit_rows.rows[i] * scan->buckets + place]++;
    return RC_OK;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    const struct scan *scan = lane->scan;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bucket;
        if (rc_series_frame_place(scan->frame, scan->line->series, scan->buckets, &hits[i],
                                  &bucket))
            RC_TRY(add_hit(lane, &hits[i], bucket));
    }
    return RC_OK;
}

/* Takes the rows of a piece that have several values the long way. */
static enum rc_status
add_listed(struct lane *lane,
           const struct rc_series_piece *piece,
           const uint64_t *words,
           uint32_t source,
           uint32_t begin,
           uint32_t end)
{
    for (uint32_t row = begin; row < end; row++) {
        const uint32_t in_piece = row % RC_PIECE_ROWS;
        const uint32_t code = piece->codes[row - begin];
        if (code == RC_CODE_NONE || piece->counters[code + 1] != piece->unread ||
            (words != NULL && ((words[in_piece / 64] >> (in_piece % 64)) & 1) == 0))
            continue;
        const uint32_t offset_ms = piece->times[row - begin];
        const uint32_t place = rc_bucket_table_find(piece->table, offset_ms);
        const struct rc_hit hit = {
            .time_ms = piece->table->window_start_ms + offset_ms, .source = source, .row = row};
        if (place < piece->buckets)
            RC_TRY(add_hit(lane, &hit, place));
    }
    return RC_OK;
}

/* Counts the rows of a piece that have a bit in words and are in time. position: as rc_row_codes
 * wants it. piece->times: of the slab. false: there are none, and codes were not read. */
static bool
count_piece(struct lane *lane,
            struct rc_series_piece *piece,
            const struct slab *slab,
            const uint64_t *words,
            uint32_t begin,
            uint32_t end,
            uint32_t *position)
{
    uint64_t in_time[RC_PIECE_WORDS];
    const uint32_t *times = piece->times;
    const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
    const struct rc_bucket_table *table = piece->table;
    const bool cut = table->time_min_ms < table->from_ms || table->time_max_ms >= table->until_ms;
    const bool counted = slab->marked && rc_series_count_marked(piece, slab->column,
                                                                lane->stretches, words, begin, end);
    if (!counted && cut) {
        if (!rc_series_in_time(piece, base, end, words, in_time))
            return false;
        words = in_time;
    }
    if (slab->coded && (!counted || slab->lists))
        rc_row_codes(slab->column, begin, end - begin, position, lane->codes);
    if (counted ||
        (slab->stretches && rc_series_count_stretches(piece, lane->stretches, words, begin, end)))
        return true;
    piece->times = times + begin;
    rc_series_count_rows(piece, words, begin - base, end - begin);
    piece->times = times;
    return true;
}

/* Counts rows piece by piece. */
static enum rc_status
count_pieces(struct lane *lane,
             struct rc_series_piece *piece,
             uint32_t plan_slab,
             uint32_t begin,
             uint32_t end)
{
    uint32_t position = 0;
    const struct scan *scan = lane->scan;
    const struct slab *slab = &scan->slabs[plan_slab];
    const uint32_t source = scan->frame->plan->slabs[plan_slab].index;
    const uint32_t *times = piece->times;
    RC_TRY(rc_slab_rows_open(&lane->rows, scan->frame->plan, plan_slab, scan->stream));
    while (begin < end) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        const uint32_t stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (rc_slab_rows_piece(&lane->rows, base, &words) &&
            count_piece(lane, piece, slab, words, begin, stop, &position)) {
            piece->times = times + begin;
            if (slab->lists)
                RC_TRY(add_listed(lane, piece, words, source, begin, stop));
            piece->times = times;
            lane->narrow_rows += stop - begin;
        }
        begin = stop;
    }
    return lane->narrow_rows >= NARROW_MAX ? empty_narrow(lane) : RC_OK;
}

/* The rows of a sparse set, by what is kept with it if it can have that. */
static void
count_sparse(const struct rc_series_piece *piece,
             struct rc_rowset *set,
             const uint64_t *dead,
             const struct rc_series_asked *asked,
             uint32_t begin,
             uint32_t end)
{
    const bool kept =
        rc_rowset_keep_times(set, piece->times, RC_ROWSET_TIMES_SHARE) != NULL &&
        (asked == NULL || rc_rowset_keep_users(set, &asked->owners, RC_ROWSET_TIMES_SHARE) != NULL);
    if (kept)
        rc_series_count_kept(piece, set, dead, asked, begin, end);
    else
        rc_series_count_singly(piece, set, dead, asked, begin, end);
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    struct lane *lane = state;
    const struct scan *scan = lane->scan;
    const struct slab *slab = &scan->slabs[plan_slab];
    const struct rc_plan_slab *planned = &scan->frame->plan->slabs[plan_slab];
    const struct rc_view_slab *view_slab = rc_plan_view_slab(scan->frame->plan, plan_slab);
    struct rc_rowset *set = planned->sets[scan->stream];
    struct rc_series_piece piece = {
        .table = &scan->tables[plan_slab],
        .slots = scan->tables[plan_slab].slots,
        .cells = slab->cells,
        .times = rc_slab_times(view_slab->slab),
        .codes = slab->coded ? lane->codes : NULL,
        .counters = slab->counters,
        .narrow = lane->narrow,
        .buckets = scan->buckets,
        .unread = scan->unread,
        .copies = scan->copies,
        .copy_counters = scan->copy_counters,
    };
    (void)hit_count; /* Counted at the end. */
    if (set == NULL)
        return RC_OK;
    if (scan->reading != RC_ROWS_SINGLY || !rc_rowset_is_sparse(set))
        return count_pieces(lane, &piece, plan_slab, begin, end);
    const struct rc_series_asked asked = {.persons = scan->frame->plan->persons,
                                          .skip = block->skip,
                                          .owners = rc_slab_rows_owned(view_slab->slab)};
    count_sparse(&piece, set, view_slab->dead, asked.persons == NULL ? NULL : &asked, begin, end);
    lane->narrow_rows += rc_rowset_cardinality(set);
    return RC_OK;
}

/* Adds to counts, by bucket, what the lanes counted in a row: of events of one value, or of those
 * that came the long way. */
static void
add_lanes(const struct scan *scan, bool others, uint32_t row, uint64_t *counts)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        const struct lane *lane = &scan->lanes[i];
        const uint64_t *wide = others ? lane->others : lane->counts;
        if (!others)
            add_narrow(lane, row, counts);
        for (uint32_t bucket = 0; wide != NULL && bucket < scan->buckets; bucket++)
            counts[bucket] += wide[(size_t)row * scan->buckets + bucket];
    }
}

/* Fills a row's numbers from its buckets' counts. */
static void
fill_row(const struct scan *scan, uint32_t row, const uint64_t *counts)
{
    const struct rc_series_line *line = scan->line;
    const uint32_t places = rc_line_places(scan->frame, line);
    double *values = line->values + (size_t)row * places;
    uint64_t sum = 0;
    for (uint32_t bucket = 0; bucket < scan->buckets; bucket++) {
        sum += counts[bucket];
        if (places > 1)
            values[bucket] = (double)(scan->frame->request->cumulative ? sum : counts[bucket]);
    }
    values[places - 1] = (double)sum;
    line->present[row] = sum > 0;
}

static enum rc_status
finish(struct scan *scan)
{
    struct rc_arena *arena = scan->frame->context->arena;
    uint64_t *totals = RC_ARENA_ARRAY(arena, uint64_t, scan->buckets);
    uint64_t *counts = RC_ARENA_ARRAY(arena, uint64_t, scan->buckets);
    if (totals == NULL || counts == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < scan->row_count; row++) {
        const bool total = row == scan->line->total;
        memset(counts, 0, scan->buckets * sizeof(*counts));
        if (total)
            add_lanes(scan, true, row, counts);
        add_lanes(scan, false, row, counts);
        for (uint32_t bucket = 0; bucket < scan->buckets; bucket++)
            totals[bucket] += counts[bucket];
        if (!total)
            add_lanes(scan, true, row, counts);
        fill_row(scan, row, counts);
    }
    if (scan->line->total != RC_LINE_NO_ROW)
        fill_row(scan, scan->line->total, totals);
    for (uint32_t bucket = 0; bucket < scan->buckets; bucket++)
        scan->frame->stats->matched_events += totals[bucket];
    return RC_OK;
}

enum rc_status
rc_series_scan_events(const struct rc_series_frame *frame,
                      const struct rc_series_line *line,
                      bool *ret_done)
{
    const uint64_t bit = (uint64_t)1 << frame->bit_of[line->series];
    const struct rc_split *split = frame->splits[line->side];
    const enum rc_rows_reading reading = split == NULL ? RC_ROWS_SINGLY : RC_ROWS_VALUES;
    RC_CLEANUP(scan_close)
    struct scan scan = {.frame = frame, .line = line, .reading = reading};
    *ret_done = false;
    scan.stream = split == NULL ? rc_slab_rows_asked_stream(frame->plan, bit)
                                : rc_slab_rows_stream(frame->plan, bit);
    if (frame->request->series[line->series].measure != RC_MEASURE_COUNT || line->columns != NULL ||
        scan.stream == UINT32_MAX)
        return RC_OK;
    if (split != NULL) {
        scan.groups = rc_split_groups(split);
        if (scan.groups == NULL)
            return RC_OK;
    }
    if (!lay_out(&scan) || !rc_planner_reads_rows(frame->plan, scan.stream, line->series, reading))
        return RC_OK;
    RC_TRY(scan_open(&scan));
    void **states = RC_ARENA_ARRAY(frame->context->arena, void *, scan.lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < scan.lane_count; i++)
        states[i] = &scan.lanes[i];
    const struct rc_fold fold = {
        .purpose = "counts of each bucket",
        .anonymous = true,
        .asks_persons = true,
        .lane_count = scan.lane_count,
        .lanes = states,
        .hits = fold_hits,
        .rows = fold_rows,
        .reading = scan.reading,
    };
    uint64_t hit_count = 0;
    RC_TRY(rc_walk(frame->plan, &fold, &hit_count));
    *ret_done = true;
    return finish(&scan);
}
