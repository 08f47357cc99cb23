/* Shown id: a person of one id is shown under it, whatever the pattern. */
#include "engine/query/list/shown_id.h"

#include "engine/match/leaf/pattern.h"

enum rc_status
rc_shown_id(const struct rc_query_context *context, uint32_t person, struct rc_bytes *ret_id)
{
    const struct rc_persons *persons = rc_view_persons(context->view);
    const uint32_t index = persons == NULL ? UINT32_MAX : rc_persons_joined_index(persons, person);
    *ret_id = rc_view_user_id(context->view, person);
    if (index == UINT32_MAX)
        return RC_OK;
    uint32_t count = 0;
    const uint32_t *members = rc_persons_joined(persons, index, &count);
    bool preferred = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_bytes id = rc_view_user_id(context->view, members[i]);
        bool fits = false;
        if (context->shown_ids != NULL)
            RC_TRY(rc_pattern_search(context->shown_ids, id.data, id.size, &fits));
        if (fits == preferred ? rc_bytes_compare(id, *ret_id) < 0 : fits) {
            *ret_id = id;
            preferred = fits;
        }
    }
    return RC_OK;
}
