/*
 * The properties of users. The latest values are cells, one a person, which the project keeps; the
 * times are those of the history of writes, read once for all properties.
 *
 * Two cells of a property are the same value only if they are equal, but a breakdown has one row
 * for 1 and "1" and one for each element of a list. So the different cells (few) become values, and
 * these are sorted.
 */
#include "engine/query/list/property_list_users.h"

#include <stdlib.h>

#include "engine/match/rows/words.h"
#include "engine/store/users/people.h"

#define BETWEEN_LOOKS 16384u

struct values {
    struct rc_account *account;
    struct rc_arena *arena;
    struct rc_value *values;
    size_t capacity;
    size_t count;
};

static bool
is_cancelled(const struct rc_query_context *context, uint32_t at)
{
    return at % BETWEEN_LOOKS == 0 && context->cancel != NULL &&
           atomic_load_explicit(context->cancel, memory_order_relaxed);
}

static int
compare_cells(const void *a, const void *b)
{
    const rc_cell x = *(const rc_cell *)a;
    const rc_cell y = *(const rc_cell *)b;
    return (x > y) - (x < y);
}

static int
compare_values(const void *a, const void *b)
{
    return rc_value_compare(*(const struct rc_value *)a, *(const struct rc_value *)b);
}

static enum rc_status
add_value(struct values *values, struct rc_value value)
{
    RC_TRY(RC_GROW_IN(values->account, values->values, values->capacity, values->count + 1));
    values->values[values->count++] = rc_value_group(value);
    return RC_OK;
}

static enum rc_status
add_cell(struct values *values, const struct rc_dictionary *dictionary, rc_cell cell)
{
    struct rc_value value;
    RC_TRY(rc_cell_value(dictionary, cell, values->arena, &value));
    if (value.kind != RC_VALUE_LIST)
        return add_value(values, value);
    for (uint32_t i = 0; i < value.item_count; i++)
        RC_TRY(add_value(values, rc_value_string(value.items[i])));
    return RC_OK;
}

static void
values_close(struct values *values)
{
    values->values = rc_alloc_free(values->values);
}

enum rc_status
rc_seen_distinct(const struct rc_query_context *context,
                 const struct rc_dictionary *dictionary,
                 rc_cell *cells,
                 uint32_t count,
                 uint64_t *ret_distinct)
{
    RC_CLEANUP(values_close)
    struct values values = {.account = context->account, .arena = context->arena};
    uint64_t distinct = 0;
    qsort(cells, count, sizeof(*cells), compare_cells);
    for (uint32_t i = 0; i < count; i++) {
        if (is_cancelled(context, i))
            return RC_CANCELLED;
        if (i == 0 || cells[i] != cells[i - 1])
            RC_TRY(add_cell(&values, dictionary, cells[i]));
    }
    if (values.count > 0)
        qsort(values.values, values.count, sizeof(*values.values), compare_values);
    for (size_t i = 0; i < values.count; i++)
        distinct += i == 0 || rc_value_compare(values.values[i], values.values[i - 1]) != 0;
    *ret_distinct = distinct;
    return RC_OK;
}

static enum rc_status
count_property(const struct rc_query_context *context,
               uint32_t property,
               int64_t as_of_ms,
               const uint64_t *persons,
               rc_cell *scratch,
               struct rc_property_seen *seen)
{
    struct rc_view *view = context->view;
    const uint32_t user_count = rc_view_user_count(view);
    const struct rc_dictionary *dictionary =
        rc_properties_dictionary(rc_view_user_properties(view), property);
    const rc_cell *cells;
    uint32_t count = 0;
    RC_TRY(rc_view_user_cells(view, property, as_of_ms, &cells));
    for (uint32_t person = 0; person < user_count; person++) {
        if (is_cancelled(context, person))
            return RC_CANCELLED;
        if (!rc_words_has(persons, person) || cells[person] == RC_CELL_NULL)
            continue;
        seen->counts[rc_seen_kind_of_cell(dictionary, cells[person])]++;
        scratch[count++] = cells[person];
    }
    return rc_seen_distinct(context, dictionary, scratch, count, &seen->distinct);
}

/* When values were written to the persons, of each property. */
static enum rc_status
see_writes(const struct rc_query_context *context,
           int64_t as_of_ms,
           const uint64_t *persons,
           struct rc_property_seen *seen,
           uint32_t property_count)
{
    struct rc_user_write write;
    for (uint32_t i = 0; rc_view_user_write(context->view, i, &write); i++) {
        if (is_cancelled(context, i))
            return RC_CANCELLED;
        if (write.cell == RC_CELL_NULL || write.time_ms > as_of_ms ||
            write.property >= property_count)
            continue;
        const uint32_t person = rc_view_person_of(context->view, write.user);
        if (!rc_words_has(persons, person))
            continue;
        struct rc_property_seen *one = &seen[write.property];
        one->first_ms = write.time_ms < one->first_ms ? write.time_ms : one->first_ms;
        one->last_ms = write.time_ms > one->last_ms ? write.time_ms : one->last_ms;
    }
    return RC_OK;
}

enum rc_status
rc_property_list_users(const struct rc_query_context *context,
                       int64_t as_of_ms,
                       const uint64_t *persons,
                       struct rc_property_seen **ret_seen,
                       uint64_t *ret_users)
{
    const uint32_t count = rc_properties_count(rc_view_user_properties(context->view));
    const uint32_t user_count = rc_view_user_count(context->view);
    const size_t word_count = (size_t)user_count / 64 + 1;
    struct rc_property_seen *seen =
        RC_ARENA_ARRAY(context->arena, struct rc_property_seen, (size_t)count + 1);
    rc_cell *scratch = RC_ARENA_ARRAY(context->arena, rc_cell, (size_t)user_count + 1);
    uint64_t *known = RC_ARENA_ARRAY(context->arena, uint64_t, word_count);
    if (seen == NULL || scratch == NULL || known == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_view_known_persons(context->view, as_of_ms, known));
    *ret_users = 0;
    for (size_t word = 0; word < word_count; word++) {
        known[word] &= persons == NULL ? UINT64_MAX : persons[word];
        *ret_users += (uint64_t)__builtin_popcountll(known[word]);
    }
    for (uint32_t i = 0; i < count; i++) {
        seen[i] = (struct rc_property_seen){.first_ms = INT64_MAX, .last_ms = INT64_MIN};
        seen[i].all = *ret_users;
        RC_TRY(count_property(context, i, as_of_ms, known, scratch, &seen[i]));
    }
    *ret_seen = seen;
    return see_writes(context, as_of_ms, known, seen, count);
}
