/*
 * Render usage: how users use the product (lifecycle, stickiness, sessions, paths), drawn for a
 * terminal and as tables for other programs.
 *
 * Threading: one thread.
 */
#ifndef RC_CLI_RENDER_RENDER_USAGE_H
#define RC_CLI_RENDER_RENDER_USAGE_H

#include "cli/render/render.h"
#include "recount/v1/lifecycle.pb-c.h"
#include "recount/v1/paths.pb-c.h"
#include "recount/v1/sessions.pb-c.h"
#include "recount/v1/stickiness.pb-c.h"

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

#endif
