/* Access: the names, and the time of work. */
#include "engine/match/access.h"

#include "engine/base/assert.h"
#include "engine/match/costs.h"

const char *
rc_access_name(enum rc_access access)
{
    static const char *const names[RC_ACCESS_COUNT] = {
        [RC_ACCESS_NONE] = "none",           [RC_ACCESS_BITMAP] = "bitmap",
        [RC_ACCESS_POSTINGS] = "postings",   [RC_ACCESS_SCAN] = "scan",
        [RC_ACCESS_SCAN_ONCE] = "scan once", [RC_ACCESS_RULED_OUT] = "ruled out",
    };
    RC_ASSERT((uint32_t)access < RC_ACCESS_COUNT);
    return names[access];
}

double
rc_match_work_ns(const struct rc_match_work *work)
{
    return RC_COST_CELL * (double)work->cells + RC_COST_CELL_NEW * (double)work->cells_new +
           RC_COST_TEXT * (double)work->texts + RC_COST_COMPARED * (double)work->compared +
           RC_COST_LOOKED_UP * (double)work->looked_up + RC_COST_REFINED * (double)work->refined +
           RC_COST_RUN * (double)work->runs + RC_COST_WORD * (double)work->words +
           RC_COST_ROW_BUILT * (double)work->rows_built;
}
