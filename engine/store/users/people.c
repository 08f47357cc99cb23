/*
 * People. A column is built by one pass over the log of writes; when only writes were added since
 * it was built, the new one starts as its copy and reads only those.
 *
 * Why one log for all properties: a row of user properties writes several at once, the log is read
 * whole only when a query first meets a property, and a checkpoint writes it as it is.
 */
#include "engine/store/users/people.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "engine/base/assert.h"

struct rc_user_column {
    _Atomic(uint32_t) references;
    uint32_t property;
    uint32_t user_count;
    uint32_t write_count; /* Of the log, read so far. */
    uint32_t alias_count; /* The joins that it is folded by. */
    int64_t time_max_ms;  /* Of all writes of the property that it saw: good for any later as_of. */
    rc_cell *cells;
    int64_t *times_ms;           /* Of the write that stands; INT64_MIN: none. */
    struct rc_user_codes *codes; /* NULL: see rc_user_column_codes. */
};

struct rc_people {
    _Atomic(uint32_t) references;
    struct rc_account *account;
    struct rc_dictionary *ids;
    struct rc_properties *properties;
    struct rc_append_log writes;
    struct rc_append_log aliases;

    pthread_mutex_t lock; /* Of what follows: the derived state. */
    struct rc_persons *persons;
    uint32_t persons_alias_count;
    struct rc_user_column **columns; /* By property; NULL: not asked for yet. */
    size_t column_capacity;
};

/* Without ids and properties. */
static struct rc_people *
people_alloc(struct rc_account *account)
{
    struct rc_people *people = rc_alloc_in(account, sizeof(*people));
    if (people == NULL)
        return NULL;
    memset(people, 0, sizeof(*people));
    atomic_init(&people->references, 1);
    people->account = account;
    pthread_mutex_init(&people->lock, NULL);
    rc_append_log_open(&people->writes, account, sizeof(struct rc_user_write));
    rc_append_log_open(&people->aliases, account, sizeof(struct rc_alias));
    return people;
}

enum rc_status
rc_people_new(struct rc_account *account, struct rc_people **ret_people)
{
    RC_CLEANUP(rc_people_freep) struct rc_people *people = people_alloc(account);
    if (people == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_dictionary_new(account, &people->ids));
    RC_TRY(rc_properties_new(account, &people->properties));
    *ret_people = RC_TAKE(people);
    return RC_OK;
}

enum rc_status
rc_people_new_after(const struct rc_people *before, struct rc_people **ret_people)
{
    RC_CLEANUP(rc_people_freep) struct rc_people *people = people_alloc(before->account);
    if (people == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_dictionary_new_after(before->ids, &people->ids));
    people->properties = rc_properties_ref(before->properties);
    *ret_people = RC_TAKE(people);
    return RC_OK;
}

void
rc_people_set_properties(struct rc_people *people, struct rc_properties *properties)
{
    rc_properties_free(people->properties);
    people->properties = properties;
}

struct rc_people *
rc_people_ref(struct rc_people *people)
{
    atomic_fetch_add_explicit(&people->references, 1, memory_order_relaxed);
    return people;
}

struct rc_people *
rc_people_free(struct rc_people *people)
{
    if (people == NULL ||
        atomic_fetch_sub_explicit(&people->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    for (size_t i = 0; i < people->column_capacity; i++)
        rc_user_column_unref(people->columns[i]);
    rc_alloc_free(people->columns);
    rc_persons_unref(people->persons);
    rc_append_log_close(&people->writes);
    rc_append_log_close(&people->aliases);
    rc_dictionary_free(people->ids);
    rc_properties_free(people->properties);
    pthread_mutex_destroy(&people->lock);
    return rc_alloc_free(people);
}

struct rc_dictionary *
rc_people_ids(const struct rc_people *people)
{
    return people->ids;
}

struct rc_properties *
rc_people_properties(const struct rc_people *people)
{
    return people->properties;
}

const struct rc_append_log *
rc_people_writes(const struct rc_people *people)
{
    return &people->writes;
}

const struct rc_append_log *
rc_people_aliases(const struct rc_people *people)
{
    return &people->aliases;
}

enum rc_status
rc_people_add_write(struct rc_people *people, const struct rc_user_write *write)
{
    RC_ASSERT(write->user < rc_dictionary_count(people->ids));
    return rc_append_log_add(&people->writes, write);
}

enum rc_status
rc_people_add_alias(struct rc_people *people, struct rc_alias alias)
{
    const uint32_t count = rc_dictionary_count(people->ids);
    RC_ASSERT(alias.a < count && alias.b < count);
    return alias.a == alias.b ? RC_OK : rc_append_log_add(&people->aliases, &alias);
}

void
rc_people_take_back(struct rc_people *people, const struct rc_people_counts *counts)
{
    rc_dictionary_withdraw(people->ids, counts->users);
    rc_append_log_cut(&people->writes, counts->writes);
    rc_append_log_cut(&people->aliases, counts->aliases);
}

struct rc_people_counts
rc_people_get_counts(const struct rc_people *people)
{
    return (struct rc_people_counts){
        .users = rc_dictionary_count(people->ids),
        .writes = people->writes.count,
        .aliases = people->aliases.count,
        .absent = rc_dictionary_count(people->ids) - rc_dictionary_entry_count(people->ids),
    };
}

static enum rc_status
build_persons(struct rc_people *people,
              const struct rc_people_counts *counts,
              struct rc_persons **ret_persons)
{
    RC_CLEANUP(rc_alloc_freep)
    struct rc_alias *aliases = rc_alloc_in(people->account, counts->aliases * sizeof(aliases[0]));
    if (aliases == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0, run = 0; i < counts->aliases; i += run) {
        const void *part = rc_append_log_run(&people->aliases, i, counts->aliases, &run);
        memcpy(aliases + i, part, run * sizeof(aliases[0]));
    }
    return rc_persons_build(aliases, counts->aliases, counts->users, people->account, ret_persons);
}

enum rc_status
rc_people_persons(struct rc_people *people,
                  const struct rc_people_counts *counts,
                  struct rc_persons **ret_persons)
{
    if (counts->aliases == 0) {
        *ret_persons = NULL;
        return RC_OK;
    }
    enum rc_status status = RC_OK;
    pthread_mutex_lock(&people->lock);
    if (people->persons != NULL && people->persons_alias_count == counts->aliases) {
        *ret_persons = rc_persons_ref(people->persons);
    } else {
        struct rc_persons *built = NULL;
        status = build_persons(people, counts, &built);
        if (status == RC_OK) {
            if (people->persons_alias_count < counts->aliases) {
                rc_persons_unref(people->persons);
                people->persons = rc_persons_ref(built);
                people->persons_alias_count = counts->aliases;
            }
            *ret_persons = built;
        }
    }
    pthread_mutex_unlock(&people->lock);
    return status;
}

struct rc_user_column *
rc_user_column_unref(struct rc_user_column *column)
{
    if (column == NULL ||
        atomic_fetch_sub_explicit(&column->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    rc_alloc_free(column->cells);
    rc_alloc_free(column->times_ms);
    rc_alloc_free(column->codes);
    return rc_alloc_free(column);
}

RC_DEFINE_CLEANUP(struct rc_user_column *, rc_user_column_unref)

const rc_cell *
rc_user_column_cells(const struct rc_user_column *column)
{
    return column->cells;
}

const struct rc_user_codes *
rc_user_column_codes(const struct rc_user_column *column)
{
    return column->codes;
}

/* An empty column, or one that begins as a copy of base. */
static enum rc_status
column_new(struct rc_people *people,
           uint32_t property,
           const struct rc_people_counts *counts,
           const struct rc_user_column *base,
           struct rc_user_column **ret_column)
{
    RC_CLEANUP(rc_user_column_unrefp)
    struct rc_user_column *column = rc_alloc_in(people->account, sizeof(*column));
    if (column == NULL)
        return RC_NO_MEMORY;
    *column = (struct rc_user_column){
        .property = property,
        .user_count = counts->users,
        .write_count = base == NULL ? 0 : base->write_count,
        .alias_count = counts->aliases,
        .time_max_ms = base == NULL ? INT64_MIN : base->time_max_ms,
    };
    atomic_init(&column->references, 1);
    column->cells = rc_alloc_in(people->account, counts->users * sizeof(column->cells[0]));
    column->times_ms = rc_alloc_in(people->account, counts->users * sizeof(column->times_ms[0]));
    if (column->cells == NULL || column->times_ms == NULL)
        return RC_NO_MEMORY;
    const uint32_t copied = base == NULL ? 0 : base->user_count;
    RC_ASSERT(copied <= counts->users);
    if (copied > 0) {
        memcpy(column->cells, base->cells, copied * sizeof(column->cells[0]));
        memcpy(column->times_ms, base->times_ms, copied * sizeof(column->times_ms[0]));
    }
    for (uint32_t user = copied; user < counts->users; user++) {
        column->cells[user] = 0;
        column->times_ms[user] = INT64_MIN;
    }
    *ret_column = RC_TAKE(column);
    return RC_OK;
}

/* Reads the log from column->write_count up to counts->writes. */
static void
column_extend(const struct rc_people *people,
              const struct rc_people_counts *counts,
              const struct rc_persons *persons,
              int64_t as_of_ms,
              struct rc_user_column *column)
{
    for (uint32_t i = column->write_count, run = 0; i < counts->writes; i += run) {
        const struct rc_user_write *writes =
            rc_append_log_run(&people->writes, i, counts->writes, &run);
        for (uint32_t k = 0; k < run; k++) {
            if (writes[k].property != column->property)
                continue;
            const int64_t time_ms = writes[k].time_ms;
            if (time_ms > column->time_max_ms)
                column->time_max_ms = time_ms;
            const uint32_t person =
                persons == NULL ? writes[k].user : rc_persons_of(persons, writes[k].user);
            if (time_ms > as_of_ms || time_ms < column->times_ms[person])
                continue;
            column->times_ms[person] = time_ms;
            column->cells[person] = writes[k].cell;
            if (column->codes != NULL && !rc_user_codes_set(column->codes, person, writes[k].cell))
                column->codes = rc_alloc_free(column->codes);
        }
    }
    column->write_count = counts->writes;
}

/* Makes the kept column one over counts, whatever the time of its writes. Called with the lock
 * held. */
static enum rc_status
refresh_column(struct rc_people *people,
               const struct rc_people_counts *counts,
               const struct rc_persons *persons,
               uint32_t property)
{
    const size_t before = people->column_capacity;
    RC_TRY(RC_GROW_IN(people->account, people->columns, people->column_capacity,
                      (size_t)property + 1));
    for (size_t i = before; i < people->column_capacity; i++)
        people->columns[i] = NULL;
    struct rc_user_column *kept = people->columns[property];
    const bool usable = kept != NULL && kept->alias_count == counts->aliases &&
                        kept->write_count <= counts->writes && kept->user_count <= counts->users;
    if (usable && kept->write_count == counts->writes && kept->user_count == counts->users)
        return RC_OK;
    struct rc_user_column *fresh = NULL;
    RC_TRY(column_new(people, property, counts, usable ? kept : NULL, &fresh));
    if (!usable || kept->codes != NULL) /* Refused memory is no harm. */
        fresh->codes = rc_user_codes_new(counts->users, usable ? kept->codes : NULL,
                                         usable ? kept->user_count : 0, people->account);
    column_extend(people, counts, persons, INT64_MAX, fresh);
    rc_user_column_unref(kept);
    people->columns[property] = fresh;
    return RC_OK;
}

enum rc_status
rc_people_column(struct rc_people *people,
                 const struct rc_people_counts *counts,
                 const struct rc_persons *persons,
                 uint32_t property,
                 int64_t as_of_ms,
                 struct rc_user_column **ret_column)
{
    pthread_mutex_lock(&people->lock);
    enum rc_status status = refresh_column(people, counts, persons, property);
    struct rc_user_column *column = NULL;
    if (status == RC_OK) {
        column = people->columns[property];
        atomic_fetch_add_explicit(&column->references, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&people->lock);
    if (status == RC_OK && as_of_ms < column->time_max_ms) {
        /* Some writes are later than the query looks: read the log for this query alone. */
        rc_user_column_unref(column);
        status = column_new(people, property, counts, NULL, &column);
        if (status == RC_OK)
            column_extend(people, counts, persons, as_of_ms, column);
    }
    if (status == RC_OK)
        *ret_column = column;
    return status;
}
