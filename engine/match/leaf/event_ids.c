/*
 * Event ids: numbers and texts apart, each ascending, as most ids are numbers and comparing those
 * costs nothing. A text that looks like the id of an event without one may be that or a text.
 */
#include "engine/match/leaf/event_ids.h"

#include <stdlib.h>

struct rc_event_ids {
    uint32_t number_count;
    uint32_t text_count;
    uint32_t derived_count;
    uint64_t *numbers;
    uint64_t *derived;
    struct rc_bytes *texts;
};

static int
number_order(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int
text_order(const void *a, const void *b)
{
    return rc_bytes_compare(*(const struct rc_bytes *)a, *(const struct rc_bytes *)b);
}

/* Whether a text is the one that stands for an event without an id. */
static bool
is_derived(struct rc_bytes text, uint64_t *ret_number)
{
    char written[24];
    char digits[17] = {0};
    if (text.size != 17 || text.data[0] != '~')
        return false;
    memcpy(digits, text.data + 1, 16);
    const struct rc_event_id id = {.kind = RC_EVENT_ID_DERIVED,
                                   .number = strtoull(digits, NULL, 16)};
    *ret_number = id.number;
    return rc_bytes_equal(rc_event_id_text(&id, written), text);
}

enum rc_status
rc_event_ids_new(const struct rc_leaf *leaf,
                 struct rc_arena *arena,
                 const struct rc_event_ids **ret_ids)
{
    struct rc_event_ids *ids = rc_arena_zero(arena, sizeof(*ids));
    if (ids == NULL)
        return RC_NO_MEMORY;
    ids->numbers = RC_ARENA_ARRAY(arena, uint64_t, leaf->value_count);
    ids->derived = RC_ARENA_ARRAY(arena, uint64_t, leaf->value_count);
    ids->texts = RC_ARENA_ARRAY(arena, struct rc_bytes, leaf->value_count);
    if (ids->numbers == NULL || ids->derived == NULL || ids->texts == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        const struct rc_event_id id = rc_event_id_of_text(leaf->values[i].string);
        if (id.kind == RC_EVENT_ID_INT) {
            ids->numbers[ids->number_count++] = id.number;
            continue;
        }
        ids->texts[ids->text_count++] = id.text;
        ids->derived_count += is_derived(id.text, &ids->derived[ids->derived_count]);
    }
    qsort(ids->numbers, ids->number_count, sizeof(*ids->numbers), number_order);
    qsort(ids->derived, ids->derived_count, sizeof(*ids->derived), number_order);
    qsort(ids->texts, ids->text_count, sizeof(*ids->texts), text_order);
    *ret_ids = ids;
    return RC_OK;
}

static bool
has_number(const uint64_t *numbers, uint32_t count, uint64_t number)
{
    return count > 0 && bsearch(&number, numbers, count, sizeof(*numbers), number_order) != NULL;
}

bool
rc_event_ids_have(const struct rc_event_ids *ids, const struct rc_event_id *id)
{
    if (id->kind == RC_EVENT_ID_INT)
        return has_number(ids->numbers, ids->number_count, id->number);
    if (id->kind == RC_EVENT_ID_DERIVED)
        return has_number(ids->derived, ids->derived_count, id->number);
    return ids->text_count > 0 &&
           bsearch(&id->text, ids->texts, ids->text_count, sizeof(*ids->texts), text_order) != NULL;
}
