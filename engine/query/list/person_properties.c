/* Person properties. A derived one takes the place of a stored one of its name, and is computed for
 * each person that is read, from the cells of what it begins with. */
#include "engine/query/list/person_properties.h"

#include <stdlib.h>

#include "engine/match/derived/derived.h"
#include "engine/query/list/event_read.h"

struct opening {
    const struct rc_query_context *context;
    int64_t as_of_ms;
    const struct rc_bytes *names;
    uint32_t name_count;
    struct rc_person_properties *properties;
    struct rc_error *reterr_error;
};

static bool
is_wanted(const struct opening *opening, struct rc_bytes name)
{
    for (uint32_t i = 0; i < opening->name_count; i++)
        if (rc_bytes_equal(opening->names[i], name))
            return true;
    return opening->name_count == 0;
}

static const struct rc_person_property *
find(const struct rc_person_property *list, uint32_t count, struct rc_bytes name)
{
    for (uint32_t i = 0; i < count; i++)
        if (rc_bytes_equal(list[i].name, name))
            return &list[i];
    return NULL;
}

static enum rc_status
open_stored(const struct opening *opening,
            struct rc_bytes name,
            uint32_t property,
            struct rc_person_property *out)
{
    struct rc_view *view = opening->context->view;
    out->name = name;
    out->values = rc_properties_dictionary(rc_view_user_properties(view), property);
    return rc_view_user_cells(view, property, opening->as_of_ms, &out->cells);
}

/* Opens what a derivation begins with, unless that is open. */
static enum rc_status
open_sources(const struct opening *opening, const struct rc_derivation *derivation)
{
    struct rc_person_properties *properties = opening->properties;
    for (uint32_t i = 0; i < derivation->operand_count; i++)
        RC_TRY(open_sources(opening, derivation->operands[i]));
    if (derivation->source != RC_DERIVATION_USER ||
        find(properties->sources, properties->source_count, derivation->property) != NULL)
        return RC_OK;
    const uint32_t property =
        rc_properties_find(rc_view_user_properties(opening->context->view), derivation->property);
    if (property == RC_PROPERTY_NONE)
        return RC_OK;
    return open_stored(opening, derivation->property, property,
                       &properties->sources[properties->source_count++]);
}

/* Adds the derived property of a name, if it is one of users. */
static enum rc_status
add_derived(const struct opening *opening, struct rc_bytes name)
{
    const struct rc_query_context *context = opening->context;
    struct rc_person_properties *properties = opening->properties;
    const struct rc_property_name wanted = {.scope = RC_LEAF_USER, .name = name};
    const struct rc_derivation *derivation;
    if (find(properties->list, properties->count, name) != NULL)
        return RC_OK; /* It is asked for twice. */
    RC_TRY(rc_derived_find(context->derived, &wanted, context->arena,
                           rc_query_uses(context, RC_CATALOG_PROPERTIES), &derivation,
                           opening->reterr_error));
    if (derivation == NULL)
        return RC_OK;
    struct rc_person_property *out = &properties->list[properties->count++];
    out->name = name;
    RC_TRY_OR(opening->reterr_error, open_sources(opening, derivation));
    RC_TRY_OR(opening->reterr_error,
              rc_row_deriver_new(derivation, context->account, context->arena, &out->deriver));
    return RC_OK;
}

static int
compare_names(const void *a, const void *b)
{
    const struct rc_person_property *x = a;
    const struct rc_person_property *y = b;
    return rc_bytes_compare(x->name, y->name);
}

static enum rc_status
open_all(const struct opening *opening)
{
    struct rc_arena *arena = opening->context->arena;
    struct rc_person_properties *properties = opening->properties;
    struct rc_named_property *known;
    uint32_t known_count;
    RC_TRY_OR(opening->reterr_error,
              rc_property_names(rc_view_user_properties(opening->context->view), arena, &known,
                                &known_count));
    properties->list = RC_ARENA_ARRAY(arena, struct rc_person_property,
                                      (size_t)known_count + opening->name_count + 1);
    properties->sources = RC_ARENA_ARRAY(arena, struct rc_person_property, (size_t)known_count + 1);
    if (properties->list == NULL || properties->sources == NULL)
        return rc_error_set(opening->reterr_error, RC_NO_MEMORY, "no memory for properties");
    for (uint32_t i = 0; i < opening->name_count; i++)
        RC_TRY(add_derived(opening, opening->names[i]));
    const uint32_t derived_count = properties->count;
    for (uint32_t i = 0; i < known_count; i++)
        if (is_wanted(opening, known[i].name) &&
            find(properties->list, derived_count, known[i].name) == NULL)
            RC_TRY_OR(opening->reterr_error, open_stored(opening, known[i].name, known[i].property,
                                                         &properties->list[properties->count++]));
    qsort(properties->list, properties->count, sizeof(*properties->list), compare_names);
    return RC_OK;
}

enum rc_status
rc_person_properties_open(const struct rc_query_context *context,
                          int64_t as_of_ms,
                          const struct rc_bytes *names,
                          uint32_t name_count,
                          struct rc_person_properties *ret_properties,
                          struct rc_error *reterr_error)
{
    struct rc_person_properties properties = {0};
    const struct opening opening = {.context = context,
                                    .as_of_ms = as_of_ms,
                                    .names = names,
                                    .name_count = name_count,
                                    .properties = &properties,
                                    .reterr_error = reterr_error};
    const enum rc_status status = open_all(&opening);
    if (status == RC_OK)
        *ret_properties = properties;
    else
        rc_person_properties_close(&properties);
    return status;
}

void
rc_person_properties_close(struct rc_person_properties *properties)
{
    for (uint32_t i = 0; i < properties->count; i++)
        properties->list[i].deriver = rc_row_deriver_free(properties->list[i].deriver);
}

/* A person, of whom something is derived. */
struct of_person {
    const struct rc_person_properties *properties;
    uint32_t person;
};

static enum rc_status
source_value(const void *context,
             const struct rc_derivation *source,
             struct rc_arena *arena,
             struct rc_value *ret_value)
{
    const struct of_person *of = context;
    const struct rc_person_property *stored =
        find(of->properties->sources, of->properties->source_count, source->property);
    if (stored != NULL && stored->cells[of->person] != RC_CELL_NULL)
        return rc_cell_value(stored->values, stored->cells[of->person], arena, ret_value);
    *ret_value = rc_value_null();
    return RC_OK;
}

static enum rc_status
read_one(const struct rc_person_properties *properties,
         const struct rc_person_property *one,
         uint32_t person,
         struct rc_arena *arena,
         struct rc_value *ret_value)
{
    struct rc_value value = rc_value_null();
    const struct of_person of = {.properties = properties, .person = person};
    if (one->deriver != NULL)
        return rc_row_derive(one->deriver, source_value, &of, arena, ret_value);
    if (one->cells[person] != RC_CELL_NULL)
        RC_TRY(rc_cell_value(one->values, one->cells[person], arena, &value));
    return rc_value_copy(arena, value, ret_value);
}

enum rc_status
rc_person_properties_read(const struct rc_person_properties *properties,
                          uint32_t person,
                          struct rc_arena *arena,
                          const struct rc_event_property **ret_list,
                          uint32_t *ret_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < properties->count; i++)
        count += properties->list[i].deriver != NULL ||
                 properties->list[i].cells[person] != RC_CELL_NULL;
    struct rc_event_property *list = RC_ARENA_ARRAY(arena, struct rc_event_property, count);
    if (list == NULL)
        return RC_NO_MEMORY;
    count = 0;
    for (uint32_t i = 0; i < properties->count; i++) {
        struct rc_value value;
        RC_TRY(read_one(properties, &properties->list[i], person, arena, &value));
        if (value.kind != RC_VALUE_NULL)
            list[count++] =
                (struct rc_event_property){.name = properties->list[i].name, .value = value};
    }
    *ret_list = list;
    *ret_count = count;
    return RC_OK;
}
