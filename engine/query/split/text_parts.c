/*
 * Text parts. What is not looked at is bounded: a value is at most once in a source, so where none
 * of its parts' figures reaches t, their sum is at most that of min(t - 1, the source's greatest)
 * over all sources. The values of the greatest parts are put together first, which shows how much
 * the last of the best has at least; then t is lowered until what is left out must have less.
 * Mostly that is nothing: the greatest are known at once, and the bound proves that they are.
 *
 * Figures are looked at through how many groups have each; all those from FIGURES_MAX on count as
 * one.
 */
#include "engine/query/split/text_parts.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/split/top.h"
#include "engine/store/value/value.h"
#include "engine/store/value/value_key.h"

#define FIGURES_MAX 65536u
#define NO_VALUE UINT32_MAX
/* So many times top_n groups are put together first: a value of several slabs has several. */
#define FIRST_GROUPS 2u
#define VALUES_BETWEEN_LOOKS 256u

/* What it takes to look a string up in a source, in texts that a merge reads meanwhile. */
#define LOOK_UP_TEXTS 4u

uint32_t rc_text_parts_look_ups_min = 1024;

/* A value that was put together. */
struct value {
    double figure;
    uint32_t group; /* One of its groups. */
};

struct joining {
    const struct rc_text_parts *parts;
    const double *figures; /* By group. */
    uint32_t top_n;
    struct rc_arena *scratch;
    uint32_t *at_least; /* By figure: groups that have as much. */
    double *greatest;   /* By source, and behind them of the known groups. */
    uint32_t *value_of; /* By group. */
    struct value *values;
    size_t value_capacity;
    uint32_t value_count;
    enum rc_status status; /* Of comparing. */
};

static void
joining_close(struct joining *joining)
{
    rc_arena_free(joining->scratch);
    rc_alloc_free(joining->at_least);
    rc_alloc_free(joining->values);
}

/* The source of a group that is not a known one. */
static const struct rc_text_part_source *
source_of(const struct rc_text_parts *parts, uint32_t group)
{
    uint32_t low = 0;
    for (uint32_t high = parts->source_count; high - low > 1;) {
        const uint32_t middle = low + (high - low) / 2;
        if (parts->sources[middle].group <= group)
            low = middle;
        else
            high = middle;
    }
    return &parts->sources[low];
}

static enum rc_status
copy_key(struct rc_arena *arena, struct rc_bytes key, struct rc_bytes *ret_key)
{
    const char *copy = rc_arena_copy(arena, key.data, key.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    *ret_key = (struct rc_bytes){copy, key.size};
    return RC_OK;
}

enum rc_status
rc_text_parts_key(const struct rc_text_parts *parts,
                  uint32_t group,
                  struct rc_arena *arena,
                  struct rc_bytes *ret_key)
{
    RC_ASSERT(group < parts->group_count);
    if (group < parts->known_count)
        return copy_key(arena, rc_dictionary_key(parts->known, group), ret_key);
    const struct rc_text_part_source *source = source_of(parts, group);
    const uint32_t text = source->first + (group - source->group);
    RC_ASSERT(text < source->end);
    if (source->head != NULL)
        return copy_key(arena, rc_dictionary_key(source->head, text), ret_key);
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    rc_text_cursor_open(&cursor, &source->texts, NULL);
    RC_TRY(rc_text_cursor_seek(&cursor, text));
    return copy_key(arena, cursor.key, ret_key);
}

/* ---- Putting values together ----------------------------------------------------------------- */

/* The group of a string in a source; RC_CODE_NONE: there it is none. */
static enum rc_status
look_up(const struct rc_text_part_source *source, struct rc_bytes key, uint32_t *ret_group)
{
    uint32_t text = RC_CODE_NONE;
    bool equal = false;
    *ret_group = RC_CODE_NONE;
    if (source->head != NULL)
        text = rc_dictionary_find(source->head, key);
    else
        RC_TRY(rc_texts_lower_bound(&source->texts, key, &text, &equal));
    if ((source->head != NULL || equal) && text >= source->first && text < source->end)
        *ret_group = source->group + (text - source->first);
    return RC_OK;
}

/* RC_CORRUPT: it is another value's, so texts are not in order. */
static enum rc_status
add_group(struct joining *joining, struct value *value, uint32_t group)
{
    if (joining->value_of[group] != NO_VALUE)
        return RC_CORRUPT;
    joining->value_of[group] = joining->value_count;
    value->figure += joining->figures[group];
    return RC_OK;
}

/* Puts the value of a group together, which no other group did yet. */
static enum rc_status
join_value(struct joining *joining, uint32_t group)
{
    const struct rc_text_parts *parts = joining->parts;
    struct value value = {.group = group};
    struct rc_bytes key;
    if (joining->value_count % VALUES_BETWEEN_LOOKS == 0 && parts->cancel != NULL &&
        atomic_load_explicit(parts->cancel, memory_order_relaxed))
        return RC_CANCELLED;
    RC_TRY(RC_GROW_IN(parts->account, joining->values, joining->value_capacity,
                      (size_t)joining->value_count + 1));
    RC_TRY(rc_text_parts_key(parts, group, joining->scratch, &key));
    const uint32_t known =
        group < parts->known_count ? group : rc_dictionary_find(parts->known, key);
    if (known != RC_CODE_NONE)
        RC_TRY(add_group(joining, &value, known));
    /* What is not a string is no text of a source. */
    const bool is_text = key.size > 0 && key.data[0] == RC_VALUE_STRING;
    for (uint32_t i = 0; is_text && i < parts->source_count; i++) {
        uint32_t part;
        RC_TRY(look_up(&parts->sources[i], key, &part));
        if (part != RC_CODE_NONE)
            RC_TRY(add_group(joining, &value, part));
    }
    if (joining->value_of[group] != joining->value_count)
        return RC_CORRUPT; /* It was not found where it stands. */
    joining->values[joining->value_count++] = value;
    rc_arena_reset(joining->scratch);
    return RC_OK;
}

/* Puts together all values of which a group has as much. RC_NOT_FOUND: they are too many. */
static enum rc_status
join_from(struct joining *joining, uint32_t figure)
{
    const struct rc_text_parts *parts = joining->parts;
    const uint64_t look_ups = (uint64_t)joining->at_least[figure] * (parts->source_count + 1);
    if (look_ups > rc_text_parts_look_ups_min && look_ups * LOOK_UP_TEXTS > parts->group_count)
        return RC_NOT_FOUND;
    for (uint32_t group = 0; group < parts->group_count; group++)
        if (joining->figures[group] >= figure && joining->value_of[group] == NO_VALUE)
            RC_TRY(join_value(joining, group));
    return RC_OK;
}

/* ---- Which values may be among the best ------------------------------------------------------ */

/* How many groups have how much, and how much one has at most. */
static double
count_figures(struct joining *joining, uint32_t first, uint32_t end)
{
    const double *figures = joining->figures;
    double greatest = 0;
    for (uint32_t group = first; group < end; group++) {
        const double figure = figures[group];
        greatest = figure > greatest ? figure : greatest;
        joining->at_least[figure < FIGURES_MAX - 1 ? (uint32_t)figure : FIGURES_MAX - 1]++;
    }
    return greatest;
}

static enum rc_status
joining_open(struct joining *joining, struct rc_arena *arena)
{
    const struct rc_text_parts *parts = joining->parts;
    struct rc_account *account = parts->account;
    joining->scratch = rc_arena_new(account, 0);
    joining->at_least = rc_alloc_in(account, FIGURES_MAX * sizeof(*joining->at_least));
    joining->greatest = RC_ARENA_ARRAY(arena, double, (size_t)parts->source_count + 1);
    joining->value_of = rc_arena_alloc(arena, parts->group_count * sizeof(*joining->value_of));
    if (joining->scratch == NULL || joining->at_least == NULL || joining->greatest == NULL ||
        joining->value_of == NULL)
        return RC_NO_MEMORY;
    memset(joining->value_of, 0xff, parts->group_count * sizeof(*joining->value_of));
    memset(joining->at_least, 0, FIGURES_MAX * sizeof(*joining->at_least));
    joining->greatest[parts->source_count] = count_figures(joining, 0, parts->known_count);
    for (uint32_t i = 0; i < parts->source_count; i++) {
        const struct rc_text_part_source *source = &parts->sources[i];
        const uint32_t end = source->group + (source->end - source->first);
        joining->greatest[i] = count_figures(joining, source->group, end);
    }
    for (uint32_t figure = FIGURES_MAX - 1; figure-- > 0;)
        joining->at_least[figure] += joining->at_least[figure + 1];
    return RC_OK;
}

/* The greatest figure, at least 1, that so many groups have as much as; 1 where fewer have any. */
static uint32_t
figure_of_groups(const struct joining *joining, uint64_t groups)
{
    uint32_t figure = FIGURES_MAX - 1;
    while (figure > 1 && joining->at_least[figure] < groups)
        figure--;
    return figure;
}

static bool
has_more(void *context, uint32_t a, uint32_t b)
{
    const struct joining *joining = context;
    return joining->values[a].figure > joining->values[b].figure;
}

/* What the last of the best has at least, when values are put together that are more than those.
 */
static enum rc_status
figure_of_last(struct joining *joining, double *ret_figure)
{
    const uint32_t top_n = joining->top_n;
    struct rc_top top = {.top_n = top_n, .context = joining, .before = has_more};
    top.first = RC_ARENA_ARRAY(joining->scratch, uint32_t, top_n);
    if (top.first == NULL)
        return RC_NO_MEMORY;
    for (uint32_t value = 0; value < joining->value_count; value++)
        rc_top_offer(&top, value);
    *ret_figure = joining->values[top.first[0]].figure; /* The root: the worst of them. */
    rc_arena_reset(joining->scratch);
    return RC_OK;
}

/* The greatest figure such that values none of whose groups has as much have less than last. */
static uint32_t
figure_that_counts(const struct joining *joining, double last)
{
    uint32_t low = 1;
    for (uint32_t high = FIGURES_MAX; high - low > 1;) {
        const uint32_t middle = low + (high - low) / 2;
        double most = 0;
        for (uint32_t i = 0; i <= joining->parts->source_count; i++)
            most += joining->greatest[i] < middle - 1 ? joining->greatest[i] : middle - 1;
        if (most < last)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Puts together all values that may be among the best. */
static enum rc_status
join_best(struct joining *joining)
{
    const uint32_t top_n = joining->top_n;
    uint32_t joined = FIGURES_MAX;
    double last;
    if (top_n == 0)
        return RC_OK;
    for (uint64_t groups = (uint64_t)FIRST_GROUPS * top_n;
         joining->value_count < top_n && joined > 1; groups *= 4) {
        joined = figure_of_groups(joining, groups);
        RC_TRY(join_from(joining, joined));
    }
    if (joined == 1) /* All that there are. */
        return RC_OK;
    RC_TRY(figure_of_last(joining, &last));
    const uint32_t counts = figure_that_counts(joining, last);
    return counts < joined ? join_from(joining, counts) : RC_OK;
}

/* ---- Ranking --------------------------------------------------------------------------------- */

static bool
stands_before(void *context, uint32_t a, uint32_t b)
{
    struct joining *joining = context;
    struct rc_bytes keys[2];
    struct rc_value values[2];
    const uint32_t groups[2] = {joining->values[a].group, joining->values[b].group};
    if (joining->values[a].figure != joining->values[b].figure)
        return joining->values[a].figure > joining->values[b].figure;
    for (uint32_t i = 0; i < 2; i++) {
        enum rc_status status =
            rc_text_parts_key(joining->parts, groups[i], joining->scratch, &keys[i]);
        if (status == RC_OK)
            status = rc_value_of_key(keys[i], joining->scratch, &values[i]);
        if (status == RC_OK)
            continue;
        joining->status = status;
        return false;
    }
    const int order = rc_value_compare(values[0], values[1]);
    rc_arena_reset(joining->scratch);
    return order < 0;
}

/* rank_of: by group its value, and then its rank. */
static enum rc_status
rank(struct joining *joining, struct rc_arena *arena, struct rc_parts_best *ret_best)
{
    const double *figures = joining->figures;
    const uint32_t top_n = joining->top_n;
    struct rc_top top = {.top_n = top_n, .context = joining, .before = stands_before};
    uint32_t *rank_of = joining->value_of;
    bool more = false;
    top.first = RC_ARENA_ARRAY(arena, uint32_t, top_n);
    uint32_t *ranks = RC_ARENA_ARRAY(arena, uint32_t, (size_t)joining->value_count + 1);
    if (top.first == NULL || ranks == NULL)
        return RC_NO_MEMORY;
    for (uint32_t value = 0; value < joining->value_count; value++)
        if (joining->values[value].figure > 0)
            rc_top_offer(&top, value);
    rc_top_finish(&top);
    RC_TRY(joining->status);
    for (uint32_t value = 0; value < joining->value_count; value++)
        ranks[value] = top.count;
    for (uint32_t at = 0; at < top.count; at++) {
        const uint32_t value = top.first[at];
        ranks[value] = at;
        top.first[at] = joining->values[value].group;
    }
    for (uint32_t group = 0; group < joining->parts->group_count; group++) {
        rank_of[group] = rank_of[group] == NO_VALUE ? top.count : ranks[rank_of[group]];
        more |= rank_of[group] == top.count && figures[group] > 0;
    }
    *ret_best = (struct rc_parts_best){
        .count = top.count, .groups = top.first, .rank_of = rank_of, .has_more = more};
    return RC_OK;
}

enum rc_status
rc_text_parts_best(const struct rc_text_parts *parts,
                   const double *figures,
                   uint32_t top_n,
                   struct rc_arena *arena,
                   struct rc_parts_best *ret_best)
{
    RC_CLEANUP(joining_close)
    struct joining joining = {.parts = parts, .figures = figures, .top_n = top_n};
    RC_TRY(joining_open(&joining, arena));
    RC_TRY(join_best(&joining));
    return rank(&joining, arena, ret_best);
}
