/*
 * Render usage: how users use the product (lifecycle, stickiness, sessions, paths, lists of
 * users), drawn for a terminal and as tables for other programs.
 *
 * Threading: one thread.
 */
#ifndef RC_CLI_RENDER_USAGE_H
#define RC_CLI_RENDER_USAGE_H

#include "cli/options.h"
#include "cli/render.h"
#include "recount/v1/entity_list.pb-c.h"
#include "recount/v1/lifecycle.pb-c.h"
#include "recount/v1/paths.pb-c.h"
#include "recount/v1/sessions.pb-c.h"
#include "recount/v1/stickiness.pb-c.h"
#include "recount/v1/user_list.pb-c.h"

/* A line for each bucket: a bar of new, returning and resurrecting users, and the numbers. */
void
rc_render_lifecycle(const struct rc_paint *paint,
                    const Recount__V1__LifecycleResponse *reply,
                    Recount__V1__TimeUnit unit);
void
rc_render_lifecycle_csv(FILE *out,
                        const Recount__V1__LifecycleResponse *reply,
                        Recount__V1__TimeUnit unit);

/* A bar for each number of buckets; with a comparison its numbers beside. */
void
rc_render_stickiness(const struct rc_paint *paint,
                     const Recount__V1__StickinessResponse *reply,
                     Recount__V1__TimeUnit unit);
void
rc_render_stickiness_csv(FILE *out, const Recount__V1__StickinessResponse *reply);

/* A table of figures, and where sessions begin and end. */
void
rc_render_sessions(const struct rc_paint *paint,
                   const Recount__V1__SessionsResponse *reply,
                   Recount__V1__TimeUnit unit);
void
rc_render_sessions_csv(FILE *out,
                       const Recount__V1__SessionsResponse *reply,
                       Recount__V1__TimeUnit unit);

/* The lists of the values with which sessions begin and end. */
void
rc_render_session_ends_csv(FILE *out, const Recount__V1__SessionsResponse *reply);

/* The nodes of each level, and what follows them; for each row of a breakdown, then the total. */
void
rc_render_paths(const struct rc_paint *paint, const Recount__V1__PathsResponse *reply);

/* The edges, with the row where there is a breakdown; drop-off has no target. */
void
rc_render_paths_csv(FILE *out, const Recount__V1__PathsResponse *reply);

/* A line for each user; times are UTC. */
void
rc_render_users(const struct rc_paint *paint, const Recount__V1__ListUsersResponse *reply);
void
rc_render_users_csv(FILE *out, const Recount__V1__ListUsersResponse *reply, bool with_head);

/* A page of entities in the format asked for; a table of other programs begins with its head. */
void
rc_entities_write_page(const struct rc_output_options *output,
                       const Recount__V1__ListEntitiesResponse *reply,
                       bool is_first);

/* Properties as "name=value, ...", cut where text ends. */
const char *
rc_render_properties(char *text,
                     size_t size,
                     Recount__V1__Property *const *properties,
                     size_t count);

/* The cells of somebody's events behind the name: how many, the first and the last ("-", empty in
 * CSV: none), the properties. */
void
rc_table_add_activity(struct rc_table *table,
                      uint64_t events,
                      int64_t first_ms,
                      int64_t last_ms,
                      Recount__V1__Property *const *properties,
                      size_t count);
void
rc_csv_activity(struct rc_csv_writer *csv,
                uint64_t events,
                int64_t first_ms,
                int64_t last_ms,
                Recount__V1__Property *const *properties,
                size_t count);

#endif
