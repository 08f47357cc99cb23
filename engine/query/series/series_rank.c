/* Series rank. Labels are read only where figures tie. */
#include "engine/query/series/series_rank.h"

#include <math.h>

#include "engine/query/split/dimension.h"
#include "engine/query/split/groups.h"
#include "engine/query/split/top.h"

#define TOP_DEFAULT 9u

struct ranker {
    const struct rc_split *split;
    const struct rc_groups *groups; /* That are the rows; NULL: rows are more than that. */
    const double *figures;
    struct rc_arena *scratch;
    enum rc_status status;
};

/* The order of two rows that are groups, which knows an order of many texts without reading them.
 */
static int
compare_groups(struct ranker *ranker, uint32_t a, uint32_t b)
{
    int order = 0;
    const enum rc_status status = rc_groups_compare(ranker->groups, a, b, ranker->scratch, &order);
    if (status != RC_OK)
        ranker->status = status;
    rc_arena_reset(ranker->scratch);
    return order;
}

static bool
before(void *context, uint32_t a, uint32_t b)
{
    struct ranker *ranker = context;
    const double figure_a = ranker->figures[a];
    const double figure_b = ranker->figures[b];
    if (isnan(figure_a) != isnan(figure_b))
        return isnan(figure_b);
    if (!isnan(figure_a) && figure_a != figure_b)
        return figure_a > figure_b;
    if (ranker->groups != NULL)
        return compare_groups(ranker, a, b) < 0;
    const struct rc_label_value *label_a = NULL;
    const struct rc_label_value *label_b = NULL;
    int order = 0;
    enum rc_status status = rc_split_label(ranker->split, a, ranker->scratch, &label_a);
    if (status == RC_OK)
        status = rc_split_label(ranker->split, b, ranker->scratch, &label_b);
    if (status != RC_OK)
        ranker->status = status;
    for (uint32_t i = 0;
         status == RC_OK && order == 0 && i < rc_split_dimension_count(ranker->split); i++)
        order = rc_label_compare(&label_a[i], &label_b[i]);
    rc_arena_reset(ranker->scratch);
    return order < 0;
}

static enum rc_status
read_labels(const struct rc_split *split, struct rc_arena *arena, struct rc_series_ranking *ranking)
{
    ranking->labels = RC_ARENA_ARRAY(arena, const struct rc_label_value *, ranking->row_count);
    if (ranking->labels == NULL)
        return RC_NO_MEMORY;
    for (uint32_t rank = 0; rank < ranking->row_count; rank++)
        RC_TRY(rc_split_label(split, ranking->split_rows[rank], arena, &ranking->labels[rank]));
    return RC_OK;
}

static enum rc_status
rank_parts(const struct rc_split *split,
           const double *figures,
           uint32_t top_n,
           struct rc_arena *arena,
           struct rc_series_ranking *ret_ranking)
{
    struct rc_parts_best best;
    RC_TRY(rc_text_parts_best(rc_split_parts(split), figures, top_n, arena, &best));
    struct rc_series_ranking ranking = {.row_count = best.count,
                                        .has_other = best.has_more,
                                        .row_of = best.rank_of,
                                        .split_rows = best.groups};
    RC_TRY(read_labels(split, arena, &ranking));
    *ret_ranking = ranking;
    return RC_OK;
}

enum rc_status
rc_series_rank(const struct rc_split *split,
               const double *figures,
               const uint8_t *present,
               uint32_t top_n,
               struct rc_arena *arena,
               struct rc_series_ranking *ret_ranking)
{
    const uint32_t count = rc_split_count(split);
    const uint32_t most = top_n == 0 ? TOP_DEFAULT : top_n == RC_TOP_NONE ? 0 : top_n;
    if (rc_split_parts(split) != NULL)
        return rank_parts(split, figures, most, arena, ret_ranking);
    struct rc_series_ranking ranking = {.row_of = RC_ARENA_ARRAY(arena, uint32_t, count)};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(NULL, 0);
    struct ranker ranker = {
        .split = split, .groups = rc_split_groups(split), .figures = figures, .scratch = scratch};
    struct rc_top top = {.top_n = most, .context = &ranker, .before = before};
    ranking.split_rows = RC_ARENA_ARRAY(arena, uint32_t, most);
    if (scratch == NULL || ranking.row_of == NULL || ranking.split_rows == NULL)
        return RC_NO_MEMORY;
    top.first = ranking.split_rows;
    for (uint32_t row = 0; row < count; row++)
        if (present[row] != 0)
            rc_top_offer(&top, row);
    rc_top_finish(&top);
    RC_TRY(ranker.status);
    ranking.row_count = top.count;
    ranking.has_other = top.more;
    for (uint32_t row = 0; row < count; row++)
        ranking.row_of[row] = top.count;
    for (uint32_t rank = 0; rank < top.count; rank++)
        ranking.row_of[top.first[rank]] = rank;
    RC_TRY(read_labels(split, arena, &ranking));
    *ret_ranking = ranking;
    return RC_OK;
}
