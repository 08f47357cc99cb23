/*
 * Property numbers. As for groups, each slab gives a table from the column's local codes; here to
 * numbers. Every table entry first points to where its number was appended; when all are there they
 * are sorted, equal ones become one, and the entries are renamed to ranks. A rank is a code that
 * ascends with the number, which is what percentiles need.
 *
 * Entries of dictionary codes are made once for the whole property, since text must be parsed.
 *
 * Of accounts, the column that is read is the one that names them: a value there is a set of ids,
 * and its entry the numbers of those accounts.
 */
#include "engine/query/number/property_numbers.h"
#include "engine/match/derived/derive.h"
#include "engine/match/derived/derived.h"
#include "engine/match/derived/made_column.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/number/account_values.h"
#include "engine/query/plan/plan_made.h"
#include "engine/query/plan/plan_read.h"
#include "engine/query/split/odd_texts.h"
#include "engine/store/builder/key_sort.h"
#include "engine/store/value/value_key.h"

#define UNSET (RC_NUMBER_NONE - 1)

struct number_list {
    uint32_t begin; /* In members. */
    uint32_t count;
};

struct slab_numbers {
    bool present;
    bool derived; /* The column is of what is derived already. */
    struct rc_column_view column;
    uint32_t *entries; /* By local code. */
};

struct rc_numbers {
    const struct rc_plan *plan;
    struct rc_arena *arena;                 /* Tables. */
    const struct rc_dictionary *values;     /* Of the property; NULL: no such property. */
    const struct rc_derivation *derivation; /* NULL: the numbers are the property's. */
    struct rc_made_column made;             /* Where the rows' values are not stored, */
    struct rc_made_columns *made_columns;   /* and what it makes of slabs. */
    struct rc_made_column texts_made;       /* What is derived of texts, where that is kept, */
    struct rc_made_columns *derived;        /* by slab. */
    struct rc_deriver *deriver;
    struct rc_derive_scratch derive;
    struct rc_account_values *accounts; /* Whose numbers they are; NULL: the events'. */
    uint32_t *entry_of_code;            /* By code of values. */
    uint32_t entry_of_code_count;
    struct rc_arena *scratch;               /* Elements of a list, while it is read. */
    const struct rc_dictionary *head_texts; /* Of the head read last, */
    uint32_t *entry_of_head_text;           /* and by code of them. */
    struct slab_numbers *slabs;             /* By index in the view. */
    uint32_t **chunks; /* By index in the view: an entry a row; NULL: no number. */
    struct number_list *lists;
    size_t list_capacity;
    uint32_t list_count;
    uint32_t *members;
    size_t member_capacity;
    uint32_t member_count;
    double *numbers; /* As they came, then ascending. */
    size_t number_capacity;
    uint32_t number_count;
};

struct rc_numbers *
rc_numbers_free(struct rc_numbers *numbers)
{
    if (numbers == NULL)
        return NULL;
    rc_deriver_free(numbers->deriver);
    rc_derive_scratch_close(&numbers->derive);
    rc_made_columns_free(numbers->made_columns);
    rc_made_columns_free(numbers->derived);
    rc_made_column_close(&numbers->made);
    rc_account_values_free(numbers->accounts);
    rc_arena_free(numbers->arena);
    rc_arena_free(numbers->scratch);
    rc_alloc_free(numbers->lists);
    rc_alloc_free(numbers->members);
    rc_alloc_free(numbers->numbers);
    return rc_alloc_free(numbers);
}

static enum rc_status
append(struct rc_numbers *numbers, double number, uint32_t *ret_entry)
{
    if (numbers->number_count == RC_NUMBER_LIST - 1)
        return RC_LIMIT_EXCEEDED;
    RC_TRY(RC_GROW_IN(numbers->plan->context->account, numbers->numbers, numbers->number_capacity,
                      (size_t)numbers->number_count + 1));
    numbers->numbers[numbers->number_count] = number;
    *ret_entry = numbers->number_count++;
    return RC_OK;
}

static bool
number_of_value(struct rc_value value, double *ret_number)
{
    struct rc_value number = value;
    if (value.kind == RC_VALUE_STRING && !rc_value_of_numeric_text(value.string, &number))
        return false;
    if (number.kind != RC_VALUE_INT && number.kind != RC_VALUE_DOUBLE)
        return false;
    *ret_number = rc_value_real(number);
    return true;
}

/* Adds the number of a value to the members, if it is one. */
static enum rc_status
add_member(struct rc_numbers *numbers, struct rc_value value)
{
    double number;
    if (!number_of_value(value, &number))
        return RC_OK;
    RC_TRY(RC_GROW_IN(numbers->plan->context->account, numbers->members, numbers->member_capacity,
                      (size_t)numbers->member_count + 1));
    RC_TRY(append(numbers, number, &numbers->members[numbers->member_count]));
    numbers->member_count++;
    return RC_OK;
}

static enum rc_status
add_members(struct rc_numbers *numbers, struct rc_value value)
{
    if (value.kind != RC_VALUE_LIST)
        return add_member(numbers, value);
    for (uint32_t i = 0; i < value.item_count; i++)
        RC_TRY(add_member(numbers, rc_value_string(value.items[i])));
    return RC_OK;
}

/* The entry of the members from begin on. */
static enum rc_status
entry_of_members(struct rc_numbers *numbers, uint32_t begin, uint32_t *ret_entry)
{
    const uint32_t count = numbers->member_count - begin;
    *ret_entry = RC_NUMBER_NONE;
    if (count == 0)
        return RC_OK;
    RC_TRY(RC_GROW_IN(numbers->plan->context->account, numbers->lists, numbers->list_capacity,
                      (size_t)numbers->list_count + 1));
    numbers->lists[numbers->list_count] = (struct number_list){.begin = begin, .count = count};
    *ret_entry = RC_NUMBER_LIST | numbers->list_count++;
    return RC_OK;
}

static enum rc_status
visit_account(void *argument, struct rc_value value)
{
    return add_members(argument, value);
}

/* The entry of a value of the property, or derived of one. */
static enum rc_status
entry_of_own_value(struct rc_numbers *numbers, struct rc_value value, uint32_t *ret_entry)
{
    const uint32_t begin = numbers->member_count;
    double number;
    if (value.kind == RC_VALUE_LIST) {
        RC_TRY(add_members(numbers, value));
        return entry_of_members(numbers, begin, ret_entry);
    }
    *ret_entry = RC_NUMBER_NONE;
    return number_of_value(value, &number) ? append(numbers, number, ret_entry) : RC_OK;
}

/* The entry of a value that is stored or made. */
static enum rc_status
entry_of_value(struct rc_numbers *numbers, struct rc_value value, uint32_t *ret_entry)
{
    const uint32_t begin = numbers->member_count;
    if (numbers->accounts != NULL) {
        RC_TRY(rc_account_values_visit(numbers->accounts, value, numbers->scratch, visit_account,
                                       numbers));
        return entry_of_members(numbers, begin, ret_entry);
    }
    if (numbers->deriver != NULL) {
        const _Atomic(bool) *cancel = numbers->plan->context->cancel;
        if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed))
            return RC_CANCELLED;
        RC_TRY(rc_derive(numbers->deriver, value, &numbers->derive, &value));
    }
    return entry_of_own_value(numbers, value, ret_entry);
}

/* The entry of a cell that is a code of a dictionary; *known is where it is kept. */
static enum rc_status
entry_of_code(struct rc_numbers *numbers,
              const struct rc_dictionary *dictionary,
              rc_cell cell,
              uint32_t *known)
{
    struct rc_value value;
    if (*known != UNSET)
        return RC_OK;
    RC_TRY(rc_cell_value(dictionary, cell, numbers->scratch, &value));
    const enum rc_status status = entry_of_value(numbers, value, known);
    rc_arena_reset(numbers->scratch);
    return status;
}

static enum rc_status
entry_of_cell(struct rc_numbers *numbers, rc_cell cell, uint32_t *ret_entry)
{
    double number;
    uint32_t *known = NULL;
    *ret_entry = RC_NUMBER_NONE;
    if (numbers->made.kind != RC_MADE_NONE)
        return cell == RC_CELL_NULL
                   ? RC_OK
                   : entry_of_value(numbers, rc_made_cell_value(&numbers->made, cell), ret_entry);
    if (rc_cell_kind_of(cell) == RC_CELL_CODE) {
        RC_ASSERT(rc_cell_code(cell) < numbers->entry_of_code_count);
        known = &numbers->entry_of_code[rc_cell_code(cell)];
        RC_TRY(entry_of_code(numbers, numbers->values, cell, known));
    } else if (rc_cell_kind_of(cell) == RC_CELL_TEXT) {
        known = &numbers->entry_of_head_text[rc_cell_code(cell)];
        RC_TRY(entry_of_code(numbers, numbers->head_texts, cell, known));
    }
    if (known != NULL) {
        *ret_entry = *known;
    } else if ((numbers->deriver != NULL || numbers->accounts != NULL) && cell != RC_CELL_NULL) {
        struct rc_value value;
        RC_TRY(rc_cell_value(numbers->values, cell, numbers->scratch, &value));
        const enum rc_status status = entry_of_value(numbers, value, ret_entry);
        rc_arena_reset(numbers->scratch);
        return status;
    } else if (rc_cell_real(cell, &number))
        return append(numbers, number, ret_entry);
    return RC_OK;
}

/* A table of entries that are not known yet. */
static uint32_t *
make_entries(struct rc_numbers *numbers, size_t count, uint32_t entry)
{
    uint32_t *entries = rc_arena_alloc(numbers->arena, count * sizeof(*entries));
    for (size_t i = 0; entries != NULL && i < count; i++)
        entries[i] = entry;
    return entries;
}

struct odd_texts {
    struct rc_numbers *numbers;
    uint32_t *entries; /* By text. */
};

static enum rc_status
visit_odd_text(void *context, uint32_t number, struct rc_value value)
{
    const struct odd_texts *odd = context;
    return entry_of_own_value(odd->numbers, value, &odd->entries[number]);
}

/* Texts of which something is derived, or that name accounts: each is read, in order. */
static enum rc_status
derive_texts(struct rc_numbers *numbers, const struct rc_column_view *column, uint32_t *entries)
{
    const struct rc_query_context *context = numbers->plan->context;
    struct rc_text_cursor cursor;
    enum rc_status status = RC_OK;
    rc_text_cursor_open(&cursor, &column->texts, context->account);
    for (uint32_t i = 0; i < column->texts.count && status == RC_OK; i++) {
        struct rc_value value;
        status = i == 0 ? rc_text_cursor_seek(&cursor, 0) : rc_text_cursor_next(&cursor);
        if (status == RC_OK)
            status = rc_value_of_key(cursor.key, numbers->scratch, &value);
        if (status == RC_OK)
            status = entry_of_value(numbers, value, &entries[i]);
        rc_arena_reset(numbers->scratch);
    }
    rc_text_cursor_close(&cursor);
    return status;
}

/* The column that is read of a slab. */
static bool
column_of(const struct rc_numbers *numbers,
          const struct rc_slab *rows,
          uint32_t property,
          uint32_t plan_slab,
          struct slab_numbers *slab)
{
    slab->derived =
        numbers->derived != NULL && !rc_made_columns_declined(numbers->derived, plan_slab);
    if (slab->derived)
        return rc_made_columns_of(numbers->derived, plan_slab, &slab->column);
    if (numbers->made_columns != NULL)
        return rc_made_columns_of(numbers->made_columns, plan_slab, &slab->column);
    return rc_slab_column(rows, property, &slab->column);
}

static enum rc_status
entry_of_dictionary_cell(struct rc_numbers *numbers,
                         const struct slab_numbers *slab,
                         rc_cell cell,
                         uint32_t *ret_entry)
{
    if (slab->derived)
        return entry_of_own_value(numbers, rc_made_cell_value(&numbers->texts_made, cell),
                                  ret_entry);
    return entry_of_cell(numbers, cell, ret_entry);
}

static enum rc_status
resolve_slab(struct rc_numbers *numbers,
             const struct rc_slab *rows,
             uint32_t property,
             uint32_t plan_slab)
{
    struct slab_numbers *slab = &numbers->slabs[numbers->plan->slabs[plan_slab].index];
    const struct rc_query_context *context = numbers->plan->context;
    const struct rc_column_view *column = &slab->column;
    slab->present = column_of(numbers, rows, property, plan_slab, slab);
    if (!slab->present)
        return RC_OK;
    slab->entries = make_entries(numbers, rc_column_code_bound(column), RC_NUMBER_NONE);
    if (slab->entries == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < column->dictionary_count; i++)
        RC_TRY(entry_of_dictionary_cell(numbers, slab, column->dictionary[i], &slab->entries[i]));
    if ((numbers->deriver != NULL && !slab->derived) || numbers->accounts != NULL)
        return derive_texts(numbers, column, slab->entries + column->dictionary_count);
    struct odd_texts odd = {.numbers = numbers,
                            .entries = slab->entries + column->dictionary_count};
    const struct rc_odd_texts_walk walk = {.texts = &column->texts,
                                           .account = context->account,
                                           .scratch = numbers->scratch,
                                           .cancel = context->cancel,
                                           .visit = visit_odd_text,
                                           .context = &odd};
    return column->texts.count == 0 ? RC_OK : rc_odd_texts_walk(&walk);
}

static enum rc_status
resolve_chunk(struct rc_numbers *numbers,
              const struct rc_view_chunk *chunk,
              uint32_t property,
              uint32_t at)
{
    const bool is_made = numbers->made.kind != RC_MADE_NONE;
    const rc_cell *cells = is_made ? NULL : rc_view_chunk_cells(chunk, property);
    rc_cell made[RC_CHUNK_ROWS];
    if (is_made) {
        RC_TRY(rc_made_column_cells(&numbers->made, chunk, numbers->plan->context->cancel, made));
        cells = made;
    }
    if (cells == NULL)
        return RC_OK;
    const struct rc_dictionary *texts = is_made ? NULL : rc_view_chunk_texts(chunk, property);
    if (texts != NULL && texts != numbers->head_texts) {
        numbers->head_texts = texts;
        numbers->entry_of_head_text = make_entries(numbers, rc_dictionary_count(texts), UNSET);
        if (numbers->entry_of_head_text == NULL)
            return RC_NO_MEMORY;
    }
    uint32_t *entries = make_entries(numbers, chunk->row_count, RC_NUMBER_NONE);
    if (entries == NULL)
        return RC_NO_MEMORY;
    numbers->chunks[at] = entries;
    for (uint32_t i = 0; i < chunk->row_count; i++)
        RC_TRY(entry_of_cell(numbers, cells[i], &entries[i]));
    return RC_OK;
}

/* Reads what slabs have of the values, and makes what they have not. */
static enum rc_status
read_slabs(struct rc_numbers *numbers, uint32_t property)
{
    const struct rc_query_context *context = numbers->plan->context;
    if (numbers->made.kind != RC_MADE_NONE)
        return rc_made_columns_new(numbers->plan, &numbers->made, &numbers->made_columns);
    numbers->texts_made =
        rc_made_column_of_texts(numbers->derivation, numbers->deriver,
                                rc_view_event_properties(context->view), context->account);
    if (numbers->texts_made.kind != RC_MADE_NONE)
        return rc_made_columns_new(numbers->plan, &numbers->texts_made, &numbers->derived);
    rc_plan_read_column(numbers->plan, property);
    return RC_OK;
}

/* Tables for every slab that the plan reads and every chunk. */
static enum rc_status
resolve(struct rc_numbers *numbers, uint32_t property)
{
    struct rc_view *view = numbers->plan->context->view;
    uint32_t slab_count;
    uint32_t chunk_count;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &slab_count);
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &chunk_count);
    numbers->slabs = RC_ARENA_ARRAY(numbers->arena, struct slab_numbers, slab_count);
    numbers->chunks = RC_ARENA_ARRAY(numbers->arena, uint32_t *, chunk_count);
    if (numbers->slabs == NULL || numbers->chunks == NULL)
        return RC_NO_MEMORY;
    if (property == RC_PROPERTY_NONE && numbers->made.kind == RC_MADE_NONE)
        return RC_OK;
    RC_TRY(read_slabs(numbers, property));
    for (uint32_t i = 0; i < numbers->plan->slab_count; i++)
        RC_TRY(resolve_slab(numbers, slabs[numbers->plan->slabs[i].index].slab, property, i));
    for (uint32_t i = 0; i < chunk_count; i++)
        RC_TRY(resolve_chunk(numbers, &chunks[i], property, i));
    return RC_OK;
}

/* A key that ascends as the number does. No number is a negative zero: values have one form. */
static uint64_t
key_of(double number)
{
    union {
        double number;
        uint64_t bits;
    } form = {.number = number};
    return (form.bits >> 63) != 0 ? ~form.bits : form.bits | (uint64_t)1 << 63;
}

/* From where a number was appended to its rank. */
static void
rename_entries(const uint32_t *ranks, uint32_t *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if ((entries[i] & RC_NUMBER_LIST) == 0) /* RC_NUMBER_NONE and UNSET have the bit too. */
            entries[i] = ranks[entries[i]];
}

/* Renames the entries of all tables. */
static void
rename_tables(struct rc_numbers *numbers, const uint32_t *ranks)
{
    uint32_t slab_count;
    uint32_t chunk_count;
    struct rc_view *view = numbers->plan->context->view;
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &chunk_count);
    rc_view_slabs(view, &slab_count);
    for (uint32_t i = 0; i < slab_count; i++)
        if (numbers->slabs[i].present)
            rename_entries(ranks, numbers->slabs[i].entries,
                           rc_column_code_bound(&numbers->slabs[i].column));
    for (uint32_t i = 0; i < chunk_count; i++)
        if (numbers->chunks[i] != NULL)
            rename_entries(ranks, numbers->chunks[i], chunks[i].row_count);
    rename_entries(ranks, numbers->members, numbers->member_count);
}

/* Sorts the numbers and renames all entries. */
static enum rc_status
rank(struct rc_numbers *numbers)
{
    struct rc_account *account = numbers->plan->context->account;
    const uint32_t all = numbers->number_count;
    if (all == 0)
        return RC_OK;
    RC_CLEANUP(rc_alloc_freep)
    struct rc_keyed *keyed = rc_alloc_in(account, 2 * (size_t)all * sizeof(*keyed));
    RC_CLEANUP(rc_alloc_freep) uint32_t *ranks = rc_alloc_in(account, all * sizeof(*ranks));
    RC_CLEANUP(rc_alloc_freep) double *ascending = rc_alloc_in(account, all * sizeof(*ascending));
    if (keyed == NULL || ranks == NULL || ascending == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < all; i++)
        keyed[i] = (struct rc_keyed){.key = key_of(numbers->numbers[i]), .value = i};
    rc_key_sort(keyed, keyed + all, all, 0);
    uint32_t count = 0;
    for (uint32_t i = 0; i < all; i++) {
        if (i == 0 || keyed[i].key != keyed[i - 1].key)
            ascending[count++] = numbers->numbers[keyed[i].value];
        ranks[keyed[i].value] = count - 1;
    }
    rename_tables(numbers, ranks);
    memcpy(numbers->numbers, ascending, count * sizeof(*ascending));
    numbers->number_count = count;
    return RC_OK;
}

/* Finds where the numbers of events are: the stored property of *name, or what it is derived from.
 */
static enum rc_status
find_source(struct rc_numbers *numbers, struct rc_bytes *name)
{
    const struct rc_query_context *context = numbers->plan->context;
    const struct rc_property_name property_name = {.scope = RC_LEAF_EVENT, .name = *name};
    RC_TRY(rc_derived_find(context->derived, &property_name, numbers->arena,
                           rc_query_uses(context, RC_CATALOG_PROPERTIES), &numbers->derivation,
                           NULL));
    if (numbers->derivation != NULL) {
        RC_TRY(rc_deriver_new(numbers->derivation, context->account, &numbers->deriver));
        *name = numbers->derivation->property;
    }
    return rc_made_column_open(numbers->derivation, rc_view_event_properties(context->view),
                               context->account, &numbers->made);
}

/* name: of the stored property that is read. */
static enum rc_status
build(struct rc_numbers *numbers, struct rc_bytes name)
{
    const struct rc_properties *properties = rc_view_event_properties(numbers->plan->context->view);
    uint32_t property = RC_PROPERTY_NONE;
    if (numbers->made.kind == RC_MADE_NONE)
        property = rc_properties_find(properties, name);
    if (property != RC_PROPERTY_NONE) {
        numbers->values = rc_properties_dictionary(properties, property);
        numbers->entry_of_code_count = rc_dictionary_count(numbers->values);
        numbers->entry_of_code = make_entries(numbers, numbers->entry_of_code_count, UNSET);
        if (numbers->entry_of_code == NULL)
            return RC_NO_MEMORY;
    }
    RC_TRY(resolve(numbers, property));
    return rank(numbers);
}

enum rc_status
rc_numbers_new(const struct rc_plan *plan,
               struct rc_bytes property,
               struct rc_numbers **ret_numbers)
{
    return rc_numbers_new_of_accounts(plan, (struct rc_bytes){NULL, 0}, property, 0, ret_numbers);
}

enum rc_status
rc_numbers_new_of_accounts(const struct rc_plan *plan,
                           struct rc_bytes account_key,
                           struct rc_bytes property,
                           int64_t as_of_ms,
                           struct rc_numbers **ret_numbers)
{
    RC_CLEANUP(rc_numbers_freep)
    struct rc_numbers *numbers = rc_alloc_in(plan->context->account, sizeof(*numbers));
    if (numbers == NULL)
        return RC_NO_MEMORY;
    memset(numbers, 0, sizeof(*numbers));
    numbers->plan = plan;
    numbers->arena = rc_arena_new(plan->context->account, 0);
    numbers->scratch = rc_arena_new(plan->context->account, 0);
    if (numbers->arena == NULL || numbers->scratch == NULL)
        return RC_NO_MEMORY;
    if (account_key.size == 0)
        RC_TRY(find_source(numbers, &property));
    else
        RC_TRY(rc_account_values_new(plan->context, account_key, property, as_of_ms,
                                     &numbers->accounts));
    RC_TRY(build(numbers, account_key.size == 0 ? property : account_key));
    *ret_numbers = RC_TAKE(numbers);
    return RC_OK;
}

uint32_t
rc_numbers_count(const struct rc_numbers *numbers)
{
    return numbers->number_count;
}

bool
rc_numbers_has_lists(const struct rc_numbers *numbers)
{
    return numbers->list_count > 0;
}

const double *
rc_numbers_all(const struct rc_numbers *numbers)
{
    return numbers->numbers;
}

const uint32_t *
rc_numbers_of_slab(const struct rc_numbers *numbers,
                   uint32_t slab,
                   const struct rc_column_view **ret_column)
{
    *ret_column = &numbers->slabs[slab].column;
    return numbers->slabs[slab].present ? numbers->slabs[slab].entries : NULL;
}

const uint32_t *
rc_numbers_list(const struct rc_numbers *numbers, const uint32_t *entry, uint32_t *ret_count)
{
    *ret_count = *entry != RC_NUMBER_NONE;
    if (*entry == RC_NUMBER_NONE || (*entry & RC_NUMBER_LIST) == 0)
        return entry;
    const struct number_list list = numbers->lists[*entry & ~RC_NUMBER_LIST];
    *ret_count = list.count;
    return numbers->members + list.begin;
}

const uint32_t *
rc_numbers_of(const struct rc_numbers *numbers, const struct rc_hit *hit, uint32_t *ret_count)
{
    *ret_count = 0;
    if ((hit->source & RC_SOURCE_CHUNK) != 0) {
        const uint32_t *entries = numbers->chunks[hit->source & ~RC_SOURCE_CHUNK];
        return entries == NULL ? NULL : rc_numbers_list(numbers, &entries[hit->row], ret_count);
    }
    const struct slab_numbers *slab = &numbers->slabs[hit->source];
    if (!slab->present)
        return NULL;
    const uint32_t code = rc_column_code(&slab->column, hit->row);
    return code == RC_CODE_NONE ? NULL : rc_numbers_list(numbers, &slab->entries[code], ret_count);
}
