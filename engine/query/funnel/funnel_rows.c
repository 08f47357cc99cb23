/*
 * Funnel rows. The rows are those of the split by rank (of the range's users of step 1; values that
 * only buckets have come last), Other, "not reached", the total.
 *
 * Other is made of the records themselves. Where each row has a funnel of its own a user may have a
 * record in several rows that are not shown: the best of them, as attempts are chosen, is the one
 * that counts in Other. Of attempts that are counted by themselves it is the best of each entry.
 */
#include "engine/query/funnel/funnel_rows.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_MAX ((size_t)1 << 24)

void
rc_funnel_rows_close(struct rc_funnel_rows *rows)
{
    rows->starts = rc_alloc_free(rows->starts);
    rows->dealt = rc_alloc_free(rows->dealt);
}

static const uint32_t *
rows_of(const struct rc_funnel_lane *lane, const struct rc_funnel_record *record)
{
    return record->row_count == 1 ? &record->row : lane->rows + record->row;
}

static enum rc_status
rank_rows(struct rc_funnel_rows *rows)
{
    const struct rc_funnel_query *query = rows->query;
    struct rc_account *account = query->context->account;
    rows->row_count = 1;
    if (query->split == NULL)
        return RC_OK;
    const size_t count = rc_split_count(query->split);
    RC_CLEANUP(rc_alloc_freep) double *figures = rc_alloc_in(account, count * sizeof(*figures) + 1);
    RC_CLEANUP(rc_alloc_freep) uint8_t *present = rc_alloc_in(account, count + 1);
    if (figures == NULL || present == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        figures[i] = 0;
    memset(present, 0, count + 1);
    for (uint32_t i = 0; i < query->lane_count; i++) {
        const struct rc_funnel_lane *lane = &query->lanes[i];
        for (uint32_t row = 0; row < rc_funnel_counted_rows(query); row++) {
            present[row] |= lane->entrants[row] != 0;
            figures[row] += (double)lane->entrants[row];
        }
        for (size_t r = 0; r < lane->record_count; r++) {
            const struct rc_funnel_record *record = &lane->records[r];
            if ((record->kind & RC_FUNNEL_RECORD_ROWS) == 0)
                continue;
            const uint32_t *list = rows_of(lane, record);
            for (uint32_t k = 0; k < record->row_count; k++) {
                present[list[k]] = 1;
                figures[list[k]] += record->bucket == RC_FUNNEL_NO_BUCKET;
            }
        }
    }
    RC_TRY(rc_series_rank(query->split, figures, present, query->request->top_n,
                          query->context->arena, &rows->ranking));
    rows->has_not_reached = query->request->at == RC_FUNNEL_AT_STEP;
    rows->row_count += rows->ranking.row_count + rows->ranking.has_other + rows->has_not_reached;
    return RC_OK;
}

/* Adds up the attempts that the lanes have counted. */
static enum rc_status
add_entrants(struct rc_funnel_rows *rows)
{
    const struct rc_funnel_query *query = rows->query;
    rows->entrants = RC_ARENA_ARRAY(query->context->arena, uint64_t, rows->row_count);
    if (rows->entrants == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < rc_funnel_counted_rows(query); row++) {
        uint64_t count = 0;
        for (uint32_t i = 0; i < query->lane_count; i++)
            count += query->lanes[i].entrants[row];
        rows->entrants[rows->row_count - 1] += count;
        /* Other comes behind the rows that are shown. */
        if (query->split != NULL && count > 0)
            rows->entrants[rows->ranking.row_of[row]] += count;
    }
    return RC_OK;
}

/* ---- Dealing --------------------------------------------------------------------------------- */

/* A pass over all records: counting, then dealing. */
struct dealing {
    struct rc_funnel_rows *rows;
    bool deals;
    struct rc_funnel_dealt *hidden; /* Of the person at hand. */
    size_t hidden_count;
    size_t hidden_capacity;
};

static void
put(struct dealing *dealing, const struct rc_funnel_dealt *dealt, uint32_t row)
{
    struct rc_funnel_rows *rows = dealing->rows;
    const size_t place = rc_funnel_place(rows, dealt->record->bucket, row);
    if (dealing->deals)
        rows->dealt[rows->starts[place + 1]++] = *dealt;
    else
        rows->starts[place + 2]++;
}

/* Records of which the first alone counts stand next to one another. */
static int
compare_hidden(const void *one, const void *other, void *context)
{
    const struct rc_funnel_dealt *a = one;
    const struct rc_funnel_dealt *b = other;
    const struct rc_funnel_query *query = context;
    if (a->record->bucket != b->record->bucket)
        return a->record->bucket < b->record->bucket ? -1 : 1;
    if (query->request->totals && a->record->entry != b->record->entry)
        return a->record->entry < b->record->entry ? -1 : 1;
    if (a->record->depth != b->record->depth)
        return a->record->depth > b->record->depth ? -1 : 1;
    if (a->record->last != b->record->last)
        return a->record->last < b->record->last ? -1 : 1;
    if (a->record->entry != b->record->entry)
        return a->record->entry > b->record->entry ? -1 : 1;
    const int count_a = __builtin_popcountll(a->record->filled);
    const int count_b = __builtin_popcountll(b->record->filled);
    if (count_a != count_b)
        return count_a > count_b ? -1 : 1;
    for (int i = 0; i + 1 < count_a; i++)
        if (a->times_ms[i] != b->times_ms[i])
            return a->times_ms[i] < b->times_ms[i] ? -1 : 1;
    return (a->record->row > b->record->row) - (a->record->row < b->record->row);
}

/* Whether an earlier record stands for this one in Other. */
static bool
is_same(const struct rc_funnel_query *query,
        const struct rc_funnel_record *a,
        const struct rc_funnel_record *b)
{
    return a->bucket == b->bucket && (!query->request->totals || a->entry == b->entry);
}

/* Deals the person's hidden records: the best of each bucket, or of each entry in it. */
static void
put_hidden(struct dealing *dealing)
{
    const struct rc_funnel_query *query = dealing->rows->query;
    if (dealing->hidden_count > 1)
        qsort_r(dealing->hidden, dealing->hidden_count, sizeof(*dealing->hidden), compare_hidden,
                (void *)(uintptr_t)query);
    for (size_t i = 0; i < dealing->hidden_count; i++)
        if (i == 0 || !is_same(query, dealing->hidden[i - 1].record, dealing->hidden[i].record))
            put(dealing, &dealing->hidden[i], dealing->rows->ranking.row_count);
    dealing->hidden_count = 0;
}

static enum rc_status
put_rows(struct dealing *dealing,
         const struct rc_funnel_lane *lane,
         const struct rc_funnel_dealt *dealt)
{
    const struct rc_series_ranking *ranking = &dealing->rows->ranking;
    const uint32_t *list = rows_of(lane, dealt->record);
    bool hidden = false;
    for (uint32_t k = 0; k < dealt->record->row_count; k++) {
        const uint32_t row = ranking->row_of[list[k]];
        if (row < ranking->row_count)
            put(dealing, dealt, row);
        else
            hidden = true;
    }
    if (!hidden)
        return RC_OK;
    if ((dealt->record->kind & RC_FUNNEL_RECORD_TOTAL) != 0) {
        put(dealing, dealt, ranking->row_count);
        return RC_OK;
    }
    RC_TRY(RC_GROW_IN(dealing->rows->query->context->account, dealing->hidden,
                      dealing->hidden_capacity, dealing->hidden_count + 1));
    dealing->hidden[dealing->hidden_count++] = *dealt;
    return RC_OK;
}

static enum rc_status
deal_lane(struct dealing *dealing, const struct rc_funnel_lane *lane)
{
    const struct rc_funnel_rows *rows = dealing->rows;
    const int64_t *times_ms = lane->times_ms;
    for (size_t r = 0; r < lane->record_count; r++) {
        const struct rc_funnel_record *record = &lane->records[r];
        const struct rc_funnel_dealt dealt = {.record = record, .times_ms = times_ms};
        if (dealing->hidden_count > 0 && r > 0 && record->person != record[-1].person)
            put_hidden(dealing);
        times_ms += __builtin_popcountll(record->filled) - 1;
        if ((record->kind & RC_FUNNEL_RECORD_TOTAL) != 0)
            put(dealing, &dealt, rows->row_count - 1);
        if ((record->kind & RC_FUNNEL_RECORD_NOT_REACHED) != 0)
            put(dealing, &dealt, rows->row_count - 2);
        if ((record->kind & RC_FUNNEL_RECORD_ROWS) != 0)
            RC_TRY(put_rows(dealing, lane, &dealt));
    }
    put_hidden(dealing);
    return RC_OK;
}

static void
dealing_close(struct dealing *dealing)
{
    rc_alloc_free(dealing->hidden);
}

static enum rc_status
deal(struct rc_funnel_rows *rows, bool deals)
{
    RC_CLEANUP(dealing_close) struct dealing dealing = {.rows = rows, .deals = deals};
    for (uint32_t i = 0; i < rows->query->lane_count; i++)
        RC_TRY(deal_lane(&dealing, &rows->query->lanes[i]));
    return RC_OK;
}

enum rc_status
rc_funnel_rows_deal(const struct rc_funnel_query *query, struct rc_funnel_rows *rows)
{
    struct rc_account *account = query->context->account;
    *rows = (struct rc_funnel_rows){.query = query};
    RC_TRY(rank_rows(rows));
    RC_TRY(add_entrants(rows));
    rows->place_count = rows->row_count * ((size_t)query->bucket_count + 1);
    if (rows->place_count > PLACES_MAX)
        return RC_LIMIT_EXCEEDED;
    const size_t places = rows->place_count + 2;
    rows->starts = rc_alloc_in(account, places * sizeof(*rows->starts));
    if (rows->starts == NULL)
        return RC_NO_MEMORY;
    memset(rows->starts, 0, places * sizeof(*rows->starts));
    RC_TRY(deal(rows, false));
    for (size_t place = 2; place < places; place++)
        rows->starts[place] += rows->starts[place - 1];
    rows->dealt = rc_alloc_in(account, rows->starts[places - 1] * sizeof(*rows->dealt));
    if (rows->dealt == NULL)
        return RC_NO_MEMORY;
    return deal(rows, true);
}

struct rc_row_label
rc_funnel_rows_label(const struct rc_funnel_rows *rows, uint32_t row)
{
    const struct rc_series_ranking *ranking = &rows->ranking;
    if (row + 1 == rows->row_count)
        return (struct rc_row_label){.kind = RC_ROW_TOTAL};
    if (rows->has_not_reached && row + 2 == rows->row_count)
        return (struct rc_row_label){.kind = RC_ROW_NOT_REACHED};
    if (row == ranking->row_count)
        return (struct rc_row_label){.kind = RC_ROW_OTHER};
    struct rc_row_label label = {.kind = RC_ROW_VALUE,
                                 .part_count = rc_split_dimension_count(rows->query->split),
                                 .parts = ranking->labels[row]};
    if (label.part_count == 1 && label.parts[0].kind == RC_LABEL_VALUE)
        label.value = label.parts[0].value;
    return label;
}
