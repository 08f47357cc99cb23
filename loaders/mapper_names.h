/*
 * Mapper names: what the mapping says about each field name that occurs, worked out once.
 *
 * A row has two dozen names and the next row has nearly the same ones in nearly the same order. So
 * each name knows which one followed it last time, and a lookup is mostly one comparison.
 *
 * Ownership: the names own their entries, which never move. The mapping and the pack are borrowed.
 * Threading: one thread at a time.
 */
#ifndef RC_LOADERS_MAPPER_NAMES_H
#define RC_LOADERS_MAPPER_NAMES_H

#include "engine/base/status.h"
#include "loaders/mapping.h"
#include "loaders/pack.h"

#define RC_ENTRY_NO_COLUMN UINT32_MAX
#define RC_ENTRY_NO_SLOT UINT32_MAX

struct rc_field_entry {
    struct rc_bytes name;
    uint32_t root;
    uint32_t slot;         /* Of the mapping, or RC_ENTRY_NO_SLOT. */
    uint32_t event_column; /* Of the pack, or RC_ENTRY_NO_COLUMN. */
    uint32_t user_column;
    uint32_t account_column;
    enum rc_mapping_type type;
    uint32_t belongs;   /* RC_ROW_ bits of the rows that may have it, when others are rejected. */
    bool is_plain;      /* An event property and nothing else, taken as it is. */
    bool echoes;        /* Plain, and no slot's. */
    bool is_idle;       /* No property, which is fine in an event. */
    bool is_unknown;    /* The mapping rejects it. */
    bool is_root;       /* It must be an object. */
    bool name_is_wrong; /* As a property: too long or empty. */
    struct rc_field_entry *next; /* What followed it last time. */
};

struct rc_mapper_names {
    const struct rc_mapping *mapping;
    struct rc_pack *pack;
    struct rc_arena *arena;
    struct rc_field_entry **table; /* Open addressing. */
    size_t table_capacity;
    size_t count;
    struct rc_field_entry *before; /* The entry looked up last. */
    struct rc_field_entry first;   /* Stands before the first field of a record. */
};

/* false: no memory. */
bool
rc_mapper_names_init(struct rc_mapper_names *names,
                     const struct rc_mapping *mapping,
                     struct rc_pack *pack);

void
rc_mapper_names_close(struct rc_mapper_names *names);

/* Call before the first field of a record. */
static inline void
rc_mapper_names_restart(struct rc_mapper_names *names)
{
    names->before = &names->first;
}

/* The slow way: looks a name up and makes it known. NULL when memory was refused. */
struct rc_field_entry *
rc_mapper_names_find(struct rc_mapper_names *names, struct rc_bytes name, uint32_t root);

/* The entry of a name; NULL when memory was refused. */
static inline struct rc_field_entry *
rc_mapper_names_get(struct rc_mapper_names *names, struct rc_bytes name, uint32_t root)
{
    struct rc_field_entry *guess = names->before->next;
    if (guess == NULL || guess->root != root || guess->name.size != name.size ||
        !rc_bytes_match(guess->name.data, name.data, name.size)) {
        guess = rc_mapper_names_find(names, name, root);
        names->before->next = guess;
        if (guess == NULL)
            return NULL;
    }
    names->before = guess;
    return guess;
}

#endif
