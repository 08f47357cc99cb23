/* Lists are cut at commas and trimmed; arrays that grow are copied within the arena. */
#include "loaders/mapping_value.h"

#include <string.h>

#include "loaders/text_value.h"

static const char *
no_memory(struct rc_mapping *mapping)
{
    mapping->no_memory = true;
    return "there is no memory";
}

struct rc_bytes
rc_mapping_keep(struct rc_mapping *mapping, const char *text)
{
    const size_t size = strlen(text);
    const char *copy = rc_arena_string(mapping->arena, text, size);
    mapping->no_memory = mapping->no_memory || copy == NULL;
    return copy == NULL ? RC_BYTES_LITERAL("") : (struct rc_bytes){copy, size};
}

static struct rc_bytes
trim(struct rc_bytes text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct rc_bytes){text.data + 1, text.size - 1};
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* Takes the part of *rest before the first separator away from it, trimmed. */
static struct rc_bytes
part_take(struct rc_bytes *rest, char separator)
{
    const char *stop = memchr(rest->data, separator, rest->size);
    const size_t size = stop == NULL ? rest->size : (size_t)(stop - rest->data);
    const struct rc_bytes part = {rest->data, size};
    const size_t used = stop == NULL ? size : size + 1;
    *rest = (struct rc_bytes){rest->data + used, rest->size - used};
    return trim(part);
}

static uint32_t
part_count(struct rc_bytes text)
{
    uint32_t count = 1;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == ',';
    return count;
}

const char *
rc_mapping_read_texts(struct rc_mapping *mapping,
                      const char *value,
                      struct rc_bytes **ret_texts,
                      uint32_t *ret_count)
{
    struct rc_bytes rest = rc_mapping_keep(mapping, value);
    uint32_t count = part_count(rest);
    struct rc_bytes *texts = RC_ARENA_ARRAY(mapping->arena, struct rc_bytes, count);
    if (texts == NULL)
        return no_memory(mapping);
    for (uint32_t i = 0; i < count; i++)
        texts[i] = part_take(&rest, ',');
    if (count > 1 && texts[count - 1].size == 0)
        count--; /* A comma at the end: the list may go on in another line. */
    *ret_texts = texts;
    *ret_count = count;
    return NULL;
}

/* "properties.a" with the root "properties" is its member a; a field without such a root is of the
 * record. text must live as long as the mapping. */
static struct rc_mapping_field
field_of(const struct rc_mapping *mapping, struct rc_bytes text)
{
    for (uint32_t root = 1; root < RC_FIELD_ROOTS_MAX; root++) {
        const struct rc_bytes name = mapping->roots[root];
        if (name.size > 0 && text.size > name.size + 1 && text.data[name.size] == '.' &&
            memcmp(text.data, name.data, name.size) == 0)
            return (struct rc_mapping_field){
                root, {text.data + name.size + 1, text.size - name.size - 1}};
    }
    return (struct rc_mapping_field){0, text};
}

const char *
rc_mapping_read_fields(struct rc_mapping *mapping, const char *value, struct rc_mapping_list *list)
{
    struct rc_bytes *texts;
    uint32_t count;
    const char *failure = rc_mapping_read_texts(mapping, value, &texts, &count);
    if (failure != NULL)
        return failure;
    struct rc_mapping_field *items =
        RC_ARENA_ARRAY(mapping->arena, struct rc_mapping_field, list->count + count);
    if (items == NULL)
        return no_memory(mapping);
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof(*items));
    list->items = items; /* Before the first failure: later lines of a bad mapping are read too. */
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].size == 0)
            return "a name between the commas is missing";
        items[list->count++] = field_of(mapping, texts[i]);
    }
    return NULL;
}

/* The slot of a field, new or known; RC_MAPPING_SLOTS_MAX when there are too many. */
static uint32_t
slot_of(struct rc_mapping *mapping, struct rc_bytes text, bool consumed)
{
    const struct rc_mapping_field field = field_of(mapping, text);
    uint32_t slot = 0;
    while (slot < mapping->slot_count &&
           (mapping->slots[slot].field.root != field.root ||
            !rc_bytes_equal(mapping->slots[slot].field.name, field.name)))
        slot++;
    if (slot == RC_MAPPING_SLOTS_MAX)
        return slot;
    if (slot == mapping->slot_count) {
        mapping->slots[slot].field = field;
        mapping->slot_count++;
    }
    mapping->slots[slot].consumed = mapping->slots[slot].consumed || consumed;
    return slot;
}

static const char *
hash_fields_read(struct rc_mapping *mapping,
                 struct rc_bytes names,
                 struct rc_mapping_source *source)
{
    source->kind = RC_SOURCE_HASH_FIELDS;
    while (names.size > 0) {
        const struct rc_bytes name = part_take(&names, '+');
        if (name.size == 0 || source->slot_count == 8)
            return "hash() takes 1 to 8 names with + between them";
        source->slots[source->slot_count] = slot_of(mapping, name, false);
        if (source->slots[source->slot_count++] == RC_MAPPING_SLOTS_MAX)
            return "the mapping names too many fields";
    }
    return source->slot_count > 0 ? NULL : "hash() takes 1 to 8 names with + between them";
}

static const char *
source_read(struct rc_mapping *mapping,
            struct rc_bytes text,
            bool hashes_allowed,
            bool consumed,
            struct rc_mapping_source *source)
{
    const bool is_row = rc_bytes_equal(text, RC_BYTES_LITERAL("hash-of-row"));
    const bool is_offset = rc_bytes_equal(text, RC_BYTES_LITERAL("line-hash+offset"));
    const bool is_fields =
        text.size > 6 && memcmp(text.data, "hash(", 5) == 0 && text.data[text.size - 1] == ')';
    if ((is_row || is_offset || is_fields) && !hashes_allowed)
        return "a hash cannot stand here";
    if (text.size == 0)
        return "a name between the commas is missing";
    if (is_row || is_offset) {
        source->kind = is_row ? RC_SOURCE_HASH_ROW : RC_SOURCE_HASH_OFFSET;
        return NULL;
    }
    if (is_fields)
        return hash_fields_read(mapping, (struct rc_bytes){text.data + 5, text.size - 6}, source);
    source->kind = RC_SOURCE_FIELD;
    source->slot_count = 1;
    if (text.size > 3 && text.data[text.size - 1] == ']' && text.data[text.size - 3] == '[') {
        const uint32_t element = (uint32_t)(text.data[text.size - 2] - '0');
        if (element > 9)
            return "an element of a list is written name[0] to name[9]";
        source->is_element = true;
        source->element = element;
        text.size -= 3;
    }
    source->slots[0] = slot_of(mapping, text, consumed);
    return source->slots[0] < RC_MAPPING_SLOTS_MAX ? NULL : "the mapping names too many fields";
}

const char *
rc_mapping_read_sources(struct rc_mapping *mapping,
                        const char *value,
                        bool hashes_allowed,
                        struct rc_mapping_sources *sources)
{
    struct rc_bytes *texts;
    uint32_t count;
    const char *failure = rc_mapping_read_texts(mapping, value, &texts, &count);
    for (uint32_t i = 0; i < count && failure == NULL; i++) {
        if (sources->count == RC_MAPPING_SOURCES_MAX)
            return "there are more than 8 alternatives";
        struct rc_mapping_source source = {0};
        failure = source_read(mapping, texts[i], hashes_allowed, !sources->shared, &source);
        if (failure == NULL)
            sources->items[sources->count++] = source;
    }
    return failure;
}

const char *
rc_mapping_read_test(struct rc_mapping *mapping,
                     const char *value,
                     struct rc_mapping_test *ret_test)
{
    struct rc_mapping_test test = {.set = true};
    struct rc_bytes rest = rc_mapping_keep(mapping, value);
    if (rest.size > 0 && rest.data[0] == '!') {
        test.negated = true;
        rest = (struct rc_bytes){rest.data + 1, rest.size - 1};
    }
    const bool compares = memchr(rest.data, '=', rest.size) != NULL;
    struct rc_bytes name = part_take(&rest, '=');
    if (compares && name.size > 0 && name.data[name.size - 1] == '!') {
        test.negated = !test.negated;
        name.size--;
        name = trim(name);
    }
    if (name.size == 0)
        return "a test is: field, !field, field = a, b or field != a, b";
    test.slot = slot_of(mapping, name, false);
    if (test.slot == RC_MAPPING_SLOTS_MAX)
        return "the mapping names too many fields";
    if (compares) {
        struct rc_bytes *values;
        const char *failure = rc_mapping_read_texts(mapping, rest.data, &values, &test.value_count);
        if (failure != NULL)
            return failure;
        test.values = values;
    }
    *ret_test = test;
    return NULL;
}

/* A new rule at the end; NULL when memory was refused. */
static struct rc_mapping_rule *
rule_add(struct rc_mapping *mapping, struct rc_mapping_rules *rules)
{
    struct rc_mapping_rule *items =
        RC_ARENA_ARRAY(mapping->arena, struct rc_mapping_rule, rules->count + 1);
    if (items == NULL)
        return NULL;
    if (rules->count > 0)
        memcpy(items, rules->items, rules->count * sizeof(*items));
    rules->items = items;
    return &items[rules->count++];
}

const char *
rc_mapping_read_constant(struct rc_mapping *mapping, const char *name, const char *value)
{
    struct rc_mapping_rule *rule = rule_add(mapping, &mapping->constants);
    if (rule == NULL)
        return no_memory(mapping);
    rule->name = rc_mapping_keep(mapping, name);
    rule->value =
        (struct rc_field_value){.type = RC_FIELD_TEXT, .text = rc_mapping_keep(mapping, value)};
    rc_text_value_convert(&rule->value, RC_TYPE_AUTO);
    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
        rc_text_value_convert(&rule->value, RC_TYPE_BOOLEAN);
    return NULL;
}

const char *
rc_mapping_read_rename(struct rc_mapping *mapping, const char *name, const char *value)
{
    struct rc_mapping_rule *rule = rule_add(mapping, &mapping->rename);
    if (rule == NULL)
        return no_memory(mapping);
    if (*value == '\0')
        return "the new name is missing";
    rule->field = field_of(mapping, rc_mapping_keep(mapping, name));
    rule->name = rc_mapping_keep(mapping, value);
    return NULL;
}

const char *
rc_mapping_read_type(struct rc_mapping *mapping, const char *name, const char *value)
{
    static const char *const names[] = {[RC_TYPE_AUTO] = "auto",
                                        [RC_TYPE_TEXT] = "text",
                                        [RC_TYPE_NUMBER] = "number",
                                        [RC_TYPE_BOOLEAN] = "boolean"};
    struct rc_mapping_rule *rule = rule_add(mapping, &mapping->types);
    if (rule == NULL)
        return no_memory(mapping);
    rule->field = field_of(mapping, rc_mapping_keep(mapping, name));
    for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(value, names[i]) == 0) {
            rule->type = i;
            return NULL;
        }
    }
    return "a type is auto, text, number or boolean";
}

const char *
rc_mapping_read_skip(struct rc_mapping *mapping, const char *name, const char *value)
{
    (void)name;
    struct rc_mapping_test *skips =
        RC_ARENA_ARRAY(mapping->arena, struct rc_mapping_test, mapping->skip_count + 1);
    if (skips == NULL)
        return no_memory(mapping);
    if (mapping->skip_count > 0)
        memcpy(skips, mapping->skips, mapping->skip_count * sizeof(*skips));
    mapping->skips = skips;
    return rc_mapping_read_test(mapping, value, &skips[mapping->skip_count++]);
}
