/*
 * Export. The events are gathered once, as hits in total order (24 bytes each), and read one by one
 * when they are asked for: the cost is linear in the user's events, and memory does not depend on
 * how much the events hold.
 */
#include "engine/query/list/export.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/query/list/hit_properties.h"
#include "engine/query/plan/plan.h"
#include "engine/query/walk/walk.h"

struct rc_export {
    const struct rc_query_context *context;
    struct rc_view *view;
    uint32_t person;
    uint32_t next_alias;
    uint32_t next_write;
    uint32_t next_hit;
    uint32_t repeat; /* Of the event before. */
    uint32_t hit_count;
    struct rc_hit *hits;
    char id_text[24];
};

static enum rc_status
keep_hits(void *lane, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct rc_export *out = lane;
    (void)person;
    out->hits = rc_alloc_in(out->context->account, (size_t)count * sizeof(hits[0]));
    if (out->hits == NULL)
        return RC_NO_MEMORY;
    memcpy(out->hits, hits, (size_t)count * sizeof(hits[0]));
    out->hit_count = count;
    return RC_OK;
}

static enum rc_status
gather(struct rc_export *out, struct rc_error *reterr_error)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_plan_selector selector = {
        .predicate = &any,
        .field = "user",
        .from_ms = RC_TIME_MS_MIN,
        .until_ms = RC_TIME_MS_MAX + 1,
    };
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(rc_plan_new_for_person(out->context, RC_TIME_MS_MAX, out->person, &selector, 1, &plan,
                                  reterr_error));
    void *lanes[1] = {out};
    const struct rc_fold fold = {.purpose = "events of the user",
                                 .ordered = true,
                                 .lane_count = 1,
                                 .lanes = lanes,
                                 .person = keep_hits};
    uint64_t count = 0;
    RC_TRY_OR(reterr_error, rc_walk_one(plan, &fold, out->person, &count));
    return RC_OK;
}

enum rc_status
rc_export_open(const struct rc_query_context *context,
               struct rc_bytes user_id,
               struct rc_export **ret_export,
               struct rc_error *reterr_error)
{
    const uint32_t user = rc_view_find_user(context->view, user_id);
    if (user == RC_CODE_NONE)
        return rc_error_field(reterr_error, RC_NOT_FOUND, "user", "there is no such user");
    RC_CLEANUP(rc_export_closep)
    struct rc_export *out = rc_alloc_in(context->account, sizeof(*out));
    if (out == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for an export");
    *out = (struct rc_export){
        .context = context,
        .view = context->view,
        .person = rc_view_person_of(context->view, user),
    };
    RC_TRY(gather(out, reterr_error));
    *ret_export = RC_TAKE(out);
    return RC_OK;
}

struct rc_export *
rc_export_close(struct rc_export *export_)
{
    if (export_ != NULL)
        rc_alloc_free(export_->hits);
    return rc_alloc_free(export_);
}

static bool
is_member(const struct rc_export *out, uint32_t user)
{
    return rc_view_person_of(out->view, user) == out->person;
}

static bool
next_alias(struct rc_export *out, struct rc_export_item *item)
{
    struct rc_alias alias;
    while (rc_view_alias(out->view, out->next_alias, &alias)) {
        out->next_alias++;
        if (!is_member(out, alias.a))
            continue;
        *item = (struct rc_export_item){
            .kind = RC_EXPORT_ALIAS,
            .user = rc_view_user_id(out->view, alias.a),
            .other = rc_view_user_id(out->view, alias.b),
        };
        return true;
    }
    return false;
}

static enum rc_status
next_write(struct rc_export *out,
           struct rc_arena *arena,
           struct rc_export_item *item,
           bool *ret_found)
{
    const struct rc_properties *properties = rc_view_user_properties(out->view);
    struct rc_user_write write;
    *ret_found = false;
    while (!*ret_found && rc_view_user_write(out->view, out->next_write, &write)) {
        out->next_write++;
        if (!is_member(out, write.user))
            continue;
        struct rc_event_property *property = RC_ARENA_ARRAY(arena, struct rc_event_property, 1);
        if (property == NULL)
            return RC_NO_MEMORY;
        property->name = rc_properties_name(properties, write.property);
        RC_TRY(rc_cell_value(rc_properties_dictionary(properties, write.property), write.cell,
                             arena, &property->value));
        *item = (struct rc_export_item){
            .kind = RC_EXPORT_WRITE,
            .user = rc_view_user_id(out->view, write.user),
            .time_ms = write.time_ms,
            .property_count = 1,
            .properties = property,
        };
        *ret_found = true;
    }
    return RC_OK;
}

/* Whether two hits that follow each other are equal in all that orders events. */
static bool
is_repeat(struct rc_view *view, const struct rc_hit *a, const struct rc_hit *b)
{
    if (a->time_ms != b->time_ms || rc_hit_user(view, a) != rc_hit_user(view, b))
        return false;
    const struct rc_event_id a_id = rc_hit_event_id(view, a);
    const struct rc_event_id b_id = rc_hit_event_id(view, b);
    return rc_event_id_compare(&a_id, &b_id) == 0;
}

static enum rc_status
next_event(struct rc_export *out, struct rc_arena *arena, struct rc_export_item *item)
{
    const struct rc_hit *hit = &out->hits[out->next_hit];
    const bool repeats = out->next_hit > 0 && is_repeat(out->view, hit - 1, hit);
    const struct rc_event_id id = rc_hit_event_id(out->view, hit);
    out->repeat = repeats ? out->repeat + 1 : 0;
    out->next_hit++;
    *item = (struct rc_export_item){
        .kind = RC_EXPORT_EVENT,
        .user = rc_view_user_id(out->view, rc_hit_user(out->view, hit)),
        .time_ms = hit->time_ms,
        .event_id = rc_event_id_text(&id, out->id_text),
        .repeat = out->repeat,
    };
    return rc_hit_properties(out->view, hit, arena, &item->properties, &item->property_count);
}

enum rc_status
rc_export_next(struct rc_export *export_,
               struct rc_arena *arena,
               struct rc_export_item *ret_item,
               bool *ret_more,
               struct rc_error *reterr_error)
{
    const _Atomic(bool) *cancel = export_->context->cancel;
    if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed))
        return rc_error_set(reterr_error, RC_CANCELLED, "the export was cancelled");
    bool found = next_alias(export_, ret_item);
    if (!found)
        RC_TRY_OR(reterr_error, next_write(export_, arena, ret_item, &found));
    if (!found && export_->next_hit < export_->hit_count) {
        const enum rc_status status = next_event(export_, arena, ret_item);
        RC_TRY(rc_view_check_reads(export_->view, reterr_error));
        RC_TRY_OR(reterr_error, status);
        found = true;
    }
    *ret_more = found;
    return RC_OK;
}
