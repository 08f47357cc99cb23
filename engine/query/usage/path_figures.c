/*
 * Path figures. An edge has a place for each pair of rows of two levels, which is why nodes are
 * ranked first: a property may have a million values.
 */
#include "engine/query/usage/path_figures.h"

void
rc_path_layout_make(struct rc_path_layout *layout)
{
    uint64_t places = 1; /* The first is for all walks. */
    for (uint32_t i = 0; i < layout->level_count; i++) {
        struct rc_path_layout_level *level = &layout->levels[i];
        const uint32_t next = i + 1 < layout->level_count ? layout->levels[i + 1].rows : 0;
        level->nodes = places;
        level->ends = level->nodes + level->rows;
        level->targets = level->ends + level->rows;
        places = level->targets + (uint64_t)level->rows * next;
    }
    layout->figure_count = places;
}

static inline void
count_in(struct rc_path_figure *figure, uint32_t person)
{
    figure->walks++;
    figure->users += figure->last_person != person + 1;
    figure->last_person = person + 1;
}

void
rc_path_figures_count(const struct rc_path_layout *layout,
                      struct rc_path_figure *figures,
                      uint32_t person,
                      const struct rc_path_walk *walk)
{
    const struct rc_path_layout_level *levels = layout->levels;
    count_in(&figures[0], person);
    uint32_t row = levels[0].ranking.row_of[walk->nodes[0]];
    for (uint32_t level = 0; level < walk->count; level++) {
        count_in(&figures[levels[level].nodes + row], person);
        if (level + 1 == walk->count)
            break;
        const uint32_t next = levels[level + 1].ranking.row_of[walk->nodes[level + 1]];
        const uint64_t edge = (uint64_t)row * levels[level + 1].rows + next;
        count_in(&figures[levels[level].targets + edge], person);
        row = next;
    }
    if (walk->drops_off)
        count_in(&figures[levels[walk->count - 1].ends + row], person);
}

bool
rc_path_layout_counts(const struct rc_path_layout *layout,
                      const struct rc_path_cell *cell,
                      const struct rc_path_walk *walk)
{
    const struct rc_path_layout_level *levels = layout->levels;
    const uint32_t at = cell->level;
    if (cell->part == RC_PATH_WALKS)
        return true;
    if (walk->count <= at || levels[at].ranking.row_of[walk->nodes[at]] != cell->node)
        return false;
    if (cell->part == RC_PATH_DROP_OFF)
        return walk->drops_off && walk->count == at + 1;
    return cell->part == RC_PATH_NODE ||
           (walk->count > at + 1 &&
            levels[at + 1].ranking.row_of[walk->nodes[at + 1]] == cell->target);
}

static enum rc_status
fill_levels(const struct rc_path_layout *layout,
            const struct rc_path_figure *figures,
            struct rc_arena *arena,
            struct rc_path_flow *flow)
{
    struct rc_path_level *levels = RC_ARENA_ARRAY(arena, struct rc_path_level, layout->level_count);
    if (levels == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < layout->level_count; i++) {
        const struct rc_path_layout_level *level = &layout->levels[i];
        struct rc_path_node *nodes = RC_ARENA_ARRAY(arena, struct rc_path_node, level->rows);
        if (nodes == NULL)
            return RC_NO_MEMORY;
        for (uint32_t row = 0; row < level->rows; row++) {
            const bool is_value = row < level->ranking.row_count;
            nodes[row] = (struct rc_path_node){
                .label = {.kind = is_value ? RC_ROW_VALUE : RC_ROW_OTHER,
                          .value = is_value ? level->ranking.values[row] : rc_value_null()},
                .walks = figures[level->nodes + row].walks,
                .users = figures[level->nodes + row].users,
                .drop_off_walks = figures[level->ends + row].walks,
                .drop_off_users = figures[level->ends + row].users};
        }
        levels[i] = (struct rc_path_level){.node_count = level->rows, .nodes = nodes};
    }
    flow->level_count = layout->level_count;
    flow->levels = levels;
    return RC_OK;
}

static enum rc_status
fill_edges(const struct rc_path_layout *layout,
           const struct rc_path_figure *figures,
           struct rc_arena *arena,
           struct rc_path_flow *flow)
{
    uint64_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct rc_path_edge *edges = NULL;
        if (pass == 1) {
            edges = RC_ARENA_ARRAY(arena, struct rc_path_edge, count);
            if (edges == NULL)
                return RC_NO_MEMORY;
            flow->edge_count = count;
            flow->edges = edges;
            count = 0;
        }
        for (uint32_t i = 0; i + 1 < layout->level_count; i++) {
            const uint32_t targets = layout->levels[i + 1].rows;
            for (uint32_t place = 0; place < layout->levels[i].rows * targets; place++) {
                const struct rc_path_figure *figure = &figures[layout->levels[i].targets + place];
                if (figure->walks > 0 && pass == 1)
                    edges[count] = (struct rc_path_edge){.level = i,
                                                         .source = place / targets,
                                                         .target = place % targets,
                                                         .walks = figure->walks,
                                                         .users = figure->users};
                count += figure->walks > 0;
            }
        }
    }
    return RC_OK;
}

enum rc_status
rc_path_figures_flow(const struct rc_path_layout *layout,
                     const struct rc_path_figure *figures,
                     struct rc_arena *arena,
                     struct rc_path_flow *ret_flow)
{
    struct rc_path_flow flow = {.walks = figures[0].walks, .users = figures[0].users};
    RC_TRY(fill_levels(layout, figures, arena, &flow));
    RC_TRY(fill_edges(layout, figures, arena, &flow));
    *ret_flow = flow;
    return RC_OK;
}
