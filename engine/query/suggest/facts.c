/*
 * Facts. A name is read as a leaf reads it: first among the derived properties, then among what was
 * stored; a derived property is computed for this one event.
 *
 * Which derived properties are a part of the page is seen from what they do: one that folds the ids
 * of the path does the steps of what the path's name means and then that one.
 */
#include "engine/query/suggest/facts.h"

#include "engine/match/derived/derived.h"
#include "engine/query/list/event_columns.h"
#include "engine/query/list/event_read.h"

#define NAMES 3u

/* What the sample archive calls them, and PostHog. */
static const char *const standard_names[RC_FACTS][NAMES] = {
    [RC_FACT_TYPE] = {"type", "event"},
    [RC_FACT_CHAIN] = {"element_chain", "elements_chain", "$elements_chain"},
    [RC_FACT_TEXT] = {"text", "target_text", "$el_text"},
    [RC_FACT_PATH] = {"path", "$pathname"},
    [RC_FACT_URL] = {"url", "$current_url"},
    [RC_FACT_HOST] = {"host", "$host"},
};

/* What a name of an event's property means; NULL: what is stored. */
static enum rc_status
find_meaning(const struct rc_query_context *context,
             struct rc_bytes name,
             struct rc_arena *arena,
             const struct rc_derivation **ret_derivation,
             struct rc_error *reterr_error)
{
    const struct rc_property_name property = {.scope = RC_LEAF_EVENT, .name = name};
    return rc_derived_find(context->derived, &property, arena, NULL, ret_derivation, reterr_error);
}

enum rc_status
rc_facts_value(const struct rc_facts *facts,
               struct rc_bytes name,
               struct rc_value *ret_value,
               struct rc_error *reterr_error)
{
    struct rc_arena *arena = facts->context->arena;
    const struct rc_event *event = facts->event;
    const struct rc_derivation *derivation;
    RC_TRY(find_meaning(facts->context, name, arena, &derivation, reterr_error));
    if (derivation == NULL) {
        *ret_value = rc_event_stored_value(event, name);
        return RC_OK;
    }
    RC_CLEANUP(rc_row_deriver_freep) struct rc_row_deriver *deriver = NULL;
    RC_TRY_OR(reterr_error,
              rc_row_deriver_new(derivation, facts->context->account, arena, &deriver));
    RC_TRY_OR(reterr_error, rc_event_derive(deriver, event, arena, ret_value));
    return RC_OK;
}

/* Whether a value says enough, and not too much, to ask other events for it. */
static bool
is_usable(enum rc_fact fact, struct rc_value value)
{
    switch (value.kind) {
    case RC_VALUE_STRING:
        return value.string.size > 0 &&
               (fact == RC_FACT_CHAIN || value.string.size <= RC_SUGGEST_TEXT_BYTES_MAX);
    case RC_VALUE_INT:
    case RC_VALUE_DOUBLE:
        return fact == RC_FACT_TYPE || fact == RC_FACT_TEXT;
    case RC_VALUE_BOOL:
        return fact == RC_FACT_TYPE;
    default:
        return false;
    }
}

/* Takes the name if the event has a value of it. */
static enum rc_status
take(struct rc_facts *facts,
     enum rc_fact fact,
     struct rc_bytes name,
     struct rc_known *known,
     struct rc_error *reterr_error)
{
    struct rc_value value;
    RC_TRY(rc_facts_value(facts, name, &value, reterr_error));
    if (value.kind == RC_VALUE_LIST && value.item_count > 0)
        value = rc_value_string(value.items[0]);
    if (is_usable(fact, value))
        *known = (struct rc_known){.name = name, .value = value};
    return RC_OK;
}

/* ---- Parts of the page that have a name ------------------------------------------------------ */

/* The stored form of what a name means, with more steps behind it. */
static enum rc_status
write_meaning(const struct rc_facts *facts,
              struct rc_bytes name,
              const struct rc_derive_step *steps,
              uint32_t count,
              struct rc_arena *arena,
              struct rc_writer *writer,
              struct rc_error *reterr_error)
{
    const struct rc_derivation *derivation;
    RC_TRY(find_meaning(facts->context, name, arena, &derivation, reterr_error));
    const uint32_t before = derivation == NULL ? 0 : derivation->step_count;
    struct rc_derive_step *all = RC_ARENA_ARRAY(arena, struct rc_derive_step, before + count + 1);
    if (all == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    for (uint32_t i = 0; i < before + count; i++)
        all[i] = i < before ? derivation->steps[i] : steps[i - before];
    struct rc_derivation meaning = {.source = RC_DERIVATION_EVENT, .property = name};
    if (derivation != NULL)
        meaning = *derivation;
    meaning.step_count = before + count;
    meaning.steps = all;
    writer->size = 0;
    rc_derivation_write(writer, &meaning);
    return writer->failed
               ? rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY))
               : RC_OK;
}

static bool
is_same(const struct rc_writer *a, const struct rc_writer *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* The first derived property, by name, that means the same. */
static enum rc_status
find_part(struct rc_facts *facts,
          struct rc_bytes name,
          const struct rc_derive_step *steps,
          uint32_t count,
          struct rc_known *part,
          struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer wanted = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer one = {0};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(facts->context->account, 0);
    const struct rc_catalog *derived = facts->context->derived;
    if (scratch == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    RC_TRY(write_meaning(facts, name, steps, count, scratch, &wanted, reterr_error));
    for (uint32_t i = 0; derived != NULL && i < rc_catalog_count(derived); i++) {
        const struct rc_bytes other = rc_catalog_at(derived, i).name;
        const struct rc_derivation *derivation;
        rc_arena_reset(scratch);
        RC_TRY(find_meaning(facts->context, other, scratch, &derivation, reterr_error));
        if (derivation == NULL)
            continue;
        one.size = 0;
        rc_derivation_write(&one, derivation);
        if (!one.failed && is_same(&wanted, &one))
            return take(facts, RC_FACT_PATH, other, part, reterr_error);
    }
    return RC_OK;
}

static enum rc_status
find_parts(struct rc_facts *facts, struct rc_error *reterr_error)
{
    static const struct rc_derive_step fold = {.kind = RC_DERIVE_FOLD_IDS};
    static const struct rc_derive_step path_fold[] = {{.kind = RC_DERIVE_URL, .part = RC_URL_PATH},
                                                      {.kind = RC_DERIVE_FOLD_IDS}};
    static const struct rc_derive_step host = {.kind = RC_DERIVE_URL, .part = RC_URL_HOST};
    const struct rc_bytes path = facts->known[RC_FACT_PATH].name;
    const struct rc_bytes url = facts->known[RC_FACT_URL].name;
    if (path.size > 0) {
        RC_TRY(find_part(facts, path, &fold, 1, &facts->parts[RC_PAGE_FOLDED], reterr_error));
    } else if (url.size > 0) {
        RC_TRY(find_part(facts, url, path_fold, 1, &facts->parts[RC_PAGE_PATH], reterr_error));
        RC_TRY(find_part(facts, url, path_fold, 2, &facts->parts[RC_PAGE_FOLDED], reterr_error));
    }
    if (url.size > 0)
        RC_TRY(find_part(facts, url, &host, 1, &facts->parts[RC_PAGE_HOST], reterr_error));
    return RC_OK;
}

enum rc_status
rc_facts_read(const struct rc_query_context *context,
              const struct rc_event *event,
              const struct rc_bytes names[RC_FACTS],
              struct rc_facts *ret_facts,
              struct rc_error *reterr_error)
{
    struct rc_facts facts = {.context = context, .event = event};
    for (enum rc_fact fact = 0; fact < RC_FACTS; fact++) {
        struct rc_known *known = &facts.known[fact];
        if (names[fact].size > 0)
            RC_TRY(take(&facts, fact, names[fact], known, reterr_error));
        for (uint32_t i = 0; names[fact].size == 0 && known->name.size == 0 && i < NAMES; i++) {
            const struct rc_bytes standard = rc_bytes_of(standard_names[fact][i]);
            if (standard.size > 0)
                RC_TRY(take(&facts, fact, standard, known, reterr_error));
        }
    }
    RC_TRY(find_parts(&facts, reterr_error));
    *ret_facts = facts;
    return RC_OK;
}
