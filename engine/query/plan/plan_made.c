/* Plan, made columns. Each slab's column has an arena of its own, since arenas belong to a thread;
 * what is kept by the cache is not in it. */
#include "engine/query/plan/plan_made.h"

#include <stdatomic.h>

#include "engine/query/plan/plan_read.h"
#include "engine/query/plan/planner.h"

/* What a row takes, in ns: what a formula makes of two properties, looked up or computed. */
#define ROW_NS 10.0

/* And a text of which something is derived. */
#define TEXT_NS 500.0

struct made_slab {
    struct rc_arena *arena;
    struct rc_found_column found;
};

struct rc_made_columns {
    const struct rc_plan *plan;
    struct rc_column_keeper keeper;
    bool keeps;          /* What is made is put into the cache. */
    _Atomic(int) status; /* The first one that is not RC_OK. */
    uint32_t count;
    struct made_slab slabs[]; /* By slab of the plan. */
};

struct rc_made_columns *
rc_made_columns_free(struct rc_made_columns *columns)
{
    for (uint32_t i = 0; columns != NULL && i < columns->count; i++) {
        rc_found_column_close(&columns->slabs[i].found);
        rc_arena_free(columns->slabs[i].arena);
    }
    return rc_alloc_free(columns);
}

static enum rc_status
make_slab(const struct rc_made_columns *columns, uint32_t plan_slab, struct made_slab *out)
{
    uint32_t count;
    const struct rc_query_context *context = columns->plan->context;
    const uint32_t index = columns->plan->slabs[plan_slab].index;
    out->arena = rc_arena_new(context->account, 0);
    if (out->arena == NULL)
        return RC_NO_MEMORY;
    const struct rc_view_slab *slab = &rc_view_slabs(context->view, &count)[index];
    const struct rc_column_wish wish = {.slab = slab->slab,
                                        .slab_id = slab->id,
                                        .keeps = columns->keeps,
                                        .cancel = context->cancel,
                                        .arena = out->arena};
    return rc_column_keeper_get(&columns->keeper, &wish, &out->found);
}

/* What making the columns that are not kept takes, in ns. */
static double
work_of(const struct rc_made_columns *columns, const struct rc_made_column *made)
{
    uint32_t count;
    double work_ns = 0;
    const struct rc_plan *plan = columns->plan;
    const struct rc_view_slab *slabs = rc_view_slabs(plan->context->view, &count);
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        struct rc_column_view view;
        if (rc_column_keeper_has(&columns->keeper, rc_plan_slab_id(plan, i)))
            continue;
        if (made->kind != RC_MADE_TEXTS)
            work_ns += ROW_NS * plan->slabs[i].row_count;
        else if (columns->keeps &&
                 rc_slab_column(slabs[plan->slabs[i].index].slab, made->texts.property, &view))
            work_ns += TEXT_NS * view.texts.count;
    }
    return work_ns;
}

static void
make_one(void *argument, uint32_t index)
{
    struct rc_made_columns *columns = argument;
    int expected = RC_OK;
    if (atomic_load_explicit(&columns->status, memory_order_relaxed) != RC_OK)
        return;
    const enum rc_status status = make_slab(columns, index, &columns->slabs[index]);
    if (status != RC_OK)
        atomic_compare_exchange_strong(&columns->status, &expected, (int)status);
}

static void
note(const struct rc_made_columns *columns)
{
    struct rc_explain_plan *explain = columns->plan->explain;
    for (uint32_t i = 0; explain != NULL && i < columns->count; i++) {
        explain->columns_reused += columns->slabs[i].found.reused;
        explain->columns_made +=
            !columns->slabs[i].found.reused && !columns->slabs[i].found.declined;
    }
}

enum rc_status
rc_made_columns_new(const struct rc_plan *plan,
                    const struct rc_made_column *made,
                    struct rc_made_columns **ret_columns)
{
    const struct rc_query_context *context = plan->context;
    const size_t bytes =
        sizeof(struct rc_made_columns) + plan->slab_count * sizeof(struct made_slab);
    RC_CLEANUP(rc_made_columns_freep)
    struct rc_made_columns *columns = rc_alloc_in(context->account, bytes);
    if (columns == NULL)
        return RC_NO_MEMORY;
    memset(columns, 0, bytes);
    columns->plan = plan;
    columns->keeps = rc_planner_keeps(context);
    columns->count = plan->slab_count;
    RC_TRY(rc_column_keeper_open(context->cache, made, context->arena, &columns->keeper));
    rc_plan_read_made(plan, &columns->keeper);
    const double work_ns = work_of(columns, made);
    rc_workers_run(context->workers, rc_planner_lanes(context, work_ns, plan->slab_count),
                   plan->slab_count, make_one, columns);
    RC_TRY((enum rc_status)atomic_load(&columns->status));
    note(columns);
    *ret_columns = RC_TAKE(columns);
    return RC_OK;
}

bool
rc_made_columns_declined(const struct rc_made_columns *columns, uint32_t plan_slab)
{
    return columns->slabs[plan_slab].found.declined;
}

bool
rc_made_columns_of(const struct rc_made_columns *columns,
                   uint32_t plan_slab,
                   struct rc_column_view *ret_view)
{
    *ret_view = columns->slabs[plan_slab].found.view;
    return columns->slabs[plan_slab].found.present;
}
