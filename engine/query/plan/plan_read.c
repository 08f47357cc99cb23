/* Plan, reading. */
#include "engine/query/plan/plan_read.h"

#include <stdatomic.h>

#include "engine/query/plan/planner.h"

/* Times, a column or two: eight bytes a row, copied, summed, and their pages cleared. From the file
 * cache; a disk takes longer. */
#define ROW_NS 2.0

struct reading {
    const struct rc_plan *plan;
    uint32_t property;
    const struct rc_column_keeper *keeper; /* It is read for what this makes; NULL: for itself. */
    _Atomic(int) status;                   /* The first one that is not RC_OK. */
};

uint64_t
rc_plan_slab_id(const struct rc_plan *plan, uint32_t plan_slab)
{
    return rc_plan_view_slab(plan, plan_slab)->id;
}

double
rc_plan_read_ns(const struct rc_plan *plan, uint32_t plan_slab)
{
    return rc_slab_is_cold(rc_plan_view_slab(plan, plan_slab)->slab)
               ? ROW_NS * plan->slabs[plan_slab].row_count
               : 0;
}

/* Calls read for every slab, on as many threads as it is worth. */
static void
read_slabs(struct reading *reading, void (*read)(void *argument, uint32_t index))
{
    const struct rc_plan *plan = reading->plan;
    const struct rc_query_context *context = plan->context;
    double work_ns = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++)
        work_ns += rc_plan_read_ns(plan, i);
    if (work_ns > 0)
        rc_workers_run(context->workers, rc_planner_lanes(context, work_ns, plan->slab_count),
                       plan->slab_count, read, reading);
}

static bool
has_rows(const struct rc_plan *plan, uint32_t plan_slab)
{
    bool has = false;
    for (uint32_t s = 0; s < plan->stream_count && !has; s++)
        has = plan->slabs[plan_slab].sets[s] != NULL;
    return has;
}

static void
read_rows(void *argument, uint32_t index)
{
    struct reading *reading = argument;
    const struct rc_plan *plan = reading->plan;
    int expected = RC_OK;
    if (atomic_load_explicit(&reading->status, memory_order_relaxed) != RC_OK ||
        !has_rows(plan, index))
        return;
    const enum rc_status status =
        rc_view_use_slab(plan->context->view, plan->slabs[index].index, RC_SLAB_PARTS_ROWS, NULL);
    if (status != RC_OK)
        atomic_compare_exchange_strong(&reading->status, &expected, (int)status);
}

enum rc_status
rc_plan_read_rows(const struct rc_plan *plan)
{
    struct reading reading = {.plan = plan};
    read_slabs(&reading, read_rows);
    return (enum rc_status)atomic_load(&reading.status);
}

static void
read_column(void *argument, uint32_t index)
{
    const struct reading *reading = argument;
    const _Atomic(bool) *cancel = reading->plan->context->cancel;
    struct rc_column_view column;
    if (reading->keeper != NULL &&
        rc_column_keeper_has(reading->keeper, rc_plan_slab_id(reading->plan, index)))
        return;
    if (cancel == NULL || !atomic_load_explicit(cancel, memory_order_relaxed))
        (void)rc_slab_column(rc_plan_view_slab(reading->plan, index)->slab, reading->property,
                             &column);
}

static void
read_column_of(const struct rc_plan *plan, const struct rc_column_keeper *keeper, uint32_t property)
{
    struct reading reading = {.plan = plan, .property = property, .keeper = keeper};
    if (property != RC_PROPERTY_NONE)
        read_slabs(&reading, read_column);
}

void
rc_plan_read_column(const struct rc_plan *plan, uint32_t property)
{
    read_column_of(plan, NULL, property);
}

void
rc_plan_read_made(const struct rc_plan *plan, const struct rc_column_keeper *keeper)
{
    uint32_t count;
    const uint32_t *properties = rc_made_column_properties(keeper->made, &count);
    for (uint32_t i = 0; i < count; i++)
        read_column_of(plan, keeper, properties[i]);
}
