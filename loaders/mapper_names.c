/*
 * What a name means, in this order: a root is an object, not a property; a member of the event root
 * is an event property, one of the user root a user property; a field of the record is a user
 * property if [user] set names it, an event property if `include` names it or if nothing else uses
 * it and others are kept. `exclude` takes event properties away; `include`, when given, is all
 * there is.
 *
 * The number of different names is bounded, so that an archive whose keys are data cannot take all
 * the memory: beyond the bound the row is refused by the server's own limit anyway.
 */
#include "loaders/mapper_names.h"

#include "engine/base/alloc.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "loaders/mapper.h"

#define TABLE_CAPACITY_FIRST 256

bool
rc_mapper_names_init(struct rc_mapper_names *names,
                     const struct rc_mapping *mapping,
                     struct rc_pack *pack)
{
    *names = (struct rc_mapper_names){.mapping = mapping, .pack = pack};
    names->before = &names->first;
    names->arena = rc_arena_new(NULL, 0);
    names->table = rc_alloc_zero(TABLE_CAPACITY_FIRST * sizeof(struct rc_field_entry *));
    names->table_capacity = TABLE_CAPACITY_FIRST;
    return names->arena != NULL && names->table != NULL;
}

void
rc_mapper_names_close(struct rc_mapper_names *names)
{
    rc_arena_free(names->arena);
    rc_alloc_free(names->table);
}

static bool
pattern_matches(const struct rc_mapping_field *pattern, struct rc_bytes name, uint32_t root)
{
    if (pattern->root != root)
        return false;
    const size_t size = pattern->name.size;
    if (size > 0 && pattern->name.data[size - 1] == '*')
        return name.size >= size - 1 &&
               (size == 1 || memcmp(pattern->name.data, name.data, size - 1) == 0);
    return rc_bytes_equal(pattern->name, name);
}

static bool
list_has(const struct rc_mapping_list *list, struct rc_bytes name, uint32_t root)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (pattern_matches(&list->items[i], name, root))
            return true;
    return false;
}

static const struct rc_mapping_rule *
rule_of(const struct rc_mapping_rules *rules, struct rc_bytes name, uint32_t root)
{
    for (uint32_t i = 0; i < rules->count; i++)
        if (rules->items[i].field.root == root && rc_bytes_equal(rules->items[i].field.name, name))
            return &rules->items[i];
    return NULL;
}

static uint32_t
slot_find(const struct rc_mapping *mapping, struct rc_bytes name, uint32_t root)
{
    for (uint32_t i = 0; i < mapping->slot_count; i++)
        if (mapping->slots[i].field.root == root &&
            rc_bytes_equal(mapping->slots[i].field.name, name))
            return i;
    return RC_ENTRY_NO_SLOT;
}

static bool
sources_have(const struct rc_mapping_sources *sources, uint32_t slot)
{
    for (uint32_t i = 0; i < sources->count; i++)
        for (uint32_t k = 0; k < sources->items[i].slot_count; k++)
            if (sources->items[i].slots[k] == slot)
                return true;
    return false;
}

#define ROW_ANY (RC_ROW_EVENT | RC_ROW_USER | RC_ROW_ALIAS | RC_ROW_ACCOUNT)

/* Which kinds of rows may have the field in this slot; 0 when it has no part in any. */
static uint32_t
slot_kinds(const struct rc_mapping *mapping, uint32_t slot)
{
    uint32_t kinds = 0;
    if (slot == RC_ENTRY_NO_SLOT)
        return 0;
    if (sources_have(&mapping->user, slot) || sources_have(&mapping->time, slot))
        kinds |= RC_ROW_EVENT | RC_ROW_USER;
    const bool has_time = mapping->account_time.count > 0;
    if (mapping->account_when.set &&
        (mapping->account_when.slot == slot || sources_have(&mapping->account_id, slot) ||
         sources_have(&mapping->account_key_in, slot) ||
         sources_have(has_time ? &mapping->account_time : &mapping->time, slot)))
        kinds |= RC_ROW_ACCOUNT;
    if (sources_have(&mapping->id, slot))
        kinds |= RC_ROW_EVENT;
    if (sources_have(&mapping->user_time, slot) ||
        (mapping->user_when.set && mapping->user_when.slot == slot))
        kinds |= RC_ROW_USER;
    if (mapping->alias_when.set &&
        (mapping->alias_when.slot == slot || sources_have(&mapping->alias_from, slot) ||
         sources_have(&mapping->alias_to, slot)))
        kinds |= RC_ROW_ALIAS;
    if (mapping->event_when.set && mapping->event_when.slot == slot)
        kinds |= ROW_ANY;
    for (uint32_t i = 0; i < mapping->skip_count; i++)
        if (mapping->skips[i].slot == slot)
            kinds |= ROW_ANY;
    return kinds;
}

static bool
may_be_in_event(const struct rc_mapping *mapping, const struct rc_field_entry *entry)
{
    return mapping->others != RC_OTHERS_REJECT || (entry->belongs & RC_ROW_EVENT) != 0;
}

/* Fills what the mapping says about entry->name. */
static enum rc_status
entry_decide(const struct rc_mapper_names *names, struct rc_field_entry *entry)
{
    const struct rc_mapping *mapping = names->mapping;
    const struct rc_bytes name = entry->name;
    const uint32_t root = entry->root;
    entry->slot = slot_find(mapping, name, root);
    entry->belongs = slot_kinds(mapping, entry->slot);
    for (uint32_t r = 1; r < RC_FIELD_ROOTS_MAX && root == 0; r++) {
        if (mapping->roots[r].size > 0 && rc_bytes_equal(mapping->roots[r], name)) {
            entry->is_root = true;
            entry->belongs |= r == 1 ? RC_ROW_EVENT
                                     : (mapping->user_root ? RC_ROW_USER : 0U) |
                                           (mapping->account_root ? RC_ROW_ACCOUNT : 0U);
            entry->is_idle = may_be_in_event(mapping, entry);
            return RC_OK;
        }
    }
    const bool consumed = entry->slot != RC_ENTRY_NO_SLOT && mapping->slots[entry->slot].consumed;
    const bool of_user =
        (root == 2 && mapping->user_root) || list_has(&mapping->user_set, name, root);
    const bool of_account =
        (root == 2 && mapping->account_root) || list_has(&mapping->account_set, name, root);
    const bool set = of_user || of_account;
    const bool open = root == 1 || (root == 0 && mapping->others == RC_OTHERS_KEEP);
    const bool named = list_has(&mapping->include, name, root);
    const bool kept = named || (mapping->include.count == 0 && open && !consumed && !of_user);
    const bool is_event = kept && !list_has(&mapping->exclude, name, root);
    entry->is_unknown =
        root == 0 && mapping->others == RC_OTHERS_REJECT && !set && !named && entry->belongs == 0;
    entry->belongs |= (is_event || root == 1 ? RC_ROW_EVENT : 0U) | (of_user ? RC_ROW_USER : 0U) |
                      (of_account ? RC_ROW_ACCOUNT : 0U);
    const struct rc_mapping_rule *rename = rule_of(&mapping->rename, name, root);
    const struct rc_mapping_rule *type = rule_of(&mapping->types, name, root);
    const struct rc_bytes property = rename == NULL ? name : rename->name;
    entry->type = type == NULL ? RC_TYPE_AUTO : type->type;
    if (mapping->format == RC_MAPPING_NDJSON && type == NULL)
        entry->type = RC_TYPE_TEXT; /* JSON has types of its own. */
    entry->name_is_wrong =
        (is_event || set) && (property.size == 0 || property.size > RC_PROPERTY_NAME_BYTES_MAX);
    if (entry->name_is_wrong)
        return RC_OK;
    entry->is_plain = is_event && !set && entry->type == RC_TYPE_TEXT;
    entry->echoes = entry->is_plain && entry->slot == RC_ENTRY_NO_SLOT;
    if (is_event)
        RC_TRY(rc_pack_column_find(names->pack, RC_PACK_EVENTS, property, &entry->event_column));
    if (of_user)
        RC_TRY(rc_pack_column_find(names->pack, RC_PACK_USER_PROPERTIES, property,
                                   &entry->user_column));
    if (of_account)
        RC_TRY(rc_pack_column_find(names->pack, RC_PACK_ACCOUNT_PROPERTIES, property,
                                   &entry->account_column));
    entry->is_idle = !is_event && !set && may_be_in_event(mapping, entry);
    return RC_OK;
}

static uint64_t
name_hash(struct rc_bytes name, uint32_t root)
{
    return rc_hash_seeded(name.data, name.size, root);
}

static enum rc_status
table_grow(struct rc_mapper_names *names)
{
    if (2 * (names->count + 1) <= names->table_capacity)
        return RC_OK;
    const size_t capacity = 2 * names->table_capacity;
    struct rc_field_entry **table = rc_alloc_zero(capacity * sizeof(*table));
    if (table == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; i < names->table_capacity; i++) {
        struct rc_field_entry *entry = names->table[i];
        if (entry == NULL)
            continue;
        size_t at = name_hash(entry->name, entry->root) & (capacity - 1);
        while (table[at] != NULL)
            at = (at + 1) & (capacity - 1);
        table[at] = entry;
    }
    rc_alloc_free(names->table);
    names->table = table;
    names->table_capacity = capacity;
    return RC_OK;
}

struct rc_field_entry *
rc_mapper_names_find(struct rc_mapper_names *names, struct rc_bytes name, uint32_t root)
{
    if (table_grow(names) != RC_OK)
        return NULL;
    size_t at = name_hash(name, root) & (names->table_capacity - 1);
    for (; names->table[at] != NULL; at = (at + 1) & (names->table_capacity - 1))
        if (names->table[at]->root == root && rc_bytes_equal(names->table[at]->name, name))
            return names->table[at];
    struct rc_field_entry *entry = rc_arena_zero(names->arena, sizeof(*entry));
    const char *copy = rc_arena_copy(names->arena, name.data, name.size);
    if (entry == NULL || copy == NULL)
        return NULL;
    *entry = (struct rc_field_entry){.name = {copy, name.size},
                                     .root = root,
                                     .event_column = RC_ENTRY_NO_COLUMN,
                                     .user_column = RC_ENTRY_NO_COLUMN,
                                     .account_column = RC_ENTRY_NO_COLUMN};
    if (entry_decide(names, entry) != RC_OK)
        return NULL;
    names->table[at] = entry;
    names->count++;
    return entry;
}
