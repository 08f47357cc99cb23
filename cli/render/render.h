/*
 * Render: replies of queries as drawings for a terminal and as tables for other programs.
 *
 * Threading: one thread.
 */
#ifndef RC_CLI_RENDER_RENDER_H
#define RC_CLI_RENDER_RENDER_H

#include "cli/render/csv.h"
#include "cli/render/paint.h"
#include "recount/v1/calendar.pb-c.h"
#include "recount/v1/chart.pb-c.h"
#include "recount/v1/event_list.pb-c.h"
#include "recount/v1/funnel.pb-c.h"
#include "recount/v1/retention.pb-c.h"
#include "recount/v1/series.pb-c.h"

/* Bars, one for each step, for each row; histograms below them; over time a line for each bucket of
 * unit. As CSV, buckets come behind the range, with two columns more in front. */
void
rc_render_funnel(const struct rc_paint *paint,
                 const Recount__V1__FunnelResponse *reply,
                 Recount__V1__TimeUnit unit);
void
rc_render_funnel_csv(FILE *out,
                     const Recount__V1__FunnelResponse *reply,
                     Recount__V1__TimeUnit unit);

/* A shaded triangle for each row. */
void
rc_render_retention(const struct rc_paint *paint,
                    const Recount__V1__RetentionResponse *reply,
                    Recount__V1__TimeUnit unit);
void
rc_render_retention_csv(FILE *out,
                        const Recount__V1__RetentionResponse *reply,
                        Recount__V1__TimeUnit unit);

/* A chart and a table for each series; with columns a table of rows by columns too. Without
 * buckets, one table of figures. */
void
rc_render_series(const struct rc_paint *paint,
                 const Recount__V1__SeriesResponse *reply,
                 Recount__V1__TimeUnit unit);
void
rc_render_series_csv(FILE *out,
                     const Recount__V1__SeriesResponse *reply,
                     Recount__V1__TimeUnit unit);

/* The table of one series with columns. */
void
rc_render_pivot(const struct rc_paint *paint, const Recount__V1__SeriesResult *series);

/* Events, one a line with their properties beneath; times are UTC. */
void
rc_render_events(const struct rc_paint *paint, const Recount__V1__ListEventsResponse *reply);
void
rc_render_events_csv(FILE *out, const Recount__V1__ListEventsResponse *reply, bool with_head);

/* The label of a row, written into text. Returns text. */
const char *
rc_render_label(char text[256], const Recount__V1__RowLabel *label);

/* A bin as an interval, written into text. */
void
rc_render_bin(char *text, size_t size, const Recount__V1__Bin *bin);

/* A value as a person writes it, written into text. Returns text. */
const char *
rc_render_value(char *text, size_t size, const Recount__V1__Value *value);

/* The number at a place of a column; NaN where there is none. NULL columns have none. */
double
rc_render_at(const Recount__V1__NumberColumn *column, size_t place);

/* A bucket's name in its local time, as fine as the unit asks for. Returns text. */
const char *
rc_render_bucket(char text[48], const Recount__V1__Bucket *bucket, Recount__V1__TimeUnit unit);

/* What the query used and cost: one faint line. */
void
rc_render_info(const struct rc_paint *paint, const Recount__V1__QueryInfo *info);

#endif
