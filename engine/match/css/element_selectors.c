/*
 * Element selectors. The elements that matter are few (what is near to the click), so the chain is
 * read into an array of them first, and then each selector is written.
 *
 * A link or a button is an element a or button, or one with that role. A mark of the button itself
 * makes no selector of its own for a click inside of it: "a#buy span" says less than "a#buy, a#buy
 * *".
 */
#include "engine/match/css/element_selectors.h"

#include "engine/base/limits.h"
#include "engine/match/css/css_syntax.h"
#include "engine/match/css/element_chain.h"

#define ELEMENTS_MAX 32u /* From the click up; pages are seldom deeper. */
#define CLASSES_MAX 8u
#define ATTRIBUTES_MAX 32u /* Of an element. */
#define PATH_ELEMENTS 3u
#define TEXT_BYTES_MAX RC_SUGGEST_TEXT_BYTES_MAX

/* Marks, the best first. */
enum mark_rank { MARK_ID, MARK_DATA, MARK_NAME, MARK_LABEL, MARK_HREF, MARK_NONE };

struct element {
    struct rc_bytes tag; /* In lower case; empty: none. */
    uint32_t class_count;
    struct rc_bytes classes[CLASSES_MAX]; /* By bytes. */
    enum mark_rank rank;
    bool has_id;              /* Ids behind the first are no marks. */
    bool has_class_attribute; /* Which then says what the classes are. */
    struct rc_bytes mark_name;
    struct rc_bytes mark_value; /* Of MARK_ID the id. */
    struct rc_bytes role;       /* "button" or "link", else empty. */
    uint32_t attribute_count;
    struct rc_bytes attributes[ATTRIBUTES_MAX]; /* Names, as far as they matter. */
};

struct chain {
    struct rc_arena *arena;
    uint32_t count;
    struct element elements[ELEMENTS_MAX];
};

/* ---- Reading --------------------------------------------------------------------------------- */

/* Whether a text says something about elements like this one. */
static bool
is_telling(struct rc_bytes text)
{
    if (text.size == 0 || text.size > TEXT_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9')
            return false;
    }
    return true;
}

static enum rc_status
copy(struct rc_arena *arena, struct rc_bytes text, bool lower, struct rc_bytes *ret_copy)
{
    char *data = rc_arena_string(arena, text.data, text.size);
    if (data == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; lower && i < text.size; i++)
        data[i] = rc_css_lower(data[i]);
    *ret_copy = (struct rc_bytes){data, text.size};
    return RC_OK;
}

/* Keeps the least by bytes, so that the order in which a chain has them does not matter. */
static enum rc_status
add_class(struct rc_arena *arena, struct rc_bytes name, struct element *element)
{
    uint32_t place = 0;
    struct rc_bytes kept;
    int order = 1;
    while (place < element->class_count &&
           (order = rc_bytes_compare(element->classes[place], name)) < 0)
        place++;
    if (!is_telling(name) || place == CLASSES_MAX || order == 0)
        return RC_OK;
    RC_TRY(copy(arena, name, false, &kept));
    element->class_count += element->class_count < CLASSES_MAX;
    for (uint32_t i = element->class_count - 1; i > place; i--)
        element->classes[i] = element->classes[i - 1];
    element->classes[place] = kept;
    return RC_OK;
}

static enum rc_status
add_classes(struct rc_arena *arena, struct rc_bytes value, struct element *element)
{
    if (element->has_class_attribute)
        return RC_OK;
    element->has_class_attribute = true;
    element->class_count = 0;
    for (size_t i = 0; i < value.size;) {
        size_t end = i;
        while (end < value.size && !rc_css_is_space(value.data[end]))
            end++;
        RC_TRY(add_class(arena, (struct rc_bytes){value.data + i, end - i}, element));
        i = end + 1;
    }
    return RC_OK;
}

static enum mark_rank
rank_of(struct rc_bytes name)
{
    if (name.size > 5 && memcmp(name.data, "data-", 5) == 0)
        return MARK_DATA;
    if (rc_bytes_equal(name, RC_BYTES_LITERAL("name")))
        return MARK_NAME;
    if (rc_bytes_equal(name, RC_BYTES_LITERAL("aria-label")))
        return MARK_LABEL;
    return rc_bytes_equal(name, RC_BYTES_LITERAL("href")) ? MARK_HREF : MARK_NONE;
}

static enum rc_status
add_mark(struct rc_arena *arena,
         enum mark_rank rank,
         struct rc_bytes name,
         struct rc_bytes value,
         struct element *element)
{
    if (rank >= element->rank || !is_telling(value))
        return RC_OK;
    element->rank = rank;
    element->mark_name = name;
    return copy(arena, value, false, &element->mark_value);
}

static enum rc_status
add_id(struct rc_arena *arena, struct rc_bytes id, struct element *element)
{
    if (element->has_id)
        return RC_OK;
    element->has_id = true;
    return add_mark(arena, MARK_ID, (struct rc_bytes){NULL, 0}, id, element);
}

/* Of attributes of one name the first counts. */
static enum rc_status
add_attribute(struct rc_arena *arena, const struct rc_element_part *part, struct element *element)
{
    struct rc_bytes name;
    if (part->name.size > TEXT_BYTES_MAX || element->attribute_count == ATTRIBUTES_MAX)
        return RC_OK;
    RC_TRY(copy(arena, part->name, true, &name));
    if (rc_bytes_equal(name, RC_BYTES_LITERAL("id")))
        return add_id(arena, part->value, element);
    if (rc_bytes_equal(name, RC_BYTES_LITERAL("class")))
        return add_classes(arena, part->value, element);
    for (uint32_t i = 0; i < element->attribute_count; i++) {
        if (rc_bytes_equal(element->attributes[i], name))
            return RC_OK;
    }
    element->attributes[element->attribute_count++] = name;
    if (rc_bytes_equal(name, RC_BYTES_LITERAL("role"))) {
        if (rc_bytes_equal(part->value, RC_BYTES_LITERAL("button")))
            element->role = RC_BYTES_LITERAL("button");
        if (rc_bytes_equal(part->value, RC_BYTES_LITERAL("link")))
            element->role = RC_BYTES_LITERAL("link");
    }
    return add_mark(arena, rank_of(name), name, part->value, element);
}

static enum rc_status
add_part(struct rc_arena *arena, const struct rc_element_part *part, struct element *element)
{
    switch (part->kind) {
    case RC_ELEMENT_TAG:
        return part->name.size > TEXT_BYTES_MAX ? RC_OK
                                                : copy(arena, part->name, true, &element->tag);
    case RC_ELEMENT_ID:
        return add_id(arena, part->name, element);
    case RC_ELEMENT_CLASS:
        return element->has_class_attribute ? RC_OK : add_class(arena, part->name, element);
    case RC_ELEMENT_ATTRIBUTE:
        return add_attribute(arena, part, element);
    default:
        return RC_OK;
    }
}

static enum rc_status
read_chain(struct rc_bytes text, struct chain *chain)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct rc_element_reader reader = rc_element_reader_of(text);
    struct element element = {.rank = MARK_NONE};
    while (chain->count < ELEMENTS_MAX) {
        const struct rc_element_part part = rc_element_next(&reader, &writer);
        if (writer.failed)
            return RC_NO_MEMORY;
        if (part.kind == RC_ELEMENT_BROKEN)
            break;
        if (part.kind == RC_ELEMENT_END) {
            chain->elements[chain->count++] = element;
            element = (struct element){.rank = MARK_NONE};
        } else {
            RC_TRY(add_part(chain->arena, &part, &element));
        }
    }
    return RC_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void
put(struct rc_writer *writer, const char *text)
{
    rc_write_raw(writer, text, strlen(text));
}

static void
put_attribute(struct rc_writer *writer, struct rc_bytes name, struct rc_bytes value)
{
    put(writer, "[");
    rc_css_write_name(writer, name);
    put(writer, "=");
    rc_css_write_string(writer, value);
    put(writer, "]");
}

static void
put_element(struct rc_writer *writer, const struct element *element)
{
    rc_css_write_name(writer, element->tag);
    if (element->tag.size == 0 && element->class_count == 0)
        put(writer, "*");
    for (uint32_t i = 0; i < element->class_count; i++) {
        put(writer, ".");
        rc_css_write_name(writer, element->classes[i]);
    }
}

static void
put_mark(struct rc_writer *writer, const struct element *element)
{
    rc_css_write_name(writer, element->tag);
    if (element->rank != MARK_ID) {
        put_attribute(writer, element->mark_name, element->mark_value);
        return;
    }
    put(writer, "#");
    rc_css_write_name(writer, element->mark_value);
}

static bool
is_named(const struct element *element, const char *tag)
{
    return rc_bytes_equal(element->tag, rc_bytes_of(tag));
}

static bool
is_button(const struct element *element)
{
    return is_named(element, "a") || is_named(element, "button") || element->role.size > 0;
}

static void
put_button(struct rc_writer *writer, const struct element *element)
{
    if (element->rank != MARK_NONE) {
        put_mark(writer, element);
        return;
    }
    put_element(writer, element);
    if (!is_named(element, "a") && !is_named(element, "button"))
        put_attribute(writer, RC_BYTES_LITERAL("role"), element->role);
}

/* Takes what was written as a selector. */
static enum rc_status
take(struct rc_writer *writer, struct rc_arena *arena, struct rc_bytes *ret_selector)
{
    if (writer->failed)
        return RC_NO_MEMORY;
    if (writer->size <= RC_PATTERN_BYTES_MAX) {
        const char *data = rc_arena_string(arena, (const char *)writer->data, writer->size);
        if (data == NULL)
            return RC_NO_MEMORY;
        *ret_selector = (struct rc_bytes){data, writer->size};
    }
    writer->size = 0;
    return RC_OK;
}

static enum rc_status
write_path(const struct chain *chain, struct rc_writer *writer, struct rc_bytes *ret_selector)
{
    if (chain->count < 2)
        return RC_OK;
    for (uint32_t i = chain->count < PATH_ELEMENTS ? chain->count : PATH_ELEMENTS; i-- > 0;) {
        put_element(writer, &chain->elements[i]);
        put(writer, i > 0 ? " > " : "");
    }
    return take(writer, chain->arena, ret_selector);
}

static enum rc_status
write_button(const struct chain *chain,
             uint32_t button,
             struct rc_writer *writer,
             struct rc_element_selectors *selectors)
{
    if (button == chain->count)
        return RC_OK;
    selectors->button_is_leaf = button == 0;
    put_button(writer, &chain->elements[button]);
    RC_TRY(take(writer, chain->arena, &selectors->button));
    put_button(writer, &chain->elements[button]);
    put(writer, ", ");
    put_button(writer, &chain->elements[button]);
    put(writer, " *");
    return take(writer, chain->arena, &selectors->button_with_all);
}

static enum rc_status
write_mark(const struct chain *chain,
           uint32_t button,
           struct rc_writer *writer,
           struct rc_bytes *ret_selector)
{
    uint32_t marked = 0;
    while (marked < chain->count && chain->elements[marked].rank == MARK_NONE)
        marked++;
    if (marked == chain->count || (marked == button && marked > 0))
        return RC_OK;
    put_mark(writer, &chain->elements[marked]);
    if (marked > 0) {
        put(writer, " ");
        put_element(writer, &chain->elements[0]);
    }
    return take(writer, chain->arena, ret_selector);
}

enum rc_status
rc_element_selectors_of(struct rc_bytes text,
                        struct rc_arena *arena,
                        struct rc_element_selectors *ret_selectors)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct rc_element_selectors selectors = {0};
    struct chain *chain = rc_arena_zero(arena, sizeof(*chain));
    if (chain == NULL)
        return RC_NO_MEMORY;
    chain->arena = arena;
    RC_TRY(read_chain(text, chain));
    if (chain->count > 0) {
        uint32_t button = 0;
        while (button < chain->count && !is_button(&chain->elements[button]))
            button++;
        put_element(&writer, &chain->elements[0]);
        RC_TRY(take(&writer, arena, &selectors.leaf));
        RC_TRY(write_path(chain, &writer, &selectors.path));
        RC_TRY(write_mark(chain, button, &writer, &selectors.mark));
        RC_TRY(write_button(chain, button, &writer, &selectors));
    }
    *ret_selectors = selectors;
    return RC_OK;
}
