/* Too slow. */
#include "engine/query/too_slow.h"

#include <stdarg.h>
#include <stdio.h>

enum rc_status
rc_too_slow_at(struct rc_error *error, enum rc_status status, const char *field_format, ...)
{
    char field[RC_ERROR_FIELD_BYTES];
    if (status != RC_TOO_SLOW || error == NULL ||
        (error->status == RC_TOO_SLOW && error->field[0] != '\0'))
        return status;
    va_list arguments;
    va_start(arguments, field_format);
    (void)vsnprintf(field, sizeof(field), field_format, arguments);
    va_end(arguments);
    return rc_error_field(error, status, field, "%s", rc_status_sentence(status));
}

enum rc_status
rc_too_slow_note(const struct rc_query_context *context, enum rc_status status, const char *field)
{
    struct rc_slow_place *slow = context->slow;
    if (status == RC_TOO_SLOW && slow != NULL && !atomic_exchange(&slow->taken, true))
        (void)snprintf(slow->field, sizeof(slow->field), "%s", field);
    return status;
}

enum rc_status
rc_too_slow_noted(const struct rc_query_context *context,
                  enum rc_status status,
                  struct rc_error *error)
{
    const struct rc_slow_place *slow = context->slow;
    return slow == NULL || !atomic_load(&slow->taken)
               ? status
               : rc_too_slow_at(error, status, "%s", slow->field);
}
