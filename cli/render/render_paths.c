/*
 * Render paths: level by level its nodes with a bar, and beneath each the nodes that follow it,
 * most walks first. What a small terminal cannot show is in --csv and --json.
 */
#include "cli/render/render_usage.h"

#define NAME_WIDTH 40
#define FOLLOWERS_MAX 3u
#define BAR_WIDTH 24

/* What is drawn: of all walks, or of a row of a breakdown. */
struct flow {
    size_t n_levels;
    Recount__V1__PathLevel *const *levels;
    size_t n_edges;
    Recount__V1__PathEdge *const *edges;
    uint64_t walks;
    uint64_t users;
};

static struct flow
total_of(const Recount__V1__PathsResponse *reply)
{
    return (struct flow){.n_levels = reply->n_levels,
                         .levels = reply->levels,
                         .n_edges = reply->n_edges,
                         .edges = reply->edges,
                         .walks = reply->walks,
                         .users = reply->users};
}

static struct flow
flow_of(const Recount__V1__PathsRow *row)
{
    return (struct flow){.n_levels = row->n_levels,
                         .levels = row->levels,
                         .n_edges = row->n_edges,
                         .edges = row->edges,
                         .walks = row->walks,
                         .users = row->users};
}

static double
share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static void
render_name(const struct rc_paint *paint, const char *before, const Recount__V1__PathNode *node)
{
    char label[256];
    fputs(before, paint->out);
    const unsigned begun = rc_paint_text_width(before);
    const unsigned used =
        rc_paint_text(paint, rc_render_label(label, node->label), NAME_WIDTH - begun - 1);
    fprintf(paint->out, "%*s", (int)(NAME_WIDTH - begun - used), "");
}

/* The edge from a source that has most walks, of those that stand behind *last (which has more
 * walks, or as many and an earlier target). NULL: there is none. */
static const Recount__V1__PathEdge *
next_edge(const struct flow *flow, size_t level, size_t source, const Recount__V1__PathEdge *last)
{
    const Recount__V1__PathEdge *best = NULL;
    for (size_t i = 0; i < flow->n_edges; i++) {
        const Recount__V1__PathEdge *edge = flow->edges[i];
        const bool behind = last == NULL || edge->walks < last->walks ||
                            (edge->walks == last->walks && edge->target > last->target);
        if (edge->level == level + 1 && edge->source == source && behind &&
            (best == NULL || edge->walks > best->walks))
            best = edge;
    }
    return best;
}

static void
render_followers(const struct rc_paint *paint, const struct flow *flow, size_t level, size_t source)
{
    const Recount__V1__PathNode *node = flow->levels[level]->nodes[source];
    const Recount__V1__PathEdge *edge = NULL;
    char count[32];
    for (unsigned i = 0; i < FOLLOWERS_MAX; i++) {
        edge = next_edge(flow, level, source, edge);
        if (edge == NULL)
            return;
        rc_paint_begin(paint, RC_INK_FAINT);
        render_name(paint, paint->unicode ? "     \u2192 " : "    -> ",
                    flow->levels[level + 1]->nodes[edge->target]);
        fprintf(paint->out, "%14s%8.1f%%\n", rc_paint_count(count, edge->walks),
                100 * share(edge->walks, node->walks));
        rc_paint_end(paint);
    }
}

static void
render_level(const struct rc_paint *paint, const struct flow *flow, size_t level)
{
    char title[32], walks[32], users[32];
    uint64_t reached = 0;
    for (size_t i = 0; i < flow->levels[level]->n_nodes; i++)
        reached += flow->levels[level]->nodes[i]->walks;
    if (reached == 0)
        return;
    snprintf(title, sizeof(title), "level %zu", level + 1);
    rc_paint_begin(paint, RC_INK_STRONG);
    fprintf(paint->out, "%-*s%14s%14s%10s\n", NAME_WIDTH, title, "walks", "users", "drop off");
    rc_paint_end(paint);
    for (size_t i = 0; i < flow->levels[level]->n_nodes; i++) {
        const Recount__V1__PathNode *node = flow->levels[level]->nodes[i];
        if (node->walks == 0) /* Another row has it. */
            continue;
        render_name(paint, "", node);
        fprintf(paint->out, "%14s%14s%9.1f%%  ", rc_paint_count(walks, node->walks),
                rc_paint_count(users, node->users), 100 * share(node->drop_off_walks, node->walks));
        rc_paint_bar(paint, share(node->walks, flow->walks), BAR_WIDTH);
        fputc('\n', paint->out);
        if (level + 1 < flow->n_levels)
            render_followers(paint, flow, level, i);
    }
}

static void
render_flow(const struct rc_paint *paint, const struct flow *flow)
{
    char walks[32], users[32];
    for (size_t level = 0; level < flow->n_levels; level++)
        render_level(paint, flow, level);
    fprintf(paint->out, "%s walks of %s users\n", rc_paint_count(walks, flow->walks),
            rc_paint_count(users, flow->users));
}

void
rc_render_paths(const struct rc_paint *paint, const Recount__V1__PathsResponse *reply)
{
    const struct flow total = total_of(reply);
    for (size_t i = 0; i < reply->n_rows; i++) {
        const struct flow flow = flow_of(reply->rows[i]);
        char label[256];
        fprintf(paint->out, "%s\n", rc_render_label(label, reply->rows[i]->label));
        render_flow(paint, &flow);
        fputc('\n', paint->out);
    }
    if (reply->n_rows > 0)
        fputs("total\n", paint->out);
    render_flow(paint, &total);
    rc_render_info(paint, reply->info);
}

/* One line. target: NULL where walks end. row: its label; NULL without a breakdown. */
static void
csv_line(struct rc_csv_writer *csv,
         const char *row,
         size_t level,
         const Recount__V1__PathNode *source,
         const Recount__V1__PathNode *target,
         uint64_t walks,
         uint64_t users)
{
    char label[256];
    if (row != NULL)
        rc_csv_text(csv, row);
    rc_csv_count(csv, level);
    rc_csv_text(csv, rc_render_label(label, source->label));
    rc_csv_text(csv, target == NULL ? "" : rc_render_label(label, target->label));
    rc_csv_count(csv, walks);
    rc_csv_count(csv, users);
    rc_csv_end_row(csv);
}

static void
csv_flow(struct rc_csv_writer *csv, const char *row, const struct flow *flow)
{
    for (size_t i = 0; i < flow->n_edges; i++) {
        const Recount__V1__PathEdge *edge = flow->edges[i];
        Recount__V1__PathLevel *const *levels = &flow->levels[edge->level - 1];
        csv_line(csv, row, edge->level, levels[0]->nodes[edge->source],
                 levels[1]->nodes[edge->target], edge->walks, edge->users);
    }
    for (size_t level = 0; level < flow->n_levels; level++) {
        for (size_t i = 0; i < flow->levels[level]->n_nodes; i++) {
            const Recount__V1__PathNode *node = flow->levels[level]->nodes[i];
            if (node->drop_off_walks > 0)
                csv_line(csv, row, level + 1, node, NULL, node->drop_off_walks,
                         node->drop_off_users);
        }
    }
}

void
rc_render_paths_csv(FILE *out, const Recount__V1__PathsResponse *reply)
{
    static const char *const head[] = {"row", "level", "source", "target", "walks", "users", NULL};
    const struct flow total = total_of(reply);
    struct rc_csv_writer csv = {.out = out};
    rc_csv_head(&csv, reply->n_rows > 0 ? head : head + 1);
    for (size_t i = 0; i < reply->n_rows; i++) {
        const struct flow flow = flow_of(reply->rows[i]);
        char label[256];
        csv_flow(&csv, rc_render_label(label, reply->rows[i]->label), &flow);
    }
    csv_flow(&csv, reply->n_rows > 0 ? "total" : NULL, &total);
}
