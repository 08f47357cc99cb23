/*
 * Path rows. Only the ranking reads all rows of the split; behind it a walk's rows are those that
 * are shown, and Other once, however many of its rows are not.
 */
#include "engine/query/usage/path_rows.h"

#include <string.h>

enum rc_status
rc_path_rows_open(struct rc_path_rows *rows,
                  const struct rc_plan *plan,
                  const struct rc_paths_request *request,
                  uint64_t mask,
                  const struct rc_calendar *calendar,
                  struct rc_query_stats *stats,
                  struct rc_error *reterr_error)
{
    if (request->breakdown == NULL)
        return RC_OK;
    const struct rc_split_request split = {
        .plan = plan,
        .dimensions = request->breakdown,
        .dimension_count = request->dimension_count,
        .scope = &request->scope,
        .calendar = calendar,
        .mask = mask,
        .stats = stats,
    };
    RC_TRY(rc_split_check(request->breakdown, request->dimension_count, request->breakdown_top_n,
                          reterr_error));
    if (request->breakdown_top_n > RC_PATH_ROWS_MAX && request->breakdown_top_n != RC_TOP_NONE)
        return rc_error_field(reterr_error, RC_INVALID, "breakdown.top",
                              "at most %u rows of paths can be shown", RC_PATH_ROWS_MAX);
    return rc_split_new(&split, &rows->split, reterr_error);
}

void
rc_path_rows_close(struct rc_path_rows *rows)
{
    rows->split = rc_split_free(rows->split);
}

enum rc_status
rc_path_rows_lane_open(const struct rc_path_rows *rows,
                       struct rc_account *account,
                       struct rc_path_rows_lane *lane)
{
    *lane = (struct rc_path_rows_lane){.list = {.account = account}};
    if (rows->split == NULL)
        return RC_OK;
    if (rows->shown == 0) {
        const size_t bytes = ((size_t)rc_split_count(rows->split) + 1) * sizeof(*lane->walks);
        lane->walks = rc_alloc_in(account, bytes);
        if (lane->walks == NULL)
            return RC_NO_MEMORY;
        memset(lane->walks, 0, bytes);
        return RC_OK;
    }
    lane->shown = rc_alloc_in(account, rows->shown * sizeof(*lane->shown));
    lane->marked = rc_alloc_in(account, rows->shown * sizeof(*lane->marked));
    if (lane->shown == NULL || lane->marked == NULL)
        return RC_NO_MEMORY;
    memset(lane->marked, 0, rows->shown * sizeof(*lane->marked));
    return RC_OK;
}

void
rc_path_rows_lane_close(struct rc_path_rows_lane *lane)
{
    rc_split_list_close(&lane->list);
    lane->walks = rc_alloc_free(lane->walks);
    lane->shown = rc_alloc_free(lane->shown);
    lane->marked = rc_alloc_free(lane->marked);
}

enum rc_status
rc_path_rows_add(const struct rc_path_rows *rows,
                 struct rc_path_rows_lane *lane,
                 uint32_t person,
                 const struct rc_hit *first)
{
    const uint32_t *found;
    uint32_t count;
    RC_TRY(rc_split_rows(rows->split, person, first, &lane->list, &found, &count));
    for (uint32_t i = 0; i < count; i++)
        lane->walks[found[i]]++;
    return RC_OK;
}

enum rc_status
rc_path_rows_rank(struct rc_path_rows *rows,
                  const double *walks,
                  uint32_t top_n,
                  struct rc_arena *arena)
{
    const uint32_t count = rc_split_count(rows->split);
    uint8_t *present = RC_ARENA_ARRAY(arena, uint8_t, count);
    if (present == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < count; row++)
        present[row] = walks[row] > 0;
    RC_TRY(rc_series_rank(rows->split, walks, present, top_n, arena, &rows->ranking));
    rows->shown = rows->ranking.row_count + (rows->ranking.has_other ? 1 : 0);
    return RC_OK;
}

enum rc_status
rc_path_rows_of(const struct rc_path_rows *rows,
                struct rc_path_rows_lane *lane,
                uint32_t person,
                const struct rc_hit *first,
                uint32_t *ret_count)
{
    const uint32_t *found;
    uint32_t count;
    RC_TRY(rc_split_rows(rows->split, person, first, &lane->list, &found, &count));
    lane->walk++;
    *ret_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = rows->ranking.row_of[found[i]];
        if (lane->marked[row] == lane->walk)
            continue;
        lane->marked[row] = lane->walk;
        lane->shown[(*ret_count)++] = row;
    }
    return RC_OK;
}

struct rc_row_label
rc_path_rows_label(const struct rc_path_rows *rows, uint32_t row)
{
    if (row == rows->ranking.row_count)
        return (struct rc_row_label){.kind = RC_ROW_OTHER};
    struct rc_row_label label = {.kind = RC_ROW_VALUE,
                                 .part_count = rc_split_dimension_count(rows->split),
                                 .parts = rows->ranking.labels[row]};
    if (label.part_count == 1 && label.parts[0].kind == RC_LABEL_VALUE)
        label.value = label.parts[0].value;
    return label;
}
