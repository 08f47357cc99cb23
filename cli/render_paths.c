/*
 * Render paths: level by level its nodes with a bar, and beneath each the nodes that follow it,
 * most walks first. What a small terminal cannot show is in --csv and --json.
 */
#include "cli/render_usage.h"

#define NAME_WIDTH 40
#define FOLLOWERS_MAX 3u
#define BAR_WIDTH 24

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
next_edge(const Recount__V1__PathsResponse *reply,
          size_t level,
          size_t source,
          const Recount__V1__PathEdge *last)
{
    const Recount__V1__PathEdge *best = NULL;
    for (size_t i = 0; i < reply->n_edges; i++) {
        const Recount__V1__PathEdge *edge = reply->edges[i];
        const bool behind = last == NULL || edge->walks < last->walks ||
                            (edge->walks == last->walks && edge->target > last->target);
        if (edge->level == level + 1 && edge->source == source && behind &&
            (best == NULL || edge->walks > best->walks))
            best = edge;
    }
    return best;
}

static void
render_followers(const struct rc_paint *paint,
                 const Recount__V1__PathsResponse *reply,
                 size_t level,
                 size_t source)
{
    const Recount__V1__PathNode *node = reply->levels[level]->nodes[source];
    const Recount__V1__PathEdge *edge = NULL;
    char count[32];
    for (unsigned i = 0; i < FOLLOWERS_MAX; i++) {
        edge = next_edge(reply, level, source, edge);
        if (edge == NULL)
            return;
        rc_paint_begin(paint, RC_INK_FAINT);
        render_name(paint, paint->unicode ? "     \u2192 " : "    -> ",
                    reply->levels[level + 1]->nodes[edge->target]);
        fprintf(paint->out, "%14s%8.1f%%\n", rc_paint_count(count, edge->walks),
                100 * share(edge->walks, node->walks));
        rc_paint_end(paint);
    }
}

static void
render_level(const struct rc_paint *paint, const Recount__V1__PathsResponse *reply, size_t level)
{
    char title[32], walks[32], users[32];
    snprintf(title, sizeof(title), "level %zu", level + 1);
    rc_paint_begin(paint, RC_INK_STRONG);
    fprintf(paint->out, "%-*s%14s%14s%10s\n", NAME_WIDTH, title, "walks", "users", "drop off");
    rc_paint_end(paint);
    for (size_t i = 0; i < reply->levels[level]->n_nodes; i++) {
        const Recount__V1__PathNode *node = reply->levels[level]->nodes[i];
        render_name(paint, "", node);
        fprintf(paint->out, "%14s%14s%9.1f%%  ", rc_paint_count(walks, node->walks),
                rc_paint_count(users, node->users), 100 * share(node->drop_off_walks, node->walks));
        rc_paint_bar(paint, share(node->walks, reply->walks), BAR_WIDTH);
        fputc('\n', paint->out);
        if (level + 1 < reply->n_levels)
            render_followers(paint, reply, level, i);
    }
}

void
rc_render_paths(const struct rc_paint *paint, const Recount__V1__PathsResponse *reply)
{
    char walks[32], users[32];
    for (size_t level = 0; level < reply->n_levels; level++)
        render_level(paint, reply, level);
    fprintf(paint->out, "%s walks of %s users\n", rc_paint_count(walks, reply->walks),
            rc_paint_count(users, reply->users));
    rc_render_info(paint, reply->info);
}

void
rc_render_paths_csv(FILE *out, const Recount__V1__PathsResponse *reply)
{
    static const char *const head[] = {"level", "source", "target", "walks", "users", NULL};
    struct rc_csv_writer csv = {.out = out};
    char label[256];
    rc_csv_head(&csv, head);
    for (size_t i = 0; i < reply->n_edges; i++) {
        const Recount__V1__PathEdge *edge = reply->edges[i];
        const Recount__V1__PathLevel *const *levels =
            (const Recount__V1__PathLevel *const *)&reply->levels[edge->level - 1];
        rc_csv_count(&csv, edge->level);
        rc_csv_text(&csv, rc_render_label(label, levels[0]->nodes[edge->source]->label));
        rc_csv_text(&csv, rc_render_label(label, levels[1]->nodes[edge->target]->label));
        rc_csv_count(&csv, edge->walks);
        rc_csv_count(&csv, edge->users);
        rc_csv_end_row(&csv);
    }
    /* What ends has no target. */
    for (size_t level = 0; level < reply->n_levels; level++) {
        for (size_t i = 0; i < reply->levels[level]->n_nodes; i++) {
            const Recount__V1__PathNode *node = reply->levels[level]->nodes[i];
            if (node->drop_off_walks == 0)
                continue;
            rc_csv_count(&csv, level + 1);
            rc_csv_text(&csv, rc_render_label(label, node->label));
            rc_csv_text(&csv, "");
            rc_csv_count(&csv, node->drop_off_walks);
            rc_csv_count(&csv, node->drop_off_users);
            rc_csv_end_row(&csv);
        }
    }
}
