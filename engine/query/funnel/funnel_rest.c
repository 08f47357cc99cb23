/*
 * Funnel rest. How deep the rest of a chain can be is a matter of the basis of the later units: it
 * is kept for the units from each one on, and the chain so far is put before it.
 *
 * Where times must increase, a unit is all events of one time, with the steps of all of them, but
 * for those of the chain, each of which has the steps of its event alone. Which event of a unit it
 * is, is tried in order, place by place.
 */
#include "engine/query/funnel/funnel_rest.h"

#include <string.h>

#include "engine/base/assert.h"

#define STEPS RC_FUNNEL_STEPS_MAX
#define WORK_BETWEEN_LOOKS 4096u

void
rc_funnel_rest_open(struct rc_funnel_rest *rest,
                    const struct rc_funnel_rules *rules,
                    struct rc_account *account)
{
    *rest = (struct rc_funnel_rest){.account = account, .rules = rules};
}

void
rc_funnel_rest_close(struct rc_funnel_rest *rest)
{
    rc_alloc_free(rest->rows);
    rc_alloc_free(rest->own_units);
    rc_alloc_free(rest->begins);
    rc_alloc_free(rest->unit_of);
}

enum rc_status
rc_funnel_look(struct rc_funnel_rest *rest, uint32_t work)
{
    rest->work += work;
    if (rest->work < WORK_BETWEEN_LOOKS)
        return RC_OK;
    rest->work = 0;
    return rc_funnel_cancelled(rest->rules) ? RC_CANCELLED : RC_OK;
}

/* ---- Units ----------------------------------------------------------------------------------- */

static enum rc_status
make_units(struct rc_funnel_rest *rest)
{
    const struct rc_funnel_problem *problem = rest->problem;
    rest->units = problem->events;
    rest->unit_count = problem->count;
    if (!rest->rules->strict_times)
        return RC_OK;
    const size_t most = (size_t)problem->count + 1;
    RC_TRY(RC_GROW_IN(rest->account, rest->own_units, rest->own_capacity, most));
    RC_TRY(RC_GROW_IN(rest->account, rest->begins, rest->begin_capacity, most));
    RC_TRY(RC_GROW_IN(rest->account, rest->unit_of, rest->unit_of_capacity, most));
    rest->units = rest->own_units;
    rest->unit_count = 0;
    for (uint32_t at = 0; at < problem->count;) {
        struct rc_funnel_event *unit = &rest->own_units[rest->unit_count];
        *unit = problem->events[at];
        rest->begins[rest->unit_count] = at;
        for (; at < problem->count && problem->events[at].time_ms == unit->time_ms; at++) {
            unit->fill |= problem->events[at].fill;
            rest->unit_of[at] = rest->unit_count;
        }
        rest->unit_count++;
    }
    rest->begins[rest->unit_count] = problem->count;
    return RC_OK;
}

enum rc_status
rc_funnel_rest_start(struct rc_funnel_rest *rest, const struct rc_funnel_problem *problem)
{
    const uint32_t steps = rest->rules->step_count;
    struct rc_funnel_basis basis;
    rest->problem = problem;
    RC_TRY(make_units(rest));
    RC_TRY(RC_GROW_IN(rest->account, rest->rows, rest->row_capacity,
                      ((size_t)rest->unit_count + 1) * steps));
    rc_funnel_basis_clear(&basis);
    for (uint32_t unit = rest->unit_count;; unit--) {
        memcpy(rest->rows + (size_t)unit * steps, basis.owners, steps * sizeof(*basis.owners));
        if (unit == 0)
            return RC_OK;
        RC_TRY(rc_funnel_look(rest, 1));
        rc_funnel_basis_insert(&basis, rest->units, unit - 1);
    }
}

/* ---- The rest of a chain --------------------------------------------------------------------- */

uint32_t
rc_funnel_join(struct rc_funnel_rest *rest,
               const uint32_t *chain,
               uint32_t count,
               uint32_t from,
               bool cut,
               uint32_t *units)
{
    const struct rc_funnel_rules *rules = rest->rules;
    uint64_t fills[STEPS];
    struct rc_funnel_basis basis;
    basis.count = 0; /* It is not asked for. */
    memcpy(basis.owners, rest->rows + (size_t)from * rules->step_count,
           rules->step_count * sizeof(*basis.owners));
    for (uint32_t i = 0; i < count; i++) {
        units[i] = rc_funnel_unit_of(rest, chain[i]);
        if (rules->strict_times) {
            fills[i] = rest->own_units[units[i]].fill;
            rest->own_units[units[i]].fill = rest->problem->events[chain[i]].fill;
        }
    }
    for (uint32_t i = 1; i < count; i++)
        rc_funnel_basis_insert(&basis, rest->units, units[i]);
    /* The entry last: it comes first whatever its index, which may also be behind from. */
    if (!rc_funnel_basis_has(&basis, rules->step_count, units[0]))
        rc_funnel_basis_insert(&basis, rest->units, units[0]);
    uint32_t length = rc_funnel_basis_sort(&basis, rules->step_count, units, count);
    for (uint32_t i = 0; rules->strict_times && i < count; i++)
        rest->own_units[rc_funnel_unit_of(rest, chain[i])].fill = fills[i];
    if (length > 0)
        length = rc_funnel_cut_window(rules, rest->units, units, length);
    if (length > 0 && cut)
        length = rc_funnel_cut_excluded(rules, rest->problem->excluded, rest->units, units, length);
    return length;
}

/* The work of a basis that a chain of count events is put into. */
static uint32_t
work_of(uint32_t count)
{
    return 16 * (count + 1);
}

enum rc_status
rc_funnel_complete(struct rc_funnel_rest *rest,
                   uint32_t *chain,
                   uint32_t count,
                   uint32_t from,
                   bool cut,
                   uint32_t *ret_depth)
{
    uint32_t units[STEPS];
    uint32_t tried[STEPS];
    RC_TRY(rc_funnel_look(rest, work_of(count)));
    const uint32_t depth = rc_funnel_join(rest, chain, count, from, cut, units);
    RC_ASSERT(depth >= count);
    *ret_depth = depth;
    if (!rest->rules->strict_times) {
        memcpy(chain + count, units + count, (depth - count) * sizeof(*chain));
        return RC_OK;
    }
    for (; count < depth; count++) {
        const uint32_t unit = units[count];
        uint32_t event = rest->begins[unit];
        for (;; event++) {
            RC_ASSERT(event < rest->begins[unit + 1]);
            RC_TRY(rc_funnel_look(rest, work_of(count)));
            chain[count] = event;
            if (rc_funnel_join(rest, chain, count + 1, unit + 1, cut, tried) == depth)
                break;
        }
        memcpy(units, tried, depth * sizeof(*units));
    }
    return RC_OK;
}
