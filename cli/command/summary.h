/*
 * Summary: a user or an entity as lists show it: the name, how many events there are, the first and
 * the last, properties. Pages of them are drawn for a terminal or written for other programs.
 *
 * Ownership: a summary borrows the message that it is of.
 * Threading: one thread.
 */
#ifndef RC_CLI_COMMAND_SUMMARY_H
#define RC_CLI_COMMAND_SUMMARY_H

#include "cli/options/options.h"
#include "recount/v1/entity_list.pb-c.h"
#include "recount/v1/user_list.pb-c.h"

struct rc_summary {
    const char *user;                 /* NULL: it is an entity. */
    const Recount__V1__Value *entity; /* NULL: it is a user. */
    uint64_t event_count;
    int64_t first_event_ms; /* Only if there are events, as the next. */
    int64_t last_event_ms;
    size_t property_count;
    Recount__V1__Property *const *properties; /* By name. */
};

/* Of a message of the type that the name says. */
typedef struct rc_summary
rc_summary_of(const void *message);

rc_summary_of rc_summary_of_user;
rc_summary_of rc_summary_of_entity;

/* A page of a reply in the format asked for. */
void
rc_summary_write_users(const struct rc_output_options *output,
                       const Recount__V1__ListUsersResponse *reply);
void
rc_summary_write_entities(const struct rc_output_options *output,
                          const Recount__V1__ListEntitiesResponse *reply);

#endif
