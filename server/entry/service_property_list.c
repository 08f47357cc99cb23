/*
 * PropertyService.ListProperties and ListPropertyValues.
 *
 * A list's counts come from one walk; how many different values an event property has is asked for
 * the properties of the page alone, in as few series as hold them. The values are the rows of a
 * breakdown; a prefix is a leaf in the selector, so that only events with such a value are read,
 * and cuts the rows again, since an event may have other values beside it.
 */
#include <recount/v1/property_list.pb-c.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/match/leaf/fold.h"
#include "engine/query/list/property_list.h"
#include "server/decode/token.h"
#include "server/encode/encode.h"
#include "server/query/service_query.h"

#define NO_ENTITY "properties are those of events and of users"

static bool
begins_with(struct rc_bytes text, struct rc_bytes prefix)
{
    return text.size >= prefix.size && memcmp(text.data, prefix.data, prefix.size) == 0;
}

/* ---- Properties ------------------------------------------------------------------------------ */

/* The key of a page's last property: a letter for whose it is, then the name; of an account its key
 * and a zero byte before that, which no name has. Letters ascend as the list does. */
static struct rc_bytes
key_of(struct rc_arena *arena, const struct rc_property_seen *seen)
{
    const bool of_account = seen->scope == RC_LEAF_ACCOUNT;
    const size_t skip = of_account ? seen->account_key.size + 2 : 1;
    char *key = rc_arena_alloc(arena, seen->name.size + skip);
    if (key == NULL)
        return (struct rc_bytes){NULL, 0};
    key[0] = seen->scope == RC_LEAF_EVENT ? 'e' : of_account ? 'x' : 'u';
    if (of_account) {
        memcpy(key + 1, seen->account_key.data, seen->account_key.size);
        key[skip - 1] = '\0';
    }
    memcpy(key + skip, seen->name.data, seen->name.size);
    return (struct rc_bytes){key, seen->name.size + skip};
}

/* Cuts a page of what begins with the prefix; RC_NO_MEMORY. */
static enum rc_status
cut_page(struct rc_request *request,
         const struct rc_property_list_reply *answer,
         struct rc_bytes prefix,
         struct rc_bytes after,
         uint32_t size,
         const struct rc_property_seen ***ret_page,
         uint32_t *ret_count,
         bool *ret_more)
{
    const struct rc_property_seen **page;
    uint32_t count = 0;
    *ret_more = false;
    RC_NEW_ARRAY(request->arena, page, const struct rc_property_seen *, size);
    for (uint32_t i = 0; i < answer->property_count; i++) {
        const struct rc_property_seen *one = &answer->properties[i];
        if (!begins_with(one->name, prefix))
            continue;
        if (after.size > 0) {
            const struct rc_bytes key = key_of(request->arena, one);
            if (key.data == NULL)
                return RC_NO_MEMORY;
            if (rc_bytes_compare(key, after) <= 0)
                continue;
        }
        *ret_more = count == size;
        if (*ret_more)
            break;
        page[count++] = one;
    }
    *ret_page = page;
    *ret_count = count;
    return RC_OK;
}

static bool
is_hidden(const struct rc_query_context *context, struct rc_bytes name)
{
    return context->derived != NULL && rc_catalog_find(context->derived, name, NULL);
}

/* Fills distinct_value_count of event properties. */
static enum rc_status
count_distinct(struct rc_request *request,
               const struct rc_property_list_reply *answer,
               const struct rc_property_seen *const *page,
               Recount__V1__PropertySummary *const *out,
               uint32_t count)
{
    const struct rc_query_context *context = rc_query_session_context(request->session);
    for (uint32_t i = 0; i < count; i++) {
        if (page[i]->scope != RC_LEAF_EVENT || is_hidden(context, page[i]->name))
            continue;
        out[i]->optional_distinct_value_count_case =
            RECOUNT__V1__PROPERTY_SUMMARY__OPTIONAL_DISTINCT_VALUE_COUNT_DISTINCT_VALUE_COUNT;
        RC_TRY_OR(request->error,
                  rc_property_list_distinct(answer, page[i]->name, &out[i]->distinct_value_count));
    }
    return RC_OK;
}

static enum rc_status
encode_summary(struct rc_arena *arena,
               const struct rc_property_seen *seen,
               Recount__V1__PropertySummary **ret_summary)
{
    Recount__V1__PropertySummary *out;
    RC_NEW(arena, out, recount__v1__property_summary__descriptor);
    RC_NEW(arena, out->property, recount__v1__property_ref__descriptor);
    RC_TRY(
        rc_encode_property_ref(arena, seen->scope, seen->name, seen->account_key, out->property));
    if (seen->scope != RC_LEAF_EVENT) {
        out->optional_distinct_value_count_case =
            RECOUNT__V1__PROPERTY_SUMMARY__OPTIONAL_DISTINCT_VALUE_COUNT_DISTINCT_VALUE_COUNT;
        out->distinct_value_count = seen->distinct;
    }
    out->boolean_count = seen->counts[RC_SEEN_BOOL];
    out->number_count = seen->counts[RC_SEEN_NUMBER];
    out->text_count = seen->counts[RC_SEEN_TEXT];
    out->list_count = seen->counts[RC_SEEN_LIST];
    out->count = out->boolean_count + out->number_count + out->text_count + out->list_count;
    out->share = (double)out->count / (double)seen->all;
    out->first_seen_ms = seen->first_ms;
    out->last_seen_ms = seen->last_ms;
    *ret_summary = out;
    return RC_OK;
}

static enum rc_status
encode_accounts(struct rc_arena *arena,
                const struct rc_property_list_reply *answer,
                Recount__V1__ListPropertiesResponse *out)
{
    RC_NEW_ARRAY(arena, out->account_counts, Recount__V1__AccountCount *,
                 answer->account_key_count);
    out->n_account_counts = answer->account_key_count;
    for (uint32_t i = 0; i < answer->account_key_count; i++) {
        Recount__V1__AccountCount *one;
        RC_NEW(arena, one, recount__v1__account_count__descriptor);
        RC_NEW_TEXT(arena, one->account_key, answer->accounts[i].account_key);
        one->account_count = answer->accounts[i].count;
        out->account_counts[i] = one;
    }
    return RC_OK;
}

enum rc_status
rc_call_list_properties(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListPropertiesRequest *in = message;
    Recount__V1__ListPropertiesResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_arena *arena = request->arena;
    uint64_t hash;
    struct rc_property_list_request question = {.selector = NULL};
    RC_CLEANUP(rc_property_list_close) struct rc_property_list_reply answer = {.events = 0};
    const struct rc_property_seen **page;
    struct rc_bytes after;
    uint32_t size;
    uint32_t count;
    bool more;
    RC_TRY(rc_decode_scope(&decode, in->scope, RC_RANGE_OPTIONAL, request->received_ms,
                           &question.scope));
    RC_TRY(rc_decode_no_entity(&decode, &question.scope, NO_ENTITY));
    RC_TRY(rc_decode_selector_or_any(&decode, "selector", in->selector, &question.selector));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &size));
    RC_TRY(rc_request_list_hash(request, &in->base, &hash));
    RC_TRY(rc_token_read(arena, hash, in->page_token, &after, request->error));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_property_list(rc_query_session_context(request->session), &question, &answer,
                                  request->error));
    RC_TRY(cut_page(request, &answer, rc_bytes_of(in->name_prefix), after, size, &page, &count,
                    &more));
    RC_NEW_ARRAY(arena, out->properties, Recount__V1__PropertySummary *, count);
    out->n_properties = count;
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(encode_summary(arena, page[i], &out->properties[i]));
    RC_TRY(count_distinct(request, &answer, page, out->properties, count));
    out->event_count = answer.events;
    out->user_count = answer.users;
    RC_TRY(encode_accounts(arena, &answer, out));
    if (more) {
        const struct rc_bytes key = key_of(arena, page[count - 1]);
        out->next_page_token = key.data == NULL ? NULL : rc_token_write(arena, hash, key);
        if (out->next_page_token == NULL)
            return RC_NO_MEMORY;
    }
    return rc_encode_info(request, &question.scope, in->scope->range != NULL, &answer.stats,
                          &out->info);
}

/* ---- Values ---------------------------------------------------------------------------------- */

struct value_question {
    struct rc_series_request series;
    struct rc_series line;
    struct rc_breakdown breakdown;
    struct rc_bytes prefix; /* Folded where the case is ignored. */
    bool ignore_case;
};

static struct rc_predicate *
all_of(struct rc_arena *arena, const struct rc_predicate *a, const struct rc_predicate *b)
{
    struct rc_predicate *node = rc_arena_zero(arena, sizeof(*node));
    const struct rc_predicate **children = RC_ARENA_ARRAY(arena, const struct rc_predicate *, 2);
    if (node == NULL || children == NULL)
        return NULL;
    children[0] = a;
    children[1] = b;
    node->kind = RC_PREDICATE_ALL_OF;
    node->child_count = 2;
    node->children = children;
    return node;
}

/* Adds a leaf to a selector. First events stay on top, with a filter at most (decode_selector.c).
 */
static const struct rc_predicate *
narrow(struct rc_arena *arena, const struct rc_predicate *selector, const struct rc_predicate *leaf)
{
    const bool has_filter = selector->kind == RC_PREDICATE_ALL_OF && selector->child_count == 2 &&
                            selector->children[0]->kind == RC_PREDICATE_FIRST;
    if (!has_filter)
        return all_of(arena, selector, leaf);
    const struct rc_predicate *filter = all_of(arena, selector->children[1], leaf);
    return filter == NULL ? NULL : all_of(arena, selector->children[0], filter);
}

static enum rc_status
add_prefix(struct rc_decode *decode,
           const Recount__V1__ListPropertyValuesRequest *in,
           struct value_question *question)
{
    Recount__V1__Leaf message = RECOUNT__V1__LEAF__INIT;
    const struct rc_predicate *leaf;
    question->prefix = rc_bytes_of(in->prefix);
    if (question->prefix.size == 0)
        return RC_OK;
    message.property = in->property;
    message.test_case = RECOUNT__V1__LEAF__TEST_STARTS_WITH;
    message.starts_with = in->prefix;
    message.case_insensitive = in->case_insensitive;
    const enum rc_status status = rc_decode_leaf(decode, &message, &leaf);
    if (status != RC_OK && strcmp(decode->error->field, "starts_with") == 0)
        (void)snprintf(decode->error->field, sizeof(decode->error->field), "prefix");
    RC_TRY(status);
    question->line.selector = narrow(decode->arena, question->line.selector, leaf);
    return question->line.selector == NULL ? rc_decode_no_memory(decode) : RC_OK;
}

static enum rc_status
decode_values(struct rc_decode *decode,
              const Recount__V1__ListPropertyValuesRequest *in,
              int64_t now_ms,
              struct value_question *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_OPTIONAL, now_ms, &question->series.scope));
    RC_TRY(rc_decode_no_entity(decode, &question->series.scope, NO_ENTITY));
    RC_TRY(rc_decode_property(decode, in->property, &question->breakdown.scope,
                              &question->breakdown.property, &question->breakdown.account_key));
    RC_TRY(rc_decode_selector_or_any(decode, "selector", in->selector, &question->line.selector));
    RC_TRY(add_prefix(decode, in, question));
    question->line.field = "selector";
    question->line.measure = RC_MEASURE_COUNT;
    question->ignore_case = in->case_insensitive != 0;
    question->series.series_count = 1;
    question->series.series = &question->line;
    question->series.breakdown = &question->breakdown;
    question->series.dimension_count = 1;
    return RC_OK;
}

/* Whether a row is one of the values asked for. */
static bool
is_wanted(const struct value_question *question,
          const struct rc_series_row *row,
          struct rc_writer *folded)
{
    char number[32];
    struct rc_bytes text;
    if (row->label.kind != RC_ROW_VALUE || row->label.value.kind == RC_VALUE_NULL)
        return false;
    if (question->prefix.size == 0)
        return true;
    switch (row->label.value.kind) {
    case RC_VALUE_STRING:
        text = row->label.value.string;
        break;
    case RC_VALUE_INT:
    case RC_VALUE_DOUBLE:
        text = (struct rc_bytes){number, rc_number_text(row->label.value, number)};
        break;
    default:
        return false;
    }
    return begins_with(question->ignore_case ? rc_fold_text(text, folded) : text, question->prefix);
}

/* As many rows as are needed: one more than a page, and one for null. With a prefix, other elements
 * of lists may stand before those that are wanted. */
static enum rc_status
encode_values(struct rc_request *request,
              struct value_question *question,
              const struct rc_series_reply *answer,
              uint32_t size,
              Recount__V1__ListPropertyValuesResponse *out)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer folded = {.data = NULL};
    RC_CLEANUP(rc_writer_close) struct rc_writer prefix = {.data = NULL};
    bool has_other = false;
    if (question->ignore_case)
        question->prefix = rc_fold_text(question->prefix, &prefix);
    RC_NEW_ARRAY(request->arena, out->values, Recount__V1__PropertyValue *, size);
    for (uint32_t i = 0; i < answer->row_count && !out->has_more; i++) {
        has_other = has_other || answer->rows[i].label.kind == RC_ROW_OTHER;
        if (!is_wanted(question, &answer->rows[i], &folded))
            continue;
        out->has_more = out->n_values == size;
        if (out->has_more)
            break;
        Recount__V1__PropertyValue *one;
        RC_NEW(request->arena, one, recount__v1__property_value__descriptor);
        RC_TRY(rc_encode_value(request->arena, answer->rows[i].label.value, &one->value));
        one->event_count = (uint64_t)answer->rows[i].total;
        out->values[out->n_values++] = one;
    }
    if (folded.failed || prefix.failed)
        return rc_error_set(request->error, RC_NO_MEMORY, "no memory for a list of values");
    bool more = out->has_more != 0;
    rc_encode_fit_page(out->values, &out->n_values, &more);
    out->has_more = more;
    if (has_other && !out->has_more && question->prefix.size > 0)
        return rc_error_field(request->error, RC_LIMIT_EXCEEDED, "prefix",
                              "the events with such a value have more than %u values; ask for a "
                              "longer prefix",
                              RC_BREAKDOWN_ROWS_MAX);
    return RC_OK;
}

enum rc_status
rc_call_list_property_values(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__ListPropertyValuesRequest *in = message;
    Recount__V1__ListPropertyValuesResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct value_question question = {.ignore_case = false};
    struct rc_series_reply answer;
    uint32_t size;
    RC_TRY(decode_values(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_page_size(request, in->page_size, 100, 1000, &size));
    question.series.top_n = question.prefix.size > 0 ? RC_BREAKDOWN_ROWS_MAX : size + 2;
    RC_TRY(rc_request_begin(request, &decode, &question.series.scope));
    RC_TRY(rc_error_rename(request->error,
                           rc_query_series(rc_query_session_context(request->session),
                                           &question.series, &answer, request->error),
                           "breakdown.dimensions[0]", "property"));
    RC_TRY(encode_values(request, &question, &answer, size, out));
    return rc_encode_info(request, &question.series.scope, in->scope->range != NULL, &answer.stats,
                          &out->info);
}
