/* Arrays only ever grow: after the first few rows a record is read without an allocation. */
#include "loaders/field.h"

#include "engine/base/alloc.h"

bool
rc_record_init(struct rc_record *record)
{
    *record = (struct rc_record){.arena = rc_arena_new(NULL, 0)};
    return record->arena != NULL;
}

void
rc_record_close(struct rc_record *record)
{
    rc_alloc_free(record->fields);
    rc_alloc_free(record->elements);
    rc_arena_free(record->arena);
    *record = (struct rc_record){0};
}

bool
rc_record_grow(struct rc_record *record)
{
    return RC_GROW(record->fields, record->field_capacity, record->field_count + 1) == RC_OK;
}
