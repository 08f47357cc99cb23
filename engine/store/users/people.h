/*
 * People: a project's users: their ids as sent (dense ordinals), the writes to their properties,
 * and who is joined with whom.
 *
 * Writes and aliases are logs that only grow: they are the truth, and a query as of an earlier time
 * reads them. The latest value per person is derived from them when a query first asks for a
 * property, and kept until writes or joins have passed it by.
 *
 * When users were deleted, people without them take their place (sweep/people_sweep.h); a view
 * keeps those it was taken with.
 *
 * Ownership: counted: rc_people_ref, rc_people_free. Owns all of it. Columns and persons are
 * counted. Threading: one writer appends; readers take columns and persons for published counts.
 * The derived state has a mutex of its own, held while a column is built.
 */
#ifndef RC_STORE_USERS_PEOPLE_H
#define RC_STORE_USERS_PEOPLE_H

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/store/dictionary/append_log.h"
#include "engine/store/dictionary/dictionary.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/users/persons.h"
#include "engine/store/users/user_codes.h"
#include "engine/store/value/cell.h"

struct rc_people;

/* One write of one property; of equal times the later in the log stands. */
struct rc_user_write {
    int64_t time_ms;
    rc_cell cell; /* 0 removes. */
    uint32_t user;
    uint32_t property;
};

/* How much of the logs a reader may see. */
struct rc_people_counts {
    uint32_t users;
    uint32_t writes;
    uint32_t aliases;
    uint32_t absent; /* Of users: ordinals that stand for nobody any more. */
};

RC_MUST_USE enum rc_status
rc_people_new(struct rc_account *account, struct rc_people **ret_people);

/* People to come in the place of others: nobody yet, and their properties. */
RC_MUST_USE enum rc_status
rc_people_new_after(const struct rc_people *before, struct rc_people **ret_people);

/* For such people, before anybody reads them. Takes the reference over. */
void
rc_people_set_properties(struct rc_people *people, struct rc_properties *properties);

struct rc_people *
rc_people_ref(struct rc_people *people);

/* Gives a reference back; the last one frees. */
struct rc_people *
rc_people_free(struct rc_people *people);

RC_DEFINE_CLEANUP(struct rc_people *, rc_people_free)

struct rc_dictionary *
rc_people_ids(const struct rc_people *people);

struct rc_properties *
rc_people_properties(const struct rc_people *people);

RC_MUST_USE enum rc_status
rc_people_add_write(struct rc_people *people, const struct rc_user_write *write);

RC_MUST_USE enum rc_status
rc_people_add_alias(struct rc_people *people, struct rc_alias alias);

/* Writer: takes back what was added since counts were published: ids are holes from now on. */
void
rc_people_take_back(struct rc_people *people, const struct rc_people_counts *counts);

/* The writer's counts, to be published. */
struct rc_people_counts
rc_people_get_counts(const struct rc_people *people);

const struct rc_append_log *
rc_people_writes(const struct rc_people *people);

const struct rc_append_log *
rc_people_aliases(const struct rc_people *people);

/* Joins of the first counts->aliases aliases; *ret_persons is a reference, NULL without joins. */
RC_MUST_USE enum rc_status
rc_people_persons(struct rc_people *people,
                  const struct rc_people_counts *counts,
                  struct rc_persons **ret_persons);

/* A property's latest value per person. */
struct rc_user_column;

struct rc_user_column *
rc_user_column_unref(struct rc_user_column *column);

/* counts->users cells, by person; null of ordinals that are no person. */
const rc_cell *
rc_user_column_cells(const struct rc_user_column *column);

/* The same as codes; NULL: there are too many values, or the column is one query's alone. */
const struct rc_user_codes *
rc_user_column_codes(const struct rc_user_column *column);

/* The column of a property over the first counts->writes writes with time <= as_of_ms. */
RC_MUST_USE enum rc_status
rc_people_column(struct rc_people *people,
                 const struct rc_people_counts *counts,
                 const struct rc_persons *persons,
                 uint32_t property,
                 int64_t as_of_ms,
                 struct rc_user_column **ret_column);

#endif
