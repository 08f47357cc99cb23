/*
 * Suggest: the event is found by a walk of its one user, what it says becomes candidates, and one
 * plan counts them all.
 *
 * Two candidates that select the same events of the range are one suggestion to somebody who looks
 * for the right words: the simpler one stays. A set that holds another has more events, so events
 * ascending are also an order from the specific to the general.
 */
#include "engine/query/suggest/suggest.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/query/list/event_read.h"
#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/suggest/candidates.h"
#include "engine/query/suggest/selector_sets.h"
#include "engine/query/walk/walk.h"

#define FIELD "suggestions" /* Of all predicates, in errors, hints and plans. */
#define BETWEEN_LOOKS 256u

_Static_assert(RC_SUGGESTIONS_MAX <= RC_SELECTORS_MAX, "one plan counts all candidates");

/* ---- The event ------------------------------------------------------------------------------- */

struct finding {
    struct rc_view *view;
    uint32_t user; /* As sent. */
    bool found;
    struct rc_hit hit; /* The first in total order. */
};

static enum rc_status
find_hit(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    (void)person;
    struct finding *finding = state;
    for (uint32_t i = 0; i < count && !finding->found; i++) {
        finding->found = rc_hit_user(finding->view, &hits[i]) == finding->user;
        finding->hit = hits[i];
    }
    return RC_OK;
}

static enum rc_status
find_event(const struct rc_query_context *context,
           const struct rc_suggest_request *request,
           struct rc_suggest_reply *reply,
           struct rc_error *reterr_error)
{
    /* Wishes are about the suggestions. */
    struct rc_query_context plain = *context;
    const struct rc_value id = rc_value_string(request->event_id);
    const struct rc_predicate predicate = {
        .kind = RC_PREDICATE_LEAF,
        .leaf = {
            .scope = RC_LEAF_EVENT_ID, .operator= RC_LEAF_IN, .value_count = 1, .values = &id}};
    const struct rc_plan_selector selector = {
        .predicate = &predicate,
        .field = "event_id",
        .from_ms = RC_TIME_MS_MIN,
        .until_ms = rc_scope_until(&request->scope, RC_TIME_MS_MAX + 1)};
    struct finding finding = {.view = context->view,
                              .user = rc_view_find_user(context->view, request->user_id)};
    plain.hints = NULL;
    plain.explain = NULL;
    if (finding.user == RC_CODE_NONE)
        return rc_error_field(reterr_error, RC_NOT_FOUND, "user", "there is no such user");
    const uint32_t person = rc_view_person_of(context->view, finding.user);
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(rc_plan_new_for_person(&plain, request->scope.as_of_ms, person, &selector, 1, &plan,
                                  reterr_error));
    void *lanes[1] = {&finding};
    const struct rc_fold fold = {.purpose = "the event",
                                 .ordered = true,
                                 .lane_count = 1,
                                 .lanes = lanes,
                                 .person = find_hit};
    uint64_t hit_count = 0; /* Not of the question's. */
    RC_TRY_OR(reterr_error, rc_walk_one(plan, &fold, person, &hit_count));
    rc_plan_add_stats(plan, &reply->stats);
    if (!finding.found)
        return rc_error_field(reterr_error, RC_NOT_FOUND, "event_id",
                              "the user has no such event up to as_of");
    struct rc_event_reader reader;
    RC_TRY_OR(reterr_error, rc_event_reader_open(context->view, context->arena, &reader));
    RC_TRY_OR(reterr_error, rc_event_read(&reader, &finding.hit, &reply->event));
    return RC_OK;
}

/* ---- The candidates, counted ----------------------------------------------------------------- */

/* What lies before as_of, or if the event does not, what lies around it. */
static void
set_range(const struct rc_suggest_request *request, struct rc_suggest_reply *reply)
{
    struct rc_scope scope = request->scope;
    const int64_t time_ms = reply->event.place.time_ms;
    if (!request->has_range) {
        rc_scope_set_recent(&scope, scope.as_of_ms);
        if (time_ms < scope.start_ms || time_ms >= scope.end_ms)
            rc_scope_set_recent(&scope, time_ms > RC_TIME_MS_MAX - RC_SCOPE_RECENT_MS / 2
                                            ? RC_TIME_MS_MAX + 1
                                            : time_ms + RC_SCOPE_RECENT_MS / 2);
    }
    reply->start_ms = scope.start_ms;
    reply->end_ms = scope.end_ms;
}

static enum rc_status
count(const struct rc_query_context *context,
      const struct rc_suggest_request *request,
      const struct rc_candidates *candidates,
      struct rc_selector_sets *sets,
      struct rc_suggest_reply *reply,
      struct rc_error *reterr_error)
{
    struct rc_plan_selector selectors[RC_SUGGESTIONS_MAX];
    struct rc_counted counted;
    RC_TRY(rc_scope_counted(context, &request->scope, &reply->stats, &counted, reterr_error));
    for (uint32_t i = 0; i < candidates->count; i++)
        selectors[i] =
            (struct rc_plan_selector){.predicate = candidates->all[i].predicate,
                                      .field = FIELD,
                                      .from_ms = reply->start_ms,
                                      .until_ms = rc_scope_until(&request->scope, reply->end_ms)};
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(rc_plan_counted(context, request->scope.as_of_ms, &counted, selectors, candidates->count,
                           &plan, reterr_error));
    RC_TRY_OR(reterr_error, rc_selector_sets_count(plan, sets, &reply->stats.matched_events));
    rc_plan_add_stats(plan, &reply->stats);
    return RC_OK;
}

/* ---- Those that stay ------------------------------------------------------------------------- */

struct kept {
    const struct rc_candidate *candidate;
    uint32_t place; /* Among the candidates. */
    uint64_t events;
};

static int
by_rank(const void *a, const void *b)
{
    const struct kept *x = a;
    const struct kept *y = b;
    return (x->candidate->rank > y->candidate->rank) - (x->candidate->rank < y->candidate->rank);
}

static int
by_events(const void *a, const void *b)
{
    const struct kept *x = a;
    const struct kept *y = b;
    return x->events != y->events ? (x->events < y->events ? -1 : 1) : by_rank(b, a);
}

/* From the most to the least specific. Returns how many. */
static uint32_t
keep_different(const struct rc_candidates *candidates,
               const struct rc_selector_sets *sets,
               struct kept kept[RC_SUGGESTIONS_MAX])
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < candidates->count; i++)
        kept[i] =
            (struct kept){.candidate = &candidates->all[i], .place = i, .events = sets->events[i]};
    qsort(kept, candidates->count, sizeof(*kept), by_rank);
    for (uint32_t i = 0; i < candidates->count; i++) {
        uint32_t same = 0;
        while (same < left && !rc_selector_sets_same(sets, kept[same].place, kept[i].place))
            same++;
        if (same == left)
            kept[left++] = kept[i];
    }
    qsort(kept, left, sizeof(*kept), by_events);
    return left;
}

/* ---- Definitions that there are already ------------------------------------------------------ */

static enum rc_status
write_canonical(const struct rc_predicate *predicate,
                struct rc_arena *arena,
                struct rc_writer *writer,
                const struct rc_predicate **ret_canonical)
{
    RC_TRY(rc_predicate_canonical(predicate, arena, ret_canonical));
    writer->size = 0;
    rc_predicate_write(writer, *ret_canonical);
    return writer->failed ? RC_NO_MEMORY : RC_OK;
}

/*
 * A landmark: bytes that everything stored has whose canonical form is this one: of the operands
 * that a canonical form takes over as they are the longest, or where there are none a property's
 * name. Most definitions of thousands have none of some suggestions' landmarks and so are neither
 * read nor resolved.
 */
struct landmark {
    struct rc_bytes operand;
    struct rc_bytes property;
};

static void
find_landmark(const struct rc_predicate *canonical, struct landmark *found)
{
    const struct rc_leaf *leaf = &canonical->leaf;
    for (uint32_t i = 0; i < canonical->child_count; i++)
        find_landmark(canonical->children[i], found);
    if (canonical->kind != RC_PREDICATE_LEAF)
        return;
    if (leaf->property.size > found->property.size)
        found->property = leaf->property;
    const bool is_taken_over = leaf->operator== RC_LEAF_IN
                                   ? !leaf->ignore_case && !rc_leaf_scope_is_id(leaf->scope)
                                   : leaf->operator> RC_LEAF_IS_SET && leaf->operator!= RC_LEAF_CSS;
    for (uint32_t i = 0; is_taken_over && i < leaf->value_count; i++)
        if (leaf->values[i].kind == RC_VALUE_STRING &&
            leaf->values[i].string.size > found->operand.size)
            found->operand = leaf->values[i].string;
}

struct naming {
    const struct rc_query_context *context;
    struct rc_suggestion *suggestions;
    uint32_t count;
    struct rc_bytes keys[RC_SUGGESTIONS_MAX]; /* Canonical forms. */
    uint32_t landmark_count;                  /* Different ones. */
    struct rc_bytes landmarks[RC_SUGGESTIONS_MAX];
    uint32_t *definitions[RC_SUGGESTIONS_MAX];
};

static void
add_landmark(struct naming *naming, const struct rc_predicate *canonical)
{
    struct landmark found = {.operand = {NULL, 0}};
    find_landmark(canonical, &found);
    const struct rc_bytes landmark = found.operand.size > 0 ? found.operand : found.property;
    uint32_t same = 0;
    while (same < naming->landmark_count && !rc_bytes_equal(naming->landmarks[same], landmark))
        same++;
    if (same == naming->landmark_count)
        naming->landmarks[naming->landmark_count++] = landmark;
}

/* Whether a definition may be one of the suggestions. What it names may have their landmarks. */
static bool
may_be_suggested(const struct naming *naming, const struct rc_catalog_entry *entry)
{
    bool may = (entry->marks >> RC_DEFINITION_NAMES & 1) != 0;
    for (uint32_t i = 0; !may && i < naming->landmark_count; i++)
        may = rc_bytes_find(entry->payload, naming->landmarks[i]) != NULL;
    return may;
}

static enum rc_status
name_one(struct naming *naming,
         uint32_t definition,
         struct rc_arena *scratch,
         struct rc_writer *key)
{
    const struct rc_catalog *catalog = naming->context->definitions;
    const struct rc_catalog_entry entry = rc_catalog_at(catalog, definition);
    const struct rc_predicate *predicate;
    if (!may_be_suggested(naming, &entry))
        return RC_OK;
    rc_arena_reset(scratch);
    const enum rc_status status =
        rc_definitions_resolve_name(catalog, entry.name, scratch, NULL, &predicate, NULL);
    if (status != RC_OK) /* One that cannot be asked is none of these. */
        return status == RC_NO_MEMORY ? status : RC_OK;
    RC_TRY(write_canonical(predicate, scratch, key, &predicate));
    for (uint32_t i = 0; i < naming->count; i++) {
        struct rc_suggestion *one = &naming->suggestions[i];
        if (!rc_bytes_equal(naming->keys[i], (struct rc_bytes){(const char *)key->data, key->size}))
            continue;
        if (naming->definitions[i] == NULL) {
            naming->definitions[i] =
                RC_ARENA_ARRAY(naming->context->arena, uint32_t, rc_catalog_count(catalog));
            if (naming->definitions[i] == NULL)
                return RC_NO_MEMORY;
            one->definitions = naming->definitions[i];
        }
        naming->definitions[i][one->definition_count++] = definition;
    }
    return RC_OK;
}

static enum rc_status
name_all(const struct rc_query_context *context, struct rc_suggestion *suggestions, uint32_t count)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer key = {0};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(context->account, 0);
    struct naming naming = {.context = context, .suggestions = suggestions, .count = count};
    if (scratch == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_predicate *canonical;
        RC_TRY(write_canonical(suggestions[i].predicate, context->arena, &key, &canonical));
        add_landmark(&naming, canonical);
        const char *copy = rc_arena_copy(context->arena, key.data, key.size);
        if (copy == NULL)
            return RC_NO_MEMORY;
        naming.keys[i] = (struct rc_bytes){copy, key.size};
    }
    for (uint32_t i = 0; i < rc_catalog_count(context->definitions); i++) {
        if (i % BETWEEN_LOOKS == 0 && context->cancel != NULL &&
            atomic_load_explicit(context->cancel, memory_order_relaxed))
            return RC_CANCELLED;
        RC_TRY(name_one(&naming, i, scratch, &key));
    }
    return RC_OK;
}

/* ---- The question ---------------------------------------------------------------------------- */

static enum rc_status
check_request(const struct rc_suggest_request *request, struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    if (request->limit == 0 || request->limit > RC_SUGGESTIONS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "limit", "there are at most %u suggestions",
                              RC_SUGGESTIONS_MAX);
    return RC_OK;
}

enum rc_status
rc_query_suggest(const struct rc_query_context *context,
                 const struct rc_suggest_request *request,
                 struct rc_suggest_reply *ret_reply,
                 struct rc_error *reterr_error)
{
    struct rc_suggest_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    struct rc_candidates candidates;
    struct rc_selector_sets sets;
    struct rc_facts facts;
    struct kept kept[RC_SUGGESTIONS_MAX];
    RC_TRY(check_request(request, reterr_error));
    RC_TRY(find_event(context, request, &reply, reterr_error));
    set_range(request, &reply);
    RC_TRY(rc_facts_read(context, &reply.event, request->facts, &facts, reterr_error));
    RC_TRY(rc_candidates_make(&facts, &candidates, reterr_error));
    if (candidates.count > 0) {
        RC_TRY(count(context, request, &candidates, &sets, &reply, reterr_error));
        reply.suggestion_count = keep_different(&candidates, &sets, kept);
    }
    if (reply.suggestion_count > request->limit)
        reply.suggestion_count = request->limit;
    struct rc_suggestion *suggestions =
        RC_ARENA_ARRAY(context->arena, struct rc_suggestion, reply.suggestion_count + 1);
    if (suggestions == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for suggestions");
    for (uint32_t i = 0; i < reply.suggestion_count; i++)
        suggestions[i] = (struct rc_suggestion){.predicate = kept[i].candidate->predicate,
                                                .label = kept[i].candidate->label,
                                                .events = sets.events[kept[i].place],
                                                .users = sets.users[kept[i].place]};
    RC_TRY_OR(reterr_error, name_all(context, suggestions, reply.suggestion_count));
    reply.suggestions = suggestions;
    *ret_reply = reply;
    return RC_OK;
}
