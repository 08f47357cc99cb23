/* Groups, inside: shared by groups.c and groups_build.c and nobody else. */
#ifndef RC_QUERY_SPLIT_GROUPS_FORM_H
#define RC_QUERY_SPLIT_GROUPS_FORM_H

#include "engine/match/derived/derive.h"
#include "engine/match/derived/made_column.h"
#include "engine/query/split/groups.h"
#include "engine/query/split/text_groups.h"

#define RC_GROUP_CACHE_SLOTS 4096u

/* A head's text that is a part, before it is numbered. Lists are far fewer. */
#define RC_GROUP_PART (RC_GROUP_UNSET - 1)

struct rc_group_list {
    uint32_t begin; /* In members. */
    uint32_t count;
};

struct rc_slab_groups {
    bool present; /* The slab has the column. */
    bool derived; /* It is of what is derived already. */
    struct rc_column_view column;
    uint32_t *sets; /* By local code. */
};

struct rc_groups {
    const struct rc_plan *plan;
    bool reads_stored;                  /* A derived property of the name is not meant. */
    bool may_part;                      /* Values may be in parts, */
    bool in_parts;                      /* and those of texts are. */
    struct rc_arena *arena;             /* Tables. */
    struct rc_arena *scratch;           /* Elements of a list, while it is resolved. */
    const struct rc_dictionary *values; /* Of the property; NULL: no such property. */
    const struct rc_derivation
        *derivation;            /* What the values come from; NULL: they are the property's. */
    struct rc_made_column made; /* Where the rows' values are not stored, */
    struct rc_made_columns *made_columns; /* and what it makes of slabs. */
    struct rc_made_column texts_made;     /* What is derived of texts, where that is kept, */
    struct rc_made_columns *derived;      /* by slab. */
    struct rc_deriver *deriver;
    struct rc_derive_scratch derive;
    struct rc_dictionary *groups; /* Of all values but most texts of slabs. */
    struct rc_text_groups *texts; /* Of these; NULL: none. */
    struct rc_text_parts parts;   /* Or these, if they are in parts. */
    struct rc_text_source *text_sources;
    uint32_t text_source_count;
    uint32_t null_group;
    uint32_t *set_of_code; /* By code of values. */
    uint32_t set_of_code_count;
    const struct rc_dictionary *head_texts; /* Of the head resolved last, */
    uint32_t *set_of_head_text;             /* and by code of them. */
    uint32_t head_text_count;
    struct rc_slab_groups *slabs; /* By index in the view. */
    uint32_t **chunks;            /* By index in the view: a set a row; NULL: all null. */
    uint32_t *persons;            /* User breakdown: a set a person. */
    struct rc_group_list *lists;
    size_t list_capacity;
    uint32_t list_count;
    uint32_t *members;
    size_t member_capacity;
    uint32_t member_count;
    rc_cell cache_cells[RC_GROUP_CACHE_SLOTS];
    uint32_t cache_sets[RC_GROUP_CACHE_SLOTS];
};

/* Numbers all values and fills the tables. groups is zero but for its plan. */
RC_MUST_USE enum rc_status
rc_groups_build(struct rc_groups *groups, const struct rc_breakdown *breakdown, int64_t as_of_ms);

/* Decides whether texts are in parts; those of slabs are known. */
void
rc_groups_decide_parts(struct rc_groups *groups);

/* Numbers the parts when all other groups are known, and puts them where RC_GROUP_UNSET, or in
 * chunks RC_GROUP_PART, stands. */
RC_MUST_USE enum rc_status
rc_groups_number_parts(struct rc_groups *groups, uint32_t property);

/* The set of a value of the property that groups is over. */
RC_MUST_USE enum rc_status
rc_groups_set_of_cell(struct rc_groups *groups, rc_cell cell, uint32_t *ret_set);

/* The values that are stored of an event property, whatever derived one has its name. */
RC_MUST_USE enum rc_status
rc_groups_new_stored(const struct rc_plan *plan,
                     struct rc_bytes property,
                     struct rc_groups **ret_groups);

/* Fills the tables of groups over a property of the accounts that events name in account_key. */
RC_MUST_USE enum rc_status
rc_groups_build_accounts(struct rc_groups *groups,
                         struct rc_bytes account_key,
                         uint32_t property,
                         int64_t as_of_ms);

#endif
