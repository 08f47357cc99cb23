/*
 * Candidates. Each says of the event what kind of thing happened, what it happened to (an element,
 * a text, a property) and where (a page, a host). The whats and the wheres are made once, and every
 * pair of them is a candidate.
 *
 * Rank: fewer leaves are simpler; then a page is said less exactly; then the what that comes first
 * here. Of what is said of an element, that comes first which lasts longest when a page is changed.
 */
#include "engine/query/suggest/candidates.h"

#include "engine/base/assert.h"
#include "engine/match/css/element_selectors.h"
#include "engine/query/suggest/page_pattern.h"

#define PROPERTIES_MAX 16u
#define LEAVES_MAX 5u /* The type, two of a what, two of a where. */
#define WHATS_MAX (2u + PROPERTIES_MAX)
#define WHERES_MAX 6u

struct piece {
    uint32_t leaf_count;
    const struct rc_predicate *leaves[2];
    struct rc_bytes label; /* " on button#buy" */
};

struct making {
    const struct rc_facts *facts;
    struct rc_arena *arena;
    struct piece type;
    uint32_t what_count;
    struct piece whats[WHATS_MAX];
    uint32_t where_count;
    struct piece wheres[WHERES_MAX];
};

/* ---- Leaves and labels ----------------------------------------------------------------------- */

static enum rc_status
add_leaf(struct making *making,
         enum rc_leaf_operator
         operator,
         struct rc_bytes property,
         struct rc_value value,
         struct piece *piece)
{
    struct rc_predicate *leaf = rc_arena_zero(making->arena, sizeof(*leaf));
    struct rc_value *values = RC_ARENA_ARRAY(making->arena, struct rc_value, 1);
    if (leaf == NULL || values == NULL)
        return RC_NO_MEMORY;
    values[0] = value;
    leaf->kind = RC_PREDICATE_LEAF;
    leaf->leaf = (struct rc_leaf){.scope = RC_LEAF_EVENT,
                                  .operator= operator,
                                  .property = property,
                                  .value_count = 1,
                                  .values = values};
    piece->leaves[piece->leaf_count++] = leaf;
    return RC_OK;
}

static void
put(struct rc_writer *writer, const char *text)
{
    rc_write_raw(writer, text, strlen(text));
}

static void
put_value(struct rc_writer *writer, struct rc_value value)
{
    char number[32];
    if (value.kind == RC_VALUE_STRING)
        rc_write_raw(writer, value.string.data, value.string.size);
    else if (value.kind == RC_VALUE_BOOL)
        put(writer, value.boolean ? "true" : "false");
    else
        rc_write_raw(writer, number, rc_number_text(value, number));
}

/* Takes what was written as a label, cut behind a whole character if it is too long. */
static enum rc_status
take_label(struct rc_writer *writer, struct rc_arena *arena, struct rc_bytes *ret_label)
{
    static const struct rc_bytes more = RC_BYTES_LITERAL("…");
    size_t size = writer->size;
    if (size > RC_SUGGEST_LABEL_BYTES_MAX) {
        size = RC_SUGGEST_LABEL_BYTES_MAX - more.size;
        while (!writer->failed && (writer->data[size] & 0xc0) == 0x80)
            size--;
        writer->size = size;
        rc_write_raw(writer, more.data, more.size);
    }
    const char *data =
        writer->failed ? NULL : rc_arena_string(arena, (const char *)writer->data, writer->size);
    if (data == NULL)
        return RC_NO_MEMORY;
    *ret_label = (struct rc_bytes){data, writer->size};
    return RC_OK;
}

static enum rc_status
set_label(struct making *making, const char *before, struct rc_value value, struct piece *piece)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    put(&writer, before);
    put_value(&writer, value);
    return take_label(&writer, making->arena, &piece->label);
}

/* ---- What it happened to --------------------------------------------------------------------- */

static enum rc_status
add_selector(struct making *making,
             struct rc_bytes selector,
             const char *before,
             struct rc_bytes shown)
{
    if (selector.size == 0)
        return RC_OK;
    struct piece *piece = &making->whats[making->what_count++];
    RC_TRY(add_leaf(making, RC_LEAF_CSS, making->facts->known[RC_FACT_CHAIN].name,
                    rc_value_string(selector), piece));
    return set_label(making, before, rc_value_string(shown), piece);
}

/* The text, of the element that a piece is about; NULL: of any. */
static enum rc_status
add_text(struct making *making, const struct piece *element)
{
    const struct rc_known *text = &making->facts->known[RC_FACT_TEXT];
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    if (text->name.size == 0)
        return RC_OK;
    struct piece *piece = &making->whats[making->what_count++];
    if (element != NULL) {
        *piece = *element;
        rc_write_raw(&writer, piece->label.data, piece->label.size);
    }
    put(&writer, element != NULL ? " \"" : " on \"");
    put_value(&writer, text->value);
    put(&writer, "\"");
    RC_TRY(add_leaf(making, RC_LEAF_IN, text->name, text->value, piece));
    return take_label(&writer, making->arena, &piece->label);
}

static enum rc_status
add_element(struct making *making, const struct rc_element_selectors *selectors)
{
    const struct piece *best = &making->whats[making->what_count];
    RC_TRY(add_selector(making, selectors->mark, " on ", selectors->mark));
    if (selectors->button_is_leaf)
        RC_TRY(add_selector(making, selectors->leaf, " on ", selectors->leaf));
    RC_TRY(add_selector(making, selectors->button_with_all, " in ", selectors->button));
    if (!selectors->button_is_leaf)
        RC_TRY(add_selector(making, selectors->leaf, " on ", selectors->leaf));
    RC_TRY(add_text(making, NULL));
    RC_TRY(add_selector(making, selectors->path, " on ", selectors->path));
    return add_text(making, best);
}

static bool
is_fact(const struct rc_facts *facts, struct rc_bytes name)
{
    for (uint32_t fact = 0; fact < RC_FACTS; fact++) {
        if (rc_bytes_equal(facts->known[fact].name, name))
            return true;
    }
    return false;
}

static enum rc_status
add_properties(struct making *making, struct rc_error *reterr_error)
{
    const struct rc_event *event = making->facts->event;
    const uint32_t most = making->what_count + PROPERTIES_MAX;
    for (uint32_t i = 0; i < event->property_count && making->what_count < most; i++) {
        const struct rc_bytes name = event->properties[i].name;
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        struct rc_value value;
        RC_TRY(rc_facts_value(making->facts, name, &value, reterr_error));
        const bool usable = value.kind == RC_VALUE_BOOL ||
                            (value.kind == RC_VALUE_STRING && value.string.size > 0 &&
                             value.string.size <= RC_SUGGEST_TEXT_BYTES_MAX);
        if (!usable || is_fact(making->facts, name))
            continue;
        struct piece *piece = &making->whats[making->what_count++];
        put(&writer, " with ");
        rc_write_raw(&writer, name.data, name.size);
        put(&writer, " = ");
        put_value(&writer, value);
        RC_TRY_OR(reterr_error, add_leaf(making, RC_LEAF_IN, name, value, piece));
        RC_TRY_OR(reterr_error, take_label(&writer, making->arena, &piece->label));
    }
    return RC_OK;
}

/* ---- Where it happened ----------------------------------------------------------------------- */

/* How a page, or a host, is asked for: a property with this value, or else an expression over the
 * property that the address is in. */
static enum rc_status
add_place(struct making *making,
          const struct rc_known *known,
          struct rc_bytes address,
          struct rc_bytes body,
          enum rc_page_end end,
          struct piece *piece)
{
    struct rc_bytes regex;
    if (known != NULL)
        return add_leaf(making, RC_LEAF_IN, known->name, known->value, piece);
    RC_TRY(rc_page_regex(body, end, making->arena, &regex));
    if (regex.size > RC_PATTERN_BYTES_MAX)
        return RC_OK;
    return add_leaf(making, RC_LEAF_REGEX, address, rc_value_string(regex), piece);
}

static const struct rc_known *
if_known(const struct rc_known *known)
{
    return known->name.size > 0 ? known : NULL;
}

static enum rc_status
make_page(struct making *making, bool *ret_of_url, struct piece *folded, struct piece *exact)
{
    const struct rc_facts *facts = making->facts;
    const struct rc_known *path = if_known(&facts->known[RC_FACT_PATH]);
    const struct rc_known *address = path != NULL ? path : &facts->known[RC_FACT_URL];
    const enum rc_page_end end = path != NULL ? RC_PAGE_END_TEXT : RC_PAGE_END_PAGE;
    const struct rc_known *page = path != NULL ? path : if_known(&facts->parts[RC_PAGE_PATH]);
    const struct rc_known *folder = if_known(&facts->parts[RC_PAGE_FOLDED]);
    struct rc_bytes shown, body;
    bool found;
    if (address->name.size == 0)
        return RC_OK;
    *ret_of_url = path == NULL;
    const struct rc_bytes text =
        path != NULL ? path->value.string : rc_page_of_url(address->value.string);
    if (text.size == 0)
        return RC_OK;
    RC_TRY(rc_page_quote(text, making->arena, &body));
    RC_TRY(add_place(making, page, address->name, body, end, exact));
    RC_TRY(set_label(making, " at ", page != NULL ? page->value : rc_value_string(text), exact));
    RC_TRY(rc_page_folded(text, making->arena, &found, &shown, &body));
    if (!found)
        return RC_OK;
    RC_TRY(add_place(making, folder, address->name, body, end, folded));
    return set_label(making, " at ", folder != NULL ? folder->value : rc_value_string(shown),
                     folded);
}

static enum rc_status
make_host(struct making *making, struct piece *host)
{
    const struct rc_facts *facts = making->facts;
    const struct rc_known *known = if_known(&facts->known[RC_FACT_HOST]);
    const struct rc_known *url = if_known(&facts->known[RC_FACT_URL]);
    struct rc_bytes body;
    if (known == NULL)
        known = if_known(&facts->parts[RC_PAGE_HOST]);
    if (known != NULL) {
        RC_TRY(add_leaf(making, RC_LEAF_IN, known->name, known->value, host));
        return set_label(making, " of ", known->value, host);
    }
    const struct rc_bytes origin =
        url == NULL ? (struct rc_bytes){NULL, 0} : rc_origin_of_url(url->value.string);
    if (origin.size == 0)
        return RC_OK;
    RC_TRY(rc_page_quote(origin, making->arena, &body));
    RC_TRY(add_place(making, NULL, url->name, body, RC_PAGE_END_ORIGIN, host));
    return set_label(making, " of ", rc_value_string(origin), host);
}

static enum rc_status
add_where(struct making *making, const struct piece *page, const struct piece *host)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct piece *piece = &making->wheres[making->where_count++];
    *piece = *page;
    if (host == NULL)
        return RC_OK;
    piece->leaves[piece->leaf_count++] = host->leaves[0];
    rc_write_raw(&writer, page->label.data, page->label.size);
    rc_write_raw(&writer, host->label.data, host->label.size);
    return take_label(&writer, making->arena, &piece->label);
}

/* Whether a host says something beside the page: an expression over a URL names its own. */
static bool
goes_with_host(const struct piece *page, bool of_url)
{
    return page->leaf_count > 0 && !(of_url && page->leaves[0]->leaf.operator== RC_LEAF_REGEX);
}

static enum rc_status
make_wheres(struct making *making, bool with_host)
{
    struct piece exact = {0}, folded = {0}, host = {0};
    bool of_url = false;
    RC_TRY(make_page(making, &of_url, &folded, &exact));
    if (with_host && exact.leaf_count > 0)
        RC_TRY(make_host(making, &host));
    making->where_count = 1; /* Anywhere. */
    if (host.leaf_count > 0)
        RC_TRY(add_where(making, &host, NULL));
    if (folded.leaf_count > 0)
        RC_TRY(add_where(making, &folded, NULL));
    if (exact.leaf_count > 0)
        RC_TRY(add_where(making, &exact, NULL));
    if (host.leaf_count > 0 && goes_with_host(&folded, of_url))
        RC_TRY(add_where(making, &folded, &host));
    if (host.leaf_count > 0 && goes_with_host(&exact, of_url))
        RC_TRY(add_where(making, &exact, &host));
    return RC_OK;
}

/* ---- Together -------------------------------------------------------------------------------- */

static enum rc_status
add_candidate(const struct making *making,
              uint32_t what,
              uint32_t where,
              struct rc_candidates *candidates)
{
    const struct piece *const pieces[] = {&making->type, &making->whats[what],
                                          &making->wheres[where]};
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct rc_predicate *all = rc_arena_zero(making->arena, sizeof(*all));
    const struct rc_predicate **leaves =
        RC_ARENA_ARRAY(making->arena, const struct rc_predicate *, LEAVES_MAX);
    if (all == NULL || leaves == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < pieces[i]->leaf_count; k++)
            leaves[all->child_count++] = pieces[i]->leaves[k];
        rc_write_raw(&writer, pieces[i]->label.data, pieces[i]->label.size);
    }
    if (all->child_count == 0)
        return RC_OK; /* Any event: says nothing. */
    RC_ASSERT(candidates->count < RC_SUGGESTIONS_MAX);
    struct rc_candidate *one = &candidates->all[candidates->count++];
    all->kind = RC_PREDICATE_ALL_OF;
    all->children = leaves;
    one->predicate = all->child_count == 1 ? leaves[0] : all;
    one->rank = all->child_count << 16 | where << 8 | what;
    return take_label(&writer, making->arena, &one->label);
}

static enum rc_status
make_pieces(struct making *making, struct rc_error *reterr_error)
{
    const struct rc_facts *facts = making->facts;
    const struct rc_known *type = if_known(&facts->known[RC_FACT_TYPE]);
    const struct rc_known *chain = if_known(&facts->known[RC_FACT_CHAIN]);
    struct rc_element_selectors selectors = {0};
    making->type.label = RC_BYTES_LITERAL("event");
    making->what_count = 1; /* Anything. */
    if (type != NULL) {
        RC_TRY_OR(reterr_error,
                  add_leaf(making, RC_LEAF_IN, type->name, type->value, &making->type));
        RC_TRY_OR(reterr_error, set_label(making, "", type->value, &making->type));
    }
    if (chain != NULL)
        RC_TRY_OR(reterr_error,
                  rc_element_selectors_of(chain->value.string, making->arena, &selectors));
    const bool with_element = selectors.leaf.size > 0;
    RC_TRY_OR(reterr_error, make_wheres(making, !with_element));
    if (with_element) {
        RC_TRY_OR(reterr_error, add_element(making, &selectors));
        return RC_OK;
    }
    RC_TRY_OR(reterr_error, add_text(making, NULL));
    return making->where_count == 1 ? add_properties(making, reterr_error) : RC_OK;
}

enum rc_status
rc_candidates_make(const struct rc_facts *facts,
                   struct rc_candidates *ret_candidates,
                   struct rc_error *reterr_error)
{
    struct rc_arena *arena = facts->context->arena;
    struct making *making = rc_arena_zero(arena, sizeof(*making));
    if (making == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for suggestions");
    making->facts = facts;
    making->arena = arena;
    RC_TRY(make_pieces(making, reterr_error));
    ret_candidates->count = 0;
    for (uint32_t where = 0; where < making->where_count; where++)
        for (uint32_t what = 0; what < making->what_count; what++)
            RC_TRY_OR(reterr_error, add_candidate(making, what, where, ret_candidates));
    return RC_OK;
}
