/*
 * Planner: the choice of a way for each selector and slab.
 *
 * The lookup of a bitmap comes first and ends most choices: a plan over bitmaps that are there
 * costs a lookup a slab and selector. Only where there is none are dictionaries looked at
 * (match_estimate.c). With EXPLAIN every way is estimated everywhere.
 *
 * A hint that forces a way makes all others impossible; what is then impossible itself is an error
 * that says in which slab and why. Slabs that time or users leave out are left out all the same.
 */
#include "engine/query/plan/planner.h"

#include <math.h>

#include "engine/base/assert.h"
#include "engine/match/costs.h"
#include "engine/query/plan/planner_wanted.h"
#include "engine/query/walk/first.h"

/* What part of a scan's time scanning once may take to be preferred: see planner.h. */
#define ONCE_SHARE 0.5

/* The same in a query for few users, which says little about what others will ask. */
#define ONCE_SHARE_FEW 0.9

/* A project with less room than this share of its limit keeps no more bitmaps that it need not. */
#define MEMORY_SHORT 0.05

/* What hints say about one stream. */
struct rule {
    enum rc_access forced;
    uint32_t forbidden;
    const char *field; /* Of the hint that says so. */
    bool keeps_never;
    bool keeps_always;
};

struct choosing {
    struct rc_plan *plan;
    const struct rc_plan_users *users;
    bool memory_short;
    struct rule *rules; /* By stream. */
};

/* The ways of one stream in one slab. */
struct ways {
    double ns[RC_ACCESS_COUNT]; /* INFINITY: not possible. */
    enum rc_explain_reason reasons[RC_ACCESS_COUNT];
    struct rc_match_estimate estimate;
    bool estimated;
};

static uint32_t
bit_of(enum rc_access access)
{
    return (uint32_t)1 << access;
}

static struct rule
rule_of(const struct rc_query_hints *hints, const struct rc_stream *stream)
{
    struct rule rule = {0};
    if (hints == NULL)
        return rule;
    rule.keeps_never = hints->keep == RC_KEEP_NEVER;
    rule.keeps_always = hints->keep == RC_KEEP_ALWAYS;
    if (rule.keeps_always)
        rule.forbidden = bit_of(RC_ACCESS_SCAN_ONCE);
    rule.field = "scope.hints.cache";
    for (uint32_t i = 0; i < hints->access_count; i++) {
        struct rc_access_hint *hint = &hints->access[i];
        if (hint->selector.size > 0 && !rc_bytes_equal(hint->selector, rc_bytes_of(stream->field)))
            continue;
        atomic_store_explicit(&hint->used, true, memory_order_relaxed);
        rule.forced = hint->forced != RC_ACCESS_NONE ? hint->forced : rule.forced;
        rule.forbidden |= hint->forbidden;
        rule.field = hint->field;
    }
    return rule;
}

/* The time of asking all entries of dictionaries and texts. */
static double
asked_ns_of(const struct rc_match_estimate *estimate)
{
    const struct rc_match_work asked = {.cells = estimate->scan.cells,
                                        .cells_new = estimate->scan.cells_new,
                                        .texts = estimate->scan.texts};
    return rc_match_work_ns(&asked);
}

/* The time of a scan of what is wanted. Dictionaries and texts are asked in any case, but of few
 * rows at most about theirs; what goes by rows goes with these. */
static double
once_ns(const struct rc_match_estimate *estimate,
        double scan_ns,
        double blocks_ns,
        const struct rc_plan_wanted *wanted)
{
    const double asked_ns = asked_ns_of(estimate);
    if (wanted->range_count == 0)
        return asked_ns + (scan_ns - asked_ns + blocks_ns) * wanted->share;
    const double rows = (double)wanted->rows;
    const double seek_ns = RC_COST_CELL_NEW + (estimate->scan.texts > 0 ? RC_COST_TEXT * 16 : 0);
    return fmin(asked_ns, seek_ns * rows) + RC_COST_REFINED * rows * estimate->leaves;
}

/* Fills the times of all ways but that of the bitmap. */
static void
estimate(const struct rc_stream *stream,
         uint32_t slab,
         const struct rc_plan_wanted *wanted,
         struct ways *ways)
{
    struct rc_match_estimate *estimate = &ways->estimate;
    rc_matcher_estimate(stream->matcher, stream->part, slab, estimate);
    const double rows =
        rc_slab_get_info(rc_view_slabs(rc_matcher_view(stream->matcher), &(uint32_t){0})[slab].slab)
            ->row_count;
    const double blocks_ns = RC_COST_BLOCK * ceil(rows / RC_BLOCK_ROWS);
    const double scan_ns = rc_match_work_ns(&estimate->scan);
    ways->ns[RC_ACCESS_SCAN] = scan_ns + blocks_ns + RC_COST_KEEP;
    ways->ns[RC_ACCESS_SCAN_ONCE] = once_ns(estimate, scan_ns, blocks_ns, wanted);
    if (estimate->has_postings)
        ways->ns[RC_ACCESS_POSTINGS] =
            rc_match_work_ns(&estimate->postings) + blocks_ns + RC_COST_KEEP;
    else
        ways->reasons[RC_ACCESS_POSTINGS] = RC_REASON_NO_PARTS;
    if (estimate->ruled_out)
        ways->ns[RC_ACCESS_RULED_OUT] = asked_ns_of(estimate);
    else
        ways->reasons[RC_ACCESS_RULED_OUT] = RC_REASON_MAY_MATCH;
    ways->estimated = true;
}

/* Takes away what hints do not allow. */
static void
apply_rule(const struct rule *rule, struct ways *ways)
{
    for (uint32_t i = RC_ACCESS_BITMAP; i < RC_ACCESS_COUNT; i++) {
        if (isinf(ways->ns[i]))
            continue;
        const bool forbidden = (rule->forbidden & bit_of((enum rc_access)i)) != 0;
        if (!forbidden && (rule->forced == RC_ACCESS_NONE || (uint32_t)rule->forced == i))
            continue;
        ways->ns[i] = INFINITY;
        ways->reasons[i] = forbidden ? RC_REASON_FORBIDDEN : RC_REASON_NOT_FORCED;
    }
}

/* The least of what is left; NONE: nothing is. */
static enum rc_access
least_of(const struct choosing *choosing, const struct rule *rule, struct ways *ways)
{
    enum rc_access best = RC_ACCESS_NONE;
    for (uint32_t i = RC_ACCESS_BITMAP; i < RC_ACCESS_COUNT; i++) {
        if (isinf(ways->ns[i]))
            continue;
        ways->reasons[i] = RC_REASON_DEARER;
        if (i != RC_ACCESS_SCAN_ONCE && (best == RC_ACCESS_NONE || ways->ns[i] < ways->ns[best]))
            best = (enum rc_access)i;
    }
    const double once = ways->ns[RC_ACCESS_SCAN_ONCE];
    if (!isinf(once)) {
        const bool keeps = !choosing->memory_short && !rule->keeps_never &&
                           (best == RC_ACCESS_SCAN || best == RC_ACCESS_POSTINGS);
        const bool few =
            !choosing->users->everybody && choosing->users->count <= RC_PLAN_USERS_LISTED;
        const double share = !keeps ? 1 : few ? ONCE_SHARE_FEW : ONCE_SHARE;
        if (best == RC_ACCESS_NONE || once < ways->ns[best] * share)
            best = RC_ACCESS_SCAN_ONCE;
        else if (once < ways->ns[best])
            ways->reasons[RC_ACCESS_SCAN_ONCE] = RC_REASON_KEEPS;
    }
    if (best != RC_ACCESS_NONE)
        ways->reasons[best] = RC_REASON_CHOSEN;
    return best;
}

static enum rc_status
refuse(const struct choosing *choosing,
       const struct rule *rule,
       const struct rc_stream *stream,
       const struct ways *ways,
       struct rc_error *reterr_error)
{
    (void)choosing;
    if (rule->forced == RC_ACCESS_NONE)
        return rc_error_field(reterr_error, RC_INVALID, rule->field,
                              "no way is left for %s: all that are possible are forbidden",
                              stream->field);
    return rc_error_field(reterr_error, RC_INVALID, rule->field,
                          "%s cannot be found by %s in some slab: %s", stream->field,
                          rc_access_name(rule->forced),
                          rc_explain_reason_text(ways->reasons[rule->forced]));
}

/* Writes a choice down. */
static void
note(const struct rc_plan *plan,
     uint32_t slab,
     uint32_t s,
     const struct rc_plan_choice *choice,
     const struct ways *ways)
{
    struct rc_explain_selector *out = &plan->explain->selectors[s];
    out->slabs++;
    out->rows_estimate += choice->rows_estimate;
    out->estimate_ns += choice->estimate_ns;
    for (uint32_t i = RC_ACCESS_BITMAP; i < RC_ACCESS_COUNT; i++) {
        struct rc_explain_way *way = &out->ways[i];
        way->reasons[ways->reasons[i]]++;
        if (isinf(ways->ns[i]))
            continue;
        way->slabs_possible++;
        way->estimate_ns += ways->ns[i];
    }
    out->ways[choice->access].slabs_chosen++;
    out->ways[choice->access].estimate_chosen_ns += ways->ns[choice->access];
    if (ways->estimated && choice->access == RC_ACCESS_POSTINGS)
        rc_match_work_add(&out->work_estimate, &ways->estimate.postings);
    else if (ways->estimated && choice->access >= RC_ACCESS_SCAN &&
             choice->access <= RC_ACCESS_SCAN_ONCE)
        rc_match_work_add(&out->work_estimate, &ways->estimate.scan);
    if (out->slab_list == NULL)
        return;
    const struct rc_view_slab *at = rc_plan_view_slab(plan, slab);
    out->slab_list[out->slab_count++] = (struct rc_explain_slab){
        .id = at->id,
        .window_start_ms = rc_slab_get_info(at->slab)->window_start_ms,
        .rows = rc_slab_get_info(at->slab)->row_count,
        .planned = choice->access,
        .estimate_ns = choice->estimate_ns,
        .rows_estimate = choice->rows_estimate,
    };
}

/* What of a slab is wanted, which streams of one time share: nobody looks where all have bitmaps.
 */
struct wanting {
    bool looked;
    bool some;
    struct rc_plan_wanted wanted;
};

/* Whether there are rows of the users in a stream's time. */
static bool
look_for_users(const struct choosing *choosing,
               const struct rc_slab *slab,
               const struct rc_stream *stream,
               struct wanting *wanting)
{
    if (!wanting->looked || stream->from_ms != wanting->wanted.from_ms ||
        stream->until_ms != wanting->wanted.until_ms)
        wanting->some = rc_plan_want(choosing->users, slab, stream->from_ms, stream->until_ms,
                                     choosing->plan->context->arena, &wanting->wanted);
    wanting->looked = true;
    return wanting->some;
}

/* Chooses for a stream that sees the slab. */
static enum rc_status
choose(struct choosing *choosing,
       uint32_t slab,
       uint32_t s,
       struct rc_plan_choice *choice,
       struct wanting *wanting,
       struct rc_error *reterr_error)
{
    struct rc_plan *plan = choosing->plan;
    const struct rc_stream *stream = &plan->streams[s];
    const struct rule *rule = &choosing->rules[s];
    const uint32_t index = plan->slabs[slab].index;
    struct ways ways = {.ns = {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY}};
    choice->bitmap = rc_matcher_bitmap(stream->matcher, stream->part, index);
    ways.reasons[RC_ACCESS_BITMAP] = RC_REASON_NO_BITMAP;
    if (choice->bitmap != NULL)
        ways.ns[RC_ACCESS_BITMAP] = RC_COST_LOOKUP;
    const bool decided = choice->bitmap != NULL && rule->forced == RC_ACCESS_NONE &&
                         (rule->forbidden & bit_of(RC_ACCESS_BITMAP)) == 0;
    /* Of a bitmap that is there the walk finds the users' rows. */
    if ((!decided || plan->explain != NULL) &&
        !look_for_users(choosing, rc_plan_view_slab(plan, slab)->slab, stream, wanting)) {
        choice->bitmap = rc_rowset_unref(choice->bitmap);
        if (plan->explain != NULL)
            plan->explain->selectors[s].slabs_by_users++;
        return RC_OK;
    }
    const struct rc_plan_wanted *wanted = &wanting->wanted;
    if (!decided || (plan->explain != NULL && plan->context->explain->estimates_all))
        estimate(stream, index, wanted, &ways);
    else
        for (uint32_t i = RC_ACCESS_POSTINGS; i < RC_ACCESS_COUNT; i++)
            ways.reasons[i] = RC_REASON_NOT_ASKED;
    apply_rule(rule, &ways);
    choice->access = least_of(choosing, rule, &ways);
    if (choice->access == RC_ACCESS_NONE)
        return refuse(choosing, rule, stream, &ways, reterr_error);
    choice->rows_estimate = choice->bitmap != NULL ? (float)rc_rowset_cardinality(choice->bitmap)
                                                   : (float)ways.estimate.rows;
    if (choice->access != RC_ACCESS_BITMAP)
        choice->bitmap = rc_rowset_unref(choice->bitmap);
    if (choice->access == RC_ACCESS_SCAN_ONCE) {
        choice->blocks = wanted->blocks;
        choice->ranges = wanted->ranges;
        choice->range_count = wanted->range_count;
    }
    choice->forced = rule->forced != RC_ACCESS_NONE;
    choice->keep = (choice->access == RC_ACCESS_SCAN || choice->access == RC_ACCESS_POSTINGS) &&
                   !rule->keeps_never;
    choice->keeps_columns =
        choice->keep || (!choice->forced && !rule->keeps_never && !choosing->memory_short);
    choice->estimate_ns = (float)ways.ns[choice->access];
    plan->hits_estimate += choice->rows_estimate * (wanting->looked ? wanted->share : 1);
    if (plan->explain != NULL)
        note(plan, slab, s, choice, &ways);
    return RC_OK;
}

/* Chooses for one slab. */
static enum rc_status
choose_slab(struct choosing *choosing,
            uint32_t slab,
            struct rc_plan_choice *choices,
            struct rc_error *reterr_error)
{
    struct rc_plan *plan = choosing->plan;
    struct wanting wanting = {.looked = false};
    const bool has_users = rc_plan_meets(choosing->users, rc_plan_view_slab(plan, slab)->slab);
    for (uint32_t s = 0; s < plan->stream_count; s++) {
        struct rc_plan_choice *choice = &choices[s];
        const struct rc_stream *stream = &plan->streams[s];
        struct rc_explain_selector *out =
            plan->explain == NULL ? NULL : &plan->explain->selectors[s];
        const bool timely =
            rc_plan_stream_sees(stream, rc_slab_get_info(rc_plan_view_slab(plan, slab)->slab));
        const bool has_first = plan->plan_only || stream->first == NULL ||
                               rc_first_slab(stream->first, plan->slabs[slab].index) != NULL;
        if (!timely || !has_users || !has_first) {
            if (out != NULL && !timely)
                out->slabs_by_time++;
            else if (out != NULL)
                out->slabs_by_users++;
            continue;
        }
        RC_TRY(choose(choosing, slab, s, choice, &wanting, reterr_error));
    }
    return RC_OK;
}

/* Whether the project, or the process, is about to reach its limit. */
static bool
is_memory_short(const struct rc_query_context *context)
{
    const struct rc_account *account = context->account->parent;
    for (; account != NULL; account = account->parent) {
        const double limit = (double)account->limit_bytes;
        if (limit > 0 && (double)rc_account_used(account) > limit * (1 - MEMORY_SHORT))
            return true;
    }
    return false;
}

bool
rc_planner_keeps(const struct rc_query_context *context)
{
    const enum rc_keep_hint keep = context->hints == NULL ? RC_KEEP_PLANNER : context->hints->keep;
    return keep == RC_KEEP_ALWAYS || (keep == RC_KEEP_PLANNER && !is_memory_short(context));
}

enum rc_status
rc_planner_choose(struct rc_plan *plan,
                  const struct rc_plan_users *users,
                  struct rc_plan_choice *choices,
                  struct rc_error *reterr_error)
{
    struct choosing choosing = {
        .plan = plan, .users = users, .memory_short = is_memory_short(plan->context)};
    choosing.rules = RC_ARENA_ARRAY(plan->context->arena, struct rule, plan->stream_count);
    if (choosing.rules == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the plan");
    for (uint32_t s = 0; s < plan->stream_count; s++)
        choosing.rules[s] = rule_of(plan->context->hints, &plan->streams[s]);
    for (uint32_t i = 0; i < plan->slab_count; i++)
        RC_TRY(choose_slab(&choosing, i, &choices[(size_t)i * plan->stream_count], reterr_error));
    return RC_OK;
}
