#include "engine/query/list/person_properties.h"

#include "engine/query/list/event_read.h"

static bool
is_wanted(const struct rc_bytes *names, uint32_t name_count, struct rc_bytes name)
{
    for (uint32_t i = 0; i < name_count; i++)
        if (rc_bytes_equal(names[i], name))
            return true;
    return name_count == 0;
}

enum rc_status
rc_person_properties_open(const struct rc_query_context *context,
                          int64_t as_of_ms,
                          const struct rc_bytes *names,
                          uint32_t name_count,
                          struct rc_person_properties *ret_properties)
{
    struct rc_view *view = context->view;
    const struct rc_properties *properties = rc_view_user_properties(view);
    struct rc_named_property *known;
    uint32_t known_count;
    RC_TRY(rc_property_names(properties, context->arena, &known, &known_count));
    struct rc_person_property *list =
        RC_ARENA_ARRAY(context->arena, struct rc_person_property, known_count);
    uint32_t count = 0;
    if (list == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < known_count; i++) {
        if (!is_wanted(names, name_count, known[i].name))
            continue;
        struct rc_person_property *one = &list[count++];
        one->name = known[i].name;
        one->values = rc_properties_dictionary(properties, known[i].property);
        RC_TRY(rc_view_user_cells(view, known[i].property, as_of_ms, &one->cells));
    }
    *ret_properties = (struct rc_person_properties){.count = count, .list = list};
    return RC_OK;
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
        count += properties->list[i].cells[person] != RC_CELL_NULL;
    struct rc_event_property *list = RC_ARENA_ARRAY(arena, struct rc_event_property, count);
    if (list == NULL)
        return RC_NO_MEMORY;
    count = 0;
    for (uint32_t i = 0; i < properties->count; i++) {
        const struct rc_person_property *one = &properties->list[i];
        struct rc_value value;
        if (one->cells[person] == RC_CELL_NULL)
            continue;
        list[count].name = one->name;
        RC_TRY(rc_cell_value(one->values, one->cells[person], arena, &value));
        RC_TRY(rc_value_copy(arena, value, &list[count++].value));
    }
    *ret_list = list;
    *ret_count = count;
    return RC_OK;
}
